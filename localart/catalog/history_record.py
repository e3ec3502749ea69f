"""What a run logged, as it is kept in the packs, so that a lost catalog can be rebuilt from them.

A run's history is written whole when it ends (also for one whose process died), and what came new every 50,000
points or five minutes while it goes on. Later frames count more than earlier ones: see `localart.catalog.replay`.
Each frame holds at most 100,000 rows; the payload of one HISTORY frame, all numbers little-endian:

    ======  =====  ====================================================================
    offset  bytes  what
    ======  =====  ====================================================================
    0       32     BLAKE3 of the run's uid
    32      4      n, the bytes of the head
    36      n      head, as JSON: `run` (uid), `snapshot` (its own uid, the same in all
                   parts), `part` (from 0), `last` (bool), `whole` (bool), `seq` (the
                   newest journal record there was), `series` ([metric, rows] each)
    36+n    …      steps, 8 bytes each: the difference from the row before in its series
            …      times, 8 bytes each: seconds since the epoch, as doubles
            …      kinds, 1 byte each: 0 integer, 1 double, 2 NaN, 3 JSON
            …      the integers, 8 bytes each, then the doubles, 8 bytes each
            …      the JSON values, as one JSON array of texts
    ======  =====  ====================================================================

About 12 bytes a row, and 5 as stored where metrics are logged together.
"""

import json
import sqlite3
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, groupby, islice, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from blake3 import blake3

from localart.catalog.metrics import Point, columns_of
from localart.catalog.seals import damaged, onward
from localart.errors import BlobDamaged
from localart.records import dataclass

ROWS = 100_000
_LENGTH = struct.Struct("<I")
_INTEGER, _REAL, _NAN, _JSON = range(4)


class Row(NamedTuple):
    """One row of `metrics`; `value` and `body` as the columns have them."""

    metric: str
    step: int
    time: float
    value: float | int | None
    body: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Which snapshot of which run a frame belongs to; `whole`: it replaces all that was written before."""

    run: str
    snapshot: str
    seq: int
    whole: bool
    part: int = 0
    last: bool = True


def subject_of(run: str) -> bytes:
    """What the payloads of a run's frames begin with."""
    return blake3(run.encode()).digest()


# --- writing ---------------------------------------------------------------------------------------


def encode_history(head: Snapshot, rows: Iterable[Row]) -> Iterator[bytes]:
    """The parts, in order; none when there are no rows. Rows of one metric must lie together."""
    stream = iter(rows)
    part = 0
    waiting = list(islice(stream, ROWS))
    while waiting:
        following = list(islice(stream, ROWS))
        yield _encode_part(head, part, waiting, is_last=not following)
        part, waiting = part + 1, following


def _encode_part(head: Snapshot, part: int, rows: Sequence[Row], *, is_last: bool) -> bytes:
    series = [(name, list(group)) for name, group in groupby(rows, key=itemgetter(0))]
    facts = {
        "run": head.run, "snapshot": head.snapshot, "seq": head.seq, "whole": head.whole, "part": part,
        "last": is_last, "series": [[name, len(group)] for name, group in series],
    }  # fmt: skip
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    kinds = bytes(_kind(row.value, row.body) for row in rows)
    return b"".join(
        (
            subject_of(head.run),
            _LENGTH.pack(len(text)),
            text,
            _packed("q", chain.from_iterable(_differences(group) for _, group in series)),
            _packed("d", (row.time for row in rows)),
            kinds,
            _packed("q", (row.value for row, kind in zip(rows, kinds, strict=True) if kind == _INTEGER)),
            _packed("d", (row.value for row, kind in zip(rows, kinds, strict=True) if kind == _REAL)),
            json.dumps([row.body for row in rows if row.body is not None], ensure_ascii=False).encode(),
        )
    )


def _kind(value: float | None, body: str | None) -> int:
    if value is None:
        return _NAN if body is None else _JSON
    return _INTEGER if isinstance(value, int) else _REAL


def _differences(rows: Sequence[Row]) -> Iterator[int]:
    yield rows[0].step
    yield from (after.step - before.step for before, after in pairwise(rows))


def _packed(code: str, numbers: Iterable[Any]) -> bytes:
    packed = array(code, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def rows_of(connection: sqlite3.Connection, run_key: int) -> Iterator[Row]:
    """Everything a run logged, a metric after the other. No statement stays open meanwhile."""
    after = (0, -(1 << 63))
    sql = (
        "SELECT n.name, m.step, m.time, m.value, m.body, m.metric FROM metrics m"
        " LEFT JOIN metric_names n ON n.id = m.metric WHERE m.run = ? AND (m.metric, m.step) > (?, ?)"
        " ORDER BY m.metric, m.step LIMIT 10000"
    )
    while found := connection.execute(sql, (run_key, *after)).fetchall():
        if any(row[0] is None for row in found):
            raise damaged("the name of a metric")
        yield from (Row(*row[:5]) for row in found)
        after = onward(after, (found[-1][5], found[-1][1]))


def rows_of_points(points: Iterable[Point]) -> list[Row]:
    """What these calls logged, the metrics in the order of their first value."""
    series: dict[str, list[Row]] = {}
    for step, time, values in points:
        for name, value in values.items():
            series.setdefault(name, []).append(Row(name, step, time, *columns_of(value)))
    return list(chain.from_iterable(series.values()))


# --- reading ---------------------------------------------------------------------------------------


def decode_head(payload: bytes) -> Snapshot:
    """Which snapshot a payload belongs to; BlobDamaged when it is none."""
    facts, _ = _facts(payload)
    try:
        return Snapshot(
            run=str(facts["run"]),
            snapshot=str(facts["snapshot"]),
            seq=int(facts["seq"]),
            whole=bool(facts["whole"]),
            part=int(facts["part"]),
            last=bool(facts["last"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged() from error


def _facts(payload: bytes) -> tuple[dict[str, Any], int]:
    start = 32 + _LENGTH.size
    if len(payload) < start:
        raise _damaged()
    end = start + _LENGTH.unpack_from(payload, 32)[0]
    try:
        facts: dict[str, Any] = json.loads(payload[start:end])
    except (ValueError, RecursionError) as error:
        raise _damaged() from error
    return facts, end


def decode_rows(payload: bytes) -> Iterator[Row]:
    """The rows of one payload, in order; BlobDamaged when they do not add up."""
    facts, at = _facts(payload)
    try:
        count = sum(rows for _, rows in facts["series"])
        steps, at = _unpacked("q", payload, at, count)
        times, at = _unpacked("d", payload, at, count)
        kinds, at = payload[at : at + count], at + count
        integers, at = _unpacked("q", payload, at, kinds.count(_INTEGER))
        reals, at = _unpacked("d", payload, at, kinds.count(_REAL))
        bodies = json.loads(payload[at:])
        if len(kinds) != count or len(bodies) != kinds.count(_JSON):
            raise _damaged()
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _damaged() from error
    values = {_INTEGER: iter(integers), _REAL: iter(reals)}
    texts = iter(bodies)
    at = 0
    for name, rows in facts["series"]:
        for number, step in enumerate(accumulate(steps[at : at + rows]), start=at):
            kind = kinds[number]
            value = next(values[kind]) if kind in values else None
            yield Row(name, step, times[number], value, next(texts) if kind == _JSON else None)
        at += rows


def _unpacked(code: str, payload: bytes, at: int, count: int) -> tuple["array[Any]", int]:
    end = at + 8 * count
    if end > len(payload):
        raise _damaged()
    numbers = array(code)
    numbers.frombytes(payload[at:end])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers, end


def _damaged() -> BlobDamaged:
    return BlobDamaged("A record of what a run logged cannot be read", hint="run `localart verify`")
