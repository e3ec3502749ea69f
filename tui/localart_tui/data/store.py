"""The store as the browser opens it: for reading only, one connection a thread, nothing slow on the loop."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

from localart.catalog import browsing
from localart.errors import LocalartError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from localart.catalog.connection import Connection
    from localart.repository import Repository

T = TypeVar("T")

READERS = 2
CACHE_KIB = 4096
_LOOP_BUSY_MS = 20
_READER_BUSY_MS = 3_000
_STEPS = 20_000
_STOPPING_SECONDS = 5


class Store:
    """An open store, read-only in every thread.

    Changes (`--write`) go through a repository of their own that whoever makes them opens for it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._opening = threading.Lock()
        self._repository: Repository | None = None
        self._loop_thread = threading.get_ident()
        self._settled = threading.local()
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="localart-read")
        self._seen = -1
        self._ahead: dict[str, Future[Any]] = {}
        self._running: dict[Future[Any], threading.Event] = {}

    @property
    def repository(self) -> Repository:
        """The open repository; opened when first needed. Raises what `open_repository` raises."""
        with self._opening:
            if self._repository is None:
                from localart.repository import open_repository

                self._repository = open_repository(self.root, create=False, read_only=True)
                self._settled = threading.local()
            return self._repository

    def connection(self) -> Connection:
        """This thread's connection. The thread that paints waits 20 ms for a lock, the others 3 s."""
        connection = self.repository.read()
        if getattr(self._settled, "connection", None) is not connection:
            on_loop = threading.get_ident() == self._loop_thread
            browsing.become_reader(
                connection, busy_ms=_LOOP_BUSY_MS if on_loop else _READER_BUSY_MS, cache_kib=CACHE_KIB
            )
            self._settled.connection = connection
        return connection

    async def read(self, job: Callable[[Connection], T], *, ahead: str = "") -> T:
        """Run `job` in a reading thread. Cancelling stops its query at the next step.

        What was begun with `read_ahead` under the name `ahead` is waited for instead, by the first call there is.
        """
        begun = self._ahead.pop(ahead, None)
        self._ahead.clear()  # later it would be old
        if begun is not None:
            return await asyncio.wrap_future(begun)
        stopped = threading.Event()
        try:
            return await asyncio.wrap_future(self._begin(job, stopped))
        except asyncio.CancelledError:
            stopped.set()
            raise

    def read_ahead(self, name: str, job: Callable[[Connection], object]) -> None:
        """Begin to read what `read` with this `ahead` will ask for: while the rest of the program starts."""
        self._ahead[name] = self._begin(job, threading.Event())

    def _begin(self, job: Callable[[Connection], T], stopped: threading.Event) -> Future[T]:
        future = self._pool.submit(self._run, job, stopped)
        self._running[future] = stopped
        future.add_done_callback(lambda done: self._running.pop(done, None))
        return future

    def _run(self, job: Callable[[Connection], T], stopped: threading.Event) -> T:
        if stopped.is_set():
            raise StoreError("Not needed any more")
        connection = self.connection()
        connection.set_progress_handler(stopped.is_set, _STEPS)
        try:
            return job(connection)
        finally:
            connection.set_progress_handler(None, 0)

    def has_changed(self) -> bool:
        """Whether anyone committed since the last time this was asked; the first time says no.

        StoreNotFound when the store was moved, removed or replaced since it was opened.
        """
        connection = self.connection()
        self.repository.catalog.refuse_gone()
        now = browsing.data_version(connection)
        before, self._seen = self._seen, now
        return before not in {-1, now}

    def open_again(self) -> None:
        """Forget the connections: the next read opens what is now at this place."""
        self._let_go()
        self._seen = -1

    def close(self) -> None:
        """Let go of the store, and leave its catalog the single file that a writer would leave."""
        self._let_go()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self.root.joinpath("localart.db-wal").exists():
            _settle(self.root)

    def _let_go(self) -> None:
        """Stop what is being read and wait for it: a connection must not be closed under a running query."""
        running = dict(self._running)
        for stopped in running.values():
            stopped.set()
        wait(running, timeout=_STOPPING_SECONDS)
        repository, self._repository = self._repository, None
        if repository is not None:
            repository.close()


def _settle(root: Path) -> None:
    """Merge the WAL that writers had to leave because we were looking: at rest a store is one file."""
    from localart.repository import open_repository

    try:
        open_repository(root, create=False).close()
    except (LocalartError, OSError):
        return  # read-only media, a store that is gone, somebody who writes: nothing is lost


def open_store(root: Path) -> Store:
    """The store at `root`, tried once; StoreNotFound and its kin when it cannot be opened."""
    store = Store(root)
    try:
        store.connection()
    except BaseException:
        store.close()
        raise
    return store
