"""Each row of the key table, pressed where it belongs: something that can be seen comes of it.

A row's first name is pressed in the ordinary dose, every name in the sweep. Rows that may do nothing are listed, with
the reason.
"""

import pytest
from big_store import Shape, make_big_store
from browsing_app import browsing, ready, screen_text
from story_store import make_story
from tui_driven import driven

from localart_tui.app import LocalartApp
from localart_tui.keys import KEYS, Scope
from localart_tui.places import Place

PROJECT = "car-that-drives-itself"
TELEMETRY = Place("versions", f"{PROJECT}/telemetry")
TRAIN, OTHER = "run:digits/train1", "run:digits/train0"
READY = "digits/digits-ready:v1"
MIDDLE = ("pagedown", "pagedown", "space", "down")
COMPARED = Place("compare", READY, ("digits/digits-ready:v0",))

STAGES = {
    Scope.EVERYWHERE: (TELEMETRY, ()),
    Scope.PAGE: (Place("artifacts", PROJECT), ("down",)),
    Scope.LIST: (TELEMETRY, MIDDLE),
    Scope.TABS: (Place("run", TRAIN).at(tab="config"), ()),
    Scope.ARTIFACTS: (Place("artifacts", PROJECT), ()),
    Scope.FILES: (Place("artifact", "digits/digits-raw:v0").at(tab="files"), ("down", "enter")),
    Scope.FILTER: (TELEMETRY, ("slash", "1", "7")),
    Scope.GRAPH: (Place("graph", READY), ()),
    Scope.RUNS: (Place("runs", "digits"), ("down", "space", "space")),
    Scope.CHARTS: (Place("run", TRAIN).at(tab="charts"), ("right",)),
    Scope.CHART: (Place("run", TRAIN).at(tab="charts"), ("enter", "right", "right")),
    Scope.COMPARE: (COMPARED.at(tab="files"), ()),
    Scope.DIFF: (COMPARED.at(tab="files"), ("d",)),
    Scope.FIND: (Place("find"), (*"digits", "down", "down")),
    Scope.STORE: (Place("store"), ()),
    Scope.EDIT: (Place("artifact", READY), ()),
}
"""Where the keys of a scope are pressed, and what is pressed first."""
FIRST = {
    "app.newer": ("ctrl+o",),
    "list.unmark": (),
    "graph.next": ("slash", *"digits", "enter"),
    "graph.previous": ("slash", *"digits", "enter"),
    "graph.more": ("less_than_sign",),
    **{f"graph.{name}": ("v",) for name in ("up", "down", "page_up", "page_down", "first", "last")},
    "chart.left": ("right",),
    "chart.right": ("left", "left"),
    "tabs.2": ("1",),
    "files.pager": ("end",),
    "chart.closer": (),
    "chart.further": ("plus",),
    "chart.earlier": ("plus", "plus"),
    "chart.later": ("plus", "plus", "less_than_sign"),
    "chart.all": ("plus",),
    "compare.previous": ("n",),
}
QUIET = {
    "tabs.9": "no page has so many tabs",
    "page.error": "says that there was none",
    "graph.explode_all": "there is no group",
    "graph.wider": "all names are whole",
    "graph.narrower": "all names are shorter still",
    "graph.zoom": "all names are whole",
    "graph.minimap": "shown only for graphs wider than the screen",
    "graph.center": "a small graph is in the middle already",
}
"""Rows that may change nothing on their stage, and why."""
ELSEWHERE = {Scope.MENU, Scope.MEDIA, Scope.PREVIEW, Scope.EDITING}
"""Scopes whose widgets have tests of their own (menus, pictures, previews, editing)."""
STORY = {Scope.TABS, Scope.FILES, Scope.GRAPH, Scope.RUNS, Scope.CHARTS, Scope.CHART, Scope.COMPARE, Scope.DIFF,
         Scope.FIND, Scope.EDIT}  # fmt: skip


class Watched(LocalartApp):
    """Says what would end or suspend it, instead of doing so."""

    def __init__(self, *given):
        super().__init__(*given)
        self.did = []

    def action_leave(self):
        self.did.append("left")

    def action_suspend_process(self):
        self.did.append("suspended")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    root = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALART_SILENT", "1")
        patch.setenv("LOCALART_CONSOLE", "off")
        patch.setenv("LOCALART_X_SAVE_REQUIREMENTS", "false")
        patch.chdir(root)
        make_story(root / "story")
    make_big_store(root / "many", Shape(versions=600, artifacts=30, runs=60, files=40))
    return root


def seen(app):
    """All that a user could notice."""
    notes = [note.message for note in app._notifications]
    page = app.page
    return (
        screen_text(app), [type(screen).__name__ for screen in app.screen_stack], page.place, page.view, app.theme,
        app.clipboard, notes, tuple(app.did), id(page.loaded), page.table and page.table.marks,
        [segment.style for strip in app.screen._compositor.render_strips() for segment in strip],
    )  # fmt: skip


async def comes_of(app, pilot, name):
    """Whether anything comes of a key, soon."""
    before = seen(app)
    await pilot.press(name)
    for _ in range(40):
        await pilot.pause(0.02)
        if seen(app) != before:
            return True
    return False


async def go_to(app, pilot, place, keys):
    while app.screen is not app.page:
        app.pop_screen()
        await pilot.pause()
    app.clear_notifications()
    app.state.views.clear()
    app.open(place)
    await ready(pilot)
    await pilot.press(*keys)
    await pilot.pause(0.1)
    if app.screen is app.page:
        await ready(pilot)


def rows(scope):
    return [key for key in KEYS if key.scope is scope]


async def dead_keys(stores, scope, names_of):
    place, keys = STAGES[scope]
    store = stores / ("story" if scope in STORY else "many")
    dead = []
    async with browsing(
        store, Place("home"), size=(130, 30), app_class=Watched, write=scope is Scope.EDIT
    ) as (
        app,
        pilot,
    ):
        for row in rows(scope):
            for name in names_of(row):
                if row.id in QUIET:
                    continue
                await go_to(app, pilot, place, keys + FIRST.get(row.id, ()))
                if not await comes_of(app, pilot, name):
                    dead.append(f"{row.id} ({name})")
    return dead


@pytest.mark.parametrize("scope", STAGES, ids=lambda scope: scope.name)
@driven
async def test_something_comes_of_every_key(stores, scope, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert await dead_keys(stores, scope, lambda row: row.names[:1]) == []


@pytest.mark.sweep
@pytest.mark.parametrize("scope", STAGES, ids=lambda scope: scope.name)
@driven
async def test_something_comes_of_every_name_of_every_key(stores, scope, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert await dead_keys(stores, scope, lambda row: row.names[1:]) == []


def test_every_scope_with_keys_is_looked_at():
    assert {key.scope for key in KEYS} == STAGES.keys() | (ELSEWHERE & {key.scope for key in KEYS})
