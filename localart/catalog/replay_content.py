"""Where contents lie and what runs logged: rows of a catalog that is being rebuilt.

Content that is named, but was not found whole, has a row without a place: reading it is an error, and logging it
again gives it a place.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from localart.catalog import metrics
from localart.catalog.blobs import insert_frames
from localart.catalog.history_record import Row
from localart.catalog.replay_kinds import Replaying
from localart.catalog.seals import seal_of
from localart.catalog.soundness_content import LOST
from localart.model import BlobRef, ChunkedBlob, Digest, Frame

_ROWS = 5_000
_MOST_LEVELS = 16

_TABLES = (
    "CREATE TEMP TABLE IF NOT EXISTS bases(frame INTEGER, at INTEGER, digest BLOB, start INTEGER, stop INTEGER)",
    "CREATE INDEX IF NOT EXISTS temp.bases_by_frame ON bases(frame)",
    "CREATE TEMP TABLE IF NOT EXISTS unsettled(frame INTEGER PRIMARY KEY)",
)

# A plain frame is preferred to a difference, which needs others.
_INSERT_MEMBER = (
    "INSERT INTO blobs(digest, size, frame, start) VALUES (?,?,?,?) ON CONFLICT(digest) DO UPDATE"
    " SET frame = excluded.frame, start = excluded.start"
    " WHERE blobs.frame IN (SELECT frame FROM temp.unsettled)"
    " AND excluded.frame NOT IN (SELECT frame FROM temp.unsettled)"
)
_PLACELESS = "frame IS NULL AND NOT EXISTS (SELECT 1 FROM chunks WHERE blob = blobs.id)"
_NEEDED = "SELECT blob FROM entries WHERE blob IS NOT NULL UNION SELECT blob FROM run_files"


# --- frames --------------------------------------------------------------------------------------------


def place_pack(tx: Replaying, name: str, frames: Iterable[tuple[Frame, Collection[BlobRef]]]) -> int:
    """Insert a pack with its frames, each with those of its members that are not damaged; its row."""
    for table in _TABLES:
        tx.execute(table)
    pack = tx.insert('INSERT INTO packs(name, "end", created_at) VALUES (?, 0, ?)', (name, tx.now))
    last = tx.execute("SELECT coalesce(max(id), 0) FROM frames").fetchone()[0]
    for number, (frame, damaged) in enumerate(frames, start=last + 1):
        _place_frame(tx, pack, number, frame, damaged)
    return pack


def _place_frame(tx: Replaying, pack: int, number: int, frame: Frame, damaged: Collection[BlobRef]) -> None:
    insert_frames(tx, pack, [(number, replace(frame, bases=()))])
    if frame.bases:
        tx.execute("INSERT INTO temp.unsettled VALUES (?)", (number,))
        tx.executemany(
            "INSERT INTO temp.bases VALUES (?,?,?,?,?)",
            [(number, base.at, base.chunk, base.start, base.stop) for base in frame.bases],
        )
    rows, start = [], 0
    for member in frame.members:
        if member not in damaged:
            rows.append((member.digest, member.size_bytes, number, start))
        start += member.size_bytes
    tx.executemany(_INSERT_MEMBER, rows)


def end_pack(tx: Replaying, pack: int, end: int) -> None:
    """Say where the last whole frame of the pack ends."""
    tx.execute('UPDATE packs SET "end" = ? WHERE id = ?', (end, pack))


def settle_differences(tx: Replaying) -> None:
    """Give differences their bases and depths. One whose base is missing is forgotten, and its contents with it."""
    for table in _TABLES:
        tx.execute(table)
    for level in range(1, _MOST_LEVELS + 1):
        ready = tx.execute(
            "SELECT u.frame FROM temp.unsettled u WHERE NOT EXISTS ("
            " SELECT 1 FROM temp.bases s LEFT JOIN blobs b ON b.digest = s.digest WHERE s.frame = u.frame"
            " AND (b.id IS NULL OR s.stop > b.size OR b.frame IN (SELECT frame FROM temp.unsettled)))"
        ).fetchall()
        if not ready:
            break
        tx.executemany("UPDATE frames SET depth = ? WHERE id = ?", [(level, frame) for (frame,) in ready])
        tx.executemany("DELETE FROM temp.unsettled WHERE frame = ?", ready)
    tx.execute("DELETE FROM blobs WHERE frame IN (SELECT frame FROM temp.unsettled)")
    tx.execute("DELETE FROM frames WHERE id IN (SELECT frame FROM temp.unsettled)")
    tx.execute(
        "INSERT INTO frame_bases(frame, at, chunk, start, stop) SELECT s.frame, s.at, b.id, s.start, s.stop"
        " FROM temp.bases s JOIN blobs b ON b.digest = s.digest"
        " WHERE s.frame NOT IN (SELECT frame FROM temp.unsettled)"
    )


def iter_differences(connection: sqlite3.Connection) -> Iterator[list[BlobRef]]:
    """The contents of each frame that tells a difference, those that others lie on first."""
    frames = connection.execute(
        "SELECT id FROM frames WHERE depth > 0 ORDER BY depth, pack, start"
    ).fetchall()
    for frame in frames:
        rows = connection.execute(
            "SELECT digest, size FROM blobs WHERE frame = ? ORDER BY start", frame
        ).fetchall()
        yield [BlobRef(Digest(digest), size) for digest, size in rows]


def take_place_away(tx: Replaying, blob: BlobRef) -> None:
    """Its bytes are not what they should be: nothing is read from there any more."""
    tx.execute("UPDATE blobs SET frame = NULL, start = NULL WHERE digest = ?", (blob.digest,))
    tx.execute("DELETE FROM chunks WHERE blob = (SELECT id FROM blobs WHERE digest = ?)", (blob.digest,))


# --- large files -----------------------------------------------------------------------------------------


def place_large(tx: Replaying, blob: ChunkedBlob) -> None:
    """Insert a large file and its chunks; those that were not found get a row without a place."""
    if tx.execute("SELECT 1 FROM blobs WHERE digest = ?", (blob.digest,)).fetchone():
        return
    key = tx.insert("INSERT INTO blobs(digest, size) VALUES (?,?)", (blob.digest, blob.size_bytes))
    start = 0
    rows = []
    ids = ids_of(tx, blob.chunks)
    for chunk in blob.chunks:
        rows.append((key, start, ids[chunk.digest]))
        start += chunk.size_bytes
    tx.executemany("INSERT INTO chunks(blob, start, chunk) VALUES (?,?,?)", rows)


def ids_of(tx: Replaying, blobs: Iterable[BlobRef]) -> dict[Digest, int]:
    """The row of each content, made without a place where it was not found."""
    wanted = {blob.digest: blob.size_bytes for blob in blobs}
    found: dict[Digest, int] = {}
    stream = iter(wanted)
    while some := list(islice(stream, 500)):
        marks = ",".join("?" * len(some))
        rows = tx.execute(f"SELECT digest, id FROM blobs WHERE digest IN ({marks})", some).fetchall()
        found |= {Digest(digest): key for digest, key in rows}
    for digest in wanted.keys() - found.keys():
        found[digest] = tx.insert("INSERT INTO blobs(digest, size) VALUES (?,?)", (digest, wanted[digest]))
    return found


def iter_whole_large(connection: sqlite3.Connection) -> Iterator[BlobRef]:
    """The large files all of whose chunks were found."""
    rows = connection.execute(
        "SELECT w.digest, w.size FROM blobs w WHERE w.frame IS NULL AND EXISTS (SELECT 1 FROM chunks WHERE blob = w.id)"
        " AND NOT EXISTS (SELECT 1 FROM chunks c JOIN blobs b ON b.id = c.chunk WHERE c.blob = w.id"
        " AND b.frame IS NULL) ORDER BY w.id"
    ).fetchall()
    yield from (BlobRef(Digest(digest), size) for digest, size in rows)


# --- what runs keep and logged ------------------------------------------------------------------------------


def keep_run_files(tx: Replaying) -> None:
    """Insert the files that runs still keep, now that all records are replayed."""
    rows = tx.execute("SELECT run, path, digest, coalesce(size, 0), time FROM temp.kept_files").fetchall()
    ids = ids_of(tx, [BlobRef(Digest(row[2]), row[3]) for row in rows])
    tx.executemany(
        "INSERT INTO run_files(run, path, blob, updated_at, seal) VALUES (?,?,?,?,?)",
        [
            (run, path, ids[Digest(digest)], time, seal_of(run, path, digest, time))
            for run, path, digest, _, time in rows
        ],
    )


def find_run_key(connection: sqlite3.Connection, uid: str) -> int | None:
    """The run with this uid, or None."""
    row = connection.execute("SELECT id FROM runs WHERE uid = ?", (uid,)).fetchone()
    return row[0] if row else None


def ended_runs(connection: sqlite3.Connection) -> list[int]:
    """The runs whose history is complete."""
    rows = connection.execute("SELECT id FROM runs WHERE finished_at IS NOT NULL ORDER BY id")
    return [key for (key,) in rows.fetchall()]


def insert_history(tx: Replaying, run_key: int, rows: Iterable[Row]) -> None:
    """Insert what the run logged; of two values of a metric at one step the newer one stays."""
    stream = iter(rows)
    ids: dict[str, int] = {}
    while some := list(islice(stream, _ROWS)):
        ids |= metrics.metric_ids(
            tx, [name for name in dict.fromkeys(row.metric for row in some) if name not in ids]
        )
        tx.executemany(
            metrics.INSERT_NEWER,
            [(run_key, ids[row.metric], row.step, row.value, row.body, row.time) for row in some],
        )


def has_history(connection: sqlite3.Connection, run_key: int) -> bool:
    """Whether anything that the run logged is there."""
    return (
        connection.execute("SELECT 1 FROM metrics WHERE run = ? LIMIT 1", (run_key,)).fetchone() is not None
    )


# --- what is missing ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LostFile:
    """A file that is named, but whose bytes were not found: of a version, or (`project/run:id`) of a run."""

    owner: str
    path: str
    blob: BlobRef


def forget_unneeded(tx: Replaying) -> None:
    """Remove the rows of contents that were not found whole and that nothing names."""
    _forget_covered(tx)
    tx.execute(
        "CREATE TEMP TABLE broken AS SELECT w.id FROM blobs w WHERE w.frame IS NULL"
        f" AND w.id NOT IN ({_NEEDED}) AND EXISTS (SELECT 1 FROM chunks c JOIN blobs b ON b.id = c.chunk"
        " WHERE c.blob = w.id AND b.frame IS NULL)"
    )
    tx.execute("DELETE FROM chunks WHERE blob IN (SELECT id FROM temp.broken)")
    tx.execute(
        f"DELETE FROM blobs WHERE {_PLACELESS} AND id NOT IN ({_NEEDED})"
        " AND id NOT IN (SELECT chunk FROM chunks) AND id NOT IN (SELECT chunk FROM frame_bases)"
    )
    if tx.execute(f"SELECT 1 FROM blobs WHERE {_PLACELESS} LIMIT 1").fetchone():
        tx.execute("INSERT OR REPLACE INTO store(key, value) VALUES (?,?)", (LOST, tx.now))


def _forget_covered(tx: Replaying) -> None:
    """Rows of lower layers whose bytes a prune has taken, because something lies over them wherever they are seen."""
    tx.execute(
        "CREATE TEMP TABLE hollow AS SELECT e.manifest, e.dir, e.name FROM entries e JOIN blobs b ON b.id = e.blob"
        " WHERE b.frame IS NULL AND e.manifest NOT IN"
        " (SELECT manifest FROM versions UNION SELECT manifest FROM upserts)"
        " AND (NOT EXISTS (SELECT 1 FROM chunks WHERE blob = b.id) OR EXISTS (SELECT 1 FROM chunks c"
        " JOIN blobs p ON p.id = c.chunk WHERE c.blob = b.id AND p.frame IS NULL))"
        " AND NOT EXISTS (SELECT 1 FROM chains c WHERE c.layer = e.manifest AND c.manifest IN"
        " (SELECT manifest FROM versions UNION SELECT manifest FROM upserts)"
        " AND NOT EXISTS (SELECT 1 FROM chains n JOIN entries x ON x.manifest = n.layer AND x.dir = e.dir"
        " AND x.name = e.name WHERE n.manifest = c.manifest AND n.position < c.position))"
    )
    tx.execute(
        "DELETE FROM entries WHERE (manifest, dir, name) IN (SELECT manifest, dir, name FROM temp.hollow)"
    )
    tx.execute("UPDATE manifests SET complete = 0 WHERE id IN (SELECT manifest FROM temp.hollow)")


def lost_files(connection: sqlite3.Connection, *, limit: int) -> list[LostFile]:
    """The files whose bytes were not found, by version and path, then those of runs; at most `limit`."""
    if not connection.execute("SELECT 1 FROM store WHERE key = ?", (LOST,)).fetchone():
        return []
    connection.execute(
        "CREATE TEMP TABLE lost AS SELECT id, digest, size FROM blobs WHERE frame IS NULL AND (NOT EXISTS"
        " (SELECT 1 FROM chunks WHERE blob = blobs.id) OR EXISTS (SELECT 1 FROM chunks c JOIN blobs p"
        " ON p.id = c.chunk WHERE c.blob = blobs.id AND p.frame IS NULL))"
    )
    rows = connection.execute(
        "SELECT f.project || '/' || f.artifact || ':' || f.version, f.path, l.digest, l.size FROM temp.lost l"
        " JOIN files f ON f.digest = lower(hex(l.digest)) WHERE f.reference IS NULL"
        " UNION ALL SELECT p.name || '/run:' || r.run_id, f.path, l.digest, l.size FROM temp.lost l"
        " JOIN run_files f ON f.blob = l.id JOIN runs r ON r.id = f.run JOIN projects p ON p.id = r.project"
        " LIMIT ?",
        (limit,),
    ).fetchall()
    return [LostFile(owner=row[0], path=row[1], blob=BlobRef(Digest(row[2]), row[3])) for row in rows]
