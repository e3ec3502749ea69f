"""Which part of the graph is read from a store."""

import pytest

import localart
from localart.lineage.query import Reach, find_lineage
from localart.repository import default_repository


def log(job, uses=(), makes=None):
    with localart.init(project="p", job_type=job) as run:
        for name in uses:
            run.use_artifact(name)
        if makes:
            artifact = localart.Artifact(makes, type="dataset")
            with artifact.new_file("x", "w") as file:
                file.write(job + makes)
            run.log_artifact(artifact)


@pytest.fixture
def family(isolated):
    """Raw → two children, of which one has a second parent."""
    log("load", makes="raw")
    log("left", uses=["raw:latest"], makes="left")
    log("init", makes="weights")
    log("right", uses=["raw:latest", "weights:latest"], makes="right")
    return default_repository()


def jobs(repository, address, **reach):
    graph = find_lineage(repository, address, project="p", reach=Reach(**reach))
    return {node.group for node in graph.nodes if node.address.startswith("run:")}, graph


def test_direct_lineage_leaves_siblings_out(family):
    found, graph = jobs(family, "left")

    assert found == {"load", "left"}
    assert not graph.truncated


def test_complete_lineage_is_all_that_hangs_together(family):
    found, graph = jobs(family, "left", complete=True)

    assert found == {"load", "left", "right", "init"}
    assert len(graph.edges) == 7


def test_depth_counts_steps_in_either_direction(family):
    assert jobs(family, "left", complete=True, depth=3)[0] == {"left", "load", "right"}
    assert jobs(family, "left", complete=True, depth=5)[0] == {"left", "load", "right", "init"}
    assert jobs(family, "raw", down=False)[0] == {"load"}
    assert jobs(family, "raw", up=False, depth=1)[0] == {"left", "right"}


@pytest.mark.parametrize("complete", [False, True])
def test_a_limit_keeps_what_is_nearest_and_says_so(family, complete):
    found, graph = jobs(family, "raw", complete=complete, max_nodes=4)

    assert graph.truncated
    assert found == {"load", "left", "right"}


def test_a_limit_that_is_just_enough_cuts_nothing(family):
    _, graph = jobs(family, "raw", complete=True, max_nodes=8)

    assert len(graph.nodes) == 8
    assert not graph.truncated
