"""The lineage page: what it reads, how far, what it opens, and what it remembers."""

import pytest
from graph_app import screen_of
from tui_driven import driven, settled

import localart
from localart.repository.opening import close_all
from localart_tui.app import LocalartApp
from localart_tui.data.store import open_store
from localart_tui.graph.view import GraphView
from localart_tui.places import Place


@pytest.fixture
def trained(isolated, store):
    for job, uses, makes in (("load", [], "raw"), ("train", ["raw"], "net"), ("plot", ["raw"], "chart")):
        with localart.init(project="p", job_type=job, config={"lr": 0.25}) as run:
            for name in uses:
                run.use_artifact(f"{name}:latest")
            artifact = localart.Artifact(makes, type="dataset")
            with artifact.new_file("x", "w") as file:
                file.write(makes)
            run.log_artifact(artifact)
    close_all()
    return store


def shown(app):
    graph = app.screen.query_one(GraphView)
    return sorted(node.label.split(" ")[0] for node in graph.state.drawn.nodes if ":v" in node.label)


def opened(root, target):
    return LocalartApp(open_store(root), Place("graph", target))


def test_a_version_shows_its_direct_and_its_complete_lineage(trained):
    @driven
    async def drive():
        app = opened(trained, "p/net:v0")
        async with app.run_test(size=(160, 40)) as pilot:
            await settled(pilot)
            assert shown(app) == ["net:v0", "raw:v0"]
            await pilot.press("a")
            await settled(pilot)
            assert shown(app) == ["chart:v0", "net:v0", "raw:v0"]
            await pilot.press(*["less_than_sign"] * 11)
            await settled(pilot)
            assert shown(app) == ["net:v0", "raw:v0"]
            assert app.screen.query_one(GraphView).command.startswith(
                "localart lineage p/net:v0 --complete --depth 2"
            )

    drive()


def test_a_project_shows_all_of_it_and_facts_of_the_node_under_the_cursor(trained):
    @driven
    async def drive():
        app = opened(trained, "p")
        async with app.run_test(size=(170, 40)) as pilot:
            await settled(pilot)
            assert len(app.screen.query_one(GraphView).state.drawn.nodes) == 6
            await settled(pilot)
            assert "lr" in screen_of(app)
            assert "0.25" in screen_of(app)

    drive()


def test_slash_finds_and_the_place_remembers_node_view_and_scope(trained):
    @driven
    async def drive():
        app = opened(trained, "p/net:v0")
        async with app.run_test(size=(160, 40)) as pilot:
            await settled(pilot)
            await pilot.press("a", "v")
            await settled(pilot)
            await pilot.press("slash", *"chart", "enter")
            await settled(pilot)
            graph = app.screen.query_one(GraphView)
            assert graph.has_focus
            assert graph.state.node.label.startswith("chart:v0")
            place = app.page.here

        again = opened(trained, "p/net:v0")
        again._first = place
        async with again.run_test(size=(160, 40)) as pilot:
            await settled(pilot)
            graph = again.screen.query_one(GraphView)
            assert (graph.view.value, graph.state.scope.complete) == ("lanes", True)
            assert graph.state.node.label.startswith("chart:v0")
            assert graph.state.query == "chart"

    drive()


def test_what_does_not_exist_is_said_on_the_page(trained):
    @driven
    async def drive():
        app = opened(trained, "p/nothing:v0")
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)

            assert "nothing" in screen_of(app)
            assert "No artifact" in screen_of(app) or "no artifact" in screen_of(app)

    drive()
