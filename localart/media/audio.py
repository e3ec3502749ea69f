"""Sounds: a file as it is, or samples as a WAV file of 16 bits."""

import os
import sys
import wave
from array import array
from collections.abc import Sequence
from io import BytesIO
from pathlib import PurePath
from typing import Any, Self

from localart.media.base import Encoded, EncodedMedia, EntryReader, Record, captions_of
from localart.media.records import encoded_in, text_or_none
from localart.media.sources import MAX_MEDIA_BYTES, read_media_file
from localart.model import JsonObject

_LOUDEST = 32767


class Audio(EncodedMedia):
    """One clip: the path of any sound file, or samples with their `sample_rate` in Hz.

    Samples are floats from -1 to 1 (what is louder is cut), int16 or int32; one dimension, or (time, channels). Raises
    ValueError for a missing rate, wrong shapes, NaN and infinities; TypeError for what is no sample.
    """

    kind = "audio-file"
    folder = "media/audio"

    def __init__(self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None) -> None:
        self._duration: float | None = None
        self._sample_rate = None if sample_rate is None else _checked_rate(sample_rate)
        if isinstance(data_or_path, Encoded):
            encoded = data_or_path
        elif isinstance(data_or_path, (str, os.PathLike)):
            encoded = Encoded(data=read_media_file(data_or_path, "Audio"), suffix=_ending(data_or_path))
        else:
            if self._sample_rate is None:
                raise ValueError("Audio needs the sample_rate of raw samples")
            samples, channels = _samples(data_or_path)
            encoded = Encoded(data=_as_wav(samples, channels, self._sample_rate), suffix=".wav")
            self._duration = len(samples) / channels / self._sample_rate
        super().__init__(encoded, caption)

    @property
    def sample_rate(self) -> int | None:
        """Samples a second, when it was given."""
        return self._sample_rate

    @property
    def duration(self) -> float | None:
        """Seconds; only of samples."""
        return self._duration

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the file and the caption."""
        return cls(encoded_in(record, entries), caption=text_or_none(record, "caption"))

    @classmethod
    def list_in_run(cls, media: Sequence["Audio"], records: Sequence[Record]) -> Record:
        """Return W&B's record of several clips."""
        return {
            "_type": "audio",
            "count": len(media),
            "audio": list(records),
            "sampleRates": [one.sample_rate for one in media],
            "durations": [one.duration for one in media],
            **captions_of(media),
        }


def _checked_rate(rate: object) -> int:
    try:
        plain = int(rate)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"a sample_rate is a whole number of Hz, not {rate!r:.80}") from None
    if not 1 <= plain < 1 << 31:
        raise ValueError(f"a sample_rate is a positive number of Hz, not {plain}")
    return int(plain)


def _ending(path: str | os.PathLike[str]) -> str:
    ending = PurePath(path).suffix.lower()
    return ending if ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= 9 else ".bin"


def _samples(source: Any) -> "tuple[array[int], int]":
    """All samples as 16-bit numbers, channels side by side, and how many channels there are."""
    if hasattr(type(source), "detach"):
        source = source.detach().cpu().numpy()
    if hasattr(type(source), "astype"):
        return _from_array(source)
    if not isinstance(source, Sequence) or isinstance(source, (str, bytes)):
        raise TypeError(f"Audio takes a path or samples, not {type(source).__name__}")
    return _from_list(source)


def _from_array(samples: Any) -> "tuple[array[int], int]":
    if samples.ndim not in {1, 2} or samples.size == 0:
        raise ValueError(f"audio samples have the shape (time,) or (time, channels), not {samples.shape}")
    _check_size(samples.size)
    kind = samples.dtype.kind
    if kind == "f":
        scaled = samples.astype("float64") * _LOUDEST
        if not bool(abs(scaled).max() <= sys.float_info.max):
            raise ValueError("audio samples cannot be NaN or infinite")
        plain = scaled.clip(-_LOUDEST - 1, _LOUDEST).round().astype("int16")
    elif samples.dtype.name == "int16":
        plain = samples.astype("int16")
    elif samples.dtype.name == "int32":
        plain = (samples >> 16).astype("int16")
    else:
        raise TypeError(f"audio samples are floats, int16 or int32, not {samples.dtype}")
    native = array("h")
    native.frombytes(plain.tobytes())
    return native, 1 if samples.ndim == 1 else samples.shape[1]


def _from_list(samples: Sequence[Any]) -> "tuple[array[int], int]":
    rows = [row if isinstance(row, (list, tuple)) else [row] for row in samples]
    channels = len(rows[0]) if rows else 0
    if channels == 0 or any(len(row) != channels for row in rows):
        raise ValueError("audio samples are numbers, or rows with one number a channel")
    _check_size(len(rows) * channels)
    return array("h", [_as_16_bits(value) for row in rows for value in row]), channels


def _as_16_bits(value: Any) -> int:
    if not isinstance(value, (int, float)):
        raise TypeError(f"audio samples are numbers, and one is a {type(value).__name__}")
    if not abs(value) < float("inf"):
        raise ValueError("audio samples cannot be NaN or infinite")
    return round(min(max(value * _LOUDEST, -_LOUDEST - 1), _LOUDEST))


def _check_size(count: int) -> None:
    if 2 * count > MAX_MEDIA_BYTES:
        raise ValueError(f"{count:,} audio samples are too many; add a sound file to an artifact")


def _as_wav(samples: "array[int]", channels: int, rate: int) -> bytes:
    if channels > 0xFFFF:
        raise ValueError(
            f"audio has at most 65,535 channels, not {channels:,}; is the array (time, channels)?"
        )
    if rate * channels * 2 >= 1 << 32:
        raise ValueError(f"a WAV file cannot hold {channels:,} channels of {rate:,} samples a second")
    content = BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframesraw(samples.tobytes())
    return content.getvalue()
