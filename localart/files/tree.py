"""A folder that is taken in: every file below it, once, in an order that does not depend on the disk."""

import os
import stat
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

from localart.errors import SourceError
from localart.files.source import refuse_kind, refuse_source
from localart.files.unfinished import is_unfinished
from localart.names import shown
from localart.records import dataclass

_BY_NAME = attrgetter("name")


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file: its `/`-separated path below the root, where it really is, and its `stat` (links followed)."""

    path: str
    absolute: str
    stat: os.stat_result


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be listed. `above` are the folders that hold it, nearest first, as a linked list."""

    prefix: str
    absolute: str
    is_link: bool
    above: "_Place | None"


@dataclass(frozen=True, slots=True)
class _Place:
    device: int
    inode: int
    above: "_Place | None"


def walk_tree(root: str | os.PathLike[str]) -> Iterator[TreeFile]:
    """Every file below `root`: the files of a folder by name, then its folders by name, each in turn.

    Links to files and folders are followed, hidden files are included, empty folders leave no trace.
    Memory is bounded by the largest folder and the folders that wait. A file that comes meanwhile may be
    seen or not; one that goes may be SourceMissing, as is a link that leads nowhere. Raises
    SourceUnreadable for a folder that may not be listed, SourceError for pipes, sockets, devices and
    links that lead back to a folder above them.
    """
    waiting = [_Folder("", str(Path(root).absolute()), is_link=False, above=None)]
    while waiting:
        folder = waiting.pop()
        place = _enter(folder)
        folders: list[_Folder] = []
        prefix = folder.prefix
        for entry in _list(folder):
            name, absolute = entry.name, entry.path
            try:
                found = None if entry.is_dir() else entry.stat()
            except OSError as error:
                refuse_source(absolute, error)
            if found is None:
                folders.append(_Folder(f"{prefix}{name}/", absolute, entry.is_symlink(), place))
                continue
            if not stat.S_ISREG(found.st_mode):
                refuse_kind(absolute, found.st_mode)
            yield TreeFile(prefix + name, absolute, found)
        waiting.extend(reversed(folders))


def _enter(folder: _Folder) -> _Place:
    """Where this folder is; only a link can lead back up, so only then the way up is searched."""
    try:
        here = Path(folder.absolute).stat()
    except (OSError, ValueError) as error:
        refuse_source(folder.absolute, error)
    above = folder.above if folder.is_link else None
    while above is not None:
        if (above.device, above.inode) == (here.st_dev, here.st_ino):
            raise SourceError(
                f"Folder {shown(folder.absolute, 300)} is a link to a folder above it, so it has no end",
                hint="remove the link, or log the folders one by one",
            )
        above = above.above
    return _Place(here.st_dev, here.st_ino, folder.above)


def _list(folder: _Folder) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder.absolute) as entries:
            return sorted((entry for entry in entries if not is_unfinished(entry.name)), key=_BY_NAME)
    except NotADirectoryError as error:
        raise SourceError(
            f"{shown(folder.absolute, 300)} is not a folder", hint="use add_file for a file"
        ) from error
    except OSError as error:
        refuse_source(folder.absolute, error)
