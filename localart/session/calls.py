"""The module-level calls: each goes to the active run."""

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from localart.errors import UnsupportedError
from localart.names import shown
from localart.runs import Run
from localart.runs.alerts import AlertLevel
from localart.runs.metric_rules import Metric
from localart.runs.restoring import find_run, restore_file
from localart.saving import register_saver
from localart.session.active import active_run, current, default_reporter, finish_all, need_run
from localart.session.begin import init

if TYPE_CHECKING:
    from localart.artifact import Artifact


def log(data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
    """`Run.log` of the active run."""
    need_run("log").log(data, step=step, commit=commit)


def log_artifact(
    artifact_or_path: "Artifact | str | os.PathLike[str]",
    name: str | None = None,
    type: str | None = None,  # noqa: A002
    aliases: str | Sequence[str] | None = None,
    tags: str | Sequence[str] | None = None,
) -> "Artifact":
    """`Run.log_artifact` of the active run."""
    return need_run("log_artifact").log_artifact(artifact_or_path, name, type, aliases, tags)


def use_artifact(
    artifact_or_name: "Artifact | str",
    type: str | None = None,  # noqa: A002
    aliases: Sequence[str] | None = None,
    use_as: str | None = None,
) -> "Artifact":
    """`Run.use_artifact` of the active run (None from a disabled one)."""
    return need_run("use_artifact").use_artifact(artifact_or_name, type, aliases, use_as)


def link_artifact(
    artifact: "Artifact", target_path: str, aliases: str | Sequence[str] | None = None
) -> "Artifact":
    """`Run.link_artifact` of the active run."""
    return need_run("link_artifact").link_artifact(artifact, target_path, aliases)


def upsert_artifact(artifact_or_path: "Artifact | str", *args: Any, **named: Any) -> "Artifact":
    """`Run.upsert_artifact` of the active run."""
    return need_run("upsert_artifact").upsert_artifact(artifact_or_path, *args, **named)


def finish_artifact(artifact_or_path: "Artifact | str", *args: Any, **named: Any) -> "Artifact":
    """`Run.finish_artifact` of the active run."""
    return need_run("finish_artifact").finish_artifact(artifact_or_path, *args, **named)


def log_model(
    path: str | os.PathLike[str], name: str | None = None, aliases: str | Sequence[str] | None = None
) -> None:
    """`Run.log_model` of the active run."""
    need_run("log_model").log_model(path, name, aliases)


def use_model(name: str) -> str:
    """`Run.use_model` of the active run."""
    return need_run("use_model").use_model(name)


def link_model(
    path: str | os.PathLike[str],
    registered_model_name: str,
    name: str | None = None,
    aliases: str | Sequence[str] | None = None,
) -> "Artifact | None":
    """`Run.link_model` of the active run."""
    return need_run("link_model").link_model(path, registered_model_name, name, aliases)


def log_code(root: str | None = ".", *args: Any, **named: Any) -> "Artifact | None":
    """`Run.log_code` of the active run."""
    return need_run("log_code").log_code(root, *args, **named)


def save(
    glob_str: str | os.PathLike[str],
    base_path: str | os.PathLike[str] | None = None,
    policy: str = "live",
    glob: bool = True,
) -> list[str]:
    """`Run.save` of the active run."""
    return need_run("save").save(glob_str, base_path, policy, glob)


def restore(
    name: str,
    run_path: str | None = None,
    replace: bool = False,
    root: str | os.PathLike[str] | None = None,
) -> TextIO | None:
    """`Run.restore` of the active run; without one, from the run at `run_path` into the working folder."""
    run = active_run()
    if run is not None:
        file: TextIO | None = run.restore(name, run_path, replace, root)
        return file
    if run_path is None:
        raise ValueError("run_path required when calling restore before init (for example 'project/run-id')")
    from localart.repository.opening import default_repository

    repository = default_repository(create=False)
    origin = find_run(repository, run_path, project=None)
    return restore_file(repository, origin, name, root=root or Path.cwd(), replace=replace)


def define_metric(
    name: str,
    step_metric: str | Metric | None = None,
    step_sync: bool | None = None,
    hidden: bool | None = None,
    summary: str | None = None,
    overwrite: bool | None = None,
    goal: str | None = None,
) -> Metric:
    """`Run.define_metric` of the active run."""
    return need_run("define_metric").define_metric(
        name, step_metric, step_sync, hidden, summary, overwrite, goal
    )


def alert(
    title: str,
    text: str,
    level: str | AlertLevel | None = None,
    wait_duration: float | timedelta | None = None,
) -> None:
    """`Run.alert` of the active run."""
    need_run("alert").alert(title, text, level, wait_duration)


def watch(
    models: Any,
    criterion: Any = None,
    log: str | None = "gradients",
    log_freq: int = 1000,
    idx: int | None = None,
    log_graph: bool = False,
) -> None:
    """`Run.watch` of the active run."""
    need_run("watch").watch(models, criterion, log, log_freq, idx, log_graph)


def unwatch(models: Any = None) -> None:
    """`Run.unwatch` of the active run."""
    need_run("unwatch").unwatch(models)


def mark_preempting() -> None:
    """`Run.mark_preempting` of the active run."""
    need_run("mark_preempting").mark_preempting()


def pin_config_keys(keys: Sequence[str] = ()) -> None:
    """`Run.pin_config_keys` of the active run."""
    need_run("pin_config_keys").pin_config_keys(keys)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """Finish the active run, if there is one."""
    run = active_run()
    if run is not None:
        run.finish(exit_code, quiet)
    current().active = None


def join(exit_code: int | None = None) -> None:
    """`finish`, as older code calls it."""
    finish(exit_code)


# --- what W&B's process would do -----------------------------------------------------------------------------


def login(*_args: object, **_named: object) -> bool:
    """Nobody has to log in to a folder: True."""
    return True


def setup(settings: object = None) -> None:
    """Nothing to set up: there is no process beside this one."""
    del settings


def teardown(exit_code: int | None = None) -> None:
    """Finish every run of this process."""
    del exit_code
    finish_all()
    current().active = None


_KNOWN_FEATURES = {"require", "service", "core", "legacy-service", "report-editing", "beta", "experimental"}


def require(
    requirement: str | Iterable[str] | None = None, experiment: str | Iterable[str] | None = None
) -> None:
    """Accept the features W&B once had to be asked for; UnsupportedError for what never was one."""
    wanted = requirement or experiment or ()
    for feature in [wanted] if isinstance(wanted, str) else wanted:
        if feature.partition("@")[0].partition(":")[0] not in _KNOWN_FEATURES:
            raise UnsupportedError(
                f"There is no feature {shown(feature)} to require", hint="leave the call out"
            )


def termlog(string: str = "", newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Say a line on stderr, as localart does itself."""
    del newline, prefix
    default_reporter().say(string, repeat=repeat)


def termwarn(string: str, **named: Any) -> None:
    """Say a warning on stderr."""
    default_reporter().say(string, level="warning", repeat=bool(named.get("repeat", True)))


def termerror(string: str, **named: Any) -> None:
    """Say an error on stderr."""
    default_reporter().say(string, level="error", repeat=bool(named.get("repeat", True)))


# --- the active run's config and summary ---------------------------------------------------------------------


class NotYet:
    """Stands for `localart.config` and `localart.summary` before `init()`: any use says what to do."""

    __slots__ = ("_what",)
    _what: str

    def __init__(self, what: str) -> None:
        object.__setattr__(self, "_what", what)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return need_run(f"{self._what}.{name}")

    def __setattr__(self, name: str, value: object) -> None:
        need_run(f"{self._what}.{name}")

    def __getitem__(self, key: str) -> Any:
        return need_run(f"{self._what}[{key!r}]")

    def __setitem__(self, key: str, value: object) -> None:
        need_run(f"{self._what}[{key!r}]")

    def __contains__(self, key: str) -> bool:
        need_run(self._what)
        return False


def active_config() -> Any:
    """`localart.config`: the active run's config."""
    run = active_run()
    return NotYet("config") if run is None else run.config


def active_summary() -> Any:
    """`localart.summary`: the active run's summary."""
    run = active_run()
    return NotYet("summary") if run is None else run.summary


def _save_draft(artifact: "Artifact", project: str | None) -> None:
    """Log a draft that is saved by itself: in the active run, or in one made for it."""
    run = active_run()
    if isinstance(run, Run) and project in {None, run.project}:
        run.log_artifact(artifact)
        return
    with init(project=project, job_type="auto", reinit="create_new") as own:
        own.log_artifact(artifact)


register_saver(_save_draft)
