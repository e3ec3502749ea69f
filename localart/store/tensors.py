"""Where the tensors lie in a checkpoint, told by its headers alone: safetensors, and zips as torch.save writes them.

Read with bounds and never unpickled; what is not understood has no tensors.

- safetensors: 8 bytes header length (little-endian), then JSON `name: {dtype, shape, data_offsets: [begin, end]}`,
  offsets counted from the header's end. At most 100 MB, as the format's own reader has it.
- torch: a zip whose members are stored uncompressed; a member's data begins at the first multiple of 64 that leaves
  room for its local header (30 bytes, name, extra field of at least 4). The first folder of a name is the archive's
  own and changes with the file's name.
"""

import json
import struct
from collections.abc import Iterator, Sequence

from localart.store.source import ByteSource, fill

_MOST_HEADER_BYTES = 100 << 20
_MOST_TENSORS = 200_000
_LENGTH = struct.Struct("<Q")
_LOCAL_HEADER_BYTES = 30
_TORCH_ALIGN_BYTES = 64
_DOES_NOT_FIT = 0xFFFF_FFFF

_END = struct.Struct("<4s4H2IH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_TAIL_BYTES = 66_000  # an end record and the longest comment

Extent = tuple[int, int]
"""First byte and length of a tensor in its file."""


def find_tensors(source: ByteSource) -> dict[str, Extent]:
    """Each tensor's extent by its name; {} for any other file."""
    if source.size_bytes < _END.size:
        return {}
    try:
        if _read(source, 0, 4) == b"PK\x03\x04":
            return dict(_zip_members(source))
        return dict(_safetensors(source))
    except (ValueError, KeyError, TypeError, struct.error, RecursionError):
        return {}


def _read(source: ByteSource, start: int, length: int) -> bytes:
    if start < 0 or length < 0 or start + length > source.size_bytes:
        raise ValueError("outside of the file")
    buffer = bytearray(length)
    fill(source, memoryview(buffer), start)
    return bytes(buffer)


def _safetensors(source: ByteSource) -> Iterator[tuple[str, Extent]]:
    length = _LENGTH.unpack(_read(source, 0, 8))[0]
    if not 2 <= length <= min(_MOST_HEADER_BYTES, source.size_bytes - 8):
        return
    if _read(source, 8, 1) != b"{":
        return
    header = json.loads(_read(source, 8, length))
    for name, facts in header.items():
        if name != "__metadata__" and len(header) <= _MOST_TENSORS:
            begin, end = facts["data_offsets"]
            yield from _sound(source, name, 8 + length + int(begin), int(end) - int(begin))


def _zip_members(source: ByteSource) -> Iterator[tuple[str, Extent]]:
    start, size, count = _central_directory(source)
    if size > _MOST_HEADER_BYTES or count > _MOST_TENSORS:
        return
    directory = _read(source, start, size)
    at = 0
    for _ in range(count):
        fields = _CENTRAL.unpack_from(directory, at)
        magic, method, stored, raw = fields[0], fields[4], fields[8], fields[9]
        name_bytes, extra_bytes, comment_bytes, header_at = fields[10], fields[11], fields[12], fields[16]
        if magic != b"PK\x01\x02":
            return
        at += _CENTRAL.size
        name = directory[at : at + name_bytes].decode("utf-8", "replace")
        at += name_bytes
        raw, stored, header_at = _wide(directory[at : at + extra_bytes], (raw, stored, header_at))
        at += extra_bytes + comment_bytes
        if method == 0 and stored == raw:
            # Of members above 4 GiB the local header is longer: wrong alike in both files, so nothing is lost.
            first = header_at + _LOCAL_HEADER_BYTES + name_bytes + 4
            aligned = -(-first // _TORCH_ALIGN_BYTES) * _TORCH_ALIGN_BYTES
            yield from _sound(source, name.partition("/")[2] or name, aligned, raw)


def _wide(extra: bytes, narrow: tuple[int, int, int]) -> Sequence[int]:
    """The fields with those that did not fit into 32 bits taken from the zip64 extra field."""
    if _DOES_NOT_FIT not in narrow:
        return narrow
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            wide = iter(struct.unpack_from(f"<{length // 8}Q", extra, at + 4))
            return [next(wide, field) if field == _DOES_NOT_FIT else field for field in narrow]
        at += 4 + length
    return narrow


def _central_directory(source: ByteSource) -> tuple[int, int, int]:
    """Where it begins, its length and how many members it lists."""
    tail_start = max(0, source.size_bytes - _TAIL_BYTES)
    tail = _read(source, tail_start, source.size_bytes - tail_start)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0:
        raise ValueError("no end of central directory")
    _, _, _, _, count, size, start, _ = _END.unpack_from(tail, found)
    locator = found - _END64_LOCATOR.size
    if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
        end64 = _END64_LOCATOR.unpack_from(tail, locator)[2]
        fields = _END64.unpack(_read(source, end64, _END64.size))
        count, size, start = fields[7], fields[8], fields[9]
    return start, size, count


def _sound(source: ByteSource, name: str, start: int, length: int) -> Iterator[tuple[str, Extent]]:
    if start >= 0 and length > 0 and start + length <= source.size_bytes:
        yield name, (start, length)
