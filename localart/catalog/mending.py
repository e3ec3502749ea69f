"""Rows set right again: from the journal, from records in the packs, or from the other rows they follow from.

Each function is one step inside one transaction, and doing it twice changes nothing. Nothing here writes to the
journal: what it tells has not changed, only the rows that should say the same.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from localart.catalog import aliases, edges, manifests, mending_rest, seals
from localart.catalog.blobs import advance, insert_frames
from localart.catalog.soundness import LOST, journal_canonical
from localart.catalog.told import Told, ToldArtifact, ToldRun, ToldVersion
from localart.catalog.transaction import FIRST_PREVIOUS, Transaction, chain_digest
from localart.errors import CatalogDamaged
from localart.jsonable import canonical_json
from localart.manifest import decode_pages, encode_pages, manifest_digest, page_entries
from localart.model import BlobRef, Digest, Entry, PackBatch

_BATCH = 500


@contextmanager
def _changeable(tx: Transaction, table: str) -> Iterator[None]:
    """Let the body change rows of a table whose triggers forbid it; they are there again when it ends."""
    triggers = tx.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
    ).fetchall()
    for name, _ in triggers:
        tx.execute(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        tx.execute(sql)


# --- the file ----------------------------------------------------------------------------------------


def rebuild_indexes(tx: Transaction) -> None:
    """Make every index anew from the rows of its table."""
    tx.execute("REINDEX")


def rebuild_search(tx: Transaction) -> None:
    """Make what is searched anew from the rows."""
    for table in ("artifacts", "versions", "runs"):
        tx.execute(f"INSERT INTO {table}_fts({table}_fts) VALUES('rebuild')")


# --- the journal -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackedRecord:
    """A journal record as a pack has it."""

    seq: int
    digest: bytes
    canonical: bytes


def wanted_records(connection: sqlite3.Connection) -> tuple[dict[int, bytes], int]:
    """The digests that the rows of the journal have, by number, and the highest number."""
    known: dict[int, bytes] = dict(connection.execute("SELECT seq, digest FROM journal").fetchall())
    return known, max(known, default=0)


def chain_of(packed: Iterable[PackedRecord], known: dict[int, bytes]) -> list[PackedRecord]:
    """The one chain of records that begins at number 1, as long as it can be made of what packs hold.

    Of several records with one number (a transaction that was rolled back leaves one) that one is taken which others
    follow, or the one the rows know.
    """
    choices: dict[int, list[PackedRecord]] = {}
    for record in packed:
        some = choices.setdefault(record.seq, [])
        if record not in some:
            some.append(record)
    chains: list[tuple[bytes, tuple[Any, ...] | None]] = [(FIRST_PREVIOUS, None)]
    seq = 1
    while chains:
        following: list[tuple[bytes, tuple[Any, ...] | None]] = [
            (record.digest, (link, record))
            for previous, link in chains
            for record in choices.get(seq, ())
            if chain_digest(previous, record.canonical) == record.digest
        ]
        if not following:
            break
        chains, seq = following, seq + 1
    best = next((one for one in chains if one[0] == known.get(seq - 1)), chains[-1])
    result: list[PackedRecord] = []
    link = best[1]
    while link is not None:
        link, record = link
        result.append(record)
    return result[::-1]


def restore_journal(tx: Transaction, chain: Sequence[PackedRecord]) -> int:
    """Make the journal's first rows these; what comes after them stays as it is. How many were wrong."""
    wrong = 0
    previous = FIRST_PREVIOUS
    with _changeable(tx, "journal"):
        for record in chain:
            row = tx.execute(
                "SELECT seq, uid, site, time, kind, body, digest, previous FROM journal WHERE seq = ?",
                (record.seq,),
            ).fetchone()
            if (
                row is None
                or row[6:] != (record.digest, previous)
                or journal_canonical(*row[:6]) != record.canonical
            ):
                wrong += 1
                _put_record(tx, record, previous)
            previous = record.digest
    return wrong


def _put_record(tx: Transaction, record: PackedRecord, previous: bytes) -> None:
    facts = json.loads(record.canonical)
    tx.execute("DELETE FROM journal WHERE seq = ? OR uid = ?", (record.seq, facts["uid"]))
    tx.execute(
        "INSERT INTO journal(seq, uid, site, time, kind, body, digest, previous) VALUES (?,?,?,?,?,?,?,?)",
        (
            record.seq, facts["uid"], facts["site"], facts["time"], facts["kind"],
            canonical_json(facts["body"]).decode(), record.digest, previous,
        ),
    )  # fmt: skip


# --- what people see ---------------------------------------------------------------------------------


def restore_rows(tx: Transaction, told: Told) -> None:
    """Make the rows of runs, artifacts, versions, aliases, edges and links say what the journal tells."""
    mending_rest.restore_projects(tx, told.rest)
    for run_uid, run in told.runs.items():
        _restore_run(tx, told, run_uid, run)
    ids = {id(one): _restore_artifact(tx, told, one) for one in told.artifacts.values()}
    with _changeable(tx, "versions"):
        for uid, version in told.versions.items():
            if version.is_sure:
                _restore_version(tx, told, uid, version, ids[id(version.artifact)])
    known = dict(tx.execute("SELECT uid, id FROM versions").fetchall())
    for artifact in told.artifacts.values():
        if artifact.is_sure:
            _restore_aliases(tx, artifact, ids[id(artifact)], known)
            _restore_links(tx, artifact, ids[id(artifact)], known)
    _restore_edges(tx, told, known)
    for table, column, parent in _TOLD:
        tx.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {parent})")
    mending_rest.forget_strangers(tx, told.rest)
    seals.seal_all(tx)


_TOLD = (
    ("aliases", "artifact", "artifacts"),
    ("aliases", "version", "versions"),
    ("version_tags", "version", "versions"),
    ("run_tags", "run", "runs"),
    ("edges", "run", "runs"),
    ("edges", "version", "versions"),
)
"""What the journal tells in full: rows of these that lead nowhere are not missed."""


def _project(tx: Transaction, name: str) -> int:
    found = tx.execute("SELECT id FROM projects WHERE name = ?", (name,)).fetchone()
    if found is not None:
        return int(found[0])
    return tx.insert("INSERT INTO projects(name, created_at) VALUES (?,?)", (name, tx.now))


def _told_body(tx: Transaction, seq: int) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(
        tx.execute("SELECT body FROM journal WHERE seq = ?", (seq,)).fetchone()[0]
    )
    return body


_RUN_TABLES = ("edges", "metrics", "run_files", "alerts")
_RUN_KEYS = " UNION ".join(f"SELECT run FROM {table}" for table in _RUN_TABLES)


def _key_left(tx: Transaction, told: Told, uid: str) -> int | None:
    """The key that rows still have of a run whose own row is gone, so that its history is its own again."""
    made = [version for run, version, _ in told.edges if run == uid][:_BATCH]
    row = tx.execute(
        "SELECT e.run FROM versions v JOIN edges e ON e.version = v.id WHERE e.run NOT IN (SELECT id FROM runs)"
        " AND v.uid IN (SELECT value FROM json_each(?)) GROUP BY e.run ORDER BY count(*) DESC LIMIT 1",
        (json.dumps(made),),
    ).fetchone()
    if row is not None:
        return int(row[0])
    left = tx.execute(f"SELECT run FROM ({_RUN_KEYS}) WHERE run NOT IN (SELECT id FROM runs)").fetchall()
    return left[0][0] if len(left) == 1 else None


def _restore_run(tx: Transaction, told: Told, uid: str, run: ToldRun) -> None:
    project = _project(tx, run.project)
    values = {name: _told_body(tx, seq)[name] for name, (seq, _) in run.columns.items()}
    row = (
        tx.execute("SELECT id FROM runs WHERE uid = ?", (uid,)).fetchone()
        or tx.execute("SELECT id FROM runs WHERE project = ? AND run_id = ?", (project, run.id)).fetchone()
    )
    key = (
        row[0]
        if row
        else tx.insert(
            "INSERT INTO runs(id, uid, run_id, project, name, state, created_at, updated_at, site)"
            " VALUES (?,?,?,?,'','crashed',?,?,?)",
            (_key_left(tx, told, uid), uid, run.id, project, run.created_at, run.created_at, tx.site),
        )
    )
    values |= {"uid": uid, "run_id": run.id, "project": project, "created_at": run.created_at}
    if not seals.fits(tx, "runs", key):  # else it may be younger than what the journal knows
        values["updated_at"] = run.updated_at
    columns = ", ".join(f"{name} = ?" for name in values)
    tx.execute(f"UPDATE runs SET {columns} WHERE id = ?", (*values.values(), key))
    tx.execute("DELETE FROM run_tags WHERE run = ?", (key,))
    tx.executemany("INSERT INTO run_tags(run, name) VALUES (?,?)", [(key, tag) for tag in run.tags])
    if uid in told.rest.runs:
        mending_rest.restore_things(tx, key, told.rest.runs[uid])


def _restore_artifact(tx: Transaction, told: Told, artifact: ToldArtifact) -> int:
    """The artifact's row. One whose name was damaged is known by its versions."""
    project = _project(tx, artifact.project)
    row = tx.execute(
        "SELECT id FROM artifacts WHERE project = ? AND name = ?", (project, artifact.name)
    ).fetchone()
    left = None
    if row is None:
        uids = [uid for uid, one in told.versions.items() if one.artifact is artifact][:_BATCH]
        found = tx.execute(
            "SELECT v.artifact, a.id FROM versions v LEFT JOIN artifacts a ON a.id = v.artifact"
            " WHERE v.uid IN (SELECT value FROM json_each(?)) GROUP BY v.artifact ORDER BY count(*) DESC LIMIT 1",
            (json.dumps(uids),),
        ).fetchone()
        if found is not None:
            left, row = found[0], found[1:] if found[1] is not None else None
    key: int = (
        row[0]
        if row
        else tx.insert(
            "INSERT INTO artifacts(id, project, name, type, created_at) VALUES (?,?,?,?,?)",
            (left, project, artifact.name, artifact.type, artifact.created_at),
        )
    )
    if artifact.is_sure:
        tx.execute(
            "UPDATE artifacts SET project = ?, name = ?, type = ?, kind = ?, next_number = ?, created_at = ?"
            " WHERE id = ?",
            (
                project, artifact.name, artifact.type, artifact.kind, artifact.next_number, artifact.created_at, key,
            ),
        )  # fmt: skip
        facts = told.rest.artifacts.get((artifact.project, artifact.name))
        if facts is not None:
            mending_rest.restore_facts(tx, key, facts)
    return key


def _row_left(tx: Transaction, told: Told) -> int | None:
    """The row that others still name of a version whose own is gone, when only one is."""
    known = {uid for (uid,) in tx.execute("SELECT uid FROM versions").fetchall()}
    left = tx.execute(
        "SELECT version FROM edges UNION SELECT version FROM aliases UNION SELECT version FROM links"
        " UNION SELECT version FROM version_tags EXCEPT SELECT id FROM versions"
    ).fetchall()
    return left[0][0] if len(left) == 1 and len(told.versions.keys() - known) == 1 else None


def _restore_version(tx: Transaction, told: Told, uid: str, version: ToldVersion, artifact: int) -> None:
    manifest = _manifest_for(tx, uid, version)
    if manifest is None:
        return  # its manifest is to be restored first
    if version.state == "COMMITTED" and version.size_bytes is not None:
        tx.execute(
            "UPDATE manifests SET size = ?, file_count = ? WHERE id = ?",
            (version.size_bytes, version.file_count, manifest[0]),
        )
    body = _told_body(tx, version.told_at)
    text = canonical_json(body["metadata"]).decode()
    row = (
        tx.execute("SELECT id FROM versions WHERE uid = ?", (uid,)).fetchone()
        or tx.execute(
            "SELECT id FROM versions WHERE artifact = ? AND number = ?", (artifact, version.number)
        ).fetchone()
    )
    facts = {
        "uid": uid, "artifact": artifact, "number": version.number, "manifest": manifest[0],
        "description": body["description"], "metadata": text, "state": version.state,
        "ttl_seconds": version.ttl_seconds, "history_step": version.history_step, "created_at": version.created_at,
        "updated_at": version.updated_at,
    }  # fmt: skip
    if row is None:
        facts |= {"id": _row_left(tx, told), "site": tx.site}
        marks = ", ".join("?" * len(facts))
        key = tx.insert(f"INSERT INTO versions({', '.join(facts)}) VALUES ({marks})", tuple(facts.values()))
    else:
        key = row[0]
        tx.execute(
            f"UPDATE versions SET {', '.join(f'{name} = ?' for name in facts)} WHERE id = ?",
            (*facts.values(), key),
        )
    tx.execute("DELETE FROM version_tags WHERE version = ?", (key,))
    tx.executemany(
        "INSERT INTO version_tags(version, name) VALUES (?,?)", [(key, tag) for tag in version.tags]
    )


def _manifest_for(tx: Transaction, uid: str, version: ToldVersion) -> tuple[int, bytes] | None:
    """Row and digest of the version's manifest; a deleted version may have let go of it."""
    told = tx.execute(
        "SELECT id, digest FROM manifests WHERE digest = ? AND complete = 1",
        (bytes.fromhex(version.manifest),),
    ).fetchone()
    if version.state != "DELETED":
        return None if told is None else (told[0], told[1])
    now = tx.execute(
        "SELECT m.id, m.digest FROM versions v JOIN manifests m ON m.id = v.manifest WHERE v.uid = ?",
        (uid,),
    ).fetchone()
    row = now or told or tx.execute("SELECT id, digest FROM manifests WHERE file_count = 0").fetchone()
    return (row[0], row[1]) if row is not None else _nothing(tx)


def _nothing(tx: Transaction) -> tuple[int, bytes]:
    """The manifest without files, made anew."""
    digest = manifest_digest([])
    plan = manifests.ManifestPlan(digest=digest, pages=(), file_count=0, size_bytes=0, base=None)
    return manifests.complete_manifest(tx, manifests.begin_manifest(tx, plan), digest), digest


def _restore_aliases(tx: Transaction, artifact: ToldArtifact, key: int, known: dict[str, int]) -> None:
    names = json.dumps(list(artifact.aliases))
    tx.execute(
        "DELETE FROM aliases WHERE artifact = ? AND name NOT IN (SELECT value FROM json_each(?))",
        (key, names),
    )
    for name, uid in artifact.aliases.items():
        version = known.get(uid)
        if version is None:
            continue
        aliases.put(tx, key, name, version, artifact.alias_times[name])


def _restore_links(tx: Transaction, artifact: ToldArtifact, key: int, known: dict[str, int]) -> None:
    for number, uid in artifact.links.items():
        if uid is None:
            tx.execute(
                "UPDATE links SET created_at = ?, removed_at = ? WHERE artifact = ? AND number = ?",
                (*artifact.link_times[number], key, number),
            )
        elif uid in known:
            tx.execute(
                "INSERT OR REPLACE INTO links(artifact, number, version, created_at, removed_at) VALUES (?,?,?,?,?)",
                (key, number, known[uid], *artifact.link_times[number]),
            )


def _restore_edges(tx: Transaction, told: Told, known: dict[str, int]) -> None:
    runs = dict(tx.execute("SELECT uid, id FROM runs").fetchall())
    unsure = {known[uid] for uid, one in told.versions.items() if not one.is_sure and uid in known}
    wanted = {}
    for (run, version, direction), edge in told.edges.items():
        if run in runs and version in known and known[version] not in unsure:
            metadata = _edge_metadata(tx, edge.told_at) if edge.told_at else None
            wanted[runs[run], known[version], direction] = (
                int(edge.made),
                edge.used_as,
                metadata,
                edge.created_at,
            )
    for *key, made, used_as, metadata, created_at in tx.execute(
        "SELECT run, version, direction, made, used_as, metadata, created_at FROM edges"
    ).fetchall():
        place = (key[0], key[1], key[2])
        if wanted.get(place) == (made, used_as, metadata, created_at):
            del wanted[place]
        elif key[1] not in unsure:
            tx.execute("DELETE FROM edges WHERE run = ? AND version = ? AND direction = ?", place)
    edges.put_edges(tx, [(*key, *facts) for key, facts in wanted.items()])


def _edge_metadata(tx: Transaction, seq: int) -> str:
    return canonical_json(_told_body(tx, seq)["metadata"]).decode()


# --- manifests ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackedManifest:
    """A manifest as the packs have it: `rows` in order, None where an overlay removes a path."""

    digest: Digest
    base: Digest | None
    rows: tuple[tuple[str, Entry | None], ...]


def restore_layers(tx: Transaction) -> None:
    """Make `chains` what follows from the manifests' bases."""
    bases: dict[int, int | None] = dict(tx.execute("SELECT id, base FROM manifests").fetchall())
    for (manifest,) in tx.execute("SELECT id FROM manifests WHERE complete = 1").fetchall():
        layers = [manifest]
        while (base := bases.get(layers[-1])) is not None and base not in layers:
            layers.append(base)
        tx.execute("DELETE FROM chains WHERE manifest = ?", (manifest,))
        tx.executemany(
            "INSERT INTO chains(manifest, position, layer) VALUES (?,?,?)",
            [(manifest, position, layer) for position, layer in enumerate(layers[:9])],
        )


def digests_meant(connection: sqlite3.Connection, manifest: int, told: Told | None) -> list[Digest]:
    """What the manifest in this row may have been: by its row, its pages, and the versions that name it."""
    row = connection.execute("SELECT digest, pages FROM manifests WHERE id = ?", (manifest,)).fetchone()
    found: list[bytes] = []
    for (uid,) in connection.execute("SELECT uid FROM versions WHERE manifest = ?", (manifest,)).fetchall():
        if told is not None and uid in told.versions:
            found.append(bytes.fromhex(told.versions[uid].manifest))
    if row is not None:
        found.append(row[0])
        with suppress(CatalogDamaged):
            found.append(manifest_digest(page.digest for page in decode_pages(row[1])))
    return [Digest(digest) for digest in dict.fromkeys(found)]


def restore_manifest(tx: Transaction, row: int, packed: PackedManifest) -> bool:
    """Make a manifest's own rows what the packs have, and its head what follows; False when its base is not there.

    `row` is where it was; a new row where that is gone. Nothing is done when another row has it whole.
    """
    taken = manifests.find_manifest(tx.connection, packed.digest)
    if taken is not None and taken != row:
        return False
    is_there = tx.execute("SELECT 1 FROM manifests WHERE id = ?", (row,)).fetchone()
    manifest = row if is_there else _insert_manifest(tx, row, packed.digest)
    base = None
    if packed.base is not None:
        below = tx.execute(
            "SELECT id FROM manifests WHERE digest = ? AND id <> ?", (packed.base, manifest)
        ).fetchone()
        if below is None:
            return False
        base = below[0]
    _know_blobs(tx, [entry for _, entry in packed.rows if entry is not None and entry.reference is None])
    tx.execute("DELETE FROM entries WHERE manifest = ?", (manifest,))
    _insert_entries(tx, manifest, packed.rows)
    tx.execute(
        "UPDATE manifests SET digest = ?, base = ?, complete = 1 WHERE id = ?",
        (packed.digest, base, manifest),
    )
    restore_layers(tx)
    return _restore_head(tx, manifest, packed.digest)


def _know_blobs(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Rows for contents whose row is gone: without a place until one is found."""
    before = tx.connection.total_changes
    tx.executemany(
        "INSERT OR IGNORE INTO blobs(digest, size) VALUES (?,?)",
        [(entry.digest, entry.size_bytes) for entry in entries],
    )
    if tx.connection.total_changes > before:
        note_lost(tx)


def _insert_entries(tx: Transaction, manifest: int, rows: Sequence[tuple[str, Entry | None]]) -> None:
    """As `manifests.insert_rows`, for contents that may have no place."""
    kept = tx.execute("SELECT value FROM store WHERE key = ?", (LOST,)).fetchone()
    tx.execute("DELETE FROM store WHERE key = ?", (LOST,))  # a row is enough here
    manifests.insert_rows(tx, manifest, rows, {})
    if kept is not None:
        note_lost(tx)


def _restore_head(tx: Transaction, manifest: int, digest: Digest) -> bool:
    layers = tx.execute(
        "SELECT layer FROM chains WHERE manifest = ? ORDER BY position", (manifest,)
    ).fetchall()
    record = manifests.ManifestRecord(
        id=manifest,
        digest=digest,
        file_count=0,
        size_bytes=0,
        pages=(),
        layers=tuple(one for (one,) in layers),
    )
    entries = list(manifests.iter_entries(tx.connection, record))
    pages = tuple(page_entries(entries))
    if manifest_digest(page.digest for page in pages) != digest:
        return False
    tx.execute(
        "UPDATE manifests SET pages = ?, file_count = ?, size = ? WHERE id = ?",
        (encode_pages(pages), len(entries), sum(entry.size_bytes for entry in entries), manifest),
    )
    return True


def missing_manifests(connection: sqlite3.Connection, told: Told) -> list[tuple[int, Digest]]:
    """Manifests that versions should have and no row is: the row that version names now, and the digest."""
    rows = dict(connection.execute("SELECT uid, manifest FROM versions").fetchall())
    stored = {
        digest
        for (digest,) in connection.execute("SELECT digest FROM manifests WHERE complete = 1").fetchall()
    }
    return [
        (rows.get(uid, 0), Digest(bytes.fromhex(one.manifest)))
        for uid, one in told.versions.items()
        if one.state == "COMMITTED" and bytes.fromhex(one.manifest) not in stored
    ]


def _insert_manifest(tx: Transaction, row: int, digest: Digest) -> int:
    """At the row that versions name, where one does: entries may still be there."""
    return tx.insert(
        "INSERT INTO manifests(id, digest, file_count, size, pages, created_at) VALUES (?, ?, 0, 0, x'', ?)",
        (row or None, digest, tx.now),
    )


# --- where bytes lie -----------------------------------------------------------------------------------


def repoint(tx: Transaction, batches: Iterable[PackBatch]) -> int:
    """Say of contents that were stored again where they lie now, wherever they were; how many there were."""
    count = 0
    number = (tx.execute("SELECT max(id) FROM frames").fetchone()[0] or 0) + 1
    for batch in batches:
        pack = advance(tx, batch)
        for frame in batch.frames:
            insert_frames(tx, pack, [(number, frame)])
            starts = accumulate((member.size_bytes for member in frame.members), initial=0)
            count += tx.connection.executemany(
                "UPDATE blobs SET frame = ?, start = ?, size = ? WHERE digest = ?",
                [
                    (number, start, member.size_bytes, member.digest)
                    for member, start in zip(frame.members, starts, strict=False)
                ],
            ).rowcount
            number += 1
    return count


def name_by_place(tx: Transaction, frame: int, members: Sequence[BlobRef]) -> int:
    """Give rows whose digest or size was damaged the name of what lies at their place; how many there were."""
    count = at = 0
    for member in members:
        known = tx.execute("SELECT 1 FROM blobs WHERE digest = ?", (member.digest,)).fetchone()
        sql = "UPDATE blobs SET digest = ?, size = ? WHERE frame = ? AND start = ? AND digest <> ?"
        if known is None:
            count += tx.execute(sql, (member.digest, member.size_bytes, frame, at, member.digest)).rowcount
        count += tx.execute(
            "UPDATE blobs SET size = ?, start = ? WHERE digest = ? AND frame = ? AND (size, start) <> (?, ?)",
            (member.size_bytes, at, member.digest, frame, member.size_bytes, at),
        ).rowcount
        at += member.size_bytes
    return count


def forget_pack(tx: Transaction, name: str) -> int:
    """Let go of a pack: what no copy was found of keeps its row without a place. How many contents these are."""
    frames = "(SELECT f.id FROM frames f JOIN packs p ON p.id = f.pack WHERE p.name = ?)"
    count = tx.execute(
        f"UPDATE blobs SET frame = NULL, start = NULL WHERE frame IN {frames}", (name,)
    ).rowcount
    if count:
        note_lost(tx)
    tx.execute(f"DELETE FROM frame_bases WHERE frame IN {frames}", (name,))
    tx.execute(f"DELETE FROM frames WHERE id IN {frames}", (name,))
    tx.execute("DELETE FROM packs WHERE name = ?", (name,))
    return count


def lose(tx: Transaction, digests: Collection[Digest]) -> None:
    """Contents whose own digest does not fit what their chunks make: they have no place any more."""
    for digest in digests:
        tx.execute("DELETE FROM chunks WHERE blob = (SELECT id FROM blobs WHERE digest = ?)", (digest,))
        tx.execute("UPDATE blobs SET frame = NULL, start = NULL WHERE digest = ?", (digest,))
    note_lost(tx)


def note_lost(tx: Transaction) -> None:
    """From now on it is asked of each content whether it has a place."""
    tx.execute("INSERT OR REPLACE INTO store(key, value) VALUES (?, ?)", (LOST, tx.now))


def settle_lost(tx: Transaction) -> None:
    """Stop asking when everything has a place again."""
    row = tx.execute(
        "SELECT 1 FROM blobs b WHERE frame IS NULL AND NOT EXISTS (SELECT 1 FROM chunks WHERE blob = b.id) LIMIT 1"
    ).fetchone()
    if row is None:
        tx.execute("DELETE FROM store WHERE key = ?", (LOST,))


def chunks_of(connection: sqlite3.Connection, digest: Digest) -> list[tuple[int, BlobRef]]:
    """The chunks that a large content is made of, each with its offset."""
    rows = connection.execute(
        "SELECT c.start, b.digest, b.size FROM blobs w JOIN chunks c ON c.blob = w.id JOIN blobs b ON b.id = c.chunk"
        " WHERE w.digest = ? ORDER BY c.start",
        (digest,),
    )
    return [(start, BlobRef(Digest(chunk), size)) for start, chunk, size in rows.fetchall()]


def wholes_with(connection: sqlite3.Connection, chunks: Collection[Digest]) -> list[BlobRef]:
    """The large contents that some of these chunks are part of. One pass over all chunks."""
    try:
        connection.execute("CREATE TEMP TABLE wanted(digest BLOB PRIMARY KEY)")
        connection.executemany("INSERT OR IGNORE INTO temp.wanted VALUES (?)", [(one,) for one in chunks])
        rows = connection.execute(
            "SELECT digest, size FROM blobs WHERE id IN"
            " (SELECT c.blob FROM chunks c CROSS JOIN blobs b ON b.id = c.chunk"
            " WHERE b.digest IN (SELECT digest FROM temp.wanted))"
        )
        return [BlobRef(Digest(digest), size) for digest, size in rows.fetchall()]
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.wanted")
