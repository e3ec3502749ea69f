"""What a pickle would make and call, found by reading its opcodes and running none.

A pickle is a program for a small stack machine. This follows it with inert stand-ins: nothing is imported, called or
built, and every step is bounded. Where the program is broken, what was understood up to there is kept.
"""

import math
import pickletools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_OPCODES = 200_000
MOST_PROGRAMS = 8
_LONGEST_STRING = 500
_MOST_LEFT_OVER = 100
_JOBLIB_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"


@dataclass(slots=True)
class Made:
    """A stand-in for an object: `maker` is what would be called or `dict`, `list`, …; `items` what it would hold.

    A dict's items are pairs.
    """

    maker: str
    items: list[Any] = field(default_factory=list)
    state: Any = None


@dataclass(frozen=True, slots=True)
class Global:
    """A name that unpickling would import."""

    module: str
    name: str

    def __str__(self) -> str:
        """`module.name`."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was found. `stopped` says why reading ended early, or is ""."""

    values: list[Any] = field(default_factory=list)
    globals: dict[str, int] = field(default_factory=dict)
    opcodes: int = 0
    calls: int = 0
    stopped: str = ""
    has_raw_tail: bool = False
    skipped_arrays: int = 0


def scan(content: bytes, *, programs: int = MOST_PROGRAMS, skips_arrays: bool = True) -> Findings:
    """Follow the first `programs` pickles in `content`, which may lie one after the other.

    joblib writes raw arrays among the opcodes and skips them when it loads; `pickle` would not.
    """
    findings = Findings()
    at = 0
    for _ in range(programs):
        if at >= len(content):
            return findings
        machine, before = _Machine(findings, skips_arrays=skips_arrays), findings.opcodes
        consumed = machine.follow(content[at:])
        findings.values += machine.result()
        if consumed is None:
            if at and findings.opcodes == before:
                # Raw bytes behind a whole pickle: no loader takes them for one.
                findings.stopped = ""
                findings.has_raw_tail = True
            return findings
        at += consumed
    if programs > 1 and at < len(content):
        findings.stopped = f"for {programs} pickles"
    return findings


def raw_array_bytes(value: Any, content: bytes, at: int) -> int:
    """How many raw bytes follow the record of an array in a joblib file (0.9 and later); 0 for anything else.

    They are a byte that says how many bytes of padding follow, the padding, and the values. Files of joblib before
    1.2 have no padding, and no `numpy_array_alignment_bytes`.
    """
    if not isinstance(value, Made) or value.maker != _JOBLIB_ARRAY or not isinstance(value.state, Made):
        return 0
    about = {key: one for key, one in value.state.items if isinstance(key, str)}
    shape, dtype = about.get("shape"), about.get("dtype")
    if not isinstance(shape, Made) or not isinstance(dtype, Made) or not dtype.items:
        return 0
    item = re.fullmatch(r"[biufcSM](\d{1,9})", str(dtype.items[0])[:20])
    if item is None or not all(isinstance(one, int) and one >= 0 for one in shape.items):
        return 0
    padding = 1 + content[at] if about.get("numpy_array_alignment_bytes") is not None else 0
    return int(padding + math.prod(shape.items) * int(item[1]))


class _Mark:
    """The mark on the stack."""


_MARK = _Mark()
_Step = Callable[["_Machine", Any], None]


class _Machine:
    """One program's stack and memo, of stand-ins."""

    def __init__(self, findings: Findings, *, skips_arrays: bool) -> None:
        self.findings = findings
        self._skips_arrays = skips_arrays
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self._done: list[Any] = []

    def follow(self, content: bytes) -> int | None:
        """How many bytes the program takes, or None when it does not end properly."""
        at: int | None = 0
        try:
            while at is not None and not self._done:
                at = self._follow_from(content, at)
        except (ValueError, IndexError, TypeError, KeyError, OverflowError) as error:
            self.findings.stopped = f"for {self.findings.opcodes:,} opcodes: {str(error)[:100]}"
            return None
        return at

    def _follow_from(self, content: bytes, start: int) -> int | None:
        """Where the program ends, or where it goes on behind an array's raw bytes."""
        for opcode, argument, position in pickletools.genops(content[start:]):
            self.findings.opcodes += 1
            if self.findings.opcodes > MOST_OPCODES:
                self.findings.stopped = f"for {MOST_OPCODES:,} opcodes"
                return None
            after = start + (position or 0) + 1
            if opcode.name == "STOP":
                self._done = self.stack[-1:] or [None]
                return after
            self._step(opcode.name, argument)
            skipped = raw_array_bytes(self.stack[-1], content, after) if opcode.name == "BUILD" else 0
            if skipped and self._skips_arrays:
                self.findings.skipped_arrays += 1
                return after + skipped
        return None

    def result(self) -> list[Any]:
        """What the program would give; what lay on its stack when it ended early."""
        return self._done or [one for one in self.stack[:_MOST_LEFT_OVER] if one is not _MARK]

    def _step(self, name: str, argument: Any) -> None:
        step = _STEPS.get(name)
        if step is not None:
            step(self, argument)
        elif name in _PLAIN:
            self.stack.append(_bounded(argument))

    def to_mark(self) -> list[Any]:
        """Everything above the last mark, which goes too."""
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                items = self.stack[at + 1 :]
                del self.stack[at:]
                return items
        raise ValueError("no mark")

    def use(self, module: str, name: str) -> Global:
        """A name that would be imported."""
        found = Global(module[:_LONGEST_STRING], name[:_LONGEST_STRING])
        known = self.findings.globals
        known[str(found)] = known.get(str(found), 0) + 1
        return found

    def call(self, maker: Any, arguments: Any) -> None:
        """A call that would be made."""
        self.findings.calls += 1
        items = arguments.items if isinstance(arguments, Made) else [arguments]
        self.stack.append(Made(str(maker) if isinstance(maker, Global) else "an object", items))


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST_STRING:
        return value[:_LONGEST_STRING] + "…"
    if isinstance(value, bytes | bytearray):
        return Made(f"{len(value):,} bytes")
    return value


# --- steps -----------------------------------------------------------------------------------------


def _constant(value: Any) -> _Step:
    return lambda machine, _: machine.stack.append(value)


def _empty(maker: str) -> _Step:
    return lambda machine, _: machine.stack.append(Made(maker))


def _from_mark(maker: str) -> _Step:
    return lambda machine, _: machine.stack.append(Made(maker, machine.to_mark()))


def _tuple_of(count: int) -> _Step:
    def step(machine: _Machine, _: Any) -> None:
        if len(machine.stack) < count:
            raise IndexError("too few values")
        items = machine.stack[-count:]
        del machine.stack[-count:]
        machine.stack.append(Made("tuple", items))

    return step


def _dict(machine: _Machine, _: Any) -> None:
    machine.stack.append(Made("dict", _pairs(machine.to_mark())))


def _pairs(items: Sequence[Any]) -> list[Any]:
    return list(zip(items[::2], items[1::2], strict=False))


def _append(machine: _Machine, _: Any) -> None:
    value = machine.stack.pop()
    _extend(machine.stack[-1], [value])


def _appends(machine: _Machine, _: Any) -> None:
    items = machine.to_mark()
    _extend(machine.stack[-1], items)


def _set_item(machine: _Machine, _: Any) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _extend(machine.stack[-1], [(key, value)])


def _set_items(machine: _Machine, _: Any) -> None:
    items = machine.to_mark()
    _extend(machine.stack[-1], _pairs(items))


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, Made):
        target.items.extend(items)


def _global(machine: _Machine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    machine.stack.append(machine.use(module, name))


def _stack_global(machine: _Machine, _: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.use(_word(module), _word(name)))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else "?"


def _inst(machine: _Machine, argument: Any) -> None:
    module, _, name = str(argument).partition(" ")
    machine.call(machine.use(module, name), Made("tuple", machine.to_mark()))


def _obj(machine: _Machine, _: Any) -> None:
    maker, *items = machine.to_mark()
    machine.call(maker, Made("tuple", items))


def _reduce(machine: _Machine, _: Any) -> None:
    arguments, maker = machine.stack.pop(), machine.stack.pop()
    machine.call(maker, arguments)


def _newobj_ex(machine: _Machine, _: Any) -> None:
    machine.stack.pop()
    _reduce(machine, _)


def _build(machine: _Machine, _: Any) -> None:
    state = machine.stack.pop()
    if isinstance(machine.stack[-1], Made):
        machine.stack[-1].state = state


def _persistent(machine: _Machine, argument: Any) -> None:
    value = machine.stack.pop() if argument is None else argument
    machine.stack.append(Made("persistent", [value]))


def _extension(machine: _Machine, argument: Any) -> None:
    machine.stack.append(machine.use("copyreg extension", str(argument)))


def _put(machine: _Machine, argument: Any) -> None:
    machine.memo[int(argument)] = machine.stack[-1]


def _memoize(machine: _Machine, _: Any) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _get(machine: _Machine, argument: Any) -> None:
    machine.stack.append(machine.memo[int(argument)])


def _pop(machine: _Machine, _: Any) -> None:
    machine.stack.pop()


def _pop_mark(machine: _Machine, _: Any) -> None:
    machine.to_mark()


def _dup(machine: _Machine, _: Any) -> None:
    machine.stack.append(machine.stack[-1])


_PLAIN = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "FLOAT", "BINFLOAT",
}  # fmt: skip
_STEPS: dict[str, _Step] = {
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),  # noqa: FBT003
    "NEWFALSE": _constant(False),  # noqa: FBT003
    "MARK": _constant(_MARK),
    "NEXT_BUFFER": _constant(Made("buffer")),
    "EMPTY_LIST": _empty("list"),
    "EMPTY_TUPLE": _empty("tuple"),
    "EMPTY_DICT": _empty("dict"),
    "EMPTY_SET": _empty("set"),
    "LIST": _from_mark("list"),
    "TUPLE": _from_mark("tuple"),
    "FROZENSET": _from_mark("frozenset"),
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    "DICT": _dict,
    "APPEND": _append,
    "APPENDS": _appends,
    "ADDITEMS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _inst,
    "OBJ": _obj,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _newobj_ex,
    "BUILD": _build,
    "PERSID": _persistent,
    "BINPERSID": _persistent,
    "EXT1": _extension,
    "EXT2": _extension,
    "EXT4": _extension,
    "PUT": _put,
    "BINPUT": _put,
    "LONG_BINPUT": _put,
    "MEMOIZE": _memoize,
    "GET": _get,
    "BINGET": _get,
    "LONG_BINGET": _get,
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": _dup,
}
