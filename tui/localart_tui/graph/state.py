"""What of a lineage is on the screen, and where one is in it. Never changes; operations give another state.

`model` is what could be shown; `drawn` is what is: without what does not matter to `anchor`, when that is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from localart.lineage.graph import Links, link, reached, subgraph
from localart.lineage.graph_model import GraphModel, graph_model
from localart.lineage.labels import caption

if TYPE_CHECKING:
    from collections.abc import Callable

    from localart.lineage.filters import Kept
    from localart.model import GraphNode, LineageGraph


class View(StrEnum):
    """The three ways to look."""

    MAP = "map"
    LANES = "lanes"
    WALK = "walk"

    @property
    def following(self) -> View:
        """The next one, round and round."""
        views = list(View)
        return views[(views.index(self) + 1) % len(views)]


class Unrelated(StrEnum):
    """What becomes of nodes that are neither before nor after the selected one."""

    DIM = "dimmed"
    HIDE = "hidden"
    SHOW = "shown"

    @property
    def following(self) -> Unrelated:
        """The next one, round and round."""
        ways = list(Unrelated)
        return ways[(ways.index(self) + 1) % len(ways)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much of the store's graph: what led here and came of it, or all that hangs together; how many steps."""

    complete: bool = False
    depth: int | None = None

    def deeper(self, by: int) -> Scope:
        """One step more or less; no limit lies beyond twelve."""
        depth = (self.depth if self.depth is not None else 13) + by
        return replace(self, depth=None if depth > 12 else max(depth, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphState:
    """Make one with `graph_state`. `selected` is the key of a drawn node, or "" when there is none.

    `matches` are keys of nodes of the whole graph, folded away or not, in the order of `drawn`.
    """

    model: GraphModel
    drawn: LineageGraph
    links: Links
    selected: str
    anchor: str = ""
    unrelated: Unrelated = Unrelated.DIM
    query: str = ""
    matches: tuple[str, ...] = ()
    scope: Scope = Scope()

    @property
    def node(self) -> GraphNode | None:
        """The selected node."""
        return self.links.nodes.get(self.selected)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What goes into the selected node."""
        return self.links.inputs.get(self.selected, ())

    @property
    def outputs(self) -> tuple[str, ...]:
        """What came of the selected node."""
        return self.links.outputs.get(self.selected, ())

    @property
    def shown_matches(self) -> frozenset[str]:
        """The drawn nodes that are, or hold, a match."""
        return frozenset(key for key in map(self.model.shown_key, self.matches) if key is not None)

    # --- operations ------------------------------------------------------------------------------------

    def select(self, key: str) -> GraphState:
        """Go to a drawn node; an unknown key changes nothing."""
        return replace(self, selected=key) if key in self.links.nodes else self

    def changed(self, change: Callable[[GraphModel], GraphModel]) -> GraphState:
        """Fold, open or leave out; the selected node stays selected, or what it is in now."""
        model = change(self.model)
        return self if model is self.model else _showing(self, model)

    def next_unrelated(self) -> GraphState:
        """Dim, hide or show what does not matter to the node selected now."""
        return _showing(replace(self, unrelated=self.unrelated.following, anchor=self.selected), self.model)

    def search(self, query: str) -> GraphState:
        """Find nodes by words in their name, aliases, type, project, state and address."""
        words = query.casefold().split()
        keys = (
            [key for key, node in link(self.model.graph).nodes.items() if _has(node, words)] if words else []
        )
        return replace(self, query=query, matches=tuple(keys))

    def next_match(self, by: int) -> GraphState:
        """Select the next match, or the one before; one that is folded away is taken out of its group."""
        if not self.matches:
            return self
        at = self._match_at()
        key = self.matches[(at + by) % len(self.matches) if at is not None else (0 if by > 0 else -1)]
        state = self.changed(lambda model: model.extract(key))
        if key not in state.links.nodes and state.unrelated is Unrelated.HIDE:
            state = _showing(replace(state, unrelated=Unrelated.SHOW), state.model)
        return state.select(key)

    def _match_at(self) -> int | None:
        return self.matches.index(self.selected) if self.selected in self.matches else None


def _showing(state: GraphState, model: GraphModel) -> GraphState:
    """`state` with another model (or another idea of what to hide)."""
    anchor = model.shown_key(_first_member(state.model, state.anchor)) or ""
    drawn = model.shown
    if state.unrelated is Unrelated.HIDE and anchor:
        drawn = _around(drawn, anchor)
    links = link(drawn)
    wanted = model.shown_key(_first_member(state.model, state.selected)) or ""
    selected = wanted if wanted in links.nodes else _first(drawn, links)
    return replace(state, model=model, drawn=drawn, links=links, selected=selected, anchor=anchor)


def graph_state(
    graph: LineageGraph, *, scope: Scope | None = None, kept: Kept | None = None, grouped: bool | None = None
) -> GraphState:
    """The state to begin with: what is alike is folded where there is too much of it, the focus is selected."""
    model = graph_model(graph, kept=kept, grouped=grouped)
    links = link(model.shown)
    return GraphState(
        model=model,
        drawn=model.shown,
        links=links,
        selected=_first(model.shown, links),
        scope=scope or Scope(),
    )


def _first(drawn: LineageGraph, links: Links) -> str:
    """The focus, or the oldest beginning."""
    if drawn.focus is not None and drawn.focus in links.nodes:
        return drawn.focus
    beginnings = (key for key in links.nodes if not links.inputs[key])
    return next(beginnings, next(iter(links.nodes), ""))


def _first_member(model: GraphModel, key: str) -> str:
    """A node that says where the group `key` is, after it was opened; else `key`."""
    return model.members.get(key, (key,))[0]


def _around(graph: LineageGraph, key: str) -> LineageGraph:
    links = link(graph)
    return subgraph(graph, reached(links.inputs, key) | reached(links.outputs, key) | {key})


def _has(node: GraphNode, words: list[str]) -> bool:
    said = caption(node)
    text = f"{said.title} {said.aliases} {node.group} {node.project} {node.state} {node.address}".casefold()
    return all(word in text for word in words)
