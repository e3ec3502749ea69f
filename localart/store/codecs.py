"""How the body of a frame is compressed, and which way is chosen.

Figures (48 MiB a corpus, one thread): zstd level 1 is the knee for binary data and floats, 3 for text; level 6
and up cost 3–5 times as much for 1–3 points. Splitting floats into byte planes before level 1 saves 16 % of
fp32 and 32 % of bf16 weights where plain zstd saves 8 % and 23 %, if each plane is a zstd frame of its own:
planes in one frame share entropy tables and the gain vanishes.
"""

import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from localart.errors import BlobDamaged
from localart.model import BaseSlice
from localart.records import dataclass
from localart.store.differences import (
    add_difference,
    decode_bases,
    difference_planes,
    encode_bases,
    fold_difference,
    lowest_difference,
)
from localart.store.mixes import Section, decode_sections, encode_sections
from localart.store.planes import join_planes, split_planes

if TYPE_CHECKING:
    from zstandard import ZstdCompressor, ZstdDecompressor

Bytes: TypeAlias = bytes | bytearray | memoryview

SAMPLE_BYTES = 64 << 10

_RAW_ABOVE = 0.95  # of the sample's size: below 5 % saved, decompressing is not worth it
_PLANES_BELOW = 0.95  # of what plain zstd takes
_DELTA_BELOW = 0.9  # of what the best without a base takes: reading it again costs more
_CLEARLY_BELOW = 0.8
_RAISED_BELOW = 0.998
_PLANES_FROM_BYTES = 4 << 10
_PART_SAMPLE_BYTES = 16 << 10
_PHASE_BYTES = 8
_CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b")) + b"\x7f"


class Codec(IntEnum):
    """How a body is stored; the number stands in the frame's header."""

    RAW = 0
    ZSTD = 1
    PLANES2 = 2
    PLANES4 = 3
    DELTA1 = 4
    DELTA2 = 5
    DELTA4 = 6
    MIXED = 7


_STRIDES = {
    Codec.PLANES2: 2,
    Codec.PLANES4: 4,
    Codec.DELTA1: 1,
    Codec.DELTA2: 2,
    Codec.DELTA4: 4,
}
_WHOLE_DELTAS = (Codec.DELTA4, Codec.DELTA2, Codec.DELTA1)
DELTAS = frozenset({*_WHOLE_DELTAS, Codec.MIXED})
"""Differences from earlier bytes; see `differences`, and `mixes`, which is what is written now."""

ReadBases: TypeAlias = Callable[[tuple[BaseSlice, ...], int], Bytes]
"""The bytes below a frame's raw bytes, whose number is given; zeros where no base lies."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A codec and the zstd level to write it with."""

    codec: Codec
    level: int = 1


@dataclass(frozen=True, slots=True)
class Told:
    """Bytes `start` to `stop` of a frame, the codec of their difference, and what is added to the numbers below.

    `is_clear`: what is saved leaves no doubt that more of the same tensor is told alike.
    """

    start: int
    stop: int
    codec: Codec
    amount: int
    is_clear: bool = False

    def follows(self, before: "Told") -> bool:
        """Whether these bytes are told as those just `before` them are."""
        return (before.stop, before.codec, before.amount) == (self.start, self.codec, self.amount)


RAW = Recipe(Codec.RAW)


def choose_codec(sample: Bytes, *, planes: bool = True) -> Recipe:
    """The recipe that suits data like `sample` (64 KiB are enough); without `planes`, RAW or ZSTD.

    The sample must begin where the data's floats begin, or at a multiple of 8 bytes from there.
    """
    if not sample:
        return RAW
    sample = bytes(sample)
    level = 3 if is_text(sample) else 1
    candidates = [Recipe(Codec.ZSTD, level)]
    if planes and level == 1 and len(sample) >= _PLANES_FROM_BYTES:
        candidates += [Recipe(Codec.PLANES2), Recipe(Codec.PLANES4)]
    plain, *split = [(_stored_bytes(recipe, sample), recipe) for recipe in candidates]
    best = min(split, default=plain, key=lambda scored: scored[0])
    size, recipe = best if best[0] < plain[0] * _PLANES_BELOW else plain
    return recipe if size < len(sample) * _RAW_ABOVE else RAW


def choose_difference(raw: Bytes, below: Bytes, start: int, stop: int, plain: Recipe) -> Told | None:
    """How these bytes of a frame are told from what lies `below` it, where that takes clearly less than `plain`.

    A sample from their middle decides.
    """
    start_of_sample = start + max(0, stop - start - _PART_SAMPLE_BYTES) // 2 // _PHASE_BYTES * _PHASE_BYTES
    middle = slice(start_of_sample, min(start_of_sample + _PART_SAMPLE_BYTES, stop))
    sample, base = raw[middle], below[middle]
    size = len(sample) if plain.codec is Codec.RAW else _stored_bytes(plain, sample)
    folded = {codec: fold_difference(sample, base, _STRIDES[codec]) for codec in _WHOLE_DELTAS}
    sizes = {codec: _planes_bytes(folded[codec], _STRIDES[codec]) for codec in _WHOLE_DELTAS}
    codec = min(sizes, key=lambda codec: sizes[codec])
    told, amount = _better_raised(sample, base, folded[codec], sizes[codec], _STRIDES[codec])
    if told >= size * _DELTA_BELOW:
        return None
    return Told(start, stop, codec, amount, is_clear=told < size * _CLEARLY_BELOW and not amount)


def _better_raised(sample: Bytes, base: Bytes, folded: Bytes, size: int, width: int) -> tuple[int, int]:
    """The size when the lowest difference is added to the base, and that; or `size` and 0 where it hardly helps."""
    amount = lowest_difference(folded, width) % (1 << 8 * width)
    raised = _planes_bytes(fold_difference(sample, base, width, amount), width)
    return (raised, amount) if raised < size * _RAISED_BELOW else (size, 0)


def _planes_bytes(numbers: Bytes, width: int) -> int:
    return sum(len(part) for part in _planes(numbers, width, 1))


def is_text(sample: bytes) -> bool:
    """Whether the bytes hold no control characters: ASCII, UTF-8 or Latin text of any kind."""
    return len(sample.translate(None, _CONTROL_BYTES)) == len(sample)


def _stored_bytes(recipe: Recipe, sample: Bytes) -> int:
    return sum(len(part) for part in _encode(recipe, sample))


# --- compressing -----------------------------------------------------------------------------------


def compress(recipe: Recipe, parts: Sequence[Bytes]) -> tuple[Codec, list[Bytes]]:
    """The body for raw bytes that lie in `parts`, and its codec: RAW (uncopied) where the recipe saves nothing."""
    raw_bytes = sum(len(part) for part in parts)
    if recipe.codec is not Codec.RAW:
        body = _encode(recipe, parts[0] if len(parts) == 1 else b"".join(parts))
        if sum(len(part) for part in body) < raw_bytes:
            return recipe.codec, body
    return Codec.RAW, list(parts)


def compress_difference(
    raw: Bytes, below: Bytes, bases: Sequence[BaseSlice], told: Sequence[Told], rest: Recipe
) -> tuple[Codec, list[Bytes]] | None:
    """The body in which `told` parts of `raw` are differences from `below`; None where that saves nothing.

    `below` holds the bytes of `bases` in place; whatever else there is in `raw` is written by the recipe `rest`.
    """
    raw, below = memoryview(raw), memoryview(below)  # sliced uncopied
    sections: list[Section] = []
    stored: list[Bytes] = []
    for start, stop, part in _tiles(told, len(raw)):
        codec, body = _compress_section(raw[start:stop], below[start:stop], part, rest)
        amount = 0 if part is None else part.amount
        sections.append(Section(stop - start, sum(len(piece) for piece in body), amount, codec))
        stored += body
    body = [encode_bases(bases), encode_sections(sections), *stored]
    return (Codec.MIXED, body) if sum(len(piece) for piece in body) < len(raw) else None


def _tiles(told: Sequence[Told], raw_bytes: int) -> Iterator[tuple[int, int, Told | None]]:
    """What is told and what is between, front to back."""
    at = 0
    for part in told:
        if at < part.start:
            yield at, part.start, None
        yield part.start, part.stop, part
        at = part.stop
    if at < raw_bytes:
        yield at, raw_bytes, None


def _compress_section(raw: Bytes, below: Bytes, told: Told | None, rest: Recipe) -> tuple[Codec, list[Bytes]]:
    if told is None:
        return compress(rest, [raw])
    width = _STRIDES[told.codec]
    return told.codec, _compressed(difference_planes(raw, below, width, told.amount), 1)


def _encode(recipe: Recipe, raw: Bytes) -> list[Bytes]:
    if recipe.codec is Codec.ZSTD:
        return [_threads.compressor(recipe.level).compress(raw)]
    return _planes(raw, _STRIDES[recipe.codec], recipe.level)


def _planes(raw: Bytes, stride: int, level: int) -> list[Bytes]:
    return _compressed(split_planes(raw, stride), level)


def _compressed(planes: Sequence[Bytes], level: int) -> list[Bytes]:
    compressor = _threads.compressor(level)
    stored: list[Bytes] = [compressor.compress(plane) for plane in planes]
    return [struct.pack(f"<{len(stored)}I", *(len(plane) for plane in stored)), *stored]


class _PerThread(threading.local):
    """zstd contexts are not safe to share, and costly to make."""

    def __init__(self) -> None:
        self._compressors: dict[int, ZstdCompressor] = {}
        self._decompressor: ZstdDecompressor | None = None

    def compressor(self, level: int) -> "ZstdCompressor":
        if level not in self._compressors:
            from zstandard import ZstdCompressor

            self._compressors[level] = ZstdCompressor(level=level, write_content_size=True)
        return self._compressors[level]

    @property
    def decompressor(self) -> "ZstdDecompressor":
        if self._decompressor is None:
            from zstandard import ZstdDecompressor

            self._decompressor = ZstdDecompressor()
        return self._decompressor


_threads = _PerThread()


# --- decompressing ---------------------------------------------------------------------------------


def decompress(codec: int, body: Bytes, raw_bytes: int, read_bases: ReadBases | None = None) -> Bytes:
    """The raw bytes of a body: exactly `raw_bytes` of them, or BlobDamaged. A difference needs `read_bases`.

    Never allocates more than that, whatever the body claims: zstd is only asked to fill a buffer of the
    declared size, and only when its frame declares the same. Bytes after a frame are refused.
    """
    match codec:
        case Codec.RAW:
            raw: Bytes = body
        case Codec.ZSTD:
            raw = _unzstd(body, raw_bytes)
        case Codec.PLANES2 | Codec.PLANES4:
            raw = _join_planes(body, raw_bytes, _STRIDES[Codec(codec)])
        case Codec.DELTA1 | Codec.DELTA2 | Codec.DELTA4 if read_bases is not None:
            raw = _add_bases(Codec(codec), body, raw_bytes, read_bases)
        case Codec.MIXED if read_bases is not None:
            raw = _join_sections(body, raw_bytes, read_bases)
        case _:
            raise BlobDamaged(f"codec {codec} is not known")
    if len(raw) != raw_bytes:
        raise BlobDamaged(f"{len(raw)} bytes where {raw_bytes} should be")
    return raw


def _add_bases(codec: Codec, body: Bytes, raw_bytes: int, read_bases: ReadBases) -> Bytes:
    bases, end = decode_bases(body, raw_bytes)
    below = read_bases(bases, raw_bytes)  # first: a stack below should find memory free
    width = _STRIDES[codec]
    return add_difference(_join_planes(body[end:], raw_bytes, width), below, width)


def _join_sections(body: Bytes, raw_bytes: int, read_bases: ReadBases) -> bytearray:
    bases, end = decode_bases(body, raw_bytes)
    sections = decode_sections(body[end:], raw_bytes)
    below = memoryview(read_bases(bases, raw_bytes))
    raw = bytearray(raw_bytes)
    for section, start, stored in sections:
        stop = start + section.raw_bytes
        if section.codec in _WHOLE_DELTAS:
            raw[start:stop] = _add_below(section, stored, below[start:stop])
        elif section.amount:
            raise BlobDamaged("the table of sections contradicts itself")
        else:
            raw[start:stop] = decompress(section.codec, stored, section.raw_bytes)
    return raw


def _add_below(section: Section, stored: Bytes, below: Bytes) -> Bytes:
    width = _STRIDES[Codec(section.codec)]
    if section.amount >> 8 * width:
        raise BlobDamaged("the table of sections contradicts itself")
    folded = _join_planes(stored, section.raw_bytes, width)
    return add_difference(folded, below, width, section.amount)


def _unzstd(body: Bytes, raw_bytes: int) -> bytes:
    from zstandard import ZstdError, get_frame_parameters

    try:
        # `max_output_size` is ignored by zstandard when the frame carries a size of its own.
        if get_frame_parameters(body).content_size != raw_bytes:
            raise BlobDamaged("the compressed bytes declare another size")
        return _threads.decompressor.decompress(body, allow_extra_data=False)
    except ZstdError as error:
        raise BlobDamaged("the compressed bytes cannot be decompressed") from error


def _join_planes(body: Bytes, raw_bytes: int, stride: int) -> bytearray | memoryview:
    table = struct.Struct(f"<{stride}I")
    if len(body) < table.size:
        raise BlobDamaged("the byte planes are cut off")
    sizes = table.unpack_from(body)
    if table.size + sum(sizes) != len(body):
        raise BlobDamaged("the byte planes do not fill the frame")
    at = table.size
    planes: list[Bytes] = []
    for first, size in enumerate(sizes):
        planes.append(_unzstd(body[at : at + size], len(range(first, raw_bytes, stride))))
        at += size
    return join_planes(planes, raw_bytes)
