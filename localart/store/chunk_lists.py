r"""What large files are made of, kept in the packs beside their chunks, so that a lost catalog can be rebuilt.

One or more parts of at most 1,048,576 chunks, each the payload of one CHUNKS frame (0.2 % of the file):

    ======  =====  ====================================================================
    offset  bytes  what
    ======  =====  ====================================================================
    0       32     the file's digest
    32      8      its size; little-endian as all that follows
    40      4      number of this part, from 0
    44      4      1 in the last part, else 0
    48      36·n   digest (32) and size (4) of each chunk, in file order
    ======  =====  ====================================================================
"""

import struct
from collections.abc import Iterator

from localart.errors import BlobDamaged
from localart.model import DIGEST_BYTES, BlobRef, ChunkedBlob, Digest
from localart.records import dataclass

_CHUNKS = 1 << 20
_HEAD = struct.Struct(f"<{DIGEST_BYTES}sQII")
_CHUNK = struct.Struct(f"<{DIGEST_BYTES}sI")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkListPart:
    """One part of the list of one file."""

    blob: BlobRef
    part: int
    is_last: bool
    chunks: tuple[BlobRef, ...]


def encode_chunk_list(blob: ChunkedBlob) -> Iterator[bytes]:
    """The parts, in order."""
    for part, start in enumerate(range(0, max(len(blob.chunks), 1), _CHUNKS)):
        some = blob.chunks[start : start + _CHUNKS]
        head = _HEAD.pack(blob.digest, blob.size_bytes, part, int(start + _CHUNKS >= len(blob.chunks)))
        yield head + b"".join(_CHUNK.pack(chunk.digest, chunk.size_bytes) for chunk in some)


def decode_chunk_list(payload: bytes) -> ChunkListPart:
    """The inverse, a part at a time; BlobDamaged when it cannot be one."""
    if len(payload) < _HEAD.size or (len(payload) - _HEAD.size) % _CHUNK.size:
        raise BlobDamaged("A list of chunks is cut off", hint="run `localart verify`")
    digest, size, part, last = _HEAD.unpack_from(payload)
    return ChunkListPart(
        blob=BlobRef(Digest(digest), size),
        part=part,
        is_last=bool(last),
        chunks=tuple(
            BlobRef(Digest(chunk), length) for chunk, length in _CHUNK.iter_unpack(payload[_HEAD.size :])
        ),
    )
