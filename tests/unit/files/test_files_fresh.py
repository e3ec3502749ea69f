"""Folders that a download makes: filled under a private name, then there with all their files at once."""

import errno
import os

import pytest

from localart.errors import TargetError, UnsafeTarget
from localart.files import fresh, target
from localart.files.source import is_same_state
from localart.files.target import TargetFolder
from localart.files.unfinished import is_unfinished, new_name

FILES = [("d/a", b"1"), ("d/e/b", b"22"), ("d/e/f/c", b"333"), ("g/h", b"4")]


@pytest.fixture
def gathering(tmp_path):
    with TargetFolder.open(tmp_path, gathers=True) as opened:
        yield opened


def _files(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not any(map(is_unfinished, path.parts))
    }


def _unfinished(root):
    return [path for path in root.rglob("*") if is_unfinished(path.name)]


def test_folders_appear_whole(tmp_path, gathering):
    """Fails when a folder is made under its own name."""
    stats = gathering.write_many(FILES)
    before = [name for name in os.listdir(tmp_path) if not is_unfinished(name)]

    gathering.settle()

    assert before == []
    assert _files(tmp_path) == dict(FILES)
    assert _unfinished(tmp_path) == []
    assert all(
        is_same_state(stat, os.lstat(tmp_path / path)) for stat, (path, _) in zip(stats, FILES, strict=True)
    )


def test_what_was_not_settled_is_there_when_the_target_is_closed(tmp_path):
    with TargetFolder.open(tmp_path, gathers=True) as folder:
        folder.write_many(FILES[:2])
        folder.write("d/large", [b"5" * 10], size_bytes=10)

    assert _files(tmp_path) == {**dict(FILES[:2]), "d/large": b"5" * 10}
    assert _unfinished(tmp_path) == []


def test_whole_files_stay_when_the_download_fails(tmp_path):
    folder = TargetFolder.open(tmp_path, gathers=True)
    folder.write_many(FILES[:2])

    folder.__exit__(OSError, OSError("something else"), None)

    assert _files(tmp_path) == dict(FILES[:2])


def test_a_folder_goes_on_being_written_after_it_was_settled(tmp_path, gathering):
    gathering.write_many(FILES[:2])
    gathering.settle()

    gathering.write_many([*FILES[2:], ("d/a", b"again")])
    gathering.settle()

    assert _files(tmp_path) == dict(FILES) | {"d/a": b"again"}
    assert _unfinished(tmp_path) == []


def test_files_that_wait_for_their_folder_are_found(gathering):
    gathering.write_many(FILES)

    assert gathering.find("d/e/b").st_size == 2
    assert gathering.find("d/e/other") is None


def test_a_file_written_twice_is_the_second(tmp_path, gathering):
    """A prune may make a download look again; fails when the first is taken for somebody else's."""
    gathering.write_many(FILES)

    gathering.write_many([("d/a", b"second")])
    gathering.settle()

    assert (tmp_path / "d" / "a").read_bytes() == b"second"


def test_what_someone_put_there_meanwhile_stays_beside(tmp_path, gathering):
    """Fails when a folder that is there is an error, or is taken away."""
    gathering.write_many(FILES)
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "mine").write_bytes(b"mine")
    (tmp_path / "d" / "e" / "b").write_bytes(b"old")
    (tmp_path / "g").mkdir()

    gathering.settle()

    assert _files(tmp_path) == {**dict(FILES), "d/mine": b"mine"}
    assert _unfinished(tmp_path) == []


@pytest.mark.parametrize("inner", ["", "/e", "/a"])
def test_what_is_in_the_way_is_never_followed_and_never_replaced(tmp_path, gathering, inner):
    """Fails when a link there is followed to where it leads."""
    outside = tmp_path / "outside"
    outside.mkdir()
    gathering.write_many(FILES)
    place = tmp_path / f"d{inner}"
    place.parent.mkdir(exist_ok=True)
    if inner == "/a":
        place.mkdir()
    else:
        place.symlink_to(outside)

    with pytest.raises(UnsafeTarget):
        gathering.settle()

    assert os.listdir(outside) == []
    assert place.is_symlink() is (inner != "/a")
    assert (tmp_path / "g" / "h").read_bytes() == b"4"
    assert _unfinished(tmp_path) == []


def test_a_killed_download_leaves_no_folder_and_the_next_one_clears_up(tmp_path):
    dead = tmp_path / new_name() / "e"
    dead.mkdir(parents=True)
    (dead / "b").write_bytes(b"half")

    with TargetFolder.open(tmp_path, gathers=True) as folder:
        folder.write_many(FILES)

        assert len(_unfinished(tmp_path)) == 2, "one for each of our folders"
    assert _files(tmp_path) == dict(FILES)
    assert _unfinished(tmp_path) == []


def test_nobody_clears_a_folder_that_is_being_filled(tmp_path, gathering):
    """Fails when the folder above is not held."""
    gathering.write_many([(f"d{number}/x", b"x") for number in range(100)])

    with TargetFolder.open(tmp_path) as other:
        other.write("y", [b"y"], size_bytes=1)
    gathering.settle()

    assert len(_files(tmp_path)) == 101


def test_a_file_that_fails_is_not_there_and_those_before_it_are(tmp_path, gathering, monkeypatch):
    """Fails when what was begun is left under its name."""
    gathering.write_many(FILES[:1])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _fail(errno.EIO))

        with pytest.raises(TargetError):
            gathering.write_many(FILES[1:])

    gathering.settle()

    assert _files(tmp_path) == dict(FILES[:1])


def test_a_half_file_that_cannot_be_removed_is_never_shown(tmp_path, gathering, monkeypatch):
    """Fails when its folder takes its name all the same."""
    gathering.write_many(FILES[3:])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _fail(errno.EIO))
        patch.setattr(os, "unlink", _fail(errno.EIO))

        with pytest.raises(TargetError):
            gathering.write_many(FILES[1:2])

    gathering.settle()

    assert _files(tmp_path) == dict(FILES[3:])
    assert _unfinished(tmp_path) == []


def test_a_folder_that_cannot_take_its_name_is_told_of_and_taken_away(tmp_path, gathering, monkeypatch):
    gathering.write_many(FILES)
    with monkeypatch.context() as patch:
        patch.setattr(fresh.os, "rename", _fail(errno.EIO))

        with pytest.raises(TargetError):
            gathering.settle()

    assert os.listdir(tmp_path) == []


def test_a_private_folder_removed_by_someone_is_made_again(tmp_path, gathering):
    gathering.write_many(FILES[:1])
    (private,) = _unfinished(tmp_path)
    (private / "a").unlink()
    private.rmdir()

    gathering.write_many([("d/z", b"z")])
    gathering.settle()

    assert _files(tmp_path) == {"d/z": b"z"}


def test_many_more_folders_than_handles_are_filled(tmp_path, gathering):
    """Fails when the folder above one that waits for its name is closed."""
    for number in range(100):
        (tmp_path / f"d{number}").mkdir()
    files = [(f"d{number % 150}/e{number % 3}/f{number}", b"%d" % number) for number in range(600)]

    gathering.write_many(files)
    handles = len(os.listdir("/proc/self/fd"))
    gathering.settle()

    assert handles < 300
    assert _files(tmp_path) == dict(files)


def test_on_a_network_file_system_folders_are_made_at_once(tmp_path, monkeypatch):
    """Nobody would clear them away there."""
    monkeypatch.setattr(target, "is_network", lambda path: True)

    with TargetFolder.open(tmp_path, gathers=True) as folder:
        folder.write_many(FILES)

        assert _files(tmp_path) == dict(FILES)


def test_how_long_folders_have_waited_is_known(gathering):
    assert gathering.unsettled_seconds == 0

    gathering.write_many(FILES)
    assert gathering.unsettled_seconds > 0

    gathering.settle()
    assert gathering.unsettled_seconds == 0


def _fail(code):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    return fail
