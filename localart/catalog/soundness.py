"""What a catalog says of itself, read row by row so that it can be compared with what was written. Changes nothing.

Every iterator streams in keyset pages: no statement stays open, and memory does not grow with the catalog.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from localart.catalog import format as catalog_format
from localart.catalog.seals import columns_of, onward, seal_of
from localart.catalog.transaction import FIRST_PREVIOUS, chain_digest
from localart.jsonable import canonical_json
from localart.model import BlobRef, Digest, Frame, PackState

_FETCH = 1_000
_SEARCHED = ("artifacts", "versions", "runs")

LOST = "lost_content"
"""The key in `store` that says: some contents have no place any more (their rows name neither frame nor chunks)."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One row of the journal; `is_sound`: its digest follows from its facts and the row before."""

    seq: int
    time: str
    kind: str
    body: str
    digest: bytes
    is_sound: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as its row has it; `is_sealed`: the seal fits."""

    id: int
    uid: str
    project: str
    artifact: str
    number: int
    manifest: Digest
    description: str | None
    metadata: str
    state: str
    created_at: str
    ttl_seconds: int | None
    tags: tuple[str, ...]
    is_sealed: bool

    @property
    def name(self) -> str:
        """What users call it."""
        return f"{self.project}/{self.artifact}:v{self.number}"


@dataclass(frozen=True, slots=True)
class AliasRow:
    """An alias as its row has it; `is_sealed`: the seal fits."""

    project: str
    artifact: str
    name: str
    version: str
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """An edge as its row has it."""

    run: str
    version: str
    direction: str
    made: int
    used_as: str | None
    metadata: str | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link as its row has it; `is_live` False: removed."""

    project: str
    artifact: str
    number: int
    version: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """An artifact or portfolio as its row has it; `given`: how many numbers it has given."""

    id: int
    project: str
    name: str
    type: str
    kind: str
    next_number: int
    given: int
    highest: int


@dataclass(frozen=True, slots=True)
class FrameRow:
    """A frame as the catalog has it, and how many contents it is said to hold."""

    id: int
    frame: Frame
    blob_count: int


# --- the file ----------------------------------------------------------------------------------------


def page_problems(connection: sqlite3.Connection, *, whole: bool, limit: int = 20) -> tuple[str, ...]:
    """What SQLite finds wrong with its pages, rows and (when `whole`) indexes."""
    check = "integrity_check" if whole else "quick_check"
    found = [str(text) for (text,) in connection.execute(f"PRAGMA {check}({limit})").fetchall()]
    return () if found == ["ok"] else tuple(found)


def expected_schema() -> tuple[tuple[str, str], ...]:
    """Name and SQL of everything localart makes in a catalog."""
    connection = sqlite3.connect(":memory:")
    try:
        for script in catalog_format.migrations().values():
            for statement in catalog_format.statements(script):
                connection.execute(statement)
        return tuple(
            connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%\\_fts\\_%' ESCAPE '\\'"
            ).fetchall()
        )
    finally:
        connection.close()


def schema_problems(connection: sqlite3.Connection, expected: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Tables, indexes, triggers and views that are not as localart makes them; those it does not know are named."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '%\\_fts\\_%' ESCAPE '\\'"
    ).fetchall()
    found = dict(rows)
    wrong = [name for name, sql in expected if found.get(name) != sql]
    known = {name for name, _ in expected}
    strangers = [
        name for name, sql in rows if name not in known and _is_active(sql) and not str(name).startswith("_")
    ]
    return tuple(sorted({*wrong, *strangers}))


def _is_active(sql: str | None) -> bool:
    """Whether it does something by itself when tables are written."""
    return (sql or "").lstrip().upper().startswith("CREATE TRIGGER")


def dangling_rows(connection: sqlite3.Connection, *, limit: int = 1_000) -> dict[tuple[str, str], int]:
    """How many rows of a table name a row of another one that is not there: (table, missing from) → count."""
    counts: dict[tuple[str, str], int] = {}
    cursor = connection.execute("PRAGMA foreign_key_check")
    while rows := cursor.fetchmany(_FETCH):
        for table, _, parent, _ in rows:
            counts[table, parent] = counts.get((table, parent), 0) + 1
        if sum(counts.values()) >= limit:
            break
    return counts


def unsearchable(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The tables whose search index does not cover exactly their rows."""
    return tuple(
        table
        for table in _SEARCHED
        if connection.execute(
            f"SELECT (SELECT count(*) FROM {table}) <> (SELECT count(*) FROM {table}_fts_docsize)"
            f" OR EXISTS (SELECT 1 FROM {table}_fts_docsize WHERE id NOT IN (SELECT id FROM {table}))"
        ).fetchone()[0]
    )


# --- the journal -------------------------------------------------------------------------------------


def iter_journal(connection: sqlite3.Connection) -> Iterator[JournalRow]:
    """Every record, by number. The first that does not follow from the one before it is not sound."""
    previous, expected, at = FIRST_PREVIOUS, 1, -(1 << 62)
    while rows := _page(
        connection,
        "SELECT seq, uid, site, time, kind, body, digest, previous FROM journal WHERE seq > ? ORDER BY seq",
        at,
    ):
        for seq, uid, site, time, kind, body, digest, before in rows:
            canonical = journal_canonical(seq, uid, site, time, kind, body)
            follows = (seq, before) == (expected, previous)
            is_sound = follows and canonical is not None and chain_digest(previous, canonical) == digest
            yield JournalRow(seq, time, kind, body, digest, is_sound)
            previous, expected = digest, seq + 1
        at = onward(at, rows[-1][0])


def iter_packable(connection: sqlite3.Connection) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, digest and canonical bytes of every record, as packs keep them."""
    at = -(1 << 62)
    sql = "SELECT seq, uid, site, time, kind, body, digest FROM journal WHERE seq > ? ORDER BY seq"
    while rows := _page(connection, sql, at):
        for row in rows:
            canonical = journal_canonical(*row[:6])
            if canonical is not None:
                yield row[0], row[6], canonical
        at = onward(at, rows[-1][0])


def journal_canonical(seq: int, uid: str, site: str, time: str, kind: str, body: str) -> bytes | None:
    """The bytes that were hashed for a record; None when its body is no JSON any more."""
    try:
        facts = {
            "body": json.loads(body),
            "kind": kind,
            "seq": seq,
            "site": site,
            "time": time,
            "uid": uid,
        }
        if canonical_json(facts["body"]) != body.encode():
            return None
        return canonical_json(facts)
    except (ValueError, RecursionError, TypeError):
        return None


def _page(connection: sqlite3.Connection, sql: str, at: object) -> list[Any]:
    return connection.execute(f"{sql} LIMIT {_FETCH}", (at,)).fetchall()


# --- rows that people see ------------------------------------------------------------------------------


def iter_version_rows(connection: sqlite3.Connection) -> Iterator[VersionRow]:
    """Every version in any state, by row."""
    at = -1
    sql = (
        "SELECT v.id, v.uid, p.name, a.name, v.number, m.digest, v.description, v.metadata, v.state, v.created_at,"
        " v.ttl_seconds, (SELECT json_group_array(name) FROM"
        f" (SELECT name FROM version_tags WHERE version = v.id ORDER BY name)), {columns_of('versions', 'v')}"
        " FROM versions v"
        " LEFT JOIN artifacts a ON a.id = v.artifact LEFT JOIN projects p ON p.id = a.project"
        " LEFT JOIN manifests m ON m.id = v.manifest WHERE v.id > ? ORDER BY v.id"
    )
    while rows := _page(connection, sql, at):
        for row in rows:
            tags = tuple(json.loads(row[11]))
            is_sealed: bool = row[12] == seal_of(*row[13:])
            yield VersionRow(*(*row[:11], tags, is_sealed))
        at = onward(at, rows[-1][0])


def iter_alias_rows(connection: sqlite3.Connection) -> Iterator[AliasRow]:
    """Every alias, of artifacts and portfolios."""
    at: tuple[int, str] = (-1, "")
    while rows := connection.execute(
        f"SELECT l.artifact, l.name, p.name, a.name, v.uid, {columns_of('aliases', 'l')} FROM aliases l"
        " LEFT JOIN artifacts a ON a.id = l.artifact LEFT JOIN projects p ON p.id = a.project"
        " LEFT JOIN versions v ON v.id = l.version WHERE (l.artifact, l.name) > (?, ?)"
        f" ORDER BY l.artifact, l.name LIMIT {_FETCH}",
        at,
    ).fetchall():
        for _, name, project, label, uid, seal, *facts in rows:
            yield AliasRow(project, label, name, uid, seal == seal_of(*facts))
        at = onward(at, rows[-1][:2])


def iter_edge_rows(connection: sqlite3.Connection) -> Iterator[EdgeRow]:
    """Every edge."""
    at: tuple[int, int, str] = (-1, -1, "")
    while rows := connection.execute(
        "SELECT e.run, e.version, e.direction, r.uid, v.uid, e.made, e.used_as, e.metadata FROM edges e"
        " LEFT JOIN runs r ON r.id = e.run LEFT JOIN versions v ON v.id = e.version"
        " WHERE (e.run, e.version, e.direction) > (?, ?, ?)"
        f" ORDER BY e.run, e.version, e.direction LIMIT {_FETCH}",
        at,
    ).fetchall():
        for row in rows:
            yield EdgeRow(row[3], row[4], row[2], row[5], row[6], row[7])
        at = onward(at, rows[-1][:3])


def iter_link_rows(connection: sqlite3.Connection) -> Iterator[LinkRow]:
    """Every place a version has or had in a portfolio."""
    at: tuple[int, int] = (-1, -1)
    while rows := connection.execute(
        "SELECT l.artifact, l.number, p.name, a.name, v.uid, l.removed_at FROM links l"
        " LEFT JOIN artifacts a ON a.id = l.artifact LEFT JOIN projects p ON p.id = a.project"
        " LEFT JOIN versions v ON v.id = l.version WHERE (l.artifact, l.number) > (?, ?)"
        f" ORDER BY l.artifact, l.number LIMIT {_FETCH}",
        at,
    ).fetchall():
        for _, number, project, artifact, uid, removed_at in rows:
            yield LinkRow(project, artifact, number, uid, removed_at is None)
        at = onward(at, rows[-1][:2])


def artifact_rows(connection: sqlite3.Connection) -> list[ArtifactRow]:
    """Every artifact and portfolio, with the numbers that are taken in it."""
    rows = connection.execute(
        "SELECT a.id, p.name, a.name, a.type, a.kind, a.next_number,"
        " (SELECT count(*) FROM versions WHERE artifact = a.id) + (SELECT count(*) FROM links WHERE artifact = a.id),"
        " max(coalesce((SELECT max(number) FROM versions WHERE artifact = a.id), -1),"
        " coalesce((SELECT max(number) FROM links WHERE artifact = a.id), -1))"
        " FROM artifacts a LEFT JOIN projects p ON p.id = a.project ORDER BY a.id"
    )
    return [ArtifactRow(*row) for row in rows.fetchall()]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as its row has it; `columns` by name."""

    uid: str
    project: str
    id: str
    created_at: str
    columns: dict[str, Any]
    tags: tuple[str, ...]


_RUN_COLUMNS = (
    "name", "job_type", "group_name", "notes", "state", "config", "summary", "facts", "metric_rules", "finished_at",
    "exit_code", "error",
)  # fmt: skip


def iter_run_rows(connection: sqlite3.Connection) -> Iterator[RunRow]:
    """Every run."""
    at = -1
    sql = (
        f"SELECT r.id, r.uid, p.name, r.run_id, r.created_at, {', '.join(f'r.{name}' for name in _RUN_COLUMNS)},"
        " (SELECT json_group_array(name) FROM (SELECT name FROM run_tags WHERE run = r.id ORDER BY name))"
        " FROM runs r LEFT JOIN projects p ON p.id = r.project WHERE r.id > ? ORDER BY r.id"
    )
    while rows := _page(connection, sql, at):
        for row in rows:
            columns = dict(zip(_RUN_COLUMNS, row[5:-1], strict=True))
            yield RunRow(row[1], row[2], row[3], row[4], columns, tuple(json.loads(row[-1])))
        at = onward(at, rows[-1][0])


def run_uids(connection: sqlite3.Connection) -> set[str]:
    """The uids of all runs."""
    return {uid for (uid,) in connection.execute("SELECT uid FROM runs").fetchall()}


# --- manifests ---------------------------------------------------------------------------------------


def manifest_ids(connection: sqlite3.Connection, after: int = -1) -> Iterator[tuple[int, Digest]]:
    """The manifests that versions can have, by row, after row `after`."""
    at = after
    while rows := _page(
        connection, "SELECT id, digest FROM manifests WHERE complete = 1 AND id > ? ORDER BY id", at
    ):
        yield from rows
        at = onward(at, rows[-1][0])


def manifest_layers(connection: sqlite3.Connection) -> Iterator[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Each complete manifest with the layers that `chains` has, and those that follow from the bases."""
    bases: dict[int, int | None] = dict(connection.execute("SELECT id, base FROM manifests").fetchall())
    for manifest, _ in manifest_ids(connection):
        rows = connection.execute(
            "SELECT position, layer FROM chains WHERE manifest = ? ORDER BY position", (manifest,)
        ).fetchall()
        said = tuple(layer for _, layer in rows)
        if [position for position, _ in rows] != list(range(len(rows))):
            said = ()
        follows = [manifest]
        while (base := bases.get(follows[-1])) is not None and len(follows) < 16:
            follows.append(base)
        yield manifest, said, tuple(follows)


def versions_of_manifest(connection: sqlite3.Connection, manifest: int) -> tuple[str, ...]:
    """The committed versions that hold this manifest, or have it below theirs."""
    rows = connection.execute(
        "SELECT DISTINCT p.name || '/' || a.name || ':v' || v.number FROM chains c"
        " JOIN versions v ON v.manifest = c.manifest JOIN artifacts a ON a.id = v.artifact"
        " JOIN projects p ON p.id = a.project WHERE v.state = 'COMMITTED' AND c.layer = ? ORDER BY v.id",
        (manifest,),
    )
    return tuple(name for (name,) in rows.fetchall())


# --- where bytes lie -----------------------------------------------------------------------------------


def packs(connection: sqlite3.Connection) -> list[PackState]:
    """Every pack the catalog relies on, oldest first."""
    rows = connection.execute('SELECT name, "end" FROM packs ORDER BY id')
    return [PackState(pack=name, end=end) for name, end in rows.fetchall()]


@contextmanager
def contents_counted(connection: sqlite3.Connection) -> Iterator[None]:
    """Count once how many contents lie in each frame, for `frame_rows` in the body; there is no index for that."""
    try:
        connection.execute("CREATE TEMP TABLE held(frame INTEGER PRIMARY KEY, contents INTEGER NOT NULL)")
        connection.execute(
            "INSERT INTO temp.held SELECT frame, count(*) FROM blobs WHERE frame IS NOT NULL GROUP BY frame"
        )
        yield
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.held")


def frame_rows(connection: sqlite3.Connection, pack: str) -> dict[int, FrameRow]:
    """The frames of a pack by their offset. Inside `contents_counted`."""
    rows = connection.execute(
        "SELECT f.id, f.start, f.stored_bytes, f.raw_bytes, f.codec, f.checksum, f.depth, coalesce(h.contents, 0)"
        " FROM frames f JOIN packs p ON p.id = f.pack LEFT JOIN temp.held h ON h.frame = f.id"
        " WHERE p.name = ? ORDER BY f.start",
        (pack,),
    )
    return {row[1]: _frame_row(row) for row in rows.fetchall()}


def _frame_row(row: tuple[Any, ...]) -> FrameRow:
    frame = Frame(
        start=row[1],
        stored_bytes=row[2],
        raw_bytes=row[3],
        codec=row[4],
        checksum=row[5] & 0xFFFF_FFFF_FFFF_FFFF,
        members=(),
        depth=row[6],
    )
    return FrameRow(row[0], frame, row[7])


def places_of(
    connection: sqlite3.Connection, digests: Sequence[Digest]
) -> dict[Digest, tuple[int, int, int | None, int | None]]:
    """Row, size, frame and offset of each of these contents that the catalog knows."""
    found: dict[Digest, tuple[int, int, int | None, int | None]] = {}
    for at in range(0, len(digests), 500):
        some = digests[at : at + 500]
        marks = ",".join("?" * len(some))
        for digest, *place in connection.execute(
            f"SELECT digest, id, size, frame, start FROM blobs WHERE digest IN ({marks})", some
        ).fetchall():
            row_id, size, frame, start = place
            found[Digest(digest)] = (row_id, size, frame, start)
    return found


def contents_of_frames(connection: sqlite3.Connection, frames: Sequence[int]) -> list[tuple[int, BlobRef]]:
    """What the catalog says lies in these frames: frame and content. One pass over all contents."""
    wanted = set(frames)
    found: list[tuple[int, BlobRef]] = []
    if not wanted:
        return found
    cursor = connection.execute(
        "SELECT frame, digest, size FROM blobs WHERE frame BETWEEN ? AND ?", (min(wanted), max(wanted))
    )
    while rows := cursor.fetchmany(_FETCH):
        found += [(frame, BlobRef(Digest(digest), size)) for frame, digest, size in rows if frame in wanted]
    return found


def iter_wholes(connection: sqlite3.Connection, after: int = -1) -> Iterator[tuple[int, BlobRef]]:
    """Every content that is made of chunks, by row, after row `after`."""
    at = after
    sql = (
        "SELECT b.id, b.digest, b.size FROM blobs b WHERE b.frame IS NULL AND b.id > ?"
        " AND EXISTS (SELECT 1 FROM chunks WHERE blob = b.id) ORDER BY b.id"
    )
    while rows := _page(connection, sql, at):
        yield from ((row_id, BlobRef(Digest(digest), size)) for row_id, digest, size in rows)
        at = onward(at, rows[-1][0])


def placeless(connection: sqlite3.Connection) -> list[BlobRef]:
    """Contents that are marked as lost: neither in a frame nor made of chunks."""
    rows = connection.execute(
        "SELECT digest, size FROM blobs b WHERE frame IS NULL AND NOT EXISTS (SELECT 1 FROM chunks WHERE blob = b.id)"
    )
    return [BlobRef(Digest(digest), size) for digest, size in rows.fetchall()]


# --- who needs them ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Needed:
    """A file that needs a content which is damaged: where the content was found damaged, and the file.

    `holder` is a version's full name, with ` (in the trash)` where it is there, or `run:ID`.
    """

    cause: int
    holder: str
    path: str
    blob: BlobRef


def needed_by(connection: sqlite3.Connection, damaged: Sequence[tuple[int, Digest]]) -> Iterator[Needed]:
    """Every file of a version or run that needs one of `damaged` (cause, content); of what is in the trash, too.

    As it is, as a chunk, or as what a difference is told from. One pass over the entries of all manifests.
    """
    if not damaged:
        return
    try:
        connection.execute("CREATE TEMP TABLE lost(id INTEGER PRIMARY KEY, cause INTEGER NOT NULL)")
        connection.executemany(
            "INSERT OR IGNORE INTO temp.lost SELECT id, ? FROM blobs WHERE digest = ?", damaged
        )
        _spread(connection)
        cursor = connection.execute(_NEEDED_BY_VERSIONS)
        while rows := cursor.fetchmany(_FETCH):
            yield from (
                Needed(cause, holder, path, BlobRef(Digest(d), size)) for cause, holder, path, d, size in rows
            )
        for cause, holder, path, digest, size in connection.execute(_NEEDED_BY_RUNS).fetchall():
            yield Needed(cause, holder, path, BlobRef(Digest(digest), size))
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.lost")


def _spread(connection: sqlite3.Connection) -> None:
    """What is told as a difference from something lost is lost; so is what is made of it."""
    changed = 1
    while changed:
        changed = connection.execute(
            "INSERT OR IGNORE INTO temp.lost SELECT b.id, t.cause FROM blobs b JOIN ("
            "SELECT s.frame AS frame, min(l.cause) AS cause FROM frame_bases s CROSS JOIN temp.lost l ON l.id = s.chunk"
            " GROUP BY s.frame) t ON t.frame = b.frame"
        ).rowcount
    connection.execute(
        "INSERT OR IGNORE INTO temp.lost SELECT c.blob, min(l.cause) FROM chunks c"
        " CROSS JOIN temp.lost l ON l.id = c.chunk GROUP BY c.blob"
    )


_NEEDED_BY_VERSIONS = """
SELECT l.cause, p.name || '/' || a.name || ':v' || v.number || iif(v.state = 'DELETED', ' (in the trash)', ''),
  iif(d.path = '', e.name, d.path || '/' || e.name),
  b.digest, b.size
FROM entries e CROSS JOIN temp.lost l ON l.id = e.blob JOIN blobs b ON b.id = l.id JOIN dirs d ON d.id = e.dir
  JOIN chains c ON c.layer = e.manifest JOIN versions v ON v.manifest = c.manifest
  JOIN artifacts a ON a.id = v.artifact JOIN projects p ON p.id = a.project
WHERE NOT EXISTS (
  SELECT 1 FROM chains n JOIN entries x ON x.manifest = n.layer AND x.dir = e.dir AND x.name = e.name
  WHERE n.manifest = c.manifest AND n.position < c.position)
ORDER BY v.id, 3
"""

_NEEDED_BY_RUNS = """
SELECT l.cause, 'run:' || r.run_id, f.path, b.digest, b.size FROM temp.lost l JOIN run_files f ON f.blob = l.id
  JOIN blobs b ON b.id = l.id JOIN runs r ON r.id = f.run ORDER BY r.id, f.path
"""
