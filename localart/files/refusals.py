"""What is said when a target cannot be read or written: the system's errors in the user's words."""

import errno
from pathlib import Path
from typing import NamedTuple

from localart.errors import TargetError, TargetFull, TargetMissing, TargetUnwritable, UnsafeTarget
from localart.names import shown


class _Saying(NamedTuple):
    kind: type[TargetError]
    message: str
    hint: str = ""


_IN_THE_WAY = "remove it, or download to another folder"
_FULL = _Saying(TargetFull, "No space left in {folder}", "free some and download again")
_DENIED = _Saying(TargetUnwritable, "{place} may not be opened or changed", "check its permissions")
_SAYINGS = {
    errno.ENOENT: _Saying(TargetMissing, "{place} is not there", "make it first, or choose another folder"),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _Saying(TargetUnwritable, "{place} is on a read-only file system", "choose another folder"),
    errno.EISDIR: _Saying(UnsafeTarget, "{place} is a folder where a file should be", _IN_THE_WAY),
    errno.ENOTDIR: _Saying(UnsafeTarget, "{place} is not a folder", _IN_THE_WAY),
    errno.ELOOP: _Saying(UnsafeTarget, "{place} is a link, and links are not followed", _IN_THE_WAY),
}


def target_error(root: Path, path: str, error: OSError) -> TargetError:
    """The error to raise for what the system said of `path` below `root`."""
    place, folder = shown_place(root, path), shown_place(root, path.rpartition("/")[0])
    if error.errno in _SAYINGS:
        saying = _SAYINGS[error.errno]
        return saying.kind(saying.message.format(place=place, folder=folder), hint=saying.hint)
    return TargetError(
        f"{place} cannot be opened or written: {error.strerror or error}",
        hint="check that disk, or download to another folder",
    )


def outside(path: str) -> UnsafeTarget:
    """The error for a path that names nothing inside a folder."""
    return UnsafeTarget(f"Path {shown(path, 300)} does not name a file inside the folder")


def shown_place(root: Path, path: str) -> str:
    """The place below `root` as a message names it."""
    return shown(f"{root}/{path}" if path else str(root), 300)
