"""Create the catalog, recognise it, and bring an older one up to date.

A catalog is made by running the frozen SQL of `migrations/` in order inside one transaction, so two processes
that open a new store at once make it once. The same files are registered with sqlite-utils' `Migrations`,
which upgrades existing catalogs and lists what was applied (`sqlite-utils migrate --list` works); a new
catalog does not pay for importing it (0.2 s).
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from localart.catalog.connection import Connection
from localart.errors import CatalogDamaged, NotAStore, StoreTooNew

APPLICATION_ID = 0x4C415254  # "LART", so that file(1) and older readers can tell
MIGRATION_SET = "localart"
_FOLDER = Path(__file__).with_name("migrations")


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


def check(connection: Connection, path: Path) -> int:
    """The format of the catalog at `path`, or the error that says why it cannot be used."""
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
        raise StoreTooNew(
            f"The catalog {path} has format {found}; this localart knows up to {format_number()}",
            hint="upgrade localart: pip install --upgrade localart",
        )
    return found


def _has_tables(connection: Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def upgrade(connection: Connection, *, now: str) -> None:
    """Apply the migrations that are missing, all or none. The caller holds the writer lock."""
    from sqlite_utils import Database, Migrations

    pending = Migrations(MIGRATION_SET)
    for name, script in migrations().items():
        pending(name=name)(_runner(script))
    database = Database(connection, execute_plugins=False, strict=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        pending.apply(database)
        connection.execute(f"PRAGMA user_version={format_number()}")
        connection.execute("INSERT OR REPLACE INTO store(key, value) VALUES ('upgraded_at', ?)", (now,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _runner(script: str):  # type: ignore[no-untyped-def]  # sqlite-utils calls it with its own Database
    def run(database) -> None:  # type: ignore[no-untyped-def]
        for statement in statements(script):
            database.conn.execute(statement)

    return run
