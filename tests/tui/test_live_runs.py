"""Another process logs while one looks: its numbers appear within about a second, and the cursor stays."""

import pytest
from browsing_app import bar, browsing, press, ready, screen_text
from runs_made import Logger, make_runs, until
from tui_driven import driven, settled

import localart
from localart.repository.opening import close_all
from localart_tui.charts.chart import Chart
from localart_tui.data.live import is_alive, tail_mark, tail_points
from localart_tui.data.live_metrics import LiveMetrics
from localart_tui.data.run_page import find_run, read_run
from localart_tui.data.store import open_store
from localart_tui.places import Place

LIVE = Place("run", "run:demo/live")
RUNS = Place("runs", "demo")
ABOUT_A_SECOND = 2.5  # half a second until it is committed, half until it is seen, and a busy machine


@pytest.fixture
def logger(store):
    started = Logger()
    yield started
    started.close()


def row(app, name):
    return next((line for line in screen_text(app).splitlines() if name in line), "")


@driven
async def test_the_overview_of_a_run_moves_while_it_logs_and_the_cursor_does_not(store, logger):
    logger.tell("log 5.5")
    async with browsing(store, LIVE, size=(140, 40)) as (app, pilot):
        await until(pilot, lambda: "5.5" in screen_text(app))
        assert "◐ running" in screen_text(app)
        app.page.table.go_to("project")
        top = app.page.table.top

        logger.tell("log 3.25")
        waited = await until(pilot, lambda: "3.25" in screen_text(app))

        assert waited < ABOUT_A_SECOND
        assert app.page.table.cursor_id == "project"
        assert app.page.table.top == top
        logger.tell("finish")
        await until(pilot, lambda: "✓ finished" in screen_text(app))
        assert app.page.table.cursor_id == "project"


@driven
async def test_the_summary_follows_and_keeps_its_row_and_filter(store, logger):
    logger.tell("log 5.5")
    async with browsing(store, LIVE.at(tab="summary", filter="loss"), size=(100, 20)) as (app, pilot):
        await until(pilot, lambda: "5.5" in screen_text(app))
        logger.tell("log 0.75")
        await until(pilot, lambda: "0.75" in screen_text(app))
        assert app.page.view.filter == "loss"
        assert app.page.table.cursor_id == "loss"
        assert app.page.tab == "summary"


@driven
async def test_a_chart_grows_also_when_it_is_alone(store, logger):
    for value in (5, 4, 3):
        logger.tell(f"log {value}")
    async with browsing(store, LIVE.at(tab="charts"), size=(100, 30)) as (app, pilot):
        await until(pilot, lambda: "loss" in screen_text(app))
        await press(pilot, "enter")
        await settled(pilot)
        chart = app.page.query(Chart).first()
        before = max(point.step for point in chart._overview[0].points)
        logger.tell("log 2")
        await until(pilot, lambda: max(point.step for point in chart._overview[0].points) > before)
        assert app.focused is chart


@driven
async def test_the_log_is_read_as_it_is_printed(store, logger):
    logger.tell("print the first line")
    async with browsing(store, LIVE.at(tab="files"), size=(120, 30)) as (app, pilot):
        await until(pilot, lambda: "the first line" in screen_text(app))
        for number in range(60):
            logger.tell(f"print line {number}")
        await until(pilot, lambda: "line 59" in screen_text(app))
        logger.tell("finish")
        await until(pilot, lambda: "printing" not in screen_text(app))
        assert "line 59" in screen_text(app)


@driven
async def test_the_list_shows_a_new_run_at_its_top_and_its_newest_numbers(store):
    make_runs(3)
    async with browsing(store, RUNS, size=(120, 20)) as (app, pilot):
        chosen = app.page.table.cursor_id
        logger = Logger()
        await until(pilot, lambda: "live" in row(app, "live"))
        assert app.page.table.cursor_id == chosen
        logger.tell("log 7.125")
        assert await until(pilot, lambda: "7.125" in row(app, "live")) < ABOUT_A_SECOND
        assert "◐" in row(app, "live")
        logger.tell("finish")
        await until(pilot, lambda: "✓" in row(app, "live"))
        assert app.page.table.cursor_id == chosen
        logger.close()


@driven
async def test_elsewhere_in_the_list_rows_are_renewed_but_none_comes_in(store, logger):
    logger.tell("log 5.5")
    make_runs(3)
    async with browsing(store, RUNS, size=(120, 20)) as (app, pilot):
        await press(pilot, "G")
        ids = list(app.page.table.source.ids)
        logger.tell("log 0.5")
        await until(pilot, lambda: "0.5" in row(app, "live"))
        make_runs_again("late")
        await until(pilot, lambda: "changed, r to reload" in bar(app, "crumbs"))
        assert list(app.page.table.source.ids) == ids
        assert "late" not in screen_text(app)
        chosen = app.page.table.cursor_id
        await press(pilot, "r")
        assert "late" in screen_text(app)
        assert app.page.table.cursor_id == chosen
        assert "changed" not in bar(app, "crumbs")


def make_runs_again(name):
    with localart.init(project="demo", name=name):
        pass
    localart.finish()


@driven
async def test_a_run_whose_process_was_killed_is_seen_to_have_crashed_with_what_it_logged_last(store, logger):
    logger.tell("log 5.5")
    async with browsing(store, LIVE, size=(140, 40)) as (app, pilot):
        await until(pilot, lambda: "5.5" in screen_text(app))
        logger.tell("log 1.375")
        logger.kill()
        await until(pilot, lambda: "✗ crashed" in screen_text(app))
        assert "its process ended" in screen_text(app)
        assert "1.375" in screen_text(app)
        await press(pilot, "q")
        await until(pilot, lambda: "✗" in row(app, "live"))


def test_a_tail_that_nobody_took_in_is_read(store, logger):
    logger.tell("log 5.5")
    opened = open_store(store)
    run = find_run(opened, "run:demo/live")
    logger.tell("log 1.375")
    mark = tail_mark(opened, run.uid)
    logger.kill()

    facts = read_run(opened, "run:demo/live", ascii_only=True)
    (series,) = LiveMetrics(opened, [run]).load("loss", buckets=100)

    assert mark.size_bytes > 0
    assert tail_points(opened, run.uid)[-1].values["loss"] == 1.375
    assert not is_alive(opened, run.uid)
    assert facts.is_dead
    assert facts.summary["loss"] == 1.375
    assert [point.mean for point in series.points] == [5.5, 1.375]
    opened.close()


def test_looking_whether_a_run_lives_does_not_disturb_it(store, logger):
    opened = open_store(store)
    run = find_run(opened, "run:demo/live")

    assert all(is_alive(opened, run.uid) for _ in range(200))
    logger.tell("log 1")
    logger.tell("finish")

    assert not is_alive(opened, run.uid)
    assert find_run(opened, "run:demo/live").state == "finished"
    opened.close()


@driven
async def test_pages_that_were_covered_notice_what_changed(store):
    make_runs(2)
    async with browsing(store, RUNS, size=(100, 20)) as (app, pilot):
        await press(pilot, "enter")
        make_runs_again("late")
        await until(pilot, lambda: app.changes > 0)
        await press(pilot, "q")
        await until(pilot, lambda: "late" in screen_text(app))
        await ready(pilot)
    close_all()
