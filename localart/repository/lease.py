"""Who relies on bytes that no committed row protects yet.

A draft that found its content already stored holds no row that would keep it. While any draft with content lives, its
process holds `locks/lease.lock` shared, and writes down what it relies on: the digests of what it found stored or
published itself, 32 bytes each, in `locks/lease-<id>.pins`, which it holds locked too. Prune leaves what is pinned.
The kernel frees the locks of a process that dies, so a lease is never stale and pins without a lock mean nothing.

To look something up and to pin it is one step: both are done while `locks/gate.lock` is held shared, and prune holds
it alone while it reads the pins and removes rows. So what was found is either pinned before prune looks, or not
found any more. What a process touched while one of its drafts lives stays pinned until its last draft is gone.
"""

import errno
import fcntl
import io
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from localart.catalog.lock import FileLock, lock_refused
from localart.model import DIGEST_BYTES, Digest

_PATIENCE_SECONDS = 600
_SUFFIX = ".pins"
_AT_ONCE = 16_384


class Hold:
    """One draft's share of the lease. Dropping it twice, or in a forked child, does nothing."""

    __slots__ = ("_generation", "_lease")

    def __init__(self, lease: "Lease") -> None:
        self._lease: Lease | None = lease
        self._generation = lease.generation

    def drop(self) -> None:
        """Let go."""
        lease, self._lease = self._lease, None
        if lease is not None and lease.generation is self._generation:
            lease.drop()


class Lease:
    """A counted shared hold on the lease lock; the first holder takes it, the last one lets go.

    `on_first` is called before the first holder relies on anything: what was taken in without a lease, or under
    one that ended, may rest on content that was pruned since.
    """

    def __init__(self, path: Path, on_first: Callable[[], object]) -> None:
        self._path = path
        self._on_first = on_first
        self._lock = FileLock(path)
        self._gate = FileLock(gate_path(path.parent))
        self._pins: io.FileIO | None = None
        self._pins_path: Path | None = None
        self.forget()

    def forget(self) -> None:
        """In a forked child: the parent's drafts are the parent's, and so are its locks."""
        self.generation = object()
        self._turn = threading.Lock()
        self._pinning = threading.Lock()
        # Held for a moment only: a draft may be collected, and drop, in the midst of anything.
        self._guard = threading.RLock()
        self._holders = 0
        # What is inherited would keep the parent's lease alive when the parent has died.
        self._lock.close()
        self._gate.close()
        if self._pins is not None:
            self._pins.close()
        self._pins = self._pins_path = None

    def take(self) -> Hold:
        """One more draft relies on stored bytes; waits while a prune is running that found nobody."""
        with self._turn:
            if self._join():
                try:
                    self._lock.acquire(timeout_seconds=_PATIENCE_SECONDS, shared=True)
                    self._open_pins()
                    self._on_first()
                except BaseException:
                    self.drop()
                    raise
            return Hold(self)

    def _join(self) -> bool:
        with self._guard:
            self._holders += 1
            return self._holders == 1

    def _open_pins(self) -> None:
        path = self._path.with_name(f"lease-{os.urandom(8).hex()}{_SUFFIX}")
        with self._pinning, self._gate.held(timeout_seconds=_PATIENCE_SECONDS, shared=True):
            try:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise lock_refused(error, path.parent.parent) from error
            pins = io.FileIO(fd, "w")
            fcntl.flock(fd, fcntl.LOCK_EX)
            self._pins, self._pins_path = pins, path

    def drop(self) -> None:
        """One draft less."""
        with self._guard:
            if self._holders == 0:
                return
            self._holders -= 1
            if self._holders == 0:
                self._let_go()

    def _let_go(self) -> None:
        pins, path, self._pins, self._pins_path = self._pins, self._pins_path, None, None
        if path is not None:
            with suppress(OSError):  # a prune finds it later, without a lock
                path.unlink(missing_ok=True)
        if pins is not None:
            pins.close()
        self._lock.release()

    # --- pinning ---------------------------------------------------------------------------------------

    @contextmanager
    def relying(self) -> Iterator[Callable[[Iterable[Digest]], None]]:
        """Inside, no prune removes rows; what is passed to the function given stays as long as the lease is held.

        Without a lease nothing is promised, and nothing waits. Keep it short: look up, pin, leave.
        """
        if self._pins is None:
            yield _nothing
            return
        with self._pinning, self._gate.held(timeout_seconds=_PATIENCE_SECONDS, shared=True):
            yield self._pin

    def pin(self, digests: Iterable[Digest]) -> None:
        """Rely on these from now on; whether they are stored is for the caller to see."""
        with self.relying() as pin:
            pin(digests)

    def _pin(self, digests: Iterable[Digest]) -> None:
        stream = iter(digests)
        while data := b"".join(islice(stream, _AT_ONCE)):
            self._write(data)

    def _write(self, data: bytes) -> None:
        pins = self._pins
        if pins is None:
            return
        try:
            written = pins.write(data)
        except ValueError:  # closed: the last draft was collected this moment
            return
        except OSError as error:
            raise lock_refused(error, self._path.parent.parent) from error
        if written != len(data):
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise lock_refused(full, self._path.parent.parent)

    # --- for those who remove ---------------------------------------------------------------------------

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """True inside when no draft anywhere relies on stored bytes; False when one does."""
        lock = FileLock(self._path)  # of its own: it excludes the holders of this process too
        try:
            yield lock.try_acquire()
        finally:
            lock.close()

    @contextmanager
    def unheld(self) -> Iterator[bool]:
        """True inside when no draft of this process relies on anything, and none begins to; False when one does."""
        with self._turn:
            yield self._holders == 0

    def close(self) -> None:
        """Let go of everything."""
        with self._guard:
            self._holders = 0
            self._let_go()
            self._lock.close()
            self._gate.close()


def _nothing(digests: Iterable[Digest]) -> None:
    del digests


def gate_path(locks: Path) -> Path:
    """The lock that is held while something is looked up and pinned, or while rows are removed."""
    return locks / "gate.lock"


class PinReader:
    """What the drafts of all processes rely on, read bit by bit. Only for who holds the gate alone.

    A file that was read once is read on even when its owner has died since: what it had pinned may be on its way.
    """

    def __init__(self, locks: Path) -> None:
        self._locks = locks
        self._read: dict[str, int] = {}

    def remove_stale(self) -> None:
        """Remove the files of processes that are gone."""
        for path in self._locks.glob(f"lease-*{_SUFFIX}"):
            lock = FileLock(path)
            try:
                if lock.try_acquire():
                    path.unlink(missing_ok=True)
            finally:
                lock.close()

    def new_pins(self) -> Iterator[Digest]:
        """What was pinned since the last time."""
        for path in sorted(self._locks.glob(f"lease-*{_SUFFIX}")):
            try:
                with path.open("rb") as file:
                    file.seek(self._read.get(path.name, 0))
                    data = file.read()
            except FileNotFoundError:
                continue
            whole = len(data) - len(data) % DIGEST_BYTES
            self._read[path.name] = self._read.get(path.name, 0) + whole
            for at in range(0, whole, DIGEST_BYTES):
                yield Digest(data[at : at + DIGEST_BYTES])
