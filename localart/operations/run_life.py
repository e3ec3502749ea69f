"""Begin, end and describe runs; tell those whose process died from those that still work."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from localart.catalog import metrics, projects, runs
from localart.catalog.history_seals import seal_history
from localart.catalog.lock import FileLock
from localart.catalog.transaction import Transaction
from localart.errors import InvalidMetadata, StoreBusy, UsageError
from localart.jsonable import dump_values
from localart.model import RunRecord, RunState
from localart.names import shown
from localart.operations.branch import Moment, copy_history, find_origin, rewind
from localart.operations.keep_history import history_payloads, keep_history
from localart.operations.recover import recover_log, recover_tail
from localart.records import dataclass
from localart.repository import Repository
from localart.store.frames import FrameKind

_MARKING_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a run is begun with. `name` None: the caller's `make_name` is asked with the run's number.

    `auto_place`: take up the last run that was begun there with one, if it did not end well (`id` is for a new one).
    """

    project: str
    id: str
    name: str | None
    job_type: str | None
    group: str | None
    notes: str | None
    tags: tuple[str, ...]
    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    resume: str | None
    auto_place: str | None = None
    fork_from: Moment | None = None
    rewind_to: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRun:
    """A run that is now running, and whether it existed before. Its lock is held until the process ends."""

    run: RunRecord
    resumed: bool
    lock: FileLock


def run_lock_path(repository: Repository, uid: str) -> Path:
    """The lock file that the process of a running run holds; free once it has died."""
    return repository.root / "locks" / f"run-{uid}.lock"


def begin_run(repository: Repository, request: RunRequest, make_name: Any) -> StartedRun:
    """Insert the run, or take an existing one up again when `resume` allows; durable when it returns."""
    mark_crashed(repository)
    if request.rewind_to is not None:
        find_origin(repository, request.project, request.rewind_to)
        request = replace(request, id=request.rewind_to.run_id, resume="must")
    elif request.auto_place is not None:
        request = _as_last_time(repository, request, request.auto_place)
    known = runs.find_run(repository.read(), request.project, request.id)
    if known is not None:
        return _resume(repository, known, request)
    if request.resume == "must":
        raise UsageError(
            f"There is no run {shown(request.id)} in project {shown(request.project)} to resume",
            hint="leave resume out to start it, or check the id with `localart runs`",
        )
    return _start(repository, request, make_name)


def _as_last_time(repository: Repository, request: RunRequest, place: str) -> RunRequest:
    last = runs.last_auto_run(repository.read(), request.project, place)
    if last is not None and last.state in {RunState.CRASHED, RunState.FAILED, RunState.KILLED}:
        return replace(request, id=last.id)
    return replace(request, facts={**request.facts, "auto": place})


def _start(repository: Repository, request: RunRequest, make_name: Any) -> StartedRun:
    origin = None
    if request.fork_from is not None:
        origin = find_origin(repository, request.project, request.fork_from)
        parent = {"run": origin.id, "step": request.fork_from.step}
        request = replace(
            request,
            config={**origin.config, **request.config},
            facts={**request.facts, "forked_from": parent},
        )
    uid = repository.new_uid()
    lock = FileLock(run_lock_path(repository, uid))
    lock.try_acquire()
    try:
        key = _insert(repository, request, uid, make_name, origin)
    except BaseException:
        lock.remove()
        raise
    return StartedRun(run=runs.get_run(repository.read(), key), resumed=False, lock=lock)


def _insert(
    repository: Repository, request: RunRequest, uid: str, make_name: Any, origin: RunRecord | None
) -> int:
    with repository.write() as tx:
        if runs.find_run(tx.connection, request.project, request.id) is not None:
            raise _exists(request.project, request.id)  # another process was faster
        project_id = projects.ensure_project(tx, request.project)
        name = request.name or make_name(runs.count_runs(tx.connection, project_id) + 1)
        key = runs.insert_run(tx, project_id, run_id=request.id, uid=uid, name=name)
        changes = {**_columns(request), "config": _text(request.config), "facts": _text(request.facts)}
        runs.update_run(tx, key, changes, journal=False)
        runs.set_run_tags(tx, key, request.tags)
        tx.record(
            "run.started",
            {
                "run": uid, "id": request.id, "project": request.project, "name": name,
                "tags": list(request.tags), **changes,
            },
        )  # fmt: skip
        if origin is not None and request.fork_from is not None:
            copy_history(tx, origin, key, request.fork_from)
    if origin is not None:
        keep_history(repository, runs.get_run(repository.read(), key))
    return key


def _exists(project: str, run_id: str) -> UsageError:
    return UsageError(
        f"Run {shown(run_id)} already exists in project {shown(project)}",
        hint="pass resume='allow' to continue it, or choose another id",
    )


def _columns(request: RunRequest) -> dict[str, Any]:
    return {"job_type": request.job_type, "group_name": request.group, "notes": request.notes}


def _text(value: Mapping[str, Any]) -> str:
    return dump_values(value).decode()


def _resume(repository: Repository, known: RunRecord, request: RunRequest) -> StartedRun:
    if request.resume not in {"allow", "must", "auto"}:
        raise _exists(known.project, known.id)
    lock = _take_lock(repository, known)
    try:
        recover_tail(repository, known)
        if request.rewind_to is not None:
            rewind(repository, known, request.rewind_to)
            keep_history(repository, known)
        _take_up(repository, runs.get_run(repository.read(), known.key), request)
    except BaseException:
        lock.close()
        raise
    return StartedRun(run=runs.get_run(repository.read(), known.key), resumed=True, lock=lock)


def _take_up(repository: Repository, known: RunRecord, request: RunRequest) -> None:
    changes = {column: value for column, value in _columns(request).items() if value is not None}
    if request.name is not None:
        changes["name"] = request.name
    changes |= {
        "state": RunState.RUNNING.value, "finished_at": None, "exit_code": None, "error": None,
        "config": _text({**known.config, **request.config}),
        "facts": _text({**known.facts, **request.facts}),
    }  # fmt: skip
    with repository.write() as tx:
        runs.update_run(tx, known.key, changes)
        if request.tags:
            tags = sorted({*known.tags, *request.tags})
            runs.set_run_tags(tx, known.key, tags)
            tx.record("run.tagged", {"run": known.uid, "tags": tags})


def _take_lock(repository: Repository, run: RunRecord) -> FileLock:
    """The lock of a run that is not alive. Who marks it as crashed holds it for a moment, then removes its file."""
    while True:
        lock = FileLock(run_lock_path(repository, run.uid))
        try:
            lock.acquire(timeout_seconds=_MARKING_SECONDS)
        except StoreBusy as error:
            lock.close()
            raise UsageError(
                f"Run {shown(run.id)} is running in another process", hint="wait for it, or choose another id"
            ) from error
        if lock.is_in_place():
            return lock
        lock.close()


def end_run(
    repository: Repository,
    run: RunRecord,
    *,
    state: RunState,
    exit_code: int,
    error: str | None,
    config: Mapping[str, Any],
    summary: Mapping[str, Any],
) -> RunRecord:
    """Mark the run as ended. Metrics logged before are durable when this returns."""
    with repository.write_with_records(FrameKind.HISTORY, history_payloads(repository, run)) as tx:
        runs.update_run(
            tx,
            run.key,
            {
                "state": state.value,
                "exit_code": exit_code,
                "error": error,
                "config": _text(config),
                "summary": _text(summary),
                "finished_at": tx.now,
            },
        )
        seal_history(tx, run.key)
    return runs.get_run(repository.read(), run.key)


def mark_crashed(repository: Repository) -> tuple[RunRecord, ...]:
    """Mark running runs whose process is gone as crashed, with the summary their metrics tell."""
    dead: list[RunRecord] = []
    if repository.read_only or repository.network:  # there a lock says nothing about who is alive
        return ()
    for run in runs.running_runs(repository.read()):
        path = run_lock_path(repository, run.uid)
        lock = FileLock(path)
        try:
            if (
                lock.try_acquire() and lock.is_in_place()
            ):  # else another process marked it, and a third may work
                recover_tail(repository, run)
                recover_log(repository, run)
                if _mark(repository, run):
                    dead.append(run)
                lock.remove()
        finally:
            lock.close()
    return tuple(dead)


def _mark(repository: Repository, run: RunRecord) -> bool:
    with repository.write_with_records(FrameKind.HISTORY, history_payloads(repository, run)) as tx:
        now = runs.get_run(tx.connection, run.key)
        if now.state is not RunState.RUNNING:
            return False
        runs.update_run(
            tx,
            run.key,
            {
                "state": RunState.CRASHED.value,
                "error": "The process ended without finishing the run.",
                "summary": _last_summary(tx, now),
                "finished_at": tx.now,
            },
        )
        seal_history(tx, run.key)
    return True


def _last_summary(tx: Transaction, run: RunRecord) -> str:
    """What its metrics say; without them where they are too large, for one dead run must not stop others."""
    try:
        return _text({**metrics.last_values(tx.connection, run.key), **run.summary})
    except InvalidMetadata:
        return _text(run.summary)


def update_run(repository: Repository, run: RunRecord, changes: Mapping[str, Any]) -> None:
    """Set some of a run's columns (name, notes, config, summary, …); JSON columns take objects."""
    texts = {
        column: _text(value) if column in {"config", "summary", "facts", "metric_rules"} else value
        for column, value in changes.items()
    }
    with repository.write() as tx:
        runs.update_run(tx, run.key, texts)


def retag_run(repository: Repository, run: RunRecord, tags: Sequence[str]) -> None:
    """Make the run's tags exactly `tags`."""
    with repository.write() as tx:
        runs.set_run_tags(tx, run.key, tags)
        tx.record("run.tagged", {"run": run.uid, "tags": list(tags)})
