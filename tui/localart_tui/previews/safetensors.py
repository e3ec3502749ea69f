"""safetensors: eight bytes of length, a JSON header, and bytes that are not read.

Format: the header's length as a little-endian u64, then JSON `{name: {dtype, shape, data_offsets}}`, where
`__metadata__` holds text; offsets count from the end of the header.
"""

import struct
from typing import Any

from localart_tui.previews.documents import parse_json
from localart_tui.previews.record import MOST_ROWS, Facts, Note, Preview, Section, Table, Weight, cell
from localart_tui.previews.source import ByteSource, NotShown, read_exactly

HEADER_BYTES = 8 << 20
_MOST_FACTS = 100


def read_safetensors(source: ByteSource, _path: str) -> Preview:
    """Every tensor's name, type, shape and size."""
    (length,) = struct.unpack("<Q", read_exactly(source, 0, 8))
    if length > HEADER_BYTES:
        raise NotShown(
            f"its header claims {length:,} bytes, more than the {HEADER_BYTES >> 20} MiB that are read"
        )
    header = parse_json(read_exactly(source, 8, length))
    if not isinstance(header, dict):
        raise NotShown("its header holds no tensors")
    about = header.pop("__metadata__", {})
    rows = [_row(name, one) for name, one in header.items()]
    held = source.size_bytes - 8 - length
    sections: list[Section] = [Facts((("tensors", f"{len(rows):,}"), *_about(about)))]
    ends = [end for _, _, end in (_place(one) for one in header.values()) if end is not None]
    if ends and max(ends) > held:
        sections.append(
            Note(f"cut off: it needs {max(ends):,} bytes of tensors and has {held:,}", Weight.WARNING)
        )
    sections.append(Table(("tensor", "dtype", "shape", "bytes"), tuple(rows[:MOST_ROWS]), frozenset({3})))
    if len(rows) > MOST_ROWS:
        sections.append(Note(f"these are the first {MOST_ROWS:,} tensors"))
    return Preview("safetensors", tuple(sections))


def _about(about: Any) -> list[tuple[str, str]]:
    if not isinstance(about, dict):
        return []
    return [(cell(key), cell(value)) for key, value in list(about.items())[:_MOST_FACTS]]


def _row(name: str, one: Any) -> tuple[str, str, str, str]:
    dtype, start, end = _place(one)
    shape = one.get("shape") if isinstance(one, dict) else None
    size = f"{end - start:,}" if start is not None and end is not None and end >= start else "?"
    return cell(name), dtype, shape_text(shape), size


def _place(one: Any) -> tuple[str, int | None, int | None]:
    if not isinstance(one, dict):
        return "?", None, None
    offsets = one.get("data_offsets")
    dtype = cell(one.get("dtype"))
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_is_size(at) for at in offsets):
        return dtype, None, None
    return dtype, offsets[0], offsets[1]


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def shape_text(shape: object) -> str:
    """`[50000, 28, 28]`; long ones are cut."""
    if not isinstance(shape, list | tuple):
        return "?"
    numbers = ", ".join(cell(one) for one in shape[:16])
    return f"[{numbers}, … {len(shape):,} dimensions]" if len(shape) > 16 else f"[{numbers}]"
