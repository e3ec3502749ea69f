r"""NumPy arrays (.npy), read without NumPy: the header, the first values, and how large values are.

Format: `\x93NUMPY`, two bytes of version, the header's length (u16, from version 2 on u32), and a Python literal
`{'descr': …, 'fortran_order': …, 'shape': …}`. The literal is checked for length, depth and characters before it is
parsed. Arrays of objects are pickles: these are never loaded.
"""

import ast
import math
import re
import struct
from dataclasses import dataclass
from typing import Any

from localart_tui.previews.record import Facts, Note, Preview, Section, TextLines, Weight, shortened
from localart_tui.previews.safetensors import shape_text
from localart_tui.previews.source import ByteSource, NotShown, read_exactly

HEADER_BYTES = 64 << 10
VALUE_BYTES = 64 << 10
MOST_VALUES = 1000
_MOST_DEPTH = 12
_MOST_DIMENSIONS = 64
_SAMPLES, _SAMPLE_BYTES = 16, 4096
_LITERAL = re.compile(r"""[\w\s'"<>|=,:()\[\]{}.\-+]*""")
_CODES = {
    "b1": "?", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f2": "e", "f4": "f", "f8": "d",
}  # fmt: skip
_NAMES = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayHeader:
    """What an array is. `code` is struct's letter for one value, "" when values are not shown."""

    dtype: str
    shape: tuple[int, ...]
    is_fortran: bool
    data_start: int
    order: str
    code: str
    item_bytes: int
    holds_objects: bool

    @property
    def count(self) -> int:
        """How many values it holds."""
        return math.prod(self.shape)


def read_npy(source: ByteSource, _path: str) -> Preview:
    """Type and shape, the first values, and the least and greatest of a sample."""
    header = read_header(source)
    return Preview("NumPy array", tuple(array_sections(source, header)))


def array_sections(source: ByteSource, header: ArrayHeader) -> list[Section]:
    """What is shown of one array."""
    facts = [
        ("dtype", shortened(header.dtype, 200)),
        ("shape", shape_text(header.shape)),
        ("values", f"{header.count:,}" if header.count < 1 << 63 else "more than any disk holds"),
        ("order", "Fortran" if header.is_fortran else "C"),
    ]
    if header.holds_objects:
        return [Facts(tuple(facts)), Note("pickled objects, not loaded", Weight.WARNING)]
    sections: list[Section] = []
    held = max(source.size_bytes - header.data_start, 0)
    if header.item_bytes and header.count * header.item_bytes > held:
        sections.append(
            Note(f"cut off: {held:,} bytes of values, fewer than its shape needs", Weight.WARNING)
        )
    if header.code:
        values = _values(source, header)
        facts += _extremes(source, header)
        sections += [TextLines(tuple(_value_lines(values, header)))] if values else []
    return [Facts(tuple(facts)), *sections]


# --- the header ------------------------------------------------------------------------------------


def read_header(source: ByteSource) -> ArrayHeader:
    """Parse the header; `NotShown` or `CutOff` when it is not one."""
    head = read_exactly(source, 0, 10)
    if not head.startswith(b"\x93NUMPY"):
        raise NotShown("it is no NumPy array")
    if head[6] == 1:
        (length,), start = struct.unpack("<H", head[8:10]), 10
    else:
        (length,), start = struct.unpack("<I", read_exactly(source, 8, 4)), 12
    if length > HEADER_BYTES:
        raise NotShown(f"its header claims {length:,} bytes")
    literal = parse_literal(read_exactly(source, start, length).decode("latin-1"))
    if not isinstance(literal, dict):
        raise NotShown("its header is broken")
    return _header(literal, start + length)


def parse_literal(text: str) -> Any:
    """A Python literal made of plain values; refused before it is parsed when it is deep or odd."""
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    if deepest > _MOST_DEPTH or not _LITERAL.fullmatch(text) or re.search(r"[-+]\s*[-+]", text):
        raise NotShown("its header is broken")
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise NotShown("its header is broken") from None


def _header(literal: dict[Any, Any], data_start: int) -> ArrayHeader:
    shape, descr = literal.get("shape"), literal.get("descr")
    if (
        not isinstance(shape, tuple)
        or len(shape) > _MOST_DIMENSIONS
        or not all(_is_length(one) for one in shape)
    ):
        raise NotShown("its shape is broken")
    order, kind, size = _dtype_parts(descr)
    return ArrayHeader(
        dtype=_dtype_name(descr, kind, size),
        shape=shape,
        is_fortran=literal.get("fortran_order") is True,
        data_start=data_start,
        order=">" if order == ">" else "<",
        code=_CODES.get(f"{kind}{size}", ""),
        item_bytes=_item_bytes(kind, size),
        holds_objects="O" in re.findall(r"\|(O)", str(descr)[:HEADER_BYTES]) or kind == "O",
    )


def _is_length(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _dtype_parts(descr: object) -> tuple[str, str, int]:
    found = re.fullmatch(r"([<>|=]?)([a-zA-Z?])(\d{0,9})(\[.*\])?", descr) if isinstance(descr, str) else None
    if found is None:
        return "<", "", 0
    return found[1], found[2], int(found[3] or 0)


def _dtype_name(descr: object, kind: str, size: int) -> str:
    if kind == "b":
        return "bool"
    if kind in _NAMES and size:
        return f"{_NAMES[kind]}{size * 8}"
    return str(descr)[:200]


def _item_bytes(kind: str, size: int) -> int:
    return size * 4 if kind == "U" else size


# --- values ----------------------------------------------------------------------------------------


def _values(source: ByteSource, header: ArrayHeader) -> list[float]:
    count = min(header.count, MOST_VALUES, VALUE_BYTES // header.item_bytes)
    return _unpacked(source.read(header.data_start, count * header.item_bytes), header)


def _unpacked(content: bytes, header: ArrayHeader) -> list[float]:
    count = len(content) // header.item_bytes
    return list(struct.unpack(f"{header.order}{count}{header.code}", content[: count * header.item_bytes]))


def _extremes(source: ByteSource, header: ArrayHeader) -> list[tuple[str, str]]:
    """The least and greatest finite value of up to 16 places spread over the array."""
    total = min(header.count * header.item_bytes, max(source.size_bytes - header.data_start, 0))
    per_sample = _SAMPLE_BYTES // header.item_bytes * header.item_bytes
    everything = total <= _SAMPLES * per_sample
    values: list[float] = []
    for turn in range(_SAMPLES):
        start = turn * per_sample if everything else total * turn // _SAMPLES
        start -= start % header.item_bytes
        content = source.read(header.data_start + start, min(per_sample, max(total - start, 0)))
        values += [value for value in _unpacked(content, header) if math.isfinite(value)]
    if not values:
        return []
    low, high = min(values), max(values)
    return [("values from", f"{number(low)} to {number(high)}" + ("" if everything else " (sampled)"))]


def number(value: float) -> str:
    """A number in few characters."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _value_lines(values: list[float], header: ArrayHeader) -> list[str]:
    across = header.shape[-1] if header.shape else 1
    across = max(1, min(across, 16))
    texts = [number(value) for value in values]
    width = max(len(text) for text in texts)
    return [
        " ".join(text.rjust(width) for text in texts[at : at + across]) for at in range(0, len(texts), across)
    ]
