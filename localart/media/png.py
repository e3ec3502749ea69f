"""Pixels as a PNG file, without Pillow: equal pixels always give equal bytes.

Format: PNG (ISO/IEC 15948), 8 bits a channel, no interlace, one IDAT chunk, and one filter for all rows:
0 (none) or 1 (sub), whichever makes a sample of the rows smaller.
"""

import struct
import zlib

from localart.records import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's colour type for each number of channels: grey, grey and alpha, RGB, RGBA."""

_LEVEL = 4
_SAMPLED_ROWS = 32
_FILTER_NONE = b"\x00"
_FILTER_SUB = b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """A raster of 8-bit channels: `data` holds rows top down, pixels left to right, channels side by side."""

    width: int
    height: int
    channels: int
    data: bytes

    @property
    def row_bytes(self) -> int:
        """Bytes in one row."""
        return self.width * self.channels


def encode_png(pixels: Pixels) -> bytes:
    """Encode `pixels` (1 to 4 channels) as a PNG file."""
    header = struct.pack(">IIBBBBB", pixels.width, pixels.height, 8, COLOR_TYPES[pixels.channels], 0, 0, 0)
    body = zlib.compress(_filtered(pixels), _LEVEL)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _filtered(pixels: Pixels) -> bytes:
    sample = _sample(pixels)
    plain, sub = (
        _packed(sample.data, _FILTER_NONE, sample),
        _packed(_differences(sample), _FILTER_SUB, sample),
    )
    if len(zlib.compress(sub, 1)) < len(zlib.compress(plain, 1)):
        return sub if sample is pixels else _packed(_differences(pixels), _FILTER_SUB, pixels)
    return plain if sample is pixels else _packed(pixels.data, _FILTER_NONE, pixels)


def _sample(pixels: Pixels) -> Pixels:
    if pixels.height <= _SAMPLED_ROWS:
        return pixels
    starts = [pixels.height * turn // _SAMPLED_ROWS * pixels.row_bytes for turn in range(_SAMPLED_ROWS)]
    data = b"".join(pixels.data[start : start + pixels.row_bytes] for start in starts)
    return Pixels(width=pixels.width, height=_SAMPLED_ROWS, channels=pixels.channels, data=data)


def _packed(data: bytes, filter_byte: bytes, pixels: Pixels) -> bytes:
    step = pixels.row_bytes
    return b"".join([filter_byte + data[start : start + step] for start in range(0, len(data), step)])


def _differences(pixels: Pixels) -> bytes:
    """Every byte less the same channel of the pixel to its left, modulo 256.

    All bytes are subtracted at once, as two large integers: the top bit of each byte is set aside so that no
    borrow crosses into its neighbour, and put right afterwards.
    """
    data, step, size = pixels.data, pixels.row_bytes, len(pixels.data)
    edge = bytes(pixels.channels)
    to_the_left = b"".join(
        [edge + data[start : start + step - pixels.channels] for start in range(0, size, step)]
    )
    top_bits = int.from_bytes(b"\x80" * size, "big")
    low_bits = int.from_bytes(b"\x7f" * size, "big")
    value, left = int.from_bytes(data, "big"), int.from_bytes(to_the_left, "big")
    difference = ((value | top_bits) - (left & low_bits)) ^ ((value ^ left ^ top_bits) & top_bits)
    return difference.to_bytes(size, "big")
