"""Optuna's studies, logged to runs, and a place for the files of their trials.

study.optimize(objective, callbacks=[LocalartCallback("accuracy")])
optuna.artifacts.upload_artifact(artifact_store=LocalartArtifactStore(), file_path=…, study_or_trial=trial)
"""

import functools
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from optuna.artifacts.exceptions import ArtifactNotFound

import localart
from localart.errors import CommError, UsageError
from localart.integration.plain_values import plain_settings

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

    from localart.artifact import Artifact
    from localart.session import AnyRun

_Result = TypeVar("_Result")


class LocalartCallback:
    """Logs each finished trial: its parameters, its values as `metric_name`, and its number.

    All trials go to the active run (one is begun, with `run_kwargs`, when there is none); with `as_multirun` each
    gets a run of its own, tagged with the study's name and finished with the trial. Decorate the objective with
    `track()` to log from inside it. A trial that failed or was pruned has no values; its state is logged. May be
    called from several threads; trials are logged in the order in which they end.
    """

    def __init__(
        self,
        metric_name: str | Sequence[str] = "value",
        run_kwargs: Mapping[str, Any] | None = None,
        as_multirun: bool = False,
    ) -> None:
        self._metric_name = metric_name
        self._run_kwargs = dict(run_kwargs or {})
        self._as_multirun = as_multirun
        self._own: dict[int, AnyRun] = {}
        if not as_multirun and localart.run is None:
            localart.init(**self._run_kwargs)

    def __call__(self, study: "Study", trial: "FrozenTrial") -> None:
        """Log the trial."""
        facts = {"direction": [direction.name for direction in study.directions]}
        row = {**trial.params, **self._values(trial), "trial_number": trial.number, "state": trial.state.name}
        run = self._run_of(trial)
        run.log(plain_settings(row))
        if not self._as_multirun:
            run.config.update(facts, allow_val_change=True)
            return
        run.config.update(plain_settings({**facts, **trial.params}), allow_val_change=True)
        run.tags = (*run.tags, study.study_name)
        run.finish()
        self._own.pop(trial.number, None)

    def _values(self, trial: "FrozenTrial") -> dict[str, float]:
        values = trial.values or []
        names = self._metric_name
        if isinstance(names, str):
            named = [names] if len(values) == 1 else [f"{names}_{index}" for index in range(len(values))]
        else:
            named = list(names)
        if values and len(named) != len(values):
            raise UsageError(
                f"The study has {len(values)} values, and metric_name has {len(named)} names",
                hint="give one name for each value",
            )
        return dict(zip(named, values, strict=False))

    def _run_of(self, trial: "FrozenTrial | Trial") -> "AnyRun":
        active = localart.run
        if not self._as_multirun:
            return active or localart.init(**self._run_kwargs)
        if trial.number not in self._own:
            # A run that somebody else began goes on beside it.
            beside = {} if active is None else {"reinit": "create_new"}
            run = localart.init(**{**self._run_kwargs, **beside})
            run.name = f"trial/{trial.number}/{run.name}"
            self._own[trial.number] = run
        return self._own[trial.number]

    def track(self) -> "Callable[[Callable[[Trial], _Result]], Callable[[Trial], _Result]]":
        """Decorate an objective, so that its trial's run is there when it logs."""

        def decorate(objective: "Callable[[Trial], _Result]") -> "Callable[[Trial], _Result]":
            @functools.wraps(objective)
            def tracked(trial: "Trial") -> _Result:
                self._run_of(trial)
                return objective(trial)

            return tracked

        return decorate

    track_in_wandb = track


class WeightsAndBiasesCallback(LocalartCallback):
    """The same under the name and with the arguments that Optuna gives W&B's callback."""

    def __init__(
        self,
        metric_name: str | Sequence[str] = "value",
        wandb_kwargs: Mapping[str, Any] | None = None,
        as_multirun: bool = False,
    ) -> None:
        super().__init__(metric_name, wandb_kwargs, as_multirun)


class LocalartArtifactStore:
    """An Optuna artifact store: each file is a version of `project/name`, whose alias is Optuna's id for it.

    What was written survives the death of the process. Versions are outputs of the active run when it is in
    `project`, else of a run that the store begins for itself; `close()`, or the end of the process, finishes it. May
    be used from several threads and processes.
    """

    def __init__(self, project: str = "optuna", name: str = "optuna-artifacts") -> None:
        self._project = project
        self._name = name
        self._guard = threading.Lock()
        self._own: AnyRun | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_project": self._project, "_name": self._name}

    def __setstate__(self, state: Mapping[str, str]) -> None:
        LocalartArtifactStore.__init__(self, state["_project"], state["_name"])

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open the file, whose bytes were verified; optuna's `ArtifactNotFound` when there is none."""
        found = self._find(artifact_id)
        with tempfile.TemporaryDirectory() as folder:
            path = found.get_entry(artifact_id).download(folder)
            return open(path, "rb")  # stays readable when the folder is gone

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store the stream's bytes; durable when it returns."""
        # The id is the path too, so that equal files of two trials are two versions (of bytes stored once).
        artifact = localart.Artifact(self._name, "optuna", metadata={"artifact_id": artifact_id})
        with artifact.new_file(artifact_id, mode="wb") as file:
            shutil.copyfileobj(content_body, file)
        self._writer().log_artifact(artifact, aliases=[artifact_id])

    def remove(self, artifact_id: str) -> None:
        """Delete the version; `ArtifactNotFound` when there is none."""
        self._find(artifact_id).delete(delete_aliases=True)

    def close(self) -> None:
        """Finish the run the store began for itself, if it did."""
        with self._guard:
            if self._own is not None:
                self._own.finish()
            self._own = None

    def _find(self, artifact_id: str) -> "Artifact":
        try:
            return localart.Api().artifact(f"{self._project}/{self._name}:{artifact_id}")
        except CommError as error:
            raise ArtifactNotFound(
                f"There is no file {artifact_id!r} in {self._project}/{self._name}"
            ) from error

    def _writer(self) -> "AnyRun":
        active = localart.run
        if active is not None and active.project == self._project:
            return active
        with self._guard:
            if self._own is None:
                self._own = localart.init(project=self._project, job_type="optuna", reinit="create_new")
            return self._own
