"""Rows of protected aliases: they neither move nor go unless the transaction says `may_move_protected`."""

import sqlite3

from localart.catalog.seals import resealed
from localart.catalog.transaction import Transaction
from localart.errors import AliasProtected
from localart.names import shown


def protected_aliases(connection: sqlite3.Connection, artifact_id: int) -> list[str]:
    """The protected aliases of an artifact or a portfolio, by name."""
    rows = connection.execute(
        "SELECT alias FROM protected_aliases WHERE artifact = ? ORDER BY alias", (artifact_id,)
    )
    return [alias for (alias,) in rows.fetchall()]


def refuse_protected(tx: Transaction, artifact_id: int, alias: str) -> None:
    """AliasProtected when this alias may not move or go."""
    if tx.may_move_protected or not _is_protected(tx, artifact_id, alias):
        return
    project, name = _place(tx, artifact_id)
    raise AliasProtected(
        f"The alias {shown(alias)} of {project}/{name} is protected",
        hint="move or remove it with `localart alias --force`, or leave it where it is",
    )


def _is_protected(tx: Transaction, artifact_id: int, alias: str) -> bool:
    key = (artifact_id, alias)
    query = "SELECT 1 FROM protected_aliases WHERE artifact = ? AND alias = ?"
    return tx.execute(query, key).fetchone() is not None


def protect(tx: Transaction, artifact_id: int, alias: str) -> bool:
    """Protect the alias, whether it points anywhere yet or not; False when it already was."""
    if _is_protected(tx, artifact_id, alias):
        return False
    with resealed(tx, "artifacts", artifact_id):
        tx.execute("INSERT INTO protected_aliases(artifact, alias) VALUES (?,?)", (artifact_id, alias))
    _record(tx, "alias.protected", artifact_id, alias)
    return True


def unprotect(tx: Transaction, artifact_id: int, alias: str) -> bool:
    """Let the alias move and go again; False when it was not protected."""
    if not _is_protected(tx, artifact_id, alias):
        return False
    with resealed(tx, "artifacts", artifact_id):
        tx.execute("DELETE FROM protected_aliases WHERE artifact = ? AND alias = ?", (artifact_id, alias))
    _record(tx, "alias.unprotected", artifact_id, alias)
    return True


def _record(tx: Transaction, kind: str, artifact_id: int, alias: str) -> None:
    project, name = _place(tx, artifact_id)
    tx.record(kind, {"project": project, "artifact": name, "alias": alias})


def _place(tx: Transaction, artifact_id: int) -> tuple[str, str]:
    row: tuple[str, str] = tx.execute(
        "SELECT p.name, a.name FROM artifacts a JOIN projects p ON p.id = a.project WHERE a.id = ?",
        (artifact_id,),
    ).fetchone()
    return row
