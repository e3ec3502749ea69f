"""The lineage as one widget: Map, Lanes and Walk of one state, its keys, and what it tells its owner.

It reads no store. Its owner gives it a graph (`show`) and, when asked, facts about nodes (`tell`) or another graph
(`ScopeWanted`). Small graphs are laid out at once, large ones beside the loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget

from localart.errors import LocalartError
from localart.lineage.labels import caption
from localart.lineage.map_plan import LONGEST_LABEL, SHORTEST_LABEL
from localart.lineage.map_window import related_to
from localart_tui.chrome import Bar, Chip
from localart_tui.filterbar import FilterBar
from localart_tui.graph.board import Board
from localart_tui.graph.canvas import Look, MapCanvas
from localart_tui.graph.exports import Form, Source, code, command, export_text, write_export
from localart_tui.graph.lane_list import GUTTER, LaneList, LaneLook
from localart_tui.graph.layout import Layout, Wish, column_of, is_same, laid_out, message_of, related_keys
from localart_tui.graph.menus import TypesMenu
from localart_tui.graph.side import chosen_chips, count_chips, facts_rows, here_chips, minimap_chips
from localart_tui.graph.state import GraphState, Scope, Unrelated, View, graph_state
from localart_tui.graph.walk import WalkView
from localart_tui.keys import Scope as KeyScope
from localart_tui.keys import bindings
from localart_tui.modals import Choice, Menu, Reading, Section
from localart_tui.text import clean
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of, lines, notify, static

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import Binding

    from localart.lineage.filters import Kept
    from localart.lineage.graph_model import GraphModel
    from localart.model import LineageGraph

WIDE_COLUMNS = 100
FACTS_COLUMNS = 160
AT_ONCE = 400
_FACTS_WIDTH = 40
_WHOLE_LABEL = 120
_LABEL_STEP = 8


class GraphView(Widget, can_focus=True):
    """A lineage to walk through."""

    BINDINGS: ClassVar[list[Binding]] = bindings(KeyScope.GRAPH)  # type: ignore[assignment]

    DEFAULT_CSS = """
    GraphView { height: 1fr; width: 1fr; layout: vertical; }
    GraphView > #graph-body { height: 1fr; }
    GraphView > #graph-message { display: none; padding: 1 3; height: 1fr; }
    GraphView.-message > #graph-message { display: block; }
    GraphView.-message > #graph-body { display: none; }
    GraphView #graph-facts { display: none; width: 40; height: 1fr; padding: 0 1; border-left: vkey $panel; }
    GraphView.-facts #graph-facts { display: block; }
    """

    @dataclass
    class NodeOpened(Message):
        """The node at `address` was chosen."""

        address: str

    @dataclass
    class NodeSelected(Message):
        """The cursor is on the node `key`, which may be a group."""

        key: str

    @dataclass
    class ScopeWanted(Message):
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

    @work(exclusive=True, group="layout")
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

    # --- keys: moving ----------------------------------------------------------------------------------

    def _select(self, key: str) -> None:
        if self._state is not None and key != self._state.selected and key in self._state.links.nodes:
            self._accept_look(self._state.select(key))

    def action_walk(self, by: int) -> None:
        """To an input or an output: the one one came from, else the nearest."""
        state = self._state
        if state is None or not state.selected:
            return
        if self.view is View.WALK:
            self._walk_to(self.query_one(WalkView).turn(by))
            return
        near = state.inputs if by < 0 else state.outputs
        came_from = self._trail.get((state.selected, by), "")
        key = came_from if came_from in near else self._nearest(near)
        if key:
            self._trail[key, -by] = state.selected
            self._select(key)

    def _walk_to(self, key: str) -> None:
        if key:
            self._select(key)
        else:
            self._pointed_at()

    def _pointed_at(self) -> None:
        self._paint_bars()
        self.post_message(self.NodeSelected(self.pointed))

    def _nearest(self, keys: Sequence[str]) -> str:
        """Of several neighbours the one whose row is nearest."""
        layout, state = self._layout, self._state
        if not keys or layout is None or state is None:
            return ""
        if layout.plan is None:
            return keys[0]
        places = layout.plan.places
        here = places[state.selected].line
        return min(keys, key=lambda key: (abs(places[key].line - here), places[key].line))

    def action_step(self, by: int) -> None:
        """Up or down: in the layer, in the list, in the column."""
        layout, state = self._layout, self._state
        if layout is None or state is None or not state.selected:
            return
        if layout.view is View.WALK:
            self.query_one(WalkView).step(by)
            self._pointed_at()
            return
        keys = column_of(layout)
        at = keys.index(state.selected) + by
        self._select(keys[max(0, min(at, len(keys) - 1))])

    def action_page(self, by: int) -> None:
        """One page up or down."""
        self.action_step(by * max(self.size.height - 4, 1))

    def action_open(self) -> None:
        """Open the node's page; a group shows its members."""
        state = self._state
        node = None if state is None else state.links.nodes.get(self.pointed)
        if state is None or node is None:
            return
        if node.key in state.model.members:
            self._change(lambda: state.select(node.key).changed(lambda model: model.explode(node.key)))
        elif node.address:
            self.post_message(self.NodeOpened(node.address))

    def action_center(self) -> None:
        """Bring the selected node to the middle."""
        self.query_one(MapCanvas).center()
        self._paint_bars()

    @on(MapCanvas.Scrolled)
    def _scrolled(self, message: MapCanvas.Scrolled) -> None:
        message.stop()
        self._paint_bars()

    @on(MapCanvas.Clicked)
    @on(LaneList.Clicked)
    @on(WalkView.Clicked)
    def _clicked(self, message: MapCanvas.Clicked | LaneList.Clicked | WalkView.Clicked) -> None:
        message.stop()
        self.focus()
        if self.view is View.WALK:
            self._pointed_at()
        else:
            self._select(message.key)
        if message.times >= 2:
            self.action_open()

    # --- keys: what is shown ---------------------------------------------------------------------------

    def action_view(self) -> None:
        """The next view."""
        self._view = self.view.following
        self._again()

    def _again(self) -> None:
        if self._state is not None:
            state = self._state
            self._change(lambda: state)

    def _alter(self, change: Callable[[GraphModel], GraphModel]) -> None:
        if self._state is not None:
            state = self._state
            self._change(lambda: state.changed(change))

    def action_group(self) -> None:
        """Draw what is alike as one; when all of that is done, each."""
        if self._state is not None and not self._state.model.groups.members:
            notify(self.app, "no five nodes here are alike")
        self._alter(lambda model: model.group_all() if model.can_group else model.explode_all())

    def action_explode(self) -> None:
        """Open the selected group; on a node that could be in one, fold that again."""
        state = self._state
        if state is None:
            return
        key = state.selected
        if key in state.model.members:
            self._alter(lambda model: model.explode(key))
        elif key in state.model.groups.group_of:
            self._alter(lambda model: model.group(key))
        else:
            notify(self.app, "this is not a group")

    def action_explode_all(self) -> None:
        """Open all groups."""
        self._alter(lambda model: model.explode_all())

    def action_related(self) -> None:
        """Dim, hide or show what is neither before nor after the selected node."""
        if self._state is not None:
            state = self._state
            self._change(state.next_unrelated)

    def action_complete(self) -> None:
        """The direct lineage, or all that hangs together."""
        if self._state is not None:
            scope = self._state.scope
            self._want(replace(scope, complete=not scope.complete))

    def action_depth(self, by: int) -> None:
        """One step more or less."""
        if self._state is not None:
            self._want(self._state.scope.deeper(by))

    def _want(self, scope: Scope) -> None:
        if not self._source.address:
            notify(self.app, "this is the whole graph already")
        elif self._state is not None and scope != self._state.scope:
            self.post_message(self.ScopeWanted(scope))

    def action_types(self) -> None:
        """Choose types and job types."""
        if self._state is not None:
            model = self._state.model
            self.app.push_screen(TypesMenu(model.whole, model.kept), self._keep)

    def _keep(self, kept: Kept | None) -> None:
        if kept is not None:
            self._alter(lambda model: model.keep(kept))

    def action_label(self, by: int) -> None:
        """Longer or shorter names on the map."""
        self._set_label(self._label_cells + by * _LABEL_STEP)

    def action_zoom(self) -> None:
        """Names as short as may be, as usual, or whole."""
        sizes = (SHORTEST_LABEL, LONGEST_LABEL, _WHOLE_LABEL)
        self._set_label(next((size for size in sizes if size > self._label_cells), sizes[0]))

    def _set_label(self, cells: int) -> None:
        self._label_cells = max(SHORTEST_LABEL, min(cells, _WHOLE_LABEL))
        self._again()

    def action_minimap(self) -> None:
        """Show or hide the overview of the layers."""
        self._has_minimap = not self._has_minimap
        self._paint_bars()

    def action_facts(self) -> None:
        """Show or hide what is known of the node."""
        self._wants_facts = not self._wants_facts
        if self.size.width < FACTS_COLUMNS:
            notify(self.app, f"the facts need {FACTS_COLUMNS} columns; the walk (v) shows them too")
        self._place_facts()
        self._again()

    # --- keys: find, write, tell -----------------------------------------------------------------------

    def action_find(self) -> None:
        """Type words to find nodes by."""
        bar = next(iter(self.screen.query(FilterBar)), None)
        if bar is None:
            self.mount(FilterBar())
            self.call_after_refresh(self.action_find)
        else:
            bar.begin("" if self._state is None else self._state.query)

    @on(FilterBar.Typed)
    def _typed(self, message: FilterBar.Typed) -> None:
        message.stop()
        self.search(message.text)

    @on(FilterBar.Left)
    def _left(self, message: FilterBar.Left) -> None:
        message.stop()
        self.focus()
        self.go_to_match(0)

    def action_match(self, by: int) -> None:
        """The next match, or the one before."""
        self.go_to_match(by)

    def action_same(self) -> None:
        """The command and the Python that draw the same."""
        self.app.push_screen(
            Reading([Section("In the shell", self.command), Section("In Python", self.code)])
        )

    def action_export(self) -> None:
        """Choose what to write."""
        choices = [
            Choice("s", "SVG", "a picture for pages and papers"),
            Choice("w", "HTML", "a page to look around in, without a network"),
            Choice("d", "DOT", "for Graphviz"),
            Choice("m", "Mermaid", "for Markdown"),
            Choice("j", "JSON", "for programs"),
            Choice("t", "Text: the map", "as on the screen, whole"),
            Choice("l", "Text: the lanes", "one row a node"),
        ]
        forms = dict(
            zip(
                "swdmjtl",
                (Form.SVG, Form.HTML, Form.DOT, Form.MERMAID, Form.JSON, Form.MAP, Form.LANES),
                strict=True,
            )
        )

        def take(key: str | None) -> None:
            if key:
                self._export(forms[key])

        self.app.push_screen(Menu("Write the lineage", choices), take)

    @work(exclusive=True, group="export")
    async def _export(self, form: Form) -> None:
        state = self._state
        if state is None:
            return
        focus = state.model.graph.focus
        name = next((caption(node).title for node in state.model.graph.nodes if node.key == focus), "")
        name = name or self._source.project or "all"

        def write() -> Path:
            return write_export(self._folder, name, form, export_text(state, form, name, self._facts))

        try:
            path = await asyncio.to_thread(write)
        except LocalartError as error:
            notify(self.app, f"{error}", severity="error")
        except OSError as error:
            notify(self.app, f"not written: {error.strerror or error}", severity="error")
        else:
            notify(self.app, f"written: {path}")
