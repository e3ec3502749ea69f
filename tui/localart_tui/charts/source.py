"""Where a chart gets its series from."""

from collections.abc import Sequence
from typing import Protocol

from localart_tui.charts.series import Point, Series, decimated


class SeriesSource(Protocol):
    """Gives the series of a metric, one for each run. Called in a thread of its own."""

    def load(self, metric: str, *, buckets: int, steps: tuple[int, int] | None = None) -> tuple[Series, ...]:
        """Each run's series in at most about `buckets` points, of the steps from first to last or of all."""
        ...


class SeriesInMemory:
    """Series that are there already."""

    def __init__(self, series: dict[str, Sequence[Series]]) -> None:
        self._series = series

    def load(self, metric: str, *, buckets: int, steps: tuple[int, int] | None = None) -> tuple[Series, ...]:
        """The series of `metric`, decimated; none when there is no such metric."""
        return tuple(decimated(_between(series, steps), buckets) for series in self._series.get(metric, ()))


def _between(series: Series, steps: tuple[int, int] | None) -> Series:
    if steps is None:
        return series
    points: tuple[Point, ...] = tuple(point for point in series.points if steps[0] <= point.step <= steps[1])
    return Series(series.name, series.tag, points, series.skipped, series.begin)
