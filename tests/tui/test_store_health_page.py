"""The store's page: figures that add up, who is at work, what is wrong, and commands that are only copied."""

import fcntl
import os
import re
import subprocess
import sys

import pytest
from big_store import Shape, make_big_store
from browsing_app import bar, browsing, press, ready, screen_text
from test_core_hostile import check
from tui_driven import driven

import localart
from localart.operations.verify import verify_store
from localart.operations.verify_mark import keep_mark
from localart_tui.data.store import open_store
from localart_tui.data.store_health import commands, read_health, read_usage
from localart_tui.places import Place


@pytest.fixture
def small(store):
    for number in range(3):
        with localart.init(project="demo") as run:
            for name in ("big", "small"):
                artifact = localart.Artifact(name, type="dataset")
                with artifact.new_file("a.bin", "wb") as file:
                    file.write(bytes([number]) + os.urandom(200_000 if name == "big" else 1_000))
                run.log_artifact(artifact)
    localart.finish()
    return store


def health(root):
    store = open_store(root)
    try:
        return read_health(store, store.connection())
    finally:
        store.close()


def test_bytes_add_up(small):
    found = health(small)

    assert found.figures.version_count == 6
    assert found.figures.logged_bytes >= found.figures.unique_bytes > 600_000
    assert sum(codec.stored_bytes for codec in found.codecs) == found.figures.stored_bytes
    assert sum(pack.size_bytes for pack in found.packs) >= found.figures.stored_bytes
    assert not any(pack.is_broken for pack in found.packs)
    assert (found.alive, found.stale) == ((), ())


def test_who_holds_a_lock_is_told_without_taking_it(small):
    code = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_SH); print(flush=True); input()"
    lock = small / "locks" / "lease.lock"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        found = health(small)
        holder.communicate(b"\n")

    assert [(one.pid, one.what) for one in found.holders] == [(holder.pid, "lease.lock")]
    assert health(small).holders == ()
    with lock.open("a") as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_missing_and_a_short_pack_and_garbage_are_seen(small):
    (pack,) = (small / "packs").glob("*.pack")
    with pack.open("ab") as file:
        file.write(b"garbage")
    pack.with_name("0" * 32 + ".pack").write_bytes(b"left behind")
    found = {one.name: one for one in health(small).packs}
    assert found[pack.stem].unneeded_bytes == 7
    assert found["0" * 32].end is None
    assert found["0" * 32].unneeded_bytes == 11

    os.truncate(pack, 100)
    assert any(one.is_broken for one in health(small).packs)
    pack.unlink()
    assert any(one.is_broken and one.size_bytes is None for one in health(small).packs)


def test_usage_is_measured_once_until_something_changes(small):
    store = open_store(small)
    try:
        first = read_usage(store, store.connection())
        assert read_usage(store, store.connection()) is first
        assert [one.artifact for one in first] == ["big", "small"]
        with localart.init(project="demo") as run:
            artifact = localart.Artifact("third", type="dataset")
            with artifact.new_file("c") as file:
                file.write("c")
            run.log_artifact(artifact)
        localart.finish()
        assert len(read_usage(store, store.connection())) == 3
    finally:
        store.close()


def test_only_commands_that_exist_are_named(small):
    from localart.cli.app import COMMANDS

    found = commands(small)

    assert any(one.text.startswith("localart doctor") for one in found)
    assert all(one.text.split()[1] in COMMANDS for one in found)
    assert all(f"--store {small}" in one.text for one in found)


@driven
async def test_it_says_when_the_store_was_verified_and_what_came_since(small):
    async with browsing(small, Place("home"), size=(110, 45)) as (app, pilot):
        await press(pilot, "S")
        assert "never: `localart verify --data` reads every byte" in screen_text(app)
    report = verify_store(small, data=True)
    keep_mark(small, report, data=True, subset=None, notes=None)
    with localart.init(project="demo"):
        pass
    localart.finish()

    async with browsing(small, Place("home"), size=(110, 45)) as (app, pilot):
        await press(pilot, "S")
        (line,) = [line for line in screen_text(app).splitlines() if "all bytes: sound" in line]

    assert "verified" in line
    assert re.search(r"; [1-9] changes since", line)


@driven
async def test_its_tabs_show_figures_the_biggest_packs_and_commands(small):
    async with browsing(small, Place("home"), size=(110, 32)) as (app, pilot):
        await press(pilot, "S")
        text = screen_text(app)
        for words in ("logged", "unique", "stored", "free", "nobody writes", "all there, none too short"):
            assert words in text
        await press(pilot, "2")
        assert [row.artifact for row in app.page.table.source.rows] == ["big", "small"]
        await press(pilot, "s", "d")
        assert app.page.table.source.row(0).artifact == "big"
        await press(pilot, "R")
        assert app.page.table.source.row(0).artifact == "small"
        await press(pilot, "slash", *"big", "enter")
        assert len(app.page.table.source) == 1
        await press(pilot, "enter")
        assert app.page.place == Place("versions", "demo/big")
        await press(pilot, "q", "3")
        assert "Packs (1)" in screen_text(app)


@driven
async def test_commands_are_copied_and_never_run(small, monkeypatch):
    copied = []
    async with browsing(small, Place("store"), size=(120, 32)) as (app, pilot):
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        before = sorted(path.stat().st_mtime_ns for path in small.rglob("*") if path.is_file())
        await press(pilot, "4", "enter", "down", "down", "enter")
        assert copied == [f"localart doctor --store {small}", f"localart verify --store {small}"]
        after = sorted(path.stat().st_mtime_ns for path in small.rglob("*") if path.is_file())
    assert before == after


@driven
async def test_sqlite_checks_the_database_when_it_is_asked(small):
    async with browsing(small, Place("store"), size=(110, 34)) as (app, pilot):
        assert "not looked at yet" in screen_text(app)
        await press(pilot, "i")
        assert "quick check sees" in screen_text(app)
        assert "sound" in bar(app, "status")


@driven
async def test_a_broken_pack_is_said_in_words(small):
    (pack,) = (small / "packs").glob("*.pack")
    os.truncate(pack, 100)
    async with browsing(small, Place("store"), size=(110, 34)) as (app, pilot):
        assert "1 pack missing or too short" in screen_text(app)
        await press(pilot, "3")
        assert "relied on" in screen_text(app)


@driven
async def test_an_empty_store_has_a_page(store):
    from localart.repository import open_repository

    open_repository(store).close()
    async with browsing(store, Place("store")) as (app, pilot):
        await press(pilot, "2")
        assert "No artifact holds anything yet" in screen_text(app)
        await press(pilot, "3", "4", "1", "i", "y", "escape", "e", "escape")


@pytest.mark.parametrize("size", [(40, 12), (120, 40)], ids=["small", "large"])
@driven
async def test_hostile_names_are_only_text(tmp_path, size):
    root = make_big_store(
        tmp_path / "store", Shape(versions=200, artifacts=60, runs=40, files=50, hostile=True)
    )
    async with browsing(root, Place("store"), size=size) as (app, pilot):
        for key in ("2", "G", "3", "4", "1", "G"):
            await press(pilot, key)
            check(app)


@driven
async def test_a_store_that_goes_away_is_said(small):
    away = small.with_name("away")
    async with browsing(small, Place("store")) as (app, pilot):
        os.rename(small, away)
        app.store.open_again()
        await pilot.press("r")
        await ready(pilot)
        assert app.page.error is not None
        os.rename(away, small)


@driven
async def test_its_python_works(small, capsys):
    async with browsing(small, Place("store")) as (app, _):
        code = app.page.code
    exec(compile(code, "snippet", "exec"), {})
    assert "demo big" in capsys.readouterr().out
