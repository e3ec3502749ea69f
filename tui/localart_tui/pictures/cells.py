"""Pixels as rows of character cells: two pixels a cell as half blocks in colour, or one as a shade of ASCII.

Colours are 24-bit; a terminal with 256 or 16 gets the nearest ones from whoever writes them (Rich does). Without
colour, or in ASCII, a cell is a character as dense as its pixels are bright.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from localart.media.png import Pixels
from localart_tui.pictures.scaling import fitted, opaque, resized

HALF_BLOCK = "▀"
SHADES = " .:-=+*#%@"

Rgb = tuple[int, int, int]
_LUMA = (299, 587, 114)  # thousandths; ITU-R BT.601


@dataclass(frozen=True, slots=True)
class CellRun:
    """Neighbouring cells that look alike; None where the terminal's own colour stays."""

    text: str
    upper: Rgb | None = None
    lower: Rgb | None = None


def picture_size(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """How many columns and rows a picture takes within these; a cell is twice as high as wide."""
    across, down = fitted(width, height, max(columns, 1), max(rows, 1) * 2)
    return across, (down + 1) // 2


def half_blocks(pixels: Pixels, columns: int, rows: int, *, ground: Rgb) -> list[tuple[CellRun, ...]]:
    """The picture in its proportions within `columns` × `rows` cells; `ground` shows where it is transparent."""
    across, down = fitted(pixels.width, pixels.height, max(columns, 1), max(rows, 1) * 2)
    small = opaque(resized(pixels, across, down), ground)
    lines = [_colours(small, y) for y in range(down)]
    if len(lines) % 2:
        lines.append([ground] * across)
    return [tuple(_runs(upper, lower)) for upper, lower in zip(lines[::2], lines[1::2], strict=True)]


def _colours(pixels: Pixels, y: int) -> list[Rgb]:
    row = pixels.data[y * pixels.row_bytes : (y + 1) * pixels.row_bytes]
    return list(zip(row[0::3], row[1::3], row[2::3], strict=True))


def _runs(upper: list[Rgb], lower: list[Rgb]) -> Iterator[CellRun]:
    for (above, below), cells in groupby(zip(upper, lower, strict=True)):
        count = sum(1 for _ in cells)
        yield CellRun((" " if above == below else HALF_BLOCK) * count, above, below)


def shades(pixels: Pixels, columns: int, rows: int, *, is_dark: bool = True) -> list[tuple[CellRun, ...]]:
    """The picture as ASCII, bright as dense (sparse on a light ground): the same size as `half_blocks` gives."""
    across, down = picture_size(pixels.width, pixels.height, columns, rows)
    small = opaque(resized(pixels, across, down), (0, 0, 0) if is_dark else (255, 255, 255))
    ramp = SHADES if is_dark else SHADES[::-1]
    return [(CellRun("".join(_shade(colour, ramp) for colour in _colours(small, y))),) for y in range(down)]


def _shade(colour: Rgb, ramp: str) -> str:
    brightness = sum(share * value for share, value in zip(_LUMA, colour, strict=True)) // 1000
    return ramp[brightness * len(ramp) // 256]
