"""Pages as text, compared with files that can be read: `UPDATE_GOLDENS=1 pytest …` writes them anew."""

import os
import time
from pathlib import Path

import pytest
from big_store import Shape, make_big_store
from browsing_app import browsing, press, screen_text
from tui_driven import driven

from localart_tui.places import Place

GOLDENS = Path(__file__).with_name("goldens")
PROJECT = "car-that-drives-itself"
TELEMETRY = f"{PROJECT}/telemetry"

SHOTS = {
    "artifacts-80x24": (Place("artifacts", PROJECT), (80, 24), ("down",), False),
    "artifacts-80x24-ascii": (Place("artifacts", PROJECT), (80, 24), ("up", "enter"), True),
    "artifacts-160x30": (Place("artifacts", PROJECT), (160, 30), (), False),
    "versions-80x24": (Place("versions", TELEMETRY), (80, 24), ("space", "down"), False),
    "versions-40x12-ascii": (Place("versions", TELEMETRY), (40, 12), ("end",), True),
    "version-100x30": (Place("artifact", f"{TELEMETRY}:v9"), (100, 30), (), False),
    "metadata-80x24": (Place("artifact", f"{TELEMETRY}:v9").at(tab="metadata"), (80, 24), (), False),
    "usage-80x24": (Place("artifact", f"{TELEMETRY}:v9").at(tab="usage"), (80, 24), (), False),
    "files-80x24": (
        Place("artifact", f"{PROJECT}/many-files:v0").at(tab="files"),
        (80, 24),
        ("enter",),
        False,
    ),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden") / "store"
    return make_big_store(folder, Shape(versions=400, artifacts=16, runs=60, files=40))


@pytest.fixture(autouse=True)
def in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", SHOTS)
@driven
async def test_the_page_looks_as_it_did(store, name):
    place, size, keys, plain = SHOTS[name]
    async with browsing(store, place, size=size, is_ascii=plain) as (app, pilot):
        await press(pilot, *keys)
        await pilot.pause(0.3)  # previews rest before they read
        found = screen_text(app) + "\n"

    file = GOLDENS / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDENS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found)
    assert found == file.read_text()
