"""The metrics of up to eight runs, one over the other."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on

from localart_tui.charts.series import ASCII_TAGS, TAGS
from localart_tui.data.live_metrics import LiveMetrics
from localart_tui.data.run_page import find_run
from localart_tui.keys import Scope
from localart_tui.page import Copy, Page
from localart_tui.places import Place
from localart_tui.screens.run_tabs.charts import ChartsPanel
from localart_tui.text import clean, count_text
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from localart.model import RunRecord
    from localart_tui.ui import Part


@dataclass(frozen=True, slots=True)
class _Shown:
    runs: tuple[RunRecord, ...]
    metrics: tuple[str, ...]


class ChartsPage(Page[_Shown]):
    """The runs `place.target` and `place.others` (`run:project/id`)."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PAGE,)
    WITHOUT: ClassVar[frozenset[str]] = frozenset(
        {"page.filter", "page.sort", "page.reverse", "page.preview", "page.graph"}
    )

    @property
    def _targets(self) -> tuple[str, ...]:
        return (self.place.target, *self.place.others)

    def crumbs(self) -> list[tuple[str, Place | None]]:
        """Store, project, how many runs."""
        project = self.place.target.removeprefix("run:").rpartition("/")[0]
        count = count_text(len(self._targets), "run")
        return [
            ("localart", Place("home")),
            (project, Place("runs", project)),
            (f"charts of {count}", self.place),
        ]

    def body(self) -> ComposeResult:
        """The charts."""
        yield ChartsPanel(id="charts")

    @property
    def here(self) -> Place:
        """This place, with the metric under the cursor."""
        return self.place.at(cursor=self.query_one(ChartsPanel).metric) if self.is_mounted else self.place

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """A chart alone has keys of its own."""
        alone = self.is_mounted and self.query_one(ChartsPanel).is_alone
        return (Scope.CHART,) if alone else (Scope.CHARTS, Scope.PAGE)

    async def load(self) -> _Shown:
        """The runs and the metrics that any of them has."""

        def read(_: object) -> _Shown:
            runs = tuple(find_run(self.store, target) for target in self._targets)
            return _Shown(runs, LiveMetrics(self.store, runs).names())

        return await self.store.read(read)

    def show(self, loaded: _Shown) -> None:
        """The charts, and below them which sign is whose."""
        panel = self.query_one(ChartsPanel)
        source = LiveMetrics(self.store, loaded.runs)
        if panel.metrics:
            panel.refresh_series(source, loaded.metrics)
        else:
            panel.show(source, loaded.metrics, metric=self.view.cursor)
            panel.focus_inner()
        self.say(*self._legend(loaded.runs), tally=count_text(len(loaded.metrics), "metric"))

    def _legend(self, runs: Sequence[RunRecord]) -> list[Part]:
        tags = ASCII_TAGS if glyphs_of(self).name == "ascii" else TAGS
        width = max((self.size.width - 4) // max(len(runs), 1) - 4, 6)
        return [
            (f"{tag} {clean(run.name, width)}   ", Tone.TEXT) for tag, run in zip(tags, runs, strict=False)
        ]

    def store_changed(self) -> None:
        """Fetch again what is shown; nothing moves."""
        self._read()

    def leave_inner(self) -> bool:
        """From a chart back to the others."""
        left = self.query_one(ChartsPanel).leave_alone()
        self._paint_chrome()
        return left

    @on(ChartsPanel.Selected)
    def _selected(self, message: ChartsPanel.Selected) -> None:
        message.stop()
        self._paint_chrome()

    def action_compare(self) -> None:
        """Compare the same runs."""
        self.localart.compare(list(self._targets))

    # --- the same elsewhere --------------------------------------------------------------------------------------

    def copies(self) -> Sequence[Copy]:
        """The runs and the metric."""
        return (
            Copy("r", "references", " ".join(self._targets)),
            Copy("m", "metric", self.query_one(ChartsPanel).metric),
            Copy("c", "Python", self.code, several_lines=True),
        )

    @property
    def command(self) -> str:
        """The command that shows the first of them."""
        return f"localart show {shlex.quote(self.place.target)}"

    @property
    def code(self) -> str:
        """The Python that reads the same numbers."""
        paths = [target.removeprefix("run:") for target in self._targets]
        metric = self.query_one(ChartsPanel).metric
        return (
            f"import localart\n\nfor path in {paths!r}:\n    run = localart.Api().run(path)\n"
            f"    print(run.name, [row[{metric!r}] for row in run.scan_history(keys=[{metric!r}])])"
        )
