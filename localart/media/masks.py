"""A class number for each pixel of an image, kept as a grey PNG."""

from collections.abc import Mapping
from typing import Any, Self

from localart.errors import InvalidMetadata
from localart.media.base import EntryReader, FileMedia
from localart.media.headers import find_header
from localart.media.labels import checked_labels, default_labels
from localart.media.png import Pixels, encode_png
from localart.media.records import read_file_of
from localart.media.sources import read_media_file
from localart.model import JsonObject
from localart.names import shown

_WRONG_VALUES = "mask_data must hold whole numbers between 0 and 255"


class ImageMask(FileMedia):
    """One layer: `{"mask_data": array}` or `{"path": file}`, with `class_labels` (`{0: "road"}`) if wanted.

    `mask_data` has two dimensions and whole numbers from 0 to 255 (an array, a tensor or nested lists). Raises
    TypeError for other data, as W&B does, ValueError for a file that is no image. Without `class_labels`, class 3
    is called `class_3`; the classes of a file are not known.
    """

    kind = "mask"
    folder = "media/images/mask"

    def __init__(self, val: Mapping[str, Any], key: str = "") -> None:
        if not isinstance(val, Mapping) or not {"mask_data", "path"} & val.keys():
            raise TypeError(f"the mask {shown(key)} must be a dict with 'mask_data' or 'path'")
        if "path" in val:
            self._data = _read(val["path"])
            ids: set[int] = set()
        else:
            self._data, ids = _encode(val["mask_data"])
        labels = val.get("class_labels")
        self.class_labels = default_labels(ids) if labels is None else checked_labels(labels)

    @property
    def data(self) -> bytes:
        """The PNG file."""
        return self._data

    @property
    def suffix(self) -> str:
        """W&B's ending of masks."""
        return ".mask.png"

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the picture; the labels stand in the record of the image."""
        return cls({"path": read_file_of(record, entries)})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImageMask):
            return NotImplemented
        return (self.data, self.class_labels) == (other.data, other.class_labels)

    def __hash__(self) -> int:
        return hash(self.data)


def _read(source: Any) -> bytes:
    """A file by its path, or an encoded image."""
    data = source if isinstance(source, bytes) else read_media_file(source, "Image mask")
    if find_header(data) is None:
        raise InvalidMetadata("An image mask's file is not an image in a known format")
    return data


def _encode(mask: Any) -> tuple[bytes, set[int]]:
    if hasattr(type(mask), "detach"):
        mask = mask.detach().cpu().numpy()
    pixels = _from_array(mask) if hasattr(type(mask), "astype") else _from_rows(mask)
    if not pixels.data:
        raise TypeError("mask_data must be a 2D array with at least one pixel")
    return encode_png(pixels), set(pixels.data)


def _from_array(mask: Any) -> Pixels:
    if mask.ndim != 2:
        raise TypeError(f"mask_data must be a 2D array, and this one has the shape {tuple(mask.shape)}")
    if mask.dtype.kind not in "biuf":
        raise TypeError(_WRONG_VALUES)
    # NaN is in no range, so it is refused too.
    if not bool(((mask >= 0) & (mask <= 255)).all()):
        raise TypeError(_WRONG_VALUES)
    height, width = mask.shape
    return Pixels(width=width, height=height, channels=1, data=mask.astype("uint8").tobytes())


def _from_rows(mask: Any) -> Pixels:
    if not isinstance(mask, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in mask):
        raise TypeError("mask_data must be a 2D array")
    width = len(mask[0]) if mask else 0
    if any(len(row) != width for row in mask):
        raise TypeError("mask_data must be a 2D array: its rows must be equally long")
    if not all(isinstance(value, (int, float)) and 0 <= value <= 255 for row in mask for value in row):
        raise TypeError(_WRONG_VALUES)
    data = bytes(int(value) for row in mask for value in row)
    return Pixels(width=width, height=len(mask), channels=1, data=data)
