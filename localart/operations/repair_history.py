"""Set what ended runs logged right from its records in the packs."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter

from localart.catalog import mending_history
from localart.catalog.history_record import Row, Snapshot, decode_head, decode_rows
from localart.catalog.mending_history import PackedSeries
from localart.operations.repair_catalog import mend, payloads
from localart.repository import Repository
from localart.store.frames import FrameKind


def restore_histories(repository: Repository, subjects: Iterable[str]) -> None:
    """Make the rows of these runs (`run:UID`) and the names of these metrics (`metric:ROW`) what the packs have.

    A series is believed when its rows fit the seal; a seal, when the rows in the catalog are those in the packs.
    """
    wanted = [subject.partition(":") for subject in subjects]
    metrics = [int(name) for kind, _, name in wanted if kind == "metric"]
    uids = {name for kind, _, name in wanted if kind == "run"}
    uids |= mending_history.runs_with(repository.read(), metrics)
    packed = {uid: _series(parts) for uid, parts in _newest_whole(repository, uids).items()}
    mend(repository, partial(mending_history.restore, metrics=metrics, packed=packed))


def _newest_whole(repository: Repository, uids: set[str]) -> dict[str, list[bytes]]:
    """The parts of the newest complete history that each run has in the packs."""
    found: dict[str, dict[tuple[int, str], dict[int, tuple[Snapshot, bytes]]]] = {}
    for payload in payloads(repository, FrameKind.HISTORY):
        head = decode_head(payload)
        if head.run in uids and head.whole:
            parts = found.setdefault(head.run, {}).setdefault((head.seq, head.snapshot), {})
            parts[head.part] = (head, payload)
    return {
        uid: [payload for _, (_, payload) in sorted(parts.items())]
        for uid, snapshots in found.items()
        for parts in [_newest(snapshots)]
        if parts is not None
    }


def _newest(
    snapshots: dict[tuple[int, str], dict[int, tuple[Snapshot, bytes]]],
) -> dict[int, tuple[Snapshot, bytes]] | None:
    for _, parts in sorted(snapshots.items(), reverse=True):
        last = max(parts)
        if parts[last][0].last and len(parts) == last + 1:
            return parts
    return None


def _series(parts: Sequence[bytes]) -> list[PackedSeries]:
    rows = _rows(parts)
    return [PackedSeries.of(name, list(group)) for name, group in groupby(rows, key=attrgetter("metric"))]


def _rows(parts: Sequence[bytes]) -> Iterator[Row]:
    for payload in parts:
        yield from decode_rows(payload)
