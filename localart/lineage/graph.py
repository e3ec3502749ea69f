"""Walk, order and group a lineage graph. Pure functions; linear time (times a logarithm where they sort).

Everywhere: double edges count once, an edge from a node to itself or to a node outside the graph is no edge,
and neighbours come oldest first (`created_at`, then `key`). Nothing recurses, so depth has no limit. A key
that is not in the graph is a KeyError.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import heapify, heappop, heappush

from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind
from localart.records import dataclass

Neighbours = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """A graph by key: its nodes oldest first, and who feeds whom. `inputs[run]` are the versions it used."""

    nodes: dict[str, GraphNode]
    inputs: Neighbours
    outputs: Neighbours


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOrder:
    """Every node after its inputs; `back_edges` had to be left out to make that possible."""

    nodes: tuple[GraphNode, ...]
    back_edges: tuple[GraphEdge, ...]
    links: Links
    """The graph without its back edges."""


def link(graph: LineageGraph) -> Links:
    """Index `graph` by key."""
    nodes = {node.key: node for node in sorted(graph.nodes, key=_age)}
    return _linked(nodes, ((edge.source, edge.target) for edge in graph.edges))


def _age(node: GraphNode) -> tuple[str, str]:
    return node.created_at, node.key


def _linked(nodes: dict[str, GraphNode], pairs: Iterable[tuple[str, str]]) -> Links:
    rank = {key: position for position, key in enumerate(nodes)}
    known = {(a, b) for a, b in pairs if a != b and a in rank and b in rank}
    inputs: dict[str, list[str]] = {key: [] for key in nodes}
    outputs: dict[str, list[str]] = {key: [] for key in nodes}
    for source, target in sorted(known, key=lambda pair: (rank[pair[0]], rank[pair[1]])):
        inputs[target].append(source)
        outputs[source].append(target)
    return Links(nodes=nodes, inputs=_frozen(inputs), outputs=_frozen(outputs))


def _frozen(neighbours: dict[str, list[str]]) -> Neighbours:
    return {key: tuple(others) for key, others in neighbours.items()}


# --- orders ----------------------------------------------------------------------------------------


def topological_order(graph: LineageGraph) -> NodeOrder:
    """Nodes after their inputs and otherwise by age.

    A cycle (a run that used a version and logged it again) is broken at the edge that leads back, the same
    edge each time, and that edge is reported.
    """
    links, back_edges = _without_cycles(link(graph))
    rank = {key: position for position, key in enumerate(links.nodes)}
    keys = tuple(links.nodes)
    waiting = {key: len(links.inputs[key]) for key in keys}
    ready = [rank[key] for key in keys if not waiting[key]]
    heapify(ready)
    ordered = []
    while ready:
        key = keys[heappop(ready)]
        ordered.append(links.nodes[key])
        for target in _freed(key, links, waiting):
            heappush(ready, rank[target])
    return NodeOrder(nodes=tuple(ordered), back_edges=back_edges, links=links)


def flowing_order(graph: LineageGraph) -> NodeOrder:
    """Nodes after their inputs, each line of work followed to its end before the next begins.

    Dead ends come first, then the oldest. Runs that went on side by side are thus told one after the other,
    which keeps few lines open at a time. Cycles as in `topological_order`.
    """
    links, back_edges = _without_cycles(link(graph))
    waiting = {key: len(links.inputs[key]) for key in links.nodes}
    stack = [key for key in reversed(links.nodes) if not waiting[key]]
    ordered = []
    while stack:
        key = stack.pop()
        ordered.append(links.nodes[key])
        freed = sorted(_freed(key, links, waiting), key=lambda target: bool(links.outputs[target]))
        stack.extend(reversed(freed))
    return NodeOrder(nodes=tuple(ordered), back_edges=back_edges, links=links)


def _freed(key: str, links: Links, waiting: dict[str, int]) -> Iterator[str]:
    """The nodes that waited for `key` alone, oldest first."""
    for target in links.outputs[key]:
        waiting[target] -= 1
        if not waiting[target]:
            yield target


def _without_cycles(links: Links) -> tuple[Links, tuple[GraphEdge, ...]]:
    back = _back_edges(links)
    if not back:
        return links, ()
    kept = (pair for pair in _pairs(links) if pair not in back)
    return _linked(links.nodes, kept), tuple(GraphEdge(source, target) for source, target in back)


def _pairs(links: Links) -> Iterator[tuple[str, str]]:
    return ((source, target) for source, targets in links.outputs.items() for target in targets)


def _back_edges(links: Links) -> dict[tuple[str, str], None]:
    """Edges to a node still on the path of a depth-first walk; walks start where nothing came before."""
    back: dict[tuple[str, str], None] = {}
    done: set[str] = set()
    # A dict is the stack and its membership test; `popitem`, unlike `del`, keeps finding the end cheap.
    starts = [key for key in links.nodes if not links.inputs[key]]
    for start in (*starts, *links.nodes):
        if start in done:
            continue
        path = {start: iter(links.outputs[start])}
        while path:
            key = next(reversed(path))
            target = next(path[key], None)
            if target is None:
                done.add(key)
                path.popitem()
            elif target in path:
                back[key, target] = None
            elif target not in done:
                path[target] = iter(links.outputs[target])
    return back


# --- parts -----------------------------------------------------------------------------------------


def ancestors(graph: LineageGraph, key: str, *, depth: int | None = None) -> frozenset[str]:
    """Keys of all that went into `key`, up to `depth` edges away; without `key` itself."""
    return reached(link(graph).inputs, key, depth)


def descendants(graph: LineageGraph, key: str, *, depth: int | None = None) -> frozenset[str]:
    """Keys of all that came out of `key`, up to `depth` edges away; without `key` itself."""
    return reached(link(graph).outputs, key, depth)


def reached(neighbours: Neighbours, start: str, depth: int | None = None) -> frozenset[str]:
    """Keys of all that `neighbours` leads to from `start`, up to `depth` steps away; without `start` itself."""
    seen = {start}
    ring = [start]
    steps = 0
    while ring and (depth is None or steps < depth):
        ring = list(dict.fromkeys(near for key in ring for near in neighbours[key] if near not in seen))
        seen.update(ring)
        steps += 1
    return frozenset(seen - {start})


def direct_lineage(graph: LineageGraph, key: str, *, depth: int | None = None) -> LineageGraph:
    """The part of `graph` that went into `key` or came out of it, at most `depth` edges away.

    `key` is its focus; `truncated` when `depth` left something off.
    """
    links = link(graph)
    kept = reached(links.inputs, key, depth) | reached(links.outputs, key, depth) | {key}
    full = kept if depth is None else reached(links.inputs, key, None) | reached(links.outputs, key, None)
    part = subgraph(graph, kept)
    return replace(part, focus=key, truncated=graph.truncated or bool(full - kept))


def connected_component(graph: LineageGraph, key: str) -> LineageGraph:
    """All of `graph` that hangs together with `key`, whichever way the arrows point; `key` is its focus."""
    links = link(graph)
    both = {near: links.inputs[near] + links.outputs[near] for near in links.nodes}
    return replace(subgraph(graph, reached(both, key, None) | {key}), focus=key)


def subgraph(graph: LineageGraph, keys: Iterable[str]) -> LineageGraph:
    """`graph` with only the nodes in `keys` and the edges between them; a focus among them stays."""
    kept = frozenset(keys)
    return replace(
        graph,
        nodes=tuple(node for node in graph.nodes if node.key in kept),
        edges=tuple(edge for edge in graph.edges if edge.source in kept and edge.target in kept),
        focus=graph.focus if graph.focus in kept else None,
    )


# --- groups ----------------------------------------------------------------------------------------


def grouped_by_type(graph: LineageGraph) -> LineageGraph:
    """One node for each artifact type and each job type, as W&B's graph shows first: `dataset ×3`.

    Keys are `version:TYPE` and `run:JOB_TYPE`; runs without a job type are `run`. A type that feeds a job
    which makes that type again gives a cycle. `created_at` is the oldest member's.
    """
    links = link(graph)
    group_of = {key: _group_key(node) for key, node in links.nodes.items()}
    counts = Counter(group_of.values())
    groups: dict[str, GraphNode] = {}
    for key, node in links.nodes.items():
        groups.setdefault(group_of[key], _group_node(node, group_of[key], counts[group_of[key]]))
    projects = {(group_of[key], node.project) for key, node in links.nodes.items()}
    shared = {group for group, count in Counter(group for group, _ in projects).items() if count > 1}
    edges = dict.fromkeys((group_of[source], group_of[target]) for source, target in _pairs(links))
    return replace(
        graph,
        nodes=tuple(replace(node, project="") if node.key in shared else node for node in groups.values()),
        edges=tuple(GraphEdge(source, target) for source, target in edges),
        focus=group_of.get(graph.focus) if graph.focus is not None else None,
    )


def _group_key(node: GraphNode) -> str:
    return f"{node.kind}:{_group_name(node)}"


def _group_name(node: GraphNode) -> str:
    return node.group or ("run" if node.kind is NodeKind.RUN else "artifact")


def _group_node(oldest: GraphNode, key: str, count: int) -> GraphNode:
    name = _group_name(oldest)
    return replace(oldest, key=key, label=f"{name} ×{count}", group=name, state="")
