"""Rows of projects."""

import sqlite3
from typing import Any

from localart.catalog.counts import count_all, one_state, refuse_missing
from localart.catalog.seals import Sealed, damaged, seal
from localart.catalog.transaction import Transaction
from localart.model import ProjectRecord
from localart.names import shown

_SEALED = Sealed(p="projects")


def ensure_project(tx: Transaction, name: str) -> int:
    """The project's row, made if it is new."""
    row_id = find_project(tx.connection, name)
    if row_id is not None:
        return row_id
    tx.record("project.created", {"project": name})
    project_id = tx.insert("INSERT INTO projects(name, created_at) VALUES (?,?)", (name, tx.now))
    seal(tx, "projects", project_id)
    return project_id


def find_project(connection: sqlite3.Connection, name: str) -> int | None:
    """The project's row, or None."""
    row = _SEALED.row(
        connection.execute(
            f"SELECT p.id, p.name, {_SEALED.columns} FROM projects p WHERE p.name = ?", (name,)
        ).fetchone()
    )
    if row is None:
        refuse_hidden_project(connection, name)
        return None
    if row[1] != name:
        raise damaged(f"the index that leads to {shown(name)}")
    project_id: int = row[0]
    return project_id


def refuse_hidden_project(connection: sqlite3.Connection, name: str) -> None:
    """CatalogDamaged when there is such a project, and its index does not lead to it any more."""
    by_index, by_row = connection.execute(  # one statement: a writer may make it meanwhile
        "SELECT EXISTS (SELECT 1 FROM projects WHERE name = :name),"
        " EXISTS (SELECT 1 FROM projects NOT INDEXED WHERE name = :name)",
        {"name": name},
    ).fetchone()
    if by_index != by_row:
        raise damaged(f"the index that leads to {shown(name)}")


def project_names(connection: sqlite3.Connection) -> list[str]:
    """The names of all projects, in order; without counting what they hold."""
    return sorted(row[0] for row in _all(connection, "p.name"))


def _all(connection: sqlite3.Connection, columns: str) -> list[tuple[Any, ...]]:
    with one_state(connection):
        rows = _SEALED.rows(
            connection.execute(f"SELECT {columns}, {_SEALED.columns} FROM projects p NOT INDEXED").fetchall()
        )
        refuse_missing(connection, "projects", [0] * len(rows), [0])
    return rows


def list_projects(connection: sqlite3.Connection) -> list[ProjectRecord]:
    """Every project by name, with what it holds."""
    rows = sorted(_all(connection, "p.name, p.created_at, p.id"))
    ids = [row[2] for row in rows]
    artifacts, runs = (count_all(connection, kind, ids) for kind in ("holds", "ran"))
    return [
        ProjectRecord(name=name, created_at=created_at, artifact_count=artifacts[key], run_count=runs[key])
        for name, created_at, key in rows
    ]
