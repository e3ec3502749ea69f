"""One run: what it is, what it was told, what it came to, and how it went; it moves while the run goes on."""

from __future__ import annotations

import asyncio
import shlex
import sqlite3
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical

from localart.errors import LocalartError, UsageError
from localart_tui.chrome import Tab, TabStrip
from localart_tui.data.live import TailMark, is_alive, tail_mark
from localart_tui.data.live_metrics import LiveMetrics
from localart_tui.data.run_page import RunFacts, read_run
from localart_tui.describe import state_sign
from localart_tui.keys import Scope
from localart_tui.lineagepanel import LineagePanel
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.reading import page_work
from localart_tui.screens.run_tabs.charts import ChartsPanel
from localart_tui.screens.run_tabs.facts import FactTable
from localart_tui.screens.run_tabs.files import RunFilesPanel
from localart_tui.screens.run_tabs.overview import Overview
from localart_tui.screens.run_tabs.told import run_code, run_copies
from localart_tui.screens.run_tabs.values import ValueTable
from localart_tui.screens.run_tabs.versions import LinkedTable
from localart_tui.text import count_text
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.widget import Widget

    from localart_tui.screens.run_tabs.media import MediaPane
    from localart_tui.table import VirtualTable

TABS = (
    Tab("overview", "Overview"),
    Tab("config", "Config"),
    Tab("summary", "Summary"),
    Tab("charts", "Charts"),
    Tab("inputs", "Inputs"),
    Tab("outputs", "Outputs"),
    Tab("files", "Files"),
    Tab("lineage", "Lineage"),
)
_SHORT = {"overview": "Run", "inputs": "In", "outputs": "Out"}
_PANELS: Mapping[str, Callable[[], Widget]] = {
    "overview": partial(Overview, id="overview"),
    "config": partial(ValueTable, id="config"),
    "summary": partial(ValueTable, id="summary"),
    "charts": partial(ChartsPanel, id="charts"),
    "inputs": partial(LinkedTable, id="inputs"),
    "outputs": partial(LinkedTable, id="outputs"),
    "files": partial(RunFilesPanel, id="files"),
    "lineage": partial(LineagePanel, id="lineage"),
}
"""What shows each tab; made when one first goes there."""
_FILTERED = {"config", "summary", "files"}
_TICK_SECONDS = 1.0


class RunPage(Page[RunFacts]):
    """The run `place.target` (`run:project/id`, or `run:id`)."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (
        Scope.PAGE, Scope.LIST, Scope.TABS, Scope.RUN, Scope.FILES, Scope.MEDIA,
    )  # fmt: skip
    WITHOUT: ClassVar[frozenset[str]] = frozenset({"list.mark", "list.range", "page.sort", "page.reverse"})

    DEFAULT_CSS = """
    RunPage #panels { height: 1fr; }
    RunPage #panels > * { display: none; height: 1fr; }
    RunPage #panels > .-chosen { display: block; }
    RunPage #panels > Overview.-chosen { display: block; layout: horizontal; }
    RunPage #panels > ChartsPanel.-chosen { layout: grid; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._filters: dict[str, str] = {place.view.tab or "overview": place.view.filter}
        self._is_looking = self._looks_again = False
        self._tail: TailMark | None = None
        self._making = asyncio.Lock()

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, project, run."""
        project, _, name = self.place.target.removeprefix("run:").rpartition("/")
        if self.loaded is not None:
            project, name = self.loaded.run.project, self.loaded.run.name
        return [("localart", Place("home")), (project, Place("runs", project)), (name, self.place)]

    def body(self) -> ComposeResult:
        """Tabs, and a panel for each."""
        yield TabStrip(TABS, self.view.tab or "overview")
        with Vertical(id="panels"):
            panel = _PANELS[self.view.tab if self.view.tab in _PANELS else "overview"]()
            panel.add_class("-chosen")
            yield panel

    def on_mount(self) -> None:
        """Begin to read, and to look after the run while it goes on."""
        super().on_mount()
        self.set_interval(_TICK_SECONDS / 2, self._tick)

    @property
    def tab(self) -> str:
        """The key of the chosen tab."""
        return self.query_one(TabStrip).chosen

    @property
    def _panel(self) -> Widget | None:
        """The panel of the chosen tab, once it has been made and has its parts."""
        panels = self.query_one("#panels").children
        return next((panel for panel in panels if panel.id == self.tab and panel.is_mounted), None)

    @property
    def _charts(self) -> ChartsPanel | None:
        panel = self._panel
        return panel if isinstance(panel, ChartsPanel) else None

    @property
    def _files(self) -> RunFilesPanel | None:
        panel = self._panel
        return panel if isinstance(panel, RunFilesPanel) else None

    @property
    def table(self) -> VirtualTable | None:
        """The list of the chosen tab."""
        panel = self._panel
        if isinstance(panel, Overview | RunFilesPanel):
            return panel.table
        return panel if isinstance(panel, ValueTable | LinkedTable) else None

    @property
    def here(self) -> Place:
        """This place; on the charts the cursor is a metric."""
        place = super().here
        if not self.is_mounted or self.loaded is None:
            return place
        charts = self._charts
        if charts is not None:
            place = place.at(cursor=charts.metric, scroll=0)
        return place.at(tab=self.tab)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Charts and the graph have keys of their own."""
        tab = self.tab if self.is_mounted else ""
        match tab:
            case "lineage":
                return (Scope.GRAPH, Scope.TABS)
            case "charts":
                charts = self._charts
                alone = charts is not None and charts.is_alone
                return (Scope.CHART, Scope.TABS) if alone else (Scope.CHARTS, Scope.PAGE, Scope.TABS)
            case "files":
                return (Scope.PAGE, Scope.LIST, Scope.TABS, Scope.FILES, Scope.MEDIA)
        return (Scope.PAGE, Scope.LIST, Scope.TABS)

    def hidden_keys(self) -> frozenset[str]:
        """Nothing is marked here; only some tabs are filtered; steps are those of media."""
        more = {"list.mark", "list.compare"}
        if self.is_mounted and self.tab not in _FILTERED:
            more.add("page.filter")
        if self.is_mounted and self._media is None:
            more.add("media.before")
        return super().hidden_keys() | more

    @property
    def _media(self) -> MediaPane | None:
        files = self._files
        return files.media if files is not None else None

    # --- what is shown ---------------------------------------------------------------------------------------

    async def load(self) -> RunFacts:
        """The run as it stands."""
        ascii_only = glyphs_of(self).name == "ascii"
        return await self.store.read(lambda _: read_run(self.store, self.place.target, ascii_only=ascii_only))

    def show(self, loaded: RunFacts) -> None:
        """The chosen tab."""
        sign, tone = state_sign(glyphs_of(self), loaded.run.state.value)
        self.say(
            (f"{sign} {loaded.run.state.value}", tone),
            f" · {count_text(len(loaded.metrics), 'metric')}"
            f" · {count_text(len(loaded.input_ids), 'input')}, {count_text(len(loaded.output_ids), 'output')}",
            tally=loaded.run.job_type or "",
        )
        self._show_tab(cursor=self.view.cursor, scroll=self.view.scroll or None)
        self.view = replace(self.view, cursor="", scroll=0)

    def _show_tab(self, *, cursor: str = "", scroll: int | None = None, focus: bool = True) -> None:
        """Show the chosen tab; its panel is made when one first comes to it."""
        if self.loaded is None:
            return
        if self._panel is None:
            self._make_panel(self.tab, cursor, scroll, focus=focus)
            return
        for panel in self.query_one("#panels").children:
            panel.set_class(panel.id == self.tab, "-chosen")
        try:
            self._show_panel(self.loaded, cursor, scroll)
        except UsageError as error:
            self.say((f"{error}", Tone.WARN))
        if focus:
            self._focus_tab()

    @page_work("panel", exclusive=False)
    async def _make_panel(self, tab: str, cursor: str, scroll: int | None, *, focus: bool) -> None:
        panels = self.query_one("#panels")
        async with self._making:
            if all(panel.id != tab for panel in panels.children):
                await panels.mount(_PANELS[tab]())
        self._show_tab(cursor=cursor, scroll=scroll, focus=focus)

    def _show_panel(self, facts: RunFacts, cursor: str, scroll: int | None) -> None:
        match self._panel:
            case Overview() as panel:
                panel.show(facts, cursor=cursor, scroll=scroll)
            case ValueTable() as panel:
                self._show_values(panel, facts, cursor, scroll)
            case ChartsPanel() as panel:
                self._show_charts(panel, facts, cursor)
            case LinkedTable() as panel:
                ids = facts.input_ids if self.tab == "inputs" else facts.output_ids
                panel.show(self.store, facts.run.key, ids, cursor=cursor, scroll=scroll)
                self.say(self._linked_words(len(ids)), tally=facts.run.job_type or "")
            case RunFilesPanel() as panel:
                panel.show(facts, self.view.filter, cursor=cursor)
            case LineagePanel() as panel:
                panel.show_address(facts.address)
                self.say("what it used and made, and what came of that", tally=facts.run.job_type or "")

    def _linked_words(self, count: int) -> str:
        noun = "input" if self.tab == "inputs" else "output"
        return count_text(count, noun) if count else f"this run has no {noun}s"

    def _show_values(self, table: ValueTable, facts: RunFacts, cursor: str, scroll: int | None) -> None:
        values = facts.run.config if self.tab == "config" else facts.summary
        found = table.show(values, self.view.filter, cursor=cursor, scroll=scroll)
        words = f"{found} in the {self.tab}" if values else f"the {self.tab} is empty"
        self.say(words, tally=facts.run.job_type or "")

    def _show_charts(self, panel: ChartsPanel, facts: RunFacts, metric: str) -> None:
        source = LiveMetrics(self.store, (facts.run,))
        names = [line.name for line in facts.metrics]
        if panel.metrics and not metric:
            panel.refresh_series(source, names)
        else:
            panel.show(source, names, metric=metric)
        words = count_text(len(names), "metric") if names else "no numbers were logged"
        self.say(words, tally=facts.run.job_type or "")

    def _focus_tab(self) -> None:
        if self.query("FilterInput:focus"):
            return
        match self._panel:
            case ChartsPanel() as panel:
                panel.focus_inner()
            case LineagePanel() as panel:
                panel.focus_graph()
            case _:
                table = self.table
                if table is not None and table.display:
                    table.focus()

    # --- what goes on --------------------------------------------------------------------------------------------

    def store_changed(self) -> None:
        """Read the run again, in place; nothing under the cursor moves."""
        if self.loaded is None:
            self.reload()
        elif self._is_looking:
            self._looks_again = True
        else:
            self._is_looking = True
            self._look_again()

    @page_work("live", exclusive=False)
    async def _look_again(self) -> None:
        try:
            loaded = await self.load()
        except (LocalartError, sqlite3.Error, OSError) as error:
            self.fail(error)
            return
        finally:
            self._is_looking = False
        if loaded != self.loaded:
            self._take(loaded)
        if self._looks_again:
            self._looks_again = False
            self.store_changed()

    def _take(self, loaded: RunFacts) -> None:
        self.loaded, self.error, self._changed = loaded, None, False
        with self.app.batch_update():
            self._show_tab(focus=False)
            if self.tab == "overview":
                self.show(loaded)
            self._paint_chrome()

    def _tick(self) -> None:
        """A run that goes on grows older; what it logged just now may lie in its tail; it may have died."""
        facts = self.loaded
        if facts is None or not facts.is_running or not self.is_current or not self.app.app_focus:
            return
        try:
            mark = tail_mark(self.store, facts.run.uid)
            if mark != self._tail or not is_alive(self.store, facts.run.uid):
                self._tail = mark
                self.store_changed()
            elif isinstance(self._panel, Overview):
                self._panel.show(facts)
            elif self._files is not None:
                self._files.look_at_log()
        except (LocalartError, OSError):
            return  # the poll says what is wrong with the store

    # --- tabs ------------------------------------------------------------------------------------------------

    @on(TabStrip.Chosen)
    def _tab_chosen(self, message: TabStrip.Chosen) -> None:
        message.stop()
        self._name_tabs()
        for files in self.query(RunFilesPanel):
            files.leave_inside()
        self.view = replace(
            self.view, tab=message.key, filter=self._filters.get(message.key, ""), cursor="", scroll=0
        )
        if message.key == "overview" and self.loaded is not None:
            self.show(self.loaded)
        else:
            self._show_tab()
        self._paint_chrome()

    def on_resize(self) -> None:
        """Short titles on a narrow screen."""
        super().on_resize()
        self._name_tabs()

    def _name_tabs(self) -> None:
        strip, width = self.query_one(TabStrip), self.size.width
        strip.tabs = tuple(Tab(tab.key, _title(tab, strip.chosen, width)) for tab in TABS)
        strip.refresh()

    def filter_changed(self, text: str) -> None:
        """Config, summary and files can be filtered."""
        self._filters[self.tab] = text
        self.view = replace(self.view, filter=text)
        self._show_tab()
        self._paint_chrome()

    def action_filter(self) -> None:
        """Type a filter, where there is something to filter."""
        if self.tab not in _FILTERED:
            self.query_one(TabStrip).choose("config")
        super().action_filter()

    def leave_inner(self) -> bool:
        """From a chart or a file back to the others."""
        charts, files = self._charts, self._files
        left = charts.leave_alone() if charts is not None else files is not None and files.leave_inside()
        if left:
            self._paint_chrome()
        return left

    @on(ChartsPanel.Selected)
    def _chart_selected(self, message: ChartsPanel.Selected) -> None:
        message.stop()
        self._paint_chrome()

    # --- rows --------------------------------------------------------------------------------------------------

    def on_virtual_table_moved(self) -> None:
        """Media have keys of their own."""
        if self._files is not None:
            self._paint_chrome()

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """A version opens, a value or a traceback is shown whole, a metric is looked into."""
        table = event.table
        if isinstance(table, FactTable):
            self._open_fact(table, event.row_id)
        elif isinstance(table, LinkedTable):
            address = table.address(event.row_id)
            if address:
                self.localart.open(Place("artifact", address))
        elif isinstance(table, ValueTable):
            self._read_whole(event.row_id, table.text_of(event.row_id))

    def _open_fact(self, table: FactTable, key: str) -> None:
        line = table.line(key)
        if line is None:
            return
        place = line.place
        if place is not None and place.target == (self.loaded.address if self.loaded else ""):
            self._open_tab(place.view.tab, place.view.cursor)
        elif place is not None:
            self.localart.open(place)
        elif line.text:
            self._read_whole(line.title, line.text)

    def _open_tab(self, tab: str, cursor: str) -> None:
        self.query_one(TabStrip).choose(tab)
        if cursor:
            self.call_after_refresh(self._show_tab, cursor=cursor)

    def _read_whole(self, title: str, text: str) -> None:
        from localart_tui.modals import Reading, Section

        self.app.push_screen(Reading([Section(title, text)]))

    # --- keys --------------------------------------------------------------------------------------------------

    def action_columns(self) -> None:
        """To the other list of the overview."""
        if isinstance(self._panel, Overview):
            self._panel.other_side()

    def action_step(self, by: int) -> None:
        """Another step of the media."""
        if self._media is not None:
            self._media.step(by)

    def action_picture(self, by: int) -> None:
        """Another picture of the step."""
        if self._media is not None:
            self._media.pick(by)

    def action_full(self) -> None:
        """The picture on the whole screen."""
        if self._media is not None:
            self._media.full()
        else:
            super().action_full()

    def action_pager(self) -> None:
        """Read the file in the pager."""
        from localart_tui.pager import page_blob

        file = self._files.file if self._files is not None else None
        if file is not None:
            page_blob(self.localart, self.store, file.blob)

    def action_fold_all(self) -> None:
        """Close every folder."""
        if self._files is not None:
            self._files.fold_all()

    def preview_toggled(self) -> None:
        """Files have previews."""
        if self._files is not None:
            self._files.on_resize()

    def graph_target(self) -> str:
        """This run."""
        return self.loaded.address if self.loaded else self.place.target

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The run's names, config, summary and code; on a row, what it says."""
        if self.loaded is None:
            return (Copy("r", "reference", self.place.target),)
        return run_copies(self.loaded, self._row_copies(), code=self.code, command=self.command)

    def _row_copies(self) -> list[Copy]:
        table = self.table
        row_id = table.cursor_id if table is not None else ""
        if isinstance(table, ValueTable):
            return [Copy("v", "value", table.text_of(row_id)), Copy("k", "key", row_id)]
        if isinstance(table, LinkedTable):
            return [Copy("v", "version", table.address(row_id))]
        panel = self._panel
        return panel.copies() if isinstance(panel, RunFilesPanel | LineagePanel) else []

    @property
    def command(self) -> str:
        """The command that shows it."""
        verb = "lineage" if self.tab == "lineage" else "show"
        return f"localart {verb} {shlex.quote(self.graph_target())}"

    @property
    def code(self) -> str:
        """The Python that shows it."""
        return run_code(self.graph_target().removeprefix("run:"), self.tab)


def _title(tab: Tab, chosen: str, width: int) -> str:
    """A tab's title in the room there is: whole, short, or only that of the chosen one."""
    if width >= 90:
        return tab.title
    return _SHORT.get(tab.key, tab.title) if width >= 76 or tab.key == chosen else ""
