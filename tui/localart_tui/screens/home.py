"""The projects of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from localart_tui.data.projects import ProjectLine, list_projects
from localart_tui.filtering import Facts, parse_filter, tester
from localart_tui.keys import Scope
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import ago, count_text, size_text
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

_FIELDS = frozenset({"name", "artifacts", "versions", "runs", "size", "active", "running"})
_COLUMNS = (
    Column(key="name", title="Project", least=12, most=60, grow=2, tone=Tone.STRONG, sort="name"),
    Column(key="running", title="", least=2, most=12, priority=5, tone=Tone.GOOD),
    Column(key="artifacts", title="Artifacts", least=9, right=True, priority=3, sort="artifacts"),
    Column(key="versions", title="Versions", least=8, right=True, priority=2, sort="versions"),
    Column(key="runs", title="Runs", least=6, right=True, priority=2, sort="runs"),
    Column(key="size", title="Size", least=9, right=True, priority=1, sort="size"),
    Column(key="active", title="Last activity", least=10, priority=1, tone=Tone.DIM, sort="active"),
)

FIRST_STEPS = """import localart

with localart.init(project="demo") as run:
    artifact = localart.Artifact("numbers", type="dataset")
    with artifact.new_file("numbers.txt") as file:
        file.write("1 2 3")
    run.log_artifact(artifact)"""


class HomePage(Page[list[ProjectLine]]):
    """Projects, with what each holds; the one with the newest work first."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE, Scope.LIST, Scope.HOME)
    WITHOUT: ClassVar[frozenset[str]] = frozenset(
        {"page.graph", "page.preview", "list.compare", "list.columns"}
    )
    SORTS: ClassVar[Mapping[str, str]] = {
        "active": "last activity",
        "name": "name",
        "artifacts": "artifacts",
        "versions": "versions",
        "runs": "runs",
        "size": "size",
    }
    FIRST_SORT: ClassVar[str] = "-active"
    LIST: ClassVar[str] = "home"

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """The store itself."""
        return [("localart", None), (str(self.store.root), None)]

    def body(self) -> ComposeResult:
        """One table."""
        yield VirtualTable(_COLUMNS, self._cells, id="list")

    async def load(self) -> list[ProjectLine]:
        """Every project."""
        return await self.store.read(list_projects, ahead="home")

    def show(self, loaded: list[ProjectLine]) -> None:
        """The projects that meet the filter, in order."""
        meets = tester(parse_filter(self.view.filter, _FIELDS))
        key, descending = self.sort
        rows = sorted((line for line in loaded if meets(_facts(line))), key=lambda line: _rank(line, key))
        if descending:
            rows.reverse()
        source = ListSource(rows, lambda line: line.name)
        self.query_one(VirtualTable).set_rows(
            source,
            cursor=self.view.cursor,
            scroll=self.view.scroll or None,
            sorted_by=f"-{key}" if descending else key,
        )
        if not rows:
            self.show_message(self.unmatched("project") if loaded else self.empty())
        versions = sum(line.version_count for line in loaded)
        self.say(
            f"{count_text(len(loaded), 'project')} · {count_text(versions, 'version')}"
            f" · {size_text(sum(line.size_bytes for line in loaded))} logged",
            tally=f"{len(rows):,} of {len(loaded):,}" if self.view.filter else "",
        )

    def _cells(self, line: ProjectLine) -> Sequence[Cell]:
        glyphs = glyphs_of(self)
        return (
            line.name,
            f"{glyphs.running} {line.running_count} running" if line.running_count else "",
            f"{line.artifact_count:,}",
            f"{line.version_count:,}",
            f"{line.run_count:,}",
            size_text(line.size_bytes),
            ago(line.active_at),
        )

    def empty(self) -> list[list[Part]]:
        """What to run first."""
        code: list[list[Part]] = [
            [(f"    {line}" if line else " ", Tone.ACCENT)] for line in FIRST_STEPS.split("\n")
        ]
        return [
            [("This store is empty.", Tone.STRONG)],
            [(" ", Tone.TEXT)],
            [("Log something from Python (y copies it):", Tone.TEXT)],
            *code,
            [(" ", Tone.TEXT)],
            [("or from the shell:  ", Tone.TEXT), ("localart put numbers.txt -n demo/numbers", Tone.ACCENT)],
            [("or see an example:  ", Tone.TEXT), ("localart demo", Tone.ACCENT)],
        ]

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Into the project."""
        self.localart.open(Place("artifacts", event.row_id))

    def copies(self) -> Sequence[Copy]:
        """The project's name."""
        table = self.table
        if not self.loaded or table is None:
            return (Copy("c", "first steps in Python", FIRST_STEPS, several_lines=True),)
        return (
            Copy("n", "name", table.cursor_id),
            Copy("p", "path of the store", str(self.store.root)),
            Copy("c", "Python", self.code, several_lines=True),
        )

    @property
    def command(self) -> str:
        """The command that lists the projects."""
        return "localart ls"

    @property
    def code(self) -> str:
        """The Python that lists them."""
        return "import localart\n\nfor project in localart.Api().projects():\n    print(project.name)"


def _facts(line: ProjectLine) -> Facts:
    return Facts(
        name=line.name,
        text=line.name,
        values={
            "name": line.name,
            "artifacts": line.artifact_count,
            "versions": line.version_count,
            "runs": line.run_count,
            "running": line.running_count,
            "size": line.size_bytes,
            "active": line.active_at,
        },
    )


def _rank(line: ProjectLine, key: str) -> tuple[object, str]:
    values = {
        "name": line.name.casefold(),
        "artifacts": line.artifact_count,
        "versions": line.version_count,
        "runs": line.run_count,
        "size": line.size_bytes,
    }
    return values.get(key, line.active_at), line.name
