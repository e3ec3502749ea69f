"""Seals of what runs logged: one for each metric of a run that has ended, over all of its rows.

A seal for each row would make logging half as slow again; this one costs 1 µs a row once, when the run ends. What a
running run logs has none yet. Whoever reads a history compares it first, once for each connection; one of more than
`MOST_COMPARED` rows only verify does: a chart of a million points must not wait a second.
"""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

from xxhash import xxh3_64

from localart.catalog.counts import one_state
from localart.catalog.seals import MASK, Sealed, damaged, onward, seal_of
from localart.catalog.transaction import Transaction
from localart.names import shown
from localart.records import dataclass

MOST_COMPARED = 100_000
_FETCH = 5_000
_NAME = Sealed(n="metric_names")

_compared: "weakref.WeakKeyDictionary[sqlite3.Connection, set[tuple[int, ...]]]" = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class SeriesSeal:
    """How many rows a metric of a run has, and the seal over them."""

    row_count: int
    seal: int


def series_seal(rows: Iterable[list[Any]]) -> SeriesSeal:
    """The seal over batches of rows (step, time, value, body) in order, however they are cut."""
    digest, count = xxh3_64(), 0
    for some in rows:
        count += len(some)
        digest.update(f"{ascii(some)[1:-1]}, ".encode())
    return SeriesSeal(count, digest.intdigest() & MASK)


def seals_found(connection: sqlite3.Connection, run_key: int) -> dict[int, SeriesSeal]:
    """By metric, what the rows of the run say now. Reads all of them."""
    metrics = connection.execute(
        # not by way of the names: one of them may be what is damaged
        "WITH RECURSIVE used(metric) AS (SELECT min(metric) FROM metrics WHERE run = :run UNION ALL"
        " SELECT (SELECT min(metric) FROM metrics WHERE run = :run AND metric > used.metric) FROM used"
        " WHERE used.metric IS NOT NULL) SELECT metric FROM used WHERE metric IS NOT NULL",
        {"run": run_key},
    ).fetchall()
    return {metric: series_seal(_batches(connection, run_key, metric)) for (metric,) in metrics}


def _batches(connection: sqlite3.Connection, run_key: int, metric: int) -> Iterator[list[Any]]:
    after = -(1 << 63)
    sql = (
        "SELECT step, time, value, body FROM metrics WHERE run = ? AND metric = ? AND step > ?"
        f" ORDER BY step LIMIT {_FETCH}"
    )
    while rows := connection.execute(sql, (run_key, metric, after)).fetchall():
        yield rows
        after = onward(after, rows[-1][0])


def seals_kept(connection: sqlite3.Connection, run_key: int) -> dict[int, SeriesSeal]:
    """By metric, what was sealed when the run ended; empty while it goes on."""
    rows = connection.execute(
        "SELECT metric, row_count, seal FROM history_seals WHERE run = ?", (run_key,)
    ).fetchall()
    if not all(isinstance(fact, int) for row in rows for fact in row):
        raise damaged(f"the seals of what run {shown(str(run_key))} logged")
    return {metric: SeriesSeal(count, seal) for metric, count, seal in rows}


def refuse_damaged_history(connection: sqlite3.Connection, run_key: int) -> None:
    """CatalogDamaged unless the history of an ended run is what was sealed, or too long to be looked at here."""
    kept = seals_kept(connection, run_key)
    if not kept:
        _refuse_unsealed(connection, run_key)
    if not kept or sum(one.row_count for one in kept.values()) > MOST_COMPARED:
        return
    facts = (run_key, *(number for one in kept.values() for number in (one.row_count, one.seal)))
    known = _compared.setdefault(connection, set())
    if facts in known:
        return
    if not _fits(connection, run_key):
        with one_state(connection):  # the run may be going on, and its seals gone since
            is_damaged = not _fits(connection, run_key)
        if is_damaged:
            raise damaged(f"what run {shown(str(run_key))} logged")
        return
    known.add(facts)


_UNSEALED = (
    "r.state <> 'running' AND EXISTS (SELECT 1 FROM metrics WHERE run = r.id)"
    " AND NOT EXISTS (SELECT 1 FROM history_seals WHERE run = r.id)"
)


def _refuse_unsealed(connection: sqlite3.Connection, run_key: int) -> None:
    """CatalogDamaged when the run has ended and what it logged has no seal: then it did not log that."""
    row = connection.execute(f"SELECT 1 FROM runs r WHERE r.id = ? AND {_UNSEALED}", (run_key,)).fetchone()
    if row is not None:
        raise damaged(f"what run {shown(str(run_key))} logged")


def _fits(connection: sqlite3.Connection, run_key: int) -> bool:
    kept = seals_kept(connection, run_key)
    names = connection.execute(
        f"SELECT {_NAME.columns} FROM history_seals h JOIN metric_names n ON n.id = h.metric WHERE h.run = ?",
        (run_key,),
    )
    is_named = len(_NAME.rows(names.fetchall())) == len(kept)
    return not kept or (is_named and seals_found(connection, run_key) == kept)


def seal_history(tx: Transaction, run_key: int) -> None:
    """Seal what the run logged, as it is now: it has ended."""
    forget_seals(tx, run_key)
    tx.executemany(
        "INSERT INTO history_seals(run, metric, row_count, seal) VALUES (?,?,?,?)",
        [
            (run_key, metric, one.row_count, one.seal)
            for metric, one in seals_found(tx.connection, run_key).items()
        ],
    )


def forget_seals(tx: Transaction, run_key: int) -> None:
    """The run goes on, or loses a part of its history."""
    tx.execute("DELETE FROM history_seals WHERE run = ?", (run_key,))


def unsealed_histories(connection: sqlite3.Connection) -> Iterator[tuple[int, str, str]]:
    """Row, uid and id of each run whose history is not what was sealed. Reads all that ended runs logged."""
    rows = connection.execute(
        "SELECT r.id, r.uid, r.run_id FROM runs r"
        f" WHERE EXISTS (SELECT 1 FROM history_seals WHERE run = r.id) OR ({_UNSEALED}) ORDER BY r.id"
    ).fetchall()
    for key, uid, run_id in rows:
        if seals_found(connection, key) != seals_kept(connection, key):
            yield key, uid, run_id


def unsealed_names(connection: sqlite3.Connection) -> dict[int, str]:
    """Metrics whose name is not what was written, with the name they have now."""
    rows = connection.execute("SELECT id, name, seal FROM metric_names").fetchall()
    return {key: name for key, name, seal in rows if seal != seal_of(key, name)}
