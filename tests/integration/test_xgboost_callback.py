"""XGBoost, logged to the active run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import NotInitialized

xgboost = pytest.importorskip("xgboost")

from localart.integration.xgboost import LocalartCallback, WandbCallback  # noqa: E402

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:::xgboost"),
    pytest.mark.filterwarnings("ignore:::sklearn"),
]


def rows(count: int = 200) -> tuple[Any, Any]:
    random = np.random.default_rng(7)
    x = random.normal(size=(count, 3))
    return x, (x[:, 0] + 0.1 * random.normal(size=count) > 0).astype(float)


def train(*callbacks: Any, **named: Any) -> Any:
    x, y = rows()
    train, test = xgboost.DMatrix(x[:150], y[:150]), xgboost.DMatrix(x[150:], y[150:])
    return xgboost.train(
        {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "nthread": 1, "max_depth": 2},
        train,
        num_boost_round=6,
        evals=[(train, "train"), (test, "test")],
        callbacks=list(callbacks),
        verbose_eval=False,
        **named,
    )


def test_rounds_settings_and_the_model_are_logged(versions: Any, history: Any) -> None:
    with localart.init(project="demo") as run:
        booster = train(WandbCallback(log_model=True), early_stopping_rounds=5)

    logged = [row for row in history(run.path) if "epoch" in row]
    assert [row["epoch"] for row in logged] == list(range(6))
    assert {"train-logloss", "train-auc", "test-logloss", "test-auc"} <= logged[0].keys()
    public = localart.Api().run(run.path)
    assert public.config["learner"]["objective"]["name"] == "binary:logistic"
    assert public.summary["best_iteration"] == booster.best_iteration
    (only,) = versions(f"demo/{run.id}_model.json")
    assert sorted(only.aliases) == ["best", "latest"]
    assert only.metadata["best_score"] == pytest.approx(booster.best_score)
    loaded = xgboost.Booster(model_file=only.file())
    x, _ = rows()
    matrix = xgboost.DMatrix(x)
    assert np.array_equal(loaded.predict(matrix), booster.predict(matrix))
    booster.save_model("again.json")
    assert Path(only.file()).read_bytes() == Path("again.json").read_bytes()


def test_the_summary_holds_the_best_of_each_metric(history: Any) -> None:
    with localart.init(project="demo") as run:
        train(LocalartCallback(log_feature_importance=False))

    values = [row["test-auc"] for row in history(run.path) if "test-auc" in row]
    assert localart.Api().run(run.path).summary["test-auc"]["max"] == max(values)


def test_what_features_are_worth_is_a_chart() -> None:
    with localart.init(project="demo") as run:
        train(LocalartCallback())

        assert run.summary["Feature Importance_table"]["ncols"] == 2


def test_an_estimator_of_scikit_learn_can_carry_it() -> None:
    from sklearn.base import clone

    x, y = rows()
    with localart.init(project="demo") as run:
        callback = LocalartCallback(log_feature_importance=False)
        model = clone(xgboost.XGBClassifier(n_estimators=3, n_jobs=1, callbacks=[callback]))
        model.fit(x, y, eval_set=[(x, y)], verbose=False)

        assert run.summary["epoch"] == 2


def test_a_cross_validation_is_logged_as_means() -> None:
    x, y = rows()
    with localart.init(project="demo") as run:
        xgboost.cv(
            {"objective": "binary:logistic", "nthread": 1},
            xgboost.DMatrix(x, y),
            num_boost_round=2,
            callbacks=[LocalartCallback(define_metric=False)],
        )

        assert {"train-logloss-mean", "test-logloss-std", "epoch"} <= set(run.summary.keys())


def test_it_needs_a_run() -> None:
    with pytest.raises(NotInitialized, match="needs a run"):
        WandbCallback()
