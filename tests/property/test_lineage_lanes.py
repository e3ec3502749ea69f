"""Whoever follows the lines of a lanes drawing arrives at exactly the edges of the graph."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lineage_graphs import bipartite_graphs, edges_of, random_graph

from localart.lineage.lanes import draw_lanes, render_lanes

NODE, LANE, LINE, GOING, ENDING, CUT, BLANK = "node", "lane", "line", "going", "ending", "cut", "blank"
UNICODE = {
    "●": NODE, "▣": NODE, "│": LANE, "─": LINE, "├": GOING, "┼": GOING, "┤": GOING, "╰": ENDING, "┴": ENDING,
    "╯": ENDING, "┆": CUT, " ": BLANK,
}  # fmt: skip
ASCII = {"o": NODE, "#": NODE, "|": LANE, "-": LINE, "+": GOING, "'": ENDING, ":": CUT, " ": BLANK}
NODE_COLUMN = -1  # where `above` keeps the column of the node just read: below it, nothing means "a leaf"
SIDES = {"├": "right", "╰": "right", "┼": "both", "┴": "both", "┤": "left", "╯": "left"}


def traced(drawing, alphabet):
    """The edges a reader sees, knowing only the glyphs; raises when a line leads nowhere."""
    edges = set()
    above = {}
    for line in drawing.splitlines():
        found = re.search(r"n\d+x", line)
        if found is None:
            continue
        prefix = re.sub(r" [┆:]\+\d+", "", line[: found.start()].rstrip())
        prefix = re.sub(r"[⇠<]\d+$", "", prefix)
        above = follow_row(prefix, found[0], above, edges, alphabet)
    return edges


def follow_row(prefix, name, above, edges, alphabet):
    cells, gaps = prefix[::2], prefix[1::2]
    meanings = [alphabet[cell] for cell in cells]
    assert meanings.count(NODE) == 1, prefix
    own = meanings.index(NODE)
    hanging = {own: name}
    for column, meaning in enumerate(meanings):
        if meaning in {LANE, GOING, ENDING, CUT}:
            assert column in above, f"a lane out of nowhere in {prefix}"
        if meaning in {LANE, GOING}:
            hanging[column] = above[column]
        if meaning in {GOING, ENDING}:
            check_joined(cells, gaps, column, own, alphabet)
            edges.add((above[column], name))
    if own in above:
        edges.add((above[own], name))
    for column in above.keys() - {NODE_COLUMN}:
        ended = column >= len(cells) or meanings[column] in {BLANK, LINE}
        assert not ended or column == above[NODE_COLUMN], f"a lane breaks off above {prefix}"
    hanging[NODE_COLUMN] = own
    return hanging


def check_joined(cells, gaps, column, own, alphabet):
    left, right = sorted((column, own))
    line = next(sign for sign, meaning in alphabet.items() if meaning == LINE)
    assert set(gaps[left:right]) == {line}
    assert all(alphabet[cell] not in {BLANK, NODE} for cell in cells[left + 1 : right])
    to_left = column > 0 and gaps[column - 1] == line
    to_right = column < len(gaps) and gaps[column] == line
    if side := SIDES.get(cells[column]):
        assert side == ("both" if to_left and to_right else "left" if to_left else "right")


def assert_honest(graph, **options):
    """Drawn edges are the graph's, less those reported as undrawn and those that close cycles."""
    rows = draw_lanes(graph, **options)
    undrawn = {(source, row.node.key) for row in rows for source in row.undrawn_inputs}
    back = {(row.node.key, target) for row in rows for target in row.back_to}
    for ascii_only, alphabet in ((False, UNICODE), (True, ASCII)):
        drawn = traced(render_lanes(graph, ascii_only=ascii_only, **options), alphabet)

        assert drawn == edges_of(graph) - undrawn - back
    assert undrawn | back <= edges_of(graph)
    assert [row.node.key for row in rows if row.undrawn_inputs] == [
        row.node.key for row in rows if "⇠" in row.prefix
    ]
    return undrawn, back


@given(bipartite_graphs())
@settings(max_examples=150, deadline=None)
def test_following_the_lanes_of_any_small_dag_gives_its_edges(graph):
    undrawn, back = assert_honest(graph, max_lanes=99)

    assert not undrawn
    assert not back


@given(bipartite_graphs(), st.integers(0, 6))
@settings(max_examples=150, deadline=None)
def test_with_few_lanes_the_rows_name_what_is_not_drawn(graph, lanes):
    assert_honest(graph, max_lanes=lanes)


@given(bipartite_graphs(acyclic=False), st.integers(2, 30))
@settings(max_examples=150, deadline=None)
def test_edges_that_close_cycles_are_reported_and_the_rest_is_drawn(graph, lanes):
    assert_honest(graph, max_lanes=lanes)


@given(bipartite_graphs(), st.integers(0, 80))
@settings(max_examples=80, deadline=None)
def test_no_line_is_wider_than_asked(graph, width):
    drawing = render_lanes(graph, max_width=width)

    assert max(map(len, drawing.splitlines())) <= max(width, 24)


def test_a_few_hundred_seeded_graphs_are_drawn_without_a_lie():
    for seed in range(300):
        assert_honest(random_graph(seed), max_lanes=random.Random(seed).choice([2, 4, 8, 24, 99]))


@pytest.mark.sweep
def test_ten_thousand_seeded_graphs_are_drawn_without_a_lie():
    for seed in range(10_000):
        assert_honest(random_graph(seed), max_lanes=random.Random(seed).choice([2, 4, 8, 24, 99]))
