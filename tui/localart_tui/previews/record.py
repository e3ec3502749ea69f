"""The records a preview is made of. Texts in them are bounded, and not yet clean."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from localart.media.png import Pixels

LONGEST_CELL = 200
MOST_COLUMNS = 200
MOST_ROWS = 1000
MOST_LINES = 5000
LONGEST_LINE = 2000


class Weight(Enum):
    """How much a note matters."""

    HINT = "hint"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence about the file: what is left out, cut off, broken, or would run code."""

    text: str
    weight: Weight = Weight.HINT


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one pair a line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TextLines:
    """Lines of text as they are; `language` is what Pygments calls it, or ""."""

    lines: tuple[str, ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows; a row may be shorter than the header. `numeric` columns stand to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class TreeLine:
    """One value of nested ones: how deep it lies, its key, and what it is."""

    depth: int
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Tree:
    """Nested values, outer before inner."""

    lines: tuple[TreeLine, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels to draw, at most 640 either way, of a picture of `width` × `height`."""

    pixels: Pixels
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Waveform:
    """The lowest and highest loudness (-1 to 1) of equally long parts of a sound."""

    lows: tuple[float, ...]
    highs: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class HexDump:
    """Bytes from the beginning of the file."""

    content: bytes


Section: TypeAlias = Note | Facts | TextLines | Table | Tree | Picture | Waveform | HexDump


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file is (`kind`, in words) and what it shows of itself, in this order."""

    kind: str
    sections: tuple[Section, ...]


def cell(value: object) -> str:
    """A value as the text of a table's cell: bounded before it is made, where that can be."""
    if value is None:
        return ""
    if isinstance(value, str):
        return shortened(value, LONGEST_CELL)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return str(value) if -(1 << 127) < value < 1 << 127 else f"integer of {value.bit_length()} bits"
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    if isinstance(value, list | tuple):
        return f"[{len(value)} items]"
    if isinstance(value, dict):
        return f"{{{len(value)} items}}"
    return type(value).__name__


def shortened(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, the last of them `…` if there was more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def numeric_columns(count: int, rows: tuple[tuple[str, ...], ...]) -> frozenset[int]:
    """The columns whose first rows hold nothing but numbers."""
    some = rows[:50]
    return frozenset(
        at for at in range(count) if any(_cell_at(row, at) for row in some) and all(map_numbers(some, at))
    )


def map_numbers(rows: tuple[tuple[str, ...], ...], at: int) -> list[bool]:
    """Whether each row's cell is a number or empty."""
    return [is_number(_cell_at(row, at)) for row in rows]


def _cell_at(row: tuple[str, ...], at: int) -> str:
    return row[at] if at < len(row) else ""


def is_number(text: str) -> bool:
    """Whether a cell reads as a number (or is empty)."""
    if len(text) > 40:
        return False
    try:
        float(text or "0")
    except ValueError:
        return False
    return True
