"""A metric's samples tell what a chart needs: every number counts, whatever the number of steps."""

import math
import random

from catalog_rows import start_run

from localart.catalog import metrics


def log(catalog, run: int, points: dict[int, object], name: str = "loss") -> None:
    with catalog.write() as tx:
        ids = metrics.metric_ids(tx, [name])
        for step, value in points.items():
            metrics.insert_metrics(tx, run, ids, step, 1000.0 + step, {name: value})


def samples(catalog, run: int, **named) -> list[metrics.MetricSample]:
    named = {"name": "loss", "buckets": 10, **named}
    return list(metrics.iter_samples(catalog.read(), run, named.pop("name"), **named))


def test_few_steps_come_back_one_by_one(catalog):
    run = start_run(catalog)
    log(catalog, run, {0: 1.5, 1: 2, 7: -3.0})

    found = samples(catalog, run)

    assert [(one.step, one.mean, one.low, one.high, one.count) for one in found] == [
        (0, 1.5, 1.5, 1.5, 1),
        (1, 2.0, 2.0, 2.0, 1),
        (7, -3.0, -3.0, -3.0, 1),
    ]
    assert [one.time for one in found] == [1000.0, 1001.0, 1007.0]


def test_a_single_spike_among_many_steps_is_in_its_sample(catalog):
    run = start_run(catalog)
    log(catalog, run, {step: 9e9 if step == 1234 else 0.0 for step in range(2000)})

    found = samples(catalog, run, buckets=20)

    assert len(found) == 20
    assert [number for number, one in enumerate(found) if one.high == 9e9] == [12]


def test_samples_agree_with_a_count_by_hand(catalog):
    rng, run = random.Random(4), start_run(catalog)
    points = {step: rng.uniform(-5, 5) for step in rng.sample(range(10_000), 700)}
    log(catalog, run, points)

    found = samples(catalog, run, buckets=37)

    assert sum(one.count for one in found) == 700
    assert min(one.low for one in found) == min(points.values())
    assert max(one.high for one in found) == max(points.values())
    assert math.isclose(sum(one.mean * one.count for one in found), sum(points.values()), abs_tol=1e-6)
    assert [one.step for one in found] == sorted(one.step for one in found)


def test_numbers_that_cannot_be_drawn_are_counted_and_left_out(catalog):
    run = start_run(catalog)
    log(catalog, run, {0: math.nan, 1: math.inf, 2: -math.inf, 3: 4.0, 4: math.nan})

    (together,) = samples(catalog, run, buckets=1)
    apart = samples(catalog, run, buckets=5)

    assert (together.count, together.skipped, together.mean, together.low, together.high) == (
        1,
        4,
        4.0,
        4.0,
        4.0,
    )
    assert [one.skipped for one in apart] == [1, 1, 1, 0, 1]
    assert math.isnan(apart[0].mean)


def test_huge_and_smallest_numbers_do_not_overflow(catalog):
    run = start_run(catalog)
    log(catalog, run, {0: 1.7e308, 1: 1.7e308, 2: -(1 << 63), 3: 1.7e308})

    (one,) = samples(catalog, run, buckets=1)

    assert math.isfinite(one.mean)
    assert (one.low, one.high, one.count) == (-(2.0**63), 1.7e308, 4)


def test_values_that_are_no_numbers_make_no_sample(catalog):
    run = start_run(catalog)
    log(catalog, run, {0: "text", 1: True, 2: {"_type": "image-file"}})

    assert samples(catalog, run) == []


def test_a_range_of_steps_is_a_closer_look(catalog):
    run = start_run(catalog)
    log(catalog, run, {step: float(step) for step in range(1000)})

    found = samples(catalog, run, first_step=100, last_step=119)

    assert len(found) == 10
    assert (found[0].low, found[-1].high) == (100.0, 119.0)
    assert samples(catalog, run, first_step=2000) == []


def test_an_unknown_metric_or_another_runs_has_no_samples(catalog):
    run, other = start_run(catalog), start_run(catalog, "other")
    log(catalog, run, {0: 1.0})

    assert samples(catalog, run, name="nothing") == []
    assert samples(catalog, other) == []


def test_only_names_of_numbers_are_numeric(catalog):
    run = start_run(catalog)
    for name, value in {"b": 1, "a": 0.5, "nan": math.nan, "text": "x", "flag": True}.items():
        log(catalog, run, {0: value, 1: value}, name)

    assert metrics.numeric_metrics(catalog.read(), run) == ["a", "b", "nan"]
