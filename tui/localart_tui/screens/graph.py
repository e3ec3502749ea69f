"""The lineage of a version, a run or a project: what made it, what came of it, and all that hangs together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on

from localart.errors import LocalartError
from localart_tui.data.lineage import is_address, read_graph, read_node_facts
from localart_tui.filterbar import FilterBar
from localart_tui.graph.exports import Source
from localart_tui.graph.state import Scope, View
from localart_tui.graph.view import GraphView
from localart_tui.keys import Scope as KeyScope
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.reading import page_work

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.timer import Timer

    from localart.model import LineageGraph

_SETTLED_SECONDS = 0.1
_COMPLETE, _DEPTH = "complete", "depth="


class GraphPage(Page["LineageGraph"]):
    """The lineage of `place.target`: `project/name:v3`, `run:ID`, a project, or "" for everything."""

    SCOPES: ClassVar[tuple[KeyScope, ...]] = (KeyScope.PAGE, KeyScope.GRAPH)
    WITHOUT: ClassVar[frozenset[str]] = frozenset(
        {"page.filter", "page.sort", "page.reverse", "page.same", "page.preview", "page.graph"}
    )
    LIST: ClassVar[str] = "graph"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._scope = _scope_of(place)
        self._waiting: Timer | None = None

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, project, what the lineage is of."""
        target = self.place.target
        way: list[tuple[str, Place | None]] = [("localart", Place("home"))]
        if target.startswith("run:"):
            way.append((target, Place("run", target)))
        elif is_address(target):
            project, _, name = target.rpartition("/")
            way += [(project, Place("artifacts", project))] if project else []
            way.append((name, Place("artifact", target)))
        elif target:
            way.append((target, Place("artifacts", target)))
        return [*way, ("lineage", self.place)]

    def body(self) -> ComposeResult:
        """One widget."""
        target = self.place.target
        source = Source(address=target) if is_address(target) else Source(project=target)
        known = {view.value: view for view in View}
        yield GraphView(source=source, view=known.get(self.view.tab), id="graph")

    @property
    def graph(self) -> GraphView:
        """The widget."""
        return self.query_one(GraphView)

    async def load(self) -> LineageGraph:
        """Read the graph as far as is wanted."""
        store, scope, target = self.store, self._scope, self.place.target
        return await store.read(
            lambda _: read_graph(store, target, complete=scope.complete, depth=scope.depth)
        )

    def show(self, loaded: LineageGraph) -> None:
        """Show it, with the cursor where it was."""
        first = self.graph.state is None
        self.graph.show(loaded, scope=self._scope, select=self.view.cursor if first else "")
        if first and self.view.filter:
            self.graph.search(self.view.filter)
        if self.focused is None:
            self.graph.focus()
        if loaded.truncated:
            self.say(f"the nearest {len(loaded.nodes):,} nodes; there are more: < goes less deep")
        else:
            self.say("")

    @property
    def here(self) -> Place:
        """This place, with the node under the cursor, the view and the scope."""
        graph = self.graph if self.is_mounted else None
        if graph is None or graph.state is None:
            return self.place
        depth = [] if self._scope.depth is None else [f"{_DEPTH}{self._scope.depth}"]
        view = replace(
            self.view,
            cursor=graph.state.selected,
            tab=graph.chosen_view or "",
            filter=graph.state.query,
            folded=tuple(([_COMPLETE] if self._scope.complete else []) + depth),
        )
        return Place(self.place.screen, self.place.target, self.place.others, view)

    def store_changed(self) -> None:
        """Never redraw under the cursor: only say so."""
        self._changed = True
        self._paint_chrome()

    # --- what the widget says ----------------------------------------------------------------------------------

    @on(GraphView.NodeOpened)
    def _opened(self, message: GraphView.NodeOpened) -> None:
        message.stop()
        screen = "run" if message.address.startswith("run:") else "artifact"
        self.localart.open(Place(screen, message.address))

    @on(GraphView.ScopeWanted)
    def _wanted(self, message: GraphView.ScopeWanted) -> None:
        message.stop()
        self._scope = message.scope
        self.reload()

    @on(GraphView.NodeSelected)
    def _selected(self, message: GraphView.NodeSelected) -> None:
        """Read what is known of the node once the cursor rests."""
        message.stop()
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(_SETTLED_SECONDS, lambda: self._read_facts(message.key))

    @page_work("facts")
    async def _read_facts(self, key: str) -> None:
        store, graph = self.store, self.loaded
        if graph is None:
            return
        try:
            facts = await store.read(lambda _: read_node_facts(store, graph, frozenset({key})))
        except LocalartError as error:
            self.fail(error)
        else:
            self.graph.tell(facts)

    @on(FilterBar.Left)
    def _find_left(self) -> None:
        self.graph.focus()
        self.graph.go_to_match(0)

    def filter_changed(self, text: str) -> None:
        """Find by these words."""
        self.view = replace(self.view, filter=text)
        self.graph.search(text)
        self._paint_chrome()

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> list[Copy]:
        """The node, and how to draw the lineage."""
        state = self.graph.state
        node = None if state is None else state.links.nodes.get(self.graph.pointed)
        return [
            Copy("r", "reference", "" if node is None else node.address),
            Copy("g", "command", self.graph.command),
            Copy("c", "Python", self.graph.code, several_lines=True),
        ]

    @property
    def command(self) -> str:
        """The command that draws the same."""
        return self.graph.command

    @property
    def code(self) -> str:
        """The Python that draws the same."""
        return self.graph.code


def _scope_of(place: Place) -> Scope:
    """The scope a place was left with."""
    depth = next((word.removeprefix(_DEPTH) for word in place.view.folded if word.startswith(_DEPTH)), "")
    return Scope(complete=_COMPLETE in place.view.folded, depth=int(depth) if depth.isdecimal() else None)
