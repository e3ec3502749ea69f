"""What an image file says about itself in its first bytes: format, width, height. Nothing is decoded."""

import struct
from collections.abc import Callable

from localart.media.png import SIGNATURE
from localart.records import dataclass

KNOWN_FORMATS = "PNG, JPEG, GIF, BMP or WebP"

# JPEG's start-of-frame markers: 0xC0–0xCF without the Huffman, arithmetic and extension tables among them.
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """An encoded image's format (the ending of its file name, without the dot) and size in pixels."""

    format: str
    width: int
    height: int


def find_header(data: bytes) -> ImageHeader | None:
    """Return the header of an encoded image, or None when `data` is not one or is cut off."""
    for magic, name, read_size in _READERS:
        if data.startswith(magic):
            return _header(name, read_size, data)
    return None


def _header(name: str, read_size: Callable[[bytes], tuple[int, int]], data: bytes) -> ImageHeader | None:
    try:
        width, height = read_size(data)
    except (struct.error, IndexError, ValueError):
        return None
    return ImageHeader(format=name, width=width, height=height) if width > 0 and height > 0 else None


def _png_size(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise ValueError(data[12:16])
    return _two(">II", data, 16)


def _gif_size(data: bytes) -> tuple[int, int]:
    return _two("<HH", data, 6)


def _bmp_size(data: bytes) -> tuple[int, int]:
    if _one("<I", data, 14) == 12:
        return _two("<HH", data, 18)
    width, height = _two("<ii", data, 18)
    # A negative height says that rows go top down.
    return width, abs(height)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = _two(">HH", data, at + 5)
            return width, height
        # 0xFF may be repeated as padding before a marker.
        at += 1 if marker == 0xFF else 2 + _one(">H", data, at + 2)
    raise ValueError(at)


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[8:16]
    if kind == b"WEBPVP8X":
        return 1 + _three_bytes(data, 24), 1 + _three_bytes(data, 27)
    if kind == b"WEBPVP8L":
        bits = _one("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"WEBPVP8 ":
        width, height = _two("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(kind)


def _one(layout: str, data: bytes, at: int) -> int:
    number: int = struct.unpack_from(layout, data, at)[0]
    return number


def _two(layout: str, data: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, at)
    return first, second


def _three_bytes(data: bytes, at: int) -> int:
    if len(data) < at + 3:
        raise ValueError(at)
    return int.from_bytes(data[at : at + 3], "little")


_READERS: tuple[tuple[bytes, str, Callable[[bytes], tuple[int, int]]], ...] = (
    (SIGNATURE, "png", _png_size),
    (b"\xff\xd8\xff", "jpg", _jpeg_size),
    (b"GIF87a", "gif", _gif_size),
    (b"GIF89a", "gif", _gif_size),
    (b"BM", "bmp", _bmp_size),
    (b"RIFF", "webp", _webp_size),
)
