"""Look at every byte of a pack and say what is wrong with it; nothing is changed."""

from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

from localart.errors import BlobDamaged
from localart.model import BaseSlice, BlobRef
from localart.records import dataclass
from localart.store.codecs import DELTAS, ReadBases, decompress
from localart.store.failures import damaged
from localart.store.frames import ScannedFrame, walk_pack


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDamage:
    """Something in a pack that is not what was written. `lost`: the contents known to have gone with it."""

    pack: str
    start: int
    error: BlobDamaged
    lost: tuple[BlobRef, ...]


def check_pack(
    path: Path, *, end: int | None = None, read_bases: ReadBases | None = None
) -> Iterator[FrameDamage]:
    """Every damaged place of a pack, up to its committed `end`; nothing when all is well.

    Reads and decompresses all of it, and hashes every member; those of differences only with `read_bases`.
    BlobMissing when there is no such pack.
    """
    for found in examine_pack(path, end=end, read_bases=read_bases):
        if isinstance(found, FrameDamage):
            yield found


def examine_pack(
    path: Path, *, end: int | None = None, read_bases: ReadBases | None = None
) -> Iterator[ScannedFrame | FrameDamage]:
    """As `check_pack`, with every frame that is all right in between, front to back. One frame is held at a time."""
    for found in walk_pack(path, end=end):
        if isinstance(found, ScannedFrame):
            damage = next(_check_members(path.stem, found, read_bases), None)
            yield found if damage is None else damage
        else:
            start, error = found
            yield FrameDamage(pack=path.stem, start=start, error=error, lost=())


def raw_of(pack: str, found: ScannedFrame, read_bases: ReadBases | None = None) -> bytes:
    """The raw bytes of a frame, not compared with its members' digests; BlobDamaged when it cannot be decoded."""
    try:
        return bytes(decompress(found.frame.codec, found.body, found.frame.raw_bytes, read_bases))
    except BlobDamaged as error:
        raise damaged(pack, found.frame.start, error.message) from error


def payload_of(pack: str, found: ScannedFrame) -> bytes:
    """What a MANIFEST or JOURNAL frame records (or all raw bytes of a DATA frame); BlobDamaged when it is wrong."""
    damage = next(_check_members(pack, found), None)
    if damage is not None:
        raise damage.error
    return bytes(decompress(found.frame.codec, found.body, found.frame.raw_bytes))


def _check_members(
    pack: str, found: ScannedFrame, read_bases: ReadBases | None = None
) -> Iterator[FrameDamage]:
    frame = found.frame
    blind = frame.codec in DELTAS and read_bases is None
    try:
        raw = memoryview(decompress(frame.codec, found.body, frame.raw_bytes, read_bases or _zeros))
    except BlobDamaged as error:
        wrapped = damaged(pack, frame.start, error.message)
        yield FrameDamage(pack=pack, start=frame.start, error=wrapped, lost=frame.members)
        return
    if blind:
        return
    at = 0
    lost = []
    for member in frame.members:
        if blake3(raw[at : at + member.size_bytes]).digest() != member.digest:
            lost.append(member)
        at += member.size_bytes
    if lost:
        wrong = damaged(pack, frame.start, f"{len(lost)} of its contents are not what they were")
        yield FrameDamage(pack=pack, start=frame.start, error=wrong, lost=tuple(lost))


def _zeros(bases: tuple[BaseSlice, ...], size_bytes: int) -> bytes:
    """Enough to see that a difference can be decoded at all."""
    del bases
    return bytes(size_bytes)
