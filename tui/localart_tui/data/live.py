"""What moves while one looks: whether the store changed or is in trouble, and what running runs logged just now.

A run's newest numbers lie for up to half a second in its tail, outside of the catalog; those of a process that was
killed stay there until somebody writes to the store. The browser writes nothing, so it reads tails itself.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from localart.catalog import format as catalog_format
from localart.catalog.lock import is_held
from localart.errors import LocalartError, StoreBusy, StoreNotFound
from localart.repository.marker import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from localart.catalog.metrics import Point
    from localart_tui.data.store import Store

MOST_TAIL_BYTES = 32 << 20


class Pulse(Enum):
    """What a look at the store found."""

    STILL = "still"
    CHANGED = "changed"
    BACK = "back"
    """It could not be read the last time, and can again."""


class Watch:
    """Looks at the store again and again, for the thread that paints. Opens it anew when it came back."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_ill = False
        self._damaged: tuple[object, ...] | None = None

    def begin(self) -> None:
        """Remember how the store is now: what is committed from here on is a change."""
        with suppress(LocalartError, OSError):  # the first look says what is wrong
            self._store.has_changed()

    def look(self, *, page_failed: bool = False) -> Pulse:
        """What happened since the last look. What is wrong with the store is the library's error, every time.

        `page_failed`: what the catalog holds could not be read; it is tried again when its files have changed.
        """
        if page_failed and not self._is_ill:
            self._is_ill, self._damaged = True, self._signature()
        elif not page_failed and self._damaged is not None:
            self._is_ill, self._damaged = False, None
        if self._is_ill and self._damaged is not None and self._damaged == self._signature():
            return Pulse.STILL
        self._damaged = None
        try:
            has_changed = self._ask()
        except StoreBusy:
            raise
        except LocalartError:
            self._is_ill = True
            raise
        except OSError as error:
            self._is_ill = True
            raise StoreNotFound(f"The store cannot be reached: {error.strerror or error}") from error
        if self._is_ill:
            self._is_ill = False
            return Pulse.BACK
        return Pulse.CHANGED if has_changed else Pulse.STILL

    def _ask(self) -> bool:
        if self._is_ill:
            self._store.open_again()
        has_changed = self._store.has_changed()
        if has_changed or self._is_ill:
            path = self._store.root / CATALOG
            catalog_format.check(self._store.connection(), path)  # somebody may have upgraded it
        return has_changed

    def _signature(self) -> tuple[object, ...]:
        """What differs once somebody has written to, replaced or removed the catalog."""
        return tuple(_stamp(self._store.root / name) for name in (CATALOG, f"{CATALOG}-wal"))


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@dataclass(frozen=True, slots=True)
class TailMark:
    """How long a run's tail is; another one means that there is more to read."""

    files: int
    size_bytes: int


def tail_mark(store: Store, uid: str) -> TailMark:
    """How long the run's tail is now."""
    from localart.catalog.tail import iter_tails

    sizes = [_size(path) for path in iter_tails(store.root, uid)]
    return TailMark(len(sizes), sum(sizes))


def tail_points(store: Store, uid: str) -> list[Point]:
    """What the run logged that may not be in the catalog yet, in order. A tail that goes away meanwhile is there."""
    return list(_points(store.root, uid))


def _points(root: Path, uid: str) -> Iterator[Point]:
    from localart.catalog.tail import iter_tails, read_tail

    left = MOST_TAIL_BYTES
    for path in iter_tails(root, uid):
        left -= _size(path)
        if left < 0:
            return
        try:
            yield from read_tail(path)
        except OSError:
            continue  # its rows are in the catalog now


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def is_alive(store: Store, uid: str) -> bool:
    """Whether the process of a running run still lives: it holds the run's lock. True where nobody can tell."""
    return store.repository.network or is_held(store.root / "locks" / f"run-{uid}.lock")


def working_file(store: Store, uid: str, name: str) -> Path | None:
    """A file in the working folder of a run that still goes on (its log, as far as it is printed), if it is there."""
    path = store.root / "tmp" / f"run-{uid}" / "files" / name
    return path if path.is_file() and not path.is_symlink() else None


class WorkingBytes:
    """A file that somebody is writing, as a `ByteSource`: its size is the one it had when it was opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size

    @property
    def size_bytes(self) -> int:
        """How long it was."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(fd, "rb") as file:
            file.seek(max(offset, 0))
            return file.read(max(min(length, self._size - offset), 0))
