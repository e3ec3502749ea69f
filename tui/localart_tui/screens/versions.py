"""The versions of one artifact, newest first; a hundred thousand are as quick as ten."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from localart_tui.data.versions import (
    FIELDS,
    ORDERS,
    ArtifactHead,
    VersionLine,
    find_head,
    list_versions,
    newest_versions,
)
from localart_tui.describe import state_sign
from localart_tui.filtering import parse_filter
from localart_tui.keys import Scope
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import ago, count_text, size_text, time_text
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from localart_tui.source import PagedSource

_COLUMN_SETS = (
    (
        Column(key="version", title="Version", least=5, most=9, tone=Tone.VERSION, sort="number"),
        Column(key="aliases", title="Aliases", least=8, most=36, grow=2, priority=1, tone=Tone.ALIAS),
        Column(key="size", title="Size", least=9, right=True, priority=1, sort="size"),
        Column(key="files", title="Files", least=5, most=10, right=True, priority=3, sort="files"),
        Column(key="created", title="Created", least=10, most=16, priority=2, sort="created"),
        Column(key="run", title="Run", least=8, most=28, priority=4, sort="run"),
        Column(key="state", title="", least=1, most=10, priority=5),
    ),
    (
        Column(key="version", title="Version", least=5, most=9, tone=Tone.VERSION, sort="number"),
        Column(key="aliases", title="Aliases", least=6, most=20, priority=2, tone=Tone.ALIAS),
        Column(key="description", title="Description", least=12, most=200, grow=2, priority=1),
        Column(key="created", title="Created", least=10, most=16, priority=2, sort="created"),
    ),
)


@dataclass(frozen=True, slots=True)
class _Shown:
    head: ArtifactHead
    source: PagedSource[VersionLine]
    total: int


class VersionsPage(Page[_Shown]):
    """The versions of the artifact `place.target` (`project/name`)."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST, Scope.VERSIONS)
    WITHOUT: ClassVar[frozenset[str]] = frozenset({"page.preview"})
    SORTS: ClassVar[Mapping[str, str]] = ORDERS
    FIRST_SORT: ClassVar[str] = "-number"
    LIST: ClassVar[str] = "versions"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._total: int | None = None

    @property
    def _project(self) -> str:
        return self.place.target.rpartition("/")[0]

    @property
    def _artifact(self) -> str:
        return self.place.target.rpartition("/")[2]

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, project, type, artifact."""
        kind = [(self.loaded.head.type, None)] if self.loaded else []
        return [
            ("localart", Place("home")),
            (self._project, Place("artifacts", self._project)),
            *kind,
            (self._artifact, self.place),
        ]

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(self._columns, self._cells, id="list")

    async def load(self) -> _Shown:
        """The ids of all versions that meet the filter."""
        chosen = parse_filter(self.view.filter, FIELDS)
        order, descending = self.sort
        as_first = not chosen.terms and (order, descending) == ("number", True)

        def read(connection: sqlite3.Connection) -> tuple[ArtifactHead, PagedSource[VersionLine]]:
            if as_first:
                return newest_versions(self.store, connection, self.place.target)
            head = find_head(connection, self.place.target)
            return head, list_versions(
                self.store, connection, head, chosen, order=order, descending=descending
            )

        head, source = await self.store.read(read, ahead="versions" if as_first else "")
        return _Shown(head, source, len(source))

    def show(self, loaded: _Shown) -> None:
        """The rows."""
        if not self.view.filter or self._total is None:
            self._total = loaded.total
        key, descending = self.sort
        self.query_one(VirtualTable).set_rows(
            loaded.source,
            cursor=self.view.cursor,
            scroll=self.view.scroll or None,
            sorted_by=f"-{key}" if descending else key,
        )
        if not loaded.total:
            self.show_message(self.unmatched("version") if self.view.filter else self.empty())
        self._say()

    def _say(self) -> None:
        assert self.loaded is not None
        marks = self.query_one(VirtualTable).marks
        marked = (f" · {len(marks)} marked", Tone.MARKED) if marks else ""
        found = f"{self.loaded.total:,} of {self._total:,}" if self.view.filter else f"{self.loaded.total:,}"
        self.say(f"{count_text(self.loaded.total, 'version')} by {ORDERS[self.sort[0]]}", marked, tally=found)

    def empty(self) -> list[list[Part]]:
        """There was one once."""
        return [[("This artifact has no version any more.", Tone.STRONG)]]

    @property
    def _columns(self) -> tuple[Column, ...]:
        return _COLUMN_SETS[self.view.columns % len(_COLUMN_SETS)]

    def _cells(self, line: VersionLine) -> Sequence[Cell]:
        sign, tone = state_sign(glyphs_of(self), line.run_state)
        if line.run_state == "finished":
            tone = Tone.TEXT  # as it should be; a colour on every row costs 2 kB a page
        facts: dict[str, Cell] = {
            "version": f"v{line.number}",
            "aliases": ", ".join(line.aliases),
            "size": size_text(line.size_bytes),
            "files": f"{line.file_count:,}",
            "created": time_text(line.created_at) if self.size.width >= 70 else ago(line.created_at),
            "run": line.run_name,
            "state": (f"{sign} {line.run_state}" if self.size.width >= 110 else sign, tone),
            "description": line.description,
        }
        return [facts[column.key] for column in self._columns]

    # --- rows --------------------------------------------------------------------------------------------------

    def _address(self, row_id: str) -> str:
        table = self.query_one(VirtualTable)
        at = table.source.index_of(row_id)
        line = None if at is None else table.source.row(at)
        if not isinstance(line, VersionLine):
            return ""
        return f"{line.project}/{line.artifact}:v{line.number}"

    @property
    def _here(self) -> str:
        return self._address(self.query_one(VirtualTable).cursor_id)

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Into the version."""
        address = self._address(event.row_id)
        if address:
            self.localart.open(Place("artifact", address))

    def on_virtual_table_marked(self) -> None:
        """Say how many are marked."""
        self._say()

    def action_columns(self) -> None:
        """The other columns."""
        from dataclasses import replace

        self.view = replace(self.view, columns=(self.view.columns + 1) % len(_COLUMN_SETS))
        self.localart.remember_view(self.LIST, self.view)
        self.query_one(VirtualTable).set_columns(self._columns)

    def action_compare(self) -> None:
        """Compare the marked versions, or the one under the cursor with the one marked."""
        table = self.query_one(VirtualTable)
        marks = list(table.marks)
        if len(marks) == 1 and table.cursor_id not in marks:
            marks.append(table.cursor_id)
        self.localart.compare([self._address(mark) for mark in marks])

    def graph_target(self) -> str:
        """The version under the cursor."""
        return self._here

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The version's name and how to get it."""
        address = self._here
        return (
            Copy("r", "reference", address),
            Copy("n", "artifact", self.place.target),
            Copy("c", "Python", f"run.use_artifact({address!r})", several_lines=True),
            Copy("g", "command", f"localart get {shlex.quote(address)}"),
        )

    @property
    def command(self) -> str:
        """The command that lists them."""
        return f"localart ls {shlex.quote(self.place.target)}"

    @property
    def code(self) -> str:
        """The Python that lists them."""
        kind = self.loaded.head.type if self.loaded else "dataset"
        return (
            "import localart\n\napi = localart.Api()\n"
            f"for version in api.artifacts({kind!r}, {self.place.target!r}):\n"
            "    print(version.name, version.aliases, version.size)"
        )
