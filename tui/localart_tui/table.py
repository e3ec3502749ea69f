"""A table of any length: only the rows on the screen exist. Everything else is the row source's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from localart_tui.columns import (
    GAP,
    Cell,
    Column,
    Placed,
    cell_segments,
    head_width,
    merged_segments,
    natural_width,
    place_columns,
)
from localart_tui.keys import Scope, bindings
from localart_tui.source import EMPTY, RowSource
from localart_tui.text import fit, pad
from localart_tui.tones import Tone, palette
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.binding import Binding

__all__ = ["Cell", "Column", "VirtualTable"]

Row = TypeVar("Row")

GUTTER = 2
_MEASURED_ROWS = 64


class VirtualTable(ScrollView, can_focus=True):
    """Rows of a source under column heads. Cursor, marks and scrolling are by row id, so they survive a reload."""

    DEFAULT_CSS = """
    VirtualTable { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 0; }
    """
    BINDINGS: ClassVar[list[Binding]] = bindings(Scope.LIST)  # type: ignore[assignment]

    @dataclass
    class Moved(Message):
        """The cursor is on another row (or on none: "")."""

        table: VirtualTable
        row_id: str

    @dataclass
    class Opened(Message):
        """A row was chosen."""

        table: VirtualTable
        row_id: str

    @dataclass
    class Marked(Message):
        """The marks changed."""

        table: VirtualTable

    @dataclass
    class HeadClicked(Message):
        """The head of a column was clicked."""

        table: VirtualTable
        sort: str

    @dataclass
    class Failed(Message):
        """Rows could not be read."""

        table: VirtualTable
        error: Exception

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Row], Sequence[Cell]],
        *,
        id: str | None = None,  # noqa: A002
        header: bool = True,
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._cells: Callable[[object], Sequence[Cell]] = cells  # type: ignore[assignment]
        self._source: RowSource[object] = EMPTY
        self._header = int(header)
        self._placed: tuple[Placed, ...] = ()
        self._cursor = 0
        self._marks: dict[str, None] = {}
        self._anchor: int | None = None
        self._sorted_by = ""
        self._naturals: list[int] = []
        self._failed = False
        self._drags = False

    # --- what is shown -----------------------------------------------------------------------------------

    @property
    def source(self) -> RowSource[object]:
        """The rows."""
        return self._source

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor is to be seen; a list beside another may hide it while it has no focus."""
        return True

    @property
    def cursor(self) -> int:
        """The position of the cursor."""
        return self._cursor

    @property
    def cursor_id(self) -> str:
        """The id of the row under the cursor, or "" when there is none."""
        return self._source.id_at(self._cursor) if self._cursor < len(self._source) else ""

    @property
    def cursor_row(self) -> object | None:
        """The row under the cursor, or None."""
        return self._source.row(self._cursor) if self._cursor < len(self._source) else None

    @property
    def marks(self) -> tuple[str, ...]:
        """The ids of the marked rows, in the order they were marked."""
        return tuple(self._marks)

    @property
    def top(self) -> int:
        """The position of the first row on the screen."""
        return self.scroll_offset.y

    def set_rows(
        self, source: RowSource[Any], *, cursor: str = "", scroll: int | None = None, sorted_by: str = ""
    ) -> None:
        """Show other rows. The cursor goes to the row with the id `cursor`, else stays at its position."""
        wanted = cursor or self.cursor_id
        self._source = source
        self._sorted_by = sorted_by
        self._failed = False
        at = source.index_of(wanted) if wanted else None
        self._cursor = min(self._cursor, max(len(source) - 1, 0)) if at is None else at
        self._measure()
        self._resize_virtual()
        if scroll is not None:
            self.scroll_to(y=scroll, animate=False, immediate=True)
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved(self, self.cursor_id))

    def renew(self, source: RowSource[Any]) -> None:
        """Show the rows of a source with the same ids; only those that look different are painted again."""
        before, self._source = self._source, source
        last = min(self.top + self._body_height, len(source))
        for index in range(self.top, last):
            if before.row(index) != source.row(index):
                self.refresh_row(index)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; what `cells` returns must fit them."""
        self._columns = tuple(columns)
        self._measure()
        self.refresh()

    def set_marks(self, ids: Sequence[str]) -> None:
        """Mark exactly these rows."""
        self._marks = dict.fromkeys(ids)
        self.refresh()

    def move_to(self, index: int) -> None:
        """Put the cursor on a position (the nearest there is)."""
        index = max(0, min(index, len(self._source) - 1))
        if index == self._cursor or not len(self._source):
            return
        before, self._cursor = self._cursor, index
        with self.app.batch_update():
            for line in (before, index):
                self.refresh_lines(line + self._header, 1)
            self._show_cursor()
        self.post_message(self.Moved(self, self.cursor_id))

    def go_to(self, row_id: str) -> bool:
        """Put the cursor on the row with this id; False when it is not here."""
        at = self._source.index_of(row_id)
        if at is not None:
            self.move_to(at)
        return at is not None

    # --- keys ----------------------------------------------------------------------------------------------

    def action_cursor(self, by: int) -> None:
        """Up or down."""
        self.move_to(self._cursor + by)

    def action_page(self, pages: float) -> None:
        """Whole or half pages up or down; the page moves with the cursor."""
        rows = round(pages * max(self._body_height - 1, 1))
        target = max(0, min(self._cursor + rows, len(self._source) - 1))
        self.scroll_to(y=self.scroll_offset.y + target - self._cursor, animate=False, immediate=True)
        self.move_to(target)

    def action_first(self) -> None:
        """The first row."""
        self.move_to(0)

    def action_last(self) -> None:
        """The last row."""
        self.move_to(len(self._source) - 1)

    def action_open(self) -> None:
        """Choose the row."""
        if self.cursor_id:
            self.post_message(self.Opened(self, self.cursor_id))

    def action_mark(self) -> None:
        """Mark the row or take its mark off, and go on to the next."""
        row_id = self.cursor_id
        if not row_id:
            return
        if row_id in self._marks:
            del self._marks[row_id]
        else:
            self._marks[row_id] = None
            self._anchor = self._cursor
        self.refresh_lines(self._cursor + self._header, 1)
        self.post_message(self.Marked(self))
        self.move_to(self._cursor + 1)

    def action_mark_range(self) -> None:
        """Mark from the row marked last to the cursor (at most 1,000 rows)."""
        first, last = sorted((self._anchor if self._anchor is not None else self._cursor, self._cursor))
        for index in range(first, min(last + 1, first + 1000, len(self._source))):
            self._marks[self._source.id_at(index)] = None
        self.refresh()
        self.post_message(self.Marked(self))

    def action_unmark(self) -> None:
        """Forget all marks."""
        self._marks.clear()
        self.refresh()
        self.post_message(self.Marked(self))

    # --- mouse ---------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens; on a column's head it sorts."""
        place = event.get_content_offset(self)
        if place is None:
            return
        if place.x >= self._width and place.y >= self._header:
            self._scroll_to_share((place.y - self._header) / max(self._body_height - 1, 1))
            return
        if place.y < self._header:
            self._click_head(place.x)
            return
        index = self.scroll_offset.y + place.y - self._header
        if index < len(self._source):
            self.move_to(index)
            if event.chain >= 2:
                self.action_open()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """The scroll bar is dragged."""
        if event.x >= self._width:
            self._drags = True
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The rows follow the thumb."""
        if self._drags:
            self._scroll_to_share((event.y - self._header) / max(self._body_height - 1, 1))

    def on_mouse_up(self) -> None:
        """It is let go."""
        if self._drags:
            self._drags = False
            self.release_mouse()

    def _scroll_to_share(self, share: float) -> None:
        rows = max(len(self._source) - self._body_height, 0)
        self.scroll_to(y=round(min(max(share, 0), 1) * rows), animate=False, immediate=True)

    def _click_head(self, x: int) -> None:
        left = GUTTER
        for placed in self._placed:
            if left <= x < left + placed.width + GAP and placed.column.sort:
                self.post_message(self.HeadClicked(self, placed.column.sort))
            left += placed.width + GAP

    # --- layout --------------------------------------------------------------------------------------------

    @property
    def _body_height(self) -> int:
        return max(self.size.height - self._header, 1)

    def on_resize(self) -> None:
        """Choose the columns that fit, and keep the cursor on the screen."""
        self._place_columns()
        self._resize_virtual()
        self._show_cursor()
        self.refresh()

    @property
    def _width(self) -> int:
        """What is left beside our own scroll bar.

        It is painted as part of the rows: a bar of Textual's own costs 1.5 kB more on each page.
        """
        return max(self.size.width - 1, 1)

    def _resize_virtual(self) -> None:
        self.virtual_size = Size(self._width, len(self._source) + self._header)

    def _show_cursor(self) -> None:
        line = self._cursor + self._header
        top, height = self.scroll_offset.y, self.size.height
        if height <= self._header:
            return
        if line < top + self._header:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif line >= top + height:
            self.scroll_to(y=line - height + 1, animate=False, immediate=True)

    def _measure(self) -> None:
        """How wide the columns want to be, judged by their heads and the rows around the cursor."""
        naturals = [head_width(column) for column in self._columns]
        first = max(0, min(self._cursor, len(self._source) - _MEASURED_ROWS))
        for index in range(first, min(first + _MEASURED_ROWS, len(self._source))):
            row = self._source.row(index)
            if row is None:
                continue
            for number, cell in enumerate(self._cells(row)[: len(naturals)]):
                naturals[number] = max(naturals[number], natural_width(cell))
        self._naturals = naturals
        self._place_columns()

    def _place_columns(self) -> None:
        if len(self._naturals) != len(self._columns):
            self._naturals = [head_width(column) for column in self._columns]
        self._placed = place_columns(self._columns, self._naturals, self._width - GUTTER)

    # --- painting ------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width, styles = self._width, palette(self.app)
        if y < self._header:
            return self._head(width + 1, styles)
        index = self.scroll_offset.y + y - self._header
        if index >= len(self._source):
            return Strip.blank(width + 1, self._ground)
        segments = self._row_segments(index, styles)
        strip = Strip(segments).adjust_cell_length(width, segments[-1].style)
        if y - self._header in self._thumb:
            strip = Strip([*strip, Segment(glyphs_of(self).thumb, styles[Tone.FAINT])])
        else:
            strip = strip.adjust_cell_length(width + 1, segments[-1].style)
        return strip.apply_style(self._ground)

    @property
    def _thumb(self) -> range:
        """The lines of the body beside which the scroll bar's thumb stands; none when all rows are on the screen."""
        rows, height = len(self._source), self._body_height
        if rows <= height:
            return range(0)
        size = max(height * height // rows, 1)
        most = max(rows - height, 1)
        first = min(round(self.scroll_offset.y / most * (height - size)), height - size)
        return range(first, first + size)

    @property
    def _ground(self) -> Style:
        return self.rich_style

    def _head(self, width: int, styles: dict[Tone, Style]) -> Strip:
        glyphs = glyphs_of(self)
        sorted_by = self._sorted_by.removeprefix("-")
        text = " " * GUTTER
        for placed in self._placed:
            column = placed.column
            sign = glyphs.down if self._sorted_by.startswith("-") else glyphs.up
            title = column.title + (f" {sign}" if column.sort and column.sort == sorted_by else "")
            text += pad(title, placed.width, right=column.right) + " " * GAP
        return Strip([Segment(fit(text.rstrip(), width).ljust(width), self._ground + styles[Tone.HEADER])])

    def _row_segments(self, index: int, styles: dict[Tone, Style]) -> list[Segment]:
        here = index == self._cursor and self.shows_cursor
        row_id = self._source.id_at(index)
        marked = row_id in self._marks
        under = styles[Tone.CURSOR] if here else Style.null()
        row = self._source.row(index)
        segments = [self._gutter(styles, under, here=here, marked=marked)]
        if row is None:
            self._tell_failure()
            segments.append(Segment(glyphs_of(self).skeleton * 12, styles[Tone.FAINT] + under))
            return segments
        cells = self._cells(row)
        for placed in self._placed:
            segments += cell_segments(cells[placed.number], placed, styles, under)
        return merged_segments(segments)

    def _gutter(self, styles: dict[Tone, Style], under: Style, *, here: bool, marked: bool) -> Segment:
        glyphs = glyphs_of(self)
        text = (glyphs.cursor if here else " ") + (glyphs.mark if marked else " ")
        tone = Tone.MARKED if marked else Tone.ACCENT
        return Segment(text, styles[tone] + under)

    def _tell_failure(self) -> None:
        failure = getattr(self._source, "failure", None)
        if failure is not None and not self._failed:
            self._failed = True
            self.post_message(self.Failed(self, failure))

    def refresh_row(self, index: int) -> None:
        """Paint one row again."""
        self.refresh(Region(0, index - self.scroll_offset.y + self._header, self.size.width, 1))
