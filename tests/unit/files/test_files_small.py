"""Small files are read whole, several at once while a disk keeps them waiting."""

import threading
import time

import pytest

from localart.errors import SourceMissing
from localart.files import small
from localart.files.small import SmallFiles
from localart.files.source import read_small

COUNT = 100


@pytest.fixture
def paths(tmp_path):
    for number in range(COUNT):
        (tmp_path / f"{number:03}").write_bytes(b"%d" % number)
    return [str(tmp_path / f"{number:03}") for number in range(COUNT)]


class Disk:
    """Each file takes `seconds` to come; who asked for it is noted."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.threads = set()

    def read(self, path):
        self.threads.add(threading.current_thread())
        time.sleep(self.seconds)
        return read_small(path)


def expected(paths):
    return [(b"%d" % number, path) for number, path in enumerate(paths)]


def named(found, paths):
    return [(content, path) for (content, _), path in zip(found, paths, strict=True)]


def test_files_that_are_in_memory_are_read_by_the_thread_that_asks(paths):
    with SmallFiles() as files:
        before = threading.active_count()
        for _ in range(3):
            assert named(files.read(paths), paths) == expected(paths)
        assert threading.active_count() == before


def test_files_that_are_waited_for_are_read_several_at_once_and_in_order(paths, monkeypatch):
    """Seen to fail when the waiting is never noticed: one thread."""
    disk = Disk(0.002)
    monkeypatch.setattr(small, "read_small", disk.read)
    with SmallFiles() as files:
        assert named(files.read(paths), paths) == expected(paths)
        assert disk.threads == {threading.current_thread()}
        began = time.perf_counter()
        assert named(files.read(paths), paths) == expected(paths)

        assert len(disk.threads) == 5
        assert time.perf_counter() - began < 0.75 * COUNT * disk.seconds
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("localart-small")]


def test_a_few_slow_files_start_no_threads(paths, monkeypatch):
    disk = Disk(0.002)
    monkeypatch.setattr(small, "read_small", disk.read)
    with SmallFiles() as files:
        for _ in range(3):
            files.read(paths[:20])

    assert disk.threads == {threading.current_thread()}


def test_the_first_file_that_cannot_be_read_says_so_and_no_thread_is_left(paths, monkeypatch):
    disk = Disk(0.002)
    monkeypatch.setattr(small, "read_small", disk.read)
    with SmallFiles() as files:
        files.read(paths)
        with pytest.raises(SourceMissing, match="nowhere"):
            files.read([*paths[:50], "nowhere", *paths[50:]])

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("localart-small")]
