"""Which way the metrics of the boosting libraries get better."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localart.session import AnyRun

_LESS = frozenset(
    {
        "cross_entropy", "cross_entropy_lambda", "error", "fair", "gamma", "gamma-deviance", "gamma-nloglik",
        "gamma_deviance", "huber", "kullback_leibler", "l1", "l2", "mae", "mape", "merror", "mphe", "poisson",
        "poisson-nloglik", "quantile", "rmse", "rmsle", "tweedie", "tweedie-nloglik",
    }
)  # fmt: skip
_MORE = frozenset({"auc", "aucpr", "auc_mu", "average_precision", "map", "ndcg"})


def best_of(metric: str) -> str | None:
    """`min` or `max`; None for a metric that is not known (a user's own)."""
    name = metric.lower().partition("@")[0]  # ndcg@5
    if "loss" in name or name in _LESS or name.endswith("_error"):
        return "min"
    return "max" if name in _MORE else None


def keep_the_best(run: "AnyRun", metric: str, *, logged_as: str) -> None:
    """Let the summary hold the best value of the metric logged under `logged_as`, not the last."""
    best = best_of(metric)
    if best is not None:
        run.define_metric(logged_as, summary=best)
