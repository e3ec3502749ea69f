"""Small things that were wrong once, found by pressing keys on real pages."""

import pytest
from big_store import Shape, make_big_store
from browsing_app import browsing, press, ready, screen_text
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
