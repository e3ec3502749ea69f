"""Rows that people see set right again from the journal: runs, artifacts, versions, aliases, edges, links.

One step inside one transaction, and doing it twice changes nothing. Nothing here writes to the journal: what it tells
has not changed, only the rows that should say the same. What belongs to these rows is restored by `mending_rest`, what
runs logged by `mending_history`.
"""

import json
from typing import Any

from localart.catalog import aliases, counts, edges, manifests, mending_rest, seals
from localart.catalog.mending_derived import changeable
from localart.catalog.told import Told, ToldArtifact, ToldRun, ToldVersion
from localart.catalog.transaction import Transaction
from localart.jsonable import canonical_json
from localart.manifest import manifest_digest

_BATCH = 500


def restore_rows(tx: Transaction, told: Told) -> None:
    """Make the rows of runs, artifacts, versions, aliases, edges and links say what the journal tells."""
    mending_rest.restore_projects(tx, told.rest)
    for run_uid, run in told.runs.items():
        _restore_run(tx, told, run_uid, run)
    ids = {id(one): _restore_artifact(tx, told, one) for one in told.artifacts.values()}
    with changeable(tx, "versions"):
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
    counts.restore_counts(tx)


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
