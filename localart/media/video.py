"""Moving pictures: a file as it is, or frames as a GIF (Pillow) or a film (moviepy)."""

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from localart.errors import UsageError
from localart.media.base import Encoded, EncodedMedia, EntryReader, Record, captions_of
from localart.media.records import encoded_in, text_or_none
from localart.media.sources import check_ending, ending_of, read_media_file, read_stream
from localart.model import JsonObject

FORMATS = frozenset({"gif", "mp4", "webm", "ogg"})
_DEFAULT_FPS = 4
_MAX_FRAME_BYTES = 2 << 30
_MAX_GIF_SIDE = 65_535


class Video(EncodedMedia):
    """One clip: the path of a gif, mp4, webm or ogg file, an open file with its `format`, or frames.

    Frames are an array (time, channels, height, width) with 1, 3 or 4 channels of 0–255, or (batch, time, …), whose
    clips are put into a grid. `format` is needed then, and `fps` counts. Raises ValueError for other formats and
    shapes, UsageError when the package that encodes the format is missing.
    """

    kind = "video-file"
    folder = "media/videos"
    EXTS = ("gif", "mp4", "webm", "ogg")

    def __init__(
        self,
        data_or_path: Any,
        caption: str | None = None,
        fps: int | None = None,
        format: str | None = None,  # noqa: A002 - W&B's name
    ) -> None:
        self._size: tuple[int, int] | None = None
        if isinstance(data_or_path, Encoded):
            encoded = data_or_path
        elif isinstance(data_or_path, (str, os.PathLike)):
            ending = ending_of(data_or_path, FORMATS, "Video")
            encoded = Encoded(data=read_media_file(data_or_path, "Video"), suffix=f".{ending}")
        else:
            ending = check_ending(format, FORMATS, "Video")
            if hasattr(data_or_path, "read"):
                data = read_stream(data_or_path, "Video")
            else:
                frames = _frames(data_or_path)
                self._size = (int(frames.shape[2]), int(frames.shape[1]))
                data = _encode(frames, ending, _checked_fps(fps))
            encoded = Encoded(data=data, suffix=f".{ending}")
        super().__init__(encoded, caption)

    def describe(self) -> Record:
        """Return the caption, and the size in pixels when the clip was made of frames."""
        size = {} if self._size is None else {"width": self._size[0], "height": self._size[1]}
        return {**super().describe(), **size}

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the file, the caption and the size."""
        video = cls(encoded_in(record, entries), caption=text_or_none(record, "caption"))
        width, height = record.get("width"), record.get("height")
        if isinstance(width, int) and isinstance(height, int):
            video._size = (width, height)
        return video

    @classmethod
    def list_in_run(cls, media: Sequence["Video"], records: Sequence[Record]) -> Record:
        """Return W&B's record of several clips."""
        return {"_type": "videos", "count": len(media), "videos": list(records), **captions_of(media)}


def _checked_fps(fps: object) -> float:
    if fps is None:
        return _DEFAULT_FPS
    if not isinstance(fps, (int, float)) or not 0 < fps <= 1000:
        raise ValueError(f"fps must be a number of frames a second, at most 1000; not {fps!r:.80}")
    return fps


# --- frames -----------------------------------------------------------------------------------------


def _frames(source: Any) -> Any:
    """The frames as an array (time, height, width, 1, 3 or 4) of bytes."""
    if hasattr(type(source), "detach"):
        source = source.detach().cpu()
    if not hasattr(type(source), "astype") and hasattr(type(source), "numpy"):
        source = source.numpy()
    if not hasattr(type(source), "astype"):
        raise ValueError(f"Video takes a path, an open file or an array, not {type(source).__name__}")
    if source.ndim == 4:
        source = source[None]
    if source.ndim != 5 or source.shape[2] not in {1, 3, 4} or source.size == 0:
        raise ValueError(
            "frames have the shape (time, 1, 3 or 4, height, width), or the same after a batch; "
            f"not {tuple(source.shape)}"
        )
    if source.size > _MAX_FRAME_BYTES:
        raise ValueError(f"{source.size:,} values are too many for a video; encode it, and give its path")
    return _in_grid(_as_bytes(source))


def _as_bytes(frames: Any) -> Any:
    kind = frames.dtype.kind
    if kind not in "biuf":
        raise TypeError(f"the frames of a video hold numbers, not {frames.dtype}")
    if kind == "f":
        frames = frames.copy()
        frames[frames != frames] = 0  # noqa: PLR0124 - NaN alone differs from itself
    return frames.clip(0, 255).astype("uint8") if kind != "b" else frames.astype("uint8")


def _in_grid(clips: Any) -> Any:
    """Lay the clips of a batch side by side, in a grid whose sides are powers of two; missing ones are black."""
    import numpy as np

    batch, time, channels, height, width = clips.shape
    places = 1 << (batch - 1).bit_length()
    rows = 1 << ((batch.bit_length() - 1) // 2)
    missing = np.zeros((places - batch, time, channels, height, width), dtype="uint8")
    grid = np.concatenate([clips, missing]).reshape(rows, places // rows, time, channels, height, width)
    return grid.transpose(2, 0, 4, 1, 5, 3).reshape(time, rows * height, (places // rows) * width, channels)


# --- encoding ---------------------------------------------------------------------------------------


def _encode(frames: Any, ending: str, fps: float) -> bytes:
    return _as_gif(frames, fps) if ending == "gif" else _as_film(frames, ending, fps)


def _as_gif(frames: Any, fps: float) -> bytes:
    try:
        from PIL import Image
    except ImportError as error:
        raise UsageError("Pillow is needed for videos as GIF", hint="pip install pillow") from error
    if max(frames.shape[1:3]) > _MAX_GIF_SIDE:
        raise ValueError(f"a GIF is at most {_MAX_GIF_SIDE:,} pixels wide and high, not {frames.shape[1:3]}")
    pictures = [Image.fromarray(frame[:, :, 0] if frame.shape[2] == 1 else frame) for frame in frames]
    content = BytesIO()
    pictures[0].save(
        content, "GIF", save_all=True, append_images=pictures[1:], duration=round(1000 / fps), loop=0
    )
    return content.getvalue()


def _as_film(frames: Any, ending: str, fps: float) -> bytes:
    try:
        from moviepy.video.io.ImageSequenceClip import ImageSequenceClip
    except ImportError as error:
        raise UsageError(
            f"moviepy is needed for videos as {ending}", hint="pip install moviepy, or use format='gif'"
        ) from error
    import tempfile

    if frames.shape[3] == 1:
        frames = frames.repeat(3, axis=3)
    clip = ImageSequenceClip(list(frames), fps=fps)
    with tempfile.TemporaryDirectory(prefix="localart-") as folder:
        path = Path(folder) / f"video.{ending}"
        clip.write_videofile(str(path), logger=None)
        return path.read_bytes()
