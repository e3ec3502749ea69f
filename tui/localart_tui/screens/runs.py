"""The runs of a project: how each stands, what it came to, and how its most telling metrics went."""

from __future__ import annotations

import shlex
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import on

from localart.errors import LocalartError
from localart_tui.chrome import TabStrip
from localart_tui.data.live import is_alive
from localart_tui.data.runs import (
    ORDERS,
    SHOWN_METRICS,
    RunRow,
    RunRows,
    Telling,
    count_runs,
    find_telling,
    list_ids,
    load_sparkline,
    runs_filter,
    runs_query,
)
from localart_tui.filterbar import FilterBar
from localart_tui.keys import Scope
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.reading import page_work
from localart_tui.screens.artifacts import PROJECT_TABS, open_project_tab
from localart_tui.screens.run_tabs.columns import SETS, columns_for, fields_of
from localart_tui.sparks import Sparks
from localart_tui.table import VirtualTable
from localart_tui.text import count_text
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of, notify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

    from localart.catalog.conditions import ListQuery
    from localart_tui.columns import Cell, Column
    from localart_tui.filtering import Filter

_Sparklines: TypeAlias = "Mapping[tuple[int, str], tuple[str, str]]"

MOST_OVERLAID = 8
_REST_SECONDS = 0.08
_TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Shown:
    """The list as it was read, and how to read it again."""

    query: ListQuery
    chosen: Filter
    telling: Telling
    source: RunRows
    total: int


class RunsPage(Page[_Shown]):
    """The runs of the project `place.target`."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST, Scope.TABS, Scope.RUNS)
    WITHOUT: ClassVar[frozenset[str]] = frozenset({"page.preview"})
    FIRST_SORT: ClassVar[str] = "-created"
    LIST: ClassVar[str] = "runs"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._sparks = Sparks()
        self._drawing: Timer | None = None
        self._is_drawing_soon = False
        self._stamp = 0
        self._is_looking = self._looks_again = False
        self._followed = ""

    @property
    def SORTS(self) -> Mapping[str, str]:  # type: ignore[override]  # noqa: N802  # what metrics there are, the runs say
        """The fixed orders, and one for each metric that tells most."""
        telling = self.loaded.telling.metrics if self.loaded is not None else ()
        chosen = self.view.sort.removeprefix("-")
        known = dict.fromkeys((*telling, *([chosen[8:]] if chosen.startswith("summary.") else [])))
        return {**ORDERS, **{f"summary.{name}": name for name in known}}

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, project."""
        project = self.place.target
        return [("localart", Place("home")), (project, Place("artifacts", project)), ("runs", self.place)]

    @property
    def parent_place(self) -> Place:
        """The projects: artifacts are the tab beside this one."""
        return Place("home")

    def body(self) -> ComposeResult:
        """Tabs and the list."""
        yield TabStrip(PROJECT_TABS, "runs")
        yield VirtualTable(self._columns, self._cells, id="list")

    def on_mount(self) -> None:
        """Begin to read, and to look after the runs that go on."""
        super().on_mount()
        self.set_interval(_TICK_SECONDS, self._tick)

    async def load(self) -> _Shown:
        """The ids of all runs that meet the filter, and which metrics to show."""
        chosen = runs_filter(self.view.filter)
        order, descending = self.sort
        project = self.place.target

        def read(connection: sqlite3.Connection) -> _Shown:
            query = runs_query(connection, project, chosen, order=order, descending=descending)
            telling = find_telling(self.store, connection, query)
            ids = list_ids(connection, query, chosen)
            source = RunRows(self.store, ids, telling.metrics)
            total = count_runs(connection, query) if chosen else len(source)
            return _Shown(query, chosen, telling, source, total)

        return await self.store.read(read)

    def show(self, loaded: _Shown) -> None:
        """The rows."""
        self._stamp += 1
        key, descending = self.sort
        table = self.query_one(VirtualTable)
        table.set_columns(self._columns)
        table.set_rows(
            loaded.source,
            cursor=self.view.cursor,
            scroll=self.view.scroll or None,
            sorted_by=f"-{key}" if descending else key,
        )
        if not loaded.total:
            self.show_message(self.empty())
        elif not len(loaded.source):
            self.show_message(self.unmatched("run"))
        self._say()

    def _say(self) -> None:
        loaded = self.loaded
        if loaded is None:
            return
        marks = self.query_one(VirtualTable).marks
        shown = len(loaded.source)
        words = f"{count_text(shown, 'run')} by {self.SORTS[self.sort[0]]}"
        if not shown and loaded.chosen:
            words = "no run meets the filter"
        self.say(
            words,
            (f" · {len(marks)} marked: c compares, C draws them together" if marks else "", Tone.MARKED),
            tally=f"{shown:,} of {loaded.total:,}" if loaded.chosen else f"{loaded.total:,}",
        )

    def empty(self) -> list[list[Part]]:
        """What to do first."""
        return [
            [("No run has been logged in this project yet.", Tone.STRONG)],
            [(" ", Tone.TEXT)],
            [(f"with localart.init(project={self.place.target!r}) as run:", Tone.ACCENT)],
            [('    run.log({"loss": 0.5})', Tone.ACCENT)],
        ]

    # --- columns -----------------------------------------------------------------------------------------------

    @property
    def _columns(self) -> tuple[Column, ...]:
        telling = self.loaded.telling if self.loaded is not None else Telling()
        return columns_for(telling, self.view.columns)

    def _cells(self, row: RunRow) -> Sequence[Cell]:
        fields = fields_of(row, glyphs_of(self), width=self.size.width)
        metrics = self.loaded.telling.metrics[:SHOWN_METRICS] if self.loaded is not None else ()
        stamp = str(self._stamp) if row.is_running else row.line.finished_at or "ended"
        cells: list[Cell] = []
        for column in self._columns:
            kind, _, name = column.key.partition(":")
            if kind == "spark" and name in metrics:
                cells.append(self._sparks.text((row.line.id, name), stamp))
            else:
                cells.append(fields(column.key))
        if self._sparks.has_wanted() and not self._is_drawing_soon:
            self._is_drawing_soon = True
            self.call_after_refresh(self._draw_soon)
        return cells

    def on_resize(self) -> None:
        """What a column says depends on the room."""
        super().on_resize()
        self.query_one(VirtualTable).set_columns(self._columns)

    def action_columns(self) -> None:
        """The next columns."""
        self.view = replace(self.view, columns=(self.view.columns + 1) % SETS)
        self.localart.remember_view(self.LIST, self.view)
        self.query_one(VirtualTable).set_columns(self._columns)

    # --- sparklines ----------------------------------------------------------------------------------------------

    @property
    def _visible(self) -> range:
        table = self.query_one(VirtualTable)
        return range(table.top, min(table.top + max(table.size.height, 1), len(table.source)))

    def _draw_soon(self) -> None:
        """Draw when the list has come to rest: who holds a key down sees none."""
        self._is_drawing_soon = False
        if self._drawing is not None:
            self._drawing.stop()
        self._drawing = self.set_timer(_REST_SECONDS, self._draw_sparks)

    @page_work("sparks", exclusive=False)
    async def _draw_sparks(self) -> None:
        self._drawing = None
        if self.loaded is None:
            return
        source, places = self.loaded.source, self._visible
        wanted = self._sparks.take_wanted(source.ids[at] for at in places)
        if not wanted:
            return
        rows = {row.line.id: row.line for at in places if (row := source.row(at)) is not None}
        ascii_only = glyphs_of(self).name == "ascii"

        def read(_: sqlite3.Connection) -> _Sparklines:
            return {
                (run, name): (stamp, load_sparkline(self.store, rows[run], name, ascii_only=ascii_only))
                for (run, name), stamp in wanted.items()
                if run in rows
            }

        try:
            self._take_sparks(await self.store.read(read))
        except (LocalartError, sqlite3.Error, OSError) as error:
            self.fail(error)

    def _take_sparks(self, made: _Sparklines) -> None:
        changed = self._sparks.keep(made)
        table = self.query_one(VirtualTable)
        source = self.loaded.source if self.loaded is not None else None
        with self.app.batch_update():
            for at in self._visible:
                if source is not None and source.ids[at] in changed:
                    table.refresh_row(at)

    # --- what goes on --------------------------------------------------------------------------------------------

    def store_changed(self) -> None:
        """Read the rows on the screen again, in place. The list itself only when one looks at its top."""
        if self.loaded is None:
            self.reload()
        elif self._is_looking:
            self._looks_again = True
        else:
            self._is_looking = True
            self._look_again(self.loaded)

    @page_work("live", exclusive=False)
    async def _look_again(self, loaded: _Shown) -> None:
        source, places = loaded.source, self._visible
        wanted = source.chunk_ids(places.start, max(places.stop - 1, places.start))

        def read(connection: sqlite3.Connection) -> tuple[Sequence[int], Sequence[RunRow | None]]:
            return list_ids(connection, loaded.query, loaded.chosen), source.read_again(wanted)

        try:
            ids, rows = await self.store.read(read)
        except (LocalartError, sqlite3.Error, OSError) as error:
            self.fail(error)
            return
        finally:
            self._is_looking = False
        if self.loaded is loaded:
            self._renew(loaded, places.start, ids, rows)
        if self._looks_again:
            self._looks_again = False
            self.store_changed()

    def _renew(self, loaded: _Shown, first: int, ids: Sequence[int], rows: Sequence[RunRow | None]) -> None:
        if ids != loaded.source.ids and self._is_at_top:
            self._followed = self.query_one(VirtualTable).cursor_id
            self.reload()
            return
        self._stamp += 1
        table, source = self.query_one(VirtualTable), loaded.source
        before = {at: source.row(at) for at in self._visible}
        source.take(first, rows)
        with self.app.batch_update():
            for at, row in before.items():
                now = source.row(at)
                if now != row or (now is not None and now.is_running):
                    table.refresh_row(at)
        if ids != source.ids:
            self._changed = True
            self._paint_chrome()

    @property
    def _is_at_top(self) -> bool:
        """Whether rows may move: one looks at the first one, or has not moved since they moved last."""
        table = self.query_one(VirtualTable)
        if table.top or table.marks or self.query_one(FilterBar).is_typing:
            return False
        return table.cursor == 0 or table.cursor_id == self._followed

    def _tick(self) -> None:
        """Runs that go on grow older; of one whose process died nobody says so."""
        if not self.is_current or self.loaded is None or not self.app.app_focus:
            return
        table, source = self.query_one(VirtualTable), self.loaded.source
        running = [
            (at, row) for at in self._visible if (row := source.row(at)) is not None and row.is_running
        ]
        with self.app.batch_update():
            for at, _ in running:
                table.refresh_row(at)
        try:
            if not all(is_alive(self.store, row.line.uid) for _, row in running):
                self.store_changed()
        except LocalartError:
            return  # the poll says what is wrong with the store

    # --- rows --------------------------------------------------------------------------------------------------

    def _row(self, row_id: str) -> RunRow | None:
        source = self.query_one(VirtualTable).source
        at = source.index_of(row_id)
        row = None if at is None else source.row(at)
        return row if isinstance(row, RunRow) else None

    @property
    def _here(self) -> RunRow | None:
        return self._row(self.query_one(VirtualTable).cursor_id)

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Into the run."""
        row = self._row(event.row_id)
        if row is not None:
            self.localart.open(Place("run", row.address))

    def on_virtual_table_marked(self) -> None:
        """Say how many are marked."""
        self._say()

    @on(TabStrip.Chosen)
    def _tab_chosen(self, message: TabStrip.Chosen) -> None:
        message.stop()
        open_project_tab(self, message.key, self.place.target)

    def _marked(self) -> list[str]:
        """The addresses of the marked runs; a single one together with the one under the cursor."""
        table = self.query_one(VirtualTable)
        marks = list(table.marks)
        if len(marks) < 2 and table.cursor_id not in marks:
            marks.append(table.cursor_id)
        rows = (self._row(mark) for mark in marks)
        return [row.address for row in rows if row is not None]

    def action_compare(self) -> None:
        """Compare the marked runs, or the one under the cursor with the one marked."""
        self.localart.compare(self._marked())

    def action_overlay(self) -> None:
        """The charts of the marked runs, one over the other."""
        runs = self._marked()
        if len(runs) > MOST_OVERLAID:
            notify(self.app, f"a chart shows {MOST_OVERLAID} runs: these are the first of {len(runs)}")
        if runs:
            self.localart.open(Place("charts", runs[0], tuple(runs[1:MOST_OVERLAID])))

    def graph_target(self) -> str:
        """The run under the cursor."""
        row = self._here
        return row.address if row is not None else ""

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The run's names and how to read it."""
        row = self._here
        if row is None:
            return (Copy("n", "project", self.place.target),)
        path = row.address.removeprefix("run:")
        return (
            Copy("r", "reference", row.address),
            Copy("n", "name", row.line.name),
            Copy("i", "id", row.line.run_id),
            Copy("c", "Python", f"localart.Api().run({path!r})", several_lines=True),
            Copy("g", "command", f"localart show {shlex.quote(row.address)}"),
        )

    @property
    def command(self) -> str:
        """The command that lists them."""
        return f"localart runs {shlex.quote(self.place.target)}"

    @property
    def code(self) -> str:
        """The Python that lists them."""
        return (
            f"import localart\n\nfor run in localart.Api().runs({self.place.target!r}):\n"
            "    print(run.name, run.state, dict(run.summary))"
        )
