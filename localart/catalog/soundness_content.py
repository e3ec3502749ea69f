"""What the catalog says of contents: manifests and their layers, frames and packs, and what has no place any more.

Read so that it can be compared with the packs. Changes nothing. What may be long streams in keyset pages.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from localart.catalog.seals import pages
from localart.model import BlobRef, Digest, Frame, PackState

_FETCH = 1_000

LOST = "lost_content"
"""The key in `store` that says: some contents have no place any more (their rows name neither frame nor chunks)."""


@dataclass(frozen=True, slots=True)
class FrameRow:
    """A frame as the catalog has it, and how many contents it is said to hold."""

    id: int
    frame: Frame
    blob_count: int


def manifest_ids(connection: sqlite3.Connection, after: int = -1) -> Iterator[tuple[int, Digest]]:
    """The manifests that versions can have, by row, after row `after`."""
    at = after
    for rows in pages(
        connection, "SELECT id, digest FROM manifests WHERE complete = 1 AND id > ? ORDER BY id", at
    ):
        yield from rows


def manifest_layers(connection: sqlite3.Connection) -> Iterator[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Each complete manifest with the layers that `chains` has, and those that follow from the bases."""
    bases: dict[int, int | None] = dict(connection.execute("SELECT id, base FROM manifests").fetchall())
    for manifest, _ in manifest_ids(connection):
        rows = connection.execute(
            "SELECT position, layer FROM chains WHERE manifest = ? ORDER BY position", (manifest,)
        ).fetchall()
        said = tuple(layer for _, layer in rows)
        if [position for position, _ in rows] != list(range(len(rows))):
            said = ()
        follows = [manifest]
        while (base := bases.get(follows[-1])) is not None and len(follows) < 16:
            follows.append(base)
        yield manifest, said, tuple(follows)


def versions_of_manifest(connection: sqlite3.Connection, manifest: int) -> tuple[str, ...]:
    """The committed versions that hold this manifest, or have it below theirs."""
    rows = connection.execute(
        "SELECT DISTINCT p.name || '/' || a.name || ':v' || v.number FROM chains c"
        " JOIN versions v ON v.manifest = c.manifest JOIN artifacts a ON a.id = v.artifact"
        " JOIN projects p ON p.id = a.project WHERE v.state = 'COMMITTED' AND c.layer = ? ORDER BY v.id",
        (manifest,),
    )
    return tuple(name for (name,) in rows.fetchall())


def packs(connection: sqlite3.Connection) -> list[PackState]:
    """Every pack the catalog relies on, oldest first."""
    rows = connection.execute('SELECT name, "end" FROM packs ORDER BY id')
    return [PackState(pack=name, end=end) for name, end in rows.fetchall()]


@contextmanager
def contents_counted(connection: sqlite3.Connection) -> Iterator[None]:
    """Count once how many contents lie in each frame, for `frame_rows` in the body; there is no index for that."""
    try:
        connection.execute("CREATE TEMP TABLE held(frame INTEGER PRIMARY KEY, contents INTEGER NOT NULL)")
        connection.execute(
            "INSERT INTO temp.held SELECT frame, count(*) FROM blobs WHERE frame IS NOT NULL GROUP BY frame"
        )
        yield
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.held")


def frame_rows(connection: sqlite3.Connection, pack: str) -> dict[int, FrameRow]:
    """The frames of a pack by their offset. Inside `contents_counted`."""
    rows = connection.execute(
        "SELECT f.id, f.start, f.stored_bytes, f.raw_bytes, f.codec, f.checksum, f.depth, coalesce(h.contents, 0)"
        " FROM frames f JOIN packs p ON p.id = f.pack LEFT JOIN temp.held h ON h.frame = f.id"
        " WHERE p.name = ? ORDER BY f.start",
        (pack,),
    )
    return {row[1]: _frame_row(row) for row in rows.fetchall()}


def _frame_row(row: tuple[Any, ...]) -> FrameRow:
    frame = Frame(
        start=row[1],
        stored_bytes=row[2],
        raw_bytes=row[3],
        codec=row[4],
        checksum=row[5] & 0xFFFF_FFFF_FFFF_FFFF,
        members=(),
        depth=row[6],
    )
    return FrameRow(row[0], frame, row[7])


def places_of(
    connection: sqlite3.Connection, digests: Sequence[Digest]
) -> dict[Digest, tuple[int, int, int | None, int | None]]:
    """Row, size, frame and offset of each of these contents that the catalog knows."""
    found: dict[Digest, tuple[int, int, int | None, int | None]] = {}
    for at in range(0, len(digests), 500):
        some = digests[at : at + 500]
        marks = ",".join("?" * len(some))
        for digest, *place in connection.execute(
            f"SELECT digest, id, size, frame, start FROM blobs WHERE digest IN ({marks})", some
        ).fetchall():
            row_id, size, frame, start = place
            found[Digest(digest)] = (row_id, size, frame, start)
    return found


def contents_of_frames(connection: sqlite3.Connection, frames: Sequence[int]) -> list[tuple[int, BlobRef]]:
    """What the catalog says lies in these frames: frame and content. One pass over all contents."""
    wanted = set(frames)
    found: list[tuple[int, BlobRef]] = []
    if not wanted:
        return found
    cursor = connection.execute(
        "SELECT frame, digest, size FROM blobs WHERE frame BETWEEN ? AND ?", (min(wanted), max(wanted))
    )
    while rows := cursor.fetchmany(_FETCH):
        found += [(frame, BlobRef(Digest(digest), size)) for frame, digest, size in rows if frame in wanted]
    return found


def iter_wholes(connection: sqlite3.Connection, after: int = -1) -> Iterator[tuple[int, BlobRef]]:
    """Every content that is made of chunks, by row, after row `after`."""
    at = after
    sql = (
        "SELECT b.id, b.digest, b.size FROM blobs b WHERE b.frame IS NULL AND b.id > ?"
        " AND EXISTS (SELECT 1 FROM chunks WHERE blob = b.id) ORDER BY b.id"
    )
    for rows in pages(connection, sql, at):
        yield from ((row_id, BlobRef(Digest(digest), size)) for row_id, digest, size in rows)


def placeless(connection: sqlite3.Connection) -> list[BlobRef]:
    """Contents that are marked as lost: neither in a frame nor made of chunks."""
    rows = connection.execute(
        "SELECT digest, size FROM blobs b WHERE frame IS NULL AND NOT EXISTS (SELECT 1 FROM chunks WHERE blob = b.id)"
    )
    return [BlobRef(Digest(digest), size) for digest, size in rows.fetchall()]
