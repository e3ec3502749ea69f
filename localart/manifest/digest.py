"""Name a manifest, a page or a reference by its digest."""

import json
import struct
from collections.abc import Iterable

from blake3 import blake3

from localart.model import Digest, Entry

_TAIL = struct.Struct("<B32sQ")
_LENGTH = struct.Struct("<H")


def encode_entry(entry: Entry) -> bytes:
    """The bytes of one entry inside its page; the layout stands in the package docstring."""
    path = entry.path.encode()
    kind = 0 if entry.reference is None else 1
    return _LENGTH.pack(len(path)) + path + _TAIL.pack(kind, entry.digest, entry.size_bytes)


def page_digest(encoded: Iterable[bytes]) -> Digest:
    """The digest of one page of encoded entries."""
    return Digest(blake3(b"localart-page-1\n" + b"".join(encoded)).digest())


def manifest_digest(page_digests: Iterable[Digest]) -> Digest:
    """The Merkle root over the pages; of no pages for an empty manifest."""
    return Digest(blake3(b"localart-manifest-1\n" + b"".join(page_digests)).digest())


def reference_digest(uri: str, size_bytes: int | None, checksum: str) -> Digest:
    """What stands for the content of a reference: where it points and what is known of it."""
    body = json.dumps([uri, size_bytes, checksum], ensure_ascii=False, separators=(",", ":"))
    return Digest(blake3(b"localart-reference-1\n" + body.encode()).digest())
