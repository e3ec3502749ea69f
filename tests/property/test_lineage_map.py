"""Whoever follows the lines of a map arrives at exactly the edges of the graph."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lineage_graphs import bipartite_graphs, edges_of, graph_of, random_graph

from localart.lineage.graph import flowing_order
from localart.lineage.layered import draw_map, render_map

LEFT, RIGHT, UP, DOWN = (0, -1), (0, 1), (-1, 0), (1, 0)
ARMS = {
    "─": {LEFT, RIGHT}, "│": {UP, DOWN}, "╮": {LEFT, DOWN}, "╯": {LEFT, UP}, "╭": {RIGHT, DOWN}, "╰": {RIGHT, UP},
    "┤": {LEFT, UP, DOWN}, "├": {RIGHT, UP, DOWN}, "┬": {LEFT, RIGHT, DOWN}, "┴": {LEFT, RIGHT, UP},
    "╋": {LEFT, RIGHT, UP, DOWN}, "▶": {LEFT},
}  # fmt: skip
NAMED = re.compile(r"[●▣o#] (n\d+x)")


class Reader:
    """Someone who looks at the picture and knows nothing but its signs."""

    def __init__(self, drawing, ascii_only):
        self.lines = drawing.splitlines()
        self.ascii_only = ascii_only
        self.crossing = "+" if ascii_only else "┼"
        self.head, self.joint = (">", "]") if ascii_only else ("▶", "┃")
        self.nodes = {}
        self.starts = []
        for row, line in enumerate(self.lines):
            for found in NAMED.finditer(line):
                self.nodes[row, found.start()] = found[1]
                if self.at((row, found.end() + 1)) in set("─-"):
                    self.starts.append((found[1], (row, found.end() + 1)))

    def at(self, place):
        row, column = place
        inside = 0 <= row < len(self.lines) and 0 <= column < len(self.lines[row])
        return self.lines[row][column] if inside else " "

    def arms(self, place):
        sign = self.at(place)
        if not self.ascii_only:
            return ARMS.get(sign, set())
        row, column = place
        side = {
            way
            for way, signs in ((LEFT, "-"), (RIGHT, "->"), (UP, "|+.*"), (DOWN, "|+'*"))
            if self.at((row + way[0], column + way[1])) in signs
        }
        allowed = {
            "-": {LEFT, RIGHT}, "|": {UP, DOWN}, ".": side - {UP}, "'": side - {DOWN}, "*": side, ">": {LEFT},
        }  # fmt: skip
        return allowed.get(sign, set())

    def edges(self):
        return {(name, target) for name, start in self.starts for target in self.targets(start)}

    def targets(self, start):
        """All nodes the line that begins at `start`, heading right, leads to."""
        seen = set()
        steps = [(start, RIGHT)]
        while steps:
            place, way = steps.pop()
            if (place, way) in seen:
                continue
            seen.add((place, way))
            if self.at(place) == self.crossing:
                steps.append((moved(place, way), way))
                continue
            back = (-way[0], -way[1])
            assert back in self.arms(place), f"a line breaks off at {place} in\n" + "\n".join(self.lines)
            if self.at(place) == self.head:
                name, more = self.arrive(moved(place, RIGHT))
                if name:
                    yield name
                steps += more
                continue
            steps += [(moved(place, turn), turn) for turn in self.arms(place) - {back}]

    def arrive(self, place):
        """The node whose port this is, or the lines that leave this joint."""
        if self.at(place) == self.joint:
            bar = [place, *self.along(place, UP), *self.along(place, DOWN)]
            outs = [moved(cell, RIGHT) for cell in bar]
            return None, [(out, RIGHT) for out in outs if self.at(out) in set("─-")]
        while place not in self.nodes:
            assert self.at(place) in set("▏:"), place
            place = moved(place, UP)
        return self.nodes[place], []

    def along(self, place, way):
        place = moved(place, way)
        while self.at(place) == self.joint:
            yield place
            place = moved(place, way)


def moved(place, way):
    return place[0] + way[0], place[1] + way[1]


def assert_honest(graph):
    back = {(edge.source, edge.target) for edge in flowing_order(graph).back_edges}
    for ascii_only in (False, True):
        reader = Reader("\n".join(draw_map(graph, ascii_only=ascii_only).lines), ascii_only)

        assert set(reader.nodes.values()) == {node.key for node in graph.nodes}
        assert reader.edges() == edges_of(graph) - back


@given(bipartite_graphs())
@settings(max_examples=150, deadline=None)
def test_following_the_lines_of_any_small_dag_gives_its_edges(graph):
    assert_honest(graph)


@given(bipartite_graphs(acyclic=False))
@settings(max_examples=100, deadline=None)
def test_edges_that_close_cycles_are_listed_below_and_the_rest_is_drawn(graph):
    assert_honest(graph)

    listed = [line for line in render_map(graph).splitlines() if line.startswith("↺")]
    assert len(listed) == len(flowing_order(graph).back_edges)


@given(bipartite_graphs(), st.integers(0, 90))
@settings(max_examples=80, deadline=None)
def test_no_line_is_wider_than_asked(graph, width):
    drawing = render_map(graph, max_width=width)

    assert max(map(len, drawing.splitlines())) <= max(width, 24)


@given(bipartite_graphs())
@settings(max_examples=80, deadline=None)
def test_places_say_where_the_labels_are(graph):
    drawing = draw_map(graph)

    assert sorted(place.key for place in drawing.places) == sorted(node.key for node in graph.nodes)
    for place in drawing.places:
        assert drawing.lines[place.line][place.column + 2 : place.column + place.width] == place.key


def sweep_graph(seed):
    """Runs that share their inputs, as in a parameter sweep."""
    dice = random.Random(seed)
    data, runs = dice.randint(1, 6), dice.randint(2, 12)
    shared = [dice.sample(range(data), dice.randint(1, data)) for _ in range(3)]
    pairs = [(near, data + run) for run in range(runs) for near in dice.choice(shared)]
    pairs += [(data + run, data + runs + run) for run in range(runs)]
    end = data + 2 * runs
    pairs += [(data + runs + run, end) for run in range(runs) if dice.random() < 0.7]
    return graph_of([False] * data + [True] * runs + [False] * runs + [True], pairs)


def test_a_few_hundred_seeded_graphs_are_drawn_without_a_lie():
    for seed in range(200):
        assert_honest(random_graph(seed))
        assert_honest(sweep_graph(seed))


@pytest.mark.sweep
def test_ten_thousand_seeded_graphs_are_drawn_without_a_lie():
    for seed in range(5_000):
        assert_honest(random_graph(seed))
        assert_honest(sweep_graph(seed))
