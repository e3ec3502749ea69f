"""ONNX models: name, inputs, outputs, operators and weights, by walking the protobuf without its library.

Fields used (onnx.proto): Model 1 ir_version, 2 producer, 3 its version, 7 graph; Graph 1 node, 2 name, 5 initializer,
11 input, 12 output; Node 4 op_type; Tensor 1 dims, 2 data type, 8 name; ValueInfo 1 name. Large fields are skipped
unread: a field is a varint of number and wire type, then a varint, 8 or 4 bytes, or a length and that many bytes.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from localart_tui.previews.record import Facts, Note, Preview, Section, Table, cell
from localart_tui.previews.safetensors import shape_text
from localart_tui.previews.source import ByteSource, NotShown

MOST_FIELDS = 20_000
_WINDOW_BYTES = 64 << 10
_MOST_SHOWN = 500
_VARINT, _EIGHT, _LENGTH, _FOUR = 0, 1, 2, 5
_LONGEST_TEXT = 200
_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: its number, its value if that is a number, else where its bytes lie."""

    number: int
    value: int
    start: int
    stop: int


def read_onnx(source: ByteSource, _path: str) -> Preview:
    """What the model says of itself."""
    walk = _Protobuf(source)
    facts: list[tuple[str, str]] = []
    graph: _Field | None = None
    for field in walk.fields(0, source.size_bytes):
        if field.number == 7 and graph is None:
            graph = field
        elif field.number in {1, 5}:
            facts.append(({1: "IR version", 5: "model version"}[field.number], str(field.value)))
        elif field.number in {2, 3}:
            facts.append(({2: "producer", 3: "producer version"}[field.number], walk.text(field)))
    if graph is None:
        raise NotShown("it is no ONNX model, or its graph is missing")
    return Preview("ONNX model", tuple(_graph(walk, graph, facts)))


def _graph(walk: "_Protobuf", graph: _Field, facts: list[tuple[str, str]]) -> list[Section]:
    operators: Counter[str] = Counter()
    weights: list[tuple[str, ...]] = []
    named: dict[int, list[str]] = {11: [], 12: []}
    notes: list[Section] = []
    try:
        for field in walk.fields(graph.start, graph.stop):
            if field.number == 1:
                operators[walk.first_text(field, 4)] += 1
            elif field.number == 2:
                facts.append(("graph", walk.text(field)))
            elif field.number == 5 and len(weights) < _MOST_SHOWN:
                weights.append(_weight(walk, field))
            elif field.number in named and len(named[field.number]) < _MOST_SHOWN:
                named[field.number].append(walk.first_text(field, 1))
    except NotShown as error:
        notes.append(Note(str(error)))
    facts += [("inputs", cell(", ".join(named[11]))), ("outputs", cell(", ".join(named[12])))]
    rows = tuple((cell(name), f"{count:,}") for name, count in operators.most_common(_MOST_SHOWN))
    return [
        Facts(tuple(facts)),
        *notes,
        Table(("operator", "times"), rows, frozenset({1})),
        Table(("weight", "dtype", "shape"), tuple(weights)),
    ]


def _weight(walk: "_Protobuf", tensor: _Field) -> tuple[str, ...]:
    shape: list[int] = []
    name, kind = "", 0
    for field in walk.fields(tensor.start, tensor.stop):
        if field.number == 1 and len(shape) < 16:
            shape += walk.numbers(field)
        elif field.number == 2:
            kind = field.value
        elif field.number == 8:
            name = walk.text(field)
    return cell(name), _TYPES.get(kind, f"type {kind}"), shape_text(shape)


class _Protobuf:
    """Walks fields, reading through a window; no more than `MOST_FIELDS` in all."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._window = b""
        self._window_at = 0
        self._left = MOST_FIELDS

    def fields(self, start: int, stop: int) -> Iterator[_Field]:
        """The fields between two offsets, not those nested in them."""
        at = start
        while at < stop:
            self._left -= 1
            if self._left < 0:
                raise NotShown("it has more parts than are looked at")
            field, at = self._field(at, stop)
            yield field

    def _field(self, at: int, stop: int) -> tuple[_Field, int]:
        key, at = self._varint(at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, after = self._varint(at)
            return _Field(number, value, at, after), after
        length = {_EIGHT: 8, _FOUR: 4}.get(wire, 0)
        if wire == _LENGTH:
            length, at = self._varint(at)
        elif not length:
            raise NotShown("it is no ONNX model, or broken")
        if number == 0 or at + length > stop:
            raise NotShown("it is cut off or broken")
        return _Field(number, 0, at, at + length), at + length

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte(at)
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise NotShown("it is no ONNX model, or broken")

    def _byte(self, at: int) -> int:
        if not 0 <= at - self._window_at < len(self._window):
            self._window, self._window_at = self._source.read(at, _WINDOW_BYTES), at
            if not self._window:
                raise NotShown("it is cut off")
        return self._window[at - self._window_at]

    def text(self, field: _Field) -> str:
        """A field's bytes as text."""
        length = min(field.stop - field.start, _LONGEST_TEXT)
        return self._source.read(field.start, length).decode("utf-8", "replace")

    def first_text(self, message: _Field, number: int) -> str:
        """The first field with this number inside a message, as text."""
        for field in self.fields(message.start, message.stop):
            if field.number == number:
                return self.text(field)
        return ""

    def numbers(self, field: _Field) -> list[int]:
        """A number, or several packed into one field."""
        if field.value or field.stop - field.start < 2:
            return [field.value]
        found: list[int] = []
        at = field.start
        while at < field.stop and len(found) < 16:
            value, at = self._varint(at)
            found.append(value)
        return found
