"""Where the bytes of a large blob lie, told in few rows: what is read whole needs no row for each chunk."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from localart.catalog import blobs as blob_rows
from localart.errors import BlobMissing
from localart.model import BlobRef, Digest, FrameRun, Piece

WINDOW_BYTES = 64 << 20
"""How much of a blob one query tells of: memory stays the same whatever the blob's size."""

_BATCH = 500  # digests a query
_FRAME = "f.id, p.name, f.start, f.stored_bytes, f.raw_bytes, f.codec, f.checksum, f.depth"
_WHOLE = (
    f"SELECT b.digest, b.size, b.start, {_FRAME} FROM blobs b"
    " JOIN frames f ON f.id = b.frame JOIN packs p ON p.id = f.pack"
)
_FROM = (
    " FROM chunks c JOIN blobs b ON b.id = c.chunk JOIN frames f ON f.id = b.frame JOIN packs p ON p.id = f.pack"
    " WHERE c.blob = :blob AND c.start >= :low AND c.start < :high"
)
_GROUPED = (
    f"SELECT min(c.start) AS at, min(b.start), sum(b.size), {_FRAME}{_FROM}"
    " GROUP BY f.id, c.start - b.start ORDER BY at"
)
_SINGLE = f"SELECT c.start, b.start, b.size, {_FRAME}{_FROM} ORDER BY c.start"


def whole_pieces(connection: sqlite3.Connection, digests: Sequence[Digest]) -> list[Piece]:
    """Where those of `digests` lie that are one piece each, in any order; pieces of a frame share its record."""
    rows: list[tuple[Any, ...]] = []
    for at in range(0, len(digests), _BATCH):
        some = digests[at : at + _BATCH]
        marks = ",".join("?" * len(some))
        rows += connection.execute(f"{_WHOLE} WHERE b.digest IN ({marks})", some).fetchall()
    frames = {row[3]: row[4:] for row in rows}
    bases = blob_rows.base_pieces(connection, [number for number, row in frames.items() if row[-1]])
    places = {number: blob_rows.frame_place(row, bases.get(number, ())) for number, row in frames.items()}
    return [Piece(places[row[3]], row[2], BlobRef(row[0], row[1])) for row in rows]


def iter_runs(connection: sqlite3.Connection, blob: BlobRef) -> Iterator[list[FrameRun]]:
    """The runs of raw bytes that make up `blob`, in order, a list for each window of it; never an empty one.

    BlobMissing when the catalog does not know all of it. Each list is as the catalog is when it is asked for: a
    prune may move what was told before.
    """
    row = connection.execute(
        "SELECT id, frame FROM blobs WHERE digest = ? AND size = ?", (blob.digest, blob.size_bytes)
    ).fetchone()
    if row is None or row[1] is not None:
        (layout,) = blob_rows.layouts(connection, [blob])
        yield [
            FrameRun(piece.place, piece.offset, piece.offset + piece.blob.size_bytes)
            for piece in layout.pieces
        ]
        return
    at = 0
    while at < blob.size_bytes:
        at, runs = _window(connection, blob, row[0], at)
        yield runs


def _window(
    connection: sqlite3.Connection, blob: BlobRef, row_id: int, low: int
) -> tuple[int, list[FrameRun]]:
    """Where the window that begins at `low` ends, and its runs.

    Chunks of a frame that keep their distance in the blob are one run, unless something lies between them.
    """
    span = {"blob": row_id, "low": low, "high": low + WINDOW_BYTES}
    for query in (_GROUPED, _SINGLE):
        rows = connection.execute(query, span).fetchall()
        end = _end_of(rows, low)
        if end is not None and end >= min(low + WINDOW_BYTES, blob.size_bytes) and end <= blob.size_bytes:
            return end, _runs(connection, rows)
    raise BlobMissing(
        f"The catalog does not know all of the content {blob.digest.hex()[:12]}",
        hint="run `localart verify`, then `localart repair`",
    )


def _end_of(rows: list[tuple[Any, ...]], at: int) -> int | None:
    """Where the last row ends; None unless each begins where the one before it ends."""
    for start, _, size, *_ in rows:
        if start != at:
            return None
        at += size
    return at


def _runs(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> list[FrameRun]:
    frames = {row[3]: row[4:] for row in rows}
    bases = blob_rows.base_pieces(connection, [number for number, row in frames.items() if row[-1]])
    places = {number: blob_rows.frame_place(row, bases.get(number, ())) for number, row in frames.items()}
    return [FrameRun(places[row[3]], row[1], row[1] + row[2]) for row in rows]


def packs_of(connection: sqlite3.Connection, blob: BlobRef) -> set[str]:
    """The packs that hold some of `blob`, as the catalog is now."""
    rows = connection.execute(
        "SELECT DISTINCT p.name FROM blobs whole LEFT JOIN chunks c ON c.blob = whole.id"
        " JOIN blobs b ON b.id = coalesce(c.chunk, whole.id) JOIN frames f ON f.id = b.frame"
        " JOIN packs p ON p.id = f.pack WHERE whole.digest = ?",
        (blob.digest,),
    )
    return {name for (name,) in rows}
