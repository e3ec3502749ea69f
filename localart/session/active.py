"""What this process has running, and what becomes of it when the process ends."""

import atexit
import os
import sys
from types import TracebackType

from localart.catalog.lock import tell_long_waits
from localart.errors import LocalartError, NotInitialized
from localart.reporter import Reporter
from localart.runs import Run
from localart.runs.disabled import DisabledRun
from localart.settings import read_settings

AnyRun = Run | DisabledRun


class Session:
    """The runs of this process. `active` is the one that module-level calls go to."""

    def __init__(self) -> None:
        self.active: AnyRun | None = None
        self.running: list[Run] = []
        self.pid = os.getpid()
        self.hooked = False
        self.failure: BaseException | None = None
        self.voice: tuple[object, Reporter] | None = None


_session = Session()


def current() -> Session:
    """This process's session: a forked child starts with none of its parent's runs."""
    global _session  # noqa: PLW0603
    if _session.pid != os.getpid():
        _session = Session()
    return _session


def active_run() -> AnyRun | None:
    """The run module-level calls go to, or None."""
    return current().active


def need_run(what: str) -> Run:
    """The active run (also a disabled one, which has all that a Run has), or the error that says how to get one."""
    run = current().active
    if run is None:
        raise NotInitialized(f"localart.{what} needs a run", hint="call localart.init() first")
    return run  # type: ignore[return-value]


def remember(run: Run) -> None:
    """From now on the run is this process's to end."""
    session = current()
    session.running.append(run)
    if not session.hooked:
        session.hooked = True
        atexit.register(finish_all)
        _watch_for_failure()


def forget(run: AnyRun) -> None:
    """The run has ended, or its store is gone."""
    session = current()
    if isinstance(run, Run) and run in session.running:
        session.running.remove(run)
    if session.active is run:
        session.active = None


def reporter(*, silent: bool, no_color: bool) -> Reporter:
    """One voice for all runs of the process, so that it does not repeat itself."""
    session = current()
    wanted = (silent, no_color, sys.stderr)
    if session.voice is None or session.voice[0] != wanted:
        session.voice = (wanted, Reporter(silent=silent, no_color=no_color))
    return session.voice[1]


def default_reporter() -> Reporter:
    """The voice for what is said outside of a run."""
    environment = read_settings()
    return reporter(silent=environment.silent, no_color=environment.no_color)


def _tell_of_waiting(message: str) -> None:
    default_reporter().warn(message)


tell_long_waits(_tell_of_waiting)


# --- the end of the process ------------------------------------------------------------------------------


def _watch_for_failure() -> None:
    """Remember the exception that ends the process, so that its runs are marked as failed."""
    show = sys.excepthook

    def take_note(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        current().failure = error
        show(kind, error, trace)

    sys.excepthook = take_note


def finish_all() -> None:
    """Finish every run of this process: as failed when an exception is ending it."""
    session = current()
    for run in list(session.running):
        try:
            if session.failure is not None:
                run.fail(session.failure)
            else:
                run.finish()
        except LocalartError as trouble:
            # The others are to end all the same; this one will be marked as crashed.
            default_reporter().warn(
                f"run {run.name} could not be ended: {trouble.message}", hint=trouble.hint
            )
