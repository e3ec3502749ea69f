"""Encoded pictures as pixels: through Pillow where it is installed, plain PNGs without it.

Bounds hold before anything is decoded: the caller gives the header that it has read and found small enough.
"""

import struct
import zlib
from io import BytesIO

from localart.media.headers import ImageHeader
from localart.media.png import SIGNATURE, Pixels
from localart_tui.pictures.scaling import fitted, resized

MOST_PIXELS = 50_000_000
_MOST_OWN_PIXELS = 4_000_000
_PILLOW_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
_PILLOW_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def decode(data: bytes, header: ImageHeader, *, longest_side: int) -> Pixels | str:
    """The pixels, at most `longest_side` wide and high; or one sentence that says why there are none."""
    if header.width * header.height > MOST_PIXELS:
        return f"not drawn: it has more than {MOST_PIXELS // 1_000_000} million pixels"
    try:
        from PIL import Image
    except ImportError:
        return _decode_without_pillow(data, header, longest_side)
    with Image.open(BytesIO(data), formats=_PILLOW_FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            return "not drawn: it is larger than its first bytes say"
        image.draft("RGB", (longest_side, longest_side))
        image.thumbnail((longest_side, longest_side))
        has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
        converted = image.convert("RGBA" if has_alpha else "RGB")
        width, height = converted.size
        return Pixels(
            width=width, height=height, channels=_PILLOW_CHANNELS[converted.mode], data=converted.tobytes()
        )


def _decode_without_pillow(data: bytes, header: ImageHeader, longest_side: int) -> Pixels | str:
    if header.format != "png":
        return "install Pillow to see it"
    try:
        pixels = decode_png(data)
    except (struct.error, ValueError, IndexError, zlib.error):
        return "not drawn: it is broken, cut off, or of a kind that needs Pillow"
    width, height = fitted(pixels.width, pixels.height, longest_side, longest_side)
    return pixels if (width, height) == (pixels.width, pixels.height) else resized(pixels, width, height)


# --- PNG -------------------------------------------------------------------------------------------


def decode_png(data: bytes) -> Pixels:
    """A PNG of 8 bits a channel that is not interlaced and has at most 4 million pixels; ValueError for others."""
    if not data.startswith(SIGNATURE):
        raise ValueError("not a PNG")
    width, height, bits, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if bits != 8 or interlaced or colour not in _CHANNELS or not 0 < width * height <= _MOST_OWN_PIXELS:
        raise ValueError("a kind of PNG that is not decoded here")
    palette, packed = _png_chunks(data)
    channels = _CHANNELS[colour]
    expected = height * (width * channels + 1)
    raw = zlib.decompressobj().decompress(packed, expected)
    if len(raw) != expected:
        raise ValueError("cut off")
    rows = _unfiltered(raw, width * channels, channels)
    if colour != 3:
        return Pixels(width=width, height=height, channels=channels, data=rows)
    colours = [palette[at : at + 3] for at in range(0, len(palette), 3)]
    return Pixels(width=width, height=height, channels=3, data=b"".join([colours[at] for at in rows]))


def _png_chunks(data: bytes) -> tuple[bytes, bytes]:
    palette, packed = b"", []
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"PLTE":
            palette = data[at + 8 : at + 8 + min(length, 768)]
        elif name == b"IDAT":
            packed.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return palette, b"".join(packed)


def _unfiltered(raw: bytes, row_bytes: int, channels: int) -> bytes:
    """Undo PNG's filters (ISO/IEC 15948, 9.2), row by row."""
    before = bytearray(row_bytes)
    rows = []
    for start in range(0, len(raw), row_bytes + 1):
        row = bytearray(raw[start + 1 : start + 1 + row_bytes])
        _FILTERS[raw[start]](row, before, channels)
        rows.append(row)
        before = row
    return b"".join(rows)


def _none(_row: bytearray, _above: bytearray, _channels: int) -> None:
    pass


def _sub(row: bytearray, _above: bytearray, channels: int) -> None:
    for at in range(channels, len(row)):
        row[at] = row[at] + row[at - channels] & 255


def _up(row: bytearray, above: bytearray, _channels: int) -> None:
    for at, value in enumerate(above):
        row[at] = row[at] + value & 255


def _average(row: bytearray, above: bytearray, channels: int) -> None:
    for at, value in enumerate(above):
        left = row[at - channels] if at >= channels else 0
        row[at] = row[at] + (left + value >> 1) & 255


def _paeth(row: bytearray, above: bytearray, channels: int) -> None:
    for at, up in enumerate(above):
        left, corner = (row[at - channels], above[at - channels]) if at >= channels else (0, 0)
        guess = left + up - corner
        by_left, by_up, by_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
        nearest = left if by_left <= by_up and by_left <= by_corner else up if by_up <= by_corner else corner
        row[at] = row[at] + nearest & 255


_FILTERS = (_none, _sub, _up, _average, _paeth)
