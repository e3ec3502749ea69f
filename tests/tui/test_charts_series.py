"""The arithmetic of charts: what is drawn is what was logged."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localart_tui.charts.series import (
    Point,
    Series,
    Treatment,
    XAxis,
    decimated,
    from_numbers,
    nearest,
    prepared,
    smoothed,
    undrawable,
    visible,
)
from localart_tui.charts.sparkline import sparkline

numbers = st.floats(allow_nan=True, allow_infinity=True)


def test_numbers_that_cannot_be_drawn_are_counted_and_left_out():
    series = from_numbers("run", "●", [1.0, math.nan, math.inf, 2.0, -math.inf])

    assert [(point.step, point.mean) for point in series.points] == [(0, 1.0), (3, 2.0)]
    assert series.skipped == 3


def test_decimation_keeps_every_spike_and_the_mean():
    values = [0.0] * 1000
    values[123], values[777] = 50.0, -20.0

    few = decimated(from_numbers("run", "●", values), 40)

    assert len(few.points) == 40
    assert (max(p.high for p in few.points), min(p.low for p in few.points)) == (50.0, -20.0)
    assert sum(p.count for p in few.points) == 1000
    assert math.isclose(sum(p.mean * p.count for p in few.points), 30.0)


@given(st.lists(numbers, max_size=60), st.integers(1, 20))
def test_decimation_loses_no_number(values, buckets):
    series = from_numbers("run", "●", values)

    few = decimated(series, buckets)

    assert len(few.points) <= max(buckets, 0) or few is series
    assert sum(p.count for p in few.points) == len(series.points)
    assert all(p.low <= p.high for p in few.points)


def test_smoothing_leaves_a_constant_alone_from_its_first_point():
    assert smoothed([(3.0, 1)] * 5, 0.9) == pytest.approx([3.0] * 5)


def test_a_point_of_many_steps_moves_the_average_as_many_equal_points_would():
    one_by_one = smoothed([(0.0, 1), *[(1.0, 1)] * 10], 0.8)
    together = smoothed([(0.0, 1), (1.0, 10)], 0.8)

    assert together[-1] == pytest.approx(one_by_one[-1])


def test_a_log_axis_leaves_out_what_is_not_above_zero_and_says_how_many():
    series = from_numbers("run", "●", [10.0, 0.0, -1.0, 1000.0, math.nan])
    treatment = Treatment(log=True)

    assert prepared(series, treatment).means == pytest.approx([1.0, 3.0])
    assert undrawable(series, treatment) == 3
    assert undrawable(series, Treatment()) == 1


def test_relative_time_counts_from_the_start_of_the_run():
    points = (Point(0, 105.0, 1, 1, 1), Point(1, 110.0, 1, 1, 1))

    assert prepared(Series("run", "●", points, 0, 100.0), Treatment(axis=XAxis.RELATIVE)).xs == [5.0, 10.0]
    assert prepared(Series("run", "●", points), Treatment(axis=XAxis.RELATIVE)).xs == [0.0, 5.0]


def test_a_clock_that_was_set_back_does_not_turn_the_line_round():
    points = tuple(Point(step, time, 1, 1, 1) for step, time in enumerate([10.0, 20.0, 5.0, 30.0]))

    assert prepared(Series("run", "●", points), Treatment(axis=XAxis.TIME)).xs == [10.0, 20.0, 20.0, 30.0]


def test_the_nearest_point_is_found_at_both_ends_and_between():
    curve = prepared(from_numbers("run", "●", [5.0, 6.0, 7.0]), Treatment())

    assert [nearest(curve, x) for x in (-9, 0.4, 0.6, 99)] == [0, 0, 1, 2]
    assert nearest(visible(prepared(from_numbers("run", "●", []), Treatment()), 0, 1), 0.0) is None


def test_a_sparkline_goes_from_low_to_high_and_shows_a_single_spike():
    assert sparkline([1, 2, 3, 4, 5]) == "▁▂▃▅▇"
    assert sparkline([1, 2, 3, 4, 5], ascii_only=True) == "_.-=#"
    assert sparkline([0.0] * 99 + [1.0] + [0.0] * 60).count("▇") == 1
    assert len(sparkline(list(range(1000)))) == 16


@given(st.lists(numbers, max_size=40), st.integers(0, 20))
def test_a_sparkline_never_fails_and_never_grows(values, cells):
    assert len(sparkline(values, cells=cells)) <= cells


def test_a_sparkline_of_nothing_is_nothing_and_of_one_height_lies_low():
    assert sparkline([]) == sparkline([math.nan]) == ""
    assert sparkline([4, 4]) == "▁▁"
    assert sparkline([1, math.nan, 2], cells=3) == "▁ ▇"
