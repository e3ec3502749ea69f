"""One catalog, many threads and processes: how it is opened, shared, written and left behind."""

import gc
import multiprocessing
import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from catalog_rows import entry_of, publish, store_manifest

from localart.catalog import Catalog, create_catalog, manifests
from localart.catalog.catalog import has_records
from localart.catalog.connection import connect
from localart.errors import CatalogDamaged, StoreBusy, StoreNotFound, StoreReadOnly
from localart.repository.identity import new_uid, utc_now

FORK = multiprocessing.get_context("fork")


def add_project(catalog: Catalog, name: str, **options) -> None:
    with catalog.write(**options) as tx:
        tx.execute("INSERT INTO projects(name, created_at) VALUES (?, ?)", (name, tx.now))


def project_names(catalog: Catalog) -> list[str]:
    return [name for (name,) in catalog.read().execute("SELECT name FROM projects ORDER BY id").fetchall()]


def open_here(folder) -> Catalog:
    (folder / "locks").mkdir(exist_ok=True)
    return Catalog(
        folder / "localart.db",
        folder / "locks" / "writer.lock",
        read_only=False,
        network=False,
        site="here",
        clock=utc_now,
        new_uid=new_uid,
    )


# --- transactions ------------------------------------------------------------------------------------


def test_a_failing_body_changes_nothing_and_frees_the_lock(catalog):
    def write_and_fail() -> None:
        with catalog.write() as tx:
            tx.execute("INSERT INTO projects(name, created_at) VALUES ('p', 'now')")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        write_and_fail()

    assert project_names(catalog) == []
    add_project(catalog, "q")
    assert project_names(catalog) == ["q"]


def test_what_happens_before_the_commit_can_still_stop_it(catalog):
    def refuse(tx) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        add_project(catalog, "p", before_commit=refuse)

    assert project_names(catalog) == []


def test_a_rule_of_the_schema_that_is_broken_is_a_localart_error(catalog):
    add_project(catalog, "p")

    with pytest.raises(CatalogDamaged, match="UNIQUE"):
        add_project(catalog, "p")

    assert project_names(catalog) == ["p"]


def test_a_snapshot_does_not_see_what_others_commit_meanwhile(catalog, open_catalog):
    add_project(catalog, "p")
    other = open_catalog()

    with catalog.snapshot() as connection, catalog.snapshot() as inner:
        before = connection.execute("SELECT count(*) FROM projects").fetchone()
        add_project(other, "q")
        after = inner.execute("SELECT count(*) FROM projects").fetchone()

    assert before == after == (1,)
    assert project_names(catalog) == ["p", "q"]


def test_threads_have_connections_of_their_own_and_write_one_after_the_other(catalog):
    failures: list[BaseException] = []

    def write_many(name: str) -> None:
        try:
            for number in range(25):
                add_project(catalog, f"{name}{number}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write_many, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert len(project_names(catalog)) == 100


def test_threads_that_come_and_go_do_not_use_up_descriptors(catalog):
    add_project(catalog, "p")

    def read() -> None:
        assert project_names(catalog) == ["p"]

    def read_in_threads(count: int) -> int:
        for _ in range(count):
            thread = threading.Thread(target=read)
            thread.start()
            thread.join()
            gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = read_in_threads(10)  # SQLite keeps some to use again: closing one would drop all its locks

    assert read_in_threads(30) <= before


# --- processes -----------------------------------------------------------------------------------------


def write_in_child(catalog: Catalog, name: str) -> None:
    add_project(catalog, name)
    assert name in project_names(catalog)
    catalog.close()


def test_a_forked_child_writes_through_connections_of_its_own(catalog):
    add_project(catalog, "parent")
    mine = catalog.read()

    children = [FORK.Process(target=write_in_child, args=(catalog, f"child{number}")) for number in range(3)]
    for child in children:
        child.start()
    add_project(catalog, "parent again")
    for child in children:
        child.join(60)

    assert [child.exitcode for child in children] == [0, 0, 0]
    assert catalog.read() is mine
    assert sorted(project_names(catalog)) == ["child0", "child1", "child2", "parent", "parent again"]


def fork_child_of(catalog: Catalog) -> None:
    child = FORK.Process(target=write_in_child, args=(catalog, "grandchild"))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    add_project(catalog, "child")


def test_a_child_of_a_child_writes_too(catalog):
    add_project(catalog, "parent")
    child = FORK.Process(target=fork_child_of, args=(catalog,))
    child.start()
    child.join(60)

    assert child.exitcode == 0
    assert project_names(catalog) == ["parent", "grandchild", "child"]


def test_a_child_forked_while_other_threads_use_the_catalog_can_use_it_too(catalog):
    add_project(catalog, "parent")
    stop = threading.Event()

    def read_on() -> None:
        while not stop.is_set():
            project_names(catalog)

    readers = [threading.Thread(target=read_on) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        children = [FORK.Process(target=write_in_child, args=(catalog, f"c{number}")) for number in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join(60)
    finally:
        stop.set()
        for reader in readers:
            reader.join()

    assert [child.exitcode for child in children] == [0, 0, 0]


def write_then_die(folder) -> None:
    catalog = open_here(folder)
    add_project(catalog, "durable")
    add_project(catalog, "not durable", durable=False)
    with catalog.write() as tx:
        tx.execute("INSERT INTO projects(name, created_at) VALUES ('unfinished', 'now')")
        os.kill(os.getpid(), 9)


def test_a_writer_that_is_killed_leaves_what_it_committed_and_no_lock(catalog, tmp_path):
    child = FORK.Process(target=write_then_die, args=(tmp_path,))
    child.start()
    child.join(60)
    began = time.monotonic()
    add_project(catalog, "next")

    assert child.exitcode == -9
    assert time.monotonic() - began < 1
    assert project_names(catalog) == ["durable", "not durable", "next"]


# --- readers and writers ---------------------------------------------------------------------------------


def hold_write_lock(folder, started, seconds: float) -> None:
    connection = sqlite3.connect(folder / "localart.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    started.set()
    time.sleep(seconds)
    connection.execute("ROLLBACK")
    connection.close()


def test_a_foreign_program_that_writes_meanwhile_is_waited_for(catalog, tmp_path):
    started = FORK.Event()
    foreign = FORK.Process(target=hold_write_lock, args=(tmp_path, started, 0.5))
    foreign.start()
    started.wait(30)
    add_project(catalog, "p")
    foreign.join(30)

    assert project_names(catalog) == ["p"]


def test_a_foreign_program_that_never_ends_is_a_busy_store(catalog, monkeypatch, tmp_path):
    add_project(catalog, "p")
    catalog.read().execute("PRAGMA busy_timeout=100")
    with closing(sqlite3.connect(tmp_path / "localart.db", isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreBusy, match="keeps the catalog locked"):
            add_project(catalog, "q")

        foreign.execute("ROLLBACK")
    add_project(catalog, "r")
    assert project_names(catalog) == ["p", "r"]


def test_a_manifest_that_is_being_read_holds_up_no_writer(open_catalog):
    writer = open_catalog()
    publish(writer, "same")
    manifest_id = store_manifest(writer, [entry_of(f"flat/{number:05d}", "same") for number in range(5_000)])
    writer.close()  # at rest, where an open read would keep writers out
    reader, writer = open_catalog(), open_catalog()
    entries = manifests.iter_entries(
        reader.read(), manifests.get_manifest(reader.read(), manifest_id), prefix="flat/"
    )
    first = next(entries)

    began = time.monotonic()
    add_project(writer, "p")

    assert time.monotonic() - began < 1
    assert first.path == "flat/00000"
    assert len(list(entries)) == 4_999


def test_reading_on_after_others_wrote_does_not_keep_this_thread_from_writing(catalog, open_catalog):
    publish(catalog, "same")
    manifest_id = store_manifest(catalog, [entry_of(f"{number:05d}", "same") for number in range(5_000)])
    entries = manifests.iter_entries(catalog.read(), manifests.get_manifest(catalog.read(), manifest_id))
    next(entries)
    add_project(open_catalog(), "theirs")

    add_project(catalog, "ours")

    assert len(list(entries)) == 4_999


def test_flushing_makes_commits_durable_also_while_a_reader_holds_an_old_state(
    catalog, open_catalog, monkeypatch
):
    add_project(catalog, "p")
    reader = open_catalog()
    synced: list[str] = []
    real = os.fsync

    def watched(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        real(fd)

    with reader.snapshot() as connection:
        connection.execute("SELECT * FROM projects").fetchall()
        add_project(catalog, "q", durable=False)
        monkeypatch.setattr(os, "fsync", watched)
        catalog.flush()

    assert synced == [f"{catalog.path}-wal", str(catalog.path.parent)]


def test_flushing_a_catalog_at_rest_or_read_only_is_fine(catalog, open_catalog):
    catalog.flush()
    open_catalog(read_only=True).flush()


def test_each_new_wal_is_flushed_with_its_name(catalog, monkeypatch):
    synced: list[str] = []
    real = os.fsync

    def watched(fd: int) -> None:
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{fd}")))
        real(fd)

    monkeypatch.setattr(os, "fsync", watched)
    for _ in range(2):
        add_project(catalog, utc_now(), durable=False)
        catalog.flush()
        catalog.flush()
        catalog.close()

    folder = catalog.path.parent.name
    assert synced == ["localart.db-wal", folder, "localart.db-wal"] * 2


# --- gone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_a_catalog_that_is_gone_takes_nothing_more(catalog, tmp_path, what):
    add_project(catalog, "p")
    (tmp_path / "localart.db").rename(tmp_path / "away.db")
    if what == "replaced":
        (tmp_path / "localart.db").write_bytes((tmp_path / "away.db").read_bytes())

    with pytest.raises(StoreNotFound, match="removed, moved or replaced"):
        add_project(catalog, "q")
    with pytest.raises(StoreNotFound):
        catalog.refuse_gone()


def test_closing_in_a_folder_that_is_gone_does_not_fail(open_catalog, tmp_path):
    catalog = open_catalog(tmp_path / "store")
    add_project(catalog, "p")
    shutil.rmtree(tmp_path / "store")

    catalog.close()

    assert not (tmp_path / "store").exists()


def test_a_catalog_nobody_has_written_to_has_no_records(catalog, tmp_path):
    empty = tmp_path / "empty.db"
    empty.touch()

    assert not has_records(empty)
    assert not has_records(catalog.path)
    with catalog.write() as tx:
        tx.record("test", {})
    assert has_records(catalog.path)


# --- at rest -----------------------------------------------------------------------------------------------


def names_in(folder) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_the_last_one_to_close_leaves_a_single_file(open_catalog, tmp_path):
    first, second = open_catalog(), open_catalog()
    add_project(first, "p")
    add_project(second, "q")

    first.close()
    busy = names_in(tmp_path)
    second.close()

    assert "localart.db-wal" in busy
    assert names_in(tmp_path) == {"localart.db"}
    with closing(sqlite3.connect(tmp_path / "localart.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_closing_while_somebody_writes_leaves_it_to_them(open_catalog, tmp_path):
    first, second = open_catalog(), open_catalog()
    add_project(first, "p")

    with second.write() as tx:
        tx.execute("INSERT INTO projects(name, created_at) VALUES ('q', 'now')")
        first.close()
    second.close()

    assert names_in(tmp_path) == {"localart.db"}


def test_closing_closes_every_threads_connection_and_a_closed_catalog_opens_again(catalog, tmp_path):
    ready, closed = threading.Event(), threading.Event()

    def read_and_stay() -> None:
        project_names(catalog)
        ready.set()
        closed.wait(30)

    thread = threading.Thread(target=read_and_stay)
    thread.start()
    ready.wait(30)
    add_project(catalog, "p")

    catalog.close()
    catalog.close()

    assert not [name for name in os.listdir("/proc/self/fd") if is_in(name, tmp_path)]
    closed.set()
    thread.join()
    assert project_names(catalog) == ["p"]


def is_in(fd: str, folder) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith(str(folder))
    except OSError:
        return False


def test_a_catalog_at_rest_is_read_from_a_folder_nobody_may_write(open_catalog, tmp_path):
    with_rows = open_catalog()
    add_project(with_rows, "p")
    with_rows.close()
    for path in tmp_path.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    tmp_path.chmod(0o555)
    try:
        read_only = open_catalog(read_only=True)

        assert project_names(read_only) == ["p"]
        with pytest.raises(StoreReadOnly, match="cannot be written"):
            add_project(read_only, "q")
        read_only.close()
    finally:
        tmp_path.chmod(0o755)
    assert names_in(tmp_path) == {"localart.db"}


def test_on_a_network_file_system_there_is_never_a_wal(open_catalog, tmp_path):
    catalog = open_catalog(network=True)

    add_project(catalog, "p")
    with catalog.write() as tx:
        tx.execute("INSERT INTO projects(name, created_at) VALUES ('q', 'now')")
        during = names_in(tmp_path)
        mode = tx.execute("PRAGMA journal_mode").fetchone()
    catalog.close()

    assert "localart.db-wal" not in during
    assert mode == ("truncate",)


def test_a_catalog_that_is_being_read_at_rest_is_written_without_wal_this_once(open_catalog, tmp_path):
    create = open_catalog()
    create.close()
    writer = open_catalog()
    with closing(sqlite3.connect(tmp_path / "localart.db", isolation_level=None)) as foreign:
        foreign.execute("BEGIN")
        foreign.execute("SELECT * FROM projects").fetchall()
        with writer.write() as tx:
            mode = tx.execute("PRAGMA journal_mode").fetchone()
            tx.execute("INSERT INTO projects(name, created_at) VALUES ('p', 'now')")
            foreign.execute("ROLLBACK")
    with writer.write() as tx:
        later = tx.execute("PRAGMA journal_mode").fetchone()

    assert (mode, later) == (("truncate",), ("wal",))
    assert project_names(writer) == ["p"]


def test_making_a_catalog_where_there_is_one_changes_nothing(open_catalog, tmp_path):
    open_catalog().close()

    create_catalog(tmp_path / "localart.db", now="later", facts={"store": "another"})

    with closing(connect(tmp_path / "localart.db", read_only=True)) as connection:
        assert connection.execute("SELECT value FROM store WHERE key = 'store'").fetchone() == ("a-store",)


def test_a_removed_wal_leaves_no_header_that_could_be_replayed(catalog: Catalog) -> None:
    with catalog.write() as tx:
        tx.record("test.changed", {"n": 1})
    wal = os.open(f"{catalog.path}-wal", os.O_RDONLY)

    catalog.close()

    assert os.pread(wal, 32, 0) == bytes(32)
    assert os.fstat(wal).st_nlink == 0
    assert os.pread(wal, 100, 32) != bytes(100)
    os.close(wal)
