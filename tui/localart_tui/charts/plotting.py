"""The plot itself as character cells: envelopes, lines, signs and the cursor line, each cell with its ink."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from localart_tui.charts.braille import Raster
from localart_tui.charts.series import AS_LOGGED, Curve, Series, Treatment, nearest, prepared, visible

FAINT = 100  # added to a series' ink for its envelope
CURSOR = -1
_TAG_EVERY = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What is to be drawn. `window` and `cursor` are values of the x axis; None: everything, no cursor."""

    title: str
    series: tuple[Series, ...]
    treatment: Treatment = AS_LOGGED
    window: tuple[float, float] | None = None
    cursor: float | None = None
    ascii_only: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """The plot's own cells: `columns` × `rows`, and the numbers at their edges."""

    columns: int
    rows: int
    xs: tuple[float, float]
    ys: tuple[float, float]

    def across(self, x: float, size: int) -> int:
        """The place of `x` among `size` places from left to right."""
        return _place(x, self.xs, size)

    def down(self, y: float, size: int) -> int:
        """The place of `y` among `size` places from top to bottom."""
        return size - 1 - _place(y, self.ys, size)


def _place(value: float, ends: tuple[float, float], size: int) -> int:
    low, high = ends
    share = (value / 2 - low / 2) / (high / 2 - low / 2)
    return round(min(max(share, -4.0), 5.0) * (size - 1))


Cell = tuple[str, int]


@lru_cache(maxsize=4)
def plot_cells(plot: Plot, field: Field) -> list[list[Cell]]:
    """The plot without its cursor; kept, for the cursor moves and the plot stays. Not to be changed."""
    curves = [visible(prepared(series, plot.treatment), *field.xs) for series in plot.series]
    raster = Raster(field.columns, field.rows, ascii_only=plot.ascii_only)
    for number, curve in enumerate(curves, start=1):
        _draw_envelope(raster, field, curve, number + FAINT, with_points=plot.treatment.smoothing > 0)
    for number, curve in enumerate(curves, start=1):
        _draw_line(raster, field, curve, number)
    cells = [raster.row(number) for number in range(field.rows)]
    if len(curves) > 1:
        _set_tags(plot, curves, field, cells)
    return cells


def _draw_envelope(raster: Raster, field: Field, curve: Curve, ink: int, *, with_points: bool) -> None:
    """From the lowest to the highest number in each column of dots: what a mean, or smoothing, would hide."""
    reach: dict[int, tuple[float, float]] = {}
    for x, low, high in zip(curve.xs, curve.lows, curve.highs, strict=True):
        if low < high or with_points:
            at = field.across(x, raster.width)
            before = reach.get(at, (low, high))
            reach[at] = (min(before[0], low), max(before[1], high))
    for at, (low, high) in reach.items():
        raster.column(at, field.down(high, raster.height), field.down(low, raster.height), ink)


def _draw_line(raster: Raster, field: Field, curve: Curve, ink: int) -> None:
    """Through the means. Of many points in one column of dots the first, lowest, highest and last are joined."""
    before: tuple[int, int] | None = None
    for at, first, low, high, last in _columns(field, raster, curve):
        if before is not None:
            raster.line(*before, at, first, ink)
        raster.column(at, high, low, ink)
        before = at, last


def _columns(field: Field, raster: Raster, curve: Curve) -> Iterator[tuple[int, int, int, int, int]]:
    """(column, first, lowest, highest, last) dots, where lowest is furthest down: several points may share a column."""
    current: tuple[int, int, int, int, int] | None = None
    for x, mean in zip(curve.xs, curve.means, strict=True):
        at, down = field.across(x, raster.width), field.down(mean, raster.height)
        if current is None or current[0] != at:
            if current is not None:
                yield current
            current = at, down, down, down, down
        else:
            current = at, current[1], max(current[2], down), min(current[3], down), down
    if current is not None:
        yield current


def _set_tags(plot: Plot, curves: Sequence[Curve], field: Field, cells: list[list[Cell]]) -> None:
    """The glyph of each series on its line, every few columns, where no other series has put its own."""
    count = len(curves)
    every = max(_TAG_EVERY, 3 * count)
    for number, curve in enumerate(curves):
        for column in range(number * every // count, field.columns, every):
            row = _row_at(curve, field, column)
            if row is not None:
                cells[row][column] = (plot.series[number].tag, number + 1)


def _row_at(curve: Curve, field: Field, column: int) -> int | None:
    """In which row the curve passes the middle of a column; None where it does not."""
    low, high = field.xs
    x = low + (high - low) * column / max(field.columns - 1, 1)
    at = nearest(curve, x)
    if at is None or not curve.xs[0] <= x <= curve.xs[-1]:
        return None
    other = min(at + 1, len(curve.xs) - 1) if curve.xs[at] <= x else max(at - 1, 0)
    gap = curve.xs[other] - curve.xs[at]
    share = (x - curve.xs[at]) / gap if gap else 0.0
    y = curve.means[at] * (1 - share) + curve.means[other] * share
    row = field.down(y, field.rows)
    return row if 0 <= row < field.rows else None


def with_cursor(plot: Plot, cursor: float, field: Field, cells: list[list[Cell]]) -> list[list[Cell]]:
    """The cells with a line at `cursor` where they are empty; new rows, the old ones stay as they are."""
    column = field.across(cursor, field.columns)
    if not 0 <= column < field.columns:
        return cells
    line = ("!" if plot.ascii_only else "┊", CURSOR)
    return [row if row[column][0] != " " else [*row[:column], line, *row[column + 1 :]] for row in cells]
