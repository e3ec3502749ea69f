"""What a catalog holds in figures, and whether SQLite finds it sound. For `localart doctor`; changes nothing."""

import sqlite3
from collections.abc import Iterator

from localart.records import dataclass

_FETCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """Counts and bytes. Logged ≥ unique ≥ stored: dedup makes the first step, compression the second.

    `logged_bytes`: every committed version written out whole, without references' bytes elsewhere being read;
    `unique_bytes`: each piece once, raw; `stored_bytes`: the same as it lies in the packs.
    """

    project_count: int
    run_count: int
    artifact_count: int
    version_count: int
    blob_count: int
    logged_bytes: int
    unique_bytes: int
    stored_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSettings:
    """How the database file is set up."""

    format: int
    journal_mode: str
    page_bytes: int
    free_pages: int


_COUNTS = """
SELECT (SELECT count(*) FROM projects), (SELECT count(*) FROM runs), (SELECT count(*) FROM artifacts),
  count(*), coalesce(sum(m.size), 0)
FROM versions v JOIN manifests m ON m.id = v.manifest WHERE v.state = 'COMMITTED'
"""


def store_figures(connection: sqlite3.Connection) -> StoreFigures:
    """Count everything; a scan of the versions, blobs and frames."""
    projects, runs, artifacts, versions, logged = connection.execute(_COUNTS).fetchone()
    blobs, unique = connection.execute(
        "SELECT count(*), coalesce(sum(size) FILTER (WHERE frame IS NOT NULL), 0) FROM blobs"
    ).fetchone()
    stored = connection.execute("SELECT coalesce(sum(stored_bytes), 0) FROM frames").fetchone()[0]
    return StoreFigures(
        project_count=projects,
        run_count=runs,
        artifact_count=artifacts,
        version_count=versions,
        blob_count=blobs,
        logged_bytes=logged,
        unique_bytes=unique,
        stored_bytes=stored,
    )


def catalog_settings(connection: sqlite3.Connection) -> CatalogSettings:
    """What the database file says of itself."""
    return CatalogSettings(
        format=_pragma(connection, "user_version"),
        journal_mode=_pragma(connection, "journal_mode"),
        page_bytes=_pragma(connection, "page_size"),
        free_pages=_pragma(connection, "freelist_count"),
    )


def _pragma(connection: sqlite3.Connection, name: str):  # type: ignore[no-untyped-def]  # int or text, as asked
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def quick_check(connection: sqlite3.Connection, *, limit: int = 20) -> tuple[str, ...]:
    """What SQLite finds wrong with its pages and rows, at most `limit` findings; empty when all is well."""
    found = [text for (text,) in connection.execute(f"PRAGMA quick_check({limit})").fetchall()]
    return () if found == ["ok"] else tuple(found)


def iter_pack_ends(connection: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """Every pack the catalog relies on, and how many of its bytes are committed. Streams."""
    cursor = connection.execute('SELECT name, "end" FROM packs ORDER BY id')
    while rows := cursor.fetchmany(_FETCH):
        yield from rows
