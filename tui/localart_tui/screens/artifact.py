"""One version of an artifact: what it is, its metadata, how to use it, its files, where it comes from."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical

from localart_tui.chrome import Tab, TabStrip
from localart_tui.data.metadata import FIELDS, ValueRow, chosen_rows, flatten
from localart_tui.data.versions import VersionFacts, read_version
from localart_tui.describe import version_lines
from localart_tui.filespanel import FilesPanel
from localart_tui.filtering import parse_filter
from localart_tui.keys import Scope
from localart_tui.lineagepanel import LineagePanel
from localart_tui.lines import Line, LineTable
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import count_text, size_text
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of
from localart_tui.usage import python_code, reading_code, usage_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from localart.model import VersionRecord


TABS = (
    Tab("version", "Version"),
    Tab("metadata", "Metadata"),
    Tab("usage", "Usage"),
    Tab("files", "Files"),
    Tab("lineage", "Lineage"),
)
_VALUES = (
    Column(key="key", title="Key", least=10, most=48, grow=1, tone=Tone.KEY),
    Column(key="value", title="Value", least=12, most=400, grow=2),
    Column(key="kind", title="", least=6, most=6, priority=1, tone=Tone.FAINT),
)


class ArtifactPage(Page[VersionFacts]):
    """The version `place.target` (`project/name:v3`, or an alias)."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST, Scope.TABS, Scope.ARTIFACT, Scope.FILES)
    WITHOUT: ClassVar[frozenset[str]] = frozenset({"list.mark", "list.range", "page.sort", "page.reverse"})

    DEFAULT_CSS = """
    ArtifactPage #panels { height: 1fr; }
    ArtifactPage #panels > * { display: none; height: 1fr; }
    ArtifactPage #panels > .-chosen { display: block; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._filters: dict[str, str] = {place.view.tab or "version": place.view.filter}
        self._values: list[ValueRow] | None = None

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, project, artifact, version."""
        base, _, selector = self.place.target.rpartition(":")
        project, _, name = base.rpartition("/")
        if self.loaded is not None:
            version = self.loaded.version
            project, name, selector = version.project, version.artifact, f"v{version.number}"
        return [
            ("localart", Place("home")),
            (project, Place("artifacts", project)),
            (name, Place("versions", f"{project}/{name}")),
            (selector, self.place),
        ]

    def body(self) -> ComposeResult:
        """Tabs, and a panel for each."""
        yield TabStrip(TABS, self.view.tab or "version")
        with Vertical(id="panels"):
            yield LineTable(id="version")
            yield VirtualTable(_VALUES, self._value_cells, id="metadata")
            yield LineTable(id="usage")
            yield FilesPanel(id="files")
            yield LineagePanel(id="lineage")

    @property
    def tab(self) -> str:
        """The key of the chosen tab."""
        return self.query_one(TabStrip).chosen

    @property
    def table(self) -> VirtualTable | None:
        """The list of the chosen tab."""
        panel = self.query_one(f"#{self.tab}")
        if isinstance(panel, FilesPanel):
            return panel.table
        return panel if isinstance(panel, VirtualTable) else None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The graph has keys of its own; files are only there on their tab."""
        tab = self.tab if self.is_mounted else ""
        if tab == "lineage":
            return (Scope.GRAPH, Scope.TABS)
        more = (Scope.FILES,) if tab == "files" else ()
        return (Scope.PAGE, Scope.LIST, Scope.TABS, *more)

    async def load(self) -> VersionFacts:
        """The version and its neighbours."""
        return await self.store.read(lambda _: read_version(self.store, self.place.target))

    def show(self, loaded: VersionFacts) -> None:
        """The chosen tab."""
        del loaded  # a tab that is chosen later shows it too, from `self.loaded`
        self._values = None
        self.query_one(TabStrip).show_right([])
        self._show_tab(cursor=self.view.cursor, scroll=self.view.scroll or None)

    def _show_tab(self, *, cursor: str = "", scroll: int | None = None) -> None:
        facts = self.loaded
        if facts is None:
            return
        for panel in self.query_one("#panels").children:
            panel.set_class(panel.id == self.tab, "-chosen")
        self._say(facts.version)
        match self.tab:
            case "version":
                self.query_one("#version", LineTable).set_lines(
                    version_lines(facts, glyphs_of(self)), cursor=cursor, scroll=scroll
                )
            case "metadata":
                self._show_metadata(facts, cursor, scroll)
            case "usage":
                rows = [Line(parts) for parts in usage_lines(facts.version)]
                self.query_one("#usage", LineTable).set_lines(rows, cursor=cursor, scroll=scroll)
            case "files":
                self.query_one(FilesPanel).show_version(
                    facts.version, filter_text=self.view.filter, cursor=cursor
                )
            case "lineage":
                self._show_lineage(facts)
        table = self.table
        if table is not None and not self.query("FilterInput:focus"):
            table.focus()

    def _say(self, version: VersionRecord) -> None:
        self.say(
            f"{size_text(version.size_bytes)} in {count_text(version.file_count, 'file')}",
            (f" · {', '.join(version.aliases)}" if version.aliases else "", Tone.ALIAS),
            tally=version.type,
        )

    # --- tabs ------------------------------------------------------------------------------------------------

    @on(TabStrip.Chosen)
    def _tab_chosen(self, message: TabStrip.Chosen) -> None:
        message.stop()
        self.view = replace(
            self.view, tab=message.key, filter=self._filters.get(message.key, ""), cursor="", scroll=0
        )
        self._show_tab()
        self._paint_chrome()

    def filter_changed(self, text: str) -> None:
        """Metadata and files can be filtered."""
        self._filters[self.tab] = text
        self.view = replace(self.view, filter=text)
        self._show_tab()
        self._paint_chrome()

    def action_filter(self) -> None:
        """Type a filter, where there is something to filter."""
        if self.tab not in {"metadata", "files"}:
            self.query_one(TabStrip).choose("files")
        super().action_filter()

    def _show_lineage(self, facts: VersionFacts) -> None:
        panel = self.query_one(LineagePanel)
        panel.show_address(facts.version.full_name)
        panel.focus_graph()

    def _show_metadata(self, facts: VersionFacts, cursor: str, scroll: int | None) -> None:
        if self._values is None:
            self._values = flatten(facts.version.metadata)
        chosen = parse_filter(self.view.filter, FIELDS)
        rows = chosen_rows(self._values, chosen)
        source = ListSource(rows, lambda row: row.path)
        self.query_one("#metadata", VirtualTable).set_rows(source, cursor=cursor, scroll=scroll)
        found = f"{len(rows):,} of {len(self._values):,}" if chosen else count_text(len(rows), "value")
        self.say(f"{found} in the metadata", tally=facts.version.type)

    @staticmethod
    def _value_cells(row: ValueRow) -> Sequence[Cell]:
        tone = {"number": Tone.VERSION, "text": Tone.TEXT, "bool": Tone.ACCENT}.get(row.kind, Tone.DIM)
        return row.path, (row.text, tone), row.kind

    # --- rows --------------------------------------------------------------------------------------------------

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """A line may lead somewhere; a value is shown whole."""
        if isinstance(event.table, LineTable):
            place = event.table.place_at(event.row_id)
            if place is not None:
                self.localart.open(place)
        elif event.table.id == "metadata":
            self._show_value(event.row_id)

    def _show_value(self, path: str) -> None:
        from localart_tui.modals import Reading, Section

        row = next((row for row in self._values or () if row.path == path), None)
        if row is not None:
            self.app.push_screen(Reading([Section(row.path, row.text)]))

    def leave_inner(self) -> bool:
        """From a file's preview back to its tree."""
        return self.query_one(FilesPanel).leave_preview()

    def preview_toggled(self) -> None:
        """Files have previews."""
        self.query_one(FilesPanel).on_resize()

    def action_pager(self) -> None:
        """The file in the user's pager."""
        if self.tab == "files":
            self.query_one(FilesPanel).open_in_pager()

    def action_fold_all(self) -> None:
        """Close every folder."""
        self.query_one(FilesPanel).fold_all()

    def graph_target(self) -> str:
        """This version."""
        return self.loaded.version.full_name if self.loaded else self.place.target

    def action_compare(self) -> None:
        """Compare with the version before this one."""
        if self.loaded is not None:
            before = self.loaded.neighbours[0]
            self.localart.compare([before, self.loaded.version.full_name] if before else [])

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The version's name, digest, metadata and code; on a row, what it says."""
        if self.loaded is None:
            return (Copy("r", "reference", self.place.target),)
        version = self.loaded.version
        return (
            Copy("r", "reference", version.full_name),
            *self._row_copies(),
            Copy("d", "digest", version.digest.hex()),
            Copy("j", "metadata as JSON", json.dumps(dict(version.metadata), indent=2), several_lines=True),
            Copy("c", "Python", python_code(version), several_lines=True),
            Copy("g", "command", f"localart get {shlex.quote(version.full_name)}"),
        )

    def _row_copies(self) -> list[Copy]:
        table = self.table
        row = table.cursor_row if table is not None else None
        if isinstance(row, ValueRow):
            return [Copy("v", "value", row.text), Copy("k", "key", row.path)]
        if self.tab == "files":
            return self.query_one(FilesPanel).copies()
        return self.query_one(LineagePanel).copies() if self.tab == "lineage" else []

    @property
    def command(self) -> str:
        """The command that shows it."""
        verb = "ls" if self.tab == "files" else "lineage" if self.tab == "lineage" else "show"
        return f"localart {verb} {shlex.quote(self.graph_target())}"

    @property
    def code(self) -> str:
        """The Python that shows it."""
        if self.loaded is None:
            return super().code
        if self.tab == "files":
            return (
                f"import localart\n\nartifact = localart.Api().artifact({self.graph_target()!r})\n"
                "for path, entry in artifact.manifest.entries.items():\n    print(path, entry.size)"
            )
        return reading_code(self.loaded.version)
