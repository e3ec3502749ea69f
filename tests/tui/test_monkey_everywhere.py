"""A monkey at the keyboard: any keys on any page of a store full of traps, while the window changes its size.

What a failing monkey pressed is in the error: `LOCALART_MONKEY="7 charts"` runs that seed again, alone.
"""

import os
import random

import pytest
from big_store import Shape, make_big_store
from browsing_app import browsing
from test_core_hostile import check
from tui_driven import driven

from localart.catalog import browsing_runs
from localart_tui.app import PAGES, LocalartApp
from localart_tui.data.store import open_store
from localart_tui.keys import KEYS
from localart_tui.places import Place

PROJECT = "car-that-drives-itself"
KEYS_PRESSED = 120
LEAVING = {"ctrl+q", "Q", "ctrl+z", "ctrl+c"}
KNOWN = sorted({name for key in KEYS for name in key.names} - LEAVING)
TYPED = (*"abmntx\"\\[]'%_@<>!:;$0123456789", "space")
USUAL = ("enter", "down", "down", "up", "end", "q", "tab", "1", "4", "right")


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    folder = tmp_path_factory.mktemp("monkey") / "store"
    return make_big_store(folder, Shape(versions=400, artifacts=60, runs=90, files=200, hostile=True))


class Caged(LocalartApp):
    """Cannot leave, cannot stop the process."""

    def action_leave(self):
        pass

    def action_suspend_process(self):
        pass


def start_of(store, name):
    """A place on the page of this name."""
    opened = open_store(store)
    try:
        db = opened.connection()
        runs = [browsing_runs.run_lines(db, [row])[0] for row in (3, 6)]
    finally:
        opened.close()
    version = f"{PROJECT}/mnist-raw:v0"
    first, second = (f"run:{one.project}/{one.run_id}" for one in runs)
    return {
        "home": Place("home"),
        "artifacts": Place("artifacts", PROJECT),
        "versions": Place("versions", f"{PROJECT}/telemetry"),
        "artifact": Place("artifact", version),
        "runs": Place("runs", PROJECT),
        "run": Place("run", first),
        "charts": Place("charts", first, (second,)),
        "graph": Place("graph", version),
        "compare": Place("compare", version, (f"{PROJECT}/telemetry:v1",)),
        "store": Place("store"),
        "find": Place("find"),
    }[name]


def keys_of(chance, count):
    for _ in range(count):
        kind = chance.random()
        yield chance.choice(KNOWN if kind < 0.6 else USUAL if kind < 0.85 else TYPED)


async def let_loose(store, seed, page):
    chance = random.Random(f"{seed} {page}")
    done = []
    size = (chance.choice([40, 80, 130, 200]), chance.choice([12, 24, 50]))
    async with browsing(
        store, start_of(store, page), size=size, app_class=Caged, is_ascii=chance.random() < 0.3
    ) as (app, pilot):
        try:
            for number, key in enumerate(keys_of(chance, KEYS_PRESSED)):
                done.append(key)
                await pilot.press(key)
                if number % 12 == 11:
                    await pilot.pause(0.02)
                    check(app)
                if number % 29 == 28:
                    size = chance.randrange(20, 170), chance.randrange(5, 50)
                    done.append(f"resize {size}")
                    await pilot.resize_terminal(*size)
            await pilot.pause(0.1)
            check(app)
        except BaseException as error:
            raise AssertionError(f'LOCALART_MONKEY="{seed} {page}" pressed {done}') from error


def monkeys(count):
    """Seeds and the pages where they begin, in turn."""
    asked = os.environ.get("LOCALART_MONKEY", "").split()
    if len(asked) == 2:
        return [(int(asked[0]), asked[1])]
    pages = sorted(PAGES)
    return [(seed, pages[seed % len(pages)]) for seed in range(count)]


@pytest.mark.parametrize(("seed", "page"), monkeys(11)[::4])
@driven
async def test_a_monkey_finds_nothing_that_crashes(evil, seed, page, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    await let_loose(evil, seed, page)


@pytest.mark.sweep
@pytest.mark.parametrize(("seed", "page"), monkeys(100))
@driven
async def test_a_hundred_monkeys_find_nothing_that_crashes(evil, seed, page, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    await let_loose(evil, seed, page)
