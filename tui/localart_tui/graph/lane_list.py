"""The Lanes: one row a node, inputs above outputs, the cursor a row as in any list. Only rows on the screen exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from localart.lineage.labels import caption, cell_width, padded, shorten, to_ascii
from localart.model import NodeKind
from localart_tui.tones import Tone, palette
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from localart.lineage.labels import Caption
    from localart.lineage.lanes import LaneRow

GUTTER = 2
_GAP = 2
_LONGEST_TITLE = 48
_MOST = (20, 10, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLook:
    """Which row is selected, which nodes are related to it (None: all are), which were found."""

    selected: str = ""
    related: frozenset[str] | None = None
    matches: frozenset[str] = frozenset()


class LaneList(ScrollView, can_focus=False):
    """Rows of `draw_lanes`. Its owner says what is selected; a click asks for a node."""

    DEFAULT_CSS = """
    LaneList { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """

    @dataclass
    class Clicked(Message):
        """A row was clicked, `times` times."""

        key: str
        times: int

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[LaneRow] = ()
        self._number_of: dict[str, int] = {}
        self._look = LaneLook()
        self._lead = 0
        self._columns: tuple[int, ...] = ()
        self._ascii = False

    @property
    def rows(self) -> Sequence[LaneRow]:
        """What is listed."""
        return self._rows

    def show(self, rows: Sequence[LaneRow], look: LaneLook, *, ascii_only: bool) -> None:
        """List other rows."""
        self._rows = rows
        self._number_of = {row.node.key: number for number, row in enumerate(rows)}
        self._look = look
        self._ascii = ascii_only
        self._measure()
        self.virtual_size = Size(self.size.width, len(rows))
        self._reveal()
        self.refresh()

    def set_look(self, look: LaneLook) -> None:
        """Show the same rows differently; only rows that change are painted."""
        before, self._look = self._look, look
        top = self.scroll_offset.y
        self._reveal()
        if self.scroll_offset.y != top or before.matches != look.matches:
            self.refresh()
            return
        for y in range(min(self.size.height, len(self._rows) - top)):
            key = self._rows[top + y].node.key
            if _looks(before, key) != _looks(look, key):
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        """Fit the columns to the width, and keep the selected row on the screen."""
        self._measure()
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._reveal()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click on a row is for the owner."""
        place = event.get_content_offset(self)
        number = -1 if place is None else place.y + self.scroll_offset.y
        if 0 <= number < len(self._rows):
            self.post_message(self.Clicked(self._rows[number].node.key, event.chain))

    def _reveal(self) -> None:
        at, top, height = self._number_of.get(self._look.selected, 0), self.scroll_offset.y, self.size.height
        if height and not top <= at < top + height:
            y = at if at < top else at - height + 1
            self.scroll_to(0, y, animate=False, immediate=True, force=True)

    # --- columns ---------------------------------------------------------------------------------------

    def _measure(self) -> None:
        """How wide lanes with titles may be, and which of the columns after them fit."""
        said = [(row, caption(row.node)) for row in self._rows]
        room = self.size.width - GUTTER
        lead = max(
            (len(row.prefix) + 1 + min(cell_width(words.title), _LONGEST_TITLE) for row, words in said),
            default=0,
        )
        self._lead = max(min(lead, room), 0)
        self._columns = ()
        widths: list[int] = []
        for number, most in enumerate(_MOST):
            widest = max((cell_width(self._tail(row, words)[number]) for row, words in said), default=0)
            widths.append(min(most, widest))
            if self._lead + sum(width + _GAP for width in widths if width) > room:
                break
            self._columns = tuple(widths)

    def _tail(self, row: LaneRow, words: Caption) -> tuple[str, str, str]:
        back = f"  ↺ {len(row.back_to)}" if row.back_to else ""
        return words.detail or str(row.node.kind), words.state, words.aliases + back

    # --- painting --------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One row."""
        width, number = self.size.width, self.scroll_offset.y + y
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[number]
        segments = [Segment(text, self.rich_style + style) for text, style in self._parts(row)]
        return Strip(segments).adjust_cell_length(width, segments[-1].style)

    def _parts(self, row: LaneRow) -> list[tuple[str, Style]]:
        tones, here = palette(self.app), row.node.key == self._look.selected
        under = tones[Tone.CURSOR] if here else Style.null()
        words, spelled = caption(row.node), to_ascii if self._ascii else str
        is_related, is_match = _looks(self._look, row.node.key)[1:]
        node_tone = Tone.VERSION if row.node.kind is NodeKind.VERSION else Tone.RUN
        node = tones[node_tone if is_related else Tone.FAINT]
        if is_match:
            node += tones[Tone.MATCH] + Style(bold=True)
        title = shorten(spelled(words.title), max(self._lead - len(row.prefix) - 1, 1))
        blank = self._lead - len(row.prefix) - 1 - cell_width(title)
        faint = tones[Tone.DIM if is_related else Tone.FAINT]
        tail = "".join(
            f"{' ' * _GAP}{padded(spelled(text), width)}"
            for text, width in zip(self._tail(row, words), self._columns, strict=False)
            if width
        )
        gutter = (glyphs_of(self).cursor if here else " ").ljust(GUTTER)
        sign = 2 * row.column
        return [
            (gutter, tones[Tone.ACCENT] + under),
            (row.prefix[:sign], tones[Tone.DIM] + under),
            (row.prefix[sign : sign + 1], node + under),
            (f"{row.prefix[sign + 1 :]} ", tones[Tone.DIM] + under),
            (title, node + under),
            (" " * blank, under),
            (tail, faint + under),
        ]


def _looks(look: LaneLook, key: str) -> tuple[bool, bool, bool]:
    """Whether it is selected, related, found."""
    return key == look.selected, look.related is None or key in look.related, key in look.matches
