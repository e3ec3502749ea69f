"""Whatever is folded, opened, taken out or left out: what is drawn is what is there."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lineage_graphs import bipartite_graphs, edges_of, graph_of, random_graph
from test_lineage_lanes import assert_honest as assert_honest_lanes
from test_lineage_map import LEFT, Reader, moved, sweep_graph
from test_lineage_map import assert_honest as assert_honest_map

from localart.lineage.filters import Kept, filtered
from localart.lineage.graph import topological_order
from localart.lineage.graph_model import graph_model
from localart.lineage.map_plan import plan_map
from localart.lineage.map_window import LINE, NODE, RELATED, Window, draw_window, related_to
from localart.model import LineageGraph


def traceable(graph):
    """`graph` with names that a reader of the picture can find."""
    names = {node.key: f"n{number}x" for number, node in enumerate(graph.nodes)}
    kinds = [node.kind.value == "run" for node in graph.nodes]
    numbers = {key: number for number, key in enumerate(names)}
    return graph_of(kinds, [(numbers[edge.source], numbers[edge.target]) for edge in graph.edges])


def operated(graph, dice):
    """A model of `graph` after a few operations, and the node each shown key stands for."""
    model = graph_model(graph, grouped=True, fewest=dice.choice([2, 3, 5]))
    for _ in range(dice.randint(0, 6)):
        key = dice.choice(graph.nodes).key
        match dice.randrange(3):
            case 0:
                model = model.explode(model.shown_key(key))
            case 1:
                model = model.extract(key)
            case _:
                model = model.group(key)
    return model


def assert_same_edges(model):
    """Each shown edge stands for edges of the graph, and each of those is shown."""
    group_of = {member: group for group, members in model.members.items() for member in members}
    expected = {(group_of.get(a, a), group_of.get(b, b)) for a, b in edges_of(model.graph)}
    members = dict(model.members)
    shown = {node.key for node in model.shown.nodes}

    assert edges_of(model.shown) == {(a, b) for a, b in expected if a != b}
    assert sorted(member for key in shown for member in members.get(key, (key,))) == sorted(
        node.key for node in model.graph.nodes
    )
    for source, target in edges_of(model.shown):
        ends = {(a, b) for a in members.get(source, (source,)) for b in members.get(target, (target,))}
        assert ends & edges_of(model.graph)


def assert_honest(seed):
    dice = random.Random(seed)
    model = operated(sweep_graph(seed) if seed % 2 else random_graph(seed), dice)

    assert_same_edges(model)
    assert not topological_order(model.shown).back_edges
    drawn = traceable(model.shown)
    assert_honest_map(drawn)
    assert_honest_lanes(drawn, max_lanes=dice.choice([2, 8, 24]))


def test_two_hundred_grouped_graphs_are_drawn_without_a_lie():
    for seed in range(200):
        assert_honest(seed)


@pytest.mark.sweep
def test_ten_thousand_grouped_graphs_are_drawn_without_a_lie():
    for seed in range(10_000):
        assert_honest(seed)


@given(bipartite_graphs(acyclic=False), st.integers(2, 5))
@settings(max_examples=100, deadline=None)
def test_folding_cycles_keeps_every_edge(graph, fewest):
    assert_same_edges(graph_model(graph, grouped=True, fewest=fewest))


@given(bipartite_graphs(acyclic=False), st.data())
@settings(max_examples=100, deadline=None)
def test_an_edge_past_hidden_nodes_is_a_way_through_them(graph, data):
    hidden = {node.key for node in graph.nodes if data.draw(st.booleans())}
    named = tuple(
        type(node)(
            key=node.key, kind=node.kind, label=node.label, group="no" if node.key in hidden else "yes",
            project="", state="", created_at=node.created_at,
        )
        for node in graph.nodes
    )  # fmt: skip
    part = filtered(
        LineageGraph(nodes=named, edges=graph.edges),
        Kept(types=frozenset({"yes"}), job_types=frozenset({"yes"})),
    )

    assert edges_of(part) == {
        (a, b) for a in outputs_past(graph, hidden) for b in outputs_past(graph, hidden)[a] if a != b
    }


def outputs_past(graph, hidden):
    """By walking: who is reached from whom through hidden nodes only."""
    nexts = {node.key: {b for a, b in edges_of(graph) if a == node.key} for node in graph.nodes}
    for _ in graph.nodes:
        nexts = {key: ends.union(*(nexts[near] for near in ends & hidden)) for key, ends in nexts.items()}
    return {key: ends - hidden for key, ends in nexts.items() if key not in hidden}


# --- windows -----------------------------------------------------------------------------------------


@given(bipartite_graphs(), st.data(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_window_shows_what_the_whole_map_has_there(graph, data, ascii_only):
    plan = plan_map(graph, ascii_only=ascii_only)
    whole = draw_window(plan, Window(height=plan.height, width=plan.width))
    window = Window(
        top=data.draw(st.integers(0, plan.height)),
        left=data.draw(st.integers(0, plan.width)),
        height=data.draw(st.integers(0, 12)),
        width=data.draw(st.integers(0, 60)),
    )

    part = draw_window(plan, window)

    for row, cells in enumerate(part.cells):
        line = whole.cells[window.top + row] if window.top + row < plan.height else []
        expected = line[window.left : window.right]
        assert cells == expected + [" "] * (window.width - len(expected))


def assert_related_lines(graph, key):
    """Follow only the ink of related lines: it leads along exactly the ways to and from the chosen node."""
    plan = plan_map(graph)
    related = related_to(plan, [key])
    ups, downs = reached(graph, key, up=True), reached(graph, key, up=False)

    drawn = draw_window(plan, Window(height=plan.height, width=plan.width), related)

    assert related.keys == ups | downs
    expected = {(a, b) for a, b in edges_of(graph) if {a, b} <= ups or {a, b} <= downs}
    assert edges_in_ink(drawn) == expected


@given(bipartite_graphs(), st.data())
@settings(max_examples=50, deadline=None)
def test_the_related_lines_alone_are_the_map_of_what_is_related(graph, data):
    assert_related_lines(graph, data.draw(st.sampled_from(graph.nodes)).key)


def test_the_related_lines_of_a_hundred_larger_graphs_are_true_too():
    for seed in range(100):
        for graph in (random_graph(seed), sweep_graph(seed)):
            assert_related_lines(graph, random.Random(seed).choice(graph.nodes).key)


def reached(graph, key, *, up):
    found, fresh = {key}, {key}
    while fresh:
        fresh = {a if up else b for a, b in edges_of(graph) if (b if up else a) in fresh} - found
        found |= fresh
    return found


def edges_in_ink(drawn):
    """What a reader sees who is shown the nodes and the related lines only."""
    lines = [
        "".join(
            cell if ink in {RELATED, NODE} or cell in {"┃", "▏"} else " "
            for cell, ink in zip(cells, inks, strict=True)
        )
        for cells, inks in zip(drawn.cells, drawn.ink, strict=True)
    ]
    return lenient(Reader("\n".join(lines), ascii_only=False)).edges()


def lenient(reader):
    """Let `reader` take a bend although a branch that does not matter is missing from it."""
    arms = reader.arms

    def goes_on(place, way):
        place = moved(place, way)
        while reader.at(place) == reader.crossing:
            place = moved(place, way)
        return reader.at(place) != " "

    def taken(place):
        is_bend = reader.at(place) not in {"─", "│"}
        return {way for way in arms(place) if way == LEFT or not is_bend or goes_on(place, way)}

    reader.arms = taken
    return reader


def test_no_line_is_related_when_nothing_is_asked():
    plan = plan_map(random_graph(3))
    drawn = draw_window(plan, Window(height=plan.height, width=plan.width))

    assert {ink for row in drawn.ink for ink in row} <= {0, LINE, NODE}
