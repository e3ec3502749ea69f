"""The metrics of runs that may still go on: what the catalog holds, and after it what lies in their tails."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from localart.model import RunState
from localart_tui.charts.series import MAX_SERIES, Point, Series
from localart_tui.data.live import tail_points
from localart_tui.data.metrics import MOST_METRICS, MetricSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from localart.catalog.metrics import Point as Logged
    from localart.model import RunRecord
    from localart_tui.data.store import Store

PLAIN = frozenset(
    {
        "epoch",
        "step",
        "lr",
        "learning_rate",
        "global_step",
        "time",
        "seconds",
        "samples",
        "batch",
        "iteration",
    }
)
"""What is logged beside what one wants to know, by its last name."""


class LiveMetrics(MetricSource):
    """The series of up to eight runs, to their last number. Safe to call from any thread."""

    def __init__(self, store: Store, runs: Sequence[RunRecord]) -> None:
        super().__init__(store, runs)
        self._live = tuple(run.state is RunState.RUNNING for run in runs[:MAX_SERIES])

    def names(self) -> tuple[str, ...]:
        """The metrics that any of the runs logged as numbers, those of the machine last; at most `MOST_METRICS`."""
        found = set(super().names())
        for run, is_live in zip(self._runs, self._live, strict=True):
            if is_live:
                found.update(_numeric_names(tail_points(self._store, run.uid)))
        return tuple(sorted(found, key=metric_rank)[:MOST_METRICS])

    def load(self, metric: str, *, buckets: int, steps: tuple[int, int] | None = None) -> tuple[Series, ...]:
        """Each run's series in about `buckets` points; a run without the metric has no points."""
        series = super().load(metric, buckets=buckets, steps=steps)
        return tuple(
            _continued(one, tail_points(self._store, run.uid), metric, steps) if is_live else one
            for one, run, is_live in zip(series, self._runs, self._live, strict=True)
        )


def _numeric_names(points: Iterable[Logged]) -> set[str]:
    return {
        name
        for point in points
        for name, value in point.values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def metric_rank(name: str) -> tuple[int, str]:
    """Where a metric stands among the others: by name; counters and settings after them, the machine's last."""
    last = name.casefold().replace("/", ".").rpartition(".")[2]
    if name.startswith(("system.", "system/", "_")):
        return 2, name
    return int(last in PLAIN), name


def _continued(
    series: Series, points: Sequence[Logged], metric: str, steps: tuple[int, int] | None
) -> Series:
    """The series with what the catalog does not hold yet after it."""
    after = max((point.step for point in series.points), default=-(1 << 62))
    first, last = steps or (-(1 << 62), 1 << 62)
    more: dict[int, Point] = {}
    skipped = series.skipped
    for step, time, values in points:
        value = values.get(metric)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if step <= after or not first <= step <= last:
            continue
        if math.isfinite(value):
            more[step] = Point(step, time, float(value), float(value), float(value))
        else:
            skipped += 1
    ordered = tuple(more[step] for step in sorted(more))
    return replace(series, points=series.points + ordered, skipped=skipped) if more else series
