"""Rows of upserts: what processes have added to a version that none of them has finished yet.

Each names a complete manifest of its own, which lives as long as the row.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from localart.catalog.transaction import Transaction
from localart.jsonable import canonical_json
from localart.model import JsonObject
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertRecord:
    """One contribution. `body` holds the description, metadata, aliases and tags it came with."""

    id: int
    artifact_id: int
    distributed_id: str
    run_key: int
    manifest_id: int
    body: JsonObject
    created_at: str


_SELECT = "SELECT id, artifact, distributed_id, run, manifest, body, created_at FROM upserts"


def list_upserts(connection: sqlite3.Connection, artifact_id: int, distributed_id: str) -> list[UpsertRecord]:
    """What was added under this id and is not finished, in the order it was added."""
    rows = connection.execute(
        f"{_SELECT} WHERE artifact = ? AND distributed_id = ? ORDER BY id", (artifact_id, distributed_id)
    )
    return [_record(row) for row in rows.fetchall()]


def unfinished_upserts(connection: sqlite3.Connection) -> list[UpsertRecord]:
    """Everything that waits to be finished, in the order it was added."""
    return [_record(row) for row in connection.execute(f"{_SELECT} ORDER BY id").fetchall()]


def _record(row: tuple[Any, ...]) -> UpsertRecord:
    return UpsertRecord(
        id=row[0],
        artifact_id=row[1],
        distributed_id=row[2],
        run_key=row[3],
        manifest_id=row[4],
        body=json.loads(row[5]),
        created_at=row[6],
    )


def insert_upsert(
    tx: Transaction,
    *,
    artifact_id: int,
    distributed_id: str,
    run_key: int,
    manifest_id: int,
    body: JsonObject,
) -> int:
    """Keep one contribution until it is finished."""
    return tx.insert(
        "INSERT INTO upserts(artifact, distributed_id, run, manifest, body, created_at) VALUES (?,?,?,?,?,?)",
        (artifact_id, distributed_id, run_key, manifest_id, canonical_json(body).decode(), tx.now),
    )


def remove_upserts(tx: Transaction, records: Sequence[UpsertRecord]) -> None:
    """They have become part of a version."""
    tx.executemany("DELETE FROM upserts WHERE id = ?", [(record.id,) for record in records])
