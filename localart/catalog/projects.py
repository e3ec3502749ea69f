"""Rows of projects."""

import sqlite3

from localart.catalog.transaction import Transaction
from localart.model import ProjectRecord


def ensure_project(tx: Transaction, name: str) -> int:
    """The project's row, made if it is new."""
    row_id = find_project(tx.connection, name)
    if row_id is not None:
        return row_id
    tx.record("project.created", {"project": name})
    return tx.insert("INSERT INTO projects(name, created_at) VALUES (?,?)", (name, tx.now))


def find_project(connection: sqlite3.Connection, name: str) -> int | None:
    """The project's row, or None."""
    row = connection.execute("SELECT id FROM projects WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def project_names(connection: sqlite3.Connection) -> list[str]:
    """The names of all projects, in order; without counting what they hold."""
    return [name for (name,) in connection.execute("SELECT name FROM projects ORDER BY name")]


def list_projects(connection: sqlite3.Connection) -> list[ProjectRecord]:
    """Every project by name, with what it holds."""
    rows = connection.execute(
        "SELECT p.name, p.created_at, (SELECT count(*) FROM artifacts WHERE project = p.id),"
        " (SELECT count(*) FROM runs WHERE project = p.id) FROM projects p ORDER BY p.name"
    )
    return [
        ProjectRecord(name=name, created_at=created_at, artifact_count=artifacts, run_count=runs)
        for name, created_at, artifacts, runs in rows.fetchall()
    ]
