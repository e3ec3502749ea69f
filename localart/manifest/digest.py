"""Name a manifest, a page or a reference by its digest."""

import json
import struct
from collections.abc import Callable, Iterable

from blake3 import blake3

from localart.model import DIGEST_BYTES, Digest, Entry


def encode_entry(entry: Entry) -> bytes:
    """The bytes of one entry inside its page; the layout stands in the package docstring."""
    path = entry.path.encode()
    length = len(path)
    pack = _packers.get(length) or _packer(length)
    return pack(length, path, 0 if entry.reference is None else 1, entry.digest, entry.size_bytes)


# One call for an entry: a million of them go through here, twice. Paths have at most 65,535 bytes.
_packers: dict[int, Callable[..., bytes]] = {}


def _packer(length: int) -> Callable[..., bytes]:
    pack = _packers[length] = struct.Struct(f"<H{length}sB{DIGEST_BYTES}sQ").pack
    return pack


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
