"""A new catalog, filled from what was found in the packs. Nobody sees it before it is whole.

The order: where contents lie (`replay_content`), the journal's records one by one (`replay_kinds`), then the entries
of the manifests that are still needed, what runs logged, and the files they keep (`replay_content`). What is missing
leaves out what needs it, and nothing else; all of it is told.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from blake3 import blake3

from localart.catalog.catalog import create_catalog
from localart.catalog.connection import connect
from localart.catalog.replay_chain import FoundCommit
from localart.catalog.replay_kinds import FILES, Replaying, replay
from localart.catalog.transaction import FIRST_PREVIOUS
from localart.errors import BlobDamaged, CatalogDamaged, LocalartError
from localart.jsonable import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReplayed:
    """A journal record that could not be done again, and why."""

    seq: int
    kind: str
    reason: str


@dataclass(slots=True)
class Rebuilt:
    """The catalog under construction: its transaction, and what came of the journal so far."""

    tx: Replaying
    last_digest: bytes = FIRST_PREVIOUS
    record_count: int = 0
    not_replayed: list[NotReplayed] = field(default_factory=list)
    rewinds: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    forks: list[tuple[str, str, int]] = field(default_factory=list)


@contextmanager
def new_catalog(path: Path, *, now: str) -> Iterator[Rebuilt]:
    """Make a catalog at `path` and fill it in the body; it is one file when the body has ended.

    Nothing is durable before the caller syncs the file. When the body fails, half a catalog is left behind.
    """
    create_catalog(path, now=now, facts={})
    connection = connect(path, read_only=False)
    try:
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}").fetchone()
        connection.execute(FILES)
        connection.execute("BEGIN IMMEDIATE")
        tx = Replaying(connection, site="", now=now, new_uid=_no_uid)
        tx.may_move_protected = True  # what was done once may be done again
        yield Rebuilt(tx)
        connection.execute("COMMIT")
        # what SQLite itself says of the result must not be left to the first reader
        problems = [
            *(text for (text,) in connection.execute("PRAGMA quick_check(5)").fetchall() if text != "ok"),
            *(
                f"{row[0]} refers to nothing"
                for row in connection.execute("PRAGMA foreign_key_check").fetchall()[:5]
            ),
        ]
        if problems:
            raise CatalogDamaged(f"The rebuilt catalog is not sound: {'; '.join(problems)}")
        connection.execute("PRAGMA journal_mode=TRUNCATE").fetchone()
    finally:
        connection.close()


def name_store(rebuilt: Rebuilt, *, store: str, created_at: str, now: str) -> None:
    """Say whose catalog it is."""
    facts = {"store": store, "created_at": created_at, "rebuilt_at": now}
    rebuilt.tx.executemany("INSERT INTO store(key, value) VALUES (?,?)", facts.items())


def _no_uid() -> str:
    raise AssertionError("a replay makes no ids")


# --- the journal ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedRecord:
    """One journal record as its frame has it; `canonical` is the JSON its digest follows from."""

    seq: int
    uid: str
    site: str
    time: str
    kind: str
    body: dict[str, Any]
    digest: bytes
    canonical: bytes


def decode_commit(payload: bytes) -> list[CommittedRecord]:
    """The records of a JOURNAL frame; BlobDamaged unless all can be read and each follows the one before."""
    try:
        records = [_decode_line(line) for line in payload.split(b"\n")]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged() from error
    for before, after in pairwise(records):
        own = blake3(after.canonical).digest()
        if after.seq != before.seq + 1 or blake3(before.digest + own).digest() != after.digest:
            raise _damaged()
    return records


def _decode_line(line: bytes) -> CommittedRecord:
    digest, _, canonical = line.partition(b" ")
    facts = json.loads(canonical)
    return CommittedRecord(
        seq=int(facts["seq"]),
        uid=str(facts["uid"]),
        site=str(facts["site"]),
        time=str(facts["time"]),
        kind=str(facts["kind"]),
        body=dict(facts["body"]),
        digest=bytes.fromhex(digest.decode()),
        canonical=canonical,
    )


def _damaged() -> BlobDamaged:
    return BlobDamaged("A journal record cannot be read", hint="run `localart verify`")


def commit_found(records: Sequence[CommittedRecord], place: int) -> FoundCommit:
    """What is needed to find out whether these records count."""
    first, last = records[0], records[-1]
    return FoundCommit(
        first_seq=first.seq,
        last_seq=last.seq,
        first_own=blake3(first.canonical).digest(),
        first_digest=first.digest,
        last_digest=last.digest,
        newness=last.uid,
        place=place,
    )


def replay_commit(rebuilt: Rebuilt, records: Iterable[CommittedRecord]) -> None:
    """Put the records of one transaction into the journal, and do once more what they tell."""
    waiting = []
    for record in records:
        _keep(rebuilt, record)
        if not _try(rebuilt, record, is_last=False):
            waiting.append(record)
    for record in waiting:  # it may have been recorded before what it refers to, in the same transaction
        _try(rebuilt, record, is_last=True)


def _keep(rebuilt: Rebuilt, record: CommittedRecord) -> None:
    rebuilt.tx.execute(
        "INSERT INTO journal(seq, uid, site, time, kind, body, digest, previous) VALUES (?,?,?,?,?,?,?,?)",
        (
            record.seq, record.uid, record.site, record.time, record.kind, canonical_json(record.body).decode(),
            record.digest, rebuilt.last_digest,
        ),
    )  # fmt: skip
    rebuilt.last_digest = record.digest
    rebuilt.record_count += 1


def _try(rebuilt: Rebuilt, record: CommittedRecord, *, is_last: bool) -> bool:
    tx = rebuilt.tx
    tx.now, tx.site = record.time, record.site
    tx.execute("SAVEPOINT record")
    try:
        is_known = replay(tx, record.kind, record.body)
    except (LocalartError, KeyError, TypeError, ValueError, AttributeError) as error:
        tx.execute("ROLLBACK TO record")
        reason = error.message if isinstance(error, LocalartError) else f"{type(error).__name__}: {error}"
        if is_last:
            rebuilt.not_replayed.append(NotReplayed(seq=record.seq, kind=record.kind, reason=reason))
        return False
    finally:
        tx.execute("RELEASE record")
    if not is_known:
        reason = "this localart does not know such records"
        rebuilt.not_replayed.append(NotReplayed(seq=record.seq, kind=record.kind, reason=reason))
    _note_branch(rebuilt, record)
    return True


def _note_branch(rebuilt: Rebuilt, record: CommittedRecord) -> None:
    """What the history of a run depends on besides its own frames."""
    body = record.body
    if record.kind == "run.rewound":
        rebuilt.rewinds.setdefault(body["run"], []).append((record.seq, body["step"]))
    elif record.kind == "run.forked":
        rebuilt.forks.append((body["run"], body["origin"], body["step"]))
