"""What a run's page asks of the catalog: newest values, media by step, and a course in few numbers."""

import math

import pytest

import localart
from localart.catalog import browsing_runs, run_browsing
from localart.catalog.conditions import Condition, ListQuery
from localart.repository.opening import shared_repository


@pytest.fixture
def run(store):
    with localart.init(project="p", id="one", config={"lr": 0.1}, tags=["b", "a"], notes="n") as run:
        artifact = localart.Artifact("data", type="dataset")
        with artifact.new_file("a.txt") as file:
            file.write("x")
        run.log_artifact(artifact)
        for step in range(500):
            run.log({"loss": 500 - step, "odd": step if step % 2 else None})
        run.log({"broken": math.nan, "words": "text"})
    with localart.init(project="p", id="two", config={"lr": 0.2}) as run:
        run.use_artifact("data:latest", use_as="training")
        run.log({"loss": 7})
    localart.finish()
    return 1


@pytest.fixture
def db(run, store):
    return shared_repository(store, create=False).read()


def test_the_newest_values_are_those_of_the_highest_steps(db, run):
    found = {one.name: one for one in run_browsing.newest_values(db, run)}

    assert (found["loss"].step, found["loss"].number) == (499, 1)
    assert (found["broken"].number, found["broken"].body) == (None, "")
    assert found["words"].body == '"text"'
    assert [one.name for one in run_browsing.newest_values(db, run, ["loss", "none"])] == ["loss"]


def test_steps_and_values_of_one_name(db, run):
    assert run_browsing.steps_logged(db, run, "loss") == list(range(500))
    assert run_browsing.steps_logged(db, run, "none") == []
    assert run_browsing.value_at(db, run, "loss", 3) == 497
    assert run_browsing.value_at(db, run, "words", 500) == "text"
    assert run_browsing.value_at(db, run, "loss", 999) is None


@pytest.mark.parametrize("count", [8, 100, 400])
def test_a_course_in_few_numbers_begins_and_ends_as_the_metric_does(db, run, count):
    values = run_browsing.spread_numbers(db, run, "loss", count=count)

    assert values[0] == 500
    assert values[-1] == 1
    assert len(values) in {count, 500}
    assert values == sorted(values, reverse=True)
    assert run_browsing.spread_numbers(db, run, "none", count=count) == []


def test_what_was_linked_is_listed_with_what_the_run_called_it(db):
    (version,) = run_browsing.linked_ids(db, 2, "input")

    assert run_browsing.used_names(db, 2, [version]) == {version: "training"}
    assert run_browsing.linked_ids(db, 1, "output") == [version]


def test_runs_are_found_and_ordered_by_what_they_came_to(db):
    def ids(**named):
        return browsing_runs.run_ids(db, ListQuery(**named))

    assert ids(order="summary.loss", descending=True) == [2, 1]
    assert ids(order="summary.loss", descending=False) == [1, 2]
    assert ids(order="config.lr", descending=True) == [2, 1]
    assert ids(order="summary.words", descending=False) == [1, 2], "runs without the value come last"
    assert ids(conditions=(Condition(field="summary.loss", test=">", value=5.0),)) == [2]
    line = browsing_runs.run_lines(db, [1])[0]
    assert (line.tags, line.notes, line.output_count) == (("a", "b"), "n", 1)


def test_what_a_running_run_logged_last_counts_as_its_summary(store):
    run = localart.init(project="p", id="goes-on")
    run.log({"acc": 0.5})
    run.log({"acc": 0.75})
    db = shared_repository(store, create=False).read()

    found = browsing_runs.run_ids(
        db, ListQuery(conditions=(Condition(field="summary.acc", test="=", value=0.75),))
    )

    assert len(found) == 1
    run.finish()
