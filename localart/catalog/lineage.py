"""The part of the two-coloured graph around some runs and versions."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from localart.records import dataclass


class EdgeRow(NamedTuple):
    """One edge by row ids; `output` edges point from the run to the version, inputs the other way."""

    run_key: int
    version_id: int
    output: bool


_ONE_OF = "IN (SELECT value FROM json_each(?))"


def versions_at(connection: sqlite3.Connection, runs: Iterable[int], direction: str | None) -> list[int]:
    """The versions that these runs used, made, or either (None), each once."""
    return _ends(connection, "SELECT DISTINCT version FROM edges WHERE run", runs, direction)


def runs_at(connection: sqlite3.Connection, versions: Iterable[int], direction: str | None) -> list[int]:
    """The runs that used these versions, made them, or either (None), each once."""
    return _ends(connection, "SELECT DISTINCT run FROM edges WHERE version", versions, direction)


def _ends(connection: sqlite3.Connection, sql: str, ids: Iterable[int], direction: str | None) -> list[int]:
    wanted = tuple(ids)
    # One step of a long chain asks for one node.
    sql, bound = (f"{sql} = ?", wanted) if len(wanted) == 1 else (f"{sql} {_ONE_OF}", (json.dumps(wanted),))
    if direction is not None:
        sql, bound = f"{sql} AND direction = ?", (*bound, direction)
    return [end for (end,) in connection.execute(sql, bound).fetchall()]


def edges_between(
    connection: sqlite3.Connection, runs: Iterable[int], versions: Iterable[int]
) -> list[EdgeRow]:
    """Every edge between these runs and these versions, by run and version."""
    # `+`: without it SQLite would look for each pair, a thousand times as long for five thousand of each.
    rows = connection.execute(
        f"SELECT run, version, direction = 'output' FROM edges WHERE run {_ONE_OF} AND +version {_ONE_OF}",
        (json.dumps(list(runs)), json.dumps(list(versions))),
    )
    return [EdgeRow(run, version, output == 1) for run, version, output in rows.fetchall()]


def newest_runs(connection: sqlite3.Connection, project: str | None, *, limit: int) -> list[int]:
    """The runs of a project (None: of all), newest first, at most `limit`."""
    where = "" if project is None else "WHERE project = (SELECT id FROM projects WHERE name = :project)"
    rows = connection.execute(
        f"SELECT id FROM runs {where} ORDER BY id DESC LIMIT :limit", {"project": project, "limit": limit}
    )
    return [key for (key,) in rows.fetchall()]


class NodeRow(NamedTuple):
    """What a node of the graph shows."""

    id: int
    label: str
    group: str
    project: str
    state: str
    created_at: str
    address: str


def run_nodes(connection: sqlite3.Connection, runs: Iterable[int]) -> list[NodeRow]:
    """The runs as nodes; the group is the job type."""
    return _nodes(
        connection,
        "SELECT r.id, r.name, coalesce(r.job_type, 'run'), p.name, r.state, r.created_at,"
        " 'run:' || r.run_id"
        f" FROM runs r JOIN projects p ON p.id = r.project WHERE r.id {_ONE_OF}",
        runs,
    )


def version_nodes(connection: sqlite3.Connection, versions: Iterable[int]) -> list[NodeRow]:
    """The versions as nodes, labelled `name:vN` and their aliases; the group is the artifact's type."""
    return _nodes(
        connection,
        "SELECT v.id, a.name || ':v' || v.number || coalesce("
        " (SELECT ' ' || group_concat(name, ', ') FROM aliases WHERE version = v.id AND artifact = v.artifact), ''),"
        " a.type, p.name, v.state, v.created_at, p.name || '/' || a.name || ':v' || v.number FROM versions v"
        f" JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project WHERE v.id {_ONE_OF}",
        versions,
    )


def _nodes(connection: sqlite3.Connection, sql: str, ids: Iterable[int]) -> list[NodeRow]:
    return [NodeRow(*row) for row in connection.execute(sql, (json.dumps(list(ids)),)).fetchall()]


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """More about a version. `metadata` is JSON, or None when it is longer than was asked for."""

    id: int
    size_bytes: int
    file_count: int
    digest: str
    description: str
    metadata: str | None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """More about a run. `config` and `summary` are JSON, or None when they are longer than was asked for."""

    id: int
    finished_at: str | None
    exit_code: int | None
    error: str
    notes: str
    config: str | None
    summary: str | None


def version_facts(
    connection: sqlite3.Connection, versions: Iterable[int], *, longest_json: int
) -> list[VersionFacts]:
    """More about these versions, in no particular order."""
    rows = _facts(
        connection,
        "SELECT v.id, m.size, m.file_count, lower(hex(m.digest)), coalesce(v.description, ''),"
        " CASE WHEN length(v.metadata) <= {longest} THEN v.metadata END"
        " FROM versions v JOIN manifests m ON m.id = v.manifest WHERE v.id IN ({marks})",
        versions,
        longest_json,
    )
    return [VersionFacts(*row) for row in rows]


def run_facts(connection: sqlite3.Connection, runs: Iterable[int], *, longest_json: int) -> list[RunFacts]:
    """More about these runs, in no particular order."""
    rows = _facts(
        connection,
        "SELECT id, finished_at, exit_code, coalesce(error, ''), coalesce(notes, ''),"
        " CASE WHEN length(config) <= {longest} THEN config END,"
        " CASE WHEN length(summary) <= {longest} THEN summary END FROM runs WHERE id IN ({marks})",
        runs,
        longest_json,
    )
    return [RunFacts(*row) for row in rows]


def _facts(
    connection: sqlite3.Connection, sql: str, ids: Iterable[int], longest: int
) -> Iterator[tuple[Any, ...]]:
    wanted = list(ids)
    for at in range(0, len(wanted), 500):
        some = wanted[at : at + 500]
        marks = ",".join("?" * len(some))
        yield from connection.execute(sql.format(marks=marks, longest=int(longest)), some).fetchall()
