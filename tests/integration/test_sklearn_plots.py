"""Charts of scikit-learn's models: the numbers behind them are scikit-learn's own."""

from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import NotInitialized, UsageError

pytest.importorskip("sklearn")

from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from localart.integration import sklearn as plots

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore:::sklearn")]

X = np.random.default_rng(3).normal(size=(60, 3))
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(int)


def table(run: Any, key: str) -> list[list[Any]]:
    """The rows of the table behind a chart."""
    (found,) = [one for one in run.logged_artifacts() if key.replace("_", "") in one.name.replace("_", "")]
    (path,) = [entry.path for entry in found.manifest]
    rows: list[list[Any]] = found.get(path.removesuffix(".table.json")).data
    return rows


def test_everything_about_a_classifier_is_logged_at_once() -> None:
    model = LogisticRegression().fit(X, Y)
    with localart.init(project="demo") as run:
        plots.plot_classifier(
            model, X, X, Y, Y, model.predict(X), model.predict_proba(X), labels=["no", "yes"],
            log_learning_curve=True,
        )  # fmt: skip

        charts = {key for key, value in run.summary.as_dict().items() if value["_type"] == "custom-chart"}

    assert charts == {
        "feature_importances", "learning_curve", "confusion_matrix", "summary_metrics", "class_proportions",
        "roc", "precision_recall",
    }  # fmt: skip


def test_everything_about_a_regressor_is_logged_at_once() -> None:
    model = LinearRegression().fit(X, X[:, 0] * 2)
    with localart.init(project="demo") as run:
        plots.plot_regressor(model, X, X, X[:, 0] * 2, X[:, 0] * 2)

        assert {"learning_curve", "summary_metrics", "residuals"} <= set(run.summary.keys())
        assert {row[0]: row[1] for row in table(run, "summary_metrics")}["r2_score"] == 1.0
        assert max(abs(row[2]) for row in table(run, "residuals")) < 1e-9


@pytest.mark.parametrize("normalize", [False, True], ids=["counts", "shares"])
def test_the_confusion_matrix_is_scikit_learns(normalize: bool) -> None:
    guesses = np.where(np.arange(60) % 7 == 0, 1 - Y, Y)
    with localart.init(project="demo") as run:
        plots.plot_confusion_matrix(Y, guesses, ["no", "yes"], normalize=normalize)
        rows = table(run, "confusion_matrix")

    wanted = metrics.confusion_matrix(Y, guesses, normalize="true" if normalize else None)
    assert [row[:2] for row in rows] == [["no", "no"], ["no", "yes"], ["yes", "no"], ["yes", "yes"]]
    assert [row[2] for row in rows] == pytest.approx(wanted.ravel().tolist())


def test_summary_metrics_are_scikit_learns() -> None:
    model = DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, Y)
    with localart.init(project="demo") as run:
        plots.plot_summary_metrics(model, X, Y, X, Y)
        found = {row[0]: row[1] for row in table(run, "summary_metrics")}

    assert found["accuracy_score"] == pytest.approx(model.score(X, Y), rel=1e-3)
    assert found["f1_score"] == pytest.approx(
        metrics.f1_score(Y, model.predict(X), average="weighted"), rel=1e-3
    )


def test_features_are_named_and_the_most_important_comes_first() -> None:
    model = DecisionTreeClassifier(random_state=0).fit(X, Y)
    with localart.init(project="demo") as run:
        plots.plot_feature_importances(model, ["a", "b", "c"], max_num_features=2)
        rows = table(run, "feature_importances")

    wanted = sorted(zip(model.feature_importances_, "abc", strict=True), reverse=True)[:2]
    assert rows == [[name, pytest.approx(worth)] for worth, name in wanted]


def test_a_model_that_does_not_know_what_features_are_worth_is_told_of() -> None:
    with localart.init(project="demo"), pytest.raises(UsageError, match="KNeighborsClassifier does not say"):
        plots.plot_feature_importances(KNeighborsClassifier().fit(X, Y))


def test_classes_are_counted_in_both_parts() -> None:
    with localart.init(project="demo") as run:
        plots.plot_class_proportions(["a", "b", "b"], ["a", "a"])
        rows = table(run, "class_proportions")

    assert rows == [["a", "train", 1], ["a", "test", 2], ["b", "train", 2], ["b", "test", 0]]


def test_a_plot_needs_a_run() -> None:
    with pytest.raises(NotInitialized, match="needs a run"):
        plots.plot_class_proportions([0, 1])
