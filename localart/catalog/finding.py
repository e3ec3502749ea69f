"""Find by a few letters, while somebody types: the first hits of each kind, and how many there are.

What people name (artifacts, aliases, runs, files) is found by any part of the name; descriptions, notes, metadata and
configs by the beginnings of words, through FTS5, newest first: ranking 100,000 hits would take ten times as long.
Nothing in what is typed is an operator. Counting stops at 10,000.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from localart.catalog.aliases import aliases_of
from localart.catalog.seals import Sealed, damaged
from localart.catalog.search import match_query
from localart.records import dataclass

MOST_COUNTED = 10_000
_MOST_WORDS = 8
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Something found: what users type for it, and a word more. `title`: what it is called, where that differs."""

    address: str
    title: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The first hits, and how many there are in all (at most 10,000 are counted)."""

    hits: tuple[Hit, ...]
    count: int


NOTHING = Found(hits=(), count=0)

_ARTIFACT = Sealed(a="artifacts", p="projects")
_VERSION = Sealed(v="versions", a="artifacts", p="projects")
_RUN = Sealed(r="runs", p="projects")


def find_artifacts(
    connection: sqlite3.Connection, words: Sequence[str], *, kind: str = "", limit: int
) -> Found:
    """Artifacts whose names hold all words (of a type that holds `kind`), or whose descriptions do; names first."""
    named, bound = _like(("a.name",), words)
    typed, of_type = _like(("a.type",), [kind] if kind else [])
    described, query = _matches("artifacts", "a.id", words)
    source = (
        "FROM artifacts a JOIN projects p ON p.id = a.project"
        f" WHERE ({named}{described and f' OR {described}'}) AND {typed} AND EXISTS"
        " (SELECT 1 FROM versions WHERE artifact = a.id UNION ALL SELECT 1 FROM links WHERE artifact = a.id)"
    )
    return _found(
        connection,
        f"SELECT p.name || '/' || a.name, '', a.type, {_ARTIFACT.columns} {source}"
        f" ORDER BY {named} DESC, length(a.name), a.name",
        source,
        _ARTIFACT,
        head=[*bound, *query, *of_type, *bound],
        values=[*bound, *query, *of_type],
        limit=limit,
    )


def find_aliases(connection: sqlite3.Connection, words: Sequence[str], *, limit: int) -> Found:
    """Versions by an alias or tag that holds all words."""
    if not words:
        return NOTHING
    named, bound = _like(("l.name",), words)
    rows = (
        "(SELECT version, artifact, name, '' AS kind FROM aliases UNION ALL"
        " SELECT t.version, v.artifact, t.name, 'tag ' FROM version_tags t JOIN versions v ON v.id = t.version)"
    )
    chosen = f"SELECT * FROM {rows} l WHERE {named} ORDER BY length(name), version DESC LIMIT {4 * limit:d}"
    sql = (
        f"SELECT p.name || '/' || a.name || ':v' || v.number, '', l.kind || l.name, {_VERSION.columns}"
        f" FROM ({chosen}) l JOIN versions v ON v.id = l.version JOIN artifacts a ON a.id = v.artifact"
        " JOIN projects p ON p.id = a.project WHERE v.state = 'COMMITTED' ORDER BY length(l.name), v.id DESC"
    )
    found = _found(
        connection, sql, f"FROM {rows} l WHERE {named}", _VERSION, head=bound, values=bound, limit=limit
    )
    pointing = connection.execute(
        f"SELECT version, artifact, name FROM ({chosen}) l WHERE kind = ''", bound
    ).fetchall()
    names = aliases_of(connection, [version for version, _, _ in pointing])
    if any((artifact, name) not in names.get(version, ()) for version, artifact, name in pointing):
        raise damaged("an alias")
    return found


def find_versions(connection: sqlite3.Connection, words: Sequence[str], *, limit: int) -> Found:
    """Versions whose description or metadata hold all words, newest first."""
    query = match_query(" ".join(words))
    if not query:
        return NOTHING
    source = (
        "FROM versions_fts f JOIN versions v ON v.id = f.rowid AND v.state = 'COMMITTED'"
        " JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project WHERE versions_fts MATCH ?"
    )
    sql = (
        "SELECT p.name || '/' || a.name || ':v' || v.number, '', snippet(versions_fts, -1, '', '', '…', 10),"
        f" {_VERSION.columns} {source} ORDER BY f.rowid DESC"
    )
    return _found(
        connection,
        sql,
        "FROM versions_fts WHERE versions_fts MATCH ?",
        _VERSION,
        head=[query],
        values=[query],
        limit=limit,
    )


def find_runs(connection: sqlite3.Connection, words: Sequence[str], *, limit: int) -> Found:
    """Runs whose name, id or job type hold all words, or whose notes and config do; newest first."""
    named, bound = _like(("r.name", "r.run_id", "coalesce(r.job_type, '')"), words)
    described, query = _matches("runs", "r.id", words)
    source = (
        f"FROM runs r JOIN projects p ON p.id = r.project WHERE ({named}{described and f' OR {described}'})"
    )
    said = "r.state || iif(r.job_type IS NULL, '', '  ' || r.job_type)"
    sql = f"SELECT 'run:' || p.name || '/' || r.run_id, r.name, {said}, {_RUN.columns} {source} ORDER BY r.id DESC"
    return _found(connection, sql, source, _RUN, head=[*bound, *query], values=[*bound, *query], limit=limit)


def find_files(connection: sqlite3.Connection, words: Sequence[str], *, limit: int) -> Found:
    """Files whose path holds all words, each in a version that brought it. Scans the paths: 0.2 s a million."""
    if not words:
        return NOTHING
    path = "iif(d.path = '', e.name, d.path || '/' || e.name)"
    # Most words stand in the name alone: that is tried before the path is put together.
    named, bound = _like(("e.name",), words[:1])
    foldered, in_folder = _like(("d.path",), words[:1])
    whole, all_bound = _like((path,), words)
    source = (
        "FROM entries e JOIN dirs d ON d.id = e.dir WHERE (e.blob IS NOT NULL OR e.ref IS NOT NULL)"
        f" AND ({named} OR {foldered}) AND {whole}"
    )
    values = [*bound, *in_folder, *all_bound]
    rows = connection.execute(f"SELECT e.manifest, {path} {source} LIMIT ?", [*values, limit]).fetchall()
    hits = [Hit(address=_holder(connection, manifest), title=name) for manifest, name in rows]
    count = len(rows) if len(rows) < limit else _count(connection, source, values)
    return Found(hits=tuple(hit for hit in hits if hit.address), count=count)


def _holder(connection: sqlite3.Connection, layer: int) -> str:
    """The newest version with this layer of files, preferably the one that brought it; "" when all were deleted."""
    row = connection.execute(
        "SELECT p.name || '/' || a.name || ':v' || v.number FROM chains c JOIN versions v ON v.manifest = c.manifest"
        " JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project"
        " WHERE c.layer = ? AND v.state = 'COMMITTED' ORDER BY c.position, v.id DESC LIMIT 1",
        (layer,),
    ).fetchone()
    return row[0] if row else ""


def newest_values(connection: sqlite3.Connection, *, limit: int) -> list[tuple[str, str]]:
    """The metadata of the newest versions and the configs and summaries of the newest runs: (which, JSON)."""
    rows = connection.execute(
        "SELECT 'metadata', metadata FROM (SELECT metadata FROM versions WHERE state = 'COMMITTED'"
        " ORDER BY id DESC LIMIT ?)"
        " UNION ALL SELECT 'config', config FROM (SELECT config FROM runs ORDER BY id DESC LIMIT ?)"
        " UNION ALL SELECT 'summary', summary FROM (SELECT summary FROM runs ORDER BY id DESC LIMIT ?)",
        (limit, limit, limit),
    )
    return [(which, text) for which, text in rows.fetchall() if len(text) < 1 << 20]


# --- inside ------------------------------------------------------------------------------------------


def _found(  # what to read, what to count, and their values
    connection: sqlite3.Connection,
    sql: str,
    source: str,
    sealed: Sealed,
    *,
    head: list[Any],
    values: list[Any],
    limit: int,
) -> Found:
    rows = sealed.rows(connection.execute(f"{sql} LIMIT ?", [*head, limit]).fetchall())
    hits = tuple(Hit(address=address, title=title, detail=detail) for address, title, detail in rows)
    return Found(hits=hits, count=len(hits) if len(hits) < limit else _count(connection, source, values))


def _count(connection: sqlite3.Connection, source: str, values: Sequence[Any]) -> int:
    sql = f"SELECT count(*) FROM (SELECT 1 {source} LIMIT {MOST_COUNTED})"
    count: int = connection.execute(sql, values).fetchone()[0]
    return count


def _like(columns: Sequence[str], words: Sequence[str]) -> tuple[str, list[str]]:
    """SQL that says whether each word is in one of the columns, and what is bound in it."""
    patterns = [_pattern(word) for word in words[:_MOST_WORDS]]
    each = " OR ".join(rf"{column} LIKE ? ESCAPE '\'" for column in columns)
    sql = " AND ".join(f"({each})" for _ in patterns) or "1"
    return f"({sql})", [pattern for pattern in patterns for _ in columns]


def _pattern(word: str) -> str:
    plain = word[:_LONGEST].encode("utf-8", "replace").decode().replace("\0", "")
    escaped = plain.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def _matches(table: str, row_id: str, words: Sequence[str]) -> tuple[str, list[str]]:
    query = match_query(" ".join(words))
    if not query:
        return "", []
    return f"{row_id} IN (SELECT rowid FROM {table}_fts WHERE {table}_fts MATCH ?)", [query]
