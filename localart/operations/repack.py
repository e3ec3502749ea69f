"""Move what is alive out of packs that are mostly dead, and remove them."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path

from localart.catalog import moving, pruning
from localart.catalog.pruning import PackUse
from localart.errors import CatalogDamaged, StoreDamaged, StoreTooNew
from localart.model import DIGEST_BYTES, BlobLayout, Digest, FramePlace, PackBatch, Piece
from localart.progress import Progress
from localart.records import dataclass
from localart.repository import Repository
from localart.store.checking import payload_of
from localart.store.chunking import SMALL_BYTES
from localart.store.disposal import claimed_pack, pack_files, remove_pack, set_pack_aside
from localart.store.frames import (
    PACK_HEADER_BYTES,
    FrameHead,
    FrameKind,
    OnDamage,
    ScannedFrame,
    open_pack,
    read_frame,
    scan_pack,
)
from localart.store.packs import pack_path
from localart.store.reader import BlobReader
from localart.store.writer import BlobWriter

DEAD_SHARE = 0.2
DEAD_BYTES = 4 << 20
CHEAP_PACK_BYTES = 32 << 20
"""A pack is emptied when a fifth of it or 4 MiB are dead: at most 256 MiB are copied for that, in about a second. A
small pack is emptied for anything, so that `rm` on a small store frees what it says."""

GRACE_SECONDS = 86_400
"""On a network file system, where a lock says little: how long a pack must lie still."""

_MOVED_BLOBS = 20_000  # a transaction
_MOVED_BYTES = 64 << 20


@dataclass(slots=True)
class RepackTally:
    """What was done so far."""

    freed_bytes: int = 0
    packs_removed: int = 0
    packs_rewritten: int = 0
    packs_set_aside: int = 0
    waiting_bytes: int = 0
    damaged_packs: list[str] = field(default_factory=list)


def pays(use: PackUse, dead_bytes: int) -> bool:
    """Whether it is worth emptying a pack for this many dead bytes."""
    return dead_bytes > 0 and (
        dead_bytes >= min(DEAD_BYTES, DEAD_SHARE * use.end) or use.end <= CHEAP_PACK_BYTES
    )


class _NothingStored:
    """The index of a writer that must store again what it is given."""

    def known_blobs(self, digests: Sequence[Digest]) -> set[Digest]:
        del digests
        return set()

    def knows_size(self, size_bytes: int) -> bool:
        del size_bytes
        return False


class Repacker:
    """Empties packs into new ones. One thread; the marks of `pruning.marked` must be there.

    Each hand-over is durable bytes first, then one transaction that says where they are; the old pack's rows go
    with the last, its file afterwards. Killed midway, blobs are read from either pack and the new bytes without
    rows are an orphan.
    """

    def __init__(
        self, repository: Repository, progress: Progress, *, keeps_all_records: bool = False
    ) -> None:
        self._keeps_all_records = keeps_all_records
        self.tally = RepackTally()
        self._repository = repository
        self._root = repository.root
        self._connection = repository.read()
        self._progress = progress
        self._writer = BlobWriter(repository.root, index=_NothingStored(), packs=tuple)
        self._reader = BlobReader(repository.root)
        self._ends: dict[str, int] = {}

    def empty(self, use: PackUse) -> None:
        """Move what is alive out of the pack and remove it, if that pays and nobody writes to it."""
        possible = use.end - PACK_HEADER_BYTES - use.live_bytes
        if not pays(use, possible) or not self._try_to_empty(use):
            self.tally.waiting_bytes += use.dead_bytes

    def _try_to_empty(self, use: PackUse) -> bool:
        with claimed_pack(self._root, use.name) as is_mine:
            if not (
                is_mine
                and moving.is_unchanged(self._connection, use)
                and _is_quiet(self._repository, use.name)
            ):
                return False
            try:
                records = self._records(use)
                kept_bytes = use.live_bytes + sum(place.stored_bytes for place in records)
                if not pays(use, use.end - PACK_HEADER_BYTES - kept_bytes):
                    return False
                self._move(use, records)
            except (StoreDamaged, StoreTooNew):
                self._writer.discard()
                self.tally.damaged_packs.append(use.name)
                return False
            self._remove(use)
        return True

    def _records(self, use: PackUse) -> list[FramePlace]:
        """The records that must be kept, so that a lost catalog can be rebuilt from the packs.

        All of the journal's, and what tells of manifests, large files and runs that are still there. When no log was
        under way as the packs were looked at, what the catalog does not know is garbage; otherwise it may be on its
        way, and all is kept.
        """
        if use.framed_bytes == use.end - PACK_HEADER_BYTES:
            return []
        kept = kept_records(self._connection)
        return [
            FramePlace(
                use.name, found.frame.start, found.frame.stored_bytes, found.frame.raw_bytes, found.frame.codec,
                found.frame.checksum,
            )
            for found in scan_pack(pack_path(self._root, use.name), end=use.end, on_damage=OnDamage.RAISE)
            if found.kind is FrameKind.JOURNAL
            or (self._keeps_all_records and found.kind is not FrameKind.DATA)
            or (found.kind is not FrameKind.DATA and _subject(payload_of(use.name, found)) in kept[found.kind])
        ]  # fmt: skip

    # --- moving ---

    def _move(self, use: PackUse, records: Sequence[FramePlace]) -> None:
        count = 0
        moved: dict[Digest, int] = {}
        for frame, place in moving.live_frames(self._connection, use):
            self._take_frame(frame, place, moved)
            if len(moved) >= _MOVED_BLOBS or self._writer.staged_bytes >= _MOVED_BYTES:
                count += self._hand_over(moved)
                moved = {}
        self._finish(use, moved, records, count)

    def _take_frame(self, frame: int, place: FramePlace, moved: dict[Digest, int]) -> None:
        """Put the frame's live members into the new pack: the frame as it is, unless some of it is dead."""
        with open_pack(pack_path(self._root, place.pack)) as fd:
            head = read_frame(fd, place, memoryview(bytearray(place.stored_bytes)))
        digests = moving.members_of(self._connection, frame, [member.digest for member in head.members])
        live = [member for member in head.members if member.digest in digests]
        if len(live) == len(head.members) or any(member.size_bytes > SMALL_BYTES for member in live):
            self._writer.copy_frame(place, live)
        else:
            self._writer.put(list(self._survivors(head, place, digests)))
        moved.update(dict.fromkeys(digests, frame))
        self._progress.advance(byte_count=place.stored_bytes)

    def _survivors(
        self, head: FrameHead, place: FramePlace, digests: set[Digest]
    ) -> Iterator[tuple[bytes, str]]:
        start = 0
        for member in head.members:
            if member.digest in digests:
                layout = BlobLayout(member, (Piece(place, start, member),))
                yield self._reader.read(layout), f"codec {place.codec}"
            start += member.size_bytes

    def _hand_over(self, moved: dict[Digest, int]) -> int:
        batches = self._seal()
        with self._repository.catalog.write() as tx:
            count = moving.repoint(tx, batches, moved)
        self._writer.published()
        return count

    def _finish(
        self, use: PackUse, moved: dict[Digest, int], records: Sequence[FramePlace], count: int
    ) -> None:
        """Hand over the rest and the records, and forget the pack, all in one transaction."""
        batches = self._seal()
        for place in records:
            self._writer.copy_frame(place, ())
        copied = [replace(batch, frames=()) for batch in self._seal()]  # records have no rows
        with pruning.foreign_keys_off(self._connection), self._repository.catalog.write() as tx:
            count += moving.repoint(tx, [*batches, *copied], moved)
            if count != use.live_blobs or not moving.is_unchanged(tx.connection, use):
                raise CatalogDamaged(
                    f"{use.live_blobs} contents should lie in pack {use.name}, but {count} do",
                    hint="run `localart verify`, then `localart repair`",
                )
            moving.forget_pack(tx, use)
        self._writer.published()

    def _seal(self) -> Sequence[PackBatch]:
        batches = self._writer.seal()
        self._ends.update({batch.pack: batch.end for batch in batches})
        return batches

    def _remove(self, use: PackUse) -> None:
        self.tally.freed_bytes += remove_pack(self._root, use.name)
        self._reader.close()  # a file that is open keeps its room
        if use.live_blobs:
            self.tally.packs_rewritten += 1
        else:
            self.tally.packs_removed += 1

    def close(self) -> None:
        """Let go of the new packs; what was not handed over is garbage."""
        self._writer.close()
        self._reader.close()
        self.tally.freed_bytes -= sum(self._ends.values())


def _is_quiet(repository: Repository, pack: str) -> bool:
    """Whether the lock on a pack can be believed; on a network, only when it has not been touched for a day."""
    if not repository.network:
        return True
    now = datetime.fromisoformat(repository.clock()).timestamp()
    return now - pack_path(repository.root, pack).stat().st_mtime > GRACE_SECONDS


def kept_records(connection: sqlite3.Connection) -> Mapping[FrameKind, Collection[bytes]]:
    """Of what is still there, by the kind of frame that tells of it: what such a frame's payload begins with."""
    return {
        FrameKind.MANIFEST: moving.kept_manifests(connection),
        FrameKind.CHUNKS: moving.kept_large_blobs(connection),
        FrameKind.HISTORY: moving.kept_runs(connection),
    }


def _subject(payload: bytes) -> bytes:
    return payload[:DIGEST_BYTES]


# --- packs nobody knows ----------------------------------------------------------------------------


def remove_orphans(repository: Repository, tally: RepackTally) -> None:
    """Remove the pack files that no row names and nobody writes to.

    A pack's row is committed together with its first record, and goes when its records lie elsewhere. So with
    the newest catalog an orphan holds no record that counts. An older catalog, put back from a copy, makes
    orphans of packs with versions it does not know of: those hold records it does not know, and are set aside.
    """
    for name in pack_files(repository.root):
        if moving.is_known_pack(repository.read(), name):
            continue
        with claimed_pack(repository.root, name) as is_mine:
            # asked again: its writer may have committed the row just before it let go
            if is_mine and _is_quiet(repository, name) and not moving.is_known_pack(repository.read(), name):
                _remove_orphan(repository, name, tally)


def _remove_orphan(repository: Repository, name: str, tally: RepackTally) -> None:
    try:
        is_past = moving.knows_records(repository.read(), _journal_records(repository.root, name))
    except (StoreDamaged, StoreTooNew):
        is_past = False
    if is_past:
        tally.freed_bytes += remove_pack(repository.root, name)
        tally.packs_removed += 1
    else:
        set_pack_aside(repository.root, name)
        tally.packs_set_aside += 1


def _journal_records(root: Path, name: str) -> Iterator[tuple[int, bytes]]:
    """Number and digest of the journal records in a pack, as far as it is whole."""
    for found in scan_pack(pack_path(root, name), on_damage=OnDamage.SKIP):
        if found.kind is FrameKind.JOURNAL:
            yield from _numbered(name, found)


def _numbered(name: str, found: ScannedFrame) -> Iterator[tuple[int, bytes]]:
    for line in payload_of(name, found).splitlines():
        digest, _, canonical = line.partition(b" ")
        yield json.loads(canonical)["seq"], bytes.fromhex(digest.decode())
