"""What was read before: (device, inode, size, times) → digest. Disposable, in a file of its own.

A file whose five numbers are unchanged has unchanged bytes, except when it was written within the clock's
grain of being looked at (git's "racy" problem): such files are not remembered. Every row carries a checksum,
for a flipped digest here would log the wrong bytes as if they were right.

Files that were made together have neighbouring inodes, so one row holds 64 of them: a row a file took three times
as long to write and to find. Its `facts`: 8 bytes whose bits say which inodes from `first` on are known, then for
each of these size, content time, inode time (ns) and digest, in 56 bytes.

Of large files it also remembers where they were read, for the next version is compared with the bytes that stand there.
Of whole folders it remembers what was logged: see `known_trees`.
"""

import os
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

from xxhash import xxh3_64_intdigest

from localart.catalog import forks, known_trees
from localart.catalog.signed import signed
from localart.model import Digest

RACY_NANOSECONDS = 2_000_000_000

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS neighbours(
  device INTEGER NOT NULL, first INTEGER NOT NULL, facts BLOB NOT NULL, checksum INTEGER NOT NULL,
  PRIMARY KEY(device, first)
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS paths(
  id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, path BLOB NOT NULL
) STRICT
""",
    known_trees.SCHEMA,
)

_UNUSED_SECONDS = 90 * 86_400  # a store that was not logged to for so long is read anew

_BATCH = 300
_NEIGHBOURS = 64
_MOST_PATHS = 1_000
_FRESH_FILES = 8192  # written at once, so that a row is not rewritten for each of its files
_KNOWN = struct.Struct("<Q")
_FACTS = struct.Struct("<3q32s")
_PLACE = struct.Struct("<2q")
_EARLIEST = -(1 << 63)  # tmpfs takes times from before 1677, a database does not

Place: TypeAlias = tuple[int, int]
"""Of a row: device and first inode."""

Answer = TypeVar("Answer")
Remember: TypeAlias = Callable[[Sequence[tuple[os.stat_result, Digest]], int], None]


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
        places = [_place(stat) for stat in stats]
        rows = self._tried(lambda connection: _read_rows(connection, set(places))) or {}
        return [_match(rows.get(place, b""), stat) for place, stat in zip(places, stats, strict=True)]

    def remember(
        self, files: Sequence[tuple[os.stat_result, Digest]], *, racy_nanoseconds: int = RACY_NANOSECONDS
    ) -> None:
        """Keep the digests of files whose times are older than the clock's grain."""
        with self.remembering(racy_nanoseconds=racy_nanoseconds) as remember:
            remember(files, time.time_ns())

    @contextmanager
    def remembering(self, *, racy_nanoseconds: int = RACY_NANOSECONDS) -> Iterator[Remember]:
        """As `remember`, to be called again and again as files are read; what they say is written now and then.

        Each call says when reading these files began (ns): one that was written just before may have been written once
        more behind the reader's back, however long the reading took.
        """
        fresh: dict[Place, dict[int, bytes]] = {}
        count = 0

        def remember(files: Sequence[tuple[os.stat_result, Digest]], begun: int) -> None:
            nonlocal count
            settled = begun - racy_nanoseconds
            for stat, digest in files:
                if max(stat.st_mtime_ns, stat.st_ctime_ns) < settled and stat.st_mtime_ns >= _EARLIEST:
                    facts = _FACTS.pack(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, digest)
                    fresh.setdefault(_place(stat), {})[stat.st_ino % _NEIGHBOURS] = facts
                    count += 1
            if count >= _FRESH_FILES:
                self._keep(fresh)
                fresh.clear()
                count = 0

        try:
            yield remember
        finally:
            self._keep(fresh)

    def _keep(self, fresh: dict[Place, dict[int, bytes]]) -> None:
        if fresh:
            self._tried(lambda connection: _write_rows(connection, fresh))

    def note_path(self, digest: Digest, path: str) -> None:
        """The file at `path` holds the bytes of this digest; the last place is kept, of the last 1,000 files."""
        self._tried(lambda connection: _note_path(connection, digest, os.fsencode(path)))

    def find_path(self, digest: Digest) -> str | None:
        """Where these bytes were last read. A guess: what stands there now is for the caller to check."""
        sql = "SELECT path FROM paths WHERE digest = ?"
        row = self._tried(lambda connection: connection.execute(sql, (digest,)).fetchone())
        return None if row is None else os.fsdecode(row[0])

    def find_tree(self, place: known_trees.TreePlace) -> known_trees.TreeRecord | None:
        """What is known of a whole folder that was logged before."""
        return self._tried(lambda connection: known_trees.find_tree(connection, place))

    def keep_tree(self, place: known_trees.TreePlace, record: known_trees.TreeRecord) -> None:
        """Keep what is known of a folder that was just logged."""
        self._tried(lambda connection: known_trees.keep_tree(connection, place, record))

    def _tried(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        """What comes of `work`, which has the cache's file for itself; None when that cannot be had."""
        with self._alone():
            try:
                return work(self._open())
            except (sqlite3.Error, OSError) as error:
                self._recover(error)
                return None

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
            for statement in _SCHEMA:
                self._connection.execute(statement)
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
        self._tried(_empty)

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


def _place(stat: os.stat_result) -> Place:
    return signed(stat.st_dev), signed(stat.st_ino - stat.st_ino % _NEIGHBOURS)


def _read_rows(connection: sqlite3.Connection, places: Iterable[Place]) -> dict[Place, bytes]:
    """The facts of the rows at `places` that are there and sound.

    One device at a time: `(device, first) IN (VALUES …)` reads the whole table.
    """
    by_device: dict[int, list[int]] = {}
    for device, first in places:
        by_device.setdefault(device, []).append(first)
    rows: dict[Place, bytes] = {}
    for device, some in by_device.items():
        for at in range(0, len(some), _BATCH):
            marks = ",".join("?" * len(some[at : at + _BATCH]))
            found = connection.execute(
                f"SELECT first, facts, checksum FROM neighbours WHERE device = ? AND first IN ({marks})",
                (device, *some[at : at + _BATCH]),
            )
            for first, facts, checksum in found.fetchall():
                if checksum == _checksum((device, first), facts):
                    rows[device, first] = facts
    return rows


def _write_rows(connection: sqlite3.Connection, fresh: dict[Place, dict[int, bytes]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    before = _read_rows(connection, fresh)
    connection.executemany(
        "INSERT OR REPLACE INTO neighbours VALUES (?,?,?,?)",
        (_row(place, {**_unpacked(before.get(place, b"")), **some}) for place, some in fresh.items()),
    )
    connection.execute("COMMIT")


def _note_path(connection: sqlite3.Connection, digest: Digest, path: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO paths(digest, path) VALUES (?,?)", (digest, path))
    connection.execute("DELETE FROM paths WHERE id <= (SELECT max(id) FROM paths) - ?", (_MOST_PATHS,))


def _empty(connection: sqlite3.Connection) -> None:
    for table in ("neighbours", "paths", "trees"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("VACUUM")


def _match(facts: bytes, stat: os.stat_result) -> Digest | None:
    """The digest of the file with this stat in the row it belongs to; b"": there is no row."""
    if not facts:
        return None
    bits, bit = _KNOWN.unpack_from(facts)[0], 1 << stat.st_ino % _NEIGHBOURS
    if not bits & bit:
        return None
    at = _KNOWN.size + (bits & bit - 1).bit_count() * _FACTS.size
    size, mtime, ctime, digest = _FACTS.unpack_from(facts, at)
    is_same = (size, mtime, ctime) == (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return Digest(digest) if is_same else None


def _unpacked(facts: bytes) -> dict[int, bytes]:
    """What a row knows of each of its inodes."""
    bits = _KNOWN.unpack_from(facts)[0] if facts else 0
    known = [slot for slot in range(_NEIGHBOURS) if bits >> slot & 1]
    starts = range(_KNOWN.size, len(facts), _FACTS.size)
    return {slot: facts[at : at + _FACTS.size] for slot, at in zip(known, starts, strict=True)}


def _row(place: Place, known: dict[int, bytes]) -> tuple[int, int, bytes, int]:
    bits = sum(1 << slot for slot in known)
    facts = _KNOWN.pack(bits) + b"".join(known[slot] for slot in sorted(known))
    return (*place, facts, _checksum(place, facts))


def _checksum(place: Place, facts: bytes) -> int:
    return signed(xxh3_64_intdigest(_PLACE.pack(*place) + facts))
