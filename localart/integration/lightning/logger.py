"""What a Lightning logger does with a run. The two published packages each have a class made of it."""

import os
import warnings
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from lightning_utilities.core.rank_zero import rank_zero_only

import localart
from localart.integration.lightning.checkpoints import Checkpoint, CheckpointsSeen, announced_checkpoints
from localart.integration.models import log_model_files
from localart.integration.plain_values import plain_settings
from localart.runs.run_names import new_run_id
from localart.settings import read_settings

if TYPE_CHECKING:
    from localart.artifact import Artifact
    from localart.session import AnyRun

DEFAULT_PROJECT = "lightning_logs"
STEP_METRIC = "trainer/global_step"
_CHECKPOINT_PATH = "model.ckpt"

_Path = str | os.PathLike[str]
_Item = TypeVar("_Item")


class RunLogger:
    """Logs metrics, settings, media and checkpoints of a Trainer to a run. Arguments are W&B's logger's.

    The run that is active is used; else one is begun, and continued when `id` (or `version`) names one that
    exists. `log_model="all"` logs every checkpoint as it is written, `True` those that are left at the end,
    also of a training that failed. Each is a version of `checkpoint_name` (`model-<run id>`), type `model`, with
    the file or folder as `model.ckpt`; `best` and `latest` follow the callback. Only rank zero does anything.
    `kwargs` go to `localart.init`; `offline`, `anonymous` and `add_file_policy` mean nothing here.
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        name: str | None = None,
        save_dir: _Path | None = ".",
        version: str | None = None,
        offline: bool = False,
        dir: _Path | None = None,  # noqa: A002
        id: str | None = None,  # noqa: A002
        anonymous: bool | None = None,
        project: str | None = None,
        log_model: Literal["all"] | bool = False,
        experiment: "AnyRun | None" = None,
        prefix: str = "",
        checkpoint_name: str | None = None,
        add_file_policy: str = "mutable",
        **kwargs: Any,
    ) -> None:
        super().__init__()
        del offline, anonymous, add_file_policy
        folder = save_dir if save_dir is not None else dir
        self._save_dir = None if folder is None else os.fspath(folder)
        self._request: dict[str, Any] = {
            "project": project or read_settings().project or DEFAULT_PROJECT,
            "name": name,
            "id": version or id,
            "resume": "allow",
            **kwargs,
        }
        self._log_model = log_model
        self._prefix = prefix
        self._checkpoint_name = checkpoint_name
        self._run = experiment
        self._seen = CheckpointsSeen()
        self._left_for_the_end: dict[str, tuple[Checkpoint, ...]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process continues the same run: it has its id, and opens it when it needs it."""
        self._request["id"] = self.version or new_run_id()
        return {**self.__dict__, "_run": None}

    # --- the run -----------------------------------------------------------------------------------------

    def open_run(self) -> "AnyRun":
        """The run this logger writes to."""
        if self._run is None:
            active = localart.run
            if active is None:
                self._run = localart.init(**self._request)
                self._run.define_metric(STEP_METRIC)
                self._run.define_metric("*", step_metric=STEP_METRIC, step_sync=True)
            else:
                self._warn_of_another(active)
                self._run = active
        return self._run

    def _warn_of_another(self, active: "AnyRun") -> None:
        wanted = {key: self._request[key] for key in ("name", "id") if self._request[key] is not None}
        if any(getattr(active, key) != value for key, value in wanted.items()) and not active.disabled:
            warnings.warn(
                f"The logger writes to the active run {active.name} ({active.id}), not to a run of its own; "
                "call localart.finish() before to begin one",
                stacklevel=4,
            )

    @property
    def experiment(self) -> "AnyRun":
        """The run; each package's class adds its rule for ranks."""
        return self.open_run()

    @property
    def save_dir(self) -> str | None:
        """Where the Trainer writes its files."""
        return self._save_dir

    @property
    def name(self) -> str | None:
        """The project (W&B's rule); the run's own name is `experiment.name`."""
        project: str | None = self._request["project"]
        return project

    @property
    def version(self) -> str | None:
        """The run's id; None until it has one."""
        asked: str | None = self._request["id"]
        return asked if self._run is None else self._run.id

    # --- logging -----------------------------------------------------------------------------------------

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log one row; `step` is kept beside it as `trainer/global_step`."""
        row = {self._prefixed(key): value for key, value in metrics.items()}
        self.experiment.log(row if step is None else {**row, STEP_METRIC: step})

    def _prefixed(self, key: str) -> str:
        return f"{self._prefix}{self.LOGGER_JOIN_CHAR}{key}" if self._prefix else key

    @rank_zero_only
    def log_hyperparams(
        self, params: dict[str, Any] | Namespace | None = None, *_args: object, **_named: object
    ) -> None:
        """Add settings to the run's config; what JSON cannot hold is kept as text."""
        settings = vars(params) if isinstance(params, Namespace) else params or {}
        self.experiment.config.update(plain_settings(settings), allow_val_change=True)

    @rank_zero_only
    def watch(
        self, model: Any, log: str | None = "gradients", log_freq: int = 100, log_graph: bool = True
    ) -> None:
        """Log the model's gradients or parameters as it trains."""
        self.experiment.watch(model, log=log, log_freq=log_freq, log_graph=log_graph)

    @rank_zero_only
    def unwatch(self, model: Any = None) -> None:
        """Stop watching."""
        self.experiment.unwatch(model)

    @rank_zero_only
    def log_table(
        self,
        key: str,
        columns: list[str] | None = None,
        data: list[list[Any]] | None = None,
        dataframe: Any = None,
        step: int | None = None,
    ) -> None:
        """Log a table, given as columns and rows or as a data frame."""
        table = localart.Table(columns=columns, data=data, dataframe=dataframe)
        self.log_metrics({key: table}, step)

    @rank_zero_only
    def log_text(
        self,
        key: str,
        columns: list[str] | None = None,
        data: list[list[str]] | None = None,
        dataframe: Any = None,
        step: int | None = None,
    ) -> None:
        """Log texts as a table."""
        self.log_table(key, columns, data, dataframe, step)

    @rank_zero_only
    def log_image(self, key: str, images: list[Any], step: int | None = None, **kwargs: list[Any]) -> None:
        """Log images (arrays, tensors, PIL images, paths); `kwargs` hold one value for each, such as `caption`."""
        self.log_metrics({key: _one_each(localart.Image, "images", images, kwargs)}, step)

    @rank_zero_only
    def log_audio(self, key: str, audios: list[Any], step: int | None = None, **kwargs: list[Any]) -> None:
        """Log sounds (arrays, paths); `kwargs` hold one value for each, such as `sample_rate`."""
        self.log_metrics({key: _one_each(localart.Audio, "audios", audios, kwargs)}, step)

    @rank_zero_only
    def log_video(self, key: str, videos: list[Any], step: int | None = None, **kwargs: list[Any]) -> None:
        """Log videos (arrays, paths); `kwargs` hold one value for each, such as `fps`."""
        self.log_metrics({key: _one_each(localart.Video, "videos", videos, kwargs)}, step)

    # --- artifacts ---------------------------------------------------------------------------------------

    def use_artifact(self, artifact: str, artifact_type: str | None = None) -> "Artifact | None":
        """Take a version as an input of the run."""
        used: Artifact | None = self.experiment.use_artifact(artifact, type=artifact_type)
        return used

    @staticmethod
    @rank_zero_only
    def download_artifact(
        artifact: str,
        save_dir: _Path | None = None,
        artifact_type: str | None = None,
        use_artifact: bool | None = True,
    ) -> str:
        """Bring a version's files to `save_dir`; an input of the active run unless `use_artifact` is False."""
        active = localart.run
        if active is not None and use_artifact and not active.disabled:
            found = active.use_artifact(artifact, type=artifact_type)
        else:
            found = localart.Api().artifact(artifact, type=artifact_type)
        folder: str = found.download(root=save_dir)
        return folder

    # --- checkpoints -------------------------------------------------------------------------------------

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Lightning has written a checkpoint, and may delete an older one as soon as this returns."""
        found = announced_checkpoints(checkpoint_callback)
        if self._log_model == "all" or (
            self._log_model and getattr(checkpoint_callback, "save_top_k", None) == -1
        ):
            self._log_checkpoints(found)
        elif self._log_model:
            self._left_for_the_end[str(getattr(checkpoint_callback, "state_key", ""))] = found

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """The Trainer is done: log what was left for the end, or was still being written when it was announced."""
        del status
        if self._run is None:
            return
        for found in [*self._left_for_the_end.values(), ()]:
            self._log_checkpoints(found)
        self._left_for_the_end.clear()

    def _log_checkpoints(self, found: tuple[Checkpoint, ...]) -> None:
        run = self.open_run()
        for checkpoint in self._seen.take_new(found):
            log_model_files(
                run,
                checkpoint.path,
                name=self._checkpoint_name or f"model-{run.id}",
                entry_path=_CHECKPOINT_PATH,
                metadata=checkpoint.metadata,
                aliases=["best"] if checkpoint.is_best else [],
            )


def _one_each(
    make: Callable[..., _Item], what: str, items: list[Any], options: Mapping[str, list[Any]]
) -> list[_Item]:
    """Make one of each item, with its own value of each option."""
    if not isinstance(items, list):
        raise TypeError(f"{what} must be a list, not {type(items).__name__}")
    for name, values in options.items():
        if len(values) != len(items):
            raise ValueError(f"{what} has {len(items)} items, and {name} has {len(values)}")
    return [
        make(item, **{name: values[index] for name, values in options.items()})
        for index, item in enumerate(items)
    ]
