"""Read every pack of a store, and sort what its frames say into the new catalog or into lists of where it stands."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from blake3 import blake3

from localart.catalog.history_record import Snapshot
from localart.catalog.history_record import decode_head as decode_history_head
from localart.catalog.replay import Rebuilt, commit_found, decode_commit
from localart.catalog.replay_chain import FoundCommit
from localart.catalog.replay_content import end_pack, place_pack
from localart.errors import BlobDamaged, BlobMissing
from localart.manifest.record import RecordHead
from localart.manifest.record import decode_head as decode_manifest_head
from localart.model import BlobRef, Digest, Frame, FramePlace
from localart.progress import Progress
from localart.store.chunk_lists import decode_chunk_list
from localart.store.codecs import DELTAS, decompress
from localart.store.differences import decode_bases
from localart.store.disposal import pack_files
from localart.store.frames import PACK_HEADER_BYTES, FrameKind, ScannedFrame, open_pack, read_frame, walk_pack
from localart.store.packs import pack_path


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedPlace:
    """A place in a pack where no whole frame stands, or where contents are not what they were."""

    pack: str
    start: int
    reason: str


@dataclass(slots=True)
class Findings:
    """What the packs hold besides contents: where the records stand, which are read again later."""

    places: list[FramePlace] = field(default_factory=list)
    commits: list[FoundCommit] = field(default_factory=list)
    manifests: list[tuple[RecordHead, FramePlace]] = field(default_factory=list)
    chunk_lists: dict[Digest, list[FramePlace]] = field(default_factory=dict)
    histories: list[tuple[Snapshot, FramePlace]] = field(default_factory=list)
    damages: list[DamagedPlace] = field(default_factory=list)
    first_time: str = ""
    sites: dict[str, int] = field(default_factory=dict)
    pack_count: int = 0
    byte_count: int = 0


def pack_sizes(root: Path) -> dict[str, int]:
    """Every pack of the store and the size of its file, by name."""
    return {name: pack_path(root, name).stat().st_size for name in sorted(pack_files(root))}


def scan_store(root: Path, rebuilt: Rebuilt, progress: Progress) -> Findings:
    """Place every content of every pack, each compared with its digest, and find the records.

    Differences are placed unread: their bases may lie in a pack that comes later. One frame is held at a time.
    """
    findings = Findings()
    sizes = pack_sizes(root)
    progress.start("reading packs", total_bytes=sum(sizes.values()), total_files=0)
    for name in sizes:
        _scan_pack(root, rebuilt, findings, name, progress)
    progress.finish()
    findings.pack_count, findings.byte_count = len(sizes), sum(sizes.values())
    return findings


def _scan_pack(root: Path, rebuilt: Rebuilt, findings: Findings, name: str, progress: Progress) -> None:
    end = PACK_HEADER_BYTES

    def frames() -> Iterator[tuple[Frame, Sequence[BlobRef]]]:
        nonlocal end
        for found in _walked(root, name):
            if not isinstance(found, ScannedFrame):
                start, error = found
                findings.damages.append(DamagedPlace(pack=name, start=start, reason=error.message))
                continue
            end = found.frame.start + found.frame.stored_bytes
            progress.advance(byte_count=found.frame.stored_bytes)
            if found.kind is FrameKind.DATA:
                yield from _content(findings, name, found)
            else:
                _take_record(findings, name, found)

    pack = place_pack(rebuilt.tx, name, frames())
    end_pack(rebuilt.tx, pack, end)


def _walked(root: Path, name: str) -> Iterator[ScannedFrame | tuple[int, BlobDamaged]]:
    """As `walk_pack`; what only bears a pack's name is damage as well."""
    try:
        yield from walk_pack(pack_path(root, name))
    except BlobMissing as error:
        yield 0, BlobDamaged(error.message, hint=error.hint)


def _content(findings: Findings, pack: str, found: ScannedFrame) -> Iterator[tuple[Frame, Sequence[BlobRef]]]:
    frame = found.frame
    try:
        if frame.codec in DELTAS:
            bases, _ = decode_bases(found.body, frame.raw_bytes)
            yield replace(frame, bases=bases), ()
            return
        raw = memoryview(decompress(frame.codec, found.body, frame.raw_bytes))
    except BlobDamaged as error:
        findings.damages.append(DamagedPlace(pack=pack, start=frame.start, reason=error.message))
        return
    damaged = []
    at = 0
    for member in frame.members:
        if blake3(raw[at : at + member.size_bytes]).digest() != member.digest:
            damaged.append(member)
        at += member.size_bytes
    if damaged:
        reason = f"{len(damaged)} of its contents are not what they were"
        findings.damages.append(DamagedPlace(pack=pack, start=frame.start, reason=reason))
    yield frame, damaged


def _take_record(findings: Findings, pack: str, found: ScannedFrame) -> None:
    frame = found.frame
    place = FramePlace(pack, frame.start, frame.stored_bytes, frame.raw_bytes, frame.codec, frame.checksum)
    try:
        payload = _checked_payload(frame.codec, found.body, frame.raw_bytes, frame.members)
        _sort_in(findings, found.kind, payload, place)
    except BlobDamaged as error:
        findings.damages.append(DamagedPlace(pack=pack, start=frame.start, reason=error.message))


def _checked_payload(codec: int, body: bytes, raw_bytes: int, members: Sequence[BlobRef]) -> bytes:
    payload = bytes(decompress(codec, body, raw_bytes))
    if len(members) != 1 or blake3(payload).digest() != members[0].digest:
        raise BlobDamaged("a record is not what was written")
    return payload


def _sort_in(findings: Findings, kind: FrameKind, payload: bytes, place: FramePlace) -> None:
    match kind:
        case FrameKind.JOURNAL:
            records = decode_commit(payload)
            findings.commits.append(commit_found(records, len(findings.places)))
            findings.places.append(place)
            for record in records:
                findings.sites[record.site] = findings.sites.get(record.site, 0) + 1
            if records[0].seq == 1 or not findings.first_time:
                findings.first_time = records[0].time
        case FrameKind.MANIFEST:
            findings.manifests.append((decode_manifest_head(payload), place))
        case FrameKind.CHUNKS:
            findings.chunk_lists.setdefault(decode_chunk_list(payload).blob.digest, []).append(place)
        case FrameKind.HISTORY:
            findings.histories.append((decode_history_head(payload), place))
        case FrameKind.DATA:
            raise AssertionError


class RecordReader:
    """Reads records again by their place. The pack read last stays open."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pack = ""
        self._fd: int | None = None

    def read(self, place: FramePlace) -> bytes:
        """The payload; BlobDamaged when it is not any more what it was."""
        if place.pack != self._pack:
            self.close()
            with open_pack(pack_path(self._root, place.pack)) as fd:
                self._fd = os.dup(fd)
            self._pack = place.pack
        assert self._fd is not None
        data = memoryview(bytearray(place.stored_bytes))
        head = read_frame(self._fd, place, data)
        return _checked_payload(head.codec, bytes(data[head.head_bytes :]), head.raw_bytes, head.members)

    def close(self) -> None:
        """Close the pack."""
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._pack = None, ""
