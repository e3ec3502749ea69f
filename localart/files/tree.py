"""A folder that is taken in: every file below it, once, in an order that does not depend on the disk."""

import os
import stat
import time
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

from localart.errors import SourceError
from localart.files.source import refuse_kind, refuse_source
from localart.files.unfinished import is_unfinished
from localart.names import shown
from localart.records import dataclass

_BY_NAME = attrgetter("name")
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file: its `/`-separated path below the root, where it really is, and its `stat` (links followed)."""

    path: str
    absolute: str
    stat: os.stat_result


@dataclass(frozen=True, slots=True)
class Listing:
    """Files of one folder, by name: all of them, or of a very large folder the next few thousand.

    `prefix` and `absolute` are the folder's path below the root and where it really is, both with a `/` behind unless
    empty. `listed_ns` is the time (of `time.time_ns`) before any of the files was looked at.
    """

    prefix: str
    absolute: str
    names: list[str]
    stats: list[os.stat_result]
    listed_ns: int

    def files(self) -> Iterator[TreeFile]:
        """Each of them."""
        prefix, absolute = self.prefix, self.absolute
        for name, found in zip(self.names, self.stats, strict=True):
            yield TreeFile(prefix + name, absolute + name, found)


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
    for listing in walk_listings(root):
        yield from listing.files()


def walk_listings(root: str | os.PathLike[str]) -> Iterator[Listing]:
    """As `walk_tree`, many files at a time."""
    waiting = [_Folder("", str(Path(root).absolute()), is_link=False, above=None)]
    while waiting:
        folder = waiting.pop()
        folders: list[_Folder] = []
        fd = _open(folder)
        try:
            yield from _list(folder, fd, folders)
        finally:
            os.close(fd)
        waiting.extend(reversed(folders))


def _open(folder: _Folder) -> int:
    try:
        return os.open(folder.absolute, _OPEN)
    except NotADirectoryError as error:
        if os.path.exists(folder.absolute):  # noqa: PTH110
            raise SourceError(
                f"{shown(folder.absolute, 300)} is not a folder", hint="use add_file for a file"
            ) from error
        refuse_source(folder.absolute, error)
    except (OSError, ValueError) as error:
        refuse_source(folder.absolute, error)


def _list(folder: _Folder, fd: int, folders: list[_Folder]) -> Iterator[Listing]:
    """What is in the folder opened as `fd`; the folders in it are put into `folders`.

    Asking by name in an open folder saves the way through all that is above it.
    """
    place = _enter(folder, os.fstat(fd))
    absolute = folder.absolute.rstrip("/") + "/"
    names: list[str] = []
    stats: list[os.stat_result] = []
    listed_ns = time.time_ns()
    for entry in _entries(folder, fd):
        name = entry.name
        try:
            found = None if entry.is_dir() else entry.stat()
        except OSError as error:
            refuse_source(absolute + name, error)
        if found is None:
            folders.append(_Folder(f"{folder.prefix}{name}/", absolute + name, entry.is_symlink(), place))
            continue
        if not stat.S_ISREG(found.st_mode):
            refuse_kind(absolute + name, found.st_mode)
        names.append(name)
        stats.append(found)
        if len(names) == _AT_ONCE:
            yield Listing(folder.prefix, absolute, names, stats, listed_ns)
            names, stats, listed_ns = [], [], time.time_ns()
    if names:
        yield Listing(folder.prefix, absolute, names, stats, listed_ns)


def _enter(folder: _Folder, here: os.stat_result) -> _Place:
    """Where this folder is; only a link can lead back up, so only then the way up is searched."""
    above = folder.above if folder.is_link else None
    while above is not None:
        if (above.device, above.inode) == (here.st_dev, here.st_ino):
            raise SourceError(
                f"Folder {shown(folder.absolute, 300)} is a link to a folder above it, so it has no end",
                hint="remove the link, or log the folders one by one",
            )
        above = above.above
    return _Place(here.st_dev, here.st_ino, folder.above)


def _entries(folder: _Folder, fd: int) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(fd) as entries:
            return sorted((entry for entry in entries if not is_unfinished(entry.name)), key=_BY_NAME)
    except OSError as error:
        refuse_source(folder.absolute, error)
