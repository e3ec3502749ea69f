"""Which way the boosting libraries' metrics get better."""

import pytest

from localart.integration.directions import best_of


@pytest.mark.parametrize(
    ("metric", "best"),
    [
        ("rmse", "min"),
        ("mlogloss", "min"),
        ("error@0.7", "min"),
        ("multi_error", "min"),
        ("AUC", "max"),
        ("ndcg@5", "max"),
        ("mine", None),
    ],
    ids=str,
)
def test_which_way_is_better_is_known_for_the_libraries_metrics(metric: str, best: str | None) -> None:
    assert best_of(metric) == best
