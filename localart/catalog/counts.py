"""How many rows belong to somebody, so that one is missed that a damaged key or a page in the wrong place hides.

Rows are sealed each for itself (`localart.catalog.seals`); which are there at all is told by the table `counts`, kept
by triggers: edges of a run, aliases of a version, artifacts of a project. An index may know rows that its table has
lost, and pages that changed places are sound in themselves: what was read is counted, not what an index says
(`refuse_missing`).

What this does not tell: that a search or a filter found less than it should, and sums over more than a thousand
versions. Verify does.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from localart.catalog.seals import damaged

if TYPE_CHECKING:
    from localart.catalog.transaction import Transaction

SETS: dict[str, tuple[str, str, str]] = {
    "run input": ("edges", "run", "direction = 'input'"),
    "run output": ("edges", "run", "direction = 'output'"),
    "version input": ("edges", "version", "direction = 'input'"),
    "version output": ("edges", "version", "direction = 'output'"),
    "alias": ("aliases", "artifact", "1"),
    "aliased": ("aliases", "version", "1"),
    "linked": ("links", "version", "1"),
    "deleted": ("versions", "artifact", "state = 'DELETED'"),
    "projects": ("projects", "0", "1"),
    "holds": ("artifacts", "project", "1"),
    "alert": ("alerts", "run", "1"),
    "file": ("run_files", "run", "1"),
    "ran": ("runs", "project", "1"),
}
"""By the name that `counts` has for it: a table, the column that names the owner, and which of its rows."""


def said_count(kind: str, owner: str) -> str:
    """The SQL of how many rows of a set (SQL of its name) an owner (SQL, too) has.

    An owner without any has no row in `counts`; then the row before its place must be one of `counts` at least: where
    the page of another table lies in its stead, the owner's own rows may be on the page that is now elsewhere.
    """
    # Not `(kind, owner) < (…)`: SQLite would search by kind alone, and walk through its owners.
    none = "SELECT iif(typeof(kind) = 'text' AND typeof(count) = 'integer', 0, -1) FROM counts"
    return (
        f"coalesce((SELECT count FROM counts WHERE kind = {kind} AND owner = {owner}),"
        f" ({none} WHERE kind = {kind} AND owner < {owner} ORDER BY owner DESC LIMIT 1),"
        f" ({none} WHERE kind < {kind} ORDER BY kind DESC, owner DESC LIMIT 1), 0)"
    )


def refuse_missing(
    connection: sqlite3.Connection, kind: str, found: Iterable[int], owners: Iterable[int] | None
) -> None:
    """CatalogDamaged unless each owner (None: of all) has as many rows as it was `found` to have (named once a row).

    `found` tells the rows that were read, not what an index says of them: an index knows rows that its table lost.
    Only inside `one_state`: a writer may come between the rows and their count.
    """
    assert connection.in_transaction
    totals = Counter(found)
    if owners is None:
        said = connection.execute(
            "SELECT owner, count FROM counts WHERE kind = ? AND count <> 0", (kind,)
        ).fetchall()
    else:
        asked = list({**totals, **dict.fromkeys(owners)})
        said = connection.execute(
            f"SELECT s.value, {said_count(':kind', 's.value')} FROM json_each(:owners) s",
            {"kind": kind, "owners": json.dumps(asked)},
        ).fetchall()
    if any(totals[owner] != count for owner, count in said) or totals.keys() - dict(said).keys():
        raise damaged(f"one of the {SETS[kind][0]}")


def count_all(connection: sqlite3.Connection, kind: str, owners: Iterable[int]) -> dict[int, int]:
    """How many rows each of the owners has, without looking at them; CatalogDamaged as in `refuse_missing`."""
    table, column, which = SETS[kind]
    rows = connection.execute(  # one statement sees one state
        f"SELECT s.value, (SELECT count(*) FROM {table} t WHERE t.{column} = s.value AND {which}),"
        f" {said_count(':kind', 's.value')}, EXISTS (SELECT 1 FROM {table} NOT INDEXED) FROM json_each(:owners) s",
        {"kind": kind, "owners": json.dumps(list(dict.fromkeys(owners)))},
    ).fetchall()
    if any(there != told or (there and not has_rows) for _, there, told, has_rows in rows):
        raise damaged(f"one of the {table}")
    return {owner: there for owner, there, _, _ in rows}


def count_owned(connection: sqlite3.Connection, kind: str, owner: int | None) -> int:
    """How many rows the owner has, or all owners together; CatalogDamaged when that is not all of them."""
    if owner is None:
        return refuse_any_missing(connection, kind)
    return count_all(connection, kind, [owner])[owner]


@contextmanager
def one_state(connection: sqlite3.Connection) -> Iterator[None]:
    """See one state of the catalog for the whole body."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:  # SQLite may have ended it where the disk failed
            connection.execute("ROLLBACK")


def refuse_any_missing(connection: sqlite3.Connection, kind: str) -> int:
    """How many rows there are; CatalogDamaged unless that is all rows of all owners. Counts them: 30 ns each."""
    with one_state(connection):
        found, said = _counted(connection, kind), _said(connection, kind)
        is_damaged = found != said or (found and _is_empty(connection, SETS[kind][0]))
    if is_damaged:
        raise damaged(f"one of the {SETS[kind][0]}")
    return sum(count for _, count in found)


def refuse_rows_lost(connection: sqlite3.Connection, table: str) -> None:
    """CatalogDamaged when an index knows other rows than the table has, or one that is not found in it by its id.

    Looks at each row.
    """
    by_index, by_row, is_lost = connection.execute(  # one statement sees one state
        f"SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM {table} NOT INDEXED),"
        f" EXISTS (SELECT 1 FROM {table} known WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE id = known.id))"
    ).fetchone()
    if by_index != by_row or is_lost:
        raise damaged(f"one of the {table}")


def _said(connection: sqlite3.Connection, kind: str) -> set[tuple[int, int]]:
    rows = connection.execute("SELECT owner, count FROM counts WHERE kind = ?", (kind,)).fetchall()
    return {pair for pair in rows if pair[1]}


def _is_empty(connection: sqlite3.Connection, table: str) -> bool:
    """Whether no row is in the table itself: where it is one page, an empty one may lie in its place."""
    return connection.execute(f"SELECT 1 FROM {table} NOT INDEXED LIMIT 1").fetchone() is None


def _counted(connection: sqlite3.Connection, kind: str) -> set[tuple[int, int]]:
    table, column, which = SETS[kind]
    return set(
        connection.execute(f"SELECT {column}, count(*) FROM {table} WHERE {which} GROUP BY 1").fetchall()
    )


def restore_counts(tx: "Transaction") -> None:
    """Make `counts` what follows from the rows."""
    tx.execute("DELETE FROM counts")
    for kind in SETS:
        tx.executemany(
            "INSERT INTO counts(kind, owner, count) VALUES (?,?,?)",
            [(kind, owner, count) for owner, count in _counted(tx.connection, kind)],
        )


def wrong_counts(connection: sqlite3.Connection) -> list[str]:
    """The sets (as in `SETS`) of which an owner has not as many rows as it should."""
    with one_state(connection):
        return [kind for kind in SETS if _counted(connection, kind) != _said(connection, kind)]
