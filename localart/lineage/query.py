"""Read the part of the graph around a run or a version from the catalog."""

import sqlite3
from collections.abc import Iterator
from operator import attrgetter

from localart.catalog import lineage as rows
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


def find_lineage(repository: Repository, address: str, *, project: str | None, reach: Reach) -> LineageGraph:
    """The direct lineage of `run:ID` or of `[project/]name[:alias|vN]`: its ancestors and descendants.

    With every edge between them. Steps count edges. At most `reach.max_nodes` nodes, the nearest; `truncated` says
    when there would be more.
    """
    if address.startswith("run:"):
        kind, row_id = NodeKind.RUN, resolve_run(repository, address, project=project).key
    else:
        kind, row_id = NodeKind.VERSION, resolve_version(repository, address, project=project).id
    with repository.catalog.snapshot() as connection:
        found = _Search(connection, reach)
        found.walk(_Level.at(kind, row_id))
        return found.graph(f"{kind.value}:{row_id}")


def whole_lineage(repository: Repository, *, project: str | None, max_nodes: int = MAX_NODES) -> LineageGraph:
    """Everything in a project (or everywhere), with what it is linked to; newest runs first when cut."""
    with repository.catalog.snapshot() as connection:
        found = _Search(connection, Reach(max_nodes=max_nodes))
        for key in rows.newest_runs(connection, project, limit=max_nodes + 1):
            found.add(_Level.at(NodeKind.RUN, key))
        found.add(_Level(versions=set(rows.versions_at(connection, found.runs, None))))
        return found.graph(None)


class _Level:
    """Some runs and versions, by row id."""

    def __init__(self, *, runs: set[int] | None = None, versions: set[int] | None = None) -> None:
        self.runs = runs or set()
        self.versions = versions or set()

    @classmethod
    def at(cls, kind: NodeKind, row_id: int) -> "_Level":
        """A single node."""
        return cls(runs={row_id}) if kind is NodeKind.RUN else cls(versions={row_id})

    def __bool__(self) -> bool:
        return bool(self.runs or self.versions)


class _Search:
    """Breadth first, a level a query. Rows are asked for by id, so that ten thousand nodes are few statements."""

    def __init__(self, connection: sqlite3.Connection, reach: Reach) -> None:
        self._connection = connection
        self._reach = reach
        self.runs: set[int] = set()
        self._versions: set[int] = set()
        self._truncated = False

    def add(self, level: _Level) -> None:
        """Take nodes in, as far as the limit allows."""
        self._take(self.runs, level.runs)
        self._take(self._versions, level.versions)

    def _take(self, known: set[int], found: set[int]) -> None:
        fresh = found - known
        if not fresh:
            return
        room = max(self._reach.max_nodes - len(self.runs) - len(self._versions), 0)
        if len(fresh) > room:
            self._truncated = True
            fresh = set(sorted(fresh)[:room])
        known |= fresh

    def walk(self, start: _Level) -> None:
        """Follow edges away from `start`, one step at a time each way, so that a limit keeps what is nearest."""
        ways = [_Way(start, up=up, down=down) for up, down in _directions(self._reach)]
        self.add(start)
        steps = 0
        while any(way.level for way in ways) and (self._reach.depth is None or steps < self._reach.depth):
            for way in ways:
                way.step(self._connection)
                self.add(way.level)
                if self._truncated:
                    return
            steps += 1

    def graph(self, focus: str | None) -> LineageGraph:
        """What was found, with every edge between it: one left out would say that there is none."""
        nodes = [
            *_records(rows.run_nodes(self._connection, self.runs), NodeKind.RUN),
            *_records(rows.version_nodes(self._connection, self._versions), NodeKind.VERSION),
        ]
        nodes.sort(key=attrgetter("created_at", "key"))
        return LineageGraph(
            nodes=tuple(nodes),
            edges=tuple(self._arrows({node.key for node in nodes})),
            focus=focus,
            truncated=self._truncated,
        )

    def _arrows(self, known: set[str]) -> Iterator[GraphEdge]:
        for run_key, version_id, output in rows.edges_between(self._connection, self.runs, self._versions):
            run, version = f"run:{run_key}", f"version:{version_id}"
            if run in known and version in known:
                yield GraphEdge(run, version) if output else GraphEdge(version, run)


class _Way:
    """A search in one direction or in both: the nodes it has met, and those it met last."""

    def __init__(self, start: _Level, *, up: bool, down: bool) -> None:
        both = up and down
        self._from_runs = None if both else ("input" if up else "output")
        self._from_versions = None if both else ("output" if up else "input")
        self.level = start
        self._runs = set(start.runs)
        self._versions = set(start.versions)

    def step(self, connection: sqlite3.Connection) -> None:
        """Go on to those that are one edge away and new."""
        at, self.level = self.level, _Level()
        if at.versions:
            self.level.runs = set(rows.runs_at(connection, at.versions, self._from_versions)) - self._runs
        if at.runs:
            self.level.versions = set(rows.versions_at(connection, at.runs, self._from_runs)) - self._versions
        self._runs |= self.level.runs
        self._versions |= self.level.versions


def _directions(reach: Reach) -> list[tuple[bool, bool]]:
    """For each search to make, whether it goes up and whether it goes down."""
    if reach.complete:
        return [(True, True)]
    return [(up, not up) for up, wanted in ((True, reach.up), (False, reach.down)) if wanted]


def _records(found: list[rows.NodeRow], kind: NodeKind) -> Iterator[GraphNode]:
    name = kind.value
    for row_id, label, group, project, state, created_at, address in found:
        yield GraphNode(
            key=f"{name}:{row_id}",
            kind=kind,
            label=label,
            group=group,
            project=project,
            state=state,
            created_at=created_at,
            address=address,
        )
