"""The chart on the screen: keys change how it is looked at, a worker fetches what is to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import get_current_worker

from localart.errors import LocalartError
from localart_tui.charts.drawing import Drawing, Role, Row, draw, draw_sentence
from localart_tui.charts.plotting import Plot
from localart_tui.charts.series import ASCII_TAGS, MAX_SERIES, TAGS, Series, decimated, prepared, x_range
from localart_tui.charts.view import ChartView, Span, steps_within
from localart_tui.keys import Scope, bindings
from localart_tui.text import clean
from localart_tui.tones import Tone, palette
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.timer import Timer

    from localart_tui.charts.source import SeriesSource

_DARK = ("#7aa2d8", "#d9a55b", "#74c0b8", "#c9a0dc", "#8fbf8f", "#e07a7a", "#e8d37a", "#b0b6c0")
_LIGHT = ("#24599c", "#8a5a00", "#0f6f69", "#7b3f98", "#22713a", "#b02a37", "#6b6000", "#4a4f58")
_ANSI = ("blue", "yellow", "cyan", "magenta", "green", "red", "bright_yellow", "white")
_TONES = {
    Role.TITLE: Tone.STRONG,
    Role.MUTED: Tone.DIM,
    Role.AXIS: Tone.FAINT,
    Role.CURSOR: Tone.ACCENT,
}
_SETTLE_SECONDS = 0.08
_BUCKETS_PER_CELL = 2
_LEAST_BUCKETS = 200


class Chart(Widget, can_focus=True):
    """One metric of up to eight runs, drawn in dots.

    Takes the names of the metrics and a source that loads them, in a thread; posts `MetricChanged`. Loading, errors
    and emptiness show as a sentence. What is shown while zooming is the coarse series until the finer one is there.
    """

    BINDINGS = [*bindings(Scope.CHART)]  # noqa: RUF012 - Textual's own way
    DEFAULT_CSS = "Chart { height: 1fr; min-height: 4; }"

    @dataclass
    class MetricChanged(Message):
        """Another metric is shown now."""

        metric: str

    def __init__(
        self,
        source: SeriesSource,
        metrics: Sequence[str],
        *,
        view: ChartView | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._source = source
        self._metrics = tuple(metrics)
        self._at = 0
        self._view = view or ChartView()
        self._overview: tuple[Series, ...] = ()
        self._detail: tuple[Series, ...] = ()
        self._sentence = "loading…"
        self._drawing: Drawing | None = None
        self._drawn_size = Size(0, 0)
        self._settling: Timer | None = None

    # --- what it shows -------------------------------------------------------------------------------

    @property
    def metric(self) -> str:
        """The metric that is shown; "" when there is none."""
        return self._metrics[self._at] if self._metrics else ""

    @property
    def chart_view(self) -> ChartView:
        """How it is looked at now."""
        return self._view

    def show_metric(self, metric: str) -> None:
        """Show another of the metrics; one that is not among them changes nothing."""
        if metric in self._metrics:
            self._switch_to(self._metrics.index(metric))

    def show_source(self, source: SeriesSource, metrics: Sequence[str]) -> None:
        """Show other runs; the metric stays if they have it."""
        metric = self.metric
        self._source, self._metrics = source, tuple(metrics)
        self._switch_to(self._metrics.index(metric) if metric in self._metrics else 0)

    def reload(self) -> None:
        """Fetch again what is shown: a run that is alive has logged more."""
        self._fetch(None, shown_before=True)

    def _switch_to(self, number: int) -> None:
        self._at = number
        self._overview = self._detail = ()
        self._view = self._view.everything()
        self._fetch(None, shown_before=False)
        self.post_message(self.MetricChanged(self.metric))

    # --- fetching ------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Fetch the first metric."""
        self._fetch(None, shown_before=False)

    def _fetch(self, steps: tuple[int, int] | None, *, shown_before: bool) -> None:
        if not self._metrics:
            self._say("no numbers logged yet")
            return
        if not shown_before:
            self._say("loading…")
        buckets = max(self.size.width * _BUCKETS_PER_CELL, _LEAST_BUCKETS)
        load = partial(self._load, self.metric, buckets, steps)
        self.run_worker(load, thread=True, exclusive=True, group="chart", exit_on_error=False)

    def _load(self, metric: str, buckets: int, steps: tuple[int, int] | None) -> None:
        worker = get_current_worker()
        try:
            series = self._source.load(metric, buckets=buckets, steps=steps)[:MAX_SERIES]
            found = tuple(decimated(one, buckets) for one in series)
        except (LocalartError, OSError) as error:
            if not worker.is_cancelled:
                self.app.call_from_thread(self._say, clean(str(error)))
            return
        if not worker.is_cancelled:
            self.app.call_from_thread(self._take, found, steps)

    def _take(self, series: tuple[Series, ...], steps: tuple[int, int] | None) -> None:
        if steps is None:
            self._overview = series
        self._detail = series if steps is not None and any(one.points for one in series) else ()
        self._sentence = ""
        self._redraw()

    def _say(self, sentence: str) -> None:
        self._sentence = sentence
        self._redraw()

    # --- drawing -------------------------------------------------------------------------------------

    def _redraw(self) -> None:
        """Draw anew, and repaint only the rows that changed."""
        before = self._drawing if self._drawn_size == self.size else None
        self._drawing = self._drawn()
        rows = self._drawing.rows
        if before is None or len(before.rows) != len(rows):
            self.refresh()
            return
        changed = [number for number, row in enumerate(rows) if row != before.rows[number]]
        if changed:
            self.refresh(*(Region(0, number, self.size.width, 1) for number in changed))

    def _drawn(self) -> Drawing:
        self._drawn_size = self.size
        width, height = self.size
        plot = self._plot()
        return (
            draw_sentence(plot, self._sentence, width, height)
            if self._sentence
            else draw(plot, width, height)
        )

    def _plot(self) -> Plot:
        ascii_only = glyphs_of(self).name == "ascii"
        series = self._detail or self._overview
        if ascii_only:
            series = tuple(
                Series(one.name, ASCII_TAGS[TAGS.index(one.tag)], one.points, one.skipped, one.begin)
                if one.tag in TAGS
                else one
                for one in series
            )
        return Plot(
            title=self.metric,
            series=series,
            treatment=self._view.treatment,
            window=self._view.window,
            cursor=self._view.cursor,
            ascii_only=ascii_only,
        )

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._drawing = None
        self._redraw()

    def render_line(self, y: int) -> Strip:
        """One row; blank below the drawing."""
        if self._drawing is None or self._drawn_size != self.size:  # painted before it was told its size
            self._drawing = self._drawn()
        if y >= len(self._drawing.rows):
            return Strip.blank(self.size.width, self.rich_style)
        return Strip(self._segments(self._drawing.rows[y]), self.size.width)

    def _segments(self, row: Row) -> list[Segment]:
        ground = self.rich_style
        return [Segment(span.text, ground + self._style_of(span.role, span.ink)) for span in row]

    def _style_of(self, role: Role, ink: int) -> Style:
        if role in _TONES:
            return palette(self.app)[_TONES[role]]
        theme = self.app.current_theme
        names = _ANSI if theme.ansi else _DARK if theme.dark else _LIGHT
        colour = names[(ink - 1) % len(names)]
        return Style(color=colour, dim=True) if role is Role.FAINT else Style(color=colour)

    # --- keys ----------------------------------------------------------------------------------------

    @property
    def _limits(self) -> Span | None:
        return x_range([prepared(one, self._view.treatment) for one in self._overview])

    def _look(self, view: ChartView) -> None:
        """Show the same data differently, and fetch it finer when the window has come to rest."""
        is_elsewhere = (
            view.window != self._view.window or view.treatment.axis is not self._view.treatment.axis
        )
        self._view = view
        self._redraw()
        if is_elsewhere:
            if self._settling is not None:
                self._settling.stop()
            self._settling = self.set_timer(_SETTLE_SECONDS, self._fetch_detail)

    def _fetch_detail(self) -> None:
        steps = steps_within(self._overview, self._view)
        if steps is None:
            self._detail = ()
            self._redraw()
        else:
            self._fetch(steps, shown_before=True)

    def action_smooth(self) -> None:
        """Smooth more, or not at all after the most."""
        self._look(self._view.with_next_smoothing())

    def action_log(self) -> None:
        """Switch the logarithmic y axis."""
        self._look(self._view.with_log_switched())

    def action_axis(self) -> None:
        """Count steps, time, or time since the start."""
        self._detail = ()
        self._look(self._view.with_next_axis())

    def action_zoom(self, factor: float) -> None:
        """Show `factor` times as much."""
        if limits := self._limits:
            self._look(self._view.zoomed(factor, limits))

    def action_pan(self, share: float) -> None:
        """Move what is shown."""
        if limits := self._limits:
            self._look(self._view.panned(share, limits))

    def action_move(self, cells: int) -> None:
        """Move the cursor line."""
        columns = self._drawing.columns if self._drawing else 0
        if (limits := self._limits) and columns:
            self._look(self._view.with_cursor_moved(cells, columns, limits))

    def action_everything(self) -> None:
        """Show all again."""
        self._detail = ()
        self._look(self._view.everything())

    def action_metric(self, by: int) -> None:
        """Show the next metric, round and round."""
        if len(self._metrics) > 1:
            self._switch_to((self._at + by) % len(self._metrics))

    def action_pick(self) -> None:
        """Choose a metric by its name."""
        from localart_tui.picker import Picker

        if self._metrics:
            self.app.push_screen(
                Picker("Metric", self._metrics, self.metric), lambda metric: self.show_metric(metric or "")
            )

    def on_click(self, event: events.Click) -> None:
        """Put the cursor line where the mouse is."""
        drawing = self._drawing
        if drawing is None or drawing.window is None or drawing.columns < 2:
            return
        share = min(max((event.x - drawing.left) / (drawing.columns - 1), 0.0), 1.0)
        low, high = drawing.window
        self._look(
            ChartView(
                treatment=self._view.treatment, window=self._view.window, cursor=low + (high - low) * share
            )
        )
