"""Which nodes of a graph are alike enough to be shown as one.

Alike are nodes of one kind, of one job type or of one type and collection (the artifact's name), at one depth (the
longest way from a beginning), whose inputs lie in the same groups. The partition looks at the whole graph and
never at what is folded: opening one group changes no other. Every edge leads from a lesser depth to a greater
one, so that whichever groups are folded, no cycle arises that was not there before.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from localart.lineage.graph import NodeOrder, link, topological_order
from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind
from localart.records import dataclass

FEWEST = 5
MOST_IN_A_LEVEL = 40
MOST_IN_ALL = 400

_DONE, _WRONG = frozenset({"finished", "COMMITTED"}), frozenset({"failed", "crashed", "killed", "DELETED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The groups of a graph: `members`, oldest first, by the group's key, and the group of each member."""

    members: Mapping[str, tuple[str, ...]]
    group_of: Mapping[str, str]
    levels: Mapping[int, int]
    """How many nodes stand at each depth when nothing is folded."""

    @property
    def is_crowded(self) -> bool:
        """Whether a picture of every node would be too full to read."""
        return (
            max(self.levels.values(), default=0) > MOST_IN_A_LEVEL or sum(self.levels.values()) > MOST_IN_ALL
        )


def find_groups(graph: LineageGraph, *, fewest: int = FEWEST) -> Groups:
    """The groups of at least `fewest` nodes. A group's key is `group:` and that of its oldest member."""
    order = topological_order(graph)
    depth_of = _depths(order)
    alike: dict[tuple[object, ...], list[str]] = defaultdict(list)
    group_of: dict[str, str] = {}
    members: dict[str, tuple[str, ...]] = {}
    for level in _by_depth(order, depth_of):
        alike.clear()
        for node in level:
            inputs = frozenset(group_of.get(near, near) for near in order.links.inputs[node.key])
            alike[node.kind, node.group, collection(node), inputs].append(node.key)
        for keys in alike.values():
            if len(keys) >= fewest:
                members[f"group:{keys[0]}"] = tuple(keys)
                group_of.update(dict.fromkeys(keys, f"group:{keys[0]}"))
    return Groups(members=members, group_of=group_of, levels=Counter(depth_of.values()))


def collection(node: GraphNode) -> str:
    """The project and name of the artifact that a version is of; "" for a run."""
    if node.kind is NodeKind.RUN:
        return ""
    name, separator, _ = (node.address or node.label.split(" ", 1)[0]).rpartition(":")
    return f"{node.project}\n{name}" if separator else ""


def _depths(order: NodeOrder) -> dict[str, int]:
    depth_of: dict[str, int] = {}
    for node in order.nodes:
        depth_of[node.key] = max((depth_of[near] + 1 for near in order.links.inputs[node.key]), default=0)
    return depth_of


def _by_depth(order: NodeOrder, depth_of: Mapping[str, int]) -> list[list[GraphNode]]:
    """The nodes of each depth, oldest first."""
    levels: list[list[GraphNode]] = [[] for _ in range(max(depth_of.values(), default=-1) + 1)]
    for key, node in order.links.nodes.items():
        levels[depth_of[key]].append(node)
    return levels


def folded(graph: LineageGraph, chosen: Mapping[str, Sequence[str]]) -> LineageGraph:
    """`graph` with one node for each group in `chosen` (members by key); single edges stand for all they join.

    The group's node has no address, the project all its members share or "", and the oldest one's `created_at`.
    A focus that is folded away leaves its group in focus.
    """
    if not chosen:
        return graph
    links = link(graph)
    group_of = {member: key for key, members in chosen.items() for member in members if member in links.nodes}
    nodes: dict[str, GraphNode] = {}
    for key, node in links.nodes.items():
        group = group_of.get(key)
        if group is None:
            nodes[key] = node
        elif group not in nodes:
            nodes[group] = _group_node(group, [links.nodes[member] for member in chosen[group]])
    ends = dict.fromkeys(
        (group_of.get(edge.source, edge.source), group_of.get(edge.target, edge.target))
        for edge in graph.edges
    )
    return replace(
        graph,
        nodes=tuple(nodes.values()),
        edges=tuple(GraphEdge(source, target) for source, target in ends if source != target),
        focus=None if graph.focus is None else group_of.get(graph.focus, graph.focus),
    )


def _group_node(key: str, members: Sequence[GraphNode]) -> GraphNode:
    oldest = members[0]
    projects = {member.project for member in members}
    return GraphNode(
        key=key,
        kind=oldest.kind,
        label=f"{_group_name(oldest)} ×{len(members)}{_outcomes(member.state for member in members)}",
        group=oldest.group,
        project=oldest.project if len(projects) == 1 else "",
        state="",
        created_at=oldest.created_at,
    )


def _group_name(node: GraphNode) -> str:
    if node.kind is NodeKind.RUN:
        return node.group or "run"
    return collection(node).partition("\n")[2].rpartition("/")[2] or node.group or "artifact"


def _outcomes(states: Iterable[str]) -> str:
    """` ✓46 ✗2`: how many went well and how many did not, where any did not or are not yet done."""
    counts = Counter("✓" if state in _DONE else "✗" if state in _WRONG else "…" for state in states if state)
    if not counts or set(counts) == {"✓"}:
        return ""
    return "".join(f" {sign}{counts[sign]}" for sign in "✓✗…" if counts[sign])
