"""Read the part of the graph around a run or a version from the catalog."""

import sqlite3

from localart.catalog import lineage as rows
from localart.catalog import runs
from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind
from localart.operations.resolve import resolve_run, resolve_version
from localart.records import dataclass
from localart.repository import Repository

MAX_NODES = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a lineage goes: towards what made it, towards what came of it, and how many steps.

    `complete` turns round at every node, so that all that hangs together is found (W&B's extended lineage).
    """

    up: bool = True
    down: bool = True
    complete: bool = False
    depth: int | None = None
    max_nodes: int = MAX_NODES


@dataclass(frozen=True, slots=True)
class _Node:
    kind: NodeKind
    id: int


def find_lineage(repository: Repository, address: str, *, project: str | None, reach: Reach) -> LineageGraph:
    """The direct lineage of `run:ID` or of `[project/]name[:alias|vN]`: its ancestors and descendants.

    With every edge between them. Steps count edges. At most `reach.max_nodes` nodes, the nearest; `truncated` says
    when there would be more.
    """
    if address.startswith("run:"):
        start = _Node(NodeKind.RUN, resolve_run(repository, address, project=project).key)
    else:
        start = _Node(NodeKind.VERSION, resolve_version(repository, address, project=project).id)
    with repository.catalog.snapshot() as connection:
        found = _Search(connection, reach)
        found.walk(start)
        found.join()
        return found.graph(start)


def whole_lineage(repository: Repository, *, project: str | None, max_nodes: int = MAX_NODES) -> LineageGraph:
    """Everything in a project (or everywhere), with what it is linked to; newest runs first when cut."""
    with repository.catalog.snapshot() as connection:
        found = _Search(connection, Reach(max_nodes=max_nodes))
        for run in runs.iter_runs(connection, project=project, newest_first=True):
            if not found.add({_Node(NodeKind.RUN, run.key)}):
                break
        edges = rows.edges_of_runs(connection, [node.id for node in found.nodes], None)
        found.take(edges)
        return found.graph(None)


class _Search:
    """Breadth first, a level a query."""

    def __init__(self, connection: sqlite3.Connection, reach: Reach) -> None:
        self._connection = connection
        self._reach = reach
        self.nodes: dict[_Node, None] = {}
        self._edges: dict[rows.EdgeRow, None] = {}
        self._truncated = False

    def add(self, nodes: set[_Node]) -> bool:
        """Take nodes in, as far as the limit allows; False when it was reached."""
        for node in sorted(nodes, key=lambda one: (one.kind, one.id)):
            if node not in self.nodes and len(self.nodes) >= self._reach.max_nodes:
                self._truncated = True
                return False
            self.nodes[node] = None
        return True

    def take(self, edges: list[rows.EdgeRow]) -> set[_Node]:
        """Take edges and their ends in; the ends that are new."""
        fresh: set[_Node] = set()
        for edge in edges:
            self._edges[edge] = None
            for node in (_Node(NodeKind.RUN, edge.run_key), _Node(NodeKind.VERSION, edge.version_id)):
                if node not in self.nodes:
                    fresh.add(node)
        self.add(fresh)
        return {node for node in fresh if node in self.nodes}

    def walk(self, start: _Node) -> None:
        """Follow edges away from `start`, one step at a time each way, so that a limit keeps what is nearest."""
        ways = [_Way({start}, up=up, down=down) for up, down in _directions(self._reach)]
        self.add({start})
        steps = 0
        while any(way.level for way in ways) and (self._reach.depth is None or steps < self._reach.depth):
            for way in ways:
                edges = self._edges_at(way)
                self.take(edges)
                if self._truncated:
                    return
                way.step(_ends(edges))
            steps += 1

    def _edges_at(self, way: "_Way") -> list[rows.EdgeRow]:
        at_runs = [node.id for node in way.level if node.kind is NodeKind.RUN]
        at_versions = [node.id for node in way.level if node.kind is NodeKind.VERSION]
        from_runs, from_versions = (
            (None, None) if way.up and way.down else (("input", "output") if way.up else ("output", "input"))
        )
        return rows.edges_of_runs(self._connection, at_runs, from_runs) + rows.edges_of_versions(
            self._connection, at_versions, from_versions
        )

    def join(self) -> None:
        """Take every edge between the nodes found: one left out would say that there is none."""
        run_ids = [node.id for node in self.nodes if node.kind is NodeKind.RUN]
        for edge in rows.edges_of_runs(self._connection, run_ids, None):
            if _Node(NodeKind.VERSION, edge.version_id) in self.nodes:
                self._edges[edge] = None

    def graph(self, focus: _Node | None) -> LineageGraph:
        """What was found, as records."""
        run_ids = [node.id for node in self.nodes if node.kind is NodeKind.RUN]
        version_ids = [node.id for node in self.nodes if node.kind is NodeKind.VERSION]
        nodes = [
            *_records(rows.run_nodes(self._connection, run_ids), NodeKind.RUN),
            *_records(rows.version_nodes(self._connection, version_ids), NodeKind.VERSION),
        ]
        known = {node.key for node in nodes}
        edges = [edge for edge in map(_arrow, self._edges) if edge.source in known and edge.target in known]
        return LineageGraph(
            nodes=tuple(sorted(nodes, key=lambda node: (node.created_at, node.key))),
            edges=tuple(edges),
            focus=None if focus is None else _key(focus.kind, focus.id),
            truncated=self._truncated,
        )


class _Way:
    """A search in one direction or in both: the nodes it has met, and those it met last."""

    def __init__(self, starts: set[_Node], *, up: bool, down: bool) -> None:
        self.up = up
        self.down = down
        self.level = starts
        self._seen = set(starts)

    def step(self, ends: set[_Node]) -> None:
        """Go on from those of `ends` that are new."""
        self.level = ends - self._seen
        self._seen |= self.level


def _directions(reach: Reach) -> list[tuple[bool, bool]]:
    """For each search to make, whether it goes up and whether it goes down."""
    if reach.complete:
        return [(True, True)]
    return [(up, not up) for up, wanted in ((True, reach.up), (False, reach.down)) if wanted]


def _ends(edges: list[rows.EdgeRow]) -> set[_Node]:
    return {
        end
        for edge in edges
        for end in (_Node(NodeKind.RUN, edge.run_key), _Node(NodeKind.VERSION, edge.version_id))
    }


def _key(kind: NodeKind, row_id: int) -> str:
    return f"{kind.value}:{row_id}"


def _arrow(edge: rows.EdgeRow) -> GraphEdge:
    run, version = _key(NodeKind.RUN, edge.run_key), _key(NodeKind.VERSION, edge.version_id)
    return GraphEdge(run, version) if edge.output else GraphEdge(version, run)


def _records(found: list[rows.NodeRow], kind: NodeKind) -> list[GraphNode]:
    return [
        GraphNode(
            key=_key(kind, row.id),
            kind=kind,
            label=row.label,
            group=row.group,
            project=row.project,
            state=row.state,
            created_at=row.created_at,
            address=row.address,
        )
        for row in found
    ]
