"""Rows of aliases: movable pointers of an artifact or a portfolio to one version. Each row carries a seal.

The callers write the journal, for only they know what the alias is called there.
"""

import json
import sqlite3
from collections.abc import Iterable

from localart.catalog.counts import one_state, refuse_missing, said_count
from localart.catalog.protection import refuse_protected
from localart.catalog.seals import Sealed, damaged, seal_of
from localart.catalog.transaction import Transaction
from localart.names import shown

_SEALED = Sealed(l="aliases")


def find_alias(connection: sqlite3.Connection, artifact_id: int, alias: str) -> int | None:
    """The row of the version that `alias` points to, or None."""
    row = _SEALED.row(
        connection.execute(
            f"SELECT l.artifact, l.name, l.version, {_SEALED.columns} FROM aliases l"
            " WHERE l.artifact = ? AND l.name = ?",
            (artifact_id, alias),
        ).fetchone()
    )
    if row is None:
        list_aliases(connection, artifact_id)  # is it not there, or only not found?
        return None
    if row[:2] != (artifact_id, alias):
        raise damaged(f"alias {shown(alias)}")
    version_id: int = row[2]
    return version_id


def list_aliases(connection: sqlite3.Connection, artifact_id: int) -> list[str]:
    """Every alias of an artifact or a portfolio, by name."""
    with one_state(connection):
        rows = connection.execute(
            f"SELECT l.artifact, l.name, {_SEALED.columns} FROM aliases l WHERE l.artifact = ? ORDER BY l.name",
            (artifact_id,),
        )
        found = _SEALED.rows(rows.fetchall())
        refuse_missing(connection, "alias", [row[0] for row in found], [artifact_id])
    return [row[1] for row in found]


POINTING = (
    "(SELECT json_group_array(json_array(artifact, name, updated_at, seal)) FROM"
    " (SELECT artifact, name, updated_at, seal FROM aliases WHERE version = {version} ORDER BY name)), "
    + said_count("'aliased'", "{version}")
)
"""The SQL of what `pointing` takes: two columns, in the statement that reads the version."""


def pointing(version_id: int, found: str, count: int) -> list[tuple[int, str]]:
    """As `aliases_of`, for one version, out of the columns of `POINTING`."""
    rows = [] if found == "[]" else json.loads(found)
    if len(rows) != count:
        raise damaged("one of the aliases")
    for artifact, name, updated_at, one in rows:
        if one != seal_of(artifact, name, version_id, updated_at):
            raise damaged(f"alias {shown(str(name))}")
    return [(row[0], row[1]) for row in rows]


def aliases_of(
    connection: sqlite3.Connection, version_ids: Iterable[int]
) -> dict[int, list[tuple[int, str]]]:
    """By version, whose alias (the row of an artifact or portfolio) and which point to it, by name."""
    wanted = dict.fromkeys(version_ids)
    with one_state(connection):
        found = _SEALED.rows(
            connection.execute(
                f"SELECT l.version, l.artifact, l.name, {_SEALED.columns} FROM json_each(?) s"
                " CROSS JOIN aliases l WHERE l.version = s.value ORDER BY l.name",
                (json.dumps(list(wanted)),),
            ).fetchall()
        )
        refuse_missing(connection, "aliased", [row[0] for row in found], wanted)
    result: dict[int, list[tuple[int, str]]] = {}
    for version, artifact, name in found:
        result.setdefault(version, []).append((artifact, name))
    return result


def point(tx: Transaction, artifact_id: int, alias: str, version_id: int) -> bool:
    """Make `alias` point to the version; False when it already did."""
    current = tx.execute(
        "SELECT version FROM aliases WHERE artifact = ? AND name = ?", (artifact_id, alias)
    ).fetchone()
    if current == (version_id,):
        return False
    if current is not None:
        refuse_protected(tx, artifact_id, alias)
    put(tx, artifact_id, alias, version_id, tx.now)
    return True


def put(tx: Transaction, artifact_id: int, alias: str, version_id: int, updated_at: str) -> None:
    """Write the row, in place of one that is there."""
    facts = (artifact_id, alias, version_id, updated_at)
    tx.execute(
        "INSERT INTO aliases(artifact, name, version, updated_at, seal) VALUES (?,?,?,?,?)"
        # not REPLACE: it would tell no trigger of the row it removes
        " ON CONFLICT(artifact, name) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at,"
        " seal = excluded.seal",
        (*facts, seal_of(*facts)),
    )


def remove(tx: Transaction, artifact_id: int, alias: str, version_id: int) -> bool:
    """Take `alias` off the version; False when it was not there."""
    where = "WHERE artifact = ? AND name = ? AND version = ?"
    key = (artifact_id, alias, version_id)
    if tx.execute(f"SELECT 1 FROM aliases {where}", key).fetchone() is None:
        return False
    refuse_protected(tx, artifact_id, alias)
    tx.execute(f"DELETE FROM aliases {where}", key)
    return True
