"""The long part of verify: every manifest, every frame and every large file, byte by byte."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from localart.catalog import blobs, manifests, soundness_content, soundness_journal
from localart.catalog.soundness_content import FrameRow
from localart.errors import BlobDamaged, StoreDamaged, StoreError
from localart.manifest import manifest_digest
from localart.model import DIGEST_BYTES, BasePiece, BaseSlice, BlobRef, Digest, PackState
from localart.operations.verify import FROM_COPY, REPAIR, Code, Finding, Subset, Tally, document_of, failure
from localart.operations.verify_catalog import manifest_finding
from localart.operations.verify_progress import VerifyProgress
from localart.progress import Progress
from localart.repository import Repository
from localart.store import pack_path
from localart.store.checking import FrameDamage, examine_pack, raw_of
from localart.store.codecs import DELTAS, ReadBases
from localart.store.disposal import pack_files
from localart.store.frames import FrameKind, ScannedFrame

_HEAD_BYTES = 2 * DIGEST_BYTES + 8


def check_content(
    repository: Repository, tally: Tally, subset: Subset, noted: VerifyProgress, progress: Progress
) -> None:
    """Read everything that is in the subset and was not done before."""
    connection = repository.read()
    records = RecordsSeen(connection)
    states = [
        state for state in soundness_content.packs(connection) if subset.holds(bytes.fromhex(state.pack))
    ]
    progress.start("verifying", total_bytes=sum(state.end for state in states), total_files=0)
    try:
        _check_manifests(connection, tally, subset, noted)
        with soundness_content.contents_counted(connection):
            for state in states:
                if not noted.has_pack(state.pack, state.end):
                    _check_one_pack(repository, state, tally, records, progress)
                    noted.packs[state.pack] = state.end
                _keep(noted, tally)
        _check_wholes(repository, tally, subset, noted, progress)
    finally:
        progress.finish()
    if subset.count == 1 and not noted.is_resumed:
        tally.add(records.missing(connection))


def _keep(noted: VerifyProgress, tally: Tally) -> None:
    """Note what was done; the quick findings are looked for anew each time."""
    noted.findings = [document_of(finding) for finding in tally.findings if finding.code in _FOUND_IN_CONTENT]
    noted.note()


_FOUND_IN_CONTENT = {Code.FRAME, Code.PLACE, Code.CONTENT, Code.RECORD, Code.MANIFEST}


# --- manifests ---------------------------------------------------------------------------------------


def _check_manifests(
    connection: sqlite3.Connection, tally: Tally, subset: Subset, noted: VerifyProgress
) -> None:
    """Every entry of every manifest against the digest of its page."""
    for manifest, digest in soundness_content.manifest_ids(connection, noted.manifest):
        if subset.holds(digest):
            tally.manifest_count += 1
            try:
                for _ in manifests.verified_entries(connection, manifests.get_manifest(connection, manifest)):
                    pass
            except StoreDamaged as error:
                found = manifest_finding(connection, manifest, error)
                if found.subject not in {one.subject for one in tally.findings}:
                    tally.findings.append(found)
        noted.manifest = manifest
        _keep(noted, tally)


# --- packs -------------------------------------------------------------------------------------------


def _check_one_pack(
    repository: Repository, state: PackState, tally: Tally, records: "RecordsSeen", progress: Progress
) -> None:
    tally.pack_count += 1
    look = _PackLook(repository, state, tally, records, progress)
    try:
        look.run()
    except StoreError as error:  # the disk, or no permission: as good as not there
        if f"pack:{state.pack}" not in {one.subject for one in tally.findings}:
            tally.findings.append(
                Finding(
                    code=Code.PACK,
                    what=error.message,
                    where=_where(state.pack),
                    subject=f"pack:{state.pack}",
                    lost=look.contents_unseen(),
                    advice=FROM_COPY,
                )
            )


class _PackLook:
    """One pack beside its rows. What a row names and no sound frame holds is lost."""

    def __init__(
        self,
        repository: Repository,
        state: PackState,
        tally: Tally,
        records: "RecordsSeen",
        progress: Progress,
    ) -> None:
        self._repository = repository
        self._connection = repository.read()
        self._state = state
        self._tally = tally
        self._records = records
        self._progress = progress
        self._rows = soundness_content.frame_rows(self._connection, state.pack)
        self._read_bases = read_bases_of(repository)

    def run(self) -> None:
        """Read the pack up to its committed end."""
        path = pack_path(self._repository.root, self._state.pack)
        at = 0
        for found in examine_pack(path, end=self._state.end, read_bases=self._read_bases):
            if isinstance(found, FrameDamage):
                self._tally.findings.append(self._damage(found))
                continue
            at = self._count(found, at)
            if found.kind is FrameKind.DATA:
                self._tally.findings.extend(self._compare(found))
            else:
                self._records.take(self._state.pack, found)
        for start, row in list(self._rows.items()):
            if row.blob_count:
                self._tally.findings.append(self._nothing_there(start))

    def contents_unseen(self) -> tuple[BlobRef, ...]:
        """What the rows place in frames that were not seen."""
        rows = [row.id for row in self._rows.values()]
        return tuple(blob for _, blob in soundness_content.contents_of_frames(self._connection, rows))

    def _count(self, found: ScannedFrame, at: int) -> int:
        end = found.frame.start + found.frame.stored_bytes
        self._tally.frame_count += 1
        self._tally.checked_bytes += end - at
        self._progress.advance(byte_count=end - at)
        return end

    def _damage(self, found: FrameDamage) -> Finding:
        row = self._rows.pop(found.start, None)
        lost = found.lost
        if row is not None:
            lost = tuple(blob for _, blob in soundness_content.contents_of_frames(self._connection, [row.id]))
        return Finding(
            code=Code.FRAME,
            what=found.error.message,
            where=f"{_where(self._state.pack)} at byte {found.start:,}",
            subject=f"pack:{self._state.pack}",
            lost=lost,
            advice=FROM_COPY if lost else REPAIR,
        )

    def _nothing_there(self, start: int) -> Finding:
        row = self._rows[start]
        return Finding(
            code=Code.FRAME,
            what=f"No frame begins at byte {start:,} of pack {self._state.pack}, where the catalog has one",
            where=f"{_where(self._state.pack)} at byte {start:,}",
            subject=f"pack:{self._state.pack}",
            lost=tuple(blob for _, blob in soundness_content.contents_of_frames(self._connection, [row.id])),
            advice=FROM_COPY,
        )

    def _compare(self, found: ScannedFrame) -> Iterator[Finding]:
        """A sound frame against the rows that lead to its contents."""
        frame = found.frame
        row = self._rows.pop(frame.start, None)
        if row is None or not row.blob_count:
            return
        if not _is_same(row, found):
            yield self._misplaced(row, "the catalog's row of it says something else")
            return
        places = soundness_content.places_of(self._connection, [member.digest for member in frame.members])
        at = held = 0
        for member in frame.members:
            _, size, holder, start = places.get(member.digest, (0, -1, None, None))
            if holder == row.id and (size, start) == (member.size_bytes, at):
                held += 1
            at += member.size_bytes
        if held < row.blob_count:
            yield self._misplaced(row, "the catalog puts contents into it that it does not hold")

    def _misplaced(self, row: FrameRow, why: str) -> Finding:
        contents = soundness_content.contents_of_frames(self._connection, [row.id])
        return Finding(
            code=Code.PLACE,
            what=f"Frame at byte {row.frame.start:,} of pack {self._state.pack}: {why}",
            where=f"{_where(self._state.pack)} at byte {row.frame.start:,}",
            subject=f"pack:{self._state.pack}",
            lost=tuple(blob for _, blob in contents),
            advice=REPAIR,
        )


def _is_same(row: FrameRow, found: ScannedFrame) -> bool:
    has, is_there = row.frame, found.frame
    return (has.stored_bytes, has.raw_bytes, has.codec, has.checksum) == (
        is_there.stored_bytes,
        is_there.raw_bytes,
        is_there.codec,
        is_there.checksum,
    ) and (has.depth > 0) == (is_there.codec in DELTAS)


def _where(pack: str) -> str:
    return f"packs/{pack}.pack"


def read_bases_of(repository: Repository) -> ReadBases:
    """Where differences find what they are told from: by the catalog, each slice verified."""

    def read(bases: tuple[BaseSlice, ...], size_bytes: int) -> bytearray:
        connection = repository.read()
        places = soundness_content.places_of(connection, list({base.chunk for base in bases}))
        refs = [BlobRef(digest, place[1]) for digest, place in places.items()]
        try:
            found = {layout.blob.digest: layout.pieces[0] for layout in blobs.layouts(connection, refs)}
            pieces = [BasePiece(base, found[base.chunk]) for base in bases]
            return repository.reader.below(pieces, size_bytes)
        except (StoreDamaged, KeyError) as error:
            raise BlobDamaged("what it is told as a difference from is damaged or missing") from error

    return read


# --- records in the packs ----------------------------------------------------------------------------


class RecordsSeen:
    """Which journal records and manifests lie in the packs, so that a lost database could be made anew."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._seen = bytearray()
        self._parts: dict[Digest, set[int]] = {}
        self._lengths: dict[Digest, int] = {}

    def take(self, pack: str, found: ScannedFrame) -> None:
        """Note what one sound record frame holds."""
        payload = raw_of(pack, found)
        if found.kind is FrameKind.JOURNAL:
            for seq, digest in _journal_lines(payload):
                self._note(seq, digest)
        elif found.kind is FrameKind.MANIFEST and len(payload) >= _HEAD_BYTES:
            digest = Digest(payload[:DIGEST_BYTES])
            part = int.from_bytes(payload[2 * DIGEST_BYTES : 2 * DIGEST_BYTES + 4], "little")
            self._parts.setdefault(digest, set()).add(part)
            if payload[2 * DIGEST_BYTES + 4]:
                self._lengths[digest] = part + 1

    def _note(self, seq: int, digest: bytes) -> None:
        """A transaction that was rolled back leaves a record whose number another one has."""
        row = self._connection.execute("SELECT digest FROM journal WHERE seq = ?", (seq,)).fetchone()
        if row == (digest,) and 0 < seq < 1 << 40:
            if len(self._seen) <= seq:
                self._seen.extend(bytes(seq + 1 - len(self._seen) + 4096))
            self._seen[seq] = 1

    def has_record(self, seq: int) -> bool:
        """Whether the packs hold this record of the journal."""
        return seq < len(self._seen) and bool(self._seen[seq])

    def has_manifest(self, digest: Digest) -> bool:
        """Whether the packs hold all parts of this manifest."""
        return digest in self._lengths and len(self._parts[digest]) >= self._lengths[digest]

    def missing(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """What the packs lack. The store is readable without it, but not safe from losing its database."""
        records = [
            row.seq for row in soundness_journal.iter_journal(connection) if not self.has_record(row.seq)
        ]
        nothing = manifest_digest([])
        wanted = [
            digest
            for _, digest in soundness_content.manifest_ids(connection)
            if digest != nothing and not self.has_manifest(digest)
        ]
        if records:
            yield Finding(
                code=Code.RECORD,
                what=f"{len(records):,} records of the journal are not in the packs, from number {records[0]} on",
                where="packs/",
                subject="records:journal",
                advice=REPAIR,
            )
        if wanted:
            yield Finding(
                code=Code.RECORD,
                what=f"{len(wanted):,} manifests are not in the packs as a whole",
                where="packs/",
                subject="records:manifests",
                advice=REPAIR,
            )


def _journal_lines(payload: bytes) -> Iterator[tuple[int, bytes]]:
    for line in payload.splitlines():
        digest, _, canonical = line.partition(b" ")
        try:
            yield int(json.loads(canonical)["seq"]), bytes.fromhex(digest.decode())
        except (ValueError, KeyError, TypeError):
            continue


# --- large files -------------------------------------------------------------------------------------


def _check_wholes(
    repository: Repository, tally: Tally, subset: Subset, noted: VerifyProgress, progress: Progress
) -> None:
    """Every content made of chunks against its own digest: the order of the chunks is in no frame."""
    explained = {blob.digest for finding in tally.findings for blob in finding.lost}
    for row_id, blob in soundness_content.iter_wholes(repository.read(), noted.whole):
        if subset.holds(blob.digest):
            tally.findings.extend(_check_whole(repository, blob, explained, progress))
        noted.whole = row_id
        _keep(noted, tally)


def _check_whole(
    repository: Repository, blob: BlobRef, explained: set[Digest], progress: Progress
) -> Iterator[Finding]:
    try:
        (layout,) = repository.layouts([blob])
        if any(piece.blob.digest in explained for piece in layout.pieces):
            return
        for part in repository.reader.stream(layout):
            progress.advance(byte_count=len(part))
    except StoreError as error:
        yield Finding(
            code=Code.CONTENT,
            what=error.message,
            where="localart.db",
            subject=f"content:{blob.digest.hex()}",
            lost=(blob,),
            advice=FROM_COPY,
        )


# --- without a database --------------------------------------------------------------------------------


def check_packs_alone(root: Path, tally: Tally, *, data: bool) -> Iterator[Finding]:
    """What packs say of themselves when there is no catalog to compare them with."""
    for pack in pack_files(root):
        tally.pack_count += 1
        if data:
            yield from _pack_alone(root, pack, tally)


def _pack_alone(root: Path, pack: str, tally: Tally) -> Iterator[Finding]:
    try:
        for found in examine_pack(pack_path(root, pack)):
            if isinstance(found, FrameDamage):
                yield Finding(
                    code=Code.FRAME,
                    what=found.error.message,
                    where=f"{_where(pack)} at byte {found.start:,}",
                    subject=f"pack:{pack}",
                    lost=found.lost,
                    advice=FROM_COPY,
                )
            else:
                tally.frame_count += 1
                tally.checked_bytes += found.frame.stored_bytes
    except StoreError as error:
        yield failure(error)
