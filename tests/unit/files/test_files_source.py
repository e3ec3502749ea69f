"""Sources: taken in as they stand, or refused with a clear word."""

import os
import socket
import threading
from pathlib import Path

import pytest

from localart.errors import LocalartError, SourceChanged, SourceError, SourceMissing, SourceUnreadable
from localart.files import source
from localart.files.source import open_source, read_small, refuse_source


def test_a_source_is_read_whole_and_in_parts(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"0123456789")

    with open_source(tmp_path / "a.bin") as file:
        buffer = memoryview(bytearray(4))
        count = file.read_at(buffer, 3)
        tail = file.read_at(memoryview(bytearray(8)), 6)

        assert (file.size_bytes, file.read_all(), file.read_all()) == (10, b"0123456789", b"0123456789")
        assert (count, bytes(buffer), tail) == (4, b"3456", 4)
        file.check_unchanged()


def test_an_empty_file_is_a_source(tmp_path):
    (tmp_path / "empty").touch()

    with open_source(tmp_path / "empty") as file:
        assert file.read_all() == b""
    assert read_small(tmp_path / "empty")[0] == b""


def test_links_the_user_names_are_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")

    with open_source(tmp_path / "link") as file:
        assert file.read_all() == b"x"


def test_a_small_file_can_be_named_relative_to_a_folder(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        content, found = read_small("x", folder)
    finally:
        os.close(folder)

    assert content == b"abc"
    assert found.st_ino == (tmp_path / "x").stat().st_ino


@pytest.mark.parametrize("take", [open_source, read_small])
class TestWhatIsNotARegularFile:
    def test_a_missing_file_is_named(self, tmp_path, take):
        with pytest.raises(SourceMissing, match=r"gone\.csv' does not exist"):
            take(tmp_path / "gone.csv")

    def test_a_path_through_a_file_is_missing(self, tmp_path, take):
        (tmp_path / "file").touch()

        with pytest.raises(SourceMissing, match="a file is where a folder should be"):
            take(tmp_path / "file" / "x")

    def test_a_folder_is_sent_to_add_dir(self, tmp_path, take):
        with pytest.raises(SourceError, match=r"is a folder, not a file \(use add_dir"):
            take(tmp_path)

    @pytest.mark.timeout(20)
    def test_a_pipe_is_refused_at_once_and_never_waited_for(self, tmp_path, take):
        os.mkfifo(tmp_path / "pipe")

        with pytest.raises(SourceError, match="is a pipe"):
            take(tmp_path / "pipe")

    def test_a_socket_is_refused(self, tmp_path, take, monkeypatch):
        monkeypatch.chdir(tmp_path)  # socket paths are short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("s")

            with pytest.raises(SourceError, match="is a socket or device"):
                take(tmp_path / "s")

    def test_a_device_is_refused(self, tmp_path, take):
        with pytest.raises(SourceError, match="'/dev/zero' is a device"):
            take("/dev/zero")

    def test_a_link_to_itself_is_refused(self, tmp_path, take):
        (tmp_path / "me").symlink_to("me")

        with pytest.raises(SourceError, match="leads in a circle"):
            take(tmp_path / "me")

    def test_a_path_with_a_nul_is_a_localart_error(self, take):
        with pytest.raises(SourceError, match=r"'a\\x00b' cannot be read"):
            take("a\0b")

    def test_an_unreadable_file_says_so(self, open_folder, as_nobody, take):
        (open_folder / "secret").write_bytes(b"x")
        (open_folder / "secret").chmod(0)

        with as_nobody(), pytest.raises(SourceUnreadable, match="secret' may not be read"):
            take(open_folder / "secret")

    def test_no_handle_is_left_open_after_a_refusal(self, tmp_path, take):
        before = len(os.listdir("/proc/self/fd"))

        with pytest.raises(SourceError):
            take(tmp_path)

        assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_claims_to_be_empty_and_is_not_is_refused():
    with open_source("/proc/self/mountinfo") as file, pytest.raises(SourceChanged):
        file.read_all()
    with pytest.raises(SourceChanged):
        read_small("/proc/self/mountinfo")


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"123456"),
        lambda path: os.truncate(path, 2),
        lambda path: os.utime(path, ns=(1, 1)),
        lambda path: path.chmod(0o600),
    ],
    ids=["grown", "shrunk", "touched", "mode"],
)
def test_a_source_that_changed_since_it_was_opened_is_never_taken_for_the_same(tmp_path, change):
    path = tmp_path / "a"
    path.write_bytes(b"12345")

    with open_source(path) as file:
        change(path)

        with pytest.raises(SourceChanged, match="changed while it was read"):
            file.check_unchanged()
        with pytest.raises(SourceChanged):
            file.read_all()


def test_a_removed_file_that_is_open_still_reads_but_counts_as_changed(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")

    with open_source(tmp_path / "a") as file:
        (tmp_path / "a").unlink()

        with pytest.raises(SourceChanged):
            file.read_all()


def test_closing_twice_is_harmless(tmp_path):
    (tmp_path / "a").touch()
    file = open_source(tmp_path / "a")

    file.close()
    file.close()

    with pytest.raises(SourceError, match="cannot be read: Bad file descriptor"):
        file.read_at(memoryview(bytearray(1)), 0)


def test_a_disk_that_fails_is_a_source_error(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    file = open_source(tmp_path / "a")
    file.close()

    with pytest.raises(SourceError, match="cannot be read"):
        source._read_whole("a", file.fd, 3)


def test_a_file_larger_than_one_read_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "_READ_BYTES", 7)
    content = bytes(range(100))
    (tmp_path / "a").write_bytes(content)

    with open_source(tmp_path / "a") as file:
        assert file.read_all() == content
    assert read_small(tmp_path / "a")[0] == content


def test_a_small_file_that_changed_once_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    read_whole = source._read_whole
    calls = []

    def interrupted(name, fd, size_bytes):
        content = read_whole(name, fd, size_bytes)
        calls.append(name)
        if len(calls) == 1:
            path.write_bytes(b"newer")
        return content

    monkeypatch.setattr(source, "_read_whole", interrupted)

    content, found = read_small(path)

    assert (content, found.st_size, len(calls)) == (b"newer", 5, 2)


def test_a_small_file_that_never_stands_still_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"")
    read_whole = source._read_whole

    def interrupted(name, fd, size_bytes):
        content = read_whole(name, fd, size_bytes)
        with path.open("ab") as file:
            file.write(b"x")
        return content

    monkeypatch.setattr(source, "_read_whole", interrupted)

    with pytest.raises(SourceChanged, match="changed while it was read"):
        read_small(path)


def test_a_file_written_meanwhile_is_exact_or_refused(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"")
    done = threading.Event()

    def append():
        with path.open("ab", buffering=0) as file:
            for _ in range(3000):
                file.write(b"0123456789")
        done.set()

    writer = threading.Thread(target=append)
    writer.start()
    while not done.is_set():
        try:
            content, found = read_small(path)
        except SourceChanged:
            continue
        assert len(content) == found.st_size
        assert (b"0123456789" * 3000).startswith(content)
    writer.join()

    assert len(read_small(path)[0]) == 30_000


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("odd")])
def test_every_refusal_is_a_localart_error_that_keeps_its_cause(error):
    with pytest.raises(LocalartError) as caught:
        refuse_source(Path("x"), error)

    assert caught.value.__cause__ is error
