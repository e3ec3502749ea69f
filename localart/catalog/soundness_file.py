"""What SQLite and the schema say of the database as a file: pages, indexes, tables, rows that lead nowhere.

Changes nothing. What is found is told in SQLite's words; `operations.verify_catalog` says what it means.
"""

import sqlite3
from collections.abc import Sequence

from localart.catalog import format as catalog_format

_FETCH = 1_000

_SEARCHED = ("artifacts", "versions", "runs")


def page_problems(connection: sqlite3.Connection, *, whole: bool, limit: int = 20) -> tuple[str, ...]:
    """What SQLite finds wrong with its pages, rows and (when `whole`) indexes."""
    check = "integrity_check" if whole else "quick_check"
    found = [str(text) for (text,) in connection.execute(f"PRAGMA {check}({limit})").fetchall()]
    return () if found == ["ok"] else tuple(found)


def expected_schema() -> tuple[tuple[str, str], ...]:
    """Name and SQL of everything localart makes in a catalog."""
    connection = sqlite3.connect(":memory:")
    try:
        for script in catalog_format.migrations().values():
            for statement in catalog_format.statements(script):
                connection.execute(statement)
        return tuple(
            connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%\\_fts\\_%' ESCAPE '\\'"
            ).fetchall()
        )
    finally:
        connection.close()


def schema_problems(connection: sqlite3.Connection, expected: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Tables, indexes, triggers and views that are not as localart makes them; those it does not know are named."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '%\\_fts\\_%' ESCAPE '\\'"
    ).fetchall()
    found = dict(rows)
    wrong = [name for name, sql in expected if found.get(name) != sql]
    known = {name for name, _ in expected}
    strangers = [
        name for name, sql in rows if name not in known and _is_active(sql) and not str(name).startswith("_")
    ]
    return tuple(sorted({*wrong, *strangers}))


def _is_active(sql: str | None) -> bool:
    """Whether it does something by itself when tables are written."""
    return (sql or "").lstrip().upper().startswith("CREATE TRIGGER")


def dangling_rows(connection: sqlite3.Connection, *, limit: int = 1_000) -> dict[tuple[str, str], int]:
    """How many rows of a table name a row of another one that is not there: (table, missing from) → count."""
    counts: dict[tuple[str, str], int] = {}
    cursor = connection.execute("PRAGMA foreign_key_check")
    while rows := cursor.fetchmany(_FETCH):
        for table, _, parent, _ in rows:
            counts[table, parent] = counts.get((table, parent), 0) + 1
        if sum(counts.values()) >= limit:
            break
    return counts


def unsearchable(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The tables whose search index does not cover exactly their rows."""
    return tuple(
        table
        for table in _SEARCHED
        if connection.execute(
            f"SELECT (SELECT count(*) FROM {table}) <> (SELECT count(*) FROM {table}_fts_docsize)"
            f" OR EXISTS (SELECT 1 FROM {table}_fts_docsize WHERE id NOT IN (SELECT id FROM {table}))"
        ).fetchone()[0]
    )
