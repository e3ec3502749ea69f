"""XGBoost and LightGBM, logged to the active run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import NotInitialized, UsageError
from localart.integration.directions import best_of

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:::xgboost"),
    pytest.mark.filterwarnings("ignore:::lightgbm"),
    pytest.mark.filterwarnings("ignore:::sklearn"),
]


def rows(count: int = 200) -> tuple[Any, Any]:
    random = np.random.default_rng(7)
    x = random.normal(size=(count, 3))
    return x, (x[:, 0] + 0.1 * random.normal(size=count) > 0).astype(float)


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


class TestXGBoost:
    @pytest.fixture(autouse=True)
    def library(self) -> None:
        self.xgboost = pytest.importorskip("xgboost")
        from localart.integration import xgboost

        self.integration = xgboost

    def train(self, *callbacks: Any, **named: Any) -> Any:
        x, y = rows()
        train, test = self.xgboost.DMatrix(x[:150], y[:150]), self.xgboost.DMatrix(x[150:], y[150:])
        return self.xgboost.train(
            {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "nthread": 1, "max_depth": 2},
            train,
            num_boost_round=6,
            evals=[(train, "train"), (test, "test")],
            callbacks=list(callbacks),
            verbose_eval=False,
            **named,
        )

    def test_rounds_settings_and_the_model_are_logged(self, versions: Any, history: Any) -> None:
        with localart.init(project="demo") as run:
            booster = self.train(self.integration.WandbCallback(log_model=True), early_stopping_rounds=5)

        logged = [row for row in history(run.path) if "epoch" in row]
        assert [row["epoch"] for row in logged] == list(range(6))
        assert {"train-logloss", "train-auc", "test-logloss", "test-auc"} <= logged[0].keys()
        public = localart.Api().run(run.path)
        assert public.config["learner"]["objective"]["name"] == "binary:logistic"
        assert public.summary["best_iteration"] == booster.best_iteration
        (only,) = versions(f"demo/{run.id}_model.json")
        assert sorted(only.aliases) == ["best", "latest"]
        assert only.metadata["best_score"] == pytest.approx(booster.best_score)
        loaded = self.xgboost.Booster(model_file=only.file())
        x, _ = rows()
        matrix = self.xgboost.DMatrix(x)
        assert np.array_equal(loaded.predict(matrix), booster.predict(matrix))
        booster.save_model("again.json")
        assert Path(only.file()).read_bytes() == Path("again.json").read_bytes()

    def test_the_summary_holds_the_best_of_each_metric(self, history: Any) -> None:
        with localart.init(project="demo") as run:
            self.train(self.integration.LocalartCallback(log_feature_importance=False))

        values = [row["test-auc"] for row in history(run.path) if "test-auc" in row]
        assert localart.Api().run(run.path).summary["test-auc"]["max"] == max(values)

    def test_what_features_are_worth_is_a_table(self) -> None:
        with localart.init(project="demo") as run:
            self.train(self.integration.LocalartCallback())

            assert run.summary["Feature Importance"]["ncols"] == 2

    def test_an_estimator_of_scikit_learn_can_carry_it(self) -> None:
        from sklearn.base import clone

        x, y = rows()
        with localart.init(project="demo") as run:
            callback = self.integration.LocalartCallback(log_feature_importance=False)
            model = clone(self.xgboost.XGBClassifier(n_estimators=3, n_jobs=1, callbacks=[callback]))
            model.fit(x, y, eval_set=[(x, y)], verbose=False)

            assert run.summary["epoch"] == 2

    def test_a_cross_validation_is_logged_as_means(self) -> None:
        x, y = rows()
        with localart.init(project="demo") as run:
            self.xgboost.cv(
                {"objective": "binary:logistic", "nthread": 1},
                self.xgboost.DMatrix(x, y),
                num_boost_round=2,
                callbacks=[self.integration.LocalartCallback(define_metric=False)],
            )

            assert {"train-logloss-mean", "test-logloss-std", "epoch"} <= set(run.summary.keys())

    def test_it_needs_a_run(self) -> None:
        with pytest.raises(NotInitialized, match="needs a run"):
            self.integration.WandbCallback()


class TestLightGBM:
    @pytest.fixture(autouse=True)
    def library(self) -> None:
        self.lightgbm = pytest.importorskip("lightgbm")
        from localart.integration import lightgbm

        self.integration = lightgbm

    def train(self, *callbacks: Any, **named: Any) -> Any:
        x, y = rows()
        train = self.lightgbm.Dataset(x[:150], y[:150], free_raw_data=False)
        return self.lightgbm.train(
            {
                "objective": "binary", "metric": ["binary_logloss", "auc"], "num_threads": 1, "verbosity": -1,
                "min_data_in_leaf": 5,
            },
            train,
            num_boost_round=6,
            valid_sets=[self.lightgbm.Dataset(x[150:], y[150:], reference=train)],
            valid_names=["validation"],
            callbacks=list(callbacks),
            **named,
        )  # fmt: skip

    def test_rounds_parameters_and_the_best_model_are_logged(self, versions: Any, history: Any) -> None:
        with localart.init(project="demo") as run:
            stop = self.lightgbm.early_stopping(3, verbose=False)
            booster = self.train(self.integration.wandb_callback(), stop)
            self.integration.log_summary(booster, feature_importance=False, save_model_checkpoint=True)

        logged = [row for row in history(run.path) if "iteration" in row]
        assert [row["iteration"] for row in logged] == list(range(len(logged)))
        assert {"validation_binary_logloss", "validation_auc"} <= logged[0].keys()
        public = localart.Api().run(run.path)
        assert public.config["objective"] == "binary"
        assert public.summary["best_iteration"] == booster.best_iteration
        assert public.summary["best_score"]["validation"]["auc"] == booster.best_score["validation"]["auc"]
        (only,) = versions(f"demo/model_{run.id}")
        assert sorted(only.aliases) == ["best", "latest"]
        loaded = self.lightgbm.Booster(model_file=only.file())
        x, _ = rows()
        assert np.array_equal(loaded.predict(x), booster.predict(x, num_iteration=booster.best_iteration))
        booster.save_model("again.txt", num_iteration=booster.best_iteration)
        assert Path(only.file()).read_bytes() == Path("again.txt").read_bytes()

    def test_the_summary_holds_the_best_of_each_metric(self, history: Any) -> None:
        with localart.init(project="demo") as run:
            self.train(self.integration.localart_callback())

        values = [row["validation_auc"] for row in history(run.path)]
        assert localart.Api().run(run.path).summary["validation_auc"]["max"] == max(values)

    def test_what_features_are_worth_is_a_table(self) -> None:
        with localart.init(project="demo") as run:
            self.integration.log_summary(self.train())

            assert run.summary["Feature Importance"]["nrows"] == 3

    def test_a_cross_validation_has_means_and_deviations(self) -> None:
        x, y = rows()
        with localart.init(project="demo") as run:
            self.lightgbm.cv(
                {"objective": "binary", "metric": "auc", "num_threads": 1, "verbosity": -1},
                self.lightgbm.Dataset(x, y),
                num_boost_round=2,
                nfold=2,
                callbacks=[self.integration.localart_callback(define_metric=False)],
            )

            assert {"valid_auc-mean", "valid_auc-stdv"} <= set(run.summary.keys())

    def test_a_summary_is_of_a_booster(self) -> None:
        with localart.init(project="demo"), pytest.raises(UsageError, match=r"takes a lightgbm\.Booster"):
            self.integration.log_summary("model.txt")

    def test_it_needs_a_run(self) -> None:
        with pytest.raises(NotInitialized, match="needs a run"):
            self.train(self.integration.wandb_callback())
