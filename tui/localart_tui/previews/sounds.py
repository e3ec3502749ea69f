"""WAV sounds: format, length and waveform.

Format: RIFF chunks of a name, a u32 length and bytes (padded to even); `fmt ` holds format tag, channels, frames a
second, bytes a second, bytes a frame, bits a value; `data` the frames.
"""

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from localart_tui.previews.record import Facts, Note, Preview, Section, Waveform, Weight
from localart_tui.previews.source import ByteSource, NotShown, read_exactly

COLUMNS = 200
MOST_FRAMES = 2_000_000
_MOST_CHUNKS = 64
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_WIDEST_FRAME = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """How a frame's bytes are to be read."""

    tag: int
    channels: int
    rate: int
    frame_bytes: int
    bits: int

    @property
    def is_drawable(self) -> bool:
        return (self.tag, self.bits) in {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32)}


def read_wav(source: ByteSource, _path: str) -> Preview:
    """Facts, and the loudness over time."""
    about, start, length = _chunks(source)
    held = min(length, source.size_bytes - start)
    frames = held // about.frame_bytes
    seconds = frames / about.rate
    words = {_PCM: "PCM", _FLOAT: "float"}.get(about.tag, f"format {about.tag}")
    sections: list[Section] = [
        Facts(
            (
                ("length", f"{seconds:,.2f} s"),
                ("format", f"{words}, {about.bits} bits, {about.channels} channels, {about.rate:,} Hz"),
            )
        )
    ]
    if held < length:
        sections.append(Note(f"cut off: {length - held:,} bytes are missing", Weight.WARNING))
    if about.is_drawable and frames:
        sections.append(_waveform(source, about, start, frames, seconds))
    return Preview("WAV sound", tuple(sections))


def _chunks(source: ByteSource) -> tuple[_Format, int, int]:
    at = 12
    about: _Format | None = None
    for _ in range(_MOST_CHUNKS):
        name, length = struct.unpack("<4sI", read_exactly(source, at, 8))
        if name == b"fmt ":
            about = _format(read_exactly(source, at + 8, min(length, 40)))
        elif name == b"data":
            if about is None:
                raise NotShown("its format is missing")
            return about, at + 8, length
        at += 8 + length + (length & 1)
    raise NotShown("no sound was found in it")


def _format(content: bytes) -> _Format:
    tag, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", content)
    if tag == _EXTENSIBLE and len(content) >= 26:
        (tag,) = struct.unpack_from("<H", content, 24)
    about = _Format(tag=tag, channels=channels, rate=rate, frame_bytes=frame_bytes, bits=bits)
    if not (rate and channels and 0 < frame_bytes <= _WIDEST_FRAME) or frame_bytes < channels * bits // 8:
        raise NotShown("its format is broken")
    return about


def _waveform(source: ByteSource, about: _Format, start: int, frames: int, seconds: float) -> Waveform:
    """Of a long sound each column shows the beginning of its part."""
    columns = min(COLUMNS, frames)
    most = MOST_FRAMES // COLUMNS
    lows, highs = [], []
    for turn in range(columns):
        first, last = frames * turn // columns, frames * (turn + 1) // columns
        content = source.read(start + first * about.frame_bytes, min(last - first, most) * about.frame_bytes)
        low, high = _extremes(content, about)
        lows.append(low)
        highs.append(high)
    return Waveform(tuple(lows), tuple(highs), seconds)


def _extremes(content: bytes, about: _Format) -> tuple[float, float]:
    """The least and greatest value of all channels, as -1 to 1."""
    values, scale, shift = _numbers(content, about)
    if not values:
        return 0.0, 0.0
    low, high = min(values), max(values)
    if low != low or high != high:  # noqa: PLR0124 - NaN alone differs from itself
        return 0.0, 0.0
    return _clipped((low - shift) / scale), _clipped((high - shift) / scale)


def _clipped(value: float) -> float:
    return min(max(value, -1.0), 1.0)


def _numbers(content: bytes, about: _Format) -> tuple[Sequence[float], float, float]:
    """The values, what is full loudness, and what is silence. Of 24 bits the upper eight do."""
    if about.tag == _FLOAT:
        return array("f", content[: len(content) // 4 * 4]), 1.0, 0.0
    if about.bits == 8:
        return array("B", content), 128.0, 128.0
    if about.bits == 24:
        return array("b", content[2::3]), 128.0, 0.0
    size = about.bits // 8
    return (
        array("h" if size == 2 else "i", content[: len(content) // size * size]),
        2.0 ** (about.bits - 1),
        0.0,
    )
