"""The rows that people see, as they are, so that they can be compared with what the journal tells. Changes nothing.

No row is refused here, however damaged: names that a damaged key does not lead to are None. Every iterator streams in
keyset pages: no statement stays open, and memory does not grow with the catalog.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from localart.catalog.seals import columns_of, onward, pages, seal_of
from localart.model import Digest

_FETCH = 1_000


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as its row has it; `is_sealed`: the seal fits."""

    id: int
    uid: str
    project: str
    artifact: str
    number: int
    manifest: Digest
    description: str | None
    metadata: str
    state: str
    created_at: str
    ttl_seconds: int | None
    tags: tuple[str, ...]
    is_sealed: bool

    @property
    def name(self) -> str:
        """What users call it."""
        return f"{self.project}/{self.artifact}:v{self.number}"


@dataclass(frozen=True, slots=True)
class AliasRow:
    """An alias as its row has it; `is_sealed`: the seal fits."""

    project: str
    artifact: str
    name: str
    version: str
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """An edge as its row has it."""

    run: str
    version: str
    direction: str
    made: int
    used_as: str | None
    metadata: str | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link as its row has it; `is_live` False: removed."""

    project: str
    artifact: str
    number: int
    version: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """An artifact or portfolio as its row has it; `given`: how many numbers it has given."""

    id: int
    project: str
    name: str
    type: str
    kind: str
    next_number: int
    given: int
    highest: int


def iter_version_rows(connection: sqlite3.Connection) -> Iterator[VersionRow]:
    """Every version in any state, by row."""
    at = -1
    sql = (
        "SELECT v.id, v.uid, p.name, a.name, v.number, m.digest, v.description, v.metadata, v.state, v.created_at,"
        " v.ttl_seconds, (SELECT json_group_array(name) FROM"
        f" (SELECT name FROM version_tags WHERE version = v.id ORDER BY name)), {columns_of('versions', 'v')}"
        " FROM versions v"
        " LEFT JOIN artifacts a ON a.id = v.artifact LEFT JOIN projects p ON p.id = a.project"
        " LEFT JOIN manifests m ON m.id = v.manifest WHERE v.id > ? ORDER BY v.id"
    )
    for rows in pages(connection, sql, at):
        for row in rows:
            tags = tuple(json.loads(row[11]))
            is_sealed: bool = row[12] == seal_of(*row[13:])
            yield VersionRow(*(*row[:11], tags, is_sealed))


def iter_alias_rows(connection: sqlite3.Connection) -> Iterator[AliasRow]:
    """Every alias, of artifacts and portfolios."""
    at: tuple[int, str] = (-1, "")
    while rows := connection.execute(
        f"SELECT l.artifact, l.name, p.name, a.name, v.uid, {columns_of('aliases', 'l')} FROM aliases l"
        " LEFT JOIN artifacts a ON a.id = l.artifact LEFT JOIN projects p ON p.id = a.project"
        " LEFT JOIN versions v ON v.id = l.version WHERE (l.artifact, l.name) > (?, ?)"
        f" ORDER BY l.artifact, l.name LIMIT {_FETCH}",
        at,
    ).fetchall():
        for _, name, project, label, uid, seal, *facts in rows:
            yield AliasRow(project, label, name, uid, seal == seal_of(*facts))
        at = onward(at, rows[-1][:2])


def iter_edge_rows(connection: sqlite3.Connection) -> Iterator[EdgeRow]:
    """Every edge."""
    at: tuple[int, int, str] = (-1, -1, "")
    while rows := connection.execute(
        "SELECT e.run, e.version, e.direction, r.uid, v.uid, e.made, e.used_as, e.metadata FROM edges e"
        " LEFT JOIN runs r ON r.id = e.run LEFT JOIN versions v ON v.id = e.version"
        " WHERE (e.run, e.version, e.direction) > (?, ?, ?)"
        f" ORDER BY e.run, e.version, e.direction LIMIT {_FETCH}",
        at,
    ).fetchall():
        for row in rows:
            yield EdgeRow(row[3], row[4], row[2], row[5], row[6], row[7])
        at = onward(at, rows[-1][:3])


def iter_link_rows(connection: sqlite3.Connection) -> Iterator[LinkRow]:
    """Every place a version has or had in a portfolio."""
    at: tuple[int, int] = (-1, -1)
    while rows := connection.execute(
        "SELECT l.artifact, l.number, p.name, a.name, v.uid, l.removed_at FROM links l"
        " LEFT JOIN artifacts a ON a.id = l.artifact LEFT JOIN projects p ON p.id = a.project"
        " LEFT JOIN versions v ON v.id = l.version WHERE (l.artifact, l.number) > (?, ?)"
        f" ORDER BY l.artifact, l.number LIMIT {_FETCH}",
        at,
    ).fetchall():
        for _, number, project, artifact, uid, removed_at in rows:
            yield LinkRow(project, artifact, number, uid, removed_at is None)
        at = onward(at, rows[-1][:2])


def artifact_rows(connection: sqlite3.Connection) -> list[ArtifactRow]:
    """Every artifact and portfolio, with the numbers that are taken in it."""
    rows = connection.execute(
        "SELECT a.id, p.name, a.name, a.type, a.kind, a.next_number,"
        " (SELECT count(*) FROM versions WHERE artifact = a.id) + (SELECT count(*) FROM links WHERE artifact = a.id),"
        " max(coalesce((SELECT max(number) FROM versions WHERE artifact = a.id), -1),"
        " coalesce((SELECT max(number) FROM links WHERE artifact = a.id), -1))"
        " FROM artifacts a LEFT JOIN projects p ON p.id = a.project ORDER BY a.id"
    )
    return [ArtifactRow(*row) for row in rows.fetchall()]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as its row has it; `columns` by name."""

    uid: str
    project: str
    id: str
    created_at: str
    columns: dict[str, Any]
    tags: tuple[str, ...]


_RUN_COLUMNS = (
    "name", "job_type", "group_name", "notes", "state", "config", "summary", "facts", "metric_rules", "finished_at",
    "exit_code", "error",
)  # fmt: skip


def iter_run_rows(connection: sqlite3.Connection) -> Iterator[RunRow]:
    """Every run."""
    at = -1
    sql = (
        f"SELECT r.id, r.uid, p.name, r.run_id, r.created_at, {', '.join(f'r.{name}' for name in _RUN_COLUMNS)},"
        " (SELECT json_group_array(name) FROM (SELECT name FROM run_tags WHERE run = r.id ORDER BY name))"
        " FROM runs r LEFT JOIN projects p ON p.id = r.project WHERE r.id > ? ORDER BY r.id"
    )
    for rows in pages(connection, sql, at):
        for row in rows:
            columns = dict(zip(_RUN_COLUMNS, row[5:-1], strict=True))
            yield RunRow(row[1], row[2], row[3], row[4], columns, tuple(json.loads(row[-1])))


def run_uids(connection: sqlite3.Connection) -> set[str]:
    """The uids of all runs."""
    return {uid for (uid,) in connection.execute("SELECT uid FROM runs").fetchall()}
