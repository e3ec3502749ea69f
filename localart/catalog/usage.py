"""Who holds which stored bytes: what is shared, and what a deletion would free.

A *piece* is a chunk, or a small file: what lies in a frame. A version holds the pieces of its files, and those its
differences are told from. Stored bytes are shared out among the pieces of a frame by their raw size.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Bytes of one artifact, or of one version.

    `logical_bytes`: written out whole; `unique_bytes`: each piece once, raw; `stored_bytes`: the same as it lies in
    the packs; `exclusive_bytes`: the part of that which nothing else holds, so that deleting this frees it.
    """

    project: str
    artifact: str
    type: str
    version: int | None
    version_count: int
    file_count: int
    logical_bytes: int
    unique_bytes: int
    stored_bytes: int
    exclusive_bytes: int

    @property
    def shared_bytes(self) -> int:
        """Stored bytes that something else needs too."""
        return self.stored_bytes - self.exclusive_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecUsage:
    """Bytes by the way they are stored; `codec` as in a frame's header."""

    codec: int
    frame_count: int
    raw_bytes: int
    stored_bytes: int


def codec_usage(connection: sqlite3.Connection) -> list[CodecUsage]:
    """How the frames are stored, the most bytes first."""
    rows = connection.execute(
        "SELECT codec, count(*), sum(raw_bytes), sum(stored_bytes) FROM frames GROUP BY codec ORDER BY 4 DESC"
    )
    return [
        CodecUsage(codec=codec, frame_count=count, raw_bytes=raw, stored_bytes=stored)
        for codec, count, raw, stored in rows.fetchall()
    ]


def artifact_usage(connection: sqlite3.Connection, *, project: str | None = None) -> list[Usage]:
    """Every artifact (of a project), the most stored bytes first. A scan of all entries of all versions."""
    owner = "SELECT DISTINCT artifact, manifest FROM versions WHERE state = 'COMMITTED'"
    with _held(connection, owner):
        rows = connection.execute(
            f"""
            SELECT p.name, a.name, a.type, NULL, count(v.id), sum(m.file_count), sum(m.size),
              {_SUMS.format(owner="a.id")}
            FROM artifacts a JOIN projects p ON p.id = a.project
              JOIN versions v ON v.artifact = a.id AND v.state = 'COMMITTED' JOIN manifests m ON m.id = v.manifest
            WHERE :project IS NULL OR p.name = :project
            GROUP BY a.id ORDER BY 9 DESC, 1, 2
            """,
            {"project": project},
        ).fetchall()
    return [_usage(row) for row in rows]


def version_usage(connection: sqlite3.Connection, artifact_id: int) -> list[Usage]:
    """Every version of an artifact, newest first. A scan of all entries of all versions."""
    with _held(connection, "SELECT id, manifest FROM versions WHERE state = 'COMMITTED'"):
        rows = connection.execute(
            f"""
            SELECT p.name, a.name, a.type, v.number, 1, m.file_count, m.size, {_SUMS.format(owner="v.id")}
            FROM versions v JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project
              JOIN manifests m ON m.id = v.manifest
            WHERE a.id = ? AND v.state = 'COMMITTED' ORDER BY v.number DESC
            """,
            (artifact_id,),
        ).fetchall()
    return [_usage(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUsage:
    """Stored bytes of some versions: what each holds alone, and what all of them together hold alone.

    The latter is more than the sum when two of them share what no other version has.
    """

    each: dict[int, int]
    together: int


def set_usage(connection: sqlite3.Connection, version_ids: Collection[int]) -> SetUsage:
    """What deleting these versions would free. A scan of all entries of all versions."""
    if not version_ids:
        return SetUsage(each={}, together=0)
    with _held(connection, "SELECT id, manifest FROM versions WHERE state = 'COMMITTED'"):
        connection.executemany(
            "INSERT OR IGNORE INTO temp.chosen VALUES (?)", [(row_id,) for row_id in version_ids]
        )
        each = connection.execute(
            "SELECT c.id, coalesce(sum(p.stored_bytes), 0) FROM temp.chosen c LEFT JOIN temp.held h ON h.owner = c.id"
            " LEFT JOIN temp.pieces p ON p.id = h.piece AND p.holders = 1 GROUP BY c.id"
        ).fetchall()
        together = connection.execute(
            "SELECT coalesce(sum(p.stored_bytes), 0) FROM ("
            " SELECT h.piece, count(*) AS holders FROM temp.chosen c JOIN temp.held h ON h.owner = c.id"
            " GROUP BY h.piece"
            ") s JOIN temp.pieces p ON p.id = s.piece AND p.holders = s.holders"
        ).fetchone()[0]
    return SetUsage(each={row_id: round(size) for row_id, size in each}, together=round(together))


_SUMS = """
  (SELECT coalesce(sum(p.raw_bytes), 0) FROM temp.held h JOIN temp.pieces p ON p.id = h.piece WHERE h.owner = {owner}),
  (SELECT coalesce(sum(p.stored_bytes), 0) FROM temp.held h JOIN temp.pieces p ON p.id = h.piece
    WHERE h.owner = {owner}),
  (SELECT coalesce(sum(p.stored_bytes), 0) FROM temp.held h JOIN temp.pieces p ON p.id = h.piece
    WHERE h.owner = {owner} AND p.holders = 1)
"""


def _usage(row: tuple[str, str, str, int | None, int, int, int, int, float, float]) -> Usage:
    project, artifact, kind, version, versions, files, logical, unique, stored, exclusive = row
    return Usage(
        project=project,
        artifact=artifact,
        type=kind,
        version=version,
        version_count=versions,
        file_count=files,
        logical_bytes=logical,
        unique_bytes=unique,
        stored_bytes=round(stored),
        exclusive_bytes=round(exclusive),
    )


# --- who holds what --------------------------------------------------------------------------------

_TABLES = {
    "owners": "(owner INTEGER, manifest INTEGER, PRIMARY KEY(owner, manifest)) WITHOUT ROWID",
    "contents": "(manifest INTEGER, blob INTEGER, PRIMARY KEY(manifest, blob)) WITHOUT ROWID",
    "held": "(owner INTEGER, piece INTEGER, PRIMARY KEY(owner, piece)) WITHOUT ROWID",
    "pieces": "(id INTEGER PRIMARY KEY, raw_bytes INTEGER, stored_bytes REAL, holders INTEGER)",
    "chosen": "(id INTEGER PRIMARY KEY)",
}

_CONTENTS = """
  INSERT OR IGNORE INTO temp.contents
  SELECT c.manifest, e.blob FROM chains c JOIN entries e ON e.manifest = c.layer
  WHERE c.manifest = ? AND e.blob IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM chains n JOIN entries o ON o.manifest = n.layer AND o.dir = e.dir AND o.name = e.name
    WHERE n.manifest = c.manifest AND n.position < c.position)
"""

_STEPS = (
    """
    INSERT OR IGNORE INTO temp.held
    SELECT o.owner, coalesce(k.chunk, c.blob) FROM temp.owners o JOIN temp.contents c ON c.manifest = o.manifest
      LEFT JOIN chunks k ON k.blob = c.blob
    """,
    # What a difference is told from is held by whoever holds the difference.
    """
    INSERT OR IGNORE INTO temp.held
    WITH RECURSIVE below(owner, piece) AS (
      SELECT h.owner, s.chunk FROM temp.held h JOIN blobs b ON b.id = h.piece JOIN frame_bases s ON s.frame = b.frame
      WHERE EXISTS (SELECT 1 FROM frame_bases)
      UNION
      SELECT w.owner, s.chunk FROM below w JOIN blobs b ON b.id = w.piece JOIN frame_bases s ON s.frame = b.frame)
    SELECT owner, piece FROM below
    """,
    """
    INSERT INTO temp.pieces
    SELECT b.id, b.size, b.size * (f.stored_bytes * 1.0 / max(f.raw_bytes, 1)), h.holders
    FROM (SELECT piece, count(*) AS holders FROM temp.held GROUP BY piece) h
      JOIN blobs b ON b.id = h.piece JOIN frames f ON f.id = b.frame
    """,
    # Files that a run kept are nobody's to free with a version.
    """
    UPDATE temp.pieces SET holders = holders + 1 WHERE id IN (
      SELECT coalesce(k.chunk, r.blob) FROM run_files r LEFT JOIN chunks k ON k.blob = r.blob)
    """,
)


@contextmanager
def _held(connection: sqlite3.Connection, owners: str) -> Iterator[None]:
    """Temporary tables that say which owner holds which pieces, as of one moment."""
    only_reads = connection.execute("PRAGMA query_only").fetchone()[0]
    connection.execute("PRAGMA query_only=0")  # it would refuse temporary tables, too
    try:
        connection.execute("BEGIN")
        try:
            for table, columns in _TABLES.items():
                connection.execute(f"CREATE TEMP TABLE {table}{columns}")
            connection.execute(f"INSERT INTO temp.owners {owners}")
            manifests = connection.execute("SELECT DISTINCT manifest FROM temp.owners").fetchall()
            connection.executemany(_CONTENTS, manifests)
            for step in _STEPS:
                connection.execute(step)
            yield
        finally:
            connection.execute("COMMIT")
    finally:
        for table in _TABLES:
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        connection.execute(f"PRAGMA query_only={only_reads:d}")
