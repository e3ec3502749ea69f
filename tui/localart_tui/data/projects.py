"""Projects, and what the store holds in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart.catalog import browsing, projects
from localart.catalog.browsing import ProjectLine
from localart.catalog.projects import find_project
from localart.errors import ProjectNotFound
from localart.names import shown

if TYPE_CHECKING:
    import sqlite3

__all__ = ["ProjectLine", "list_projects", "only_project", "project_id"]


def list_projects(connection: sqlite3.Connection) -> list[ProjectLine]:
    """Every project, by name."""
    return browsing.project_lines(connection)


def project_id(connection: sqlite3.Connection, name: str) -> int:
    """The project's row id, or ProjectNotFound."""
    found = find_project(connection, name)
    if found is None:
        raise ProjectNotFound(f"There is no project {shown(name)}", hint="`localart ls` lists the projects")
    return found


def only_project(connection: sqlite3.Connection) -> str | None:
    """The name of the one project there is; None when there are none or several."""
    found = projects.list_projects(connection)
    return found[0].name if len(found) == 1 else None
