"""Find everywhere: one line to type in; artifacts, aliases, runs, values, files and commands below it."""

from __future__ import annotations

import shlex
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal
from textual.widgets import Input

from localart.errors import LocalartError
from localart_tui.data.find import (
    FIRST_HITS,
    LONGEST_QUERY,
    MOST_LISTED,
    Query,
    Section,
    find_section,
    parse_query,
    section_keys,
)
from localart_tui.filterbar import DEBOUNCE_SECONDS
from localart_tui.finding import Row, command_rows, project_of, recent_rows, section_rows
from localart_tui.keys import Scope, bindings
from localart_tui.page import Copy, Page
from localart_tui.places import Place, place_from
from localart_tui.reading import page_work
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import clean
from localart_tui.tones import Tone
from localart_tui.ui import content, glyphs_of, static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.binding import Binding
    from textual.timer import Timer

    from localart_tui.chrome import Chip
    from localart_tui.ui import Part

_COLUMNS = (
    Column(key="title", title="", least=16, most=200, grow=1, keep_end=True),
    Column(key="detail", title="", least=12, most=200, grow=2, priority=1),
)
_TONES = {
    "projects": Tone.STRONG,
    "artifacts": Tone.TEXT,
    "aliases": Tone.VERSION,
    "versions": Tone.VERSION,
    "exact": Tone.VERSION,
    "runs": Tone.RUN,
    "keys": Tone.KEY,
}
_FEW = 7
"""Hits of a section while there are other sections too."""
_PLACEHOLDER = "a name, a:artifact r:run f:file t:type m:acc>0.9 >command"


class FindInput(Input):
    """The line; what is pasted comes in cleaned and cut."""

    BINDINGS: ClassVar[list[Binding]] = bindings(Scope.FIND)  # type: ignore[assignment]

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.insert_text_at_cursor(clean(event.text[:LONGEST_QUERY].split("\n")[0], LONGEST_QUERY))


class FindPage(Page[bool]):
    """The finder. What is typed is the page's filter, so going back finds it again."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.FIND)
    WITHOUT: ClassVar[frozenset[str]] = frozenset(
        {"page.filter", "page.sort", "page.reverse", "page.copy", "page.same", "page.reload", "page.preview",
         "page.graph", "page.error"}
    )  # fmt: skip

    DEFAULT_CSS = """
    FindPage #ask { height: 1; margin-bottom: 1; }
    FindPage #ask-sign { width: 3; height: 1; }
    FindPage FindInput { height: 1; border: none; padding: 0; background: $background; width: 1fr; }
    FindPage FindInput:focus { border: none; background-tint: transparent; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._sections: dict[str, Section] = {}
        self._whole = place.view.tab
        self._placed = ""  # the row the cursor was put on, as long as nobody moved it
        self._waiting: Timer | None = None
        self._is_looking = False

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, find."""
        return [("localart", Place("home")), ("find", None)]

    def body(self) -> ComposeResult:
        """A line and a list."""
        with Horizontal(id="ask"):
            yield static(content(self.app, (" : ", Tone.KEY)), id="ask-sign")
            yield FindInput(
                clean(self.view.filter, LONGEST_QUERY), placeholder=_PLACEHOLDER, compact=True,
                max_length=LONGEST_QUERY, select_on_focus=False,
            )  # fmt: skip
        table = VirtualTable(_COLUMNS, self._cells, id="found", header=False)
        table.can_focus = False
        yield table

    async def load(self) -> bool:
        """Nothing is read before something is typed; the store must be there."""
        await self.store.read(lambda _: None)
        return True

    def show(self, loaded: bool) -> None:  # noqa: FBT001  # what load gives
        """Begin where one left."""
        del loaded
        field = self.query_one(FindInput)
        field.focus()
        field.cursor_position = len(field.value)
        self._look(self.view.cursor)

    def hidden_keys(self) -> frozenset[str]:
        """While one types, the keys that work everywhere are letters."""
        return super().hidden_keys() | {"app.find", "app.help", "app.back"}

    def right_chips(self) -> list[Chip]:
        """Nothing: what is typed stands on the page itself."""
        return []

    def store_changed(self) -> None:
        """What is found next is found in the store as it is then."""

    # --- looking -----------------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value == self.view.filter:
            return
        self.view = replace(self.view, filter=event.value, tab="", cursor="")
        self._whole = ""
        self._placed = self.query_one("#found", VirtualTable).cursor_id
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(DEBOUNCE_SECONDS, self._look)

    @page_work("load")
    async def _look(self, cursor: str = "") -> None:
        """Section by section, the quick ones first; each is shown as soon as it is there."""
        text = self.view.filter.strip()
        self._sections = {}
        if not text or text.startswith(">"):
            self._show_rows(cursor)
            return
        query = parse_query(text)
        keys = [self._whole] if self._whole else section_keys(query)
        limit = MOST_LISTED if self._whole else FIRST_HITS
        self._is_looking = True
        try:
            for key in keys:
                self._sections[key] = await self._find(query, key, limit)
                self._show_rows(cursor)
        except (LocalartError, sqlite3.Error, OSError) as error:
            self.fail(error)
            return
        finally:
            self._is_looking = False
        self._show_rows(cursor)

    async def _find(self, query: Query, key: str, limit: int) -> Section:
        return await self.store.read(
            lambda connection: find_section(self.store, connection, query, key, limit)
        )

    def _show_rows(self, cursor: str = "") -> None:
        rows = self._rows()
        table = self.query_one("#found", VirtualTable)
        source: ListSource[Row] = ListSource(rows, _row_id)
        has_moved = table.cursor_id != self._placed
        at = table.cursor_id if not cursor and has_moved else cursor
        first = next((row.id for row in rows if row.kind == "hit"), "")
        self._placed = "" if source.index_of(at) is not None else first
        table.set_rows(source, cursor=self._placed or at)
        self._say_found(rows)

    def _rows(self) -> list[Row]:
        text = self.view.filter.strip()
        app, plain = self.localart, glyphs_of(self).name == "ascii"
        project = next(filter(None, map(project_of, reversed(app.trail))), "")
        if not text:
            places = [place for place in map(place_from, app.state.recent) if place is not None]
            return [*recent_rows([*places, *app.history.places]), *command_rows((), project, plain=plain)]
        if text.startswith(">"):
            return command_rows(text[1:].split(), project, plain=plain)
        several = sum(bool(one.answers) for one in self._sections.values()) > 1
        listed = MOST_LISTED if self._whole else _FEW if several else FIRST_HITS
        found = [row for one in self._sections.values() for row in section_rows(one, listed)]
        query = parse_query(text)
        if query.only or query.is_condition or query.kind or self._whole:
            return found
        return [*found, *command_rows(query.words, project, plain=plain)]

    def _say_found(self, rows: list[Row]) -> None:
        hits = sum(row.kind == "hit" for row in rows)
        if hits or self._is_looking:
            self.show_content()
            self.say("looking …" if self._is_looking else f"{hits:,} listed", tally="")
            return
        self.say("nothing found")
        table = self.query_one("#found", VirtualTable)
        note = Row(
            id="note", kind="note", section="", title="Nothing found.", detail="fewer letters find more"
        )
        source: ListSource[Row] = ListSource([note], _row_id)
        table.set_rows(source)

    def _cells(self, row: Row) -> Sequence[Cell]:
        if row.kind == "head":
            return (row.title, Tone.HEADER), (row.detail, Tone.FAINT)
        if row.kind in {"more", "note"}:
            return (f"  {row.title}", Tone.DIM), (row.detail, Tone.FAINT)
        title: list[Part] = [("  ", Tone.TEXT), (row.title, _TONES.get(row.section, Tone.TEXT))]
        return title, (row.detail, Tone.DIM)

    # --- keys --------------------------------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """One up or down, over headings."""
        table = self.query_one("#found", VirtualTable)
        at = table.cursor + by
        while 0 <= at < len(table.source) and table.source.row(at).kind == "head":  # type: ignore[attr-defined]
            at += by
        if 0 <= at < len(table.source):
            table.move_to(at)

    def action_pages(self, pages: float) -> None:
        """Pages up or down."""
        self.query_one("#found", VirtualTable).action_page(pages)

    def action_section(self, by: int) -> None:
        """To another section."""
        table = self.query_one("#found", VirtualTable)
        heads = [at for at in range(len(table.source)) if table.source.row(at).kind == "head"]  # type: ignore[attr-defined]
        ahead = [at for at in heads if (at > table.cursor if by > 0 else at < table.cursor - 1)]
        target = (min(ahead, default=0) if by > 0 else max(ahead, default=0)) if heads else 0
        table.move_to(min(target + 1, max(len(table.source) - 1, 0)))

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """A double click goes there, too."""
        event.stop()
        self._take()

    @page_work("click", exclusive=False)
    async def _take(self) -> None:
        await self.action_take()

    async def action_take(self) -> None:
        """Go there; list the rest; go on typing; run the command."""
        row = self.query_one("#found", VirtualTable).cursor_row
        if not isinstance(row, Row):
            return
        if row.kind == "more":
            self._whole = row.section
            self.view = replace(self.view, tab=row.section)
            self._look()
        elif row.place is not None:
            self.localart.open(row.place)
        elif row.query:
            field = self.query_one(FindInput)
            field.value = row.query
            field.cursor_position = len(row.query)
        elif row.action:
            self.localart.action_go_back()
            await self.app.run_action(row.action)

    def action_clear(self) -> None:
        """An empty line."""
        self.query_one(FindInput).value = ""

    def action_leave(self) -> None:
        """Out of a section, or back."""
        if self._whole:
            self._whole = ""
            self.view = replace(self.view, tab="")
            self._look()
        else:
            self.localart.action_go_back()

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The hit, and the command that searches."""
        row = self.query_one("#found", VirtualTable).cursor_row
        target = row.place.target if isinstance(row, Row) and row.place is not None else ""
        return (
            Copy("r", "reference", target),
            Copy("g", "command", self.command),
            Copy("c", "Python", self.code, several_lines=True),
        )

    @property
    def command(self) -> str:
        """The command that searches for the same words."""
        return f"localart search {' '.join(map(shlex.quote, parse_query(self.view.filter).words)) or 'WORD'}"

    @property
    def code(self) -> str:
        """The Python that looks for the same words in names."""
        words = " ".join(parse_query(self.view.filter).words)
        return (
            "import localart\n\napi = localart.Api()\n"
            "for project in api.projects():\n"
            "    for kind in api.artifact_types(project.name):\n"
            f"        print([one.name for one in kind.collections() if {words!r} in one.name])"
        )


def _row_id(row: Row) -> str:
    return row.id
