"""What a run logs besides artifacts: values, alerts, text and files of its own."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TextIO

from localart.runs.alerts import AlertLevel, Alerts
from localart.runs.console import Console
from localart.runs.metric_rules import Metric, MetricRules, check_metric
from localart.runs.restoring import find_run, restore_file
from localart.runs.run_artifacts import RunArtifacts
from localart.runs.watching import Watcher


class RunLogging(RunArtifacts):
    """The part of a `Run` that is its values over time, and the files it keeps without versions."""

    _finished: bool
    _rules: MetricRules
    _alerts: Alerts
    _watcher: Watcher
    _console: Console

    # --- values ------------------------------------------------------------------------------------------

    def log(
        self,
        data: Mapping[str, Any],
        step: int | None = None,
        commit: bool | None = None,
    ) -> None:
        """Log numbers, text and media under their names; at `step`, or at the next one."""
        self._refuse_finished("log")
        kept = self._history.log(data, step, commit=commit)
        if kept is not None:
            self.summary.merge_logged(kept)

    def _log_beside(self, data: Mapping[str, Any]) -> None:
        """Add to the current step, unless the run is over: what hooks call."""
        if not self._finished:
            self.log(data, commit=False)

    def define_metric(
        self,
        name: str,
        step_metric: str | Metric | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        overwrite: bool | None = None,
        goal: str | None = None,
    ) -> Metric:
        """Say how a metric (or all that match `prefix*`) is counted, and what the summary takes of it.

        `summary` is some of min, max, mean, best (by `goal`), last, first, copy, none, with commas between. The rule
        is kept with the run, and holds for what is logged from now on, with regard to all that was.
        """
        self._refuse_finished("define_metric")
        metric = check_metric(name, step_metric, step_sync, hidden, summary, goal, overwrite)
        self._rules.define(metric, overwrite=bool(overwrite))
        return metric

    def watch(
        self,
        models: Any,
        criterion: Any = None,
        log: str | None = "gradients",
        log_freq: int = 1000,
        idx: int | None = None,
        log_graph: bool = False,
    ) -> None:
        """Log histograms of a PyTorch model's gradients, parameters or both every `log_freq` batches."""
        del criterion
        self._refuse_finished("watch")
        self._watcher.watch(models, log=log, log_freq=log_freq, idx=idx, log_graph=log_graph)

    def unwatch(self, models: Any = None) -> None:
        """Stop watching these models, or all."""
        self._watcher.unwatch(models)

    def alert(
        self,
        title: str,
        text: str,
        level: str | AlertLevel | None = None,
        wait_duration: float | timedelta | None = None,
    ) -> None:
        """Keep an alert with the run and say it on stderr; one of a title at most once in `wait_duration` seconds."""
        self._refuse_finished("alert")
        self._alerts.send(title, text, level, wait_duration)

    def write_logs(self, text: str) -> None:
        """Add text to what the run printed."""
        self._refuse_finished("write_logs")
        self._console.take(text)

    # --- files -------------------------------------------------------------------------------------------

    def save(
        self,
        glob_str: str | os.PathLike[str],
        base_path: str | os.PathLike[str] | None = None,
        policy: str = "live",
        glob: bool = True,
    ) -> list[str]:
        """Keep files with the run (unlike an artifact, without versions); their paths below `dir`.

        `live` and `end` take them in again when the run ends; `now` does not.
        """
        self._refuse_finished("save")
        return self._files.save(glob_str, base_path, policy, is_glob=glob)

    def restore(
        self,
        name: str,
        run_path: str | None = None,
        replace: bool = False,
        root: str | os.PathLike[str] | None = None,
    ) -> TextIO | None:
        """Put a file that this run or another one kept below `root` (`dir`) and open it; None when there is none."""
        origin = (
            self._record
            if run_path is None
            else find_run(self._repository, run_path, project=self._record.project)
        )
        return restore_file(self._repository, origin, name, root=root or self.dir, replace=replace)
