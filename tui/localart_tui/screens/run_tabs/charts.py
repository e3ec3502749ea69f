"""The metrics of one run or several: charts side by side, and one alone to look into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Container
from textual.message import Message

from localart_tui.charts.chart import Chart
from localart_tui.keys import Scope, bindings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import Binding

    from localart_tui.charts.source import SeriesSource

_CELL_COLUMNS, _CELL_ROWS = 46, 10
_MOST_COLUMNS, _MOST_ROWS = 3, 4


class ChartsPanel(Container, can_focus=True):
    """As many charts as fit, in pages; `Enter` looks into one, which then has the keys."""

    BINDINGS: ClassVar[list[Binding]] = bindings(Scope.CHARTS)  # type: ignore[assignment]
    DEFAULT_CSS = """
    ChartsPanel { layout: grid; height: 1fr; grid-gutter: 1 2; }
    ChartsPanel > Chart { padding: 0; margin: 0; border-left: blank; }
    ChartsPanel > Chart.-here { border-left: outer $primary; }
    ChartsPanel.-alone > Chart { border-left: none; }
    """

    @dataclass
    class Selected(Message):
        """Another metric is the one under the cursor."""

        metric: str

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._source: SeriesSource | None = None
        self._metrics: tuple[str, ...] = ()
        self._at = 0
        self._is_alone = False
        self._shape = (1, 1)
        self._shown: tuple[str, ...] = ()

    # --- what it shows -------------------------------------------------------------------------------------

    @property
    def metric(self) -> str:
        """The metric under the cursor."""
        alone = self._alone_chart
        if alone is not None:
            return alone.metric
        return self._metrics[self._at] if self._metrics else ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """All there are."""
        return self._metrics

    @property
    def is_alone(self) -> bool:
        """Whether one chart has the whole place."""
        return self._is_alone

    def show(self, source: SeriesSource, metrics: Sequence[str], *, metric: str = "") -> None:
        """Show metrics of a source, with the cursor on one."""
        wanted = metric or self.metric
        self._source, self._metrics = source, tuple(metrics)
        self._at = self._metrics.index(wanted) if wanted in self._metrics else 0
        self._lay_out()

    def refresh_series(self, source: SeriesSource, metrics: Sequence[str]) -> None:
        """The same run has logged more: what is shown is fetched again, nothing moves."""
        metric = self.metric
        same = tuple(metrics) == self._metrics
        self._source, self._metrics = source, tuple(metrics)
        if same:
            for chart in self.query(Chart):
                chart.reload()
        elif not self._is_alone:
            self._at = self._metrics.index(metric) if metric in self._metrics else 0
            self._lay_out()

    @property
    def _alone_chart(self) -> Chart | None:
        return self.query(Chart).first() if self._is_alone and self.query(Chart) else None

    def on_resize(self) -> None:
        """More room, more charts."""
        if self._shape != self._fitting() or not self._shown:
            self._lay_out()

    def _fitting(self) -> tuple[int, int]:
        columns = max(1, min(self.size.width // _CELL_COLUMNS, _MOST_COLUMNS))
        rows = max(1, min(self.size.height // _CELL_ROWS, _MOST_ROWS))
        return columns, rows

    @property
    def _page_size(self) -> int:
        return self._shape[0] * self._shape[1]

    def _lay_out(self) -> None:
        """Show the page of charts that the cursor is on; charts that are there are used again."""
        if self._source is None or self._is_alone or not self.size.width:
            return
        self._shape = self._fitting()
        first = self._at // self._page_size * self._page_size
        shown = self._metrics[first : first + self._page_size]
        columns = min(self._shape[0], max(len(shown), 1))
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = max(-(-len(shown) // columns), 1)
        self._place(self._source, shown or ("",))
        self._mark()

    def _place(self, source: SeriesSource, shown: Sequence[str]) -> None:
        charts = list(self.query(Chart))
        for chart in charts[len(shown) :]:
            chart.remove()
        for number, metric in enumerate(shown):
            names = (metric,) if metric else ()
            if number < len(charts):
                if self._shown[number : number + 1] != (metric,):
                    charts[number].show_source(source, names)
                else:
                    charts[number].reload()
            else:
                chart = Chart(source, names)
                chart.can_focus = False
                self.mount(chart)
        self._shown = tuple(shown)

    def _mark(self) -> None:
        here = self._at % self._page_size
        for number, chart in enumerate(self.query(Chart)):
            chart.set_class(number == here and len(self._metrics) > 1, "-here")
        self.post_message(self.Selected(self.metric))

    # --- keys ------------------------------------------------------------------------------------------------

    def _go(self, to: int) -> None:
        if not self._metrics:
            return
        before, self._at = self._at, max(0, min(to, len(self._metrics) - 1))
        if before // self._page_size != self._at // self._page_size:
            self._lay_out()
        else:
            self._mark()

    def action_move(self, across: int, down: int) -> None:
        """To a neighbour."""
        self._go(self._at + across + down * self._shape[0])

    def action_page(self, by: int) -> None:
        """To another page of charts."""
        self._go(self._at + by * self._page_size)

    def action_edge(self, number: int) -> None:
        """To the first or the last."""
        self._go(number % max(len(self._metrics), 1))

    def action_open(self) -> None:
        """Give the whole place to one chart."""
        if self._source is None or not self._metrics or self._is_alone:
            return
        metric = self.metric
        self._is_alone = True
        self.add_class("-alone")
        self.styles.grid_size_columns = self.styles.grid_size_rows = 1
        self.query(Chart).remove()
        chart = Chart(self._source, self._metrics)
        self.mount(chart)
        self.call_after_refresh(self._enter, chart, metric)

    def _enter(self, chart: Chart, metric: str) -> None:
        chart.show_metric(metric)
        chart.focus()
        self.post_message(self.Selected(metric))

    def leave_alone(self) -> bool:
        """Back to the charts side by side; False when one is there."""
        chart = self._alone_chart
        if chart is None:
            return False
        metric = chart.metric
        self._is_alone = False
        self.remove_class("-alone")
        self._at = self._metrics.index(metric) if metric in self._metrics else 0
        self._shown = ()
        self.query(Chart).remove()
        self.focus()
        self.call_after_refresh(self._lay_out)
        return True

    def action_pick(self) -> None:
        """Choose a metric by its name."""
        from localart_tui.picker import Picker

        def take(metric: str | None) -> None:
            if metric in self._metrics:
                self._go(self._metrics.index(metric))

        if self._metrics:
            self.app.push_screen(Picker("Metric", self._metrics, self.metric), take)

    def focus_inner(self) -> None:
        """Let the chart that is alone, or the page of charts, have the keys."""
        chart = self._alone_chart
        (chart or self).focus()

    def on_click(self) -> None:
        """A click on a chart only points at a place in it."""
        if not self._is_alone:
            self.focus()
