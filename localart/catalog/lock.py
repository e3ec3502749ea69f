"""A lock file that one holder has at a time, across threads and processes, and that dies with its holder."""

import errno
import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localart.errors import StoreBusy, StoreError, StoreFull, StoreNotFound, StoreReadOnly
from localart.modes import create_file, make_folder

_FIRST_PAUSE_SECONDS = 0.0002
_LONGEST_PAUSE_SECONDS = 0.005


class FileLock:
    """An advisory `flock` on one file. The kernel frees it when the holder dies, so it is never stale.

    Each instance opens the file for itself: two instances exclude each other even inside one process.
    Polls instead of blocking, so that Ctrl-C and the timeout work; the pauses are short and jittered, which
    kept the longest wait of 8 saturating writers far below a second.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self._pid = 0

    @contextmanager
    def held(self, *, timeout_seconds: float, shared: bool = False) -> Iterator[None]:
        """Hold the lock for the body; `StoreBusy` when somebody else keeps it for too long."""
        self.acquire(timeout_seconds=timeout_seconds, shared=shared)
        try:
            yield
        finally:
            self.release()

    def acquire(self, *, timeout_seconds: float, shared: bool = False) -> None:
        """Take the lock, waiting at most `timeout_seconds`."""
        deadline = time.monotonic() + timeout_seconds
        pause = _FIRST_PAUSE_SECONDS
        while not self.try_acquire(shared=shared):
            if time.monotonic() > deadline:
                raise StoreBusy(
                    f"The store has been locked for {timeout_seconds:.0f} s by {self._holder()}",
                    hint="wait for it to finish, or end that process",
                )
            time.sleep(pause * (0.5 + random.random()))  # noqa: S311
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if it is free now."""
        fd = self._open()
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let the lock go; the file stays."""
        if self._fd is not None and self._pid == os.getpid():
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def is_in_place(self) -> bool:
        """Whether the file held is still the one others would find."""
        if self._fd is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._fd), self._path.stat())
        except FileNotFoundError:
            return False

    def remove(self) -> None:
        """Remove the lock's file, then let go: for a lock that nobody will ask for again."""
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go and forget the file. In a forked child only the inherited descriptor is closed."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        if self._fd is not None and self._pid == os.getpid():
            return self._fd
        self.close()
        try:
            self._fd = self._open_file()
        except OSError as error:
            raise self._refusal(error) from error
        self._pid = os.getpid()
        return self._fd

    def _open_file(self) -> int:
        try:
            return create_file(self._path, os.O_RDWR)
        except FileNotFoundError:  # an empty folder is easily lost when a store is copied
            if not self._path.parent.parent.is_dir():
                raise
            make_folder(self._path.parent)
            return create_file(self._path, os.O_RDWR)

    def _refusal(self, error: OSError) -> StoreError:
        store = self._path.parent.parent
        match error.errno:
            case errno.EROFS | errno.EACCES | errno.EPERM:
                return StoreReadOnly(
                    f"The store at {store} cannot be written",
                    hint="check its permissions, or copy it to a writable place",
                )
            case errno.ENOSPC | errno.EDQUOT:
                return StoreFull(f"No space left in the store at {store}", hint="free some and try again")
            case errno.ENOENT:
                return StoreNotFound(f"The store at {store} is gone", hint="call localart.init() again")
        return StoreError(
            f"The store at {store} cannot be locked: {error.strerror}", hint="look at its locks/"
        )

    def _holder(self) -> str:
        try:
            inode = f":{self._path.stat().st_ino} "
            held = Path("/proc/locks").read_text().splitlines()
        except OSError:
            return "another process"
        pids = [line.split()[4] for line in held if inode in line and "->" not in line]
        return f"process {pids[0]}" if pids else "another process"
