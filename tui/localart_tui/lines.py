"""Lines of text as a list: scrolled by the cursor, and those that name a place open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart_tui.places import Place
    from localart_tui.ui import Part

_COLUMN = (Column(key="line", title="", least=10, most=4096, grow=2),)


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the place that Enter on it opens."""

    parts: list[Part]
    place: Place | None = None


class LineTable(VirtualTable):
    """Lines without a head."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(_COLUMN, self._parts, id=id, header=False)

    @staticmethod
    def _parts(row: tuple[int, Line]) -> Sequence[Cell]:
        return (row[1].parts,)

    def set_lines(self, lines: Sequence[Line], *, cursor: str = "", scroll: int | None = None) -> None:
        """Show these lines; their ids are their numbers."""
        rows = list(enumerate(lines))
        source = ListSource(rows, _row_id)
        self.set_rows(source, cursor=cursor, scroll=scroll)

    def place_at(self, row_id: str) -> Place | None:
        """The place the line opens."""
        at = self.source.index_of(row_id)
        row = None if at is None else self.source.row(at)
        return row[1].place if isinstance(row, tuple) else None


def _row_id(row: tuple[int, Line]) -> str:
    return str(row[0])
