"""DOT, Mermaid and JSON: valid, complete and inert whatever the labels say."""

import json
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace

import pytest

from localart.lineage.document import to_document
from localart.lineage.dot import to_dot
from localart.lineage.mermaid import to_mermaid
from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind

HOSTILE = [
    'a"b', "two\nlines", "x]", 'a"]; n99 --> n1', '"]; evil -> "', "<script>alert(1)</script>", "\x1b[31mred",
    "\x9b31m", "\u202eevil", "\ud800", "A" * 1_000_000, "`md`", "#34;", "a\\", "\\N\\G", "&lt;b&gt;", "- list",
    "1. list", "__init__", "end", "%%{init: {}}%%", "a;b", "|x|", "{a}", "ß#ﬂ°34¶ß", "", "│ ● fake",
    "日本語" * 60 + ":v12",
]  # fmt: skip
WRITERS = [to_dot, to_mermaid, lambda graph: json.dumps(to_document(graph), ensure_ascii=False)]


def graph_of(names, pairs, **fields):
    nodes = tuple(
        GraphNode(
            key=f"{number}{name[:30]}",
            kind=NodeKind.VERSION if number % 2 else NodeKind.RUN,
            label=name,
            group=name,
            project="p",
            state=name,
            created_at=f"{number:04}",
        )
        for number, name in enumerate(names)
    )
    edges = tuple(GraphEdge(nodes[a].key, nodes[b].key) for a, b in pairs)
    return LineageGraph(nodes=nodes, edges=edges, **fields)


def hostile_graph():
    return graph_of(
        HOSTILE, [(number, number + 1) for number in range(len(HOSTILE) - 1)], notes=tuple(HOSTILE)
    )


def small_graph(**fields):
    return graph_of(["load", "raw:v0", "check"], [(0, 1), (1, 2)], **fields)


@pytest.mark.parametrize("write", WRITERS)
def test_nothing_in_a_file_can_steer_a_terminal_or_swell_it(write):
    text = write(hostile_graph())

    assert not [char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char != "\n"]
    assert len(text) < 60_000
    text.encode()


@pytest.mark.parametrize("write", WRITERS)
def test_the_same_graph_gives_the_same_file_however_it_is_listed(write):
    graph = small_graph()

    assert write(graph) == write(LineageGraph(nodes=graph.nodes[::-1], edges=graph.edges[::-1]))


def test_a_dot_file_shows_runs_as_green_ellipses_and_versions_as_blue_boxes():
    text = to_dot(small_graph(focus="1raw:v0"))

    assert '"0load" [label="load", shape=ellipse, fillcolor="#dcfce7", color="#15803d"];' in text
    assert '"1raw:v0" [label="raw:v0", shape=box, fillcolor="#dbeafe", color="#1d4ed8", penwidth=3];' in text
    assert '"0load" -> "1raw:v0";' in text


def test_a_dot_file_keeps_an_edge_that_leads_back():
    text = to_dot(graph_of(["load", "raw:v0", "check"], [(0, 1), (1, 2), (2, 1)]))

    assert '"2check" -> "1raw:v0" [constraint=false];' in text


def test_keys_that_differ_only_in_how_they_are_spelled_stay_two_nodes():
    node = small_graph().nodes[0]
    keys = ["\x1b", r"\x1b", r"\\x1b", "k" * 2000, "k" * 2001]

    text = to_dot(LineageGraph(nodes=tuple(replace(node, key=key) for key in keys), edges=()))

    assert len(set(re.findall(r'^  ("[^ ]+") \[', text, re.MULTILINE))) == len(keys)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_every_node_and_edge_of_a_hostile_graph():
    done = subprocess.run(
        ["dot", "-Tplain"],
        input=to_dot(hostile_graph()).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )

    kinds = [line.partition(b" ")[0] for line in done.stdout.splitlines()]
    assert kinds.count(b"node") == len(HOSTILE)
    assert kinds.count(b"edge") == len(HOSTILE) - 1
    assert not done.stderr.strip()


MERMAID_LINES = re.compile(
    r"flowchart LR"
    r'|    n\d+(\(\["[^"<>`]*(<br/>[^"<>`]*)*"\]\)|\["[^"<>`]*(<br/>[^"<>`]*)*"\]):::(run|version)'
    r"|    n\d+ --> n\d+"
    r"|    class n\d+ focus"
    r"|    classDef [a-z]+ [a-z0-9:#,-]+"
)


def test_every_line_of_a_hostile_flowchart_is_one_of_five_harmless_kinds():
    text = to_mermaid(hostile_graph())

    assert [line for line in text.splitlines() if not MERMAID_LINES.fullmatch(line)] == []
    assert text.count(":::") == len(HOSTILE)
    assert text.count(" --> n") == len(HOSTILE) - 1


def test_a_flowchart_reads_well_when_the_names_are_plain():
    graph = small_graph(focus="1raw:v0")

    assert to_mermaid(graph).startswith(
        "flowchart LR\n"
        '    n1(["load"]):::run\n'
        '    n2["raw:v0"]:::version\n'
        '    n3(["check"]):::run\n'
        "    n1 --> n2\n"
        "    n2 --> n3\n"
        "    class n2 focus\n"
    )


def test_mermaid_entities_stand_for_what_mermaid_would_read():
    text = to_mermaid(graph_of(['say "hi" <b> #1 `x`'], []))

    assert '"say #34;hi#34; #60;b#62; #35;1 #96;x#96;"' in text


def test_a_document_holds_the_whole_graph():
    graph = graph_of(["load", "raw:v0"], [(0, 1)], focus="0load", truncated=True, notes=("a note",))

    assert to_document(graph) == {
        "nodes": [
            {
                "key": key, "kind": kind, "label": label, "group": label, "project": "p", "state": label,
                "created_at": created_at,
                "address": "",
            }
            for key, kind, label, created_at in (
                ("0load", "run", "load", "0000"), ("1raw:v0", "version", "raw:v0", "0001"),
            )
        ],
        "edges": [{"source": "0load", "target": "1raw:v0"}],
        "focus": "0load",
        "truncated": True,
        "notes": ["a note"],
    }  # fmt: skip


def test_a_document_survives_json():
    document = to_document(hostile_graph())

    assert json.loads(json.dumps(document)) == document
