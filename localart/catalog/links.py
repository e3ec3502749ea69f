"""Rows of links: the places that versions have in portfolios, each with a number of the portfolio's own."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from localart.catalog import aliases
from localart.catalog.artifacts import next_number, refuse_gaps
from localart.catalog.counts import one_state, refuse_missing
from localart.catalog.seals import Sealed, damaged, onward, resealed, seal
from localart.catalog.transaction import Transaction
from localart.model import LinkRecord

_FETCH = 500

_SEALED = Sealed(l="links", a="artifacts", p="projects")
_SELECT = (
    f"SELECT l.artifact, p.name, a.name, l.number, l.version, l.created_at, l.removed_at,"
    f" {aliases.POINTING.format(version='l.version')}, {_SEALED.columns}"
    " FROM links l LEFT JOIN artifacts a ON a.id = l.artifact LEFT JOIN projects p ON p.id = a.project WHERE 1"
)


def find_link(connection: sqlite3.Connection, artifact_id: int, number: int) -> LinkRecord | None:
    """Link `number` of a portfolio, or None: removed, or never there."""
    rows = connection.execute(
        f"{_SELECT} AND l.artifact = ? AND l.number = ?", (artifact_id, number)
    ).fetchall()
    if not rows:
        _refuse_lost(connection, artifact_id, number)
    return next(iter(_records(rows)), None)


def _refuse_lost(connection: sqlite3.Connection, artifact_id: int, number: int) -> None:
    """CatalogDamaged when the portfolio gave this number: the row of a link is there for ever."""
    row = connection.execute(
        "SELECT 1 FROM artifacts WHERE id = ? AND kind = 'portfolio' AND next_number > ?"
        " AND NOT EXISTS (SELECT 1 FROM versions WHERE artifact = artifacts.id)"
        # it may just have been given
        " AND NOT EXISTS (SELECT 1 FROM links WHERE artifact = artifacts.id AND number = ?)",
        (artifact_id, number, number),
    ).fetchone()
    if number >= 0 and row is not None:
        raise damaged(f"link v{number}")


def find_link_to(connection: sqlite3.Connection, artifact_id: int, version_id: int) -> LinkRecord | None:
    """The portfolio's link to this version, or None."""
    rows = connection.execute(
        f"{_SELECT} AND l.artifact = ? AND l.version = ?", (artifact_id, version_id)
    ).fetchall()
    return next(iter(_records(rows)), None)


def was_linked(connection: sqlite3.Connection, artifact_id: int, number: int) -> bool:
    """Whether the portfolio ever gave this number."""
    key = (artifact_id, number)
    return bool(connection.execute("SELECT 1 FROM links WHERE artifact = ? AND number = ?", key).fetchone())


def links_to(connection: sqlite3.Connection, version_id: int) -> list[LinkRecord]:
    """Every link to this version, by project, portfolio and number."""
    with one_state(connection):
        rows = connection.execute(
            f"{_SELECT} AND l.version = ? ORDER BY p.name, a.name, l.number", (version_id,)
        ).fetchall()
        refuse_missing(connection, "linked", [row[4] for row in rows], [version_id])
    return _records(rows)


def refuse_damaged(connection: sqlite3.Connection, artifact_id: int) -> None:
    """CatalogDamaged when a link that the artifact has or had is not what was written."""
    _records(connection.execute(f"{_SELECT} AND l.artifact = ?", (artifact_id,)).fetchall())


def iter_links(
    connection: sqlite3.Connection, artifact_id: int, *, newest_first: bool = True
) -> Iterator[LinkRecord]:
    """The links of a portfolio, streamed by number in keyset pages."""
    given, seen = refuse_gaps(connection, artifact_id), 0
    comparison, order, at = ("<", "DESC", 1 << 62) if newest_first else (">", "ASC", -1)
    sql = f"{_SELECT} AND l.artifact = ? AND l.number {comparison} ? ORDER BY l.number {order} LIMIT {_FETCH}"
    while rows := connection.execute(sql, (artifact_id, at)).fetchall():
        yield from _records(rows)
        for row in rows:
            at = onward(at, row[3], downwards=newest_first)
        seen += len(rows)
    if seen < given.links:
        raise damaged("one of many links")


def _records(rows: Sequence[tuple[Any, ...]]) -> list[LinkRecord]:
    """Those that were not removed."""
    found = [row for row in _SEALED.rows(rows) if row[6] is None]
    return [_one(row, aliases.pointing(row[4], row[7], row[8])) for row in found]


def _one(row: tuple[Any, ...], names: Sequence[tuple[int, str]]) -> LinkRecord:
    if row[1] is None:
        raise damaged(f"the portfolio of link v{row[3]}")
    return LinkRecord(
        artifact_id=row[0],
        project=row[1],
        artifact=row[2],
        number=row[3],
        version_id=row[4],
        created_at=row[5],
        aliases=tuple(name for artifact, name in names if artifact == row[0]),
    )


# --- writing ---------------------------------------------------------------------------------------


def insert_link(tx: Transaction, artifact_id: int, version_id: int, version_uid: str) -> LinkRecord:
    """Give the version the portfolio's next number, which is never used again; its link if it has one already."""
    known = find_link_to(tx.connection, artifact_id, version_id)
    if known is not None:
        return known
    number = next_number(tx, artifact_id)
    tx.execute(
        "INSERT INTO links(artifact, number, version, created_at) VALUES (?,?,?,?)",
        (artifact_id, number, version_id, tx.now),
    )
    seal(tx, "links", artifact_id, number)
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
    set_removed(tx, link.artifact_id, link.number, tx.now)
    tx.record(
        "link.removed",
        {"project": link.project, "artifact": link.artifact, "number": link.number, "version": version_uid},
    )


def set_removed(tx: Transaction, artifact_id: int, number: int, removed_at: str | None) -> None:
    """Say that a link was removed, or (None) that it was not."""
    with resealed(tx, "links", artifact_id, number):
        tx.execute(
            "UPDATE links SET removed_at = ? WHERE artifact = ? AND number = ?",
            (removed_at, artifact_id, number),
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
