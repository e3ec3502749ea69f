"""The short lists of a browser, whole: projects and artifacts, with what they hold; and the browser's connection.

Their sums are SQL's: what they are over is compared first (`_refuse_damage`). Nothing here writes.
"""

import sqlite3
from dataclasses import dataclass

from localart.catalog.aliases import aliases_of
from localart.catalog.artifacts import refuse_hidden, refuse_loss
from localart.catalog.browsing_rows import PROSE, few_names
from localart.catalog.counts import refuse_any_missing
from localart.catalog.seals import Sealed, damaged, iter_unsealed

MOST_ARTIFACTS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectLine:
    """A project and what it holds; `size_bytes` is what its versions would take written out whole."""

    name: str
    artifact_count: int
    version_count: int
    run_count: int
    running_count: int
    size_bytes: int
    active_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactLine:
    """An artifact; `aliases` are those of its latest version, `latest` its number or None."""

    id: int
    project: str
    name: str
    type: str
    kind: str
    description: str
    version_count: int
    size_bytes: int
    latest: int | None
    aliases: tuple[str, ...]
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactHead:
    """What is known of an artifact without looking at its versions."""

    id: int
    project: str
    name: str
    type: str
    is_portfolio: bool


def become_reader(connection: sqlite3.Connection, *, busy_ms: int, cache_kib: int) -> None:
    """Let the connection change nothing, wait no longer than this for a lock, and keep no more than this in memory."""
    connection.execute(f"PRAGMA busy_timeout={busy_ms:d}")
    connection.execute(f"PRAGMA cache_size=-{cache_kib:d}")
    connection.execute("PRAGMA query_only=1")


def data_version(connection: sqlite3.Connection) -> int:
    """A number that is another one after somebody else has committed."""
    number: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return number


_ONE_PROJECT = Sealed(p="projects")

_ONE_ARTIFACT = Sealed(a="artifacts", p="projects")


# What an index says of the newest run is compared with that run's row: no seal is over an index.
_NEWEST_RUN = (
    "(SELECT iif(newest.created_at IS (SELECT created_at FROM runs WHERE id = newest.id), newest.created_at, 0)"
    " FROM runs newest WHERE newest.project = p.id ORDER BY newest.created_at DESC LIMIT 1)"
)

_PROJECTS = f"""
SELECT p.name, p.created_at,
  (SELECT count(*) FROM artifacts WHERE project = p.id),
  (SELECT count(*) FROM runs WHERE project = p.id),
  (SELECT count(*) FROM runs WHERE project = p.id AND state = 'running'),
  {_NEWEST_RUN},
  coalesce(held.versions, 0), coalesce(held.size, 0), held.newest, {_ONE_PROJECT.columns}
FROM projects p LEFT JOIN (
  SELECT a.project AS project, count(*) AS versions, sum(m.size) AS size, max(v.created_at) AS newest
  FROM versions v JOIN artifacts a ON a.id = v.artifact JOIN manifests m ON m.id = v.manifest
  WHERE v.state = 'COMMITTED' GROUP BY a.project
) held ON held.project = p.id
ORDER BY p.name
"""

_ARTIFACTS = f"""
SELECT a.id, p.name, a.name, a.type, a.kind, substr(coalesce(a.description, ''), 1, {PROSE}), a.created_at,
  held.versions, held.size, held.latest, held.newest, held.newest_id, {_ONE_ARTIFACT.columns}
FROM artifacts a JOIN projects p ON p.id = a.project JOIN (
  SELECT v.artifact AS artifact, count(*) AS versions, sum(m.size) AS size, max(v.number) AS latest,
    max(v.created_at) AS newest, max(v.id) AS newest_id
  FROM versions v JOIN manifests m ON m.id = v.manifest
  WHERE v.state = 'COMMITTED' AND v.artifact IN (SELECT id FROM artifacts WHERE :project IS NULL OR project = :project)
  GROUP BY v.artifact
  UNION ALL
  SELECT l.artifact, count(*), sum(m.size), max(l.number), max(l.created_at), max(l.version)
  FROM links l JOIN versions v ON v.id = l.version JOIN manifests m ON m.id = v.manifest
  WHERE l.removed_at IS NULL AND v.state = 'COMMITTED'
    AND l.artifact IN (SELECT id FROM artifacts WHERE :project IS NULL OR project = :project)
  GROUP BY l.artifact
) held ON held.artifact = a.id
ORDER BY a.type, a.name LIMIT {MOST_ARTIFACTS}
"""

_MOST_COMPARED = 1_000


def _refuse_damage(connection: sqlite3.Connection) -> None:
    """CatalogDamaged when rows are missing, or when one that is added up was changed.

    Of more than a thousand versions only their number is looked at: the sums of so many are left to verify.
    """
    refuse_loss(connection)
    for kind in ("projects", "holds", "ran", "linked"):
        refuse_any_missing(connection, kind)
    if (
        connection.execute("SELECT coalesce(sum(next_number), 0) FROM artifacts").fetchone()[0]
        > _MOST_COMPARED
    ):
        return
    for _, name in iter_unsealed(connection, ("projects", "artifacts", "versions", "links")):
        raise damaged(name)


def project_lines(connection: sqlite3.Connection) -> list[ProjectLine]:
    """Every project by name. Scans the versions: 0.1 s for 100,000."""
    _refuse_damage(connection)
    rows = _ONE_PROJECT.rows(connection.execute(_PROJECTS).fetchall())
    if any(last_run == 0 for _, _, _, _, _, last_run, *_ in rows):
        raise damaged("the index of runs by time")
    return [
        ProjectLine(
            name=name,
            artifact_count=artifacts,
            version_count=versions,
            run_count=runs,
            running_count=running,
            size_bytes=size,
            active_at=max(created, last_run or "", newest or ""),
        )
        for name, created, artifacts, runs, running, last_run, versions, size, newest in rows
    ]


def artifact_lines(connection: sqlite3.Connection, project: int | None) -> list[ArtifactLine]:
    """The artifacts of a project (a row id) that have a version, by type and name; at most 50,000."""
    _refuse_damage(connection)
    rows = _ONE_ARTIFACT.rows(connection.execute(_ARTIFACTS, {"project": project}).fetchall())
    names = aliases_of(connection, [row[11] for row in rows])
    return [
        ArtifactLine(
            id=row[0],
            project=row[1],
            name=row[2],
            type=row[3],
            kind=row[4],
            description=row[5],
            updated_at=row[10] or row[6],
            version_count=row[7],
            size_bytes=row[8],
            latest=row[9],
            aliases=few_names(names.get(row[11], ()), row[0]),
        )
        for row in rows
    ]


def find_head(connection: sqlite3.Connection, project: str, name: str) -> ArtifactHead | None:
    """The artifact's head, or None."""
    row = _ONE_ARTIFACT.row(
        connection.execute(
            f"SELECT a.id, p.name, a.name, a.type, a.kind, {_ONE_ARTIFACT.columns} FROM artifacts a"
            " JOIN projects p ON p.id = a.project WHERE p.name = ? AND a.name = ?",
            (project, name),
        ).fetchone()
    )
    if row is None:
        refuse_hidden(connection, project, name)
        return None
    return ArtifactHead(
        id=row[0], project=row[1], name=row[2], type=row[3], is_portfolio=row[4] == "portfolio"
    )
