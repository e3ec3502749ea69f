"""A chart as rows of coloured text: title, legend, plot, axis. Pure: the same plot and size give the same rows.

The legend has rows of its own above the plot, so it never covers data. Every series has a glyph that is also set into
its line here and there: a chart can be read without colour.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from localart_tui.charts import axes
from localart_tui.charts.axes import Tick
from localart_tui.charts.braille import Raster
from localart_tui.charts.series import (
    AS_LOGGED,
    Curve,
    Series,
    Treatment,
    XAxis,
    nearest,
    prepared,
    undrawable,
    visible,
    x_range,
    y_range,
)
from localart_tui.text import cell_width, clean, fit

MIN_COLUMNS, MIN_ROWS = 20, 4
_FAINT = 100  # added to a series' ink for its envelope
_LEGEND_ROWS = 3
_LEGEND_NAME = 28
_TAG_EVERY = 16
_LABEL_COLUMNS = 12


class Role(Enum):
    """What a span of text is, from which its style follows."""

    TITLE = "title"
    MUTED = "muted"
    LINE = "line"
    FAINT = "faint"
    AXIS = "axis"
    CURSOR = "cursor"


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one style; `ink` is the number of the series that it belongs to, from 1, or 0."""

    text: str
    role: Role
    ink: int = 0


Row = tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What is to be drawn. `window` and `cursor` are values of the x axis; None: everything, no cursor."""

    title: str
    series: tuple[Series, ...]
    treatment: Treatment = AS_LOGGED
    window: tuple[float, float] | None = None
    cursor: float | None = None
    ascii_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Rows of exactly the width asked for, and where the plot's cells lie among them.

    `window` is the range of x that the `columns` from `left` on show; None when there is nothing to show.
    """

    rows: tuple[Row, ...]
    left: int
    columns: int
    window: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class _Field:
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


def draw(plot: Plot, width: int, height: int) -> Drawing:
    """The chart in `height` rows of `width` cells. Too small or empty: a sentence instead, never an error."""
    if width < MIN_COLUMNS or height < MIN_ROWS:
        return draw_sentence(plot, "too small to draw", width, height)
    curves = [prepared(series, plot.treatment) for series in plot.series]
    shown_xs = plot.window or x_range(curves)
    if shown_xs is None:
        return draw_sentence(plot, _nothing(plot), width, height)
    xs = axes.padded_range(*shown_xs)
    curves = [visible(curve, *xs) for curve in curves]
    head = [_title(plot, width), *_legend(plot, curves, width, _legend_rows(plot, height))]
    return _framed(plot, curves, head, xs, width, height)


def _nothing(plot: Plot) -> str:
    skipped = sum(undrawable(series, plot.treatment) for series in plot.series)
    if skipped and plot.treatment.log:
        return f"no number above zero to draw on a log axis ({skipped:,} left out)"
    return f"no number to draw: {skipped:,} are NaN or infinite" if skipped else "no numbers logged yet"


def draw_sentence(plot: Plot, text: str, width: int, height: int) -> Drawing:
    """The title and a sentence in place of the plot."""
    rows = [_fill([Span(_cut(_clean(plot.title, plot), width, plot), Role.TITLE)], width)]
    rows += [_fill([Span(_cut(" " + text, width, plot), Role.MUTED)], width)]
    rows += [_fill([], width)] * max(height - 2, 0)
    return Drawing(rows=tuple(rows[: max(height, 0)]), left=0, columns=0, window=None)


# --- above the plot --------------------------------------------------------------------------------


def _title(plot: Plot, width: int) -> Row:
    notes = ", ".join(_notes(plot))
    room = width - len(notes) - 2 if notes else width
    title = _cut(_clean(plot.title, plot), max(room, 8), plot)
    gap = max(width - cell_width(title) - len(notes), 1)
    return _fill([Span(title, Role.TITLE), Span(" " * gap + notes, Role.MUTED)], width)


def _notes(plot: Plot) -> Iterator[str]:
    if plot.cursor is not None:
        yield f"{_axis_word(plot)} {_exact_x(plot.cursor, plot.treatment.axis)}"
    else:
        yield f"by {plot.treatment.axis.value}"
    if plot.treatment.smoothing:
        yield f"smoothed {plot.treatment.smoothing:g}"
    if plot.treatment.log:
        yield "log y"
    if plot.window:
        yield "zoomed"
    skipped = sum(undrawable(series, plot.treatment) for series in plot.series)
    if skipped:
        yield f"{skipped:,} {'NaN/Inf or not above 0' if plot.treatment.log else 'NaN/Inf'} left out"


def _axis_word(plot: Plot) -> str:
    return {XAxis.STEP: "step", XAxis.TIME: "at", XAxis.RELATIVE: "after"}[plot.treatment.axis]


def _exact_x(x: float, axis: XAxis) -> str:
    match axis:
        case XAxis.STEP:
            return f"{round(x):,}"
        case XAxis.TIME:
            return axes.clock_label(x)
        case XAxis.RELATIVE:
            return axes.duration_label(x)


def _legend_rows(plot: Plot, height: int) -> int:
    wanted = len(plot.series) > 1 or plot.cursor is not None
    return min(_LEGEND_ROWS, max(height - 8, 1)) if wanted else 0


def _legend(plot: Plot, curves: Sequence[Curve], width: int, most: int) -> list[Row]:
    """One entry a series, as many to a row as fit; what does not fit into `most` rows is counted at the end."""
    rows: list[list[Span]] = []
    used = width
    entries = [_entry(plot, number, curves[number]) for number in range(len(plot.series))] if most else []
    for number, entry in enumerate(entries):
        taken = sum(cell_width(span.text) for span in entry) + 2
        if used + taken > width:
            if len(rows) == most:
                rows[-1] = _with_rest(rows[-1], len(entries) - number, width)
                break
            rows.append([])
            used = 0
        rows[-1] += [*entry, Span("  ", Role.MUTED)]
        used += taken
    return [_fill(row, width) for row in rows]


def _entry(plot: Plot, number: int, curve: Curve) -> list[Span]:
    series = plot.series[number]
    name = _cut(_clean(series.name, plot), _LEGEND_NAME, plot)
    at = nearest(curve, plot.cursor) if plot.cursor is not None else (len(curve.xs) - 1 if curve.xs else None)
    value = "-" if at is None else axes.short_number(_unlogged(curve.means[at], plot))
    return [
        Span(f"{series.tag} ", Role.LINE, number + 1),
        Span(f"{name} ", Role.MUTED),
        Span(value, Role.LINE, number + 1),
    ]


def _unlogged(value: float, plot: Plot) -> float:
    return min(10.0 ** min(value, 308.2), 1.8e308) if plot.treatment.log else value


def _with_rest(row: list[Span], count: int, width: int) -> list[Span]:
    note = f"+{count} more"
    while row and sum(cell_width(span.text) for span in row) + len(note) > width:
        row = row[:-1]
    return [*row, Span(note, Role.MUTED)]


# --- the plot --------------------------------------------------------------------------------------


def _framed(
    plot: Plot, curves: Sequence[Curve], head: Sequence[Row], xs: tuple[float, float], width: int, height: int
) -> Drawing:
    rows = height - len(head) - 1
    ys = axes.padded_range(*(y_range([_inside(curve, xs) for curve in curves]) or (0.0, 1.0)))
    ticks = _y_ticks(plot, ys, rows)
    label_width = min(max((len(tick.label) for tick in ticks), default=0), _LABEL_COLUMNS)
    left = label_width + 1
    field = _Field(width - left, rows, xs, ys)
    cells = _cells(plot, curves, field)
    labels = {field.down(tick.at, rows): tick.label for tick in reversed(ticks)}
    body = [
        _fill([*_y_label(labels.get(number), label_width, plot), *_spans(cells[number])], width)
        for number in range(rows)
    ]
    foot = _fill([Span(" " * left + _x_labels(plot, field), Role.AXIS)], width)
    return Drawing(rows=(*head, *body, foot), left=left, columns=field.columns, window=xs)


def _inside(curve: Curve, xs: tuple[float, float]) -> Curve:
    """Without the points beyond the window, which would set the scale though nobody sees them."""
    start = 1 if len(curve.xs) > 1 and curve.xs[0] < xs[0] else 0
    stop = len(curve.xs) - (1 if len(curve.xs) > 1 and curve.xs[-1] > xs[1] else 0)
    if start >= stop:
        return curve
    return Curve(
        curve.xs[start:stop], curve.means[start:stop], curve.lows[start:stop], curve.highs[start:stop]
    )


def _y_ticks(plot: Plot, ys: tuple[float, float], rows: int) -> list[Tick]:
    most = max(rows // 3, 2)
    return axes.log_ticks(*ys, most) if plot.treatment.log else axes.number_ticks(*ys, most)


def _y_label(label: str | None, width: int, plot: Plot) -> Row:
    stem, tick = ("|", "+") if plot.ascii_only else ("│", "┤")
    return (Span(f"{(label or '')[:width]:>{width}}" + (tick if label else stem), Role.AXIS),)


def _x_labels(plot: Plot, field: _Field) -> str:
    most = max(field.columns // 12, 2)
    match plot.treatment.axis:
        case XAxis.STEP:
            ticks = [tick for tick in axes.number_ticks(*field.xs, most) if tick.at == round(tick.at)]
        case XAxis.TIME:
            ticks = axes.clock_ticks(*field.xs, most)
        case XAxis.RELATIVE:
            ticks = axes.duration_ticks(*field.xs, most)
    return axes.fitting(ticks, [field.across(tick.at, field.columns) for tick in ticks], field.columns)


Cell = tuple[str, int]


def _cells(plot: Plot, curves: Sequence[Curve], field: _Field) -> list[list[Cell]]:
    raster = Raster(field.columns, field.rows, ascii_only=plot.ascii_only)
    for number, curve in enumerate(curves, start=1):
        _draw_envelope(raster, field, curve, number + _FAINT, with_points=plot.treatment.smoothing > 0)
    for number, curve in enumerate(curves, start=1):
        _draw_line(raster, field, curve, number)
    cells = [raster.row(number) for number in range(field.rows)]
    if len(curves) > 1:
        _set_tags(plot, curves, field, cells)
    if plot.cursor is not None:
        _set_cursor(plot, plot.cursor, field, cells)
    return cells


def _draw_envelope(raster: Raster, field: _Field, curve: Curve, ink: int, *, with_points: bool) -> None:
    """From the lowest to the highest number in each column of dots: what a mean, or smoothing, would hide."""
    reach: dict[int, tuple[float, float]] = {}
    for x, low, high in zip(curve.xs, curve.lows, curve.highs, strict=True):
        if low < high or with_points:
            at = field.across(x, raster.width)
            before = reach.get(at, (low, high))
            reach[at] = (min(before[0], low), max(before[1], high))
    for at, (low, high) in reach.items():
        raster.column(at, field.down(high, raster.height), field.down(low, raster.height), ink)


def _draw_line(raster: Raster, field: _Field, curve: Curve, ink: int) -> None:
    """Through the means. Of many points in one column of dots the first, lowest, highest and last are joined."""
    before: tuple[int, int] | None = None
    for at, first, low, high, last in _columns(field, raster, curve):
        if before is not None:
            raster.line(*before, at, first, ink)
        raster.column(at, high, low, ink)
        before = at, last


def _columns(field: _Field, raster: Raster, curve: Curve) -> Iterator[tuple[int, int, int, int, int]]:
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


def _set_tags(plot: Plot, curves: Sequence[Curve], field: _Field, cells: list[list[Cell]]) -> None:
    """The glyph of each series on its line, every few columns, where no other series has put its own."""
    count = len(curves)
    every = max(_TAG_EVERY, 3 * count)
    for number, curve in enumerate(curves):
        for column in range(number * every // count, field.columns, every):
            row = _row_at(curve, field, column)
            if row is not None:
                cells[row][column] = (plot.series[number].tag, number + 1)


def _row_at(curve: Curve, field: _Field, column: int) -> int | None:
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


def _set_cursor(plot: Plot, cursor: float, field: _Field, cells: list[list[Cell]]) -> None:
    column = field.across(cursor, field.columns)
    if 0 <= column < field.columns:
        for row in cells:
            if row[column][0] == " ":
                row[column] = ("!" if plot.ascii_only else "┊", -1)


def _spans(cells: Sequence[Cell]) -> Iterator[Span]:
    start = 0
    for stop in range(1, len(cells) + 1):
        if stop == len(cells) or cells[stop][1] != cells[start][1]:
            yield _span("".join(char for char, _ in cells[start:stop]), cells[start][1])
            start = stop


def _span(text: str, ink: int) -> Span:
    if ink < 0:
        return Span(text, Role.CURSOR)
    if ink == 0:
        return Span(text, Role.AXIS)
    return Span(text, Role.FAINT, ink - _FAINT) if ink > _FAINT else Span(text, Role.LINE, ink)


# --- rows ------------------------------------------------------------------------------------------


def _clean(text: str, plot: Plot) -> str:
    cleaned = clean(text)
    return cleaned.encode("ascii", "backslashreplace").decode() if plot.ascii_only else cleaned


def _cut(text: str, width: int, plot: Plot) -> str:
    fitted = fit(text, width)
    return fitted.replace("…", "~") if plot.ascii_only else fitted


def _fill(spans: Sequence[Span], width: int) -> Row:
    """The spans in exactly `width` cells: filled up with blanks, or cut."""
    result: list[Span] = []
    left = width
    for span in spans:
        text = span.text if cell_width(span.text) <= left else fit(span.text, left)
        if text:
            result.append(Span(text, span.role, span.ink))
            left -= cell_width(text)
    if left > 0:
        result.append(Span(" " * left, Role.MUTED))
    return tuple(result)


def nice_window(window: tuple[float, float], low: float, high: float) -> tuple[float, float] | None:
    """`window` moved and cut to lie between `low` and `high`; None when it holds all of it."""
    span = min(window[1] - window[0], high - low)
    if not span > 0 or math.isclose(span, high - low):
        return None
    start = min(max(window[0], low), high - span)
    return start, start + span
