"""A lock file that one holder has at a time, across threads and processes, and that dies with its holder."""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from localart.errors import StoreBusy, StoreError, StoreFull, StoreNotFound, StoreReadOnly
from localart.modes import create_file, make_folder
from localart.names import shown

_FIRST_PAUSE_SECONDS = 0.0002
_LONGEST_PAUSE_SECONDS = 0.005
_AT_THE_DOOR_SECONDS = 0.5
TELLING_SECONDS = 3.0


def _tell_nobody(message: str) -> None:
    """Until somebody with a voice asks for it."""
    del message


on_long_wait: Callable[[str], None] = _tell_nobody


def tell_long_waits(tell: Callable[[str], None]) -> None:
    """From now on say by `tell` what is waited for. May be called from any thread that writes."""
    global on_long_wait  # noqa: PLW0603
    on_long_wait = tell


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file at `path`. True where nobody can tell.

    Asked shared, through a descriptor that cannot write, and given back at once; the file is never made.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


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
        began = time.monotonic()
        pause, is_told = _FIRST_PAUSE_SECONDS, False
        while not self.try_acquire(shared=shared):
            waited = time.monotonic() - began
            if waited > timeout_seconds:
                raise StoreBusy(
                    f"The store has been locked for {timeout_seconds:.0f} s by {self._holder()}",
                    hint="wait for it to finish, or end that process",
                )
            if waited > TELLING_SECONDS and not is_told:
                is_told = True
                on_long_wait(f"waiting for the store, which is locked by {self._holder()}")
            time.sleep(pause * _jitter())
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def try_for(self, seconds: float) -> bool:
        """Take the lock if it is free now or within so many seconds."""
        until = time.monotonic() + seconds
        pause = _FIRST_PAUSE_SECONDS
        while not self.try_acquire():
            if time.monotonic() > until:
                return False
            time.sleep(pause * _jitter())
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
        return True

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
        """Remove the lock's file, then let go: for a lock that nobody will ask for again.

        What it protected is done with by then, so a file that cannot be removed is left for a prune to tidy away.
        """
        with suppress(OSError):
            self._path.unlink()
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
            raise lock_refused(error, self._path.parent.parent) from error
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

    def _holder(self) -> str:
        try:
            inode = f":{self._path.stat().st_ino} "
            held = Path("/proc/locks").read_text().splitlines()
        except OSError:
            return "another process"
        pids = [line.split()[4] for line in held if inode in line and "->" not in line]
        if not pids:
            return "another process, perhaps on another machine"
        stopped = ", which is stopped" if _is_stopped(pids[0]) else ""
        return f"process {pids[0]} on {shown(os.uname().nodename)}{stopped}"


def lock_refused(error: OSError, store: Path) -> StoreError:
    """The StoreError that says for users why a file in the store's `locks/` could not be made or written."""
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
    return StoreError(f"The store at {store} cannot be locked: {error.strerror}", hint="look at its locks/")


def _is_stopped(pid: str) -> bool:
    """Whether the process was halted (Ctrl-Z, SIGSTOP, a debugger). See proc(5): the state follows the name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2][:1] in {"T", "t"}
    except OSError:
        return False


class FairLock(FileLock):
    """A lock that whoever had it last does not get again while another waits.

    One of the waiting stands at the door, which is a lock of its own, and who wants in again finds it taken. Of 8
    busy writers on a crowded machine the unluckiest waited 1.9 s without a door. It is a courtesy: a process that
    was stopped at the door keeps the others only for a moment.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._door = FileLock(path.with_name(f"{path.name}.next"))

    def acquire(self, *, timeout_seconds: float, shared: bool = False) -> None:
        """Take the lock, waiting at most `timeout_seconds` (and the moment at the door)."""
        is_next = self._door.try_for(min(_AT_THE_DOOR_SECONDS, timeout_seconds))
        try:
            super().acquire(timeout_seconds=timeout_seconds, shared=shared)
        finally:
            if is_next:
                self._door.release()

    def close(self) -> None:
        """Let go and forget both files."""
        super().close()
        self._door.close()


def _jitter() -> float:
    """From a half to one and a half, so that those who wait do not ask in step."""
    import random

    return 0.5 + random.random()  # noqa: S311
