"""The journal read record by record, each with whether it follows from the one before. Changes nothing.

Streams by number: no statement stays open, and memory does not grow with the journal.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from localart.catalog.seals import pages
from localart.catalog.transaction import FIRST_PREVIOUS, chain_digest
from localart.jsonable import canonical_json


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One row of the journal; `is_sound`: its digest follows from its facts and the row before."""

    seq: int
    time: str
    kind: str
    body: str
    digest: bytes
    is_sound: bool


def iter_journal(connection: sqlite3.Connection) -> Iterator[JournalRow]:
    """Every record, by number. The first that does not follow from the one before it is not sound."""
    previous, expected, at = FIRST_PREVIOUS, 1, -(1 << 62)
    for rows in pages(
        connection,
        "SELECT seq, uid, site, time, kind, body, digest, previous FROM journal WHERE seq > ? ORDER BY seq",
        at,
    ):
        for seq, uid, site, time, kind, body, digest, before in rows:
            canonical = journal_canonical(seq, uid, site, time, kind, body)
            follows = (seq, before) == (expected, previous)
            is_sound = follows and canonical is not None and chain_digest(previous, canonical) == digest
            yield JournalRow(seq, time, kind, body, digest, is_sound)
            previous, expected = digest, seq + 1


def iter_packable(connection: sqlite3.Connection) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, digest and canonical bytes of every record, as packs keep them."""
    at = -(1 << 62)
    sql = "SELECT seq, uid, site, time, kind, body, digest FROM journal WHERE seq > ? ORDER BY seq"
    for rows in pages(connection, sql, at):
        for row in rows:
            canonical = journal_canonical(*row[:6])
            if canonical is not None:
                yield row[0], row[6], canonical


def journal_canonical(seq: int, uid: str, site: str, time: str, kind: str, body: str) -> bytes | None:
    """The bytes that were hashed for a record; None when its body is no JSON any more."""
    try:
        facts = {
            "body": json.loads(body),
            "kind": kind,
            "seq": seq,
            "site": site,
            "time": time,
            "uid": uid,
        }
        if canonical_json(facts["body"]) != body.encode():
            return None
        return canonical_json(facts)
    except (ValueError, RecursionError, TypeError):
        return None
