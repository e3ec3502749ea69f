r"""A manifest as it is kept in the packs, so that a lost catalog can be rebuilt from them.

One or more parts of at most 16,384 rows, each the payload of one MANIFEST frame:

    ======  =====  ====================================================================
    offset  bytes  what
    ======  =====  ====================================================================
    0       32     the manifest's digest
    32      32     the digest of the manifest it overlays; zero when it stands alone
    64      4      number of this part, from 0; little-endian as all that follows
    68      4      1 in the last part, else 0
    72      …      rows: u16 path length, path, u8 kind, 32 bytes digest, u64 size;
                   kind 2 (removed) ends after the kind; kind 1 (reference) is
                   followed by u32 length and JSON of [uri, size, checksum]
    ======  =====  ====================================================================
"""

import json
import struct
from collections.abc import Iterable, Iterator
from itertools import islice

from localart.errors import BlobDamaged
from localart.manifest.digest import encode_entry
from localart.model import DIGEST_BYTES, Digest, Entry, Reference
from localart.records import dataclass

_ROWS = 16_384
_HEAD = struct.Struct(f"<{DIGEST_BYTES}s{DIGEST_BYTES}sII")
_LENGTH = struct.Struct("<H")
_JSON_LENGTH = struct.Struct("<I")
_ENTRY = struct.Struct(f"<{DIGEST_BYTES}sQ")
_REFERENCE = 1
_REMOVED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordHead:
    """Which part of which manifest a payload is; `base` None: it stands alone."""

    digest: Digest
    base: Digest | None
    part: int
    is_last: bool


def encode_record(
    digest: Digest, base: Digest | None, rows: Iterable[tuple[str, Entry | None]]
) -> Iterator[bytes]:
    """The parts of the record, in order; at least one, also for an empty manifest."""
    return encode_parts(digest, base, (_encode_row(path, entry) for path, entry in rows))


def encode_parts(digest: Digest, base: Digest | None, rows: Iterable[bytes]) -> Iterator[bytes]:
    """As `encode_record`, of rows that are encoded already: that of a stored file as in its page."""
    stream = iter(rows)
    part = 0
    waiting = list(islice(stream, _ROWS))
    while True:
        following = list(islice(stream, _ROWS))
        head = _HEAD.pack(digest, base or bytes(DIGEST_BYTES), part, 0 if following else 1)
        yield head + b"".join(waiting)
        if not following:
            return
        part, waiting = part + 1, following


def _encode_row(path: str, entry: Entry | None) -> bytes:
    if entry is None:
        encoded = path.encode()
        return _LENGTH.pack(len(encoded)) + encoded + b"\x02"
    if entry.reference is None:
        return encode_entry(entry)
    reference = entry.reference
    body = json.dumps([reference.uri, reference.size_bytes, reference.checksum], ensure_ascii=False).encode()
    return encode_entry(entry) + _JSON_LENGTH.pack(len(body)) + body


def decode_head(payload: bytes) -> RecordHead:
    """What a payload begins with; BlobDamaged when it is no part of a manifest."""
    if len(payload) < _HEAD.size:
        raise _damaged()
    digest, base, part, last = _HEAD.unpack_from(payload)
    return RecordHead(
        digest=Digest(digest), base=Digest(base) if any(base) else None, part=part, is_last=bool(last)
    )


def decode_rows(payload: bytes) -> Iterator[tuple[str, Entry | None]]:
    """The rows of one part, in order; None removes the path. BlobDamaged when they cannot be read."""
    at = _HEAD.size
    try:
        while at < len(payload):
            start = at + _LENGTH.size
            at = start + _LENGTH.unpack_from(payload, at)[0]
            path, kind = payload[start:at].decode(), payload[at]
            entry, at = _decode_entry(payload, at + 1, path, kind)
            yield path, entry
    except (struct.error, IndexError, ValueError, TypeError) as error:
        raise _damaged() from error


def _decode_entry(payload: bytes, at: int, path: str, kind: int) -> tuple[Entry | None, int]:
    if kind == _REMOVED:
        return None, at
    digest, size = _ENTRY.unpack_from(payload, at)
    at += _ENTRY.size
    if kind != _REFERENCE:
        return Entry(path, Digest(digest), size), at
    start = at + _JSON_LENGTH.size
    at = start + _JSON_LENGTH.unpack_from(payload, at)[0]
    uri, known_size, checksum = json.loads(payload[start:at])
    return Entry(path, Digest(digest), size, Reference(uri, known_size, checksum)), at


def _damaged() -> BlobDamaged:
    return BlobDamaged("A manifest's record cannot be read", hint="run `localart verify`")
