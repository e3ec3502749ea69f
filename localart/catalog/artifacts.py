"""Rows of artifacts: the named lines of versions (sequences), and of links to versions of others (portfolios)."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from localart.catalog.counts import one_state, refuse_missing, said_count
from localart.catalog.projects import ensure_project, find_project, refuse_hidden_project
from localart.catalog.seals import Sealed, damaged, resealed, seal
from localart.catalog.search import index_row, reindexed
from localart.catalog.transaction import Transaction
from localart.errors import ContentConflict
from localart.model import ArtifactKind, ArtifactRecord
from localart.names import shown
from localart.records import dataclass

_SEALED = Sealed(a="artifacts", p="projects")

_SAID_DELETED = said_count("'deleted'", "a.id")
_LATEST = (
    "(SELECT number FROM versions WHERE artifact = a.id AND state <> 'DELETED' ORDER BY number DESC LIMIT 1)"
)
_LATEST_LINK = "(SELECT max(number) FROM links WHERE artifact = a.id AND removed_at IS NULL)"
# A line of 100,000 versions is not counted: every number it gave has a row for ever, and the few that were deleted
# have an index of their own. The newest is found from the end; one of a damaged state is found, too, and refused then.
_COLUMNS = (
    "a.id, p.name, a.name, a.type, a.description, a.created_at,"
    " iif(a.kind = 'sequence',"
    " a.next_number - (SELECT count(*) FROM versions WHERE artifact = a.id AND state = 'DELETED')"
    " - (SELECT count(*) FROM links WHERE artifact = a.id),"
    " (SELECT count(*) FROM links WHERE artifact = a.id AND removed_at IS NULL)),"
    f" iif(a.kind = 'sequence', {_LATEST},"
    f" {_LATEST_LINK}),"
    " a.kind, a.ttl_seconds, a.next_number,"
    " (SELECT count(*) FROM versions WHERE artifact = a.id AND state = 'DELETED')"
    f" = {_SAID_DELETED}"
)
_FROM = "FROM artifacts a LEFT JOIN projects p ON p.id = a.project"
_SELECT = f"SELECT {_COLUMNS}, {_SEALED.columns} {_FROM}"
_NAMED = f"SELECT {_COLUMNS}, {_SEALED.columns} FROM projects p CROSS JOIN artifacts a ON p.id = a.project"
_LAST_NUMBER = (
    "max(coalesce((SELECT max(number) FROM versions WHERE artifact = a.id), -1),"
    " coalesce((SELECT max(number) FROM links WHERE artifact = a.id), -1))"
)


def find_artifact(connection: sqlite3.Connection, project: str, name: str) -> ArtifactRecord | None:
    """The artifact or portfolio, or None. The returned row is checked to be the one asked for."""
    row = _SEALED.row(
        connection.execute(f"{_SELECT} WHERE p.name = ? AND a.name = ?", (project, name)).fetchone()
    )
    if row is None:
        refuse_hidden(connection, project, name)
        return None
    return _record(connection, row) if (row[1], row[2]) == (project, name) else None


def refuse_hidden(connection: sqlite3.Connection, project: str, name: str) -> None:
    """CatalogDamaged when there is such an artifact, and an index does not lead to it any more."""
    refuse_hidden_project(connection, project)
    place = "JOIN projects p ON p.id = a.project WHERE a.name = :name AND p.name = :project"
    by_index, by_row = connection.execute(  # one statement: a writer may make it meanwhile
        f"SELECT EXISTS (SELECT 1 FROM artifacts a {place}), EXISTS (SELECT 1 FROM artifacts a NOT INDEXED {place})",
        {"name": name, "project": project},
    ).fetchone()
    if by_index != by_row:
        raise damaged(f"the index that leads to {shown(name)}")


def get_artifact(connection: sqlite3.Connection, artifact_id: int) -> ArtifactRecord:
    """The artifact or portfolio with this row id, which must exist."""
    row = _SEALED.row(connection.execute(f"{_SELECT} WHERE a.id = ?", (artifact_id,)).fetchone())
    if row is None:
        raise damaged(f"artifact {artifact_id}")
    return _record(connection, row)


def list_artifacts(
    connection: sqlite3.Connection, *, project: str | None = None, kind: str | None = None
) -> list[ArtifactRecord]:
    """Artifacts with a committed version of their own, by project, type and name. `kind` is their type."""
    return [one for one in _list(connection, project, kind) if one.kind is ArtifactKind.SEQUENCE]


def list_collections(
    connection: sqlite3.Connection, *, project: str | None = None, kind: str | None = None
) -> list[ArtifactRecord]:
    """Artifacts with a committed version and portfolios with a link, by project, type and name."""
    return _list(connection, project, kind)


def find_named(connection: sqlite3.Connection, name: str) -> list[ArtifactRecord]:
    """The artifacts and portfolios with this name that hold something, by project. One seek a project."""
    refuse_loss(connection)
    rows = connection.execute(f"{_NAMED} WHERE a.name = :name ORDER BY p.name", {"name": name}).fetchall()
    found = [_record(connection, row) for row in _SEALED.rows(rows) if row[2] == name]
    return [one for one in found if one.version_count]


@dataclass(frozen=True, slots=True)
class Given:
    """How many versions and links an artifact has rows of."""

    versions: int
    links: int


def refuse_gaps(connection: sqlite3.Connection, artifact_id: int) -> Given:
    """CatalogDamaged unless the artifact has a row for every number it gave: rows stay for ever. Counts them."""
    row = connection.execute(
        f"SELECT a.name, a.next_number, {_LAST_NUMBER} + 1, (SELECT count(*) FROM versions WHERE artifact = a.id),"
        " (SELECT count(*) FROM links WHERE artifact = a.id) FROM artifacts a WHERE a.id = ?",
        (artifact_id,),
    ).fetchone()
    if row is None:
        return Given(0, 0)
    name, given, last, versions, links = row
    if not given == last == versions + links:
        raise damaged(f"one of the versions of {name}")
    return Given(versions, links)


def refuse_loss(connection: sqlite3.Connection) -> None:
    """CatalogDamaged unless there is a row for every number given, and each artifact has the last of its own.

    Nothing is counted artifact by artifact, so that it takes a millisecond for 100,000 versions.
    """
    given, there = connection.execute(
        "SELECT (SELECT coalesce(sum(next_number), 0) FROM artifacts),"
        " (SELECT count(*) FROM versions) + (SELECT count(*) FROM links)"
    ).fetchone()
    if given != there:
        raise damaged("a version or an artifact")
    row = connection.execute(
        f"SELECT a.name FROM artifacts a WHERE a.next_number <> {_LAST_NUMBER} + 1 LIMIT 1"
    ).fetchone()
    if row is not None:
        raise damaged(f"one of the versions of {row[0]}")


def _list(connection: sqlite3.Connection, project: str | None, kind: str | None) -> list[ArtifactRecord]:
    """Those that hold something."""
    refuse_loss(connection)
    project_id = None if project is None else find_project(connection, project)
    if project is not None and project_id is None:
        return []
    where = "" if project_id is None else "WHERE a.project = :project"
    with one_state(connection):
        rows = _SEALED.rows(
            connection.execute(
                f"SELECT {_COLUMNS}, a.project, {_SEALED.columns} {_FROM} {where}"
                " ORDER BY p.name, a.type, a.name",
                {"project": project_id},
            ).fetchall()
        )
        # A damaged type or project must not take a row out of the list: all of them are looked at.
        owners = None if project_id is None else {project_id}
        refuse_missing(connection, "holds", [row[12] for row in rows], owners)
        found = [_record(connection, row) for row in rows]
    return [one for one in found if one.version_count and kind in {None, one.type}]


def _record(connection: sqlite3.Connection, row: tuple[Any, ...]) -> ArtifactRecord:
    if row[1] is None:
        raise damaged(f"the project of {row[2]}")
    if not row[11]:
        raise damaged(f"one of the deleted versions of {row[2]}")
    if row[7] != row[10] - 1:  # the last number given is the latest's, but where the last ones were deleted
        _refuse_wrong_latest(connection, row)
    return ArtifactRecord(
        id=row[0],
        project=row[1],
        name=row[2],
        type=row[3],
        description=row[4],
        created_at=row[5],
        version_count=row[6],
        latest=row[7],
        kind=ArtifactKind(row[8]),
        ttl_seconds=row[9],
    )


def _refuse_wrong_latest(connection: sqlite3.Connection, row: tuple[Any, ...]) -> None:
    """CatalogDamaged unless each number given after the latest is that of a deleted version or of a link."""
    found = connection.execute(  # asked again: one statement sees one state
        "SELECT given, latest, (SELECT count(*) FROM versions WHERE artifact = :id AND number > latest"
        " AND state = 'DELETED') + (SELECT count(*) FROM links WHERE artifact = :id AND number > latest) FROM"
        f" (SELECT a.next_number AS given, coalesce(iif(a.kind = 'sequence', {_LATEST}, {_LATEST_LINK}), -1) AS latest"
        " FROM artifacts a WHERE a.id = :id)",
        {"id": row[0]},
    ).fetchone()
    given, latest, gone = found or (0, -1, 0)
    if not isinstance(latest, int) or gone != given - 1 - latest or (row[7] is None) != (row[6] == 0):
        raise damaged(f"one of the versions of {row[2]}")


def artifact_tags(connection: sqlite3.Connection, artifact_id: int) -> list[str]:
    """The tags of the artifact itself (its versions have their own), by name."""
    get_artifact(connection, artifact_id)  # its seal is over them, too
    rows = connection.execute(
        "SELECT name FROM artifact_tags WHERE artifact = ? ORDER BY name", (artifact_id,)
    )
    return [name for (name,) in rows.fetchall()]


def last_change(connection: sqlite3.Connection, artifact_id: int) -> str:
    """When it was made, or a version, link or alias of it last changed: ISO-8601 UTC."""
    row = connection.execute(
        "SELECT max(time) FROM (SELECT created_at AS time FROM artifacts WHERE id = :id"
        " UNION ALL SELECT max(updated_at) FROM versions WHERE artifact = :id"
        " UNION ALL SELECT max(max(created_at, coalesce(removed_at, ''))) FROM links WHERE artifact = :id"
        " UNION ALL SELECT max(updated_at) FROM aliases WHERE artifact = :id)",
        {"id": artifact_id},
    ).fetchone()
    time: str = row[0]
    return time


# --- writing ---------------------------------------------------------------------------------------


def ensure_artifact(
    tx: Transaction,
    project: str,
    name: str,
    kind: str,
    description: str | None,
    *,
    role: ArtifactKind = ArtifactKind.SEQUENCE,
) -> int:
    """The artifact's row, made if it is new; `ContentConflict` when the name has another type (`kind`) or role.

    A name that holds nothing any more (all its versions or links were deleted) may become something else.
    """
    project_id = ensure_project(tx, project)
    row = tx.execute(
        "SELECT id, type, kind FROM artifacts WHERE project = ? AND name = ?", (project_id, name)
    ).fetchone()
    if row is None:
        refuse_hidden(tx.connection, project, name)
        return _insert(tx, project, project_id, name, kind, description, role)
    if (row[1], row[2]) != (kind, role.value):
        if _holds_anything(tx, row[0]):
            raise _taken(name, row[1], row[2], kind, role)
        retype_artifact(tx, get_artifact(tx.connection, row[0]), kind, role=role)
    row_id: int = row[0]
    return row_id


def next_number(tx: Transaction, artifact_id: int) -> int:
    """Take the artifact's next number, which is never given again; CatalogDamaged when its counter is damaged."""
    with resealed(tx, "artifacts", artifact_id):
        row = tx.execute(
            "UPDATE artifacts SET next_number = next_number + 1 WHERE id = ? RETURNING next_number - 1",
            (artifact_id,),
        ).fetchone()
    number: int = row[0]
    return number


def _insert(
    tx: Transaction,
    project: str,
    project_id: int,
    name: str,
    kind: str,
    description: str | None,
    role: ArtifactKind,
) -> int:
    tx.record(
        "artifact.created",
        {"project": project, "artifact": name, "type": kind, "description": description, **_named_role(role)},
    )
    artifact_id = tx.insert(
        "INSERT INTO artifacts(project, name, type, kind, description, created_at) VALUES (?,?,?,?,?,?)",
        (project_id, name, kind, role.value, description, tx.now),
    )
    seal(tx, "artifacts", artifact_id)
    index_row(tx, "artifacts", artifact_id)
    return artifact_id


def _named_role(role: ArtifactKind) -> dict[str, str]:
    return {} if role is ArtifactKind.SEQUENCE else {"kind": role.value}


def _holds_anything(tx: Transaction, artifact_id: int) -> bool:
    row = tx.execute(
        "SELECT EXISTS (SELECT 1 FROM versions WHERE artifact = a.id AND state = 'COMMITTED')"
        " OR EXISTS (SELECT 1 FROM links WHERE artifact = a.id AND removed_at IS NULL)"
        " OR EXISTS (SELECT 1 FROM upserts WHERE artifact = a.id)"
        " FROM artifacts a WHERE a.id = ?",
        (artifact_id,),
    ).fetchone()
    return bool(row[0])


def _taken(name: str, old_type: str, old_role: str, kind: str, role: ArtifactKind) -> ContentConflict:
    if old_role == ArtifactKind.PORTFOLIO.value and role is ArtifactKind.SEQUENCE:
        return ContentConflict(
            f"{shown(name)} is a portfolio in this project: it links to versions and has none of its own",
            hint="log under another name, and link that",
        )
    if old_role == ArtifactKind.SEQUENCE.value and role is ArtifactKind.PORTFOLIO:
        return ContentConflict(
            f"{shown(name)} already is an artifact with versions of its own in this project",
            hint="link to another name",
        )
    return ContentConflict(
        f"Artifact {shown(name)} already exists with type {shown(old_type)}; cannot create another with type"
        f" {shown(kind)}",
        hint="use the same type, or another name",
    )


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
    with resealed(tx, "artifacts", artifact.id), reindexed(tx, "artifacts", artifact.id):
        tx.execute("UPDATE artifacts SET project = ?, name = ? WHERE id = ?", (project_id, name, artifact.id))
    tx.record(
        "artifact.moved",
        {"from": [artifact.project, artifact.name], "to": [project, name]},
    )


def retype_artifact(
    tx: Transaction, artifact: ArtifactRecord, kind: str, *, role: ArtifactKind | None = None
) -> None:
    """Give the artifact and all of its versions another type (and, of an empty one, another role)."""
    now = role or artifact.kind
    with resealed(tx, "artifacts", artifact.id), reindexed(tx, "artifacts", artifact.id):
        tx.execute("UPDATE artifacts SET type = ?, kind = ? WHERE id = ?", (kind, now.value, artifact.id))
    tx.record(
        "artifact.retyped",
        {"project": artifact.project, "artifact": artifact.name, "type": kind, "kind": now.value},
    )


def describe_artifact(tx: Transaction, artifact: ArtifactRecord, description: str | None) -> None:
    """Make this the artifact's description."""
    with resealed(tx, "artifacts", artifact.id), reindexed(tx, "artifacts", artifact.id):
        tx.execute("UPDATE artifacts SET description = ? WHERE id = ?", (description, artifact.id))
    tx.record(
        "artifact.updated",
        {"project": artifact.project, "artifact": artifact.name, "description": description},
    )


def set_artifact_ttl(tx: Transaction, artifact: ArtifactRecord, seconds: int | None) -> None:
    """Let versions that say nothing themselves be kept for `seconds`; None: for ever."""
    with resealed(tx, "artifacts", artifact.id):
        tx.execute("UPDATE artifacts SET ttl_seconds = ? WHERE id = ?", (seconds, artifact.id))
    tx.record(
        "artifact.ttl", {"project": artifact.project, "artifact": artifact.name, "ttl_seconds": seconds}
    )


def set_artifact_tags(tx: Transaction, artifact: ArtifactRecord, tags: Iterable[str]) -> None:
    """Make the artifact's own tags exactly `tags`."""
    wanted = sorted(set(tags))
    if wanted == artifact_tags(tx.connection, artifact.id):
        return
    with resealed(tx, "artifacts", artifact.id):
        tx.execute("DELETE FROM artifact_tags WHERE artifact = ?", (artifact.id,))
        tx.executemany(
            "INSERT INTO artifact_tags(artifact, name) VALUES (?,?)", [(artifact.id, tag) for tag in wanted]
        )
    tx.record("artifact.tagged", {"project": artifact.project, "artifact": artifact.name, "tags": wanted})
