"""Two-coloured graphs for the drawings to be tried on."""

import itertools
import random

from hypothesis import strategies as st

from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind


def graph_of(kinds, pairs, ages=None):
    """Nodes `n0x`, `n1x`, … and edges between their numbers; the x keeps `n1` from being found in `n10`."""
    ages = ages or range(len(kinds))
    nodes = tuple(
        GraphNode(
            key=f"n{number}x",
            kind=NodeKind.RUN if is_run else NodeKind.VERSION,
            label=f"n{number}x",
            group="",
            project="p",
            state="",
            created_at=f"{age:06}",
        )
        for number, (is_run, age) in enumerate(zip(kinds, ages, strict=True))
    )
    return LineageGraph(nodes=nodes, edges=tuple(GraphEdge(f"n{a}x", f"n{b}x") for a, b in pairs))


@st.composite
def bipartite_graphs(draw, acyclic=True):
    kinds = draw(st.lists(st.booleans(), min_size=1, max_size=24))
    numbers = range(len(kinds))
    possible = [
        (a, b)
        for a, b in itertools.permutations(numbers, 2)
        if kinds[a] != kinds[b] and (a < b or not acyclic)
    ]
    pairs = draw(st.lists(st.sampled_from(possible), max_size=40)) if possible else []
    return graph_of(kinds, pairs, draw(st.permutations(numbers)))


def random_graph(seed):
    """A seeded bipartite DAG: sparse or dense, deep or wide, with repeated edges and misleading ages."""
    dice = random.Random(seed)
    size = dice.randint(1, 40)
    kinds = [dice.random() < dice.choice([0.3, 0.5, 0.7]) for _ in range(size)]
    reach = dice.choice([2, 5, size])
    density = dice.choice([0.05, 0.2, 0.5])
    pairs = [
        (a, b)
        for a in range(size)
        for b in range(a + 1, min(size, a + reach + 1))
        if kinds[a] != kinds[b] and dice.random() < density
    ]
    ages = list(range(size))
    if dice.random() < 0.5:
        dice.shuffle(ages)
    return graph_of(kinds, pairs + pairs[: dice.randint(0, 2)], ages)


def edges_of(graph):
    return {(edge.source, edge.target) for edge in graph.edges}
