"""What is marked by `pruning` and was taken up again since: it is taken off the marks before anything is removed.

A draft pins what it relies on before a prune can see it gone (`repository/lease.py`). What was committed since the
marks has higher row numbers than those of `Watch`; a manifest that goes in slice by slice is looked at as a whole.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from localart.catalog.transaction import Transaction
from localart.model import Digest

Watch: TypeAlias = tuple[int, int, int]
"""The highest rows of manifests, blobs and frames: what has higher ones was added since."""


def watched(connection: sqlite3.Connection) -> Watch:
    """What tells what was published or logged since."""
    row = connection.execute(
        "SELECT (SELECT coalesce(max(id), 0) FROM manifests), (SELECT coalesce(max(id), 0) FROM blobs),"
        " (SELECT coalesce(max(id), 0) FROM frames)"
    ).fetchone()
    return row[0], row[1], row[2]


# Being put in, slice by slice: a hollow layer has no place in `chains` of its own.
HIDDEN = (
    "INSERT OR IGNORE INTO temp.hidden SELECT m.id FROM manifests m JOIN chains c ON c.manifest = m.id"
    " WHERE m.complete = 0 AND c.position = 0 AND m.id > ?"
)

_RELIED_ON_AGAIN = (
    """
    SELECT 1 FROM versions v JOIN manifests m ON m.id = v.manifest
    WHERE (m.id IN (SELECT id FROM temp.dead_manifests) OR m.id IN (SELECT manifest FROM temp.covered))
      AND (v.state = 'COMMITTED' OR m.complete = 1)
    """,
    """
    SELECT 1 FROM upserts
    WHERE manifest IN (SELECT id FROM temp.dead_manifests) OR manifest IN (SELECT manifest FROM temp.covered)
    """,
    """
    SELECT 1 FROM manifests m JOIN temp.dead_manifests d ON d.id = m.base
    WHERE m.id NOT IN (SELECT id FROM temp.dead_manifests)
    """,
    "SELECT 1 FROM manifests WHERE id > :manifests AND base IN (SELECT manifest FROM temp.covered)",
)

_NEEDED = (
    "SELECT b.id FROM temp.pinned p JOIN blobs b ON b.digest = p.digest",
    "SELECT blob FROM entries WHERE manifest > :manifests AND blob IS NOT NULL",
    "SELECT e.blob FROM temp.hidden h CROSS JOIN entries e ON e.manifest = h.id WHERE e.blob IS NOT NULL",
    "SELECT chunk FROM chunks WHERE blob > :blobs",
    "SELECT chunk FROM frame_bases WHERE frame > :frames",
    "SELECT blob FROM run_files",
)

_SPARED_TOO = (
    "INSERT OR IGNORE INTO temp.spared SELECT c.chunk FROM temp.spared s JOIN chunks c ON c.blob = s.id",
    """
    INSERT OR IGNORE INTO temp.spared
    WITH RECURSIVE pinned(chunk) AS (
      SELECT s.chunk FROM temp.spared n JOIN blobs b ON b.id = n.id JOIN frame_bases s ON s.frame = b.frame
      UNION
      SELECT s.chunk FROM pinned JOIN blobs b ON b.id = pinned.chunk JOIN frame_bases s ON s.frame = b.frame)
    SELECT chunk FROM pinned
    """,
    "DELETE FROM temp.dead_wholes WHERE id IN (SELECT id FROM temp.spared)",
    "DELETE FROM temp.dead_pieces WHERE id IN (SELECT id FROM temp.spared)",
    """
    DELETE FROM temp.dead_refs WHERE id IN (
      SELECT ref FROM entries WHERE manifest > :manifests AND ref IS NOT NULL
      UNION SELECT e.ref FROM temp.hidden h CROSS JOIN entries e ON e.manifest = h.id WHERE e.ref IS NOT NULL)
    """,
    "DELETE FROM temp.pinned",
    "DELETE FROM temp.hidden WHERE id NOT IN (SELECT id FROM manifests WHERE complete = 0)",
)


def is_current(tx: Transaction, watch: Watch) -> bool:
    """Whether none of the manifests that are marked is a version's, or a layer of a newer one, since."""
    numbers = _numbers(watch)
    return not any(tx.execute(query + " LIMIT 1", numbers).fetchone() for query in _RELIED_ON_AGAIN)


def note_pins(connection: sqlite3.Connection, pins: Iterable[Digest]) -> None:
    """Take down what drafts have pinned, for the next `spare`."""
    with one_state(connection):
        connection.executemany("INSERT OR IGNORE INTO temp.pinned VALUES (?)", ((digest,) for digest in pins))


def spare(tx: Transaction, watch: Watch, pins: Iterable[Digest]) -> None:
    """Take off the marks what drafts have pinned, and what refers to it that was added since; and all below it."""
    tx.execute(HIDDEN, (watch[0],))
    tx.executemany("INSERT OR IGNORE INTO temp.pinned VALUES (?)", ((digest,) for digest in pins))
    tx.execute("DELETE FROM temp.spared")
    for query in _NEEDED:
        tx.execute(
            f"WITH needed(id) AS ({query}) INSERT OR IGNORE INTO temp.spared SELECT id FROM needed"
            " WHERE id IN (SELECT id FROM temp.dead_wholes) OR id IN (SELECT id FROM temp.dead_pieces)",
            _numbers(watch),
        )
    for statement in _SPARED_TOO:
        tx.execute(statement, _numbers(watch))


def _numbers(watch: Watch) -> dict[str, int]:
    return dict(zip(("manifests", "blobs", "frames"), watch, strict=True))


@contextmanager
def one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """One state of the catalog for the body. What it writes to temporary tables stays."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
