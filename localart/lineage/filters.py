"""A graph without the types and job types that do not matter now.

What is left out is bridged, not cut away: where a way between two nodes that stay leads only through nodes that
do not, an edge joins the two, so that a lineage stays in one piece. Such edges are no edges of the store, and a note
says so. A focus always stays.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from localart.lineage.graph import Neighbours, link, subgraph
from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind
from localart.records import dataclass

MOST_STEPS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Which types of artifacts and which job types of runs to keep; None keeps all. A run without one is `run`."""

    types: frozenset[str] | None = None
    job_types: frozenset[str] | None = None

    def keeps(self, node: GraphNode) -> bool:
        """Whether `node` stays."""
        chosen = self.job_types if node.kind is NodeKind.RUN else self.types
        return chosen is None or (node.group or default_group(node.kind)) in chosen


def default_group(kind: NodeKind) -> str:
    """What a node without a type or job type counts as."""
    return "run" if kind is NodeKind.RUN else "artifact"


def groups_in(graph: LineageGraph, kind: NodeKind) -> dict[str, int]:
    """The types or job types that occur, in alphabetical order, and how many nodes have each."""
    counts: dict[str, int] = {}
    for node in graph.nodes:
        if node.kind is kind:
            name = node.group or default_group(kind)
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def filtered(graph: LineageGraph, kept: Kept) -> LineageGraph:
    """The nodes that `kept` keeps, and the focus, joined as the whole graph joins them.

    After 200,000 steps through hidden nodes no more are bridged, and a note says so.
    """
    stays = {node.key for node in graph.nodes if kept.keeps(node) or node.key == graph.focus}
    hidden = len(graph.nodes) - len(stays)
    if not hidden:
        return graph
    part = subgraph(graph, stays)
    bridges = _Bridges(link(graph).outputs, stays)
    known = dict.fromkeys((edge.source, edge.target) for edge in part.edges)
    known |= dict.fromkeys(bridges.pairs())
    what = "1 node is left out by type; lines lead past it"
    if hidden > 1:
        what = f"{hidden:,} nodes are left out by type; lines lead past them"
    notes = [*graph.notes, what]
    if bridges.is_partial:
        notes.append("too many ways lead through what is left out; some lines past it are missing")
    edges = tuple(GraphEdge(source, target) for source, target in known)
    return replace(part, edges=edges, notes=tuple(notes))


class _Bridges:
    """The ways from one node that stays to another through nodes that do not."""

    def __init__(self, outputs: Neighbours, stays: Collection[str]) -> None:
        self._outputs: Mapping[str, tuple[str, ...]] = outputs
        self._stays = stays
        self._steps = 0

    @property
    def is_partial(self) -> bool:
        """Whether the search was given up."""
        return self._steps >= MOST_STEPS

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Both ends of each way, from one start after the other."""
        for start in self._outputs:
            if start in self._stays:
                yield from ((start, end) for end in self._ends(start) if end != start)

    def _ends(self, start: str) -> Iterable[str]:
        hidden = [key for key in self._outputs[start] if key not in self._stays]
        seen = set(hidden)
        ends: dict[str, None] = {}
        while hidden and not self.is_partial:
            for far in self._outputs[hidden.pop()]:
                self._steps += 1
                if far in self._stays:
                    ends[far] = None
                elif far not in seen:
                    seen.add(far)
                    hidden.append(far)
        return ends
