"""How the body of a frame is compressed, and which way is chosen.

Figures (48 MiB a corpus, one thread): zstd level 1 is the knee for binary data and floats, 3 for text; level 6
and up cost 3–5 times as much for 1–3 points. Splitting floats into byte planes before level 1 saves 16 % of
fp32 and 32 % of bf16 weights where plain zstd saves 8 % and 23 %, if each plane is a zstd frame of its own:
planes in one frame share entropy tables and the gain vanishes.
"""

import struct
import threading
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from localart.errors import BlobDamaged
from localart.model import BaseSlice
from localart.records import dataclass
from localart.store.differences import add_difference, decode_bases, encode_bases, fold_difference

if TYPE_CHECKING:
    from zstandard import ZstdCompressor, ZstdDecompressor

Bytes: TypeAlias = bytes | bytearray | memoryview

SAMPLE_BYTES = 64 << 10

_RAW_ABOVE = 0.95  # of the sample's size: below 5 % saved, decompressing is not worth it
_PLANES_BELOW = 0.95  # of what plain zstd takes
_DELTA_BELOW = 0.9  # of what the best without a base takes: reading it again costs more
_PLANES_FROM_BYTES = 4 << 10
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


_STRIDES = {
    Codec.PLANES2: 2,
    Codec.PLANES4: 4,
    Codec.DELTA1: 1,
    Codec.DELTA2: 2,
    Codec.DELTA4: 4,
}
DELTAS = frozenset({Codec.DELTA1, Codec.DELTA2, Codec.DELTA4})
"""Differences from earlier bytes; see `differences`."""

ReadBases: TypeAlias = Callable[[tuple[BaseSlice, ...], int], Bytes]
"""The bytes below a frame's raw bytes, whose number is given; zeros where no base lies."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A codec and the zstd level to write it with."""

    codec: Codec
    level: int = 1


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


def choose_difference(sample: bytes, base: bytes, plain: Recipe) -> Codec | None:
    """The codec that tells `sample` by its difference from `base`, where that takes clearly less than `plain`."""
    size = len(sample) if plain.codec is Codec.RAW else _stored_bytes(plain, sample)
    sizes = {
        codec: sum(len(part) for part in _planes(fold_difference(sample, base, width), width, 1))
        for codec, width in ((codec, _STRIDES[codec]) for codec in (Codec.DELTA4, Codec.DELTA2, Codec.DELTA1))
    }
    best = min(sizes, key=lambda codec: sizes[codec])
    return best if sizes[best] < size * _DELTA_BELOW else None


def is_text(sample: bytes) -> bool:
    """Whether the bytes hold no control characters: ASCII, UTF-8 or Latin text of any kind."""
    return len(sample.translate(None, _CONTROL_BYTES)) == len(sample)


def _stored_bytes(recipe: Recipe, sample: bytes) -> int:
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
    codec: Codec, raw: Bytes, base: Bytes, bases: Sequence[BaseSlice]
) -> tuple[Codec, list[Bytes]] | None:
    """The body that tells `raw` by its difference from `base`, the bytes of `bases`; None where it saves nothing."""
    width = _STRIDES[codec]
    body = [encode_bases(bases), *_planes(fold_difference(raw, base, width), width, 1)]
    return (codec, body) if sum(len(part) for part in body) < len(raw) else None


def _encode(recipe: Recipe, raw: Bytes) -> list[Bytes]:
    if recipe.codec is Codec.ZSTD:
        return [_threads.compressor(recipe.level).compress(raw)]
    return _planes(raw, _STRIDES[recipe.codec], recipe.level)


def _planes(raw: Bytes, stride: int, level: int) -> list[Bytes]:
    compressor = _threads.compressor(level)
    flat = bytes(raw)  # slicing a memoryview with a step is four times slower
    planes: list[Bytes] = [compressor.compress(flat[first::stride]) for first in range(stride)]
    return [struct.pack(f"<{stride}I", *(len(plane) for plane in planes)), *planes]


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
        case _:
            raise BlobDamaged(f"codec {codec} is not known")
    if len(raw) != raw_bytes:
        raise BlobDamaged(f"{len(raw)} bytes where {raw_bytes} should be")
    return raw


def _add_bases(codec: Codec, body: Bytes, raw_bytes: int, read_bases: ReadBases) -> bytes:
    bases, end = decode_bases(body, raw_bytes)
    below = read_bases(bases, raw_bytes)  # first: a stack below should find memory free
    width = _STRIDES[codec]
    return add_difference(_join_planes(body[end:], raw_bytes, width), below, width)


def _unzstd(body: Bytes, raw_bytes: int) -> bytes:
    from zstandard import ZstdError, get_frame_parameters

    try:
        # `max_output_size` is ignored by zstandard when the frame carries a size of its own.
        if get_frame_parameters(body).content_size != raw_bytes:
            raise BlobDamaged("the compressed bytes declare another size")
        return _threads.decompressor.decompress(body, allow_extra_data=False)
    except ZstdError as error:
        raise BlobDamaged("the compressed bytes cannot be decompressed") from error


def _join_planes(body: Bytes, raw_bytes: int, stride: int) -> bytearray:
    table = struct.Struct(f"<{stride}I")
    if len(body) < table.size:
        raise BlobDamaged("the byte planes are cut off")
    sizes = table.unpack_from(body)
    if table.size + sum(sizes) != len(body):
        raise BlobDamaged("the byte planes do not fill the frame")
    raw = bytearray(raw_bytes)
    at = table.size
    for first, size in enumerate(sizes):
        plane_bytes = len(range(first, raw_bytes, stride))
        raw[first::stride] = _unzstd(body[at : at + size], plane_bytes)
        at += size
    return raw
