"""Who relies on bytes that no committed row protects yet.

A draft that found its content already stored holds no row that would keep it. While any draft with content
lives, its process holds `locks/lease.lock` shared; prune takes it exclusively before it removes bytes, and
leaves them when it cannot. The kernel frees the lock of a process that dies, so a lease is never stale.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localart.catalog.lock import FileLock

_PATIENCE_SECONDS = 600


class Lease:
    """A counted shared hold on the lease lock; the first holder takes it, the last one lets go.

    `on_first` is called before the first holder relies on anything: what was taken in without a lease, or under
    one that ended, may rest on content that was pruned since.
    """

    def __init__(self, path: Path, on_first: Callable[[], object]) -> None:
        self._path = path
        self._on_first = on_first
        self._lock = FileLock(path)
        self.forget()

    def forget(self) -> None:
        """In a forked child: the parent's drafts are the parent's."""
        self._turn = threading.Lock()
        # Held for a moment only: a draft may be collected, and drop, in the midst of anything.
        self._guard = threading.RLock()
        self._holders = 0

    def take(self) -> None:
        """One more draft relies on stored bytes; waits while a prune is running."""
        with self._turn:
            if not self._join():
                return
            try:
                self._lock.acquire(timeout_seconds=_PATIENCE_SECONDS, shared=True)
                self._on_first()
            except BaseException:
                self.drop()
                raise

    def _join(self) -> bool:
        with self._guard:
            self._holders += 1
            return self._holders == 1

    def drop(self) -> None:
        """One draft less."""
        with self._guard:
            if self._holders == 0:
                return
            self._holders -= 1
            if self._holders == 0:
                self._lock.release()

    @contextmanager
    def exclusive(self) -> Iterator[bool]:
        """True inside when no draft anywhere relies on stored bytes; False when one does."""
        lock = FileLock(self._path)  # of its own: it excludes the holders of this process too
        try:
            yield lock.try_acquire()
        finally:
            lock.close()

    def close(self) -> None:
        """Let go of everything."""
        with self._guard:
            self._holders = 0
            self._lock.close()
