"""Which runs a filter lets pass, in an order: counted and picked by row id, a bounded slice at a time."""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from localart.catalog.counts import count_owned, one_state
from localart.catalog.run_fields import find_field
from localart.catalog.run_filters import RunFilter, compile_filter
from localart.catalog.seals import damaged
from localart.errors import InvalidRequest
from localart.names import shown
from localart.records import dataclass

DEFAULT_ORDER = "+created_at"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Runs of a project (None: of all) that pass a filter, in an order. Made by `plan_runs`."""

    project: int | None
    filter: RunFilter
    order: str
    values: dict[str, Any]


def plan_runs(project: int | None, filters: object, order: str | None) -> RunQuery:
    """Understand filters and order, or raise InvalidRequest; nothing is asked of the catalog yet."""
    compiled = compile_filter(filters)
    values: dict[str, Any] = dict(compiled.values)

    def bind(value: Any) -> str:
        name = f"o{len(values)}"
        values[name] = value
        return f":{name}"

    return RunQuery(
        project=project, filter=compiled, order=_order(order or DEFAULT_ORDER, bind), values=values
    )


def _order(order: object, bind: Callable[[Any], str]) -> str:
    if not isinstance(order, str) or not order.strip("+-"):
        raise InvalidRequest(
            f"Runs cannot be ordered by {shown(str(order))}",
            hint="for example '+created_at' or '-summary_metrics.accuracy'",
        )
    direction = "DESC" if order.startswith("-") else "ASC"
    field = find_field(order[1:] if order[0] in "+-" else order, bind)
    if field.is_indexed:
        return f"{field.value} {direction}, r.id {direction}"
    # Runs without the value come last, whichever way.
    return f"{field.value} IS NULL, {field.value} {direction}, r.id {direction}"


def count_matching(connection: sqlite3.Connection, query: RunQuery) -> int:
    """How many runs there are. CatalogDamaged when a run of the project is missing."""
    sql = f"SELECT count(*) FROM {_source(query)}"
    with one_state(connection):
        total = count_owned(connection, "ran", query.project)
        count: int = _ask(connection, query, lambda: connection.execute(sql, _bound(query)).fetchone()[0])
    if query.filter.condition == compile_filter(None).condition and count != total:
        raise damaged("one of the runs")
    return count


def matching_keys(connection: sqlite3.Connection, query: RunQuery, *, offset: int, limit: int) -> list[int]:
    """Row ids of at most `limit` runs from the `offset`th on; a negative limit is all that are left."""
    sql = f"SELECT r.id FROM {_source(query)} ORDER BY {query.order} LIMIT :limit OFFSET :offset"
    bound = {**_bound(query), "limit": limit, "offset": offset}
    rows = _ask(connection, query, lambda: connection.execute(sql, bound).fetchall())
    return [key for (key,) in rows]


def _source(query: RunQuery) -> str:
    where = f"WHERE {query.filter.condition}"
    if query.project is not None:
        where += " AND r.project = :project"
    return f"runs r JOIN projects p ON p.id = r.project {where}"


def _bound(query: RunQuery) -> dict[str, Any]:
    return {**query.values, "project": query.project}


def _ask(connection: sqlite3.Connection, query: RunQuery, ask: Callable[[], T]) -> T:
    query.filter.register(connection)
    answer = ask()
    query.filter.refuse_exhausted()
    return answer
