"""Manifests set right again from their records in the packs: their entries, their layers, their heads.

Each function is one step inside one transaction, and doing it twice changes nothing. A manifest that does not come out
with its own digest is not taken for restored.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from localart.catalog import manifests
from localart.catalog.mending_derived import restore_layers
from localart.catalog.mending_places import note_lost
from localart.catalog.soundness_content import LOST
from localart.catalog.told import Told
from localart.catalog.transaction import Transaction
from localart.errors import CatalogDamaged
from localart.manifest import decode_pages, encode_pages, manifest_digest, page_entries
from localart.model import Digest, Entry


@dataclass(frozen=True, slots=True)
class PackedManifest:
    """A manifest as the packs have it: `rows` in order, None where an overlay removes a path."""

    digest: Digest
    base: Digest | None
    rows: tuple[tuple[str, Entry | None], ...]


def digests_meant(connection: sqlite3.Connection, manifest: int, told: Told | None) -> list[Digest]:
    """What the manifest in this row may have been: by its row, its pages, and the versions that name it."""
    row = connection.execute("SELECT digest, pages FROM manifests WHERE id = ?", (manifest,)).fetchone()
    found: list[bytes] = []
    for (uid,) in connection.execute("SELECT uid FROM versions WHERE manifest = ?", (manifest,)).fetchall():
        if told is not None and uid in told.versions:
            found.append(bytes.fromhex(told.versions[uid].manifest))
    if row is not None:
        found.append(row[0])
        with suppress(CatalogDamaged):
            found.append(manifest_digest(page.digest for page in decode_pages(row[1])))
    return [Digest(digest) for digest in dict.fromkeys(found)]


def restore_manifest(tx: Transaction, row: int, packed: PackedManifest) -> bool:
    """Make a manifest's own rows what the packs have, and its head what follows; False when its base is not there.

    `row` is where it was; a new row where that is gone. Nothing is done when another row has it whole.
    """
    taken = manifests.find_manifest(tx.connection, packed.digest)
    if taken is not None and taken != row:
        return False
    is_there = tx.execute("SELECT 1 FROM manifests WHERE id = ?", (row,)).fetchone()
    manifest = row if is_there else _insert_manifest(tx, row, packed.digest)
    base = None
    if packed.base is not None:
        below = tx.execute(
            "SELECT id FROM manifests WHERE digest = ? AND id <> ?", (packed.base, manifest)
        ).fetchone()
        if below is None:
            return False
        base = below[0]
    _know_blobs(tx, [entry for _, entry in packed.rows if entry is not None and entry.reference is None])
    tx.execute("DELETE FROM entries WHERE manifest = ?", (manifest,))
    _insert_entries(tx, manifest, packed.rows)
    tx.execute(
        "UPDATE manifests SET digest = ?, base = ?, complete = 1 WHERE id = ?",
        (packed.digest, base, manifest),
    )
    restore_layers(tx)
    return _restore_head(tx, manifest, packed.digest)


def _know_blobs(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Rows for contents whose row is gone: without a place until one is found."""
    before = tx.connection.total_changes
    tx.executemany(
        "INSERT OR IGNORE INTO blobs(digest, size) VALUES (?,?)",
        [(entry.digest, entry.size_bytes) for entry in entries],
    )
    if tx.connection.total_changes > before:
        note_lost(tx)


def _insert_entries(tx: Transaction, manifest: int, rows: Sequence[tuple[str, Entry | None]]) -> None:
    """As `manifests.insert_rows`, for contents that may have no place."""
    kept = tx.execute("SELECT value FROM store WHERE key = ?", (LOST,)).fetchone()
    tx.execute("DELETE FROM store WHERE key = ?", (LOST,))  # a row is enough here
    manifests.insert_rows(tx, manifest, rows, {})
    if kept is not None:
        note_lost(tx)


def _restore_head(tx: Transaction, manifest: int, digest: Digest) -> bool:
    layers = tx.execute(
        "SELECT layer FROM chains WHERE manifest = ? ORDER BY position", (manifest,)
    ).fetchall()
    record = manifests.ManifestRecord(
        id=manifest,
        digest=digest,
        file_count=0,
        size_bytes=0,
        pages=(),
        layers=tuple(one for (one,) in layers),
    )
    entries = list(manifests.iter_entries(tx.connection, record))
    pages = tuple(page_entries(entries))
    if manifest_digest(page.digest for page in pages) != digest:
        return False
    tx.execute(
        "UPDATE manifests SET pages = ?, file_count = ?, size = ? WHERE id = ?",
        (encode_pages(pages), len(entries), sum(entry.size_bytes for entry in entries), manifest),
    )
    return True


def missing_manifests(connection: sqlite3.Connection, told: Told) -> list[tuple[int, Digest]]:
    """Manifests that versions should have and no row is: the row that version names now, and the digest."""
    rows = dict(connection.execute("SELECT uid, manifest FROM versions").fetchall())
    stored = {
        digest
        for (digest,) in connection.execute("SELECT digest FROM manifests WHERE complete = 1").fetchall()
    }
    return [
        (rows.get(uid, 0), Digest(bytes.fromhex(one.manifest)))
        for uid, one in told.versions.items()
        if one.state == "COMMITTED" and bytes.fromhex(one.manifest) not in stored
    ]


def _insert_manifest(tx: Transaction, row: int, digest: Digest) -> int:
    """At the row that versions name, where one does: entries may still be there."""
    return tx.insert(
        "INSERT INTO manifests(id, digest, file_count, size, pages, created_at) VALUES (?, ?, 0, 0, x'', ?)",
        (row or None, digest, tx.now),
    )
