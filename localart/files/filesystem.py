"""What the file system below a path can do, asked without changing it (but for `write_atomically`).

Errors are the system's own `OSError`: the caller knows what the path means to its user.
"""

import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from localart.files.unfinished import new_name

_SERVED = (
    "nfs nfs4 cifs smb smb3 smbfs afs coda ncpfs davfs 9p ceph glusterfs lustre gpfs beegfs pvfs2 orangefs "
    "panfs wekafs"
)
_SHARED_DISK = "gfs2 ocfs2 acfs"
_HOST_FOLDER = "virtiofs vboxsf vmhgfs prl_fs fakeowner osxfs"  # a guest's locks do not reach its host
_FUSE = (
    "sshfs nfs ceph glusterfs beegfs lustre s3fs mountpoint-s3 goofys gcsfuse blobfuse blobfuse2 rclone "
    "juicefs davfs davfs2 smbnetfs cvmfs2 seaweedfs moosefs mfs vmhgfs-fuse grpcfuse osxfs"
)
_NETWORK = {
    *_SERVED.split(),
    *_SHARED_DISK.split(),
    *_HOST_FOLDER.split(),
    *(f"fuse.{x}" for x in _FUSE.split()),
}
_RESERVING = {"ext4", "xfs"}
_FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)
_NO_REFLINK = {
    errno.EOPNOTSUPP,
    errno.ENOTTY,
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EPERM,
    errno.ETXTBSY,
}
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EOPNOTSUPP}


def free_bytes(path: Path) -> int:
    """The bytes this user may still write on the file system of `path`, which must exist."""
    system = os.statvfs(path)
    return system.f_bavail * system.f_frsize


def is_network(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether `path` (which need not exist yet) lies on a file system shared with other machines.

    Such file systems may lie about locks and cannot share memory. Where the system does not tell, False.
    """
    return _mount_type(os.path.realpath(path), mounts) in _NETWORK


def can_reserve(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether reserving a file's blocks before they are written pays below `path`.

    Not where the C library would do it by writing into each block, where the blocks are zeroed (tmpfs), or where
    they would then not be compressed (btrfs).
    """
    return hasattr(os, "posix_fallocate") and _mount_type(os.path.realpath(path), mounts) in _RESERVING


def _mount_type(path: str, mounts: Path) -> str:
    """The type of the file system mounted nearest above `path`; the later of two on one place covers it."""
    nearest, kind = "", ""
    with suppress(OSError):
        for place, mounted in _mounts(mounts):
            if len(place) >= len(nearest) and _is_below(path, place):
                nearest, kind = place, mounted
    return kind


def _mounts(mounts: Path) -> Iterator[tuple[str, str]]:
    r"""Place and type of each mount. proc(5): `36 35 98:0 /root /place rw [optional…] - type source …`."""
    for line in mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        left, _, right = line.partition(" - ")
        yield _unescaped(left.split(" ")[4]), right.split(" ")[0]


def _unescaped(place: str) -> str:
    r"""Mount places write space, tab, line feed and backslash as `\040`, `\011`, `\012` and `\134`."""
    for code, char in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        place = place.replace(code, char)
    return place


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def reflink(source_fd: int, target_fd: int) -> bool:
    """Make the empty file `target_fd` share all blocks of `source_fd`; False where that cannot be done.

    The two stay independent files: a later write to one copies the block. After False nothing has changed.
    """
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target_fd, _FICLONE, source_fd)
    except OSError as error:
        if error.errno in _NO_REFLINK:
            return False
        raise
    return True


def write_atomically(path: Path, content: bytes, mode: int) -> None:
    """Replace `path` by `content`: after a crash or a power cut it is the old file or the new, whole.

    The file gets exactly `mode`, whatever the umask. On any failure the old file stays as it was.
    """
    temporary = path.with_name(new_name())
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with open(fd, "wb", buffering=0) as file:
            os.fchmod(fd, mode)
            write_all(fd, content)
            sync_file(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    fsync_folder(path.parent)


def write_all(fd: int, content: bytes | memoryview) -> int:
    """Write every byte of `content` at the file's position; the count of them."""
    view = memoryview(content).cast("B")
    total = len(view)
    written = os.write(fd, view)
    while written < total:  # one call writes at most 2 GiB, and less when the disk fills up
        written += os.write(fd, view[written:])
    return total


def sync_file(fd: int) -> None:
    """Return once the bytes of `fd` would survive a power cut."""
    if sys.platform == "darwin":  # there fsync stops at the drive's own cache
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


def fsync_folder(path: Path) -> None:
    """Return once the names in folder `path` would survive a power cut, if its file system can do that."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(fd)


def fsync_with_parents(path: Path) -> None:
    """Return once a folder would survive a power cut, and so all folders that it was made with."""
    for folder in (path, *path.parents):
        try:
            fsync_folder(folder)
        except PermissionError:  # a folder of somebody else's was there before
            return
        if folder.is_mount():
            return
