"""scikit-learn's estimators as versions, kept by skops."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import NotInitialized

pytest.importorskip("skops.io")
pytest.importorskip("sklearn")

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from localart.integration.sklearn import load_model, log_model

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:::sklearn"),
    pytest.mark.filterwarnings("ignore:::skops"),
]

X = np.arange(40, dtype=float).reshape(20, 2)
Y = (X[:, 0] > 20).astype(int)


def fitted() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(X, Y)


def test_an_estimator_comes_back_as_it_was(versions: Any) -> None:
    estimator = fitted()
    with localart.init(project="demo") as train:
        logged = log_model(estimator, "classifier", metadata={"accuracy": 0.97}, aliases=["best"])

    with localart.init(project="demo", job_type="evaluate") as run:
        loaded = load_model("classifier:best")

    assert np.array_equal(loaded.predict_proba(X), estimator.predict_proba(X))
    (only,) = versions("demo/classifier")
    assert only.version == logged.version
    assert sorted(only.aliases) == ["best", "latest"]
    assert only.metadata["accuracy"] == 0.97
    assert only.metadata["estimator"] == "sklearn.pipeline.Pipeline"
    assert only.metadata["parameters"]["logisticregression__C"] == 0.5
    assert only.logged_by().id == train.id
    assert [one.id for one in only.used_by()] == [run.id]


def test_the_file_is_no_pickle() -> None:
    with localart.init(project="demo"):
        path = Path(log_model(fitted()).file())

    assert "schema.json" in zipfile.ZipFile(path).namelist()


def test_a_model_is_named_after_its_run_and_found_without_one() -> None:
    with localart.init(project="demo") as run:
        logged = log_model(fitted())

    assert logged.source_name == f"model-{run.id}:v0"
    assert load_model(logged).predict(X).tolist() == load_model(f"demo/model-{run.id}").predict(X).tolist()


def test_types_that_may_do_harm_are_trusted_by_name_only() -> None:
    forest = RandomForestClassifier(n_estimators=2, random_state=0).fit(X, Y)
    with localart.init(project="demo"):
        logged = log_model(forest)

        with pytest.raises(TypeError, match=r"sklearn\.tree\._tree\.Tree"):
            load_model(logged)
        loaded = load_model(logged, trusted=logged.metadata["types_to_trust"])

    assert loaded.predict(X).tolist() == forest.predict(X).tolist()


def test_parameters_of_any_kind_are_kept(versions: Any) -> None:
    with localart.init(project="demo"):
        logged = log_model(LogisticRegression(C=float("inf"), class_weight={0: 1.0, 1: 2.0}).fit(X, Y))

    assert logged.metadata["parameters"]["C"] == "inf"
    assert logged.metadata["parameters"]["class_weight"] == {"0": 1.0, "1": 2.0}


def test_a_run_is_needed_to_log_and_a_disabled_one_keeps_nothing(store: Path) -> None:
    with pytest.raises(NotInitialized, match="needs a run"):
        log_model(fitted())
    with localart.init(mode="disabled"):
        assert log_model(fitted()) is None

    assert not store.exists()
