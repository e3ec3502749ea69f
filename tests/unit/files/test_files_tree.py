"""Folders that are taken in: every file, in a fixed order, links followed, nothing special, no end missing."""

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from localart.errors import SourceError, SourceMissing, SourceUnreadable
from localart.files.tree import walk_tree
from localart.files.unfinished import new_name


def _make(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def _paths(root):
    return [file.path for file in walk_tree(root)]


def test_files_come_by_folder_then_name(tmp_path):
    _make(tmp_path, "b", "d/z", "d/y/1", "d-b/1", "c")

    assert _paths(tmp_path) == ["b", "c", "d/z", "d/y/1", "d-b/1"]


def test_each_file_says_where_it_is_and_what_it_is(tmp_path):
    _make(tmp_path, "d/z")

    [file] = walk_tree(tmp_path)

    assert (file.path, file.absolute) == ("d/z", str(tmp_path / "d" / "z"))
    assert file.stat.st_ino == (tmp_path / "d" / "z").stat().st_ino


def test_hidden_files_are_in_and_empty_folders_are_not(tmp_path):
    _make(tmp_path, ".hidden", ".git/config")
    (tmp_path / "empty").mkdir()

    assert _paths(tmp_path) == [".hidden", ".git/config"]


def test_unfinished_downloads_are_not_taken_in(tmp_path):
    _make(tmp_path, "a", new_name(), ".localart-abc.part")

    assert _paths(tmp_path) == [".localart-abc.part", "a"]


def test_links_to_files_and_folders_are_followed(tmp_path):
    _make(tmp_path, "real/x", "tree/a")
    (tmp_path / "tree" / "file").symlink_to("../real/x")
    (tmp_path / "tree" / "folder").symlink_to("../real")

    files = list(walk_tree(tmp_path / "tree"))

    assert [file.path for file in files] == ["a", "file", "folder/x"]
    assert {file.stat.st_size for file in files[1:]} == {len("real/x")}


def test_the_same_folder_linked_twice_side_by_side_is_no_circle(tmp_path):
    _make(tmp_path, "real/x")
    (tmp_path / "again").symlink_to("real")
    (tmp_path / "once-more").symlink_to("real")

    assert _paths(tmp_path) == ["again/x", "once-more/x", "real/x"]


@pytest.mark.parametrize("target", [".", "..", "../.."])
@pytest.mark.timeout(20)
def test_a_link_back_up_is_named_and_does_not_hang(tmp_path, target):
    _make(tmp_path, "a/b/x")
    (tmp_path / "a" / "b" / "loop").symlink_to(target)

    with pytest.raises(SourceError, match="loop' is a link to a folder above it"):
        _paths(tmp_path)


def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "me").symlink_to("me")

    with pytest.raises(SourceError, match="me' is a link that leads in a circle"):
        _paths(tmp_path)


def test_a_dangling_link_is_missing(tmp_path):
    (tmp_path / "nowhere").symlink_to("gone")

    with pytest.raises(SourceMissing, match="nowhere' does not exist"):
        _paths(tmp_path)


def test_a_pipe_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SourceError, match="pipe' is a pipe"):
        _paths(tmp_path)


def test_a_socket_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")

        with pytest.raises(SourceError, match="s' is a socket"):
            _paths(tmp_path)


def test_an_unreadable_folder_is_named(open_folder, as_nobody):
    _make(open_folder, "a", "locked/x")
    (open_folder / "locked").chmod(0)

    with as_nobody(), pytest.raises(SourceUnreadable, match="locked' may not be read"):
        _paths(open_folder)


def test_a_link_into_an_unreadable_folder_is_named(open_folder, as_nobody):
    _make(open_folder, "tree/a", "locked/x/y")
    (open_folder / "tree" / "link").symlink_to("../locked/x")
    (open_folder / "locked").chmod(0)

    with as_nobody(), pytest.raises(SourceUnreadable, match="link' may not be read"):
        _paths(open_folder / "tree")


def test_a_missing_root_and_a_root_that_is_a_file_are_told_apart(tmp_path):
    _make(tmp_path, "file")

    with pytest.raises(SourceMissing, match="gone' does not exist"):
        _paths(tmp_path / "gone")
    with pytest.raises(SourceError, match=r"file' is not a folder \(use add_file"):
        _paths(tmp_path / "file")
    with pytest.raises(SourceError):
        _paths("a\0b")


def test_a_folder_that_vanishes_on_the_way_is_missing(tmp_path):
    _make(tmp_path, "a", "b/x")
    walk = walk_tree(tmp_path)
    next(walk)

    os.unlink(tmp_path / "b" / "x")
    os.rmdir(tmp_path / "b")

    with pytest.raises(SourceMissing, match="b' does not exist"):
        next(walk)


def test_a_relative_root_keeps_its_meaning_when_the_process_moves_on(tmp_path, monkeypatch):
    _make(tmp_path, "d/a", "d/b/c")
    monkeypatch.chdir(tmp_path)
    walk = walk_tree("d")
    first = next(walk)

    monkeypatch.chdir("/")

    assert [first.path, *(file.path for file in walk)] == ["a", "b/c"]


def test_names_that_are_not_utf8_are_passed_on(tmp_path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9", "wb"):
        pass

    [file] = walk_tree(tmp_path)

    assert file.path == "caf\udce9"
    assert os.fsencode(file.absolute).endswith(b"/caf\xe9")


@pytest.fixture
def deep_folder():
    """A folder whose depth Python's own removal could not stand."""
    name = tempfile.mkdtemp()
    yield Path(name)
    subprocess.run(["rm", "-rf", name], check=True)


def test_a_very_deep_tree_does_not_run_out_of_stack(deep_folder):
    here = os.open(deep_folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("x", os.O_CREAT, dir_fd=here))
    os.close(here)

    [file] = walk_tree(deep_folder)

    assert file.path.count("/") == 1500


@pytest.mark.sweep
def test_a_hundred_thousand_files_are_walked_in_seconds(tmp_path):
    root = tmp_path
    for number in range(100):
        (root / str(number)).mkdir(parents=True)
        for name in range(1000):
            os.close(os.open(root / str(number) / str(name), os.O_CREAT))
    started = time.perf_counter()

    count = sum(1 for _ in walk_tree(root))

    seconds = time.perf_counter() - started
    print(f"walk_tree: {seconds / count * 1e6:.1f} µs a file")
    assert count == 100_000
    assert seconds < 5
