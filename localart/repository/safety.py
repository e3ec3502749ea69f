"""Refuse a store that somebody else could have changed: what it holds would be theirs, not what was logged."""

import grp
import os
import pwd
import stat
from pathlib import Path

from localart.errors import UnsafeStore
from localart.modes import is_group_folder
from localart.names import shown
from localart.repository.marker import CATALOG, FOLDERS, MARKER

_PARTS = (*FOLDERS, MARKER, CATALOG, f"{CATALOG}-wal", f"{CATALOG}-shm", f"{CATALOG}-journal")


def refuse_unsafe(root: Path) -> None:
    """UnsafeStore when anybody, or a group it was not made for, may write to the store, or a part of it is a link.

    A link would be followed out of the store: what it leads to could be emptied, cut or replaced.
    """
    found = root.stat()
    if found.st_mode & stat.S_IWOTH:
        raise UnsafeStore(
            f"Anybody can write to the store at {_named(root)}",
            hint=f"run `chmod o-w {_for_shell(root)}`, or use another folder",
        )
    if found.st_mode & stat.S_IWGRP and not is_group_folder(root) and not _is_private(found):
        raise UnsafeStore(
            f"The group {_group_name(found.st_gid)} can write to the store at {_named(root)}, which was not shared",
            hint=f"run `chmod g-w {_for_shell(root)}`, or make one by `localart init --shared group`",
        )
    for name in _PARTS:
        if (root / name).is_symlink():
            raise UnsafeStore(
                f"{name} in the store at {_named(root)} is a link, and leads out of the store",
                hint="put back what it stands for; a store that is to lie elsewhere is moved as a whole",
            )


def _for_shell(root: Path) -> str:
    import shlex

    return shlex.quote(str(root))


def _is_private(found: os.stat_result) -> bool:
    """Whether the group is its owner's alone, as where each user has a group of the same name."""
    try:
        owner, group = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    return group.gr_gid == owner.pw_gid and group.gr_name == owner.pw_name and not group.gr_mem


def _group_name(number: int) -> str:
    try:
        return shown(grp.getgrgid(number).gr_name)
    except KeyError:
        return str(number)


def _named(root: Path) -> str:
    return shown(str(root), 300)
