"""The types that artifacts have."""

import sqlite3


def artifact_types(connection: sqlite3.Connection, project: str | None) -> list[str]:
    """The types of the artifacts of a project (None: of all) by name."""
    rows = connection.execute(
        "SELECT DISTINCT type FROM artifacts"
        " WHERE :project IS NULL OR project = (SELECT id FROM projects WHERE name = :project) ORDER BY type",
        {"project": project},
    )
    return [name for (name,) in rows.fetchall()]
