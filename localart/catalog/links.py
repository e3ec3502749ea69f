"""Rows of links: the places that versions have in portfolios, each with a number of the portfolio's own."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from localart.catalog import aliases
from localart.catalog.transaction import Transaction
from localart.model import LinkRecord

_FETCH = 500

_SELECT = (
    "SELECT l.artifact, p.name, a.name, l.number, l.version, l.created_at,"
    " (SELECT json_group_array(name) FROM"
    " (SELECT name FROM aliases WHERE version = l.version AND artifact = l.artifact ORDER BY name))"
    " FROM links l JOIN artifacts a ON a.id = l.artifact JOIN projects p ON p.id = a.project"
    " WHERE l.removed_at IS NULL"
)


def find_link(connection: sqlite3.Connection, artifact_id: int, number: int) -> LinkRecord | None:
    """Link `number` of a portfolio, or None: removed, or never there."""
    row = connection.execute(
        f"{_SELECT} AND l.artifact = ? AND l.number = ?", (artifact_id, number)
    ).fetchone()
    return _record(row) if row else None


def find_link_to(connection: sqlite3.Connection, artifact_id: int, version_id: int) -> LinkRecord | None:
    """The portfolio's link to this version, or None."""
    row = connection.execute(
        f"{_SELECT} AND l.artifact = ? AND l.version = ?", (artifact_id, version_id)
    ).fetchone()
    return _record(row) if row else None


def was_linked(connection: sqlite3.Connection, artifact_id: int, number: int) -> bool:
    """Whether the portfolio ever gave this number."""
    key = (artifact_id, number)
    return bool(connection.execute("SELECT 1 FROM links WHERE artifact = ? AND number = ?", key).fetchone())


def links_to(connection: sqlite3.Connection, version_id: int) -> list[LinkRecord]:
    """Every link to this version, by project, portfolio and number."""
    rows = connection.execute(f"{_SELECT} AND l.version = ? ORDER BY p.name, a.name, l.number", (version_id,))
    return [_record(row) for row in rows.fetchall()]


def iter_links(
    connection: sqlite3.Connection, artifact_id: int, *, newest_first: bool = True
) -> Iterator[LinkRecord]:
    """The links of a portfolio, streamed by number in keyset pages."""
    comparison, order, at = ("<", "DESC", 1 << 62) if newest_first else (">", "ASC", -1)
    sql = f"{_SELECT} AND l.artifact = ? AND l.number {comparison} ? ORDER BY l.number {order} LIMIT {_FETCH}"
    while rows := connection.execute(sql, (artifact_id, at)).fetchall():
        yield from (_record(row) for row in rows)
        at = rows[-1][3]


def _record(row: tuple[Any, ...]) -> LinkRecord:
    return LinkRecord(
        artifact_id=row[0],
        project=row[1],
        artifact=row[2],
        number=row[3],
        version_id=row[4],
        created_at=row[5],
        aliases=tuple(json.loads(row[6])),
    )


# --- writing ---------------------------------------------------------------------------------------


def insert_link(tx: Transaction, artifact_id: int, version_id: int, version_uid: str) -> LinkRecord:
    """Give the version the portfolio's next number, which is never used again; its link if it has one already."""
    known = find_link_to(tx.connection, artifact_id, version_id)
    if known is not None:
        return known
    number = tx.execute(
        "UPDATE artifacts SET next_number = next_number + 1 WHERE id = ? RETURNING next_number - 1",
        (artifact_id,),
    ).fetchone()[0]
    tx.execute(
        "INSERT INTO links(artifact, number, version, created_at) VALUES (?,?,?,?)",
        (artifact_id, number, version_id, tx.now),
    )
    link = find_link(tx.connection, artifact_id, number)
    assert link is not None
    tx.record(
        "link.added",
        {"project": link.project, "artifact": link.artifact, "number": number, "version": version_uid},
    )
    return link


def remove_link(tx: Transaction, link: LinkRecord, version_uid: str) -> None:
    """Take the version out of the portfolio, and the portfolio's aliases off it."""
    for alias in link.aliases:
        remove_alias(tx, link, alias, version_uid)
    tx.execute(
        "UPDATE links SET removed_at = ? WHERE artifact = ? AND number = ?",
        (tx.now, link.artifact_id, link.number),
    )
    tx.record(
        "link.removed",
        {"project": link.project, "artifact": link.artifact, "number": link.number, "version": version_uid},
    )


def set_alias(tx: Transaction, link: LinkRecord, alias: str, version_uid: str) -> bool:
    """Point the portfolio's `alias` to the linked version; False when it already did."""
    if not aliases.point(tx, link.artifact_id, alias, link.version_id):
        return False
    tx.record("alias.set", _journal_body(link, alias, version_uid))
    return True


def remove_alias(tx: Transaction, link: LinkRecord, alias: str, version_uid: str) -> bool:
    """Take the portfolio's `alias` off the linked version; False when it was not there."""
    if not aliases.remove(tx, link.artifact_id, alias, link.version_id):
        return False
    tx.record("alias.removed", _journal_body(link, alias, version_uid))
    return True


def _journal_body(link: LinkRecord, alias: str, version_uid: str) -> dict[str, Any]:
    """`in`: the portfolio whose alias it is; without it, the version's own artifact is meant."""
    return {
        "alias": alias,
        "version": version_uid,
        "label": link.full_name,
        "in": [link.project, link.artifact],
    }
