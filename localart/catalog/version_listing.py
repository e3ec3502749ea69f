"""Which versions an artifact has and a run is linked to: counted and picked by row id, a bounded slice at a time."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localart.catalog.versions import get_version
from localart.model import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionQuery:
    """The committed versions of an artifact with all of `tags`, by number; only those after row `start`."""

    artifact_id: int
    newest_first: bool = True
    tags: tuple[str, ...] = ()
    start: int | None = None


def count_listed(connection: sqlite3.Connection, query: VersionQuery) -> int:
    """How many there are."""
    where, values = _where(query)
    count: int = connection.execute(f"SELECT count(*) FROM versions v WHERE {where}", values).fetchone()[0]
    return count


def listed_keys(connection: sqlite3.Connection, query: VersionQuery, *, offset: int, limit: int) -> list[int]:
    """Row ids of at most `limit` versions from the `offset`th on; a negative limit is all that are left."""
    where, values = _where(query)
    direction = "DESC" if query.newest_first else "ASC"
    rows = connection.execute(
        f"SELECT v.id FROM versions v WHERE {where} ORDER BY v.number {direction} LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [key for (key,) in rows.fetchall()]


def _where(query: VersionQuery) -> tuple[str, list[object]]:
    where, values = "v.artifact = ? AND v.state = 'COMMITTED'", [query.artifact_id]
    parts: list[object] = [*values]
    if query.tags:
        # From the tags to the versions: few of a hundred thousand versions have one.
        where += (
            " AND v.id IN (SELECT version FROM version_tags WHERE name IN (SELECT value FROM json_each(?))"
            " GROUP BY version HAVING count(*) = ?)"
        )
        parts += [json.dumps(query.tags), len(set(query.tags))]
    if query.start is not None:
        comparison = "<" if query.newest_first else ">"
        where += f" AND v.number {comparison} (SELECT number FROM versions WHERE id = ? AND artifact = ?)"
        parts += [query.start, query.artifact_id]
    return where, parts


def versions_of(connection: sqlite3.Connection, keys: Iterable[int]) -> list[VersionRecord]:
    """The versions with these row ids, in this order, in any state."""
    return [get_version(connection, key) for key in keys]


def count_linked(connection: sqlite3.Connection, run_key: int, direction: str) -> int:
    """How many inputs or outputs a run has."""
    count: int = connection.execute(
        "SELECT count(*) FROM edges WHERE run = ? AND direction = ?", (run_key, direction)
    ).fetchone()[0]
    return count


def linked_keys(
    connection: sqlite3.Connection, run_key: int, direction: str, *, offset: int, limit: int
) -> Sequence[int]:
    """Row ids of a run's inputs or outputs, in the order they were linked."""
    rows = connection.execute(
        "SELECT version FROM edges WHERE run = ? AND direction = ? ORDER BY created_at, version LIMIT ? OFFSET ?",
        (run_key, direction, limit, offset),
    )
    return [key for (key,) in rows.fetchall()]
