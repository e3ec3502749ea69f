"""What a table shows: rows by position, read when they are looked at. Knows no terminal.

A big list is a vector of ids (eight bytes a row) and a few chunks of rows around the cursor. So the scroll bar
is exact, the end is as near as the beginning, and what is shown does not shift while others log.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from localart.errors import LocalartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CHUNK_ROWS = 128
KEPT_CHUNKS = 24

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


class RowSource(Protocol[Row_co]):
    """Rows in the order they are shown. Ids are texts that stay the same when the list changes."""

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def id_at(self, index: int) -> str:
        """The id of a row."""
        ...

    def index_of(self, row_id: str) -> int | None:
        """Where the row with this id is, or None."""
        ...

    def row(self, index: int) -> Row_co | None:
        """The row, or None while it cannot be read; never raises for what is in the store."""
        ...


class ListSource(Generic[Row]):
    """Rows that are all in memory, each with its id."""

    def __init__(self, rows: Sequence[Row], name: Callable[[Row], str]) -> None:
        self.rows = rows
        self._name = name
        self._places: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def id_at(self, index: int) -> str:
        """The id of a row."""
        return self._name(self.rows[index])

    def index_of(self, row_id: str) -> int | None:
        """Where the row with this id is, or None."""
        if self._places is None:
            self._places = {self._name(row): place for place, row in enumerate(self.rows)}
        return self._places.get(row_id)

    def row(self, index: int) -> Row:
        """The row."""
        return self.rows[index]


class PagedSource(Generic[Row]):
    """Rows of a query, read in chunks by their row ids. For one thread: the one that paints.

    `read` gets ids and returns their rows in that order, None for one that is gone. When it fails, the rows of
    that chunk stay None, `failure` says why, and nothing is asked again until `forget`.
    """

    def __init__(self, ids: Iterable[int], read: Callable[[Sequence[int]], Sequence[Row | None]]) -> None:
        self.ids = ids if isinstance(ids, array) else array("q", ids)
        self.failure: LocalartError | None = None
        self._read = read
        self._chunks: OrderedDict[int, Sequence[Row | None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.ids)

    def id_at(self, index: int) -> str:
        """The id of a row."""
        return str(self.ids[index])

    def index_of(self, row_id: str) -> int | None:
        """Where the row with this id is, or None. Linear, at memory speed."""
        try:
            return self.ids.index(int(row_id))
        except (ValueError, OverflowError):
            return None

    def row(self, index: int) -> Row | None:
        """The row, or None when it is gone or cannot be read now."""
        number, offset = divmod(index, CHUNK_ROWS)
        chunk = self._chunks.get(number)
        if chunk is None:
            chunk = self._load(number)
        else:
            self._chunks.move_to_end(number)
        return chunk[offset] if offset < len(chunk) else None

    def _load(self, number: int) -> Sequence[Row | None]:
        wanted = self.ids[number * CHUNK_ROWS : (number + 1) * CHUNK_ROWS]
        chunk: Sequence[Row | None] = ()
        if self.failure is None:
            try:
                chunk = self._read(wanted)
            except LocalartError as error:
                self.failure = error
                return ()
        else:
            return ()
        self._chunks[number] = chunk
        while len(self._chunks) > KEPT_CHUNKS:
            self._chunks.popitem(last=False)
        return chunk

    def forget(self) -> None:
        """Read everything again when it is next looked at."""
        self.failure = None
        self._chunks.clear()


EMPTY: ListSource[None] = ListSource((), str)
"""No rows."""
