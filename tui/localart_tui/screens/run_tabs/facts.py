"""Lines about a run, each known by a key, so that the cursor stays on its line while others come and go."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FactLine:
    """A line; Enter opens its `place`, or shows its `text` whole."""

    key: str
    parts: tuple[Part, ...]
    place: Place | None = None
    title: str = ""
    text: str = ""


class FactTable(VirtualTable):
    """Such lines, without a head."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(_COLUMN, self._fields, id=id, header=False)

    @property
    def shows_cursor(self) -> bool:
        """Only where one is: there may be another such list beside this one."""
        return self.has_focus

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Hide it."""
        self.refresh_row(self.cursor)

    @staticmethod
    def _fields(row: FactLine) -> Sequence[Cell]:
        return (list(row.parts),)

    def set_lines(self, lines: Sequence[FactLine], *, cursor: str = "", scroll: int | None = None) -> None:
        """Show these lines; when they are the same ones as before, only those that read differently are painted."""
        source = ListSource(lines, lambda line: line.key)
        before = self.source
        if (
            cursor
            or scroll is not None
            or not isinstance(before, ListSource)
            or _keys(before) != _keys(source)
        ):
            self.set_rows(source, cursor=cursor, scroll=scroll)
        else:
            self.renew(source)

    def line(self, key: str) -> FactLine | None:
        """The line with this key."""
        at = self.source.index_of(key)
        row = None if at is None else self.source.row(at)
        return row if isinstance(row, FactLine) else None


def _keys(source: ListSource[FactLine]) -> list[str]:
    return [source.id_at(at) for at in range(len(source))]
