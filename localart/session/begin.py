"""`init`: begin a run, or return the active one."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localart.errors import NotLocalError, UsageError
from localart.jsonable import dump_values
from localart.operations.run_life import begin_run
from localart.repository import Repository
from localart.repository.opening import shared_repository
from localart.runs import Run
from localart.runs.configuration import DEFAULTS_FILE, is_adoptable, read_config
from localart.runs.disabled import DisabledRun
from localart.runs.run import RunWishes
from localart.runs.run_names import new_run_name
from localart.runs.settings import read_given
from localart.runs.surroundings import Wanted
from localart.runs.what_ran import find_git_root, git_facts, machine_facts, program_name
from localart.session.active import AnyRun, current, forget, remember, reporter
from localart.session.asked import Asked, read_asked
from localart.settings import Environment, find_store, read_settings


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
) -> Run:
    """Begin a run, or return the active one.

    `project` groups runs and artifacts; `job_type` names the step of a pipeline; `config` holds settings, also
    those of `config-defaults.yaml` here. `mode="disabled"` keeps nothing. `reinit="create_new"` and
    `"finish_previous"` begin another run. `resume` takes a run up again: "allow" and "must" by `id`, "auto" the last
    one begun so in this folder if it did not end well. `fork_from="id?_step=N"` begins a new run with another's
    history up to that step; `resume_from` takes the run itself back to it (what came later becomes a file of the
    run). `dir` is where the search for a store starts. `settings` is a `Settings` or a dict. `entity`, `force`,
    `anonymous` and the settings of a server are accepted and mean nothing here.

    In disabled mode, the run is of another class that looks the same.
    """
    arguments = locals()
    if tensorboard or sync_tensorboard or monitor_gym:
        _refuse_patching(tensorboard=bool(tensorboard or sync_tensorboard))
    environment = read_settings()
    asked = read_asked(arguments, read_given(settings), environment)
    previous = _previous(asked)
    if previous is not None and not asked.ends_others:
        return _as_run(previous)
    plain, adoptable = _read_configs(
        config, asked, environment, include=config_include_keys, exclude=config_exclude_keys
    )
    if asked.mode == "disabled":
        _finish(previous)
        run: AnyRun = _disabled(asked, {**plain, **adoptable})
    else:
        request = asked.request(plain, _facts(asked, environment))
        _finish(previous)
        run = _begin(asked, environment, request, adoptable)
    if not asked.keeps_others:
        current().active = run
    return _as_run(run)


def _as_run(run: AnyRun) -> Run:
    """Users' type checkers see one class: a DisabledRun has all that a Run has."""
    return run  # type: ignore[return-value]


def _refuse_patching(*, tensorboard: bool) -> None:
    if tensorboard:
        raise NotLocalError(
            "TensorBoard's events are not followed while they are written",
            hint="log the same values with run.log, or keep the folder with run.log_artifact(logdir)",
        )
    raise NotLocalError(
        "Gym's videos are not picked up by themselves",
        hint="log them: run.log({'video': localart.Video(path)})",
    )


def _previous(asked: Asked) -> AnyRun | None:
    """The run that `init()` returns, or finishes, instead of beginning one beside it."""
    active = current().active
    if isinstance(active, Run) and active.is_lost:
        forget(active)
        active = None
    if asked.keeps_others or (isinstance(active, DisabledRun) and (active.ended or asked.mode != "disabled")):
        return None
    return active


def _finish(previous: AnyRun | None) -> None:
    """Only once everything that was asked of the next run was found good."""
    if previous is not None:
        previous.finish()
        current().active = None


def _disabled(asked: Asked, config: dict[str, Any]) -> DisabledRun:
    return DisabledRun(
        project=asked.project,
        name=asked.name or "disabled",
        config=config,
        job_type=asked.job_type,
        group=asked.group,
        settings=asked.settings,
        run_id=asked.run_id,
        notes=asked.notes,
        tags=asked.tags,
        on_finish=forget,
    )


# --- the config --------------------------------------------------------------------------------------------


def _read_configs(
    config: Any,
    asked: Asked,
    environment: Environment,
    *,
    include: Sequence[str] | None,
    exclude: Sequence[str] | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the config files and the argument say together: plain settings, and artifacts that are settings."""
    if include and exclude:
        raise UsageError(
            "config_include_keys and config_exclude_keys exclude each other", hint="give one of them"
        )
    given = {
        key: value
        for key, value in read_config(config).items()
        if (not include or key in include) and (not exclude or key not in exclude)
    }
    whole = {**_from_files(asked, environment), **given}
    adoptable = {key: value for key, value in whole.items() if is_adoptable(value)}
    plain = {key: value for key, value in whole.items() if key not in adoptable}
    dump_values(plain)  # refuses what is too large, before another run is ended for this one
    return plain, adoptable


def _from_files(asked: Asked, environment: Environment) -> dict[str, Any]:
    paths = [*(asked.settings.get("config_paths") or environment.config_paths)]
    if os.path.isfile(DEFAULTS_FILE):  # noqa: PTH113
        paths.insert(0, DEFAULTS_FILE)
    settings: dict[str, Any] = {}
    for path in paths:
        settings |= read_config(path)
    return settings


# --- the run -----------------------------------------------------------------------------------------------


def _begin(asked: Asked, environment: Environment, request: Any, adoptable: Mapping[str, Any]) -> Run:
    repository = _open_repository(asked, environment)
    voice = reporter(silent=asked.silent, no_color=environment.no_color)
    started = begin_run(repository, request, new_run_name)
    wishes = RunWishes(
        settings=asked.settings,
        allow_val_change=asked.allow_val_change,
        console=asked.console,
        gather=_wanted(asked, environment),
        quiet=asked.quiet,
    )
    run = Run(repository, started, voice, on_finish=forget, wishes=wishes)
    run.config.arrange(request.config)
    remember(run)
    if not asked.quiet:
        voice.run_started(name=run.name, run_id=run.id, project=run.project, store=str(repository.root))
    run.begin()
    if adoptable:
        run.config.update(adoptable, allow_val_change=True)
    return run


def _open_repository(asked: Asked, environment: Environment) -> Repository:
    return shared_repository(find_store(environment, asked.start))


def _facts(asked: Asked, environment: Environment) -> dict[str, Any]:
    from localart import __version__

    settings = asked.settings
    facts: dict[str, Any] = {
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "localart": __version__,
        "program": settings.get("program") or program_name(),
    }
    if environment.disable_meta or settings.get("x_disable_meta"):
        return facts
    root = _git_root(asked, environment)
    if root is not None and (git := git_facts(root)):
        facts["git"] = git
    wants_machine = settings.get("x_disable_machine_info")
    if wants_machine is False or (wants_machine is None and environment.machine_info):
        facts |= machine_facts()
    return facts


def _git_root(asked: Asked, environment: Environment) -> Path | None:
    if environment.disable_git or asked.settings.get("disable_git"):
        return None
    try:
        return find_git_root(Path.cwd())
    except OSError:  # the working folder was removed, or those above it may not be looked into
        return None


def _wanted(asked: Asked, environment: Environment) -> Wanted:
    settings = asked.settings
    no_code = environment.disable_code or bool(settings.get("disable_code"))
    if environment.disable_meta or settings.get("x_disable_meta"):
        return Wanted()
    script = Path(sys.argv[0]) if sys.argv and asked.save_code and not no_code else None
    return Wanted(
        git_root=None if no_code else _git_root(asked, environment),
        packages=bool(settings.get("x_save_requirements", environment.save_requirements)),
        script=script.absolute() if script is not None and script.is_file() else None,
        program=program_name(),
    )
