"""Rows of packs, frames, blobs and chunks: what is stored, and where it lies."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from localart.catalog.signed import signed
from localart.catalog.transaction import Transaction
from localart.errors import BlobMissing, CatalogDamaged
from localart.model import (
    BasePiece,
    BaseSlice,
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
_SAMPLE = 32
_MANY = 2_000  # from here on they are looked for by their neighbours first: 0.8 µs each

_STORED = (
    "(NOT EXISTS (SELECT 1 FROM store WHERE key = 'lost_content') OR b.frame IS NOT NULL"
    " OR (EXISTS (SELECT 1 FROM chunks WHERE blob = b.id) AND NOT EXISTS"
    " (SELECT 1 FROM chunks c JOIN blobs p ON p.id = c.chunk WHERE c.blob = b.id AND p.frame IS NULL)))"
)
"""What a repair found no copy of keeps its row, without a place; it counts as unknown, so that it is stored again."""

_MOST_LEVELS = 16  # bounds a damaged catalog; writers stop far below

_COLUMNS = "b.digest, b.size, b.start, f.id, p.name, f.start, f.stored_bytes, f.raw_bytes, f.codec, f.checksum, f.depth"
_PLACE = f"SELECT {_COLUMNS} FROM blobs b JOIN frames f ON f.id = b.frame JOIN packs p ON p.id = f.pack"
_BASES = (
    f"SELECT s.frame, s.at, s.start, s.stop, {_COLUMNS} FROM frame_bases s JOIN blobs b ON b.id = s.chunk"
    " JOIN frames f ON f.id = b.frame JOIN packs p ON p.id = f.pack"
)


def pack_states(connection: sqlite3.Connection, *, limit: int = 64) -> list[PackState]:
    """The newest packs and where their committed bytes end: what a writer may try to continue."""
    rows = connection.execute('SELECT name, "end" FROM packs ORDER BY id DESC LIMIT ?', (limit,))
    return [PackState(pack=name, end=end) for name, end in rows.fetchall()]


def known_blobs(connection: sqlite3.Connection, digests: Sequence[Digest]) -> set[Digest]:
    """Those of `digests` that are published."""
    return _ids(connection, digests).keys() & digests


def blob_ids(connection: sqlite3.Connection, digests: Sequence[Digest]) -> dict[Digest, int]:
    """The row of each digest, and maybe of others; `BlobMissing` when one is not published (any more)."""
    found = _ids(connection, digests)
    for digest in digests:
        if digest not in found:
            raise BlobMissing(
                f"Content {digest.hex()[:12]} was added, but is no longer in the store",
                hint="add the files again and log once more",
            )
    return found


def _ids(connection: sqlite3.Connection, digests: Sequence[Digest]) -> dict[Digest, int]:
    """The rows of those of `digests` that are published, and maybe of others.

    What is logged together was mostly published together: of many, the rows around a few of them are read, at a fifth
    of what it costs to look for each in the index, which lies all over the file.
    """
    found = _between(connection, digests) if len(digests) >= _MANY else {}
    rest = [digest for digest in digests if digest not in found] if found else digests
    return found | _looked_up(connection, rest)


def _looked_up(connection: sqlite3.Connection, digests: Sequence[Digest]) -> dict[Digest, int]:
    found: dict[Digest, int] = {}
    for at in range(0, len(digests), _BATCH):
        some = digests[at : at + _BATCH]
        marks = ",".join("?" * len(some))
        found |= connection.execute(
            f"SELECT b.digest, b.id FROM blobs b WHERE b.digest IN ({marks}) AND {_STORED}", some
        ).fetchall()
    return found


def _between(connection: sqlite3.Connection, digests: Sequence[Digest]) -> dict[Digest, int]:
    """The rows around those of a sample."""
    sample = sorted(_looked_up(connection, digests[:: len(digests) // _SAMPLE]).values())
    if not sample:
        return {}
    middle, reach = sample[len(sample) // 2], len(digests) * 5 // 8
    rows = connection.execute(
        f"SELECT b.digest, b.id FROM blobs b WHERE b.id BETWEEN ? AND ? AND {_STORED}",
        (middle - reach, middle + reach),
    )
    return dict(rows.fetchall())


def knows_size(connection: sqlite3.Connection, size_bytes: int) -> bool:
    """Whether a large blob (over 256 KiB) of exactly this size is published."""
    row = connection.execute(
        "SELECT 1 FROM blobs WHERE size = ? AND size > 262144 LIMIT 1", (size_bytes,)
    ).fetchone()
    return row is not None


def publish(tx: Transaction, batch: PackBatch) -> None:
    """Insert the rows of frames that are durable in their pack. Blobs another writer published stay as they are."""
    pack = advance(tx, batch)
    frame_id = (tx.execute("SELECT max(id) FROM frames").fetchone()[0] or 0) + 1
    frames = list(enumerate(batch.frames, start=frame_id))
    insert_frames(tx, pack, frames)
    _insert_members(tx, frames)
    for blob in batch.chunked:
        _insert_chunked(tx, blob)


def advance(tx: Transaction, batch: PackBatch) -> int:
    """The row of the batch's pack, made if it is new; its end moves on."""
    tx.execute(
        'INSERT INTO packs(name, "end", created_at) VALUES (?,?,?)'
        ' ON CONFLICT(name) DO UPDATE SET "end" = max("end", excluded."end")',
        (batch.pack, batch.end, tx.now),
    )
    row_id: int = tx.execute("SELECT id FROM packs WHERE name = ?", (batch.pack,)).fetchone()[0]
    return row_id


def insert_frames(tx: Transaction, pack: int, frames: Sequence[tuple[int, Frame]]) -> None:
    """Say where numbered frames of a pack lie; `BlobMissing` when a base of one is not published (any more)."""
    tx.executemany(
        "INSERT INTO frames(id, pack, start, stored_bytes, raw_bytes, codec, checksum, depth)"
        " VALUES (?,?,?,?,?,?,?,?)",
        [
            (
                number, pack, frame.start, frame.stored_bytes, frame.raw_bytes, frame.codec,
                signed(frame.checksum), frame.depth,
            )
            for number, frame in frames
        ],
    )  # fmt: skip
    bases = [(number, base) for number, frame in frames for base in frame.bases]
    if bases:
        chunks = blob_ids(tx.connection, list({base.chunk for _, base in bases}))
        tx.executemany(
            "INSERT INTO frame_bases(frame, at, chunk, start, stop) VALUES (?,?,?,?,?)",
            [(number, base.at, chunks[base.chunk], base.start, base.stop) for number, base in bases],
        )


def _insert_members(tx: Transaction, frames: Sequence[tuple[int, Frame]]) -> None:
    rows = []
    for number, frame in frames:
        start = 0
        for member in frame.members:
            rows.append((member.digest, member.size_bytes, number, start))
            start += member.size_bytes
    tx.executemany(
        "INSERT INTO blobs(digest, size, frame, start) VALUES (?,?,?,?) ON CONFLICT(digest) DO UPDATE"
        " SET frame = excluded.frame, start = excluded.start WHERE blobs.frame IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM chunks WHERE blob = blobs.id)",
        rows,
    )


def _insert_chunked(tx: Transaction, blob: ChunkedBlob) -> None:
    cursor = tx.execute(
        "INSERT OR IGNORE INTO blobs(digest, size) VALUES (?,?)", (blob.digest, blob.size_bytes)
    )
    row_id = cursor.lastrowid
    if cursor.rowcount == 0:
        if _is_stored(tx.connection, blob.digest):
            return
        row_id = tx.execute("SELECT id FROM blobs WHERE digest = ?", (blob.digest,)).fetchone()[0]
        tx.execute("DELETE FROM chunks WHERE blob = ?", (row_id,))
    ids = blob_ids(tx.connection, list({chunk.digest for chunk in blob.chunks}))
    start = 0
    rows = []
    for chunk in blob.chunks:
        rows.append((row_id, start, ids[chunk.digest]))
        start += chunk.size_bytes
    tx.executemany("INSERT INTO chunks(blob, start, chunk) VALUES (?,?,?)", rows)


def _is_stored(connection: sqlite3.Connection, digest: Digest) -> bool:
    return bool(_ids(connection, [digest]))


def layouts(connection: sqlite3.Connection, blobs: Sequence[BlobRef]) -> list[BlobLayout]:
    """Where each of `blobs` lies, in the order asked for; `BlobMissing` when one is not published."""
    small = {piece.blob.digest: piece for piece in _direct(connection, [blob.digest for blob in blobs])}
    result = []
    for blob in blobs:
        piece = small.get(blob.digest)
        pieces = (piece,) if piece is not None else _chunked(connection, blob)
        if sum(piece.blob.size_bytes for piece in pieces) != blob.size_bytes:
            raise _not_all_known(blob)
        result.append(BlobLayout(blob, pieces))
    return result


def pieces_between(
    connection: sqlite3.Connection, blob: BlobRef, start: int, stop: int
) -> list[tuple[int, Piece]]:
    """The pieces that hold bytes `start` to `stop` of a blob, each with its offset; `BlobMissing` when none do."""
    rows = connection.execute(
        f"SELECT c.start, {_COLUMNS} FROM blobs whole JOIN chunks c ON c.blob = whole.id JOIN blobs b ON b.id = c.chunk"
        " JOIN frames f ON f.id = b.frame JOIN packs p ON p.id = f.pack"
        " WHERE whole.digest = :digest AND c.start < :stop AND c.start >="
        " (SELECT max(first.start) FROM chunks first WHERE first.blob = whole.id AND first.start <= :start)"
        " ORDER BY c.start",
        {"digest": blob.digest, "start": start, "stop": stop},
    ).fetchall()
    if rows:
        return list(
            zip((row[0] for row in rows), _pieces(connection, [row[1:] for row in rows]), strict=True)
        )
    (layout,) = layouts(connection, [blob])
    return [(0, layout.pieces[0])]


def _not_all_known(blob: BlobRef) -> BlobMissing:
    return BlobMissing(
        f"The catalog does not know all of the content {blob.digest.hex()[:12]}",
        hint="run `localart verify`, then `localart repair`",
    )


def _direct(connection: sqlite3.Connection, digests: Sequence[Digest]) -> list[Piece]:
    rows: list[tuple[Any, ...]] = []
    for at in range(0, len(digests), _BATCH):
        some = digests[at : at + _BATCH]
        marks = ",".join("?" * len(some))
        rows += connection.execute(f"{_PLACE} WHERE b.digest IN ({marks})", some).fetchall()
    return _pieces(connection, rows)


def _chunked(connection: sqlite3.Connection, blob: BlobRef) -> tuple[Piece, ...]:
    rows = connection.execute(
        f"{_PLACE} JOIN chunks c ON c.chunk = b.id JOIN blobs whole ON whole.id = c.blob"
        " WHERE whole.digest = ? ORDER BY c.start",
        (blob.digest,),
    ).fetchall()
    return tuple(_pieces(connection, rows))


def _pieces(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]], level: int = 0) -> list[Piece]:
    """Neighbours share the record of their frame; a difference's bases are looked up for all frames at once."""
    frames = {row[3]: row for row in rows}
    bases = _bases(connection, [number for number, row in frames.items() if row[10]], level)
    places = {number: frame_place(row[4:], bases.get(number, ())) for number, row in frames.items()}
    return [Piece(places[row[3]], row[2], BlobRef(Digest(row[0]), row[1])) for row in rows]


def frame_place(row: tuple[Any, ...], bases: tuple[BasePiece, ...] = ()) -> FramePlace:
    """A place from its columns: pack, start, stored bytes, raw bytes, codec, checksum, depth."""
    pack, start, stored_bytes, raw_bytes, codec, checksum, depth = row
    return FramePlace(
        pack, start, stored_bytes, raw_bytes, codec, checksum & 0xFFFF_FFFF_FFFF_FFFF, depth, bases
    )


def base_pieces(connection: sqlite3.Connection, frames: Sequence[int]) -> dict[int, tuple[BasePiece, ...]]:
    """What each of these frames tells the difference from, by the frame's row."""
    return _bases(connection, frames, 0)


def _bases(
    connection: sqlite3.Connection, frames: Sequence[int], level: int
) -> dict[int, tuple[BasePiece, ...]]:
    if not frames:
        return {}
    if level > _MOST_LEVELS:
        raise CatalogDamaged(
            "Differences are stacked deeper than anything localart writes",
            hint="run `localart verify`, then `localart repair`",
        )
    found: list[tuple[Any, ...]] = []
    for at in range(0, len(frames), _BATCH):
        some = frames[at : at + _BATCH]
        marks = ",".join("?" * len(some))
        found += connection.execute(f"{_BASES} WHERE s.frame IN ({marks}) ORDER BY s.frame, s.at", some)
    pieces = _pieces(connection, [row[4:] for row in found], level + 1)
    result: dict[int, list[BasePiece]] = {}
    for (frame, at, start, stop, *_), piece in zip(found, pieces, strict=True):
        base = BaseSlice(at, piece.blob.digest, start, stop)
        result.setdefault(frame, []).append(BasePiece(base, piece))
    return {frame: tuple(bases) for frame, bases in result.items()}
