"""Two to four versions, or runs, side by side: what was added, removed and modified, by sign and colour."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Container

from localart_tui.chrome import Chip, Tab, TabStrip
from localart_tui.comparing import TONES, full_text, name_cell, sign_cell, value_cells
from localart_tui.comparing import file_cells as size_cells
from localart_tui.data.compare import MISSING, Change, Compared, ValueDifference, read_compared
from localart_tui.filediff import FileDiffScreen
from localart_tui.filescompared import FilesCompared
from localart_tui.keys import Scope
from localart_tui.metricpanel import MetricPanel
from localart_tui.packed import FileRow
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.reading import page_work, read_or_tell
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from localart_tui.ui import Part

_VERSION_TABS = (
    Tab("summary", "Summary"),
    Tab("metadata", "Metadata"),
    Tab("files", "Files"),
    Tab("inputs", "Inputs"),
    Tab("config", "Config"),
    Tab("charts", "Charts"),
)
_RUN_TABS = (
    Tab("summary", "Summary"),
    Tab("config", "Config"),
    Tab("results", "Results"),
    Tab("inputs", "Inputs"),
    Tab("outputs", "Outputs"),
    Tab("charts", "Charts"),
)
_DIFFERENCES = (Change.ADDED, Change.REMOVED, Change.MODIFIED)
_LINKS = frozenset({"inputs", "outputs"})


class ComparePage(Page[Compared]):
    """What differs between `place.target` and `place.others`."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST, Scope.TABS, Scope.COMPARE)
    WITHOUT: ClassVar[frozenset[str]] = frozenset(
        {
            "page.reload",
            "page.sort",
            "page.reverse",
            "page.preview",
            "list.mark",
            "list.range",
            "list.compare",
        }
    )

    DEFAULT_CSS = """
    ComparePage #panels { height: 1fr; }
    ComparePage #panels > * { display: none; height: 1fr; }
    ComparePage #panels > .-chosen { display: block; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._targets = [place.target, *place.others]
        self._are_runs = place.target.startswith("run:")
        self._files = FilesCompared()

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, project, what is compared."""
        sides = self.loaded.sides if self.loaded else ()
        labels = [side.label for side in sides] or [target.rpartition("/")[2] for target in self._targets]
        project = self._project
        way: list[tuple[str, Place | None]] = [("localart", Place("home"))]
        if project:
            way.append((project, Place("runs" if self._are_runs else "artifacts", project)))
        if sides and not self._are_runs and all(label.startswith("v") for label in labels):
            name = self.loaded.versions[0].artifact if self.loaded else ""
            way.append((name, Place("versions", f"{project}/{name}")))
        return [*way, (" ┃ ".join(labels), None)]

    @property
    def _project(self) -> str:
        if self.loaded is None:
            return "" if self._are_runs else self._targets[0].rpartition("/")[0]
        side = self.loaded.sides[0]
        return (side.version or side.run).project  # type: ignore[union-attr]  # a side is one of them

    def body(self) -> ComposeResult:
        """Tabs; one table for all lists, and the charts."""
        yield TabStrip(_RUN_TABS if self._are_runs else _VERSION_TABS, self.view.tab or "summary")
        with Container(id="panels"):
            yield VirtualTable(self._columns, self._cells, id="differences")
            yield MetricPanel(id="charts")

    @property
    def tab(self) -> str:
        """The key of the chosen tab."""
        return self.query_one(TabStrip).chosen

    @property
    def table(self) -> VirtualTable | None:
        """The list, unless charts are shown."""
        return None if self.is_mounted and self.tab == "charts" else self.query_one(VirtualTable)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Charts have keys of their own."""
        if self.is_mounted and self.tab == "charts":
            return (Scope.CHART, Scope.TABS)
        return self.SCOPES

    @property
    def shown(self) -> frozenset[Change]:
        """The kinds of rows that are shown; kept in the view, so that going back restores them."""
        hidden = {Change.SAME.value} if not self.view.folded else set(self.view.folded)
        return frozenset(change for change in Change if change.value not in hidden)

    # --- reading -------------------------------------------------------------------------------------------

    async def load(self) -> Compared:
        """Everything but the files: those are compared when they are looked at."""
        return await self.store.read(lambda connection: read_compared(self.store, connection, self._targets))

    def show(self, loaded: Compared) -> None:
        """The chosen tab."""
        del loaded
        self._show_tab(cursor=self.view.cursor, scroll=self.view.scroll or None)

    def store_changed(self) -> None:
        """Files of a version never change, what is said of it may: read that again, quietly."""
        self.reload()

    def _show_tab(self, *, cursor: str = "", scroll: int | None = None) -> None:
        loaded, tab = self.loaded, self.tab
        if loaded is None:
            return
        charts, table = self.query_one(MetricPanel), self.query_one("#differences", VirtualTable)
        charts.set_class(tab == "charts", "-chosen")
        table.set_class(tab != "charts", "-chosen")
        self.show_content()
        if tab == "charts":
            charts.show_runs(loaded.runs)
            self.query_one(TabStrip).show_right([])
            self.say("" if loaded.runs else "no run made these versions")
            return
        table.set_columns(self._columns)
        if tab == "files":
            self._read_files(cursor, scroll)
        else:
            self._show_values(loaded, cursor, scroll)
        if not self.query("FilterInput:focus"):
            table.focus()

    @property
    def _columns(self) -> tuple[Column, ...]:
        sides = self.loaded.sides if self.loaded else ()
        right = self.is_mounted and self.tab == "files"
        return (
            Column(key="sign", title="", least=1, most=1),
            Column(key="name", title="path" if right else "", least=12, most=120, grow=2, keep_end=right),
            *(
                Column(
                    key=f"side{number}", title=side.label, least=8, most=44, grow=0 if right else 1, right=right,
                    keep_end=False, priority=0 if number in {0, len(sides) - 1} else 2,
                )
                for number, side in enumerate(sides)
            ),
            Column(key="delta", title=self._delta_title, least=4, most=24, right=True, priority=1),
        )  # fmt: skip

    @property
    def _delta_title(self) -> str:
        return "change" if glyphs_of(self).name == "ascii" else "Δ"

    def _cells(self, row: ValueDifference | FileRow) -> Sequence[Cell]:
        if isinstance(row, FileRow):
            return [sign_cell(row.change), name_cell(row.path, row.change), *size_cells(row)]
        return [sign_cell(row.change), name_cell(row.name, row.change), *value_cells(row)]

    # --- values ----------------------------------------------------------------------------------------------

    def _show_values(self, loaded: Compared, cursor: str, scroll: int | None) -> None:
        every = loaded.values[self.tab]
        words = self.view.filter.casefold().split()
        rows = [row for row in every if row.change in self.shown and _holds(row, words)]
        source = ListSource(rows, _row_id)
        self.query_one("#differences", VirtualTable).set_rows(source, cursor=cursor, scroll=scroll)
        counts = {change: sum(row.change is change for row in every) for change in Change}
        self.say_counts(counts, len(rows))

    def say_counts(self, counts: dict[Change, int], shown: int, note: str = "") -> None:
        """How many there are of each kind, which of them are hidden, and what is shown."""
        chips = [
            Chip(
                f" {change.sign}{counts.get(change, 0):,}",
                TONES[change] if change in self.shown else Tone.FAINT,
            )
            for change in Change
        ]
        self.query_one(TabStrip).show_right(chips)
        hidden = [change.value for change in Change if change not in self.shown and counts.get(change)]
        which = "only differences" if self.shown == frozenset(_DIFFERENCES) else "chosen kinds"
        self.say(
            note or f"{shown:,} of {sum(counts.values()):,} rows",
            (f"   hidden: {', '.join(hidden)}" if hidden else "", Tone.FAINT),
            tally="all" if self.shown == frozenset(Change) else which,
        )
        if not shown and not note:
            self.show_message(self._nothing(counts))

    def _nothing(self, counts: dict[Change, int]) -> list[list[Part]]:
        if self.view.filter:
            return [
                [("Nothing here meets the filter.", Tone.STRONG)],
                [("Esc while filtering drops it", Tone.DIM)],
            ]
        if not sum(counts.values()):
            return [[("There is nothing to compare here: no side has any.", Tone.STRONG)]]
        return [
            [("No differences here.", Tone.STRONG)],
            [(f"{counts.get(Change.SAME, 0):,} are the same; u shows them", Tone.DIM)],
        ]

    # --- files -----------------------------------------------------------------------------------------------

    @page_work("files")
    async def _read_files(self, cursor: str, scroll: int | None) -> None:
        assert self.loaded is not None
        await self._files.show(self, self.loaded.versions, cursor=cursor, scroll=scroll)

    # --- keys --------------------------------------------------------------------------------------------------

    @on(TabStrip.Chosen)
    def _tab_chosen(self, message: TabStrip.Chosen) -> None:
        message.stop()
        self.view = replace(self.view, tab=message.key, cursor="", scroll=0)
        self._show_tab()
        self._paint_chrome()

    def filter_changed(self, text: str) -> None:
        """Words that a row must hold."""
        self.view = replace(self.view, filter=text)
        self._show_tab()
        self._paint_chrome()

    def action_show_kind(self, kind: str) -> None:
        """Show or hide a kind of rows; while nothing could be read, `r` tries again as on every page."""
        if self.loaded is None:
            self.action_reload()
            return
        now = {change.value for change in Change if change not in self.shown} ^ {kind}
        self.view = replace(self.view, folded=tuple(sorted(now)) or ("",))
        table = self.query_one("#differences", VirtualTable)
        self._show_tab(cursor=table.cursor_id)

    def action_difference(self, by: int) -> None:
        """To the next row that differs, or the one before."""
        table = self.query_one("#differences", VirtualTable)
        ahead = range(table.cursor + 1, len(table.source)) if by > 0 else range(table.cursor - 1, -1, -1)
        for at in ahead[:100_000]:
            row = table.source.row(at)
            if isinstance(row, (ValueDifference, FileRow)) and row.change is not Change.SAME:
                table.move_to(at)
                return

    def action_swap(self) -> None:
        """Turn the sides round."""
        first, *others = reversed(self._targets)
        self.localart.replace(Place("compare", first, tuple(others), replace(self.here.view, cursor="")))

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Look closer at the row."""
        event.stop()
        self.action_diff()

    def action_diff(self) -> None:
        """The lines of a file that differ; the version that is an input; a value as a whole."""
        row = self.query_one("#differences", VirtualTable).cursor_row
        if isinstance(row, FileRow):
            self._diff_file(row.path)
        elif isinstance(row, ValueDifference) and self.tab in _LINKS:
            numbers = [value for value in row.values if value is not MISSING]
            self.localart.open(Place("artifact", f"{row.path[0]}:{str(numbers[-1]).rpartition(' ')[2]}"))
        elif isinstance(row, ValueDifference):
            self._show_whole(row)

    def _show_whole(self, row: ValueDifference) -> None:
        from localart_tui.modals import Reading, Section

        assert self.loaded is not None
        sections = [
            Section(side.address, "(nothing)" if value is MISSING else full_text(value))
            for side, value in zip(self.loaded.sides, row.values, strict=True)
        ]
        self.app.push_screen(Reading([Section("path", row.name), *sections]))

    @page_work("preview")
    async def _diff_file(self, path: str) -> None:
        from localart_tui.data.filediff import diff_file

        assert self.loaded is not None
        versions = self.loaded.versions
        pair = (versions[0], versions[-1])
        found = await read_or_tell(self, lambda connection: diff_file(self.store, connection, pair, path))
        if found is not None:
            self.app.push_screen(FileDiffScreen(found))

    def graph_target(self) -> str:
        """The last side."""
        return self._targets[-1]

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The row, the sides, and how to compare them."""
        row = None if self.tab == "charts" else self.query_one("#differences", VirtualTable).cursor_row
        return (
            Copy("p", "path", row.path if isinstance(row, FileRow) else ""),
            Copy("n", "name", row.name if isinstance(row, ValueDifference) else ""),
            *(Copy(str(number), f"side {number}", side) for number, side in enumerate(self._targets, 1)),
            Copy("g", "command", self.command),
            Copy("c", "Python", self.code, several_lines=True),
        )

    @property
    def command(self) -> str:
        """The command that compares the first side with the last."""
        return f"localart diff {shlex.quote(self._targets[0])} {shlex.quote(self._targets[-1])}"

    @property
    def code(self) -> str:
        """The Python that compares the first side with the last."""
        get, values = ("run", "summary") if self._are_runs else ("artifact", "metadata")
        sides = [target.removeprefix("run:") for target in (self._targets[0], self._targets[-1])]
        if self._are_runs and self._project and "/" not in sides[0]:
            sides = [f"{self._project}/{side}" for side in sides]
        return (
            "import localart\n\napi = localart.Api()\n"
            f"before, after = api.{get}({sides[0]!r}), api.{get}({sides[1]!r})\n"
            f"for key in before.{values}.keys() | after.{values}.keys():\n"
            f"    print(key, before.{values}.get(key), after.{values}.get(key))"
        )


def _row_id(row: ValueDifference) -> str:
    return row.name


def _holds(row: ValueDifference, words: Sequence[str]) -> bool:
    if not words:
        return True
    values = " ".join(full_text(value)[:1000] for value in row.values if value is not MISSING)
    text = f"{row.name} {values}".casefold()
    return all(word in text for word in words)
