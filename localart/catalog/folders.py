"""The files of a version as a tree of folders, read a page at a time: a million entries, none of them in memory.

A manifest may be an overlay on up to eight others; the nearest layer that knows a name decides. Where one layer
alone has rows of a folder, a page is one index range; where several do, marks along the merged names (every
256th) make any page as near as the first.
"""

import heapq
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby, islice, takewhile
from operator import itemgetter
from typing import Any

from localart.catalog.manifests import FOLDERS_OF
from localart.catalog.seals import damaged, onward
from localart.model import Digest
from localart.records import dataclass

MARK_ROWS = 256
MOST_FOUND = 10_000
_FETCH = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLine:
    """A folder of a manifest ("" is the top): its row id and the layers that have rows in it, nearest first."""

    path: str
    id: int
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FolderTotal:
    """What lies directly in a folder."""

    file_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A file; `uri` is "" unless its bytes lie elsewhere. `digest` names the blob, or the reference."""

    path: str
    size_bytes: int
    digest: Digest
    uri: str


_MERGED = """
FROM chains c CROSS JOIN entries e ON e.manifest = c.layer LEFT JOIN blobs b ON b.id = e.blob
LEFT JOIN refs r ON r.id = e.ref
WHERE c.manifest = :manifest AND (e.blob IS NOT NULL OR e.ref IS NOT NULL) AND (c.position = 0 OR NOT EXISTS (
  SELECT 1 FROM chains n JOIN entries o ON o.manifest = n.layer AND o.dir = e.dir AND o.name = e.name
  WHERE n.manifest = c.manifest AND n.position < c.position))
"""

_TOTALS = (
    "SELECT e.dir, count(*), coalesce(sum(coalesce(b.size, r.size, 0)), 0) FROM entries e"
    " LEFT JOIN blobs b ON b.id = e.blob LEFT JOIN refs r ON r.id = e.ref"
    " WHERE e.manifest = :layer AND (e.blob IS NOT NULL OR e.ref IS NOT NULL)"
)
_NOT_NEARER = (
    " AND NOT EXISTS (SELECT 1 FROM chains n JOIN entries o ON o.manifest = n.layer AND o.dir = e.dir"
    " AND o.name = e.name WHERE n.manifest = :manifest AND n.position < :position)"
)

_FACTS = (
    "SELECT e.name, coalesce(b.size, r.size, 0), coalesce(b.digest, r.digest), coalesce(r.uri, '') FROM {} e"
    " LEFT JOIN blobs b ON b.id = e.blob LEFT JOIN refs r ON r.id = e.ref"
)
# The rows are counted off before they are joined: the end of half a million is 5 ms away, not 60.
_PAGE = _FACTS.format(
    "(SELECT name, blob, ref FROM entries WHERE manifest = ? AND dir = ? AND (blob IS NOT NULL OR ref IS NOT NULL)"
    " ORDER BY name LIMIT ? OFFSET ?)"
)
_FILE = _FACTS.format("entries") + " WHERE e.manifest = ? AND e.dir = ? AND e.name = ?"


def folder_lines(connection: sqlite3.Connection, manifest: int) -> list[FolderLine]:
    """The folders that have files, by path. One index probe for each, whatever number of files they hold."""
    layers: dict[tuple[str, int], list[int]] = {}
    for layer, _ in _layers(connection, manifest):
        for path, folder in connection.execute(FOLDERS_OF, {"layer": layer}).fetchall():
            layers.setdefault((path, folder), []).append(layer)
    return [
        FolderLine(path=path, id=folder, layers=tuple(layers[path, folder]))
        for path, folder in sorted(layers)
    ]


def folder_totals(connection: sqlite3.Connection, manifest: int) -> dict[int, FolderTotal]:
    """By folder id, what lies directly in it. A scan: half a second for a million files, no sorting."""
    found: dict[int, FolderTotal] = {}
    for layer, position in _layers(connection, manifest):
        rows = connection.execute(
            _TOTALS + (_NOT_NEARER if position else "") + " GROUP BY e.dir",
            {"manifest": manifest, "layer": layer, "position": position},
        ).fetchall()
        for folder, count, size in rows:
            before = found.get(folder, FolderTotal(0, 0))
            found[folder] = FolderTotal(before.file_count + count, before.size_bytes + size)
    return found


def _layers(connection: sqlite3.Connection, manifest: int) -> list[tuple[int, int]]:
    return connection.execute(
        "SELECT layer, position FROM chains WHERE manifest = ? ORDER BY position", (manifest,)
    ).fetchall()


def file_count(connection: sqlite3.Connection, folder: FolderLine) -> int:
    """How many files lie directly in the folder."""
    if len(folder.layers) == 1:
        count: int = connection.execute(
            "SELECT count(*) FROM entries WHERE manifest = ? AND dir = ? AND (blob IS NOT NULL OR ref IS NOT NULL)",
            (folder.layers[0], folder.id),
        ).fetchone()[0]
        return count
    return sum(1 for _ in _merged_names(connection, folder, None))


def name_marks(connection: sqlite3.Connection, folder: FolderLine) -> list[str]:
    """Every 256th name of a folder that several layers share, for `file_lines`; nothing for one that is one range."""
    if len(folder.layers) == 1:
        return []
    names = (name for name, _ in _merged_names(connection, folder, None))
    return list(islice(names, 0, None, MARK_ROWS))


def file_lines(
    connection: sqlite3.Connection, folder: FolderLine, *, first: int, limit: int, marks: Sequence[str] = ()
) -> list[FileLine]:
    """Files of the folder by name, from position `first`; `marks` as `name_marks` gave them."""
    if len(folder.layers) == 1:
        rows = connection.execute(
            f"{_PAGE} ORDER BY e.name", (folder.layers[0], folder.id, limit, first)
        ).fetchall()
        return [_file_line(folder.path, row) for row in rows]
    number = min(first // MARK_ROWS, len(marks) - 1) if marks else 0
    start = marks[number] if marks else None
    skipped = first - number * MARK_ROWS
    found = islice(_merged_names(connection, folder, start), skipped, skipped + limit)
    return [
        _file_line(folder.path, row)
        for name, layer in found
        for row in connection.execute(_FILE, (layer, folder.id, name)).fetchall()
    ]


def file_position(
    connection: sqlite3.Connection, folder: FolderLine, name: str, *, marks: Sequence[str] = ()
) -> int:
    """How many files of the folder come before `name`: its position, if it is there."""
    if len(folder.layers) == 1:
        position: int = connection.execute(
            "SELECT count(*) FROM entries WHERE manifest = ? AND dir = ? AND name < ?"
            " AND (blob IS NOT NULL OR ref IS NOT NULL)",
            (folder.layers[0], folder.id, name),
        ).fetchone()[0]
        return position
    number = max(bisect_right(marks, name) - 1, 0)
    names = _merged_names(connection, folder, marks[number] if marks else None)
    return number * MARK_ROWS + sum(1 for _ in takewhile(lambda found: found[0] < name, names))


def _merged_names(
    connection: sqlite3.Connection, folder: FolderLine, start: str | None
) -> Iterator[tuple[str, int]]:
    """Each name from `start` on with the layer that decides it; what that layer removes is left out. Streams."""
    streams = [
        _layer_names(connection, folder.id, layer, position, start)
        for position, layer in enumerate(folder.layers)
    ]
    for name, known in groupby(heapq.merge(*streams), key=itemgetter(0)):
        _, position, is_there = next(known)
        if is_there:
            yield name, folder.layers[position]


def _layer_names(
    connection: sqlite3.Connection, folder: int, layer: int, position: int, start: str | None
) -> Iterator[tuple[str, int, int]]:
    after, test = start or "", ">="
    while True:
        rows = connection.execute(
            "SELECT name, ?, blob IS NOT NULL OR ref IS NOT NULL FROM entries"
            f" WHERE manifest = ? AND dir = ? AND name {test} ? ORDER BY name LIMIT {_FETCH}",
            (position, layer, folder, after),
        ).fetchall()
        if not all(isinstance(row[0], str) for row in rows):
            raise damaged("a file")
        for row in rows:
            after = row[0] if test == ">=" else onward(after, row[0])
            test = ">"
            yield row
        if len(rows) < _FETCH:
            return


def find_files(
    connection: sqlite3.Connection, manifest: int, words: Sequence[str], *, limit: int = MOST_FOUND
) -> list[FileLine]:
    """Files whose path holds all `words`, without regard to case; by folder, at most `limit`. A scan."""
    path = "iif(d.path = '', e.name, d.path || '/' || e.name)"
    parts = [rf" AND {path} LIKE :word{number} ESCAPE '\'" for number in range(len(words))]
    bound = {f"word{number}": f"%{_escaped(word)}%" for number, word in enumerate(words)}
    rows = connection.execute(
        f"SELECT e.name, coalesce(b.size, r.size, 0), coalesce(b.digest, r.digest), coalesce(r.uri, ''), d.path"
        f" {_MERGED.replace('WHERE', 'JOIN dirs d ON d.id = e.dir WHERE', 1)}{''.join(parts)} LIMIT :limit",
        {"manifest": manifest, "limit": limit, **bound},
    ).fetchall()
    return sorted((_file_line(row[4], row[:4]) for row in rows), key=lambda line: line.path)


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _file_line(folder: str, row: tuple[Any, ...]) -> FileLine:
    name, size, digest, uri = row
    return FileLine(
        path=f"{folder}/{name}" if folder else name, size_bytes=size, digest=Digest(digest), uri=uri
    )
