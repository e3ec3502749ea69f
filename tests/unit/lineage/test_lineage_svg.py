"""The picture is well-formed, complete and inert, whatever the names hold."""

import re
from xml.etree import ElementTree as ET

import pytest
from test_lineage_files import HOSTILE, hostile_graph, small_graph
from test_lineage_groups import sweep
from test_lineage_map_text import graph_of, pipeline

from localart.lineage.graph_model import graph_model
from localart.lineage.svg import to_svg
from localart.model import LineageGraph

SPACE = "{http://www.w3.org/2000/svg}"


def parts(svg, tag, class_):
    return [one for one in ET.fromstring(svg).iter(f"{SPACE}{tag}") if class_ in one.get("class", "").split()]


def test_each_node_is_a_shape_with_its_name_and_its_facts():
    svg = to_svg(pipeline(), title="my lineage")

    runs, versions = parts(svg, "g", "run"), parts(svg, "g", "version")
    assert [one.find(f"{SPACE}text").text for one in runs] == ["load", "preprocess", "init", "train", "eval"]
    assert len(versions) == 4
    assert versions[0].find(f"{SPACE}title").text.splitlines()[:2] == ["raw:v0", "version"]
    assert 'aria-label="my lineage"' in svg


def test_each_input_has_an_arrow_head_and_each_course_a_line():
    svg = to_svg(pipeline())

    assert len(parts(svg, "path", "head")) == 9
    assert len(parts(to_svg(graph_of(["a", "b:v0"], [(0, 1)])), "path", "line")) == 2


def test_runs_that_share_their_inputs_share_a_joint():
    assert len(parts(to_svg(sweep()), "path", "joint")) == 0
    shared = graph_of(["a:v0", "b:v0", "x", "y"], [(0, 2), (1, 2), (0, 3), (1, 3)])

    assert len(parts(to_svg(shared), "path", "joint")) == 1


def test_what_leads_back_is_a_dashed_bow():
    svg = to_svg(graph_of(["load", "raw:v0", "check"], [(0, 1), (1, 2), (2, 1)]))

    assert len(parts(svg, "path", "back")) == 1
    assert len(parts(svg, "path", "back-head")) == 1


def test_groups_look_like_more_than_one_and_the_focus_stands_out():
    svg = to_svg(graph_model(sweep(focus="pick"), grouped=True).shown)

    assert len(parts(svg, "g", "group")) == 2
    assert len(parts(svg, "g", "focus")) == 1


def test_notes_stand_below():
    svg = to_svg(small_graph(notes=("a note",), truncated=True))

    assert [one.text for one in parts(svg, "text", "note")] == [
        "… the graph goes on; a limit cut it off",
        "a note",
    ]
    assert [one.text for one in parts(to_svg(LineageGraph(nodes=(), edges=())), "text", "note")] == [
        "nothing here yet"
    ]


def test_hostile_names_are_text_and_nothing_else():
    svg = to_svg(hostile_graph(), title="<script>alert(1)</script>")

    tags = {one.tag.removeprefix(SPACE) for one in ET.fromstring(svg).iter()}
    assert tags == {"svg", "title", "style", "rect", "g", "path", "text"}
    assert not re.search(r"\son\w+=|href|url\(|@import|javascript:", svg)
    assert len(parts(svg, "g", "node") or parts(svg, "g", "run") + parts(svg, "g", "version")) == len(HOSTILE)


@pytest.mark.parametrize("title", ["", "x"])
def test_the_same_graph_gives_the_same_text(title):
    assert to_svg(hostile_graph(), title=title) == to_svg(hostile_graph(), title=title)


def test_nothing_overlaps():
    """No two shapes share a place: rows and columns are those of the map, on which nothing overlaps either."""
    boxes = []
    for group in parts(to_svg(sweep()), "g", "run") + parts(to_svg(sweep()), "g", "version"):
        x, y = map(float, re.findall(r"[-\d.]+", group.get("transform")))
        rect = group.findall(f"{SPACE}rect")[-1]
        boxes.append((x, y + float(rect.get("y")), float(rect.get("width")), float(rect.get("height"))))

    for number, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, other_width, other_height in boxes[number + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x
            assert apart or y + height <= other_y or other_y + other_height <= y
