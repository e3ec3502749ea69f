"""`Run`: what users hold while their code runs. It only delegates."""

import os
import re
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from localart.catalog import metrics, versions
from localart.errors import (
    CommError,
    InvalidName,
    LocalartError,
    SourceMissing,
    StoreNotFound,
    UsageError,
)
from localart.files.uri import is_file_uri
from localart.jsonable import normalise_metadata
from localart.model import RunRecord, RunState, VersionRecord
from localart.names import (
    check_alias,
    check_artifact_name,
    check_label,
    check_prose,
    check_run_tag,
    check_tag,
    parse_address,
    shown,
)
from localart.operations.run_life import StartedRun, end_run, retag_run, update_run
from localart.reporter import Reporter
from localart.repository import Repository
from localart.runs.configuration import Config
from localart.runs.files import RunFiles
from localart.runs.history import History
from localart.runs.summary_values import Summary

if TYPE_CHECKING:
    from localart.artifact import Artifact

_REFERENCE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://")


class Run:
    """A running run, made by `init()`. After `finish()` it can only be read.

    `with` finishes it; an exception in the body marks it as failed and goes on. A `with` around a run that is
    already inside one (a second `init()` of the same run) leaves it running. Metrics survive the death of the
    process as soon as `log` returns; a run whose process died is marked as crashed by the next one.
    """

    def __init__(
        self,
        repository: Repository,
        started: StartedRun,
        reporter: Reporter,
        *,
        on_finish: "Callable[[Run], None]",
        allow_val_change: bool = False,
    ) -> None:
        self._repository = repository
        self._record = started.run
        self._lock = started.lock
        self._reporter = reporter
        self._on_finish = on_finish
        self._guard = threading.RLock()
        self._pid = os.getpid()
        self._depth = 0
        self._finished = False
        self._began = time.monotonic()
        self._outputs: dict[str, None] = {}
        self.resumed = started.resumed
        last = metrics.last_step(repository.read(), started.run.key)
        self.starting_step = 0 if last is None else last + 1
        self._files = RunFiles(repository, started.run)
        self._history = History(repository, started.run, self._files, reporter, first_step=self.starting_step)
        self.config = Config(
            started.run.config, on_change=self._save_config, allow_val_change=allow_val_change
        )
        self.summary = Summary(started.run.summary, on_change=self._save_summary)

    def __repr__(self) -> str:
        return f"<Run {self._record.project}/{self._record.id} ({self._record.name}, {self._record.state})>"

    # --- what it is ------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The short id, unique in its project."""
        return self._record.id

    @property
    def name(self) -> str:
        """The display name, such as `sunny-otter-7`; may be set."""
        return self._record.name

    @name.setter
    def name(self, name: str) -> None:
        self._change(name=check_label(name, "Run name"))

    @property
    def project(self) -> str:
        """The project it belongs to."""
        return self._record.project

    @property
    def entity(self) -> str:
        """Always empty: there is no server that has users."""
        return ""

    @property
    def path(self) -> str:
        """`project/id`."""
        return f"{self._record.project}/{self._record.id}"

    @property
    def url(self) -> None:
        """None: there is no server."""
        return

    @property
    def job_type(self) -> str | None:
        """The step of the pipeline it is."""
        return self._record.job_type

    @property
    def group(self) -> str | None:
        """The group it belongs to."""
        return self._record.group

    @property
    def notes(self) -> str | None:
        """Free text; may be set."""
        return self._record.notes

    @notes.setter
    def notes(self, notes: str | None) -> None:
        self._change(notes=None if notes is None else check_prose(notes, "Notes"))

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags; may be set."""
        return self._record.tags

    @tags.setter
    def tags(self, tags: str | Sequence[str]) -> None:
        self._refuse_finished("tags")
        retag_run(self._repository, self._record, [check_run_tag(tag) for tag in _texts(tags)])
        self._reload()

    @property
    def dir(self) -> str:
        """A folder whose files are kept with the run when it ends."""
        return self._files.make_folder()

    @property
    def step(self) -> int:
        """The step the next `log` writes to."""
        return self._history.step

    @property
    def start_time(self) -> str:
        """When it began, ISO-8601 UTC."""
        return self._record.created_at

    @property
    def disabled(self) -> bool:
        """False: this run is kept."""
        return False

    @property
    def record(self) -> RunRecord:
        """What the catalog knows of it."""
        return self._record

    @property
    def is_lost(self) -> bool:
        """Whether its store was removed or replaced: nothing can be logged, and it cannot be finished."""
        try:
            self._repository.catalog.refuse_gone()
        except StoreNotFound:
            return True
        return False

    # --- logging -----------------------------------------------------------------------------------------

    def log(
        self,
        data: Mapping[str, Any],
        step: int | None = None,
        commit: bool | None = None,
    ) -> None:
        """Log numbers, text and media under their names; at `step`, or at the next one."""
        self._refuse_finished("log")
        plain = self._history.log(data, step, commit=commit)
        if plain is not None:
            self.summary.merge_logged(plain)

    def save(
        self,
        glob_str: str | os.PathLike[str],
        base_path: str | os.PathLike[str] | None = None,
        policy: str = "live",
        glob: bool = True,
    ) -> list[str]:
        """Keep files with the run (unlike an artifact, without versions); their paths below `dir`."""
        self._refuse_finished("save")
        return self._files.save(glob_str, base_path, policy, is_glob=glob)

    # --- artifacts ---------------------------------------------------------------------------------------

    def log_artifact(
        self,
        artifact_or_path: "Artifact | str | os.PathLike[str]",
        name: str | None = None,
        type: str | None = None,  # noqa: A002
        aliases: str | Sequence[str] | None = None,
        tags: str | Sequence[str] | None = None,
    ) -> "Artifact":
        """Log an artifact (or a file, folder or `scheme://` reference) as an output; committed on return."""
        from localart.operations.log import Label, log_version

        self._refuse_finished("log_artifact")
        wanted = tuple(check_alias(alias) for alias in _texts(aliases))
        labels = tuple(check_tag(tag) for tag in _texts(tags))
        artifact = self._as_artifact(artifact_or_path, name, type)
        if not artifact.is_draft():
            return self._relog(artifact, wanted, labels)
        label = Label(
            project=self.project,
            name=artifact.name,
            type=artifact.type,
            description=artifact.description,
            metadata=normalise_metadata(artifact.metadata),
            aliases=wanted,
            tags=labels,
        )
        report = log_version(self._repository, artifact.draft, label, run=self._record)
        artifact.become(self._repository, report.version)
        self._outputs[report.version.label] = None
        if not report.is_new:
            self._reporter.already_stored(label=report.version.label)
        return artifact

    def _relog(self, artifact: "Artifact", aliases: tuple[str, ...], tags: tuple[str, ...]) -> "Artifact":
        from localart.operations.log import relog_version

        version = relog_version(
            self._repository, artifact.version_record, run=self._record, aliases=aliases, tags=tags
        )
        artifact.become(self._repository, version)
        self._outputs[version.label] = None
        return artifact

    def _as_artifact(self, given: Any, name: str | None, kind: str | None) -> "Artifact":
        from localart.artifact import Artifact

        if isinstance(given, Artifact):
            return given
        if not isinstance(given, str | os.PathLike):
            raise TypeError(f"log_artifact takes an Artifact or a path, not {type(given).__name__}")
        text = os.fspath(given)
        is_reference = _REFERENCE.match(text) is not None
        if not is_reference and not os.path.isdir(text) and not os.path.isfile(text):  # noqa: PTH112, PTH113
            raise SourceMissing(f"{shown(text)} is neither a file nor a folder", hint="check the path")
        base = _last_name(text) if is_reference else Path(text).name
        artifact = Artifact(name or self._name_for(base), kind or "unspecified")
        if is_reference:
            artifact.add_reference(text)
        elif os.path.isdir(text):  # noqa: PTH112
            artifact.add_dir(text)
        else:
            artifact.add_file(text)
        return artifact

    def _name_for(self, base: str) -> str:
        try:
            return check_artifact_name(f"run-{self.id}-{base}")
        except InvalidName as error:
            raise InvalidName(
                f"{shown(base)} cannot be part of an artifact's name", hint="pass name='…' to log it"
            ) from error

    def use_artifact(
        self,
        artifact_or_name: "Artifact | str",
        type: str | None = None,  # noqa: A002
        aliases: Sequence[str] | None = None,
        use_as: str | None = None,
    ) -> "Artifact":
        """Take a version as an input: `name`, `name:alias`, `name:vN`, `project/name:alias` or an Artifact."""
        from localart.artifact import Artifact
        from localart.operations.use import use_version

        self._refuse_finished("use_artifact")
        if use_as is not None:
            check_label(use_as, "use_as")
        if isinstance(artifact_or_name, Artifact):
            artifact = artifact_or_name
            if artifact.is_draft():
                self.log_artifact(artifact, aliases=aliases)
            version = artifact.version_record
        else:
            version, selector = self._find(artifact_or_name, type)
            artifact = Artifact.from_version(self._repository, version, selector=selector)
        use_version(self._repository, version, run=self._record, used_as=use_as)
        return artifact

    def _find(self, name: str, kind: str | None) -> tuple[VersionRecord, str]:
        from localart.operations.resolve import resolve_version

        try:
            selector = parse_address(name).selector
        except InvalidName as error:
            raise CommError(error.message, hint=error.hint) from error
        return resolve_version(self._repository, name, project=self.project, kind=kind), selector

    def logged_artifacts(self) -> "list[Artifact]":
        """The versions it made, in order."""
        return self._linked("output")

    def used_artifacts(self) -> "list[Artifact]":
        """The versions it used, in order."""
        return self._linked("input")

    def _linked(self, direction: str) -> "list[Artifact]":
        from localart.artifact import Artifact

        found = versions.linked_versions(self._repository.read(), self._record.key, direction)
        return [Artifact.from_version(self._repository, version) for version in found]

    # --- the end -----------------------------------------------------------------------------------------

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: exit code 0 is finished, any other failed. A second time does nothing."""
        del quiet
        self._end(RunState.FAILED if exit_code else RunState.FINISHED, exit_code or 0, None)

    def fail(self, error: BaseException) -> None:
        """End the run because of `error`; its traceback is kept."""
        text = "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace").decode()
        interrupted = isinstance(error, KeyboardInterrupt)
        self._end(RunState.KILLED if interrupted else RunState.FAILED, 255 if interrupted else 1, text)

    def _end(self, state: RunState, exit_code: int, error: str | None) -> None:
        if self._pid != os.getpid():  # a forked child: the run is its parent's to end
            return
        with self._guard:
            if self._finished:
                return
            self._history.close()
            for problem in self._files.close():
                self._reporter.warn(problem)
            self._record = end_run(
                self._repository,
                self._record,
                state=state,
                exit_code=exit_code,
                error=error,
                config=self.config.as_dict(),
                summary=self.summary.as_dict(),
            )
            self._finished = True
            self._lock.remove()
        self._on_finish(self)
        self._reporter.run_finished(
            name=self.name,
            run_id=self.id,
            state=state.value,
            seconds=time.monotonic() - self._began,
            outputs=list(self._outputs),
        )

    def __enter__(self) -> Self:
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth > 0:
            return
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.finish()
            return
        try:
            self.fail(error)
        except LocalartError as trouble:  # the body's own error is the one to see
            self._reporter.warn(f"run {self.name} could not be ended: {trouble.message}", hint=trouble.hint)

    # --- inside ------------------------------------------------------------------------------------------

    def _refuse_finished(self, what: str) -> None:
        if self._finished:
            raise UsageError(
                f"Run {self.id} is finished; it cannot {what} any more", hint="start one with init()"
            )

    def _change(self, **columns: Any) -> None:
        self._refuse_finished("change")
        update_run(self._repository, self._record, columns)
        self._reload()

    def _save_config(self, config: dict[str, Any]) -> None:
        self._change(config=config)

    def _save_summary(self, summary: dict[str, Any]) -> None:
        self._change(summary=summary)

    def _reload(self) -> None:
        from localart.catalog import runs

        self._record = runs.get_run(self._repository.read(), self._record.key)


def _last_name(uri: str) -> str:
    path = uri if is_file_uri(uri) else re.split(r"[?#]", uri)[0]
    return unquote(path).rstrip("/").rpartition("/")[2]


def _texts(given: str | Sequence[str] | None) -> Sequence[str]:
    """One text is as good as a list of one."""
    return (given,) if isinstance(given, str) else given or ()
