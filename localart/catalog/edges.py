"""Rows of edges: which runs made and used which versions."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from localart.catalog.transaction import Transaction
from localart.jsonable import canonical_json
from localart.model import Direction


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
            tx.execute(
                "UPDATE edges SET metadata = ? WHERE run = ? AND version = ? AND direction = ?", (text, *key)
            )
        return False
    tx.execute(
        "INSERT INTO edges(run, version, direction, made, used_as, metadata, created_at) VALUES (?,?,?,?,?,?,?)",
        (*key, int(made), used_as, text, tx.now),
    )
    return True


def producer(connection: sqlite3.Connection, version_id: int) -> int | None:
    """The run that made the version, or None."""
    row = connection.execute(
        "SELECT run FROM edges WHERE version = ? AND direction = 'output' AND made = 1", (version_id,)
    ).fetchone()
    return row[0] if row else None


def consumers(connection: sqlite3.Connection, version_id: int) -> list[int]:
    """The runs that used the version, oldest use first."""
    rows = connection.execute(
        "SELECT run FROM edges WHERE version = ? AND direction = 'input' ORDER BY created_at, run",
        (version_id,),
    )
    return [run for (run,) in rows.fetchall()]
