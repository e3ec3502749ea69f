"""Walking, ordering and grouping a lineage graph."""

import time

import pytest

from localart.lineage.graph import (
    ancestors,
    connected_component,
    descendants,
    direct_lineage,
    flowing_order,
    grouped_by_type,
    subgraph,
    topological_order,
)
from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind

PIPELINE = """
    load > raw:v0
    raw:v0 > prep
    prep > pre:v0
    init > net:v0
    pre:v0 > train
    net:v0 > train
    train > model:v0
    model:v0 > eval
    pre:v0 > eval
"""


def graph_from(text, **fields):
    """Lines `a > b`; a name with a colon is a version, its type the part before; age is order of appearance."""
    pairs = [line.split(" > ") for line in text.strip().splitlines()]
    names = list(dict.fromkeys(name.strip() for pair in pairs for name in pair))
    nodes = tuple(
        GraphNode(
            key=name,
            kind=NodeKind.VERSION if ":" in name else NodeKind.RUN,
            label=name,
            group=name.partition(":")[0].rstrip("0123456789"),
            project="p",
            state="",
            created_at=f"{age:04}",
        )
        for age, name in enumerate(names)
    )
    edges = tuple(GraphEdge(a.strip(), b.strip()) for a, b in pairs)
    return LineageGraph(nodes=nodes, edges=edges, **fields)


def keys(nodes):
    return [node.key for node in nodes]


def backwards(graph):
    return LineageGraph(nodes=graph.nodes[::-1], edges=graph.edges[::-1])


def test_topological_order_is_by_age_as_far_as_inputs_allow():
    graph = graph_from("late:v0 > run\nrun > out:v0\nother > more:v0")

    assert keys(topological_order(graph).nodes) == ["late:v0", "run", "out:v0", "other", "more:v0"]


def test_an_input_that_looks_younger_than_its_consumer_still_comes_first():
    graph = graph_from("train > model:v0\ndata:v0 > train")

    assert keys(topological_order(graph).nodes) == ["data:v0", "train", "model:v0"]


@pytest.mark.parametrize("order", [topological_order, flowing_order])
def test_the_order_does_not_depend_on_how_the_graph_is_listed(order):
    graph = graph_from(PIPELINE)

    assert order(graph).nodes == order(backwards(graph)).nodes


def test_flowing_order_follows_one_line_of_work_before_the_next():
    graph = graph_from("data:v0 > a\ndata:v0 > b\na > x:v0\nb > y:v0")

    assert keys(flowing_order(graph).nodes) == ["data:v0", "a", "x:v0", "b", "y:v0"]


def test_flowing_order_puts_dead_ends_first():
    graph = graph_from("run > used:v0\nrun > unused:v0\nused:v0 > next")

    assert keys(flowing_order(graph).nodes) == ["run", "unused:v0", "used:v0", "next"]


@pytest.mark.parametrize("order", [topological_order, flowing_order])
def test_a_run_that_logs_its_input_again_gives_one_back_edge_from_the_run(order):
    graph = graph_from("load > raw:v0\nraw:v0 > check\ncheck > raw:v0")

    for listed in (graph, backwards(graph)):
        ordered = order(listed)

        assert ordered.back_edges == (GraphEdge("check", "raw:v0"),)
        assert keys(ordered.nodes) == ["load", "raw:v0", "check"]


def test_edges_to_nodes_outside_the_graph_and_double_edges_do_no_harm():
    graph = graph_from("a > b:v0\na > b:v0")
    graph = LineageGraph(nodes=graph.nodes, edges=(*graph.edges, GraphEdge("b:v0", "gone")))

    assert topological_order(graph).links.outputs == {"a": ("b:v0",), "b:v0": ()}


def test_ancestors_and_descendants_go_one_way_only():
    graph = graph_from(PIPELINE)

    assert ancestors(graph, "train") == {"load", "raw:v0", "prep", "pre:v0", "init", "net:v0"}
    assert descendants(graph, "net:v0") == {"train", "model:v0", "eval"}


def test_depth_counts_edges():
    graph = graph_from(PIPELINE)

    assert ancestors(graph, "train", depth=1) == {"pre:v0", "net:v0"}
    assert descendants(graph, "load", depth=2) == {"raw:v0", "prep"}
    assert descendants(graph, "load", depth=0) == frozenset()


def test_direct_lineage_leaves_siblings_out_and_keeps_the_focus():
    graph = graph_from(PIPELINE)

    part = direct_lineage(graph, "net:v0")

    assert keys(part.nodes) == ["init", "net:v0", "train", "model:v0", "eval"]
    assert GraphEdge("train", "model:v0") in part.edges
    assert part.focus == "net:v0"
    assert not part.truncated


def test_direct_lineage_says_when_depth_cut_it_off():
    graph = graph_from(PIPELINE)

    assert direct_lineage(graph, "net:v0", depth=1).truncated
    assert not direct_lineage(graph, "net:v0", depth=3).truncated


def test_a_component_holds_all_that_hangs_together_and_nothing_else():
    graph = graph_from(PIPELINE + "lonely > other:v0")

    component = connected_component(graph, "init")

    assert set(keys(component.nodes)) == {
        name for name in keys(graph.nodes) if name not in {"lonely", "other:v0"}
    }


def test_a_subgraph_without_the_focus_has_none():
    graph = graph_from(PIPELINE, focus="eval")

    assert subgraph(graph, {"load", "raw:v0"}).focus is None
    assert subgraph(graph, {"load", "eval"}).focus == "eval"


def test_an_unknown_key_is_a_key_error():
    graph = graph_from(PIPELINE)

    with pytest.raises(KeyError):
        ancestors(graph, "nobody")


def test_grouping_gives_one_counted_node_for_each_type_and_job_type():
    graph = graph_from("load1 > raw:v0\nload2 > raw:v1\nraw:v0 > train\nraw:v1 > train", focus="raw:v1")

    grouped = grouped_by_type(graph)

    assert [(node.key, node.label) for node in grouped.nodes] == [
        ("run:load", "load ×2"),
        ("version:raw", "raw ×2"),
        ("run:train", "train ×1"),
    ]
    assert grouped.edges == (GraphEdge("run:load", "version:raw"), GraphEdge("version:raw", "run:train"))
    assert grouped.focus == "version:raw"


def test_runs_without_a_job_type_are_grouped_as_runs():
    graph = graph_from("1 > raw:v0")

    assert keys(grouped_by_type(graph).nodes) == ["run:run", "version:raw"]


@pytest.mark.parametrize(
    "function",
    [
        topological_order,
        flowing_order,
        grouped_by_type,
        lambda graph: descendants(graph, "r0"),
        lambda graph: connected_component(graph, "r0"),
    ],
)
def test_a_chain_of_many_thousand_nodes_is_walked_without_recursion_and_at_once(function):
    links = (f"v:{number} > r{number + 1}\nr{number + 1} > v:{number + 1}" for number in range(2500))
    graph = graph_from("r0 > v:0\n" + "\n".join(links))

    start = time.process_time()
    function(graph)

    assert time.process_time() - start < 1
