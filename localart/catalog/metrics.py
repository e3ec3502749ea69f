"""Rows of metrics: what runs logged, one row for each key and step.

Numbers lie in `value`; everything else (text, booleans, media) as JSON in `body`; NaN is NULL in both.
"""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localart.catalog.transaction import Transaction
from localart.jsonable import dump_values, load_values
from localart.model import HistoryRow

_FETCH = 2_000


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
    """What the run logged, a row a step, oldest first. Streams."""
    cursor = connection.execute(
        "SELECT m.step, n.name, m.value, m.body, m.time FROM metrics m JOIN metric_names n ON n.id = m.metric"
        " WHERE m.run = ? ORDER BY m.step, n.id",
        (run_key,),
    )
    step: int | None = None
    time = 0.0
    values: dict[str, Any] = {}
    while rows := cursor.fetchmany(_FETCH):
        for row_step, name, value, body, row_time in rows:
            if row_step != step and step is not None:
                yield HistoryRow(step=step, time=time, values=values)
                values = {}
            step, time = row_step, max(time, row_time)
            values[name] = _value(value, body)
    if step is not None:
        yield HistoryRow(step=step, time=time, values=values)


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
