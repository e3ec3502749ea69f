"""How a chart is looked at, and what each key makes of it. Pure: every change gives a new record."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from localart_tui.charts.drawing import nice_window
from localart_tui.charts.series import AS_LOGGED, Series, Treatment, XAxis, x_values

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)
_LEAST_SHARE = 1e-6  # of the x axis: closer looks run out of digits

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartView:
    """`window` and `cursor` are values of the x axis; None: all of it, and no cursor."""

    treatment: Treatment = AS_LOGGED
    window: Span | None = None
    cursor: float | None = None

    def with_next_smoothing(self) -> "ChartView":
        """The next of `SMOOTHINGS`, round and round."""
        later = [level for level in SMOOTHINGS if level > self.treatment.smoothing]
        level = later[0] if later else SMOOTHINGS[0]
        return replace(self, treatment=replace(self.treatment, smoothing=level))

    def with_log_switched(self) -> "ChartView":
        """A logarithmic y axis, or a linear one again."""
        return replace(self, treatment=replace(self.treatment, log=not self.treatment.log))

    def with_next_axis(self) -> "ChartView":
        """The next kind of x axis; the window and the cursor were values of the old one."""
        axis = self.treatment.axis.next
        return ChartView(treatment=replace(self.treatment, axis=axis))

    def zoomed(self, factor: float, limits: Span) -> "ChartView":
        """`factor` times as much of the x axis, around the cursor or the middle."""
        low, high = self.window or limits
        centre = (low + high) / 2 if self.cursor is None else min(max(self.cursor, low), high)
        share = (centre - low) / (high - low) if high > low else 0.5
        span = max((high - low) * factor, (limits[1] - limits[0]) * _LEAST_SHARE)
        return self._at((centre - span * share, centre + span * (1 - share)), limits)

    def panned(self, share: float, limits: Span) -> "ChartView":
        """Moved by `share` of what is shown; no further than the data."""
        low, high = self.window or limits
        shift = (high - low) * share
        return self._at((low + shift, high + shift), limits)

    def _at(self, window: Span, limits: Span) -> "ChartView":
        moved = replace(self, window=nice_window(window, *limits))
        low, high = moved.window or limits
        return moved if self.cursor is None else replace(moved, cursor=min(max(self.cursor, low), high))

    def with_cursor_moved(self, cells: int, columns: int, limits: Span) -> "ChartView":
        """The cursor `cells` further, from the right end at first; at the window's edge the window moves along."""
        low, high = self.window or limits
        cell = (high - low) / max(columns - 1, 1)
        at = high if self.cursor is None else self.cursor + cells * cell
        at = min(max(at, limits[0]), limits[1])
        moved = replace(self, cursor=at)
        if low <= at <= high:
            return moved
        shift = at - (high if at > high else low)
        return replace(moved, window=nice_window((low + shift, high + shift), *limits))

    def everything(self) -> "ChartView":
        """All of the x axis, no cursor."""
        return replace(self, window=None, cursor=None)


def steps_within(series: Sequence[Series], view: ChartView) -> tuple[int, int] | None:
    """The first and last step that the window may show of any series; None when all of them are shown.

    Points stand for many steps, so those next to the window count too.
    """
    if view.window is None:
        return None
    low, high = view.window
    if view.treatment.axis is XAxis.STEP:
        return math.floor(low), math.ceil(high)
    ends = [_steps_around(one, x_values(one, one.points, view.treatment.axis), low, high) for one in series]
    found = [steps for steps in ends if steps is not None]
    return (min(first for first, _ in found), max(last for _, last in found)) if found else None


def _steps_around(series: Series, xs: Sequence[float], low: float, high: float) -> tuple[int, int] | None:
    start, stop = max(bisect_left(xs, low) - 1, 0), bisect_right(xs, high)
    if not xs or start >= len(xs) or xs[0] > high:
        return None
    return series.points[start].step, series.points[min(stop, len(xs) - 1)].step
