"""What SQLite and the catalog keep beside the rows, made anew from them: indexes, what is searched, layers.

Each function is one step inside one transaction, and doing it twice changes nothing. What is made here
follows from rows that are there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from localart.catalog.transaction import Transaction


@contextmanager
def changeable(tx: Transaction, table: str) -> Iterator[None]:
    """Let the body change rows of a table whose triggers forbid it; they are there again when it ends."""
    triggers = tx.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,)
    ).fetchall()
    for name, _ in triggers:
        tx.execute(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        tx.execute(sql)


def rebuild_indexes(tx: Transaction) -> None:
    """Make every index anew from the rows of its table."""
    tx.execute("REINDEX")


def rebuild_search(tx: Transaction) -> None:
    """Make what is searched anew from the rows."""
    for table in ("artifacts", "versions", "runs"):
        tx.execute(f"INSERT INTO {table}_fts({table}_fts) VALUES('rebuild')")


def restore_layers(tx: Transaction) -> None:
    """Make `chains` what follows from the manifests' bases."""
    bases: dict[int, int | None] = dict(tx.execute("SELECT id, base FROM manifests").fetchall())
    for (manifest,) in tx.execute("SELECT id FROM manifests WHERE complete = 1").fetchall():
        layers = [manifest]
        while (base := bases.get(layers[-1])) is not None and base not in layers:
            layers.append(base)
        tx.execute("DELETE FROM chains WHERE manifest = ?", (manifest,))
        tx.executemany(
            "INSERT INTO chains(manifest, position, layer) VALUES (?,?,?)",
            [(manifest, position, layer) for position, layer in enumerate(layers[:9])],
        )
