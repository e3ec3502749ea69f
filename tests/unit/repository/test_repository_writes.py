"""The repository: bytes before rows, one pack writer for all threads, nothing shared with a forked child."""

import gc
import multiprocessing
import os
import threading
import uuid

import pytest

from localart.catalog import blobs
from localart.errors import SourceChanged, SourceMissing
from localart.files.tree import walk_tree
from localart.model import BlobRef
from localart.repository import ingest, open_repository
from localart.repository.identity import new_uid, utc_now
from localart.repository.opening import close_all, default_repository, shared_repository

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def repository(store):
    repository = open_repository(store)
    yield repository
    repository.close()


def committed(repository) -> None:
    with repository.write_with_content() as tx:
        tx.record("test", {})


def read_back(repository, blob: BlobRef) -> bytes:
    [layout] = repository.layouts([blob])
    return repository.reader.read(layout)


def blob_count(repository) -> int:
    return repository.read().execute("SELECT count(*) FROM blobs").fetchone()[0]


@pytest.fixture
def tree(tmp_path):
    """Twenty small files of which two are equal, an empty one and a large one."""
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(str(number % 19))
    (tmp_path / "empty").touch()
    (tmp_path / "large.bin").write_bytes(os.urandom(700_000))
    return tmp_path


# --- taking in ---------------------------------------------------------------------------------------------


def test_every_file_of_a_tree_comes_back_byte_for_byte(repository, tree):
    taken = list(ingest.ingest_files(repository, walk_tree(tree)))
    committed(repository)

    assert [file.path for file, _ in taken] == sorted(path.name for path in tree.iterdir())
    for file, blob in taken:
        assert read_back(repository, blob) == (tree / file.path).read_bytes()


def test_what_is_stored_is_not_stored_again(repository, tree):
    list(ingest.ingest_files(repository, walk_tree(tree)))
    committed(repository)
    count, end = blob_count(repository), blobs.pack_states(repository.read())[0].end

    list(ingest.ingest_files(repository, walk_tree(tree)))
    repository.publish()

    assert blob_count(repository) == count
    assert blobs.pack_states(repository.read())[0].end == end


def test_much_content_is_published_before_it_is_logged(repository, tree, monkeypatch):
    from localart.repository import repository as room

    monkeypatch.setattr(room, "PUBLISH_BLOBS", 5)
    monkeypatch.setattr(ingest, "_BATCH_FILES", 4)

    list(ingest.ingest_files(repository, walk_tree(tree)))

    assert blob_count(repository) >= 10


def test_publishing_nothing_writes_nothing(repository):
    before = repository.catalog.path.read_bytes()

    repository.publish()
    repository.publish_if_large()

    assert repository.catalog.path.read_bytes() == before


def test_a_file_that_is_gone_stops_the_intake_by_name(repository, tree):
    files = list(walk_tree(tree))
    (tree / "7.txt").unlink()

    with pytest.raises(SourceMissing, match=r"7\.txt"):
        list(ingest.ingest_files(repository, files))


def test_a_large_file_that_changes_once_is_read_again_and_one_that_never_rests_is_refused(
    repository, tree, monkeypatch
):
    path, touches = tree / "large.bin", []
    real = ingest.open_source

    def changing(times: int):
        def open_and_touch(local):
            source = real(local)
            check = source.check_unchanged

            def touched() -> None:
                if len(touches) < times:
                    touches.append(1)
                    path.write_bytes(os.urandom(700_000))
                check()

            monkeypatch.setattr(source, "check_unchanged", touched)
            return source

        return open_and_touch

    monkeypatch.setattr(ingest, "open_source", changing(1))
    blob = ingest.ingest_one(repository, str(path), "large.bin")
    committed(repository)
    assert read_back(repository, blob) == path.read_bytes()

    touches.clear()
    monkeypatch.setattr(ingest, "open_source", changing(5))
    with pytest.raises(SourceChanged, match=r"large\.bin"):
        ingest.ingest_one(repository, str(path), "large.bin")


def test_threads_take_in_and_commit_at_once(repository, tmp_path):
    failures, found = [], {}

    def work(number: int) -> None:
        try:
            for turn in range(15):
                content = b"%d %d" % (number, turn % 10)
                found[ingest.ingest_bytes(repository, content, ".txt")] = content
                committed(repository)
                with repository.write() as tx:
                    tx.record("other", {})
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert len(found) == 40
    for blob, content in found.items():
        assert read_back(repository, blob) == content


# --- transactions --------------------------------------------------------------------------------------------


def test_a_failing_transaction_keeps_its_content_for_the_next(repository):
    blob = ingest.ingest_bytes(repository, b"content", "")

    def fail() -> None:
        with repository.write_with_content():
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert blob_count(repository) == 0
    committed(repository)

    assert read_back(repository, blob) == b"content"


def test_each_commit_with_records_leaves_them_in_a_pack(repository, store):
    from localart.store import FrameKind, scan_pack
    from localart.store.checking import payload_of

    for number in range(3):
        with repository.write() as tx:
            tx.record("test", {"number": number})
    with repository.write():
        pass  # nothing to record

    [pack] = (store / "packs").iterdir()
    found = [frame for frame in scan_pack(pack) if frame.kind is FrameKind.JOURNAL]
    digests = [digest for (digest,) in repository.read().execute("SELECT digest FROM journal ORDER BY seq")]
    assert [payload_of(pack.stem, frame).split()[0].decode() for frame in found] == [
        digest.hex() for digest in digests
    ]


# --- one store a process -------------------------------------------------------------------------------------


def test_threads_that_open_the_store_at_once_share_it(store):
    barrier, opened = threading.Barrier(6), []

    def work() -> None:
        barrier.wait(30)
        opened.append(default_repository())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(one) for one in opened}) == 1
    assert shared_repository(store) is opened[0]


def test_a_closed_repository_opens_again(store):
    first = default_repository()
    blob = ingest.ingest_bytes(first, b"content", "")
    committed(first)
    close_all()
    close_all()

    second = default_repository()

    assert second is not first
    assert read_back(second, blob) == b"content"
    assert read_back(first, blob) == b"content"
    first.close()


# --- forks ---------------------------------------------------------------------------------------------------


def commit_in_child(repository, said) -> None:
    said.put(blob_count(repository))
    blob = ingest.ingest_bytes(repository, b"of the child", "")
    committed(repository)
    said.put(read_back(repository, blob))


def test_what_the_parent_has_not_committed_stays_the_parents(repository):
    staged = ingest.ingest_bytes(repository, b"of the parent", "")
    said = FORK.SimpleQueue()
    child = FORK.Process(target=commit_in_child, args=(repository, said))
    child.start()
    child.join(60)

    assert child.exitcode == 0
    assert (said.get(), said.get()) == (0, b"of the child")
    assert blob_count(repository) == 1
    committed(repository)
    assert read_back(repository, staged) == b"of the parent"


def open_in_child(said) -> None:
    said.put(str(default_repository().root))


def test_a_child_forked_while_another_thread_opens_stores_opens_them_too(store):
    default_repository()
    said, stop = FORK.SimpleQueue(), threading.Event()

    def open_on() -> None:
        while not stop.is_set():
            default_repository()

    threads = [threading.Thread(target=open_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    children = [FORK.Process(target=open_in_child, args=(said,)) for _ in range(8)]
    for child in children:
        child.start()
    for child in children:
        child.join(30)
        child.kill()
    stop.set()
    for thread in threads:
        thread.join()

    assert [child.exitcode for child in children] == [0] * 8


def test_a_draft_collected_in_the_midst_of_taking_a_lease_does_not_hang(repository):
    class Holder:
        def __init__(self) -> None:
            self.myself = self  # a cycle: only the collector frees it
            repository.lease.take()

        def __del__(self) -> None:
            repository.lease.drop()

    def take_and_forget() -> None:
        for _ in range(200):
            Holder()
            gc.collect(0)

    threads = [threading.Thread(target=take_and_forget, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not any(thread.is_alive() for thread in threads)
    gc.collect()
    with repository.lease.exclusive() as alone:
        assert alone


# --- names of things -----------------------------------------------------------------------------------------


def test_uids_are_uuids_of_version_seven_that_sort_by_time():
    made = [new_uid() for _ in range(2_000)]

    parsed = [uuid.UUID(one) for one in made]
    assert {(one.version, one.variant) for one in parsed} == {(7, uuid.RFC_4122)}
    assert len(set(made)) == 2_000
    times = [one.int >> 80 for one in parsed]
    assert times == sorted(times)


def test_times_are_utc_to_the_microsecond():
    assert len(utc_now()) == len("2026-01-31T12:00:00.000000Z")
    assert utc_now().endswith("Z")
