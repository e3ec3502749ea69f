"""The metrics of several runs in one chart, inside another page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Container

from localart_tui.charts.chart import Chart
from localart_tui.reading import page_work, read_or_tell
from localart_tui.tones import Tone
from localart_tui.ui import content, static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart.model import RunRecord
    from localart_tui.page import Page


class MetricPanel(Container):
    """One chart at a time; tab goes from metric to metric. Read when it is first shown."""

    DEFAULT_CSS = """
    MetricPanel { height: 1fr; }
    MetricPanel > .no-metrics { padding: 1 3; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._runs: tuple[int, ...] | None = None

    def show_runs(self, runs: Sequence[RunRecord]) -> None:
        """Show the metrics of these runs over each other."""
        keys = tuple(run.key for run in runs)
        if keys != self._runs:
            self._runs = keys
            self._read(tuple(runs))
        else:
            self._focus()

    @page_work("files")
    async def _read(self, runs: Sequence[RunRecord]) -> None:
        from localart_tui.data.compare import metric_names

        page: Page[object] = self.screen  # type: ignore[assignment]
        found = await read_or_tell(page, lambda _: metric_names(page.store, runs))
        await self.remove_children()
        if found is None:
            return
        source, names = found
        if names:
            await self.mount(Chart(source, names))
            self._focus()
        else:
            sentence = "These runs logged no numbers." if runs else "There is no run behind these versions."
            await self.mount(static(content(self.app, (sentence, Tone.DIM)), classes="no-metrics"))

    def _focus(self) -> None:
        for chart in self.query(Chart):
            chart.focus()
