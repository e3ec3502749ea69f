"""What stands where: Map, Lanes and Walk of one state, the rows around them, and what its owner is told.

It reads no store. Its owner gives it a graph (`show`) and, when asked, facts about nodes (`tell`) or another graph
(`ScopeWanted`). Small graphs are laid out at once, large ones beside the loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget

from localart.lineage.map_plan import LONGEST_LABEL
from localart.lineage.map_window import related_to
from localart_tui.chrome import Bar, Chip
from localart_tui.graph.board import Board
from localart_tui.graph.canvas import Look, MapCanvas
from localart_tui.graph.exports import Form, Source, code, command
from localart_tui.graph.lane_list import GUTTER, LaneList, LaneLook
from localart_tui.graph.layout import Layout, Wish, is_same, laid_out, message_of, related_keys
from localart_tui.graph.side import chosen_chips, count_chips, facts_rows, here_chips, minimap_chips
from localart_tui.graph.state import GraphState, Scope, Unrelated, View, graph_state
from localart_tui.graph.walk import WalkView
from localart_tui.reading import page_work
from localart_tui.text import clean
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of, lines, notify, static

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import ComposeResult

    from localart.model import LineageGraph

WIDE_COLUMNS = 100
FACTS_COLUMNS = 160
AT_ONCE = 400
_FACTS_WIDTH = 40


class GraphFrame(Widget, can_focus=True):
    """A lineage, looked at in one of three ways; `GraphView` adds the keys."""

    DEFAULT_CSS = """
    GraphFrame { height: 1fr; width: 1fr; layout: vertical; }
    GraphFrame > #graph-body { height: 1fr; }
    GraphFrame > #graph-message { display: none; padding: 1 3; height: 1fr; }
    GraphFrame.-message > #graph-message { display: block; }
    GraphFrame.-message > #graph-body { display: none; }
    GraphFrame #graph-facts { display: none; width: 40; height: 1fr; padding: 0 1; border-left: vkey $panel; }
    GraphFrame.-facts #graph-facts { display: block; }
    """

    @dataclass
    class NodeOpened(Message, namespace="graph_view"):
        """The node at `address` was chosen."""

        address: str

    @dataclass
    class NodeSelected(Message, namespace="graph_view"):
        """The cursor is on the node `key`, which may be a group."""

        key: str

    @dataclass
    class ScopeWanted(Message, namespace="graph_view"):
        """More or less of the graph is wanted: read it, and `show` it."""

        scope: Scope

    def __init__(
        self,
        graph: LineageGraph | None = None,
        *,
        source: Source | None = None,
        view: View | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._source = source or Source()
        self._state: GraphState | None = None
        self._first = graph
        self._view = view
        self._layout: Layout | None = None
        self._label_cells = LONGEST_LABEL
        self._facts: dict[str, Sequence[tuple[str, str]]] = {}
        self._trail: dict[tuple[str, int], str] = {}
        self._has_minimap = True
        self._wants_facts = True
        self._folder = Path()

    # --- for its owner ---------------------------------------------------------------------------------

    @property
    def state(self) -> GraphState | None:
        """What is shown, selected and searched; None while nothing was given yet."""
        return self._state

    @property
    def view(self) -> View:
        """The view in front: what was chosen, or else what suits the width."""
        if self._view is not None:
            return self._view
        return View.MAP if self.size.width >= WIDE_COLUMNS else View.LANES

    @property
    def chosen_view(self) -> View | None:
        """The view that was chosen, or None while the width decides."""
        return self._view

    @property
    def pointed(self) -> str:
        """The key of the node under the cursor."""
        if self.view is View.WALK:
            return self.query_one(WalkView).pointed
        return "" if self._state is None else self._state.selected

    def show(self, graph: LineageGraph, *, scope: Scope | None = None, select: str = "") -> None:
        """Show a graph; what was folded, left out and selected before stays so where it is there again."""
        before = self._state

        def make() -> GraphState:
            if before is None:
                return graph_state(graph, scope=scope).select(select)
            grouped = True if before.model.is_grouped else None
            fresh = graph_state(graph, scope=scope or before.scope, kept=before.model.kept, grouped=grouped)
            fresh = fresh.search(before.query) if before.query else fresh
            return fresh.select(fresh.model.shown_key(before.selected) or "").select(select)

        self._change(make, size=len(graph.nodes))

    def tell(self, facts: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Facts about nodes, to be shown beside them."""
        self._facts.update(facts)
        self._paint_facts()

    def search(self, query: str) -> None:
        """Find nodes by words; the first match is selected by `go_to_match`."""
        if self._state is not None:
            self._accept_look(self._state.search(query))

    def go_to_match(self, by: int = 1) -> None:
        """Select the next match, unless one is selected and `by` is 0."""
        state = self._state
        if state is None or not state.query:
            return
        if not state.matches:
            notify(self.app, f"nothing here is called {clean(state.query, 60)}", severity="warning")
        elif by or state.selected not in state.matches:
            self._change(lambda: state.next_match(by or 1))

    @property
    def command(self) -> str:
        """The command that draws what is shown."""
        return "localart lineage" if self._state is None else command(self._state, self._source, self._form)

    @property
    def code(self) -> str:
        """The Python that draws what is shown."""
        return "import localart" if self._state is None else code(self._state, self._source)

    @property
    def _form(self) -> Form:
        return Form.MAP if self.view is View.MAP else Form.LANES

    # --- life ------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """What is shown, the views, and the selected node."""
        yield Bar(id="graph-chosen")
        with Horizontal(id="graph-body"):
            yield MapCanvas()
            yield LaneList()
            yield WalkView()
            yield Board(id="graph-facts")
        yield static(id="graph-message")
        yield Bar(id="graph-here")

    def on_mount(self) -> None:
        """Show what was given at first."""
        self._say([("reading …", Tone.DIM)])
        if self._first is not None:
            graph, self._first = self._first, None
            self.show(graph)

    def on_resize(self) -> None:
        """Another width may ask for another view, and for facts beside it."""
        self._place_facts()
        if self._state is not None:
            state = self._state
            self._change(lambda: state)

    # --- changing what is shown ------------------------------------------------------------------------

    def _change(self, make: Callable[[], GraphState], *, size: int | None = None) -> None:
        """Make a state and lay it out: at once when it is small, else beside the loop."""
        wish = self._wish()
        count = len(self._state.model.graph.nodes) if size is None and self._state is not None else size or 0
        if count <= AT_ONCE:
            self.workers.cancel_group(self, "layout")
            self._accept(laid_out(make(), wish, self._layout))
        else:
            self._lay_out(make, wish)

    @page_work("layout")
    async def _lay_out(self, make: Callable[[], GraphState], wish: Wish) -> None:
        before = self._layout
        if before is None:
            self._say([("laying the graph out …", Tone.DIM)])
        waiting = self.set_timer(
            0.12, lambda: self._bar("here").show([Chip("laying the graph out …", Tone.DIM)])
        )
        try:
            layout = await asyncio.to_thread(lambda: laid_out(make(), wish, before))
        finally:
            waiting.stop()
        self._accept(layout)

    def _wish(self) -> Wish:
        return Wish(
            view=self.view,
            label_cells=self._label_cells,
            ascii_only=glyphs_of(self).name == "ascii",
            width=max(self.size.width - GUTTER - self._facts_width, 1),
        )

    def _accept(self, layout: Layout) -> None:
        before = self._layout
        is_moved = before is None or before.state.selected != layout.state.selected
        self._layout, self._state = layout, layout.state
        with self.app.batch_update():
            self._show_view(layout, as_before=is_same(before, layout))
            self._paint_bars()
            self._paint_facts()
        if is_moved and self.pointed:
            self.post_message(self.NodeSelected(self.pointed))

    def _accept_look(self, state: GraphState) -> None:
        """Only the looks are other: another node is selected, other nodes were found."""
        if self._layout is not None:
            self._accept(replace(self._layout, state=state))

    def _show_view(self, layout: Layout, *, as_before: bool) -> None:
        canvas, lanes, walk = self.query_one(MapCanvas), self.query_one(LaneList), self.query_one(WalkView)
        canvas.display = layout.view is View.MAP
        lanes.display = layout.view is View.LANES
        walk.display = layout.view is View.WALK
        message = message_of(layout, self._source)
        if message:
            self._say(*message)
            return
        self.remove_class("-message")
        state = layout.state
        if layout.view is View.WALK:
            walk.show(state, self._facts.get(state.selected, ()))
        elif layout.view is View.LANES:
            look = LaneLook(selected=state.selected, related=related_keys(state), matches=state.shown_matches)
            if as_before:
                lanes.set_look(look)
            else:
                lanes.show(layout.rows, look, ascii_only=glyphs_of(self).name == "ascii")
        elif layout.plan is not None:
            look_ = Look(
                selected=state.selected,
                related=related_to(layout.plan, [state.selected]),
                dim=state.unrelated is Unrelated.DIM,
                matches=state.shown_matches,
                groups=frozenset(state.model.members),
            )
            canvas.set_look(look_) if as_before else canvas.show(layout.plan, look_)

    # --- what stands around ----------------------------------------------------------------------------

    def _bar(self, name: str) -> Bar:
        return self.query_one(f"#graph-{name}", Bar)

    def _say(self, *rows: tuple[str, Tone] | Sequence[tuple[str, Tone]]) -> None:
        """Say something where the graph would be."""
        self.query_one("#graph-message").update(lines(self.app, *(list(row) for row in rows)))  # type: ignore[attr-defined, arg-type]
        self.add_class("-message")

    def _paint_bars(self) -> None:
        if self._layout is None or self._state is None:
            return
        layout, glyphs = self._layout, glyphs_of(self)
        right = count_chips(self._state)
        if layout.plan is not None and self._has_minimap and self.size.width >= WIDE_COLUMNS // 2:
            right = [*right, *minimap_chips(layout.plan, self.query_one(MapCanvas).window, glyphs)]
        back_count = sum(map(len, layout.back.values()))
        self._bar("chosen").show(chosen_chips(self._state, self.view, back_count), right)
        state = self._state if self.pointed == self._state.selected else self._state.select(self.pointed)
        self._bar("here").show(here_chips(state, glyphs, layout.back.get(state.selected, ())))

    @property
    def _facts_width(self) -> int:
        return _FACTS_WIDTH if self.has_class("-facts") else 0

    def _place_facts(self) -> None:
        self.set_class(self._wants_facts and self.size.width >= FACTS_COLUMNS, "-facts")

    def _paint_facts(self) -> None:
        state = self._state
        if state is None:
            return
        facts = self._facts.get(state.selected, ())
        if self.view is View.WALK and self._layout is not None and self._layout.view is View.WALK:
            self.query_one(WalkView).show(state, facts)
        if self.has_class("-facts"):
            rows = facts_rows(state, facts, glyphs_of(self), _FACTS_WIDTH - 3)[: max(self.size.height, 1)]
            self.query_one("#graph-facts", Board).put(rows)
