"""Small files read whole, many of them: several at once where they have to be waited for.

From the page cache one thread is fastest (25 µs a file, most of it Python's). From a disk each file is waited for,
twice: 20,000 files took 1.4 s longer, of which four threads save most.
"""

import os
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeAlias

from localart.files.source import read_small
from localart.workers import Workers

SmallFile: TypeAlias = tuple[bytes, os.stat_result]
"""All bytes of a file and the `stat` they belong to."""

_THREADS = 4
_FAST_SECONDS = 60e-6  # a file: several threads are slower than that where nothing is waited for
_ENOUGH = 64  # files that tell whether there is a disk to wait for


class SmallFiles:
    """Reads batches of small files; how the last one went decides how the next is read. Not for several threads."""

    def __init__(self) -> None:
        self._waits = False
        self._workers = Workers(_THREADS, name="localart-small")

    def read(self, paths: Sequence[str]) -> list[SmallFile]:
        """The files in order; the errors of `read_small`."""
        began, worked = time.perf_counter(), time.thread_time()
        found = self._read_beside(paths) if self._waits else [read_small(path) for path in paths]
        seconds, worked = time.perf_counter() - began, time.thread_time() - worked
        if len(paths) >= _ENOUGH:
            is_slow = seconds > _FAST_SECONDS * len(paths)
            self._waits = is_slow and (self._waits or seconds > 2 * worked)
        return found

    def _read_beside(self, paths: Sequence[str]) -> list[SmallFile]:
        under_way = [self._workers.submit(read_small, path) for path in paths]
        return [one.result() for one in under_way]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.close()
