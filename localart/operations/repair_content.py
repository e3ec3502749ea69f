"""Bring back the bytes of damaged packs, and put the packs into quarantine.

The order, and why a death anywhere leaves a store that the next repair finishes: what was found elsewhere is stored
again, bytes then rows (I1); what is sound in a damaged pack is copied, bytes then rows; then one transaction lets go of
the pack, and what no copy was found of keeps its row without a place; then the file moves to `quarantine/`. Nothing
is ever deleted.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from localart.catalog import mending_places, moving, pruning, soundness_content
from localart.catalog.blobs import base_pieces, frame_place
from localart.errors import SourceError, StoreBusy, StoreError
from localart.files.source import open_source
from localart.model import BlobRef, Digest, FramePlace
from localart.operations.repair_catalog import mend
from localart.operations.repair_sources import Source, Wanted, digest_of_file, files_below
from localart.operations.verify_content import read_bases_of
from localart.progress import Progress
from localart.repository import Repository, open_repository
from localart.repository.ingest import ingest_one
from localart.repository.marker import read_marker
from localart.store import pack_path
from localart.store.checking import FrameDamage, examine_pack
from localart.store.disposal import claimed_pack, set_pack_aside
from localart.store.frames import FrameKind, ScannedFrame
from localart.store.writer import BlobWriter

_STAGED_BYTES = 64 << 20
_STAGED_BLOBS = 20_000


class NothingStored:
    """The index of a writer that must store again what it is given."""

    def known_blobs(self, digests: Sequence[Digest]) -> set[Digest]:
        """None of them."""
        del digests
        return set()

    def knows_size(self, size_bytes: int) -> bool:
        """No."""
        del size_bytes
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRepair:
    """What became of one damaged pack."""

    pack: str
    kept_blobs: int
    lost_blobs: int
    is_set_aside: bool


def bring_back(repository: Repository, wanted: Wanted, sources: Sequence[Source], progress: Progress) -> int:
    """Store again what `sources` have of the wanted pieces; how many there were. Each is taken out of `wanted`.

    Sources are asked in turn until a round brings nothing: a difference may need what came after it.
    """
    writer = BlobWriter(repository.root, index=NothingStored(), packs=tuple)
    found = 0
    try:
        for source in sources:
            for blob, content in source.pieces(wanted):
                if wanted.pieces.pop(blob.digest, None) is None:
                    continue
                writer.put_piece(content, "repair")
                found += 1
                progress.advance(byte_count=blob.size_bytes)
                if writer.staged_bytes >= _STAGED_BYTES or writer.staged_blobs >= _STAGED_BLOBS:
                    _hand_over(repository, writer)
        _hand_over(repository, writer)
    finally:
        writer.close()
    return found


def _hand_over(repository: Repository, writer: BlobWriter) -> None:
    batches = writer.seal()
    if batches:
        with repository.catalog.write() as tx:
            mending_places.repoint(tx, batches)
            mending_places.settle_lost(tx)
        writer.published()


def pieces_wanted(repository: Repository, lost: Iterable[BlobRef]) -> Wanted:
    """What is to be looked for so that all of `lost` can be read again: chunks in place of large contents."""
    connection = repository.read()
    wanted = Wanted()
    for blob in lost:
        chunks = mending_places.chunks_of(connection, blob.digest)
        wanted.pieces |= {chunk.digest: chunk for _, chunk in chunks} if chunks else {blob.digest: blob}
    wanted.pieces |= {blob.digest: blob for blob in soundness_content.placeless(connection)}
    wanted.wholes = {blob.digest: blob for blob in mending_places.wholes_with(connection, wanted.pieces)}
    return wanted


# --- one pack ------------------------------------------------------------------------------------------


def name_by_place(repository: Repository, pack: str) -> int:
    """Let rows that point into sound frames say what lies there; how many said something else."""
    connection = repository.read()
    with soundness_content.contents_counted(connection):
        rows = soundness_content.frame_rows(connection, pack)
    sound = [
        found
        for found in _examined(repository, pack, rows)
        if found.kind is FrameKind.DATA and found.frame.start in rows
    ]
    with pruning.foreign_keys_off(connection), repository.catalog.write() as tx:
        return sum(
            mending_places.name_by_place(tx, rows[found.frame.start].id, found.frame.members)
            for found in sound
        )


def _examined(
    repository: Repository, pack: str, rows: dict[int, soundness_content.FrameRow]
) -> Iterator[ScannedFrame]:
    """The sound frames of a pack, without their bodies."""
    del rows
    try:
        for found in examine_pack(pack_path(repository.root, pack), read_bases=read_bases_of(repository)):
            if isinstance(found, ScannedFrame):
                yield replace(found, body=b"")
    except StoreError:  # what cannot be read is not sound
        return


def empty_damaged(repository: Repository, pack: str) -> PackRepair | None:
    """Copy what is sound out of the pack, let go of it and put its file into quarantine; None when it is all sound.

    StoreBusy while another process writes to it.
    """
    with ExitStack() as held:
        path = pack_path(repository.root, pack)
        is_file = path.is_file() and not path.is_symlink()
        if is_file and not held.enter_context(claimed_pack(repository.root, pack)):
            raise StoreBusy(
                f"Pack {pack} is being written to", hint="end the other programs that use this store"
            )
        end = next((one.end for one in soundness_content.packs(repository.read()) if one.pack == pack), None)
        if end is None:
            return None
        sound, is_damaged = _look(repository, pack, end)
        if not is_damaged:
            return None
        kept = _copy(repository, pack, sound)
        with pruning.foreign_keys_off(repository.read()), repository.catalog.write() as tx:
            lost = mending_places.forget_pack(tx, pack)
        if "reader" in repository.__dict__:
            repository.reader.close()
        is_there = os.path.lexists(path)  # also what only bears its name
        if is_there:
            set_pack_aside(repository.root, pack)
        return PackRepair(pack=pack, kept_blobs=kept, lost_blobs=lost, is_set_aside=is_there)


def _look(repository: Repository, pack: str, end: int) -> tuple[list[ScannedFrame], bool]:
    """The pack's sound frames without their bodies, and whether anything in it is not sound."""
    sound: list[ScannedFrame] = []
    is_damaged = False
    try:
        for found in examine_pack(
            pack_path(repository.root, pack), end=end, read_bases=read_bases_of(repository)
        ):
            if isinstance(found, FrameDamage):
                is_damaged = True
            else:
                sound.append(replace(found, body=b""))
    except StoreError:
        is_damaged = True
    starts = {found.frame.start for found in sound}
    connection = repository.read()
    with soundness_content.contents_counted(connection):
        rows = soundness_content.frame_rows(connection, pack)
    return sound, is_damaged or any(row.blob_count and start not in starts for start, row in rows.items())


def _copy(repository: Repository, pack: str, sound: Sequence[ScannedFrame]) -> int:
    """Copy sound frames that rows lead to, and records, to other packs; how many contents moved."""
    connection = repository.read()
    writer = BlobWriter(repository.root, index=NothingStored(), packs=tuple)
    moved: dict[Digest, int] = {}
    count = 0
    try:
        for place, row_id, members in _live(repository, pack, sound):
            writer.copy_frame(place, members)
            moved |= dict.fromkeys((member.digest for member in members), row_id)
            if writer.staged_bytes >= _STAGED_BYTES:
                count += _hand_over_moved(repository, writer, moved)
                moved = {}
        count += _hand_over_moved(repository, writer, moved)
        for found in sound:
            if found.kind is not FrameKind.DATA:
                writer.copy_frame(_place(pack, found), ())
        batches = [replace(batch, frames=()) for batch in writer.seal()]  # records have no rows
        with pruning.foreign_keys_off(connection), repository.catalog.write() as tx:
            moving.repoint(tx, batches, {})
        writer.published()
    finally:
        writer.close()
    return count


def _live(
    repository: Repository, pack: str, sound: Sequence[ScannedFrame]
) -> Iterator[tuple[FramePlace, int, list[BlobRef]]]:
    """Sound data frames that are where their rows say, with what is read from them."""
    connection = repository.read()
    with soundness_content.contents_counted(connection):
        rows = soundness_content.frame_rows(connection, pack)
    for found in sound:
        row = rows.get(found.frame.start)
        if found.kind is not FrameKind.DATA or row is None or not row.blob_count:
            continue
        places = soundness_content.places_of(connection, [member.digest for member in found.frame.members])
        live = [
            member for member in found.frame.members if places.get(member.digest, (0, 0, 0, 0))[2] == row.id
        ]
        bases = base_pieces(connection, [row.id]).get(row.id, ()) if row.frame.depth else ()
        place = frame_place(
            (
                pack, found.frame.start, found.frame.stored_bytes, found.frame.raw_bytes, found.frame.codec,
                found.frame.checksum, row.frame.depth,
            ),
            bases,
        )  # fmt: skip
        yield place, row.id, live


def _place(pack: str, found: ScannedFrame) -> FramePlace:
    frame = found.frame
    return FramePlace(pack, frame.start, frame.stored_bytes, frame.raw_bytes, frame.codec, frame.checksum)


def _hand_over_moved(repository: Repository, writer: BlobWriter, moved: dict[Digest, int]) -> int:
    batches = writer.seal()
    if not batches:
        return 0
    with pruning.foreign_keys_off(repository.read()), repository.catalog.write() as tx:
        count = moving.repoint(tx, batches, moved)
    writer.published()
    return count


# --- large contents whose list of chunks is wrong --------------------------------------------------------


def is_whole(repository: Repository, blob: BlobRef) -> bool:
    """Whether the content can be read and is what its digest says."""
    try:
        for _ in repository.reader.stream(repository.layouts([blob])[0]):
            pass
    except StoreError:
        return False
    return True


def take_whole(repository: Repository, blobs: Sequence[BlobRef], places: Sequence[Path]) -> set[Digest]:
    """Take in the files in `places` that are one of these contents, with their chunks; which of them were found."""
    wanted = {blob.digest: blob for blob in blobs}
    if not wanted:
        return set()
    found: dict[Digest, str] = {}
    for path in (path for place in places for path in files_below(place)):
        with suppress(SourceError, OSError), open_source(path) as source:
            if source.size_bytes in {blob.size_bytes for blob in wanted.values()}:
                digest = digest_of_file(source)
                if digest in wanted:
                    found.setdefault(digest, path)
    with TemporaryDirectory(dir=repository.root / "tmp") as folder:
        for place in places:
            found |= _fetched(place, [blob for blob in blobs if blob.digest not in found], Path(folder))
        if found:
            mend(repository, lambda tx: mending_places.lose(tx, found))
            for path in found.values():
                ingest_one(repository, path, "found")
            repository.publish()
            repository.release_writer()
    return set(found)


def _fetched(place: Path, blobs: Sequence[BlobRef], folder: Path) -> dict[Digest, str]:
    """The contents that another store has, each as a file."""
    found: dict[Digest, str] = {}
    if not blobs or read_marker(place) is None:
        return found
    other = open_repository(place, create=False, read_only=True)
    try:
        for blob in blobs:
            path = folder / blob.digest.hex()
            with suppress(StoreError), path.open("wb") as file:
                other.write_blob(blob, file)
                found[blob.digest] = str(path)
    finally:
        other.close()
    return found
