r"""A lineage graph as one self-contained page: pan, zoom, search, open and fold, click a node for its facts.

Nothing is fetched, by a policy in the page itself: `default-src 'none'`, and the one script and the one style sheet
are allowed by their hashes, so that markup smuggled into a name could neither run nor load. Names come only as
JSON, in which `<`, `>` and `&` are spelled `\u003c` and so on, and the script puts them on the page as text.

The fragment of the address is part of the format: `#q=WORDS` searches, `#node=KEY` selects.
"""

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from localart.lineage.graph import topological_order
from localart.lineage.groups import collection, find_groups
from localart.lineage.labels import caption, clean
from localart.model import GraphNode, LineageGraph

Facts = Mapping[str, Sequence[tuple[str, str]]]
"""More about nodes, by key: names and values, shown in this order."""

_LONGEST = 2048
_IN_A_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def to_html(
    graph: LineageGraph, *, title: str = "", facts: Facts | None = None, grouped: bool | None = None
) -> str:
    """`graph` as an HTML page, the same text for the same graph.

    What is alike begins folded if `grouped`; if it is None, where the picture would be too full.
    """
    name, (style, script) = escape(clean(title or "lineage")), _assets()
    document = json.dumps(_document(graph, facts or {}, grouped=grouped)).translate(_IN_A_SCRIPT)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{name}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{name}</h1>
<small>{len(graph.nodes):,} nodes, {len(graph.edges):,} edges</small>
<input id="search" type="search" placeholder="search: / then Enter" aria-label="search"> <span id="count"></span>
<label>show <select id="all"><option value="each">each node</option><option value="alike">alike as one</option>\
<option value="one">types as one</option></select></label>
<details><summary>types</summary><div id="types"></div></details>
</header>
<main>
<svg id="canvas" aria-label="{name}"><defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" \
markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs></svg>
<div id="zoom"><button id="closer" type="button" title="closer (+)">+</button><button id="farther" type="button" \
title="farther (-)">–</button><button id="fit" type="button" title="all of it (0)">fit</button></div>
<noscript><p>This page draws with JavaScript; `localart lineage --format svg` makes a picture without it.</p></noscript>
</main>
<aside id="panel" hidden></aside>
<footer id="notes"></footer>
<script id="graph" type="application/json">{document}</script>
<script>{script}</script>
</body>
</html>
"""


@cache
def _assets() -> tuple[str, str]:
    folder = files("localart.lineage") / "page"
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return style, script


def _policy(style: str, script: str) -> str:
    allowed = f"script-src {_hash(script)}; style-src {_hash(style)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _document(graph: LineageGraph, facts: Facts, *, grouped: bool | None) -> dict[str, Any]:
    """What the script draws. Nodes come oldest first; edges and groups name them by their numbers."""
    links = topological_order(graph).links
    number_of = {key: number for number, key in enumerate(links.nodes)}
    groups = find_groups(graph)
    pairs = dict.fromkeys((edge.source, edge.target) for edge in graph.edges if edge.source != edge.target)
    notes = ["The graph goes on; a limit cut it off."] if graph.truncated else []
    return {
        "nodes": [_node(node, facts.get(node.key, ())) for node in links.nodes.values()],
        "edges": [[number_of[a], number_of[b]] for a, b in pairs if a in number_of and b in number_of],
        "groups": [[number_of[member] for member in members] for members in groups.members.values()],
        "grouped": groups.is_crowded if grouped is None else grouped,
        "focus": -1 if graph.focus is None else number_of.get(graph.focus, -1),
        "notes": [*notes, *(clean(note, _LONGEST) for note in graph.notes)],
    }


def _node(node: GraphNode, facts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    words = caption(node)
    return {
        "key": clean(node.key, _LONGEST),
        "kind": str(node.kind),
        "label": words.title,
        "aliases": words.aliases,
        "group": clean(node.group),
        "collection": clean(collection(node).rpartition("/")[2]),
        "project": clean(node.project),
        "state": clean(node.state),
        "created_at": clean(node.created_at),
        "address": clean(node.address, _LONGEST),
        "shell": clean(shlex.quote(node.address), _LONGEST),
        "facts": [[clean(name), clean(value, _LONGEST)] for name, value in facts],
    }
