"""Versions as a browser lists them: the ids of those asked for, in order, and a short row for each that is seen.

Nothing here writes.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localart.catalog.aliases import aliases_of
from localart.catalog.artifacts import refuse_gaps, refuse_loss
from localart.catalog.browsing_rows import FETCH, PROSE, few_names, ids_of, rows_by_id
from localart.catalog.conditions import Fields, ListQuery, add_conditions, order_sql
from localart.catalog.counts import one_state, refuse_rows_lost
from localart.catalog.edges import edges_at_versions
from localart.catalog.seals import Sealed, damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """A version. The run is the one that made it; its fields are "" when there is none."""

    id: int
    project: str
    artifact: str
    type: str
    number: int
    aliases: tuple[str, ...]
    size_bytes: int
    file_count: int
    created_at: str
    description: str
    state: str
    run_id: str
    run_name: str
    run_state: str


_ONE_VERSION = Sealed(v="versions", a="artifacts", p="projects")

_ONE_RUN = Sealed(r="runs", p="projects")

_FROM_VERSIONS = (
    "FROM versions v JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project"
    " JOIN manifests m ON m.id = v.manifest"
)

_MADE_BY = "FROM edges e JOIN runs r ON r.id = e.run WHERE e.version = v.id AND e.direction = 'output' AND e.made = 1"

_VERSION_ALIASES = "FROM aliases WHERE version = v.id AND artifact = v.artifact"

_VERSION_LINES = f"""
SELECT v.id, p.name, a.name, a.type, v.number, v.artifact,
  m.size, m.file_count, v.created_at, substr(coalesce(v.description, ''), 1, {PROSE}), v.state,
  {_ONE_VERSION.columns}
{_FROM_VERSIONS.replace("JOIN", "LEFT JOIN")}
"""

_VERSION_FIELDS: Mapping[str, str] = {
    "text": "'v' || v.number || ' ' || coalesce(v.description, '') || ' ' || "
    f"coalesce((SELECT group_concat(name, ' ') {_VERSION_ALIASES}), '') || ' ' || "
    f"coalesce((SELECT r.name || ' ' || r.run_id {_MADE_BY}), '')",
    "number": "v.number",
    "size": "m.size",
    "files": "m.file_count",
    "created": "v.created_at",
    "name": "a.name",
    "type": "a.type",
    "state": "v.state",
    "description": "coalesce(v.description, '')",
    "run": f"coalesce((SELECT r.name || ' ' || r.run_id {_MADE_BY}), '')",
    "job": f"coalesce((SELECT r.job_type {_MADE_BY}), '')",
    "digest": "lower(hex(m.digest))",
}

_VERSION_MEMBERS: Mapping[str, str] = {
    "alias": f"SELECT 1 {_VERSION_ALIASES} AND name",
    "tag": "SELECT 1 FROM version_tags WHERE version = v.id AND name",
}

_VERSION_JSON: Mapping[str, str] = {"metadata": "v.metadata"}

_VERSION_ORDERS: Mapping[str, str] = {
    "": "v.id",
    "number": "v.number",
    "created": "v.created_at",
    "size": "m.size",
    "files": "m.file_count",
    "name": "a.name",
    "run": f"(SELECT r.name {_MADE_BY})",
}

VERSION_FIELDS = frozenset({*_VERSION_FIELDS, *_VERSION_MEMBERS, "metadata."} - {"text"})


def version_ids(connection: sqlite3.Connection, query: ListQuery, *, limit: int = -1) -> list[int]:
    """The row ids of all committed versions asked for, in order; at most `limit` when it is not negative."""
    where, values = _version_where(query)
    sql = f"SELECT v.id {_version_tables(query)} WHERE {where} ORDER BY {order_sql(query, _VERSION_ORDERS, 'v.id')}"
    with one_state(connection):
        if query.artifact is None:
            refuse_loss(connection)
        else:
            refuse_gaps(connection, query.artifact)
        found = ids_of(connection, f"{sql} LIMIT ?", (*values, limit))
        total = -1 if query.conditions or query.linked else _count(connection, query)
    if total >= 0 and len(found) != (total if limit < 0 else min(total, limit)):
        raise damaged("one of the versions")
    return found


def _count(connection: sqlite3.Connection, query: ListQuery) -> int:
    """How many committed versions there are, by indexes alone: what a damaged row says of itself does not count."""
    which, of = "", {"artifact": query.artifact, "project": query.project}
    if query.artifact is not None:
        which += " AND artifact = :artifact"
    if query.project is not None:
        which += " AND artifact IN (SELECT id FROM artifacts WHERE project = :project)"
    count: int = connection.execute(
        f"SELECT (SELECT count(*) FROM versions WHERE 1{which})"
        f" - (SELECT count(*) FROM versions WHERE state = 'DELETED'{which})",
        of,
    ).fetchone()[0]
    return count


def iter_version_texts(connection: sqlite3.Connection, query: ListQuery) -> Iterator[tuple[int, str]]:
    """As `version_ids`, each with all that is written in its row. Streams."""
    where, values = _version_where(query)
    order = order_sql(query, _VERSION_ORDERS, "v.id")
    cursor = connection.execute(
        f"SELECT v.id, {_VERSION_FIELDS['text']} {_FROM_VERSIONS} WHERE {where} ORDER BY {order}", values
    )
    while rows := cursor.fetchmany(FETCH):
        yield from rows


def _version_tables(query: ListQuery) -> str:
    """Only the tables the query looks at: the plain list of one artifact is then one index range."""
    plain = query.order in {"", "number", "created"} and not query.conditions and query.project is None
    return "FROM versions v" if plain else _FROM_VERSIONS


def _version_where(query: ListQuery) -> tuple[str, list[Any]]:
    parts, values = ["v.state = 'COMMITTED'"], list[Any]()
    if query.artifact is not None:
        linked = "v.id IN (SELECT version FROM links WHERE artifact = ? AND removed_at IS NULL)"
        parts.append(linked if query.linked else "v.artifact = ?")
        values.append(query.artifact)
    if query.project is not None:
        parts.append("a.project = ?")
        values.append(query.project)
    add_conditions(query, Fields(_VERSION_FIELDS, _VERSION_MEMBERS, _VERSION_JSON), parts, values)
    return " AND ".join(parts), values


def version_lines(connection: sqlite3.Connection, ids: Sequence[int]) -> list[VersionLine | None]:
    """The versions with these row ids, in this order; None for one that is gone."""
    rows = rows_by_id(connection, f"{_VERSION_LINES} WHERE v.id IN", ids, _ONE_VERSION)
    if len(rows) < len(set(ids)):
        refuse_rows_lost(connection, "versions")
    if any(row[1] is None for row in rows.values()):
        raise damaged("what a version belongs to")
    names = aliases_of(connection, ids)
    made_by = {
        one.version_id: one.run_key for one in edges_at_versions(connection, ids, "output") if one.is_made
    }
    makers = rows_by_id(connection, f"{_MAKERS} WHERE r.id IN", list(set(made_by.values())), _ONE_RUN)
    if len(makers) < len(set(made_by.values())):
        refuse_rows_lost(connection, "runs")
    return [
        _version_line(rows[row_id], names.get(row_id, ()), makers.get(made_by.get(row_id, 0), _NOBODY))
        if row_id in rows
        else None
        for row_id in ids
    ]


_MAKERS = f"SELECT r.id, r.run_id, r.name, r.state, {_ONE_RUN.columns} FROM runs r JOIN projects p ON p.id = r.project"

_NOBODY = (0, "", "", "")


def _version_line(
    row: tuple[Any, ...], names: Sequence[tuple[int, str]], maker: tuple[Any, ...]
) -> VersionLine:
    return VersionLine(
        id=row[0],
        project=row[1],
        artifact=row[2],
        type=row[3],
        number=row[4],
        aliases=few_names(names, row[5]),
        size_bytes=row[6],
        file_count=row[7],
        created_at=row[8],
        description=row[9],
        state=row[10],
        run_id=maker[1],
        run_name=maker[2],
        run_state=maker[3],
    )


def version_sizes(connection: sqlite3.Connection, artifact: int, *, limit: int) -> list[int]:
    """The sizes of the artifact's last `limit` versions, oldest first."""
    rows = connection.execute(
        "SELECT m.size FROM versions v JOIN manifests m ON m.id = v.manifest"
        " WHERE v.artifact = ? AND v.state = 'COMMITTED' ORDER BY v.number DESC LIMIT ?",
        (artifact, limit),
    ).fetchall()
    return [size for (size,) in reversed(rows)]


def neighbour_numbers(
    connection: sqlite3.Connection, artifact: int, number: int
) -> tuple[int | None, int | None]:
    """The committed version before and after number `number` of the artifact; None at an end."""
    sql = "SELECT {}(number) FROM versions WHERE state = 'COMMITTED' AND artifact = ? AND number {} ?"
    before, after = (
        connection.execute(sql.format(pick, side), (artifact, number)).fetchone()[0]
        for pick, side in (("max", "<"), ("min", ">"))
    )
    return before, after
