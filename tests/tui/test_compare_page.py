"""Comparing in the browser: what is told, which keys show what, and that long and hostile things are shown, too."""

import resource

import pytest
from big_store import EVIL, Shape, make_big_store
from browsing_app import bar, browsing, press, ready, screen_text
from test_core_hostile import check
from tui_driven import driven

import localart
from localart.operations.diff import Change
from localart_tui.comparing import oldest_first
from localart_tui.filediff import FileDiffScreen
from localart_tui.modals import Reading
from localart_tui.packed import CHUNK_ROWS, FileRow, PackedRows, PackedSource
from localart_tui.places import Place

BOTH = Place("compare", "p/data:v0", ("p/data:v1",))


def log(files, *, metadata, config, name="data"):
    with localart.init(project="p", job_type="make", name=f"make-{metadata['n']}", config=config) as run:
        if metadata["n"]:
            run.use_artifact("data:latest")
        for step in range(3):
            run.log({"loss": 1.0 / (step + 1)})
        artifact = localart.Artifact(name, type="dataset", metadata=metadata)
        for path, content in files.items():
            with artifact.new_file(path, "wb") as file:
                file.write(content)
        run.log_artifact(artifact)
    return run.id


@pytest.fixture
def two(store):
    """Two versions, and the ids of the runs that made them."""
    same = {f"same/{number:02}": str(number).encode() for number in range(30)}
    before = {"a.txt": b"one\ntwo\n", "gone.txt": b"x", "n.npy": b"\x93NUMPY\0one", **same}
    after = {"a.txt": b"one\n2\n", "new.txt": b"yy", "n.npy": b"\x93NUMPY\0two!", **same}
    runs = [
        log(before, metadata={"n": 0, "acc": 0.5, "same": 1}, config={"lr": 0.1}),
        log(after, metadata={"n": 1, "acc": 0.75, "same": 1}, config={"lr": 0.2}),
    ]
    localart.finish()
    return store, runs


def rows(app):
    table = app.page.table
    return [table.source.row(at) for at in range(len(table.source))]


def names(app):
    return [getattr(row, "path", "") if isinstance(row, FileRow) else row.name for row in rows(app)]


@driven
async def test_only_what_differs_is_shown_first_with_signs_sides_and_deltas(two):
    async with browsing(two[0], BOTH) as (app, pilot):
        await press(pilot, "3")
        assert names(app) == ["a.txt", "gone.txt", "n.npy", "new.txt"]
        text = screen_text(app)
        assert "v0 ┃ v1" in bar(app, "crumbs")
        assert "~  a.txt" in text
        assert "-  gone.txt" in text
        assert "+  new.txt" in text
        assert "+1 -1 ~2 =30" in text

        await press(pilot, "2")
        assert names(app) == ["acc", "n"]
        assert "+0.25 (+50.0 %)" in screen_text(app)
        await press(pilot, "4")
        assert names(app) == ["p/data"]
        await press(pilot, "5")
        assert names(app) == ["lr"]


@driven
async def test_marked_versions_are_compared_with_the_oldest_first(two):
    async with browsing(two[0], Place("versions", "p/data")) as (app, pilot):
        await press(pilot, "space", "space", "c")
        assert app.page.place == BOTH


def test_what_has_no_numbers_stays_in_the_order_it_was_marked():
    assert oldest_first(["p/a:v10", "p/a:v9"]) == ["p/a:v9", "p/a:v10"]
    assert oldest_first(["p/b:v2", "p/a:v1"]) == ["p/b:v2", "p/a:v1"]
    assert oldest_first(["run:p/b", "run:p/a"]) == ["run:p/b", "run:p/a"]


@driven
async def test_each_kind_is_shown_or_hidden_by_its_key(two):
    async with browsing(two[0], BOTH) as (app, pilot):
        await press(pilot, "3", "a")
        assert "new.txt" not in names(app)
        await press(pilot, "r")
        assert names(app) == ["a.txt", "n.npy"]
        await press(pilot, "m")
        assert names(app) == []
        assert "No differences" in screen_text(app)
        await press(pilot, "a", "r", "m", "u")
        assert len(names(app)) == 34
        assert bar(app, "crumbs").rstrip().endswith("all")


@driven
async def test_n_goes_from_difference_to_difference_over_what_is_the_same(two):
    async with browsing(two[0], BOTH) as (app, pilot):
        await press(pilot, "3", "u", "G", "N")
        assert app.page.table.cursor_row.path == "new.txt"
        await press(pilot, "N", "N", "n")
        assert app.page.table.cursor_row.path == "n.npy"


@driven
async def test_a_text_opens_as_the_lines_that_differ(two):
    async with browsing(two[0], BOTH) as (app, pilot):
        await press(pilot, "3", "enter")
        assert isinstance(app.screen, FileDiffScreen)
        text = screen_text(app)
        assert "-two" in text
        assert "+2" in text
        await pilot.press("n", "y", "q")
        await ready(pilot)
        assert app.page.place.screen == "compare"


@driven
async def test_what_is_no_text_is_compared_by_its_facts(two):
    async with browsing(two[0], BOTH) as (app, pilot):
        await press(pilot, "3", "down", "down", "d")
        assert isinstance(app.screen, FileDiffScreen)
        assert "Its lines are not shown: it is no text" in screen_text(app)
        assert "size" in screen_text(app)
        await pilot.press("n", "y", "escape")


@driven
async def test_a_value_opens_whole_and_an_input_opens_its_page(two):
    async with browsing(two[0], BOTH) as (app, pilot):
        await press(pilot, "2", "enter")
        assert isinstance(app.screen, Reading)
        assert "p/data:v0" in screen_text(app)
        await pilot.press("q")
        await press(pilot, "4", "enter")
        assert app.page.place == Place("artifact", "p/data:v0")
        await press(pilot, "q")
        assert app.page.place.screen == "compare"


@driven
async def test_swapping_the_sides_turns_added_into_removed(two):
    async with browsing(two[0], BOTH) as (app, pilot):
        await press(pilot, "3", "s")
        assert app.page.place.target == "p/data:v1"
        assert {row.path: row.change for row in rows(app)}["new.txt"] is Change.REMOVED


@driven
async def test_runs_are_compared_by_config_results_and_charts(two):
    store, (one, other) = two
    place = Place("compare", f"run:p/{one}", (f"run:p/{other}",))
    async with browsing(store, place) as (app, pilot):
        assert "make-0 ┃ make-1" in bar(app, "crumbs")
        await press(pilot, "2")
        assert names(app) == ["lr"]
        await press(pilot, "6")
        assert "loss" in screen_text(app)
        await press(pilot, "1", "2")
        assert app.page.command == f"localart diff run:p/{one} run:p/{other}"


@driven
async def test_the_filter_chooses_rows_of_every_tab_and_can_be_dropped(two):
    async with browsing(two[0], BOTH) as (app, pilot):
        await press(pilot, "3", "slash", *"new", "enter")
        assert names(app) == ["new.txt"]
        await press(pilot, "slash", "escape")
        assert len(names(app)) == 4


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place("compare", "p/data:v0", ("p/data:v9",)), "has no version"),
        (Place("compare", "p/data:v0", ("run:x",)), "cannot be compared with a version"),
        (Place("compare", "p/data:v0"), "only one side"),
    ],
    ids=["gone", "mixed", "alone"],
)
@driven
async def test_what_cannot_be_compared_is_said(two, place, words):
    async with browsing(two[0], place) as (app, pilot):
        assert words in screen_text(app)
        await press(pilot, "3", "d", "n", "s", "y", "escape", "e", "escape")


@driven
async def test_r_tries_again_when_the_store_was_away(two):
    away = two[0].with_name("away")
    two[0].rename(away)
    async with browsing(away, BOTH) as (app, pilot):
        app.page.loaded = None
        app.store.open_again()
        away.rename(two[0])
        await pilot.press("R")
        await ready(pilot)
        assert app.page.error is not None
        two[0].rename(away)
        await press(pilot, "r")
        assert app.page.error is None
        assert app.page.loaded is not None


@driven
async def test_a_version_compared_with_itself_says_that_nothing_differs(two):
    async with browsing(two[0], Place("compare", "p/data:v0", ("p/data:latest",))) as (app, pilot):
        await press(pilot, "2", "3")
        assert len(names(app)) == 4
    async with browsing(two[0], Place("compare", "p/data:v1", ("p/data:latest",))) as (app, pilot):
        await press(pilot, "3")
        assert "No differences here" in screen_text(app)


@pytest.mark.parametrize("size", [(40, 12), (120, 40)], ids=["small", "large"])
@driven
async def test_hostile_texts_are_only_text(store, size):
    traps = {f"k{number}{text[:100]}": text for number, text in enumerate(EVIL) if "\x00" not in text}
    for number in range(2):
        metadata = {"n": number, **{key: [value[:500], number] for key, value in traps.items()}}
        log(
            {"a.txt": "\n".join([*EVIL, str(number)]).encode("utf-8", "replace")},
            metadata=metadata,
            config={},
        )
    localart.finish()
    async with browsing(store, BOTH, size=size) as (app, pilot):
        for keys in (("1",), ("2", "u"), ("enter",), ("q", "3", "down", "enter"), ("n", "pagedown")):
            for key in keys:
                await pilot.press(key)
                await pilot.pause(0.1)
                check(app)


# --- long lists --------------------------------------------------------------------------------------------


def test_packed_rows_are_found_by_path_while_more_come_in():
    packed = PackedRows()
    expected = []
    for number in range(3 * CHUNK_ROWS + 7):
        change = Change.SAME if number % 3 else Change.MODIFIED
        row = FileRow(f"d/{number:06}", change, (number, None if number % 5 else 2**60))
        packed.append(row)
        expected.append(row)
        assert packed.row(number) == row
    source = PackedSource(packed, packed.places({Change.MODIFIED}))
    wanted = [row for row in expected if row.change is Change.MODIFIED]

    assert [source.row(at) for at in range(len(source))] == wanted
    assert all(source.index_of(row.path) == at for at, row in enumerate(wanted))
    assert source.index_of("d/000001") is None
    assert source.index_of("zz") is None
    assert len(packed.places(set(Change), "00077 D/")) == 6


@driven
async def test_many_files_come_in_with_a_count(tmp_path):
    store = make_big_store(tmp_path / "store", Shape(versions=40, artifacts=4, runs=5, files=30_000))
    project = "car-that-drives-itself"
    place = Place("compare", f"{project}/telemetry:v0", (f"{project}/many-files:v0",))
    async with browsing(store, place) as (app, pilot):
        await press(pilot, "3")
        assert len(app.page.table.source) > 30_000
        await press(pilot, "G", "g", "slash", *"0007", "enter", "G")
        assert "0007" in app.page.table.cursor_row.path
        await press(pilot, "q")


@pytest.mark.sweep
@driven
async def test_a_million_files_stay_in_bounded_memory(tmp_path):
    store = make_big_store(tmp_path / "store", Shape(versions=40, artifacts=4, runs=5, files=1_000_000))
    project = "car-that-drives-itself"
    place = Place("compare", f"{project}/telemetry:v0", (f"{project}/many-files:v0",))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with browsing(store, place) as (app, pilot):
        await pilot.press("3")
        await ready(pilot, 120)
        await press(pilot, "G", "g")
        assert len(app.page.table.source) > 1_000_000
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 120 << 10


@driven
async def test_its_command_and_its_python_work(two, capsys):
    store, (one, other) = two
    found = []
    for place in (BOTH, Place("compare", f"run:p/{one}", (f"run:p/{other}",))):
        async with browsing(store, place) as (app, _):
            found.append((app.page.command, app.page.code))

    for command, code in found:
        capsys.readouterr()
        exec(compile(code, "snippet", "exec"), {})
        said = capsys.readouterr().out
        assert "acc 0.5 0.75" in said or "loss" in said
        from click.testing import CliRunner

        from localart.cli.app import app as cli

        assert CliRunner().invoke(cli, command.split()[1:]).exit_code == 1
