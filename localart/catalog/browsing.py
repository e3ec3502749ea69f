"""Lists as a browser needs them: the ids of a whole list in one go, and short rows for the few that are seen.

A list of 100,000 versions is 35 ms of ids; a screen of it is 1 ms by primary key. Rows are narrow on purpose (no
metadata, no config); their seals are compared like those of any row.
Nothing here writes.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from localart.catalog.aliases import aliases_of
from localart.catalog.artifacts import refuse_gaps, refuse_hidden, refuse_loss
from localart.catalog.conditions import (
    Condition,
    Fields,
    ListQuery,
    add_conditions,
    json_order_sql,
    order_sql,
)
from localart.catalog.edges import edges_at_versions
from localart.catalog.seals import (
    Sealed,
    count_all,
    damaged,
    iter_unsealed,
    refuse_any_missing,
    refuse_rows_lost,
)

__all__ = [
    "RUN_FIELDS",
    "VERSION_FIELDS",
    "ArtifactHead",
    "ArtifactLine",
    "Condition",
    "ListQuery",
    "ProjectLine",
    "RunLine",
    "VersionLine",
    "artifact_lines",
    "become_reader",
    "data_version",
    "find_head",
    "iter_run_texts",
    "iter_version_texts",
    "neighbour_numbers",
    "project_lines",
    "run_ids",
    "run_lines",
    "version_ids",
    "version_lines",
    "version_sizes",
]

MOST_ARTIFACTS = 50_000
_PROSE = 200
_FETCH = 2_000
_FEW_ALIASES = 12
_FEW_TAGS = 12
_LONGEST_JSON = 64 << 10

Line = TypeVar("Line", "VersionLine", "RunLine")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectLine:
    """A project and what it holds; `size_bytes` is what its versions would take written out whole."""

    name: str
    artifact_count: int
    version_count: int
    run_count: int
    running_count: int
    size_bytes: int
    active_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactLine:
    """An artifact; `aliases` are those of its latest version, `latest` its number or None."""

    id: int
    project: str
    name: str
    type: str
    kind: str
    description: str
    version_count: int
    size_bytes: int
    latest: int | None
    aliases: tuple[str, ...]
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactHead:
    """What is known of an artifact without looking at its versions."""

    id: int
    project: str
    name: str
    type: str
    is_portfolio: bool


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


# --- the connection ---------------------------------------------------------------------------------


def become_reader(connection: sqlite3.Connection, *, busy_ms: int, cache_kib: int) -> None:
    """Let the connection change nothing, wait no longer than this for a lock, and keep no more than this in memory."""
    connection.execute(f"PRAGMA busy_timeout={busy_ms:d}")
    connection.execute(f"PRAGMA cache_size=-{cache_kib:d}")
    connection.execute("PRAGMA query_only=1")


def data_version(connection: sqlite3.Connection) -> int:
    """A number that is another one after somebody else has committed."""
    number: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return number


# --- short lists, whole -----------------------------------------------------------------------------


_ONE_PROJECT = Sealed(p="projects")
_ONE_ARTIFACT = Sealed(a="artifacts", p="projects")
_ONE_VERSION = Sealed(v="versions", a="artifacts", p="projects")
_ONE_RUN = Sealed(r="runs", p="projects")

# What an index says of the newest run is compared with that run's row: no seal is over an index.
_NEWEST_RUN = (
    "(SELECT iif(newest.created_at IS (SELECT created_at FROM runs WHERE id = newest.id), newest.created_at, 0)"
    " FROM runs newest WHERE newest.project = p.id ORDER BY newest.created_at DESC LIMIT 1)"
)
_PROJECTS = f"""
SELECT p.name, p.created_at,
  (SELECT count(*) FROM artifacts WHERE project = p.id),
  (SELECT count(*) FROM runs WHERE project = p.id),
  (SELECT count(*) FROM runs WHERE project = p.id AND state = 'running'),
  {_NEWEST_RUN},
  coalesce(held.versions, 0), coalesce(held.size, 0), held.newest, {_ONE_PROJECT.columns}
FROM projects p LEFT JOIN (
  SELECT a.project AS project, count(*) AS versions, sum(m.size) AS size, max(v.created_at) AS newest
  FROM versions v JOIN artifacts a ON a.id = v.artifact JOIN manifests m ON m.id = v.manifest
  WHERE v.state = 'COMMITTED' GROUP BY a.project
) held ON held.project = p.id
ORDER BY p.name
"""

_ARTIFACTS = f"""
SELECT a.id, p.name, a.name, a.type, a.kind, substr(coalesce(a.description, ''), 1, {_PROSE}), a.created_at,
  held.versions, held.size, held.latest, held.newest, held.newest_id, {_ONE_ARTIFACT.columns}
FROM artifacts a JOIN projects p ON p.id = a.project JOIN (
  SELECT v.artifact AS artifact, count(*) AS versions, sum(m.size) AS size, max(v.number) AS latest,
    max(v.created_at) AS newest, max(v.id) AS newest_id
  FROM versions v JOIN manifests m ON m.id = v.manifest
  WHERE v.state = 'COMMITTED' AND v.artifact IN (SELECT id FROM artifacts WHERE :project IS NULL OR project = :project)
  GROUP BY v.artifact
  UNION ALL
  SELECT l.artifact, count(*), sum(m.size), max(l.number), max(l.created_at), max(l.version)
  FROM links l JOIN versions v ON v.id = l.version JOIN manifests m ON m.id = v.manifest
  WHERE l.removed_at IS NULL AND v.state = 'COMMITTED'
    AND l.artifact IN (SELECT id FROM artifacts WHERE :project IS NULL OR project = :project)
  GROUP BY l.artifact
) held ON held.artifact = a.id
ORDER BY a.type, a.name LIMIT {MOST_ARTIFACTS}
"""


_MOST_COMPARED = 1_000


def _refuse_damage(connection: sqlite3.Connection) -> None:
    """CatalogDamaged when rows are missing, or when one that is added up was changed.

    Of more than a thousand versions only their number is looked at: the sums of so many are left to verify.
    """
    refuse_loss(connection)
    for kind in ("projects", "holds", "ran", "linked"):
        refuse_any_missing(connection, kind)
    if (
        connection.execute("SELECT coalesce(sum(next_number), 0) FROM artifacts").fetchone()[0]
        > _MOST_COMPARED
    ):
        return
    for _, name in iter_unsealed(connection, ("projects", "artifacts", "versions", "links")):
        raise damaged(name)


def project_lines(connection: sqlite3.Connection) -> list[ProjectLine]:
    """Every project by name. Scans the versions: 0.1 s for 100,000."""
    _refuse_damage(connection)
    rows = _ONE_PROJECT.rows(connection.execute(_PROJECTS).fetchall())
    if any(last_run == 0 for _, _, _, _, _, last_run, *_ in rows):
        raise damaged("the index of runs by time")
    return [
        ProjectLine(
            name=name,
            artifact_count=artifacts,
            version_count=versions,
            run_count=runs,
            running_count=running,
            size_bytes=size,
            active_at=max(created, last_run or "", newest or ""),
        )
        for name, created, artifacts, runs, running, last_run, versions, size, newest in rows
    ]


def artifact_lines(connection: sqlite3.Connection, project: int | None) -> list[ArtifactLine]:
    """The artifacts of a project (a row id) that have a version, by type and name; at most 50,000."""
    _refuse_damage(connection)
    rows = _ONE_ARTIFACT.rows(connection.execute(_ARTIFACTS, {"project": project}).fetchall())
    names = aliases_of(connection, [row[11] for row in rows])
    return [
        ArtifactLine(
            id=row[0],
            project=row[1],
            name=row[2],
            type=row[3],
            kind=row[4],
            description=row[5],
            updated_at=row[10] or row[6],
            version_count=row[7],
            size_bytes=row[8],
            latest=row[9],
            aliases=_few(names.get(row[11], ()), row[0]),
        )
        for row in rows
    ]


def _few(names: Sequence[tuple[int, str]], artifact: int) -> tuple[str, ...]:
    return tuple(name for owner, name in names if owner == artifact)[:_FEW_ALIASES]


def _names(joined: str | None) -> tuple[str, ...]:
    return tuple(joined.split("\n")) if joined else ()


def find_head(connection: sqlite3.Connection, project: str, name: str) -> ArtifactHead | None:
    """The artifact's head, or None."""
    row = _ONE_ARTIFACT.row(
        connection.execute(
            f"SELECT a.id, p.name, a.name, a.type, a.kind, {_ONE_ARTIFACT.columns} FROM artifacts a"
            " JOIN projects p ON p.id = a.project WHERE p.name = ? AND a.name = ?",
            (project, name),
        ).fetchone()
    )
    if row is None:
        refuse_hidden(connection, project, name)
        return None
    return ArtifactHead(
        id=row[0], project=row[1], name=row[2], type=row[3], is_portfolio=row[4] == "portfolio"
    )


# --- versions ---------------------------------------------------------------------------------------

_FROM_VERSIONS = (
    "FROM versions v JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project"
    " JOIN manifests m ON m.id = v.manifest"
)
_MADE_BY = "FROM edges e JOIN runs r ON r.id = e.run WHERE e.version = v.id AND e.direction = 'output' AND e.made = 1"
_VERSION_ALIASES = "FROM aliases WHERE version = v.id AND artifact = v.artifact"

_VERSION_LINES = f"""
SELECT v.id, p.name, a.name, a.type, v.number, v.artifact,
  m.size, m.file_count, v.created_at, substr(coalesce(v.description, ''), 1, {_PROSE}), v.state,
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
    if query.artifact is None:
        refuse_loss(connection)
    else:
        refuse_gaps(connection, query.artifact)
    where, values = _version_where(query)
    sql = f"SELECT v.id {_version_tables(query)} WHERE {where} ORDER BY {order_sql(query, _VERSION_ORDERS, 'v.id')}"
    return _ids(connection, f"{sql} LIMIT ?", (*values, limit))


def _ids(connection: sqlite3.Connection, sql: str, values: Sequence[object]) -> list[int]:
    """The ids a query gives, fetched as one row.

    SQLite then works through all of them without asking for the interpreter between rows: 50,000 ids are there in
    30 ms however busy another thread is, and not when that one has rested 50,000 times.
    """
    (text,) = connection.execute(f"SELECT group_concat(id) FROM ({sql})", tuple(values)).fetchone()
    return [] if text is None else [int(part) for part in str(text).split(",")]


def iter_version_texts(connection: sqlite3.Connection, query: ListQuery) -> Iterator[tuple[int, str]]:
    """As `version_ids`, each with all that is written in its row. Streams."""
    where, values = _version_where(query)
    order = order_sql(query, _VERSION_ORDERS, "v.id")
    cursor = connection.execute(
        f"SELECT v.id, {_VERSION_FIELDS['text']} {_FROM_VERSIONS} WHERE {where} ORDER BY {order}", values
    )
    while rows := cursor.fetchmany(_FETCH):
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
    rows = _by_id(connection, f"{_VERSION_LINES} WHERE v.id IN", ids, _ONE_VERSION)
    if len(rows) < len(set(ids)):
        refuse_rows_lost(connection, "versions")
    names = aliases_of(connection, ids)
    made_by = {
        one.version_id: one.run_key for one in edges_at_versions(connection, ids, "output") if one.is_made
    }
    makers = _by_id(connection, f"{_MAKERS} WHERE r.id IN", list(set(made_by.values())), _ONE_RUN)
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
        aliases=_few(names, row[5]),
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


# --- runs -------------------------------------------------------------------------------------------

_FROM_RUNS = "FROM runs r JOIN projects p ON p.id = r.project"

_RUN_LINES = f"""
SELECT r.id, r.uid, r.run_id, p.name, r.name, r.job_type, r.group_name, r.state, r.created_at, r.finished_at,
  (SELECT group_concat(name, char(10)) FROM (
    SELECT name FROM run_tags WHERE run = r.id ORDER BY name LIMIT {_FEW_TAGS})),
  substr(coalesce(r.notes, ''), 1, {_PROSE}),
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
    if query.project is None:
        refuse_any_missing(connection, "ran")
    else:
        count_all(connection, "ran", [query.project])
    where, values = _run_where(query)
    order, bound = _run_order(query)
    sql = f"SELECT r.id {_FROM_RUNS} WHERE {where} ORDER BY {order} LIMIT ?"
    return _ids(connection, sql, (*values, *bound, limit))


def iter_run_texts(connection: sqlite3.Connection, query: ListQuery) -> Iterator[tuple[int, str]]:
    """As `run_ids`, each with all that is written in its row. Streams."""
    where, values = _run_where(query)
    order, bound = _run_order(query)
    sql = f"SELECT r.id, {_RUN_FIELDS['text']} {_FROM_RUNS} WHERE {where} ORDER BY {order}"
    cursor = connection.execute(sql, (*values, *bound))
    while rows := cursor.fetchmany(_FETCH):
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
    rows = _by_id(connection, f"{_RUN_LINES} WHERE r.id IN", ids, _ONE_RUN)
    if len(rows) < len(set(ids)):
        refuse_rows_lost(connection, "runs")
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


def _by_id(
    connection: sqlite3.Connection, sql: str, ids: Sequence[int], sealed: Sealed
) -> dict[int, tuple[Any, ...]]:
    rows: dict[int, tuple[Any, ...]] = {}
    for at in range(0, len(ids), 500):
        some = list(ids[at : at + 500])
        marks = ",".join("?" * len(some))
        found = sealed.rows(connection.execute(f"{sql} ({marks})", some).fetchall())
        rows.update((row[0], row) for row in found)
    return rows
