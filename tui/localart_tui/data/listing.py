"""A typed filter as the catalog's conditions, and the ids of the rows that meet it."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from localart.catalog.conditions import Condition, ListQuery
from localart_tui.filtering import Filter, Searcher, Term, Test

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Ids = Callable[..., Sequence[int]]
    Texts = Callable[[sqlite3.Connection, ListQuery], Iterator[tuple[int, str]]]

HEAD_ROWS = 200


def conditions(chosen: Filter) -> tuple[Condition, ...]:
    """What of the filter the catalog can decide: all but patterns."""
    return tuple(_condition(term) for term in chosen.terms if term.test is not Test.PATTERN)


def _condition(term: Term) -> Condition:
    if term.test is Test.WORD:
        return Condition(field="text", test="has", value=term.text, negated=term.negated)
    test = "has" if term.test is Test.HAS else term.test.value
    value = term.text if term.number is None or test == "has" else term.number
    return Condition(field=term.field, test=test, value=value, negated=term.negated)


def matching_ids(
    connection: sqlite3.Connection, query: ListQuery, chosen: Filter, *, ids: Ids, texts: Texts
) -> array[int]:
    """The row ids that meet the query and the filter, in order; UsageError for a pattern that takes too long."""
    patterns = [(Searcher(term.text), term.negated) for term in chosen.terms if term.test is Test.PATTERN]
    if not patterns:
        return array("q", ids(connection, query))
    return array("q", _searched(texts(connection, query), patterns))


def _searched(rows: Iterable[tuple[int, str]], patterns: Sequence[tuple[Searcher, bool]]) -> Iterator[int]:
    for row_id, text in rows:
        if all(search(text) is not negated for search, negated in patterns):
            yield row_id
