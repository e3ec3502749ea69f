"""A run's history for readers: all of it in steps, or an even sample."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, Self

from localart.catalog import history_samples
from localart.errors import InvalidRequest
from localart.model import HistoryRow, RunRecord
from localart.reporter import Reporter
from localart.repository import Repository
from localart.settings import read_settings

DERIVED = ("_step", "_timestamp", "_runtime")
MOST_PER_PAGE = 100_000

Row = dict[str, Any]


class HistoryScan:
    """Every step as a dict, from `min_step` up to but without `max_step`; with keys, only rows that have them all.

    Streams in pages of `page_size` steps. Iterating begins anew, `next()` goes on. Beside what was logged:
    `_step`, `_timestamp` (seconds since the epoch), `_runtime` (seconds since the run began).
    """

    def __init__(
        self,
        repository: Repository,
        run: RunRecord,
        *,
        keys: Sequence[str] | None = None,
        page_size: int = 1_000,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> None:
        self._repository = repository
        self._run = run
        self.keys = None if keys is None else checked_keys(keys)
        self.page_size = max(1, min(page_size, MOST_PER_PAGE))
        self.min_step = min_step
        self.max_step = max_step
        self._walk: Iterator[Row] | None = None

    def __iter__(self) -> Self:
        self._walk = self._rows()
        return self

    def __next__(self) -> Row:
        if self._walk is None:
            self._walk = self._rows()
        return next(self._walk)

    def _rows(self) -> Iterator[Row]:
        stored = _stored(self.keys or ())
        after = None if self.min_step is None else self.min_step - 1
        while True:
            connection = self._repository.read()
            steps = history_samples.steps_of(
                connection,
                self._run.key,
                keys=stored,
                after=after,
                before=self.max_step,
                limit=self.page_size,
            )
            for row in history_samples.rows_at(connection, self._run.key, steps, keys=stored):
                yield _shown(self._run, row, self.keys)
            if len(steps) < self.page_size:
                return
            after = steps[-1]


def checked_keys(keys: object) -> list[str]:
    """The keys as a list; InvalidRequest for anything else."""
    if not isinstance(keys, list | tuple) or not all(isinstance(key, str) for key in keys):
        raise InvalidRequest("keys must be a list of texts", hint='for example keys=["loss"]')
    return list(keys)


def _stored(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in keys if key not in DERIVED))


def _shown(run: RunRecord, row: HistoryRow, keys: Sequence[str] | None) -> Row:
    began = datetime.fromisoformat(run.created_at).timestamp()
    whole = {"_step": row.step, "_timestamp": row.time, "_runtime": max(row.time - began, 0.0), **row.values}
    return whole if not keys else {key: whole[key] for key in keys}


def sampled_history(
    repository: Repository, run: RunRecord, *, samples: int, keys: Sequence[str] | None, x_axis: str
) -> list[Row]:
    """At most `samples` rows, evenly picked, the first and the last among them.

    With keys only rows that have them all and `x_axis`, and only those columns.
    """
    if samples < 1:
        raise InvalidRequest("samples must be at least 1", hint="leave it out for 500")
    columns = list(dict.fromkeys([x_axis, *checked_keys(keys)])) if keys else None
    stored = _stored(columns or ())
    with repository.catalog.snapshot() as connection:
        steps = history_samples.steps_of(connection, run.key, keys=stored)
        rows = history_samples.rows_at(connection, run.key, _evenly(steps, samples), keys=stored)
    return [_shown(run, row, columns) for row in rows]


def _evenly(steps: list[int], samples: int) -> list[int]:
    if len(steps) <= samples:
        return steps
    last = len(steps) - 1
    return [steps[round(number * last / max(samples - 1, 1))] for number in range(samples)]


def as_frame(rows: list[Row]) -> Any:
    """The rows as a pandas DataFrame; as they are, with a word of warning, where pandas is not installed."""
    try:
        pandas = import_module("pandas")
    except ImportError:
        settings = read_settings()
        _voice(settings.silent, settings.no_color).warn(
            "pandas is not installed, so the history is a list of dicts",
            hint="pass pandas=False, or install pandas for a DataFrame",
        )
        return rows
    return pandas.DataFrame.from_records(rows)


@cache
def _voice(silent: bool, no_color: bool) -> Reporter:
    """One for all calls, so that it does not repeat itself."""
    return Reporter(silent=silent, no_color=no_color)
