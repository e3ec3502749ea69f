"""Small things that were wrong once, found by pressing keys on real pages."""

import pytest
from big_store import Shape, make_big_store
from browsing_app import browsing, press, ready, screen_text
from story_store import make_story
from tui_driven import driven

from localart_tui.places import Place

PROJECT = "car-that-drives-itself"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slips") / "store"
    return make_big_store(folder, Shape(versions=300, artifacts=20, runs=60, files=40))


@driven
async def test_typing_in_find_puts_the_cursor_on_the_first_hit(store):
    async with browsing(store, Place("artifacts", PROJECT)) as (app, pilot):
        await press(pilot, "colon", *"mnist")
        await pilot.pause(0.3)
        await ready(pilot)

        assert app.page.table.cursor_row.section == "artifacts"


@driven
async def test_names_are_whole_before_less_important_columns_are_there(store):
    async with browsing(store, Place("artifacts", PROJECT), size=(120, 30)) as (app, _):
        assert "mnist-preprocessed" in screen_text(app)


@driven
async def test_a_size_in_somebodys_metadata_is_no_number_of_bytes(tmp_path):
    root = make_story(tmp_path / "store")
    place = Place("compare", "digits/digits-ready:v1", ("digits/digits-ready:v0",))
    async with browsing(root, place) as (app, pilot):
        assert "3.0 kB" in screen_text(app)
        await press(pilot, "2")

        row = next(line for line in screen_text(app).splitlines() if "size" in line)
        assert "24" in row
        assert "B" not in row.split()
