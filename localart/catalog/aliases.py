"""Rows of aliases: movable pointers of an artifact or a portfolio to one version. Each row carries a seal.

The callers write the journal, for only they know what the alias is called there.
"""

import sqlite3

from localart.catalog.protection import refuse_protected
from localart.catalog.seals import damaged, seal_of
from localart.catalog.transaction import Transaction


def find_alias(connection: sqlite3.Connection, artifact_id: int, alias: str) -> int | None:
    """The row of the version that `alias` points to, or None."""
    row = connection.execute(
        "SELECT name, version, seal FROM aliases WHERE artifact = ? AND name = ?", (artifact_id, alias)
    ).fetchone()
    if row is None:
        return None
    if row[0] != alias or row[2] != seal_of_alias(artifact_id, alias, row[1]):
        raise damaged(alias)
    version_id: int = row[1]
    return version_id


def list_aliases(connection: sqlite3.Connection, artifact_id: int) -> list[str]:
    """Every alias of an artifact or a portfolio, by name."""
    rows = connection.execute("SELECT name FROM aliases WHERE artifact = ? ORDER BY name", (artifact_id,))
    return [name for (name,) in rows.fetchall()]


def point(tx: Transaction, artifact_id: int, alias: str, version_id: int) -> bool:
    """Make `alias` point to the version; False when it already did."""
    current = tx.execute(
        "SELECT version FROM aliases WHERE artifact = ? AND name = ?", (artifact_id, alias)
    ).fetchone()
    if current == (version_id,):
        return False
    if current is not None:
        refuse_protected(tx, artifact_id, alias)
    tx.execute(
        "INSERT OR REPLACE INTO aliases(artifact, name, version, updated_at, seal) VALUES (?,?,?,?,?)",
        (artifact_id, alias, version_id, tx.now, seal_of_alias(artifact_id, alias, version_id)),
    )
    return True


def remove(tx: Transaction, artifact_id: int, alias: str, version_id: int) -> bool:
    """Take `alias` off the version; False when it was not there."""
    where = "WHERE artifact = ? AND name = ? AND version = ?"
    key = (artifact_id, alias, version_id)
    if tx.execute(f"SELECT 1 FROM aliases {where}", key).fetchone() is None:
        return False
    refuse_protected(tx, artifact_id, alias)
    tx.execute(f"DELETE FROM aliases {where}", key)
    return True


def seal_of_alias(artifact_id: int, alias: str, version_id: int) -> bytes:
    """The seal of the row that says so."""
    return seal_of("alias", artifact_id, alias, version_id)
