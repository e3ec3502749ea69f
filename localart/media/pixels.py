"""Arrays, tensors, nested lists and Pillow images as 8-bit pixels, by W&B's rules.

NumPy, torch and Pillow are used when the value comes from them and never imported for it. Whole numbers are
clipped to 0–255. Floats with `normalize` are stretched to 0–1 when their least value is negative, and taken as
0–1 when their greatest is at most 1; then, and always, they are cut to whole numbers and clipped. NaN is black.
All arithmetic is in double precision: equal values give equal pixels, whatever holds them.
"""

import math
import sys
from collections.abc import Sequence
from typing import Any

from localart.media.png import Pixels

ACCEPTED = (
    "a NumPy array (height, width) or (height, width, 1, 3 or 4), a torch tensor (1, 3 or 4, height, width), "
    "a Pillow image, a Matplotlib figure, nested lists, or an image file"
)
_CHANNELS = (1, 3, 4)
_PILLOW_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_PILLOW_MODES = {channels: mode for mode, channels in _PILLOW_CHANNELS.items()}


def take_pixels(source: Any, *, normalize: bool) -> Pixels:
    """Copy the pixels of `source`. Raises TypeError for what is no image and ValueError for a wrong shape."""
    if is_pillow_image(source):
        return from_pillow(source)
    package = {base.__module__.partition(".")[0] for base in type(source).__mro__}
    if "torch" in package and hasattr(type(source), "permute"):
        return _from_tensor(source, normalize=normalize)
    if "numpy" not in package and hasattr(type(source), "numpy"):
        source = source.numpy()
    if hasattr(type(source), "__array_interface__"):
        return _from_array(source, normalize=normalize)
    if isinstance(source, Sequence) and not isinstance(source, (str, bytes, bytearray)):
        return _from_rows(source, normalize=normalize)
    raise TypeError(f"an image cannot be made from {type(source).__name__}; give {ACCEPTED}")


# --- Pillow -----------------------------------------------------------------------------------------


def is_pillow_image(source: object) -> bool:
    """Whether `source` is a Pillow image; Pillow is not imported to find out."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(source, module.Image)


def from_pillow(image: Any) -> Pixels:
    """Copy the pixels of a Pillow image; modes other than L, LA, RGB and RGBA become one of these."""
    mode = _closest_mode(image)
    converted = image if image.mode == mode else image.convert(mode)
    width, height = converted.size
    return Pixels(width=width, height=height, channels=_PILLOW_CHANNELS[mode], data=converted.tobytes())


def _closest_mode(image: Any) -> str:
    if image.mode in _PILLOW_CHANNELS:
        return str(image.mode)
    if image.mode == "1" or image.mode.startswith(("I", "F")):
        return "L"
    return "RGBA" if "transparency" in image.info or image.mode in {"PA", "RGBa"} else "RGB"


def to_pillow(pixels: Pixels) -> Any:
    """Return `pixels` as a Pillow image; ImportError without Pillow."""
    from PIL import Image

    return Image.frombytes(_PILLOW_MODES[pixels.channels], (pixels.width, pixels.height), pixels.data)


# --- arrays and tensors -----------------------------------------------------------------------------


def _from_tensor(tensor: Any, *, normalize: bool) -> Pixels:
    tensor = tensor.detach().cpu()
    given = tuple(tensor.shape)
    while tensor.ndim > 3 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim == 3 and tensor.shape[0] in _CHANNELS:
        tensor = tensor.permute(1, 2, 0)
    elif tensor.ndim != 2:
        raise _wrong_shape("torch tensor", given, "(1, 3 or 4, height, width) or (height, width)")
    if tensor.is_floating_point():
        # NumPy has no bfloat16.
        tensor = tensor.double()
    try:
        array = tensor.numpy()
    except RuntimeError:
        # torch works without NumPy.
        return _from_rows(tensor.tolist(), normalize=normalize)
    return _from_array(array, normalize=normalize)


def _from_array(array: Any, *, normalize: bool) -> Pixels:
    given = array.shape
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] not in _CHANNELS:
        array = array.squeeze()
    if array.ndim not in {2, 3} or (array.ndim == 3 and array.shape[2] not in _CHANNELS):
        raise _wrong_shape("array", given, "(height, width) or (height, width, 1, 3 or 4)")
    if not array.size:
        raise ValueError(f"an image needs at least one pixel, and this array has the shape {given}")
    height, width = array.shape[:2]
    channels = array.shape[2] if array.ndim == 3 else 1
    data = _bytes_of_array(array, normalize=normalize).tobytes()
    return Pixels(width=width, height=height, channels=channels, data=data)


def _wrong_shape(what: str, shape: Sequence[int], accepted: str) -> ValueError:
    return ValueError(
        f"an image cannot be made from a {what} of shape {tuple(shape)}; its shape must be {accepted}"
    )


def _bytes_of_array(array: Any, *, normalize: bool) -> Any:
    kind = array.dtype.kind
    if kind == "b":
        return array.astype("uint8") * 255
    if kind in "iu":
        return array.clip(0, 255).astype("uint8")
    if kind != "f":
        raise TypeError(f"an image cannot be made from an array of {array.dtype}; its values must be numbers")
    values = array.astype("float64")
    values[values != values] = 0.0  # noqa: PLR0124 - NaN alone differs from itself
    if normalize:
        values = _stretched_array(values)
    return values.clip(0, 255).astype("uint8")


def _stretched_array(values: Any) -> Any:
    low, high = float(values.min()), float(values.max())
    if low < 0:
        span = _span(low, high)
        values = (values - low) / span
        high = 1.0
    return values * 255 if high <= 1 else values


def _span(low: float, high: float) -> float:
    span = high - low
    if not math.isfinite(span):
        raise ValueError("an image cannot be stretched between infinite values; clip them first")
    return span or 1.0


# --- nested lists -----------------------------------------------------------------------------------


def _from_rows(rows: Sequence[Any], *, normalize: bool) -> Pixels:
    table = [_as_list(row) for row in rows]
    if not table or not table[0]:
        raise ValueError("an image needs at least one pixel, and this list has none")
    is_grey = not isinstance(table[0][0], (list, tuple))
    width, channels = len(table[0]), 1 if is_grey else len(table[0][0])
    if channels not in _CHANNELS or any(len(row) != width for row in table):
        raise ValueError("an image's rows must be equally long, and a pixel 1, 3 or 4 numbers")
    values = [value for row in table for value in row]
    if not is_grey:
        values = _channels_of(values, channels)
    if not all(isinstance(value, (bool, int, float)) for value in values):
        raise TypeError(f"an image's nested lists may hold only numbers; give {ACCEPTED}")
    data = bytes(_bytes_of_numbers(values, normalize=normalize))
    return Pixels(width=width, height=len(table), channels=channels, data=data)


def _as_list(row: Any) -> list[Any]:
    if hasattr(type(row), "tolist"):
        row = row.tolist()
    if not isinstance(row, (list, tuple)):
        raise TypeError(f"an image cannot be made from a list of {type(row).__name__}; give {ACCEPTED}")
    return list(row)


def _channels_of(pixels: list[Any], channels: int) -> list[Any]:
    if any(not isinstance(pixel, (list, tuple)) or len(pixel) != channels for pixel in pixels):
        raise ValueError("an image's pixels must all have the same number of channels")
    return [value for pixel in pixels for value in pixel]


def _bytes_of_numbers(values: list[float], *, normalize: bool) -> list[int]:
    if all(isinstance(value, bool) for value in values):
        return [255 * int(value) for value in values]
    if all(isinstance(value, int) for value in values):
        return [min(max(int(value), 0), 255) for value in values]
    numbers = [0.0 if math.isnan(value) else float(value) for value in values]
    if normalize:
        numbers = _stretched_numbers(numbers)
    return [int(min(max(number, 0.0), 255.0)) for number in numbers]


def _stretched_numbers(numbers: list[float]) -> list[float]:
    low, high = min(numbers), max(numbers)
    if low < 0:
        span = _span(low, high)
        numbers = [(number - low) / span for number in numbers]
        high = 1.0
    return [number * 255 for number in numbers] if high <= 1 else numbers
