"""What a rebuild reads a second time: chunk lists, manifests and histories, and contents that need others."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from localart.catalog import blobs as blob_rows
from localart.catalog.history_record import Row, Snapshot, decode_rows, rows_of
from localart.catalog.history_seals import seal_history
from localart.catalog.replay import Rebuilt
from localart.catalog.replay_content import (
    ended_runs,
    find_run_key,
    has_history,
    insert_history,
    iter_differences,
    iter_whole_large,
    place_large,
    take_place_away,
)
from localart.catalog.replay_kinds import Replaying
from localart.catalog.replay_manifests import FoundManifest, ManifestRow
from localart.errors import StoreDamaged
from localart.manifest.record import RecordHead
from localart.manifest.record import decode_rows as decode_manifest_rows
from localart.model import BlobRef, ChunkedBlob, Digest, FramePlace
from localart.operations.rebuild_scan import DamagedPlace, Findings, RecordReader
from localart.progress import Progress
from localart.store.chunk_lists import decode_chunk_list
from localart.store.reader import BlobReader

# --- large files -----------------------------------------------------------------------------------------------


def place_chunk_lists(tx: Replaying, findings: Findings, reader: RecordReader) -> None:
    """Say of what chunks the large files are made, where the whole list was found."""
    for digest, places in findings.chunk_lists.items():
        chunked = _whole_list(digest, places, reader)
        if chunked is not None:
            place_large(tx, chunked)


def _whole_list(digest: Digest, places: Sequence[FramePlace], reader: RecordReader) -> ChunkedBlob | None:
    """The list from its parts; None when one is missing. Of parts found twice either will do."""
    parts = {part.part: part for part in (decode_chunk_list(reader.read(place)) for place in places)}
    last = max(parts)
    if not parts[last].is_last or len(parts) != last + 1:
        return None
    chunks = tuple(chain.from_iterable(parts[number].chunks for number in range(last + 1)))
    size = parts[0].blob.size_bytes
    if sum(chunk.size_bytes for chunk in chunks) != size:
        return None
    return ChunkedBlob(digest=digest, size_bytes=size, chunks=chunks)


# --- contents that other contents are needed for ------------------------------------------------------------------


def verify_contents(root: Path, tx: Replaying, findings: Findings, progress: Progress) -> None:
    """Compare what is told by differences, and each large file as a whole, with its digest; take away what is wrong."""
    reader = BlobReader(root)
    try:
        for members in iter_differences(tx.connection):
            _verify_members(tx, findings, reader, members)
        large = list(iter_whole_large(tx.connection))
        size = sum(blob.size_bytes for blob in large)
        progress.start("checking large files", total_bytes=size, total_files=len(large))
        for blob in large:
            _verify_large(tx, findings, reader, blob, progress)
        progress.finish()
    finally:
        reader.close()


def _verify_members(
    tx: Replaying, findings: Findings, reader: BlobReader, members: Sequence[BlobRef]
) -> None:
    for layout in blob_rows.layouts(tx.connection, members):
        try:
            reader.piece(layout.pieces[0])
        except StoreDamaged as error:
            place = layout.pieces[0].place
            findings.damages.append(DamagedPlace(pack=place.pack, start=place.start, reason=error.message))
            take_place_away(tx, layout.blob)


def _verify_large(
    tx: Replaying, findings: Findings, reader: BlobReader, blob: BlobRef, progress: Progress
) -> None:
    try:
        (layout,) = blob_rows.layouts(tx.connection, [blob])
        for part in reader.stream(layout):
            progress.advance(byte_count=len(part))
        progress.advance(file_count=1)
    except StoreDamaged as error:
        findings.damages.append(DamagedPlace(pack="", start=0, reason=error.message))
        take_place_away(tx, blob)


# --- manifests ---------------------------------------------------------------------------------------------------


def find_manifests(findings: Findings, reader: RecordReader) -> dict[Digest, FoundManifest]:
    """The manifests all of whose parts were found. Of several records of one, the one that stands alone."""
    series: dict[tuple[Digest, Digest | None], list[tuple[RecordHead, FramePlace]]] = {}
    for head, place in findings.manifests:
        series.setdefault((head.digest, head.base), []).append((head, place))
    found: dict[Digest, FoundManifest] = {}
    for (digest, base), parts in series.items():
        places = _whole_series(parts)
        known = found.get(digest)
        if places is not None and (known is None or known.base is not None):
            found[digest] = FoundManifest(base=base, rows=partial(_rows, places, reader))
    return found


def _whole_series(parts: Iterable[tuple[RecordHead, FramePlace]]) -> list[FramePlace] | None:
    """The parts in order, each once; None when one is missing."""
    by_number = {head.part: (head, place) for head, place in parts}
    last = max(by_number)
    if not by_number[last][0].is_last or len(by_number) != last + 1:
        return None
    return [by_number[number][1] for number in range(last + 1)]


def _rows(places: Sequence[FramePlace], reader: RecordReader) -> Iterator[ManifestRow]:
    for place in places:
        yield from decode_manifest_rows(reader.read(place))


# --- what runs logged ----------------------------------------------------------------------------------------------


def restore_histories(rebuilt: Rebuilt, findings: Findings, reader: RecordReader) -> None:
    """Put back what runs logged: the newest whole history of each, and what was written after it."""
    by_run: dict[str, list[tuple[Snapshot, FramePlace]]] = {}
    for snapshot, place in findings.histories:
        by_run.setdefault(snapshot.run, []).append((snapshot, place))
    for uid, frames in by_run.items():
        key = find_run_key(rebuilt.tx.connection, uid)
        if key is not None:
            insert_history(rebuilt.tx, key, _history(rebuilt, frames, reader))
    for uid, origin, step in rebuilt.forks:
        _copy_to_fork(rebuilt, uid, origin, step)
    for key in ended_runs(rebuilt.tx.connection):
        seal_history(rebuilt.tx, key)


def _history(
    rebuilt: Rebuilt, frames: Sequence[tuple[Snapshot, FramePlace]], reader: RecordReader
) -> Iterator[Row]:
    ordered = sorted(frames, key=lambda one: (one[0].seq, one[0].snapshot, one[0].part))
    starts = [number for number, (one, _) in enumerate(ordered) if one.whole and _is_complete(one, ordered)]
    newest = ordered[starts[-1]][0].snapshot if starts else None
    first = next((number for number, (one, _) in enumerate(ordered) if one.snapshot == newest), 0)
    for snapshot, place in ordered[first:]:
        limit = min(
            (step for seq, step in rebuilt.rewinds.get(snapshot.run, ()) if seq > snapshot.seq), default=None
        )
        rows = decode_rows(reader.read(place))
        yield from rows if limit is None else (row for row in rows if row.step <= limit)


def _is_complete(snapshot: Snapshot, frames: Iterable[tuple[Snapshot, FramePlace]]) -> bool:
    parts = {one.part: one for one, _ in frames if one.snapshot == snapshot.snapshot}
    last = max(parts)
    return parts[last].last and len(parts) == last + 1


def _copy_to_fork(rebuilt: Rebuilt, uid: str, origin: str, step: int) -> None:
    """A fork whose own history was not written before its process died has that of its origin."""
    connection = rebuilt.tx.connection
    key, origin_key = find_run_key(connection, uid), find_run_key(connection, origin)
    if key is None or origin_key is None or has_history(connection, key):
        return
    rows = [row for row in rows_of(connection, origin_key) if row.step <= step]
    insert_history(rebuilt.tx, key, rows)
