"""A page's life: it reads in the background, shows what it read or what went wrong, and paints the rows around it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import on
from textual.containers import Vertical
from textual.screen import Screen

from localart.errors import LocalartError, StoreBusy, UsageError
from localart_tui.chrome import Bar, Chip
from localart_tui.filterbar import FilterBar
from localart_tui.glyphs import ASCII
from localart_tui.keys import Scope, footer
from localart_tui.pagemenus import error_words
from localart_tui.places import Place, View
from localart_tui.reading import page_work
from localart_tui.table import VirtualTable
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of, lines, static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.timer import Timer

    from localart_tui.app import LocalartApp
    from localart_tui.data.store import Store

Loaded = TypeVar("Loaded")

READING_SECONDS = 0.12
RETRY_SECONDS = 2
_SHORT_PAGE = 14


class PageLife(Screen[None], Generic[Loaded]):
    """What happens on a page, about one `place`, without anybody touching a key."""

    TOP_ROWS: ClassVar[int] = 1
    """With the cursor on one of so many first rows, a list is read again when the store changes."""
    LIST: ClassVar[str] = ""
    """The kind of list whose order and columns are remembered."""

    DEFAULT_CSS = """
    PageLife { layout: vertical; background: $background; }
    PageLife > #body { height: 1fr; }
    PageLife #message { display: none; padding: 1 3; height: 1fr; }
    PageLife.-message #message { display: block; }
    PageLife.-message #content { display: none; }
    PageLife #content { height: 1fr; }
    PageLife.-short #footer { display: none; }
    PageLife.-typing > #status { display: none; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.view = place.view
        self.error: Exception | None = None
        self.loaded: Loaded | None = None
        self._changed = False
        self._seen_changes = -1
        self._status: tuple[Chip, ...] = ()
        self._tally = ""
        self._retry: Timer | None = None
        self._paints = False

    # --- what a page says of itself ----------------------------------------------------------------------

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """The way here from the store, each with the place a click on it opens."""
        return [("localart", Place("home"))]

    def body(self) -> ComposeResult:
        """The widgets between the head and the status row."""
        yield from ()

    async def load(self) -> Loaded:
        """Read what the page shows, looked at as `view` says. May be cancelled."""
        raise NotImplementedError

    def show(self, loaded: Loaded) -> None:
        """Show what was read."""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys work now, for the footer and the help; a tab may bring its own."""
        return ()

    def hidden_keys(self) -> frozenset[str]:
        """Keys that the footer leaves out."""
        return frozenset()

    # --- what pages use ------------------------------------------------------------------------------------

    @property
    def localart(self) -> LocalartApp:
        """The app."""
        return self.app  # type: ignore[return-value]

    @property
    def store(self) -> Store:
        """The store."""
        return self.localart.store

    @property
    def table(self) -> VirtualTable | None:
        """The page's main table, if it has one now."""
        return next((table for table in self.query(VirtualTable) if table.display), None)

    @property
    def here(self) -> Place:
        """This place as it is looked at now."""
        table = self.table
        view = self.view
        if table is not None and self.loaded is not None:
            view = replace(view, cursor=table.cursor_id, scroll=table.top)
        return Place(self.place.screen, self.place.target, self.place.others, view)

    def reload(self) -> None:
        """Read again, as it is looked at now; what is shown stays until then."""
        if self.loaded is not None:
            self.view = self.here.view
        self._read()

    def look(self, view: View) -> None:
        """Look at it differently, and read again."""
        self.view = view
        if self.LIST:
            self.localart.remember_view(self.LIST, view)
        self.reload()

    def say(self, *parts: Part | str, tally: str = "") -> None:
        """What the status row says, and the count at the head's right."""
        self._status = tuple(Chip(one, Tone.DIM) if isinstance(one, str) else Chip(*one) for one in parts)
        self._tally = tally
        self._paint_chrome()

    def show_message(self, rows: list[list[Part]]) -> None:
        """Show some lines in place of the content."""
        self.query_one("#message").update(lines(self.app, *rows))  # type: ignore[attr-defined]
        self.add_class("-message")

    def show_content(self) -> None:
        """Show the content again."""
        self.remove_class("-message")

    # --- life ------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Head, body, status, footer."""
        yield Bar(id="crumbs", keep_end=True)
        with Vertical(id="body"):
            with Vertical(id="content"):
                yield from self.body()
            yield static(id="message")
        yield FilterBar()
        yield Bar(id="status")
        yield Bar(id="footer")

    def on_mount(self) -> None:
        """Begin to read."""
        self._paint_chrome()
        self._read()

    def on_resize(self) -> None:
        """A low screen has no room for the footer."""
        self.set_class(self.size.height < _SHORT_PAGE, "-short")

    def _compositor_refresh(self) -> None:
        """Draw what changed; not before there is something to show, and not what is drawn again at once.

        Until then the page before stays on the screen. Textual would draw every frame on the way: five times the
        bytes, which one feels through SSH.
        """
        again_at_once = self._layout_required and self._repaint_required
        if self._paints and not again_at_once:
            super()._compositor_refresh()

    def on_screen_resume(self) -> None:
        """Say what changed while another page was in front."""
        if self.loaded is not None and self._seen_changes != self.localart.changes:
            self.store_changed()
        self._paint_chrome()

    @page_work("load")
    async def _read(self) -> None:
        self._seen_changes = self.localart.changes
        slow = self.set_timer(READING_SECONDS, self._say_reading)
        try:
            loaded = await self.load()
        except UsageError as error:  # a filter that cannot be right: what is shown stays
            self._status = (Chip(f"{error}", Tone.WARN),)
            self._paint_chrome()
            return
        except (LocalartError, sqlite3.Error, OSError) as error:
            self.fail(error)
            return
        finally:
            slow.stop()
            self._paints = True
        self._accept(loaded)

    def _accept(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.error = None
        self._changed = False
        with self.app.batch_update():
            try:
                self.show_content()
                self.show(loaded)
            except (LocalartError, sqlite3.Error, OSError) as error:
                self.fail(error)
            self._paint_chrome()

    def _say_reading(self) -> None:
        self._paints = True
        self._status = (Chip("reading …", Tone.DIM),)
        self._paint_chrome()

    # --- errors ----------------------------------------------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """Show an error: in place of the content when there is none yet, else in the status row."""
        self.error = error
        what, hint = error_words(error)
        glyphs = glyphs_of(self)
        again = f"trying again in {RETRY_SECONDS} s" if isinstance(error, StoreBusy) else "r tries again"
        self._status = (Chip(f"{glyphs.bad} {what}", Tone.BAD), Chip(f"   ! details, {again}", Tone.DIM))
        if self.loaded is None:
            self.show_message(
                [
                    [(f"{glyphs.bad} {what}", Tone.BAD)],
                    [(" ", Tone.TEXT)],
                    [(hint or "The store could not be read.", Tone.TEXT)],
                    [(again, Tone.DIM)],
                ]
            )
        self._paint_chrome()
        if isinstance(error, StoreBusy):
            self._retry_soon()

    def _retry_soon(self) -> None:
        if self._retry is not None:
            self._retry.stop()
        self._retry = self.set_timer(RETRY_SECONDS, self.reload)

    @on(VirtualTable.Failed)
    def _rows_failed(self, message: VirtualTable.Failed) -> None:
        message.stop()
        self.fail(message.error)

    def store_changed(self) -> None:
        """Somebody committed: read again when one looks at the top of a list, else only say so."""
        table = self.table
        at_top = table is not None and table.cursor < self.TOP_ROWS and table.top == 0 and not table.marks
        if self.loaded is None or (at_top and not self.query_one(FilterBar).is_typing):
            self.reload()
        else:
            self._changed = True
            self._paint_chrome()

    # --- the rows around it --------------------------------------------------------------------------------

    def _paint_chrome(self) -> None:
        if not self.is_mounted or not self.query("#crumbs"):
            return
        self.query_one("#crumbs", Bar).show(self._crumb_chips(), [*self.right_chips(), Chip(" ")])
        self.query_one("#status", Bar).show(self._status)
        self.query_one("#footer", Bar).show(
            self._footer_chips(*self.scopes), self._footer_chips(Scope.EVERYWHERE)
        )

    def _crumb_chips(self) -> list[Chip]:
        chips: list[Chip] = []
        way = self.crumbs()
        for number, (text, place) in enumerate(way):
            if number:
                chips.append(Chip(f" {glyphs_of(self).separator} ", Tone.FAINT))
            last = number == len(way) - 1
            chips.append(Chip(text, Tone.STRONG if last else Tone.DIM, self._opener(place)))
        return chips

    def _opener(self, place: Place | None):  # type: ignore[no-untyped-def]  # a chip's act, or None
        return None if place is None else lambda: self.localart.go_up(place)

    def right_chips(self) -> list[Chip]:
        """What the head says at its right."""
        chips: list[Chip] = []
        if self._changed:
            chips.append(Chip(f"{glyphs_of(self).live} changed, r to reload   ", Tone.GOOD, self.reload))
        if self._tally:
            chips.append(Chip(self._tally, Tone.DIM))
        return chips

    def _footer_chips(self, *scopes: Scope) -> list[Chip]:
        chips: list[Chip] = []
        plain = glyphs_of(self) is ASCII
        for hint in footer(scopes, self.hidden_keys(), ascii_only=plain):
            act = self._runner(hint.action)
            chips += [
                Chip(f"{hint.sign} ", Tone.KEY, act, heads_next=True),
                Chip(f"{hint.word}  ", Tone.DIM, act),
            ]
        return chips

    def _runner(self, action: str):  # type: ignore[no-untyped-def]  # a chip's act
        return lambda: self._act(action)

    @page_work("click", exclusive=False)
    async def _act(self, action: str) -> None:
        name = action.partition("(")[0]
        focused = self.focused
        node = focused if focused is not None and hasattr(focused, f"action_{name}") else self
        await node.run_action(action)
