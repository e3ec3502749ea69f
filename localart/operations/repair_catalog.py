"""Set the rows of the catalog right from its journal, and journal and manifests from their records in the packs."""

import json
import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from localart.catalog import (
    manifests,
    mending_journal,
    mending_manifests,
    pruning,
    soundness_content,
    soundness_journal,
    told,
)
from localart.catalog.mending_journal import PackedRecord
from localart.catalog.mending_manifests import PackedManifest
from localart.catalog.told import Told
from localart.catalog.transaction import Transaction
from localart.errors import StoreError
from localart.manifest import manifest_digest
from localart.manifest.record import encode_record
from localart.model import DIGEST_BYTES, Digest, Entry, Reference
from localart.operations.verify_content import RecordsSeen
from localart.repository import Repository
from localart.store import pack_path
from localart.store.checking import payload_of
from localart.store.frames import FrameKind, OnDamage, scan_pack

_HEAD = struct.Struct(f"<{DIGEST_BYTES}s{DIGEST_BYTES}sII")
_LENGTH = struct.Struct("<H")
_ENTRY = struct.Struct(f"<{DIGEST_BYTES}sQ")
_JSON_LENGTH = struct.Struct("<I")
_RECORDS_A_FRAME = 1_000


def mend(repository: Repository, change: Callable[[Transaction], object]) -> None:
    """One transaction that sets rows right; they may be out of step with others until it ends."""
    with pruning.foreign_keys_off(repository.read()), repository.catalog.write() as tx:
        change(tx)


def story_of(repository: Repository) -> Told | None:
    """What the journal tells; None when its chain is broken."""
    story = Told()
    for record in soundness_journal.iter_journal(repository.read()):
        if not record.is_sound:
            return None
        told.take_in(story, record)
    return story


# --- records in the packs ------------------------------------------------------------------------------


def payloads(repository: Repository, kind: FrameKind) -> Iterator[bytes]:
    """What every sound record frame of this kind says; quarantine is looked into as well."""
    for folder in ("packs", "quarantine"):
        for path in sorted((repository.root / folder).glob("*.pack")):
            yield from _payloads_in(path, kind)


def _payloads_in(path: Path, kind: FrameKind) -> Iterator[bytes]:
    try:
        for found in scan_pack(path, on_damage=OnDamage.SKIP):
            if found.kind is kind:
                with suppress(StoreError):  # damaged: another copy may be whole
                    yield payload_of(path.stem, found)
    except StoreError:  # a pack that cannot be read has no records
        return


def packed_records(repository: Repository) -> Iterator[PackedRecord]:
    """Every journal record in the packs; some twice, some of transactions that were rolled back."""
    for payload in payloads(repository, FrameKind.JOURNAL):
        for line in payload.splitlines():
            digest, _, canonical = line.partition(b" ")
            with suppress(ValueError, KeyError, TypeError):
                yield PackedRecord(
                    int(json.loads(canonical)["seq"]), bytes.fromhex(digest.decode()), canonical
                )


def restore_journal(repository: Repository) -> None:
    """Make the journal whole again from the packs, as far as they have it."""
    known, _ = mending_journal.wanted_records(repository.read())
    chain = mending_journal.chain_of(packed_records(repository), known)
    mend(repository, partial(mending_journal.restore_journal, chain=chain))


def packed_manifests(repository: Repository, wanted: Collection[Digest]) -> dict[Digest, PackedManifest]:
    """Those of the wanted manifests that the packs have in full."""
    parts: dict[Digest, dict[int, bytes]] = {}
    lengths: dict[Digest, int] = {}
    for payload in payloads(repository, FrameKind.MANIFEST):
        if len(payload) < _HEAD.size or payload[:DIGEST_BYTES] not in wanted:
            continue
        digest, _, part, is_last = _HEAD.unpack_from(payload)
        parts.setdefault(Digest(digest), {})[part] = payload
        if is_last:
            lengths[Digest(digest)] = part + 1
    return {
        digest: _decode(digest, [parts[digest][number] for number in range(count)])
        for digest, count in lengths.items()
        if set(range(count)) <= parts[digest].keys()
    }


def _decode(digest: Digest, payloads_in_order: Sequence[bytes]) -> PackedManifest:
    base = payloads_in_order[0][DIGEST_BYTES : 2 * DIGEST_BYTES]
    rows = tuple(row for payload in payloads_in_order for row in _decode_rows(payload))
    return PackedManifest(digest, Digest(base) if any(base) else None, rows)


def _decode_rows(payload: bytes) -> Iterator[tuple[str, Entry | None]]:
    """The rows of one part; the layout stands in `manifest/record.py`. Its digest was compared already."""
    at = _HEAD.size
    while at < len(payload):
        (length,) = _LENGTH.unpack_from(payload, at)
        path = payload[at + 2 : at + 2 + length].decode()
        at += 2 + length
        kind = payload[at]
        at += 1
        if kind == 2:
            yield path, None
            continue
        digest, size = _ENTRY.unpack_from(payload, at)
        at += _ENTRY.size
        reference = None
        if kind == 1:
            (length,) = _JSON_LENGTH.unpack_from(payload, at)
            at += 4
            reference = Reference(*json.loads(payload[at : at + length]))
            at += length
        yield path, Entry(path, Digest(digest), size, reference)


# --- manifests -----------------------------------------------------------------------------------------


def restore_manifests(repository: Repository, damaged: Sequence[int]) -> None:
    """Make damaged manifests and those whose row is gone anew from the packs; layers below come first."""
    story = story_of(repository)
    connection = repository.read()
    meant = [
        (one, digest) for one in damaged for digest in mending_manifests.digests_meant(connection, one, story)
    ]
    if story is not None:
        meant += mending_manifests.missing_manifests(connection, story)
    found = packed_manifests(repository, {digest for _, digest in meant})
    for row, digest in sorted(meant, key=lambda one: one[0]):
        packed = found.get(digest)
        if packed is not None:
            mend(repository, partial(mending_manifests.restore_manifest, row=row, packed=packed))


# --- records that the packs lack -------------------------------------------------------------------------


def write_missing_records(repository: Repository) -> None:
    """Append to the packs what they lack of journal and manifests, so that the catalog could be rebuilt."""
    connection = repository.read()
    seen = RecordsSeen(connection)
    for state in soundness_content.packs(connection):
        with suppress(StoreError):
            for found in scan_pack(
                pack_path(repository.root, state.pack), end=state.end, on_damage=OnDamage.SKIP
            ):
                if found.kind is not FrameKind.DATA:
                    seen.take(state.pack, found)
    _write_journal(repository, seen)
    nothing = manifest_digest([])
    for manifest, digest in list(soundness_content.manifest_ids(connection)):
        if digest != nothing and not seen.has_manifest(digest):
            _write_manifest(repository, manifest, digest)
    repository.publish()


def _write_journal(repository: Repository, seen: RecordsSeen) -> None:
    lines: list[bytes] = []
    for record in soundness_journal.iter_packable(repository.read()):
        if not seen.has_record(record[0]):
            lines.append(record[1].hex().encode() + b" " + record[2])
        if len(lines) >= _RECORDS_A_FRAME:
            repository.append_record(FrameKind.JOURNAL, b"\n".join(lines))
            lines = []
    if lines:
        repository.append_record(FrameKind.JOURNAL, b"\n".join(lines))


def _write_manifest(repository: Repository, manifest: int, digest: Digest) -> None:
    """Whole, not as an overlay: what lies below may not be in the packs either."""
    connection = repository.read()
    try:
        entries = list(manifests.verified_entries(connection, manifests.get_manifest(connection, manifest)))
    except StoreError:  # told by verify
        return
    for payload in encode_record(digest, None, [(entry.path, entry) for entry in entries]):
        repository.append_record(FrameKind.MANIFEST, payload)
