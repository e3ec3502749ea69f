"""A lineage graph as plain data for JSON.

::

    {"nodes": [{"key", "kind", "label", "group", "project", "state", "created_at", "address"}, …],
     "edges": [{"source": key, "target": key}, …],
     "focus": key or null, "truncated": bool, "notes": [text, …]}

Nodes come after their inputs and otherwise oldest first; edges in the order of their sources, those that
close cycles last. Control, bidirectional and other invisible characters are escaped, so the document is safe
to print however it is encoded; every name localart can store fits uncut.
"""

from typing import TypedDict

from localart.lineage.graph import topological_order
from localart.lineage.labels import clean
from localart.model import GraphNode, LineageGraph

_LONGEST = 2048


class NodeDocument(TypedDict):
    """One run (`kind` "run") or version (`kind` "version")."""

    key: str
    kind: str
    label: str
    group: str
    project: str
    state: str
    created_at: str
    address: str


class EdgeDocument(TypedDict):
    """One arrow between keys: run to version it made, or version to run that used it."""

    source: str
    target: str


class GraphDocument(TypedDict):
    """The whole graph."""

    nodes: list[NodeDocument]
    edges: list[EdgeDocument]
    focus: str | None
    truncated: bool
    notes: list[str]


def to_document(graph: LineageGraph) -> GraphDocument:
    """`graph` as dicts, lists, strings and booleans, the same for the same graph."""
    order = topological_order(graph)
    edges = [(node.key, target) for node in order.nodes for target in order.links.outputs[node.key]]
    edges += [(edge.source, edge.target) for edge in order.back_edges]
    return {
        "nodes": [_node(node) for node in order.nodes],
        "edges": [{"source": _plain(source), "target": _plain(target)} for source, target in edges],
        "focus": None if graph.focus is None else _plain(graph.focus),
        "truncated": graph.truncated,
        "notes": [_plain(note) for note in graph.notes],
    }


def _node(node: GraphNode) -> NodeDocument:
    return {
        "key": _plain(node.key),
        "kind": str(node.kind),
        "label": _plain(node.label),
        "group": _plain(node.group),
        "project": _plain(node.project),
        "state": _plain(node.state),
        "created_at": _plain(node.created_at),
        "address": _plain(node.address),
    }


def _plain(text: str) -> str:
    return clean(text, _LONGEST)
