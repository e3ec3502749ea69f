"""Finding: what is typed, what is found and opened, and that nothing that is typed can do harm."""

import time

import pytest
from big_store import EVIL, Shape, make_big_store
from browsing_app import browsing, press, ready, screen_text
from hypothesis import given, settings
from hypothesis import strategies as st
from test_core_hostile import check
from textual import events
from tui_driven import driven

from localart.catalog import finding
from localart.repository import open_repository
from localart_tui.data.find import find_section, parse_query, section_keys
from localart_tui.data.store import open_store
from localart_tui.places import Place, View
from localart_tui.screens.find import FindInput

PROJECT = "car-that-drives-itself"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """3,000 versions of 60 artifacts, that no test of this module changes."""
    folder = tmp_path_factory.mktemp("find") / "store"
    return make_big_store(folder, Shape(versions=3_000, artifacts=60, runs=300, files=3_000))


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evil") / "store"
    return make_big_store(folder, Shape(versions=300, artifacts=60, runs=60, files=100, hostile=True))


def rows(app):
    source = app.page.table.source
    return [source.row(at) for at in range(len(source))]


def titles(app, section):
    return [row.title for row in rows(app) if row.section == section and row.kind == "hit"]


async def ask(pilot, text):
    field = pilot.app.page.query_one(FindInput)
    field.value = text
    await pilot.pause(0.1)
    await ready(pilot)


@driven
async def test_a_colon_opens_it_anywhere_and_what_was_found_opens(many):
    async with browsing(many, Place("versions", f"{PROJECT}/telemetry")) as (app, pilot):
        await press(pilot, "colon")
        assert app.page.place.screen == "find"
        await press(pilot, *"mnist")
        assert titles(app, "artifacts")[0] == f"{PROJECT}/mnist-raw"
        await press(pilot, "enter")
        assert app.page.place == Place("versions", f"{PROJECT}/mnist-raw")

        await press(pilot, "q")
        assert app.page.place.screen == "find"
        assert app.page.query_one(FindInput).value == "mnist"
        await press(pilot, "escape")
        assert app.page.place.target == f"{PROJECT}/telemetry"


@driven
async def test_every_section_answers_to_its_prefix(many):
    async with browsing(many, Place("find")) as (app, pilot):
        await ask(pilot, "a:telem")
        assert {row.section for row in rows(app)} == {"artifacts"}
        await ask(pilot, "r:train-")
        assert all(title.startswith("train-") for title in titles(app, "runs"))
        assert {row.section for row in rows(app)} == {"runs"}
        await ask(pilot, "f:labels.csv")
        assert titles(app, "files") == ["data/labels.csv"]
        await ask(pilot, "t:model")
        assert titles(app, "artifacts")
        assert all("model" in row.detail for row in rows(app) if row.kind == "hit")
        await ask(pilot, "> theme")
        assert "next colour theme" in titles(app, "commands")


@driven
async def test_values_are_found_by_conditions(many):
    async with browsing(many, Place("find")) as (app, pilot):
        await ask(pilot, "m:acc>0.9")
        high = titles(app, "versions")
        await ask(pilot, "m:acc<2")
        assert 0 < len(high) <= 20
        head = next(row for row in rows(app) if row.kind == "head")
        assert head.detail == "3,000"
        await ask(pilot, "m:acc>")
        assert next(row for row in rows(app) if row.kind == "head").detail == "3,000"
        await ask(pilot, "c:lr=0.1")
        assert titles(app, "runs")
        await ask(pilot, "alias:latest")
        assert titles(app, "versions")
        await ask(pilot, "m:nothing>1")
        assert "Nothing found" in screen_text(app)


@driven
async def test_a_key_of_metadata_begins_a_condition(many):
    async with browsing(many, Place("find"), size=(100, 40)) as (app, pilot):
        await ask(pilot, "epoch")
        app.page.query_one("#found").go_to("keys:0")
        await press(pilot, "enter")
        assert app.page.query_one(FindInput).value == "m:epoch>"
        await press(pilot, "8", "8")
        assert titles(app, "versions")


@driven
async def test_more_than_fits_is_counted_and_can_be_listed(many):
    async with browsing(many, Place("find")) as (app, pilot):
        await ask(pilot, "r:train")
        more = rows(app)[-1]
        assert (more.kind, more.title) == ("more", "… 40 more")
        app.page.query_one("#found").go_to(more.id)
        await press(pilot, "enter")
        assert len(titles(app, "runs")) == 60
        await press(pilot, "escape")
        assert len(titles(app, "runs")) == 20


@driven
async def test_an_address_is_found_exactly(many):
    async with browsing(many, Place("find")) as (app, pilot):
        await ask(pilot, f"{PROJECT}/telemetry:v7")
        assert titles(app, "exact") == [f"{PROJECT}/telemetry:v7"]
        await ask(pilot, "run:r0000007")
        await press(pilot, "enter")
        assert app.page.place == Place("run", f"run:{PROJECT}/r0000007")


@driven
async def test_an_empty_line_shows_where_one_was_and_the_commands(many):
    async with browsing(many, Place("versions", f"{PROJECT}/telemetry")) as (app, pilot):
        await press(pilot, "enter", "ctrl+p")
        assert f"{PROJECT}/telemetry" in titles(app, "recent")
        await press(pilot, "tab")
        assert app.page.query_one("#found").cursor_row.section == "commands"
        await press(pilot, "shift+tab", "down", "enter")
        assert app.page.place.target.startswith(PROJECT)


@driven
async def test_a_command_runs_on_the_page_one_came_from(many):
    async with browsing(many, Place("home")) as (app, pilot):
        theme = app.theme
        await press(pilot, "colon")
        await ask(pilot, "> colour")
        await press(pilot, "enter")
        assert app.page.place.screen == "home"
        assert app.theme != theme


@driven
async def test_a_file_opens_where_it_lies(many):
    async with browsing(many, Place("find")) as (app, pilot):
        await ask(pilot, "f:0000123.jpg")
        await press(pilot, "enter")
        assert app.page.place.target == f"{PROJECT}/many-files:v0"
        assert app.page.tab == "files"


HOSTILE = [
    '"', "'", '"" OR ""', "NEAR(a b, 2)", "a AND NOT b", "*", "^x", "a*b:c", "{a b}: c", "col:x", "%", "_", "\\",
    "re:(", "m:", "m:>", "m:a.b[0]>1", "t:", "a:", ">", "> x" * 50, "run:", ":", "::", "a/b:v0", "\x00", "\ud800",
    "x" * 100_000, "(" * 500, "size>1Z", "created>9999", 'm:"">1', "m:a>" + "9" * 400, "c:a!=b s:c<d t:e f",
    "c::0", "m:=1",
]  # fmt: skip


def test_no_query_is_an_error(many):
    store = open_store(many)
    try:
        for text in [*HOSTILE, *EVIL]:
            query = parse_query(text)
            for key in section_keys(query):
                found = find_section(store, store.connection(), query, key, 20)
                assert len(found.answers) <= 20
    finally:
        store.close()


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40) | st.text(alphabet="amrftcs:><=!\"'*() .0189v/", max_size=40))
def test_any_text_is_a_query(many, text):
    store = open_store(many)
    try:
        query = parse_query(text)
        for key in section_keys(query):
            find_section(store, store.connection(), query, key, 3)
    finally:
        store.close()


@pytest.mark.parametrize("size", [(40, 12), (120, 40)], ids=["small", "large"])
@driven
async def test_hostile_names_and_pastes_are_only_text(evil, size):
    async with browsing(evil, Place("find"), size=size) as (app, pilot):
        for text in ("a", "e", "t:", "f:zz", "k", "> "):
            await ask(pilot, text)
            check(app)
        for trap in (*EVIL[size[0] < 100 :: 2], "\x1b[31m\nsecond line", "A" * (1 << 20)):
            app.page.query_one(FindInput).value = ""
            app.page.query_one(FindInput).post_message(events.Paste(trap))
            await pilot.pause(0.08)
            await ready(pilot)
            assert len(app.page.query_one(FindInput).value) <= 500
            check(app)


@driven
async def test_a_store_that_is_gone_is_said(many, tmp_path):
    import shutil

    place = shutil.copytree(many, tmp_path / "copy")
    async with browsing(place, Place("find")) as (app, pilot):
        shutil.rmtree(place)
        app.store.open_again()
        await ask(pilot, "a")
        assert app.page.error is not None
        await press(pilot, "escape")


@pytest.mark.sweep
def test_first_hits_come_within_50_ms_on_100_000_versions(tmp_path):
    root = make_big_store(tmp_path / "store", Shape(versions=100_000, runs=20_000, files=1_000_000))
    repository = open_repository(root, create=False, read_only=True)
    try:
        connection = repository.read()
        for word in ("a", "mnist", "zzzz", "0", "train"):
            started = time.perf_counter()
            finding.find_artifacts(connection, [word], limit=20)
            finding.find_aliases(connection, [word], limit=20)
            assert time.perf_counter() - started < 0.05, word
    finally:
        repository.close()


@driven
async def test_its_command_and_its_python_work(store, capsys):
    import localart

    with localart.init(project="p") as run:
        artifact = localart.Artifact("mnist-raw", type="dataset")
        with artifact.new_file("a") as file:
            file.write("a")
        run.log_artifact(artifact)
    localart.finish()
    async with browsing(store, Place("find", view=View(filter="mnist"))) as (app, _):
        code, command = app.page.code, app.page.command
    exec(compile(code, "snippet", "exec"), {})
    assert "mnist-raw" in capsys.readouterr().out
    assert command == "localart search mnist"
