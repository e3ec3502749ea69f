"""LightGBM, logged to the active run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import NotInitialized, UsageError

lightgbm = pytest.importorskip("lightgbm")

from localart.integration.lightgbm import localart_callback, log_summary, wandb_callback  # noqa: E402

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:::lightgbm"),
    pytest.mark.filterwarnings("ignore:::sklearn"),
]


def rows(count: int = 200) -> tuple[Any, Any]:
    random = np.random.default_rng(7)
    x = random.normal(size=(count, 3))
    return x, (x[:, 0] + random.normal(size=count) > 0).astype(float)


def train(*callbacks: Any, **named: Any) -> Any:
    x, y = rows()
    train = lightgbm.Dataset(x[:150], y[:150], free_raw_data=False)
    return lightgbm.train(
        {
            "objective": "binary", "metric": ["binary_logloss", "auc"], "num_threads": 1, "verbosity": -1,
            "min_data_in_leaf": 5,
        },
        train,
        num_boost_round=40,
        valid_sets=[lightgbm.Dataset(x[150:], y[150:], reference=train)],
        valid_names=["validation"],
        callbacks=list(callbacks),
        **named,
    )  # fmt: skip


def test_rounds_parameters_and_the_best_model_are_logged(versions: Any, history: Any) -> None:
    with localart.init(project="demo") as run:
        stop = lightgbm.early_stopping(3, first_metric_only=True, verbose=False)
        booster = train(wandb_callback(), stop)
        log_summary(booster, feature_importance=False, save_model_checkpoint=True)

    logged = [row for row in history(run.path) if "iteration" in row]
    assert [row["iteration"] for row in logged] == list(range(len(logged)))
    assert {"validation_binary_logloss", "validation_auc"} <= logged[0].keys()
    assert 1 < booster.best_iteration < len(logged)
    public = localart.Api().run(run.path)
    assert public.config["objective"] == "binary"
    assert public.summary["best_iteration"] == booster.best_iteration
    assert public.summary["best_score"]["validation"]["auc"] == booster.best_score["validation"]["auc"]
    (only,) = versions(f"demo/model_{run.id}")
    assert sorted(only.aliases) == ["best", "latest"]
    loaded = lightgbm.Booster(model_file=only.file())
    x, _ = rows()
    assert np.array_equal(loaded.predict(x), booster.predict(x, num_iteration=booster.best_iteration))
    booster.save_model("again.txt", num_iteration=booster.best_iteration)
    assert Path(only.file()).read_bytes() == Path("again.txt").read_bytes()


def test_the_summary_holds_the_best_of_each_metric(history: Any) -> None:
    with localart.init(project="demo") as run:
        train(localart_callback())

    values = [row["validation_auc"] for row in history(run.path)]
    assert localart.Api().run(run.path).summary["validation_auc"]["max"] == max(values)


def test_what_features_are_worth_is_a_chart() -> None:
    with localart.init(project="demo") as run:
        log_summary(train())

        assert run.summary["Feature Importance_table"]["nrows"] == 3


def test_a_cross_validation_has_means_and_deviations() -> None:
    x, y = rows()
    with localart.init(project="demo") as run:
        lightgbm.cv(
            {"objective": "binary", "metric": "auc", "num_threads": 1, "verbosity": -1},
            lightgbm.Dataset(x, y),
            num_boost_round=2,
            nfold=2,
            callbacks=[localart_callback(define_metric=False)],
        )

        assert {"valid_auc-mean", "valid_auc-stdv"} <= set(run.summary.keys())


def test_a_summary_is_of_a_booster() -> None:
    with localart.init(project="demo"), pytest.raises(UsageError, match=r"takes a lightgbm\.Booster"):
        log_summary("model.txt")


def test_it_needs_a_run() -> None:
    with pytest.raises(NotInitialized, match="needs a run"):
        train(wandb_callback())
