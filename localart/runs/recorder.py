"""Keeps what a run logs: at once in its tail, soon after in the catalog."""

import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localart.catalog.metrics import Point, insert_points
from localart.catalog.tail import Tail
from localart.disk_errors import disk_errors, store_error
from localart.errors import StoreBusy, StoreError, StoreFull, StoreNotFound, StoreReadOnly
from localart.jsonable import dump_values
from localart.model import RunRecord
from localart.names import shown
from localart.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

_SETTLE_SECONDS = 0.5  # a power cut may cost the last second, and other processes see the values by then
_MOST_POINTS = 50_000
_MOST_BYTES = 16 << 20
_KEPT_POINTS = 50_000  # written into the packs together
_KEPT_SECONDS = 300.0
_MOST_UNKEPT = 4 * _KEPT_POINTS
_MAY_BE_LARGE = (str, dict, list)


class Recorder:
    """The points of one running run. What `record` returned for survives the death of the process.

    They are in the tail first (5 µs each) and go into the catalog every half second, when this process reads from
    it, when there are many, and at `close`. A forked child, and a run on a network file system, write each point
    straight into the catalog: nobody could tell there whose tail it is. Thread-safe.
    """

    def __init__(self, repository: Repository, run: RunRecord) -> None:
        self._repository = repository
        self._run = run
        self._tail = Tail(repository.root, run.uid)
        self._spent: list[Path] = []
        self._flusher = _Flusher(self)
        self._uses_tail = not repository.network
        self._catalog = os.fspath(repository.catalog.path)
        self._place = _place_of(self._catalog)
        self._begin()
        repository.catalog.before_reading[self] = self.settle_for_reader

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._appending = threading.Lock()
        self._settling = threading.RLock()
        self._pending: list[Point] = []
        self._pending_bytes = 0
        self._unkept: list[Point] = []
        self._kept_at = time.monotonic()
        self._last_step, self._last_time = -1, 0.0

    def record(self, step: int, values: Mapping[str, Any]) -> None:
        """Keep flat plain `values` at `step`. StoreFull, StoreNotFound …: nothing of them is kept."""
        if self._pid != os.getpid():
            self.become_guest()
        for value in values.values():
            if isinstance(value, _MAY_BE_LARGE):
                dump_values(value)  # refuses now what the catalog would refuse later
        if not self._uses_tail:
            self._insert([Point(step, self._time_of(step), values)])
        else:
            if len(self._pending) >= _MOST_POINTS or self._pending_bytes >= _MOST_BYTES:
                self.settle()
            self._append(Point(step, self._time_of(step), values))
        self._flusher.wake()

    def _time_of(self, step: int) -> float:
        """Now, but not before what came first at this step: of two, whoever finds the tail takes the later one."""
        now = time.time()
        if step == self._last_step:  # the clock may have been put back
            now = max(now, self._last_time)
        self._last_step, self._last_time = step, now
        return now

    def become_guest(self) -> None:
        """Be in a process that did not begin the run: the tail, its rows and the locks are not this one's.

        After a fork they may be held by a thread that is not here.
        """
        self._tail.forget()
        self._begin()
        self._uses_tail = False
        self._flusher = _Flusher(self)

    def _append(self, point: Point) -> None:
        if _place_of(self._catalog) != self._place:
            store = shown(str(self._repository.root), 300)
            raise StoreNotFound(
                f"The store at {store} was removed, moved or replaced while it was used",
                hint="call localart.init() again",
            )
        with self._appending:
            try:
                self._pending_bytes += self._tail.append(*point)
            except OSError as error:
                raise store_error(error, "logging", self._repository.root / "tmp") from error
            self._pending.append(point)

    def settle(self) -> None:
        """Put what is pending into the catalog. On an error it stays pending, and safe in the tail."""
        if self._pid != os.getpid() or not self._pending:
            return
        with self._settling:
            with self._appending:
                points, self._pending, self._pending_bytes = self._pending, [], 0
                self._spent += self._tail.cut()
            try:
                self._insert(points)
            except BaseException:
                with self._appending:
                    self._pending = points + self._pending
                raise
            self._remove_spent()

    def _insert(self, points: list[Point]) -> None:
        with self._repository.catalog.write(durable=False) as tx:
            insert_points(tx, self._run.key, points)
        if len(self._unkept) < _MOST_UNKEPT:  # the end of the run keeps everything once more
            self._unkept.extend(points)

    def _remove_spent(self) -> None:
        """Oldest first: an old file that stays behind a newer one would bring old values back."""
        while self._spent:
            with disk_errors("removing what the catalog holds by now", self._spent[0]):
                self._spent[0].unlink(missing_ok=True)
            del self._spent[0]

    def settle_for_reader(self) -> None:
        """Let a reader of this process see what was logged. Where nothing can be written it sees the older state."""
        try:
            self.settle()
        except (StoreBusy, StoreFull, StoreReadOnly, StoreNotFound):
            return  # the values are safe in the tail, and the next write says what is wrong

    def flush(self) -> None:
        """Put what is pending into the catalog, and make it survive a power cut."""
        self.settle()
        self._keep_if_due()
        self._repository.catalog.flush()

    def _keep_if_due(self) -> None:
        """Let what came since the last time be found when the catalog is lost."""
        seconds = time.monotonic() - self._kept_at
        if len(self._unkept) >= _KEPT_POINTS or (self._unkept and seconds >= _KEPT_SECONDS):
            from localart.operations.keep_history import keep_points

            points, self._unkept, self._kept_at = self._unkept, [], time.monotonic()
            keep_points(self._repository, self._run, points)

    def close(self) -> None:
        """Stop the flusher and settle; the caller's next durable commit covers what was logged."""
        self._flusher.stop()
        self.settle()
        self._repository.catalog.before_reading.pop(self, None)


def _place_of(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - with each `log`
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Flusher:
    """Settles within half a second of being woken, in a thread of its own."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Something was recorded."""
        if self._wanted.is_set():
            return
        if self._thread is None or not self._thread.is_alive():
            self._stopped.clear()
            self._thread = threading.Thread(target=self._loop, name="localart-flush", daemon=True)
            self._thread.start()
        self._wanted.set()

    def _loop(self) -> None:
        while True:
            self._wanted.wait()
            if self._stopped.wait(_SETTLE_SECONDS):
                return
            self._wanted.clear()
            try:
                self._recorder.flush()
            except StoreNotFound:
                return  # the next `log` says so to the user; a thread has nobody to tell
            except (StoreError, OSError):
                self._wanted.set()  # tried again; what is pending stays safe in the tail

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=5)
