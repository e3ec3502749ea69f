"""Rows of text of which only those that change are painted again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from localart.lineage.labels import to_ascii
from localart_tui.text import cell_width, clean, fit
from localart_tui.tones import palette
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart_tui.ui import Part


class Board(Widget):
    """A widget that shows rows of parts, from the top; what does not fit is cut off."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: Sequence[Sequence[Part]] = ()

    def put(self, rows: Sequence[Sequence[Part]]) -> None:
        """Show these rows."""
        before, self._rows = self._rows, rows
        for y in range(max(len(before), len(rows))):
            if before[y : y + 1] != rows[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One row."""
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        return Strip(parts_in(self, self._rows[y], self.size.width))


def parts_in(widget: Widget, parts: Sequence[Part], width: int, under: Style | None = None) -> list[Segment]:
    """The parts in exactly `width` cells; `under` is added to their styles."""
    tones, ground = palette(widget.app), widget.rich_style + (under or Style.null())
    segments, left = [], width
    is_ascii = glyphs_of(widget).name == "ascii"
    for text, tone in parts:
        fitted = fit(to_ascii(clean(text)) if is_ascii else text, left, keep_end=True)
        fitted = to_ascii(fitted) if is_ascii else fitted
        left -= cell_width(fitted)
        segments.append(Segment(fitted, ground + tones[tone] + (under or Style.null())))
    return [*segments, Segment(" " * left, ground)]
