"""What runs log comes back as it was: numbers as numbers of their kind, everything else as JSON."""

import math
import random

import pytest
from catalog_rows import start_run

from localart.catalog import metrics
from localart.errors import CatalogDamaged


def log(catalog, run: int, step: int, values: dict, time: float = 1.0) -> None:
    with catalog.write() as tx:
        ids = metrics.metric_ids(tx, list(values))
        metrics.insert_metrics(tx, run, ids, step, time, values)


def history(catalog, run: int) -> list[tuple[int, dict]]:
    return [(row.step, dict(row.values)) for row in metrics.iter_history(catalog.read(), run)]


VALUES = {
    "int": 3,
    "negative": -7,
    "float of a whole number": 3.0,
    "largest": (1 << 63) - 1,
    "smallest": -(1 << 63),
    "huge": 1 << 80,
    "hugely negative": -(1 << 64),
    "infinite": math.inf,
    "minus infinite": -math.inf,
    "denormal": 5e-324,
    "minus zero": -0.0,
    "true": True,
    "false": False,
    "none": None,
    "text": "Grüße, 世界",
    "empty": "",
    "text that looks like a number": "17",
    "list": [1, 2.5, "x", None, True, [math.inf]],
    "nested": {"a": {"b": [1, {"c": -math.inf}]}, "_type": "mine"},
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_the_same_and_of_the_same_type(catalog, name):
    run, value = start_run(catalog), VALUES[name]

    log(catalog, run, 0, {"key": value})

    [(_, found)] = history(catalog, run)
    assert found == {"key": value}
    assert type(found["key"]) is type(value)
    assert math.copysign(1, found["key"]) == math.copysign(1, value) if name == "minus zero" else True
    assert metrics.last_values(catalog.read(), run) == {"key": value}


def test_not_a_number_stays_not_a_number_and_is_not_none(catalog):
    run = start_run(catalog)

    log(catalog, run, 0, {"nan": math.nan, "none": None, "inside": [math.nan]})

    [(_, found)] = history(catalog, run)
    assert math.isnan(found["nan"])
    assert found["none"] is None
    assert math.isnan(found["inside"][0])


def test_a_key_logged_again_at_its_step_takes_the_new_value(catalog):
    run = start_run(catalog)
    log(catalog, run, 0, {"a": 1, "b": 1})
    log(catalog, run, 0, {"a": "two"})

    assert history(catalog, run) == [(0, {"a": "two", "b": 1})]


def test_history_has_a_row_a_step_with_the_latest_time_of_it(catalog):
    run, other = start_run(catalog), start_run(catalog, "r2")
    log(catalog, run, 5, {"a": 1}, time=20.0)
    log(catalog, run, 5, {"b": 2}, time=10.0)
    log(catalog, run, -3, {"b": 3}, time=30.0)
    log(catalog, other, 5, {"a": 9})

    rows = list(metrics.iter_history(catalog.read(), run))

    assert [(row.step, row.time, row.values) for row in rows] == [
        (-3, 30.0, {"b": 3}),
        (5, 20.0, {"a": 1, "b": 2}),
    ]
    assert metrics.last_step(catalog.read(), run) == 5
    assert metrics.last_values(catalog.read(), run) == {"a": 1, "b": 2}


def test_a_run_that_logged_nothing_has_no_history(catalog):
    run = start_run(catalog)

    assert history(catalog, run) == []
    assert metrics.last_step(catalog.read(), run) is None
    assert metrics.last_values(catalog.read(), run) == {}


def test_a_long_history_with_gaps_streams_in_order(catalog, monkeypatch):
    monkeypatch.setattr(metrics, "_FETCH", 7)
    run, dice = start_run(catalog), random.Random(4)
    expected: dict[int, dict] = {}
    for step in dice.sample(range(-500, 100_000), 300):
        values = {key: dice.choice([step, step / 3, str(step)]) for key in "abcde" if dice.random() < 0.5}
        log(catalog, run, step, values)
        if values:
            expected[step] = values

    assert history(catalog, run) == sorted(expected.items())


def test_history_being_read_holds_up_no_writer_and_not_its_own_thread(catalog, open_catalog):
    run = start_run(catalog)
    with catalog.write() as tx:
        ids = metrics.metric_ids(tx, ["a"])
        for step in range(3_000):
            metrics.insert_metrics(tx, run, ids, step, 1.0, {"a": step})
    rows = metrics.iter_history(catalog.read(), run)
    next(rows)
    log(open_catalog(), run, 3_000, {"a": 0})

    log(catalog, run, 3_001, {"a": 0})

    assert len(list(rows)) == 3_001


def test_metric_names_are_shared_by_runs_and_need_not_be_new(catalog):
    with catalog.write() as tx:
        first = metrics.metric_ids(tx, ["loss", "acc"])
        second = metrics.metric_ids(tx, ["acc", "loss", "new"])

    assert {name: second[name] for name in first} == first
    assert len(set(second.values())) == 3


def test_values_go_with_a_run_that_is_removed(catalog):
    run = start_run(catalog)
    log(catalog, run, 0, {"a": 1})
    with catalog.write() as tx:
        tx.execute("DELETE FROM runs WHERE id = ?", (run,))

    assert history(catalog, run) == []


def test_a_run_that_does_not_exist_cannot_log(catalog):
    with pytest.raises(CatalogDamaged, match="FOREIGN KEY"):
        log(catalog, 12, 0, {"a": 1})
