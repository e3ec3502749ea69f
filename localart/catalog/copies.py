"""Copies of a catalog: made while others write, and told from each other by their journals."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from localart.catalog.connection import Connection, connect, translate
from localart.catalog.figures import quick_check
from localart.catalog.transaction import last_record
from localart.disk_errors import disk_errors
from localart.errors import CatalogDamaged
from localart.model import PackState


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinship:
    """How two copies of one store stand to each other: the last change they share, and how many each has."""

    common: int
    ours: int
    theirs: int

    @property
    def is_ahead(self) -> bool:
        """Whether theirs is an earlier state of ours, or the same one."""
        return self.common == self.theirs

    @property
    def is_behind(self) -> bool:
        """Whether ours is an earlier state of theirs."""
        return self.common == self.ours < self.theirs


def kinship(ours: sqlite3.Connection, theirs: sqlite3.Connection) -> Kinship:
    """Find the last change that both journals have. Each record's digest stands for all before it: 20 look-ups."""
    our_last, their_last = last_record(ours)[0], last_record(theirs)[0]
    low, high = 0, min(our_last, their_last)
    while low < high:
        middle = (low + high + 1) // 2
        if _digest_at(ours, middle) == _digest_at(theirs, middle):
            low = middle
        else:
            high = middle - 1
    return Kinship(common=low, ours=our_last, theirs=their_last)


def _digest_at(connection: sqlite3.Connection, seq: int) -> bytes | None:
    row = connection.execute("SELECT digest FROM journal WHERE seq = ?", (seq,)).fetchone()
    return row[0] if row else None


def copy_catalog(source: Connection, target: Path) -> None:
    """Copy the catalog as it is at one moment to `target`, a new file; durable and one file when this returns.

    Others go on writing meanwhile (with a journal file instead of a WAL they wait, for a second a gigabyte).
    """
    with disk_errors("copying the catalog", target):
        _copy(source, target)


def _copy(source: Connection, target: Path) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            source.backup(copy)
            copy.execute(
                "PRAGMA journal_mode=DELETE"
            ).fetchone()  # a copy of a WAL database says that it is one
    except sqlite3.Error as error:
        raise translate(error, target) from error
    fd = os.open(target, os.O_RDONLY | os.O_CLOEXEC)  # this process has no lock on it
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def open_copy(path: Path) -> Connection:
    """Open a copy to look at it; CatalogDamaged when SQLite finds something wrong with it."""
    connection = connect(path, read_only=False)
    try:
        _refuse_unsound(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_unsound(connection: Connection, path: Path) -> None:
    if problems := quick_check(connection, limit=1):
        raise CatalogDamaged(
            f"The copy {path} of the catalog is not sound: {problems[0]}", hint="run `localart verify`"
        )


def all_packs(connection: sqlite3.Connection) -> list[PackState]:
    """Every pack the catalog relies on, and where its committed bytes end."""
    rows = connection.execute('SELECT name, "end" FROM packs ORDER BY id').fetchall()
    return [PackState(pack=name, end=end) for name, end in rows]


def settle(path: Path) -> None:
    """Merge what lies beside a database that nobody has open into it, so that it is one file; StoreBusy otherwise."""
    connection = connect(path, read_only=False)
    try:
        connection.execute("PRAGMA busy_timeout=2000")
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    finally:
        connection.close()
