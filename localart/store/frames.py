"""The bytes of packs and frames; the offset tables stand in the package's docstring.

Pure layout: nothing here compresses, or compares members with their digests. XXH3 guards against accidents;
identity is the business of those who hash members with BLAKE3.
"""

import os
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, IntEnum, auto
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

from xxhash import xxh3_64, xxh3_64_intdigest

from localart.disk_errors import store_error
from localart.errors import BlobDamaged, BlobMissing, StoreTooNew
from localart.model import BlobRef, Digest, Frame, FramePlace
from localart.records import dataclass
from localart.store.failures import damaged

Bytes: TypeAlias = bytes | bytearray | memoryview

PACK_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 40
MEMBER_BYTES = 36
MAX_MEMBERS = 1 << 16
MAX_DATA_BYTES = 16 << 20  # raw; this format's writers stay at 1 MiB
MAX_RECORD_BYTES = 1 << 30

_PACK_MAGIC = b"\x89lapack\n"
_FORMAT = 1
_PACK_HEADER = struct.Struct("<8sHH16s")
_PACK_GUARD = struct.Struct("<I")
_FRAME_MAGIC = b"\xf5LAF"
_VERSION = 1
_FRAME = struct.Struct("<4sBBBBIIIIQ")
_FRAME_GUARD = struct.Struct("<Q")
_MEMBER = struct.Struct("<32sI")
_WINDOW_BYTES = 1 << 20


class FrameKind(IntEnum):
    """What a frame is for: blobs, or what the catalog is rebuilt from.

    That is a version's manifest, a record of a change, the chunks of a large file, what a run logged.
    """

    DATA = 1
    MANIFEST = 2
    JOURNAL = 3
    CHUNKS = 4
    HISTORY = 5


_KINDS = frozenset(FrameKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHead:
    """A frame without its body."""

    kind: FrameKind
    codec: int
    raw_bytes: int
    body_bytes: int
    checksum: int
    members: tuple[BlobRef, ...]

    @property
    def head_bytes(self) -> int:
        """Length of header and member table."""
        return FRAME_HEADER_BYTES + MEMBER_BYTES * len(self.members)

    @property
    def stored_bytes(self) -> int:
        """Length of the whole frame in its pack."""
        return self.head_bytes + self.body_bytes

    def at(self, start: int) -> Frame:
        """The record of this frame when it lies at `start`."""
        return Frame(
            start=start,
            stored_bytes=self.stored_bytes,
            raw_bytes=self.raw_bytes,
            codec=self.codec,
            checksum=self.checksum,
            members=self.members,
        )

    def places(self) -> frozenset[tuple[int, Digest, int]]:
        """Of each member the offset of its first raw byte, its digest and size: plain values compare fast."""
        sizes = [member.size_bytes for member in self.members]
        digests = [member.digest for member in self.members]
        return frozenset(zip(accumulate(sizes, initial=0), digests, sizes, strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFrame:
    """A frame found in a pack; its hashes are right, its `body` is still encoded."""

    kind: FrameKind
    frame: Frame
    body: bytes


class OnDamage(Enum):
    """What a walk does when the next frame is torn or damaged."""

    STOP = auto()
    RAISE = auto()
    SKIP = auto()


# --- writing ---------------------------------------------------------------------------------------


def encode_pack_header(pack: str) -> bytes:
    """The first 32 bytes of a new pack."""
    head = _PACK_HEADER.pack(_PACK_MAGIC, _FORMAT, 0, bytes.fromhex(pack))
    return head + _pack_guard(head)


def encode_frame(
    kind: FrameKind, body: Sequence[Bytes], *, codec: int, raw_bytes: int, members: Sequence[BlobRef]
) -> tuple[FrameHead, list[Bytes]]:
    """A frame ready to be written: what it says, and its parts in order (the body's are passed through)."""
    head = FrameHead(
        kind=kind,
        codec=codec,
        raw_bytes=raw_bytes,
        body_bytes=sum(len(part) for part in body),
        checksum=_checksum(body),
        members=tuple(members),
    )
    return head, [_encode_head(head), *body]


def _checksum(body: Sequence[Bytes]) -> int:
    if len(body) == 1:
        return xxh3_64_intdigest(body[0])
    state = xxh3_64()
    for part in body:
        state.update(part)
    return state.intdigest()


def _encode_head(head: FrameHead) -> bytes:
    count = len(head.members)
    fixed = _FRAME.pack(
        _FRAME_MAGIC,
        _VERSION,
        head.kind,
        head.codec,
        0,
        count,
        head.body_bytes,
        head.raw_bytes,
        0,
        head.checksum,
    )
    table = b"".join(_MEMBER.pack(member.digest, member.size_bytes) for member in head.members)
    return fixed + _FRAME_GUARD.pack(xxh3_64_intdigest(fixed + table)) + table


# --- reading one frame -----------------------------------------------------------------------------


def decode_header(data: Bytes, *, pack: str, start: int) -> FrameHead:
    """What the header and member table at the front of `data` say; BlobDamaged unless every field is right.

    `pack` and `start` only name the place in errors.
    """
    count = _member_count(data, pack, start)
    table_end = FRAME_HEADER_BYTES + MEMBER_BYTES * count
    if len(data) < table_end:
        raise damaged(pack, start, "the frame's member table is cut off")
    fixed, table = data[: _FRAME.size], data[FRAME_HEADER_BYTES:table_end]
    if xxh3_64_intdigest(b"".join((fixed, table))) != _FRAME_GUARD.unpack_from(data, _FRAME.size)[0]:
        raise damaged(pack, start, "the frame's header does not match its checksum")
    return _sound_head(fixed, table, pack, start)


def _member_count(data: Bytes, pack: str, start: int) -> int:
    if len(data) < FRAME_HEADER_BYTES:
        raise damaged(pack, start, "the frame's header is cut off")
    magic, _, _, _, _, count, *_ = _FRAME.unpack_from(data)
    if magic != _FRAME_MAGIC or count > MAX_MEMBERS:
        raise damaged(pack, start, "there is no frame")
    return int(count)


def _sound_head(fixed: Bytes, table: Bytes, pack: str, start: int) -> FrameHead:
    _, version, kind, codec, zero, _, body_bytes, raw_bytes, zero_too, checksum = _FRAME.unpack(fixed)
    if version > _VERSION:
        raise StoreTooNew(f"Pack {pack} holds frames of version {version}", hint="update localart")
    sizes = [size for _, size in _MEMBER.iter_unpack(table)]
    members = tuple([BlobRef(digest, size) for digest, size in _MEMBER.iter_unpack(table)])
    limit = MAX_DATA_BYTES if kind == FrameKind.DATA else MAX_RECORD_BYTES
    is_sound = (
        version == _VERSION
        and kind in _KINDS
        and not zero
        and not zero_too
        and body_bytes <= raw_bytes <= limit
        and raw_bytes == sum(sizes)
    )
    if not is_sound:
        raise damaged(pack, start, "the frame's header contradicts itself")
    return FrameHead(
        kind=FrameKind(kind),
        codec=codec,
        raw_bytes=raw_bytes,
        body_bytes=body_bytes,
        checksum=checksum,
        members=members,
    )


def read_frame(fd: int, place: FramePlace, buffer: memoryview) -> FrameHead:
    """Read the frame at `place` into `buffer`, which has its length; the body begins after `head_bytes`.

    BlobDamaged unless it is whole and the one asked for.
    """
    read_into(fd, buffer, place.start, pack=place.pack)
    head = decode_header(buffer, pack=place.pack, start=place.start)
    asked = (place.stored_bytes, place.raw_bytes, place.codec, place.checksum)
    if (head.stored_bytes, head.raw_bytes, head.codec, head.checksum) != asked:
        raise damaged(place.pack, place.start, "another frame lies there")
    if xxh3_64_intdigest(buffer[head.head_bytes :]) != head.checksum:
        raise damaged(place.pack, place.start, "the frame does not match its checksum")
    return head


def read_into(fd: int, view: memoryview, start: int, *, pack: str) -> None:
    """Fill `view` from an open pack; BlobDamaged when it ends before."""
    at = 0
    while at < len(view):
        try:
            count = os.preadv(fd, [view[at:]], start + at)
        except OSError as error:
            raise store_error(error, f"reading pack {pack}") from error
        if count == 0:
            raise damaged(pack, start, "the pack ends too early")
        at += count


def read_exactly(fd: int, size_bytes: int, start: int, *, pack: str) -> bytes:
    """`size_bytes` of an open pack; BlobDamaged when it ends before."""
    content = bytearray(size_bytes)
    read_into(fd, memoryview(content), start, pack=pack)
    return bytes(content)


@contextmanager
def open_pack(path: Path) -> Iterator[int]:
    """A descriptor to read a pack by; BlobMissing when there is no such file."""
    fd = open_pack_fd(path)
    try:
        yield fd
    finally:
        os.close(fd)


def open_pack_fd(path: Path) -> int:
    """Like `open_pack`; the caller closes."""
    try:  # not blocking: a pipe in its place would wait for a writer for ever
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise BlobMissing(
            f"Pack {path.stem} is missing", hint="run `localart verify`, then `localart repair`"
        ) from error
    except OSError as error:
        raise store_error(error, f"opening pack {path.stem}") from error
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise BlobMissing(
        f"Pack {path.stem} is missing: what bears its name is no file",
        hint="run `localart verify`, then `localart repair`",
    )


# --- walking a pack --------------------------------------------------------------------------------


def scan_pack(
    path: Path, *, end: int | None = None, on_damage: OnDamage = OnDamage.STOP
) -> Iterator[ScannedFrame]:
    """The whole frames of a pack from front to back, up to `end` (the file's length); every byte is read.

    At the first torn or damaged frame the walk stops, raises BlobDamaged, or goes on with the next whole
    frame, as asked. BlobMissing when there is no such pack.
    """
    for found in walk_pack(path, end=end):
        if isinstance(found, ScannedFrame):
            yield found
        elif on_damage is OnDamage.RAISE:
            raise found[1]
        elif on_damage is OnDamage.STOP:
            return


def walk_pack(
    path: Path, *, start: int = PACK_HEADER_BYTES, end: int | None = None
) -> Iterator[ScannedFrame | tuple[int, BlobDamaged]]:
    """Each frame of a pack from `start`, or where and why there is none; after damage, whatever whole frame follows."""
    pack = path.stem
    with open_pack(path) as fd:
        size = os.fstat(fd).st_size
        limit = size if end is None else min(end, size)
        try:
            check_pack_header(fd, pack)
        except BlobDamaged as error:
            yield 0, error
        yield from _walk_frames(fd, pack, start, limit)
        if end is not None and end > size:
            yield size, damaged(pack, size, f"the pack ends {end - size} bytes early")


def walk_heads(
    path: Path, *, start: int = PACK_HEADER_BYTES, on_damage: OnDamage = OnDamage.SKIP
) -> Iterator[tuple[int, FrameHead]]:
    """Where each frame of a pack begins and what its header says; bodies are not read."""
    pack = path.stem
    with open_pack(path) as fd:
        limit = os.fstat(fd).st_size
        at = start
        while at < limit:
            try:
                head = _head_at(fd, pack, at, limit)
            except (BlobDamaged, StoreTooNew):
                if on_damage is OnDamage.RAISE:
                    raise
                if on_damage is OnDamage.STOP:
                    return
                at = _next_frame(fd, pack, at + 1, limit)
                continue
            yield at, head
            at += head.stored_bytes


def frame_at(path: Path, start: int) -> ScannedFrame:
    """The frame that begins at `start` of a pack; BlobDamaged when there is no whole one."""
    with open_pack(path) as fd:
        found = _body_at(fd, path.stem, start, _head_at(fd, path.stem, start, os.fstat(fd).st_size))
    if isinstance(found, ScannedFrame):
        return found
    raise found[1]


def check_pack_header(fd: int, pack: str) -> None:
    """BlobDamaged unless the file is the pack its name says; StoreTooNew when a later localart made it."""
    data = read_exactly(fd, PACK_HEADER_BYTES, 0, pack=pack)
    head = data[: _PACK_HEADER.size]
    magic, version, _, uid = _PACK_HEADER.unpack(head)
    if magic != _PACK_MAGIC or data[_PACK_HEADER.size :] != _pack_guard(head) or uid.hex() != pack:
        raise damaged(pack, 0, "it does not begin like this pack")
    if version != _FORMAT:
        raise StoreTooNew(f"Pack {pack} has format {version}", hint="update localart")


def _pack_guard(head: bytes) -> bytes:
    return _PACK_GUARD.pack(xxh3_64_intdigest(head) & 0xFFFF_FFFF)


def _walk_frames(fd: int, pack: str, at: int, limit: int) -> Iterator[ScannedFrame | tuple[int, BlobDamaged]]:
    while at < limit:
        try:
            head = _head_at(fd, pack, at, limit)
        except BlobDamaged as error:
            yield at, error
            at = _next_frame(fd, pack, at + 1, limit)
            continue
        yield _body_at(fd, pack, at, head)
        at += head.stored_bytes


def _head_at(fd: int, pack: str, at: int, limit: int) -> FrameHead:
    """The head at `at` of a frame that ends before `limit`."""
    fixed = _peek(fd, min(FRAME_HEADER_BYTES, limit - at), at, pack)
    table = _peek(fd, MEMBER_BYTES * _member_count(fixed, pack, at), at + FRAME_HEADER_BYTES, pack)
    head = decode_header(fixed + table, pack=pack, start=at)
    if at + head.stored_bytes > limit:
        raise damaged(pack, at, "the pack ends inside the frame")
    return head


def _peek(fd: int, size_bytes: int, at: int, pack: str) -> bytes:
    """Up to `size_bytes`, fewer at the end of the file."""
    try:
        return os.pread(fd, size_bytes, at)
    except OSError as error:
        raise store_error(error, f"reading pack {pack}") from error


def _body_at(fd: int, pack: str, at: int, head: FrameHead) -> ScannedFrame | tuple[int, BlobDamaged]:
    try:
        body = read_exactly(fd, head.body_bytes, at + head.head_bytes, pack=pack)
    except BlobDamaged as error:  # somebody cut the file off meanwhile
        return at, error
    if xxh3_64_intdigest(body) != head.checksum:
        return at, damaged(pack, at, "the frame does not match its checksum")
    return ScannedFrame(kind=head.kind, frame=head.at(at), body=body)


def _next_frame(fd: int, pack: str, at: int, limit: int) -> int:
    """Where the next sound frame head stands, or `limit`."""
    while at < limit:
        window = _peek(fd, min(_WINDOW_BYTES, limit - at), at, pack)
        hit = window.find(_FRAME_MAGIC)
        if hit < 0:
            at += max(len(window) - len(_FRAME_MAGIC) + 1, 1)
            continue
        at += hit
        try:
            _head_at(fd, pack, at, limit)
        except (BlobDamaged, StoreTooNew):
            at += 1
        else:
            break
    return min(at, limit)
