"""`define_metric`: what the summary takes of a metric, and what a metric is counted by."""

import math
import os
import signal
from typing import Any

import pytest

import localart
from localart.errors import Error


def rows_of(run: localart.Run) -> list[dict[str, Any]]:
    rows = localart.Api().run(run.path).scan_history()
    return [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows]


def summary_of(run: localart.Run) -> dict[str, Any]:
    return dict(localart.Api().run(run.path).summary)


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("min", {"min": 1}),
        ("max", {"max": 5}),
        ("mean", {"mean": 3.0}),
        ("last", {"last": 3}),
        ("first", {"first": 5}),
        ("min,max", {"min": 1, "max": 5}),
        ("MIN, Last", {"min": 1, "last": 3}),
        ("best", {"best": 1}),
        ("copy", 3),
        (None, 3),
    ],
)
def test_the_summary_takes_what_the_rule_says(summary: str | None, expected: Any) -> None:
    with localart.init(project="demo") as run:
        run.define_metric("acc", summary=summary)
        for value in (5, 1, 3):
            run.log({"acc": value, "other": value})

    assert summary_of(run) == {"acc": expected, "other": 3}
    assert run.summary["other"] == 3


def test_the_best_follows_its_goal(run: localart.Run) -> None:
    run.define_metric("acc", summary="best", goal="maximize")
    for value in (5, 9, 3):
        run.log({"acc": value})

    assert dict(run.summary["acc"]) == {"best": 9}


def test_a_metric_without_summary_is_only_in_the_history(run: localart.Run) -> None:
    run.define_metric("acc", summary="none")
    run.log({"acc": 1, "x": 2})

    assert dict(run.summary) == {"x": 2}
    assert rows_of(run) == [{"acc": 1, "x": 2}]


def test_what_was_logged_before_the_rule_counts(run: localart.Run) -> None:
    run.log({"acc": 9})
    run.define_metric("acc", summary="max,mean,first")
    run.log({"acc": 1})

    assert dict(run.summary["acc"]) == {"max": 9, "mean": 5.0, "first": 9}


def test_nan_is_no_minimum_and_text_no_number(run: localart.Run) -> None:
    run.define_metric("acc", summary="min,last")
    run.define_metric("word", summary="max,last")
    run.log({"acc": 2, "word": "a"})
    run.log({"acc": float("nan"), "word": "b"})

    assert run.summary["acc"]["min"] == 2
    assert math.isnan(run.summary["acc"]["last"])
    assert dict(run.summary["word"]) == {"last": "b"}


def test_nested_metrics_have_rules_by_their_whole_name(run: localart.Run) -> None:
    run.define_metric("val.loss", summary="min")
    run.log({"val": {"loss": 3, "acc": 1}})
    run.log({"val": {"loss": 5, "acc": 2}})

    assert run.summary["val"].as_dict() == {"loss": {"min": 3}, "acc": 2}


def test_a_glob_holds_for_all_it_matches_and_a_name_goes_before_it(run: localart.Run) -> None:
    run.define_metric("*", summary="last")
    run.define_metric("val/*", summary="min")
    run.define_metric("val/acc", summary="max")
    for value in (2, 1, 3):
        run.log({"val/acc": value, "val/loss": value, "train": value})

    assert run.summary.as_dict() == {"val/acc": {"max": 3}, "val/loss": {"min": 1}, "train": {"last": 3}}


def test_a_step_metric_is_added_where_it_is_missing(run: localart.Run) -> None:
    run.define_metric("epoch")
    run.define_metric("loss", step_metric="epoch")
    run.define_metric("free", step_metric="epoch", step_sync=False)
    run.log({"loss": 0})
    run.log({"epoch": 4})
    run.log({"loss": 1})
    run.log({"free": 1})
    run.log({"loss": 2, "epoch": 5})

    assert rows_of(run) == [
        {"loss": 0},
        {"epoch": 4},
        {"loss": 1, "epoch": 4},
        {"free": 1},
        {"loss": 2, "epoch": 5},
    ]


def test_the_rule_is_returned(run: localart.Run) -> None:
    epoch = run.define_metric("epoch")
    metric = run.define_metric("loss", step_metric=epoch, summary="min,max", hidden=True)

    assert (metric.name, metric.step_metric, metric.step_sync, metric.summary, metric.hidden) == (
        "loss", "epoch", True, ("min", "max"), True,
    )  # fmt: skip


def test_a_second_rule_adds_to_the_first_unless_it_overwrites(run: localart.Run) -> None:
    run.define_metric("a", summary="min")
    run.define_metric("a", step_metric="epoch")
    run.define_metric("b", summary="min")
    run.define_metric("b", step_metric="epoch", overwrite=True)
    run.log({"a": 1, "b": 1})
    run.log({"a": 2, "b": 2})

    assert run.summary.as_dict() == {"a": {"min": 1}, "b": 2}


def test_rules_and_their_figures_outlive_the_run() -> None:
    with localart.init(project="demo", id="long") as first:
        first.define_metric("loss", summary="min,mean")
        first.log({"loss": 1})
        first.log({"loss": 3})

    with localart.init(project="demo", id="long", resume="must") as second:
        second.log({"loss": 8})

    assert summary_of(second) == {"loss": {"min": 1, "mean": 4.0}}


def test_a_killed_run_has_the_summary_its_rules_say() -> None:
    pid = os.fork()
    if not pid:
        run = localart.init(project="demo", id="killed")
        run.define_metric("loss", summary="max")
        run.define_metric("gone", summary="none")
        for value in (1, 7, 3):
            run.log({"loss": value, "gone": value})
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)

    kept = localart.Api().run("demo/killed")
    assert (kept.state, dict(kept.summary)) == ("crashed", {"loss": {"max": 7}})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": "a*b"}, "only at the end"),
        ({"name": "x", "summary": "median"}, "no summary 'median'"),
        ({"name": "x", "hidden": 3}, "takes a bool as hidden, not int"),
        ({"name": "x", "summary": 3}, "takes a str as summary, not int"),
        ({"name": "x", "goal": "up"}, "goal must be one of"),
    ],
)
def test_a_bad_rule_is_refused(run: localart.Run, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(Error, match=said.replace("*", r"\*")):
        run.define_metric(**arguments)

    run.log({"x": 1})
    assert dict(run.summary) == {"x": 1}
