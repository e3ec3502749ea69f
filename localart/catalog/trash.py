"""Rows of deleted versions whose content is still there, and how they come back.

A deleted version keeps its manifest while it lies in the trash, so that its bytes stay. When the trash is emptied it
gets the empty manifest, and nothing holds the bytes any more.
"""

import sqlite3

from localart.catalog import manifests, versions
from localart.catalog.links import find_link, set_removed
from localart.catalog.transaction import Transaction
from localart.manifest import manifest_digest
from localart.model import VersionRecord, VersionState

_IN_TRASH = (
    "SELECT v.id FROM versions v JOIN manifests m ON m.id = v.manifest"
    " WHERE v.state = 'DELETED' AND m.complete = 1 AND m.file_count > 0"
)


def trashed(connection: sqlite3.Connection) -> list[VersionRecord]:
    """The versions in the trash, the longest there first; `updated_at` is when they were deleted."""
    rows = connection.execute(f"{_IN_TRASH} ORDER BY v.updated_at, v.id").fetchall()
    return [versions.get_version(connection, row_id) for (row_id,) in rows]


def is_whole(connection: sqlite3.Connection, version: VersionRecord) -> bool:
    """Whether the content that the version names is still there."""
    row = connection.execute("SELECT complete FROM manifests WHERE id = ?", (version.manifest_id,)).fetchone()
    return row is not None and bool(row[0])


def put_in_trash(tx: Transaction, version: VersionRecord) -> None:
    """Mark the version as deleted; what it holds stays."""
    versions.update_version(
        tx,
        version,
        description=version.description,
        metadata=version.metadata,
        state=VersionState.DELETED,
    )


def let_go(tx: Transaction, version: VersionRecord) -> None:
    """Mark the version as deleted, with nothing in it: prune may free what it held."""
    versions.update_version(
        tx,
        version,
        description=version.description,
        metadata=version.metadata,
        state=VersionState.DELETED,
        manifest_id=_empty_manifest(tx),
    )


def take_back(tx: Transaction, version: VersionRecord) -> None:
    """Make a version in the trash a committed one again."""
    versions.update_version(tx, version, description=version.description, metadata=version.metadata)
    tx.record(
        "version.restored",
        {"version": version.uid, "label": version.full_name, "manifest": version.digest.hex()},
    )


def relink(tx: Transaction, portfolio_id: int, number: int, version: VersionRecord) -> None:
    """Put a link back that was removed, with the number it had."""
    key = (portfolio_id, number)
    set_removed(tx, *key, None)
    link = find_link(tx.connection, *key)
    assert link is not None
    body = {"project": link.project, "artifact": link.artifact, "number": number, "version": version.uid}
    tx.record("link.added", body)


def is_link_of(connection: sqlite3.Connection, artifact_id: int, number: int, version_id: int) -> bool:
    """Whether this number of a portfolio is, or was, a link to this version."""
    row = connection.execute(
        "SELECT version FROM links WHERE artifact = ? AND number = ?", (artifact_id, number)
    ).fetchone()
    return row is not None and bool(row[0] == version_id)


def _empty_manifest(tx: Transaction) -> int:
    digest = manifest_digest([])
    known = manifests.find_manifest(tx.connection, digest)
    if known is not None:
        return known
    plan = manifests.ManifestPlan(digest=digest, pages=(), file_count=0, size_bytes=0, base=None)
    return manifests.complete_manifest(tx, manifests.begin_manifest(tx, plan), digest)
