"""Charts to log: `run.log({"loss": localart.plot.line(table, x="step", y="loss")})`.

W&B's functions and arguments. A chart is kept as its table and a small record of what to draw.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from localart.media.charts import CustomChart, CustomChartSpec, plot_table
from localart.media.curves import as_rows, interpolated, precision_recall_points, roc_points
from localart.media.table import Table

__all__ = [
    "CustomChart",
    "CustomChartSpec",
    "bar",
    "confusion_matrix",
    "histogram",
    "line",
    "line_series",
    "plot_table",
    "pr_curve",
    "roc_curve",
    "scatter",
]

_ROUND = 3


def line(
    table: Table, x: str, y: str, stroke: str | None = None, title: str = "", split_table: bool = False
) -> CustomChart:
    """A line over column `x`, one for each value of column `stroke`."""
    return plot_table(
        "wandb/line/v0", table, {"x": x, "y": y, "stroke": stroke}, {"title": title}, split_table
    )


def scatter(table: Table, x: str, y: str, title: str = "", split_table: bool = False) -> CustomChart:
    """A dot for each row."""
    return plot_table("wandb/scatter/v0", table, {"x": x, "y": y}, {"title": title}, split_table)


def bar(table: Table, label: str, value: str, title: str = "", split_table: bool = False) -> CustomChart:
    """A bar for each row."""
    return plot_table("wandb/bar/v0", table, {"label": label, "value": value}, {"title": title}, split_table)


def histogram(table: Table, value: str, title: str = "", split_table: bool = False) -> CustomChart:
    """How often the values of a column fall into each of some ranges."""
    return plot_table("wandb/histogram/v0", table, {"value": value}, {"title": title}, split_table)


def line_series(
    xs: Sequence[Any],
    ys: Sequence[Sequence[Any]],
    keys: Sequence[str] | None = None,
    title: str = "",
    xname: str = "x",
    split_table: bool = False,
) -> CustomChart:
    """Several lines, over one common `xs` or over one each. ValueError when they do not pair up."""
    is_common = len(xs) == 0 or isinstance(xs[0], (str, bytes)) or not isinstance(xs[0], Iterable)
    all_xs = [xs] * len(ys) if is_common else xs
    names = [f"line_{number}" for number in range(len(ys))] if keys is None else list(keys)
    if len(all_xs) != len(ys) or len(names) != len(ys):
        raise ValueError(f"{len(ys)} lines need as many xs and keys, not {len(all_xs)} and {len(names)}")
    rows = [
        [x, name, y]
        for name, some_xs, some_ys in zip(names, all_xs, ys, strict=True)
        for x, y in zip(some_xs, some_ys, strict=False)
    ]
    columns = ["step", "lineKey", "lineVal"]
    return plot_table(
        "wandb/lineseries/v0",
        Table(columns=columns, data=rows),
        {name: name for name in columns},
        {"title": title, "xname": xname},
        split_table,
    )


def confusion_matrix(
    probs: Any = None,
    y_true: Any = None,
    preds: Any = None,
    class_names: Sequence[str] | None = None,
    title: str = "Confusion Matrix Curve",
    split_table: bool = False,
) -> CustomChart:
    """How often each class was taken for each: from predictions, or from the probabilities of each class."""
    if (probs is None) == (preds is None):
        raise ValueError("confusion_matrix takes either probs or preds")
    guesses = (
        as_rows(preds) if probs is None else [row.index(max(row)) for row in map(as_rows, as_rows(probs))]
    )
    truths = as_rows(y_true)
    if len(guesses) != len(truths):
        raise ValueError(f"there are {len(guesses)} predictions and {len(truths)} true labels")
    places, names = _classes(guesses, truths, class_names)
    counts = [[0] * len(names) for _ in names]
    for truth, guess in zip(truths, guesses, strict=True):
        counts[places[truth]][places[guess]] += 1
    rows = [
        [actual, predicted, counts[i][j]]
        for i, actual in enumerate(names)
        for j, predicted in enumerate(names)
    ]
    columns = ["Actual", "Predicted", "nPredictions"]
    table = Table(columns=columns, data=rows)
    return plot_table(
        "wandb/confusion_matrix/v1", table, {name: name for name in columns}, {"title": title}, split_table
    )


def _classes(
    guesses: list[Any], truths: list[Any], class_names: Sequence[str] | None
) -> tuple[dict[Any, int], list[str]]:
    """The place of each class in the matrix, and the names in that order."""
    seen = {*guesses, *truths}
    if class_names is None:
        places = {one: place for place, one in enumerate(sorted(seen))}
        return places, [f"Class_{place + 1}" for place in range(len(places))]
    places = {place: place for place in range(len(class_names))}
    if not seen <= places.keys():
        raise ValueError(
            f"labels must be whole numbers from 0 to {len(class_names) - 1}, the places of class_names"
        )
    return places, list(class_names)


def roc_curve(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    title: str = "ROC Curve",
    split_table: bool = False,
) -> CustomChart:
    """True positives against false positives, a curve for each class."""
    rows = [
        [name, round(false, _ROUND), round(true, _ROUND)]
        for name, is_true, scores in _by_class(y_true, y_probas, labels, classes_to_plot)
        for false, true in roc_points(is_true, scores)
    ]
    return _curve(
        ["class", "fpr", "tpr"], rows, title, ("False positive rate", "True positive rate"), split_table
    )


def pr_curve(
    y_true: Any = None,
    y_probas: Any = None,
    labels: Sequence[str] | None = None,
    classes_to_plot: Sequence[Any] | None = None,
    interp_size: int = 21,
    title: str = "Precision-Recall Curve",
    split_table: bool = False,
) -> CustomChart:
    """Precision at `interp_size` values of recall, a curve for each class."""
    if interp_size < 2:
        raise ValueError(f"interp_size must be at least 2, not {interp_size}")
    step = 1 / (interp_size - 1)  # as NumPy's linspace does, for a recall may be met exactly
    recalls = [1.0, *(number * step for number in range(interp_size - 2, -1, -1))]
    rows = [
        [name, round(precision, _ROUND), round(recall, _ROUND)]
        for name, is_true, scores in _by_class(y_true, y_probas, labels, classes_to_plot)
        for recall, precision in zip(
            recalls, interpolated(precision_recall_points(is_true, scores), recalls), strict=True
        )
    ]
    chart = _curve(["class", "precision", "recall"], rows, title, ("Recall", "Precision"), split_table)
    chart.spec.fields = {"x": "recall", "y": "precision", "class": "class"}
    return chart


def _by_class(
    y_true: Any, y_probas: Any, labels: Sequence[str] | None, wanted: Sequence[Any] | None
) -> Iterable[tuple[Any, list[bool], list[float]]]:
    """Each class that is drawn: its name, which samples are of it, and the probability each was given."""
    truths, probabilities = as_rows(y_true), as_rows(y_probas)
    if not truths or len(truths) != len(probabilities):
        raise ValueError(
            f"there are {len(truths)} true labels and {len(probabilities)} rows of probabilities"
        )
    for place, one in enumerate(sorted(set(truths))):
        if wanted is not None and one not in as_rows(wanted):
            continue
        if any(len(row) <= place for row in probabilities):
            raise ValueError(
                f"each row of y_probas needs a probability for each class; class {one!r:.80} has none"
            )
        name = labels[one] if labels is not None and isinstance(one, int) else one
        yield name, [truth == one for truth in truths], [float(row[place]) for row in probabilities]


def _curve(
    columns: list[str], rows: list[list[Any]], title: str, axes: tuple[str, str], split_table: bool
) -> CustomChart:
    most = Table.MAX_ROWS
    shown = rows if len(rows) <= most else [rows[number * len(rows) // most] for number in range(most)]
    return plot_table(
        "wandb/area-under-curve/v0",
        Table(columns=columns, data=shown),
        {"x": columns[1], "y": columns[2], "class": "class"},
        {"title": title, "x-axis-title": axes[0], "y-axis-title": axes[1]},
        split_table,
    )
