"""What the page of one run shows beside its row: newest values, media by step, counts. Nothing here writes.

Everything is answered from the primary key of `metrics` (run, metric, step), so it takes as long for a run of a
million steps as for one of ten.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from localart.catalog.counts import count_all
from localart.catalog.edges import edges_at_runs, linked_keys
from localart.catalog.history_seals import refuse_damaged_history
from localart.catalog.metrics import find_metric, logged_names
from localart.catalog.seals import Sealed
from localart.jsonable import load_values
from localart.model import BlobRef, Digest
from localart.records import dataclass

MOST_NAMES = 5_000
MOST_STEPS = 100_000
MOST_FILES = 20_000
_LONGEST_BODY = 4 << 20
_FILES = Sealed(f="run_files")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestValue:
    """What a run logged last under a name: a number, or the JSON of something else ("" where it is huge)."""

    name: str
    step: int
    number: float | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFileLine:
    """One file a run keeps."""

    path: str
    blob: BlobRef
    updated_at: str


def newest_values(
    connection: sqlite3.Connection, run_key: int, names: Iterable[str] | None = None
) -> list[NewestValue]:
    """The last value of each metric of the run (or of these names), by name; at most 5,000.

    A value that is NaN has neither number nor body.
    """
    if names is None:  # not for the lists of runs, which ask for a value or two of each
        refuse_damaged_history(connection, run_key)
    known = logged_names(connection, run_key)
    wanted = None if names is None else set(names)
    found = [
        _newest(connection, run_key, metric, name)
        for metric, name in known.items()
        if wanted is None or name in wanted
    ]
    return sorted(found[:MOST_NAMES], key=lambda one: one.name)


def _newest(connection: sqlite3.Connection, run_key: int, metric: int, name: str) -> NewestValue:
    step, value, body = connection.execute(
        f"SELECT step, value, iif(length(body) > {_LONGEST_BODY}, '', body) FROM metrics"
        " WHERE run = ? AND metric = ? ORDER BY step DESC LIMIT 1",
        (run_key, metric),
    ).fetchone()
    return NewestValue(name=name, step=step, number=value, body=body or "")


def steps_logged(connection: sqlite3.Connection, run_key: int, name: str) -> list[int]:
    """The steps at which the run logged this, ascending; the last 100,000 of them."""
    rows = connection.execute(
        f"SELECT step FROM metrics WHERE run = ? AND metric = ? ORDER BY step DESC LIMIT {MOST_STEPS}",
        (run_key, find_metric(connection, run_key, name)),
    ).fetchall()
    return [step for (step,) in reversed(rows)]


def value_at(connection: sqlite3.Connection, run_key: int, name: str, step: int) -> Any:
    """What the run logged under this name at this step; None when it is nothing, NaN, or more than 4 MiB of JSON."""
    refuse_damaged_history(connection, run_key)
    row = connection.execute(
        f"SELECT value, iif(length(body) > {_LONGEST_BODY}, NULL, body) FROM metrics"
        " WHERE run = ? AND metric = ? AND step = ?",
        (run_key, find_metric(connection, run_key, name), step),
    ).fetchone()
    if row is None:
        return None
    return row[0] if row[1] is None else load_values(row[1])


def file_lines(connection: sqlite3.Connection, run_key: int) -> list[RunFileLine]:
    """The files of a run by path; at most 20,000."""
    count_all(connection, "file", [run_key])
    rows = connection.execute(
        f"SELECT f.path, b.digest, b.size, f.updated_at, {_FILES.columns} FROM run_files f"
        " LEFT JOIN blobs b ON b.id = f.blob"
        f" WHERE f.run = ? ORDER BY f.path LIMIT {MOST_FILES}",
        (run_key,),
    ).fetchall()
    return [
        RunFileLine(path=path, blob=BlobRef(Digest(digest), size), updated_at=at)
        for path, digest, size, at in _FILES.rows(rows)
    ]


def linked_ids(connection: sqlite3.Connection, run_key: int, direction: str) -> Sequence[int]:
    """Row ids of the versions a run used (`input`) or logged (`output`), in the order they were linked."""
    return linked_keys(connection, run_key, direction)


def used_names(connection: sqlite3.Connection, run_key: int, versions: Sequence[int]) -> dict[int, str]:
    """By the row id of an input, what the run called it (`use_as`), where it did."""
    wanted = set(versions)
    return {
        edge.version_id: edge.used_as
        for edge in edges_at_runs(connection, [run_key], "input")
        if edge.used_as is not None and edge.version_id in wanted
    }


def spread_numbers(connection: sqlite3.Connection, run_key: int, name: str, *, count: int) -> list[float]:
    """The course of a metric in about `count` numbers: all when there are few, else those at evenly spread steps.

    Looks each of them up, so that a million steps take as long as a thousand; a spike between two may be missed.
    """
    metric = find_metric(connection, run_key, name)
    if metric is None:
        return []
    where = "FROM metrics WHERE run = ? AND metric = ?"
    key = (run_key, metric)
    rows = connection.execute(f"SELECT value {where} ORDER BY step LIMIT ?", (*key, 2 * count)).fetchall()
    if len(rows) == 2 * count:
        (low, high) = connection.execute(
            f"SELECT (SELECT min(step) {where}), (SELECT max(step) {where})", (*key, *key)
        ).fetchone()
        steps = [low + (high - low) * turn // (count - 1) for turn in range(count)]
        sql = f"SELECT value {where} AND step >= ? ORDER BY step LIMIT 1"
        rows = [connection.execute(sql, (*key, step)).fetchone() for step in steps]
    return [value for (value,) in rows if value is not None]
