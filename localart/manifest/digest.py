"""Name a manifest, a page or a reference by its digest."""

import json
import struct
from collections.abc import Iterable

from blake3 import blake3

from localart.model import DIGEST_BYTES, BlobRef, Digest, Entry, Reference

path_length = struct.Struct("<H").pack
_tail = struct.Struct(f"<B{DIGEST_BYTES}sQ").pack
TAIL_BYTES = 1 + DIGEST_BYTES + 8


def encode_entry(entry: Entry) -> bytes:
    """The bytes of one entry inside its page; the layout stands in the package docstring."""
    path = entry.path.encode()
    return path_length(len(path)) + path + entry_tail(entry)


def encode_row(row: tuple[str, bytes]) -> bytes:
    """As `encode_entry`, of a path and the tail of its entry."""
    path = row[0].encode()
    return path_length(len(path)) + path + row[1]


def entry_tail(entry: Entry) -> bytes:
    """What follows the path in those bytes: kind, digest, size."""
    return _tail(0 if entry.reference is None else 1, entry.digest, entry.size_bytes)


def blob_tail(blob: BlobRef) -> bytes:
    """As `entry_tail`, for an entry with these stored bytes."""
    return _tail(0, blob.digest, blob.size_bytes)


def tail_digest(tail: bytes) -> Digest:
    """The digest in a tail."""
    return Digest(tail[1 : 1 + DIGEST_BYTES])


def tail_size(tail: bytes) -> int:
    """The size in a tail, in bytes."""
    return int.from_bytes(tail[1 + DIGEST_BYTES :], "little")


def entry_of(path: str, tail: bytes, reference: Reference | None) -> Entry:
    """The entry with this tail; what a tail says of a reference is only that it is one."""
    return Entry(path, tail_digest(tail), tail_size(tail), reference)


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
