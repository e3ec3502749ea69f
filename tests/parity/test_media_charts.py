"""Charts: W&B's functions make a table and a record of what to draw."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve as precision_recall_of_sklearn
from sklearn.metrics import roc_curve as roc_of_sklearn

import localart
from localart import plot
from localart.errors import UsageError
from localart.media.table import Table


def table() -> Table:
    return Table(columns=["x", "y"], data=[[1, 2], [3, 4]])


def of_class(chart: plot.CustomChart, name: object) -> list[list[float]]:
    return [row[1:] for row in chart.table.data if row[0] == name]


@pytest.fixture(scope="module")
def guesses():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 300)
    raw = np.round(rng.random((300, 3)) + 0.7 * np.eye(3)[truth], 2)
    return truth, raw / raw.sum(axis=1, keepdims=True)


def test_a_chart_is_logged_as_its_record_and_its_table(run: localart.Run) -> None:
    run.log(
        {"loss": plot.line(table(), "x", "y", title="Loss"), "deep": {"bars": plot.bar(table(), "x", "y")}}
    )

    (row,) = localart.Api().run(run.path).scan_history()
    assert row["loss"] == {
        "_type": "custom-chart",
        "panel_type": "Vega2",
        "spec": "wandb/line/v0",
        "fields": {"x": "x", "y": "y", "stroke": None},
        "string_fields": {"title": "Loss"},
        "table_key": "loss_table",
    }
    assert row["loss_table"]["_type"] == "table-file"
    assert row["deep.bars_table"]["ncols"] == 2
    assert {artifact.source_name for artifact in run.logged_artifacts()} == {
        f"run-{run.id}-loss_table:v0", f"run-{run.id}-deep.bars_table:v0",
    }  # fmt: skip


def test_the_table_of_a_chart_may_stand_apart(run: localart.Run) -> None:
    run.log({"c": plot.scatter(table(), "x", "y", split_table=True)})

    (row,) = localart.Api().run(run.path).scan_history()
    assert row["c"]["table_key"] == "Custom Chart Tables/c_table"
    assert row["Custom Chart Tables/c_table"]["nrows"] == 2


@pytest.mark.parametrize(
    ("chart", "spec", "fields"),
    [
        (plot.line(table(), "x", "y", stroke="s"), "wandb/line/v0", {"x": "x", "y": "y", "stroke": "s"}),
        (plot.scatter(table(), "x", "y"), "wandb/scatter/v0", {"x": "x", "y": "y"}),
        (plot.bar(table(), "x", "y"), "wandb/bar/v0", {"label": "x", "value": "y"}),
        (plot.histogram(table(), "x"), "wandb/histogram/v0", {"value": "x"}),
        (plot.plot_table("me/own/v1", table(), {"a": "x"}), "me/own/v1", {"a": "x"}),
    ],
    ids=["line", "scatter", "bar", "histogram", "own"],
)
def test_each_function_names_w_and_bs_chart(chart: plot.CustomChart, spec: str, fields: dict) -> None:
    assert (chart.spec.spec_name, dict(chart.spec.fields)) == (spec, fields)
    assert chart.table == table()


def test_lines_share_their_xs_or_have_their_own() -> None:
    common = plot.line_series([0, 1], [[5, 6], [7, 8]], keys=["a", "b"], xname="step")
    own = plot.line_series([[0, 1], [2]], [[5, 6], [7]])

    assert common.table.data == [[0, "a", 5], [1, "a", 6], [0, "b", 7], [1, "b", 8]]
    assert own.table.data == [[0, "line_0", 5], [1, "line_0", 6], [2, "line_1", 7]]
    assert common.spec.string_fields["xname"] == "step"
    for wrong in (([[1]], [[1], [2]], None), ([1], [[1]], ["a", "b"])):
        with pytest.raises(ValueError, match="as many"):
            plot.line_series(wrong[0], wrong[1], keys=wrong[2])


def test_a_confusion_matrix_counts_what_was_taken_for_what() -> None:
    by_guess = plot.confusion_matrix(y_true=[0, 1, 1], preds=[0, 1, 0], class_names=["cat", "dog"])
    by_share = plot.confusion_matrix(
        y_true=np.array([0, 1, 1]), probs=np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    )

    assert by_guess.table.data == [["cat", "cat", 1], ["cat", "dog", 0], ["dog", "cat", 1], ["dog", "dog", 1]]
    assert [row[2] for row in by_share.table.data] == [1, 0, 1, 1]
    assert by_share.table.data[0][:2] == ["Class_1", "Class_1"]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"y_true": [1], "preds": [1], "probs": [[1]]}, {"y_true": [1, 2], "preds": [1]},
     {"y_true": [0, 2], "preds": [0, 1], "class_names": ["a", "b"]}, {"preds": [1]}],
    ids=str,
)  # fmt: skip
def test_a_confusion_matrix_needs_labels_that_fit(arguments: dict) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        plot.confusion_matrix(**arguments)


def test_roc_curves_are_scikit_learns(guesses) -> None:
    truth, shares = guesses
    chart = plot.roc_curve(truth, shares, labels=["a", "b", "c"])

    for place, name in enumerate("abc"):
        false, true, _ = roc_of_sklearn(truth, shares[:, place], pos_label=place)
        assert np.allclose(of_class(chart, name), np.stack([false, true], axis=1).round(3), atol=1e-9)
    assert chart.spec.fields == {"x": "fpr", "y": "tpr", "class": "class"}
    assert {row[0] for row in plot.roc_curve(truth, shares, classes_to_plot=[1]).table.data} == {1}


def test_precision_recall_curves_follow_scikit_learns(guesses) -> None:
    truth, shares = guesses
    chart = plot.pr_curve(truth, shares, interp_size=11)

    for place in range(3):
        precision, recall, _ = precision_recall_of_sklearn(truth, shares[:, place], pos_label=place)
        best = np.maximum.accumulate(precision)[::-1]
        wanted = np.linspace(0, 1, 11)[::-1]
        found = best[np.searchsorted(recall[::-1], wanted, side="left")]
        rows = np.array(of_class(chart, place))
        assert np.allclose(rows[:, 1], wanted.round(3))
        assert np.allclose(rows[:, 0], found.round(3), atol=1e-9)
    assert dict(chart.spec.fields) == {"x": "recall", "y": "precision", "class": "class"}


def test_a_curve_keeps_at_most_as_many_points_as_a_table_shows(monkeypatch, guesses) -> None:
    truth, shares = guesses
    monkeypatch.setattr(Table, "MAX_ROWS", 20)

    assert len(plot.roc_curve(truth, shares).table.data) == 20


@pytest.mark.parametrize(
    "arguments", [(None, None), ([], []), ([1], [[0.5], [0.5]]), ([0, 1], [[0.5], [0.5]])], ids=str
)
def test_curves_need_labels_and_probabilities_that_fit(arguments: tuple) -> None:
    for draw in (plot.roc_curve, plot.pr_curve):
        with pytest.raises(ValueError, match=r"\w"):
            draw(*arguments)


def test_charts_are_made_of_tables_and_logged_only_to_runs() -> None:
    with pytest.raises(UsageError, match="Table"):
        plot.line([[1, 2]], "x", "y")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="key"):
        _ = plot.line(table(), "x", "y").spec.table_key
    with pytest.raises(TypeError, match=r"run\.log"):
        localart.Artifact("a", type="dataset").add(plot.line(table(), "x", "y"), "chart")
