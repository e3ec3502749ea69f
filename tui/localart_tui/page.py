"""What all pages share: the rows around them, reading in the background, and how each state looks.

A new page is a small file: a class that names its `SCOPES` of keys, yields its `body`, reads in `load` and shows
in `show`. `load` runs beside the loop (it awaits `store.read`); everything else on it. Whatever goes wrong with
the store is shown on the page: no page ever crashes for what a store holds.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import on, work
from textual.containers import Vertical
from textual.screen import Screen

from localart.errors import LocalartError, StoreBusy, StoreError, UsageError
from localart_tui.chrome import Bar, Chip, TabStrip
from localart_tui.filterbar import FilterBar
from localart_tui.glyphs import ASCII
from localart_tui.keys import Scope, bindings, footer
from localart_tui.pagemenus import Copy, choose_copy, choose_order, error_words, show_error, show_same
from localart_tui.places import Place, View
from localart_tui.table import VirtualTable
from localart_tui.text import clean
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of, lines, notify, static

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

    from localart_tui.app import LocalartApp
    from localart_tui.data.store import Store

Loaded = TypeVar("Loaded")

__all__ = ["Copy", "Page"]

READING_SECONDS = 0.12
RETRY_SECONDS = 2
_SHORT_PAGE = 14


class Page(Screen[None], Generic[Loaded]):
    """A page of the browser, about one `place`."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST)
    """Whose keys work here, beside those that work everywhere; tables bring their own."""
    WITHOUT: ClassVar[frozenset[str]] = frozenset()
    """Ids of keys of these scopes that mean nothing here."""
    SORTS: ClassVar[Mapping[str, str]] = {}
    """Orders by their key, and what they are called; nothing when there is no choice."""
    FIRST_SORT: ClassVar[str] = ""
    """The order when nothing is chosen; `-key` from high to low."""
    TOP_ROWS: ClassVar[int] = 1
    """With the cursor on one of so many first rows, a list is read again when the store changes."""
    LIST: ClassVar[str] = ""
    """The kind of list whose order and columns are remembered."""

    DEFAULT_CSS = """
    Page { layout: vertical; background: $background; }
    Page > #body { height: 1fr; }
    Page #message { display: none; padding: 1 3; height: 1fr; }
    Page.-message #message { display: block; }
    Page.-message #content { display: none; }
    Page #content { height: 1fr; }
    Page.-short #footer { display: none; }
    Page.-typing > #status { display: none; }
    """

    def __init_subclass__(cls, **named: object) -> None:
        own = [scope for scope in cls.SCOPES if scope not in {Scope.LIST, Scope.EVERYWHERE}]
        cls.BINDINGS = [one for one in bindings(*own) if one.id not in cls.WITHOUT]
        super().__init_subclass__(**named)  # type: ignore[arg-type]

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

    def copies(self) -> Sequence[Copy]:
        """What `y` can copy now."""
        return ()

    @property
    def command(self) -> str:
        """The command that gives the same facts."""
        return "localart ls"

    @property
    def code(self) -> str:
        """The Python that gives the same facts."""
        return "import localart\n\napi = localart.Api()"

    def empty(self) -> list[list[Part]]:
        """What a page without rows says."""
        return [[("Nothing here.", Tone.DIM)]]

    @property
    def parent_place(self) -> Place | None:
        """Where `back` goes when one did not come from anywhere."""
        known = [
            place for _, place in self.crumbs() if place is not None and not place.is_page_of(self.place)
        ]
        return known[-1] if known else None

    def graph_target(self) -> str:
        """What `x` draws the lineage of; "" for nothing."""
        return ""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys work now, for the footer and the help; a tab may bring its own."""
        return self.SCOPES

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

    @property
    def sort(self) -> tuple[str, bool]:
        """The order: its key, and whether it goes from high to low."""
        chosen = self.view.sort if self.view.sort.removeprefix("-") in self.SORTS else self.FIRST_SORT
        return chosen.removeprefix("-"), chosen.startswith("-")

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

    @work(exclusive=True, group="load")
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
        if not self.query("#crumbs"):  # the page is being taken apart
            return
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
        self.query_one("#crumbs", Bar).show(self._crumb_chips(), self._right_chips())
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

    def _right_chips(self) -> list[Chip]:
        chips: list[Chip] = []
        if self.view.filter:
            chips.append(Chip(f"/{clean(self.view.filter, 40)} ✕", Tone.WARN, self.clear_filter))
            chips.append(Chip("   "))
        if self._changed:
            chips.append(Chip(f"{glyphs_of(self).live} changed, r to reload   ", Tone.GOOD, self.reload))
        if self._tally:
            chips.append(Chip(self._tally, Tone.DIM))
        return [*chips, Chip(" ")]

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

    def hidden_keys(self) -> frozenset[str]:
        """Keys that the footer leaves out."""
        more = set(self.WITHOUT)
        if not self.SORTS:
            more.add("page.sort")
        return frozenset(more)

    def _runner(self, action: str):  # type: ignore[no-untyped-def]  # a chip's act
        async def run() -> None:
            name = action.partition("(")[0]
            focused = self.focused
            node = focused if focused is not None and hasattr(focused, f"action_{name}") else self
            await node.run_action(action)

        return lambda: self.run_worker(run(), group="click")

    # --- filter ----------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type a filter."""
        if "page.filter" not in self.WITHOUT:
            self.query_one(FilterBar).begin(self.view.filter)

    @on(FilterBar.Typed)
    def _filter_typed(self, message: FilterBar.Typed) -> None:
        message.stop()
        if message.text != self.view.filter:
            self.filter_changed(message.text)

    def filter_changed(self, text: str) -> None:
        """The typed filter changed."""
        self.look(replace(self.here.view, filter=text))

    @on(FilterBar.Left)
    def _filter_left(self, message: FilterBar.Left) -> None:
        message.stop()
        if self.table is not None:
            self.table.focus()

    def clear_filter(self) -> None:
        """Show everything again."""
        self.query_one(FilterBar).end()
        self.filter_changed("")

    # --- order -----------------------------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Choose the order."""
        if not self.SORTS:
            notify(self.app, "this page has one order only")
            return
        key, descending = self.sort
        choose_order(self, self.SORTS, chosen=key, descending=descending, take=self.sort_by)

    def sort_by(self, key: str) -> None:
        """Order by this; the same again turns the order round."""
        now, descending = self.sort
        first = key not in {"name", "type", "run", "job", "state"}
        descending = not descending if key == now else first
        self.look(replace(self.here.view, sort=f"-{key}" if descending else key))

    def action_reverse(self) -> None:
        """Turn the order round."""
        if self.SORTS:
            self.sort_by(self.sort[0])

    @on(VirtualTable.HeadClicked)
    def _head_clicked(self, message: VirtualTable.HeadClicked) -> None:
        message.stop()
        if message.sort in self.SORTS:
            self.sort_by(message.sort)

    # --- other keys --------------------------------------------------------------------------------------------

    def action_reload(self) -> None:
        """Read the store again; open it again when it was gone."""
        if isinstance(self.error, StoreError) and not isinstance(self.error, StoreBusy):
            self.store.open_again()
        self.reload()

    def action_copy(self) -> None:
        """Choose what to copy."""
        choose_copy(self, self.copies())

    def action_same(self) -> None:
        """Show the command and the Python that give the same."""
        show_same(self, command=self.command, code=self.code)

    def action_error(self) -> None:
        """Show all of the error."""
        if self.error is None:
            notify(self.app, "there was no error")
        else:
            where = f"store: {self.store.root}\npage: {self.place.screen} {self.place.target}"
            show_error(self, self.error, where)

    def action_graph(self) -> None:
        """Open the lineage."""
        target = self.graph_target()
        if target:
            self.localart.open(Place("graph", target))

    def leave_inner(self) -> bool:
        """Leave a part of the page that one went into; False when one is on the page itself."""
        return False

    def preview_toggled(self) -> None:
        """Previews are wanted now, or no longer."""

    def action_preview(self) -> None:
        """Show or hide the preview, where there is one."""
        self.localart.toggle_preview()

    def action_full(self) -> None:
        """Show the picture of a preview on the whole screen."""
        from localart_tui.fullpicture import show_previewed

        show_previewed(self)

    def action_compare(self) -> None:
        """Compare what is marked, where that means something."""
        notify(self.app, "nothing here can be compared")

    def action_columns(self) -> None:
        """Show the next set of columns, where there are several."""

    # --- tabs --------------------------------------------------------------------------------------------------

    def action_tab(self, by: int) -> None:
        """The next tab."""
        for strip in self.query(TabStrip):
            strip.step(by)

    def action_tab_number(self, number: int) -> None:
        """Tab `number`."""
        for strip in self.query(TabStrip):
            strip.choose_number(number)
