"""Runs as a browser lists them: the ids of those asked for, in order, and a short row for each that is seen.

Nothing here writes. What the page of one run shows besides is in `run_browsing`.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localart.catalog.browsing_rows import FETCH, PROSE, ids_of, rows_by_id
from localart.catalog.conditions import Fields, ListQuery, add_conditions, json_order_sql, order_sql
from localart.catalog.counts import count_all, count_owned, one_state, refuse_rows_lost
from localart.catalog.seals import Sealed, damaged

_FEW_TAGS = 12

_LONGEST_JSON = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run, with how many versions it used and made. `config` and `summary` are JSON; "{}" where it is huge."""

    id: int
    uid: str
    run_id: str
    project: str
    name: str
    job_type: str
    group: str
    state: str
    created_at: str
    finished_at: str | None
    input_count: int
    output_count: int
    tags: tuple[str, ...]
    notes: str
    config: str
    summary: str


_ONE_RUN = Sealed(r="runs", p="projects")


def _names(joined: str | None) -> tuple[str, ...]:
    return tuple(joined.split("\n")) if joined else ()


_FROM_RUNS = "FROM runs r JOIN projects p ON p.id = r.project"

_RUN_LINES = f"""
SELECT r.id, r.uid, r.run_id, p.name, r.name, r.job_type, r.group_name, r.state, r.created_at, r.finished_at,
  (SELECT group_concat(name, char(10)) FROM (
    SELECT name FROM run_tags WHERE run = r.id ORDER BY name LIMIT {_FEW_TAGS})),
  substr(coalesce(r.notes, ''), 1, {PROSE}),
  iif(length(r.config) > {_LONGEST_JSON}, '{{}}', r.config),
  iif(length(r.summary) > {_LONGEST_JSON}, '{{}}', r.summary), {_ONE_RUN.columns}
{_FROM_RUNS.replace("JOIN", "LEFT JOIN")}
"""

_RUN_FIELDS: Mapping[str, str] = {
    "text": "r.name || ' ' || r.run_id || ' ' || coalesce(r.job_type, '') || ' ' || coalesce(r.group_name, '')"
    " || ' ' || r.state || ' ' || coalesce(r.notes, '')",
    "name": "r.name",
    "id": "r.run_id",
    "job": "coalesce(r.job_type, '')",
    "group": "coalesce(r.group_name, '')",
    "state": "r.state",
    "notes": "coalesce(r.notes, '')",
    "created": "r.created_at",
    "inputs": "(SELECT count(*) FROM edges WHERE run = r.id AND direction = 'input')",
    "outputs": "(SELECT count(*) FROM edges WHERE run = r.id AND direction = 'output')",
    "seconds": "(julianday(coalesce(r.finished_at, 'now')) - julianday(r.created_at)) * 86400.0",
}

_RUN_MEMBERS: Mapping[str, str] = {"tag": "SELECT 1 FROM run_tags WHERE run = r.id AND name"}

_RUN_JSON: Mapping[str, str] = {"config": "r.config", "summary": "r.summary"}

_LAST_NUMBER = (
    "(SELECT m.value FROM metrics m WHERE m.run = r.id AND m.metric = (SELECT id FROM metric_names WHERE name = ?)"
    " ORDER BY m.step DESC LIMIT 1)"
)

_RUN = Fields(_RUN_FIELDS, _RUN_MEMBERS, _RUN_JSON, elsewhere={"summary": _LAST_NUMBER})

_RUN_ORDERS: Mapping[str, str] = {
    "": "r.id",
    "created": "r.created_at",
    "name": "r.name",
    "job": "r.job_type",
    "group": "r.group_name",
    "state": "r.state",
    "seconds": _RUN_FIELDS["seconds"],
    "inputs": _RUN_FIELDS["inputs"],
    "outputs": _RUN_FIELDS["outputs"],
}

RUN_FIELDS = frozenset({*_RUN_FIELDS, *_RUN_MEMBERS, "config.", "summary."} - {"text"})


def run_ids(connection: sqlite3.Connection, query: ListQuery, *, limit: int = -1) -> list[int]:
    """The row ids of all runs asked for, in order; at most `limit` when it is not negative.

    Orders also by `config.…` and `summary.…`, runs without the value last; what a running run logged last
    counts as its summary.
    """
    where, values = _run_where(query)
    order, bound = _run_order(query)
    sql = f"SELECT r.id {_FROM_RUNS} WHERE {where} ORDER BY {order} LIMIT ?"
    with one_state(connection):
        total = count_owned(connection, "ran", query.project)
        found = ids_of(connection, sql, (*values, *bound, limit))
    if not query.conditions and len(found) != (total if limit < 0 else min(total, limit)):
        raise damaged("one of the runs")
    return found


def iter_run_texts(connection: sqlite3.Connection, query: ListQuery) -> Iterator[tuple[int, str]]:
    """As `run_ids`, each with all that is written in its row. Streams."""
    where, values = _run_where(query)
    order, bound = _run_order(query)
    sql = f"SELECT r.id, {_RUN_FIELDS['text']} {_FROM_RUNS} WHERE {where} ORDER BY {order}"
    cursor = connection.execute(sql, (*values, *bound))
    while rows := cursor.fetchmany(FETCH):
        yield from rows


def _run_order(query: ListQuery) -> tuple[str, list[Any]]:
    return json_order_sql(query, _RUN, "r.id") or (order_sql(query, _RUN_ORDERS, "r.id"), [])


def _run_where(query: ListQuery) -> tuple[str, list[Any]]:
    parts, values = ["1"], list[Any]()
    if query.project is not None:
        parts.append("r.project = ?")
        values.append(query.project)
    add_conditions(query, _RUN, parts, values)
    return " AND ".join(parts), values


def run_lines(connection: sqlite3.Connection, ids: Sequence[int]) -> list[RunLine | None]:
    """The runs with these row ids, in this order; None for one that is gone."""
    rows = rows_by_id(connection, f"{_RUN_LINES} WHERE r.id IN", ids, _ONE_RUN)
    if len(rows) < len(set(ids)):
        refuse_rows_lost(connection, "runs")
    if any(row[3] is None for row in rows.values()):
        raise damaged("the project of a run")
    inputs, outputs = (count_all(connection, f"run {direction}", rows) for direction in ("input", "output"))
    return [
        _run_line(rows[row_id], inputs[row_id], outputs[row_id]) if row_id in rows else None for row_id in ids
    ]


def _run_line(row: tuple[Any, ...], input_count: int, output_count: int) -> RunLine:
    return RunLine(
        id=row[0],
        uid=row[1],
        run_id=row[2],
        project=row[3],
        name=row[4],
        job_type=row[5] or "",
        group=row[6] or "",
        state=row[7],
        created_at=row[8],
        finished_at=row[9],
        input_count=input_count,
        output_count=output_count,
        tags=_names(row[10]),
        notes=row[11],
        config=row[12],
        summary=row[13],
    )
