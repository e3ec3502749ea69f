"""How a lanes drawing looks."""

import unicodedata

import pytest

from localart.lineage.graph import grouped_by_type
from localart.lineage.lanes import draw_lanes, render_lanes
from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind

NAMES = [
    "load-data",
    "mnist-raw:v0",
    "preprocess",
    "mnist-pre:v0",
    "init",
    "convnet:v0",
    "train",
    "trained:v0",
    "eval",
]
PAIRS = [(0, 1), (1, 2), (2, 3), (4, 5), (3, 6), (5, 6), (6, 7), (7, 8), (3, 8)]


def graph_of(names, pairs, *, groups=None, state="", **fields):
    nodes = tuple(
        GraphNode(
            key=str(number),
            kind=NodeKind.VERSION if ":v" in name else NodeKind.RUN,
            label=name,
            group=(groups or {}).get(number, ""),
            project="p",
            state=state,
            created_at=f"{number:04}",
        )
        for number, name in enumerate(names)
    )
    return LineageGraph(nodes=nodes, edges=tuple(GraphEdge(str(a), str(b)) for a, b in pairs), **fields)


def test_the_pipeline_of_the_tutorial_reads_like_a_git_log():
    assert render_lanes(graph_of(NAMES, PAIRS)) == (
        "● load-data\n"
        "▣ mnist-raw:v0\n"
        "● preprocess\n"
        "▣ mnist-pre:v0\n"
        "│ ● init\n"
        "│ ▣ convnet:v0\n"
        "├─● train\n"
        "│ ▣ trained:v0\n"
        "╰─● eval\n"
    )


def test_the_pipeline_in_ascii():
    assert render_lanes(graph_of(NAMES, PAIRS), ascii_only=True) == (
        "o load-data\n"
        "# mnist-raw:v0\n"
        "o preprocess\n"
        "# mnist-pre:v0\n"
        "| o init\n"
        "| # convnet:v0\n"
        "+-o train\n"
        "| # trained:v0\n"
        "'-o eval\n"
    )


def test_groups_states_and_aliases_stand_in_columns_and_the_focus_is_marked():
    graph = graph_of(
        ["load-data", "raw:v0 latest"],
        [(0, 1)],
        groups={0: "load", 1: "dataset"},
        state="finished",
        focus="1",
    )

    assert render_lanes(graph) == (
        "  ● load-data  load     finished\n"
        "▶ ▣ raw:v0     dataset  finished  latest\n"
    )  # fmt: skip


def test_a_narrow_drawing_gives_up_columns_before_it_cuts_names():
    graph = graph_of(
        ["load-data", "raw:v0 latest"], [(0, 1)], groups={0: "load", 1: "dataset"}, state="finished"
    )

    assert render_lanes(graph, max_width=24) == "● load-data  load\n▣ raw:v0     dataset\n"


def test_an_unrelated_node_never_stands_right_below_a_dead_end():
    graph = graph_of(["first", "dead-end:v0", "unrelated", "other:v0"], [(0, 1), (2, 3)])

    assert render_lanes(graph) == (
        "● first\n"
        "▣ dead-end:v0\n"
        "  ● unrelated\n"
        "  ▣ other:v0\n"
    )  # fmt: skip


def test_a_lane_that_is_no_input_passes_under_the_line():
    graph = graph_of(["a:v0", "b:v0", "c", "d"], [(0, 2), (1, 3), (0, 3)])

    assert [row.prefix for row in draw_lanes(graph)] == ["▣", "├─●", "│   ▣", "╰───●"]


def test_a_lane_too_many_is_cut_and_the_rows_say_so():
    graph = graph_of(["a:v0", "b:v0", "c:v0", "use"], [(0, 3), (1, 3), (2, 3)])

    rows = draw_lanes(graph, max_lanes=2)

    assert [row.prefix for row in rows] == ["▣", "┆ ▣", "▣ │ ┆+1", "╰─● ┆+1⇠1"]
    assert rows[-1].undrawn_inputs == ("0",)
    assert "links not drawn, for too many would run side by side: 1" in render_lanes(graph, max_lanes=2)


def test_short_lanes_are_kept_when_long_ones_must_be_cut():
    graph = graph_of(["far:v0", "also-far:v0", "near", "near:v0", "end"], [(0, 4), (1, 4), (2, 3), (3, 4)])

    rows = draw_lanes(graph, max_lanes=2)

    assert {row.node.label: len(row.undrawn_inputs) for row in rows if row.undrawn_inputs} == {"end": 1}


def test_a_run_that_logs_its_input_again_is_marked():
    graph = graph_of(["load", "raw:v0", "check"], [(0, 1), (1, 2), (2, 1)])

    drawing = render_lanes(graph)

    assert "● check   ↺ raw:v0" in drawing
    assert drawing.endswith("↺ links not drawn, for they lead back up: 1\n")


def test_notes_and_cut_graphs_are_mentioned_below():
    graph = graph_of(["load", "raw:v0"], [(0, 1)], truncated=True, notes=("2 runs are \x1b gone",))

    assert render_lanes(graph).splitlines()[2:] == [
        "… the graph goes on; a limit cut it off",
        r"2 runs are \x1b gone",
    ]


def test_types_and_job_types_can_be_drawn_too():
    drawing = render_lanes(
        grouped_by_type(graph_of(NAMES, PAIRS, groups={1: "dataset", 3: "dataset", 0: "load"}))
    )

    assert drawing.startswith("● load ×1\n▣ dataset ×2\n")


def test_an_empty_graph_is_an_empty_drawing():
    assert render_lanes(LineageGraph(nodes=(), edges=())) == ""


HOSTILE = [
    "\x1b[2J",
    "\x9b31m",
    "two\nlines",
    "\u202eevil",
    "\ud800",
    "A" * 1_000_000,
    "│ ● fake",
    "日本語" * 60,
    "🙂" * 99,
]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_hostile_labels_stay_on_their_row(ascii_only):
    graph = graph_of(
        HOSTILE, [], groups=dict(enumerate(HOSTILE)), state="\x1b]52;c;AAAA\x07", notes=tuple(HOSTILE)
    )

    drawing = render_lanes(graph, ascii_only=ascii_only, max_width=80)

    lines = drawing.splitlines()
    assert len(lines) == 2 * len(HOSTILE)
    assert all(
        sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line) <= 80 for line in lines
    )
    assert not [char for char in drawing if unicodedata.category(char).startswith("C") and char != "\n"]
    assert not ascii_only or drawing.isascii()
