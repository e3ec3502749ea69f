"""The store's health: where the bytes go, who is at work, what is wrong, and the commands that care for it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container

from localart_tui.chrome import Tab, TabStrip
from localart_tui.clipboard import copy
from localart_tui.data.store_health import (
    Command,
    Health,
    Usage,
    check_database,
    commands,
    read_health,
    read_usage,
)
from localart_tui.glyphs import size_bar
from localart_tui.keys import Scope
from localart_tui.lines import LineTable
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.reading import page_work, read_or_tell
from localart_tui.source import ListSource
from localart_tui.storelines import command_at, command_lines, overview_lines, pack_lines
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import count_text, size_text
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of, notify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

TABS = (
    Tab("overview", "Overview"),
    Tab("biggest", "Biggest"),
    Tab("packs", "Packs"),
    Tab("commands", "Commands"),
)
_BAR = 10
_COLUMNS = (
    Column(key="name", title="Artifact", least=16, most=60, grow=2, keep_end=True, sort="name"),
    Column(key="type", title="Type", least=4, most=16, priority=3, tone=Tone.TYPE),
    Column(key="versions", title="Versions", least=8, right=True, priority=3),
    Column(key="stored", title="Stored", least=9, right=True, sort="stored"),
    Column(key="bar", title="", least=_BAR, most=_BAR, priority=2, tone=Tone.BAR),
    Column(key="exclusive", title="Alone", least=9, right=True, priority=1, sort="exclusive"),
    Column(key="logical", title="Logged", least=9, right=True, priority=2, sort="logical"),
)


class StorePage(Page[Health]):
    """The store that is open."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST, Scope.TABS, Scope.STORE)
    WITHOUT: ClassVar[frozenset[str]] = frozenset(
        {"page.graph", "page.preview", "list.mark", "list.range", "list.compare", "list.columns"}
    )
    SORTS: ClassVar[Mapping[str, str]] = {
        "stored": "stored bytes",
        "exclusive": "bytes it holds alone",
        "logical": "logged bytes",
        "name": "name",
    }
    FIRST_SORT: ClassVar[str] = "-stored"
    LIST: ClassVar[str] = "store"

    DEFAULT_CSS = """
    StorePage #panels { height: 1fr; }
    StorePage #panels > * { display: none; height: 1fr; }
    StorePage #panels > .-chosen { display: block; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._usage: list[Usage] | None = None
        self._checked: tuple[str, ...] | None = None
        self._commands: list[Command] = []

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, health."""
        return [("localart", Place("home")), ("store", self.place)]

    def body(self) -> ComposeResult:
        """Tabs, and a panel for each."""
        yield TabStrip(TABS, self.view.tab or "overview")
        with Container(id="panels"):
            yield LineTable(id="overview")
            yield VirtualTable(_COLUMNS, self._cells, id="biggest")
            yield LineTable(id="packs")
            yield LineTable(id="commands")

    @property
    def tab(self) -> str:
        """The key of the chosen tab."""
        return self.query_one(TabStrip).chosen

    @property
    def table(self) -> VirtualTable | None:
        """The list of the chosen tab."""
        return self.query_one(f"#{self.tab}", VirtualTable)

    def hidden_keys(self) -> frozenset[str]:
        """Order and filter are for the list of artifacts."""
        more = set() if self.is_mounted and self.tab == "biggest" else {"page.sort", "page.filter"}
        return super().hidden_keys() | more

    async def load(self) -> Health:
        """What is known without measuring who holds what."""
        return await self.store.read(lambda connection: read_health(self.store, connection))

    def show(self, loaded: Health) -> None:
        """The chosen tab."""
        self._usage = None
        self._show_tab(cursor=self.view.cursor, scroll=self.view.scroll or None)
        figures = loaded.figures
        self.say(
            f"{size_text(figures.stored_bytes)} stored for {size_text(figures.logged_bytes)} logged",
            tally=f"{count_text(figures.version_count, 'version')}",
        )

    def _show_tab(self, *, cursor: str = "", scroll: int | None = None) -> None:
        health, glyphs, tab = self.loaded, glyphs_of(self), self.tab
        if health is None:
            return
        for panel in self.query_one("#panels").children:
            panel.set_class(panel.id == tab, "-chosen")
        self.show_content()
        match tab:
            case "overview":
                lines = overview_lines(health, self._checked, glyphs, self.size.width)
                self.query_one("#overview", LineTable).set_lines(lines, cursor=cursor, scroll=scroll)
            case "biggest":
                self._measure(cursor, scroll)
            case "packs":
                self.query_one("#packs", LineTable).set_lines(
                    pack_lines(health, glyphs), cursor=cursor, scroll=scroll
                )
            case "commands":
                self._commands = commands(self.store.root)
                lines = command_lines(self._commands)
                self.query_one("#commands", LineTable).set_lines(lines, cursor=cursor or "2", scroll=scroll)
        if self.table is not None and not self.query("FilterInput:focus"):
            self.table.focus()

    def on_resize(self) -> None:
        """Bars need room."""
        super().on_resize()
        if self.loaded is not None and self.tab == "overview":
            self._show_tab(cursor=self.query_one("#overview", LineTable).cursor_id)

    def store_changed(self) -> None:
        """Say so; measuring again is the reader's choice."""
        self._changed = True
        self._paint_chrome()

    # --- the biggest -------------------------------------------------------------------------------------------

    @page_work("files")
    async def _measure(self, cursor: str, scroll: int | None) -> None:
        """Who holds what: a scan of all entries, done once until something changes."""
        if self._usage is None:
            self.say("measuring who holds which bytes …")
            self._usage = await read_or_tell(self, lambda connection: read_usage(self.store, connection))
        if self._usage is None or self.tab != "biggest":
            return
        words = self.view.filter.casefold().split()
        rows = [row for row in self._usage if all(word in _name(row).casefold() for word in words)]
        key, descending = self.sort
        rows.sort(key=lambda row: _rank(row, key), reverse=descending)
        self._show_biggest(rows, cursor, scroll)

    def _show_biggest(self, rows: list[Usage], cursor: str, scroll: int | None) -> None:
        assert self._usage is not None
        key, descending = self.sort
        source: ListSource[Usage] = ListSource(rows, _name)
        table = self.query_one("#biggest", VirtualTable)
        table.set_rows(source, cursor=cursor, scroll=scroll, sorted_by=f"-{key}" if descending else key)
        alone = sum(row.exclusive_bytes for row in rows)
        self.say(f"{count_text(len(rows), 'artifact')} · {size_text(alone)} that only one of them holds")
        if not rows:
            nothing: list[list[Part]] = [[("No artifact holds anything yet.", Tone.STRONG)]]
            self.show_message(self.unmatched("artifact") if self._usage else nothing)

    def _cells(self, row: Usage) -> Sequence[Cell]:
        most = max((one.stored_bytes for one in self._usage or ()), default=1)
        return (
            _name(row),
            row.type,
            f"{row.version_count:,}",
            size_text(row.stored_bytes),
            size_bar(glyphs_of(self), row.stored_bytes / max(most, 1), _BAR),
            size_text(row.exclusive_bytes),
            (size_text(row.logical_bytes), Tone.DIM),
        )

    # --- keys --------------------------------------------------------------------------------------------------

    @on(TabStrip.Chosen)
    def _tab_chosen(self, message: TabStrip.Chosen) -> None:
        message.stop()
        self.view = replace(self.view, tab=message.key, cursor="", scroll=0, filter="")
        self._show_tab()
        self._paint_chrome()

    def filter_changed(self, text: str) -> None:
        """Words in the artifact's name."""
        self.view = replace(self.view, filter=text)
        if self.tab == "biggest":
            self._show_tab()
        self._paint_chrome()

    def sort_by(self, key: str) -> None:
        """Order by this; the same again turns the order round."""
        if self.tab != "biggest":
            notify(self.app, "only the list of the biggest has an order")
            return
        now, descending = self.sort
        descending = not descending if key == now else key != "name"
        self.view = replace(self.view, sort=f"-{key}" if descending else key)
        self._show_tab(cursor=self.query_one("#biggest", VirtualTable).cursor_id)

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Into an artifact; a command is copied."""
        event.stop()
        if self.tab == "biggest":
            self.localart.open(Place("versions", event.row_id))
        elif self.tab == "commands":
            self.action_take()

    def action_take(self) -> None:
        """Copy the command under the cursor."""
        command = self._command_here()
        if command:
            copy(self.app, command)
        else:
            self.query_one(TabStrip).choose("commands")

    def _command_here(self) -> str:
        if self.tab != "commands":
            return ""
        return command_at(self._commands, self.query_one("#commands", LineTable).cursor_id)

    def action_check(self) -> None:
        """Let SQLite look at every page of the database."""
        self.query_one(TabStrip).choose("overview")
        self._check()

    @page_work("preview")
    async def _check(self) -> None:
        self.say("SQLite is checking the database …")
        found = await read_or_tell(self, check_database)
        if found is None:
            return
        self._checked = found
        self.say("the database is sound" if not found else (f"{len(found)} things are wrong", Tone.BAD))
        self._show_tab(cursor=self.query_one("#overview", LineTable).cursor_id)

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The row, and the commands."""
        row = self.query_one("#biggest", VirtualTable).cursor_row if self.tab == "biggest" else None
        return (
            Copy("n", "artifact", _name(row) if isinstance(row, Usage) else ""),
            Copy("g", "command", self._command_here() or self.command),
            Copy("p", "place of the store", str(self.store.root)),
            Copy("c", "Python", self.code, several_lines=True),
        )

    @property
    def command(self) -> str:
        """The command that gives the same facts."""
        verb = "du" if self.is_mounted and self.tab == "biggest" else "doctor"
        return f"localart {verb} --store {shlex.quote(str(self.store.root))}"

    @property
    def code(self) -> str:
        """The Python that adds up what is logged."""
        return (
            "import localart\n\napi = localart.Api()\n"
            "for project in api.projects():\n"
            "    for kind in api.artifact_types(project.name):\n"
            "        for one in kind.collections():\n"
            "            print(project.name, one.name, sum(version.size for version in one.artifacts()))"
        )


def _name(row: Usage) -> str:
    return f"{row.project}/{row.artifact}"


def _rank(row: Usage, key: str) -> tuple[float, str]:
    sizes = {"stored": row.stored_bytes, "exclusive": row.exclusive_bytes, "logical": row.logical_bytes}
    return float(sizes.get(key, 0)), _name(row)
