"""Keras callbacks (Keras 3, any backend): metrics, checkpoints and tables of predictions go to the active run."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras import callbacks, ops

import localart
from localart.integration.models import log_model_files
from localart.session import need_run

if TYPE_CHECKING:
    from localart.session import AnyRun

_Path = str | os.PathLike[str]


class LocalartMetricsLogger(callbacks.Callback):
    """Logs the metrics of `fit` and the learning rate after each epoch, or after every `log_freq` batches.

    `epoch/…` against `epoch/epoch`, `batch/…` against `batch/batch_step`. `initial_global_step` is accepted and not
    needed: Keras itself knows where a schedule of learning rates goes on.
    """

    def __init__(self, log_freq: str | int = "epoch", initial_global_step: int = 0) -> None:
        super().__init__()
        del initial_global_step
        _run()
        self._every = {"epoch": 0, "batch": 1}.get(log_freq) if isinstance(log_freq, str) else log_freq
        if self._every is None or self._every < 0:
            raise ValueError(f"log_freq must be 'epoch', 'batch' or a number of batches, not {log_freq!r}")
        self.global_batch = 0
        part, step = ("batch", "batch/batch_step") if self._every else ("epoch", "epoch/epoch")
        _run().define_metric(step)
        _run().define_metric(f"{part}/*", step_metric=step)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the epoch's metrics."""
        self._log("epoch", {**(logs or {}), "epoch": epoch})

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the batch's metrics, when it is its turn."""
        if self._every and batch % self._every == 0:
            self._log("batch", {**(logs or {}), "batch_step": self.global_batch})
            self.global_batch += self._every

    def _log(self, part: str, values: dict[str, Any]) -> None:
        rate = self._learning_rate()
        known = values if rate is None else {**values, "learning_rate": rate}
        _run().log({f"{part}/{key}": value for key, value in known.items()})

    def _learning_rate(self) -> float | None:
        rate = getattr(getattr(self.model, "optimizer", None), "learning_rate", None)
        return None if rate is None else float(ops.convert_to_numpy(rate))


class LocalartModelCheckpoint(callbacks.ModelCheckpoint):
    """Keras's `ModelCheckpoint`, whose files become versions of `run_<run id>_model` (type `model`) as well.

    Aliases: `epoch_N` (`epoch_N_batch_M` when saved by batches), and `best` for the best `monitor` so far. Which
    file to write and when is Keras's decision; one it did not write makes no version.
    """

    def __init__(self, filepath: _Path, *args: Any, **kwargs: Any) -> None:
        super().__init__(os.fspath(filepath), *args, **kwargs)
        _run()
        self._epoch = 0
        self._best_seen: float | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember the epoch."""
        super().on_epoch_begin(epoch, logs)
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save as Keras does, then log what was saved."""
        logs = logs or {}
        path = self._place(logs, epoch=epoch + 1) if self.save_freq == "epoch" else None
        before = _stamp(path)
        super().on_epoch_end(epoch, logs)
        self._log(path, before, logs, f"epoch_{epoch}")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save as Keras does, then log what was saved."""
        logs = logs or {}
        path = None
        if self.save_freq != "epoch":
            path = self._place({"batch": batch + 1, **logs}, epoch=self._epoch + 1)
        before = _stamp(path)
        super().on_train_batch_end(batch, logs)
        self._log(path, before, logs, f"epoch_{self._epoch}_batch_{batch}")

    def _place(self, values: dict[str, Any], *, epoch: int) -> Path:
        """Where Keras will save: its documented way to fill in `filepath`."""
        return Path(str(self.filepath).format(epoch=epoch, **values))

    def _log(
        self, path: Path | None, before: tuple[int, int] | None, logs: dict[str, Any], alias: str
    ) -> None:
        if path is None or _stamp(path) in {None, before}:
            return
        score = logs.get(self.monitor)
        value = None if score is None else float(ops.convert_to_numpy(score))
        run = _run()
        log_model_files(
            run,
            path,
            name=f"run_{run.id}_model",
            metadata={
                "epoch": self._epoch,
                "original_filename": path.name,
                "monitor": self.monitor,
                "mode": self.mode,
                "score": value,
                "save_weights_only": self.save_weights_only,
            },
            aliases=[alias, "best"] if self._is_best(value) else [alias],
        )

    def _is_best(self, value: float | None) -> bool:
        """Whether none before was as good. Keras keeps count only when it is told to save nothing but the best."""
        if value is None or self.monitor_op is None:
            return False
        if self._best_seen is None or bool(self.monitor_op(value, self._best_seen)):
            self._best_seen = value
            return True
        return False


class LocalartEvalCallback(callbacks.Callback, ABC):
    """Base of callbacks that log a table of predictions after each epoch, beside one of the data they are for.

    Fill `self.data_table` in `add_ground_truth` and `self.pred_table` in `add_model_predictions`, row by row with
    `add_data`; there `self.data_table_ref.data` are the rows of data. The data become an artifact `val`, type
    `dataset`, used by the run; the predictions versions `epoch_N` of `run_<run id>_pred`, type `evaluation`.
    """

    def __init__(
        self, data_table_columns: list[str], pred_table_columns: list[str], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        _run()
        self.data_table_columns = data_table_columns
        self.pred_table_columns = pred_table_columns

    @abstractmethod
    def add_ground_truth(self, logs: dict[str, Any] | None = None) -> None:
        """Fill `self.data_table`."""

    @abstractmethod
    def add_model_predictions(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Fill `self.pred_table`."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Log the data."""
        self.init_data_table(self.data_table_columns)
        self.add_ground_truth(logs)
        self.log_data_table()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the predictions."""
        self.init_pred_table(self.pred_table_columns)
        self.add_model_predictions(epoch, logs)
        self.log_pred_table(aliases=["latest", f"epoch_{epoch}"])

    def init_data_table(self, column_names: list[str]) -> None:
        """Begin the table of data."""
        self.data_table = localart.Table(columns=column_names, allow_mixed_types=True)

    def init_pred_table(self, column_names: list[str]) -> None:
        """Begin a table of predictions."""
        self.pred_table = localart.Table(columns=column_names)

    def log_data_table(
        self,
        name: str = "val",
        type: str = "dataset",  # noqa: A002
        table_name: str = "val_data",
    ) -> None:
        """Log the data as an artifact, and use it."""
        self.data_table_ref = self.data_table
        if not _run().disabled:
            artifact = localart.Artifact(name, type=type)
            artifact.add(self.data_table, table_name)
            _run().use_artifact(artifact)

    def log_pred_table(
        self,
        type: str = "evaluation",  # noqa: A002
        table_name: str = "eval_data",
        aliases: list[str] | None = None,
    ) -> None:
        """Log the predictions as an artifact."""
        if not _run().disabled:
            artifact = localart.Artifact(f"run_{_run().id}_pred", type=type)
            artifact.add(self.pred_table, table_name)
            _run().log_artifact(artifact, aliases=aliases)


def _run() -> "AnyRun":
    """Asked for each time, so that callbacks can be copied."""
    return need_run("integration.keras")


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """What shows that a file was written anew; None when there is none."""
    if path is None or not path.is_file():
        return None
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


WandbMetricsLogger = LocalartMetricsLogger
WandbModelCheckpoint = LocalartModelCheckpoint
WandbEvalCallback = LocalartEvalCallback
