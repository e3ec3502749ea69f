"""Rows of artifacts: the named lines of versions."""

import sqlite3
from typing import Any

from localart.catalog.projects import ensure_project
from localart.catalog.search import index_row, reindexed
from localart.catalog.transaction import Transaction
from localart.errors import ContentConflict
from localart.model import ArtifactRecord
from localart.names import shown

_SELECT = (
    "SELECT a.id, p.name, a.name, a.type, a.description, a.created_at,"
    " (SELECT count(*) FROM versions WHERE artifact = a.id AND state = 'COMMITTED'),"
    " (SELECT max(number) FROM versions WHERE artifact = a.id AND state = 'COMMITTED')"
    " FROM artifacts a JOIN projects p ON p.id = a.project"
)


def find_artifact(connection: sqlite3.Connection, project: str, name: str) -> ArtifactRecord | None:
    """The artifact, or None. The returned row is checked to be the one asked for."""
    row = connection.execute(f"{_SELECT} WHERE p.name = ? AND a.name = ?", (project, name)).fetchone()
    if row is None or (row[1], row[2]) != (project, name):
        return None
    return _record(row)


def list_artifacts(
    connection: sqlite3.Connection, *, project: str | None = None, kind: str | None = None
) -> list[ArtifactRecord]:
    """Artifacts by project, type and name; only those with a committed version."""
    rows = connection.execute(
        f"{_SELECT} WHERE (:project IS NULL OR p.name = :project) AND (:kind IS NULL OR a.type = :kind)"
        " AND EXISTS (SELECT 1 FROM versions WHERE artifact = a.id AND state = 'COMMITTED')"
        " ORDER BY p.name, a.type, a.name",
        {"project": project, "kind": kind},
    )
    return [_record(row) for row in rows.fetchall()]


def _record(row: tuple[Any, ...]) -> ArtifactRecord:
    return ArtifactRecord(
        id=row[0],
        project=row[1],
        name=row[2],
        type=row[3],
        description=row[4],
        created_at=row[5],
        version_count=row[6],
        latest=row[7],
    )


def ensure_artifact(tx: Transaction, project: str, name: str, kind: str, description: str | None) -> int:
    """The artifact's row, made if it is new; `ContentConflict` when the name has another type."""
    project_id = ensure_project(tx, project)
    row = tx.execute(
        "SELECT id, type FROM artifacts WHERE project = ? AND name = ?", (project_id, name)
    ).fetchone()
    if row is None:
        tx.record("artifact.created", {"project": project, "artifact": name, "type": kind})
        artifact_id = tx.insert(
            "INSERT INTO artifacts(project, name, type, description, created_at) VALUES (?,?,?,?,?)",
            (project_id, name, kind, description, tx.now),
        )
        index_row(tx, "artifacts", artifact_id)
        return artifact_id
    if row[1] != kind:
        raise ContentConflict(
            f"Artifact {shown(name)} already exists with type {shown(row[1])}; cannot create another with type"
            f" {shown(kind)}",
            hint="use the same type, or another name",
        )
    row_id: int = row[0]
    return row_id


def move_artifact(tx: Transaction, artifact: ArtifactRecord, *, project: str, name: str) -> None:
    """Give the artifact another name or project; its versions, aliases and edges go with it."""
    project_id = ensure_project(tx, project)
    taken = tx.execute(
        "SELECT 1 FROM artifacts WHERE project = ? AND name = ? AND id <> ?", (project_id, name, artifact.id)
    ).fetchone()
    if taken:
        raise ContentConflict(
            f"Project {shown(project)} already has an artifact {shown(name)}", hint="choose another name"
        )
    with reindexed(tx, "artifacts", artifact.id):
        tx.execute("UPDATE artifacts SET project = ?, name = ? WHERE id = ?", (project_id, name, artifact.id))
    tx.record(
        "artifact.moved",
        {"from": [artifact.project, artifact.name], "to": [project, name]},
    )
