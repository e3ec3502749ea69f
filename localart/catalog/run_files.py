"""Rows of the files that runs keep, and what only a single run's page asks for."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from localart.catalog.counts import count_all
from localart.catalog.edges import edges_at_runs
from localart.catalog.seals import Sealed
from localart.catalog.transaction import Transaction
from localart.catalog.versions import get_versions
from localart.jsonable import load_values
from localart.model import BlobRef, Digest, JsonObject, VersionState
from localart.records import dataclass

_FILES = Sealed(f="run_files")
_RUN = Sealed(r="runs")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFileRecord:
    """One file a run keeps."""

    path: str
    blob: BlobRef
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileQuery:
    """Files of a run: all, those called `names`, or those like `pattern` (SQL's LIKE)."""

    run: int
    names: tuple[str, ...] = ()
    pattern: str | None = None


def count_files(connection: sqlite3.Connection, query: FileQuery) -> int:
    """How many there are."""
    count_all(connection, "file", [query.run])
    where, values = _where(query)
    count: int = connection.execute(f"SELECT count(*) FROM run_files WHERE {where}", values).fetchone()[0]
    return count


def file_paths(connection: sqlite3.Connection, query: FileQuery, *, offset: int, limit: int) -> list[str]:
    """At most `limit` paths from the `offset`th on, sorted; a negative limit is all that are left."""
    count_all(connection, "file", [query.run])
    where, values = _where(query)
    rows = connection.execute(
        f"SELECT path FROM run_files WHERE {where} ORDER BY path LIMIT ? OFFSET ?", (*values, limit, offset)
    )
    return [path for (path,) in rows.fetchall()]


def _where(query: FileQuery) -> tuple[str, list[Any]]:
    if query.names:
        return "run = ? AND path IN (SELECT value FROM json_each(?))", [query.run, json.dumps(query.names)]
    if query.pattern is not None:
        return "run = ? AND path LIKE ?", [query.run, query.pattern]
    return "run = ?", [query.run]


def find_files(connection: sqlite3.Connection, run_key: int, paths: Iterable[str]) -> list[RunFileRecord]:
    """The files at `paths`; those that are not there (any more) are left out."""
    rows = connection.execute(
        f"SELECT f.path, b.digest, b.size, f.updated_at, {_FILES.columns} FROM run_files f"
        " LEFT JOIN blobs b ON b.id = f.blob"
        " WHERE f.run = ? AND f.path IN (SELECT value FROM json_each(?)) ORDER BY f.path",
        (run_key, json.dumps(list(paths))),
    )
    return [
        RunFileRecord(path=path, blob=BlobRef(Digest(digest), size), updated_at=updated_at)
        for path, digest, size, updated_at in _FILES.rows(rows.fetchall())
    ]


def delete_file(tx: Transaction, run_key: int, path: str) -> bool:
    """Let a run's file go; False when there was none. Its bytes are freed by prune."""
    return bool(tx.execute("DELETE FROM run_files WHERE run = ? AND path = ?", (run_key, path)).rowcount)


# --- the run itself ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What was noted of a run's surroundings, and when the catalog last heard of it."""

    facts: JsonObject
    updated_at: str


def find_facts(connection: sqlite3.Connection, run_key: int) -> RunFacts | None:
    """The facts of a run; None once it was deleted."""
    row = _RUN.row(
        connection.execute(
            f"SELECT r.facts, r.updated_at, {_RUN.columns} FROM runs r WHERE r.id = ?", (run_key,)
        ).fetchone()
    )
    return None if row is None else RunFacts(facts=load_values(row[0]), updated_at=row[1])


def made_versions(connection: sqlite3.Connection, run_key: int) -> Sequence[int]:
    """Row ids of the committed versions the run made."""
    made = [one.version_id for one in edges_at_runs(connection, [run_key], "output") if one.is_made]
    return [one.id for one in get_versions(connection, made) if one.state is VersionState.COMMITTED]


def delete_run(tx: Transaction, run_key: int) -> None:
    """Delete a run with its metrics, files, tags and edges. Versions stay."""
    from localart.catalog.search import unindex_row

    unindex_row(tx, "runs", run_key)
    for table in ("edges", "upserts"):
        tx.execute(f"DELETE FROM {table} WHERE run = ?", (run_key,))
    tx.execute("DELETE FROM runs WHERE id = ?", (run_key,))
