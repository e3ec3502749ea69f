"""The lineage as one widget: a frame, and what its keys and clicks do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on

from localart.errors import LocalartError
from localart.lineage.labels import caption
from localart.lineage.map_plan import LONGEST_LABEL, SHORTEST_LABEL
from localart_tui.filterbar import FilterBar
from localart_tui.graph.canvas import MapCanvas
from localart_tui.graph.exports import Form, export_text, write_export
from localart_tui.graph.frame import FACTS_COLUMNS, GraphFrame
from localart_tui.graph.lane_list import LaneList
from localart_tui.graph.layout import column_of
from localart_tui.graph.menus import TypesMenu
from localart_tui.graph.state import Scope, View
from localart_tui.graph.walk import WalkView
from localart_tui.keys import Scope as KeyScope
from localart_tui.keys import bindings
from localart_tui.modals import Choice, Menu, Reading, Section
from localart_tui.reading import page_work
from localart_tui.ui import notify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from textual.binding import Binding

    from localart.lineage.filters import Kept
    from localart.lineage.graph_model import GraphModel

_WHOLE_LABEL = 120
_LABEL_STEP = 8


class GraphView(GraphFrame):
    """A lineage to walk through."""

    BINDINGS: ClassVar[list[Binding]] = bindings(KeyScope.GRAPH)  # type: ignore[assignment]

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

    @page_work("export")
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
