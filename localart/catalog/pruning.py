"""Which rows nothing refers to any more, and their removal.

Live are the manifests of committed versions and of those in the trash, the layers below them, the blobs that their
entries and the files of runs name, and the chunks of those. `mark` writes all else into temporary tables, without a
lock on the catalog; `sweep` removes it in short transactions. What is committed between two steps is whole in itself:
a row goes with, or after, the rows that refer to it, and a dead manifest can no longer be found by its digest before
it loses its first entry. A death in between leaves garbage that the next prune finds.

A layer below live manifests that is no version's manifest any more is made *hollow*: it loses the entries that
nearer layers cover for every live manifest above it, and with its own rows in `chains` the claim to be a manifest.
Otherwise deleting an old version of a large tree would free nothing.

A frame without blobs keeps its row until its pack is rewritten or removed: it tells how many bytes are dead.

Others may add and log meanwhile. What they rely on they have pinned (`repository/lease.py`), what they have committed
has higher row numbers than `Watch` says: both is taken off the marks in each step of the sweep, before anything is
removed (`sparing`). A manifest that is being put in, slice by slice, counts as alive, unless nobody can be at it.

Foreign keys would make every removed blob a scan of all entries (`entries.blob` has no index on purpose), so they
are off meanwhile (`foreign_keys_off`) and sets prove what they would have checked: what is removed is what is marked,
and what could refer to it was looked at in the same transaction.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from localart.catalog.sparing import HIDDEN, Watch, one_state, watched
from localart.catalog.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """The contents and chunks that are marked; each stored byte is counted once, uncompressed."""

    blob_count: int
    blob_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackUse:
    """How much of a pack is needed.

    `framed_bytes` lie in frames that have a row; all else below `end` is header, records, or garbage of writers.
    `live_bytes` is what must stay of the former, estimated where a frame is half dead.
    """

    id: int
    name: str
    end: int
    frame_count: int
    framed_bytes: int
    live_blobs: int
    live_bytes: int

    @property
    def dead_bytes(self) -> int:
        """Bytes of frames that nothing needs."""
        return self.framed_bytes - self.live_bytes


# --- marking ---------------------------------------------------------------------------------------

_IDS = (
    "doomed_versions", "live_manifests", "hidden", "layers", "dead_manifests", "live_blobs", "live_chunks",
    "dead_wholes", "dead_refs", "spared",
)  # fmt: skip

_TABLES = {
    **dict.fromkeys(_IDS, "(id INTEGER PRIMARY KEY)"),
    "dead_pieces": "(id INTEGER PRIMARY KEY, depth INTEGER NOT NULL)",
    "pinned": "(digest BLOB PRIMARY KEY) WITHOUT ROWID",
    "bare_layers": "(id INTEGER PRIMARY KEY, seen_by INTEGER NOT NULL)",
    "covered": "(manifest INTEGER, dir INTEGER, name TEXT, PRIMARY KEY(manifest, dir, name)) WITHOUT ROWID",
    "frame_use": "(frame INTEGER PRIMARY KEY, blobs INTEGER NOT NULL, raw_bytes INTEGER NOT NULL)",
}

_MARK_MANIFESTS = (
    """
    INSERT OR IGNORE INTO temp.live_manifests
    SELECT v.manifest FROM versions v JOIN manifests m ON m.id = v.manifest
    WHERE (v.state = 'COMMITTED' OR m.complete = 1) AND v.id NOT IN (SELECT id FROM temp.doomed_versions)
    """,
    "INSERT OR IGNORE INTO temp.live_manifests SELECT manifest FROM upserts",
    "INSERT OR IGNORE INTO temp.live_manifests SELECT id FROM temp.hidden",
    # What deleted versions point to; there is one of it, and it holds nothing.
    "INSERT OR IGNORE INTO temp.live_manifests SELECT id FROM manifests WHERE file_count = 0 AND complete = 1",
    "INSERT OR IGNORE INTO temp.layers SELECT id FROM temp.live_manifests",
    """
    INSERT OR IGNORE INTO temp.layers
    SELECT c.layer FROM temp.live_manifests l JOIN chains c ON c.manifest = l.id
    """,
    """
    INSERT INTO temp.dead_manifests
    SELECT id FROM manifests WHERE id NOT IN (SELECT id FROM temp.layers)
    """,
    """
    INSERT INTO temp.bare_layers(id, seen_by)
    SELECT c.layer, min(c.manifest) FROM temp.live_manifests l JOIN chains c ON c.manifest = l.id
    WHERE c.layer NOT IN (SELECT id FROM temp.live_manifests) GROUP BY c.layer
    """,
    # Only what lies over one of the manifests that see a layer can lie over it for all of them.
    """
    INSERT OR IGNORE INTO temp.covered(manifest, dir, name)
    SELECT e.manifest, e.dir, e.name FROM temp.bare_layers b
      JOIN chains own ON own.manifest = b.seen_by AND own.layer = b.id
      JOIN chains nearer ON nearer.manifest = own.manifest AND nearer.position < own.position
      JOIN entries o ON o.manifest = nearer.layer
      JOIN entries e ON e.manifest = b.id AND e.dir = o.dir AND e.name = o.name
    WHERE NOT EXISTS (
      SELECT 1 FROM chains c JOIN temp.live_manifests l ON l.id = c.manifest
      WHERE c.layer = b.id AND NOT EXISTS (
        SELECT 1 FROM chains n JOIN entries x ON x.manifest = n.layer AND x.dir = e.dir AND x.name = e.name
        WHERE n.manifest = c.manifest AND n.position < c.position))
    """,
)

_MARK_BLOBS = (
    """
    INSERT OR IGNORE INTO temp.live_blobs
    SELECT e.blob FROM temp.layers l CROSS JOIN entries e ON e.manifest = l.id
    WHERE e.blob IS NOT NULL AND l.id NOT IN (SELECT manifest FROM temp.covered)
    """,
    """
    INSERT OR IGNORE INTO temp.live_blobs
    SELECT e.blob FROM (SELECT DISTINCT manifest FROM temp.covered) m CROSS JOIN entries e ON e.manifest = m.manifest
    WHERE e.blob IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM temp.covered c WHERE c.manifest = e.manifest AND c.dir = e.dir AND c.name = e.name)
    """,
    "INSERT OR IGNORE INTO temp.live_blobs SELECT blob FROM run_files",
    """
    INSERT OR IGNORE INTO temp.live_chunks
    SELECT c.chunk FROM chunks c WHERE EXISTS (SELECT 1 FROM temp.live_blobs l WHERE l.id = c.blob)
    """,
    # A difference needs its bases, and those theirs.
    """
    INSERT OR IGNORE INTO temp.live_chunks
    WITH RECURSIVE pinned(chunk) AS (
      SELECT s.chunk FROM blobs b JOIN frame_bases s ON s.frame = b.frame
      WHERE EXISTS (SELECT 1 FROM frame_bases) AND (b.id IN (SELECT id FROM temp.live_blobs)
        OR b.id IN (SELECT id FROM temp.live_chunks))
      UNION
      SELECT s.chunk FROM pinned JOIN blobs b ON b.id = pinned.chunk JOIN frame_bases s ON s.frame = b.frame)
    SELECT chunk FROM pinned
    """,
    """
    INSERT INTO temp.dead_wholes
    SELECT id FROM blobs b WHERE frame IS NULL
      AND NOT EXISTS (SELECT 1 FROM temp.live_blobs l WHERE l.id = b.id)
      AND NOT EXISTS (SELECT 1 FROM temp.live_chunks c WHERE c.id = b.id) ORDER BY id
    """,
    """
    INSERT INTO temp.dead_pieces
    SELECT b.id, f.depth FROM blobs b JOIN frames f ON f.id = b.frame
    WHERE NOT EXISTS (SELECT 1 FROM temp.live_blobs l WHERE l.id = b.id)
      AND NOT EXISTS (SELECT 1 FROM temp.live_chunks c WHERE c.id = b.id) ORDER BY b.id
    """,
    "CREATE INDEX temp.dead_by_depth ON dead_pieces(depth)",
    """
    INSERT INTO temp.dead_refs
    SELECT id FROM refs WHERE id NOT IN (
      SELECT e.ref FROM temp.layers l CROSS JOIN entries e ON e.manifest = l.id WHERE e.ref IS NOT NULL)
    """,
)


@contextmanager
def marked(
    connection: sqlite3.Connection, doomed_versions: Collection[int] = (), *, is_alone: bool = False
) -> Iterator[Watch]:
    """Mark the garbage there would be without `doomed_versions`, as of one moment; forget it afterwards.

    `is_alone`: nobody is logging, so what is half-logged is garbage. Time: about a second for a million entries. The
    writer lock is not needed; other writers go on.
    """
    try:
        with one_state(connection):
            for table, columns in _TABLES.items():
                connection.execute(f"CREATE TEMP TABLE {table}{columns}")
            connection.executemany(
                "INSERT INTO temp.doomed_versions VALUES (?)", [(row_id,) for row_id in set(doomed_versions)]
            )
            if not is_alone:
                connection.execute(HIDDEN, (0,))
            for statement in (*_MARK_MANIFESTS, *_MARK_BLOBS):
                connection.execute(statement)
            watch = watched(connection)
        yield watch
    finally:
        for table in _TABLES:
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


def garbage(connection: sqlite3.Connection) -> Garbage:
    """How much content is marked."""
    wholes = connection.execute("SELECT count(*) FROM temp.dead_wholes").fetchone()[0]
    pieces, size = connection.execute(
        "SELECT count(*), coalesce(sum(b.size), 0) FROM temp.dead_pieces d JOIN blobs b ON b.id = d.id"
    ).fetchone()
    return Garbage(blob_count=wholes + pieces, blob_bytes=size)


def has_garbage(connection: sqlite3.Connection) -> bool:
    """Whether anything at all is marked."""
    tables = ("dead_manifests", "covered", "dead_wholes", "dead_pieces", "dead_refs")
    query = " OR ".join(f"EXISTS (SELECT 1 FROM temp.{table})" for table in tables)
    return bool(connection.execute(f"SELECT {query}").fetchone()[0])


def pack_uses(connection: sqlite3.Connection) -> list[PackUse]:
    """How much of each pack is needed when what is marked is gone; the emptiest packs first."""
    connection.execute("DELETE FROM temp.frame_use")
    connection.execute(
        "INSERT INTO temp.frame_use(frame, blobs, raw_bytes) SELECT frame, count(*), sum(size) FROM blobs"
        " WHERE frame IS NOT NULL AND id NOT IN (SELECT id FROM temp.dead_pieces) GROUP BY frame"
    )
    rows = connection.execute(
        'SELECT p.id, p.name, p."end", count(f.id), coalesce(sum(f.stored_bytes), 0),'
        " coalesce(sum(u.blobs), 0), coalesce(sum(CASE WHEN u.raw_bytes >= f.raw_bytes THEN f.stored_bytes"
        " ELSE f.stored_bytes * u.raw_bytes / f.raw_bytes END), 0) AS live"
        " FROM packs p LEFT JOIN frames f ON f.pack = p.id LEFT JOIN temp.frame_use u ON u.frame = f.id"
        " GROUP BY p.id ORDER BY live, p.id"
    )
    return [
        PackUse(
            id=row[0], name=row[1], end=row[2], frame_count=row[3], framed_bytes=row[4], live_blobs=row[5],
            live_bytes=row[6],
        )
        for row in rows.fetchall()
    ]  # fmt: skip


# --- sweeping --------------------------------------------------------------------------------------


@contextmanager
def foreign_keys_off(connection: sqlite3.Connection) -> Iterator[None]:
    """Let the body's transactions remove rows without a search for others that refer to them."""
    connection.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.execute("PRAGMA foreign_keys=ON")


def sweep(tx: Transaction, rows: int) -> bool:
    """Remove about `rows` of the marked rows (a large blob goes with all of its chunks); whether some are left."""
    _hide(tx)
    for step in (
        _sweep_entries,
        _sweep_covered,
        _sweep_manifests,
        _sweep_wholes,
        _sweep_pieces,
        _sweep_refs,
    ):
        rows -= step(tx, rows)
        if rows <= 0:
            return True
    return False


def _hide(tx: Transaction) -> None:
    """Nobody finds a manifest again that is about to lose entries."""
    tx.execute(
        "UPDATE manifests SET complete = 0, base = NULL WHERE id IN (SELECT id FROM temp.dead_manifests)"
    )
    tx.execute("UPDATE manifests SET complete = 0 WHERE id IN (SELECT manifest FROM temp.covered)")
    tx.execute(
        "DELETE FROM chains WHERE manifest IN"
        " (SELECT id FROM temp.dead_manifests UNION SELECT manifest FROM temp.covered)"
    )


def _sweep_entries(tx: Transaction, rows: int) -> int:
    gone = 0
    while gone < rows:
        found = tx.execute(
            "SELECT d.id FROM temp.dead_manifests d"
            " WHERE EXISTS (SELECT 1 FROM entries e WHERE e.manifest = d.id) LIMIT 1"
        ).fetchone()
        if found is None:
            break
        gone += _remove_entries(tx, found[0], rows - gone)
    return gone


def _remove_entries(tx: Transaction, manifest: int, rows: int) -> int:
    first_kept = tx.execute(
        "SELECT dir, name FROM entries WHERE manifest = ? ORDER BY dir, name LIMIT 1 OFFSET ?",
        (manifest, rows),
    ).fetchone()
    if first_kept is None:
        return tx.execute("DELETE FROM entries WHERE manifest = ?", (manifest,)).rowcount
    return tx.execute(
        "DELETE FROM entries WHERE manifest = ? AND (dir, name) < (?, ?)", (manifest, *first_kept)
    ).rowcount


def _sweep_covered(tx: Transaction, rows: int) -> int:
    some = "SELECT manifest, dir, name FROM temp.covered ORDER BY manifest, dir, name LIMIT ?"
    gone = tx.execute(f"DELETE FROM entries WHERE (manifest, dir, name) IN ({some})", (rows,)).rowcount
    tx.execute(f"DELETE FROM temp.covered WHERE (manifest, dir, name) IN ({some})", (rows,))
    return gone


def _sweep_manifests(tx: Transaction, rows: int) -> int:
    """A row that a deleted version still names stays, without entries."""
    gone = tx.execute(
        "DELETE FROM manifests WHERE id IN (SELECT id FROM temp.dead_manifests)"
        " AND id NOT IN (SELECT manifest FROM versions)"
    ).rowcount
    tx.execute("DELETE FROM temp.dead_manifests")
    return min(gone, rows - 1)  # few: they never end a transaction


def _sweep_wholes(tx: Transaction, rows: int) -> int:
    """A large blob and its chunks' rows go at once: without them it must not be found by its digest."""
    gone = 0
    while gone < rows:
        found = tx.execute("SELECT min(id) FROM temp.dead_wholes").fetchone()
        if found[0] is None:
            break
        gone += 1 + tx.execute("DELETE FROM chunks WHERE blob = ?", found).rowcount
        tx.execute("DELETE FROM blobs WHERE id = ?", found)
        tx.execute("DELETE FROM temp.dead_wholes WHERE id = ?", found)
    return gone


def _sweep_pieces(tx: Transaction, rows: int) -> int:
    """What is told by its difference goes before what it is told from: all that is left can be read."""
    gone = 0
    while gone < rows:
        depth = tx.execute("SELECT max(depth) FROM temp.dead_pieces").fetchone()[0]
        if depth is None:
            break
        some = f"SELECT id FROM temp.dead_pieces WHERE depth = {depth:d} ORDER BY id LIMIT {rows - gone:d}"
        tx.execute(f"DELETE FROM frame_bases WHERE chunk IN ({some})")
        gone += tx.execute(f"DELETE FROM blobs WHERE id IN ({some})").rowcount
        tx.execute(f"DELETE FROM temp.dead_pieces WHERE id IN ({some})")
    return gone


def _sweep_refs(tx: Transaction, rows: int) -> int:
    return _sweep_ids(tx, "dead_refs", "refs", rows)


def _sweep_ids(tx: Transaction, marked_rows: str, table: str, rows: int) -> int:
    last = tx.execute(
        f"SELECT max(id) FROM (SELECT id FROM temp.{marked_rows} ORDER BY id LIMIT ?)", (rows,)
    ).fetchone()
    if last[0] is None:
        return 0
    gone = tx.execute(
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM temp.{marked_rows} WHERE id <= ?)", last
    ).rowcount
    tx.execute(f"DELETE FROM temp.{marked_rows} WHERE id <= ?", last)
    return gone


# --- the file --------------------------------------------------------------------------------------


def catalog_bytes(connection: sqlite3.Connection) -> int:
    """The size of the database, as of the last commit."""
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return pages * size


def free_pages(connection: sqlite3.Connection) -> int:
    """Pages of the database that hold nothing."""
    count: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return count


def shrink(tx: Transaction, pages: int) -> None:
    """Give at most `pages` free pages back to the file system."""
    for _ in range(pages):  # Python takes one step of a statement without columns, and a step frees one page
        tx.execute("PRAGMA incremental_vacuum(1)")
