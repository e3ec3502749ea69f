"""The runs of a project as rows: what they came to, and how their most telling metrics went."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from localart.catalog import browsing_runs, run_browsing
from localart.catalog.browsing_runs import RUN_FIELDS, RunLine
from localart.catalog.conditions import ListQuery
from localart_tui.charts.sparkline import sparkline
from localart_tui.data.listing import conditions, matching_ids
from localart_tui.data.live import is_alive, tail_points
from localart_tui.data.live_metrics import metric_rank
from localart_tui.data.projects import project_id
from localart_tui.filtering import Filter, parse_filter
from localart_tui.source import CHUNK_ROWS, PagedSource

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from localart_tui.data.store import Store

Number = float | str | bool

ORDERS = {
    "created": "start",
    "name": "name",
    "state": "state",
    "job": "job type",
    "group": "group",
    "seconds": "duration",
    "outputs": "outputs",
}
_OTHER_NAMES = {"job_type": "job", "started": "created", "duration": "seconds", "run": "name"}
FIELDS = RUN_FIELDS | {"metadata.", "metric.", *_OTHER_NAMES}
SHOWN_METRICS = 3
MOST_METRICS = 6
MOST_SETTINGS = 4
SPARK_CELLS = 10
_LOOKED_AT = 100
_RUNNING_LOOKED_AT = 3
_MOST_VALUES = 2_000
_SPARK_POINTS = 4 * SPARK_CELLS
_TELLING = (
    "loss",
    "acc",
    "val",
    "test",
    "eval",
    "f1",
    "auc",
    "score",
    "reward",
    "error",
    "mse",
    "mae",
    "iou",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run of the list. `state` is what is true of it now; `values` and `settings` are flat, by path."""

    line: RunLine
    state: str
    values: Mapping[str, Number]
    settings: Mapping[str, Number]

    @property
    def address(self) -> str:
        """`run:project/id`."""
        return f"run:{self.line.project}/{self.line.run_id}"

    @property
    def is_running(self) -> bool:
        """Whether it may log more."""
        return self.state == "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The metrics, most telling first, and the settings that differ between the newest runs."""

    metrics: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


class RunRows(PagedSource[RunRow]):
    """The list; what running runs logged is read with the rows."""

    def __init__(self, store: Store, ids: Iterable[int], metrics: Sequence[str]) -> None:
        self._store = store
        self._metrics = tuple(metrics)
        super().__init__(ids, lambda wanted: read_rows(store, wanted, self._metrics))

    def chunk_ids(self, first: int, last: int) -> list[int]:
        """The ids of the rows that are read together with those from `first` to `last`."""
        start = first // CHUNK_ROWS * CHUNK_ROWS
        return list(self.ids[start : (last // CHUNK_ROWS + 1) * CHUNK_ROWS])

    def take(self, first: int, rows: Sequence[RunRow | None]) -> None:
        """Put newer rows in place of those of `chunk_ids(first, …)`; the others are read again when looked at."""
        self.forget()
        for at in range(0, len(rows), CHUNK_ROWS):
            self._chunks[(first + at) // CHUNK_ROWS] = rows[at : at + CHUNK_ROWS]

    def read_again(self, ids: Sequence[int]) -> Sequence[RunRow | None]:
        """Rows as they are now; for a reading thread."""
        return read_rows(self._store, ids, self._metrics)


def runs_filter(text: str) -> Filter:
    """What was typed, in the catalog's words: `m:acc>0.9` is about the summary, `job_type` is `job`."""
    typed = parse_filter(text, FIELDS)
    return Filter(tuple(replace(term, field=_field(term.field)) for term in typed.terms))


def _field(name: str) -> str:
    head, dot, rest = name.partition(".")
    if dot and head in {"metadata", "metric"}:
        return f"summary.{rest}"
    return _OTHER_NAMES.get(name, name)


def runs_query(
    connection: sqlite3.Connection, project: str, chosen: Filter, *, order: str, descending: bool
) -> ListQuery:
    """The list of a project as the catalog is asked for it."""
    return ListQuery(
        project=project_id(connection, project),
        order=order,
        descending=descending,
        conditions=conditions(chosen),
    )


def list_ids(connection: sqlite3.Connection, query: ListQuery, chosen: Filter) -> Sequence[int]:
    """The row ids of the runs that meet the filter, in order."""
    return matching_ids(
        connection, query, chosen, ids=browsing_runs.run_ids, texts=browsing_runs.iter_run_texts
    )


def count_runs(connection: sqlite3.Connection, query: ListQuery) -> int:
    """How many runs the project has."""
    return len(browsing_runs.run_ids(connection, replace(query, order="", conditions=())))


# --- rows ----------------------------------------------------------------------------------------------


def read_rows(store: Store, ids: Sequence[int], metrics: Sequence[str]) -> Sequence[RunRow | None]:
    """Some rows of the list, on the calling thread's connection."""
    connection = store.connection()
    return [
        None if line is None else _row(store, connection, line, metrics)
        for line in browsing_runs.run_lines(connection, ids)
    ]


def _row(store: Store, connection: sqlite3.Connection, line: RunLine, metrics: Sequence[str]) -> RunRow:
    values = dict(flat_numbers(line.summary))
    state = line.state
    if state == "running":
        if not is_alive(store, line.uid):
            line = browsing_runs.run_lines(connection, [line.id])[0] or line  # it may have ended just now
            state = "crashed" if line.state == "running" else line.state
        values = {**newest_numbers(store, connection, line, metrics), **values}
    return RunRow(line=line, state=state, values=values, settings=dict(flat_numbers(line.config)))


def newest_numbers(
    store: Store, connection: sqlite3.Connection, line: RunLine, names: Sequence[str]
) -> dict[str, Number]:
    """What the run logged last of these metrics, in the catalog or in its tail."""
    newest = run_browsing.newest_values(connection, line.id, names)
    found: dict[str, Number] = {one.name: one.number for one in newest if one.number is not None}
    for point in tail_points(store, line.uid):
        found |= {
            name: value
            for name, value in point.values.items()
            if name in names and isinstance(value, int | float)
        }
    return found


def flat_numbers(text: str) -> Iterator[tuple[str, Number]]:
    """The numbers, texts and truths in a JSON object, by path; at most 2,000. Broken JSON holds none."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from islice(_walk(values), _MOST_VALUES)


def _walk(values: Any) -> Iterator[tuple[str, Number]]:
    waiting: list[tuple[str, Any]] = [("", values)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            if "_type" not in value:
                inside = reversed(value.items())
                waiting += [(f"{path}.{key}" if path else str(key), one) for key, one in inside]
        elif isinstance(value, int | float | str) and path:
            yield path, value


# --- what is worth a column ----------------------------------------------------------------------------


def find_telling(store: Store, connection: sqlite3.Connection, query: ListQuery) -> Telling:
    """What to show of the runs, by their newest hundred."""
    newest = replace(query, order="created", descending=True, conditions=())
    lines = [
        line
        for line in browsing_runs.run_lines(
            connection, browsing_runs.run_ids(connection, newest, limit=_LOOKED_AT)
        )
        if line is not None
    ]
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(name for name, value in flat_numbers(line.summary) if _is_number(value))
    running = [line for line in lines if line.state == "running"][:_RUNNING_LOOKED_AT]
    for line in running:
        counts.update(
            one.name for one in run_browsing.newest_values(connection, line.id) if one.number is not None
        )
        counts.update({name for point in tail_points(store, line.uid) for name in point.values})
    names = sorted((name for name in counts if not name.startswith("_")), key=lambda n: _rank(n, counts))
    return Telling(metrics=tuple(names[:MOST_METRICS]), settings=_varying(lines))


def _is_number(value: Number) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rank(name: str, counts: Counter[str]) -> tuple[int, int, str]:
    plain = metric_rank(name)[0]
    telling = any(word in name.casefold() for word in _TELLING)
    weight = plain + 1 if plain else int(not telling)
    return weight, -counts[name], name


def _varying(lines: Sequence[RunLine]) -> tuple[str, ...]:
    """The settings that most of the runs have and that are not always the same."""
    values: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for line in lines:
        for name, value in flat_numbers(line.config):
            counts[name] += 1
            values.setdefault(name, set()).add(str(value)[:80])
    found = [name for name in counts if not name.startswith("_")]
    found.sort(key=lambda name: (len(values[name]) < 2, -counts[name], name))
    return tuple(found[:MOST_SETTINGS])


def load_sparkline(store: Store, line: RunLine, metric: str, *, ascii_only: bool) -> str:
    """The course of a run's metric in ten cells; "" when it logged less than two numbers."""
    values = run_browsing.spread_numbers(store.connection(), line.id, metric, count=_SPARK_POINTS)
    if line.state == "running":
        tail = (point.values.get(metric) for point in tail_points(store, line.uid))
        values += [float(value) for value in tail if isinstance(value, int | float)]
    return sparkline(values, cells=SPARK_CELLS, ascii_only=ascii_only) if len(values) > 1 else ""
