"""A lineage graph as a Mermaid flowchart, for Markdown pages that draw it.

Ids are made up (`n1`, `n2`, …) and labels are quoted, with everything but letters, digits and a few harmless
signs as Mermaid's own entities (`#34;`): no label can end its string, start a tag, or be read as Markdown
(whose lists begin with `- ` or `1. `, and whose emphasis is `_so_`).
"""

import re
from collections.abc import Iterator

from localart.lineage.graph import topological_order
from localart.lineage.labels import caption
from localart.model import GraphNode, LineageGraph, NodeKind

_RISKY = re.compile(r"[^\w :,/()=.+×…-]|[.+)-](?=\s|$)|(?<![^\W_])_|_(?![^\W_])")
_CLASSES = """\
    classDef run fill:#dcfce7,stroke:#15803d,color:#14532d
    classDef version fill:#dbeafe,stroke:#1d4ed8,color:#1e3a8a
    classDef focus stroke-width:3px
"""


def to_mermaid(graph: LineageGraph) -> str:
    """`graph` as `flowchart LR`, the same text for the same graph: runs rounded, versions square."""
    return "".join(("flowchart LR\n", *_lines(graph), _CLASSES))


def _lines(graph: LineageGraph) -> Iterator[str]:
    order = topological_order(graph)
    ids = {node.key: f"n{number}" for number, node in enumerate(order.nodes, start=1)}
    for node in order.nodes:
        yield f"    {ids[node.key]}{_shape(node)}:::{node.kind}\n"
    for node in order.nodes:
        for target in order.links.outputs[node.key]:
            yield f"    {ids[node.key]} --> {ids[target]}\n"
    for edge in order.back_edges:
        yield f"    {ids[edge.source]} --> {ids[edge.target]}\n"
    if graph.focus in ids:
        yield f"    class {ids[graph.focus]} focus\n"


def _shape(node: GraphNode) -> str:
    words = caption(node)
    label = "<br/>".join(_escaped(line) for line in (words.title, words.aliases, words.detail) if line)
    return f'(["{label}"])' if node.kind is NodeKind.RUN else f'["{label}"]'


def _escaped(label: str) -> str:
    return _RISKY.sub(lambda risky: f"#{ord(risky[0])};", label)
