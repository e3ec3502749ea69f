"""Rows of metrics: what runs logged, one row for each key and step.

Numbers lie in `value`; everything else (text, booleans, media) as JSON in `body`; NaN is NULL in both.
"""

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from localart.catalog.history_seals import forget_seals, refuse_damaged_history
from localart.catalog.seals import Sealed, damaged, onward, seal
from localart.catalog.summary_rules import Folded, find_rule, summarised, summary_ops
from localart.catalog.transaction import Transaction
from localart.jsonable import dump_values, load_values
from localart.model import HistoryRow
from localart.names import shown
from localart.records import dataclass

_FETCH = 500

_INSERT = "INSERT OR REPLACE INTO metrics(run, metric, step, value, body, time) VALUES (?,?,?,?,?,?)"
INSERT_NEWER = (
    "INSERT INTO metrics(run, metric, step, value, body, time) VALUES (?,?,?,?,?,?)"
    " ON CONFLICT(run, metric, step) DO UPDATE SET value = excluded.value, body = excluded.body, time = excluded.time"
    " WHERE excluded.time >= time"
)

_SEALED = Sealed(n="metric_names")

# The metrics of a run, one index look-up each: DISTINCT would walk all its rows.
_NAMES = f"""
WITH RECURSIVE used(metric) AS (
  SELECT min(metric) FROM metrics WHERE run = :run
  UNION ALL
  SELECT (SELECT min(metric) FROM metrics WHERE run = :run AND metric > used.metric) FROM used
  WHERE used.metric IS NOT NULL
) SELECT n.id, n.name, {_SEALED.columns} FROM used LEFT JOIN metric_names n ON n.id = used.metric
WHERE used.metric IS NOT NULL
"""


class Point(NamedTuple):
    """What one call logged: flat plain values at a step; `time` is seconds since the epoch."""

    step: int
    time: float
    values: Mapping[str, Any]


def insert_points(tx: Transaction, run_key: int, points: Iterable[Point], *, again: bool = False) -> None:
    """Write many points in their order; a key logged again at the same step takes the newer value.

    `again`: some of them may be there already, perhaps followed by newer ones, which stay.
    """
    forget_seals(tx, run_key)
    sql = INSERT_NEWER if again else _INSERT
    ids: dict[str, int] = {}
    rows: list[tuple[Any, ...]] = []
    for step, time, values in points:
        for name, value in values.items():
            metric = ids.get(name)
            if metric is None:
                metric = ids[name] = metric_ids(tx, [name])[name]
            rows.append((run_key, metric, step, *columns_of(value), time))
        if len(rows) >= _FETCH:
            tx.executemany(sql, rows)
            rows.clear()
    tx.executemany(sql, rows)


def metric_ids(tx: Transaction, names: Sequence[str]) -> dict[str, int]:
    """The row of each metric name, made where it is new."""
    return {name: _ensure_metric(tx, name) for name in names}


def _ensure_metric(tx: Transaction, name: str) -> int:
    row = tx.execute("SELECT id FROM metric_names WHERE name = ?", (name,)).fetchone()
    if row is not None:
        return int(row[0])
    metric = tx.insert("INSERT INTO metric_names(name) VALUES (?)", (name,))
    seal(tx, "metric_names", metric)
    return metric


def insert_metrics(
    tx: Transaction, run_key: int, ids: Mapping[str, int], step: int, time: float, values: Mapping[str, Any]
) -> None:
    """Write one step's values; a key logged again at the same step takes the new value."""
    forget_seals(tx, run_key)
    rows = [(run_key, ids[name], step, *columns_of(value), time) for name, value in values.items()]
    tx.executemany(_INSERT, rows)


def columns_of(value: Any) -> tuple[float | int | None, str | None]:
    """What `value` and `body` say of a value."""
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
    refuse_damaged_history(connection, run_key)
    names = logged_names(connection, run_key)
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
        after = onward(after, rows[-1][0])


def last_step(connection: sqlite3.Connection, run_key: int) -> int | None:
    """The highest step the run logged, or None."""
    step: int | None = connection.execute(
        "SELECT max(step) FROM metrics WHERE run = ?", (run_key,)
    ).fetchone()[0]
    return step


def is_metric(tx: Transaction, name: str) -> bool:
    """Whether any run has logged under this name."""
    return tx.execute("SELECT 1 FROM metric_names WHERE name = ?", (name,)).fetchone() is not None


def copy_until(tx: Transaction, run_key: int, target_key: int, step: int) -> None:
    """Give the target all values that the run logged up to `step`."""
    forget_seals(tx, target_key)
    tx.execute(
        "INSERT INTO metrics(run, metric, step, value, body, time)"
        " SELECT ?, metric, step, value, body, time FROM metrics WHERE run = ? AND step <= ?",
        (target_key, run_key, step),
    )


def delete_after(tx: Transaction, run_key: int, step: int) -> None:
    """Remove what the run logged after `step`."""
    forget_seals(tx, run_key)
    tx.execute("DELETE FROM metrics WHERE run = ? AND step > ?", (run_key, step))


def last_values(connection: sqlite3.Connection, run_key: int) -> dict[str, Any]:
    """What the run's summary would say: the newest value of every key it logged, or what `define_metric` made of it."""
    refuse_damaged_history(connection, run_key)
    rows = connection.execute(
        "SELECT metric, value, body, max(step) FROM metrics WHERE run = ? GROUP BY metric ORDER BY metric",
        (run_key,),
    ).fetchall()
    names = logged_names(connection, run_key)  # after the rows: none of them is without its name then
    values = {names[metric]: _value(value, body) for metric, value, body, _ in rows if metric in names}
    kept = connection.execute("SELECT metric_rules FROM runs WHERE id = ?", (run_key,)).fetchone()
    rules = load_values(kept[0]) if kept else {}
    return _by_rules(connection, run_key, values, rules) if rules else values


def _by_rules(
    connection: sqlite3.Connection, run_key: int, values: dict[str, Any], rules: Mapping[str, Any]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in values.items():
        rule = find_rule(rules, name)
        ops = summary_ops(rule)
        if not ops:
            result[name] = value
        elif "none" not in ops:
            goal = (rule or {}).get("goal")
            result[name] = summarised(fold_metric(connection, run_key, name), ops, goal)
    return result


def fold_metric(connection: sqlite3.Connection, run_key: int, name: str) -> Folded:
    """The numbers that one metric of the run had so far, together."""
    of_metric = "FROM metrics WHERE run = :run AND metric = :metric"
    where = {"run": run_key, "metric": find_metric(connection, run_key, name)}
    rows, count, total, low, high = connection.execute(
        f"SELECT count(*), count(value), total(value), min(value), max(value) {of_metric}", where
    ).fetchone()
    if not rows:
        return Folded()
    first, last = (
        connection.execute(f"SELECT value, body {of_metric} ORDER BY step {order} LIMIT 1", where).fetchone()
        for order in ("ASC", "DESC")
    )
    return Folded(count, total, low, high, _value(*first), _value(*last), is_empty=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSample:
    """The numbers of neighbouring steps, together. `skipped` are NaN and infinite ones.

    `step` is the first of them, `time` (seconds since the epoch) their average; without numbers (`count` 0)
    `mean`, `low` and `high` are NaN.
    """

    step: int
    time: float
    count: int
    skipped: int
    mean: float
    low: float
    high: float


_SAMPLE = (
    "SELECT min(step), avg(time), count(*), count(body), count(value), avg(value), min(value), max(value)"
    " FROM metrics WHERE run = ? AND metric = ? AND step BETWEEN ? AND ?"
)
_FINITE = " AND value > -9e999 AND value < 9e999"


def logged_names(connection: sqlite3.Connection, run_key: int) -> dict[int, str]:
    """The row and name of every metric the run logged."""
    rows = connection.execute(_NAMES, {"run": run_key}).fetchall()
    if any(row[0] is None for row in rows):
        raise damaged("the name of a metric")
    return dict(_SEALED.rows(rows))


def find_metric(connection: sqlite3.Connection, run_key: int, name: str) -> int | None:
    """The row of the metric with this name; None when the run did not log it, nor any other run.

    CatalogDamaged when the run did, and the index of names does not lead there any more.
    """
    row = _named(connection, name)
    if row is None and name in logged_names(connection, run_key).values():
        row = _named(connection, name)  # it may have been logged just now
        if row is None:
            raise damaged(f"the index that leads to metric {shown(name)}")
    if row is not None and row[1] != name:
        raise damaged(f"metric {shown(name)}")
    return None if row is None else int(row[0])


def _named(connection: sqlite3.Connection, name: str) -> tuple[Any, ...] | None:
    row = connection.execute(
        f"SELECT n.id, n.name, {_SEALED.columns} FROM metric_names n WHERE n.name = ?", (name,)
    ).fetchone()
    return _SEALED.row(row)


def numeric_metrics(connection: sqlite3.Connection, run_key: int) -> list[str]:
    """The names of what a run logged as numbers, sorted; told by the first and the last value of each."""
    refuse_damaged_history(connection, run_key)
    names = logged_names(connection, run_key)
    return sorted(name for metric, name in names.items() if _is_numeric(connection, run_key, metric))


def _is_numeric(connection: sqlite3.Connection, run_key: int, metric: int) -> bool:
    ends = (
        f"SELECT body FROM metrics WHERE run = ? AND metric = ? ORDER BY step {order} LIMIT 1"
        for order in ("DESC", "ASC")
    )
    return any(connection.execute(sql, (run_key, metric)).fetchone()[0] is None for sql in ends)


def iter_samples(
    connection: sqlite3.Connection,
    run_key: int,
    name: str,
    *,
    buckets: int,
    first_step: int | None = None,
    last_step: int | None = None,
) -> Iterator[MetricSample]:
    """One metric from `first_step` to `last_step` in at most `buckets` samples of equally many steps, in order.

    Every value counts, so a spike shows in `low` or `high`. One range of the primary key a bucket: 35 ms for
    100,000 rows, half of what GROUP BY takes.
    """
    refuse_damaged_history(connection, run_key)
    metric = find_metric(connection, run_key, name)
    if metric is None:
        return
    low, high = connection.execute(
        "SELECT (SELECT min(step) FROM metrics WHERE run = :run AND metric = :metric),"
        " (SELECT max(step) FROM metrics WHERE run = :run AND metric = :metric)",
        {"run": run_key, "metric": metric},
    ).fetchone()
    if low is None:
        return
    low = low if first_step is None else max(low, first_step)
    span = (high if last_step is None else min(high, last_step)) - low + 1
    buckets = max(1, min(buckets, span))
    for turn in range(buckets):
        ends = (low + span * turn // buckets, low + span * (turn + 1) // buckets - 1)
        yield from _sample(connection, (run_key, metric, *ends))


def _sample(connection: sqlite3.Connection, where: tuple[int, int, int, int]) -> Iterator[MetricSample]:
    step, time, rows, others, numbers, mean, low, high = connection.execute(_SAMPLE, where).fetchone()
    if rows == others:
        return
    skipped = rows - others - numbers
    if numbers and (low == -math.inf or high == math.inf):
        all_numbers = numbers
        _, _, _, _, numbers, mean, low, high = connection.execute(_SAMPLE + _FINITE, where).fetchone()
        skipped += all_numbers - numbers
    if numbers and not math.isfinite(mean):  # the sum of huge numbers may not be one any more
        mean = low / 2 + high / 2
    values = (mean, low, high) if numbers else (math.nan,) * 3
    yield MetricSample(
        step=step,
        time=time,
        count=numbers,
        skipped=skipped,
        mean=float(values[0]),
        low=float(values[1]),
        high=float(values[2]),
    )
