"""Making a catalog, recognising one, and refusing what is not one."""

import multiprocessing
import sqlite3
from contextlib import closing

import pytest

from localart.catalog import Catalog, create_catalog, read_store_facts
from localart.catalog import format as catalog_format
from localart.catalog.connection import Connection, connect
from localart.errors import CatalogDamaged, NotAStore, StoreNotFound, StoreReadOnly, StoreTooNew

FACTS = {"store": "a-store", "created_at": "2026-01-01T00:00:00.000000Z"}


def schema_of(path) -> dict[tuple[str, str], str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return {(kind, name): "".join((sql or "").replace('"', "").split()) for kind, name, sql in rows}


def change(path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def make_at_once(path, number: int, failures) -> None:
    try:
        create_catalog(path, now="2026-01-01T00:00:00.000000Z", facts={"store": f"store-{number}"})
    except BaseException as error:
        failures.put(repr(error))
        raise


def test_processes_that_make_the_same_catalog_at_once_make_it_once(tmp_path):
    path = tmp_path / "localart.db"
    spawn = multiprocessing.get_context("fork")
    failures = spawn.SimpleQueue()
    makers = [spawn.Process(target=make_at_once, args=(path, number, failures)) for number in range(8)]

    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(60)

    assert failures.empty(), failures.get()
    assert [maker.exitcode for maker in makers] == [0] * 8
    with closing(sqlite3.connect(path)) as connection:
        assert len(connection.execute("SELECT value FROM store").fetchall()) == 1
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_new_catalog_says_what_it_is(catalog):
    with closing(sqlite3.connect(catalog.path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone()[0] == 0x4C415254
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
        tables = connection.execute("PRAGMA table_list").fetchall()
    ours = [row for row in tables if row[2] == "table" and not row[1].startswith("sqlite_")]
    strict = {row[1] for row in ours if row[5]}

    assert {row[1] for row in ours} == strict
    assert read_store_facts(catalog)["store"] == "a-store"


def test_a_new_catalog_has_the_schema_that_migrations_make(catalog, tmp_path):
    marked = tmp_path / "marked.db"
    change(marked, "PRAGMA application_id=0x4C415254", "PRAGMA user_version=0")

    with closing(connect(marked, read_only=False)) as connection:
        assert catalog_format.check(connection, marked) == 0
        catalog_format.upgrade(connection, marked, now="2026-01-01T00:00:00.000000Z", announce=lambda: None)

        assert catalog_format.check(connection, marked) == catalog_format.format_number()
    assert schema_of(marked) == schema_of(catalog.path)


def test_sqlite_utils_sees_nothing_left_to_migrate_in_a_new_catalog(catalog):
    from sqlite_utils import Database, Migrations

    known = Migrations(catalog_format.MIGRATION_SET)
    for name in catalog_format.migrations():
        known(name=name)(lambda database: None)
    with closing(sqlite3.connect(catalog.path)) as connection:
        assert known.pending(Database(connection)) == []


def test_an_older_catalog_is_upgraded_when_it_is_opened(tmp_path, open_catalog, monkeypatch):
    open_catalog().close()
    newer = {**catalog_format.migrations(), "0002_colours": "CREATE TABLE colours(name TEXT) STRICT;\n"}
    monkeypatch.setattr(catalog_format, "migrations", lambda: newer)
    monkeypatch.setattr(catalog_format, "format_number", lambda: 2)

    upgraded = open_catalog()

    assert upgraded.read().execute("SELECT count(*) FROM colours").fetchone() == (0,)
    assert upgraded.read().execute("PRAGMA user_version").fetchone() == (2,)
    assert "upgraded_at" in read_store_facts(upgraded)


def test_an_upgrade_that_fails_leaves_the_old_catalog(tmp_path, open_catalog, monkeypatch):
    open_catalog().close()
    before = schema_of(tmp_path / "localart.db")
    broken = {
        **catalog_format.migrations(),
        "0002_broken": "CREATE TABLE colours(name TEXT) STRICT;\nCREATE TABLE projects(id INTEGER);\n",
    }
    monkeypatch.setattr(catalog_format, "migrations", lambda: broken)
    monkeypatch.setattr(catalog_format, "format_number", lambda: 2)

    with pytest.raises(CatalogDamaged):
        open_catalog()

    assert schema_of(tmp_path / "localart.db") == before
    monkeypatch.undo()
    assert open_catalog().read().execute("PRAGMA user_version").fetchone() == (1,)


def test_an_older_catalog_that_cannot_be_written_is_refused(tmp_path, open_catalog, monkeypatch):
    open_catalog().close()
    monkeypatch.setattr(catalog_format, "format_number", lambda: 2)

    with pytest.raises(StoreReadOnly, match="older format"):
        open_catalog(read_only=True)


def test_a_newer_catalog_is_refused_with_the_way_out(tmp_path, open_catalog):
    open_catalog().close()
    change(tmp_path / "localart.db", "PRAGMA user_version=2")

    with pytest.raises(StoreTooNew, match="format 2; this localart knows up to 1") as refused:
        open_catalog()

    assert "pip install --upgrade localart" in refused.value.hint


def test_a_foreign_database_is_refused_and_left_alone(tmp_path, open_catalog):
    path = tmp_path / "localart.db"
    change(path, "CREATE TABLE theirs(x)", "INSERT INTO theirs VALUES (1)")
    before = path.read_bytes()

    with pytest.raises(NotAStore, match="not a localart catalog"):
        open_catalog()

    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\0"], ids=["empty", "one byte"])
def test_an_emptied_catalog_is_damage_not_a_new_store(tmp_path, open_catalog, content):
    path = tmp_path / "localart.db"
    path.write_bytes(content)

    with pytest.raises(CatalogDamaged):
        open_catalog()

    assert path.read_bytes() == content


def test_text_in_place_of_a_catalog_is_damage(tmp_path, open_catalog):
    (tmp_path / "localart.db").write_text("not a database at all " * 1000)

    with pytest.raises(CatalogDamaged, match="damaged"):
        open_catalog()


@pytest.mark.parametrize("kept", [100, 4096, 8192, 65536])
def test_a_truncated_catalog_is_damage(tmp_path, open_catalog, kept):
    open_catalog().close()
    path = tmp_path / "localart.db"
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(CatalogDamaged):
        read_everything(open_catalog)


def read_everything(open_catalog) -> None:
    catalog = open_catalog()
    read_store_facts(catalog)
    catalog.read().execute("PRAGMA integrity_check").fetchall()
    catalog.read().execute("SELECT count(*) FROM metrics_view").fetchone()


def test_a_catalog_that_lost_its_facts_is_damage(catalog):
    change(catalog.path, "DELETE FROM store")

    with pytest.raises(CatalogDamaged, match="whose it is"):
        read_store_facts(catalog)


def test_a_missing_catalog_is_not_made_anew(tmp_path):
    with pytest.raises(StoreNotFound):
        Catalog(
            tmp_path / "localart.db",
            tmp_path / "lock",
            read_only=False,
            network=False,
            site="here",
            clock=str,
            new_uid=str,
        )

    assert not (tmp_path / "localart.db").exists()


def test_a_refused_catalog_leaves_no_connection_open(tmp_path, open_catalog):
    import gc

    (tmp_path / "localart.db").write_bytes(b"")
    before = {id(one) for one in gc.get_objects() if type(one) is Connection}

    with pytest.raises(CatalogDamaged):
        open_catalog()
    gc.collect()
    opened = [one for one in gc.get_objects() if type(one) is Connection and id(one) not in before]

    # The error's traceback still holds the frames, so only an explicit close can have let the file go.
    assert not [one for one in opened if is_open(one)]


def is_open(connection: Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except Exception:
        return False
    return True


def test_a_migration_must_end_with_its_last_statement():
    with pytest.raises(AssertionError, match="middle of a statement"):
        list(catalog_format.statements("CREATE TABLE a(x);\nCREATE TABLE b("))
