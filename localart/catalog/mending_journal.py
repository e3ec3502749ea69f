"""The journal's rows set right again from the records that packs hold.

The packs hold every record that was committed, and some that were not: the one chain that fits the digests is put
back. One step inside one transaction, and doing it twice changes nothing.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from localart.catalog.mending_derived import changeable
from localart.catalog.soundness_journal import journal_canonical
from localart.catalog.transaction import FIRST_PREVIOUS, Transaction, chain_digest
from localart.jsonable import canonical_json


@dataclass(frozen=True, slots=True)
class PackedRecord:
    """A journal record as a pack has it."""

    seq: int
    digest: bytes
    canonical: bytes


def wanted_records(connection: sqlite3.Connection) -> tuple[dict[int, bytes], int]:
    """The digests that the rows of the journal have, by number, and the highest number."""
    known: dict[int, bytes] = dict(connection.execute("SELECT seq, digest FROM journal").fetchall())
    return known, max(known, default=0)


def chain_of(packed: Iterable[PackedRecord], known: dict[int, bytes]) -> list[PackedRecord]:
    """The one chain of records that begins at number 1, as long as it can be made of what packs hold.

    Of several records with one number (a transaction that was rolled back leaves one) that one is taken which others
    follow, or the one the rows know.
    """
    choices: dict[int, list[PackedRecord]] = {}
    for record in packed:
        some = choices.setdefault(record.seq, [])
        if record not in some:
            some.append(record)
    chains: list[tuple[bytes, tuple[Any, ...] | None]] = [(FIRST_PREVIOUS, None)]
    seq = 1
    while chains:
        following: list[tuple[bytes, tuple[Any, ...] | None]] = [
            (record.digest, (link, record))
            for previous, link in chains
            for record in choices.get(seq, ())
            if chain_digest(previous, record.canonical) == record.digest
        ]
        if not following:
            break
        chains, seq = following, seq + 1
    best = next((one for one in chains if one[0] == known.get(seq - 1)), chains[-1])
    result: list[PackedRecord] = []
    link = best[1]
    while link is not None:
        link, record = link
        result.append(record)
    return result[::-1]


def restore_journal(tx: Transaction, chain: Sequence[PackedRecord]) -> int:
    """Make the journal's first rows these; what comes after them stays as it is. How many were wrong."""
    wrong = 0
    previous = FIRST_PREVIOUS
    with changeable(tx, "journal"):
        for record in chain:
            row = tx.execute(
                "SELECT seq, uid, site, time, kind, body, digest, previous FROM journal WHERE seq = ?",
                (record.seq,),
            ).fetchone()
            if (
                row is None
                or row[6:] != (record.digest, previous)
                or journal_canonical(*row[:6]) != record.canonical
            ):
                wrong += 1
                _put_record(tx, record, previous)
            previous = record.digest
    return wrong


def _put_record(tx: Transaction, record: PackedRecord, previous: bytes) -> None:
    facts = json.loads(record.canonical)
    tx.execute("DELETE FROM journal WHERE seq = ? OR uid = ?", (record.seq, facts["uid"]))
    tx.execute(
        "INSERT INTO journal(seq, uid, site, time, kind, body, digest, previous) VALUES (?,?,?,?,?,?,?,?)",
        (
            record.seq, facts["uid"], facts["site"], facts["time"], facts["kind"],
            canonical_json(facts["body"]).decode(), record.digest, previous,
        ),
    )  # fmt: skip
