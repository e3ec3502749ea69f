"""Filters and orders of collections and registries: W&B's words, and an error for what makes no sense."""

from typing import Any

import pytest

from localart.api.matching import matches, ordered
from localart.errors import CommError

FACTS = {"name": "churn-model", "type": "model", "description": None, "tag": ["checked", "eu"], "size": 10}


@pytest.mark.parametrize(
    "wanted",
    [
        None, {}, {"name": "churn-model"}, {"name": {"$eq": "churn-model"}, "type": {"$ne": "dataset"}},
        {"name": {"$regex": "^churn"}}, {"name": {"$in": ["a", "churn-model"]}}, {"name": {"$nin": ["a"]}},
        {"description": None}, {"description": {"$exists": False}}, {"name": {"$exists": True}},
        {"size": {"$gt": 9, "$lte": 10}}, {"size": {"$gte": 10, "$lt": 11}},
        {"tag": "eu"}, {"tag": {"$in": ["eu"]}}, {"tag": {"$ne": "us"}}, {"tag": {"$exists": True}},
        {"$and": [{"type": "model"}, {"size": 10}]}, {"$or": [{"type": "x"}, {"size": 10}]}, {"$nor": [{"type": "x"}]},
    ],
    ids=str,
)  # fmt: skip
def test_it_passes(wanted: Any) -> None:
    assert matches(FACTS, wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "churn"}, {"name": {"$regex": "^model"}}, {"description": {"$regex": "x"}}, {"tag": "us"},
        {"tag": {"$ne": "eu"}}, {"tag": {"$nin": ["eu"]}}, {"description": {"$gt": 1}}, {"size": {"$gt": 10}},
        {"$and": [{"type": "model"}, {"size": 9}]}, {"$or": []}, {"$nor": [{"type": "model"}]},
    ],
    ids=str,
)  # fmt: skip
def test_it_does_not_pass(wanted: Any) -> None:
    assert not matches(FACTS, wanted)


@pytest.mark.parametrize(
    "wanted",
    [{"colour": 1}, {"name": {"$like": "x"}}, {"$and": {"name": "x"}}, {"$or": ["x"]}, {"size": {"$gt": "x"}},
     {"name": {"$regex": "("}}, {"name": {"$in": 5}}],
    ids=str,
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wanted: Any) -> None:
    with pytest.raises(CommError):
        matches(FACTS, wanted)


def test_an_order_is_a_fact_and_a_direction() -> None:
    pairs = [({"name": name, "size": size}, name) for name, size in (("b", 2), ("a", 10), ("c", None))]

    assert ordered(pairs, None) == ["b", "a", "c"]
    assert ordered(pairs, "name") == ordered(pairs, "+name") == ["a", "b", "c"]
    assert ordered(pairs, "-name") == ["c", "b", "a"]
    assert ordered(pairs, "+size") == ["c", "b", "a"]
    with pytest.raises(CommError):
        ordered(pairs, "colour")
