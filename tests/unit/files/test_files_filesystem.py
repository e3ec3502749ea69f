"""What the file system can do, and files replaced so that a crash leaves the old or the new."""

import errno
import fcntl
import os
import stat
import sys

import pytest

from localart.files import filesystem
from localart.files.filesystem import (
    free_bytes,
    fsync_folder,
    is_network,
    reflink,
    sync_file,
    write_atomically,
)

MOUNTS = r"""22 1 0:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:2 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw
24 23 0:3 / /home/me/fast rw - xfs /dev/nvme0 rw
25 22 0:4 / /my\040disk rw - fuse.sshfs me@host: rw
26 22 0:5 / /scratch rw - tmpfs tmpfs rw
27 22 0:6 / /scratch rw - lustre mds:/scratch rw
28 22 0:7 / /media/ntfs rw - fuseblk /dev/sdb rw
29 22 0:8 / /mnt/enc rw - fuse.gocryptfs enc rw
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/data", False),
        ("/home", True),
        ("/home/me", True),
        ("/homely", False),
        ("/home/me/fast/store", False),
        ("/my disk/x", True),
        ("/scratch/x", True),
        ("/media/ntfs", False),
        ("/mnt/enc", False),
    ],
)
def test_the_nearest_mount_says_whether_a_path_is_on_the_network(tmp_path, path, expected):
    (tmp_path / "mountinfo").write_text(MOUNTS)

    assert is_network(tmp_path.__class__(path), tmp_path / "mountinfo") is expected


def test_a_system_that_does_not_tell_is_taken_as_local(tmp_path):
    assert is_network(tmp_path, tmp_path / "gone") is False


def test_the_real_mounts_can_be_read(tmp_path):
    assert is_network(tmp_path) in {True, False}
    assert filesystem._mount_type("/proc", tmp_path.__class__("/proc/self/mountinfo")) == "proc"


def test_free_space_is_told(tmp_path):
    assert free_bytes(tmp_path) > 0


def test_a_file_is_replaced_whole_with_exactly_its_mode(tmp_path):
    (tmp_path / "marker").write_bytes(b"old")
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "marker", b"new", 0o660)
    finally:
        os.umask(before)

    assert (tmp_path / "marker").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "marker").stat().st_mode) == 0o660
    assert os.listdir(tmp_path) == ["marker"]


def test_a_failed_replacement_leaves_the_old_file_alone(tmp_path, monkeypatch):
    def fail(fd):
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "marker").write_bytes(b"old")
    monkeypatch.setattr(filesystem, "sync_file", fail)

    with pytest.raises(OSError, match="Input/output error"):
        write_atomically(tmp_path / "marker", b"new", 0o600)

    assert (tmp_path / "marker").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["marker"]


def test_the_file_is_synced_before_it_gets_its_name_and_the_folder_after(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: steps.append((stat.S_ISDIR(os.fstat(fd).st_mode), sorted(os.listdir(tmp_path)))),
    )

    write_atomically(tmp_path / "marker", b"new", 0o600)

    [(file_is_folder, names_then), (folder_is_folder, names_last)] = steps
    assert (file_is_folder, folder_is_folder, names_last) == (False, True, ["marker"])
    assert "marker" not in names_then


def test_a_write_cut_short_by_the_system_goes_on(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(filesystem.os, "write", lambda fd, view: write(fd, view[:3]))
    with open(tmp_path / "a", "wb") as file:
        assert filesystem.write_all(file.fileno(), b"0123456789") == 10

    assert (tmp_path / "a").read_bytes() == b"0123456789"


@pytest.mark.parametrize(("code", "passes"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_folder_that_cannot_be_synced_is_no_error_but_a_failing_disk_is(
    tmp_path, monkeypatch, code, passes
):
    def fail(fd):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)

    if passes:
        fsync_folder(tmp_path)
    else:
        with pytest.raises(OSError, match="Input/output error"):
            fsync_folder(tmp_path)


def test_on_macos_the_drive_itself_is_flushed(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda fd, command: calls.append(command))

    sync_file(0)

    assert calls == [51]


def test_a_reflink_shares_bytes_or_says_that_it_cannot(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 8192)

    with open(tmp_path / "a", "rb") as source, open(tmp_path / "b", "wb") as target:
        shared = reflink(source.fileno(), target.fileno())

    assert (tmp_path / "b").read_bytes() == (b"x" * 8192 if shared else b"")


def test_a_reflink_that_works_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "ioctl", lambda *_: 0)

    assert reflink(0, 1)


def test_a_reflink_onto_a_closed_file_is_an_error(tmp_path):
    with pytest.raises(OSError, match="Bad file descriptor"):
        reflink(-1 & 0x3FFFFFFF, -1 & 0x3FFFFFFF)


def test_only_linux_is_asked_for_reflinks(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")

    assert not reflink(0, 1)
