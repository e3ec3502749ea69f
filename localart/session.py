"""The active run of this process, and the module-level calls that go to it.

`init()` opens the store the environment and the working directory point to. At the end of the process, runs
that are still active are finished: as failed when an exception ended it, as finished otherwise.
"""

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from localart.errors import InvalidName, LocalartError, NotInitialized, NotLocalError, UsageError
from localart.jsonable import dump_values
from localart.names import check_label, check_project, check_prose, check_run_id, check_run_tag
from localart.operations.run_life import RunRequest, begin_run
from localart.reporter import Reporter
from localart.repository import Repository
from localart.repository.opening import shared_repository
from localart.runs import Run
from localart.runs.configuration import read_config
from localart.runs.disabled import DisabledRun
from localart.runs.run_names import new_run_id, new_run_name
from localart.saving import register_saver
from localart.settings import Settings, find_store, read_settings

if TYPE_CHECKING:
    from localart.artifact import Artifact

DEFAULT_PROJECT = "uncategorized"
MODES = ("online", "offline", "disabled", "shared", "dryrun", "run")
REINITS = ("default", "return_previous", "finish_previous", "create_new")
RESUMES = ("allow", "must", "never", "auto")

AnyRun = Run | DisabledRun


class _Session:
    """What this process has running. `active` is the run that module-level calls go to."""

    def __init__(self) -> None:
        self.active: AnyRun | None = None
        self.running: list[Run] = []
        self.pid = os.getpid()
        self.hooked = False
        self.failure: BaseException | None = None
        self.voice: tuple[object, Reporter] | None = None


_session = _Session()


def _current() -> _Session:
    """This process's session: a forked child starts with none of its parent's runs."""
    global _session  # noqa: PLW0603
    if _session.pid != os.getpid():
        _session = _Session()
    return _session


def active_run() -> AnyRun | None:
    """The run module-level calls go to, or None."""
    return _current().active


def init(
    entity: str | None = None,
    project: str | None = None,
    dir: str | os.PathLike[str] | None = None,  # noqa: A002
    id: str | None = None,  # noqa: A002
    name: str | None = None,
    notes: str | None = None,
    tags: Sequence[str] | None = None,
    config: Any = None,
    config_exclude_keys: Sequence[str] | None = None,
    config_include_keys: Sequence[str] | None = None,
    allow_val_change: bool | None = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    force: bool | None = None,
    reinit: bool | str | None = None,
    resume: bool | str | None = None,
    resume_from: str | None = None,
    fork_from: str | None = None,
    save_code: bool | None = None,
    tensorboard: bool | None = None,
    sync_tensorboard: bool | None = None,
    monitor_gym: bool | None = None,
    settings: Any = None,
    anonymous: str | None = None,
) -> AnyRun:
    """Begin a run, or return the active one.

    `project` groups runs and artifacts; `job_type` names the step of a pipeline; `config` holds settings.
    `mode="disabled"` keeps nothing. `reinit="create_new"` and `"finish_previous"` begin another run. `entity`,
    `force` and the settings of a server are accepted and mean nothing here.
    """
    del entity, dir, force, save_code, tensorboard, sync_tensorboard, monitor_gym, settings, anonymous
    if resume_from or fork_from:
        raise NotLocalError(
            "Runs cannot be forked or rewound yet", hint="use resume='must' to continue a run"
        )
    environment = read_settings()
    mode = mode or environment.mode or "online"
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES[:4])}; not {mode!r}")
    previous = _previous(reinit, mode)
    if previous is not None and reinit not in {True, "finish_previous"}:
        return previous
    plain = _filtered_config(config, config_include_keys, config_exclude_keys)
    if mode == "disabled":
        _finish(previous)
        run: AnyRun = DisabledRun(
            project=project or environment.project or DEFAULT_PROJECT,
            name=name or "disabled",
            config=plain,
            job_type=job_type,
            group=group,
        )
    else:
        request = _request(
            environment, project=project, run_id=id, name=name, notes=notes, tags=tags, group=group,
            job_type=job_type, resume=resume, config=plain,
        )  # fmt: skip
        _finish(previous)
        run = _begin(request, environment, allow_val_change=bool(allow_val_change))
    if reinit != "create_new":
        _current().active = run
    return run


def _previous(reinit: bool | str | None, mode: str) -> AnyRun | None:
    """The run that `init()` returns, or finishes, instead of beginning one beside it."""
    if reinit not in {None, True, False, *REINITS}:
        raise ValueError(f"reinit must be one of {', '.join(REINITS)}; not {reinit!r}")
    active = _current().active
    if isinstance(active, Run) and active.is_lost:
        _forget(active)
        active = None
    if reinit == "create_new" or (isinstance(active, DisabledRun) and (active.ended or mode != "disabled")):
        return None
    return active


def _finish(previous: AnyRun | None) -> None:
    """Only once everything that was asked of the next run was found good."""
    if previous is not None:
        previous.finish()
        _current().active = None


def _filtered_config(
    config: Any, include: Sequence[str] | None, exclude: Sequence[str] | None
) -> dict[str, Any]:
    if include and exclude:
        raise UsageError(
            "config_include_keys and config_exclude_keys exclude each other", hint="give one of them"
        )
    plain = read_config(config) if config is not None else {}
    kept = {
        key: value
        for key, value in plain.items()
        if (not include or key in include) and (not exclude or key not in exclude)
    }
    dump_values(kept)  # refuses what is too large, before another run is ended for this one
    return kept


def _request(
    environment: Settings,
    *,
    project: str | None,
    run_id: str | None,
    name: str | None,
    notes: str | None,
    tags: Sequence[str] | None,
    group: str | None,
    job_type: str | None,
    resume: bool | str | None,
    config: Mapping[str, Any],
) -> RunRequest:
    project = project or environment.project or DEFAULT_PROJECT
    run_id = run_id or environment.run_id or new_run_id()
    try:
        check_project(project)
        check_run_id(run_id)
    except InvalidName as error:
        raise UsageError(error.message, hint=error.hint) from error
    resume = "auto" if resume is True else resume or environment.resume
    if resume is not None and resume not in RESUMES:
        raise ValueError(f"resume must be one of {', '.join(RESUMES)}; not {resume!r}")
    wanted = (tags,) if isinstance(tags, str) else tags
    name = name or environment.name
    notes = notes or environment.notes
    return RunRequest(
        project=project,
        id=run_id,
        name=None if name is None else check_label(name, "Run name"),
        job_type=_label(job_type or environment.job_type, "Job type"),
        group=_label(group or environment.group, "Group"),
        notes=None if notes is None else check_prose(notes, "Notes"),
        tags=tuple(check_run_tag(tag) for tag in (wanted or environment.tags)),
        config=config,
        facts={"python": sys.version.split()[0], "program": _program()},
        resume=resume,
    )


def _program() -> str:
    """The script's name; one that is no UTF-8 is shown by its codes."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    return name.encode("utf-8", "backslashreplace").decode()


def _label(text: str | None, what: str) -> str | None:
    return None if text is None else check_label(text, what)


def _begin(request: RunRequest, environment: Settings, *, allow_val_change: bool) -> Run:
    repository = _open_repository(environment)
    reporter = _reporter(environment)
    started = begin_run(repository, request, new_run_name)
    run = Run(repository, started, reporter, on_finish=_forget, allow_val_change=allow_val_change)
    session = _current()
    session.running.append(run)
    if not session.hooked:
        session.hooked = True
        atexit.register(finish_all)
        _watch_for_failure()
    reporter.run_started(name=run.name, run_id=run.id, project=run.project, store=str(repository.root))
    return run


def _reporter(environment: Settings) -> Reporter:
    """One voice for all runs of the process, so that it does not repeat itself."""
    session = _current()
    wanted = (environment.silent, environment.no_color, sys.stderr)
    if session.voice is None or session.voice[0] != wanted:
        voice = Reporter(silent=environment.silent, no_color=environment.no_color)
        session.voice = (wanted, voice)
    return session.voice[1]


def _open_repository(environment: Settings) -> Repository:
    return shared_repository(find_store(environment))


def _forget(run: Run) -> None:
    session = _current()
    if run in session.running:
        session.running.remove(run)
    if session.active is run:
        session.active = None


# --- the end of the process ------------------------------------------------------------------------------


def _watch_for_failure() -> None:
    """Remember the exception that ends the process, so that its runs are marked as failed."""
    show = sys.excepthook

    def remember(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _current().failure = error
        show(kind, error, trace)

    sys.excepthook = remember


def finish_all() -> None:
    """Finish every run of this process: as failed when an exception is ending it."""
    session = _current()
    for run in list(session.running):
        try:
            if session.failure is not None:
                run.fail(session.failure)
            else:
                run.finish()
        except (
            LocalartError
        ) as trouble:  # the others are to end all the same; this one will be marked as crashed
            voice = _reporter(read_settings())
            voice.warn(f"run {run.name} could not be ended: {trouble.message}", hint=trouble.hint)


# --- module-level calls ------------------------------------------------------------------------------------


def need_run(what: str) -> AnyRun:
    """The active run, or the error that says how to get one."""
    run = _current().active
    if run is None:
        raise NotInitialized(f"localart.{what} needs a run", hint="call localart.init() first")
    return run


def log(data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
    """`Run.log` of the active run."""
    need_run("log").log(data, step=step, commit=commit)


def log_artifact(artifact_or_path: Any, *args: Any, **named: Any) -> "Artifact":
    """`Run.log_artifact` of the active run."""
    logged: Artifact = need_run("log_artifact").log_artifact(artifact_or_path, *args, **named)
    return logged


def use_artifact(artifact_or_name: Any, *args: Any, **named: Any) -> "Artifact | None":
    """`Run.use_artifact` of the active run (None from a disabled one)."""
    used: Artifact | None = need_run("use_artifact").use_artifact(artifact_or_name, *args, **named)
    return used


def save(glob_str: str | os.PathLike[str], *args: Any, **named: Any) -> list[str]:
    """`Run.save` of the active run."""
    return need_run("save").save(glob_str, *args, **named)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """Finish the active run, if there is one."""
    run = _current().active
    if run is not None:
        run.finish(exit_code, quiet)
    _current().active = None


def login(*_args: object, **_named: object) -> bool:
    """Nobody has to log in to a folder: True."""
    return True


class NotYet:
    """Stands for `localart.config` and `localart.summary` before `init()`: any use says what to do."""

    __slots__ = ("_what",)

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


def active_config() -> Any:
    """`localart.config`: the active run's config."""
    run = _current().active
    return NotYet("config") if run is None else run.config


def active_summary() -> Any:
    """`localart.summary`: the active run's summary."""
    run = _current().active
    return NotYet("summary") if run is None else run.summary


def _save_draft(artifact: "Artifact", project: str | None) -> None:
    """Log a draft that is saved by itself: in the active run, or in one made for it."""
    run = _current().active
    if isinstance(run, Run) and project in {None, run.project}:
        run.log_artifact(artifact)
        return
    with init(project=project, job_type="auto", reinit="create_new") as own:
        own.log_artifact(artifact)


register_saver(_save_draft)
