"""Pixels in another size, without Pillow: a new pixel is the average of a few old ones, spread over its part."""

from localart.media.png import Pixels

_TAPS = 3  # a side: nine of the old pixels at most make a new one


def fitted(width: int, height: int, most_width: int, most_height: int) -> tuple[int, int]:
    """The largest size with the same proportions that fits; never larger than the picture, at least 1 × 1."""
    if width <= 0 or height <= 0:
        return 1, 1
    scale = min(most_width / width, most_height / height, 1.0)
    return max(1, round(width * scale)), max(1, round(height * scale))


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """The picture in `width` × `height` pixels."""
    if (width, height) == (pixels.width, pixels.height):
        return pixels
    channels, row_bytes, data = pixels.channels, pixels.row_bytes, pixels.data
    columns = [[x * channels for x in taps] for taps in _places(pixels.width, width)]
    result = bytearray()
    for taps in _places(pixels.height, height):
        rows = [y * row_bytes for y in taps]
        for across in columns:
            places = [row + column for row in rows for column in across]
            count = len(places)
            for channel in range(channels):
                result.append(sum([data[place + channel] for place in places]) // count)
    return Pixels(width=width, height=height, channels=channels, data=bytes(result))


def _places(old: int, new: int) -> list[list[int]]:
    """For each of `new` places, up to three of the `old` ones that it stands for."""
    result = []
    for at in range(new):
        first, last = at * old // new, max((at + 1) * old // new - 1, at * old // new)
        taps = min(_TAPS, last - first + 1)
        result.append(sorted({first + (last - first) * (2 * tap + 1) // (2 * taps) for tap in range(taps)}))
    return result


def opaque(pixels: Pixels, ground: tuple[int, int, int]) -> Pixels:
    """The picture as RGB, laid over one colour where it is transparent."""
    if pixels.channels == 3:
        return pixels
    data = pixels.data
    if pixels.channels == 1:
        return Pixels(
            width=pixels.width, height=pixels.height, channels=3, data=_interleaved(data, data, data)
        )
    alpha = data[pixels.channels - 1 :: pixels.channels]
    sources = [data[min(at, pixels.channels - 2) :: pixels.channels] for at in range(3)]
    over = [
        bytes([(value * a + below * (255 - a)) // 255 for value, a in zip(source, alpha, strict=True)])
        for source, below in zip(sources, ground, strict=True)
    ]
    return Pixels(width=pixels.width, height=pixels.height, channels=3, data=_interleaved(*over))


def _interleaved(red: bytes, green: bytes, blue: bytes) -> bytes:
    result = bytearray(len(red) * 3)
    result[0::3], result[1::3], result[2::3] = red, green, blue
    return bytes(result)
