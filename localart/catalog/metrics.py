"""Rows of metrics: what runs logged, one row for each key and step.

Numbers lie in `value`; everything else (text, booleans, media) as JSON in `body`; NaN is NULL in both.
"""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from localart.catalog.transaction import Transaction
from localart.jsonable import dump_values, load_values
from localart.model import HistoryRow

_FETCH = 500

# The metrics of a run, one index look-up each: DISTINCT would walk all its rows.
_NAMES = """
WITH RECURSIVE used(metric) AS (
  SELECT min(metric) FROM metrics WHERE run = :run
  UNION ALL
  SELECT (SELECT min(metric) FROM metrics WHERE run = :run AND metric > used.metric) FROM used
  WHERE used.metric IS NOT NULL
) SELECT n.id, n.name FROM used JOIN metric_names n ON n.id = used.metric
"""


def metric_ids(tx: Transaction, names: Sequence[str]) -> dict[str, int]:
    """The row of each metric name, made where it is new."""
    tx.executemany("INSERT OR IGNORE INTO metric_names(name) VALUES (?)", [(name,) for name in names])
    return {
        name: tx.execute("SELECT id FROM metric_names WHERE name = ?", (name,)).fetchone()[0]
        for name in names
    }


def insert_metrics(
    tx: Transaction, run_key: int, ids: Mapping[str, int], step: int, time: float, values: Mapping[str, Any]
) -> None:
    """Write one step's values; a key logged again at the same step takes the new value."""
    rows = [(run_key, ids[name], step, *_columns(value), time) for name, value in values.items()]
    tx.executemany(
        "INSERT OR REPLACE INTO metrics(run, metric, step, value, body, time) VALUES (?,?,?,?,?,?)", rows
    )


def _columns(value: Any) -> tuple[float | int | None, str | None]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, dump_values(value).decode()
    if isinstance(value, int):
        return (value, None) if -(1 << 63) <= value < 1 << 63 else (None, json.dumps(value))
    return (None if math.isnan(value) else value), None


def _value(value: float | None, body: str | None) -> Any:
    if value is None:
        return math.nan if body is None else load_values(body)
    return value


def iter_history(connection: sqlite3.Connection, run_key: int) -> Iterator[HistoryRow]:
    """What the run logged, a row a step, oldest first. Streams, and holds up no writer meanwhile."""
    names: dict[int, str] = dict(connection.execute(_NAMES, {"run": run_key}).fetchall())
    points = merge(*(_iter_metric(connection, run_key, metric) for metric in sorted(names)))
    for step, group in groupby(points, key=itemgetter(0)):
        of_step = list(group)
        yield HistoryRow(
            step=step,
            time=max(time for _, _, time, _, _ in of_step),
            values={names[metric]: _value(value, body) for _, metric, _, value, body in of_step},
        )


def _iter_metric(connection: sqlite3.Connection, run_key: int, metric: int) -> Iterator[tuple[Any, ...]]:
    after = -(1 << 63)
    while rows := connection.execute(
        "SELECT step, metric, time, value, body FROM metrics WHERE run = ? AND metric = ? AND step > ?"
        f" ORDER BY step LIMIT {_FETCH}",
        (run_key, metric, after),
    ).fetchall():
        yield from rows
        after = rows[-1][0]


def last_step(connection: sqlite3.Connection, run_key: int) -> int | None:
    """The highest step the run logged, or None."""
    step: int | None = connection.execute(
        "SELECT max(step) FROM metrics WHERE run = ?", (run_key,)
    ).fetchone()[0]
    return step


def last_values(connection: sqlite3.Connection, run_key: int) -> dict[str, Any]:
    """The newest value of every key the run logged: what its summary would say."""
    rows = connection.execute(
        "SELECT n.name, m.value, m.body, max(m.step) FROM metrics m JOIN metric_names n ON n.id = m.metric"
        " WHERE m.run = ? GROUP BY m.metric ORDER BY n.id",
        (run_key,),
    )
    return {name: _value(value, body) for name, value, body, _ in rows.fetchall()}
