"""Who may read and write what a store is made of: only its owner, or also the group it was made for.

A folder says so itself: 2770 (setgid and group-writable) is a group's, and what is made in it belongs to that group
and is 0660 or 2770; anywhere else it is 0600 or 0700. Nothing has to be remembered, so a moved or copied store
stays what it was, and the umask of whoever writes changes nothing.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

_GROUP = stat.S_ISGID | stat.S_IWGRP


def is_group_folder(folder: Path) -> bool:
    """Whether `folder` is shared with its group; False when it is not there."""
    try:
        return folder.stat().st_mode & _GROUP == _GROUP
    except OSError:
        return False


def file_mode(folder: Path) -> int:
    """The mode of new files in `folder`."""
    return 0o660 if is_group_folder(folder) else 0o600


def create_file(path: Path, flags: int) -> int:
    """Open `path`, made if `flags` and its absence say so, as its folder wants it; the descriptor."""
    mode = file_mode(path.parent)
    fd = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, mode)
    if mode & stat.S_IRWXG:
        with suppress(PermissionError):  # another member made it, and gave it its mode
            os.fchmod(fd, mode)
    return fd


def make_folder(path: Path) -> None:
    """Make `path` and what is missing above it, each as the folder it lies in wants it; no error when it is there."""
    try:
        path.mkdir(mode=0o700)
    except FileNotFoundError:
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    if is_group_folder(path.parent):
        with suppress(PermissionError):  # another member was quicker, and does the same
            share_folder(path)


def share_folder(path: Path) -> None:
    """Give the group of `path` all that its owner may do, also with what is made in it later."""
    path.chmod(0o2770)
