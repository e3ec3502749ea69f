"""Rows of packs that are emptied: what is alive in them, and where it lies once it has been moved."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from localart.catalog.blobs import advance, base_pieces, frame_place, insert_frames
from localart.catalog.history_record import subject_of
from localart.catalog.pruning import PackUse
from localart.catalog.transaction import Transaction
from localart.model import Digest, Frame, FramePlace, PackBatch

_BATCH = 500


def is_known_pack(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the catalog has rows for this pack, as of now."""
    return connection.execute("SELECT 1 FROM packs WHERE name = ?", (name,)).fetchone() is not None


def is_unchanged(connection: sqlite3.Connection, use: PackUse) -> bool:
    """Whether nothing was added to the pack since it was looked at."""
    row = connection.execute(
        'SELECT "end" FROM packs WHERE id = ? AND name = ?', (use.id, use.name)
    ).fetchone()
    return row is not None and bool(row[0] == use.end)


def live_frames(connection: sqlite3.Connection, use: PackUse) -> list[tuple[int, FramePlace]]:
    """The pack's frames that hold something needed (by the last `pack_uses`), with their rows, front to back."""
    rows = connection.execute(
        "SELECT f.id, f.start, f.stored_bytes, f.raw_bytes, f.codec, f.checksum, f.depth"
        " FROM frames f JOIN temp.frame_use u ON u.frame = f.id WHERE f.pack = ? ORDER BY f.start",
        (use.id,),
    ).fetchall()
    bases = base_pieces(connection, [row[0] for row in rows if row[6]])
    return [(row[0], frame_place((use.name, *row[1:]), bases.get(row[0], ()))) for row in rows]


def members_of(connection: sqlite3.Connection, frame: int, digests: Sequence[Digest]) -> set[Digest]:
    """Those of `digests` whose bytes are read from this frame."""
    found: set[Digest] = set()
    for at in range(0, len(digests), _BATCH):
        some = digests[at : at + _BATCH]
        marks = ",".join("?" * len(some))
        found.update(
            Digest(digest)
            for (digest,) in connection.execute(
                f"SELECT digest FROM blobs WHERE digest IN ({marks}) AND frame = ?", (*some, frame)
            ).fetchall()
        )
    return found


def kept_manifests(connection: sqlite3.Connection) -> frozenset[bytes]:
    """The digests of all manifests and layers that are still there."""
    return frozenset(digest for (digest,) in connection.execute("SELECT digest FROM manifests").fetchall())


def kept_large_blobs(connection: sqlite3.Connection) -> frozenset[bytes]:
    """The digests of all blobs that are made of chunks."""
    rows = connection.execute("SELECT digest FROM blobs WHERE frame IS NULL").fetchall()
    return frozenset(digest for (digest,) in rows)


def kept_runs(connection: sqlite3.Connection) -> frozenset[bytes]:
    """The uids of all runs, as the records of their histories begin."""
    return frozenset(subject_of(uid) for (uid,) in connection.execute("SELECT uid FROM runs").fetchall())


def knows_records(connection: sqlite3.Connection, records: Iterable[tuple[int, bytes]]) -> bool:
    """Whether all of these journal records (number, digest) are in the catalog's journal."""
    return all(
        connection.execute("SELECT digest FROM journal WHERE seq = ?", (seq,)).fetchone() == (digest,)
        for seq, digest in records
    )


def repoint(tx: Transaction, batches: Iterable[PackBatch], moved: Mapping[Digest, int]) -> int:
    """Say where the `moved` blobs (digest → frame they were in) lie now; how many there were."""
    return sum(_repoint_members(tx, number, frame, moved) for number, frame in place_frames(tx, batches))


def place_frames(tx: Transaction, batches: Iterable[PackBatch]) -> Iterator[tuple[int, Frame]]:
    """Insert the frames of packs one by one, each with its number, for what it rests on may be in the one before."""
    number = (tx.execute("SELECT max(id) FROM frames").fetchone()[0] or 0) + 1
    for batch in batches:
        pack = advance(tx, batch)
        for frame in batch.frames:
            insert_frames(tx, pack, [(number, frame)])
            yield number, frame
            number += 1


def _repoint_members(tx: Transaction, number: int, frame: Frame, moved: Mapping[Digest, int]) -> int:
    starts = accumulate((member.size_bytes for member in frame.members), initial=0)
    rows = [
        (number, start, member.digest, moved[member.digest])
        for member, start in zip(frame.members, starts, strict=False)
        if member.digest in moved
    ]
    update = "UPDATE blobs SET frame = ?, start = ? WHERE digest = ? AND frame = ?"
    return tx.connection.executemany(update, rows).rowcount if rows else 0


def forget_pack(tx: Transaction, use: PackUse) -> None:
    """Remove the rows of a pack from which everything live has been moved."""
    tx.execute("DELETE FROM frame_bases WHERE frame IN (SELECT id FROM frames WHERE pack = ?)", (use.id,))
    tx.execute("DELETE FROM frames WHERE pack = ?", (use.id,))
    tx.execute("DELETE FROM packs WHERE id = ?", (use.id,))
