r"""Frames that tell only how their bytes differ from earlier ones: the weights of the same tensor, a step before.

Floats that were trained a little are close to what they were: as whole numbers of their width, subtracted (modulo
2^bits) and folded so that small differences of either sign become small numbers (0, -1, 1, -2 → 0, 1, 2, 3), their
high bytes are nearly all zero. Figures: a checkpoint in which 27 MB of weights moved takes 17.4 MB instead of 23.

====== ===== ===========================================================================================
offset bytes body of DELTA1, DELTA2, DELTA4 (the width w in bytes)
====== ===== ===========================================================================================
0      4     base count
4      44·n  bases in order of `at`: at (4), start (4), stop (4) and digest (32) of an earlier chunk, whose bytes
             `start` to `stop` lie below the frame's raw bytes from `at` on; where none lies there are zeros
4+44n        w sizes of 4 bytes each, then w zstd frames: the byte planes of the folded differences; raw bytes
             after the last whole number are kept as they are
====== ===== ===========================================================================================

Today's writers put the planes into the sections of `mixes`, behind the same table; these bodies are only read.
"""

import struct
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from localart.errors import BlobDamaged
from localart.model import BaseSlice, Digest
from localart.store.planes import has_numpy, split_planes

if TYPE_CHECKING:
    from localart.store.codecs import Bytes

_COUNT = struct.Struct("<I")
_BASE = struct.Struct("<III32s")
_MOST_BASES = 1 << 16
_FORMATS = {1: "B", 2: "H", 4: "I"}


def load_arithmetic() -> None:
    """Import NumPy, where it is, before several threads want it: one after the other they lose more than it takes."""
    if has_numpy():
        import_module("numpy")


# --- the table of bases ------------------------------------------------------------------------------


def encode_bases(bases: Sequence[BaseSlice]) -> bytes:
    """The front of the body."""
    rows = [_BASE.pack(base.at, base.start, base.stop, base.chunk) for base in bases]
    return _COUNT.pack(len(bases)) + b"".join(rows)


def decode_bases(body: "Bytes", raw_bytes: int) -> tuple[tuple[BaseSlice, ...], int]:
    """The bases that the front of a body names, and where the rest begins; BlobDamaged when they cannot be right."""
    if len(body) < _COUNT.size:
        raise BlobDamaged("the table of bases is cut off")
    count = _COUNT.unpack_from(body)[0]
    end = _COUNT.size + count * _BASE.size
    if count > _MOST_BASES or len(body) < end:
        raise BlobDamaged("the table of bases is cut off")
    bases = tuple(
        BaseSlice(at, Digest(digest), start, stop)
        for at, start, stop, digest in _BASE.iter_unpack(body[_COUNT.size : end])
    )
    covered = 0
    for base in bases:
        if not covered <= base.at < base.at + (base.stop - base.start) <= raw_bytes:
            raise BlobDamaged("the table of bases contradicts itself")
        covered = base.at + (base.stop - base.start)
    return bases, end


# --- whole numbers, many at once ---------------------------------------------------------------------


def fold_difference(raw: "Bytes", base: "Bytes", width: int, amount: int = 0) -> "Bytes":
    """`raw` - `base` - `amount` as whole numbers of `width` bytes, folded; a shorter rest is kept as it is."""
    whole = len(raw) - len(raw) % width
    fold = _fold_fast if has_numpy() else _fold_plain
    folded = fold(raw[:whole], base[:whole], width, amount)
    return folded if whole == len(raw) else bytes(folded) + bytes(raw[whole:])


def difference_planes(raw: "Bytes", base: "Bytes", width: int, amount: int = 0) -> "Sequence[Bytes]":
    """The byte planes of what `fold_difference` gives. This thread's next call may overwrite them."""
    if has_numpy() and len(raw) % width == 0:
        return _planes_fast(raw, base, width, amount)
    return split_planes(fold_difference(raw, base, width, amount), width)


def add_difference(folded: "bytearray | memoryview", base: "Bytes", width: int, amount: int = 0) -> "Bytes":
    """Undo `fold_difference`, where possible in the buffer that holds the folded numbers."""
    whole = len(folded) - len(folded) % width
    add = _add_fast if has_numpy() else _add_plain
    raw = add(memoryview(folded)[:whole], base[:whole], width, amount)
    return raw if whole == len(folded) else bytes(raw) + bytes(folded[whole:])


def raise_numbers(numbers: "Bytes", amount: int, width: int) -> "Bytes":
    """`amount` added to each number of `width` bytes, modulo 2^bits; a rest shorter than that is kept as it is."""
    if not amount:
        return numbers
    whole = len(numbers) - len(numbers) % width
    return _raise_plain(numbers[:whole], amount, width) + bytes(numbers[whole:])


def lowest_difference(folded: "Bytes", width: int) -> int:
    """The smallest of the differences, of which every fourth is looked at; 0 when there are none."""
    count = len(folded) // width
    numbers = struct.unpack(f"<{count}{_FORMATS[width]}", folded[: count * width])[::4]
    return min(((number >> 1) ^ -(number & 1) for number in numbers), default=0)


def _fold_fast(raw: "Bytes", base: "Bytes", width: int, amount: int) -> "Bytes":
    import numpy as np

    unsigned, signed = np.dtype(f"<u{width}"), np.dtype(f"<i{width}")
    difference: Any = np.frombuffer(raw, unsigned) - np.frombuffer(base, unsigned)
    if amount:
        difference -= unsigned.type(amount)
    sign = difference.view(signed) >> (8 * width - 1)
    difference <<= 1  # in place, as below: every array is a mebibyte
    difference ^= sign.view(unsigned)
    return memoryview(difference).cast("B")


def _planes_fast(raw: "Bytes", base: "Bytes", width: int, amount: int) -> "Sequence[Bytes]":
    """In arrays that are kept: fresh ones of a mebibyte cost page faults, as much time as the numbers."""
    import numpy as np

    unsigned, signed = np.dtype(f"<u{width}"), np.dtype(f"<i{width}")
    count = len(raw) // width
    one, other, planes = (array[: count * width] for array in _scratch.arrays(len(raw)))
    difference, shifted = one.view(unsigned), other.view(unsigned)
    np.subtract(np.frombuffer(raw, unsigned), np.frombuffer(base, unsigned), out=difference)
    if amount:
        difference -= unsigned.type(amount)
    np.right_shift(difference.view(signed), 8 * width - 1, out=shifted.view(signed))
    difference <<= 1
    difference ^= shifted
    for number in range(width):
        np.right_shift(difference, 8 * number, out=shifted)
        np.copyto(planes[number * count : (number + 1) * count], shifted, casting="unsafe")
    return [planes[number * count : (number + 1) * count].data for number in range(width)]


class _Scratch(threading.local):
    """Three arrays of bytes for each thread."""

    def __init__(self) -> None:
        self._arrays: list[Any] = []

    def arrays(self, size_bytes: int) -> list[Any]:
        """At least so long each, holding anything."""
        import numpy as np

        if not self._arrays or len(self._arrays[0]) < size_bytes:
            self._arrays = [np.empty(size_bytes, np.uint8) for _ in range(3)]
        return self._arrays


_scratch = _Scratch()


def _add_fast(folded: memoryview, base: "Bytes", width: int, amount: int) -> "Bytes":
    import numpy as np

    unsigned = np.dtype(f"<u{width}")
    numbers: Any = np.frombuffer(folded, unsigned)
    if folded.readonly:
        numbers = numbers.copy()
    sign = numbers & 1
    np.negative(sign, out=sign)
    numbers >>= 1
    numbers ^= sign
    numbers += np.frombuffer(base, unsigned)
    if amount:
        numbers += unsigned.type(amount)
    return memoryview(numbers).cast("B")


# Without NumPy, one huge integer holds all numbers side by side: no lane's carry may reach the next one, so its top
# bit is worked out apart. Thirty times slower, and still 100 MB/s.


def _fold_plain(raw: "Bytes", base: "Bytes", width: int, amount: int) -> bytes:
    base = raise_numbers(base, amount, width)
    _, high, rest = _masks(len(raw), width)
    minuend, subtrahend = int.from_bytes(raw, "little"), int.from_bytes(base, "little")
    difference = ((minuend | high) - (subtrahend & rest)) ^ ((minuend ^ ~subtrahend) & high)
    sign = _spread((difference & high) >> (8 * width - 1), width)
    return (((difference & rest) << 1) ^ sign).to_bytes(len(raw), "little")


def _add_plain(folded: "Bytes", base: "Bytes", width: int, amount: int) -> bytes:
    base = raise_numbers(base, amount, width)
    low, high, rest = _masks(len(folded), width)
    numbers, below = int.from_bytes(folded, "little"), int.from_bytes(base, "little")
    odd = numbers & low
    difference = ((numbers ^ odd) >> 1) ^ _spread(odd, width)
    total = ((difference & rest) + (below & rest)) ^ ((difference ^ below) & high)
    return total.to_bytes(len(folded), "little")


def _raise_plain(numbers: "Bytes", amount: int, width: int) -> bytes:
    low, high, rest = _masks(len(numbers), width)
    addend, below = low * amount, int.from_bytes(numbers, "little")
    total = ((addend & rest) + (below & rest)) ^ ((addend ^ below) & high)
    return total.to_bytes(len(numbers), "little")


def _spread(bits: int, width: int) -> int:
    """All ones in every lane whose lowest bit is set."""
    return (bits << 8 * width) - bits


@lru_cache(maxsize=4)
def _masks(size_bytes: int, width: int) -> tuple[int, int, int]:
    """The lowest bit of every lane, the highest, and all but the highest."""
    low = int.from_bytes((b"\x01" + bytes(width - 1)) * (size_bytes // width), "little")
    high = low << (8 * width - 1)
    return low, high, ((1 << 8 * size_bytes) - 1) ^ high
