"""The graph of runs and versions, and what is known of its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart.lineage.facts import read_facts
from localart.lineage.query import Reach, find_lineage, whole_lineage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart.model import LineageGraph
    from localart_tui.data.store import Store


def is_address(target: str) -> bool:
    """Whether `target` is a version or a run; else it is a project, or everything when it is empty."""
    return target.startswith("run:") or ":" in target


def read_graph(
    store: Store, target: str, *, complete: bool = False, depth: int | None = None
) -> LineageGraph:
    """The lineage of a version or a run, or the whole of a project; at most 5,000 nodes."""
    if not is_address(target):
        return whole_lineage(store.repository, project=target or None)
    return find_lineage(store.repository, target, project=None, reach=Reach(complete=complete, depth=depth))


def read_node_facts(
    store: Store, graph: LineageGraph, keys: frozenset[str]
) -> dict[str, Sequence[tuple[str, str]]]:
    """Names and values for the nodes `keys`, by key."""
    return dict(read_facts(store.repository, graph, keys))
