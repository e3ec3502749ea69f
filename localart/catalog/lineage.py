"""The part of the two-coloured graph around some runs and versions."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from localart.records import dataclass


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One edge by row ids; `output` edges point from the run to the version, inputs the other way."""

    run_key: int
    version_id: int
    output: bool


def edges_of_runs(
    connection: sqlite3.Connection, runs: Iterable[int], direction: str | None
) -> list[EdgeRow]:
    """The edges at these runs: all, or only inputs or outputs."""
    return _edges(connection, "run", runs, direction)


def edges_of_versions(
    connection: sqlite3.Connection, versions: Iterable[int], direction: str | None
) -> list[EdgeRow]:
    """The edges at these versions: all, or only inputs or outputs."""
    return _edges(connection, "version", versions, direction)


def _edges(
    connection: sqlite3.Connection, column: str, ids: Iterable[int], direction: str | None
) -> list[EdgeRow]:
    result: list[EdgeRow] = []
    wanted = list(ids)
    for at in range(0, len(wanted), 500):
        some = wanted[at : at + 500]
        marks = ",".join("?" * len(some))
        rows = connection.execute(
            f"SELECT run, version, direction FROM edges WHERE {column} IN ({marks})"
            " AND (? IS NULL OR direction = ?)",
            (*some, direction, direction),
        )
        result += [EdgeRow(run, version, found == "output") for run, version, found in rows.fetchall()]
    return result


@dataclass(frozen=True, slots=True)
class NodeRow:
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
        " FROM runs r JOIN projects p ON p.id = r.project WHERE r.id IN ({marks})",
        runs,
    )


def version_nodes(connection: sqlite3.Connection, versions: Iterable[int]) -> list[NodeRow]:
    """The versions as nodes, labelled `name:vN` and their aliases; the group is the artifact's type."""
    return _nodes(
        connection,
        "SELECT v.id, a.name || ':v' || v.number || coalesce("
        " (SELECT ' ' || group_concat(name, ', ') FROM aliases WHERE version = v.id AND artifact = v.artifact), ''),"
        " a.type, p.name, v.state, v.created_at, p.name || '/' || a.name || ':v' || v.number FROM versions v"
        " JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project WHERE v.id IN ({marks})",
        versions,
    )


def _nodes(connection: sqlite3.Connection, sql: str, ids: Iterable[int]) -> list[NodeRow]:
    result: list[NodeRow] = []
    wanted = list(ids)
    for at in range(0, len(wanted), 500):
        some = wanted[at : at + 500]
        rows = connection.execute(sql.format(marks=",".join("?" * len(some))), some)
        result += [NodeRow(*row) for row in rows.fetchall()]
    return result


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
