"""Metadata, config or summary as rows: one a value, by its path."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from localart_tui.filtering import Facts, Filter, tester

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_ROWS = 50_000
_LONGEST = 4_000
FIELDS = frozenset({"key", "value", "kind"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """A value at its path (`a.b.2`); `text` is how it reads, `kind` what it is in JSON."""

    path: str
    text: str
    kind: str
    value: str | float | None


def flatten(values: Mapping[str, Any]) -> list[ValueRow]:
    """Every value below `values`, in the order they stand; at most 50,000. Deep ones do not recurse."""
    return list(islice(_walk(values), MOST_ROWS))


def _walk(values: Mapping[str, Any]) -> Iterator[ValueRow]:
    waiting: list[tuple[str, Any]] = [("", values)]
    while waiting:
        path, value = waiting.pop()
        inside = _inside(value)
        if inside:
            waiting += [(f"{path}.{key}" if path else str(key), one) for key, one in reversed(inside)]
        elif path:
            yield _row(path, value)


def _inside(value: Any) -> list[tuple[Any, Any]]:
    """The members of an object, the items of a list that is not just numbers and texts."""
    if isinstance(value, dict) or (hasattr(value, "items") and value):
        return list(value.items())
    if isinstance(value, (list, tuple)) and any(isinstance(one, (dict, list)) for one in value):
        return list(enumerate(value))
    return []


def _row(path: str, value: Any) -> ValueRow:
    match value:
        case bool() | None:
            return ValueRow(
                path=path, text=json.dumps(value), kind="bool" if value is not None else "null", value=None
            )
        case int() | float():
            number = float(value) if abs(value) < 1e300 else None
            return ValueRow(path=path, text=_number(value), kind="number", value=number)
        case str():
            return ValueRow(path=path, text=value[:_LONGEST], kind="text", value=value[:_LONGEST])
        case _:
            text = json.dumps(value, ensure_ascii=False, default=str)[:_LONGEST]
            return ValueRow(
                path=path, text=text, kind="list" if isinstance(value, list) else "object", value=text
            )


def _number(value: float) -> str:
    if isinstance(value, float):
        return repr(value)
    return f"{value}" if abs(value) < 10**30 else f"{str(value)[:30]}…"


def chosen_rows(rows: Sequence[ValueRow], chosen: Filter) -> Sequence[ValueRow]:
    """Those that meet the filter: words look at path and value; a path's own name works as a field (`acc>0.9`)."""
    if not chosen:
        return rows
    meets = tester(chosen)
    return [row for row in rows if meets(_facts(row))]


def _facts(row: ValueRow) -> Facts:
    return Facts(
        name=row.path,
        text=f"{row.path} {row.text}",
        values={"key": row.path, "value": row.text if row.value is None else row.value, "kind": row.kind},
    )
