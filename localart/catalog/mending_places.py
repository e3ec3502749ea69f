"""Where contents lie, said anew: after they were stored again, found by their frame's own list, or lost for good.

Each function is one step inside one transaction, and doing it twice changes nothing. A content of which no copy was
found keeps its row without a place (`note_lost`), so that nobody takes it for one that is there.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate

from localart.catalog.moving import place_frames
from localart.catalog.soundness_content import LOST
from localart.catalog.transaction import Transaction
from localart.model import BlobRef, Digest, PackBatch


def repoint(tx: Transaction, batches: Iterable[PackBatch]) -> int:
    """Say of contents that were stored again where they lie now, wherever they were; how many there were."""
    count = 0
    for number, frame in place_frames(tx, batches):
        starts = accumulate((member.size_bytes for member in frame.members), initial=0)
        count += tx.connection.executemany(
            "UPDATE blobs SET frame = ?, start = ?, size = ? WHERE digest = ?",
            [
                (number, start, member.size_bytes, member.digest)
                for member, start in zip(frame.members, starts, strict=False)
            ],
        ).rowcount
    return count


def name_by_place(tx: Transaction, frame: int, members: Sequence[BlobRef]) -> int:
    """Give rows whose digest or size was damaged the name of what lies at their place; how many there were."""
    count = at = 0
    for member in members:
        known = tx.execute("SELECT 1 FROM blobs WHERE digest = ?", (member.digest,)).fetchone()
        sql = "UPDATE blobs SET digest = ?, size = ? WHERE frame = ? AND start = ? AND digest <> ?"
        if known is None:
            count += tx.execute(sql, (member.digest, member.size_bytes, frame, at, member.digest)).rowcount
        count += tx.execute(
            "UPDATE blobs SET size = ?, start = ? WHERE digest = ? AND frame = ? AND (size, start) <> (?, ?)",
            (member.size_bytes, at, member.digest, frame, member.size_bytes, at),
        ).rowcount
        at += member.size_bytes
    return count


def forget_pack(tx: Transaction, name: str) -> int:
    """Let go of a pack: what no copy was found of keeps its row without a place. How many contents these are."""
    frames = "(SELECT f.id FROM frames f JOIN packs p ON p.id = f.pack WHERE p.name = ?)"
    count = tx.execute(
        f"UPDATE blobs SET frame = NULL, start = NULL WHERE frame IN {frames}", (name,)
    ).rowcount
    if count:
        note_lost(tx)
    tx.execute(f"DELETE FROM frame_bases WHERE frame IN {frames}", (name,))
    tx.execute(f"DELETE FROM frames WHERE id IN {frames}", (name,))
    tx.execute("DELETE FROM packs WHERE name = ?", (name,))
    return count


def lose(tx: Transaction, digests: Collection[Digest]) -> None:
    """Contents whose own digest does not fit what their chunks make: they have no place any more."""
    for digest in digests:
        tx.execute("DELETE FROM chunks WHERE blob = (SELECT id FROM blobs WHERE digest = ?)", (digest,))
        tx.execute("UPDATE blobs SET frame = NULL, start = NULL WHERE digest = ?", (digest,))
    note_lost(tx)


def note_lost(tx: Transaction) -> None:
    """From now on it is asked of each content whether it has a place."""
    tx.execute("INSERT OR REPLACE INTO store(key, value) VALUES (?, ?)", (LOST, tx.now))


def settle_lost(tx: Transaction) -> None:
    """Stop asking when everything has a place again."""
    row = tx.execute(
        "SELECT 1 FROM blobs b WHERE frame IS NULL AND NOT EXISTS (SELECT 1 FROM chunks WHERE blob = b.id) LIMIT 1"
    ).fetchone()
    if row is None:
        tx.execute("DELETE FROM store WHERE key = ?", (LOST,))


def chunks_of(connection: sqlite3.Connection, digest: Digest) -> list[tuple[int, BlobRef]]:
    """The chunks that a large content is made of, each with its offset."""
    rows = connection.execute(
        "SELECT c.start, b.digest, b.size FROM blobs w JOIN chunks c ON c.blob = w.id JOIN blobs b ON b.id = c.chunk"
        " WHERE w.digest = ? ORDER BY c.start",
        (digest,),
    )
    return [(start, BlobRef(Digest(chunk), size)) for start, chunk, size in rows.fetchall()]


def wholes_with(connection: sqlite3.Connection, chunks: Collection[Digest]) -> list[BlobRef]:
    """The large contents that some of these chunks are part of. One pass over all chunks."""
    try:
        connection.execute("CREATE TEMP TABLE wanted(digest BLOB PRIMARY KEY)")
        connection.executemany("INSERT OR IGNORE INTO temp.wanted VALUES (?)", [(one,) for one in chunks])
        rows = connection.execute(
            "SELECT digest, size FROM blobs WHERE id IN"
            " (SELECT c.blob FROM chunks c CROSS JOIN blobs b ON b.id = c.chunk"
            " WHERE b.digest IN (SELECT digest FROM temp.wanted))"
        )
        return [BlobRef(Digest(digest), size) for digest, size in rows.fetchall()]
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.wanted")
