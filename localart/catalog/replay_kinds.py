"""What each kind of journal record did to the rows: the same again, on a catalog that is being rebuilt.

A record is replayed with its own time and site. Whatever it refers to and is not there (records before it are lost)
raises, and nothing of it is done.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localart.catalog import (
    aliases,
    artifacts,
    edges,
    links,
    manifests,
    protection,
    registries,
    run_files,
    runs,
    upserts,
    versions,
)
from localart.catalog.projects import ensure_project
from localart.catalog.seals import seal
from localart.catalog.search import index_row
from localart.catalog.transaction import Transaction
from localart.errors import CatalogDamaged
from localart.jsonable import canonical_json
from localart.manifest import manifest_digest
from localart.model import ArtifactKind, ArtifactRecord, Digest, Direction, VersionRecord, VersionState

Body = Mapping[str, Any]

FILES = (
    "CREATE TEMP TABLE kept_files(run INTEGER, path TEXT, digest BLOB, size INTEGER, time TEXT,"
    " PRIMARY KEY(run, path))"
)
"""Files of runs, until all records are replayed: the bytes of those that went later may be gone."""


class Replaying(Transaction):
    """A transaction whose records exist already. `now` and `site` are those of the record being replayed."""

    def record(self, kind: str, body: dict[str, Any]) -> None:
        """Nothing: what is done here is the record being replayed."""


def replay(tx: Replaying, kind: str, body: Body) -> bool:
    """Do once more what the record did; False for a kind that is not known here. Raises: some of it may be done."""
    if kind in _NOTHING:
        return True
    act = _KINDS.get(kind)
    if act is None:
        return False
    act(tx, body)
    return True


def known_kinds() -> frozenset[str]:
    """Every kind that can be replayed."""
    return frozenset(_KINDS) | _NOTHING


# --- what records refer to ---------------------------------------------------------------------------


def _missing(what: str) -> CatalogDamaged:
    return CatalogDamaged(f"the record of {what} is lost")


def _run(tx: Replaying, uid: str) -> int:
    row = tx.execute("SELECT id FROM runs WHERE uid = ?", (uid,)).fetchone()
    if row is None:
        raise _missing(f"run {uid}")
    key: int = row[0]
    return key


def _version(tx: Replaying, uid: str) -> VersionRecord:
    found = versions.find_version_by_uid(tx.connection, uid)
    if found is None:
        raise _missing(f"version {uid}")
    return found


def _artifact(tx: Replaying, project: str, name: str) -> ArtifactRecord:
    found = artifacts.find_artifact(tx.connection, project, name)
    if found is None:
        raise _missing(f"{project}/{name}")
    return found


def _named(tx: Replaying, body: Body) -> ArtifactRecord:
    return _artifact(tx, body["project"], body["artifact"])


def _manifest(tx: Replaying, digest: bytes, *, size_bytes: int, file_count: int) -> int:
    """The head of a manifest whose entries are filled in later; one for each digest."""
    row = tx.execute("SELECT id FROM manifests WHERE digest = ?", (digest,)).fetchone()
    if row is not None:
        known: int = row[0]
        return known
    plan = manifests.ManifestPlan(
        digest=Digest(digest), pages=(), file_count=file_count, size_bytes=size_bytes, base=None
    )
    return manifests.begin_manifest(tx, plan)


# --- projects, artifacts, registries -------------------------------------------------------------------


def _project_created(tx: Replaying, body: Body) -> None:
    ensure_project(tx, body["project"])


def _artifact_created(tx: Replaying, body: Body) -> None:
    role = ArtifactKind(body.get("kind", ArtifactKind.SEQUENCE.value))
    artifacts.ensure_artifact(
        tx, body["project"], body["artifact"], body["type"], body.get("description"), role=role
    )


def _artifact_moved(tx: Replaying, body: Body) -> None:
    project, name = body["to"]
    artifacts.move_artifact(tx, _artifact(tx, *body["from"]), project=project, name=name)


def _artifact_retyped(tx: Replaying, body: Body) -> None:
    artifacts.retype_artifact(tx, _named(tx, body), body["type"], role=ArtifactKind(body["kind"]))


def _artifact_updated(tx: Replaying, body: Body) -> None:
    artifacts.describe_artifact(tx, _named(tx, body), body["description"])


def _artifact_ttl(tx: Replaying, body: Body) -> None:
    artifacts.set_artifact_ttl(tx, _named(tx, body), body["ttl_seconds"])


def _artifact_tagged(tx: Replaying, body: Body) -> None:
    artifacts.set_artifact_tags(tx, _named(tx, body), body["tags"])


def _registry_saved(tx: Replaying, body: Body) -> None:
    registries.save_registry(
        tx,
        body["registry"],
        description=body["description"],
        visibility=body["visibility"],
        artifact_types=body["artifact_types"],
    )


def _registry_renamed(tx: Replaying, body: Body) -> None:
    registries.rename_registry(tx, body["from"], body["to"])


def _registry_deleted(tx: Replaying, body: Body) -> None:
    registries.forget_registry(tx, body["registry"])


# --- versions ------------------------------------------------------------------------------------------


def _version_logged(tx: Replaying, body: Body) -> None:
    key = _insert_version(tx, body) if body["new"] else _version(tx, body["version"]).id
    edges.add_edge(
        tx,
        run_key=_run(tx, body["run"]),
        version_id=key,
        direction=Direction.OUTPUT,
        made=body["new"],
        metadata=None if body["new"] else body["metadata"],
    )


def _insert_version(tx: Replaying, body: Body) -> int:
    artifact_id = artifacts.ensure_artifact(tx, body["project"], body["artifact"], body["type"], None)
    digest = bytes.fromhex(body["manifest"])
    manifest = _manifest(tx, digest, size_bytes=body["size"], file_count=body["files"])
    number, description, metadata = (
        body["number"],
        body["description"],
        canonical_json(body["metadata"]).decode(),
    )
    key = tx.insert(
        "INSERT INTO versions(uid, artifact, number, manifest, description, metadata, ttl_seconds, history_step,"
        " created_at, updated_at, site) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            body["version"], artifact_id, number, manifest, description, metadata, body.get("ttl_seconds"),
            body.get("step"), tx.now, tx.now, tx.site,
        ),
    )  # fmt: skip
    seal(tx, "versions", key)
    _count_on(tx, artifact_id, number)
    index_row(tx, "versions", key)
    return key


def _count_on(tx: Replaying, artifact_id: int, number: int) -> None:
    """The next number comes after this one, whatever records are lost."""
    tx.execute(
        "UPDATE artifacts SET next_number = max(next_number, ?) WHERE id = ?", (number + 1, artifact_id)
    )
    seal(tx, "artifacts", artifact_id)


def _version_relogged(tx: Replaying, body: Body) -> None:
    version = _version(tx, body["version"])
    edges.add_edge(tx, run_key=_run(tx, body["run"]), version_id=version.id, direction=Direction.OUTPUT)


def _version_used(tx: Replaying, body: Body) -> None:
    edges.add_edge(
        tx,
        run_key=_run(tx, body["run"]),
        version_id=_version(tx, body["version"]).id,
        direction=Direction.INPUT,
        used_as=body["as"],
    )


def _version_updated(tx: Replaying, body: Body) -> None:
    version = _version(tx, body["version"])
    versions.update_version(
        tx, version, description=body["description"], metadata=body["metadata"], state=version.state
    )


def _version_tagged(tx: Replaying, body: Body) -> None:
    versions.set_tags(tx, _version(tx, body["version"]), body["tags"])


def _version_ttl(tx: Replaying, body: Body) -> None:
    versions.set_ttl(tx, _version(tx, body["version"]), body["ttl_seconds"])


def _version_deleted(tx: Replaying, body: Body) -> None:
    _set_deleted(tx, body, is_kept=body.get("trash", False))


def _version_freed(tx: Replaying, body: Body) -> None:
    _set_deleted(tx, body, is_kept=False)


def _set_deleted(tx: Replaying, body: Body, *, is_kept: bool) -> None:
    """`is_kept`: in the trash, where it keeps what it holds."""
    version = _version(tx, body["version"])
    nothing = None if is_kept else _manifest(tx, manifest_digest([]), size_bytes=0, file_count=0)
    versions.update_version(
        tx,
        version,
        description=version.description,
        metadata=version.metadata,
        state=VersionState.DELETED,
        manifest_id=nothing,
    )


def _version_restored(tx: Replaying, body: Body) -> None:
    version = _version(tx, body["version"])
    versions.update_version(tx, version, description=version.description, metadata=version.metadata)


# --- aliases and links -----------------------------------------------------------------------------------


def _collection(tx: Replaying, body: Body) -> ArtifactRecord:
    """Whose alias it is: the portfolio it names, or the version's own artifact."""
    if "in" in body:
        return _artifact(tx, *body["in"])
    version = _version(tx, body["version"])
    return artifacts.get_artifact(tx.connection, version.artifact_id)


def _alias_set(tx: Replaying, body: Body) -> None:
    version = _version(tx, body["version"])
    aliases.point(tx, _collection(tx, body).id, body["alias"], version.id)


def _alias_removed(tx: Replaying, body: Body) -> None:
    version = _version(tx, body["version"])
    aliases.remove(tx, _collection(tx, body).id, body["alias"], version.id)


def _alias_protected(tx: Replaying, body: Body) -> None:
    protection.protect(tx, _named(tx, body).id, body["alias"])


def _alias_unprotected(tx: Replaying, body: Body) -> None:
    protection.unprotect(tx, _named(tx, body).id, body["alias"])


def _link_added(tx: Replaying, body: Body) -> None:
    artifact, number = _named(tx, body), body["number"]
    tx.execute(
        "INSERT INTO links(artifact, number, version, created_at) VALUES (?,?,?,?)"
        " ON CONFLICT(artifact, number) DO UPDATE SET removed_at = NULL",
        (artifact.id, number, _version(tx, body["version"]).id, tx.now),
    )
    seal(tx, "links", artifact.id, number)
    _count_on(tx, artifact.id, number)


def _link_removed(tx: Replaying, body: Body) -> None:
    links.set_removed(tx, _named(tx, body).id, body["number"], tx.now)


# --- runs --------------------------------------------------------------------------------------------------


def _run_started(tx: Replaying, body: Body) -> None:
    key = runs.insert_run(
        tx, ensure_project(tx, body["project"]), run_id=body["id"], uid=body["run"], name=body["name"]
    )
    columns = {
        column: body[column]
        for column in ("job_type", "group_name", "notes", "config", "facts")
        if column in body
    }
    runs.update_run(tx, key, columns, journal=False)
    runs.set_run_tags(tx, key, body["tags"])


def _run_updated(tx: Replaying, body: Body) -> None:
    changes = {column: value for column, value in body.items() if column in runs.UPDATABLE}
    runs.update_run(tx, _run(tx, body["run"]), changes, journal=False)


def _run_forked(tx: Replaying, body: Body) -> None:
    _run(tx, body["run"])
    _run_updated(tx, body)


def _run_rewound(tx: Replaying, body: Body) -> None:
    if "file" in body:
        _keep_file(tx, _run(tx, body["run"]), body["file"], body["later"], body.get("size"))
    if "summary" in body:
        _run_updated(tx, {"run": body["run"], "summary": body["summary"]})


def _run_tagged(tx: Replaying, body: Body) -> None:
    runs.set_run_tags(tx, _run(tx, body["run"]), body["tags"])


def _run_alert(tx: Replaying, body: Body) -> None:
    key = _run(tx, body["run"])
    runs.insert_alert(tx, key, level=body["level"], title=body["title"], text=body["text"])


def _run_files(tx: Replaying, body: Body) -> None:
    key = _run(tx, body["run"])
    for path, digest in body["files"].items():
        _keep_file(tx, key, path, digest, body.get("sizes", {}).get(path))


def _keep_file(tx: Replaying, run: int, path: str, digest: str, size: int | None) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO temp.kept_files VALUES (?,?,?,?,?)",
        (run, path, bytes.fromhex(digest), size, tx.now),
    )


def _run_file_removed(tx: Replaying, body: Body) -> None:
    tx.execute(
        "DELETE FROM temp.kept_files WHERE run = ? AND path = ?", (_run(tx, body["run"]), body["file"])
    )


def _run_deleted(tx: Replaying, body: Body) -> None:
    key = _run(tx, body["run"])
    tx.execute("DELETE FROM temp.kept_files WHERE run = ?", (key,))
    run_files.delete_run(tx, key)


# --- upserts -----------------------------------------------------------------------------------------------


def _upsert_added(tx: Replaying, body: Body) -> None:
    upserts.insert_upsert(
        tx,
        artifact_id=_named(tx, body).id,
        distributed_id=body["id"],
        run_key=_run(tx, body["run"]),
        manifest_id=_manifest(
            tx, bytes.fromhex(body["manifest"]), size_bytes=body["size"], file_count=body["files"]
        ),
        body={key: body[key] for key in ("description", "metadata", "aliases", "tags")},
    )


def _upsert_finished(tx: Replaying, body: Body) -> None:
    version = _version(tx, body["version"])
    waiting = upserts.list_upserts(tx.connection, version.artifact_id, body["id"])
    for one in waiting:
        edges.add_edge(tx, run_key=one.run_key, version_id=version.id, direction=Direction.OUTPUT)
    upserts.remove_upserts(tx, waiting)


_KINDS: dict[str, Callable[[Replaying, Body], None]] = {
    "alias.protected": _alias_protected,
    "alias.removed": _alias_removed,
    "alias.set": _alias_set,
    "alias.unprotected": _alias_unprotected,
    "artifact.created": _artifact_created,
    "artifact.moved": _artifact_moved,
    "artifact.retyped": _artifact_retyped,
    "artifact.tagged": _artifact_tagged,
    "artifact.ttl": _artifact_ttl,
    "artifact.updated": _artifact_updated,
    "link.added": _link_added,
    "link.removed": _link_removed,
    "project.created": _project_created,
    "registry.deleted": _registry_deleted,
    "registry.renamed": _registry_renamed,
    "registry.saved": _registry_saved,
    "run.alert": _run_alert,
    "run.deleted": _run_deleted,
    "run.file_removed": _run_file_removed,
    "run.files": _run_files,
    "run.forked": _run_forked,
    "run.rewound": _run_rewound,
    "run.started": _run_started,
    "run.tagged": _run_tagged,
    "run.updated": _run_updated,
    "upsert.added": _upsert_added,
    "upsert.finished": _upsert_finished,
    "version.deleted": _version_deleted,
    "version.freed": _version_freed,
    "version.logged": _version_logged,
    "version.relogged": _version_relogged,
    "version.restored": _version_restored,
    "version.tagged": _version_tagged,
    "version.ttl": _version_ttl,
    "version.updated": _version_updated,
    "version.used": _version_used,
}

_NOTHING = frozenset({"artifact.deleted", "undo"})  # the records beside it tell all that was done
