"""The one folder a download may write to (I8: nothing outside it is ever written, whatever a path says)."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from localart.errors import SourceChanged, TargetError, TargetMissing, UnsafeTarget
from localart.files import unfinished
from localart.files.filesystem import can_reserve, is_network, write_all
from localart.files.folders import Folders, check_part
from localart.files.fresh import FOLDER, Fresh
from localart.files.hashing import digest_of_fd
from localart.files.refusals import outside, shown_place, target_error
from localart.files.source import is_same_state
from localart.model import BlobRef

Content: TypeAlias = bytes | bytearray | memoryview

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_RESERVED_BYTES = 1 << 20  # what a smaller file gains is less than the call costs
_NO_RESERVING = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.ENODEV}


class TargetFolder:
    """Files below one root, found, written and removed by their `/`-separated entry path; from any thread.

    The root may be reached through links: the user named it. Below it no link is followed: one where a
    file belongs is replaced, one where a folder belongs is UnsafeTarget. If the process is killed, each
    file is the old one or the new one whole, and what was unfinished goes when a later download writes to
    the same folder. Files are not synced: after a power cut, download again.

    One that gathers keeps that, but folders it makes appear whole (see `localart.files.fresh`): a process that is
    killed before has made none.
    """

    def __init__(self, root: Path, root_fd: int, *, gathers: bool = False) -> None:
        """Take over `root_fd`; `TargetFolder.open` is what users call."""
        self.root = root
        self._absent: str | None = None
        self._names = unfinished.new_names()
        self._reserves = can_reserve(root)
        # A network file system may grant one lock to everyone, and we would clear what others are writing.
        self._folders = Folders(root, root_fd, sweeps=not is_network(root), gathers=gathers)

    @classmethod
    def open(cls, root: str | os.PathLike[str], *, create: bool = True, gathers: bool = False) -> Self:
        """Hold the folder `root` open; with `create`, make it and those above it first.

        With `gathers`, folders that are made, and all files in them, appear when `settle` is called or the target is
        closed: for one who writes many files.
        """
        place = Path(root).absolute()
        try:
            if create:
                place.mkdir(parents=True, exist_ok=True)
            return cls(place, os.open(place, FOLDER & ~os.O_NOFOLLOW), gathers=gathers)
        except FileExistsError as error:
            raise UnsafeTarget(
                f"{shown_place(place, '')} is not a folder", hint="choose another one"
            ) from error
        except OSError as error:
            raise target_error(place, "", error) from error

    def find(self, entry_path: str) -> os.stat_result | None:
        """The `stat` of the regular file at `entry_path`; None if there is none, or something else is there.

        UnsafeTarget when the way to it leads through a link or a file: nothing can be written there either.
        """
        if entry_path.rpartition("/")[0] == self._absent:  # a fresh download asks for all files of a folder
            return None
        folder, name = _split(entry_path)
        try:
            borrowed = self._folders.borrow(folder)
        except TargetMissing:
            self._absent = folder
            return None
        with borrowed as folder_fd:
            try:
                found = os.lstat(name, dir_fd=folder_fd)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise target_error(self.root, entry_path, error) from error
        return found if stat.S_ISREG(found.st_mode) else None

    def find_exact(self, entry_path: str, blob: BlobRef) -> os.stat_result | None:
        """The `stat` of the file at `entry_path` if it holds the bytes of `blob`; all are read."""
        found = self.find(entry_path)
        if found is None or found.st_size != blob.size_bytes:
            return None
        fd = self.open_existing(entry_path)
        try:
            before = os.fstat(fd)
            digest = digest_of_fd(fd, blob.size_bytes)
            after = os.fstat(fd)
        except SourceChanged:
            return None
        except OSError as error:
            raise target_error(self.root, entry_path, error) from error
        finally:
            os.close(fd)
        return after if digest == blob.digest and is_same_state(before, after) else None

    def open_existing(self, entry_path: str) -> int:
        """The handle of the regular file at `entry_path`, to be read and closed by the caller.

        Raises TargetMissing, or UnsafeTarget for a link or anything else that is not a regular file.
        """
        folder, name = _split(entry_path)
        with self._folders.borrow(folder) as folder_fd:
            try:
                fd = os.open(name, _READ, dir_fd=folder_fd)
            except OSError as error:
                raise target_error(self.root, entry_path, error) from error
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
        raise UnsafeTarget(f"{shown_place(self.root, entry_path)} is not a regular file")

    def write(
        self, entry_path: str, pieces: Iterable[bytes | memoryview], *, size_bytes: int
    ) -> os.stat_result:
        """Make `entry_path` a new file of exactly the bytes of `pieces`; its `stat` as it then stands there.

        Missing folders are made. The file appears whole under its name or not at all: whatever is raised,
        also by `pieces`, leaves what was there before and nothing else. A link or a file of many names is
        replaced, never written through. Raises TargetFull, TargetUnwritable, UnsafeTarget for a folder,
        or TargetError.
        """
        folder, name = _split(entry_path)
        self._absent = None
        try:
            return self._write(folder, name, entry_path, pieces, size_bytes)
        except _FolderGone:  # removed by someone since it was opened; no piece has been taken yet
            self._folders.forget(folder)
        return self._write(folder, name, entry_path, pieces, size_bytes)

    def write_many(self, files: Iterable[tuple[str, Content]]) -> list[os.stat_result]:
        """As `write`, for entry paths and their whole contents, in this order; the `stat` of each.

        Meant for small files; neighbours in the list that share a folder cost least. When one raises, those before
        it stand there.
        """
        self._absent = None
        stats: list[os.stat_result] = []
        for folder, some in groupby(files, key=lambda file: file[0].rpartition("/")[0]):
            lent = self._folders.borrow(folder, create=True)
            write = self._write_whole if lent.fresh is None else partial(self._write_fresh, lent.fresh)
            with lent as folder_fd:
                for entry_path, content in some:
                    try:
                        stats.append(write(folder_fd, entry_path, content))
                    except TargetMissing:  # the folder was removed by someone since it was opened
                        stats.append(self.write(entry_path, [memoryview(content)], size_bytes=len(content)))
        return stats

    def _write_fresh(self, fresh: Fresh, folder_fd: int, entry_path: str, content: Content) -> os.stat_result:
        """Under its own name at once: that is not seen before the folder has its name, if the file is whole."""
        _, name = _split(entry_path)
        try:
            return _make(name, folder_fd, content)
        except FileExistsError:  # written before, and asked for again
            return self._write_whole(folder_fd, entry_path, content)
        except BaseException as error:
            try:
                os.unlink(name, dir_fd=folder_fd)
            except OSError as failed:
                fresh.is_spoiled = fresh.is_spoiled or failed.errno != errno.ENOENT
            if isinstance(error, OSError):
                raise target_error(self.root, entry_path, error) from error
            raise

    def _write_whole(self, folder_fd: int, entry_path: str, content: Content) -> os.stat_result:
        _, name = _split(entry_path)
        temporary = next(self._names)
        try:
            made = _make(temporary, folder_fd, content)
            os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
            stands = os.lstat(name, dir_fd=folder_fd)
        except BaseException as error:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder_fd)
            if isinstance(error, OSError):
                raise target_error(self.root, entry_path, error) from error
            raise
        return self._same(made, stands, entry_path)

    def _same(self, made: os.stat_result, stands: os.stat_result, entry_path: str) -> os.stat_result:
        """`stands`, which must be the file that was made."""
        if made.st_ino != stands.st_ino or made.st_dev != stands.st_dev:
            raise TargetError(f"{shown_place(self.root, entry_path)} was replaced while it was written")
        return stands

    def _write(
        self, folder: str, name: str, entry_path: str, pieces: Iterable[bytes | memoryview], size_bytes: int
    ) -> os.stat_result:
        temporary = next(self._names)
        with self._folders.borrow(folder, create=True) as folder_fd:
            try:
                file_fd = self._create(temporary, folder_fd, entry_path)
                made = self._fill(file_fd, entry_path, pieces, size_bytes)
                self._rename(temporary, name, folder_fd, entry_path)
                stands = self._lstat(name, folder_fd, entry_path)  # the rename changed its ctime
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=folder_fd)
                raise
        return self._same(made, stands, entry_path)

    def _create(self, temporary: str, folder_fd: int, entry_path: str) -> int:
        try:
            return os.open(temporary, _CREATE, 0o666, dir_fd=folder_fd)
        except FileNotFoundError as error:
            raise _FolderGone(f"The folder of {shown_place(self.root, entry_path)} is gone") from error
        except OSError as error:
            raise target_error(self.root, entry_path, error) from error

    def _fill(
        self, file_fd: int, entry_path: str, pieces: Iterable[bytes | memoryview], size_bytes: int
    ) -> os.stat_result:
        """Write the pieces and close the file, whose `stat` is returned."""
        total = 0
        try:
            if size_bytes >= _RESERVED_BYTES and self._reserves:
                self._reserve(file_fd, size_bytes, entry_path)
            for piece in pieces:
                total += self._write_piece(file_fd, piece, entry_path)
                if total > size_bytes:
                    break
            made = os.fstat(file_fd)
        finally:
            self._close(file_fd, entry_path)
        if total != size_bytes:
            place = shown_place(self.root, entry_path)
            raise TargetError(f"{place} should get {size_bytes} bytes, not {total}")
        return made

    def _reserve(self, file_fd: int, size_bytes: int, entry_path: str) -> None:
        """Take the blocks at once: writing then takes two thirds of the time, and a full disk is known at once."""
        try:
            os.posix_fallocate(file_fd, 0, size_bytes)
        except OSError as error:
            if error.errno not in _NO_RESERVING:
                raise target_error(self.root, entry_path, error) from error

    def _write_piece(self, file_fd: int, piece: bytes | memoryview, entry_path: str) -> int:
        try:
            return write_all(file_fd, piece)
        except OSError as error:
            raise target_error(self.root, entry_path, error) from error

    def _close(self, file_fd: int, entry_path: str) -> None:
        """Close it before the rename: network file systems and quotas may refuse written bytes only now."""
        try:
            os.close(file_fd)
        except OSError as error:
            raise target_error(self.root, entry_path, error) from error

    def _rename(self, temporary: str, name: str, folder_fd: int, entry_path: str) -> None:
        try:
            os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
        except OSError as error:
            raise target_error(self.root, entry_path, error) from error

    def _lstat(self, name: str, folder_fd: int, entry_path: str) -> os.stat_result:
        try:
            return os.lstat(name, dir_fd=folder_fd)
        except OSError as error:
            raise target_error(self.root, entry_path, error) from error

    def remove(self, entry_path: str) -> bool:
        """Remove the file or link at `entry_path`, and the folders above it (not the root) that became empty.

        False if there was nothing. UnsafeTarget if a folder is there: that is never removed.
        """
        folder, name = _split(entry_path)
        try:
            with self._folders.borrow(folder) as folder_fd:
                self._unlink(name, folder_fd, entry_path)
        except TargetMissing:
            return False
        while folder and self._remove_empty(folder):
            folder = folder.rpartition("/")[0]
        return True

    def _unlink(self, name: str, folder_fd: int, entry_path: str) -> None:
        try:
            os.unlink(name, dir_fd=folder_fd)
        except OSError as error:
            raise target_error(self.root, entry_path, error) from error

    def _remove_empty(self, folder: str) -> bool:
        above, _, name = folder.rpartition("/")
        with self._folders.borrow(above) as above_fd:
            try:
                os.rmdir(name, dir_fd=above_fd)
            except OSError:  # not empty, as a rule; an empty folder that stays does no harm
                return False
        self._folders.forget(folder)
        return True

    def walk(self) -> Iterator[str]:
        """The entry path of everything below the root that is not a folder, links included and not followed.

        The files of a folder by name, then its folders by name, each in turn. What vanishes is left out.
        """
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            inner: list[str] = []
            for name, is_folder in self._list(folder):
                path = f"{folder}/{name}" if folder else name
                if is_folder:
                    inner.append(path)
                else:
                    yield path
            waiting.extend(reversed(inner))

    def _list(self, folder: str) -> list[tuple[str, bool]]:
        """Names in a folder, sorted, and whether each is itself a folder."""
        try:
            with self._folders.borrow(folder) as folder_fd:
                return _names_in(folder_fd)
        except TargetMissing:
            return []

    @property
    def unsettled_seconds(self) -> float:
        """For how long there have been folders that do not have their names yet."""
        return self._folders.unsettled_seconds

    def settle(self) -> None:
        """Let the folders that were made, with all in them, take their names; nothing may be under way."""
        self._folders.settle()

    def close(self) -> None:
        """Settle, and let go of the folder; a second time does nothing."""
        try:
            self._folders.settle()
        finally:
            self._folders.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(TargetError):  # the first error says what went wrong
                self.close()


class _FolderGone(TargetMissing):
    """A folder that is held open was removed from its place."""


def _split(entry_path: str) -> tuple[str, str]:
    """Folder and name. The parts of the folder are checked when it is opened, which is not for every file."""
    folder, slash, name = entry_path.rpartition("/")
    if slash and not folder:
        raise outside(entry_path)
    check_part(name, entry_path)
    return folder, name


def _make(name: str, folder_fd: int, content: Content) -> os.stat_result:
    """A new file of these bytes, closed, as `TargetFolder._close` says why; its `stat`."""
    file_fd = os.open(name, _CREATE, 0o666, dir_fd=folder_fd)
    try:
        view = memoryview(content)
        written = os.write(file_fd, view)
        if written < view.nbytes:  # the disk fills up
            write_all(file_fd, view.cast("B")[written:])
        return os.fstat(file_fd)
    finally:
        os.close(file_fd)


def _names_in(folder_fd: int) -> list[tuple[str, bool]]:
    own_fd = os.open(".", FOLDER, dir_fd=folder_fd)  # two readers of one handle would share its position
    try:
        with os.scandir(own_fd) as entries:
            return sorted(
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry in entries
                if not unfinished.is_unfinished(entry.name)
            )
    finally:
        os.close(own_fd)
