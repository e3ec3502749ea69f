"""Keep what runs logged in the packs too, so that it comes back when the catalog is lost and rebuilt."""

from collections.abc import Iterator, Sequence

from localart.catalog.history_record import Snapshot, encode_history, rows_of, rows_of_points
from localart.catalog.metrics import Point
from localart.catalog.transaction import last_record
from localart.model import RunRecord
from localart.repository import Repository
from localart.store.frames import FrameKind


def history_payloads(repository: Repository, run: RunRecord) -> Iterator[bytes]:
    """All that the run logged so far, to be written with `Repository.write_with_records`."""
    return encode_history(_head(repository, run, is_whole=True), rows_of(repository.read(), run.key))


def keep_history(repository: Repository, run: RunRecord) -> None:
    """Write all that the run logged so far into the packs; durable when it returns. Killed midway: it is garbage."""
    with repository.write_with_records(FrameKind.HISTORY, history_payloads(repository, run)):
        pass


def keep_points(repository: Repository, run: RunRecord, points: Sequence[Point]) -> None:
    """Write what is new into the packs; durable when it returns."""
    payloads = encode_history(_head(repository, run, is_whole=False), rows_of_points(points))
    with repository.write_with_records(FrameKind.HISTORY, payloads):
        pass


def _head(repository: Repository, run: RunRecord, *, is_whole: bool) -> Snapshot:
    return Snapshot(
        run=run.uid,
        snapshot=repository.new_uid(),
        seq=last_record(repository.read())[0],
        whole=is_whole,
    )
