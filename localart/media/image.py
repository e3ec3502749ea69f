"""Pictures: whatever holds pixels becomes one encoded file and a record in W&B's form."""

import sys
from collections.abc import Sequence
from io import BytesIO
from os import PathLike, fspath
from typing import Any, Self

from localart.errors import UsageError
from localart.media.annotations import Annotations, annotations_in, take_annotations
from localart.media.base import ArtifactFiles, EntryReader, FileMedia, MediaFiles, Record
from localart.media.classes import Classes
from localart.media.headers import KNOWN_FORMATS, ImageHeader, find_header
from localart.media.pixels import from_pillow, is_pillow_image, take_pixels, to_pillow
from localart.media.png import Pixels, encode_png
from localart.media.records import read_file_of, text_or_none
from localart.media.sources import read_media_file
from localart.model import JsonObject
from localart.names import check_prose, shown
from localart.records import dataclass

_PILLOW_FORMATS = {"jpg": "JPEG", "bmp": "BMP"}
_DEEP_MODES = {"I", "I;16"}
"""Pillow modes of 16 bits a pixel: Pillow itself writes them, for our encoder knows 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Encoded:
    data: bytes
    header: ImageHeader


class Image(FileMedia):
    """One picture, encoded at once, with an optional caption and annotations.

    `data_or_path` is a NumPy array (height, width[, 1, 3 or 4]), a torch tensor ([1, 3 or 4,] height, width),
    a Pillow image, a Matplotlib figure, nested lists of numbers, another Image, or an encoded image as bytes or as
    a file's path, which is kept byte for byte. Pixels are written as PNG unless `file_type` is jpg, jpeg or bmp
    (these, and `mode`, a Pillow mode, need Pillow). `normalize` fits floats to 0–255 (see
    `localart.media.pixels`). `classes` (a Classes or its list), `boxes` and `masks` (layers by name, see
    BoundingBoxes2D and ImageMask) are drawn over it; an Image of an Image has its classes, but not its layers.

    Two images are equal when their pixels, caption, grouping, classes and layers are. Raises ValueError for shapes
    and files that are no image, TypeError for other objects and wrong annotations, SourceMissing,
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
        given = data_or_path if isinstance(data_or_path, Image) else None
        if caption is None and given is not None:
            caption = given.caption
        if classes is None and given is not None:
            classes = given.classes
        self._caption = None if caption is None else check_prose(str(caption), "Image caption")
        self._grouping = None if grouping is None else int(grouping)
        self._annotations = take_annotations(classes=classes, boxes=boxes, masks=masks)

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

    @property
    def classes(self) -> Classes | None:
        """The names of the classes in all layers, and those given; None without any."""
        return self._annotations.classes

    @property
    def annotations(self) -> Annotations:
        """Classes, boxes and masks."""
        return self._annotations

    def describe(self) -> Record:
        """Return format, size in pixels, caption and grouping, as W&B names them."""
        caption = {} if self._caption is None else {"caption": self._caption}
        grouping = {"grouping": self._grouping} if self._grouping else {}
        return {"format": self.format, "width": self.width, "height": self.height, **caption, **grouping}

    def to_run(self, files: MediaFiles) -> Record:
        """Keep the picture and each layer as a file of its own."""
        return {**super().to_run(files), **self._annotations.to_run(files)}

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Keep the picture, the masks and the classes as files of their own; boxes stand in the record."""
        return {**super().to_run(files), **self._annotations.to_artifact(files)}

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read picture and layers."""
        image = cls(
            read_file_of(record, entries),
            caption=text_or_none(record, "caption"),
            grouping=record["grouping"] if isinstance(record.get("grouping"), int) else None,
        )
        image._annotations = annotations_in(record, entries)
        return image

    @classmethod
    def list_in_run(cls, media: Sequence["Image"], records: Sequence[Record]) -> Record:
        """Return W&B's record of several images, with all their captions, boxes and masks."""
        whole: Record = {
            "_type": "images/separated",
            "count": len(media),
            "format": media[0].format,
            "width": media[0].width,
            "height": media[0].height,
            "filenames": [record["path"] for record in records],
        }
        if any(image.caption is not None for image in media):
            whole["captions"] = [image.caption or "" for image in media]
        for layers in ("masks", "boxes"):
            if any(layers in record for record in records):
                whole[f"all_{layers}"] = [record.get(layers) for record in records]
        return whole

    def to_data_array(self) -> list[Any]:
        """Return rows of pixels: numbers for grey, tuples for colour. Needs Pillow."""
        image = self.image
        pixels = list(_flat_pixels(image))
        return [pixels[start : start + image.width] for start in range(0, len(pixels), image.width)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Image):
            return NotImplemented
        return (
            (self._caption, self._grouping or 0) == (other._caption, other._grouping or 0)
            and self._annotations == other._annotations
            and (self.width, self.height) == (other.width, other.height)
            and _same_pixels(self.data, other.data)
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.width, self.height, self._caption))

    def __repr__(self) -> str:
        caption = f", caption {shown(self._caption)}" if self._caption is not None else ""
        return f"<Image {self.width} × {self.height} {self.format}{caption}>"

    def _repr_html_(self) -> str:
        from localart.media.notebook import image_html

        return image_html(self.data, self.format, self._caption)


def _same_pixels(one: bytes, other: bytes) -> bool:
    """Equal files hold equal pixels; different ones may, too, which only Pillow can tell."""
    if one == other:
        return True
    try:
        from PIL import Image as pillow  # noqa: N813
    except ImportError:
        return False
    with pillow.open(BytesIO(one)) as first, pillow.open(BytesIO(other)) as second:
        return bool(first.mode == second.mode and first.tobytes() == second.tobytes())


def _flat_pixels(image: Any) -> Any:
    # Pillow 12 renames the method and warns about the old name.
    return image.get_flattened_data() if hasattr(image, "get_flattened_data") else image.getdata()


def _checked_format(file_type: str | None) -> str:
    format_name = "jpg" if file_type == "jpeg" else file_type or "png"
    if format_name not in {"png", *_PILLOW_FORMATS}:
        raise ValueError(f"file_type {shown(str(file_type))} must be one of png, jpg, jpeg and bmp")
    return format_name


# --- from anything to an encoded file ---------------------------------------------------------------


def _encode(source: Any, *, mode: str | None, format_name: str, normalize: bool) -> _Encoded:
    if isinstance(source, Image):
        return _encoded(source.data, "image")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _encoded(bytes(source), "the bytes given")
    if isinstance(source, (str, PathLike)):
        return _encoded(read_media_file(source, "Image"), f"file {shown(str(fspath(source)))}")
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
