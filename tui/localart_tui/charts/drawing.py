"""A chart as rows of coloured text: title, legend, plot, axis. Pure: the same plot and size give the same rows.

The legend has rows of its own above the plot, so it never covers data. Every series has a glyph that is also set into
its line here and there: a chart can be read without colour.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from localart_tui.charts import axes
from localart_tui.charts.axes import Tick
from localart_tui.charts.plotting import CURSOR, FAINT, Cell, Field, Plot, plot_cells, with_cursor
from localart_tui.charts.series import (
    Curve,
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
_LEGEND_ROWS = 3
_LEGEND_NAME = 28
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
class Drawing:
    """Rows of exactly the width asked for, and where the plot's cells lie among them.

    `window` is the range of x that the `columns` from `left` on show; None when there is nothing to show.
    """

    rows: tuple[Row, ...]
    left: int
    columns: int
    window: tuple[float, float] | None


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
    field = Field(width - left, rows, xs, ys)
    cells = plot_cells(replace(plot, title="", cursor=None), field)
    if plot.cursor is not None:
        cells = with_cursor(plot, plot.cursor, field, cells)
    labels = {field.down(tick.at, rows): tick.label for tick in reversed(ticks)}
    body = [
        (*_y_label(labels.get(number), label_width, plot), *_spans(cells[number])) for number in range(rows)
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


def _x_labels(plot: Plot, field: Field) -> str:
    most = max(field.columns // 12, 2)
    match plot.treatment.axis:
        case XAxis.STEP:
            ticks = [tick for tick in axes.number_ticks(*field.xs, most) if tick.at == round(tick.at)]
        case XAxis.TIME:
            ticks = axes.clock_ticks(*field.xs, most)
        case XAxis.RELATIVE:
            ticks = axes.duration_ticks(*field.xs, most)
    return axes.fitting(ticks, [field.across(tick.at, field.columns) for tick in ticks], field.columns)


def _spans(cells: Sequence[Cell]) -> Iterator[Span]:
    start = 0
    for stop in range(1, len(cells) + 1):
        if stop == len(cells) or cells[stop][1] != cells[start][1]:
            yield _span("".join(char for char, _ in cells[start:stop]), cells[start][1])
            start = stop


def _span(text: str, ink: int) -> Span:
    if ink == CURSOR:
        return Span(text, Role.CURSOR)
    if ink == 0:
        return Span(text, Role.AXIS)
    return Span(text, Role.FAINT, ink - FAINT) if ink > FAINT else Span(text, Role.LINE, ink)


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
