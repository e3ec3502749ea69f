"""The types that artifacts have."""

import sqlite3

from localart.catalog.counts import one_state, refuse_missing
from localart.catalog.projects import find_project
from localart.catalog.seals import Sealed
from localart.model import ArtifactKind

_SEALED = Sealed(a="artifacts")


def artifact_types(
    connection: sqlite3.Connection, project: str | None, *, role: ArtifactKind | None = None
) -> list[str]:
    """The types of the artifacts (of portfolios only, or sequences) of a project (None: of all) by name."""
    project_id = None if project is None else find_project(connection, project)
    if project is not None and project_id is None:
        return []
    where = "" if project_id is None else "WHERE a.project = :project"
    with one_state(connection):
        rows = _SEALED.rows(
            connection.execute(
                f"SELECT a.project, a.type, a.kind, {_SEALED.columns} FROM artifacts a {where}",
                {"project": project_id},
            ).fetchall()
        )
        owners = None if project_id is None else {project_id}
        refuse_missing(connection, "holds", [row[0] for row in rows], owners)
    return sorted({row[1] for row in rows if role is None or row[2] == role.value})
