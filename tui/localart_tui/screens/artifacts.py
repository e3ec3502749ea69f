"""The artifacts of a project, grouped by type, with a preview of the newest version beside them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.containers import Horizontal

from localart.errors import LocalartError
from localart_tui.chrome import Tab, TabStrip
from localart_tui.data.artifacts import (
    FIELDS,
    ORDERS,
    ArtifactLine,
    TypeLine,
    arrange,
    chosen_artifacts,
    list_artifacts,
    recent_sizes,
)
from localart_tui.data.versions import VersionFacts, read_version
from localart_tui.describe import preview_lines, type_lines
from localart_tui.filtering import parse_filter
from localart_tui.glyphs import size_bar
from localart_tui.keys import Scope
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.preview import REST_SECONDS, WIDE, PreviewPane
from localart_tui.reading import page_work
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import ago, clean, count_text, size_text
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

PROJECT_TABS = (
    Tab("artifacts", "Artifacts"),
    Tab("runs", "Runs"),
    Tab("graph", "Graph"),
    Tab("store", "Store"),
)

_COLUMNS = (
    Column(key="name", title="Name", least=16, most=60, grow=2, keep_end=True, sort="name"),
    Column(key="latest", title="Latest", least=4, most=8, priority=2, tone=Tone.VERSION),
    Column(key="aliases", title="Aliases", least=8, most=28, priority=4, tone=Tone.ALIAS),
    Column(
        key="versions",
        title="Versions",
        least=7,
        most=9,
        right=True,
        priority=3,
        tone=Tone.DIM,
        sort="versions",
    ),
    Column(key="size", title="Size", least=9, right=True, priority=1, sort="size"),
    Column(key="bar", title="", least=8, most=8, priority=6, tone=Tone.BAR),
    Column(
        key="updated",
        title="Updated",
        least=9,
        most=10,
        right=True,
        priority=1,
        tone=Tone.DIM,
        sort="updated",
    ),
)

Row = TypeLine | ArtifactLine


@dataclass(frozen=True, slots=True)
class _Shown:
    """All artifacts of the project, and those that meet the filter."""

    everything: Sequence[ArtifactLine]
    chosen: Sequence[ArtifactLine]


def open_project_tab(page: Page[Any], key: str, project: str) -> None:
    """Show another tab of a project in place of this one."""
    if key != page.place.screen:
        page.localart.replace(Place(key, project))


class ArtifactsPage(Page[_Shown]):
    """The artifacts of the project `place.target`."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST, Scope.TABS, Scope.ARTIFACTS)
    SORTS: ClassVar[Mapping[str, str]] = ORDERS
    FIRST_SORT: ClassVar[str] = "-updated"
    LIST: ClassVar[str] = "artifacts"
    TOP_ROWS: ClassVar[int] = 2

    DEFAULT_CSS = """
    ArtifactsPage #split { height: 1fr; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._everything: Sequence[ArtifactLine] | None = None
        self._largest = 1
        self._previewing: Timer | None = None

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, project."""
        return [("localart", Place("home")), (self.place.target, self.place)]

    def body(self) -> ComposeResult:
        """Tabs, the list, and the preview beside it."""
        yield TabStrip(PROJECT_TABS, "artifacts")
        with Horizontal(id="split"):
            yield VirtualTable(_COLUMNS, self._cells, id="list")
            yield PreviewPane()

    async def load(self) -> _Shown:
        """The artifacts; only filtered again when nothing else changed."""
        chosen = parse_filter(self.view.filter, FIELDS)
        if self._everything is None:
            self._everything = await self.store.read(
                lambda db: list_artifacts(db, self.place.target), ahead="artifacts"
            )
        everything = self._everything
        return _Shown(everything, chosen_artifacts(everything, chosen))

    def reload(self) -> None:
        """Read the store again."""
        self._everything = None
        super().reload()

    def show(self, loaded: _Shown) -> None:
        """The groups."""
        key, descending = self.sort
        self._largest = max((line.size_bytes for line in loaded.chosen), default=0) or 1
        folded = () if self.view.filter else self.view.folded
        rows = arrange(loaded.chosen, order=key, descending=descending, folded=folded)
        source = ListSource(rows, _row_id)
        first = next((row.name for row in rows if isinstance(row, ArtifactLine)), "")
        self.query_one(VirtualTable).set_rows(
            source,
            cursor=self.view.cursor or first,
            scroll=self.view.scroll or None,
            sorted_by=f"-{key}" if descending else key,
        )
        if not loaded.chosen:
            self.show_message(self.unmatched("artifact") if loaded.everything else self.empty())
        self._say(loaded)

    def _say(self, loaded: _Shown) -> None:
        versions = sum(line.version_count for line in loaded.chosen)
        size = sum(line.size_bytes for line in loaded.chosen)
        types = len({line.type for line in loaded.chosen})
        self.say(
            f"{count_text(len(loaded.chosen), 'artifact')} of {count_text(types, 'type')}"
            f" · {count_text(versions, 'version')} · {size_text(size)}",
            tally=f"{len(loaded.chosen):,} of {len(loaded.everything):,}",
        )

    def _cells(self, row: Row) -> Sequence[Cell]:
        if isinstance(row, TypeLine):
            return self._type_cells(row)
        return (
            [("  ", Tone.TEXT), (clean(row.name), Tone.TEXT)],
            "" if row.latest is None else f"v{row.latest}",
            ", ".join(row.aliases),
            f"{row.version_count:,}",
            size_text(row.size_bytes),
            size_bar(glyphs_of(self), row.size_bytes / self._largest, 8),
            ago(row.updated_at),
        )

    def _type_cells(self, row: TypeLine) -> Sequence[Cell]:
        glyphs = glyphs_of(self)
        sign = glyphs.folder_closed if row.folded else glyphs.folder_open
        return (
            [(f"{sign} ", Tone.DIM), (clean(row.type), Tone.TYPE), (f"  {row.artifact_count:,}", Tone.DIM)],
            "",
            "",
            (f"{row.version_count:,}", Tone.FAINT),
            (size_text(row.size_bytes), Tone.FAINT),
            "",
            "",
        )

    def empty(self) -> list[list[Part]]:
        """What to do first."""
        return [
            [("No artifact has been logged in this project yet.", Tone.STRONG)],
            [(" ", Tone.TEXT)],
            [
                (f"localart put PATH -n {clean(self.place.target)}/NAME", Tone.ACCENT),
                ("   or, in Python, run.log_artifact(…)", Tone.TEXT),
            ],
            [("Its runs are behind tab 2.", Tone.DIM)],
        ]

    # --- rows --------------------------------------------------------------------------------------------------

    @property
    def _row(self) -> Row | None:
        row = self.query_one(VirtualTable).cursor_row
        return row if isinstance(row, (TypeLine, ArtifactLine)) else None

    def on_virtual_table_opened(self) -> None:
        """Into an artifact; a type folds."""
        row = self._row
        if isinstance(row, TypeLine):
            self._fold({row.type} ^ set(self.view.folded))
        elif row is not None:
            self.localart.open(Place("versions", _address(row)))

    def action_fold_all(self) -> None:
        """Fold every type, or unfold them all."""
        if self.loaded is not None:
            self._fold(set() if self.view.folded else {line.type for line in self.loaded.everything})

    def _fold(self, folded: set[str]) -> None:
        self.view = replace(self.here.view, folded=tuple(sorted(folded)))
        if self.loaded is not None:
            self.show(self.loaded)

    def action_compare(self) -> None:
        """Compare the newest versions of the marked artifacts."""
        names = [mark for mark in self.query_one(VirtualTable).marks if not mark.startswith("type:")]
        self.localart.compare([f"{self.place.target}/{name}:latest" for name in names])

    def graph_target(self) -> str:
        """The newest version under the cursor."""
        row = self._row
        return (
            f"{_address(row)}:v{row.latest}"
            if isinstance(row, ArtifactLine) and row.latest is not None
            else ""
        )

    @on(TabStrip.Chosen)
    def _tab_chosen(self, message: TabStrip.Chosen) -> None:
        message.stop()
        open_project_tab(self, message.key, self.place.target)

    # --- preview -----------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """The preview needs a wide screen."""
        self.preview_toggled()

    def preview_toggled(self) -> None:
        """Show it where there is room."""
        pane = self.query_one(PreviewPane)
        pane.set_class(self.size.width >= WIDE and self.localart.shows_preview, "-shown")
        self._preview_soon()

    def on_virtual_table_moved(self) -> None:
        """Tell about the row when the cursor rests on it."""
        self._preview_soon()

    def _preview_soon(self) -> None:
        if self._previewing is not None:
            self._previewing.stop()
        if self.query_one(PreviewPane).has_class("-shown"):
            self._previewing = self.set_timer(REST_SECONDS, self._preview)

    @page_work("preview")
    async def _preview(self) -> None:
        row, pane = self._row, self.query_one(PreviewPane)
        if isinstance(row, TypeLine) and self.loaded is not None:
            members = [line for line in self.loaded.chosen if line.type == row.type]
            pane.tell(type_lines(row.type, members, glyphs_of(self), pane.inner_width))
            return
        if not isinstance(row, ArtifactLine) or row.latest is None:
            pane.tell_nothing()
            return
        address = f"{_address(row)}:v{row.latest}"

        def read(connection: sqlite3.Connection) -> tuple[VersionFacts, list[float]]:
            return read_version(self.store, address), recent_sizes(connection, row.id)

        try:
            facts, sizes = await self.store.read(read)
        except (LocalartError, sqlite3.Error, OSError) as error:
            pane.tell([[(clean(str(error), 400), Tone.BAD)]])
            return
        pane.tell(preview_lines(facts, sizes, glyphs_of(self), pane.inner_width))

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The artifact's name and how to use it."""
        row = self._row
        if not isinstance(row, ArtifactLine):
            return (Copy("n", "project", self.place.target),)
        address = _address(row)
        return (
            Copy("r", "reference", f"{address}:latest"),
            Copy("n", "name", row.name),
            Copy("c", "Python", f"run.use_artifact({address + ':latest'!r})", several_lines=True),
            Copy("g", "command", f"localart get {address}"),
        )

    @property
    def command(self) -> str:
        """The command that lists them."""
        import shlex

        return f"localart ls {shlex.quote(self.place.target)}"

    @property
    def code(self) -> str:
        """The Python that lists them."""
        return (
            "import localart\n\napi = localart.Api()\n"
            f"for kind in api.artifact_types({self.place.target!r}):\n"
            "    for artifact in kind.collections():\n        print(kind.name, artifact.name)"
        )


def _row_id(row: Row) -> str:
    return f"type:{row.type}" if isinstance(row, TypeLine) else row.name


def _address(row: ArtifactLine) -> str:
    return f"{row.project}/{row.name}"
