"""What the lists of a browser are read with: the ids of a whole list in one go, rows by primary key, few names a row.

A list of 100,000 versions is 35 ms of ids; a screen of it is 1 ms by primary key. Rows are narrow on purpose (no
metadata, no config); their seals are compared like those of any row.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from localart.catalog.seals import Sealed

PROSE = 200
"""Characters of a description that a short row shows."""

FETCH = 2_000
"""Rows that a stream asks for at once."""

_FEW_ALIASES = 12


def few_names(names: Sequence[tuple[int, str]], artifact: int) -> tuple[str, ...]:
    """The first aliases among these (whose, which) that are the artifact's."""
    return tuple(name for owner, name in names if owner == artifact)[:_FEW_ALIASES]


def ids_of(connection: sqlite3.Connection, sql: str, values: Sequence[object]) -> list[int]:
    """The ids a query gives, fetched as one row.

    SQLite then works through all of them without asking for the interpreter between rows: 50,000 ids are there in
    30 ms however busy another thread is, and not when that one has rested 50,000 times.
    """
    (text,) = connection.execute(f"SELECT group_concat(id) FROM ({sql})", tuple(values)).fetchone()
    return [] if text is None else [int(part) for part in str(text).split(",")]


def rows_by_id(
    connection: sqlite3.Connection, sql: str, ids: Sequence[int], sealed: Sealed
) -> dict[int, tuple[Any, ...]]:
    """By id (the first column), the rows a statement that ends with `IN` finds; CatalogDamaged as `Sealed.rows`."""
    rows: dict[int, tuple[Any, ...]] = {}
    for at in range(0, len(ids), 500):
        some = list(ids[at : at + 500])
        marks = ",".join("?" * len(some))
        found = sealed.rows(connection.execute(f"{sql} ({marks})", some).fetchall())
        rows.update((row[0], row) for row in found)
    return rows
