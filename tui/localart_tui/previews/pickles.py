"""Pickles: what they hold, and which code they would run. Nothing is unpickled, ever."""

import zlib
from collections.abc import Iterator
from typing import Any

from localart_tui.previews.opcodes import Findings, Global, Made, scan
from localart_tui.previews.record import (
    Facts,
    Note,
    Preview,
    Section,
    Table,
    Tree,
    TreeLine,
    Weight,
    cell,
    shortened,
)
from localart_tui.previews.source import ByteSource, NotShown

PICKLE_BYTES = 2 << 20
MOST_TREE_LINES = 2000
_MOST_DEPTH = 24
_MOST_GLOBALS = 200

_DANGEROUS_MODULES = {
    "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "importlib", "runpy", "pickle", "_pickle", "ctypes",
    "webbrowser", "code", "codeop", "pty", "pdb", "bdb", "timeit", "cProfile", "profile", "multiprocessing", "http",
    "urllib", "requests", "asyncio", "threading", "signal", "platform", "commands", "__main__", "marshal", "types",
    "inspect", "ensurepip", "pip", "venv", "site", "tempfile", "glob", "pathlib", "io", "linecache", "pydoc", "trace",
    "doctest", "unittest", "smtplib", "ftplib", "telnetlib", "sqlite3", "_io", "copyreg extension", "antigravity",
}  # fmt: skip
_DANGEROUS_NAMES = {
    "eval", "exec", "execfile", "compile", "__import__", "getattr", "setattr", "delattr", "open", "input", "breakpoint",
    "globals", "locals", "vars", "apply", "file", "help", "exit", "quit", "memoryview", "super", "type",
}  # fmt: skip
_DANGEROUS = {
    "operator.attrgetter", "operator.methodcaller", "operator.itemgetter", "functools.partial", "functools.reduce",
    "torch.load", "torch.hub.load", "numpy.load", "numpy.testing._private.utils.runstring", "_operator.attrgetter",
    "_operator.methodcaller", "_operator.itemgetter", "joblib.load", "pandas.read_pickle", "torch.serialization.load",
}  # fmt: skip
_DANGEROUS_ANYWHERE = {"os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "ctypes", "__builtins__"}
_KNOWN_NAMES = {
    "ndarray", "dtype", "_reconstruct", "_frombuffer", "scalar", "_reconstructor", "__newobj__", "defaultdict", "deque",
    "datetime", "date", "time", "timedelta", "timezone", "encode", "array", "device", "_unpickle_block", "_new_Index",
    "new_block", "csr_matrix", "csc_matrix", "coo_matrix", "csr_array", "csc_array", "float32", "float64", "float16",
    "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "matrix",
}  # fmt: skip
_KNOWN_ROOTS = {
    "collections", "torch", "numpy", "sklearn", "pandas", "scipy", "copyreg", "_codecs", "datetime", "decimal",
    "fractions", "joblib", "xgboost", "lightgbm", "transformers", "tokenizers", "PIL", "uuid", "array", "argparse",
    "enum", "_collections", "polars", "pyarrow", "omegaconf", "localart",
}  # fmt: skip


def read_pickle(source: ByteSource, path: str) -> Preview:
    """What the pickle would make, and every name it would import, the dangerous ones first."""
    content, is_cut = _content(source)
    findings = _findings(content)
    is_senseless = bool(findings.stopped) and not is_cut and not findings.globals and not findings.values
    if not findings.opcodes or is_senseless:
        raise NotShown("it is no pickle")
    if is_cut and not findings.has_raw_tail:
        findings.stopped = findings.stopped or f"for {PICKLE_BYTES >> 20} MiB"
    kind = "joblib file" if path.lower().endswith(".joblib") else "pickle"
    return Preview(kind, tuple(pickle_sections(findings)))


def _findings(content: bytes) -> Findings:
    """What is found with arrays skipped; and the dangers that lie where a false array would hide them."""
    findings = scan(content)
    if findings.skipped_arrays:
        hidden = scan(content, skips_arrays=False).globals
        for name, count in hidden.items():
            if danger_of(name) == "dangerous":
                findings.globals.setdefault(name, count)
    return findings


def _content(source: ByteSource) -> tuple[bytes, bool]:
    """The beginning of the pickle, unpacked where it is packed, and whether there is more."""
    content = source.read(0, PICKLE_BYTES)
    if content.startswith((b"\x1f\x8b", b"\x78")):
        return _inflated(content)
    if content.startswith((b"BZh", b"\xfd7zXZ", b"\x04\x22\x4d\x18", b"ZF")):
        raise NotShown("packed in a way that is not shown")
    return content, len(content) < source.size_bytes


def _inflated(content: bytes) -> tuple[bytes, bool]:
    unpacking = zlib.decompressobj(wbits=47)
    try:
        return unpacking.decompress(content, PICKLE_BYTES), not unpacking.eof
    except zlib.error:
        raise NotShown("packed, and broken or cut off") from None


def pickle_sections(findings: Findings) -> list[Section]:
    """The verdict, the names it would import, and what it would make."""
    sections: list[Section] = [_verdict(findings)]
    if findings.stopped:
        sections.append(Note(f"its opcodes could be followed only {findings.stopped}"))
    facts = (("opcodes", f"{findings.opcodes:,}"), ("calls", f"{findings.calls:,}"))
    sections.append(Facts(facts))
    if findings.globals:
        sections.append(_global_table(findings))
    sections.append(Tree(tuple(_tree(findings.values))))
    return sections


def _verdict(findings: Findings) -> Note:
    dangerous = [name for name in findings.globals if danger_of(name) == "dangerous"]
    if dangerous:
        names = ", ".join(shortened(name, 60) for name in dangerous[:5])
        return Note(f"loading it would run {names}: do not load it unless you made it", Weight.DANGER)
    if findings.stopped:
        return Note("only its beginning could be followed: the rest may run anything", Weight.WARNING)
    if any(danger_of(name) == "unknown" for name in findings.globals):
        return Note("loading it would import code that is not known here", Weight.WARNING)
    if findings.globals:
        return Note("it names only well-known classes; loading a pickle runs code all the same")
    return Note("it names no code: plain values")


def danger_of(name: str) -> str:
    """`dangerous`, `known` or `unknown`, for `module.name`."""
    module, _, last = name.rpartition(".")
    root = module.partition(".")[0]
    if root in _DANGEROUS_MODULES or name in _DANGEROUS or _DANGEROUS_ANYWHERE & set(name.split(".")[:-1]):
        return "dangerous"
    if root in {"builtins", "__builtin__"}:
        return "dangerous" if last in _DANGEROUS_NAMES else "known"
    is_class = last[:1].isupper() or last in _KNOWN_NAMES or last.startswith("_rebuild_")
    return "known" if root in _KNOWN_ROOTS and is_class else "unknown"


def _global_table(findings: Findings) -> Table:
    order = {"dangerous": 0, "unknown": 1, "known": 2}
    named = sorted(findings.globals.items(), key=lambda item: (order[danger_of(item[0])], item[0]))
    rows = tuple(
        (danger_of(name) + ("!" if danger_of(name) == "dangerous" else ""), cell(name), f"{count:,}")
        for name, count in named[:_MOST_GLOBALS]
    )
    return Table(("", "would import", "times"), rows, frozenset({2}))


# --- what it holds ---------------------------------------------------------------------------------


def _tree(values: list[Any]) -> Iterator[TreeLine]:
    """Outer before inner; bounded in lines and depth, for a few bytes can share and nest without end."""
    waiting: list[Iterator[tuple[int, str, Any]]] = [iter([(0, "", value) for value in values])]
    count = 0
    while waiting:
        following = next(waiting[-1], None)
        if following is None:
            waiting.pop()
            continue
        if count == MOST_TREE_LINES:
            yield TreeLine(0, "…", "more is not shown")
            return
        depth, key, value = following
        yield TreeLine(depth, key, describe(value))
        count += 1
        if depth < _MOST_DEPTH and tensor_text(value) is None:
            waiting.append(_children(depth + 1, value))


def _children(depth: int, value: Any) -> Iterator[tuple[int, str, Any]]:
    if not isinstance(value, Made):
        return
    for at, item in enumerate(value.items):
        if isinstance(item, tuple):
            yield depth, describe(item[0]), item[1]
        else:
            yield depth, str(at), item
    if isinstance(value.state, Made) and value.state.maker == "dict":
        yield from _children(depth, value.state)
    elif value.state is not None:
        yield depth, "state", value.state


def describe(value: Any) -> str:
    """A stand-in in few words."""
    if isinstance(value, Global):
        return shortened(str(value), 120)
    if not isinstance(value, Made):
        return "None" if value is None else cell(value)
    tensor = tensor_text(value)
    if tensor is not None:
        return tensor
    if value.maker in {"dict", "list", "tuple", "set", "frozenset"}:
        return f"{value.maker} of {len(value.items):,}"
    return shortened(value.maker, 120)


def tensor_text(value: Any) -> str | None:
    """`tensor float32 [3, 4]` or `array float64 [10]` for what would become one; None for anything else."""
    if not isinstance(value, Made):
        return None
    if value.maker.startswith("torch._utils._rebuild_tensor") and len(value.items) > 2:
        return f"tensor {_storage_name(value.items[0])} {_numbers(value.items[2])}"
    if value.maker == "torch._utils._rebuild_parameter" and value.items:
        return tensor_text(value.items[0])
    if value.maker.endswith("multiarray._reconstruct") and isinstance(value.state, Made):
        state = value.state.items
        if len(state) > 2:
            return f"array {_dtype_name(state[2])} {_numbers(state[1])}"
    return None


def _storage_name(value: Any) -> str:
    pid = value.items[0] if isinstance(value, Made) and value.items else None
    parts = pid.items if isinstance(pid, Made) else []
    kind = str(parts[1]) if len(parts) > 1 else ""
    return shortened(kind.rpartition(".")[2].removesuffix("Storage").lower() or "?", 20)


def _dtype_name(value: Any) -> str:
    first = value.items[0] if isinstance(value, Made) and value.items else "?"
    return shortened(first, 20) if isinstance(first, str) else "?"


def _numbers(value: Any) -> str:
    items = value.items[:16] if isinstance(value, Made) else []
    return "[" + ", ".join(cell(item) for item in items) + "]"
