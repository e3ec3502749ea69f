"""A file that is taken in, read as it stands: what changes while it is read is noticed, never stored."""

import errno
import os
import stat
from types import TracebackType
from typing import NoReturn, Self

from localart.errors import SourceChanged, SourceError, SourceMissing, SourceUnreadable
from localart.names import shown

# Without O_NONBLOCK, opening a FIFO waits for a writer that may never come; regular files do not notice it.
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_READ_BYTES = 1 << 30

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a link"),
)


def open_source(path: str | os.PathLike[str]) -> "StableFile":
    """Open the regular file that `path` leads to (links are followed: the user named it).

    Raises SourceMissing, SourceUnreadable, or SourceError for what is not a regular file. Never hangs.
    """
    fd = _open(path, None)
    try:
        return StableFile(path, fd, _regular_stat(path, fd))
    except BaseException:
        os.close(fd)
        raise


class StableFile:
    """An open regular file and its `stat` from when it was opened. Reads may come from several threads."""

    def __init__(self, path: str | os.PathLike[str], fd: int, opened: os.stat_result) -> None:
        self.path = path
        self.fd = fd
        self.stat = opened

    @property
    def size_bytes(self) -> int:
        """Its length when it was opened."""
        return self.stat.st_size

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fill `buffer` from `offset` on; the count is smaller only where the file ends."""
        filled = 0
        try:
            while filled < len(buffer):
                count = os.preadv(self.fd, [buffer[filled:]], offset + filled)
                if count == 0:
                    break
                filled += count
        except OSError as error:
            refuse_source(self.path, error)
        return filled

    def read_all(self) -> bytes:
        """The whole file, for small ones; SourceChanged unless it still is what it was when opened."""
        content = _read_whole(self.path, self.fd, self.size_bytes)
        self.check_unchanged()
        if len(content) != self.size_bytes:
            raise _changed(self.path)
        return content

    def check_unchanged(self) -> None:
        """SourceChanged when length, content time or inode time differ from when it was opened."""
        if not is_same_state(self.stat, os.fstat(self.fd)):
            raise _changed(self.path)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_small(path: str | os.PathLike[str], dir_fd: int | None = None) -> tuple[bytes, os.stat_result]:
    """All bytes of a small regular file and the `stat` they belong to, in five system calls.

    A file that changes meanwhile is read once more, then SourceChanged. `path` may be relative to `dir_fd`.
    """
    return _read_once(path, dir_fd) or _read_once(path, dir_fd) or _give_up(path)


def _read_once(path: str | os.PathLike[str], dir_fd: int | None) -> tuple[bytes, os.stat_result] | None:
    """None when the file changed while it was read."""
    fd = _open(path, dir_fd)
    try:
        before = _regular_stat(path, fd)
        content = _read_whole(path, fd, before.st_size)
        after = os.fstat(fd)
    finally:
        os.close(fd)
    is_stable = len(content) == after.st_size and is_same_state(before, after)
    return (content, after) if is_stable else None


def _give_up(path: str | os.PathLike[str]) -> NoReturn:
    raise _changed(path)


def _open(path: str | os.PathLike[str], dir_fd: int | None) -> int:
    try:
        return os.open(path, _OPEN, dir_fd=dir_fd)
    except (OSError, ValueError) as error:
        refuse_source(path, error)


def _regular_stat(path: str | os.PathLike[str], fd: int) -> os.stat_result:
    opened = os.fstat(fd)
    if not stat.S_ISREG(opened.st_mode):
        refuse_kind(path, opened.st_mode)
    return opened


def _read_whole(path: str | os.PathLike[str], fd: int, size_bytes: int) -> bytes:
    """Up to one byte more than `size_bytes`, so that a file which grew is seen without another call."""
    try:
        content = os.pread(fd, min(size_bytes, _READ_BYTES) + 1, 0)
        if len(content) < size_bytes:
            content = _read_rest(fd, content, size_bytes + 1)
    except OSError as error:
        refuse_source(path, error)
    return content


def _read_rest(fd: int, begun: bytes, limit: int) -> bytes:
    """One call reads at most 2 GiB, so a longer file takes several."""
    parts, offset = [begun], len(begun)
    while offset < limit:
        part = os.pread(fd, min(limit - offset, _READ_BYTES), offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def is_same_state(before: os.stat_result, after: os.stat_result) -> bool:
    """Whether two `stat`s of one open file show no change of its content in between."""
    return (
        before.st_mtime_ns == after.st_mtime_ns
        and before.st_ctime_ns == after.st_ctime_ns
        and before.st_size == after.st_size
    )


def refuse_kind(path: str | os.PathLike[str], mode: int) -> NoReturn:
    """SourceError that says what stands at `path` instead of a regular file."""
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something special")
    hint = "use add_dir for folders" if stat.S_ISDIR(mode) else "only regular files can be logged"
    raise SourceError(f"{_named(path)} is {kind}, not a file", hint=hint)


def refuse_source(path: str | os.PathLike[str], error: OSError | ValueError) -> NoReturn:
    """The SourceError that says for users what `error` says of `path`."""
    code = error.errno if isinstance(error, OSError) else None
    match code:
        case errno.ENOENT:
            raise SourceMissing(
                f"{_named(path)} does not exist", hint="check the path, and where a link leads"
            ) from error
        case errno.ENOTDIR:
            raise SourceMissing(
                f"{_named(path)} does not exist: a file is where a folder should be"
            ) from error
        case errno.EACCES | errno.EPERM:
            raise SourceUnreadable(f"{_named(path)} may not be read", hint="check its permissions") from error
        case errno.ENXIO:  # what opening a socket answers
            raise SourceError(
                f"{_named(path)} is a socket or device, not a file", hint="only regular files can be logged"
            ) from error
        case errno.ELOOP:
            raise SourceError(f"{_named(path)} is a link that leads in a circle", hint="remove it") from error
    reason = os.strerror(code) if code else str(error)
    raise SourceError(f"{_named(path)} cannot be read: {reason}") from error


def _changed(path: str | os.PathLike[str]) -> SourceChanged:
    return SourceChanged(
        f"{_named(path)} changed while it was read", hint="log it again when nothing writes to it"
    )


def _named(path: str | os.PathLike[str]) -> str:
    return shown(os.fspath(path), 300)
