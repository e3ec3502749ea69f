"""Whole folders as they were when they were last logged: what `stat` said of every file → what was stored of it.

A re-log of an unchanged folder then takes a walk and one comparison, where the stat cache looks up each file, asks
whether each content is still stored, and makes the manifest anew to find that it is there. The rule is the same one:
nothing is kept of a folder in which a file had changed so shortly before it was read that another change would not
show. The checksum finds accidents in the row itself.

`states` has 32 bytes for each listing of the walk (BLAKE3 over its folder, names and `stat`s), `tails` 41 bytes for
each file in the order of the walk, as they stand in the manifest.
"""

import sqlite3
from typing import TypeAlias

from xxhash import xxh3_64_intdigest

from localart.catalog.signed import signed
from localart.model import Digest
from localart.records import dataclass

SCHEMA = """
CREATE TABLE IF NOT EXISTS trees(
  id INTEGER PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, prefix TEXT NOT NULL,
  states BLOB NOT NULL, tails BLOB NOT NULL, manifest BLOB NOT NULL, checksum INTEGER NOT NULL,
  UNIQUE(device, inode, prefix)
) STRICT
"""

_MOST_TREES = 16
_MOST_BYTES = 200_000_000

TreePlace: TypeAlias = tuple[int, int, str]
"""Device and inode of the folder, and what the paths of its files begin with in the artifact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRecord:
    """A folder that was logged, alone, as the manifest with this digest."""

    states: bytes
    tails: bytes
    manifest: Digest


def find_tree(connection: sqlite3.Connection, place: TreePlace) -> TreeRecord | None:
    """What is known of this folder; None also when its row is damaged."""
    device, inode, prefix = place
    row = connection.execute(
        "SELECT states, tails, manifest, checksum FROM trees WHERE device = ? AND inode = ? AND prefix = ?",
        (signed(device), signed(inode), prefix),
    ).fetchone()
    if row is None:
        return None
    record = TreeRecord(states=row[0], tails=row[1], manifest=Digest(row[2]))
    return record if row[3] == _checksum(place, record) else None


def keep_tree(connection: sqlite3.Connection, place: TreePlace, record: TreeRecord) -> None:
    """Keep it in place of what was known; of the last sixteen folders, and not of one with millions of files."""
    if len(record.tails) > _MOST_BYTES:
        return
    device, inode, prefix = place
    connection.execute(
        "INSERT OR REPLACE INTO trees(device, inode, prefix, states, tails, manifest, checksum) VALUES (?,?,?,?,?,?,?)",
        (
            signed(device), signed(inode), prefix, record.states, record.tails, record.manifest,
            _checksum(place, record),
        ),
    )  # fmt: skip
    connection.execute("DELETE FROM trees WHERE id <= (SELECT max(id) FROM trees) - ?", (_MOST_TREES,))


def _checksum(place: TreePlace, record: TreeRecord) -> int:
    key = "\0".join(map(str, place)).encode("utf-8", "surrogatepass")
    parts = (len(key), len(record.states), len(record.tails))
    return signed(
        xxh3_64_intdigest(repr(parts).encode() + key + record.states + record.tails + record.manifest)
    )
