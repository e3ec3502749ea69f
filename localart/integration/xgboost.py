"""XGBoost's training, logged to the active run.

xgboost.train(..., callbacks=[LocalartCallback(log_model=True)])
XGBRegressor(callbacks=[LocalartCallback()]).fit(X, y, eval_set=[(X_test, y_test)])
"""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgboost.callback import TrainingCallback

from localart.integration.directions import keep_the_best
from localart.integration.importance import log_feature_importance
from localart.integration.models import log_model_files
from localart.integration.plain_values import plain_settings
from localart.session import need_run

if TYPE_CHECKING:
    from xgboost import Booster

    from localart.session import AnyRun


class LocalartCallback(TrainingCallback):
    """Logs the booster's settings, each round's metrics, the best score, and on demand the model.

    Metrics are `<data>-<metric>` beside `epoch`; with `define_metric` the summary holds the best of each.
    `log_model` logs the trained model as a version of `<run id>_model.json`; it has the alias `best` when early
    stopping found the round to use. Holds no run, so that estimators with it can be copied.
    """

    def __init__(
        self,
        log_model: bool = False,
        log_feature_importance: bool = True,
        importance_type: str = "gain",
        define_metric: bool = True,
    ) -> None:
        super().__init__()
        _run()
        self.log_model = log_model
        self.log_feature_importance = log_feature_importance
        self.importance_type = importance_type
        self.define_metric = define_metric
        self._defined: set[str] = set()

    def before_training(self, model: "Booster") -> "Booster":
        """Keep the booster's settings in the run's config."""
        if hasattr(model, "save_config"):  # the models of a cross-validation have none in common
            settings = json.loads(model.save_config())
            _run().config.update(plain_settings(settings), allow_val_change=True)
        return model

    def after_iteration(self, model: "Booster", epoch: int, evals_log: Any) -> bool:
        """Log the round's metrics; training goes on."""
        del model
        row: dict[str, Any] = {}
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                row |= self._named(data, metric, values[-1])
        _run().log({**row, "epoch": epoch})
        return False

    def _named(self, data: str, metric: str, value: Any) -> dict[str, float]:
        name = f"{data}-{metric}"
        if self.define_metric and name not in self._defined:
            self._defined.add(name)
            keep_the_best(_run(), metric, logged_as=name)
        if isinstance(value, tuple):  # cross-validation: the mean and its deviation
            return {f"{name}-mean": value[0], f"{name}-std": value[1]}
        return {name: value}

    def after_training(self, model: "Booster") -> "Booster":
        """Log the model, what its features are worth, and the best round."""
        run = _run()
        if not hasattr(model, "save_model"):
            return model
        if self.log_model:
            _log_booster(run, model)
        if self.log_feature_importance:
            log_feature_importance(run, model.get_score(importance_type=self.importance_type).items())
        best = _best(model)
        if best:
            run.log(best)
        return model


def _run() -> "AnyRun":
    return need_run("integration.xgboost")


def _best(model: "Booster") -> dict[str, float | int]:
    if model.attr("best_score") is None:
        return {}
    return {
        "best_score": float(model.attr("best_score")),
        "best_iteration": int(model.attr("best_iteration")),
    }


def _log_booster(run: "AnyRun", model: "Booster") -> None:
    name = f"{run.id}_model.json"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        model.save_model(path)
        best = _best(model)
        rounds = model.num_boosted_rounds()
        log_model_files(
            run,
            path,
            name=name,
            metadata={"rounds": rounds, **best},
            aliases=["best"] if best else [],
        )


WandbCallback = LocalartCallback
