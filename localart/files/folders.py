"""The folders below one root, opened part by part so that no link is ever followed (I8).

A handle once open stays on its folder whatever happens to the path. Opening costs a system call a level, so
handles are kept, and the least recently used are closed first; one in use is never closed, for its number
could then name another file.
"""

import errno
import os
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from localart.errors import TargetError, UnsafeTarget
from localart.files import fresh, unfinished
from localart.files.fresh import FOLDER, Fresh
from localart.files.refusals import outside, target_error
from localart.names import MAX_DEPTH

_KEPT = 64
_NO_NAMES = frozenset({"", ".", ".."})


class Folders:
    """Open folders below `root`, named by their `/`-separated path; "" is the root. For any thread."""

    def __init__(self, root: Path, root_fd: int, *, sweeps: bool, gathers: bool = False) -> None:
        """`sweeps`: clear what killed downloads left in each folder that is opened for writing.

        `gathers`: what is made has a private name until `settle`; only where it would be cleared if we were killed.
        """
        self._root = root
        self._sweeps = sweeps
        self._gathers = gathers and sweeps
        self._fresh: dict[str, tuple[Fresh, Folder]] = {}  # each with the folder above it
        self._swept: set[str] = set()
        self._lock = threading.Lock()
        self._top = Folder(self, "", root_fd)
        self._open: dict[str, Folder] = {}  # least recently used first

    def borrow(self, path: str, *, create: bool = False) -> "Folder":
        """The folder, for a `with` block that gets its handle; with `create`, made and ready to write in.

        Raises TargetMissing, or UnsafeTarget where a link or a file stands in the way.
        """
        with self._lock:
            folder = self._open.pop(path, None) or self._descend(path, create=create)
            if path:
                self._open[path] = folder
            if create:
                self._hold(folder)
            folder.users += 1
            if len(self._open) > _KEPT:
                self._trim()
            return folder

    def _descend(self, path: str, *, create: bool) -> "Folder":
        """Open each part below the nearest folder that is open already."""
        if not path:
            return self._top
        parts = path.split("/")
        for part in parts:
            check_part(part, path)
        if create and len(parts) > MAX_DEPTH:
            raise UnsafeTarget(f"A folder deeper than {MAX_DEPTH} levels is not made")
        depth, folder = self._nearest(parts)
        for end in range(depth + 1, len(parts) + 1):
            here = "/".join(parts[:end])
            folder = self._child(folder, parts[end - 1], here, create=create)
            self._open[here] = folder
        return folder

    def _child(self, above: "Folder", name: str, path: str, *, create: bool) -> "Folder":
        if path in self._fresh:
            made, _ = self._fresh[path]
            return Folder(self, path, self._open_child(above, made.private, path, create=create), made)
        if create and self._gathers and above.fresh is None and not _is_there(name, above.fd):
            return self._begin_fresh(above, name, path)
        return Folder(self, path, self._open_child(above, name, path, create=create), above.fresh)

    def _begin_fresh(self, above: "Folder", name: str, path: str) -> "Folder":
        self._hold(above)
        try:
            made = fresh.begin(name, above.fd)
        except OSError as error:
            raise target_error(self._root, path, error) from error
        above.users += 1  # held until then: who gets its lock clears away what is in it and has no name
        self._fresh[path] = (made, above)
        return Folder(self, path, self._open_child(above, made.private, path, create=False), made)

    @property
    def unsettled_seconds(self) -> float:
        """How long the first of the folders without their names has been waiting; 0 when none is."""
        with self._lock:
            first = next(iter(self._fresh.values()), None)
        return time.monotonic() - first[0].since_seconds if first else 0

    def settle(self) -> None:
        """Let what was made take its name. Nothing may be borrowed; what goes wrong is raised when all was tried."""
        with self._lock:
            waiting, self._fresh = self._fresh, {}
            for path in [path for path, folder in self._open.items() if folder.fresh is not None]:
                self._open.pop(path).close()
            errors = [
                error for path, (made, above) in waiting.items() if (error := self._settle(path, made, above))
            ]
        if errors:
            raise errors[0]

    def _settle(self, path: str, made: Fresh, above: "Folder") -> TargetError | None:
        try:
            made.settle()
        except OSError as error:
            return target_error(self._root, path, error)
        finally:
            above.users -= 1
            if above.is_forgotten and not above.users:
                above.close()
        return None

    def _nearest(self, parts: list[str]) -> "tuple[int, Folder]":
        for depth in range(len(parts) - 1, 0, -1):
            folder = self._open.get("/".join(parts[:depth]))
            if folder is not None:
                return depth, folder
        return 0, self._top

    def _open_child(self, folder: "Folder", name: str, path: str, *, create: bool) -> int:
        try:
            if create:
                return _open_or_make(name, folder.fd)
            return os.open(name, FOLDER, dir_fd=folder.fd)
        except OSError as error:
            if _is_link(name, folder.fd):  # the system says "not a folder" of a link too
                error.errno = errno.ELOOP
            raise target_error(self._root, path, error) from error

    def _hold(self, folder: "Folder") -> None:
        if folder.is_held or folder.fresh is not None:  # nobody else looks into one that has no name yet
            return
        folder.is_held = True
        if self._sweeps:
            unfinished.hold(folder.fd, sweep=folder.path not in self._swept)
            self._swept.add(folder.path)

    def _trim(self) -> None:
        """Close the longest unused; those in use stay, however many they are."""
        for folder in list(self._open.values())[: len(self._open) - _KEPT]:
            if not folder.users:
                del self._open[folder.path]
                folder.close()

    def give_back(self, folder: "Folder") -> None:
        """Take back what `borrow` lent; the end of the `with` block does it."""
        with self._lock:
            folder.users -= 1
            if folder.is_forgotten and not folder.users:
                folder.close()

    def forget(self, path: str) -> None:
        """Open this folder and those above it afresh next time, for they may be gone."""
        with self._lock:
            while path:
                folder = self._open.pop(path, None)
                if folder is not None:
                    folder.is_forgotten = True
                    if not folder.users:
                        folder.close()
                path = path.rpartition("/")[0]

    def close(self) -> None:
        """Close every handle; nothing may be borrowed any more."""
        with self._lock:
            for folder in (*self._open.values(), self._top):
                folder.close()
            self._open.clear()


class Folder:
    """One open folder; `with` it for its handle."""

    __slots__ = ("_folders", "fd", "fresh", "is_forgotten", "is_held", "path", "users")

    def __init__(self, folders: Folders, path: str, fd: int, fresh: Fresh | None = None) -> None:
        self._folders = folders
        self.path = path
        self.fd = fd
        self.fresh = fresh  # what it is or lies in, if that has no name yet
        self.users = 0
        self.is_held = False
        self.is_forgotten = False

    def close(self) -> None:
        """Close the handle; a second time does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> int:
        return self.fd

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folders.give_back(self)


def _open_or_make(name: str, folder_fd: int) -> int:
    try:
        return os.open(name, FOLDER, dir_fd=folder_fd)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another writer was faster
            os.mkdir(name, dir_fd=folder_fd)
        return os.open(name, FOLDER, dir_fd=folder_fd)


def _is_there(name: str, folder_fd: int) -> bool:
    """Whether anything has that name; opening says what is wrong with it."""
    try:
        os.lstat(name, dir_fd=folder_fd)
    except OSError as error:
        return error.errno != errno.ENOENT
    return True


def _is_link(name: str, folder_fd: int) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(name, dir_fd=folder_fd).st_mode)
    except OSError:
        return False


def check_part(part: str, path: str) -> None:
    """UnsafeTarget unless `part` of `path` is a plain name that this system can hold."""
    if part in _NO_NAMES or "/" in part or "\0" in part:
        raise outside(path)
    if part[0] == "." and unfinished.is_unfinished(part):
        raise outside(path)
    if not part.isascii():
        try:
            os.fsencode(part)
        except UnicodeEncodeError as error:
            raise outside(path) from error
