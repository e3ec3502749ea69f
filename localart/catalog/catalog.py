"""The open catalog: connections for this process's threads, and the one way to write."""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from localart.catalog import forks
from localart.catalog import format as catalog_format
from localart.catalog.connection import BUSY_SECONDS, Connection, abandon, connect, translate
from localart.catalog.lock import FairLock, FileLock
from localart.catalog.transaction import Transaction
from localart.disk_errors import disk_errors
from localart.errors import CatalogDamaged, StoreError, StoreNotFound, StoreReadOnly, StoreTooNew
from localart.names import shown

_WAL_HEADER_BYTES = 32


class _Handle:
    """What one thread has open. Its files are closed when the thread and all that reads through it are gone."""

    def __init__(self, connection: Connection, lock: FileLock, path: Path) -> None:
        self.connection = connection
        self.lock = lock
        self._path = path
        self._place = _place_of(path)

    def refuse_gone(self) -> None:
        """StoreNotFound when the catalog's file was removed, moved or replaced: what is written would be lost."""
        if _place_of(self._path) != self._place:
            raise StoreNotFound(
                f"The store at {shown(str(self._path.parent), 300)} was removed, moved or replaced while it was used",
                hint="call localart.init() again",
            )

    def __del__(self) -> None:
        self.lock.close()


def _place_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Catalog:
    """One open catalog. Thread-safe: each thread of each process has its own connection and lock handle.

    A forked child never touches its parent's connections: it opens its own.
    """

    def __init__(
        self,
        path: Path,
        lock_path: Path,
        *,
        read_only: bool,
        network: bool,
        site: str,
        clock: Callable[[], str],
        new_uid: Callable[[], str],
        before_upgrade: Callable[[], object] = lambda: None,
    ) -> None:
        self.path = path
        self._lock_path = lock_path
        self._read_only = read_only
        self._network = network
        self._site = site
        self._clock = clock
        self._new_uid = new_uid
        self._begin()
        _refuse_foreign_wal(path)
        try:
            self._format = catalog_format.check(self.read(), path, read_only=read_only)
            if self._format < catalog_format.format_number():
                self._upgrade(before_upgrade)
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._local = threading.local()
        self._opened: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._flushed_wal = -1  # while a connection is open the WAL stays, and so does its inode
        self.before_reading: dict[object, Callable[[], None]] = {}

    # --- reading -------------------------------------------------------------------------------------

    def read(self) -> Connection:
        """This thread's connection, for reading; what runs of this process logged is there first."""
        connection = self._mine().connection
        if self.before_reading and not connection.in_transaction:
            for settle in tuple(self.before_reading.values()):
                settle()
        return connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees one state of the catalog for the whole body."""
        connection = self.read()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if connection.in_transaction:  # SQLite may have ended it by itself when the disk failed
                connection.execute("ROLLBACK")

    def _mine(self) -> _Handle:
        if self._pid != os.getpid():
            self._begin()
        mine: _Handle | None = getattr(self._local, "mine", None)
        if mine is None:
            connection = connect(self.path, read_only=self._read_only)
            mine = _Handle(connection, FairLock(self._lock_path), self.path)
            self._local.mine = mine
            self._opened.add(mine)
        return mine

    def refuse_gone(self) -> None:
        """StoreNotFound when the catalog's file was removed, moved or replaced since this thread opened it."""
        self._mine().refuse_gone()

    # --- writing -------------------------------------------------------------------------------------

    def refuse_read_only(self) -> None:
        """StoreReadOnly when the catalog was opened only to be read: its format is newer, or its place refuses."""
        if not self._read_only:
            return
        at = shown(str(self.path.parent), 300)
        if self._format > catalog_format.format_number():
            raise StoreReadOnly(
                f"The store at {at} has a newer format, of which this localart can only read",
                hint="upgrade localart: pip install --upgrade localart",
            )
        raise StoreReadOnly(
            f"The store at {at} cannot be written",
            hint="check its permissions, or copy it to a writable place",
        )

    @contextmanager
    def write(
        self, *, before_commit: Callable[[Transaction], None] | None = None, durable: bool = True
    ) -> Iterator[Transaction]:
        """One transaction under the writer lock: all of the body's changes, or none.

        `durable=False` survives the death of the process at once and a power cut after the next durable
        commit or `flush` (metrics use it: 20 µs a row).
        """
        self.refuse_read_only()
        mine = self._mine()
        mine.refuse_gone()
        assert not mine.connection.in_transaction, "a write inside a transaction"
        try:
            with mine.lock.held(timeout_seconds=BUSY_SECONDS), _not_forked():
                yield from self._transaction(mine.connection, before_commit, durable=durable)
        except StoreReadOnly:
            self._local.mine = None
            abandon(mine.connection)
            raise

    def _transaction(
        self, connection: Connection, before_commit: Callable[[Transaction], None] | None, *, durable: bool
    ) -> Iterator[Transaction]:
        journal = self._choose_journal(connection)
        relaxed = not durable and journal == "wal"  # elsewhere NORMAL can tear the file
        connection.execute(f"PRAGMA synchronous={'NORMAL' if relaxed else 'FULL'}")
        connection.execute("BEGIN IMMEDIATE")
        tx = Transaction(connection, site=self._site, now=self._clock(), new_uid=self._new_uid)
        try:
            self._refuse_upgraded(connection)
            yield tx
            if before_commit is not None:
                before_commit(tx)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _refuse_upgraded(self, connection: Connection) -> None:
        """A process that was there before an upgrade must not write what it knows of the old format."""
        if connection.execute("PRAGMA user_version").fetchone()[0] != self._format:
            raise StoreTooNew(
                "The store was upgraded by a newer localart while this process used it",
                hint="end this process and upgrade localart there too",
            )

    def flush(self) -> None:
        """Make commits that were not durable so: they are in the WAL, or merged into the file and synced already.

        Takes no lock. A checkpoint would not do: it syncs nothing while a reader holds an old state.
        """
        with disk_errors("making the catalog's last changes durable", Path(f"{self.path}-wal")):
            self._flush_wal()

    def _flush_wal(self) -> None:
        try:
            fd = os.open(f"{self.path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.fsync(fd)
            inode = os.fstat(fd).st_ino
        finally:
            os.close(fd)
        if inode != self._flushed_wal:
            _sync_folder(self.path.parent)
            self._flushed_wal = inode

    def _choose_journal(self, connection: Connection) -> str:
        """WAL where locks can be trusted, TRUNCATE on a network file system; both lose nothing at FULL.

        Only WAL is remembered in the file; a connection that cannot have it now must ask for TRUNCATE itself,
        for the default, DELETE, lost acknowledged commits.
        """
        journal: str = getattr(self._local, "journal", "")
        if journal != "wal":
            journal = "truncate" if self._network else _try_wal(connection)
            self._local.journal = journal
        if journal != "wal":
            connection.execute("PRAGMA journal_mode=TRUNCATE").fetchone()
        return journal

    def _upgrade(self, announce: Callable[[], object]) -> None:
        if self._read_only:
            raise StoreReadOnly(
                f"The store at {self.path.parent} has an older format and cannot be upgraded in place",
                hint="copy it to a writable place first",
            )
        mine = self._mine()
        with mine.lock.held(timeout_seconds=BUSY_SECONDS):
            if catalog_format.check(mine.connection, self.path) < catalog_format.format_number():
                catalog_format.upgrade(mine.connection, self.path, now=self._clock(), announce=announce)
            self._format = catalog_format.check(mine.connection, self.path)

    # --- closing -------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close this process's connections; the last one to do so leaves a single file at rest."""
        if self._pid != os.getpid():
            self._begin()
        handles = [*self._opened]
        self._begin()
        while handles:
            handle = handles.pop()
            if not handles:
                self._settle(handle.connection, handle.lock)
            handle.connection.close()
            handle.lock.close()

    def forget(self) -> None:
        """In a forked child: what is open belongs to the parent."""
        self._begin()

    def _settle(self, connection: Connection, lock: FileLock) -> None:
        """Merge the WAL into the file and leave WAL mode, if nobody else has the catalog open."""
        try:
            if self._read_only or not lock.try_acquire():
                return
        except StoreError:  # the store is gone, or may not be written any more
            return
        try:
            connection.execute("PRAGMA busy_timeout=0")
            if sqlite3.Connection.execute(connection, "PRAGMA journal_mode").fetchone()[0] == "wal":
                sqlite3.Connection.execute(connection, "PRAGMA synchronous=FULL")
                _leave_wal(connection, self.path)
        except sqlite3.OperationalError:
            return  # somebody else is using it: they will be the last one
        finally:
            lock.release()


@contextmanager
def _not_forked() -> Iterator[None]:
    """No fork in the middle of a transaction: the child would hold half of it."""
    entered = forks.enter()
    try:
        yield
    finally:
        if entered:
            forks.leave()


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _leave_wal(connection: Connection, path: Path) -> None:
    """Merge the WAL, remove it, and spoil what is left of it on the disk.

    On ext4 with data=writeback a new file may show the old content of its blocks after a power cut. The next
    WAL is likely to get the blocks of this one, and an old WAL with a sound header would be replayed over newer
    pages: that lost acknowledged versions. So its header is zeroed after the last reader has gone.
    """
    try:
        wal = os.open(f"{path}-wal", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        wal = None
    except OSError:  # its header could not be zeroed: the database stays as it is, WAL and all
        return
    try:
        mode = sqlite3.Connection.execute(connection, "PRAGMA journal_mode=DELETE").fetchone()[0]
        if wal is not None and mode == "delete":
            with suppress(
                OSError
            ):  # all is merged and synced; on a disk that fails now nothing more can be done
                os.pwrite(wal, bytes(_WAL_HEADER_BYTES), 0)
                os.fdatasync(wal)
    finally:
        if wal is not None:
            os.close(wal)


def _try_wal(connection: Connection) -> str:
    connection.execute("PRAGMA busy_timeout=2000")
    try:
        mode: str = sqlite3.Connection.execute(connection, "PRAGMA journal_mode=WAL").fetchone()[0]
    except sqlite3.OperationalError:
        return "busy"  # readers hold the file right now; the next transaction tries again
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    return mode


def create_catalog(path: Path, *, now: str, facts: dict[str, str]) -> None:
    """Make a new catalog at `path`, which must not hold one; all of it or nothing (one transaction)."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, factory=Connection)
    except sqlite3.Error as error:
        raise translate(error, path) from error
    connection.place = path
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=TRUNCATE")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            catalog_format.create(connection, now=now, facts=facts)
        connection.execute("COMMIT")
    finally:
        connection.close()


def has_records(path: Path) -> bool:
    """Whether the database at `path` is more than a catalog nobody has written to. What is half-written is undone."""
    connection = connect(path, read_only=False)
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return False
        sql = "SELECT EXISTS(SELECT 1 FROM journal) OR EXISTS(SELECT 1 FROM runs)"
        return bool(connection.execute(sql).fetchone()[0])
    finally:
        connection.close()


def _refuse_foreign_wal(path: Path) -> None:
    """CatalogDamaged when a WAL lies beside a catalog at rest: SQLite would lay its old pages over newer ones.

    Whoever begins a WAL says so in the file's header first, and who ends it removes it before the header says so; where
    that failed, all that it holds is in the file.
    """
    if _has_foreign_wal(path) and _has_foreign_wal(
        path
    ):  # twice: it may have been ended between the two looks
        raise CatalogDamaged(
            f"Beside the catalog lies a write-ahead log that is not its own: {shown(path.name)}-wal",
            hint="did somebody copy files into the store? move it away, then run `localart verify`",
        )


def _has_foreign_wal(path: Path) -> bool:
    try:
        if os.stat(f"{path}-wal").st_size <= _WAL_HEADER_BYTES:  # noqa: PTH116 - with each opening
            return False
        with path.open("rb") as database:
            if database.read(20)[18:] != b"\1\1":
                return False
            with open(f"{path}-wal", "rb") as wal:
                return any(_differs(database, *page) for page in _pages_in(wal))
    except OSError:
        return False  # there is none, or opening the catalog says what is wrong


def _pages_in(wal: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Offset and content of each page that replaying the WAL would write, but the first: that tells of WAL itself.

    The layout is SQLite's: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
    """
    head = wal.read(_WAL_HEADER_BYTES)
    size = int.from_bytes(head[8:12], "big")
    pages: dict[int, bytes] = {}
    waiting: dict[int, bytes] = {}
    while len(frame := wal.read(24 + size)) == 24 + size and frame[8:16] == head[16:24]:
        waiting[int.from_bytes(frame[:4], "big")] = frame[24:]
        if any(frame[4:8]):  # the last one of a commit
            pages |= waiting
            waiting.clear()
    yield from (((number - 1) * size, page) for number, page in pages.items() if number != 1)


def _differs(database: BinaryIO, offset: int, page: bytes) -> bool:
    database.seek(offset)
    return database.read(len(page)) != page


def read_store_facts(catalog: Catalog) -> dict[str, str]:
    """The facts written at creation: `store` (uuid), `created_at`, `created_by`."""
    rows = catalog.read().execute("SELECT key, value FROM store").fetchall()
    facts: dict[str, str] = dict(rows)
    if "store" not in facts:
        raise CatalogDamaged(
            f"The catalog {catalog.path} does not say whose it is",
            hint="run `localart verify`, then `localart repair`",
        )
    return facts
