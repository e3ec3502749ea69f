"""The list of runs: what it says, how it is filtered and ordered, and what its keys do."""

import shlex

import pytest
from big_store import Shape, make_big_store
from browsing_app import bar, browsing, press, ready, screen_text
from runs_made import in_store, make_runs, until
from tui_driven import driven

import localart
from localart_tui.app import LocalartApp
from localart_tui.data.runs import FIELDS, flat_numbers, runs_filter
from localart_tui.modals import Menu
from localart_tui.places import Place
from localart_tui.sparks import Sparks

RUNS = Place("runs", "demo")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Six runs, that no test of this module changes."""
    with in_store(tmp_path_factory.mktemp("made") / "store") as root:
        make_runs()
    return root


class Recorder(LocalartApp):
    """Keeps the places that are opened, and opens none."""

    asked = ()

    def open(self, place):
        self.asked = (*self.asked, place)


def names(app):
    source = app.page.table.source
    return [source.row(at).line.name for at in range(len(source))]


@driven
async def test_a_row_says_how_a_run_stands_what_it_came_to_and_how_it_went(made):
    async with browsing(made, RUNS, size=(140, 20)) as (app, pilot):
        await until(pilot, lambda: "▇" in screen_text(app))
        rows = screen_text(app).splitlines()

        assert "loss" in rows[2]
        assert "val/acc" in rows[2]
        newest = rows[3]
        assert "finished" in newest
        assert "run-5" in newest
        assert "eval" in newest
        assert "5.05" in newest
        assert "▁▁" in newest
        assert any("✗ failed" in row and "run-1" in row for row in rows)
        assert any("gold" in row and "run-3" in row for row in rows)


FILTERS = [
    ("state:failed", {1}),
    ("!state:failed", {0, 2, 3, 4, 5}),
    ("job:eval", {2, 5}),
    ("job_type=train", {0, 1, 3, 4}),
    ("tag:gold", {3}),
    ("group=g1", {3, 4, 5}),
    ("m:loss>3", {3, 4, 5}),
    ("m:val/acc>=0.99", {4, 5}),
    ("summary.loss<1", {0}),
    ("config.lr=0.1", {1, 3, 5}),
    ("c:model.depth>3 job:train", {4}),
    ("run-2", {2}),
    ("re:^run-[45] !run-5", {4}),
    ("duration<0", set()),
]


@pytest.mark.parametrize(("text", "expected"), FILTERS, ids=[text for text, _ in FILTERS])
@driven
async def test_a_filter_lets_pass_what_it_says(made, text, expected):
    async with browsing(made, RUNS.at(filter=text)) as (app, _):
        assert {int(name[4:]) for name in names(app)} == expected
        assert f"{len(expected)} of 6" in bar(app, "crumbs")


def test_conditions_on_metrics_are_about_the_summary():
    (term,) = runs_filter("m:acc>0.9").terms

    assert (term.field, term.number) == ("summary.acc", 0.9)
    assert {"state", "tag", "config.", "job"} <= FIELDS


@driven
async def test_the_menu_orders_by_a_metric_and_turns_it_round(made):
    async with browsing(made, RUNS) as (app, pilot):
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(app.screen, Menu)
        letters = "abcdefghijklm"
        at = list(app.page.SORTS.values()).index("loss")
        await press(pilot, letters[at])
        assert names(app) == [f"run-{n}" for n in (5, 4, 3, 2, 1, 0)]

        await press(pilot, "R")

        assert names(app) == [f"run-{n}" for n in range(6)]
        assert app.state.views["runs"]["sort"] == "summary.loss"


@driven
async def test_a_click_on_a_metrics_head_orders_by_it(made):
    async with browsing(made, RUNS, size=(120, 20)) as (app, pilot):
        column = screen_text(app).splitlines()[2].index("val/acc")

        await pilot.click("#list", offset=(column + 2, 0))
        await ready(pilot)

        assert names(app)[0] == "run-5"
        assert app.page.view.sort == "-summary.val/acc"


@driven
async def test_other_columns_tell_what_runs_were_told(made):
    async with browsing(made, RUNS, size=(140, 20)) as (app, pilot):
        await press(pilot, "w")

        head, first = screen_text(app).splitlines()[2:4]
        assert "model.depth" in head
        assert "lr" in head
        assert "0.1" in first
        await press(pilot, "w")
        assert "val/acc" in screen_text(app)


@driven
async def test_marked_runs_are_compared_and_drawn_together(made):
    async with browsing(made, RUNS, app_class=Recorder) as (app, pilot):
        await press(pilot, "space")
        assert "1 marked" in bar(app, "status")
        await press(pilot, "c", "C", "space", "C", "U", "C")

        pair = ("run:demo/r5", ("run:demo/r4",))
        assert app.asked == (
            Place("compare", *pair),
            Place("charts", *pair),
            Place("charts", *pair),
            Place("charts", "run:demo/r3"),
        )


@driven
async def test_keys_open_a_run_its_graph_and_the_tabs_of_the_project(made):
    async with browsing(made, RUNS, app_class=Recorder) as (app, pilot):
        await press(pilot, "enter", "x", "down", "l")
        assert app.asked == (
            Place("run", "run:demo/r5"),
            Place("graph", "run:demo/r5"),
            Place("run", "run:demo/r4"),
        )
    async with browsing(made, RUNS) as (app, pilot):
        await press(pilot, "1")
        assert app.page.place == Place("artifacts", "demo")
        await press(pilot, "2", "q")
        assert app.page.place.screen == "home"


@driven
async def test_going_back_restores_filter_order_and_row(made):
    async with browsing(made, RUNS.at(filter="job:train", sort="name")) as (app, pilot):
        await press(pilot, "down", "down")
        before = app.page.here
        await press(pilot, "enter", "q")

        assert app.page.here == before
        assert names(app)[app.page.table.cursor] == "run-3"


@driven
async def test_copies_and_the_same_elsewhere_are_about_the_run(made, monkeypatch):
    monkeypatch.setenv("LOCALART_DIR", str(made))
    async with browsing(made, RUNS) as (app, _):
        texts = {copy.key: copy.text for copy in app.page.copies()}
        command, code = app.page.command, app.page.code

    assert texts["r"] == "run:demo/r5"
    assert texts["i"] == "r5"
    from localart.cli.app import app as cli

    with pytest.raises(SystemExit) as ended:
        cli.main(shlex.split(command)[1:])
    assert ended.value.code == 0
    exec(compile(code, "page", "exec"), {})
    assert eval(texts["c"], {"localart": localart}).name == "run-5"


@driven
async def test_a_project_without_runs_says_how_to_log_one(store):
    from localart.catalog.projects import ensure_project
    from localart.repository import open_repository

    repository = open_repository(store)
    with repository.write() as tx:
        ensure_project(tx, "empty")
    repository.close()
    async with browsing(store, Place("runs", "empty")) as (app, pilot):
        assert "run.log" in screen_text(app)
        await press(pilot, "enter", "space", "c", "C", "x", "s", "escape", "w", "G")
        assert "run.log" in screen_text(app)


@pytest.mark.parametrize("size", [(140, 40), (80, 24), (40, 12), (20, 6)], ids=str)
@driven
async def test_hostile_runs_are_listed_in_any_size(tmp_path, size):
    root = make_big_store(tmp_path / "s", Shape(versions=60, artifacts=10, runs=120, files=0, hostile=True))
    async with browsing(root, Place("runs", "car-that-drives-itself"), size=size) as (app, pilot):
        for key in ("G", "g", "w", "w", "pagedown", "space", "s", "escape", "slash", "[", "/", "]", "escape"):
            await pilot.press(key)
            await pilot.pause(0.02)
        await ready(pilot)
        text = screen_text(app)
        assert not any(ord(char) < 32 and char != "\n" for char in text)
        assert "\x9b" not in text
        assert "\u202e" not in text


def test_what_a_summary_holds_is_flat_bounded_and_never_an_error():
    assert dict(flat_numbers('{"a": {"b": 1, "c": {"_type": "image-file"}}, "d": "x", "e": [1]}')) == {
        "a.b": 1,
        "d": "x",
    }
    assert list(flat_numbers("{broken")) == []
    assert list(flat_numbers("[" * 100_000)) == []
    assert len(list(flat_numbers("{" + ",".join(f'"k{n}": {n}' for n in range(5_000)) + "}"))) == 2_000


def test_sparklines_are_asked_for_once_and_stay_until_there_is_a_newer_one():
    sparks = Sparks()
    assert sparks.text((1, "loss"), "a") == ""
    assert sparks.text((2, "loss"), "a") == ""

    wanted = sparks.take_wanted([1])
    assert wanted == {(1, "loss"): "a"}
    assert not sparks.has_wanted()

    assert sparks.keep({(1, "loss"): ("a", "▁▇")}) == {1}
    assert sparks.text((1, "loss"), "a") == "▁▇"
    assert not sparks.has_wanted()
    assert sparks.text((1, "loss"), "b") == "▁▇"
    assert sparks.has_wanted()
    assert sparks.keep({(1, "loss"): ("b", "▁▇")}) == set()
