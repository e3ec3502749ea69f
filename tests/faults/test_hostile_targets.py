"""I8: nothing outside the target folder is ever written, and no failure leaves half a file."""

import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localart.errors import (
    LocalartError,
    TargetError,
    TargetFull,
    TargetMissing,
    TargetUnwritable,
    UnsafeTarget,
)
from localart.files.target import TargetFolder
from localart.files.unfinished import is_unfinished

FLIPS = 1000
UNFINISHED = ".localart-00112233445566778899aabbccddeeff.part"  # what a killed download leaves


@pytest.fixture
def outside(tmp_path):
    """A folder beside the target whose only file is precious."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_bytes(b"precious")
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def _write(root, path, content=b"hostile"):
    with TargetFolder.open(root) as folder:
        return folder.write(path, [content], size_bytes=len(content))


def _is_untouched(outside):
    return os.listdir(outside) == ["precious"] and (outside / "precious").read_bytes() == b"precious"


# --- paths -----------------------------------------------------------------------------------------

HOSTILE = [
    "", "/", ".", "..", "../x", "../outside/precious", "a/../../outside/precious", "a/..", "a/.", "./x", "a//x", "//x",
    "/etc/passwd", "a/", "x\0", "a\0/x", "\ud800", "\ud800/x", UNFINISHED, f"{UNFINISHED}/x",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE, ids=ascii)
@pytest.mark.parametrize("verb", ["write", "find", "remove", "open_existing"])
def test_a_path_that_does_not_name_a_file_inside_is_refused(root, outside, path, verb):
    more = {"pieces": [b"x"], "size_bytes": 1} if verb == "write" else {}

    with TargetFolder.open(root) as folder, pytest.raises(UnsafeTarget):
        getattr(folder, verb)(path, **more)

    assert os.listdir(root) == []
    assert _is_untouched(outside)


parts = st.one_of(
    st.sampled_from(
        ["..", ".", "", "a", "b", "link", "file", "folder", "\0", "\\", "C:", "~", "$HOME", "outside"]
    ),
    st.text(max_size=6),
    st.text(alphabet="./\\a\0 ~é\ud800\udce9\u202e", max_size=12),
    st.integers(200, 300).map("x".__mul__),
)
paths = st.one_of(st.lists(parts, max_size=6).map("/".join), st.text(max_size=30))


@settings(deadline=None, max_examples=150)
@given(hostile=st.lists(paths, min_size=1, max_size=4))
def test_whatever_the_path_says_only_the_root_changes(hostile):
    """Seen to fail when `folders.FOLDER` lets links be followed, and when unfinished files are left there."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        root, beside = place / "root", place / "outside"
        (root / "folder").mkdir(parents=True)
        (root / "file").touch()
        beside.mkdir()
        (beside / "precious").write_bytes(b"precious")
        (root / "link").symlink_to(beside)
        (root / "a").symlink_to(beside / "precious")

        with TargetFolder.open(root) as folder:
            for path in hostile:
                _write_exactly_or_refuse(folder, path)

        assert sorted(os.listdir(place)) == ["outside", "root"]
        assert _is_untouched(beside)
        assert not any(is_unfinished(file) for _, _, files in os.walk(root) for file in files)


def _write_exactly_or_refuse(folder, path):
    content = path.encode(errors="surrogatepass")
    try:
        written = folder.write(path, [content], size_bytes=len(content))
    except LocalartError:
        return
    assert folder.find(path) == written
    assert (folder.root / path).read_bytes() == content
    assert (folder.root / path).resolve().is_relative_to(folder.root.resolve())


# --- links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["link/precious", "link/new", "link/deep/new", "a/link/precious"])
def test_a_link_among_the_folders_is_never_followed(root, outside, path):
    """Seen to fail when `folders.FOLDER` lets links be followed."""
    (root / "a").mkdir()
    (root / "link").symlink_to(outside)
    (root / "a" / "link").symlink_to("../../outside")

    with pytest.raises(UnsafeTarget, match="is a link, and links are not followed"):
        _write(root, path)
    with TargetFolder.open(root) as folder:
        for verb in (folder.find, folder.open_existing, folder.remove):
            with pytest.raises(UnsafeTarget, match="is a link"):
                verb(path)

    assert _is_untouched(outside)


def test_a_dangling_link_among_the_folders_does_not_make_what_it_points_to(root, outside):
    (root / "link").symlink_to("../outside/made")

    with pytest.raises(UnsafeTarget, match="is a link"):
        _write(root, "link/x")

    assert _is_untouched(outside)


@pytest.mark.parametrize("target", ["../outside/precious", "../outside/new", "../outside", "link"])
def test_a_link_in_place_of_the_file_is_replaced(root, outside, target):
    """Seen to fail when the file is written under its own name, and when `find` takes a link for a file."""
    (root / "link").symlink_to(target)

    with TargetFolder.open(root) as folder:
        assert folder.find("link") is None
        folder.write("link", [b"mine"], size_bytes=4)

    assert not (root / "link").is_symlink()
    assert (root / "link").read_bytes() == b"mine"
    assert _is_untouched(outside)


def test_a_file_of_two_names_is_replaced_and_not_written_through(root, outside):
    """Seen to fail when the file is written under its own name, not under another that then moves."""
    (root / "x").hardlink_to(outside / "precious")

    _write(root, "x")

    assert (root / "x").read_bytes() == b"hostile"
    assert _is_untouched(outside)


def test_removing_a_link_leaves_what_it_points_to(root, outside):
    (root / "a").mkdir()
    (root / "a" / "file").symlink_to(outside / "precious")
    (root / "a" / "folder").symlink_to(outside)

    with TargetFolder.open(root) as folder:
        assert list(folder.walk()) == ["a/file", "a/folder"]
        assert folder.remove("a/file")
        assert folder.remove("a/folder")

    assert os.listdir(root) == []
    assert _is_untouched(outside)


def test_a_pipe_in_place_of_the_file_is_replaced_and_never_opened(root):
    """Seen to fail when the file is written under its own name, not under another that then moves."""
    os.mkfifo(root / "pipe")

    _write(root, "pipe")

    assert (root / "pipe").read_bytes() == b"hostile"


# --- races -----------------------------------------------------------------------------------------


@contextmanager
def _flipping(real, link, outside):
    """Another thread that swaps the folder `real` for a link to `outside` and back, a thousand times."""
    stop = threading.Event()
    aside = real.with_name("aside")

    def flip():
        for _ in range(FLIPS):
            try:
                real.rename(aside)
                real.symlink_to(outside)
                os.sched_yield()
                real.unlink()
                aside.rename(real)
            except OSError:  # the writer made the folder anew in between
                _restore(real, aside)
        stop.set()

    flipper = threading.Thread(target=flip)
    flipper.start()
    try:
        yield stop
    finally:
        flipper.join()


def _restore(real, aside):
    if real.is_symlink():
        real.unlink()
    if aside.exists() and not real.exists():
        aside.rename(real)
    elif aside.exists():
        subprocess.run(["rm", "-rf", str(aside)], check=True)


@pytest.mark.parametrize("path", ["swap/precious", "swap/new/deep"])
def test_a_folder_swapped_for_a_link_meanwhile_leads_nowhere(root, outside, path):
    """Seen to fail when `folders.FOLDER` lets links be followed."""
    (root / "swap").mkdir()
    outcomes = {"written": 0, "refused": 0}

    with _flipping(root / "swap", "swap", outside) as stop:
        while not stop.is_set():
            try:
                _write(root, path)
                outcomes["written"] += 1
            except TargetError:
                outcomes["refused"] += 1

    assert _is_untouched(outside)
    assert outcomes["refused"]
    assert outcomes["written"]


def test_a_folder_held_open_stays_the_folder_it_was(root, outside):
    (root / "swap").mkdir()

    with TargetFolder.open(root) as folder, _flipping(root / "swap", "swap", outside) as stop:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                folder.write(f"swap/{number % 10}", [b"x"], size_bytes=1)
                folder.remove(f"swap/{number % 10}")
            except TargetError:
                continue

    assert _is_untouched(outside)


def test_a_file_swapped_for_a_link_meanwhile_is_replaced(root, outside):
    """Seen to fail when the file is written under its own name, not under another that then moves."""
    stop = threading.Event()

    def flip():
        for number in range(FLIPS):
            (root / f"link{number}").symlink_to(outside / "precious")
            (root / f"link{number}").rename(root / "x")
        stop.set()

    flipper = threading.Thread(target=flip)
    flipper.start()
    with TargetFolder.open(root) as folder:
        while not stop.is_set():
            with suppress(TargetError):  # replaced by the link while it was written
                folder.write("x", [b"hostile"], size_bytes=7)
    flipper.join()

    assert _is_untouched(outside)


# --- failures on the way ---------------------------------------------------------------------------


class Stop(BaseException):
    """Not even an Exception."""


@pytest.mark.parametrize(
    "error", [ValueError("damaged"), OSError(errno.EIO, "disk"), KeyboardInterrupt(), Stop()]
)
@pytest.mark.parametrize("is_there", [True, False], ids=["replacing", "new"])
def test_whatever_the_pieces_raise_passes_through_and_leaves_nothing(root, error, is_there):
    """Seen to fail when the unfinished file is left where it is."""

    def pieces():
        yield b"half a file"
        raise error

    if is_there:
        _write(root, "a/x", b"old")

    with TargetFolder.open(root) as folder, pytest.raises(type(error)) as caught:
        folder.write("a/x", pieces(), size_bytes=100)

    assert caught.value is error
    assert os.listdir(root / "a") == (["x"] if is_there else [])
    assert not is_there or (root / "a" / "x").read_bytes() == b"old"


def test_a_download_closed_as_a_generator_leaves_nothing(root):
    """Seen to fail when the unfinished file is left where it is."""

    def download():
        def pieces():
            yield b"half"
            yield b"never"

        with TargetFolder.open(root) as folder:
            first = iter(pieces())
            folder.write("x", (piece for piece in first), size_bytes=9)
            yield

    def interrupted():
        with TargetFolder.open(root) as folder:

            def pieces():
                raise GeneratorExit
                yield b""

            folder.write("y", pieces(), size_bytes=9)

    next(download())
    with pytest.raises(GeneratorExit):
        interrupted()

    assert os.listdir(root) == ["x"]


CALLS = {
    "open": (1, errno.EACCES, TargetUnwritable),
    "write": (1, errno.ENOSPC, TargetFull),
    "fstat": (1, errno.EIO, OSError),
    "close": (1, errno.EDQUOT, TargetFull),
    "rename": (1, errno.EROFS, TargetUnwritable),
    "lstat": (1, errno.EIO, TargetError),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_may_fail_and_the_old_file_or_the_new_stays_whole(root, monkeypatch, name):
    """Seen to fail when the unfinished file is left there, and when the system's error is let through."""
    at, code, kind = CALLS[name]
    _write(root, "x", b"old")
    with TargetFolder.open(root) as folder:
        assert folder.find("x")
        real, calls = getattr(os, name), []

        def fail(*args, **kwargs):
            calls.append(name)
            if len(calls) == at:
                if name == "close":
                    real(*args)
                raise OSError(code, os.strerror(code))
            return real(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(kind):
                folder.write("x", [b"new"], size_bytes=3)

        assert os.listdir(root) == ["x"]
        assert (root / "x").read_bytes() == (b"new" if name == "lstat" else b"old")
        folder.write("x", [b"again"], size_bytes=5)

    assert (root / "x").read_bytes() == b"again"


def test_a_file_larger_than_allowed_is_refused_and_leaves_nothing(root):
    """Seen to fail when the system's error is let through."""
    _write(root, "x", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(TargetError, match="x' cannot be opened or written: File too large"):
            _write(root, "x", bytes(20_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (root / "x").read_bytes() == b"old"
    assert os.listdir(root) == ["x"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_said_plainly_and_the_old_file_stays(small_disk):
    """Seen to fail when the system's error is let through."""
    _write(small_disk, "a/x", b"old")

    with pytest.raises(TargetFull, match=f"No space left in '{small_disk}/a'"):
        _write(small_disk, "a/x", bytes(1 << 20))

    assert (small_disk / "a" / "x").read_bytes() == b"old"
    assert os.listdir(small_disk / "a") == ["x"]
    _write(small_disk, "a/x", bytes(100_000))


def test_a_read_only_disk_is_said_plainly(small_disk):
    _write(small_disk, "x", b"old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    with pytest.raises(TargetUnwritable, match="is on a read-only file system"):
        _write(small_disk, "x")
    with pytest.raises(TargetUnwritable, match="is on a read-only file system"):
        _write(small_disk, "a/x")
    with TargetFolder.open(small_disk) as folder:
        with pytest.raises(TargetUnwritable):
            folder.remove("x")
        assert folder.find("x").st_size == 3


# --- killed ----------------------------------------------------------------------------------------

WRITER = """
import sys, time
from localart.files.target import TargetFolder
def pieces():
    yield b"half a file"
    print("writing", flush=True)
    time.sleep(60)
TargetFolder.open(sys.argv[1]).write("a/x", pieces(), size_bytes=100)
"""


def test_what_a_killed_download_leaves_is_cleared_by_the_next_and_never_while_it_lives(root):
    """Seen to fail when nothing is cleared, and when what the living hold is cleared too."""
    _write(root, "a/x", b"old")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE)
    with writer:
        writer.stdout.readline()

        _write(root, "a/y")
        while_alive = sorted(os.listdir(root / "a"))
        writer.send_signal(signal.SIGKILL)
    after_kill = sorted(os.listdir(root / "a"))
    old = (root / "a" / "x").read_bytes()
    _write(root, "a/y")

    assert [is_unfinished(name) for name in while_alive] == [True, False, False]
    assert after_kill == while_alive
    assert old == b"old"
    assert sorted(os.listdir(root / "a")) == ["x", "y"]


def test_a_target_carried_away_while_it_is_written_is_reported_missing(root):
    with TargetFolder.open(root) as folder:
        folder.write("x", [b"x"], size_bytes=1)
        (root / "x").unlink()
        root.rmdir()

        with pytest.raises(TargetMissing):
            folder.write("y", [b"x"], size_bytes=1)
        assert list(folder.walk()) == []
