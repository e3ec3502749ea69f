"""W&B's `plot_…` functions for scikit-learn: each logs a chart, and the table behind it, to the active run.

Those that fit nothing, and the two cheap ones that do (`plot_learning_curve`, `plot_residuals`, which fits a
copy). Calibration, elbow, silhouette and outlier plots, which fit a model many times over, are not here.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import metrics, model_selection
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils.multiclass import unique_labels

from localart import plot
from localart.errors import UsageError
from localart.media.table import Table
from localart.session import need_run

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

_MOST_ROWS = 1000
_SIGNIFICANT = 4
_SIZES = (0.1, 0.325, 0.55, 0.775, 1.0)


def plot_classifier(
    model: "BaseEstimator",
    X_train: Any,  # noqa: N803
    X_test: Any,  # noqa: N803
    y_train: Any,
    y_test: Any,
    y_pred: Any,
    y_probas: Any,
    labels: Sequence[str] | None = None,
    is_binary: bool = False,
    model_name: str = "Classifier",
    feature_names: Sequence[str] | None = None,
    log_learning_curve: bool = False,
) -> None:
    """Log everything that tells how good a fitted classifier is."""
    del is_binary, model_name
    if _worth(model) is not None:
        plot_feature_importances(model, feature_names)
    if log_learning_curve:
        plot_learning_curve(model, X_train, y_train)
    plot_confusion_matrix(y_test, y_pred, labels)
    plot_summary_metrics(model, X_train, y_train, X_test, y_test)
    plot_class_proportions(y_train, y_test, labels)
    plot_roc(y_test, y_probas, labels)
    plot_precision_recall(y_test, y_probas, labels)


def plot_regressor(
    model: "BaseEstimator",
    X_train: Any,  # noqa: N803
    X_test: Any,  # noqa: N803
    y_train: Any,
    y_test: Any,
    model_name: str = "Regressor",
) -> None:
    """Log everything that tells how good a fitted regressor is."""
    del model_name
    plot_learning_curve(model, X_train, y_train)
    plot_summary_metrics(model, X_train, y_train, X_test, y_test)
    plot_residuals(model, X_train, y_train)


def plot_confusion_matrix(
    y_true: Any, y_pred: Any, labels: Sequence[str] | None = None, normalize: bool = False
) -> None:
    """Log how often each class was taken for each: counts, or shares of the true class with `normalize`."""
    classes = unique_labels(y_true, y_pred)
    counts = metrics.confusion_matrix(y_true, y_pred, labels=classes, normalize="true" if normalize else None)
    names = _named(classes, labels)
    rows = [
        [actual, predicted, counts[i][j].item()]
        for i, actual in enumerate(names)
        for j, predicted in enumerate(names)
    ]
    columns = ["Actual", "Predicted", "nPredictions"]
    table = Table(columns=columns, data=rows)
    fields = {name: name for name in columns}
    _log("confusion_matrix", plot.plot_table("wandb/confusion_matrix/v1", table, fields))


def plot_roc(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None = None, classes_to_plot: Any = None
) -> None:
    """Log true positives against false positives, a curve for each class."""
    _log("roc", plot.roc_curve(np.asarray(y_true), np.asarray(y_probas), labels, classes_to_plot))


def plot_precision_recall(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None = None, classes_to_plot: Any = None
) -> None:
    """Log precision against recall, a curve for each class."""
    _log("precision_recall", plot.pr_curve(np.asarray(y_true), np.asarray(y_probas), labels, classes_to_plot))


def plot_feature_importances(
    model: "BaseEstimator",
    feature_names: Sequence[str] | None = None,
    title: str = "Feature Importance",
    max_num_features: int = 50,
) -> None:
    """Log what each feature is worth to a fitted model (of one class), the most important first."""
    worth = _worth(model)
    if worth is None:
        raise UsageError(
            f"{type(model).__name__} does not say what its features are worth",
            hint="plot a fitted model with feature_importances_ or one row of coef_",
        )
    order = np.argsort(worth)[::-1][:max_num_features]
    names = [str(place) if feature_names is None else str(feature_names[place]) for place in order]
    rows = [[name, float(worth[place])] for name, place in zip(names, order, strict=True)]
    table = Table(columns=["feature_names", "importances"], data=rows)
    _log("feature_importances", plot.bar(table, "feature_names", "importances", title=title))


def plot_class_proportions(y_train: Any, y_test: Any = None, labels: Sequence[str] | None = None) -> None:
    """Log how many samples each class has in the data for training and for testing."""
    parts = {"train": np.asarray(y_train)} | ({} if y_test is None else {"test": np.asarray(y_test)})
    classes = unique_labels(*parts.values())
    rows = [
        [name, part, int((values == one).sum())]
        for name, one in zip(_named(classes, labels), classes, strict=True)
        for part, values in parts.items()
    ]
    table = Table(columns=["class", "dataset", "count"], data=rows)
    _log("class_proportions", plot.bar(table, "class", "count", title="Class Proportions"))


def plot_summary_metrics(
    model: "BaseEstimator",
    X: Any = None,  # noqa: N803
    y: Any = None,
    X_test: Any = None,  # noqa: N803
    y_test: Any = None,
) -> None:
    """Log the usual figures of a fitted classifier or regressor on the data for testing."""
    del X, y
    guesses = model.predict(X_test)
    name = type(model).__name__
    rows = [[metric, _rounded(value), name] for metric, value in _figures(model, y_test, guesses)]
    table = Table(columns=["metric_name", "metric_value", "model_name"], data=rows)
    _log("summary_metrics", plot.bar(table, "metric_name", "metric_value", title="Summary Metrics"))


def plot_learning_curve(
    model: "BaseEstimator",
    X: Any,  # noqa: N803
    y: Any,
    cv: Any = None,
    train_sizes: Any = None,
    scoring: Any = None,
    **named: Any,
) -> None:
    """Log the score against the number of samples; copies of the model are fitted for it."""
    sizes, train, test = model_selection.learning_curve(
        model,
        X,
        y,
        cv=cv,
        train_sizes=_SIZES if train_sizes is None else train_sizes,
        scoring=scoring,
        **named,
    )
    rows = [
        [part, _rounded(score), int(size)]
        for size, *scores in zip(sizes, train.mean(axis=1), test.mean(axis=1), strict=True)
        for part, score in zip(("train", "test"), scores, strict=True)
    ]
    table = Table(columns=["dataset", "score", "train_size"], data=rows)
    _log(
        "learning_curve",
        plot.line(table, "train_size", "score", stroke="dataset", title="Learning Curve"),
    )


def plot_residuals(regressor: "BaseEstimator", X: Any, y: Any) -> None:  # noqa: N803
    """Log how far a copy of the model, fitted on four fifths of the data, is off on both parts."""
    x_train, x_test, y_train, y_test = model_selection.train_test_split(X, y, test_size=0.2)
    fitted = clone(regressor).fit(x_train, y_train)
    rows = []
    for part, xs, ys in (("train", x_train, y_train), ("test", x_test, y_test)):
        guesses, score = fitted.predict(xs), float(fitted.score(xs, ys))
        pairs = zip(guesses[:_MOST_ROWS], np.asarray(ys)[:_MOST_ROWS], strict=True)
        rows += [[part, float(guess), float(guess - true), score] for guess, true in pairs]
    table = Table(columns=["dataset", "y_pred", "residuals", "score"], data=rows)
    _log("residuals", plot.scatter(table, "y_pred", "residuals", title="Residuals"))


def _log(key: str, chart: plot.CustomChart) -> None:
    need_run("integration.sklearn").log({key: chart})


def _named(classes: Any, labels: Sequence[str] | None) -> list[str]:
    """The classes' names: of whole numbers, those at that place of `labels`."""
    if labels is None or not np.issubdtype(np.asarray(classes).dtype, np.integer):
        return [str(one) for one in classes]
    return [str(labels[one]) for one in classes]


def _worth(model: Any) -> Any:
    """One number for each feature, or None where the model has none, or a row for each of several classes."""
    for name in ("feature_importances_", "feature_log_prob_", "coef_"):
        if hasattr(model, name):
            worth = np.atleast_2d(np.asarray(getattr(model, name)))
            return worth[0] if len(worth) == 1 else None
    return None


def _figures(model: Any, truths: Any, guesses: Any) -> Iterable[tuple[str, float]]:
    if is_classifier(model):
        yield "accuracy_score", metrics.accuracy_score(truths, guesses)
        for name in ("precision", "recall", "f1"):
            score = getattr(metrics, f"{name}_score")
            key = "f1_score" if name == "f1" else name
            yield key, score(truths, guesses, average="weighted", zero_division=0)
    elif is_regressor(model):
        yield "mae", metrics.mean_absolute_error(truths, guesses)
        yield "mse", metrics.mean_squared_error(truths, guesses)
        yield "r2_score", metrics.r2_score(truths, guesses)


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT}g}")
