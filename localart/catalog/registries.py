"""Rows of registries: projects named `wandb-registry-NAME`, and what may be linked into them."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from localart.catalog.counts import one_state, refuse_missing
from localart.catalog.projects import ensure_project, find_project
from localart.catalog.seals import Sealed, resealed
from localart.catalog.transaction import Transaction
from localart.catalog.types import artifact_types
from localart.errors import ArtifactTypeMismatch, ContentConflict
from localart.model import ArtifactKind
from localart.names import shown
from localart.records import dataclass

PREFIX = "wandb-registry-"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRecord:
    """A registry. `artifact_types` None: portfolios of any type; `collection_types` are those it has."""

    name: str
    project_id: int
    description: str | None
    visibility: str
    artifact_types: tuple[str, ...] | None
    collection_types: tuple[str, ...]
    created_at: str
    updated_at: str | None

    @property
    def project(self) -> str:
        """The project that holds its portfolios."""
        return PREFIX + self.name


_SEALED = Sealed(p="projects")
_SELECT = (
    "SELECT p.name, p.id, p.description, coalesce(r.visibility, 'organization'), r.artifact_types, p.created_at,"
    " r.updated_at, r.project IS NOT NULL OR EXISTS"
    " (SELECT 1 FROM links l JOIN artifacts a ON a.id = l.artifact WHERE a.project = p.id AND l.removed_at IS NULL),"
    f" {_SEALED.columns}"
    " FROM projects p NOT INDEXED LEFT JOIN registries r ON r.project = p.id"
)


def is_registry(project: str) -> bool:
    """Whether a project of this name is a registry."""
    return project.startswith(PREFIX) and project != PREFIX


def find_registry(connection: sqlite3.Connection, name: str) -> RegistryRecord | None:
    """The registry `name` (without the prefix), or None. One comes into being by being created or linked into."""
    return next((one for one in list_registries(connection) if one.name == name), None)


def list_registries(connection: sqlite3.Connection) -> list[RegistryRecord]:
    """Every registry by name."""
    # A damaged name, or a lost row of registries, must not take one out of the list: all projects are looked at.
    with one_state(connection):
        found = _SEALED.rows(connection.execute(_SELECT).fetchall())
        refuse_missing(connection, "projects", [0] * len(found), [0])
    return [_record(connection, row) for row in sorted(found) if is_registry(row[0]) and row[7]]


def _record(connection: sqlite3.Connection, row: tuple[Any, ...]) -> RegistryRecord:
    return RegistryRecord(
        name=row[0].removeprefix(PREFIX),
        project_id=row[1],
        description=row[2],
        visibility=row[3],
        artifact_types=None if row[4] is None else tuple(json.loads(row[4])),
        collection_types=tuple(artifact_types(connection, row[0], role=ArtifactKind.PORTFOLIO)),
        created_at=row[5],
        updated_at=row[6],
    )


def refuse_type(connection: sqlite3.Connection, project: str, kind: str) -> None:
    """ArtifactTypeMismatch when the project is a registry that does not take artifacts of this type."""
    if not is_registry(project):
        return
    record = find_registry(connection, project.removeprefix(PREFIX))
    if record is None or record.artifact_types is None or kind in record.artifact_types:
        return
    raise ArtifactTypeMismatch(
        f"Registry {shown(record.name)} takes {', '.join(map(shown, record.artifact_types))}, not {shown(kind)}",
        hint="append the type to the registry's artifact_types and save it, or link elsewhere",
    )


def save_registry(
    tx: Transaction,
    name: str,
    *,
    description: str | None,
    visibility: str,
    artifact_types: Sequence[str] | None,
) -> None:
    """Make the registry, or make these its facts."""
    project_id = ensure_project(tx, PREFIX + name)
    types = None if artifact_types is None else json.dumps(sorted(set(artifact_types)))
    with resealed(tx, "projects", project_id):
        tx.execute("UPDATE projects SET description = ? WHERE id = ?", (description, project_id))
        tx.execute(
            "INSERT OR REPLACE INTO registries(project, visibility, artifact_types, updated_at) VALUES (?,?,?,?)",
            (project_id, visibility, types, tx.now),
        )
    tx.record(
        "registry.saved",
        {
            "registry": name, "description": description, "visibility": visibility,
            "artifact_types": None if artifact_types is None else sorted(set(artifact_types)),
        },
    )  # fmt: skip


def rename_registry(tx: Transaction, name: str, new_name: str) -> None:
    """Give the registry, and with it the project of its portfolios, another name; ContentConflict when it is taken."""
    if tx.execute("SELECT 1 FROM projects WHERE name = ?", (PREFIX + new_name,)).fetchone():
        raise ContentConflict(f"There is a registry {shown(new_name)} already", hint="choose another name")
    project_id = find_project(tx.connection, PREFIX + name)
    if project_id is not None:
        with resealed(tx, "projects", project_id):
            tx.execute("UPDATE projects SET name = ? WHERE id = ?", (PREFIX + new_name, project_id))
    tx.record("registry.renamed", {"from": name, "to": new_name})


def forget_registry(tx: Transaction, name: str) -> None:
    """Remove what was said of the registry. It is gone when nothing is linked in it either."""
    project_id = find_project(tx.connection, PREFIX + name)
    if project_id is not None:
        with resealed(tx, "projects", project_id):
            tx.execute("DELETE FROM registries WHERE project = ?", (project_id,))
    tx.record("registry.deleted", {"registry": name})
