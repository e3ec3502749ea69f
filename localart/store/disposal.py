"""Take packs out of the store: only those whose lock is free, for such a pack has no writer.

A pack's file is removed when no row names it any more. Whoever has it open reads on; whoever comes later finds
it missing (BlobMissing) and asks the catalog where the bytes are now.
"""

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localart.disk_errors import disk_errors, store_error
from localart.modes import make_folder
from localart.store.frames import PACK_HEADER_BYTES
from localart.store.packs import pack_path

_NOT_OURS = {errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.EACCES, errno.EPERM}
_PACK_FILE = re.compile(r"[0-9a-f]{32}\.pack", re.ASCII)


@contextmanager
def claimed_pack(root: Path, pack: str) -> Iterator[bool]:
    """Keep writers from the pack for the body; False when one has it, or there is no such file that is ours.

    StoreError when the disk does not let it be opened.
    """
    try:
        fd = os.open(pack_path(root, pack), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise store_error(error, "opening a pack to take it away") from error
        yield False
        return
    try:
        yield stat.S_ISREG(os.fstat(fd).st_mode) and _is_locked_now(fd) and _is_there(root, pack, fd)
    finally:
        os.close(fd)


def _is_locked_now(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_there(root: Path, pack: str, fd: int) -> bool:
    try:
        return os.path.samestat(pack_path(root, pack).lstat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def pack_files(root: Path) -> list[str]:
    """The names of all packs that were begun, in no order.

    A file shorter than a header is left out: its writer is just about to lock it, or died there, which costs
    nothing.
    """
    folder = root / "packs"
    with disk_errors("looking for packs", folder), os.scandir(folder) as found:
        return [
            entry.name.removesuffix(".pack")
            for entry in found
            if _PACK_FILE.fullmatch(entry.name)
            and entry.stat(follow_symlinks=False).st_size >= PACK_HEADER_BYTES
        ]


def remove_pack(root: Path, pack: str) -> int:
    """Remove a claimed pack's file; the bytes it had."""
    path = pack_path(root, pack)
    try:
        size = path.lstat().st_size
        path.unlink()
    except OSError as error:
        raise store_error(error, "removing an old pack", path) from error
    return size


def set_pack_aside(root: Path, pack: str) -> None:
    """Move a claimed pack's file to the quarantine, where nothing looks at it any more."""
    try:
        make_folder(root / "quarantine")
        pack_path(root, pack).rename(root / "quarantine" / f"{pack}.pack")
    except OSError as error:
        raise store_error(error, "setting an unknown pack aside", pack_path(root, pack)) from error
