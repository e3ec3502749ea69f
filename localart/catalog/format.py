"""Create the catalog, recognise it, and bring an older one up to date.

A catalog is made by running the frozen SQL of `migrations/` in order inside one transaction, so two processes
that open a new store at once make it once. The same files are registered with sqlite-utils' `Migrations`,
which upgrades existing catalogs and lists what was applied (`sqlite-utils migrate --list` works); a new
catalog does not pay for importing it (0.2 s).

An upgrade begins with a copy of the catalog, `localart.db.before-N` (N: the format it has). It stays, for it is the
only way back to an older localart, and what is logged later is not in it; the next upgrade removes it, and so may
anybody who does not want to go back. Then all migrations run in one transaction, which SQLite looks over before it
commits. Killed at any point, the catalog has the old format or the new one.

A newer catalog is refused, unless the localart that wrote it noted (`min_reader` in its `store` table and in the
marker) that this one may read it.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from localart.catalog.connection import Connection
from localart.disk_errors import disk_errors
from localart.errors import CatalogDamaged, NotAStore, StoreFull, StoreTooNew
from localart.names import shown

APPLICATION_ID = 0x4C415254  # "LART", so that file(1) and older readers can tell
MIGRATION_SET = "localart"
MIN_READER = 1
"""The oldest format whose localart may read (never write) what this one writes."""

_FOLDER = Path(__file__).with_name("migrations")
_ROOM_FOR_UPGRADE = 2  # times the catalog's size, besides the copy
_PROBLEMS = 3


def migrations() -> dict[str, str]:
    """Name → SQL of every migration, oldest first; the number of them is the format."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("[0-9]*.sql"))}


def format_number() -> int:
    """The format this localart writes."""
    return len(list(_FOLDER.glob("[0-9]*.sql")))


def statements(script: str) -> Iterator[str]:
    """The single statements of a script (`executescript` would commit the open transaction first)."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    assert not pending.strip(), "a migration ends in the middle of a statement"


def create(connection: Connection, *, now: str, facts: dict[str, str]) -> None:
    """Make every table inside the caller's transaction; `facts` go into the `store` table."""
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={format_number()}")
    connection.execute(
        "CREATE TABLE _sqlite_migrations(id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        " STRICT"
    )
    connection.execute(
        "CREATE UNIQUE INDEX idx__sqlite_migrations_migration_set_name ON _sqlite_migrations(migration_set, name)"
    )
    for name, script in migrations().items():
        for statement in statements(script):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES (?,?,?)",
            (MIGRATION_SET, name, now),
        )
    connection.executemany("INSERT INTO store(key, value) VALUES (?,?)", facts.items())


def check(connection: Connection, path: Path, *, read_only: bool = False) -> int:
    """The format of the catalog at `path`, or the error that says why it cannot be used.

    A newer one can be used `read_only`, where it says so itself.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == 0 and found == 0 and not _has_tables(connection):
        raise CatalogDamaged(
            f"The catalog {path} is empty, but its store is not new",
            hint="run `localart rebuild`, which makes it again from the packs, or put back a copy",
        )
    if application != APPLICATION_ID:
        raise NotAStore(f"{path} is a database, but not a localart catalog", hint="check the store's path")
    if found > format_number():
        _refuse_newer(connection, path, found, read_only=read_only)
    return found


def _refuse_newer(connection: Connection, path: Path, found: int, *, read_only: bool) -> None:
    may_read = _min_reader(connection, found) <= format_number()
    if may_read and read_only:
        return
    may = " and may read it, but not write" if may_read else ""
    raise StoreTooNew(
        f"The catalog {shown(str(path), 300)} has format {found}; this localart knows up to {format_number()}{may}",
        hint="upgrade localart: pip install --upgrade localart",
    )


def _min_reader(connection: Connection, found: int) -> int:
    """What the catalog says; what says nothing can only be read by its own kind."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'store'").fetchone():
        return found
    row = connection.execute("SELECT value FROM store WHERE key = 'min_reader'").fetchone()
    return int(row[0]) if row and row[0].isascii() and row[0].isdigit() else found


def _has_tables(connection: Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def upgrade(connection: Connection, path: Path, *, now: str, announce: Callable[[], object]) -> None:
    """Apply the migrations that are missing, all or none. The caller holds the writer lock.

    `announce` tells older versions of localart, before anything is changed, that the store is not theirs to write.
    """
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if found:
        keep_before(connection, path, found)
    with disk_errors("marking the store as upgraded", path.parent):
        announce()
    _migrate(connection, now=now)
    for older in path.parent.glob(f"{path.name}.before-*"):
        if older != _before(path, found):
            with suppress(OSError):  # the next upgrade tries again
                older.unlink()


def _migrate(connection: Connection, *, now: str) -> None:
    from sqlite_utils import Database, Migrations

    pending = Migrations(MIGRATION_SET)
    for name, script in migrations().items():
        pending(name=name)(_runner(script))
    database = Database(connection, execute_plugins=False, strict=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        pending.apply(database)
        connection.execute(f"PRAGMA user_version={format_number()}")
        facts = {"upgraded_at": now, "min_reader": str(MIN_READER)}
        connection.executemany("INSERT OR REPLACE INTO store(key, value) VALUES (?,?)", facts.items())
        _refuse_unsound(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has rolled back by itself when the disk failed
            connection.execute("ROLLBACK")
        raise


def _refuse_unsound(connection: Connection) -> None:
    """Before the commit: nothing is lost when the migration was wrong, or the old catalog was damaged."""
    rows = connection.execute(f"PRAGMA integrity_check({_PROBLEMS})").fetchall()
    found = [text for (text,) in rows if text != "ok"]
    broken = connection.execute("PRAGMA foreign_key_check").fetchmany(_PROBLEMS)
    found += [f"a row of {row[0]} refers to nothing" for row in broken]
    if found:
        raise CatalogDamaged(
            f"The catalog cannot be upgraded: {'; '.join(found)}",
            hint="run `localart verify`; nothing was changed",
        )


def keep_before(connection: Connection, path: Path, found: int) -> Path:
    """Copy the catalog to `localart.db.before-N`; durable, and never half a copy under that name."""
    from localart.catalog.copies import copy_catalog

    size = path.stat().st_size
    free = os.statvfs(path.parent)
    if free.f_bavail * free.f_frsize < (1 + _ROOM_FOR_UPGRADE) * size:
        raise StoreFull(
            f"Upgrading the catalog needs {(1 + _ROOM_FOR_UPGRADE) * size:,} bytes of free space",
            hint="free some space and try again; nothing was changed",
        )
    target = _before(path, found)
    unfinished = target.with_name(f"{target.name}.unfinished")
    with disk_errors("keeping a copy of the catalog before it is upgraded", unfinished):
        unfinished.unlink(missing_ok=True)
        copy_catalog(connection, unfinished)
        unfinished.replace(target)
        _sync_folder(path.parent)
    return target


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _before(path: Path, found: int) -> Path:
    return path.with_name(f"{path.name}.before-{found}")


def _runner(script: str):  # type: ignore[no-untyped-def]  # sqlite-utils calls it with its own Database
    def run(database) -> None:  # type: ignore[no-untyped-def]
        for statement in statements(script):
            database.conn.execute(statement)

    return run
