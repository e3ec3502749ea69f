"""Nodes that are alike become one; what is opened, taken out and left out."""

import pytest

from localart.lineage.filters import Kept, filtered, groups_in
from localart.lineage.graph_model import graph_model
from localart.lineage.groups import find_groups, folded
from localart.lineage.labels import shorten
from localart.lineage.layered import render_map
from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind


def run(key, job_type, state="finished", age=0):
    return GraphNode(
        key=key, kind=NodeKind.RUN, label=key, group=job_type, project="p", state=state,
        created_at=f"{age:04}", address=f"run:{key}",
    )  # fmt: skip


def version(name, type_="dataset", project="p", age=0):
    return GraphNode(
        key=name, kind=NodeKind.VERSION, label=f"{name} latest", group=type_, project=project, state="COMMITTED",
        created_at=f"{age:04}", address=f"{project}/{name}",
    )  # fmt: skip


def graph(nodes, *edges, **fields):
    pairs = tuple(GraphEdge(source, target) for source, target in edges)
    return LineageGraph(nodes=tuple(nodes), edges=pairs, **fields)


def sweep(size=6, states=(), **fields):
    """One dataset, `size` training runs with a checkpoint each, and a run that reads all of those."""
    states = {**dict.fromkeys(range(size), "finished"), **dict(enumerate(states))}
    trains = [run(f"t{number}", "train", states[number], age=number) for number in range(size)]
    models = [version(f"ckpt:v{number}", "model", age=number) for number in range(size)]
    edges = [("data:v0", train.key) for train in trains]
    edges += [(train.key, model.key) for train, model in zip(trains, models, strict=True)]
    edges += [(model.key, "pick") for model in models]
    return graph([version("data:v0"), *trains, *models, run("pick", "choose")], *edges, **fields)


def labels(shown):
    return sorted(node.label for node in shown.nodes)


def edges(shown):
    return {(edge.source, edge.target) for edge in shown.edges}


def test_a_sweep_is_four_nodes_in_a_line():
    model = graph_model(sweep(states=["failed", "running"]), grouped=True)

    assert render_map(model.shown) == (
        "▣ data:v0 ──▶● train ×6 ✓4 ✗1 …1 ──▶▣ ckpt ×6 ──▶● pick\n"
    )  # fmt: skip


def test_four_alike_are_no_group():
    assert not find_groups(sweep(4)).members
    assert find_groups(sweep(5)).members.keys() == {"group:t0", "group:ckpt:v0"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda node: run(node.key, "tune"), "another job type"),
        (lambda node: version("data:v9"), "another kind"),
    ],
)
def test_what_differs_stays_outside(change, why):
    whole = sweep(6)
    nodes = [change(node) if node.key == "t5" else node for node in whole.nodes]
    other = next(node.key for node in nodes if node.key in {"t5", "data:v9"})
    moved = [(e.source.replace("t5", other), e.target.replace("t5", other)) for e in whole.edges]

    groups = find_groups(graph(nodes, *moved))

    assert groups.members["group:t0"] == ("t0", "t1", "t2", "t3", "t4"), why
    assert groups.members["group:ckpt:v0"] == tuple(f"ckpt:v{n}" for n in range(5)), (
        "its input is in no group"
    )


def test_versions_of_two_collections_are_two_groups():
    versions = [version(f"{name}:v{n}") for name in ("a", "b") for n in range(5)]
    whole = graph([run("r", "load"), *versions], *(("r", node.key) for node in versions))

    assert set(find_groups(whole).members) == {"group:a:v0", "group:b:v0"}


def test_versions_of_one_name_in_two_projects_are_two_groups():
    versions = [version(f"a:v{n}", project=project) for project in ("p", "q") for n in range(5)]
    keyed = [
        GraphNode(
            key=f"{node.project}{node.key}", kind=node.kind, label=node.label, group=node.group,
            project=node.project, state=node.state, created_at=node.created_at, address=node.address,
        )
        for node in versions
    ]  # fmt: skip

    assert len(find_groups(graph(keyed)).members) == 2


def test_opening_one_group_changes_no_other():
    model = graph_model(sweep(), grouped=True).explode("group:t0")

    assert labels(model.shown) == ["ckpt ×6", "data:v0 latest", "pick", "t0", "t1", "t2", "t3", "t4", "t5"]
    assert {("t3", "group:ckpt:v0"), ("group:ckpt:v0", "pick")} <= edges(model.shown)
    assert model.explode("group:t0") is model
    assert model.explode("no such key") is model


def test_a_member_taken_out_stands_beside_its_group():
    model = graph_model(sweep(), grouped=True).extract("t2")

    assert {"t2", "train ×5"} <= set(labels(model.shown))
    assert {("data:v0", "t2"), ("t2", "group:ckpt:v0")} <= edges(model.shown)
    assert [node.key for node in model.members_of("group:t0")] == ["t0", "t1", "t3", "t4", "t5"]
    assert model.extract("t2") is model
    assert model.extract("pick") is model


def test_a_group_of_one_is_that_one():
    model = graph_model(sweep(5), grouped=True)

    for number in range(4):
        model = model.extract(f"t{number}")

    assert "t4" in labels(model.shown)
    assert model.members.keys() == {"group:ckpt:v0"}


def test_groups_fold_again_one_or_all():
    grouped = graph_model(sweep(), grouped=True)
    opened = grouped.explode_all()

    assert not opened.is_grouped
    assert labels(opened.group("t3").shown) == labels(grouped.explode("group:ckpt:v0").shown)
    assert opened.group_all().shown == grouped.shown
    assert grouped.extract("t1").group("t1").shown == grouped.shown
    assert grouped.group_all() is grouped
    assert grouped.group("pick") is grouped


def test_few_nodes_are_shown_one_by_one_and_many_are_not():
    assert not graph_model(sweep(40)).is_grouped
    assert graph_model(sweep(41)).is_grouped
    assert not graph_model(sweep(41), grouped=False).is_grouped


def test_the_node_in_focus_is_not_hidden_in_a_group():
    model = graph_model(sweep(focus="t3"), grouped=True)

    assert model.shown.focus == "t3"
    assert "train ×5" in labels(model.shown)
    assert model.shown_key("t3") == "t3"
    assert model.shown_key("t4") == "group:t0"
    assert model.shown_key("nothing") is None


def test_a_focus_inside_a_folded_group_leaves_the_group_in_focus():
    assert folded(sweep(focus="t3"), {"g": ("t3", "t4")}).focus == "g"


def test_a_group_says_what_its_members_share():
    whole = sweep()
    group = next(node for node in graph_model(whole, grouped=True).shown.nodes if node.key == "group:ckpt:v0")

    assert (group.kind, group.group, group.project, group.address) == (NodeKind.VERSION, "model", "p", "")


def test_a_runs_own_output_used_again_does_not_trouble_the_groups():
    whole = sweep()
    looped = graph(whole.nodes, *edges(whole), ("ckpt:v1", "t1"))

    model = graph_model(looped, grouped=True)

    assert ("group:ckpt:v0", "group:t0") in edges(model.shown)
    assert "leads back" in render_map(model.shown)


def test_the_counts_of_a_group_stay_when_its_name_is_cut():
    assert shorten("hyperparameter-search ×48 ✓46 ✗2", 28) == "hyperparameter-s… ×48 ✓46 ✗2"


# --- what is left out --------------------------------------------------------------------------------


def pipeline(**fields):
    nodes = [
        run("load", "load"),
        version("raw:v0"),
        run("fit", "train"),
        version("m:v0", "model"),
        run("x", ""),
    ]
    pairs = [("load", "raw:v0"), ("raw:v0", "fit"), ("fit", "m:v0"), ("m:v0", "x")]
    return graph(nodes, *pairs, **fields)


def test_what_is_left_out_is_bridged_and_mentioned():
    part = filtered(pipeline(), Kept(types=frozenset({"model"})))

    assert edges(part) == {("load", "fit"), ("fit", "m:v0"), ("m:v0", "x")}
    assert part.notes == ("1 node is left out by type; lines lead past it",)


def test_a_way_through_several_hidden_nodes_is_one_line():
    part = filtered(pipeline(), Kept(types=frozenset({"model"}), job_types=frozenset({"load", "run"})))

    assert edges(part) == {("load", "m:v0"), ("m:v0", "x")}


def test_runs_without_a_job_type_are_called_run():
    assert groups_in(pipeline(), NodeKind.RUN) == {"load": 1, "run": 1, "train": 1}
    assert groups_in(pipeline(), NodeKind.VERSION) == {"dataset": 1, "model": 1}


def test_the_focus_is_never_left_out():
    part = filtered(pipeline(focus="raw:v0"), Kept(types=frozenset(), job_types=frozenset()))

    assert [node.key for node in part.nodes] == ["raw:v0"]


def test_nothing_left_out_is_the_same_graph():
    whole = pipeline()

    assert filtered(whole, Kept()) is whole
    assert filtered(whole, Kept(types=frozenset({"model", "dataset"}))) is whole


def test_hidden_cycles_end():
    looped = graph(pipeline().nodes, *edges(pipeline()), ("raw:v0", "load"), ("m:v0", "fit"))

    assert edges(filtered(looped, Kept(types=frozenset()))) == {("load", "fit"), ("fit", "x")}


def test_a_model_that_leaves_types_out_keeps_its_groups():
    model = graph_model(sweep(), grouped=True).keep(Kept(job_types=frozenset({"choose"})))

    assert labels(model.shown) == ["ckpt ×6", "data:v0 latest", "pick"]
    assert model.keep(Kept()).shown == graph_model(sweep(), grouped=True).shown
