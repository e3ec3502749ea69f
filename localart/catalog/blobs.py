"""Rows of packs, frames, blobs and chunks: what is stored, and where it lies."""

import sqlite3
from collections.abc import Iterator, Sequence

from localart.catalog.transaction import Transaction
from localart.errors import BlobMissing
from localart.model import (
    BlobLayout,
    BlobRef,
    ChunkedBlob,
    Digest,
    Frame,
    FramePlace,
    PackBatch,
    PackState,
    Piece,
)

_BATCH = 500  # digests a query: 2.3 µs each, against 6.5 µs one by one

_PLACE = (
    "SELECT b.digest, b.size, b.start, p.name, f.start, f.stored_bytes, f.raw_bytes, f.codec, f.checksum"
    " FROM blobs b JOIN frames f ON f.id = b.frame JOIN packs p ON p.id = f.pack"
)


def pack_states(connection: sqlite3.Connection, *, limit: int = 64) -> list[PackState]:
    """The newest packs and where their committed bytes end: what a writer may try to continue."""
    rows = connection.execute('SELECT name, "end" FROM packs ORDER BY id DESC LIMIT ?', (limit,))
    return [PackState(pack=name, end=end) for name, end in rows.fetchall()]


def known_blobs(connection: sqlite3.Connection, digests: Sequence[Digest]) -> set[Digest]:
    """Those of `digests` that are published."""
    return {digest for digest, _ in _ids(connection, digests)}


def blob_ids(connection: sqlite3.Connection, digests: Sequence[Digest]) -> dict[Digest, int]:
    """The row of each digest; `BlobMissing` when one is not published (any more)."""
    found = dict(_ids(connection, digests))
    if len(found) < len(digests):
        for digest in digests:
            if digest not in found:
                raise BlobMissing(
                    f"Content {digest.hex()[:12]} was added, but is no longer in the store",
                    hint="add the files again and log once more",
                )
    return found


def _ids(connection: sqlite3.Connection, digests: Sequence[Digest]) -> Iterator[tuple[Digest, int]]:
    for at in range(0, len(digests), _BATCH):
        some = digests[at : at + _BATCH]
        marks = ",".join("?" * len(some))
        yield from connection.execute(
            f"SELECT digest, id FROM blobs WHERE digest IN ({marks})",
            some,
        ).fetchall()


def knows_size(connection: sqlite3.Connection, size_bytes: int) -> bool:
    """Whether a large blob (over 256 KiB) of exactly this size is published."""
    row = connection.execute(
        "SELECT 1 FROM blobs WHERE size = ? AND size > 262144 LIMIT 1", (size_bytes,)
    ).fetchone()
    return row is not None


def publish(tx: Transaction, batch: PackBatch) -> None:
    """Insert the rows of frames that are durable in their pack. Blobs another writer published stay as they are."""
    pack = _advance(tx, batch)
    frame_id = (tx.execute("SELECT max(id) FROM frames").fetchone()[0] or 0) + 1
    for number, frame in enumerate(batch.frames, start=frame_id):
        _insert_frame(tx, number, pack, frame)
    for blob in batch.chunked:
        _insert_chunked(tx, blob)


def _advance(tx: Transaction, batch: PackBatch) -> int:
    tx.execute(
        'INSERT INTO packs(name, "end", created_at) VALUES (?,?,?)'
        ' ON CONFLICT(name) DO UPDATE SET "end" = max("end", excluded."end")',
        (batch.pack, batch.end, tx.now),
    )
    row_id: int = tx.execute("SELECT id FROM packs WHERE name = ?", (batch.pack,)).fetchone()[0]
    return row_id


def _insert_frame(tx: Transaction, number: int, pack: int, frame: Frame) -> None:
    tx.execute(
        "INSERT INTO frames(id, pack, start, stored_bytes, raw_bytes, codec, checksum) VALUES (?,?,?,?,?,?,?)",
        (
            number,
            pack,
            frame.start,
            frame.stored_bytes,
            frame.raw_bytes,
            frame.codec,
            _signed(frame.checksum),
        ),
    )
    start = 0
    rows = []
    for member in frame.members:
        rows.append((member.digest, member.size_bytes, number, start))
        start += member.size_bytes
    tx.executemany("INSERT OR IGNORE INTO blobs(digest, size, frame, start) VALUES (?,?,?,?)", rows)


def _insert_chunked(tx: Transaction, blob: ChunkedBlob) -> None:
    cursor = tx.execute(
        "INSERT OR IGNORE INTO blobs(digest, size) VALUES (?,?)", (blob.digest, blob.size_bytes)
    )
    if cursor.rowcount == 0:
        return
    row_id = cursor.lastrowid
    ids = blob_ids(tx.connection, list({chunk.digest for chunk in blob.chunks}))
    start = 0
    rows = []
    for chunk in blob.chunks:
        rows.append((row_id, start, ids[chunk.digest]))
        start += chunk.size_bytes
    tx.executemany("INSERT INTO chunks(blob, start, chunk) VALUES (?,?,?)", rows)


def layouts(connection: sqlite3.Connection, blobs: Sequence[BlobRef]) -> list[BlobLayout]:
    """Where each of `blobs` lies, in the order asked for; `BlobMissing` when one is not published."""
    small = {piece.blob.digest: piece for piece in _direct(connection, [blob.digest for blob in blobs])}
    result = []
    for blob in blobs:
        piece = small.get(blob.digest)
        pieces = (piece,) if piece is not None else _chunked(connection, blob)
        if sum(piece.blob.size_bytes for piece in pieces) != blob.size_bytes:
            raise BlobMissing(
                f"The catalog does not know all of the content {blob.digest.hex()[:12]}",
                hint="run `localart doctor`",
            )
        result.append(BlobLayout(blob, pieces))
    return result


def _direct(connection: sqlite3.Connection, digests: Sequence[Digest]) -> Iterator[Piece]:
    for at in range(0, len(digests), _BATCH):
        some = digests[at : at + _BATCH]
        marks = ",".join("?" * len(some))
        for row in connection.execute(f"{_PLACE} WHERE b.digest IN ({marks})", some).fetchall():
            yield _piece(row)


def _chunked(connection: sqlite3.Connection, blob: BlobRef) -> tuple[Piece, ...]:
    rows = connection.execute(
        f"{_PLACE} JOIN chunks c ON c.chunk = b.id JOIN blobs whole ON whole.id = c.blob"
        " WHERE whole.digest = ? ORDER BY c.start",
        (blob.digest,),
    )
    return tuple(_piece(row) for row in rows.fetchall())


def _piece(row: tuple[bytes, int, int, str, int, int, int, int, int]) -> Piece:
    digest, size, offset, pack, start, stored_bytes, raw_bytes, codec, checksum = row
    place = FramePlace(pack, start, stored_bytes, raw_bytes, codec, checksum & 0xFFFF_FFFF_FFFF_FFFF)
    return Piece(place, offset, BlobRef(Digest(digest), size))


def _signed(checksum: int) -> int:
    return checksum - (1 << 64) if checksum >= 1 << 63 else checksum
