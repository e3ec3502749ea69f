r"""A lineage graph as Graphviz reads it: runs are green ellipses, versions blue boxes, arrows left to right.

Ids and labels are double-quoted strings (never `<…>`, which Graphviz reads as HTML); inside, `\` and `"` are
escaped, and in labels `&` too, for Graphviz decodes entities there.
"""

import hashlib
from collections.abc import Iterator

from localart.lineage.graph import topological_order
from localart.lineage.labels import caption
from localart.model import GraphNode, LineageGraph, NodeKind

_HEAD = """\
digraph lineage {
  rankdir=LR;
  node [fontname="Helvetica,Arial,sans-serif", fontsize=11, style="filled"];
  edge [color="#6b7280"];
"""
_LONGEST_ID = 1024  # Graphviz reads no quoted string over 16,384 bytes
_LINE_BREAK = r"\n"
_LOOKS = {
    NodeKind.RUN: 'shape=ellipse, fillcolor="#dcfce7", color="#15803d"',
    NodeKind.VERSION: 'shape=box, fillcolor="#dbeafe", color="#1d4ed8"',
}


def to_dot(graph: LineageGraph) -> str:
    """`graph` as one Graphviz digraph, the same text for the same graph. Node ids are the nodes' keys.

    Edges that close cycles are there too, drawn without pushing their ends apart.
    """
    return "".join((_HEAD, *_lines(graph), "}\n"))


def _lines(graph: LineageGraph) -> Iterator[str]:
    order = topological_order(graph)
    for node in order.nodes:
        yield f"  {_node(node, is_focus=node.key == graph.focus)}\n"
    for node in order.nodes:
        for target in order.links.outputs[node.key]:
            yield f"  {_edge(node.key, target)};\n"
    for edge in order.back_edges:
        yield f"  {_edge(edge.source, edge.target)} [constraint=false];\n"


def _node(node: GraphNode, *, is_focus: bool) -> str:
    words = caption(node)
    label = _LINE_BREAK.join(_escaped(line) for line in (words.title, words.aliases, words.detail) if line)
    bold = ", penwidth=3" if is_focus else ""
    return f'{_id(node.key)} [label="{label}", {_LOOKS[node.kind]}{bold}];'


def _edge(source: str, target: str) -> str:
    return f"{_id(source)} -> {_id(target)}"


def _id(key: str) -> str:
    """`key` as a quoted id; `unicode_escape` keeps different keys different and plain ones as they are."""
    plain = key.encode("unicode_escape", "surrogatepass")
    if len(plain) > _LONGEST_ID:
        plain = hashlib.sha256(plain).hexdigest().encode()
    return '"' + plain.decode("ascii").replace('"', r"\"") + '"'


def _escaped(label: str) -> str:
    return label.replace("&", "&amp;").replace("\\", r"\\").replace('"', r"\"")
