"""Connections to the catalog: one for each thread and process, with the settings that make it safe.

Where the settings come from: WAL + FULL and TRUNCATE + FULL lost no acknowledged commit when power was cut in
simulation; WAL + NORMAL and DELETE + FULL did. A WAL file at rest cannot be opened from read-only media, so
the last one to close switches the file back (see `Catalog.close`).
"""

import gc
import os
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from weakref import WeakSet

from localart.catalog import forks
from localart.errors import (
    CatalogDamaged,
    InvalidName,
    LocalartError,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreNotFound,
    StoreReadOnly,
)
from localart.names import shown

BUSY_SECONDS = 60

T = TypeVar("T")

_PRAGMAS = (
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "mmap_size=0",
    "temp_store=MEMORY",
    "cache_size=-16384",
)


class Cursor(sqlite3.Cursor):
    """A cursor whose reading errors are localart's own."""

    def fetchone(self) -> Any:  # noqa: D102
        return _translated(super().fetchone, self.connection)

    def fetchall(self) -> list[Any]:  # noqa: D102
        return _translated(super().fetchall, self.connection)

    def fetchmany(self, size: int | None = 1) -> list[Any]:  # noqa: D102
        return _translated(lambda: super(Cursor, self).fetchmany(size or 1), self.connection)


_inherited: "list[Connection]" = []


class Connection(sqlite3.Connection):
    """A connection whose errors are localart's own; statements are never sent without parameters bound.

    Closed when nobody refers to it any more, but not in a forked child: SQLite forbids that.
    """

    place: Path | None = None
    """The catalog's file, for messages."""
    _pid = 0

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._pid = os.getpid()

    def __del__(self) -> None:
        if self._pid == os.getpid():
            entered = forks.enter()
            self.close()
            if entered:
                forks.leave()
        elif self._pid:
            _inherited.append(self)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: D102
        return _translated(lambda: self.cursor(Cursor).execute(sql, parameters), self)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:  # noqa: D102
        return _translated(lambda: self.cursor(Cursor).executemany(sql, parameters), self)


def _translated(call: Callable[[], T], connection: sqlite3.Connection) -> T:
    entered = forks.enter()
    try:
        return call()
    except sqlite3.Error as error:
        raise translate(error, getattr(connection, "place", None)) from error
    except UnicodeDecodeError as error:  # of SQLite's own message, which quotes the damaged bytes
        raise CatalogDamaged(
            "The catalog is damaged: it holds broken text",
            hint="run `localart verify`, then `localart repair`",
        ) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise InvalidName(
            f"The catalog cannot hold this value: {error.reason if isinstance(error, UnicodeError) else error}",
            hint="text must be whole characters, numbers must fit into 64 bits",
        ) from error
    finally:
        if entered:
            forks.leave()


def translate(error: sqlite3.Error, place: Path | None = None) -> LocalartError:
    """The localart error that says what `error` means for the user; `place` is the catalog's file."""
    at = "" if place is None else f" at {shown(str(place), 300)}"
    code = getattr(error, "sqlite_errorcode", 0) or 0
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return StoreBusy(
                "Another process keeps the catalog locked", hint="try again when it has finished"
            )
        case sqlite3.SQLITE_FULL:
            return StoreFull(f"No space left for the catalog{at}", hint="free some space; nothing was lost")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return StoreReadOnly(f"The catalog cannot be written{at}", hint="check the store's permissions")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_FORMAT:
            return CatalogDamaged(
                f"The catalog is damaged: {error}", hint="run `localart verify`, then `localart repair`"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(
                f"The catalog's files cannot be opened{at}",
                hint="is its disk there, full or read-only, or are too many files open here? then try again",
            )
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                f"The disk under the catalog failed{at}: {error}",
                hint="check the disk, its quota and `ulimit -f`; try again",
            )
        case _:
            return CatalogDamaged(
                f"The catalog refused a statement: {error}",
                hint="run `localart verify`, then `localart repair`",
            )


_abandoned: "WeakSet[Connection]" = WeakSet()


def abandon(connection: Connection) -> None:
    """Leave a connection that SQLite opened for reading only, because it could not write at that moment.

    Every other one of this process is as restricted while it is open, and it refers to itself through its statements:
    so the next `connect` collects garbage first.
    """
    _abandoned.add(connection)


def connect(path: Path, *, read_only: bool) -> Connection:
    """Open the catalog at `path`, which must exist. Transactions are always explicit."""
    if _abandoned:
        gc.collect()
    mode = "ro" if read_only else "rw"
    entered = forks.enter()
    try:
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(path))}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )
    except sqlite3.Error as error:
        if not path.exists():
            raise StoreNotFound(
                "The catalog is not where it was", hint="was the store moved? run `localart doctor`"
            ) from error
        raise translate(error, path) from error
    finally:
        if entered:
            forks.leave()
    connection.place = path
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA synchronous=FULL")
    return connection
