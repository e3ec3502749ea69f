"""Keras callbacks (on the torch backend): metrics, checkpoints and tables of predictions."""

import copy
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import NotInitialized

pytest.importorskip("torch")
os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

from localart.integration.keras import (  # noqa: E402
    LocalartMetricsLogger,
    LocalartModelCheckpoint,
    WandbEvalCallback,
    WandbMetricsLogger,
    WandbModelCheckpoint,
)

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:::keras"),
    pytest.mark.filterwarnings("ignore:::torch"),
]


def data(count: int = 16) -> tuple[Any, Any]:
    x = np.arange(count, dtype="float32").reshape(-1, 1) / count
    return x, 2 * x


def make_model(rate: Any = 0.1) -> Any:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse", metrics=["mae"])
    return model


class Grade(keras.callbacks.Callback):
    """Says how good each epoch was, whatever the model learns."""

    def __init__(self, *grades: float) -> None:
        super().__init__()
        self.grades = grades

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["grade"] = self.grades[epoch]


def fit(*callbacks: Any, epochs: int = 3, model: Any = None, **named: Any) -> Any:
    model = model or make_model()
    x, y = data()
    model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks), **named)
    return model


def test_an_epoch_is_a_row_with_its_metrics_and_learning_rate(history: Any) -> None:
    with localart.init(project="demo") as run:
        fit(WandbMetricsLogger(), validation_data=data())

    rows = history(run.path)
    assert [row["epoch/epoch"] for row in rows] == [0, 1, 2]
    assert all(row["epoch/learning_rate"] == pytest.approx(0.1) for row in rows)
    assert {"epoch/loss", "epoch/mae", "epoch/val_loss", "epoch/val_mae"} <= rows[0].keys()
    assert rows[2]["epoch/loss"] < rows[0]["epoch/loss"]


@pytest.mark.parametrize(("frequency", "steps"), [("batch", [0, 1, 2, 3]), (2, [0, 2])], ids=["batch", "2"])
def test_batches_are_logged_as_often_as_asked(frequency: Any, steps: list[int], history: Any) -> None:
    with localart.init(project="demo") as run:
        fit(LocalartMetricsLogger(log_freq=frequency), epochs=1)

    rows = [row for row in history(run.path) if "batch/loss" in row]
    assert [row["batch/batch_step"] for row in rows] == steps


def test_a_schedule_of_learning_rates_is_followed(history: Any) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=4, decay_rate=0.5, staircase=True)
    with localart.init(project="demo") as run:
        fit(WandbMetricsLogger(), epochs=2, model=make_model(schedule))

    assert [row["epoch/learning_rate"] for row in history(run.path)] == pytest.approx([0.05, 0.025])


def test_callbacks_need_a_run_before_they_are_made() -> None:
    with pytest.raises(NotInitialized, match="needs a run"):
        WandbMetricsLogger()
    with pytest.raises(NotInitialized, match="needs a run"):
        WandbModelCheckpoint("model.keras")


def test_each_epochs_model_is_a_version_and_the_best_is_known(versions: Any) -> None:
    with localart.init(project="demo") as run:
        model = fit(
            Grade(0.2, 0.9, 0.5), WandbModelCheckpoint("model-{epoch:02d}.keras", monitor="grade", mode="max")
        )

    found = versions(f"demo/run_{run.id}_model")
    assert [sorted(one.aliases) for one in found] == [
        ["epoch_0"],
        ["best", "epoch_1"],
        ["epoch_2", "latest"],
    ]
    assert found[1].metadata["score"] == 0.9
    assert found[1].metadata["original_filename"] == "model-02.keras"
    path = Path(found[2].file())
    assert path.read_bytes() == Path("model-03.keras").read_bytes()
    x, _ = data()
    loaded = keras.models.load_model(path)
    assert np.array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_file_that_is_overwritten_is_kept_each_time(versions: Any) -> None:
    with localart.init(project="demo") as run:
        fit(
            Grade(3.0, 1.0, 2.0),
            LocalartModelCheckpoint("model.keras", monitor="grade", mode="min", save_best_only=True),
        )

    found = versions(f"demo/run_{run.id}_model")
    assert [sorted(one.aliases) for one in found] == [["epoch_0"], ["best", "epoch_1", "latest"]]
    assert Path(found[1].file()).read_bytes() == Path("model.keras").read_bytes()


def test_weights_are_kept_after_so_many_batches(versions: Any) -> None:
    with localart.init(project="demo") as run:
        model = fit(
            WandbModelCheckpoint("w-{epoch}-{batch}.weights.h5", save_freq=2, save_weights_only=True),
            epochs=1,
        )

    found = versions(f"demo/run_{run.id}_model")
    assert [sorted(one.aliases) for one in found] == [["epoch_0_batch_1"], ["epoch_0_batch_3", "latest"]]
    other = make_model()
    other.load_weights(found[1].file())
    assert all(np.array_equal(a, b) for a, b in zip(other.get_weights(), model.get_weights(), strict=True))


def test_a_disabled_run_leaves_only_keras_files(store: Path) -> None:
    with localart.init(mode="disabled"):
        fit(WandbMetricsLogger(), WandbModelCheckpoint("model.keras", monitor="loss"), epochs=1)

    assert Path("model.keras").exists()
    assert not store.exists()


def test_callbacks_can_be_copied() -> None:
    with localart.init(project="demo"):
        copied = copy.deepcopy([WandbMetricsLogger(), WandbModelCheckpoint("model.keras", monitor="loss")])

        fit(*copied, epochs=1)

        assert localart.run.summary["epoch/epoch"] == 0
        assert len(localart.run.logged_artifacts()) == 1


def test_predictions_are_tables_of_each_epoch(versions: Any) -> None:
    class Predictions(WandbEvalCallback):
        def add_ground_truth(self, logs: Any = None) -> None:
            for row, wanted in zip(*data(2), strict=True):
                self.data_table.add_data(float(row[0]), float(wanted[0]))

        def add_model_predictions(self, epoch: int, logs: Any = None) -> None:
            for row in self.data_table_ref.data:
                self.pred_table.add_data(epoch, row[0], row[1])

    with localart.init(project="demo") as run:
        fit(Predictions(["x", "y"], ["epoch", "x", "y"]), epochs=2)

    found = list(localart.Api().artifacts("evaluation", f"demo/run_{run.id}_pred", order="+version_index"))
    assert [sorted(one.aliases) for one in found] == [["epoch_0"], ["epoch_1", "latest"]]
    assert localart.Api().artifact("demo/val:latest").used_by()[0].id == run.id
