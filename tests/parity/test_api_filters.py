"""Which runs `Api().runs(path, filters, order)` finds, as users of W&B write it."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

import localart
from localart.errors import CommError

pytestmark = pytest.mark.usefixtures("three")


@pytest.fixture
def three() -> None:
    """Three finished runs: a (lr 0.1, acc 0.5), b (lr 0.01, acc 0.9), c (no lr, failed)."""
    with localart.init(
        project="demo", id="a", name="calm-fox-1", job_type="train", group="g1", tags=["x", "base line"],
        config={"lr": 0.1, "opt": {"name": "adam"}, "layers": [64, 32], "big": 2**70},
    ) as run:  # fmt: skip
        run.log({"acc": 0.5, "nested": {"deep": 1}})
    with localart.init(
        project="demo", id="b", name="calm-owl-2", job_type="train", tags=["x"],
        config={"lr": 0.01, "opt": {"name": "sgd"}, "layers": [64], "lr.x": 3},
    ) as run:  # fmt: skip
        run.log({"acc": 0.9, "train/loss": 2})
    with (
        pytest.raises(ZeroDivisionError),
        localart.init(project="demo", id="c", name="storm", job_type="evaluate", notes="n"),
    ):
        _ = 1 // 0


def found(filters: Any = None, order: str = "+created_at") -> str:
    return "".join(run.id for run in localart.Api().runs("demo", filters=filters, order=order))


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, "abc"),
        ({"config.lr": 0.1}, "a"),
        ({"config.lr.value": 0.1}, "a"),
        ({"config.opt.name": "sgd"}, "b"),
        ({"config.opt.value.name": "sgd"}, "b"),
        ({"config.opt": {"name": "adam"}}, "a"),
        ({"config.lr.x": 3}, "b"),
        ({"config.layers": 32}, "a"),
        ({"config.layers": [64]}, "b"),
        ({"config.lr": {"$lt": 0.05}}, "b"),
        ({"config.lr": {"$gte": 0.01, "$lte": 0.1}}, "ab"),
        ({"config.lr": {"$exists": False}}, "c"),
        ({"config.lr": None}, "c"),
        ({"config.lr": {"$ne": 0.1}}, "bc"),
        ({"config.lr": {"$nin": [0.1, 0.01]}}, "c"),
        ({"config.lr": {"$not": {"$gt": 0.05}}}, "bc"),
        ({"config.lr": {"$gt": "0"}}, ""),
        ({"config.big": {"$gt": 1e20}}, "a"),
        ({"summary_metrics.acc": {"$gt": 0.6}}, "b"),
        ({"summary.acc": 0.5}, "a"),
        ({"summaryMetrics.nested.deep": 1}, "a"),
        ({"summary_metrics.train/loss": 2}, "b"),
        ({"jobType": "train"}, "ab"),
        ({"job_type": {"$in": ["evaluate"]}}, "c"),
        ({"group": "g1"}, "a"),
        ({"group": None}, "bc"),
        ({"tags": "x"}, "ab"),
        ({"tags": {"$in": ["base line", "other"]}}, "a"),
        ({"tags": {"$nin": ["x"]}}, "c"),
        ({"tags": ["x", "base line"]}, "a"),
        ({"tags": []}, "c"),
        ({"tags": {"$regex": "^base"}}, "a"),
        ({"state": "failed"}, "c"),
        ({"state": {"$ne": "failed"}}, "ab"),
        ({"name": "b"}, "b"),
        ({"displayName": "calm-owl-2"}, "b"),
        ({"display_name": {"$regex": "^calm-.*[0-9]$"}}, "ab"),
        ({"notes": {"$exists": True}}, "c"),
        ({"createdAt": {"$gt": "2020-01-01"}}, "abc"),
        ({"created_at": {"$lt": "2020-01-01T00:00:00Z"}}, ""),
        ({"heartbeat_at": {"$gt": datetime(2020, 1, 1, tzinfo=UTC)}}, "abc"),
        ({"duration": {"$lt": 3600}}, "abc"),
        ({"sweep": None}, "abc"),
        ({"$or": [{"state": "failed"}, {"config.lr": 0.1}]}, "ac"),
        ({"$and": [{"jobType": "train"}, {"tags": "base line"}]}, "a"),
        ({"$nor": [{"jobType": "train"}]}, "c"),
        ({"$not": {"jobType": "train"}}, "c"),
        ({"jobType": "train", "config.lr": 0.01}, "b"),
    ],
)
def test_a_filter_finds_the_runs_it_means(filters: dict[str, Any], ids: str) -> None:
    assert found(filters) == ids
    assert len(localart.Api().runs("demo", filters=filters)) == len(ids)


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("+created_at", "abc"),
        ("created_at", "abc"),
        ("-created_at", "cba"),
        ("-heartbeat_at", "cba"),
        ("+config.lr", "bac"),
        ("-config.lr.value", "abc"),
        ("-summary_metrics.acc", "bac"),
        ("+display_name", None),
        ("", "abc"),
    ],
)
def test_runs_come_in_the_order_asked_for_and_those_without_the_value_last(
    order: str, ids: str | None
) -> None:
    assert found(order=order) == ids if ids else sorted(found(order=order)) == ["a", "b", "c"]


def test_a_running_run_is_found_by_what_it_logged_last() -> None:
    with localart.init(project="demo", id="d") as run:
        run.log({"acc": 0.1, "word": "early", "b": {"c": 1}})
        run.log({"acc": 0.95, "word": "late"})

        assert found({"summary_metrics.acc": {"$gt": 0.92}}) == "d"
        assert found({"summary_metrics.word": "late", "state": "running"}) == "d"
        assert found({"summary_metrics.b.c": 1}) == "d"
        assert found(order="-summary_metrics.acc") == "dbac"


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ([], "must be a dict"),
        ({"$xor": []}, r"no operator '\$xor'"),
        ({"config.lr": {"$near": 1}}, r"no operator '\$near'"),
        ({"config.lr": {"$gt": 1, "plain": 2}}, "no operator 'plain'"),
        ({"$and": {}}, "takes a list"),
        ({"$or": []}, "takes a list"),
        ({"$or": ["x"]}, "must be a dict"),
        ({"lr": 1}, "no field 'lr'"),
        ({1: 1}, "must be a str"),
        ({"config.lr": {"$in": 1}}, "takes a list of values"),
        ({"config.lr": {"$gt": None}}, "neither a number nor a text"),
        ({"config.lr": {"$gt": True}}, "neither a number nor a text"),
        ({"config.lr": {"$regex": 1}}, "takes a pattern"),
        ({"config.lr": {"$regex": "("}}, "no regular expression"),
        ({"config.lr": {"$exists": "yes"}}, "True or False"),
        ({"config.lr": {"$not": 1}}, "takes operators"),
        ({"config.lr": float("nan")}, "NaN"),
        ({"config.lr": object()}, "type object"),
        ({"config.lr": "\ud800"}, "cannot be stored"),
        ({"config.\ud800": 1}, "no field"),
        ({"createdAt": {"$gt": "yesterday"}}, "'yesterday' is no time"),
        ({"createdAt": {"$gt": 5}}, "'5' is no time"),
        ({"config." + "a." * 40: 1}, "deeper than"),
        ({"$or": [{"config.a": number} for number in range(500)]}, "400 clauses"),
    ],
)
def test_a_filter_that_makes_no_sense_says_so(filters: Any, message: str) -> None:
    with pytest.raises(CommError, match=message) as raised:
        localart.Api().runs("demo", filters=filters)

    assert isinstance(raised.value, ValueError)


def test_a_filter_that_is_nested_without_end_is_refused() -> None:
    filters: dict[str, Any] = {"state": "failed"}
    for _ in range(50):
        filters = {"$and": [filters]}

    with pytest.raises(CommError, match="levels deep"):
        localart.Api().runs("demo", filters=filters)


@pytest.mark.parametrize("order", ["+", "-nothing", 5, "+$x"])
def test_an_order_that_makes_no_sense_says_so(order: Any) -> None:
    with pytest.raises(CommError):
        localart.Api().runs("demo", order=order)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(a*)*", r"(a)\1", "(?=a)a", "(?:a{1,99}){1,99}", "a*" * 12, "x" * 2000]
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(CommError, match=r"for ever|too long"):
        localart.Api().runs("demo", filters={"name": {"$regex": pattern}})


@pytest.mark.parametrize("pattern", ["a*a*a*a*a*b", ".*a.*a.*c", "(foo|bar)+x", "a{3}", "[a-z]+-[0-9]+$"])
def test_a_pattern_that_backtracks_sees_only_so_much(pattern: str) -> None:
    with localart.init(project="demo", id="d", config={"text": "a" * 100_000}):
        pass
    began = time.perf_counter()

    found({"config.text": {"$regex": pattern}})

    assert time.perf_counter() - began < 10


def test_keys_and_values_that_look_like_sql_are_only_keys_and_values() -> None:
    key, value = "a'; DROP TABLE runs; /*", "' OR 1=1 /*"
    with localart.init(project="demo", id="d", config={key: value, 'q"\\': {"\n": 1}}):
        pass

    assert found({f"config.{key}": value}) == "d"
    assert found({'config.q"\\.\n': 1}) == "d"
    assert found({"config.a": value}) == ""
    assert found(order=f"-config.{key}") == "dcba"
    assert found() == "abcd"


def test_hundreds_of_clauses_are_answered() -> None:
    few = [{"config.lr": {"$gt": number}} for number in range(1, 190)]

    assert found({"$or": [*few, {"name": "b"}]}) == "b"
    assert found({"name": {"$in": [f"x{number}" for number in range(3000)] + ["c"]}}) == "c"
