"""A chart's rows: exactly as large as asked, true to the numbers, readable without colour."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localart_tui.charts import axes
from localart_tui.charts.braille import Raster
from localart_tui.charts.drawing import Role, draw
from localart_tui.charts.plotting import Plot
from localart_tui.charts.series import ASCII_TAGS, TAGS, Series, Treatment, XAxis, from_numbers
from localart_tui.charts.sparkline import sparkline
from localart_tui.charts.view import ChartView, steps_within
from localart_tui.text import cell_width


def lines(drawing) -> list[str]:
    return ["".join(span.text for span in row) for row in drawing.rows]


def run(number: int, values, tags=TAGS) -> Series:
    return from_numbers(f"run-{number}", tags[number], values)


def raster_lines(raster: Raster) -> list[str]:
    return ["".join(char for char, _ in raster.row(number)) for number in range(raster.rows)]


# --- dots ------------------------------------------------------------------------------------------


def test_each_dot_of_a_cell_has_its_braille_bit():
    seen = set()
    for x in (0, 1):
        for y in range(4):
            raster = Raster(1, 1)
            raster.dot(x, y, 1)
            ((char, ink),) = raster.row(0)
            seen.add(ord(char) - 0x2800)
            assert ink == 1

    assert seen == {1, 2, 4, 8, 16, 32, 64, 128}


def test_ascii_dots_are_high_low_and_both():
    raster = Raster(3, 1, ascii_only=True)
    raster.dot(0, 0, 1)
    raster.dot(1, 1, 1)
    raster.column(2, 0, 1, 1)

    assert raster_lines(raster) == ["'.:"]


@given(*[st.integers(-30, 60)] * 4)
def test_a_line_has_no_gap_and_stays_between_its_ends(x0, y0, x1, y1):
    raster = Raster(20, 10)
    raster.line(x0, y0, x1, y1, 1)

    columns: dict[int, list[int]] = {}
    for x in range(raster.width):
        for y in range(raster.height):
            if raster._dots[y // 4 * raster.columns + x // 2] & raster._sides[x % 2][y % 4][y % 4]:
                columns.setdefault(x, []).append(y)
    for x, dots in columns.items():
        assert min(x0, x1) <= x <= max(x0, x1)
        assert min(y0, y1) <= min(dots)
        assert max(dots) <= max(y0, y1)
        assert dots == list(range(dots[0], dots[-1] + 1))
        if x + 1 in columns:
            assert columns[x + 1][0] <= dots[-1] + 1
            assert dots[0] <= columns[x + 1][-1] + 1


# --- axes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 10_000, ["0", "2k", "4k", "6k", "8k", "10k"]),
        (-3, 3, ["-2", "0", "2"]),
        (0.001, 0.0012, ["0.00100", "0.00105", "0.00110", "0.00115", "0.00120"]),
    ],
)
def test_ticks_are_round_numbers_alike(low, high, labels):
    assert [tick.label for tick in axes.number_ticks(low, high, 5)] == labels


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_ticks_lie_on_the_axis_whatever_its_ends(one, other):
    low, high = axes.padded_range(min(one, other), max(one, other))

    for ticks in (axes.number_ticks(low, high, 6), axes.duration_ticks(low, high, 6)):
        slack = (high / 2 - low / 2) * 1e-6 + 1e-300
        assert all(low - slack <= tick.at <= high + slack for tick in ticks)
        assert len(ticks) <= 50


@pytest.mark.parametrize("values", [[0.0, 5e-324], [1.7e308, -1.7e308], [1e-322, 1e-322], [1e300, 1e300]])
def test_the_smallest_and_largest_numbers_are_drawn(values):
    assert sparkline(values)
    assert len(draw(Plot(title="m", series=(run(0, values),)), 40, 10).rows) == 10


def test_a_log_axis_ticks_powers_of_ten():
    assert [tick.label for tick in axes.log_ticks(-2, 4, 10)] == [
        "0.01",
        "0.1",
        "1",
        "10",
        "100",
        "1000",
        "1e4",
    ]
    assert [tick.label for tick in axes.log_ticks(-0.9, -0.1, 4)] == ["0.2", "0.4", "0.6"]


def test_durations_are_said_as_people_do():
    assert [axes.duration_label(s) for s in (0.5, 12, 125, 5400, 90_000, -60)] == [
        "0.5s", "12s", "2m05", "1h30", "1d01h", "-1m",
    ]  # fmt: skip


# --- the whole chart -------------------------------------------------------------------------------


def test_a_small_chart_reads_as_the_golden_one():
    plot = Plot(title="loss", series=(run(0, [0, 1, 2, 3, 4, 5, 6, 7, 8]),))

    assert lines(draw(plot, 24, 7)) == [
        "loss             by step",
        " │                 ⣀⡤⠖⠚⠉",
        " │            ⢀⣠⠤⠖⠋⠁    ",
        "5┤        ⣀⡤⠖⠋⠉         ",
        " │   ⢀⣠⠴⠒⠋⠁             ",
        "0┤⡤⠴⠚⠉                  ",
        "  0            5        ",
    ]


def test_the_ascii_chart_is_ascii():
    plot = Plot(
        title="lößß",
        series=(run(0, [1, 5, 2], ASCII_TAGS), run(1, [2, 2, 9], ASCII_TAGS)),
        ascii_only=True,
        cursor=1,
    )

    assert all(line.isascii() for line in lines(draw(plot, 60, 12)))


def test_a_single_spike_of_ten_thousand_reaches_the_top():
    values = [0.0] * 10_000
    values[5000] = 1.0

    drawing = draw(Plot(title="loss", series=(run(0, values),)), 80, 20)

    top = lines(drawing)[1][drawing.left :]
    assert top.strip(" ")
    assert abs(next(i for i, char in enumerate(top) if char != " ") - drawing.columns / 2) < 2


def test_every_run_has_its_sign_in_the_legend_and_on_its_line():
    series = tuple(run(number, [number + 1, number + 2, number + 1.5]) for number in range(8))

    drawing = draw(Plot(title="loss", series=series), 160, 30)

    legend = "".join(line for line, row in zip(lines(drawing)[1:4], drawing.rows[1:4], strict=True))
    plotted = "".join(lines(drawing)[4:])
    for number, tag in enumerate(TAGS):
        assert f"{tag} run-{number}" in legend
        assert tag in plotted


def test_the_legend_has_rows_of_its_own():
    series = tuple(run(number, [1.0, 2.0]) for number in range(3))

    drawing = draw(Plot(title="loss", series=series), 80, 16)

    for row in drawing.rows[2:]:
        assert not any(span.role is Role.MUTED and span.text.strip() for span in row)


def test_a_legend_too_long_says_how_many_runs_it_does_not_name():
    series = tuple(from_numbers(f"a-very-long-run-name-{n}", TAGS[n], [1.0]) for n in range(8))

    assert "+" in "".join(lines(draw(Plot(title="loss", series=series), 40, 16))[1:4])


def test_the_cursor_line_gives_each_runs_value_there():
    series = (run(0, [1, 2, 3, 4]), run(1, [10, 20, 30, 40]))

    drawing = draw(Plot(title="loss", series=series, cursor=2.0), 80, 16)

    assert "step 2" in lines(drawing)[0]
    assert "run-0 3" in lines(drawing)[1]
    assert "run-1 30" in lines(drawing)[1]
    assert "┊" in "".join(lines(drawing))


def test_what_was_left_out_is_said():
    plot = Plot(title="loss", series=(run(0, [1.0, math.nan, math.inf, 2.0]),))

    assert "2 NaN/Inf left out" in lines(draw(plot, 80, 12))[0]


@pytest.mark.parametrize(
    ("series", "log", "says"),
    [
        ((), False, "no numbers logged yet"),
        ((run(0, [math.nan] * 3),), False, "3 are NaN or infinite"),
        ((run(0, [-1.0, 0.0]),), True, "no number above zero"),
    ],
    ids=["nothing", "only NaN", "nothing above zero"],
)
def test_nothing_to_draw_is_a_sentence(series, log, says):
    plot = Plot(title="loss", series=series, treatment=Treatment(log=log))

    assert says in "".join(lines(draw(plot, 80, 12)))


HOSTILE = ["[/]", "\x1b]52;c;AAAA\x07", "\x9b2J", "a\nb", "\u202eevil", "漢字" * 40, "\ud800", "x" * 100_000]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_stay_on_their_line(text):
    plot = Plot(title=text, series=(from_numbers(text, "●", [1, 2]), from_numbers(text, "▲", [2, 1])))

    for line in lines(draw(plot, 60, 12)):
        assert line.isprintable()
        assert cell_width(line) == 60


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30), max_size=8),
    st.integers(0, 90),
    st.integers(0, 30),
    st.sampled_from(list(XAxis)),
    st.sampled_from([0.0, 0.9]),
    st.booleans(),
    st.booleans(),
)
def test_any_numbers_in_any_size_make_rows_of_exactly_that_size(
    values, width, height, axis, smoothing, log, ascii_only
):
    series = tuple(run(number, some) for number, some in enumerate(values))
    treatment = Treatment(axis=axis, smoothing=smoothing, log=log)

    drawing = draw(
        Plot(title="m", series=series, treatment=treatment, cursor=3.0, ascii_only=ascii_only), width, height
    )

    assert len(drawing.rows) == height
    assert all(cell_width(line) == width for line in lines(drawing))


# --- how it is looked at ---------------------------------------------------------------------------

LIMITS = (0.0, 1000.0)


def test_zooming_keeps_the_cursor_where_it_is():
    view = ChartView(cursor=250.0).zoomed(0.5, LIMITS)

    assert view.window == (125.0, 625.0)
    assert view.zoomed(2.0, LIMITS).window is None


def test_panning_stops_at_the_ends():
    view = ChartView(window=(900.0, 1000.0))

    assert view.panned(1, LIMITS).window == (900.0, 1000.0)
    assert view.panned(-0.5, LIMITS).window == (850.0, 950.0)


def test_the_cursor_at_the_edge_takes_the_window_along():
    view = ChartView(window=(100.0, 200.0), cursor=200.0).with_cursor_moved(1, 11, LIMITS)

    assert view.cursor == 210.0
    assert view.window == (110.0, 210.0)
    assert ChartView(cursor=1000.0).with_cursor_moved(5, 11, LIMITS).cursor == 1000.0


def test_the_same_key_comes_round_to_where_it_began():
    view = ChartView()
    for _ in range(4):
        view = view.with_next_smoothing()
    for _ in XAxis:
        view = view.with_next_axis()

    assert view == ChartView()
    assert view.with_log_switched().with_log_switched() == view


def test_a_window_of_time_is_fetched_as_steps():
    series = (run(0, [1.0] * 10), run(1, [2.0] * 5))
    view = ChartView(treatment=Treatment(axis=XAxis.RELATIVE), window=(2.5, 7.0))

    assert steps_within(series, view) == (2, 8)
    assert steps_within(series, ChartView()) is None
