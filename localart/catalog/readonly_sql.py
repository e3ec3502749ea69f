"""Any one query, asked so that it cannot change anything, reach another file, or run for ever.

The file is opened read-only, statements that write or attach are refused while they are compiled, and a query is
stopped after its time. Long texts and blobs are bounded by SQLite's own limits.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from localart.catalog.connection import translate
from localart.errors import LocalartError, UsageError
from localart.records import dataclass

SqlValue = int | float | str | bytes | None

_LONGEST_VALUE_BYTES = 256 << 20
_TICKS = 10_000  # virtual machine steps between looks at the clock: some 0.1 ms
_HARMLESS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_ASKING_PRAGMAS = frozenset({
    "application_id", "collation_list", "compile_options", "data_version", "encoding", "foreign_key_check",
    "foreign_key_list", "freelist_count", "function_list", "index_info", "index_list", "index_xinfo", "integrity_check",
    "journal_mode", "module_list", "page_count", "page_size", "pragma_list", "quick_check", "schema_version",
    "table_info", "table_list", "table_xinfo", "user_version",
})  # fmt: skip
_WITH_ARGUMENT = frozenset({
    "foreign_key_list", "foreign_key_check", "index_info", "index_list", "index_xinfo", "integrity_check",
    "quick_check", "table_info", "table_xinfo",
})  # fmt: skip
_FETCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """Column names (they may repeat) and the rows, which stream while the query runs."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[SqlValue, ...]]


@contextmanager
def readonly_query(catalog: Path, sql: str, *, seconds: float) -> Iterator[QueryResult]:
    """Ask `sql` of the catalog; the rows can be read inside the body.

    UsageError for what is no single query or wants to change something; LocalartError after `seconds`.
    """
    with _opened(catalog) as connection:
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _TICKS)
        connection.set_authorizer(_authorize)
        try:
            cursor = connection.execute(sql)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise _refusal(error, seconds) from error
        columns = tuple(column[0] for column in cursor.description or ())
        yield QueryResult(columns=columns, rows=_rows(cursor, seconds))


@contextmanager
def _opened(catalog: Path) -> Iterator[sqlite3.Connection]:
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(catalog))}?mode=ro", uri=True, isolation_level=None, timeout=60
        )
    except sqlite3.Error as error:
        raise translate(error) from error
    try:
        for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
            connection.execute(f"PRAGMA {pragma}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.text_factory = _decoded
        yield connection
    finally:
        connection.close()


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _authorize(
    action: int, first: str | None, second: str | None, database: str | None, source: str | None
) -> int:
    del database, source
    if action in _HARMLESS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if second == "load_extension" else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA:
        asks = first in _ASKING_PRAGMAS and (second is None or first in _WITH_ARGUMENT)
        return sqlite3.SQLITE_OK if asks else sqlite3.SQLITE_DENY
    # Virtual tables (full-text search, pragma functions) declare themselves this way; the file cannot be written.
    if action == sqlite3.SQLITE_UPDATE and first == "sqlite_master":
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _rows(cursor: sqlite3.Cursor, seconds: float) -> Iterator[tuple[SqlValue, ...]]:
    try:
        while rows := cursor.fetchmany(_FETCH):
            yield from rows
    except sqlite3.Error as error:
        raise _refusal(error, seconds) from error


def _refusal(error: Exception, seconds: float) -> LocalartError:
    code = getattr(error, "sqlite_errorcode", 0) or 0
    match code & 0xFF:
        case sqlite3.SQLITE_INTERRUPT:
            return LocalartError(
                f"The query was stopped after {seconds:g} s", hint="ask for less, or allow it more time"
            )
        # A refused CREATE comes as SCHEMA ("not authorized", 17): seen with SQLite 3.40.
        case sqlite3.SQLITE_AUTH | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_SCHEMA:
            return UsageError("Only queries that read are allowed here", hint="use SELECT")
        case sqlite3.SQLITE_TOOBIG:
            return UsageError("The query makes a value that is too large", hint="ask for less")
        case sqlite3.SQLITE_ERROR | 0:
            return UsageError(
                f"This query cannot be run: {error}",
                hint="tables and views: SELECT name, type FROM sqlite_master",
            )
        case _:
            return translate(error) if isinstance(error, sqlite3.Error) else UsageError(str(error))
