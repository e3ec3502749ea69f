"""Everything there is to say about one run: as it stands, also while it goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

from localart.catalog import browsing_runs, browsing_versions, run_browsing, runs
from localart.errors import RunNotFound
from localart.jsonable import load_values
from localart.model import RunState
from localart.operations.resolve import resolve_run
from localart_tui.charts.sparkline import sparkline
from localart_tui.data.live import is_alive, tail_points, working_file
from localart_tui.source import PagedSource

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localart.catalog.browsing_versions import VersionLine
    from localart.catalog.run_browsing import RunFileLine
    from localart.catalog.runs import AlertRecord
    from localart.model import RunRecord
    from localart_tui.data.store import Store

LOG = "output.log"
OVERVIEW_METRICS = 12
OVERVIEW_LINKS = 8
_SPARK_CELLS = 16
_MOST_ALERTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricLine:
    """A metric, what it was last, and its course; `spark` is "" for what was not drawn."""

    name: str
    last: float
    spark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedVersion:
    """A version that the run used or logged, and what it called it."""

    line: VersionLine
    used_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """A run. `run.state` is what is true of it now; `is_dead`: its process died, and nobody has written that down.

    `summary` has what it logged last in it; `metrics` are its numbers. Of `inputs` and `outputs` the first few are
    here, `input_ids` and `output_ids` are all. `media` are names and kinds of what was logged to be looked at.
    """

    run: RunRecord
    is_dead: bool
    summary: Mapping[str, Any]
    metrics: tuple[MetricLine, ...]
    media: tuple[tuple[str, str], ...]
    alerts: tuple[AlertRecord, ...]
    input_ids: Sequence[int]
    output_ids: Sequence[int]
    inputs: tuple[LinkedVersion, ...]
    outputs: tuple[LinkedVersion, ...]
    last_step: int | None
    heard_at: str

    @property
    def is_running(self) -> bool:
        """Whether it may log more."""
        return self.run.state is RunState.RUNNING

    @property
    def address(self) -> str:
        """`run:project/id`."""
        return f"run:{self.run.project}/{self.run.id}"


def find_run(store: Store, target: str) -> RunRecord:
    """The run at `run:[project/]id`; RunNotFound when there is none."""
    project, _, name = target.removeprefix("run:").rpartition("/")
    run = runs.find_run(store.connection(), project or None, name)
    return resolve_run(store.repository, target) if run is None else run


def read_run(store: Store, target: str, *, ascii_only: bool) -> RunFacts:
    """The run as it stands now."""
    run = find_run(store, target)
    is_dead = False
    if run.state is RunState.RUNNING and not is_alive(store, run.uid):
        run = find_run(store, target)  # it may have ended just now
        is_dead = run.state is RunState.RUNNING
    connection = store.connection()
    newest, last_step = _newest(store, connection, run)
    metrics = _metric_lines(store, connection, run, newest, ascii_only=ascii_only)
    input_ids = run_browsing.linked_ids(connection, run.key, "input")
    output_ids = run_browsing.linked_ids(connection, run.key, "output")
    found = browsing_runs.run_lines(connection, [run.key])
    if found[0] is None:
        raise RunNotFound("The run was deleted", hint="`localart runs` lists what is left")
    return RunFacts(
        run=replace(run, state=RunState.CRASHED) if is_dead else run,
        is_dead=is_dead,
        summary=_summary(run, newest),
        metrics=metrics,
        media=tuple((name, media_kind(value)) for name, value in newest.items() if media_kind(value)),
        alerts=tuple(runs.run_alerts(connection, run.key)[-_MOST_ALERTS:]),
        input_ids=input_ids,
        output_ids=output_ids,
        inputs=tuple(_links(connection, run.key, input_ids[:OVERVIEW_LINKS])),
        outputs=tuple(_links(connection, run.key, output_ids[:OVERVIEW_LINKS])),
        last_step=last_step,
        heard_at=_heard_at(connection, run),
    )


def _heard_at(connection: sqlite3.Connection, run: RunRecord) -> str:
    from localart.catalog import run_files

    found = run_files.find_facts(connection, run.key)
    return run.created_at if found is None else found.updated_at


def _newest(
    store: Store, connection: sqlite3.Connection, run: RunRecord
) -> tuple[dict[str, Any], int | None]:
    """What the run logged last under each name, and its last step."""
    values: dict[str, Any] = {}
    last: int | None = None
    for one in run_browsing.newest_values(connection, run.key):
        values[one.name] = one.number if one.number is not None else _body(one.body)
        last = one.step if last is None else max(last, one.step)
    if run.state is RunState.RUNNING:
        for point in tail_points(store, run.uid):
            values.update(point.values)
            last = point.step if last is None else max(last, point.step)
    return values, last


def _body(text: str) -> Any:
    return load_values(text) if text else math.nan


def media_kind(value: Any) -> str:
    """What a logged value is to look at (W&B's `_type`); "" when it is no media."""
    if isinstance(value, list):
        kinds = {media_kind(one) for one in value[:100]}
        return kinds.pop() if len(kinds) == 1 else ""
    kind = value.get("_type") if isinstance(value, dict) else ""
    return kind if isinstance(kind, str) else ""


def _metric_lines(
    store: Store,
    connection: sqlite3.Connection,
    run: RunRecord,
    newest: Mapping[str, Any],
    *,
    ascii_only: bool,
) -> tuple[MetricLine, ...]:
    from localart_tui.data.live_metrics import metric_rank

    numbers = {name: float(value) for name, value in newest.items() if _is_number(value)}
    names = sorted(numbers, key=metric_rank)
    drawn = {
        name: _spark(store, connection, run, name, ascii_only=ascii_only) for name in names[:OVERVIEW_METRICS]
    }
    return tuple(MetricLine(name=name, last=numbers[name], spark=drawn.get(name, "")) for name in names)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e308


def _spark(
    store: Store, connection: sqlite3.Connection, run: RunRecord, name: str, *, ascii_only: bool
) -> str:
    values = run_browsing.spread_numbers(connection, run.key, name, count=4 * _SPARK_CELLS)
    if run.state is RunState.RUNNING:
        tail = (point.values.get(name) for point in tail_points(store, run.uid))
        values += [float(value) for value in tail if _is_number(value)]
    return sparkline(values, cells=_SPARK_CELLS, ascii_only=ascii_only) if len(values) > 1 else ""


def _summary(run: RunRecord, newest: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the run came to; of one that goes on, what it logged last, and what it said itself."""
    if run.finished_at is not None:
        return run.summary
    return {**newest, **run.summary}


# --- versions and files ----------------------------------------------------------------------------------


def _links(connection: sqlite3.Connection, run: int, ids: Sequence[int]) -> list[LinkedVersion]:
    names = run_browsing.used_names(connection, run, ids)
    return [
        LinkedVersion(line=line, used_as=names.get(line.id, ""))
        for line in browsing_versions.version_lines(connection, ids)
        if line is not None
    ]


def linked_versions(store: Store, run: int, ids: Sequence[int]) -> PagedSource[LinkedVersion]:
    """All versions that the run used or logged, read as they are looked at."""

    def read(wanted: Sequence[int]) -> Sequence[LinkedVersion | None]:
        found = {one.line.id: one for one in _links(store.connection(), run, wanted)}
        return [found.get(one) for one in wanted]

    return PagedSource(ids, read)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """The files of a run; `log` is its log while it still prints, outside of the store."""

    lines: tuple[RunFileLine, ...]
    log: Path | None


def read_files(store: Store, run: RunRecord) -> RunFiles:
    """The files as they stand now."""
    lines = tuple(run_browsing.file_lines(store.connection(), run.key))
    is_kept = any(line.path == LOG for line in lines) and run.finished_at is not None
    return RunFiles(lines=lines, log=None if is_kept else working_file(store, run.uid, LOG))
