"""Whatever a store holds and whatever is pressed: no crash, no raw control character, nothing that acts."""

import random
import unicodedata

import pytest
from big_store import EVIL, Shape, make_big_store
from browsing_app import browsing, press, ready, screen_text
from tui_driven import driven

from localart_tui.app import LocalartApp
from localart_tui.clipboard import copy
from localart_tui.keys import KEYS, Scope
from localart_tui.modals import Choice, Menu, Reading, Section
from localart_tui.places import Place
from localart_tui.tones import Tone
from localart_tui.ui import content, lines, notify, static

PROJECT = "car-that-drives-itself"
SIZES = [(40, 12), (160, 48)]


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    """A store in which every third name is a trap."""
    folder = tmp_path_factory.mktemp("evil") / "store"
    return make_big_store(folder, Shape(versions=600, artifacts=90, runs=120, files=300, hostile=True))


def check(app):
    """No character on the screen that a terminal would obey, and nothing in it that could be clicked by markup."""
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            for char in segment.text:
                category = unicodedata.category(char)
                assert category not in {"Cc", "Cf", "Cs", "Zl", "Zp"}, repr(segment.text)
            meta = segment.style.meta if segment.style is not None else {}
            own = {"@mouse.down", "@mouse.up"}  # Textual's scroll bars
            assert not any(key.startswith("@") for key in meta.keys() - own), meta
            assert segment.style is None or segment.style.link is None


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@driven
async def test_hostile_names_are_only_text_on_every_page(evil, size):
    async with browsing(evil, size=size) as (app, pilot):
        check(app)
        for place in hostile_places(app):
            app.open(place)
            await ready(pilot)
            check(app)
            await press(pilot, "G")
            check(app)


def hostile_places(app):
    from localart.catalog import browsing as rows

    db = app.store.connection()
    names = [line.name for line in rows.project_lines(db)]
    lines_ = rows.artifact_lines(db, 1)
    odd = [
        line for line in lines_ if not line.name.isascii() or not line.name.isprintable() or "[" in line.name
    ]
    for name in names:
        yield Place("artifacts", name)
    for line in odd[:4] + lines_[:1]:
        yield Place("versions", f"{line.project}/{line.name}")
    yield Place("versions", f"{PROJECT}/telemetry")
    for tab in ("version", "metadata", "usage", "files", "lineage"):
        yield Place("artifact", f"{PROJECT}/mnist-raw:v0").at(tab=tab)


@driven
async def test_every_door_into_a_widget_takes_every_evil_text(evil):
    texts = [*EVIL, "\ud800 half", "x" * 1_000_000]
    async with browsing(evil) as (app, pilot):
        for text in texts:
            await app.mount(static(content(app, (text, Tone.BAD))))
            await app.mount(static(lines(app, [(text, Tone.TEXT)], [(text, Tone.DIM)])))
            notify(app, text, seconds=0.05)
            app.page.say((text, Tone.TEXT), tally=text)
            check(app)
        for over in (
            Menu(texts[0], [Choice(chr(97 + at), text, text) for at, text in enumerate(texts)]),
            Reading([Section(text, text) for text in texts]),
        ):
            app.push_screen(over)
            await pilot.pause(0.05)
            check(app)
            await pilot.press("escape")
        await pilot.pause(0.1)


@pytest.mark.parametrize(
    "text", ["rm -rf ~\n", "\x1b]52;c;x\x07", "a\u202eb"], ids=["newline", "escape", "bidi"]
)
@driven
async def test_a_trap_is_copied_spelled_out(evil, text, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with browsing(evil) as (app, _):
        copy(app, text)

        assert app.clipboard.isprintable()
        assert "\\" in app.clipboard


@driven
async def test_a_pasted_escape_sequence_is_text(evil):
    from textual import events

    async with browsing(evil, Place("versions", f"{PROJECT}/telemetry")) as (app, pilot):
        await press(pilot, "slash")
        app.focused.post_message(events.Paste("\x1b[31mred\nsecond"))
        await pilot.pause(0.2)
        await ready(pilot)
        check(app)
        assert app.page.view.filter == "\\x1b[31mred"


@driven
async def test_the_screen_may_take_any_size_at_any_time(evil):
    async with browsing(evil, Place("artifacts", PROJECT), size=(120, 30)) as (app, pilot):
        for width, height in [(20, 5), (200, 60), (1, 1), (40, 12), (3, 50), (160, 3), (80, 24)]:
            await pilot.resize_terminal(width, height)
            await press(pilot, "down")
            check(app)
        assert "Name" in screen_text(app)


class Bounded(LocalartApp):
    """Stays: quitting would end the walk, and suspending needs a terminal."""

    def action_leave(self):
        pass

    def action_suspend_process(self):
        pass


PRESSED = sorted(
    {name for key in KEYS if key.scope is not Scope.EDIT for name in key.names}
    - {"ctrl+q", "Q", "ctrl+z", "ctrl+c"}
    | set("abmntx\"\\[]'%_ ")
)


async def monkey(store, seed, count):
    """Press `count` keys that a seed chooses; the keys so far are in the error."""
    chance = random.Random(seed)
    done = []
    async with browsing(store, size=(chance.choice([60, 130]), 24), app_class=Bounded) as (app, pilot):
        try:
            for number in range(count):
                key = (
                    chance.choice(PRESSED)
                    if chance.random() < 0.7
                    else chance.choice(["enter", "down", "G", "q"])
                )
                done.append(key)
                await pilot.press("space" if key == " " else key)
                if number % 10 == 9:
                    await pilot.pause(0.03)
                    check(app)
                if number % 37 == 36:
                    await pilot.resize_terminal(chance.randrange(20, 170), chance.randrange(5, 50))
        except BaseException as error:
            raise AssertionError(f"seed {seed}, after {done}") from error


@pytest.mark.parametrize("seed", [1, 2])
@driven
async def test_a_monkey_cannot_break_it(evil, seed):
    await monkey(evil, seed, 50)


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(10, 60))
@driven
async def test_many_monkeys_cannot_break_it(evil, seed):
    await monkey(evil, seed, 200)
