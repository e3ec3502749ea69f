"""What `init` was asked for: its arguments first, then `settings`, then the environment, then defaults."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3

from localart.errors import InvalidName, InvalidSetting, UsageError
from localart.names import check_label, check_project, check_prose, check_run_id, check_run_tag
from localart.operations.branch import Moment, parse_moment
from localart.operations.run_life import RunRequest
from localart.records import dataclass
from localart.runs.run_names import new_run_id
from localart.runs.settings import MODES, REINITS, RESUMES, Settings
from localart.settings import Environment

DEFAULT_PROJECT = "uncategorized"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of `init`, with nothing left open but the run's own name."""

    project: str
    run_id: str | None
    name: str | None
    notes: str | None
    tags: tuple[str, ...]
    group: str | None
    job_type: str | None
    mode: str
    reinit: bool | str | None
    resume: str | None
    fork_from: Moment | None
    rewind_to: Moment | None
    allow_val_change: bool
    silent: bool
    quiet: bool
    console: bool
    save_code: bool
    start: Path | None
    settings: Settings

    @property
    def keeps_others(self) -> bool:
        """Whether the active run stays beside the new one."""
        return self.reinit == "create_new"

    @property
    def ends_others(self) -> bool:
        """Whether the active run is to end first."""
        return self.reinit in {True, "finish_previous"}

    def request(self, config: Mapping[str, Any], facts: Mapping[str, Any]) -> RunRequest:
        """The run this asks for, its names checked."""
        run_id = self.run_id or new_run_id()
        try:
            check_project(self.project)
            check_run_id(run_id)
        except InvalidName as error:
            raise UsageError(error.message, hint=error.hint) from error
        is_auto = self.resume == "auto" and self.run_id is None
        return RunRequest(
            project=self.project,
            id=run_id,
            name=_label(self.name, "Run name"),
            job_type=_label(self.job_type, "Job type"),
            group=_label(self.group, "Group"),
            notes=None if self.notes is None else check_prose(self.notes, "Notes"),
            tags=tuple(check_run_tag(tag) for tag in self.tags),
            config=config,
            facts=facts,
            resume=self.resume,
            auto_place=_place() if is_auto else None,
            fork_from=self.fork_from,
            rewind_to=self.rewind_to,
        )


def _label(text: str | None, what: str) -> str | None:
    return None if text is None else check_label(text, what)


def _place() -> str:
    """Stands for the working folder, without telling its name."""
    return blake3(os.fsencode(Path.cwd())).hexdigest()[:16]


def read_asked(arguments: Mapping[str, Any], given: Settings, environment: Environment) -> Asked:
    """Put the three together; InvalidSetting (a ValueError) for values that cannot be."""

    def chosen(name: str, setting: str, said: Any = None) -> Any:
        for value in (arguments.get(name), given.get(setting)):
            if value is not None and value != "":
                return value
        return said

    if arguments.get("id") == "":
        raise UsageError("A run's id cannot be empty", hint="leave it out to get a new one")
    mode = _one_of("mode", chosen("mode", "mode", environment.mode) or "online", MODES)
    _one_of("reinit", chosen("reinit", "reinit"), (*REINITS, True, False, None))
    fork_from, rewind_to = chosen("fork_from", "fork_from"), chosen("resume_from", "resume_from")
    resume = _resume(chosen("resume", "resume", environment.resume))
    if sum(value is not None for value in (arguments.get("resume") or None, fork_from, rewind_to)) > 1:
        raise InvalidSetting("fork_from, resume and resume_from exclude each other", hint="give one of them")
    start = chosen("dir", "root_dir")
    return Asked(
        project=chosen("project", "project", environment.project) or DEFAULT_PROJECT,
        run_id=chosen("id", "run_id", environment.run_id),
        name=chosen("name", "run_name", environment.name),
        notes=chosen("notes", "run_notes", environment.notes),
        tags=_tags(chosen("tags", "run_tags", environment.tags)),
        group=chosen("group", "run_group", environment.group),
        job_type=chosen("job_type", "run_job_type", environment.job_type),
        mode=mode,
        reinit=chosen("reinit", "reinit"),
        resume=resume,
        fork_from=None if fork_from is None else parse_moment(fork_from),
        rewind_to=None if rewind_to is None else parse_moment(rewind_to),
        allow_val_change=bool(chosen("allow_val_change", "allow_val_change", said=False)),
        silent=bool(given.get("silent", environment.silent)),
        quiet=bool(given.get("quiet", environment.quiet)),
        console=(given.get("console") or environment.console or "auto") != "off",
        save_code=bool(chosen("save_code", "save_code", environment.save_code)),
        start=None if start is None else Path(start).expanduser(),
        settings=given,
    )


def _one_of(what: str, value: Any, choices: Sequence[object]) -> Any:
    if value not in choices:
        words = [choice for choice in choices if isinstance(choice, str)]
        raise InvalidSetting(f"{what} must be one of {', '.join(words[:4])}; not {value!r}")
    return value


def _resume(value: Any) -> str | None:
    if value is None or value is False or value == "":
        return None
    return "auto" if value is True else str(_one_of("resume", value, RESUMES))


def _tags(tags: Any) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags or ())
