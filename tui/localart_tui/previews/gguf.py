"""GGUF models: the facts and tensors of their header.

Format (little endian, version 2 and 3): `GGUF`, u32 version, u64 tensors, u64 facts; a fact is a string (u64 length),
u32 type and a value; a tensor is a string, u32 dimensions, that many u64, u32 type, u64 offset.
"""

import struct
from typing import Any

from localart_tui.previews.record import MOST_ROWS, Facts, Note, Preview, Section, Table, cell
from localart_tui.previews.safetensors import shape_text
from localart_tui.previews.source import ByteSource, NotShown

HEADER_BYTES = 8 << 20
_MOST_FACTS = 200
_MOST_DIMENSIONS = 8
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 30: "BF16",
}  # fmt: skip


def read_gguf(source: ByteSource, _path: str) -> Preview:
    """As many facts and tensors as the first bytes hold."""
    walk = _Walk(source.read(0, HEADER_BYTES))
    walk.at = 4
    version, tensors, fact_count = walk.number("I"), walk.number("Q"), walk.number("Q")
    facts: list[tuple[str, str]] = [("version", str(version)), ("tensors", f"{tensors:,}")]
    rows: list[tuple[str, ...]] = []
    notes: list[Section] = []
    try:
        for _ in range(min(fact_count, HEADER_BYTES)):
            fact = (cell(walk.string()), walk.value(walk.number("I")))
            if len(facts) < _MOST_FACTS:
                facts.append(fact)
        rows.extend(_tensor(walk) for _ in range(min(tensors, MOST_ROWS)))
    except NotShown as error:
        notes.append(Note(str(error)))
    table = Table(("tensor", "type", "shape"), tuple(rows))
    return Preview("GGUF model", (Facts(tuple(facts)), *notes, table))


def _tensor(walk: "_Walk") -> tuple[str, ...]:
    name, dimensions = walk.string(), walk.number("I")
    if dimensions > _MOST_DIMENSIONS:
        raise NotShown("its list of tensors is broken")
    shape = [walk.number("Q") for _ in range(dimensions)]
    kind = walk.number("I")
    walk.number("Q")
    return cell(name), _TYPES.get(kind, f"type {kind}"), shape_text(shape)


class _Walk:
    """Reads one value after the other; `NotShown` where the header, or what was read of it, ends."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def _take(self, count: int) -> bytes:
        if count > len(self._content) - self.at:
            raise NotShown("the header ends here, or goes on further than it was read")
        self.at += count
        return self._content[self.at - count : self.at]

    def number(self, code: str) -> Any:
        """One number."""
        return struct.unpack(f"<{code}", self._take(struct.calcsize(f"<{code}")))[0]

    def string(self) -> str:
        """One string."""
        return self._take(self.number("Q")).decode("utf-8", "replace")

    def value(self, kind: int) -> str:
        """One value of a fact, as text; of arrays only type and length are kept."""
        if kind in _NUMBERS:
            return cell(self.number(_NUMBERS[kind]))
        if kind == _STRING:
            return cell(self.string())
        if kind != _ARRAY:
            raise NotShown(f"a fact has the unknown type {kind}")
        inner, count = self.number("I"), self.number("Q")
        self._skip(inner, count)
        return f"[{count:,} values]"

    def _skip(self, kind: int, count: int) -> None:
        if kind in _NUMBERS:
            self._take(count * struct.calcsize(f"<{_NUMBERS[kind]}"))
        elif kind == _STRING:
            for _ in range(count):
                self._take(self.number("Q"))
        else:
            raise NotShown("a fact is an array of arrays")
