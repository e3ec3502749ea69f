"""Terminals that can do less, and people who see less: fewer colours, none, a light ground, no mouse, few rows."""

import re

import pytest
from browsing_app import browsing, press, ready, screen_text
from story_store import make_story
from terminal import Terminal, browser
from textual.color import Color
from tui_driven import driven

from localart_tui.app import _THEMES
from localart_tui.places import Place
from localart_tui.tones import contrast

READY = "digits/digits-ready:v1"
PAGES = {
    "home": Place("home"),
    "artifacts": Place("artifacts", "digits"),
    "versions": Place("versions", "digits/digits-ready"),
    "version": Place("artifact", READY),
    "files": Place("artifact", READY).at(tab="files"),
    "runs": Place("runs", "digits"),
    "run": Place("run", "run:digits/train2"),
    "charts": Place("charts", "run:digits/train1", ("run:digits/train0",)),
    "graph": Place("graph", READY),
    "compare": Place("compare", READY, ("digits/digits-ready:v0",)),
    "store": Place("store"),
    "find": Place("find"),
}
LEAST_CONTRAST = 3.0
"""For anything that is written, wherever it stands; what is read at length has more."""


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    root = tmp_path_factory.mktemp("degraded")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SILENT": "1", "CONSOLE": "off", "X_SAVE_REQUIREMENTS": "false"}.items():
            patch.setenv(f"LOCALART_{name}", value)
        patch.chdir(root)
        return make_story(root / "store")


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def written(store, *arguments, env=None, keys=(b"j", b"\r", b"4", b"5")):
    terminal = Terminal(browser(store, *arguments), columns=100, rows=30, env=env)
    try:
        given = terminal.start(quiet=0.6).written
        for key in keys:
            given += terminal.press(key, quiet=0.3).written
        return given
    finally:
        terminal.close()


def test_without_a_mouse_the_terminal_is_not_asked_for_one(story):
    asked = re.compile(rb"\x1b\[\?100[0-9]h")

    assert set(asked.findall(written(story, "digits", "--no-mouse", keys=()))) <= {b"\x1b[?1004h"}  # focus
    assert len(set(asked.findall(written(story, "digits", keys=())))) > 1


@pytest.mark.parametrize(
    ("arguments", "env"),
    [((), {"TERM": "linux", "COLORTERM": ""}), (("--theme", "ansi-light"), {})],
    ids=["TERM=linux", "asked"],
)
def test_a_terminal_of_sixteen_colours_gets_its_own_colours(story, arguments, env):
    given = written(story, "digits/digits-ready", *arguments, env=env)

    assert b"digits-ready" in given
    assert not re.search(rb"\x1b\[[0-9;]*[34]8;2;", given)


def test_where_colours_are_not_wanted_there_are_only_greys(story):
    given = written(story, "digits/digits-ready", env={"NO_COLOR": "1"})

    colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", given)
    assert b"\xe2\x96\xb6" in given, "the cursor is a sign, too"
    assert all(len(set(one)) == 1 for one in colours)


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (60, 15)], ids=lambda size: f"{size[0]}x{size[1]}")
@driven
async def test_every_page_can_be_used_on_a_very_small_screen(story, size):
    async with browsing(story, size=size, is_ascii=True) as (app, pilot):
        for name, place in PAGES.items():
            app.open(place)
            await ready(pilot)
            await press(pilot, "down", "end")
            lines = screen_text(app).split("\n")
            assert len(lines) == size[1], name
            assert sum(bool(line.strip()) for line in lines) >= 3, name


@pytest.mark.parametrize("theme", _THEMES)
@driven
async def test_what_is_written_can_be_read_in_every_theme(story, theme):
    async with browsing(story, size=(120, 30), theme=theme) as (app, pilot):
        assert app.theme == theme
        for name, place in PAGES.items():
            app.open(place)
            await ready(pilot)
            faint = {text: ratio for text, ratio in contrasts(app) if ratio < LEAST_CONTRAST}
            assert not faint, name


def contrasts(app):
    """Each piece of text with letters, and how much it differs from its ground (WCAG 2's ratio)."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            style = segment.style
            if style is None or not any(char.isalnum() for char in segment.text):
                continue
            front, ground = (style.bgcolor, style.color) if style.reverse else (style.color, style.bgcolor)
            if front is not None and ground is not None and front.triplet and ground.triplet:
                yield segment.text, contrast(Color(*front.triplet), Color(*ground.triplet))
