"""Parts of a run's history, without reading all of it: some keys, some steps, an even sample."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from localart.catalog.history_seals import refuse_damaged_history
from localart.catalog.metrics import find_metric, last_step, logged_names
from localart.jsonable import load_values
from localart.model import HistoryRow
from localart.records import dataclass

_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFacts:
    """How much a run logged: rows, the last step (-1: none), and how often and what last for each key."""

    row_count: int
    last_step: int
    counts: Mapping[str, int]


def history_facts(connection: sqlite3.Connection, run_key: int) -> HistoryFacts:
    """Count what the run logged."""
    refuse_damaged_history(connection, run_key)
    rows = connection.execute(
        "SELECT metric, count(*) FROM metrics WHERE run = ? GROUP BY metric ORDER BY metric", (run_key,)
    ).fetchall()
    names = logged_names(connection, run_key)
    (row_count,) = connection.execute(
        "SELECT count(DISTINCT step) FROM metrics WHERE run = ?", (run_key,)
    ).fetchone()
    last = last_step(connection, run_key)
    return HistoryFacts(
        row_count=row_count,
        last_step=-1 if last is None else last,
        counts={names[key]: count for key, count in rows if key in names},
    )


def steps_of(
    connection: sqlite3.Connection,
    run_key: int,
    *,
    keys: Sequence[str] = (),
    after: int | None = None,
    before: int | None = None,
    limit: int = -1,
) -> list[int]:
    """The steps at which all of `keys` were logged (anything, without keys), ascending; `after` and `before` out."""
    refuse_damaged_history(connection, run_key)
    bounds = {
        "run": run_key,
        "after": -(1 << 63) if after is None else after,
        "before": (1 << 63) - 1 if before is None else before,
        "limit": limit,
    }
    if not keys and limit >= 0:
        return _next_steps(connection, bounds)
    if not keys:
        sql = "SELECT DISTINCT step FROM metrics WHERE run = :run AND step > :after AND step < :before ORDER BY step"
        return [step for (step,) in connection.execute(f"{sql} LIMIT :limit", bounds).fetchall()]
    names = {f"k{number}": find_metric(connection, run_key, key) for number, key in enumerate(keys)}
    first, *others = names
    sql = f"SELECT m.step FROM metrics m WHERE m.run = :run AND m.metric = :{first}"
    sql += " AND m.step > :after AND m.step < :before"
    for name in others:
        sql += f" AND EXISTS (SELECT 1 FROM metrics o WHERE o.run = :run AND o.metric = :{name}"
        sql += " AND o.step = m.step)"
    rows = connection.execute(f"{sql} ORDER BY m.step LIMIT :limit", {**bounds, **names}).fetchall()
    return [step for (step,) in rows]


def _next_steps(connection: sqlite3.Connection, bounds: Mapping[str, int]) -> list[int]:
    """The first steps after a bound. Each metric's own first ones hold them all, and an index has those in order."""
    found: set[int] = set()
    for metric in _metrics_of(connection, bounds["run"], ()):
        rows = connection.execute(
            "SELECT step FROM metrics WHERE run = :run AND metric = :metric AND step > :after AND step < :before"
            " ORDER BY step LIMIT :limit",
            {**bounds, "metric": metric},
        )
        found.update(step for (step,) in rows.fetchall())
    return sorted(found)[: bounds["limit"]]


def rows_at(
    connection: sqlite3.Connection, run_key: int, steps: Sequence[int], *, keys: Sequence[str] = ()
) -> list[HistoryRow]:
    """What was logged at these steps (only `keys`, when given), in their order."""
    refuse_damaged_history(connection, run_key)
    metrics = _metrics_of(connection, run_key, keys)
    found: dict[int, dict[str, Any]] = {}
    times: dict[int, float] = {}
    wanted = json.dumps(list(steps))
    for metric, name in metrics.items():
        for step, time, value, body in connection.execute(
            # CROSS: from the steps to the rows; SQLite would otherwise walk all rows for each step.
            "SELECT m.step, m.time, m.value, m.body FROM json_each(?) s CROSS JOIN metrics m"
            " WHERE m.run = ? AND m.metric = ? AND m.step = s.value",
            (wanted, run_key, metric),
        ).fetchall():
            found.setdefault(step, {})[name] = _value(value, body)
            times[step] = max(time, times.get(step, time))
    return [HistoryRow(step=step, time=times[step], values=found[step]) for step in steps if step in found]


def _metrics_of(connection: sqlite3.Connection, run_key: int, keys: Sequence[str]) -> dict[int, str]:
    if not keys:
        return logged_names(connection, run_key)
    found = {key: find_metric(connection, run_key, key) for key in keys}
    return {metric: key for key, metric in found.items() if metric is not None}


def _value(value: float | None, body: str | None) -> Any:
    if value is not None:
        return value
    return _NAN if body is None else load_values(body)
