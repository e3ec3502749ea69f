"""Pictures: whatever holds pixels becomes one encoded file and a record in W&B's form."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from os import PathLike, fspath, fstat
from pathlib import Path
from typing import Any

from localart.errors import NotLocalError, SourceMissing, SourceUnreadable, UsageError
from localart.jsonable import normalise_whole
from localart.media.base import Media
from localart.media.headers import KNOWN_FORMATS, ImageHeader, find_header
from localart.media.pixels import from_pillow, is_pillow_image, take_pixels, to_pillow
from localart.media.png import Pixels, encode_png
from localart.names import check_prose, shown

MAX_FILE_BYTES = 256 << 20

_PILLOW_FORMATS = {"jpg": "JPEG", "bmp": "BMP"}
_DEEP_MODES = {"I", "I;16"}
"""Pillow modes of 16 bits a pixel: Pillow itself writes them, for our encoder knows 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Encoded:
    data: bytes
    header: ImageHeader


class Image(Media):
    """One picture, encoded at once, with an optional caption and annotations.

    `data_or_path` is a NumPy array (height, width[, 1, 3 or 4]), a torch tensor ([1, 3 or 4,] height, width),
    a Pillow image, a Matplotlib figure, nested lists of numbers, another Image, or an encoded image as bytes or as
    a file's path, which is kept byte for byte. Pixels are written as PNG unless `file_type` is jpg, jpeg or bmp
    (these, and `mode`, a Pillow mode, need Pillow). `normalize` fits floats to 0–255 (see
    `localart.media.pixels`). `classes`, `boxes` and `masks` are kept in the record as given.

    Raises ValueError for shapes and files that are no image, TypeError for other objects, SourceMissing,
    SourceUnreadable.
    """

    kind = "image-file"
    folder = "media/images"

    def __init__(  # noqa: PLR0913, PLR0917 - W&B's signature
        self,
        data_or_path: object,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        classes: object = None,
        boxes: object = None,
        masks: object = None,
        file_type: str | None = None,
        normalize: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        format_name = _checked_format(file_type)
        self._encoded = _encode(data_or_path, mode=mode, format_name=format_name, normalize=normalize)
        if caption is None and isinstance(data_or_path, Image):
            caption = data_or_path.caption
        self._caption = None if caption is None else check_prose(str(caption), "Image caption")
        self._notes = _checked_notes(grouping=grouping, classes=classes, boxes=boxes, masks=masks)

    @property
    def data(self) -> bytes:
        """The encoded file; equal pixels in the same format give equal bytes."""
        return self._encoded.data

    @property
    def format(self) -> str:
        """`png`, `jpg`, `bmp`, `gif` or `webp`."""
        return self._encoded.header.format

    @property
    def suffix(self) -> str:
        """The ending of the file's name, such as `.png`."""
        return f".{self.format}"

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self._encoded.header.width

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self._encoded.header.height

    @property
    def caption(self) -> str | None:
        """The text shown with the picture."""
        return self._caption

    @property
    def image(self) -> Any:
        """The picture as a fresh Pillow image; UsageError without Pillow."""
        pillow = _pillow_for("looking at an image's pixels")
        image = pillow.open(BytesIO(self.data))
        image.load()
        return image

    def describe(self) -> dict[str, Any]:
        """Return format, size in pixels, caption and annotations, as W&B names them."""
        caption = {} if self._caption is None else {"caption": self._caption}
        return {"format": self.format, "width": self.width, "height": self.height, **caption, **self._notes}


def record_images(images: Sequence[Image], paths: Sequence[str]) -> dict[str, Any]:
    """Return W&B's record for a list of images logged under one key; `paths` are where their bytes are kept."""
    record = {
        "_type": "images/separated",
        "count": len(images),
        "format": images[0].format,
        "width": images[0].width,
        "height": images[0].height,
        "filenames": list(paths),
    }
    if any(image.caption is not None for image in images):
        record["captions"] = [image.caption or "" for image in images]
    return record


def _checked_format(file_type: str | None) -> str:
    format_name = "jpg" if file_type == "jpeg" else file_type or "png"
    if format_name not in {"png", *_PILLOW_FORMATS}:
        raise ValueError(f"file_type {shown(str(file_type))} must be one of png, jpg, jpeg and bmp")
    return format_name


def _checked_notes(**notes: object) -> dict[str, Any]:
    return {name: normalise_whole(note, f"image.{name}") for name, note in notes.items() if note is not None}


# --- from anything to an encoded file ---------------------------------------------------------------


def _encode(source: Any, *, mode: str | None, format_name: str, normalize: bool) -> _Encoded:
    if isinstance(source, Image):
        return _encoded(source.data, "image")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _encoded(bytes(source), "the bytes given")
    if isinstance(source, (str, PathLike)):
        return _read(fspath(source))
    figure = _find_figure(source)
    if figure is not None:
        return _draw(figure, format_name)
    if is_pillow_image(source) and format_name == "png" and mode is None and source.mode in _DEEP_MODES:
        return _encoded(_save(source, "PNG"), "image")
    if mode is not None:
        pixels = _in_mode(source, mode, normalize=normalize)
    else:
        pixels = take_pixels(source, normalize=normalize)
    data = encode_png(pixels) if format_name == "png" else _encode_with_pillow(pixels, format_name)
    return _encoded(data, "image")


def _encoded(data: bytes, what: str) -> _Encoded:
    header = find_header(data)
    if header is None:
        raise ValueError(f"{what} is not an image in a known format ({KNOWN_FORMATS})")
    return _Encoded(data=data, header=header)


def _read(path: str) -> _Encoded:
    if "://" in path:
        raise NotLocalError(f"Image {shown(path)} is not a local file", hint="download it and give its path")
    try:
        with Path(path).open("rb") as file:
            # One byte too many tells of a file that grew, or whose size is not known (a pipe).
            is_large = fstat(file.fileno()).st_size > MAX_FILE_BYTES
            data = b"" if is_large else file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise SourceMissing(f"Image file {shown(path)} does not exist") from error
    except OSError as error:
        raise SourceUnreadable(f"Image file {shown(path)} cannot be read: {error.strerror}") from error
    if is_large or len(data) > MAX_FILE_BYTES:
        raise ValueError(
            f"image file {shown(path)} is larger than {MAX_FILE_BYTES:,} bytes; add it to an artifact"
        )
    return _encoded(data, f"file {shown(path)}")


def _find_figure(source: object) -> Any:
    """Return the Matplotlib figure that `source` is or holds (axes, the pyplot module), or None."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None and source is pyplot:
        return pyplot.gcf()
    if type(source).__module__.partition(".")[0] != "matplotlib":
        return None
    return source if hasattr(source, "savefig") else getattr(source, "figure", None)


def _draw(figure: Any, format_name: str) -> _Encoded:
    drawn = BytesIO()
    # Matplotlib signs PNG files with its version, and equal figures should be equal files.
    figure.savefig(drawn, format="png", metadata={"Software": None})
    if format_name == "png":
        return _encoded(drawn.getvalue(), "figure")
    picture = _pillow_for(f"file_type={format_name!r}").open(drawn)
    return _encoded(_encode_with_pillow(from_pillow(picture), format_name), "figure")


def _in_mode(source: Any, mode: str, *, normalize: bool) -> Pixels:
    _pillow_for(f"mode={mode!r}")
    picture = source if is_pillow_image(source) else to_pillow(take_pixels(source, normalize=normalize))
    try:
        return from_pillow(picture.convert(mode))
    except ValueError as error:
        raise ValueError(f"an image cannot be converted to mode {shown(mode)}: {error}") from error


def _encode_with_pillow(pixels: Pixels, format_name: str) -> bytes:
    _pillow_for(f"file_type={format_name!r}")
    picture = to_pillow(pixels)
    if pixels.channels in {2, 4}:
        # Neither JPEG nor BMP holds transparency that viewers agree on.
        picture = picture.convert("RGB" if pixels.channels == 4 else "L")
    return _save(picture, _PILLOW_FORMATS[format_name])


def _save(picture: Any, pillow_format: str) -> bytes:
    encoded = BytesIO()
    picture.save(encoded, pillow_format)
    return encoded.getvalue()


def _pillow_for(what: str) -> Any:
    try:
        from PIL import Image as pillow  # noqa: N813 - Pillow's module and this module's class share a name
    except ImportError as error:
        raise UsageError(f"Pillow is needed for {what}", hint="pip install pillow") from error
    return pillow
