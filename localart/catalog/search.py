"""Full-text search over names, descriptions, notes, metadata and configs."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from localart.catalog.seals import Sealed, damaged
from localart.catalog.transaction import Transaction
from localart.records import dataclass

_INDEXED = {
    "artifacts": "name, type, description",
    "versions": "description, metadata",
    "runs": "name, job_type, notes, config",
}

_MOST_WORDS = 64
_MOST_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One thing found. `kind` is artifact, version or run; `excerpt` shows where, with the words in [ ]."""

    kind: str
    project: str
    name: str
    detail: str
    excerpt: str


_ARTIFACT = Sealed(a="artifacts", p="projects")
_VERSION = Sealed(v="versions", a="artifacts", p="projects")
_RUN = Sealed(r="runs", p="projects")

_ARTIFACTS = (
    "SELECT 'artifact', p.name, a.name, a.type, snippet(artifacts_fts, -1, '[', ']', '…', 12),"
    f" {_ARTIFACT.columns}"
    " FROM artifacts_fts LEFT JOIN artifacts a ON a.id = artifacts_fts.rowid LEFT JOIN projects p ON p.id = a.project"
    " WHERE artifacts_fts MATCH ? ORDER BY rank LIMIT ?"
)
_VERSIONS = (
    "SELECT 'version', p.name, a.name || ':v' || v.number, a.type, snippet(versions_fts, -1, '[', ']', '…', 12),"
    f" {_VERSION.columns}"
    " FROM versions_fts LEFT JOIN versions v ON v.id = versions_fts.rowid LEFT JOIN artifacts a ON a.id = v.artifact"
    " LEFT JOIN projects p ON p.id = a.project WHERE versions_fts MATCH ?"
    " AND v.state IS NOT 'DELETED' ORDER BY rank LIMIT ?"
)
_RUNS = (
    "SELECT 'run', p.name, 'run:' || r.run_id, r.name, snippet(runs_fts, -1, '[', ']', '…', 12),"
    f" {_RUN.columns}"
    " FROM runs_fts LEFT JOIN runs r ON r.id = runs_fts.rowid LEFT JOIN projects p ON p.id = r.project"
    " WHERE runs_fts MATCH ? ORDER BY rank LIMIT ?"
)


def search(connection: sqlite3.Connection, words: str, *, limit: int) -> list[SearchHit]:
    """What matches all of `words` (each by its beginning), best first within artifacts, versions, runs."""
    query = match_query(words)
    if not query:
        return []
    return [
        SearchHit(kind=kind, project=project, name=name, detail=detail, excerpt=excerpt)
        for sql, sealed in ((_ARTIFACTS, _ARTIFACT), (_VERSIONS, _VERSION), (_RUNS, _RUN))
        for kind, project, name, detail, excerpt in _whole(
            sealed.rows(connection.execute(sql, (query, limit)).fetchall())
        )
    ]


def _whole(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """CatalogDamaged when words lead to a row that is gone."""
    if any(row[1] is None for row in rows):
        raise damaged("what was found")
    return rows


def match_query(words: str) -> str:
    """An FTS5 query in which nothing of `words` is an operator; empty when no word is left.

    Of very many words only the first count: the time FTS5 takes grows with their square.
    """
    plain = words[:_MOST_CHARACTERS].encode("utf-8", "replace").decode().replace("\0", "")
    tokens = (word.replace('"', '""') for word in plain.split()[:_MOST_WORDS])
    return " ".join(f'"{token}"*' for token in tokens if any(char.isalnum() for char in token))


def index_row(tx: Transaction, table: str, row_id: int) -> None:
    """Make a new row findable."""
    columns = _INDEXED[table]
    tx.execute(
        f"INSERT INTO {table}_fts(rowid, {columns}) SELECT id, {columns} FROM {table} WHERE id = ?", (row_id,)
    )


@contextmanager
def reindexed(tx: Transaction, table: str, row_id: int) -> Iterator[None]:
    """Change a row inside the body; its old words are forgotten and its new ones learnt."""
    unindex_row(tx, table, row_id)
    yield
    index_row(tx, table, row_id)


def unindex_row(tx: Transaction, table: str, row_id: int) -> None:
    """Forget the words of a row that is about to change or go."""
    columns = _INDEXED[table]
    tx.execute(
        f"INSERT INTO {table}_fts({table}_fts, rowid, {columns})"
        f" SELECT 'delete', id, {columns} FROM {table} WHERE id = ?",
        (row_id,),
    )
