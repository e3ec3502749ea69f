"""The browser: opens pages, goes back, remembers. What a page shows is the page's business.

A new page is a line in `PAGES` and a file in `screens/`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.screen import Screen

from localart.errors import LocalartError, StoreBusy, StoreError
from localart_tui.data.live import Pulse, Watch
from localart_tui.glyphs import ASCII, UNICODE
from localart_tui.keys import KEYS, Scope, bindings
from localart_tui.page import Page
from localart_tui.pictures.protocols import choose_protocol
from localart_tui.places import (
    MOST_PLACES,
    History,
    Place,
    View,
    place_document,
    place_from,
    read_state,
    view_document,
    view_from,
    write_state,
)
from localart_tui.tones import DARK_THEME, LIGHT_THEME, themes
from localart_tui.ui import notify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.await_complete import AwaitComplete
    from textual.binding import Binding

    from localart.operations.amend import Amendment
    from localart_tui.data.store import Store

PAGES: Mapping[str, str] = {
    "home": "localart_tui.screens.home:HomePage",
    "artifacts": "localart_tui.screens.artifacts:ArtifactsPage",
    "versions": "localart_tui.screens.versions:VersionsPage",
    "artifact": "localart_tui.screens.artifact:ArtifactPage",
    "runs": "localart_tui.screens.runs:RunsPage",
    "run": "localart_tui.screens.run:RunPage",
    "charts": "localart_tui.screens.charts:ChartsPage",
    "graph": "localart_tui.screens.graph:GraphPage",
    "compare": "localart_tui.screens.compare:ComparePage",
    "store": "localart_tui.screens.store:StorePage",
    "find": "localart_tui.screens.find:FindPage",
}

POLL_SECONDS = 0.5  # runs commit what they logged every half second: in all it is about one
MOST_OPEN = 12
MOST_COMPARED = 4
_THEMES = (DARK_THEME, LIGHT_THEME, "nord", "gruvbox", "ansi-dark", "ansi-light")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the browser was called."""

    theme: str = ""
    is_ascii: bool = False
    images: str = "auto"
    write: bool = False
    prints: bool = False
    state_file: Path | None = None
    keys_file: Path | None = None


class LocalartApp(App[str]):
    """The browser over one open store, beginning at one place. Its result is the name chosen last."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[Binding]] = bindings(Scope.EVERYWHERE, Scope.EDIT)  # type: ignore[assignment]
    CSS = """
    Bar#crumbs, Bar#footer { background: $panel; }
    * {
        scrollbar-background: $background; scrollbar-background-hover: $background;
        scrollbar-background-active: $background; scrollbar-corner-color: $background;
        scrollbar-color: $panel; scrollbar-color-hover: $primary; scrollbar-color-active: $primary;
    }
    Toast { width: auto; max-width: 70; }
    Input > .input--placeholder { color: $foreground 70%; }
    """

    def __init__(self, store: Store, place: Place, options: Options | None = None) -> None:
        super().__init__()
        self.store = store
        self.options = options or Options()
        self.glyphs = ASCII if self.options.is_ascii else UNICODE
        self.animation_level = "none"
        self.images = choose_protocol(self.options.images, os.environ)
        self.history = History()
        self.trail: list[Place] = []
        self.state = (
            read_state(self.options.state_file) if self.options.state_file else read_state(Path("/dev/null"))
        )
        self._first = self._with_memory(place)
        self._watch = Watch(store)
        self._gone: tuple[Page[Any], str] | None = None
        self.edits: list[Amendment] = []
        """What was changed in this session (`--write`), the last one last."""
        self.changes = 0
        """How often the store was seen to change."""
        for theme in themes():
            self.register_theme(theme)
        wanted = self.options.theme or self.state.theme
        self.theme = wanted if wanted in self.available_themes else DARK_THEME

    # --- life ------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """What lies under the first page and is never seen."""
        return _Ground()

    def on_mount(self) -> None:
        """Open the first page, and begin to look for changes."""
        self.title = "localart"
        last = place_from(self.state.last.get(str(self.store.root)))
        if last is not None:
            self.history.visit(last)
        self._heed_signals()
        self.app_resume_signal.subscribe(self, self._paint_again)
        self._watch.begin()
        self._go(self._first)
        if self.page is None:
            self._go(Place("home"))
        self._map_keys()
        self.call_after_refresh(_collect_again)
        self.set_interval(POLL_SECONDS, self._poll)

    def _heed_signals(self) -> None:
        """End as with `Q` when somebody ends us: the terminal has to be given back as it was."""
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, "", 128 + number)

    def _paint_again(self, _: object) -> None:
        """After `fg` the terminal is empty, though nothing has changed."""
        self.screen.refresh()

    def _map_keys(self) -> None:
        """The user's own keys; a file that cannot be read is said and left alone."""
        import tomllib

        file = self.options.keys_file
        if file is None or not file.is_file():
            return
        try:
            given = tomllib.loads(file.read_text(encoding="utf-8")).get("keys", {})
        except (OSError, ValueError) as error:
            notify(self, f"{file}: {error}", severity="warning")
            return
        known = {key.id for key in KEYS}
        strange = [name for name in given if name not in known]
        if strange:
            notify(self, f"{file} names keys that do not exist: {', '.join(strange)}", severity="warning")
        self.set_keymap(
            {name: keys for name, keys in given.items() if name in known and isinstance(keys, str)}
        )

    def _poll(self) -> None:
        """Ask whether somebody else wrote; only while one looks."""
        page = self.page
        if page is None or not self.app_focus:
            return
        failed = isinstance(page.error, StoreError) and not isinstance(page.error, StoreBusy)
        try:
            pulse = self._watch.look(page_failed=failed)
        except LocalartError as error:
            if self._gone != (page, error.message):
                self._gone = (page, error.message)
                page.fail(error)
            return
        self._gone = None
        if pulse is not Pulse.STILL:
            self.changes += 1
            page.store_changed() if pulse is Pulse.CHANGED else page.reload()

    def keep_state(self) -> None:
        """Write down what is remembered."""
        if self.options.state_file is None:
            return
        page = self.page
        if page is not None:
            self.history.remember(page.here)
            last = {**self.state.last, str(self.store.root): place_document(page.here)}
            self.state.last = dict(list(last.items())[-20:])
        self.state.recent = [place_document(place) for place in self.history.places][-MOST_PLACES:]
        write_state(self.options.state_file, self.state)

    # --- pages -----------------------------------------------------------------------------------------------

    @property
    def page(self) -> Page[Any] | None:
        """The page in front, also while something lies over it."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Page)), None)

    def _page(self, place: Place) -> Page[Any] | None:
        """A page for the place, or None (and a word) when this version has none."""
        module, _, name = PAGES.get(place.screen, ":").partition(":")
        try:
            made: Page[Any] = getattr(import_module(module), name)(place)
        except (ModuleNotFoundError, ValueError) as error:
            if isinstance(error, ModuleNotFoundError) and error.name != module:
                raise
            notify(self, f"this version has no page '{place.screen}'", severity="warning")
            return None
        return made

    def pop_screen(self) -> AwaitComplete:
        """Take away what is in front."""
        self._stop_reading()
        return super().pop_screen()

    def switch_screen(self, screen: Screen[Any] | str) -> AwaitComplete:
        """Put another page in place of this one."""
        self._stop_reading()
        return super().switch_screen(screen)

    def _stop_reading(self) -> None:
        """What the page in front is reading would come when its widgets are gone."""
        page = self.screen
        begun = [one for one in self.workers if one.is_running and one.group != "click"]
        for worker in begun if isinstance(page, Page) else ():
            if page in worker.node.ancestors_with_self:
                worker.cancel()

    def open(self, place: Place) -> None:
        """Go to a place; `back` returns here."""
        self._go(self._with_memory(place))

    def _go(self, place: Place) -> None:
        here, page = self.page, self._page(place)
        if page is None:
            return
        if here is not None:
            self.history.remember(here.here)
            self.trail.append(here.here)
        self.history.visit(place)
        if len(self.screen_stack) < MOST_OPEN:
            self.push_screen(page)
        else:
            self.switch_screen(page)

    def replace(self, place: Place) -> None:
        """Go to a place instead of this one: `back` does not return here (tabs of one project)."""
        here, page = self.page, self._page(self._with_memory(place))
        if page is None:
            return
        if here is not None:
            self.history.remember(here.here)
        self.history.visit(page.place)
        self.switch_screen(page)

    def go_up(self, place: Place) -> None:
        """Go to a place that is above this one: back to it if one came through it, else replace this one."""
        if self.page is not None and place.is_page_of(self.page.place):
            return
        if any(place.is_page_of(one) for one in self.trail):
            while self.trail and not self.trail[-1].is_page_of(place):
                self.trail.pop()
                self._drop_page(self.trail[-1] if self.trail else None)
            self.action_go_back()
        else:
            self.replace(place)

    def _drop_page(self, below: Place | None) -> None:
        """Take a page off the stack if the one under it is the place we go back to."""
        under = self.screen_stack[-2] if len(self.screen_stack) > 1 else None
        if below is not None and isinstance(under, Page):
            self.pop_screen()

    def action_go_back(self) -> None:
        """To where one came from, as it was; else one level up; from the top, out."""
        page = self.page
        if page is None or page.leave_inner():
            return
        if not self.trail:
            parent = page.parent_place
            self.replace(parent) if parent is not None else self.action_leave()
            return
        self.history.remember(page.here)
        target = self.trail.pop()
        self.history.visit(target)
        under = self.screen_stack[-2] if len(self.screen_stack) > 1 else None
        if isinstance(under, Page) and under.place.is_page_of(target):
            self.pop_screen()
        elif (again := self._page(target)) is not None:
            self.switch_screen(again)

    def action_previous(self) -> None:
        """The place before this one, as `cd -` goes."""
        self._time_travel(self.history.previous)

    def action_older(self) -> None:
        """One step back in time."""
        self._time_travel(self.history.older)

    def action_newer(self) -> None:
        """One step forward in time."""
        self._time_travel(self.history.newer)

    def _time_travel(self, step) -> None:  # type: ignore[no-untyped-def]  # one of History's steps
        here = self.page
        if here is not None:
            self.history.remember(here.here)
        target = step()
        if target is None:
            notify(self, "there is no other place yet")
            return
        page = self._page(target)
        if page is not None:
            self.switch_screen(page)

    def compare(self, targets: list[str]) -> None:
        """Compare two to four versions or runs; versions of one artifact with the oldest first."""
        from localart_tui.comparing import oldest_first

        wanted = oldest_first(list(dict.fromkeys(target for target in targets if target)))
        if 2 <= len(wanted) <= MOST_COMPARED:
            self.open(Place("compare", wanted[0], tuple(wanted[1:])))
        else:
            notify(self, f"mark two to {MOST_COMPARED} of them with space, then compare")

    # --- keys that work everywhere -----------------------------------------------------------------------------

    def action_help(self) -> None:
        """The keys of this page."""
        from localart_tui.screens.help import HelpScreen

        page = self.page
        own, without = (page.scopes, page.WITHOUT) if page is not None else ((), frozenset[str]())
        self.push_screen(HelpScreen((*own, Scope.EVERYWHERE, Scope.EDIT), without=without))

    def action_find(self) -> None:
        """Find anything."""
        self.open(Place("find"))

    def action_store_page(self) -> None:
        """The store's own page."""
        if self.page is None or self.page.place.screen != "store":
            self.open(Place("store"))

    async def action_edit(self) -> None:
        """Change what is said of what is under the cursor, with `--write`."""
        from localart_tui.editing import choose_edit

        await choose_edit(self, self.page.graph_target() if self.page is not None else "")

    async def action_undo(self) -> None:
        """Take the last change of this session back."""
        from localart_tui.editing import undo_last

        await undo_last(self)

    def action_next_theme(self) -> None:
        """The next colour theme."""
        known = [name for name in _THEMES if name in self.available_themes]
        at = known.index(self.theme) if self.theme in known else -1
        self.theme = self.state.theme = known[(at + 1) % len(known)]
        notify(self, self.theme, seconds=1.5)
        self.refresh_css(animate=False)
        for screen in self.screen_stack:
            screen.refresh(layout=True)

    def action_help_quit(self) -> None:
        """What Ctrl+C does: say the key that quits, for Ctrl+C may have been meant as copy."""
        notify(self, "Q quits")

    def action_leave(self) -> None:
        """Quit; the name under the cursor is the result."""
        self.keep_state()
        page = self.page
        texts = list(page.copies()) if page is not None else []
        self.exit(texts[0].text if texts else "")

    # --- memory ------------------------------------------------------------------------------------------------

    @property
    def shows_preview(self) -> bool:
        """Whether pages show their preview where there is room."""
        return self.state.preview

    def toggle_preview(self) -> None:
        """Show or hide previews."""
        self.state.preview = not self.state.preview
        for screen in self.screen_stack:
            if isinstance(screen, Page):
                screen.preview_toggled()

    def remember_view(self, kind: str, view: View) -> None:
        """Keep how a kind of list is looked at."""
        self.state.views[kind] = view_document(view)

    def _with_memory(self, place: Place) -> Place:
        """The place, ordered as this kind of list was ordered last."""
        known = self.state.views.get(place.screen)
        if known is None or place.view.sort:
            return place
        remembered = view_from(known)
        return place.at(sort=remembered.sort, columns=remembered.columns)


class _Ground(Screen[None]):
    """The screen at the bottom of Textual's stack; drawing it would draw the page above it twice."""

    def _compositor_refresh(self) -> None:
        pass


def _collect_again() -> None:
    """What was made while starting stays: it need not be looked through again."""
    gc.freeze()
    gc.enable()
