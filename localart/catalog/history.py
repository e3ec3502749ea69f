"""The journal read back: what was changed, when, and what the same thing was before.

Records are ordered by their number, never by their time: clocks jump, and two records may bear one time. Those of
one transaction follow each other with uids that do: together they are one *action*.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from localart.catalog.registries import PREFIX
from localart.catalog.seals import damaged, onward
from localart.catalog.transaction import chain_digest, next_uid
from localart.jsonable import canonical_json
from localart.model import JsonObject

_PAGE = 500
_SELECT = "SELECT seq, uid, site, time, kind, body, digest, previous FROM journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record of the journal; `seq` is the number that users name it by."""

    seq: int
    uid: str
    time: str
    kind: str
    body: JsonObject


Place = tuple[str, str]
"""Project and name of an artifact."""


def find_change(connection: sqlite3.Connection, seq: int) -> Change | None:
    """Record `seq`, or None."""
    row = connection.execute(f"{_SELECT} WHERE seq = ?", (seq,)).fetchone()
    if row is None and 0 < seq <= newest_seq(connection):
        raise damaged(f"change {seq} in the journal")
    return None if row is None else _change(row)


def iter_changes(
    connection: sqlite3.Connection, *, kinds: Collection[str] = (), before: int | None = None
) -> Iterator[Change]:
    """Records (of these kinds), the newest first, streamed; `before` leaves out that number and later ones."""
    last = _refuse_gaps(connection)
    stop = last + 1 if before is None else min(before, last + 1)
    marks = ",".join("?" * len(kinds))
    some = f" AND kind IN ({marks})" if kinds else ""
    sql = f"{_SELECT} WHERE seq >= ? AND seq < ?{some} ORDER BY seq DESC"
    while stop > 1:  # numbers have no gaps: each page must hold its own, whatever leads to it
        at, start = stop, max(stop - _PAGE, 1)
        _refuse_others(connection, start, stop)
        rows = connection.execute(sql, (start, stop, *kinds)).fetchall()
        for row in rows:  # all of them before the first is told: who asks for few does not ask for the rest
            at = onward(at, row[0], downwards=True)
        yield from map(_change, rows)
        stop = start


def _refuse_gaps(connection: sqlite3.Connection) -> int:
    """The number of the last record; CatalogDamaged unless there are as many."""
    count, last = connection.execute(  # each for itself: together, an index would answer both
        "SELECT (SELECT count(*) FROM journal), coalesce((SELECT max(seq) FROM journal NOT INDEXED), 0)"
    ).fetchone()
    if count != last:
        raise damaged("a change in the journal")
    return int(last)


def _refuse_others(connection: sqlite3.Connection, start: int, stop: int) -> None:
    """CatalogDamaged unless what leads to the records from `start` to before `stop` leads to all and only them."""
    found = connection.execute(
        "SELECT count(*), total(seq) FROM journal WHERE seq >= ? AND seq < ?", (start, stop)
    ).fetchone()
    if found != (stop - start, (start + stop - 1) * (stop - start) / 2):
        raise damaged("a change in the journal")


def newest_seq(connection: sqlite3.Connection) -> int:
    """The number of the last record; while it stays, nothing was changed."""
    number: int = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
    return number


def newest_time(connection: sqlite3.Connection) -> str:
    """The latest time that any of the last records bears; "" before the first."""
    row = connection.execute(
        "SELECT max(time) FROM (SELECT time FROM journal ORDER BY seq DESC LIMIT 1000)"
    ).fetchone()
    return row[0] or ""


def action_of(connection: sqlite3.Connection, change: Change) -> list[Change]:
    """All records of the transaction that made `change`, in order."""
    found = [change]
    for earlier in iter_changes(connection, before=change.seq):
        if next_uid(earlier.uid) != found[0].uid:
            break
        found.insert(0, earlier)
    later = connection.execute(f"{_SELECT} WHERE seq > ? ORDER BY seq", (change.seq,))
    for row in later:
        if row[0] != found[-1].seq + 1:
            raise damaged("a change in the journal")
        if next_uid(found[-1].uid) != row[1]:
            break
        found.append(_change(row))
    later.close()
    return found


def last_of_version(
    connection: sqlite3.Connection, uid: str, kinds: Collection[str], *, before: int
) -> Change | None:
    """The last record of these kinds about a version that is older than record `before`, or None."""
    found = iter_changes(connection, kinds=kinds, before=before)
    return next((change for change in found if change.body.get("version") == uid), None)


def _change(row: tuple[Any, ...]) -> Change:
    seq, uid, site, time, kind, text, digest, previous = row
    try:
        body = json.loads(text)
        canonical = canonical_json(
            {"body": body, "kind": kind, "seq": seq, "site": site, "time": time, "uid": uid}
        )
        fits = chain_digest(previous, canonical) == digest
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged(f"change {seq} in the journal") from error
    if not fits:
        raise damaged(f"change {seq} in the journal")
    return Change(seq=seq, uid=uid, time=time, kind=kind, body=body)


# --- where artifacts were --------------------------------------------------------------------------


class Moves:
    """Renames and moves of artifacts, so that a record can be understood that names one by its place of then."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        kinds = ("artifact.moved", "registry.renamed")
        self._moves = [*iter_changes(connection, kinds=kinds)][::-1]

    def place_now(self, place: Place, seq: int) -> Place:
        """Where the artifact is now that was at `place` when record `seq` was written."""
        for move in self._moves:
            if move.seq > seq:
                place = _moved(move, place)
        return place


def _moved(move: Change, place: Place) -> Place:
    if move.kind == "artifact.moved":
        return tuple(move.body["to"]) if list(place) == list(move.body["from"]) else place
    if place[0] == PREFIX + move.body["from"]:
        return PREFIX + move.body["to"], place[1]
    return place


def place_of(change: Change) -> Place | None:
    """The artifact or portfolio that a record names, by its place of then; None when it names none."""
    body = change.body
    if change.kind == "artifact.moved":
        return tuple(body["to"])
    if "in" in body:
        return tuple(body["in"])
    if "artifact" in body:
        return body["project"], body["artifact"]
    project, _, name = str(body.get("label") or "").rpartition(":")[0].partition("/")
    return (project, name) if name else None


# --- aliases ---------------------------------------------------------------------------------------

ALIAS_KINDS = ("alias.set", "alias.removed")


def alias_changes(
    connection: sqlite3.Connection,
    artifact_id: int,
    place: Place,
    *,
    alias: str | None = None,
    before: int | None = None,
) -> Iterator[Change]:
    """What happened to the aliases (or one) of an artifact or portfolio that is at `place` now, the newest first."""
    moves = Moves(connection)
    uids: dict[str, bool] = {}
    for change in iter_changes(connection, kinds=ALIAS_KINDS, before=before):
        if alias is not None and change.body["alias"] != alias:
            continue
        if "in" in change.body:
            if moves.place_now(tuple(change.body["in"]), change.seq) == place:
                yield change
        elif _is_of(connection, artifact_id, change.body["version"], uids) and not _is_elsewhere(
            moves, change, place
        ):
            yield change


def _is_of(connection: sqlite3.Connection, artifact_id: int, uid: str, known: dict[str, bool]) -> bool:
    if uid not in known:
        row = connection.execute("SELECT artifact FROM versions WHERE uid = ?", (uid,)).fetchone()
        known[uid] = row == (artifact_id,)
    return known[uid]


def _is_elsewhere(moves: Moves, change: Change, place: Place) -> bool:
    """Whether the alias is a portfolio's, in a record that says so by its label only."""
    named = place_of(change)
    return named is not None and moves.place_now(named, change.seq) != place


def alias_at(
    connection: sqlite3.Connection, artifact_id: int, place: Place, alias: str, moment: str
) -> Change | None:
    """The last change of the alias up to `moment` (UTC); None when there was none by then."""
    found = alias_changes(connection, artifact_id, place, alias=alias)
    return next((change for change in found if change.time <= moment), None)
