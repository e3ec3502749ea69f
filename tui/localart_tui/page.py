"""What all pages share: how they live, and what the keys of every page do.

A new page is a small file: a class that names its `SCOPES` of keys, yields its `body`, reads in `load` and shows
in `show`. `load` runs beside the loop (it awaits `store.read`); everything else on it. Whatever goes wrong with
the store is shown on the page: no page ever crashes for what a store holds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on

from localart.errors import StoreBusy, StoreError
from localart_tui.chrome import Chip, TabStrip
from localart_tui.filterbar import FilterBar
from localart_tui.keys import Scope, bindings
from localart_tui.pagelife import Loaded, PageLife
from localart_tui.pagemenus import Copy, choose_copy, choose_order, show_error, show_same
from localart_tui.places import Place
from localart_tui.table import VirtualTable
from localart_tui.text import clean
from localart_tui.tones import Tone
from localart_tui.ui import Part, notify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Copy", "Page"]


class Page(PageLife[Loaded]):
    """A page of the browser, about one `place`."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST)
    """Whose keys work here, beside those that work everywhere; tables bring their own."""
    WITHOUT: ClassVar[frozenset[str]] = frozenset()
    """Ids of keys of these scopes that mean nothing here."""
    SORTS: ClassVar[Mapping[str, str]] = {}
    """Orders by their key, and what they are called; nothing when there is no choice."""
    FIRST_SORT: ClassVar[str] = ""
    """The order when nothing is chosen; `-key` from high to low."""

    def __init_subclass__(cls, **named: object) -> None:
        own = [scope for scope in cls.SCOPES if scope not in {Scope.LIST, Scope.EVERYWHERE}]
        cls.BINDINGS = [one for one in bindings(*own) if one.id not in cls.WITHOUT]
        super().__init_subclass__(**named)  # type: ignore[arg-type]

    # --- what a page says of itself ----------------------------------------------------------------------

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

    def unmatched(self, noun: str) -> list[list[Part]]:
        """What a list says whose filter leaves nothing."""
        return [
            [(f"No {noun} meets the filter.", Tone.STRONG)],
            [("/ changes it, and Esc there drops it.", Tone.DIM)],
        ]

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

    def hidden_keys(self) -> frozenset[str]:
        """Keys that the footer leaves out."""
        more = set(self.WITHOUT)
        if not self.SORTS:
            more.add("page.sort")
        return frozenset(more)

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

    def right_chips(self) -> list[Chip]:
        """What the head says at its right: the filter first, which a click takes away."""
        if not self.view.filter:
            return super().right_chips()
        shown = Chip(f"/{clean(self.view.filter, 40)} ✕", Tone.WARN, self.clear_filter)
        return [shown, Chip("   "), *super().right_chips()]

    # --- order -----------------------------------------------------------------------------------------------

    @property
    def sort(self) -> tuple[str, bool]:
        """The order: its key, and whether it goes from high to low."""
        chosen = self.view.sort if self.view.sort.removeprefix("-") in self.SORTS else self.FIRST_SORT
        return chosen.removeprefix("-"), chosen.startswith("-")

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
