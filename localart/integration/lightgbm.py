"""LightGBM's training, logged to the active run.

booster = lightgbm.train(..., callbacks=[localart_callback()])
log_summary(booster, save_model_checkpoint=True)
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightgbm import Booster

from localart.errors import UsageError
from localart.integration.directions import keep_the_best
from localart.integration.importance import log_feature_importance
from localart.integration.models import log_model_files
from localart.integration.plain_values import plain_settings
from localart.session import need_run

if TYPE_CHECKING:
    from lightgbm.callback import CallbackEnv

    from localart.session import AnyRun


class _RoundLogger:
    """Called after each round. `order` is when among the callbacks, `before_iteration` is LightGBM's word for it."""

    order = 20
    before_iteration = False

    def __init__(self, *, log_params: bool, define_metric: bool) -> None:
        self._log_params = log_params
        self._define_metric = define_metric

    def __call__(self, env: "CallbackEnv") -> None:
        run = _run()
        results = list(_results(env.evaluation_result_list))
        if env.iteration == env.begin_iteration:
            if self._log_params:
                run.config.update(plain_settings(env.params), allow_val_change=True)
            for metric, logged_as, _ in results if self._define_metric else ():
                keep_the_best(run, metric, logged_as=logged_as)
        run.log({**{name: value for _, name, value in results}, "iteration": env.iteration})


def localart_callback(log_params: bool = True, define_metric: bool = True) -> _RoundLogger:
    """Log each round's metrics as `<data>_<metric>`, the parameters as config, the best values as summary.

    In a cross-validation each metric has a `-mean` and a `-stdv`.
    """
    return _RoundLogger(log_params=log_params, define_metric=define_metric)


def log_summary(model: Booster, feature_importance: bool = True, save_model_checkpoint: bool = False) -> None:
    """Log the best round and its scores, what the features are worth, and on demand the model of that round.

    The model is a version of `model_<run id>`, type `model`, with the alias `best`.
    """
    run = _run()
    if not isinstance(model, Booster):
        raise UsageError(
            f"log_summary takes a lightgbm.Booster, not a {type(model).__name__}",
            hint="of an estimator, pass its booster_",
        )
    best = {"best_iteration": model.best_iteration, "best_score": plain_settings(model.best_score)}
    run.summary.update(best)
    if feature_importance:
        worth = (float(value) for value in model.feature_importance())
        log_feature_importance(run, zip(model.feature_name(), worth, strict=True))
    if save_model_checkpoint:
        _log_booster(run, model, best)


def _run() -> "AnyRun":
    return need_run("integration.lightgbm")


def _results(results: Any) -> Iterator[tuple[str, str, float]]:
    """(metric, name to log it under, value); LightGBM's results were tuples of 4 or 5 before they had names."""
    for result in results or ():
        data, metric, value = result[:3]
        deviation = result[4] if len(result) > 4 else None
        if data == "cv_agg":
            data, _, metric = metric.partition(" ")
        if deviation is None:
            yield metric, f"{data}_{metric}", value
        else:
            yield metric, f"{data}_{metric}-mean", value
            yield "", f"{data}_{metric}-stdv", deviation


def _log_booster(run: "AnyRun", model: Booster, facts: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model_ckpt_{model.best_iteration}.txt"
        model.save_model(path, num_iteration=model.best_iteration)
        log_model_files(run, path, name=f"model_{run.id}", metadata=facts, aliases=["best"])


wandb_callback = localart_callback
