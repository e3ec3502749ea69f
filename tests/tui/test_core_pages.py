"""Pages: what keys do on them, that going back restores them, and that a store in trouble never ends the browser."""

import os
import re
import shutil
import sqlite3
import time

import pytest
from big_store import Shape, make_big_store
from browsing_app import bar, browsing, press, ready, screen_text
from tui_driven import driven

import localart
from localart_tui.app import LocalartApp
from localart_tui.keys import KEYS, Scope
from localart_tui.modals import Menu, Reading
from localart_tui.places import Place, place_document, read_state
from localart_tui.screens.help import HelpScreen
from localart_tui.table import VirtualTable

PROJECT = "car-that-drives-itself"
TELEMETRY = f"{PROJECT}/telemetry"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A store of 3,000 versions, that no test of this module changes."""
    folder = tmp_path_factory.mktemp("many") / "store"
    return make_big_store(folder, Shape(versions=3_000, artifacts=60, runs=300, files=3_000))


@pytest.fixture
def small(store):
    """A store as the library makes it, for tests that change or break it."""
    log_version(0)
    log_version(1)
    localart.finish()
    return store


def log_version(number, name="data"):
    with localart.init(project="demo", job_type="load", name=f"load-{number}") as run:
        artifact = localart.Artifact(
            name, type="dataset", metadata={"number": number, "deep": {"list": [1, 2]}}
        )
        with artifact.new_file("folder/a.txt") as file:
            file.write(f"content {number}")
        with artifact.new_file("b.csv") as file:
            file.write("x,y\n1,2\n")
        run.log_artifact(artifact, aliases=[f"alias-{number}"])


class Recorder(LocalartApp):
    """Keeps the places that are opened instead of opening those no page is there for."""

    asked = ()

    def open(self, place):
        self.asked = (*self.asked, place)
        if place.screen in {"artifacts", "versions", "artifact"}:
            super().open(place)


# --- the way in and back -----------------------------------------------------------------------------


@driven
async def test_enter_leads_from_projects_to_a_version_and_back_restores_each_page(many):
    async with browsing(many) as (app, pilot):
        app.page.table.go_to(PROJECT)
        await press(pilot, "enter")
        assert app.page.place == Place("artifacts", PROJECT)
        app.page.table.go_to("telemetry")
        await press(pilot, "enter", "down", "down", "enter")
        assert app.page.place.screen == "artifact"
        assert "telemetry" in bar(app, "crumbs")

        await press(pilot, "q")
        assert app.page.place == Place("versions", TELEMETRY)
        assert app.page.table.cursor == 2
        await press(pilot, "backspace", "h")
        assert app.page.place.screen == "home"
        assert app.page.table.cursor_id == PROJECT


@driven
async def test_filter_and_order_are_still_there_after_going_back(many):
    async with browsing(many, Place("versions", TELEMETRY)) as (app, pilot):
        await press(pilot, "slash", "1", "7", "enter", "s", "c")
        await press(pilot, "down", "down")
        before = app.page.here
        shown = len(app.page.table.source)
        assert before.view.filter == "17"
        assert before.view.sort == "-size"

        await press(pilot, "enter", "q")

        assert app.page.here == before
        assert len(app.page.table.source) == shown


@driven
async def test_minus_and_ctrl_o_travel_through_the_places_by_row_id(many):
    async with browsing(many, Place("versions", TELEMETRY)) as (app, pilot):
        await press(pilot, "down", "down", "down")
        row = app.page.table.cursor_id
        await press(pilot, "enter", "minus")
        assert app.page.place.screen == "versions"
        assert app.page.table.cursor_id == row
        await press(pilot, "minus")
        assert app.page.place.screen == "artifact"
        await press(pilot, "ctrl+o")
        assert app.page.place.screen == "versions"
        await press(pilot, "ctrl+n")
        assert app.page.place.screen == "artifact"


@driven
async def test_a_deep_link_goes_up_level_by_level(many):
    async with browsing(many, Place("artifact", f"{TELEMETRY}:v3")) as (app, pilot):
        await press(pilot, "q")
        assert app.page.place == Place("versions", TELEMETRY)
        await press(pilot, "q")
        assert app.page.place == Place("artifacts", PROJECT)
        await press(pilot, "q")
        assert app.page.place == Place("home")
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0


@driven
async def test_a_click_on_the_way_goes_there(many):
    async with browsing(many, Place("artifact", f"{TELEMETRY}:v3"), size=(120, 30)) as (app, pilot):
        at = bar(app, "crumbs").index("telemetry")

        await pilot.click("#crumbs", offset=(at + 2, 0))
        await ready(pilot)

        assert app.page.place == Place("versions", TELEMETRY)


@driven
async def test_a_deep_stack_stays_bounded_and_every_step_back_is_exact(many):
    async with browsing(many, Place("versions", TELEMETRY)) as (app, pilot):
        for number in range(15):
            app.open(Place("artifact", f"{TELEMETRY}:v{number}"))
            await ready(pilot)
        assert len(app.screen_stack) <= 12

        for number in reversed(range(14)):
            await press(pilot, "q")
            assert app.page.place.target == f"{TELEMETRY}:v{number}"
        await press(pilot, "q")

        assert app.page.place.is_page_of(Place("versions", TELEMETRY))
        assert not app.trail


# --- lists -------------------------------------------------------------------------------------------


@driven
async def test_a_filter_keeps_the_row_under_the_cursor_and_escape_clears_it(many):
    async with browsing(many, Place("versions", TELEMETRY)) as (app, pilot):
        total = len(app.page.table.source)
        app.page.table.move_to(len(app.page.table.source) - 18)
        row = app.page.table.cursor_id
        await press(pilot, "slash", "1", "7")
        assert len(app.page.table.source) < total
        assert app.page.table.cursor_id == row
        assert "/17" in bar(app, "crumbs")

        await press(pilot, "escape")

        assert len(app.page.table.source) == total
        assert app.page.table.cursor_id == row


@driven
@pytest.mark.parametrize(
    "place",
    [Place("home"), Place("artifacts", PROJECT), Place("runs", PROJECT), Place("versions", TELEMETRY)],
    ids=lambda place: place.screen,
)
async def test_a_filter_that_leaves_nothing_says_how_to_drop_it(many, place):
    """Seen to fail: the page was blank, and Escape left it."""
    async with browsing(many, place) as (app, pilot):
        total = len(app.page.table.source)

        await press(pilot, "slash", *"qqqq", "enter")
        assert "meets the filter.\n" in re.sub(r" +\n", "\n", screen_text(app))
        assert "/ changes it, and Esc there drops it." in screen_text(app)
        await press(pilot, "slash", "escape")

        assert "Esc there" not in screen_text(app)
        assert len(app.page.table.source) == total


@driven
async def test_the_status_row_tells_of_the_tab_that_is_shown(small):
    """Seen to fail: the number of values in the metadata stood below the files."""
    async with browsing(small, Place("artifact", "demo/data:v1")) as (app, pilot):
        await press(pilot, "2")
        assert "in the metadata" in bar(app, "status")

        await press(pilot, "3")

        assert "in 2 files" in bar(app, "status")


@driven
async def test_a_filter_that_cannot_be_right_is_said_and_changes_nothing(many):
    async with browsing(many, Place("versions", TELEMETRY)) as (app, pilot):
        total = len(app.page.table.source)

        app.page.filter_changed("re:(")
        await pilot.pause(0.1)
        await ready(pilot)

        assert "broken" in bar(app, "status")
        assert len(app.page.table.source) == total


@driven
async def test_heads_and_the_menu_order_the_list(many):
    async with browsing(many, Place("versions", TELEMETRY), size=(100, 30)) as (app, pilot):
        table = app.page.table

        def sizes():
            return [table.source.row(at).size_bytes for at in range(20)]

        head = screen_text(app).splitlines()[1]
        await pilot.click(VirtualTable, offset=(head.index("Size") + 1, 0))
        await ready(pilot)
        assert sizes() == sorted(sizes(), reverse=True)
        await press(pilot, "R")
        assert sizes() == sorted(sizes())
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(app.screen, Menu)
        await press(pilot, "a")
        assert table.source.row(0).number > table.source.row(1).number
        assert app.state.views["versions"] == {"sort": "-number"}


@driven
async def test_types_fold_and_unfold(many):
    async with browsing(many, Place("artifacts", PROJECT)) as (app, pilot):
        rows = len(app.page.table.source)
        await press(pilot, "up", "enter")
        assert len(app.page.table.source) < rows
        await press(pilot, "z")
        assert len(app.page.table.source) == rows
        await press(pilot, "z")
        assert len(app.page.table.source) == len({line.type for line in app.page.loaded.everything})


@driven
async def test_two_marks_are_compared_and_one_is_compared_with_the_cursor(many):
    async with browsing(many, Place("versions", TELEMETRY), app_class=Recorder) as (app, pilot):
        newest = app.page.table.source.row(0).number
        await press(pilot, "c")
        assert app.asked == ()

        await press(pilot, "space", "c")

        assert app.asked == (Place("compare", f"{TELEMETRY}:v{newest - 1}", (f"{TELEMETRY}:v{newest}",)),)
        assert app.page.table.marks == (app.page.table.source.id_at(0),)


@driven
async def test_a_range_is_marked_from_the_last_mark(many):
    async with browsing(many, Place("versions", TELEMETRY)) as (app, pilot):
        await press(pilot, "space", "down", "down", "v")
        assert len(app.page.table.marks) == 4
        assert "4 marked" in bar(app, "status")
        await press(pilot, "U")
        assert app.page.table.marks == ()


@driven
async def test_x_asks_for_the_lineage_of_the_row(many):
    async with browsing(many, Place("versions", TELEMETRY), app_class=Recorder) as (app, pilot):
        newest = app.page.table.source.row(0).number
        await press(pilot, "x")

        assert app.asked == (Place("graph", f"{TELEMETRY}:v{newest}"),)


@driven
async def test_every_page_key_moves_within_the_list(many):
    async with browsing(many, Place("versions", TELEMETRY)) as (app, pilot):
        table = app.page.table
        last = len(table.source) - 1
        for key, expected in [
            ("G", last),
            ("up", last - 1),
            ("g", 0),
            ("j", 1),
            ("k", 0),
            ("end", last),
            ("home", 0),
        ]:
            await pilot.press(key)
            assert table.cursor == expected, key
        await pilot.press("pagedown")
        page = table.cursor
        assert page > 10
        await pilot.press("ctrl+b")
        assert table.cursor == 0
        await pilot.press("ctrl+d")
        assert 0 < table.cursor < page


# --- a version ---------------------------------------------------------------------------------------


@driven
async def test_tabs_show_the_version_from_every_side(small):
    async with browsing(small, Place("artifact", "demo/data:v1"), size=(110, 40)) as (app, pilot):
        assert "alias-1" in screen_text(app)
        await press(pilot, "2")
        assert "deep.list" in screen_text(app)
        await press(pilot, "slash", "d", "e", "e", "p", "enter")
        assert "1 of 2" in bar(app, "status")
        await press(pilot, "3")
        assert "run.use_artifact('demo/data:v1')" in screen_text(app)
        await press(pilot, "4")
        assert "folder/" in screen_text(app)
        app.page.table.go_to("b.csv")
        await pilot.pause(0.4)
        assert "x" in screen_text(app)
        await press(pilot, "5")
        assert "load-1" in screen_text(app)
        await press(pilot, "left_square_bracket", "1")
        assert app.page.tab == "version"


@driven
async def test_folders_open_fold_and_are_filtered(many):
    async with browsing(many, Place("artifact", f"{PROJECT}/many-files:v0"), size=(110, 30)) as (app, pilot):
        await press(pilot, "4")
        table = app.page.table
        assert [table.source.id_at(at) for at in range(len(table.source))] == ["images/", "shards/"]
        await press(pilot, "enter", "G")
        assert len(table.source) == 2 + 1_500
        await press(pilot, "enter", "down", "enter", "end")
        assert table.cursor_id == "shards/0001/"
        table.go_to("images/0000777.jpg")
        assert table.source.row(table.cursor).name == "0000777.jpg"
        await press(pilot, "z")
        assert len(table.source) == 2
        await press(pilot, "slash", "7", "7", ".", "b", "enter")
        assert {row.line.path[-6:] for row in table.source.rows} == {"77.bin"}


@driven
async def test_a_version_that_is_not_there_is_said(small):
    async with browsing(small, Place("artifact", "demo/data:v99")) as (app, pilot):
        assert "v99" in screen_text(app)
        await press(pilot, "exclamation_mark")
        assert isinstance(app.screen, Reading)


# --- the same elsewhere --------------------------------------------------------------------------------


PAGES = [
    Place("home"),
    Place("artifacts", "demo"),
    Place("versions", "demo/data"),
    *(Place("artifact", "demo/data:v1").at(tab=tab) for tab in ("version", "metadata", "files", "lineage")),
]


@pytest.mark.parametrize("place", PAGES, ids=lambda place: f"{place.screen} {place.view.tab}".strip())
@driven
async def test_the_command_and_the_python_of_a_page_run(small, place, capsys):
    async with browsing(small, place) as (app, _):
        command, code = app.page.command, app.page.code

    from localart.cli.app import app as cli

    with pytest.raises(SystemExit) as ended:
        cli.main(__import__("shlex").split(command)[1:])
    assert ended.value.code == 0, command
    exec(compile(code, "page", "exec"), {})


@driven
async def test_the_menu_copies_a_name(small, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with browsing(small, Place("versions", "demo/data")) as (app, pilot):
        await pilot.press("y")
        await pilot.pause()
        assert "demo/data:v1" in screen_text(app)
        await press(pilot, "r")

        assert app.clipboard == "demo/data:v1"
        for _ in range(50):
            if (tmp_path / "localart" / "clipboard.txt").exists():
                break
            await pilot.pause(0.02)
        assert (tmp_path / "localart" / "clipboard.txt").read_text() == "demo/data:v1"


@driven
async def test_help_lists_the_keys_of_the_page_and_finds_them(small):
    async with browsing(small, Place("versions", "demo/data"), size=(100, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        assert isinstance(app.screen, HelpScreen)
        text = screen_text(app)
        for key in KEYS:
            if key.scope in {Scope.PAGE, Scope.LIST}:
                assert (key.says[:20] in text) == (key.id not in app.page.WITHOUT)
        for letter in "lineage":
            await pilot.press(letter)
        await pilot.pause(0.1)
        assert "one page up" not in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, HelpScreen)


@driven
async def test_help_says_in_a_narrow_terminal_what_a_key_does(small):
    """Seen to fail with `_COLUMNS` at every width: the names of the keys left two cells for it."""
    async with browsing(small, Place("versions", "demo/data"), size=(40, 12)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        assert "filter what is" in screen_text(app)


@driven
async def test_ctrl_c_says_which_key_quits(small):
    """Seen to fail without `action_help_quit`: nothing was said, for Textual looks for an action called quit."""
    async with browsing(small, Place("versions", "demo/data"), size=(80, 24)) as (app, pilot):
        await pilot.press("ctrl+c")
        await pilot.pause(0.2)
        assert "Q quits" in [said.message for said in app._notifications]


# --- stores in trouble -----------------------------------------------------------------------------------


@driven
async def test_an_empty_store_says_what_to_do_first(store):
    with localart.init(project="gone"):
        pass
    localart.finish()
    shutil.rmtree(store)
    from localart.repository import open_repository

    open_repository(store).close()
    async with browsing(store) as (app, pilot):
        assert "localart demo" in screen_text(app)
        assert "run.log_artifact" in screen_text(app)
        assert "localart put numbers.txt -n demo/numbers" in screen_text(app)  # it puts two things without -n
        await press(pilot, "down", "enter", "s", "escape", "x", "c", "G", "slash", "a", "escape")
        assert "localart demo" in screen_text(app)


@driven
async def test_what_others_log_appears_at_the_top_and_is_only_announced_elsewhere(small):
    async with browsing(small, Place("versions", "demo/data")) as (app, pilot):
        app._poll()
        log_version(2)
        app._poll()
        await ready(pilot)
        assert app.page.table.source.row(0).number == 2

        await press(pilot, "down")
        log_version(3)
        app._poll()
        await ready(pilot)
        assert app.page.table.source.row(0).number == 2
        assert "changed" in bar(app, "crumbs")
        row = app.page.table.cursor_id
        await press(pilot, "r")
        assert app.page.table.source.row(0).number == 3
        assert app.page.table.cursor_id == row
        assert "changed" not in bar(app, "crumbs")


@driven
async def test_a_store_that_goes_away_is_said_and_found_again(small):
    async with browsing(small, Place("versions", "demo/data")) as (app, pilot):
        app._poll()
        away = small.with_name("away")
        os.rename(small, away)
        app._poll()
        assert app.page.error is not None
        assert app.page.error.message[:20] in bar(app, "status")
        await press(pilot, "r", "down", "enter", "q")
        os.rename(away, small)

        for _ in range(100):
            await pilot.press("r")
            await pilot.pause(0.05)
            if app.page.error is None:
                break

        assert app.page.error is None
        assert len(app.page.table.source) == 2


@driven
async def test_a_damaged_catalog_is_said(small):
    localart.finish()
    from localart.repository.opening import close_all

    close_all()
    async with browsing(small, Place("home")) as (app, pilot):
        size = (small / "localart.db").stat().st_size
        (small / "localart.db").write_bytes(
            (small / "localart.db").read_bytes()[:4096] + os.urandom(size - 4096)
        )
        app.store.open_again()
        await press(pilot, "r", "enter")
        assert "damaged" in screen_text(app)
        await press(pilot, "q", "q")


@driven
async def test_a_locked_catalog_is_tried_again(small):
    from localart.repository.opening import close_all

    close_all()
    async with browsing(small, Place("versions", "demo/data")) as (app, pilot):
        other = sqlite3.connect(small / "localart.db", isolation_level=None)
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        await pilot.press("r")
        while "locked" not in bar(app, "status") and time.monotonic() - started < 8:
            await pilot.pause(0.1)
        assert "trying again" in bar(app, "status")
        assert len(app.page.table.source) == 2
        other.execute("ROLLBACK")
        other.close()
        started = time.monotonic()
        while app.page.error is not None and time.monotonic() - started < 8:
            await pilot.pause(0.1)
        assert app.page.error is None


@driven
async def test_the_browser_cannot_write(small):
    async with browsing(small) as (app, _):
        with pytest.raises(localart.LocalartError):
            app.store.connection().execute("DELETE FROM aliases")


@driven
async def test_a_store_is_one_file_again_when_the_last_reader_leaves(small):
    from localart.repository.opening import close_all

    async with browsing(small):
        log_version(7)
        close_all()
        assert (small / "localart.db-wal").exists()

    assert not (small / "localart.db-wal").exists()


# --- memory ------------------------------------------------------------------------------------------


@driven
async def test_theme_order_and_last_place_are_there_next_time(small, tmp_path):
    file = tmp_path / "tui.json"
    async with browsing(small, Place("versions", "demo/data"), state_file=file) as (app, pilot):
        await press(pilot, "T", "s", "c")
        chosen = app.theme
        await pilot.press("Q")
        await pilot.pause()
    state = read_state(file)
    assert state.theme == chosen
    assert state.last[str(app.store.root)] == place_document(app.history.here)

    async with browsing(small, Place("home"), state_file=file) as (app, pilot):
        assert app.theme == chosen
        await press(pilot, "minus")
        assert app.page.place.screen == "versions"
        assert app.page.sort == ("size", True)


@driven
async def test_keys_are_changed_by_their_ids(small, tmp_path):
    file = tmp_path / "tui.toml"
    file.write_text('[keys]\n"list.mark" = "m"\n"nope" = "x"\n')
    async with browsing(small, Place("versions", "demo/data"), keys_file=file) as (app, pilot):
        await press(pilot, "m")
        assert len(app.page.table.marks) == 1


@driven
async def test_leaving_gives_the_name_under_the_cursor(small):
    async with browsing(small, Place("versions", "demo/data")) as (app, pilot):
        await pilot.press("Q")
        await pilot.pause()
    assert app.return_value == "demo/data:v1"
