"""W&B's filters of runs (MongoDB's query language) as SQL.

As in MongoDB: a comparison only ever matches a value of the operand's own kind (numbers, texts, true and false,
null), one with an array matches when any of its elements does, and what is missing equals null. Everything users
give is bound. What cannot be understood is InvalidRequest (a CommError and a ValueError), never an empty answer.
"""

import math
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, cast

from localart.catalog.bounded_regex import BoundedRegex
from localart.catalog.run_fields import Field, find_field
from localart.errors import InvalidRequest, LocalartError
from localart.jsonable import dump_values, normalise_value
from localart.names import is_storable, shown
from localart.records import dataclass

MOST_CLAUSES = 400
MOST_DEPTH = 20
NUMBERS = "('integer', 'real')"

_JOINED = {"$and": " AND ", "$or": " OR ", "$nor": " OR "}
_COMPARED = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}

Test = Callable[[str, str], str]
"""Given SQL for a type and a value, SQL for whether they pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """A compiled filter: a condition over `runs r JOIN projects p`, what is bound in it, and its patterns."""

    condition: str
    values: Mapping[str, Any]
    regexes: Mapping[str, BoundedRegex]

    def register(self, connection: sqlite3.Connection) -> None:
        """Let `connection` evaluate the condition."""
        for name, regex in self.regexes.items():
            regex.register(connection, name)

    def refuse_exhausted(self) -> None:
        """InvalidRequest when a pattern took so long that the answer is not whole."""
        for regex in self.regexes.values():
            regex.refuse_exhausted()


def compile_filter(filters: object) -> RunFilter:
    """The filter that `filters` says; None or {} lets every run pass."""
    compiler = _Compiler()
    condition = compiler.document(filters if filters is not None else {}, depth=0)
    return RunFilter(condition=condition, values=compiler.values, regexes=compiler.regexes)


class _Compiler:
    """Gathers what is bound while it walks a filter."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.regexes: dict[str, BoundedRegex] = {}
        self._clauses = 0

    def bind(self, value: Any) -> str:
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            value = float(value)
        name = f"f{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    # --- documents -----------------------------------------------------------------------------------

    def document(self, given: object, *, depth: int) -> str:
        """All keys of one document."""
        if not isinstance(given, Mapping):
            raise InvalidRequest(
                f"A filter must be a dict, not {type(given).__name__}",
                hint='for example {"state": "finished"}',
            )
        if depth > MOST_DEPTH:
            raise InvalidRequest(f"A filter may be {MOST_DEPTH} levels deep", hint="flatten it")
        return _all_of([self._clause(key, value, depth) for key, value in given.items()])

    def _clause(self, key: object, value: object, depth: int) -> str:
        self._clauses += 1
        if self._clauses > MOST_CLAUSES:
            raise InvalidRequest(f"A filter may have {MOST_CLAUSES} clauses", hint="use $in for many values")
        if not isinstance(key, str):
            raise InvalidRequest(f"A filter's key must be a str, not {type(key).__name__}")
        if key in _JOINED:
            return self._joined(key, value, depth)
        if key == "$not":
            return f"NOT {self.document(value, depth=depth + 1)}"
        if key.startswith("$"):
            raise _unknown(key)
        return self._field(key, value)

    def _joined(self, key: str, given: object, depth: int) -> str:
        if not isinstance(given, list | tuple) or not given:
            raise InvalidRequest(
                f"{key} takes a list of filters", hint=f'for example {{"{key}": [{{…}}, {{…}}]}}'
            )
        parts = [self.document(one, depth=depth + 1) for one in given]
        joined = f"({_JOINED[key].join(parts)})"
        return f"NOT {joined}" if key == "$nor" else joined

    # --- fields --------------------------------------------------------------------------------------

    def _field(self, name: str, given: object) -> str:
        field = find_field(name, self.bind)
        if not isinstance(given, Mapping) or not any(str(key).startswith("$") for key in given):
            return self._equal(field, given)
        return _all_of([self._operator(field, str(key), value) for key, value in given.items()])

    def _operator(self, field: Field, key: str, given: object) -> str:
        self._clauses += 1
        match key:
            case "$eq":
                return self._equal(field, given)
            case "$ne":
                return f"NOT {self._equal(field, given)}"
            case "$in":
                return self._in(field, given, key)
            case "$nin":
                return f"NOT {self._in(field, given, key)}"
            case "$not":
                return self._not(field, given)
            case "$exists":
                return self._exists(field, given)
            case "$regex":
                return self._regex(field, given)
            case "$gt" | "$gte" | "$lt" | "$lte":
                return self._compared(field, _COMPARED[key], given)
            case _:
                raise _unknown(key)

    def _not(self, field: Field, given: object) -> str:
        if not isinstance(given, Mapping) or not given:
            raise InvalidRequest("$not takes operators", hint='for example {"$not": {"$gt": 1}}')
        return f"NOT {_all_of([self._operator(field, str(key), value) for key, value in given.items()])}"

    def _exists(self, field: Field, given: object) -> str:
        if not isinstance(given, bool | int):
            raise InvalidRequest("$exists takes True or False")
        return f"({field.type} IS {'NOT ' if given else ''}NULL)"

    def _equal(self, field: Field, given: object) -> str:
        operand = field.prepare(_plain(given))
        if operand is None:
            is_null = _any(field, lambda kind, _: f"{kind} = 'null'")
            return f"({field.type} IS NULL OR {is_null})"
        return _any(field, self._equality(operand))

    def _equality(self, operand: Any) -> Test:
        if isinstance(operand, bool):
            return lambda kind, _: f"{kind} = '{str(operand).lower()}'"
        if isinstance(operand, dict | list):
            text = self.bind(dump_values(operand).decode())
            return lambda kind, value: f"{kind} IN ('array', 'object') AND {value} = {text}"
        bound = self.bind(operand)
        return lambda kind, value: f"{_same_kind(kind, operand)} AND {value} = {bound}"

    def _in(self, field: Field, given: object, key: str) -> str:
        if not isinstance(given, list | tuple | set | frozenset):
            raise InvalidRequest(f"{key} takes a list of values", hint=f'for example {{"{key}": [1, 2]}}')
        operands = [field.prepare(_plain(one)) for one in given]
        texts = [one for one in operands if isinstance(one, str)]
        numbers = [one for one in operands if isinstance(one, int | float) and not isinstance(one, bool)]
        tests = [_any(field, self._membership(some)) for some in (texts, numbers) if some]
        tests += [
            self._equal(field, one) for one in operands if one is None or isinstance(one, bool | dict | list)
        ]
        return f"({' OR '.join(tests)})" if tests else "(0)"

    def _membership(self, some: list[Any]) -> Test:
        bound = ", ".join(self.bind(one) for one in some)
        return lambda kind, value: f"{_same_kind(kind, some[0])} AND {value} IN ({bound})"

    def _compared(self, field: Field, sign: str, given: object) -> str:
        operand = field.prepare(_plain(given))
        if isinstance(operand, bool) or not isinstance(operand, int | float | str):
            raise InvalidRequest(
                f"{shown(str(given))} is neither a number nor a text, so nothing is {sign} than it",
                hint="compare with a number, a text or a time",
            )
        bound = self.bind(operand)
        return _any(field, lambda kind, value: f"{_same_kind(kind, operand)} AND {value} {sign} {bound}")

    def _regex(self, field: Field, given: object) -> str:
        if not isinstance(given, str):
            raise InvalidRequest("$regex takes a pattern as text", hint='for example {"$regex": "^base"}')
        name = f"localart_regex_{len(self.regexes)}"
        self.regexes[name] = BoundedRegex(given)
        return _any(field, lambda kind, value: f"{kind} = 'text' AND {name}({value})")


def _unknown(operator: str) -> InvalidRequest:
    return InvalidRequest(
        f"Filters have no operator {shown(operator)}",
        hint="$and $or $nor $not $eq $ne $gt $gte $lt $lte $in $nin $exists $regex",
    )


def _all_of(parts: list[str]) -> str:
    return f"({' AND '.join(parts)})" if parts else "(1)"


def _any(field: Field, test: Test) -> str:
    """Whether the value passes, or any element of an array does. Never NULL, so that NOT can be put before it."""
    whole = test("'array'", field.value)
    return (
        f"coalesce(CASE {field.type} WHEN 'array' THEN ({whole}) OR EXISTS"
        f" (SELECT 1 FROM json_each({field.value}) e WHERE {test('e.type', 'e.atom')})"
        f" ELSE {test(field.type, field.value)} END, 0)"
    )


def _same_kind(kind: str, operand: object) -> str:
    return f"{kind} = 'text'" if isinstance(operand, str) else f"{kind} IN {NUMBERS}"


def _plain(given: object) -> Any:
    """What users compare with, as plain JSON; InvalidRequest for what no run could hold."""
    if isinstance(given, float) and math.isnan(given):
        raise InvalidRequest("Nothing equals NaN", hint='{"$exists": True} finds what was logged at all')
    if isinstance(given, str) and not is_storable(given):
        raise InvalidRequest(
            f"{shown(given)} cannot be stored, so no run has it", hint="leave out surrogates"
        )
    try:
        return cast(Any, normalise_value(given, "filter"))
    except TypeError as error:
        raise InvalidRequest(str(error), hint="compare with numbers, texts, lists or times") from error
    except LocalartError as error:
        raise InvalidRequest(error.message, hint=error.hint) from error
