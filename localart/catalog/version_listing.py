"""Which versions an artifact has and a run is linked to: counted and picked by row id, a bounded slice at a time."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from localart.catalog import edges
from localart.catalog.artifacts import refuse_gaps
from localart.catalog.counts import count_all, one_state
from localart.catalog.seals import damaged
from localart.catalog.versions import get_versions
from localart.model import VersionRecord
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionQuery:
    """The committed versions of an artifact (the links of a portfolio), by number, with all of `tags`.

    `start`: only those after the one with this key.
    """

    artifact_id: int
    is_portfolio: bool = False
    newest_first: bool = True
    tags: tuple[str, ...] = ()
    start: int | None = None


# From the tags to the versions: few of a hundred thousand versions have one.
_TAGGED = (
    " AND v.id IN (SELECT version FROM version_tags WHERE name IN (SELECT value FROM json_each(:tags))"
    " GROUP BY version HAVING count(*) = :tag_count)"
)


def count_listed(connection: sqlite3.Connection, query: VersionQuery) -> int:
    """How many there are. CatalogDamaged when one of the artifact's is missing."""
    source, values = _source(query)
    with one_state(connection):
        given = refuse_gaps(connection, query.artifact_id)
        count: int = connection.execute(f"SELECT count(*) FROM {source}", values).fetchone()[0]
        (deleted,) = connection.execute(
            "SELECT count(*) FROM versions WHERE artifact = ? AND state = 'DELETED'", (query.artifact_id,)
        ).fetchone()
    is_whole = not query.is_portfolio and not query.tags and query.start is None
    if is_whole and count != given.versions - deleted:
        raise damaged("one of the versions")
    return count


def listed_keys(connection: sqlite3.Connection, query: VersionQuery, *, offset: int, limit: int) -> list[int]:
    """Keys of at most `limit` of them from the `offset`th on; a negative limit is all that are left.

    A version's key is its row id, a link's its number.
    """
    source, values = _source(query)
    key, number = ("l.number", "l.number") if query.is_portfolio else ("v.id", "v.number")
    order = f"{number} {'DESC' if query.newest_first else 'ASC'}"
    rows = connection.execute(
        f"SELECT {key} FROM {source} ORDER BY {order} LIMIT :limit OFFSET :offset",
        {**values, "limit": limit, "offset": offset},
    )
    return [found for (found,) in rows.fetchall()]


def _source(query: VersionQuery) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {"artifact": query.artifact_id, "start": query.start}
    source = "versions v WHERE v.artifact = :artifact AND v.state = 'COMMITTED'"
    after = "v.number {} (SELECT number FROM versions WHERE id = :start AND artifact = :artifact)"
    if query.is_portfolio:
        source = "links l JOIN versions v ON v.id = l.version WHERE l.artifact = :artifact AND l.removed_at IS NULL"
        after = "l.number {} :start"
    if query.tags:
        source += _TAGGED
        values |= {"tags": json.dumps(query.tags), "tag_count": len(set(query.tags))}
    if query.start is not None:
        source += " AND " + after.format("<" if query.newest_first else ">")
    return source, values


def versions_of(connection: sqlite3.Connection, keys: Iterable[int]) -> list[VersionRecord]:
    """The versions with these row ids, in this order, in any state."""
    return get_versions(connection, keys)


def count_linked(connection: sqlite3.Connection, run_key: int, direction: str) -> int:
    """How many inputs or outputs a run has."""
    return count_all(connection, f"run {direction}", [run_key])[run_key]


def linked_keys(
    connection: sqlite3.Connection, run_key: int, direction: str, *, offset: int, limit: int
) -> Sequence[int]:
    """Row ids of a run's inputs or outputs, in the order they were linked."""
    found = edges.linked_keys(connection, run_key, direction)
    return found[offset : None if limit < 0 else offset + limit]
