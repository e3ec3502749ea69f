"""A store in trouble while one looks at it: one clear sentence, no crash, and everything is there again when it is."""

import os
import shutil
import sqlite3

import pytest
from browsing_app import bar, browsing, press, screen_text
from changed_rows import change_rows
from runs_made import make_runs, until
from tui_driven import driven

import localart
from localart.repository.opening import close_all
from localart_tui.places import Place

PLACES = [Place("runs", "demo"), Place("run", "run:demo/r1"), Place("home"), Place("artifacts", "demo")]


@pytest.fixture
def made(store):
    make_runs(2)
    with localart.init(project="demo") as run:
        artifact = localart.Artifact("data", type="dataset")
        with artifact.new_file("a.txt") as file:
            file.write("content")
        run.log_artifact(artifact)
    localart.finish()
    close_all()
    return store


def rows(app):
    """What is shown, wherever the cursor is."""
    return [line.replace("▶", " ")[:26] for line in screen_text(app).splitlines()[3:8]]


def trouble(app):
    return "✗" in bar(app, "status") and app.page.error is not None


@pytest.mark.parametrize("place", PLACES[:3], ids=lambda place: place.screen)
@driven
async def test_a_store_that_is_moved_away_is_said_and_found_again_without_a_key(made, place):
    async with browsing(made, place, size=(120, 30)) as (app, pilot):
        before = rows(app)
        away = made.with_name("away")
        os.rename(made, away)
        await until(pilot, lambda: trouble(app))
        assert "✗" in bar(app, "status")
        await press(pilot, "down", "j", "G")
        os.rename(away, made)
        await until(pilot, lambda: app.page.error is None)
        await until(pilot, lambda: rows(app) == before)


@driven
async def test_a_store_that_is_replaced_by_another_is_read_anew(made, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(made, other)
    change_rows(other, "UPDATE runs SET name = 'another one' WHERE run_id = 'r1'")
    async with browsing(made, PLACES[0], size=(120, 30)) as (app, pilot):
        os.rename(made, tmp_path / "before")
        os.rename(other, made)
        await until(pilot, lambda: "another one" in screen_text(app))
        assert app.page.error is None


@pytest.mark.parametrize("place", PLACES[:2], ids=lambda place: place.screen)
@driven
async def test_a_store_that_was_upgraded_underneath_is_too_new_until_it_is_put_back(made, place):
    async with browsing(made, place, size=(140, 30)) as (app, pilot):
        set_format(made, 99)
        await until(pilot, lambda: trouble(app))
        assert "has format 99" in bar(app, "status")
        await press(pilot, "down", "r")
        assert "format 99" in screen_text(app)
        set_format(made, 1)
        await until(pilot, lambda: app.page.error is None)


def set_format(root, number):
    db = sqlite3.connect(root / "localart.db")
    db.execute(f"PRAGMA user_version={number}")
    db.commit()
    db.close()


@driven
async def test_a_catalog_that_is_damaged_underneath_is_said_and_a_good_one_is_read(made):
    catalog = made / "localart.db"
    good = catalog.read_bytes()
    async with browsing(made, PLACES[1], size=(140, 30)) as (app, pilot):
        catalog.write_bytes(good[:4096] + os.urandom(len(good) - 4096))
        app.store.open_again()
        await press(pilot, "r")
        await until(pilot, lambda: trouble(app))
        assert "damaged" in bar(app, "status")
        await press(pilot, "2", "4", "7", "1")
        catalog.write_bytes(good)
        await until(pilot, lambda: app.page.error is None)


@driven
async def test_a_store_that_is_deleted_and_made_again_is_found(made):
    async with browsing(made, PLACES[0], size=(120, 30)) as (app, pilot):
        shutil.rmtree(made)
        await until(pilot, lambda: trouble(app))
        await press(pilot, "enter", "q", "s", "escape", "slash", "x", "escape")
        make_runs(1)
        close_all()
        await until(pilot, lambda: app.page.error is None and "run-0" in screen_text(app))


@driven
async def test_a_locked_catalog_is_waited_for(made):
    async with browsing(made, PLACES[0], size=(120, 30)) as (app, pilot):
        db = sqlite3.connect(made / "localart.db", isolation_level=None)
        db.execute("BEGIN EXCLUSIVE")
        await until(pilot, lambda: trouble(app), seconds=20)
        assert "locked" in bar(app, "status")
        db.execute("ROLLBACK")
        db.close()
        await until(pilot, lambda: app.page.error is None, seconds=20)


@driven
async def test_a_run_that_is_deleted_under_its_page_is_said(made):
    async with browsing(made, PLACES[1], size=(120, 30)) as (app, pilot):
        localart.Api().run("demo/r1").delete()
        close_all()
        await until(pilot, lambda: trouble(app))
        assert "r1" in bar(app, "status")
        await press(pilot, "2", "3", "4", "5", "7", "1", "q")
        assert app.page.place.screen == "runs"
