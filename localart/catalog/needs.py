"""Who needs a content that is damaged: the files of versions and runs, told from where it lies. Changes nothing."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localart.model import BlobRef, Digest

_FETCH = 1_000


@dataclass(frozen=True, slots=True)
class Needed:
    """A file that needs a content which is damaged: where the content was found damaged, and the file.

    `holder` is a version's full name, with ` (in the trash)` where it is there, or `run:ID`.
    """

    cause: int
    holder: str
    path: str
    blob: BlobRef


def needed_by(connection: sqlite3.Connection, damaged: Sequence[tuple[int, Digest]]) -> Iterator[Needed]:
    """Every file of a version or run that needs one of `damaged` (cause, content); of what is in the trash, too.

    As it is, as a chunk, or as what a difference is told from. One pass over the entries of all manifests.
    """
    if not damaged:
        return
    try:
        connection.execute("CREATE TEMP TABLE lost(id INTEGER PRIMARY KEY, cause INTEGER NOT NULL)")
        connection.executemany(
            "INSERT OR IGNORE INTO temp.lost SELECT id, ? FROM blobs WHERE digest = ?", damaged
        )
        _spread(connection)
        cursor = connection.execute(_NEEDED_BY_VERSIONS)
        while rows := cursor.fetchmany(_FETCH):
            yield from (
                Needed(cause, holder, path, BlobRef(Digest(d), size)) for cause, holder, path, d, size in rows
            )
        for cause, holder, path, digest, size in connection.execute(_NEEDED_BY_RUNS).fetchall():
            yield Needed(cause, holder, path, BlobRef(Digest(digest), size))
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.lost")


def _spread(connection: sqlite3.Connection) -> None:
    """What is told as a difference from something lost is lost; so is what is made of it."""
    changed = 1
    while changed:
        changed = connection.execute(
            "INSERT OR IGNORE INTO temp.lost SELECT b.id, t.cause FROM blobs b JOIN ("
            "SELECT s.frame AS frame, min(l.cause) AS cause FROM frame_bases s CROSS JOIN temp.lost l ON l.id = s.chunk"
            " GROUP BY s.frame) t ON t.frame = b.frame"
        ).rowcount
    connection.execute(
        "INSERT OR IGNORE INTO temp.lost SELECT c.blob, min(l.cause) FROM chunks c"
        " CROSS JOIN temp.lost l ON l.id = c.chunk GROUP BY c.blob"
    )


_NEEDED_BY_VERSIONS = """
SELECT l.cause, p.name || '/' || a.name || ':v' || v.number || iif(v.state = 'DELETED', ' (in the trash)', ''),
  iif(d.path = '', e.name, d.path || '/' || e.name),
  b.digest, b.size
FROM entries e CROSS JOIN temp.lost l ON l.id = e.blob JOIN blobs b ON b.id = l.id JOIN dirs d ON d.id = e.dir
  JOIN chains c ON c.layer = e.manifest JOIN versions v ON v.manifest = c.manifest
  JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project
WHERE NOT EXISTS (
  SELECT 1 FROM chains n JOIN entries x ON x.manifest = n.layer AND x.dir = e.dir AND x.name = e.name
  WHERE n.manifest = c.manifest AND n.position < c.position)
ORDER BY v.id, 3
"""

_NEEDED_BY_RUNS = """
SELECT l.cause, 'run:' || r.run_id, f.path, b.digest, b.size FROM temp.lost l JOIN run_files f ON f.blob = l.id
  JOIN blobs b ON b.id = l.id JOIN runs r ON r.id = f.run ORDER BY r.id, f.path
"""
