"""W&B's filters (MongoDB's query language) of collections and registries, told from a few facts of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from localart.catalog.bounded_regex import BoundedRegex
from localart.errors import InvalidRequest
from localart.names import shown

Facts = Mapping[str, Any]

_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, wanted: value == wanted,
    "$ne": lambda value, wanted: value != wanted,
    "$gt": lambda value, wanted: value is not None and value > wanted,
    "$gte": lambda value, wanted: value is not None and value >= wanted,
    "$lt": lambda value, wanted: value is not None and value < wanted,
    "$lte": lambda value, wanted: value is not None and value <= wanted,
    "$in": lambda value, wanted: value in wanted,
    "$nin": lambda value, wanted: value not in wanted,
    "$exists": lambda value, wanted: (value is not None) == bool(wanted),
    "$regex": lambda value, wanted: isinstance(value, str) and BoundedRegex(wanted).found_in(value),
}


def matches(facts: Facts, wanted: Mapping[str, Any] | None) -> bool:
    """Whether `facts` pass the filter; a list passes when one of its members does. InvalidRequest for nonsense."""
    return all(_passes(facts, key, condition) for key, condition in (wanted or {}).items())


def _passes(facts: Facts, key: str, condition: Any) -> bool:
    match key:
        case "$and":
            return all(matches(facts, one) for one in _several(key, condition))
        case "$or":
            return any(matches(facts, one) for one in _several(key, condition))
        case "$nor":
            return not any(matches(facts, one) for one in _several(key, condition))
    head, *deeper = key.split(".")
    if head not in facts or (deeper and not isinstance(facts[head], Mapping)):
        raise InvalidRequest(
            f"There is nothing called {shown(key)} to filter by", hint=f"use {', '.join(facts)}"
        )
    tests = condition if isinstance(condition, Mapping) else {"$eq": condition}
    value = _inside(facts[head], deeper)
    return all(_holds(value, operator, operand) for operator, operand in tests.items())


def _inside(value: Any, keys: Sequence[str]) -> Any:
    """`metadata.train.accuracy` of what is nested; None where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _several(key: str, condition: Any) -> Iterable[Mapping[str, Any]]:
    if not isinstance(condition, Sequence) or not all(isinstance(one, Mapping) for one in condition):
        raise InvalidRequest(f"{key} takes a list of filters")
    return condition


def _holds(value: Any, operator: str, operand: Any) -> bool:
    test = _COMPARED.get(operator)
    if test is None:
        raise InvalidRequest(f"{shown(operator)} is no comparison", hint=f"use {', '.join(_COMPARED)}")
    try:
        if isinstance(value, list) and operator != "$exists":
            found = [test(one, operand) for one in value]
            return all(found) if operator in {"$ne", "$nin"} else any(found)
        return test(value, operand)
    except TypeError as error:
        raise InvalidRequest(f"{operator} cannot compare with {shown(str(operand))}") from error


def ordered(found: Sequence[tuple[Facts, Any]], order: str | None) -> list[Any]:
    """The things by one of their facts (`+name`, `-created_at`); as they stand without an order."""
    if not order:
        return [one for _, one in found]
    key = order.lstrip("+-")
    if any(key not in facts for facts, _ in found):
        raise InvalidRequest(f"These cannot be ordered by {shown(order)}", hint="for example '-created_at'")
    by_key = sorted(found, key=lambda pair: _rank(pair[0][key]), reverse=order.startswith("-"))
    return [one for _, one in by_key]


def _rank(value: Any) -> tuple[bool, Any]:
    """What is not known comes first."""
    return (value is not None, 0 if value is None else value)
