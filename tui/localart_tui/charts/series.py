"""What a chart draws: points of runs, and the arithmetic on them. Frozen records; nothing here keeps state."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from operator import attrgetter

TAGS = ("●", "▲", "■", "◆", "○", "△", "□", "◇")
ASCII_TAGS = ("o", "^", "#", "%", "@", "+", "x", "&")
MAX_SERIES = len(TAGS)


class XAxis(Enum):
    """What the x axis counts."""

    STEP = "step"
    TIME = "time"
    RELATIVE = "relative time"

    @property
    def next(self) -> "XAxis":
        """The one after this, round and round."""
        kinds = list(XAxis)
        return kinds[(kinds.index(self) + 1) % len(kinds)]


@dataclass(frozen=True, slots=True)
class Point:
    """One step's number, or `count` neighbouring ones. `time` is in seconds since the epoch."""

    step: int
    time: float
    mean: float
    low: float
    high: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class Series:
    """One run's points of one metric, in the order of their steps. `skipped` numbers were NaN or infinite."""

    name: str
    tag: str
    points: tuple[Point, ...]
    skipped: int = 0
    start_time: float = field(default=math.nan)

    @property
    def begin(self) -> float:
        """When the run began: what relative time counts from."""
        if not math.isnan(self.start_time):
            return self.start_time
        return self.points[0].time if self.points else 0.0


@dataclass(frozen=True, slots=True)
class Curve:
    """A series made ready to draw: equally long columns, x rising, all numbers finite."""

    xs: Sequence[float]
    means: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]


@dataclass(frozen=True, slots=True)
class Treatment:
    """How numbers are changed before they are drawn. `smoothing`, below 1, is the EMA's weight of the past."""

    axis: XAxis = XAxis.STEP
    smoothing: float = 0.0
    log: bool = False


AS_LOGGED = Treatment()


def from_numbers(
    name: str, tag: str, values: Sequence[float], *, first_step: int = 0, seconds_per_step: float = 1.0
) -> Series:
    """A series of bare numbers, one a step; NaN and infinite ones are counted and left out."""
    points = tuple(
        Point(first_step + turn, turn * seconds_per_step, value, value, value)
        for turn, value in enumerate(values)
        if math.isfinite(value)
    )
    return Series(name, tag, points, len(values) - len(points))


def decimated(series: Series, buckets: int) -> Series:
    """The series in at most `buckets` points of equally many steps; lows and highs are kept, so no spike is lost."""
    points = series.points
    if len(points) <= buckets:
        return series
    first, span = points[0].step, points[-1].step - points[0].step + 1
    steps = list(map(attrgetter("step"), points))
    ends = [
        0,
        *(bisect_left(steps, first + span * turn // buckets) for turn in range(1, buckets)),
        len(points),
    ]
    merged = tuple(_merged(points[start:stop]) for start, stop in pairwise(ends) if start < stop)
    return Series(series.name, series.tag, merged, series.skipped, series.begin)


def _merged(points: Sequence[Point]) -> Point:
    if len(points) == 1:
        return points[0]
    count = sum(map(attrgetter("count"), points))
    return Point(
        step=points[0].step,
        time=points[0].time,
        mean=math.fsum(point.mean / count * point.count for point in points),
        low=min(map(attrgetter("low"), points)),
        high=max(map(attrgetter("high"), points)),
        count=count,
    )


def prepared(series: Series, treatment: Treatment) -> Curve:
    """The columns to draw: smoothed first, then log10 of what is positive; NaN and infinity never come out."""
    points = [point for point in series.points if math.isfinite(point.mean)]
    xs = x_values(series, points, treatment.axis)
    means = smoothed([(point.mean, point.count) for point in points], treatment.smoothing)
    lows, highs = [point.low for point in points], [point.high for point in points]
    if treatment.log:
        return _logarithmic(Curve(xs, means, lows, highs))
    return Curve(xs, means, lows, highs)


def x_values(series: Series, points: Sequence[Point], axis: XAxis) -> list[float]:
    """Where each point lies on the x axis; a clock that was set back does not turn the line round."""
    if axis is XAxis.STEP:
        return [float(point.step) for point in points]
    shift = 0.0 if axis is XAxis.TIME else series.begin
    xs: list[float] = []
    latest = -math.inf
    for point in points:
        latest = max(latest, point.time - shift)
        xs.append(latest)
    return xs


def smoothed(values: Sequence[tuple[float, int]], weight: float) -> list[float]:
    """The exponential moving average of (mean, count) pairs, without the pull towards zero at its start.

    A point that stands for n steps moves the average as n equal ones would.
    """
    if not 0 < weight < 1:
        return [value for value, _ in values]
    result = []
    average = trust = 0.0
    for value, count in values:
        keep = weight**count
        average = keep * average + (1 - keep) * value
        trust = keep * trust + (1 - keep)
        result.append(average / trust)
    return result


def _logarithmic(curve: Curve) -> Curve:
    rows = [
        (x, math.log10(mean), math.log10(low) if low > 0 else math.log10(mean), math.log10(high))
        for x, mean, low, high in zip(curve.xs, curve.means, curve.lows, curve.highs, strict=True)
        if mean > 0 and high > 0
    ]
    return Curve(*map(list, zip(*rows, strict=True))) if rows else Curve([], [], [], [])


def undrawable(series: Series, treatment: Treatment) -> int:
    """How many numbers are left out: NaN, infinite, and on a log axis what is not above zero."""
    if not treatment.log:
        return series.skipped
    return series.skipped + sum(point.count for point in series.points if point.mean <= 0)


def visible(curve: Curve, low: float, high: float) -> Curve:
    """The part of the curve from `low` to `high` on the x axis, with one point beyond each end to draw towards."""
    start = max(bisect_left(curve.xs, low) - 1, 0)
    stop = bisect_right(curve.xs, high) + 1
    return Curve(
        curve.xs[start:stop], curve.means[start:stop], curve.lows[start:stop], curve.highs[start:stop]
    )


def nearest(curve: Curve, x: float) -> int | None:
    """The number of the point next to `x`, or None when there is no point."""
    if not curve.xs:
        return None
    after = bisect_left(curve.xs, x)
    around = [at for at in (after - 1, after) if 0 <= at < len(curve.xs)]
    return min(around, key=lambda at: abs(curve.xs[at] - x))


def x_range(curves: Sequence[Curve]) -> tuple[float, float] | None:
    """From the first to the last x of all curves; None when there is no point."""
    ends = [end for curve in curves if curve.xs for end in (curve.xs[0], curve.xs[-1])]
    return (min(ends), max(ends)) if ends else None


def y_range(curves: Sequence[Curve]) -> tuple[float, float] | None:
    """From the lowest low to the highest high; None when there is no point."""
    numbers = [number for curve in curves for number in _extremes(curve)]
    return (min(numbers), max(numbers)) if numbers else None


def _extremes(curve: Curve) -> Iterator[float]:
    if curve.xs:
        yield min([*curve.lows, *curve.means])
        yield max([*curve.highs, *curve.means])
