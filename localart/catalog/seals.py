"""Seals: what a row of the catalog carries over its own facts, for SQLite keeps no checksums of its pages.

A seal is 61 bits of XXH3 over the facts of a row, its tags included. It tells damage, not deceit. A row is compared
with its seal whenever it is read for somebody (`Sealed`), and before it is changed (`resealed`), so that damage is
never sealed anew. About 2 µs a row. That no row is missing is told by `localart.catalog.counts`.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_intdigest

from localart.errors import CatalogDamaged
from localart.names import shown

if TYPE_CHECKING:
    from localart.catalog.transaction import Transaction

MASK = (1 << 61) - 1
"""61 bits, which SQLite keeps as a positive integer."""

_TAGS = (
    "(SELECT json_group_array(name) FROM (SELECT name FROM {table} WHERE {owner} = {{t}}.id ORDER BY name))"
)

FACTS: dict[str, tuple[str, ...]] = {
    "projects": (
        "{t}.id", "{t}.name", "{t}.description", "{t}.created_at",
        "(SELECT json_array(visibility, artifact_types, updated_at) FROM registries WHERE project = {t}.id)",
    ),
    "artifacts": (
        "{t}.id", "{t}.name", "{t}.project", "{t}.type", "{t}.kind", "{t}.description", "{t}.ttl_seconds",
        "{t}.next_number", "{t}.created_at", _TAGS.format(table="artifact_tags", owner="artifact"),
        "(SELECT json_group_array(alias) FROM protected_aliases WHERE artifact = {t}.id)",
    ),
    "versions": (
        "{t}.uid", "{t}.artifact", "{t}.number",
        "(SELECT json_array(hex(digest), size, file_count) FROM manifests WHERE id = {t}.manifest)",
        "{t}.description", "{t}.metadata", "{t}.state", "{t}.ttl_seconds", "{t}.history_step", "{t}.created_at",
        "{t}.updated_at", _TAGS.format(table="version_tags", owner="version"),
    ),
    "links": ("{t}.artifact", "{t}.number", "{t}.version", "{t}.created_at", "{t}.removed_at"),
    "aliases": ("{t}.artifact", "{t}.name", "{t}.version", "{t}.updated_at"),
    "edges": (
        "{t}.run", "{t}.version", "{t}.direction", "{t}.made", "{t}.used_as", "{t}.metadata", "{t}.created_at",
    ),
    "runs": (
        "{t}.id", "{t}.run_id", "{t}.uid", "{t}.project", "{t}.name", "{t}.job_type", "{t}.group_name", "{t}.notes",
        "{t}.state", "{t}.config", "{t}.summary", "{t}.facts", "{t}.metric_rules", "{t}.created_at",
        "{t}.updated_at", "{t}.finished_at", "{t}.exit_code", "{t}.error",
        _TAGS.format(table="run_tags", owner="run"),
    ),
    "run_files": (
        "{t}.run", "{t}.path", "(SELECT digest FROM blobs WHERE id = {t}.blob)", "{t}.updated_at",
    ),
    "alerts": ("{t}.run", "{t}.time", "{t}.level", "{t}.title", "{t}.text"),
    "metric_names": ("{t}.id", "{t}.name"),
}  # fmt: skip
"""What each seal is over, as SQL: `{t}` is the table's name in the statement."""

KEYS: dict[str, tuple[str, ...]] = {
    "links": ("artifact", "number"),
    "aliases": ("artifact", "name"),
    "edges": ("run", "version", "direction"),
    "run_files": ("run", "path"),
}
"""The primary keys that are not `id`."""

_NAMED_BY = {"projects": 1, "artifacts": 1, "runs": 1, "aliases": 1, "run_files": 1, "metric_names": 1}

_NOUNS = {
    "projects": "project", "artifacts": "artifact", "versions": "a version", "links": "a link", "aliases": "alias",
    "edges": "an edge", "runs": "run", "run_files": "file", "alerts": "an alert", "metric_names": "metric",
}  # fmt: skip

_SHARED = frozenset({"projects", "artifacts"})

_known: dict[tuple[Any, ...], bool] = {}  # rows of these, which the rows of a list name again and again

_MOST_KNOWN = 1_000


def seal_of(*facts: object) -> int:
    """The seal of a row with these facts, in the order of `FACTS`."""
    # Not `repr`: what that escapes depends on the Unicode tables of each Python.
    return xxh3_64_intdigest(ascii(facts).encode()) & MASK


def damaged(what: str) -> CatalogDamaged:
    """The error for a row that its seal does not fit."""
    return CatalogDamaged(
        f"The catalog's row of {what} is not what was written",
        hint="run `localart verify`, then `localart repair`",
    )


def onward(before: Any, after: Any, *, downwards: bool = False) -> Any:
    """`after`, the key a page of rows ended with; CatalogDamaged when it does not lie beyond `before`.

    In a damaged page rows may stand in any order, and reading page after page would never end.
    """
    try:
        is_beyond = after < before if downwards else after > before
    except TypeError:
        is_beyond = False
    if not is_beyond:
        raise damaged("one of many that do not stand in order")
    return after


def pages(connection: sqlite3.Connection, sql: str, at: Any) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a statement, a thousand at a time, by their first column, which the statement compares with a mark.

    No statement stays open in between, and it ends for a damaged database, too (`onward`).
    """
    while rows := connection.execute(f"{sql} LIMIT 1000", (at,)).fetchall():
        yield rows
        at = onward(at, rows[-1][0])


def columns_of(table: str, alias: str) -> str:
    """The SQL of a row's seal and of the facts it is over."""
    return ", ".join([f"{alias}.seal", *(fact.format(t=alias) for fact in FACTS[table])])


class Sealed:
    """Rows of these tables (alias in the statement → table) in what a statement reads.

    The statement selects `columns` after its own; `rows` and `row` compare them, and give what comes before them.
    The row of a LEFT JOIN that found nothing passes.
    """

    def __init__(self, **tables: str) -> None:
        self.columns = ", ".join(columns_of(table, alias) for alias, table in tables.items())
        self._parts: list[tuple[str, int, int]] = []  # each table's columns, counted from the end
        self._width = sum(1 + len(FACTS[table]) for table in tables.values())
        start = -self._width
        for table in tables.values():
            stop = start + 1 + len(FACTS[table])
            self._parts.append((table, start, stop))
            start = stop

    def rows(self, found: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The statement's own columns; CatalogDamaged for a row that its seal does not fit."""
        own = -self._width
        result = []
        for row in found:
            self._compare(row)
            result.append(row[:own])
        return result

    def row(self, found: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """As `rows`, for one or none."""
        return None if found is None else self.rows((found,))[0]

    def is_sound(self, row: tuple[Any, ...]) -> bool:
        """Whether all seals fit."""
        try:
            self._compare(row)
        except CatalogDamaged:
            return False
        return True

    def _compare(self, row: tuple[Any, ...]) -> None:
        for table, start, stop in self._parts:
            compare(table, row[start:] if stop == 0 else row[start:stop])


def compare(table: str, row: tuple[Any, ...]) -> None:
    """CatalogDamaged unless the seal (first) fits the facts after it; NULL throughout is no row."""
    is_shared = table in _SHARED
    if is_shared and row in _known:
        return
    if row[0] != xxh3_64_intdigest(ascii(row[1:]).encode()) & MASK:
        if row[0] is None and row[2] is None:  # nothing was joined
            return
        raise damaged(_named(table, row[1:]))
    if is_shared:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[row] = True


def _named(table: str, facts: Sequence[Any]) -> str:
    at = _NAMED_BY.get(table)
    return _NOUNS[table] if at is None else f"{_NOUNS[table]} {shown(str(facts[at]))}"


def seal(tx: "Transaction", table: str, *key: object) -> None:
    """Seal the row as it is now."""
    row = _row_at(tx, table, key)
    if row is not None:
        tx.execute(f"UPDATE {table} SET seal = ? WHERE {_at_key(table)}", (seal_of(*row[1:]), *key))


def fits(tx: "Transaction", table: str, *key: object) -> bool:
    """Whether the row is what was sealed."""
    row = _row_at(tx, table, key)
    return row is not None and bool(row[0] == seal_of(*row[1:]))


@contextmanager
def resealed(tx: "Transaction", table: str, *key: object) -> Iterator[None]:
    """Change a row (or its tags) inside the body. CatalogDamaged, and nothing is done, when it was damaged before."""
    row = _row_at(tx, table, key)
    if row is not None:
        compare(table, row)
    yield
    seal(tx, table, *key)


def _row_at(tx: "Transaction", table: str, key: tuple[object, ...]) -> tuple[Any, ...] | None:
    """The seal of the row with this key, and the facts it is over."""
    sql = f"SELECT {columns_of(table, 't')} FROM {table} t WHERE {_at_key(table)}"
    row: tuple[Any, ...] | None = tx.execute(sql, key).fetchone()
    return row


def _at_key(table: str) -> str:
    return " AND ".join(f"{column} = ?" for column in KEYS.get(table, ("id",)))


def seal_all(tx: "Transaction") -> None:
    """Seal every row as it is, where its seal does not fit: they have just been restored."""
    for table in FACTS.keys() - {"metric_names"}:  # the journal does not know these
        key = KEYS.get(table, ("id",))
        names = ", ".join(f"t.{column}" for column in key)
        found = tx.execute(f"SELECT {names}, {columns_of(table, 't')} FROM {table} t")
        wrong: list[tuple[Any, ...]] = []
        while rows := found.fetchmany(1_000):
            for row in rows:
                should = seal_of(*row[len(key) + 1 :])
                if row[len(key)] != should:
                    wrong.append((should, *row[: len(key)]))
        tx.executemany(f"UPDATE {table} SET seal = ? WHERE {_at_key(table)}", wrong)


def iter_unsealed(
    connection: sqlite3.Connection, tables: Iterable[str] = tuple(FACTS)
) -> Iterator[tuple[str, str]]:
    """Table and name of every row that its seal does not fit. Streams in keyset pages."""
    for table in tables:
        yield from ((table, name) for name in _unsealed_in(connection, table))


def _unsealed_in(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    key = KEYS.get(table, ("id",))
    names = ", ".join(f"t.{column}" for column in key)
    after: tuple[Any, ...] = (-(1 << 62), *([""] * (len(key) - 1)))
    if key[1:2] in {("number",), ("version",)}:
        after = (after[0], -(1 << 62), *after[2:])
    marks = ", ".join("?" * len(key))
    sql = (
        f"SELECT {names}, {columns_of(table, 't')} FROM {table} t WHERE ({names}) > ({marks})"
        f" ORDER BY {names} LIMIT 1000"
    )
    while rows := connection.execute(sql, after).fetchall():
        for row in rows:
            if row[len(key)] != seal_of(*row[len(key) + 1 :]):
                yield _named(table, row[len(key) + 1 :])
        after = onward(after, rows[-1][: len(key)])
