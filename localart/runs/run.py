"""`Run`: what users hold while their code runs. It only delegates."""

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import field
from types import TracebackType
from typing import Any, Self

from localart.catalog import metrics, runs
from localart.catalog.lock import FileLock
from localart.errors import LocalartError, StoreNotFound, UsageError
from localart.model import RunState
from localart.names import check_label, check_prose, check_run_tag
from localart.operations.run_life import StartedRun, end_run, retag_run, run_lock_path, update_run
from localart.records import dataclass
from localart.reporter import Reporter
from localart.repository import Repository
from localart.runs.alerts import Alerts
from localart.runs.configuration import Config
from localart.runs.console import FILE_NAME, Console
from localart.runs.facts import RunStatus
from localart.runs.files import RunFiles
from localart.runs.guests import Guests, has_guests, note_guest
from localart.runs.history import History
from localart.runs.metric_rules import MetricRules
from localart.runs.run_artifacts import texts
from localart.runs.run_logging import RunLogging
from localart.runs.settings import Settings
from localart.runs.summary_values import Summary
from localart.runs.surroundings import Surroundings, Wanted
from localart.runs.watching import Watcher


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWishes:
    """How a run behaves, apart from what it is: whether config may change, what is recorded beside it."""

    settings: Settings = field(default_factory=Settings)
    allow_val_change: bool = False
    console: bool = False
    gather: Wanted = field(default_factory=Wanted)
    quiet: bool = False


class Run(RunLogging):
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
        wishes: RunWishes,
    ) -> None:
        self._repository = repository
        self._record = started.run
        self._lock = started.lock
        self._reporter = reporter
        self._on_finish = on_finish
        self._wishes = wishes
        self._settings = wishes.settings
        self._guard = threading.RLock()
        self._pid = os.getpid()
        self._depth = 0
        self._finished = False
        self._began = time.monotonic()
        self._outputs: dict[str, bool] = {}
        self.resumed = started.resumed
        last = metrics.last_step(repository.read(), started.run.key)
        self.starting_step = 0 if last is None else last + 1
        self._files = RunFiles(repository, started.run)
        self._rules = self._known_rules()
        self._history = History(
            repository, started.run, self._files, reporter, first_step=self.starting_step, rules=self._rules
        )
        self.config = Config(
            started.run.config,
            on_change=self._save_config,
            allow_val_change=wishes.allow_val_change,
            adopt=self._adopt,
        )
        self.summary = Summary(
            started.run.summary, on_change=self._save_summary, convert=self._convert_for_summary
        )
        self._alerts = Alerts(repository, started.run, reporter)
        self._watcher = Watcher(self._log_beside, reporter)
        self._console = Console(self._files.folder, earlier=self._earlier_log)
        self._surroundings = Surroundings(repository, self._files, wishes.gather)
        self._guests = Guests(repository)
        _runs_here[started.run.uid] = self

    def _known_rules(self) -> MetricRules:
        connection, key = self._repository.read(), self._record.key
        return MetricRules(
            runs.metric_rules(connection, key) if self.resumed or self.starting_step else {},
            on_change=lambda rules: update_run(self._repository, self._record, {"metric_rules": rules}),
            folded=lambda name: metrics.fold_metric(self._repository.read(), key, name),
        )

    def begin(self) -> None:
        """Start to listen to the console and to gather what ran; for `init`, when the run has been announced."""
        self._surroundings.start()
        if self._wishes.console:
            self._console.start()

    # --- what may be changed -----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The display name, such as `sunny-otter-7`; may be set."""
        return self._record.name

    @name.setter
    def name(self, name: str) -> None:
        self._change(name=check_label(name, "Run name"))

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
        retag_run(self._repository, self._record, [check_run_tag(tag) for tag in texts(tags)])
        self._reload()

    # --- what a server would want to know ----------------------------------------------------------------

    def status(self) -> RunStatus:
        """Nothing waits to be sent anywhere."""
        self._refuse_finished("status")
        return RunStatus()

    def mark_preempting(self) -> None:
        """Note that the machine is about to be taken away; if the run dies, resume='allow' takes it up again."""
        self._refuse_finished("mark_preempting")
        self._change(facts={**self._record.facts, "preempting": True})

    def pin_config_keys(self, keys: Sequence[str] = ()) -> None:
        """Note which config keys to show first."""
        self._refuse_finished("pin_config_keys")
        self._change(facts={**self._record.facts, "pinned_config_keys": [str(key) for key in keys]})

    # --- the end -----------------------------------------------------------------------------------------

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run: exit code 0 is finished, any other failed. A second time does nothing."""
        del quiet
        self._end(RunState.FAILED if exit_code else RunState.FINISHED, exit_code or 0, None)

    def join(self, exit_code: int | None = None) -> None:
        """`finish`, as older code calls it."""
        self.finish(exit_code)

    def fail(self, error: BaseException) -> None:
        """End the run because of `error`; its traceback is kept."""
        import traceback

        text = "".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace").decode()
        interrupted = isinstance(error, KeyboardInterrupt)
        if self._wishes.console and self._pid == os.getpid():
            self._console.take(text)
        self._end(RunState.KILLED if interrupted else RunState.FAILED, 255 if interrupted else 1, text)

    def _end(self, state: RunState, exit_code: int, error: str | None) -> None:
        if self._pid != os.getpid():  # a forked child: the run is its parent's to end
            return
        with self._guard:
            if self._finished:
                return
            self._watcher.unwatch()
            self._history.close()
            self._console.stop()
            self._surroundings.finish()
            had_guests = has_guests(self._files.folder.parent)
            for problem in self._files.close():
                self._reporter.warn(problem)
            told = {"config": self.config.stored(), "summary": self.summary.as_dict()}
            if had_guests:
                told = self._guests.at_the_end(self._record, told)
            self._record = end_run(
                self._repository,
                self._record,
                state=state,
                exit_code=exit_code,
                error=error,
                config=told["config"],
                summary=told["summary"],
            )
            self._finished = True
            self._lock.remove()
        self._on_finish(self)
        if not self._wishes.quiet:
            self._say_finished(state)

    def _say_finished(self, state: RunState) -> None:
        self._reporter.run_finished(
            name=self.name,
            run_id=self.id,
            state=state.value,
            seconds=time.monotonic() - self._began,
            outputs=self._outputs,
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

    # --- in other processes ------------------------------------------------------------------------------

    def become_guest(self, step: int, pid: int) -> None:
        """Be a run that process `pid` ends; log from `step` on. For one that was made from a pickle."""
        self._pid = pid
        self._finished = self._record.state is not RunState.RUNNING
        self._history.become_guest(step)

    def __reduce__(self) -> tuple[Any, ...]:
        """In a process that was spawned it is the same run, as it is in one that was forked.

        Points, files and artifacts go to the same run, each process counting its own steps from here on; to end it is
        for the process that began it.
        """
        self._history.settle()
        return _run_elsewhere, (
            self._repository, self._record.key, self._history.step, self._reporter, self._wishes, self._pid,
        )  # fmt: skip

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # who copies what holds a run still means that run

    def __copy__(self) -> Self:
        return self

    # --- inside ------------------------------------------------------------------------------------------

    @property
    def is_lost(self) -> bool:
        """Whether its store was removed or replaced: nothing can be logged, and it cannot be finished."""
        try:
            self._repository.catalog.refuse_gone()
        except StoreNotFound:
            return True
        return False

    def _refuse_finished(self, what: str) -> None:
        if self._finished:
            raise UsageError(
                f"Run {self.id} is finished; it cannot {what} any more", hint="start one with init()"
            )

    def _change(self, **columns: Any) -> None:
        self._refuse_finished("change")
        is_guest = self._pid != os.getpid()
        if is_guest:
            note_guest(self._files.folder.parent)
        if is_guest or has_guests(self._files.folder.parent):
            self._guests.learn(self._record)
            columns = self._guests.with_others(columns)
        update_run(self._repository, self._record, columns)
        self._reload()

    def _save_config(self, config: dict[str, Any]) -> None:
        self._change(config=config)

    def _convert_for_summary(self, value: object, where: str) -> Any:
        self._refuse_finished("change")  # before media are kept for it
        return self._history.keep_in_summary(value, where)

    def _save_summary(self, summary: dict[str, Any]) -> None:
        self._change(summary=summary)

    def _reload(self) -> None:
        self._record = runs.get_run(self._repository.read(), self._record.key)

    def _earlier_log(self) -> bytes:
        """What it printed before it was resumed."""
        kept = runs.run_files(self._repository.read(), self._record.key) if self.resumed else {}
        return self._repository.read_blob(kept[FILE_NAME]) if FILE_NAME in kept else b""


_runs_here: "weakref.WeakValueDictionary[str, Run]" = weakref.WeakValueDictionary()


def _run_elsewhere(
    repository: Repository, key: int, step: int, reporter: Reporter, wishes: RunWishes, pid: int
) -> Run:
    """The run that process `pid` began, for this process; back in the process it came from it is itself."""
    record = runs.get_run(repository.read(), key)
    here = _runs_here.get(record.uid)
    if here is not None:
        return here
    lock = FileLock(run_lock_path(repository, record.uid))  # held by `pid`; never asked for here
    run = Run(
        repository,
        StartedRun(run=record, resumed=True, lock=lock),
        reporter,
        on_finish=lambda _: None,
        wishes=wishes,
    )
    run.become_guest(step, pid)
    return run
