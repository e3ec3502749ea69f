"""The page of a run: what each tab shows, and that every key does what the key table says."""

import shlex

import pytest
from big_store import EVIL, Shape, make_big_store
from browsing_app import bar, browsing, press, ready, screen_text
from runs_made import in_store, make_rich_run, make_runs, until
from terminal import Terminal, browser
from tui_driven import driven, settled

import localart
from localart_tui.app import LocalartApp
from localart_tui.charts.chart import Chart
from localart_tui.fullpicture import FullPicture
from localart_tui.keys import KEYS, Scope
from localart_tui.modals import Menu, Reading
from localart_tui.picker import Picker
from localart_tui.pictures.protocols import Protocol
from localart_tui.places import Place
from localart_tui.screens.run_tabs.charts import ChartsPanel

RICH = Place("run", "run:demo/rich")
FAILED = Place("run", "run:demo/r1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Some runs, that no test of this module changes."""
    with in_store(tmp_path_factory.mktemp("made") / "store") as root:
        make_runs(3)
        make_rich_run()
    return root


class Recorder(LocalartApp):
    """Keeps the places that are opened, and opens none."""

    asked = ()

    def open(self, place):
        self.asked = (*self.asked, place)


async def shows(pilot, *words):
    await until(pilot, lambda: all(word in screen_text(pilot.app) for word in words))


# --- overview ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(140, 40), (80, 60)], ids=["beside", "below"])
@driven
async def test_the_overview_tells_everything_at_a_glance(made, size):
    async with browsing(made, RICH, size=size) as (app, pilot):
        text = screen_text(app)
        for word in (
            "rich",
            "train",
            "✓ finished",
            "gold",
            "first line",
            "second line",
            "1 alert",
            "too slow",
        ):
            assert word in text, word
        for word in ("inputs  1", "data:v0", "outputs  2", "model:v0", "metrics  2", "loss", "0.8", "▇"):
            assert word in text, word
        await press(pilot, "w")
        assert app.page.table.id == ("links" if size[0] >= 120 else "facts")


@driven
async def test_lines_of_the_overview_lead_to_versions_charts_and_runs_of_the_group(made):
    async with browsing(made, RICH, size=(80, 60), app_class=Recorder) as (app, pilot):
        table = app.page.table
        version = next(
            key for at in range(len(table.source)) if (key := table.source.id_at(at)).startswith("inputs:")
        )
        table.go_to(version)
        await press(pilot, "enter")
        assert app.asked == (Place("artifact", "demo/data:v0"),)
        table.go_to("metric:loss")
        await press(pilot, "enter")
        await settled(pilot)
        assert app.page.tab == "charts"
        assert app.page.query_one(ChartsPanel).metric == "loss"


@driven
async def test_a_failed_run_shows_the_end_of_its_traceback_and_enter_all_of_it(made):
    async with browsing(made, FAILED, size=(100, 50)) as (app, pilot):
        text = screen_text(app)
        assert "✗ failed" in text
        assert "what went wrong" in text
        assert "ValueError: the loss is not a number" in text
        app.page.table.go_to("error")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Reading)
        assert "Traceback (most recent call last)" in screen_text(app)


# --- config, summary, versions --------------------------------------------------------------------------


@driven
async def test_config_and_summary_are_filtered_and_read_whole(made):
    async with browsing(made, RICH) as (app, pilot):
        await press(pilot, "2")
        assert "model.depth" in screen_text(app)
        await press(pilot, "slash", "d", "e", "p", "enter")
        assert "1 of 2 in the config" in bar(app, "status")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Reading)
        await press(pilot, "q", "3")
        assert app.page.view.filter == ""
        assert "acc" in screen_text(app)
        assert "in the summary" in bar(app, "status")
        await press(pilot, "2")
        assert app.page.view.filter == "dep"


@driven
async def test_inputs_and_outputs_lead_to_their_versions(made):
    async with browsing(made, RICH, size=(120, 30), app_class=Recorder) as (app, pilot):
        await press(pilot, "5")
        assert "training" in screen_text(app)
        assert "1 input" in bar(app, "status")
        await press(pilot, "enter", "6")
        assert "model:v0" in screen_text(app)
        app.page.table.move_to(1)
        await press(pilot, "l")
        assert app.asked == (Place("artifact", "demo/data:v0"), Place("artifact", "demo/model:v0"))


# --- charts ----------------------------------------------------------------------------------------------


@driven
async def test_charts_stand_side_by_side_and_enter_looks_into_one(made):
    async with browsing(made, Place("run", "run:demo/r0"), size=(120, 40)) as (app, pilot):
        await press(pilot, "4")
        await settled(pilot)
        panel = app.page.query_one(ChartsPanel)
        assert len(panel.query(Chart)) == 3
        assert panel.metric == "loss"
        await press(pilot, "right")
        assert panel.metric == "val/acc"
        await press(pilot, "down", "k", "G", "g", "l", "enter")
        await settled(pilot)
        assert [chart.metric for chart in panel.query(Chart)] == ["val/acc"]
        assert app.page.scopes[0] is Scope.CHART
        await press(pilot, "tab")
        assert panel.metric == "epoch"
        await press(pilot, "q")
        await settled(pilot)
        assert len(panel.query(Chart)) == 3
        assert panel.metric == "epoch"
        assert app.page.place == Place("run", "run:demo/r0")


@pytest.mark.parametrize("alone", [False, True], ids=["side by side", "alone"])
@driven
async def test_a_metric_is_picked_by_typing_its_name(made, alone):
    async with browsing(made, Place("run", "run:demo/r0").at(tab="charts"), size=(120, 40)) as (app, pilot):
        await settled(pilot)
        if alone:
            await press(pilot, "enter")
            await settled(pilot)
        await pilot.press("m")
        await pilot.pause()
        assert isinstance(app.screen, Picker)
        for key in ("a", "c", "c", "enter"):
            await pilot.press(key)
        await pilot.pause()
        assert app.page.query_one(ChartsPanel).metric == "val/acc"


@driven
async def test_runs_are_drawn_one_over_the_other(made):
    place = Place("charts", "run:demo/r0", ("run:demo/r1", "run:demo/r2"))
    async with browsing(made, place, size=(120, 40)) as (app, pilot):
        await settled(pilot)
        await shows(pilot, "● run-0", "▲ run-1", "■ run-2")
        await press(pilot, "enter")
        await settled(pilot)
        assert "run-2" in screen_text(app)
        await press(pilot, "L", "x", "q")
        await settled(pilot)
        texts = {copy.key: copy.text for copy in app.page.copies()}
        assert texts["r"] == "run:demo/r0 run:demo/r1 run:demo/r2"


# --- files and media -------------------------------------------------------------------------------------


@driven
async def test_files_are_read_and_folders_open(made):
    async with browsing(made, RICH.at(tab="files"), size=(120, 40)) as (app, pilot):
        table = app.page.table
        table.go_to("file:output.log")
        await shows(pilot, "this was printed")
        table.go_to("folder:media")
        rows = len(table.source)
        await press(pilot, "enter")
        assert len(table.source) > rows
        await press(pilot, "z")
        assert len(table.source) == rows
        await press(pilot, "slash", "l", "o", "g", "enter")
        assert [row.path for row in table.source.rows] == ["output.log"]
        await press(pilot, "enter")
        await pilot.pause(0.3)
        assert "-inside" in app.page._files.classes
        await press(pilot, "q")
        assert "-inside" not in app.page._files.classes
        assert app.page.place.is_page_of(RICH)


@driven
async def test_pictures_are_looked_through_step_by_step(made):
    async with browsing(made, RICH.at(tab="files"), size=(120, 40)) as (app, pilot):
        app.page.table.go_to("media:samples")
        await shows(pilot, "step 2", "3 of 3", "picture 0 at 2", "picture 1 at 2", "▀")
        await pilot.press("less_than_sign")
        await shows(pilot, "step 1", "picture 0 at 1")
        await pilot.press("left_curly_bracket")
        await shows(pilot, "step 0")
        await pilot.press("full_stop", "n")
        await shows(pilot, "step 1", "picture 2 of 2", "▶ picture 1 at 1")
        await pilot.press("right_curly_bracket")
        await shows(pilot, "step 2")
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, FullPicture))
        await shows(pilot, "picture 0 at 2", "q closes")
        await pilot.press("q")
        await pilot.pause()
        assert app.screen is app.page


@driven
async def test_what_is_no_picture_shows_what_its_file_holds(made):
    async with browsing(made, RICH.at(tab="files"), size=(120, 40)) as (app, pilot):
        app.page.table.go_to("media:table")
        await shows(pilot, "a cell")
        app.page.table.go_to("media:weights")
        await shows(pilot, "numbers", "6")


@driven
async def test_pictures_that_are_off_are_said_to_be(made):
    async with browsing(made, RICH.at(tab="files"), size=(120, 40), images="off") as (app, pilot):
        assert app.images is Protocol.OFF
        app.page.table.go_to("media:samples")
        await shows(pilot, "picture 0 at 2")
        await pilot.press("f")
        await until(pilot, lambda: app._notifications)
        assert app.screen is app.page


def test_sixels_are_painted_alone_on_the_terminal(made, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    terminal = Terminal(browser(made, "run:demo/rich", "--images", "sixel"), columns=120, rows=40)
    terminal.start(quiet=1.5)
    terminal.press(b"7", quiet=1.2)
    terminal.press(b"/sampl\r", quiet=1.5)

    painted = terminal.press(b"f", quiet=1.5).written

    assert b'\x1bP0;1;0q"1;1;' in painted
    assert b"picture 0 at 2 (Enter goes back)" in painted
    back = terminal.press(b"\r", quiet=1.2).written
    assert b"\x1b[?1049h" in back
    assert b"Lineage" in back
    terminal.press(b"Q")
    terminal.close()


# --- everything ------------------------------------------------------------------------------------------


@driven
async def test_the_lineage_is_drawn(made):
    async with browsing(made, RICH, size=(120, 40)) as (_, pilot):
        await press(pilot, "8")
        await shows(pilot, "data:v0", "model:v0")


@pytest.mark.parametrize("tab", ["overview", "config", "charts", "inputs", "outputs", "files", "lineage"])
@driven
async def test_the_command_and_the_python_of_a_tab_run(made, tab, monkeypatch):
    monkeypatch.setenv("LOCALART_DIR", str(made))
    async with browsing(made, RICH.at(tab=tab)) as (app, pilot):
        await settled(pilot)
        command, code = app.page.command, app.page.code
    from localart.cli.app import app as cli

    with pytest.raises(SystemExit) as ended:
        cli.main(shlex.split(command)[1:])
    assert ended.value.code == 0, command
    exec(compile(code, "page", "exec"), {})
    localart.finish()


@driven
async def test_everything_that_can_be_copied_is_about_this_run(made):
    async with browsing(made, FAILED) as (app, pilot):
        texts = {copy.key: copy.text for copy in app.page.copies()}
        assert texts["r"] == "run:demo/r1"
        assert '"lr": 0.1' in texts["j"]
        assert "ValueError" in texts["t"]
        await pilot.press("y")
        await pilot.pause()
        assert isinstance(app.screen, Menu)


SAFE = {"app.quit", "app.suspend", "app.back", "app.store", "app.find", "app.theme", "files.pager"}
SCOPES = {Scope.PAGE, Scope.LIST, Scope.TABS, Scope.RUN, Scope.FILES, Scope.MEDIA, Scope.CHARTS, Scope.CHART}


WIDE, TINY = (130, 40), (40, 12)
BACK = {"q", "h", "backspace", "escape", "left"}


@pytest.mark.parametrize(
    ("tab", "size"),
    [
        ("charts", TINY),
        ("files", WIDE),
        *(
            pytest.param(tab, size, marks=pytest.mark.sweep)
            for tab in ("overview", "config", "summary", "charts", "inputs", "files")
            for size in (WIDE, TINY)
        ),
    ],
    ids=str,
)
@driven
async def test_no_key_on_any_tab_does_harm(made, tab, size):
    async with browsing(made, RICH.at(tab=tab), size=size, app_class=Recorder) as (app, pilot):
        for key in KEYS:
            if key.scope in SCOPES and key.id not in SAFE and not key.id.startswith("tabs."):
                for name in set(key.names) - BACK:
                    await pilot.press(name)
                for _ in range(3):
                    if app.screen is not app.page:
                        app.screen.dismiss()
                        await pilot.pause()
                if app.page.query("FilterInput:focus"):
                    await pilot.press("escape")
        await ready(pilot)
        assert app.page.place.is_page_of(RICH)
        assert app.page.error is None


@driven
async def test_the_page_comes_back_to_its_tab_and_row(made):
    async with browsing(made, Place("run", "run:demo/r0").at(tab="charts", cursor="val/acc")) as (app, pilot):
        await settled(pilot)
        assert app.page.query_one(ChartsPanel).metric == "val/acc"
        assert app.page.here.view.tab == "charts"
        app.open(Place("run", "run:demo/rich").at(tab="summary", cursor="loss"))
        await ready(pilot)
        assert app.page.table.cursor_id == "loss"
        await press(pilot, "q")
        assert app.page.here.view.cursor == "val/acc"


@driven
async def test_a_run_that_is_not_there_is_said(made):
    async with browsing(made, Place("run", "run:demo/none")) as (app, pilot):
        assert "none" in screen_text(app)
        await press(pilot, "1", "4", "7", "x", "y", "escape", "slash", "escape", "w", "f", "q")


@pytest.mark.parametrize(
    "tab",
    [
        "overview", "config", "charts", "outputs",
        *(pytest.param(tab, marks=pytest.mark.sweep) for tab in ("summary", "inputs", "files", "lineage")),
    ],
)  # fmt: skip
@driven
async def test_hostile_runs_have_pages_without_raw_codes(hostile, tab):
    for number in (6, 57):
        place = Place("run", f"run:car-that-drives-itself/r{number:07x}").at(tab=tab)
        async with browsing(hostile, place, size=(120, 40)) as (app, pilot):
            await settled(pilot)
            text = screen_text(app)
            assert not any(ord(char) < 32 and char != "\n" for char in text)
            assert "\x9b" not in text
            assert "\u202e" not in text


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    shape = Shape(versions=60, artifacts=10, runs=120, files=0, hostile=True)
    return make_big_store(tmp_path_factory.mktemp("hostile") / "store", shape)


def fail_with(text):
    raise ValueError(text)


@driven
async def test_hostile_config_metrics_captions_and_errors_reach_the_screen_only_cleaned(store):
    evil = [text for text in EVIL if "\x00" not in text and len(text) < 200]
    try:
        with localart.init(
            project="demo", id="evil", name="evil", tags=["[/]"], notes="\n".join(evil)
        ) as run:
            run.config.update({f"k{n}": text for n, text in enumerate(evil)})
            for number, text in enumerate(evil):
                run.log(
                    {
                        f"m{number} [/] [@click=app.quit]x": number,
                        "pictures": localart.Image([[[1, 2, 3]]], caption=text),
                    }
                )
            print("\n".join(evil))
            fail_with(" ".join(evil))
    except ValueError:
        pass
    localart.finish()
    async with browsing(store, Place("run", "run:demo/evil"), size=(120, 40)) as (app, pilot):
        for key in ("1", "2", "3", "4", "7", "j", "j", "n", "less_than_sign", "f", "q", "y", "escape"):
            await press(pilot, key)
            await pilot.pause(0.15)
            text = screen_text(app)
            assert not any(ord(char) < 32 and char != "\n" for char in text)
            assert "\x9b" not in text
            assert "\u202e" not in text
