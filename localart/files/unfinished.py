"""Files, and folders, being written bear a name of their own until they are whole; a killed process leaves them behind.

A folder is held with a shared lock (`flock`) while a download writes into it. Who gets that lock for itself
alone knows that no one writes there, so every unfinished file in it is dead and may go. No clock, no process
number: it also holds in containers, and the lock goes with the process that had it.
"""

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

from localart.names import MAX_DEPTH

_NAME = re.compile(r"\.localart-[0-9a-f]{32}\.part")
_TRIES, _PAUSE_SECONDS = 50, 0.01


def new_name() -> str:
    """A name that no other file has: `.localart-<32 hex digits>.part`."""
    return f".localart-{os.urandom(16).hex()}.part"


def new_names() -> Iterator[str]:
    """Endlessly many such names, for one random number: asking for one costs as much as closing a file.

    Safe to share among threads, which a generator would not be.
    """
    return map(f".localart-{os.urandom(8).hex()}{{:016x}}.part".format, count())


def is_unfinished(name: str) -> bool:
    """Whether `name` is one that `new_name` makes."""
    return name.startswith(".localart-") and _NAME.fullmatch(name) is not None


def hold(folder_fd: int, *, sweep: bool) -> None:
    """Keep others from clearing this folder until `folder_fd` is closed; with `sweep`, clear it first.

    Another process's files are never cleared: then, or where folders cannot be locked, nothing happens.
    """
    try:
        if sweep and _lock(folder_fd, fcntl.LOCK_EX):
            _clear(folder_fd)
        _share(folder_fd)
    except OSError:  # no locks here (some network file systems): no one can sweep, so nothing needs holding
        return


def _share(folder_fd: int) -> None:
    """Take the shared lock. A sweep takes milliseconds: one who holds the lock longer is none of ours."""
    for _ in range(_TRIES):
        if _lock(folder_fd, fcntl.LOCK_SH):
            return
        time.sleep(_PAUSE_SECONDS)


def _lock(folder_fd: int, kind: int) -> bool:
    try:
        fcntl.flock(folder_fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear(folder_fd: int) -> None:
    for name in os.listdir(folder_fd):
        if is_unfinished(name):
            remove(name, folder_fd)


def remove(name: str, folder_fd: int, *, levels: int = MAX_DEPTH) -> None:
    """Remove a file, or a folder with all it holds, as far as that goes: the download itself can still go on.

    No link is followed, and only files and folders are removed: we make nothing else.
    """
    with suppress(OSError):
        mode = os.lstat(name, dir_fd=folder_fd).st_mode
        if stat.S_ISREG(mode):
            os.unlink(name, dir_fd=folder_fd)
        elif stat.S_ISDIR(mode) and levels:
            _remove_folder(name, folder_fd, levels)


def _remove_folder(name: str, above_fd: int, levels: int) -> None:
    folder_fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above_fd)
    try:
        for inner in os.listdir(folder_fd):
            remove(inner, folder_fd, levels=levels - 1)
    finally:
        os.close(folder_fd)
    os.rmdir(name, dir_fd=above_fd)
