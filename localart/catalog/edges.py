"""Rows of edges: which runs made and used which versions."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from localart.catalog.counts import one_state, refuse_missing
from localart.catalog.seals import Sealed, resealed, seal_of
from localart.catalog.transaction import Transaction
from localart.jsonable import canonical_json
from localart.model import Direction
from localart.records import dataclass

_SEALED = Sealed(e="edges")


def add_edge(
    tx: Transaction,
    *,
    run_key: int,
    version_id: int,
    direction: Direction,
    made: bool = False,
    used_as: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> bool:
    """Link a run and a version; False when they were linked already (metadata given now is kept)."""
    text = None if metadata is None else canonical_json(metadata).decode()
    key = (run_key, version_id, direction.value)
    known = tx.execute("SELECT 1 FROM edges WHERE run = ? AND version = ? AND direction = ?", key).fetchone()
    if known:
        if text is not None:
            with resealed(tx, "edges", *key):
                tx.execute(
                    "UPDATE edges SET metadata = ? WHERE run = ? AND version = ? AND direction = ?",
                    (text, *key),
                )
        return False
    put_edges(tx, [(*key, int(made), used_as, text, tx.now)])
    return True


def put_edges(tx: Transaction, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows: run, version, direction, made, used as, metadata (JSON), time."""
    tx.executemany(
        "INSERT INTO edges(run, version, direction, made, used_as, metadata, created_at, seal)"
        " VALUES (?,?,?,?,?,?,?,?)",
        [(*row, seal_of(*row)) for row in rows],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One edge by row ids."""

    run_key: int
    version_id: int
    direction: str
    is_made: bool
    used_as: str | None
    created_at: str


def edges_at_runs(
    connection: sqlite3.Connection, runs: Iterable[int], direction: str | None = None
) -> list[Edge]:
    """The edges of these runs: all, or only inputs or outputs."""
    return _edges_at(connection, "run", runs, direction)


def edges_at_versions(
    connection: sqlite3.Connection, versions: Iterable[int], direction: str | None = None
) -> list[Edge]:
    """The edges of these versions: all, or only inputs or outputs."""
    return _edges_at(connection, "version", versions, direction)


def _edges_at(
    connection: sqlite3.Connection, owner: str, keys: Iterable[int], direction: str | None
) -> list[Edge]:
    wanted = list(dict.fromkeys(keys))
    with one_state(connection):
        rows = _SEALED.rows(
            connection.execute(
                f"SELECT e.run, e.version, e.direction, e.made, e.used_as, e.created_at, {_SEALED.columns}"
                f" FROM json_each(?) s CROSS JOIN edges e WHERE e.{owner} = s.value AND (? IS NULL OR e.direction = ?)",
                (json.dumps(wanted), direction, direction),
            ).fetchall()
        )
        at = 0 if owner == "run" else 1
        for one in ("input", "output") if direction is None else (direction,):
            of_direction = [row[at] for row in rows if row[2] == one]
            refuse_missing(connection, f"{owner} {one}", of_direction, wanted)
    return [
        Edge(
            run_key=row[0],
            version_id=row[1],
            direction=row[2],
            is_made=bool(row[3]),
            used_as=row[4],
            created_at=row[5],
        )
        for row in rows
    ]


def linked_keys(connection: sqlite3.Connection, run_key: int, direction: str) -> list[int]:
    """Row ids of the versions a run used (`input`) or logged (`output`), in the order they were linked."""
    found = edges_at_runs(connection, [run_key], direction)
    return [one.version_id for one in sorted(found, key=lambda one: (one.created_at, one.version_id))]


def producer(connection: sqlite3.Connection, version_id: int) -> int | None:
    """The run that made the version, or None."""
    found = edges_at_versions(connection, [version_id], "output")
    return next((one.run_key for one in found if one.is_made), None)


def consumers(connection: sqlite3.Connection, version_id: int) -> list[int]:
    """The runs that used the version, oldest use first."""
    found = edges_at_versions(connection, [version_id], "input")
    return [one.run_key for one in sorted(found, key=lambda one: (one.created_at, one.run_key))]
