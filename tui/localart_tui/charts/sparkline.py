"""A metric's course in one short line of text."""

import math
from collections.abc import Iterator, Sequence
from statistics import median_low as median

CELLS = 16
_BARS = "▁▂▃▅▇"
_ASCII_BARS = "_.-=#"


def sparkline(values: Sequence[float], *, cells: int = CELLS, ascii_only: bool = False) -> str:
    """The course of `values` in at most `cells` characters, low to high; "" when no value is finite.

    Many values share a cell, which shows the one furthest from the median, so that a spike is seen. A cell whose
    values are all NaN or infinite is blank. Equal values lie at the bottom.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite or cells < 1:
        return ""
    low, high = min(finite), max(finite)
    bars = _ASCII_BARS if ascii_only else _BARS
    return "".join(_bar(value, low, high, bars) for value in _cells(values, cells, median(finite)))


def _cells(values: Sequence[float], cells: int, middle: float) -> Iterator[float | None]:
    count = len(values)
    cells = min(cells, count)
    for turn in range(cells):
        some = values[count * turn // cells : count * (turn + 1) // cells]
        finite = [value for value in some if math.isfinite(value)]
        yield max(finite, key=lambda value: abs(value - middle)) if finite else None


def _bar(value: float | None, low: float, high: float, bars: str) -> str:
    if value is None:
        return " "
    # Halved, so that the distance between two huge numbers is still a number.
    span = high / 2 - low / 2
    if not span:
        return bars[0]
    share = (value / 2 - low / 2) / span
    return bars[min(int(share * len(bars)), len(bars) - 1)]
