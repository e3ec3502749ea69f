"""The Walk: what goes into one node, the node, what comes out of it. Left and right go from node to node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from localart.lineage.labels import caption, to_ascii
from localart.model import NodeKind
from localart_tui.graph.board import parts_in
from localart_tui.graph.side import fact_row, fact_rows
from localart_tui.tones import Tone, palette
from localart_tui.ui import Part, glyphs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from localart.model import GraphNode
    from localart_tui.graph.state import GraphState

_NARROW = 60


class WalkView(Widget):
    """Three columns about the selected node of a state; `side` is the one the cursor is in: -1, 0 or 1."""

    DEFAULT_CSS = """
    WalkView { height: 1fr; width: 1fr; }
    """

    @dataclass
    class Clicked(Message):
        """A neighbour was clicked, `times` times."""

        key: str
        times: int

    def __init__(self) -> None:
        super().__init__()
        self._state: GraphState | None = None
        self._facts: Sequence[tuple[str, str]] = ()
        self.side = 0
        self._row = 0
        self._lines: list[tuple[list[Part], list[Part], list[Part]]] = []

    @property
    def pointed(self) -> str:
        """The node under the cursor: a neighbour, or the node itself."""
        keys = self._keys(self.side)
        return keys[min(self._row, len(keys) - 1)] if keys else ""

    def show(self, state: GraphState, facts: Sequence[tuple[str, str]]) -> None:
        """Show the selected node of `state`."""
        if self._state is None or self._state.selected != state.selected:
            self._row = 0
        self._state, self._facts = state, facts
        if not self._keys(self.side):
            self.side = 0
        self._put()

    def turn(self, by: int) -> str:
        """Go left (-1) or right (1): into the column there, or, when in it, on to the neighbour: its key."""
        if self.side == by:
            return self.pointed
        if self._keys(self.side + by):
            self.side, self._row = self.side + by, 0
            self._put()
        return ""

    def step(self, by: int) -> None:
        """Up or down in the column."""
        self._row = max(0, min(self._row + by, len(self._keys(self.side)) - 1))
        self._put()

    def _keys(self, side: int) -> Sequence[str]:
        if self._state is None or not self._state.selected:
            return ()
        return {-1: self._state.inputs, 0: (self._state.selected,), 1: self._state.outputs}.get(side, ())

    def on_click(self, event: events.Click) -> None:
        """A click on a neighbour is for the owner."""
        place = event.get_content_offset(self)
        if place is None or place.y < 1:
            return
        side = min(place.x // max(self._widths()[0] + 1, 1), 2) - 1
        keys = self._keys(side)
        number = self._first(side) + place.y - 1
        if side and 0 <= number < len(keys):
            self.side, self._row = side, number
            self.post_message(self.Clicked(keys[number], event.chain))

    # --- painting --------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the three columns."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        bar = Segment(glyphs_of(self).bar, self.rich_style + palette(self.app)[Tone.FAINT])
        segments: list[Segment] = []
        for number, (width, parts) in enumerate(zip(self._widths(), self._lines[y], strict=True)):
            under = palette(self.app)[Tone.CURSOR] if self._is_cursor(number - 1, y) else None
            segments += [bar] if number else []
            segments += parts_in(self, parts, width, under)
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def _put(self) -> None:
        """Make the lines anew; those that changed are painted."""
        middle = self._about()[: self.size.height]
        before, self._lines = self._lines, [self._line(y, middle) for y in range(self.size.height)]
        for y in range(max(len(before), len(self._lines))):
            if before[y : y + 1] != self._lines[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self) -> None:
        """Other widths, other lines."""
        self._put()
        self.refresh()

    def _widths(self) -> tuple[int, int, int]:
        third = max((self.size.width - 2) // 3, 1)
        return third, max(self.size.width - 2 - 2 * third, 1), third

    def _first(self, side: int) -> int:
        """The first neighbour on the screen, so that the cursor is on it too."""
        rows = max(self.size.height - 1, 1)
        return max(0, self._row - rows + 1) if side == self.side else 0

    def _is_cursor(self, side: int, y: int) -> bool:
        if side != self.side:
            return False
        return y == 0 if side == 0 else y - 1 + self._first(side) == self._row and y > 0

    def _line(self, y: int, middle: list[list[Part]]) -> tuple[list[Part], list[Part], list[Part]]:
        state = self._state
        if state is None or state.node is None:
            return [], [], []
        if y == 0:
            return (
                [(f" INPUTS ({len(state.inputs)})", Tone.HEADER)],
                [(self._mark(0, 0), Tone.ACCENT), *self._named(state.node)],
                [(f" OUTPUTS ({len(state.outputs)})", Tone.HEADER)],
            )
        return self._neighbour(-1, y), middle[y - 1] if y <= len(middle) else [], self._neighbour(1, y)

    def _neighbour(self, side: int, y: int) -> list[Part]:
        keys, number = self._keys(side), self._first(side) + y - 1
        if number >= len(keys):
            return []
        rows = self.size.height - 1
        if y == rows and number < len(keys) - 1:
            return [(f"   … {len(keys) - number} more", Tone.FAINT)]
        assert self._state is not None
        return [(self._mark(side, y), Tone.ACCENT), *self._named(self._state.links.nodes[keys[number]])]

    def _mark(self, side: int, y: int) -> str:
        return f" {glyphs_of(self).cursor}" if self._is_cursor(side, y) else "  "

    def _named(self, node: GraphNode) -> list[Part]:
        glyphs = glyphs_of(self)
        is_run = node.kind is NodeKind.RUN
        words = caption(node)
        title = to_ascii(words.title) if glyphs.name == "ascii" else words.title
        detail = f"  {words.detail}" if words.detail and self.size.width > _NARROW else ""
        sign = glyphs.run if is_run else glyphs.version
        return [(f"{sign} {title}", Tone.RUN if is_run else Tone.VERSION), (detail, Tone.DIM)]

    def _about(self) -> list[list[Part]]:
        state = self._state
        if state is None or state.node is None:
            return []
        node, words, width = state.node, caption(state.node), self._widths()[1] - 1
        known = [
            ("", words.aliases),
            ("", words.state),
            ("project", node.project),
            ("created", node.created_at[:19].replace("T", " ")),
        ]
        rows = [
            fact_row(name, value, width) if name else [(value, Tone.TEXT)] for name, value in known if value
        ]
        rows += fact_rows(self._facts, width)
        rows += [[(member.label, Tone.DIM)] for member in state.model.members_of(node.key)]
        return [[(" ", Tone.TEXT), *row] for row in rows]
