"""The lineage of a version inside another page: the graph widget, and what it asks for."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Container

from localart.errors import LocalartError
from localart_tui.data.lineage import read_graph, read_node_facts
from localart_tui.graph.exports import Source
from localart_tui.graph.state import Scope
from localart_tui.graph.view import GraphView
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.preview import REST_SECONDS
from localart_tui.reading import page_work

if TYPE_CHECKING:
    from typing import Any

    from textual.timer import Timer

    from localart.model import LineageGraph


class LineagePanel(Container):
    """The graph around one address; read when it is first shown."""

    DEFAULT_CSS = """
    LineagePanel { height: 1fr; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._address = ""
        self._scope = Scope()
        self._graph: LineageGraph | None = None
        self._resting: Timer | None = None

    @property
    def view(self) -> GraphView | None:
        """The widget, once there is one."""
        found = self.query(GraphView)
        return found.first() if found else None

    @property
    def _page(self) -> Page[Any]:
        return self.screen  # type: ignore[return-value]

    def show_address(self, address: str, *, again: bool = False) -> None:
        """Show the lineage of this address; `again` reads it also when it is shown already."""
        if address != self._address:
            self.remove_children()
            self.mount(GraphView(source=Source(address=address)))
        if again or address != self._address:
            self._address = address
            self._read()

    def focus_graph(self) -> None:
        """Let the graph take the keys."""
        if self.view is not None:
            self.view.focus()

    @page_work("lineage")
    async def _read(self) -> None:
        store, scope, address = self._page.store, self._scope, self._address
        try:
            graph = await store.read(
                lambda _: read_graph(store, address, complete=scope.complete, depth=scope.depth)
            )
        except (LocalartError, sqlite3.Error, OSError) as error:
            self._page.fail(error)
            return
        self._graph = graph
        if self.view is not None:
            self.view.show(graph, scope=scope)

    @on(GraphView.NodeOpened)
    def _opened(self, message: GraphView.NodeOpened) -> None:
        message.stop()
        screen = "run" if message.address.startswith("run:") else "artifact"
        self._page.localart.open(Place(screen, message.address))

    @on(GraphView.ScopeWanted)
    def _wanted(self, message: GraphView.ScopeWanted) -> None:
        message.stop()
        self._scope = message.scope
        self._read()

    @on(GraphView.NodeSelected)
    def _selected(self, message: GraphView.NodeSelected) -> None:
        message.stop()
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST_SECONDS, lambda: self._tell(message.key))

    @page_work("facts")
    async def _tell(self, key: str) -> None:
        store, graph = self._page.store, self._graph
        if graph is None:
            return
        try:
            facts = await store.read(lambda _: read_node_facts(store, graph, frozenset({key})))
        except (LocalartError, sqlite3.Error, OSError) as error:
            self._page.fail(error)
            return
        if self.view is not None:
            self.view.tell(facts)

    def copies(self) -> list[Copy]:
        """How to draw the same."""
        return [Copy("l", "command of this drawing", self.view.command)] if self.view is not None else []
