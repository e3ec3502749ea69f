"""Unfinished files: recognised by name, cleared once no one writes in their folder."""

import fcntl
import os

import pytest

from localart.files import unfinished
from localart.files.target import TargetFolder
from localart.files.unfinished import hold, is_unfinished, new_name, new_names


@pytest.fixture
def handle(tmp_path):
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def test_names_are_new_each_time_and_recognised():
    assert new_name() != new_name()
    assert is_unfinished(new_name())


def test_names_in_a_row_are_new_too_and_shared_among_threads():
    from concurrent.futures import ThreadPoolExecutor

    names = new_names()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: next(names), range(1000)))

    assert len({*found, next(new_names())}) == 1001
    assert all(map(is_unfinished, found))


OURS = ".localart-00112233445566778899aabbccddeeff.part"


@pytest.mark.parametrize(
    "name", [".localart", ".localart-.part", "x" + OURS, OURS + "x", OURS.upper(), "a.part"]
)
def test_names_of_users_are_not_taken_for_ours(name):
    assert not is_unfinished(name)


def test_what_is_left_behind_is_cleared_and_nothing_else(tmp_path, handle):
    (tmp_path / new_name()).write_bytes(b"half")
    (tmp_path / "mine").touch()
    (tmp_path / new_name() / "inner").mkdir(parents=True)
    (tmp_path / new_name()).symlink_to("mine")

    hold(handle, sweep=True)

    assert [path.name for path in tmp_path.iterdir() if path.is_file() and not path.is_symlink()] == ["mine"]
    assert len(os.listdir(tmp_path)) == 2


def test_nothing_is_cleared_when_not_asked(tmp_path, handle):
    (tmp_path / new_name()).touch()

    hold(handle, sweep=False)

    assert len(os.listdir(tmp_path)) == 1


def test_nothing_is_cleared_while_another_writes_there(tmp_path, handle):
    (tmp_path / new_name()).touch()
    other = os.open(tmp_path, os.O_RDONLY)
    hold(other, sweep=False)

    hold(handle, sweep=True)

    assert len(os.listdir(tmp_path)) == 1
    os.close(other)


def test_a_stranger_who_keeps_the_lock_does_not_stop_the_download(tmp_path, handle, monkeypatch):
    monkeypatch.setattr(unfinished, "_PAUSE_SECONDS", 0)
    stranger = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(stranger, fcntl.LOCK_EX)

    hold(handle, sweep=True)

    os.close(stranger)


def test_a_file_system_without_locks_is_left_alone(tmp_path, handle, monkeypatch):
    def refuse(fd, kind):
        raise OSError(37, "No locks available")

    (tmp_path / new_name()).touch()
    monkeypatch.setattr(unfinished.fcntl, "flock", refuse)

    hold(handle, sweep=True)

    assert len(os.listdir(tmp_path)) == 1


def test_a_download_clears_the_folders_it_writes_to_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in ("a", "b", "."):
        (tmp_path / folder / new_name()).touch()

    with TargetFolder.open(tmp_path) as target:
        assert target.find("a/x") is None
        assert len(os.listdir(tmp_path / "a")) == 1
        target.write("a/x", [b"x"], size_bytes=1)

        assert os.listdir(tmp_path / "a") == ["x"]
        assert len(os.listdir(tmp_path / "b")) == 1


def test_on_a_network_file_system_nothing_is_cleared(tmp_path, monkeypatch):
    monkeypatch.setattr("localart.files.target.is_network", lambda path: True)
    (tmp_path / new_name()).touch()

    with TargetFolder.open(tmp_path) as target:
        target.write("x", [b"x"], size_bytes=1)

    assert len(os.listdir(tmp_path)) == 2
