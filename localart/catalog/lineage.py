"""The part of the two-coloured graph around some runs and versions."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from localart.catalog.aliases import aliases_of
from localart.catalog.counts import count_all, one_state
from localart.catalog.runs import refuse_missing_runs
from localart.catalog.seals import Sealed, damaged
from localart.records import dataclass

MOST_COMPARED = 2_000
"""Nodes of a graph that are compared with their seals; verify does that for larger ones."""

_RUN = Sealed(r="runs", p="projects")
_VERSION = Sealed(v="versions", a="artifacts", p="projects")
_FACTS_OF_VERSION = Sealed(v="versions")
_FACTS_OF_RUN = Sealed(r="runs")


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
    """Every edge between these runs and these versions, by run and version. CatalogDamaged as `version_nodes`."""
    runs, versions = list(runs), list(versions)
    for direction in ("input", "output") if len(runs) + len(versions) <= MOST_COMPARED else ():
        count_all(connection, f"run {direction}", runs)
        count_all(connection, f"version {direction}", versions)
    # `+`: without it SQLite would look for each pair, a thousand times as long for five thousand of each.
    rows = connection.execute(
        f"SELECT run, version, direction = 'output' FROM edges WHERE run {_ONE_OF} AND +version {_ONE_OF}",
        (json.dumps(runs), json.dumps(versions)),
    )
    return [EdgeRow(run, version, output == 1) for run, version, output in rows.fetchall()]


def newest_runs(connection: sqlite3.Connection, project: str | None, *, limit: int) -> list[int]:
    """The runs of a project (None: of all), newest first, at most `limit`. CatalogDamaged as `version_nodes`."""
    where = "" if project is None else "WHERE r.project = (SELECT id FROM projects WHERE name = :project)"
    with one_state(connection):
        count = min(refuse_missing_runs(connection, project), limit)
        seals = f", {_FACTS_OF_RUN.columns}" if count <= MOST_COMPARED else ""
        rows = connection.execute(
            f"SELECT r.id{seals} FROM runs r {where} ORDER BY r.id DESC LIMIT :limit",
            {"project": project, "limit": limit},
        ).fetchall()
    if len(rows) != count:
        raise damaged("one of the runs")
    return [row[0] for row in (_FACTS_OF_RUN.rows(rows) if seals else rows)]


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
    """The runs as nodes; the group is the job type. CatalogDamaged as `version_nodes`."""
    found = _nodes(
        connection,
        "SELECT r.id, r.name, coalesce(r.job_type, 'run'), p.name, r.state, r.created_at, 'run:' || r.run_id {seals}"
        f" FROM runs r JOIN projects p ON p.id = r.project WHERE r.id {_ONE_OF}",
        runs,
        _RUN,
    )
    return [NodeRow(*row) for row in found]


def version_nodes(connection: sqlite3.Connection, versions: Iterable[int]) -> list[NodeRow]:
    """The versions as nodes, labelled `name:vN` and their aliases; the group is the artifact's type.

    CatalogDamaged when a row is missing or, of at most `MOST_COMPARED`, was changed.
    """
    wanted = list(versions)
    found = _nodes(
        connection,
        "SELECT v.id, a.name || ':v' || v.number || coalesce("
        " (SELECT ' ' || group_concat(name, ', ') FROM aliases WHERE version = v.id AND artifact = v.artifact), ''),"
        " a.type, p.name, v.state, v.created_at, p.name || '/' || a.name || ':v' || v.number {seals} FROM versions v"
        f" JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project WHERE v.id {_ONE_OF}",
        wanted,
        _VERSION,
    )
    if len(wanted) <= MOST_COMPARED:
        aliases_of(connection, wanted)  # compares their rows
    return [NodeRow(*row) for row in found]


def _nodes(
    connection: sqlite3.Connection, sql: str, ids: Iterable[int], sealed: Sealed
) -> list[tuple[Any, ...]]:
    wanted = set(ids)
    if not all(isinstance(one, int) for one in wanted):
        raise damaged("one of the edges")
    is_compared = len(wanted) <= MOST_COMPARED
    sql = sql.format(seals=f", {sealed.columns}" if is_compared else "")
    found = connection.execute(sql, (json.dumps(list(wanted)),)).fetchall()
    if len(found) != len(wanted):
        raise damaged("what an edge leads to")
    return sealed.rows(found) if is_compared else found


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
        f" CASE WHEN length(v.metadata) <= {{longest}} THEN v.metadata END, {_FACTS_OF_VERSION.columns}"
        " FROM versions v JOIN manifests m ON m.id = v.manifest WHERE v.id IN ({marks})",
        versions,
        longest_json,
    )
    return [VersionFacts(*row) for row in _FACTS_OF_VERSION.rows(rows)]


def run_facts(connection: sqlite3.Connection, runs: Iterable[int], *, longest_json: int) -> list[RunFacts]:
    """More about these runs, in no particular order."""
    rows = _facts(
        connection,
        "SELECT r.id, r.finished_at, r.exit_code, coalesce(r.error, ''), coalesce(r.notes, ''),"
        " CASE WHEN length(r.config) <= {longest} THEN r.config END,"
        " CASE WHEN length(r.summary) <= {longest} THEN r.summary END,"
        f" {_FACTS_OF_RUN.columns} FROM runs r WHERE r.id IN ({{marks}})",
        runs,
        longest_json,
    )
    return [RunFacts(*row) for row in _FACTS_OF_RUN.rows(rows)]


def _facts(
    connection: sqlite3.Connection, sql: str, ids: Iterable[int], longest: int
) -> Iterator[tuple[Any, ...]]:
    wanted = list(ids)
    for at in range(0, len(wanted), 500):
        some = wanted[at : at + 500]
        marks = ",".join("?" * len(some))
        yield from connection.execute(sql.format(marks=marks, longest=int(longest)), some).fetchall()
