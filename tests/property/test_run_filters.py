"""Filters of runs, against MongoDB's rules written down once more in Python."""

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localart.catalog import projects, runs
from localart.catalog.run_listing import count_matching, matching_keys, plan_runs
from localart.jsonable import dump_values, same_value
from localart.repository import Repository, open_repository

MISSING = object()
SCALARS = [None, True, False, 0, 1, -3, 2.5, 0.1 + 0.2, 1e300, "", "a", "abc", "1", "Ä", "x'y", math.inf]
VALUES = [*SCALARS, [], [1, 2], ["a", None], [True, [1]], {}, {"b": 1}, {"b": {"c": "a"}}, {"b": [1, "a"]}]
KEYS = [
    "a",
    "b",
    "a.b",
    'q"q',
    "back\\slash",
    "",
    "a/b",
    "'); DROP TABLE runs; --",
    "$a",
    "tab\tkey",
    "k.value",
    "Ä",
]
PATHS = [*KEYS, "a.b.c", "a.value", "a.b.value", 'q"q.b', ".b", "none", "a.none", "back\\slash.b.c"]


def configs() -> list[dict[str, Any]]:
    """Every value under several keys, so that each kind of look-up meets each kind of value."""
    found: list[dict[str, Any]] = [{}]
    for number, value in enumerate(VALUES):
        found.append({KEYS[number % len(KEYS)]: value, "a": value})
        found.append(
            {"a": {"b": value}, 'q"q': {"b": value}, "": {"b": value}, "back\\slash": {"b": {"c": value}}}
        )
        found.append({"a.b": value, "b": VALUES[-number]})
    return found


class Shown(dict[int, dict[str, Any]]):
    """Too long to be printed with every failure."""

    def __repr__(self) -> str:
        return f"{len(self)} configs"


Filled = tuple[Repository, Shown]


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Filled]:
    root = tmp_path_factory.mktemp("filters") / "store"
    repository = open_repository(root)
    known = Shown()
    with repository.write() as tx:
        project = projects.ensure_project(tx, "p")
        for number, config in enumerate(configs()):
            key = runs.insert_run(
                tx, project, run_id=f"r{number}", uid=repository.new_uid(), name=f"run {number}"
            )
            runs.update_run(tx, key, {"config": dump_values(config).decode()}, journal=False)
            known[key] = config
    yield repository, known
    repository.close()


# --- the rules ----------------------------------------------------------------------------------------------


def look_up(config: dict[str, Any], key: str) -> Any:
    parts = key.split(".")
    readings = [parts]
    if len(parts) > 1:
        readings.append([key])
        if parts[1] == "value":
            readings.append([parts[0], *parts[2:]])
        elif parts[-1] == "value":
            readings.append([".".join(parts[:-1])])
    for reading in readings:
        value: Any = config
        for part in reading:
            value = value.get(part, MISSING) if isinstance(value, dict) else MISSING
        if value is not MISSING:
            return value
    return MISSING


def kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    return "number" if isinstance(value, int | float) else type(value).__name__


def equal(value: Any, operand: Any) -> bool:
    if value is MISSING:
        return operand is None
    if kind(value) == kind(operand) and (
        value == operand if kind(value) == "number" else same_value(value, operand)
    ):
        return True
    return isinstance(value, list) and any(
        kind(one) == kind(operand) and one == operand and not isinstance(one, list | dict) for one in value
    )


def compared(value: Any, operand: Any, test: Any) -> bool:
    each = value if isinstance(value, list) else [value]
    return any(kind(one) == kind(operand) and test(one, operand) for one in each if one is not MISSING)


def searched(value: Any, pattern: str) -> bool:
    each = value if isinstance(value, list) else [value]
    return any(isinstance(one, str) and re.search(pattern, one) is not None for one in each)


OPERATORS: dict[str, Any] = {
    "$eq": equal,
    "$ne": lambda value, operand: not equal(value, operand),
    "$gt": lambda value, operand: compared(value, operand, lambda a, b: a > b),
    "$gte": lambda value, operand: compared(value, operand, lambda a, b: a >= b),
    "$lt": lambda value, operand: compared(value, operand, lambda a, b: a < b),
    "$lte": lambda value, operand: compared(value, operand, lambda a, b: a <= b),
    "$in": lambda value, operand: any(equal(value, one) for one in operand),
    "$nin": lambda value, operand: not any(equal(value, one) for one in operand),
    "$exists": lambda value, operand: (value is not MISSING) == operand,
    "$regex": searched,
    "$not": lambda value, operand: not all(OPERATORS[key](value, one) for key, one in operand.items()),
}


def passes(config: dict[str, Any], document: dict[str, Any]) -> bool:
    return all(passes_clause(config, key, value) for key, value in document.items())


def passes_clause(config: dict[str, Any], key: str, given_value: Any) -> bool:
    if key == "$and":
        return all(passes(config, one) for one in given_value)
    if key == "$or":
        return any(passes(config, one) for one in given_value)
    if key == "$nor":
        return not any(passes(config, one) for one in given_value)
    value = look_up(config, key.removeprefix("config."))
    if isinstance(given_value, dict) and any(str(name).startswith("$") for name in given_value):
        return all(OPERATORS[name](value, one) for name, one in given_value.items())
    return equal(value, given_value)


# --- the filters --------------------------------------------------------------------------------------------

numbers_and_texts = st.sampled_from([one for one in SCALARS if kind(one) in {"number", "str"}])
operators = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne"]), st.sampled_from(VALUES)),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), numbers_and_texts),
    st.tuples(st.sampled_from(["$in", "$nin"]), st.lists(st.sampled_from(VALUES), max_size=4)),
    st.tuples(st.just("$exists"), st.booleans()),
    st.tuples(st.just("$regex"), st.sampled_from(["a", "^a", "b.$", "^$", "[0-9]+", "Ä", "x'"])),
)
tests = st.lists(operators, min_size=1, max_size=2).map(dict)
clauses = st.tuples(
    st.sampled_from(PATHS).map("config.{}".format),
    st.one_of(tests, tests.map(lambda one: {"$not": one}), st.sampled_from(VALUES)),
)
documents = st.recursive(
    st.lists(clauses, max_size=2).map(dict),
    lambda inner: st.tuples(
        st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, min_size=1, max_size=3)
    ).map(lambda pair: {pair[0]: pair[1]}),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents)
def test_a_filter_passes_the_runs_that_mongodb_would(filled: Filled, document: dict[str, Any]) -> None:
    repository, known = filled
    query = plan_runs(None, document, None)

    found = matching_keys(repository.read(), query, offset=0, limit=-1)

    assert set(found) == {key for key, config in known.items() if passes(config, document)}
    assert count_matching(repository.read(), query) == len(found)
