"""How good a classifier is at every threshold: receiver operating characteristic, and precision against recall."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

Point = tuple[float, float]


def roc_points(is_true: Sequence[bool], scores: Sequence[float]) -> list[Point]:
    """(false positive rate, true positive rate) as the threshold falls, without points on a straight line.

    A rate of nothing (no negatives, say) is NaN, as in scikit-learn.
    """
    counts = _counts(is_true, scores)
    kept = [
        point
        for number, point in enumerate(counts)
        if number in {0, len(counts) - 1} or _bends(counts[number - 1], point, counts[number + 1])
    ]
    negatives, positives = counts[-1]
    return [(_share(false, negatives), _share(true, positives)) for false, true in [(0, 0), *kept]]


def precision_recall_points(is_true: Sequence[bool], scores: Sequence[float]) -> list[Point]:
    """(recall, precision) from recall 0 on, one point a threshold."""
    counts = _counts(is_true, scores)
    positives = counts[-1][1]
    return [
        (0.0, 1.0),
        *((true / positives if positives else 1.0, true / (false + true)) for false, true in counts),
    ]


def _counts(is_true: Sequence[bool], scores: Sequence[float]) -> list[tuple[int, int]]:
    """How many negatives and positives have at least each distinct score, highest score first."""
    ranked = sorted(zip(scores, is_true, strict=True), key=lambda pair: -pair[0])
    counts: list[tuple[int, int]] = []
    false = true = 0
    for (score, positive), (following, _) in pairwise([*ranked, (float("-inf"), False)]):
        true += positive
        false += not positive
        if score != following:
            counts.append((false, true))
    return counts


def _bends(before: tuple[int, int], at: tuple[int, int], after: tuple[int, int]) -> bool:
    return any(after[axis] - at[axis] != at[axis] - before[axis] for axis in (0, 1))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def interpolated(points: Sequence[Point], recalls: Sequence[float]) -> list[float]:
    """The precision at each of `recalls`: the best one reached at that recall or a higher one."""
    best: list[float] = []
    highest = 0.0
    for _, precision in reversed(points):
        highest = max(highest, precision)
        best.append(highest)
    best.reverse()
    return [
        next(best[number] for number, point in enumerate(points) if point[0] >= wanted) for wanted in recalls
    ]


def as_rows(values: Any) -> list[Any]:
    """A sequence, array or tensor as a plain list."""
    if values is None:
        raise ValueError("a curve needs y_true and y_probas")
    if hasattr(type(values), "detach"):
        values = values.detach().cpu()
    listed = values.tolist() if hasattr(type(values), "tolist") else list(values)
    return list(listed)
