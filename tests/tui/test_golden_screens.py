"""Every screen as text, in two sizes, with and without Unicode, compared with files that were read by people.

`UPDATE_GOLDENS=1 pytest tests/tui/test_golden_screens.py` writes them anew; read what changed. The colours of some
screens are kept the same way: the runs of characters in a row that look alike, with their look.
"""

import codecs
import os
import re
import shutil
import tempfile
import time
from datetime import datetime
from pathlib import Path

import pytest
from browsing_app import browsing, press, ready, screen_text
from story_store import NOW, make_story
from tui_driven import driven

import localart_tui.text
from localart_tui.glyphs import stand_ins
from localart_tui.places import Place

GOLDENS = Path(__file__).with_name("goldens")
SMALL, LARGE = (80, 24), (160, 48)
NET = "digits/digits-net:v1"
READY = "digits/digits-ready:v1"
TRAIN = "run:digits/train1"
OTHER = "run:digits/train0"

SCREENS = {
    "home": (Place("home"), ()),
    "artifacts": (Place("artifacts", "digits"), ()),
    "artifacts filtered": (Place("artifacts", "digits"), ("slash", *"ready", "enter")),
    "artifacts ordered by menu": (Place("artifacts", "digits"), ("s",)),
    "versions marked": (Place("versions", "digits/digits-ready"), ("space",)),
    "version": (Place("artifact", NET), ()),
    "version metadata": (Place("artifact", READY).at(tab="metadata"), ()),
    "version usage": (Place("artifact", READY).at(tab="usage"), ()),
    "version files": (Place("artifact", READY).at(tab="files"), ("down",)),
    "version lineage": (Place("artifact", READY).at(tab="lineage"), ()),
    "version copied by menu": (Place("artifact", READY), ("y",)),
    "version elsewhere": (Place("artifact", READY), ("e",)),
    "version missing": (Place("artifact", "digits/digits-net:v9"), ()),
    "runs": (Place("runs", "digits"), ()),
    "run": (Place("run", TRAIN), ()),
    "run config": (Place("run", TRAIN).at(tab="config"), ()),
    "run summary": (Place("run", TRAIN).at(tab="summary"), ()),
    "run charts": (Place("run", TRAIN).at(tab="charts"), ()),
    "run inputs": (Place("run", TRAIN).at(tab="inputs"), ()),
    "run outputs": (Place("run", TRAIN).at(tab="outputs"), ()),
    "run files": (Place("run", TRAIN).at(tab="files"), ()),
    "run lineage": (Place("run", TRAIN).at(tab="lineage"), ()),
    "run failed": (Place("run", "run:digits/train2"), ()),
    "charts of two runs": (Place("charts", TRAIN, (OTHER,)), ()),
    "graph": (Place("graph", NET), ()),
    "graph in the next view": (Place("graph", NET), ("v",)),
    "graph in the view after it": (Place("graph", NET), ("v", "v")),
    "compare versions": (Place("compare", READY, ("digits/digits-ready:v0",)), ()),
    "compare metadata": (Place("compare", READY, ("digits/digits-ready:v0",)), ("2",)),
    "compare files": (Place("compare", READY, ("digits/digits-ready:v0",)), ("3",)),
    "compare runs": (Place("compare", TRAIN, (OTHER,)), ("2",)),
    "find": (Place("find"), tuple("digits")),
    "help": (Place("versions", "digits/digits-ready"), ("question_mark",)),
}
COLOURED = ("artifacts", "versions marked", "version", "version files", "version lineage", "runs", "run", "run charts",
            "charts of two runs", "graph", "compare files", "find", "help", "home", "version missing")  # fmt: skip
VARIANTS = {
    "80x24": (SMALL, {}),
    "80x24-ascii": (SMALL, {"is_ascii": True}),
    "160x48": (LARGE, {}),
    "160x48-ascii": (LARGE, {"is_ascii": True}),
}
ORDINARY = ("80x24", "160x48-ascii")


class Then(datetime):
    """The browser's clock stands still."""

    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz)


@pytest.fixture(scope="module")
def story():
    """The story in a folder whose name has the same length everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="story-", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SILENT": "1", "CONSOLE": "off", "X_SAVE_REQUIREMENTS": "false"}.items():
            patch.setenv(f"LOCALART_{name}", value)
        patch.chdir(folder)
        yield make_story(folder / "store")
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def then(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(localart_tui.text, "datetime", Then)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def rests(name):
    """Whether something on the screen is read when the cursor has rested for a moment."""
    return any(
        word in name for word in ("artifacts", "files", "charts", "runs", "run", "find", "lineage", "graph")
    )


async def walk(root, size, options, names, look):
    """Each screen as `look` sees it, in one session."""
    found = {}
    async with browsing(root, size=size, **options) as (app, pilot):
        for name in names:
            place, keys = SCREENS[name]
            app.open(place)
            await ready(pilot)
            for key in keys:
                await press(pilot, key)
            await pilot.pause(0.3 if rests(name) else 0.03)
            await ready(pilot)
            found[name] = look(app)
            while app.screen is not app.page:
                await pilot.press("escape")
                await pilot.pause()
    return found


def as_text(app):
    return re.sub(r"/tmp/story-\w{8}", "/home/ada/work-", screen_text(app))


def as_ascii(text):
    """What a terminal gets that knows no Unicode: the last signs are replaced on the way out."""
    codecs.register_error("localart_ascii", stand_ins)
    return text.encode("ascii", "localart_ascii").decode()


def as_looks(app):
    """Every row as its runs of characters that look alike: text, colours and attributes."""
    rows = []
    for strip in app.screen._compositor.render_strips():
        runs = []
        for segment in strip:
            look = re.sub(r"\s*(not bold|link \S+)", "", str(segment.style or ""))
            if runs and (runs[-1][1] == look or not segment.text.strip()):
                runs[-1][0] += segment.text
            else:
                runs.append([segment.text, look])
        rows.append("  ".join(f"[{look}]{text.strip()}" for text, look in runs if text.strip()))
    return re.sub(r"/tmp/story-\w{8}", "/home/ada/work-", "\n".join(rows))


def compare(found, file):
    text = "".join(f"===== {name}\n{screen.rstrip()}\n\n" for name, screen in found.items())
    if os.environ.get("UPDATE_GOLDENS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    wanted = dict(_parts(file.read_text(encoding="utf-8")))
    changed = [name for name, screen in _parts(text) if wanted.get(name) != screen]
    assert not changed, f"{file.name}: {changed}\n" + "\n".join(
        f"--- was\n{wanted.get(name)}\n--- is\n{dict(_parts(text))[name]}" for name in changed[:3]
    )
    assert set(wanted) == set(found)


def _parts(text):
    for part in text.split("===== ")[1:]:
        name, _, screen = part.partition("\n")
        yield name, screen


def variants():
    return [
        pytest.param(name, marks=() if name in ORDINARY else pytest.mark.sweep, id=name) for name in VARIANTS
    ]


@pytest.mark.parametrize("variant", variants())
@driven
async def test_every_screen_looks_as_it_did(story, variant):
    size, options = VARIANTS[variant]
    found = await walk(story, size, options, SCREENS, as_text)
    if options.get("is_ascii"):
        signs = {sign for text in found.values() for sign in text if not sign.isascii()}
        assert {sign for sign in signs if as_ascii(sign) == "?"} == set()
        found = {name: as_ascii(text) for name, text in found.items()}

    compare(found, GOLDENS / f"screens-{variant}.txt")


@driven
async def test_colours_and_attributes_are_as_they_were(story):
    found = await walk(story, SMALL, {}, COLOURED, as_looks)

    compare(found, GOLDENS / "looks-80x24.txt")


@driven
async def test_without_colours_a_screen_says_the_same(story, monkeypatch):
    names = ("artifacts", "versions marked", "runs", "run failed", "graph", "compare files", "run charts")
    coloured = await walk(story, SMALL, {}, names, as_text)
    monkeypatch.setenv("NO_COLOR", "1")
    found = await walk(story, SMALL, {}, names, lambda app: (as_text(app), colours(app)))

    for name, (text, seen) in found.items():
        assert text == coloured[name]
        assert seen <= {"grey"}, name


def colours(app):
    """Whether anything on the screen is told by more than its brightness."""
    seen = set()
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                if colour is not None and colour.triplet is not None:
                    seen.add("grey" if len(set(colour.triplet)) == 1 else str(colour.triplet))
    return seen
