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

from localart.manifest.digest import encode_entry
from localart.model import DIGEST_BYTES, Digest, Entry

_ROWS = 16_384
_HEAD = struct.Struct(f"<{DIGEST_BYTES}s{DIGEST_BYTES}sII")
_LENGTH = struct.Struct("<H")
_JSON_LENGTH = struct.Struct("<I")


def encode_record(
    digest: Digest, base: Digest | None, rows: Iterable[tuple[str, Entry | None]]
) -> Iterator[bytes]:
    """The parts of the record, in order; at least one, also for an empty manifest."""
    stream = iter(rows)
    part = 0
    waiting = list(islice(stream, _ROWS))
    while True:
        following = list(islice(stream, _ROWS))
        head = _HEAD.pack(digest, base or bytes(DIGEST_BYTES), part, 0 if following else 1)
        yield head + b"".join(_encode_row(path, entry) for path, entry in waiting)
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
