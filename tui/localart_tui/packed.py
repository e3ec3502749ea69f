"""A long list of file differences in little memory: 1,000,000 rows take about 20 MB. Knows no terminal.

Rows come in manifest order from a reading thread and are packed 256 at a time; the thread that paints unpacks the few
chunks it looks at, while more come in.
"""

from __future__ import annotations

import json
import zlib
from array import array
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localart.manifest import sort_key
from localart.operations.diff import Change

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

CHUNK_ROWS = 256
_KEPT_CHUNKS = 32
_CHANGES = tuple(Change)
_CODES = {change: code for code, change in enumerate(_CHANGES)}


@dataclass(frozen=True, slots=True)
class FileRow:
    """A path and its size on each side; None where it is not."""

    path: str
    change: Change
    sizes: tuple[int | None, ...]


class PackedRows:
    """Rows that one thread adds to and another reads."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._tail: list[FileRow] = []
        self._changes = bytearray()
        self._unpacked: OrderedDict[int, list[FileRow]] = OrderedDict()

    def __len__(self) -> int:
        """How many rows there are by now."""
        return len(self._changes)

    def append(self, row: FileRow) -> None:
        """Add a row. A full chunk is packed before the new tail begins, so that a reader finds it here or there."""
        self._tail.append(row)
        if len(self._tail) == CHUNK_ROWS:
            self._chunks.append(_packed(self._tail))
            self._tail = []
        self._changes.append(_CODES[row.change])

    def row(self, place: int) -> FileRow:
        """The row at a place. For one thread."""
        tail = self._tail
        number, offset = divmod(place, CHUNK_ROWS)
        if number >= len(self._chunks):
            return tail[offset]
        chunk = self._unpacked.get(number)
        if chunk is None:
            chunk = self._unpacked[number] = _unpacked(self._chunks[number])
            while len(self._unpacked) > _KEPT_CHUNKS:
                self._unpacked.popitem(last=False)
        else:
            self._unpacked.move_to_end(number)
        return chunk[offset]

    def places(self, shown: Collection[Change], words: str = "") -> array[int]:
        """Where the rows of these kinds are whose paths hold all the words. Reads every row when there are words."""
        wanted = bytes(change in shown for change in _CHANGES)
        found = array("I", (place for place, code in enumerate(bytes(self._changes)) if wanted[code]))
        parts = words.casefold().split()
        if not parts:
            return found
        return array(
            "I", (place for place, path in self._paths(found) if all(part in path for part in parts))
        )

    def _paths(self, places: array[int]) -> Iterator[tuple[int, str]]:
        number, chunk = -1, list[FileRow]()
        for place in places:
            if place // CHUNK_ROWS != number:
                number = place // CHUNK_ROWS
                chunk = _unpacked(self._chunks[number]) if number < len(self._chunks) else list(self._tail)
            yield place, chunk[place % CHUNK_ROWS].path.casefold()


def _packed(rows: list[FileRow]) -> bytes:
    plain = [(row.path, _CODES[row.change], row.sizes) for row in rows]
    return zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 1)


def _unpacked(chunk: bytes) -> list[FileRow]:
    return [
        FileRow(path, _CHANGES[code], tuple(sizes))
        for path, code, sizes in json.loads(zlib.decompress(chunk))
    ]


class PackedSource:
    """Some of the rows, as a table shows them; a row's id is its path."""

    def __init__(self, rows: PackedRows, places: array[int]) -> None:
        self._rows = rows
        self._places = places

    def __len__(self) -> int:
        """How many rows are shown."""
        return len(self._places)

    def id_at(self, index: int) -> str:
        """The path."""
        return self._rows.row(self._places[index]).path

    def index_of(self, row_id: str) -> int | None:
        """Where the path is, by halves: the rows are in manifest order."""
        wanted = sort_key(row_id)
        at = bisect_left(range(len(self)), wanted, key=lambda index: sort_key(self.id_at(index)))
        return at if at < len(self) and self.id_at(at) == row_id else None

    def row(self, index: int) -> FileRow:
        """The row."""
        return self._rows.row(self._places[index])
