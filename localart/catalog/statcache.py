"""What was read before: (device, inode, size, times) → digest. Disposable, in a file of its own.

A file whose five numbers are unchanged has unchanged bytes, except when it was written within the clock's
grain of being looked at (git's "racy" problem): such files are not remembered. Every row carries a checksum,
for a flipped digest here would log the wrong bytes as if they were right.
"""

import os
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from xxhash import xxh3_64_intdigest

from localart.catalog import forks
from localart.model import Digest

RACY_NANOSECONDS = 2_000_000_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files(
  device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
  ctime INTEGER NOT NULL, digest BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(device, inode)
) STRICT, WITHOUT ROWID
"""

_UNUSED_SECONDS = 90 * 86_400  # a store that was not logged to for so long is read anew

_BATCH = 300
_FACTS = struct.Struct("<5q32s")
_EARLIEST = -(1 << 63)  # tmpfs takes times from before 1677, a database does not


def cache_path(folder: Path | None, store: str) -> Path | None:
    """The file that remembers for the store of this uuid; copies of a store share it, which does no harm."""
    if folder is None:
        return None
    name = store if store.replace("-", "").isalnum() else store.encode().hex()[:64]
    return folder / f"{name}.db"


class StatCache:
    """Remembers digests of files by their stat. Any trouble with its file means: nothing is remembered.

    `path` None: there is no place to remember anything.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inherited: list[sqlite3.Connection | None] = []
        self._pid = 0

    def find(self, stats: Sequence[os.stat_result]) -> list[Digest | None]:
        """For each stat, the digest of the bytes it stands for, or None."""
        with self._alone():
            try:
                return self._find(stats)
            except (sqlite3.Error, OSError) as error:
                self._recover(error)
                return [None] * len(stats)

    def _find(self, stats: Sequence[os.stat_result]) -> list[Digest | None]:
        inodes: dict[int, list[int]] = {}
        for stat in stats:
            inodes.setdefault(_signed(stat.st_dev), []).append(_signed(stat.st_ino))
        rows: dict[tuple[int, int], tuple[int, ...]] = {}
        connection = self._open()
        for device, some in inodes.items():
            for at in range(0, len(some), _BATCH):
                rows |= _rows(connection, device, some[at : at + _BATCH])
        return [self._match(stat, rows.get((_signed(stat.st_dev), _signed(stat.st_ino)))) for stat in stats]

    @staticmethod
    def _match(stat: os.stat_result, row: tuple[int, ...] | None) -> Digest | None:
        if row is None or row[2:5] != (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns):
            return None
        return Digest(row[5]) if row[6] == _checksum(row[:6]) else None  # type: ignore[arg-type]

    def remember(
        self, files: Sequence[tuple[os.stat_result, Digest]], *, racy_nanoseconds: int = RACY_NANOSECONDS
    ) -> None:
        """Keep the digests of files whose times are older than the clock's grain."""
        settled = time.time_ns() - racy_nanoseconds
        rows = [
            _row(stat, digest)
            for stat, digest in files
            if max(stat.st_mtime_ns, stat.st_ctime_ns) < settled and stat.st_mtime_ns >= _EARLIEST
        ]
        if not rows:
            return
        with self._alone():
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?)", rows)
                connection.execute("COMMIT")
            except (sqlite3.Error, OSError) as error:
                self._recover(error)

    def _open(self) -> sqlite3.Connection:
        if self._path is None:
            raise OSError("nowhere to remember")
        if self._connection is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):  # opening what is there would drop this process's locks on it
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
                _remove_unused(self._path.parent)
            self._connection = sqlite3.connect(
                self._path, timeout=5, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA synchronous=OFF")
            self._connection.execute("PRAGMA journal_mode=MEMORY")
            self._connection.execute(_SCHEMA)
        return self._connection

    def _recover(self, error: Exception) -> None:
        """A locked or unwritable cache is as good as none; a damaged one is thrown away."""
        self._forget()
        if not isinstance(error, (sqlite3.OperationalError, OSError)):
            with suppress(OSError):  # in a folder that may only be read
                if self._path is not None:
                    self._path.unlink()

    def _forget(self) -> None:
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()
        self._connection = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            entered = forks.enter()
            try:
                yield
            finally:
                if entered:
                    forks.leave()

    def size_bytes(self) -> int:
        """The bytes its file takes."""
        return self._path.stat().st_size if self._path is not None and self._path.is_file() else 0

    def clear(self) -> None:
        """Forget everything: files are read once more when they are logged or compared again."""
        with self._alone():
            try:
                self._open().execute("DELETE FROM files")
                self._open().execute("VACUUM")
            except (sqlite3.Error, OSError) as error:
                self._recover(error)

    def forget(self) -> None:
        """In a forked child: the parent may have held the lock, and its connection must not be closed here."""
        self._lock = threading.Lock()
        self._inherited.append(self._connection)
        self._connection = None

    def close(self) -> None:
        """Close the cache's file."""
        with self._lock:
            self._forget()


def _remove_unused(folder: Path) -> None:
    """Caches of stores that are long gone."""
    for path in folder.glob("*.db"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _UNUSED_SECONDS:
                path.unlink()


def _rows(
    connection: sqlite3.Connection, device: int, inodes: list[int]
) -> dict[tuple[int, int], tuple[int, ...]]:
    """Rows by device and inode. One device at a time: `(device, inode) IN (VALUES …)` reads the whole table."""
    marks = ",".join("?" * len(inodes))
    found = connection.execute(
        "SELECT device, inode, size, mtime, ctime, digest, checksum FROM files"
        f" WHERE device = ? AND inode IN ({marks})",
        (device, *inodes),
    )
    return {(row[0], row[1]): row for row in found.fetchall()}


def _row(stat: os.stat_result, digest: Digest) -> tuple[int | bytes, ...]:
    facts = (
        _signed(stat.st_dev),
        _signed(stat.st_ino),
        stat.st_size,
        stat.st_mtime_ns,
        stat.st_ctime_ns,
        digest,
    )
    return (*facts, _checksum(facts))


def _checksum(facts: tuple[int | bytes, ...]) -> int:
    return _signed(xxh3_64_intdigest(_FACTS.pack(*facts)))


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
