"""Rows of projects, registries, artifacts' own facts, alerts and files of runs, set right from the journal.

Like `mending_rows`: one step inside one transaction, and doing it twice changes nothing.
"""

from localart.catalog.told_rest import Rest, ToldFacts, ToldProject, ToldThings
from localart.catalog.transaction import Transaction


def restore_projects(tx: Transaction, rest: Rest) -> None:
    """Make the projects what is told. One whose name was damaged is known by its time."""
    for name, project in rest.projects.items():
        key = _project_row(tx, rest, name, project)
        tx.execute(
            "UPDATE projects SET created_at = ?, description = ? WHERE id = ?",
            (project.created_at, project.description, key),
        )
        tx.execute("DELETE FROM registries WHERE project = ?", (key,))
        if project.registry is not None:
            tx.execute(
                "INSERT INTO registries(project, visibility, artifact_types, updated_at) VALUES (?,?,?,?)",
                (key, *project.registry),
            )


def _project_row(tx: Transaction, rest: Rest, name: str, project: ToldProject) -> int:
    row = tx.execute("SELECT id FROM projects NOT INDEXED WHERE name = ?", (name,)).fetchone()
    if row is not None:
        return int(row[0])
    for key, other in tx.execute(
        "SELECT id, name FROM projects NOT INDEXED WHERE created_at = ?", (project.created_at,)
    ).fetchall():
        if other not in rest.projects:
            tx.execute("UPDATE projects SET name = ? WHERE id = ?", (name, key))
            return int(key)
    return tx.insert(
        "INSERT INTO projects(id, name, created_at) VALUES (?,?,?)",
        (_number_left(tx), name, project.created_at),
    )


def _number_left(tx: Transaction) -> int | None:
    """The number that rows still name of a project that is gone, when there is one such."""
    left = tx.execute(
        "SELECT project FROM artifacts UNION SELECT project FROM runs EXCEPT SELECT id FROM projects"
    ).fetchall()
    return left[0][0] if len(left) == 1 else None


def forget_strangers(tx: Transaction, rest: Rest) -> None:
    """Remove projects that are not told and that nothing names any more."""
    for key, name in tx.execute("SELECT id, name FROM projects").fetchall():
        if name not in rest.projects:
            tx.execute(
                "DELETE FROM projects WHERE id = :id AND NOT EXISTS (SELECT 1 FROM artifacts WHERE project = :id)"
                " AND NOT EXISTS (SELECT 1 FROM runs WHERE project = :id)"
                " AND NOT EXISTS (SELECT 1 FROM registries WHERE project = :id)",
                {"id": key},
            )


def restore_facts(tx: Transaction, artifact_id: int, facts: ToldFacts) -> None:
    """Make what an artifact says of itself what is told."""
    tx.execute(
        "UPDATE artifacts SET description = ?, ttl_seconds = ? WHERE id = ?",
        (facts.description, facts.ttl_seconds, artifact_id),
    )
    tx.execute("DELETE FROM artifact_tags WHERE artifact = ?", (artifact_id,))
    tx.execute("DELETE FROM protected_aliases WHERE artifact = ?", (artifact_id,))
    tx.executemany(
        "INSERT INTO artifact_tags(artifact, name) VALUES (?,?)", [(artifact_id, one) for one in facts.tags]
    )
    tx.executemany(
        "INSERT INTO protected_aliases(artifact, alias) VALUES (?,?)",
        [(artifact_id, one) for one in facts.protected],
    )


def restore_things(tx: Transaction, run_key: int, things: ToldThings) -> None:
    """Make the alerts and files of a run those that are told; a file whose content has no row stays away."""
    found = tx.execute(
        "SELECT time, level, title, text FROM alerts WHERE run = ? ORDER BY id", (run_key,)
    ).fetchall()
    if found != things.alerts:
        tx.execute("DELETE FROM alerts WHERE run = ?", (run_key,))
        tx.executemany(
            "INSERT INTO alerts(run, time, level, title, text) VALUES (?,?,?,?,?)",
            [(run_key, *alert) for alert in things.alerts],
        )
    kept = {
        path: (digest.hex() if digest else "", time)
        for path, digest, time in tx.execute(
            "SELECT f.path, b.digest, f.updated_at FROM run_files f LEFT JOIN blobs b ON b.id = f.blob"
            " WHERE f.run = ?",
            (run_key,),
        ).fetchall()
    }
    for path in kept.keys() - things.files.keys():
        tx.execute("DELETE FROM run_files WHERE run = ? AND path = ?", (run_key, path))
    for path, (digest, time) in things.files.items():
        if kept.get(path) != (digest, time):
            tx.execute(
                "INSERT OR REPLACE INTO run_files(run, path, blob, updated_at)"
                " SELECT ?, ?, id, ? FROM blobs WHERE digest = ?",
                (run_key, path, time, bytes.fromhex(digest)),
            )
