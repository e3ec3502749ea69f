"""The lock file: one holder at a time, never stale, and it can say who holds it."""

import multiprocessing
import os
import threading
import time

import pytest

from localart.catalog.lock import FileLock
from localart.errors import StoreBusy, StoreNotFound, StoreReadOnly

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "writer.lock"


@pytest.fixture
def make_lock(path):
    path.parent.mkdir()
    made = []

    def make() -> FileLock:
        made.append(FileLock(path))
        return made[-1]

    yield make
    for lock in made:
        lock.close()


def test_two_locks_on_one_file_exclude_each_other_inside_a_process(make_lock):
    first, second = make_lock(), make_lock()

    assert first.try_acquire()
    assert not second.try_acquire()
    first.release()
    assert second.try_acquire()


def test_shared_holders_keep_only_exclusive_ones_out(make_lock):
    first, second, third = make_lock(), make_lock(), make_lock()

    assert first.try_acquire(shared=True)
    assert second.try_acquire(shared=True)
    assert not third.try_acquire()


def hold(path, ready, seconds: float) -> None:
    with FileLock(path).held(timeout_seconds=10):
        ready.set()
        time.sleep(seconds)


def test_a_timeout_names_the_process_that_holds_the_lock(make_lock, path):
    ready = FORK.Event()
    holder = FORK.Process(target=hold, args=(path, ready, 30))
    holder.start()
    ready.wait(10)
    began = time.monotonic()

    with pytest.raises(StoreBusy, match=f"locked for 0 s by process {holder.pid}") as busy:
        make_lock().acquire(timeout_seconds=0.2)

    assert 0.2 <= time.monotonic() - began < 2
    assert "wait for it" in busy.value.hint
    holder.kill()
    holder.join()


def test_a_holder_that_dies_frees_the_lock_at_once(make_lock, path):
    ready = FORK.Event()
    holder = FORK.Process(target=hold, args=(path, ready, 30))
    holder.start()
    ready.wait(10)

    holder.kill()
    began = time.monotonic()
    make_lock().acquire(timeout_seconds=5)

    assert time.monotonic() - began < 0.5
    holder.join()


def test_an_unknown_holder_is_another_process(make_lock, path, monkeypatch):
    lock = make_lock()

    assert lock._holder() == "another process"
    path.touch()
    assert lock._holder() == "another process, perhaps on another machine"


def test_an_error_in_the_body_frees_the_lock(make_lock):
    first, second = make_lock(), make_lock()

    def fail() -> None:
        with first.held(timeout_seconds=1):
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()

    assert second.try_acquire()


def take_turns(path, turns: int, waits) -> None:
    lock, longest = FileLock(path), 0.0
    for _ in range(turns):
        began = time.monotonic()
        with lock.held(timeout_seconds=30):
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.002)
    waits.put(longest)


def test_saturating_processes_all_get_their_turn(make_lock, path):
    waits = FORK.SimpleQueue()
    workers = [FORK.Process(target=take_turns, args=(path, 40, waits)) for _ in range(6)]
    for worker in workers:
        worker.start()
    longest = max(waits.get() for _ in workers)
    for worker in workers:
        worker.join()

    assert longest < 2, f"a process waited {longest:.2f} s"


def use_in_child(lock, path, said) -> None:
    said.put(lock.try_acquire())
    lock.release()
    other = FileLock(path)
    said.put(other.try_acquire())


def test_a_forked_child_neither_has_nor_frees_its_parents_lock(make_lock, path):
    lock, said = make_lock(), FORK.SimpleQueue()
    with lock.held(timeout_seconds=1):
        child = FORK.Process(target=use_in_child, args=(lock, path, said))
        child.start()
        child.join(30)

        assert [said.get(), said.get()] == [False, False]
        assert not make_lock().try_acquire()


def test_removing_takes_the_file_away_and_lets_go(make_lock, path):
    lock = make_lock()
    lock.try_acquire()

    lock.remove()
    lock.close()

    assert not path.exists()
    assert make_lock().try_acquire()


def test_a_lock_knows_whether_its_file_is_still_the_one_others_find(make_lock, path):
    lock = make_lock()
    assert not lock.is_in_place()
    lock.try_acquire()
    assert lock.is_in_place()

    path.unlink()
    assert not lock.is_in_place()
    path.touch()
    assert not lock.is_in_place()


def test_releasing_what_was_never_taken_does_nothing(make_lock):
    lock = make_lock()
    lock.release()
    lock.close()
    lock.remove()

    assert lock.try_acquire()


def test_threads_wait_for_each_other(make_lock):
    total = 0

    def count() -> None:
        nonlocal total
        lock = make_lock()
        for _ in range(50):
            with lock.held(timeout_seconds=30):
                seen = total
                time.sleep(0)
                total = seen + 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert total == 200


def test_a_lock_that_may_not_be_made_is_a_store_that_may_only_be_read(tmp_path, monkeypatch):
    def refuse(*args: object) -> int:
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreReadOnly, match="cannot be written"):
        FileLock(tmp_path / "locks" / "x").try_acquire()


def test_the_folder_of_locks_is_made_again_but_not_a_store_that_is_gone(tmp_path):
    lock = FileLock(tmp_path / "locks" / "x")

    assert lock.try_acquire()
    lock.close()
    with pytest.raises(StoreNotFound, match="is gone"):
        FileLock(tmp_path / "gone" / "locks" / "x").try_acquire()
