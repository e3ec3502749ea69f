"""What SQLite's errors mean for a user."""

import sqlite3
from contextlib import closing

import pytest

from localart.catalog.connection import connect, translate
from localart.errors import (
    CatalogDamaged,
    InvalidName,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
)

MEANINGS = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_BUSY_SNAPSHOT: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_PROTOCOL: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_READONLY: StoreReadOnly,
    sqlite3.SQLITE_READONLY_DBMOVED: StoreReadOnly,
    sqlite3.SQLITE_PERM: StoreReadOnly,
    sqlite3.SQLITE_CORRUPT: CatalogDamaged,
    sqlite3.SQLITE_CORRUPT_INDEX: CatalogDamaged,
    sqlite3.SQLITE_NOTADB: CatalogDamaged,
    sqlite3.SQLITE_CANTOPEN: StoreError,
    sqlite3.SQLITE_IOERR: StoreError,
    sqlite3.SQLITE_IOERR_FSYNC: StoreError,
    sqlite3.SQLITE_CONSTRAINT: CatalogDamaged,
}


@pytest.mark.parametrize("code", MEANINGS)
def test_each_code_has_its_meaning_and_a_way_out(code):
    error = sqlite3.OperationalError("words of SQLite")
    error.sqlite_errorcode = code

    meant = translate(error)

    assert type(meant) is MEANINGS[code]
    assert meant.hint


def test_an_error_without_a_code_is_damage():
    assert type(translate(sqlite3.ProgrammingError("closed"))) is CatalogDamaged


OVERFLOWS_LATER = (
    "SELECT CASE value WHEN 3 THEN abs(-9223372036854775807 - 1) ELSE value END"
    " FROM (SELECT 1 AS value UNION ALL SELECT 2 UNION ALL SELECT 3)"
)


@pytest.mark.parametrize("fetch", ["fetchall", "fetchmany", "fetchone"])
def test_errors_while_rows_are_fetched_are_translated_too(catalog, fetch):
    cursor = catalog.read().execute(OVERFLOWS_LATER)
    assert cursor.fetchone() == (1,)

    with pytest.raises(CatalogDamaged, match="integer overflow"):
        getattr(cursor, fetch)()


def test_rows_come_one_at_a_time_or_many(catalog):
    cursor = catalog.read().execute("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")

    assert (cursor.fetchmany(), cursor.fetchmany(2), cursor.fetchone()) == ([(1,)], [(2,), (3,)], None)


def test_connections_do_not_trust_a_schema_and_check_what_they_read(catalog):
    def ask(pragma: str) -> int:
        return catalog.read().execute(f"PRAGMA {pragma}").fetchone()[0]

    assert (ask("foreign_keys"), ask("trusted_schema"), ask("cell_size_check")) == (1, 0, 1)
    assert ask("synchronous") == 2


@pytest.mark.parametrize("value", ["half a surrogate \ud800", 1 << 64])
def test_a_value_that_no_database_can_hold_is_refused_by_name(catalog, value):
    with pytest.raises(InvalidName, match="cannot hold this value"):
        catalog.read().execute("SELECT ?", (value,))


def test_a_schema_of_broken_text_is_damage(tmp_path):
    with closing(sqlite3.connect(tmp_path / "broken.db")) as connection:
        connection.execute("CREATE TABLE a(x)")
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = CAST(X'4352ff' AS TEXT), name = CAST(X'ff' AS TEXT)"
        )
        connection.commit()

    with pytest.raises(CatalogDamaged):
        connect(tmp_path / "broken.db", read_only=True).execute("SELECT * FROM a")
