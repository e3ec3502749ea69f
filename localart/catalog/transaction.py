"""One write transaction, and the journal records it leaves behind.

Each committed change of runs, versions, aliases, edges and metadata is one record, written in the same
transaction as the change. Records are chained: ``digest = BLAKE3(previous + BLAKE3(canonical record))``, so a
copy of the catalog can be told from its fork, and a damaged row from what was written. The uid of a record is one more
than that of the record before it when both were written by one transaction, so that they are known to belong together
whatever the clock says.
"""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from blake3 import blake3

from localart.jsonable import canonical_json
from localart.records import dataclass

FIRST_PREVIOUS = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecord:
    """One committed change; `canonical` is the JSON that is hashed and kept in the packs."""

    seq: int
    digest: bytes
    canonical: bytes


class Transaction:
    """A running BEGIN IMMEDIATE under the writer lock. Lives only inside `Catalog.write()`."""

    def __init__(
        self, connection: sqlite3.Connection, *, site: str, now: str, new_uid: Callable[[], str]
    ) -> None:
        self.connection = connection
        self.site = site
        self.now = now
        self.new_uid = new_uid
        self.records: list[JournalRecord] = []
        self._last_uid = ""
        self.may_move_protected = False  # somebody insists: see `protection`

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Any]) -> None:
        """Run one statement for many rows."""
        self.connection.executemany(sql, rows)

    def insert(self, sql: str, parameters: Any = ()) -> int:
        """Run one INSERT and return the new row's id."""
        row_id = self.connection.execute(sql, parameters).lastrowid
        assert row_id is not None
        return row_id

    def record(self, kind: str, body: dict[str, Any]) -> None:
        """Append one change to the journal."""
        last, previous = last_record(self.connection)
        seq = last + 1
        uid = next_uid(self._last_uid) if self._last_uid else self.new_uid()
        self._last_uid = uid
        canonical = canonical_json(
            {"body": body, "kind": kind, "seq": seq, "site": self.site, "time": self.now, "uid": uid}
        )
        digest = chain_digest(previous, canonical)
        self.execute(
            "INSERT INTO journal(seq, uid, site, time, kind, body, digest, previous) VALUES (?,?,?,?,?,?,?,?)",
            (seq, uid, self.site, self.now, kind, canonical_json(body).decode(), digest, previous),
        )
        self.records.append(JournalRecord(seq=seq, digest=digest, canonical=canonical))


def last_record(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """Number and digest of the newest record; those that the first one follows when there is none."""
    row = connection.execute("SELECT seq, digest FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return row or (0, FIRST_PREVIOUS)


def chain_digest(previous: bytes, canonical: bytes) -> bytes:
    """The digest of a record that follows the one with digest `previous`."""
    return blake3(previous + blake3(canonical).digest()).digest()


def next_uid(uid: str) -> str:
    """The uid of the record that follows the one with `uid` in the same transaction."""
    text = f"{int(uid.replace('-', ''), 16) + 1:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
