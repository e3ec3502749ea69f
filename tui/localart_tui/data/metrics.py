"""The metrics of runs, as charts and tables want them: sampled, never row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart.catalog import metrics
from localart_tui.charts.series import MAX_SERIES, TAGS, Point, Series
from localart_tui.charts.sparkline import CELLS, sparkline

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from localart.model import RunRecord
    from localart_tui.data.store import Store

MOST_METRICS = 1000


class MetricSource:
    """The series of up to eight runs, straight from the catalog; a `SeriesSource`. Safe to call from any thread."""

    def __init__(self, store: Store, runs: Sequence[RunRecord]) -> None:
        self._store = store
        self._runs = tuple(runs)[:MAX_SERIES]

    def names(self) -> tuple[str, ...]:
        """The metrics that any of the runs logged as numbers, sorted; at most `MOST_METRICS`."""
        connection = self._store.connection()
        found = {name for run in self._runs for name in metrics.numeric_metrics(connection, run.key)}
        return tuple(sorted(found)[:MOST_METRICS])

    def load(self, metric: str, *, buckets: int, steps: tuple[int, int] | None = None) -> tuple[Series, ...]:
        """Each run's series in at most `buckets` points; a run without the metric has no points."""
        connection = self._store.connection()
        return tuple(
            load_series(connection, run, metric, tag=tag, buckets=buckets, steps=steps)
            for run, tag in zip(self._runs, TAGS, strict=False)
        )


def load_series(
    connection: sqlite3.Connection,
    run: RunRecord,
    metric: str,
    *,
    tag: str,
    buckets: int,
    steps: tuple[int, int] | None = None,
) -> Series:
    """One metric of one run, of the steps from first to last or of all."""
    first, last = steps or (None, None)
    samples = list(
        metrics.iter_samples(connection, run.key, metric, buckets=buckets, first_step=first, last_step=last)
    )
    points = tuple(
        Point(one.step, one.time, one.mean, one.low, one.high, one.count) for one in samples if one.count
    )
    skipped = sum(one.skipped for one in samples)
    return Series(run.name or run.id, tag, points, skipped, _seconds(run.created_at))


def _seconds(iso: str) -> float:
    from datetime import datetime

    try:
        return datetime.fromisoformat(iso).timestamp()
    except ValueError:
        return float("nan")


def load_sparkline(
    connection: sqlite3.Connection,
    run: RunRecord,
    metric: str,
    *,
    cells: int = CELLS,
    ascii_only: bool = False,
) -> str:
    """The course of a run's metric in a few characters; "" when it has none."""
    samples = metrics.iter_samples(connection, run.key, metric, buckets=cells)
    extremes = [number for one in samples for number in (one.low, one.high)]
    return sparkline(extremes, cells=len(extremes) // 2, ascii_only=ascii_only)
