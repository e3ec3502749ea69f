"""How a map looks."""

import unicodedata

import pytest

from localart.errors import UsageError
from localart.lineage.layered import draw_map, render_map
from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind


def graph_of(names, pairs, **fields):
    nodes = tuple(
        GraphNode(
            key=str(number),
            kind=NodeKind.VERSION if ":v" in name else NodeKind.RUN,
            label=name,
            group="",
            project="p",
            state="",
            created_at=f"{number:06}",
        )
        for number, name in enumerate(names)
    )
    return LineageGraph(nodes=nodes, edges=tuple(GraphEdge(str(a), str(b)) for a, b in pairs), **fields)


def pipeline():
    names = ["load", "raw:v0", "preprocess", "splits:v0", "init", "convnet:v0", "train", "model:v0", "eval"]
    return graph_of(names, [(0, 1), (1, 2), (2, 3), (4, 5), (3, 6), (5, 6), (6, 7), (7, 8), (3, 8)])


def sweep():
    names = ["train-set:v0", "val-set:v0", "run-1", "run-2", "run-3", "a:v0", "b:v0", "c:v0"]
    return graph_of(names, [(0, 2), (1, 2), (0, 3), (1, 3), (0, 4), (1, 4), (2, 5), (3, 6), (4, 7)])


def test_the_pipeline_of_the_tutorial_takes_three_lines():
    assert render_map(pipeline()) == (
        "● load ──▶▣ raw:v0 ──▶● preprocess ──▶▣ splits:v0 ───┬──────────────────────────▶● eval\n"
        "                      ● init ────────▶▣ convnet:v0 ─╮╰─▶● train ──▶▣ model:v0 ──▶▏\n"
        "                                                    ╰──▶▏\n"
    )


def test_the_pipeline_in_ascii():
    assert render_map(pipeline(), ascii_only=True) == (
        "o load --># raw:v0 -->o preprocess --># splits:v0 ----*--------------------------->o eval\n"
        "                      o init --------># convnet:v0 -. '-->o train --># model:v0 -->:\n"
        "                                                    '---->:\n"
    )


def test_runs_with_the_same_inputs_share_one_joint():
    assert render_map(sweep()) == (
        "▣ train-set:v0 ──▶┃─┬─▶● run-1 ──▶▣ a:v0\n"
        "▣ val-set:v0 ────▶┃ ├─▶● run-2 ──▶▣ b:v0\n"
        "                    ╰─▶● run-3 ──▶▣ c:v0\n"
    )


def test_labels_shrink_to_fit_and_keep_their_versions():
    names = ["preprocess-everything-88", "mnist-preprocessed-and-shuffled:v17"]

    assert (
        render_map(graph_of(names, [(0, 1)]), max_width=48)
        == "● preprocess-ever…-88 ──▶▣ mnist-preproce…:v17\n"
    )


def test_a_map_that_is_too_wide_is_cut_and_says_so():
    lines = render_map(pipeline(), max_width=50).splitlines()

    assert all(len(line) <= 50 for line in lines)
    assert lines[0].endswith("…")
    assert lines[-1].startswith("… the map goes on to the right: it needs ")


def test_a_run_that_logs_its_input_again_is_mentioned_below():
    graph = graph_of(
        ["load", "raw:v0", "check"], [(0, 1), (1, 2), (2, 1)], truncated=True, notes=("a \x1b note",)
    )

    assert render_map(graph) == (
        "● load ──▶▣ raw:v0 ──▶● check\n"
        "↺ not drawn, for it leads back: check → raw:v0\n"
        "… the graph goes on; a limit cut it off\n"
        "a \\x1b note\n"
    )


def test_places_point_at_the_nodes():
    drawing = draw_map(pipeline())

    place = next(place for place in drawing.places if place.key == "6")
    assert drawing.lines[place.line][place.column :][: place.width] == "● train"


def test_an_empty_graph_is_an_empty_map():
    assert render_map(LineageGraph(nodes=(), edges=())) == ""


def test_a_graph_too_large_for_a_picture_is_refused_kindly():
    names = [f"m{number}:v0" if number % 2 else f"r{number}" for number in range(3001)]
    graph = graph_of(names, [(a, a + 1) for a in range(2999)] + [(near, 3000) for near in range(1, 3000, 2)])

    with pytest.raises(UsageError, match=r"too large for a map .*lanes"):
        render_map(graph)


HOSTILE = [
    "\x1b[2J",
    "\x9b31m",
    "two\nlines",
    "\u202eevil",
    "\ud800",
    "A" * 1_000_000,
    "─▶● fake",
    "日本語" * 60,
    "e\u0301" * 99,
]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_hostile_labels_stay_in_their_place(ascii_only):
    graph = graph_of(HOSTILE, [(0, 1), (1, 2), (0, 3)], notes=tuple(HOSTILE))

    drawing = render_map(graph, ascii_only=ascii_only, max_width=80)

    lines = drawing.splitlines()
    assert len(lines) <= 2 * len(HOSTILE)
    assert all(
        sum(
            2 if unicodedata.east_asian_width(char) in "WF" else 1
            for char in line
            if not unicodedata.combining(char)
        )
        <= 80
        for line in lines
    )
    assert not [char for char in drawing if unicodedata.category(char).startswith("C") and char != "\n"]
    assert not ascii_only or drawing.isascii()
