"""What one looks at: a lineage, what of it is left out, and which groups are folded. Never changes; makes others.

    whole  --kept-->  graph  --closed groups-->  shown

Every operation returns another model. An unknown key changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from localart.lineage.filters import Kept, filtered
from localart.lineage.groups import FEWEST, Groups, find_groups, folded
from localart.model import GraphNode, LineageGraph
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphModel:
    """`whole` as it was read, `graph` without what is left out, and `shown` with its groups folded.

    `members` are those of each group in `shown`, oldest first. Make one with `graph_model`.
    """

    whole: LineageGraph
    kept: Kept
    graph: LineageGraph
    groups: Groups
    closed: frozenset[str]
    extracted: frozenset[str]
    members: Mapping[str, tuple[str, ...]]
    shown: LineageGraph
    shown_keys: frozenset[str]

    @property
    def is_grouped(self) -> bool:
        """Whether any group is folded."""
        return bool(self.members)

    @property
    def can_group(self) -> bool:
        """Whether `group_all` would change anything."""
        return bool(self.extracted) or self.closed != self.groups.members.keys()

    def members_of(self, key: str) -> Sequence[GraphNode]:
        """The nodes in the folded group `key`; none when it is not a group."""
        members = self.members.get(key, ())
        found = {node.key: node for node in self.graph.nodes} if members else {}
        return [found[member] for member in members]

    def shown_key(self, key: str) -> str | None:
        """Under which key the node `key` is shown: its own, its group's, or None when it is left out."""
        if key in self.shown_keys:
            return key
        group = self.groups.group_of.get(key)
        return group if group in self.members else None

    # --- operations ------------------------------------------------------------------------------------

    def explode(self, key: str) -> "GraphModel":
        """Show every member of the group `key`."""
        return self._with(self.closed - {key}, self.extracted) if key in self.members else self

    def explode_all(self) -> "GraphModel":
        """Show every node."""
        return self._with(frozenset(), frozenset()) if self.members else self

    def extract(self, member: str) -> "GraphModel":
        """Show one member of a folded group beside the group."""
        group = self.groups.group_of.get(member)
        if group not in self.members or member in self.extracted:
            return self
        return self._with(self.closed, self.extracted | {member})

    def group(self, key: str) -> "GraphModel":
        """Fold the group that the node `key` is, or was, in."""
        group = self.groups.group_of.get(key, key)
        if group not in self.groups.members:
            return self
        return self._with(self.closed | {group}, self.extracted - set(self.groups.members[group]))

    def group_all(self) -> "GraphModel":
        """Fold every group."""
        return self._with(frozenset(self.groups.members), frozenset()) if self.can_group else self

    def keep(self, kept: Kept) -> "GraphModel":
        """Leave out other types; groups found anew are folded where any was before."""
        if kept == self.kept:
            return self
        return graph_model(self.whole, kept=kept, grouped=True if self.members else None)

    def _with(self, closed: frozenset[str], extracted: frozenset[str]) -> "GraphModel":
        members = _folded_members(self.groups, closed, extracted)
        shown = folded(self.graph, members)
        return replace(
            self, closed=closed, extracted=extracted, members=members, shown=shown, shown_keys=_keys(shown)
        )


def _keys(graph: LineageGraph) -> frozenset[str]:
    return frozenset(node.key for node in graph.nodes)


def _folded_members(
    groups: Groups, closed: frozenset[str], extracted: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """Who is folded where; a group of which one member is left is that member."""
    left = {
        key: tuple(member for member in groups.members[key] if member not in extracted)
        for key in groups.members
        if key in closed
    }
    return {key: members for key, members in left.items() if len(members) > 1}


def graph_model(
    whole: LineageGraph, *, kept: Kept | None = None, grouped: bool | None = None, fewest: int = FEWEST
) -> GraphModel:
    """The model of `whole`. Groups are folded if `grouped`; if it is None, where the picture would be too full.

    The focus, when it is in a group, is shown beside it.
    """
    graph = filtered(whole, kept or Kept())
    groups = find_groups(graph, fewest=fewest)
    bare = GraphModel(
        whole=whole,
        kept=kept or Kept(),
        graph=graph,
        groups=groups,
        closed=frozenset(),
        extracted=frozenset(),
        members={},
        shown=graph,
        shown_keys=_keys(graph),
    )
    if not (groups.is_crowded if grouped is None else grouped):
        return bare
    model = bare.group_all()
    return model if whole.focus is None else model.extract(whole.focus)
