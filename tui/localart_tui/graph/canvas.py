"""The Map: a planned drawing far larger than the screen, of which only what is on the screen is drawn.

When only the looks change (another node is selected), the new window is compared with the one on the screen and
nothing but the cells that differ is painted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from localart.lineage.map_window import BLANK, LINE, NODE, RELATED, Related, Window, draw_window
from localart.model import NodeKind
from localart_tui.tones import Tone, palette

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual import events

    from localart.lineage.map_plan import MapPlan

_DIM_LINE, _RUN, _SELECTED = 4, 8, 64
_VERSION_BIT, _DIM_BIT, _MATCH_BIT, _GROUP_BIT = 1, 2, 4, 16
_MARGIN_COLUMNS, _MARGIN_ROWS = 6, 2
_APART = 12  # cells in between that are cheaper to paint again than to jump over


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the nodes of a map look: which is selected, what is related to it, what was found, what is a group."""

    selected: str = ""
    related: Related | None = None
    dim: bool = True
    matches: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Painted:
    """The window on the screen: signs and looks of its cells, and what it shows."""

    window: Window = field(default_factory=lambda: Window(height=0, width=0))
    cells: Sequence[Sequence[str]] = ()
    looks: Sequence[bytearray] = ()


class MapCanvas(ScrollView, can_focus=False):
    """A map. Its owner says what is selected; a click asks for a node."""

    DEFAULT_CSS = """
    MapCanvas { height: 1fr; width: 1fr; overflow: auto auto; scrollbar-size: 0 0; }
    """

    @dataclass
    class Clicked(Message):
        """A node was clicked, `times` times."""

        key: str
        times: int

    class Scrolled(Message):
        """Another part of the map is on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self._plan: MapPlan | None = None
        self._look = Look()
        self._painted = _Painted()
        self._dragged = False

    @property
    def plan(self) -> MapPlan | None:
        """What is drawn."""
        return self._plan

    @property
    def window(self) -> Window:
        """The part of the map on the screen."""
        left, top = self.scroll_offset
        return Window(top=top, left=left, height=self.size.height, width=self.size.width)

    def show(self, plan: MapPlan, look: Look) -> None:
        """Draw another map."""
        self._plan = plan
        self._look = look
        self._painted = _Painted()
        self.virtual_size = Size(plan.width, plan.height)
        self._reveal()
        self.refresh()

    def set_look(self, look: Look) -> None:
        """Show the same map differently; only cells that change are painted."""
        self._look = look
        self._reveal()
        before = self._painted
        if before.window != self.window or not before.cells:
            self.refresh()
            return
        after = self._paint()
        self.refresh(*_changed(before, after)) if before.looks != after.looks else None

    def center(self) -> None:
        """Bring the selected node to the middle."""
        place = None if self._plan is None else self._plan.places.get(self._look.selected)
        if place is not None:
            x = place.column + place.width // 2 - self.size.width // 2
            self._go(x, place.line - self.size.height // 2)

    def _go(self, x: int, y: int) -> None:
        self.scroll_to(max(x, 0), max(y, 0), animate=False, immediate=True, force=True)

    def _reveal(self) -> None:
        """Scroll just far enough to have the selected node on the screen, with some of what is around it."""
        place = None if self._plan is None else self._plan.places.get(self._look.selected)
        if place is None or not self.size:
            return
        left, top = self.scroll_offset
        columns = min(_MARGIN_COLUMNS, max(0, (self.size.width - place.width) // 2))
        rows = min(_MARGIN_ROWS, (self.size.height - 1) // 2)
        x = _within(left, place.column - columns, place.column + place.width + columns - self.size.width)
        y = _within(top, place.line - rows, place.line + 1 + rows - self.size.height)
        if (x, y) != (left, top):
            self._go(x, y)

    def on_resize(self) -> None:
        """Keep the selected node on the screen."""
        self._reveal()
        self.post_message(self.Scrolled())

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Say that another part is seen."""
        super().watch_scroll_x(old_value, new_value)
        self.post_message(self.Scrolled())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say that another part is seen."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Scrolled())

    # --- mouse -----------------------------------------------------------------------------------------

    def on_mouse_down(self) -> None:
        """A drag may begin."""
        self._dragged = False

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """With the button held, the map follows."""
        if event.button and self._plan is not None:
            self._dragged = True
            left, top = self.scroll_offset
            self._go(left - event.delta_x, top - event.delta_y)

    def on_click(self, event: events.Click) -> None:
        """A click on a node's name is for its owner; the end of a drag is not a click."""
        place = event.get_content_offset(self)
        if place is None or self._plan is None or self._dragged:
            return
        key = self.key_at(place + self.scroll_offset)
        if key:
            self.post_message(self.Clicked(key, event.chain))

    def key_at(self, place: Offset) -> str:
        """The node drawn at a place of the map, or ""."""
        if self._plan is not None:
            for one in self._plan.places.values():
                if one.line == place.y and one.column <= place.x < one.column + one.width:
                    return one.key
        return ""

    # --- painting --------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if self._plan is None:
            return Strip.blank(self.size.width, self.rich_style)
        if self._painted.window != self.window or not self._painted.cells:
            self._paint()
        if y >= len(self._painted.cells):
            return Strip.blank(self.size.width, self.rich_style)
        styles = _Styles(palette(self.app), self.rich_style)
        segments = list(_segments(self._painted.cells[y], self._painted.looks[y], styles))
        return Strip(segments, self.size.width)

    def _paint(self) -> _Painted:
        """Draw the window anew, and remember it."""
        assert self._plan is not None
        drawn = draw_window(self._plan, self.window, self._look.related)
        looks = [bytearray(row) for row in drawn.ink]
        if self._look.dim and self._look.related is not None:
            looks = [row.replace(bytes([LINE]), bytes([_DIM_LINE])) for row in looks]
        for place in drawn.places:
            row = place.line - self.window.top
            if 0 <= row < len(looks):
                _colour(looks[row], place.column - self.window.left, place.width, self._code(place.key))
        self._painted = _Painted(self.window, drawn.cells, looks)
        return self._painted

    def _code(self, key: str) -> int:
        look = self._look
        assert self._plan is not None
        is_version = self._plan.order.links.nodes[key].kind is NodeKind.VERSION
        code = _RUN + is_version * _VERSION_BIT + (key in look.matches) * _MATCH_BIT
        if key in look.groups:
            code += _GROUP_BIT
        if key == look.selected:
            return code + _SELECTED
        is_dim = look.dim and look.related is not None and key not in look.related.keys
        return code + is_dim * _DIM_BIT


def _within(here: int, most: int, least: int) -> int:
    """`here` moved into the range; where there is no room for both, its beginning counts."""
    return max(min(max(here, least), most), 0)


def _colour(row: bytearray, start: int, width: int, code: int) -> None:
    for column in range(max(start, 0), min(start + width, len(row))):
        if row[column] == NODE:
            row[column] = code


def _changed(before: _Painted, after: _Painted) -> Iterator[Region]:
    """The cells whose look differs, as few regions as is cheap."""
    for y, (old, new) in enumerate(zip(before.looks, after.looks, strict=True)):
        if old == new:
            continue
        differing = [x for x, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
        starts = [differing[0], *(x for last, x in pairwise(differing) if x - last > _APART)]
        ends = [*(last for last, x in pairwise(differing) if x - last > _APART), differing[-1]]
        for start, end in zip(starts, ends, strict=True):
            yield Region(start, y, end - start + 1, 1)


class _Styles:
    """Styles by the code of a cell's look."""

    def __init__(self, tones: dict[Tone, Style], ground: Style) -> None:
        self._tones = tones
        self._ground = ground
        self._known: dict[int, Style] = {}

    def __getitem__(self, code: int) -> Style:
        found = self._known.get(code)
        if found is None:
            found = self._known[code] = self._ground + self._style(code)
        return found

    def _style(self, code: int) -> Style:
        tones = self._tones
        lines = {
            BLANK: Tone.TEXT,
            LINE: Tone.DIM,
            RELATED: Tone.ACCENT,
            _DIM_LINE: Tone.FAINT,
            NODE: Tone.TEXT,
        }
        if code < _RUN:
            return tones[lines[code]] + (Style(bold=True) if code == RELATED else Style.null())
        style = tones[Tone.VERSION if code & _VERSION_BIT else Tone.RUN]
        if code & _DIM_BIT:
            style = tones[Tone.FAINT]
        if code & _MATCH_BIT:
            style += tones[Tone.MATCH] + Style(bold=True)
        if code & _GROUP_BIT:
            style += Style(bold=True)
        # Reversed, so that the place is seen where there is no colour.
        return style + Style(reverse=True, bold=True) if code & _SELECTED else style


def _segments(cells: Sequence[str], looks: bytearray, styles: _Styles) -> Iterator[Segment]:
    """Cells of one look together; blanks go with what is before them."""
    start, code = 0, looks[0] if looks else BLANK
    for column, look in enumerate(looks):
        if look == code or (look == BLANK and not code & _SELECTED and not code & _MATCH_BIT):
            continue
        if column > start:
            yield Segment("".join(cells[start:column]), styles[code])
        start, code = column, look
    if len(looks) > start:
        yield Segment("".join(cells[start:]), styles[code])
