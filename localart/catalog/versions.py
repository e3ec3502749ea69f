"""Rows of versions, their aliases and tags. A version row carries a seal over its own facts."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from localart.catalog import aliases, edges, links
from localart.catalog.artifacts import next_number, refuse_gaps
from localart.catalog.seals import Sealed, damaged, onward, resealed, seal_of
from localart.catalog.search import index_row, reindexed
from localart.catalog.transaction import Transaction
from localart.jsonable import canonical_json
from localart.model import Digest, VersionRecord, VersionState

LATEST = "latest"
_FIRST_FETCH = 50
_FETCH = 500

_SEALED = Sealed(v="versions", a="artifacts", p="projects")
_COLUMNS = (
    "v.id, v.uid, p.name, a.name, a.type, v.number, v.manifest, m.digest, m.size, m.file_count,"
    " v.description, v.metadata, v.state, v.created_at, v.updated_at, v.artifact, v.ttl_seconds, v.history_step,"
    " (SELECT json_group_array(name) FROM (SELECT name FROM version_tags WHERE version = v.id ORDER BY name)),"
    f" {aliases.POINTING.format(version='v.id')}"
)
_FROM = (
    " FROM versions v LEFT JOIN artifacts a ON a.id = v.artifact LEFT JOIN projects p ON p.id = a.project"
    " LEFT JOIN manifests m ON m.id = v.manifest"  # a version whose manifest is gone is damaged, not unheard of
)
_SELECT = f"SELECT {_COLUMNS}, {_SEALED.columns}{_FROM}"


# --- reading ---------------------------------------------------------------------------------------


def find_version(connection: sqlite3.Connection, artifact_id: int, number: int) -> VersionRecord | None:
    """Version `number` of an artifact, in any state, or None."""
    row = connection.execute(
        f"{_SELECT} WHERE v.artifact = ? AND v.number = ?", (artifact_id, number)
    ).fetchone()
    if row is None:
        if _is_lost(connection, artifact_id, number):
            raise damaged(f"v{number}")
        return None
    record = _record(row)
    if (record.number, record.artifact_id) != (number, artifact_id):
        raise damaged(f"v{number}")
    return record


def _is_lost(connection: sqlite3.Connection, artifact_id: int, number: int) -> bool:
    """Whether the artifact gave a version this number, whose row is not there. A portfolio gives none."""
    row = connection.execute(
        "SELECT 1 FROM artifacts WHERE id = ? AND kind = 'sequence' AND next_number > ?"
        # one that was a portfolio once has given numbers to links
        " AND NOT EXISTS (SELECT 1 FROM links WHERE artifact = artifacts.id)"
        # it may just have been given
        " AND NOT EXISTS (SELECT 1 FROM versions WHERE artifact = artifacts.id AND number = ?)",
        (artifact_id, number, number),
    ).fetchone()
    return number >= 0 and row is not None


def find_aliased(connection: sqlite3.Connection, artifact_id: int, alias: str) -> VersionRecord | None:
    """The version an alias of this artifact (or portfolio) points to, or None."""
    version_id = aliases.find_alias(connection, artifact_id, alias)
    return None if version_id is None else get_version(connection, version_id)


def find_by_manifest(
    connection: sqlite3.Connection, artifact_id: int, manifest_id: int
) -> VersionRecord | None:
    """The committed version of the artifact with exactly this content, or None."""
    row = connection.execute(
        f"{_SELECT} WHERE v.manifest = ? AND v.artifact = ? AND v.state = 'COMMITTED' ORDER BY v.number LIMIT 1",
        (manifest_id, artifact_id),
    ).fetchone()
    return _record(row) if row else None


def get_version(connection: sqlite3.Connection, version_id: int) -> VersionRecord:
    """The version with this row id, which must exist."""
    row = connection.execute(f"{_SELECT} WHERE v.id = ?", (version_id,)).fetchone()
    if row is None or row[0] != version_id:
        raise damaged(f"row {version_id}")
    return _record(row)


def get_versions(connection: sqlite3.Connection, version_ids: Iterable[int]) -> list[VersionRecord]:
    """As `get_version`, for many in one go, in this order."""
    wanted = list(version_ids)
    rows = connection.execute(
        f"{_SELECT} WHERE v.id IN (SELECT value FROM json_each(?))", (json.dumps(wanted),)
    ).fetchall()
    found = {record.id: record for record in _records(rows)}
    for version_id in wanted:
        if version_id not in found:
            raise damaged(f"row {version_id}")
    return [found[version_id] for version_id in wanted]


def get_numbered(
    connection: sqlite3.Connection, places: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], VersionRecord]:
    """The versions at these (artifact, number), which must exist, in any state; in one go."""
    wanted = list(places)
    rows = connection.execute(
        f"{_SELECT} WHERE (v.artifact, v.number) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        (json.dumps(wanted),),
    ).fetchall()
    found = {(record.artifact_id, record.number): record for record in _records(rows)}
    for place in wanted:
        if place not in found:
            raise damaged(f"v{place[1]}")
    return found


def find_version_by_uid(connection: sqlite3.Connection, uid: str) -> VersionRecord | None:
    """The version with this uid, or None."""
    row = connection.execute(f"{_SELECT} WHERE v.uid = ?", (uid,)).fetchone()
    return _record(row) if row else None


def iter_versions(
    connection: sqlite3.Connection, artifact_id: int, *, newest_first: bool = True
) -> Iterator[VersionRecord]:
    """The committed versions of an artifact, streamed by number in keyset pages.

    CatalogDamaged when rows are missing: every number that was given has its row for ever.
    """
    given = refuse_gaps(connection, artifact_id)
    if given.links:  # numbers of a portfolio that it was once, if they are sound
        links.refuse_damaged(connection, artifact_id)
    seen = 0
    comparison, order, at = ("<", "DESC", 1 << 62) if newest_first else (">", "ASC", -1)
    sql = f"{_SELECT} WHERE v.artifact = ? AND v.number {comparison} ? ORDER BY v.number {order} LIMIT ?"
    fetch = _FIRST_FETCH  # who looks at the newest few does not wait for hundreds
    while rows := connection.execute(sql, (artifact_id, at, fetch)).fetchall():
        # Of deleted ones, too: a state counts for nothing before the seal was compared.
        found = _records(rows)
        for record in found:
            is_first = newest_first and not seen
            if not given.links and not _is_next(record.number, None if is_first else at, given.versions):
                raise damaged("one of many versions")
            at = onward(at, record.number, downwards=newest_first)
            seen += 1
            if record.state is VersionState.COMMITTED:
                yield record
        fetch = _FETCH
    if seen < given.versions:
        raise damaged("one of many versions")


def _is_next(number: int, before: int | None, count: int) -> bool:
    """Whether a version may follow `before` in a list that leaves no number out (None: be its newest)."""
    return number >= count - 1 if before is None else abs(number - before) == 1


def uids_of(connection: sqlite3.Connection, artifact_id: int, number: int | None = None) -> list[str]:
    """The uids of an artifact's versions, or of one, in any state."""
    rows = connection.execute(
        "SELECT uid FROM versions WHERE artifact = ? AND (? IS NULL OR number = ?)",
        (artifact_id, number, number),
    )
    return [uid for (uid,) in rows.fetchall()]


def linked_versions(connection: sqlite3.Connection, run_key: int, direction: str) -> list[VersionRecord]:
    """The inputs or outputs of a run, in the order they were linked."""
    return get_versions(connection, edges.linked_keys(connection, run_key, direction))


def _record(row: tuple[Any, ...]) -> VersionRecord:
    return _records([row])[0]


def _records(rows: Sequence[tuple[Any, ...]]) -> list[VersionRecord]:
    return [_one(row, aliases.pointing(row[0], row[19], row[20])) for row in _SEALED.rows(rows)]


def _one(row: tuple[Any, ...], names: Sequence[tuple[int, str]]) -> VersionRecord:
    if row[2] is None or row[7] is None:
        raise damaged(
            f"what v{row[5]} belongs to" if row[2] is None else f"the manifest of {row[3]}:v{row[5]}"
        )
    return VersionRecord(
        id=row[0],
        uid=row[1],
        project=row[2],
        artifact=row[3],
        type=row[4],
        number=row[5],
        manifest_id=row[6],
        digest=Digest(row[7]),
        size_bytes=row[8],
        file_count=row[9],
        description=row[10],
        metadata=json.loads(row[11]),
        aliases=tuple(name for artifact, name in names if artifact == row[15]),
        tags=_names(row[18]),
        state=VersionState(row[12]),
        created_at=row[13],
        updated_at=row[14],
        artifact_id=row[15],
        ttl_seconds=row[16],
        history_step=row[17],
    )


def _names(array: str) -> tuple[str, ...]:
    return () if array == "[]" else tuple(json.loads(array))


# --- writing ---------------------------------------------------------------------------------------


def insert_version(
    tx: Transaction,
    *,
    artifact_id: int,
    manifest_id: int,
    description: str | None,
    metadata: Mapping[str, Any],
    history_step: int | None,
    ttl_seconds: int | None = None,
) -> VersionRecord:
    """Insert the artifact's next version. The number comes from the artifact's counter: never reused."""
    number = next_number(tx, artifact_id)
    uid = tx.new_uid()
    text = canonical_json(metadata).decode()
    content = tx.execute(
        "SELECT json_array(hex(digest), size, file_count) FROM manifests WHERE id = ?", (manifest_id,)
    ).fetchone()[0]
    seal = seal_of(
        uid, artifact_id, number, content, description, text, VersionState.COMMITTED.value, ttl_seconds, history_step,
        tx.now, tx.now, "[]",
    )  # fmt: skip
    version_id = tx.insert(
        "INSERT INTO versions(uid, artifact, number, manifest, description, metadata, ttl_seconds, history_step,"
        " created_at, updated_at, site, seal) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            uid, artifact_id, number, manifest_id, description, text, ttl_seconds, history_step, tx.now, tx.now,
            tx.site, seal,
        ),
    )  # fmt: skip
    index_row(tx, "versions", version_id)
    return get_version(tx.connection, version_id)


def update_version(
    tx: Transaction,
    version: VersionRecord,
    *,
    description: str | None,
    metadata: Mapping[str, Any],
    state: VersionState = VersionState.COMMITTED,
    manifest_id: int | None = None,
) -> None:
    """Change what may change: description, metadata, state. A deleted version lets its content go."""
    text = canonical_json(metadata).decode()
    manifest = version.manifest_id if manifest_id is None else manifest_id
    with resealed(tx, "versions", version.id), reindexed(tx, "versions", version.id):
        tx.execute(
            "UPDATE versions SET description = ?, metadata = ?, state = ?, manifest = ?, updated_at = ? WHERE id = ?",
            (description, text, state.value, manifest, tx.now, version.id),
        )


def set_alias(tx: Transaction, version: VersionRecord, alias: str) -> bool:
    """Point `alias` of the version's artifact to it; False when it already did."""
    if not aliases.point(tx, version.artifact_id, alias, version.id):
        return False
    tx.record("alias.set", {"alias": alias, "version": version.uid, "label": version.full_name})
    return True


def remove_alias(tx: Transaction, version: VersionRecord, alias: str) -> bool:
    """Take `alias` off the version; False when it was not there."""
    if not aliases.remove(tx, version.artifact_id, alias, version.id):
        return False
    tx.record("alias.removed", {"alias": alias, "version": version.uid, "label": version.full_name})
    return True


def set_tags(tx: Transaction, version: VersionRecord, tags: Iterable[str]) -> bool:
    """Make the version's tags exactly `tags`; False when they already were."""
    wanted = sorted(set(tags))
    if wanted == sorted(version.tags):
        return False
    with resealed(tx, "versions", version.id):
        tx.execute("DELETE FROM version_tags WHERE version = ?", (version.id,))
        tx.executemany(
            "INSERT INTO version_tags(version, name) VALUES (?,?)", [(version.id, tag) for tag in wanted]
        )
    tx.record("version.tagged", {"version": version.uid, "tags": wanted})
    return True


def set_ttl(tx: Transaction, version: VersionRecord, seconds: int | None) -> bool:
    """Let the version be kept for `seconds` from its making (0: for ever, None: as its artifact says).

    False when it already was.
    """
    if seconds == version.ttl_seconds:
        return False
    with resealed(tx, "versions", version.id):
        tx.execute(
            "UPDATE versions SET ttl_seconds = ?, updated_at = ? WHERE id = ?", (seconds, tx.now, version.id)
        )
    tx.record("version.ttl", {"version": version.uid, "ttl_seconds": seconds})
    return True


def expired_versions(connection: sqlite3.Connection, now: str) -> list[VersionRecord]:
    """The committed versions whose time has run out by `now`, oldest first; one that is linked never does."""
    rows = connection.execute(
        f"{_SELECT} WHERE v.state = 'COMMITTED' AND coalesce(v.ttl_seconds, a.ttl_seconds, 0) > 0"
        " AND strftime('%s', v.created_at) + coalesce(v.ttl_seconds, a.ttl_seconds) <= strftime('%s', ?) + 0"
        " AND NOT EXISTS (SELECT 1 FROM links WHERE version = v.id AND removed_at IS NULL)"
        " ORDER BY v.created_at, v.id",
        (now,),
    )
    return _records(rows.fetchall())
