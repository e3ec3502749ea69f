"""Rows of what ended runs logged, set right again from its records in the packs. Like `mending_rows`."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from localart.catalog.history_record import Row
from localart.catalog.history_seals import SeriesSeal, seals_found, seals_kept, series_seal
from localart.catalog.seals import seal_of
from localart.catalog.transaction import Transaction
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedSeries:
    """What a run logged under one name, as the packs have it, and what its seal would be."""

    name: str
    rows: tuple[Row, ...]
    seal: SeriesSeal

    @classmethod
    def of(cls, name: str, rows: Sequence[Row]) -> "PackedSeries":
        """With its seal."""
        facts = [(row.step, row.time, row.value, row.body) for row in rows]
        return cls(name=name, rows=tuple(rows), seal=series_seal([facts]))


def runs_with(connection: sqlite3.Connection, metrics: Sequence[int]) -> set[str]:
    """The uids of the ended runs that logged one of these metrics."""
    rows = connection.execute(
        "SELECT DISTINCT r.uid FROM history_seals h JOIN runs r ON r.id = h.run"
        " WHERE h.metric IN (SELECT value FROM json_each(?))",
        (json.dumps(list(metrics)),),
    )
    return {uid for (uid,) in rows.fetchall()}


def restore(tx: Transaction, metrics: Sequence[int], packed: Mapping[str, Sequence[PackedSeries]]) -> None:
    """Names first, then each series."""
    keys = {
        uid: row[0]
        for uid in packed
        if (row := tx.execute("SELECT id FROM runs WHERE uid = ?", (uid,)).fetchone())
    }
    for metric in metrics:
        name = _name_of(tx, metric, keys, packed)
        if name is not None:
            tx.execute(
                "UPDATE metric_names SET name = ?, seal = ? WHERE id = ?",
                (name, seal_of(metric, name), metric),
            )
    for uid, key in keys.items():
        _restore_run(tx, key, packed[uid])


def _name_of(
    tx: Transaction, metric: int, keys: Mapping[str, int], packed: Mapping[str, Sequence[PackedSeries]]
) -> str | None:
    """What the packs call the series that was sealed under this metric; None when it is not to be told."""
    others = {
        name
        for key, name, seal in tx.execute("SELECT id, name, seal FROM metric_names").fetchall()
        if key != metric and seal == seal_of(key, name)
    }
    now = tx.execute("SELECT name FROM metric_names WHERE id = ?", (metric,)).fetchone()
    for uid, key in keys.items():
        kept = seals_kept(tx.connection, key).get(metric)
        names = [one.name for one in packed[uid] if one.seal == kept and one.name not in others]
        if now is not None and now[0] in names:  # only its seal was damaged
            return str(now[0])
        if len(names) == 1:
            return names[0]
    return None


def _restore_run(tx: Transaction, key: int, packed: Sequence[PackedSeries]) -> None:
    names: dict[str, int] = dict(tx.execute("SELECT name, id FROM metric_names").fetchall())
    kept, found = seals_kept(tx.connection, key), seals_found(tx.connection, key)
    wanted = {names[one.name]: one for one in packed if one.name in names}
    if len(wanted) != len(packed):
        return  # a name is not known: nothing is sure
    for metric, one in wanted.items():
        if found.get(metric) != one.seal and kept.get(metric) == one.seal:
            _put(tx, key, metric, one)
        elif kept.get(metric) != one.seal and found.get(metric) == one.seal:
            tx.execute(
                "INSERT OR REPLACE INTO history_seals(run, metric, row_count, seal) VALUES (?,?,?,?)",
                (key, metric, one.seal.row_count, one.seal.seal),
            )
    for metric in (found.keys() | kept.keys()) - wanted.keys():  # of no series that was ever written
        for table in ("metrics", "history_seals"):
            tx.execute(f"DELETE FROM {table} WHERE run = ? AND metric = ?", (key, metric))


def _put(tx: Transaction, key: int, metric: int, packed: PackedSeries) -> None:
    tx.execute("DELETE FROM metrics WHERE run = ? AND metric = ?", (key, metric))
    tx.executemany(
        "INSERT INTO metrics(run, metric, step, time, value, body) VALUES (?,?,?,?,?,?)",
        [(key, metric, row.step, row.time, row.value, row.body) for row in packed.rows],
    )
