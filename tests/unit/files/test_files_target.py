"""The target folder: files appear whole or not at all, and are found, removed and listed again."""

import errno
import os
import re
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from blake3 import blake3

from localart.errors import TargetError, TargetFull, TargetMissing, TargetUnwritable, UnsafeTarget
from localart.files import folders, hashing, target
from localart.files.refusals import target_error
from localart.files.target import TargetFolder
from localart.files.unfinished import new_name
from localart.model import BlobRef, Digest


@pytest.fixture
def folder(tmp_path):
    with TargetFolder.open(tmp_path / "out") as opened:
        yield opened


def _write(folder, path, content=b"content"):
    return folder.write(path, [content], size_bytes=len(content))


def _blob(content):
    return BlobRef(Digest(blake3(content).digest()), len(content))


def _everything(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


# --- writing ---------------------------------------------------------------------------------------


def test_a_file_is_made_of_its_pieces_and_nothing_else_is_left(folder):
    found = folder.write("a/b/c.bin", [b"one ", memoryview(b"two "), b"", b"three"], size_bytes=13)

    assert (folder.root / "a" / "b" / "c.bin").read_bytes() == b"one two three"
    assert _everything(folder.root) == ["a", "a/b", "a/b/c.bin"]
    assert found == os.lstat(folder.root / "a" / "b" / "c.bin")


def test_pieces_need_not_be_made_of_bytes(folder):
    numbers = memoryview(bytearray(16)).cast("I")

    folder.write("numbers", [numbers], size_bytes=16)

    assert (folder.root / "numbers").stat().st_size == 16


def test_an_empty_file_is_written(folder):
    folder.write("empty", [], size_bytes=0)

    assert (folder.root / "empty").read_bytes() == b""


def test_a_new_file_obeys_the_umask(folder):
    before = os.umask(0o027)
    try:
        found = _write(folder, "a/x")
    finally:
        os.umask(before)

    assert stat.S_IMODE(found.st_mode) == 0o640
    assert stat.S_IMODE((folder.root / "a").stat().st_mode) == 0o750


def test_a_file_that_is_there_is_replaced(folder):
    _write(folder, "x", b"old")
    _write(folder, "x", b"new")

    assert (folder.root / "x").read_bytes() == b"new"


@pytest.mark.parametrize("size_bytes", [3, 5, 8])
def test_a_wrong_total_is_refused_and_the_old_file_stays(folder, size_bytes):
    _write(folder, "x", b"old")

    with pytest.raises(TargetError, match=f"should get {size_bytes} bytes, not"):
        folder.write("x", [b"ab", b"cd"], size_bytes=size_bytes)

    assert (folder.root / "x").read_bytes() == b"old"
    assert _everything(folder.root) == ["x"]


def test_endless_pieces_are_stopped(folder):
    with pytest.raises(TargetError, match="should get 10 bytes, not 16"):
        folder.write("x", iter(lambda: b"01234567", b""), size_bytes=10)


def test_a_folder_in_the_way_of_a_file_is_named(folder):
    _write(folder, "a/x")

    with pytest.raises(UnsafeTarget, match="out/a' is a folder where a file should be"):
        _write(folder, "a")

    assert _everything(folder.root) == ["a", "a/x"]


def test_a_file_in_the_way_of_a_folder_is_named(folder):
    _write(folder, "a")

    with pytest.raises(UnsafeTarget, match="out/a' is not a folder"):
        _write(folder, "a/x")

    with pytest.raises(UnsafeTarget):
        folder.find("a/x")


def test_names_as_long_as_the_system_allows_are_written(folder):
    _write(folder, "é" * 127 + "x")

    assert folder.find("é" * 127 + "x") is not None
    with pytest.raises(TargetError, match="File name too long"):
        _write(folder, "x" * 256)


def test_folders_deeper_than_any_entry_are_not_made(folder):
    _write(folder, "d/" * 64 + "x")

    with pytest.raises(UnsafeTarget, match="deeper than 64 levels"):
        _write(folder, "e/" * 65 + "x")


def test_a_folder_removed_by_the_user_meanwhile_is_made_again(folder):
    _write(folder, "a/b/x")
    (folder.root / "a" / "b" / "x").unlink()
    (folder.root / "a" / "b").rmdir()
    (folder.root / "a").rmdir()

    _write(folder, "a/b/x")

    assert (folder.root / "a" / "b" / "x").exists()


def test_many_small_files_are_written_in_order(folder):
    files = [("a/1", b"one"), ("a/2", b""), ("2", b"two"), ("a/1", b"again")]

    stats = folder.write_many(files)

    assert stats[1:] == [os.lstat(folder.root / path) for path, _ in files[1:]]
    assert (folder.root / "a" / "1").read_bytes() == b"again"
    assert _everything(folder.root) == ["2", "a", "a/1", "a/2"]


def test_a_folder_removed_while_many_are_written_is_made_again(folder):
    def files():
        yield "a/b/x", b"1"
        (folder.root / "a" / "b" / "x").unlink()
        (folder.root / "a" / "b").rmdir()
        yield "a/b/y", b"2"
        yield "a/b/z", b"3"

    folder.write_many(files())

    assert _everything(folder.root) == ["a", "a/b", "a/b/y", "a/b/z"]


@pytest.mark.parametrize("name", ["open", "write", "fstat", "close", "rename", "lstat"])
def test_one_of_many_may_fail_and_those_before_it_stand(folder, monkeypatch, name):
    _write(folder, "2", b"old")
    real, calls = getattr(os, name), []

    def fail(*given, **named):
        calls.append(name)
        if len(calls) == 2:
            if name == "close":
                real(*given)
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail)
        with pytest.raises(TargetFull):
            folder.write_many([("1", b"one"), ("2", b"two"), ("3", b"three")])

    assert _everything(folder.root) == ["1", "2"]
    assert (folder.root / "2").read_bytes() == (b"two" if name == "lstat" else b"old")


def test_a_link_in_place_of_one_of_many_is_replaced(folder, tmp_path):
    (tmp_path / "outside").write_bytes(b"mine")
    (folder.root / "x").symlink_to(tmp_path / "outside")

    folder.write_many([("x", b"new")])

    assert (tmp_path / "outside").read_bytes() == b"mine"
    assert not (folder.root / "x").is_symlink()
    with pytest.raises(UnsafeTarget):
        folder.write_many([("../x", b"new")])


def test_the_blocks_of_a_large_file_are_reserved_where_that_pays(folder, monkeypatch):
    reserved = []
    monkeypatch.setattr(os, "posix_fallocate", lambda fd, start, size: reserved.append((start, size)))
    folder._reserves = True

    _write(folder, "large", b"x" * (1 << 20))
    _write(folder, "small")

    assert reserved == [(0, 1 << 20)]


@pytest.mark.parametrize(("code", "kind"), [(errno.EOPNOTSUPP, None), (errno.ENOSPC, TargetFull)])
def test_a_file_system_may_refuse_to_reserve(folder, monkeypatch, code, kind):
    def refuse(fd, start, size):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    folder._reserves = True
    if kind is None:
        _write(folder, "large", b"x" * (1 << 20))
    else:
        with pytest.raises(kind):
            _write(folder, "large", b"x" * (1 << 20))

    assert _everything(folder.root) == (["large"] if kind is None else [])


def test_a_root_removed_meanwhile_is_missing(folder):
    folder.root.rmdir()

    with pytest.raises(TargetMissing, match="is gone"):
        _write(folder, "x")


def test_a_file_swapped_by_someone_else_right_after_the_rename_is_noticed(folder, monkeypatch):
    rename = os.rename

    def raced(source, name, **handles):
        rename(source, name, **handles)
        rename(folder.root / "x", folder.root / "kept")
        (folder.root / "x").write_bytes(b"other")

    monkeypatch.setattr(os, "rename", raced)

    with pytest.raises(TargetError, match="was replaced while it was written"):
        _write(folder, "x")


def test_many_more_folders_than_handles_are_kept_open(folder, monkeypatch):
    monkeypatch.setattr(folders, "_KEPT", 4)
    before = len(os.listdir("/proc/self/fd"))

    for number in range(50):
        _write(folder, f"d{number % 25}/e/f{number}")

    assert len(os.listdir("/proc/self/fd")) <= before + 4
    assert len(list(folder.walk())) == 50


def test_threads_share_a_target(folder, monkeypatch):
    monkeypatch.setattr(folders, "_KEPT", 3)
    paths = [f"d{number % 17}/e{number % 5}/{number}" for number in range(600)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: _write(folder, path, path.encode()), paths))

    assert sorted(folder.walk()) == sorted(paths)
    assert all((folder.root / path).read_bytes() == path.encode() for path in paths)


def test_threads_may_remove_while_others_write(folder):
    before = len(os.listdir("/proc/self/fd"))
    stop = threading.Event()

    def remove():
        while not stop.is_set():
            folder.remove("a/b/gone")

    remover = threading.Thread(target=remove)
    remover.start()
    for _ in range(300):
        with suppress(TargetMissing):  # gone again before it could be looked at
            _write(folder, "a/b/gone")
    stop.set()
    remover.join()
    _write(folder, "a/stays")
    folder.remove("a/b/gone")
    assert len(os.listdir("/proc/self/fd")) <= before + 2

    assert (folder.root / "a" / "stays").read_bytes() == b"content"
    assert not [path for path in _everything(folder.root) if path.endswith(".part")]


def test_all_handles_are_closed_with_the_target(tmp_path):
    before = len(os.listdir("/proc/self/fd"))

    with TargetFolder.open(tmp_path) as folder:
        for number in range(10):
            _write(folder, f"{number}/x")
        folder.close()

    assert len(os.listdir("/proc/self/fd")) == before


# --- opening ---------------------------------------------------------------------------------------


def test_the_root_and_the_folders_above_it_are_made(tmp_path):
    TargetFolder.open(tmp_path / "a" / "b").close()

    assert (tmp_path / "a" / "b").is_dir()


def test_a_root_that_must_exist_is_not_made(tmp_path):
    with pytest.raises(TargetMissing, match="gone' is not there"):
        TargetFolder.open(tmp_path / "gone", create=False)

    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("create", [True, False])
def test_a_root_that_is_a_file_is_refused(tmp_path, create):
    (tmp_path / "file").touch()

    with pytest.raises(UnsafeTarget, match="file' is not a folder"):
        TargetFolder.open(tmp_path / "file", create=create)


def test_a_root_the_user_reaches_through_a_link_is_used(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to("disk")

    with TargetFolder.open(tmp_path / "out") as folder:
        _write(folder, "x")

    assert (tmp_path / "disk" / "x").exists()


def test_a_root_that_may_not_be_written_says_so(open_folder, as_nobody):
    (open_folder / "mine").mkdir(mode=0o755)

    with as_nobody():
        with pytest.raises(TargetUnwritable, match="check its permissions"):
            TargetFolder.open(open_folder / "mine" / "new")
        if os.geteuid() != os.stat(open_folder).st_uid:
            with TargetFolder.open(open_folder / "mine") as folder:
                with pytest.raises(TargetUnwritable, match="mine/x' may not be opened or changed"):
                    _write(folder, "x")
                with pytest.raises(TargetUnwritable, match="mine/a' may not be opened or changed"):
                    _write(folder, "a/x")


# --- finding ---------------------------------------------------------------------------------------


def test_what_was_written_is_found(folder):
    written = _write(folder, "a/x")

    assert folder.find("a/x") == written
    assert folder.find("a/y") is None
    assert folder.find("b/c/x") is None
    assert folder.find("a") is None


def test_a_file_is_exact_only_if_its_bytes_are(folder):
    content = os.urandom(5000)
    written = _write(folder, "x", content)

    assert folder.find_exact("x", _blob(content)) == written
    assert folder.find_exact("x", _blob(content[:-1] + b"?")) is None
    assert folder.find_exact("x", _blob(content[:-1])) is None
    assert folder.find_exact("y", _blob(content)) is None


def test_a_file_that_changes_while_it_is_compared_is_not_exact(folder, monkeypatch):
    _write(folder, "x", b"12345")
    digest_of_fd = hashing.digest_of_fd

    def interrupted(fd, size_bytes):
        digest = digest_of_fd(fd, size_bytes)
        (folder.root / "x").write_bytes(b"54321")
        return digest

    monkeypatch.setattr(target, "digest_of_fd", interrupted)

    assert folder.find_exact("x", _blob(b"12345")) is None


def test_a_file_that_shrinks_while_it_is_compared_is_not_exact(folder, monkeypatch):
    _write(folder, "x", b"12345")
    monkeypatch.setattr(target, "digest_of_fd", lambda fd, size: hashing.digest_of_fd(fd, size + 1))

    assert folder.find_exact("x", _blob(b"12345")) is None


def test_a_disk_that_fails_while_comparing_is_a_target_error(folder, monkeypatch):
    def fail(fd, size_bytes):
        raise OSError(errno.EIO, "Input/output error")

    _write(folder, "x", b"12345")
    monkeypatch.setattr(target, "digest_of_fd", fail)

    with pytest.raises(TargetError, match="x' cannot be opened or written: Input/output error"):
        folder.find_exact("x", _blob(b"12345"))


def test_an_existing_file_is_opened_for_reading(folder):
    _write(folder, "a/x", b"abc")

    fd = folder.open_existing("a/x")

    assert os.read(fd, 10) == b"abc"
    os.close(fd)


def test_only_regular_files_are_opened(folder):
    _write(folder, "x")
    (folder.root / "link").symlink_to("x")
    (folder.root / "d").mkdir()
    os.mkfifo(folder.root / "pipe")

    with pytest.raises(TargetMissing, match="y' is not there"):
        folder.open_existing("y")
    with pytest.raises(UnsafeTarget, match="links are not followed"):
        folder.open_existing("link")
    for name in ("d", "pipe"):
        with pytest.raises(UnsafeTarget, match="is not a regular file"):
            folder.open_existing(name)


# --- removing and listing --------------------------------------------------------------------------


def test_removing_takes_the_folders_that_became_empty(folder):
    _write(folder, "a/b/c/x")
    _write(folder, "a/y")

    assert folder.remove("a/b/c/x")
    assert _everything(folder.root) == ["a", "a/y"]
    assert folder.remove("a/y")
    assert _everything(folder.root) == []
    assert not folder.remove("a/y")
    _write(folder, "a/b/c/x")
    assert list(folder.walk()) == ["a/b/c/x"]


def test_a_folder_that_was_emptied_and_made_again_by_the_user_is_seen(folder):
    _write(folder, "a/x")
    folder.remove("a/x")

    (folder.root / "a").mkdir()
    (folder.root / "a" / "y").touch()

    assert folder.find("a/y") is not None


def test_a_folder_is_never_removed_as_a_file(folder):
    _write(folder, "a/x")

    with pytest.raises(UnsafeTarget):
        folder.remove("a")

    assert list(folder.walk()) == ["a/x"]


def test_everything_that_is_no_folder_is_listed_in_order(folder):
    for path in ("b", "d/z", "d/y/1", "d-b/1", "c", f"d/{new_name()}x"):
        _write(folder, path)
    (folder.root / "d" / new_name()).touch()
    (folder.root / "d" / "link").symlink_to("/")
    (folder.root / "empty").mkdir()

    listed = list(folder.walk())

    assert [path for path in listed if "part" not in path] == ["b", "c", "d/link", "d/z", "d/y/1", "d-b/1"]
    assert len(listed) == 7


def test_a_folder_that_vanishes_while_listing_is_left_out(folder):
    for path in ("a", "b/x", "c/y"):
        _write(folder, path)
    with TargetFolder.open(folder.root) as fresh:
        walks = [folder.walk(), fresh.walk()]
        for walk in walks:
            next(walk)

        (folder.root / "b" / "x").unlink()
        (folder.root / "b").rmdir()

        assert [list(walk) for walk in walks] == [["c/y"], ["c/y"]]


def test_a_folder_that_may_not_be_listed_says_so(open_folder, as_nobody):
    (open_folder / "locked").mkdir(mode=0)

    with as_nobody(), TargetFolder.open(open_folder) as folder:
        with pytest.raises(TargetUnwritable, match="locked' may not be opened"):
            list(folder.walk())


# --- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.ENOSPC, TargetFull, r"No space left in '/out/a' \(free some"),
        (errno.EDQUOT, TargetFull, r"No space left in '/out/a'"),
        (errno.EROFS, TargetUnwritable, r"'/out/a/x' is on a read-only file system"),
        (errno.EIO, TargetError, r"'/out/a/x' cannot be opened or written: Input/output error"),
        (errno.ELOOP, UnsafeTarget, r"'/out/a/x' is a link, and links are not followed"),
    ],
)
def test_system_errors_are_said_in_the_users_words(tmp_path, code, kind, words):
    error = target_error(tmp_path.__class__("/out"), "a/x", OSError(code, os.strerror(code)))

    assert type(error) is kind
    assert re.match(words, str(error))
