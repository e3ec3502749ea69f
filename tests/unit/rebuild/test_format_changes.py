"""A store meets a newer or an older localart: upgraded with a way back, read where that is allowed, or refused."""

import json
import os
import sqlite3
from types import SimpleNamespace

import pytest

import localart
from localart.catalog import format as catalog_format
from localart.errors import CatalogDamaged, StoreFull, StoreReadOnly, StoreTooNew
from localart.repository import marker, open_repository, opening
from localart.repository.opening import close_all

COLOURS = "CREATE TABLE colours(run INTEGER NOT NULL REFERENCES runs(id)) STRICT;\n"


@pytest.fixture
def old(store):
    """A store of format 1 with one version, at rest."""
    with localart.init(project="p") as run:
        draft = localart.Artifact("ds", "dataset")
        with draft.new_file("f", "wb") as file:
            file.write(b"content")
        run.log_artifact(draft)
    close_all()
    return store


@pytest.fixture
def newer(monkeypatch):
    """Make this localart one of format 2 (or back again); `script` is what its migration does."""

    def become(number=2, script=COLOURS):
        known = catalog_format.migrations()
        scripts = {name: text for name, text in known.items() if name.startswith("0001")}
        if number == 2:
            scripts["0002_colours"] = script
        monkeypatch.setattr(catalog_format, "migrations", lambda: scripts)
        monkeypatch.setattr(catalog_format, "format_number", lambda: number)
        monkeypatch.setattr(marker, "STORE_FORMAT", number)
        monkeypatch.setattr(opening, "STORE_FORMAT", number)

    return become


def ask(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchone()[0]
    finally:
        connection.close()


def open_once(store, **how):
    open_repository(store, create=False, **how).close()


def test_the_marker_and_the_catalog_count_the_same_formats():
    assert catalog_format.format_number() == marker.STORE_FORMAT


def test_an_upgrade_leaves_a_copy_of_the_old_catalog_and_tells_older_versions(old, newer):
    newer()

    open_once(old)

    assert ask(old / "localart.db", "PRAGMA user_version") == 2
    assert ask(old / "localart.db.before-1", "PRAGMA user_version") == 1
    assert ask(old / "localart.db.before-1", "SELECT count(*) FROM versions") == 1
    assert json.loads((old / "LOCALART").read_text())["format"] == 2


def test_the_copy_put_back_is_a_store_of_the_old_format(old, newer):
    newer()
    open_once(old)

    (old / "localart.db.before-1").replace(old / "localart.db")
    newer(1)
    repository = open_repository(old, create=False)

    assert repository.read_only  # the marker still says 2
    assert repository.read().execute("SELECT count(*) FROM versions").fetchone() == (1,)
    repository.close()


def test_the_copy_of_an_earlier_upgrade_goes_with_the_next_one(old, newer):
    (old / "localart.db.before-0").write_bytes(b"from long ago")
    newer()

    open_once(old)

    assert sorted(path.name for path in old.glob("*.before-*")) == ["localart.db.before-1"]


@pytest.mark.parametrize(
    "script",
    ["CREATE TABLE projects(id INTEGER);\n", COLOURS + "INSERT INTO colours VALUES (12345);\n"],
    ids=["fails", "leaves-a-row-that-refers-to-nothing"],
)
def test_an_upgrade_that_goes_wrong_changes_nothing(old, newer, script):
    newer(script="PRAGMA defer_foreign_keys=ON;\n" + script)
    before = ask(old / "localart.db", "SELECT group_concat(sql) FROM sqlite_master")

    with pytest.raises(CatalogDamaged):
        open_once(old)

    assert ask(old / "localart.db", "PRAGMA user_version") == 1
    assert ask(old / "localart.db", "SELECT group_concat(sql) FROM sqlite_master") == before
    newer(2)
    open_once(old)
    assert ask(old / "localart.db", "PRAGMA user_version") == 2


def test_an_old_catalog_that_is_damaged_is_not_upgraded(old, newer):
    connection = sqlite3.connect(old / "localart.db")
    connection.execute("INSERT INTO run_tags(run, name) VALUES (999, 'of no run')")
    connection.commit()
    connection.close()
    newer()

    with pytest.raises(CatalogDamaged, match="cannot be upgraded: a row of run_tags refers to nothing"):
        open_once(old)
    assert ask(old / "localart.db", "PRAGMA user_version") == 1


def test_an_upgrade_without_room_for_a_copy_is_not_begun(old, newer, monkeypatch):
    newer()
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=1, f_frsize=4096))

    with pytest.raises(StoreFull, match="Upgrading"):
        open_once(old)

    assert ask(old / "localart.db", "PRAGMA user_version") == 1
    assert not list(old.glob("*.before-*"))


def test_a_process_that_was_there_before_the_upgrade_reads_on_and_writes_nothing(old, newer):
    before = open_repository(old, create=False)
    newer()
    open_once(old)
    newer(1)

    assert before.read().execute("SELECT count(*) FROM versions").fetchone() == (1,)
    with pytest.raises(StoreTooNew, match="upgraded by a newer localart"), before.write():
        pass
    before.close()


def test_an_older_localart_reads_a_store_that_says_it_may_and_writes_nothing(old, newer):
    newer()
    open_once(old)
    newer(1)

    assert localart.Api().artifact("p/ds:v0").version == "v0"
    with pytest.raises(StoreReadOnly):
        localart.init(project="p")


def test_an_older_localart_refuses_a_store_that_it_may_not_read(old, newer, monkeypatch):
    monkeypatch.setattr(marker, "MIN_READER", 2)
    monkeypatch.setattr(catalog_format, "MIN_READER", 2)
    newer()
    open_once(old)
    newer(1)

    with pytest.raises(StoreTooNew, match="format 2; this localart knows up to 1") as caught:
        localart.Api().artifact("p/ds:v0")
    assert "upgrade localart" in caught.value.hint


def make_newer_but_readable(store):
    connection = sqlite3.connect(store / "localart.db")
    connection.execute("INSERT INTO store VALUES ('min_reader', '1')")
    connection.execute("PRAGMA user_version=2")
    connection.commit()
    connection.close()


def test_a_newer_catalog_without_a_newer_marker_is_refused_for_writing_and_the_message_says_what_may_be_done(
    old,
):
    make_newer_but_readable(old)

    with pytest.raises(StoreTooNew, match="may read it, but not write"):
        open_once(old)
    open_once(old, read_only=True)


def test_who_may_only_read_a_newer_format_is_told_to_upgrade_when_something_is_written(old):
    """Fails when `refuse_read_only` does not ask for the format."""
    make_newer_but_readable(old)
    repository = open_repository(old, create=False, read_only=True)

    with pytest.raises(StoreReadOnly, match="can only read") as caught, repository.write():
        pass
    assert "upgrade localart" in caught.value.hint


def test_a_store_whose_upgrade_stopped_after_the_marker_goes_on_with_it(old, newer):
    newer()
    marker.write_marker(old, marker.read_marker(old).store)

    open_once(old)

    assert ask(old / "localart.db", "PRAGMA user_version") == 2
