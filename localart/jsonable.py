"""The one form in which metadata, config, summary and history values are kept: plain JSON.

Two rules decide what becomes of NaN and the infinities, which JSON cannot write:

metadata
    NaN becomes None and an infinity is refused (W&B's rules), so metadata is JSON that any tool can read.
values (config, summary, history)
    They stay floats. `dump_values` writes each as ``{"_type": "float", "value": "nan" | "inf" | "-inf"}`` and
    `load_values` reads it back. Objects with a `_type` are W&B's own name space, so that shape is reserved.

NumPy, torch, TensorFlow and JAX values are recognised by what their types can do; none of them is imported.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, Never, TypeGuard

from localart.errors import InvalidMetadata
from localart.names import shown

MAX_METADATA_KEYS = 100
MAX_METADATA_BYTES = 1 << 20
MAX_JSON_BYTES = 64 << 20
MAX_DEPTH = 64
MAX_ITEMS = 1 << 22
MAX_INTEGER_BITS = 4096
LISTED_ELEMENTS = 32
"""Arrays up to this many elements are kept as lists, larger ones as a short text (W&B's rule)."""

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


# --- Python values to plain JSON --------------------------------------------------------------------


def normalise_metadata(value: object) -> dict[str, Any]:
    """Turn `value` (None, a mapping or a JSON object as text) into a plain dict that shares nothing with it.

    Raises TypeError for what JSON cannot hold and InvalidMetadata (a ValueError) for infinities, over 100
    top-level keys, 1 MiB or 64 levels, or an object that holds itself; both name the key path.
    """
    if value is None:
        return {}
    if isinstance(value, str):
        value = parse_json(value) if value else {}
    if not isinstance(value, Mapping):
        raise TypeError(f"metadata must be a dict or a JSON object as text, not {type(value).__name__}")
    plain: dict[str, Any] = _Walk(keep_non_finite=False).start(value, "metadata")
    if len(plain) > MAX_METADATA_KEYS:
        raise InvalidMetadata(
            f"Metadata has {len(plain)} top-level keys, and {MAX_METADATA_KEYS} are allowed",
            hint="group some of them in a nested dict",
        )
    _refuse_large(len(canonical_json(plain)))
    return plain


def _refuse_large(size_bytes: int) -> None:
    if size_bytes > MAX_METADATA_BYTES:
        raise InvalidMetadata(
            f"Metadata takes {size_bytes:,} bytes as JSON, and {MAX_METADATA_BYTES:,} are allowed",
            hint="add large content to the artifact as a file",
        )


def normalise_value(value: object, where: str = "value") -> Any:
    """Turn one config, summary or logged value into plain JSON, keeping NaN and infinities as floats.

    `where` starts the key path in errors. Raises as `normalise_metadata` does; only its limits on bytes and
    top-level keys do not apply.
    """
    kind = type(value)
    if kind is float or kind is bool or value is None:
        return value
    return _Walk(keep_non_finite=True).start(value, where)


def normalise_whole(value: object, where: str = "value") -> Any:
    """Do as `normalise_value` does, but keep arrays of any size as lists (image masks, say)."""
    return _Walk(keep_non_finite=True, listed_elements=MAX_ITEMS).start(value, where)


class _Refused(Exception):
    """Why a value cannot be kept. The key path is gathered on the way out: good values pay nothing."""

    def __init__(self, reason: str, *, hint: str = "", is_type: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.is_type = is_type
        self.keys: list[str] = []


class _Walk:
    """One conversion: knows which containers it is inside of, and how many items it may still visit."""

    def __init__(self, *, keep_non_finite: bool, listed_elements: int = LISTED_ELEMENTS) -> None:
        self._keep_non_finite = keep_non_finite
        self._listed_elements = listed_elements
        self._open: set[int] = set()
        self._items_left = MAX_ITEMS

    def start(self, value: object, where: str) -> Any:
        """Convert `value`, or raise the error that users see."""
        try:
            return self._plain(value)
        except _Refused as refused:
            path = shown(where + "".join(reversed(refused.keys)))
            if refused.is_type:
                raise TypeError(f"{path} {refused.reason}") from None
            raise InvalidMetadata(f"{path} {refused.reason}", hint=refused.hint) from None

    def _plain(self, value: object) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Enum):
            return self._plain(value.value)
        if isinstance(value, str):
            return _plain_text(value)
        if isinstance(value, int):
            return _plain_integer(value)
        if isinstance(value, float):
            return self._plain_float(float(value))
        return self._plain_container(value)

    def _plain_float(self, value: float) -> float | None:
        if math.isfinite(value) or self._keep_non_finite:
            return value
        if math.isnan(value):
            return None
        raise _Refused("is infinite, which JSON cannot hold", hint="use None or a text such as 'inf'")

    def _plain_container(self, value: object) -> Any:
        if isinstance(value, Mapping):
            return self._inside(value, lambda: self._plain_mapping(list(value.items())))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return _plain_bytes(bytes(value))
        if isinstance(value, AbstractSet):
            return self._inside(value, lambda: sorted(self._plain_items(list(value)), key=dump_values))
        if isinstance(value, Sequence):
            return self._inside(value, lambda: self._plain_items(value))
        if _has_attributes_to_keep(value):
            return self._inside(value, lambda: self._plain_mapping(_kept_attributes(value)))
        return self._plain_array(value) if _is_array(value) else _plain_object(value)

    def _inside(self, value: object, build: Callable[[], Any]) -> Any:
        if id(value) in self._open:
            raise _Refused("holds itself")
        if len(self._open) == MAX_DEPTH:
            raise _Refused(f"is nested deeper than {MAX_DEPTH} levels")
        self._open.add(id(value))
        try:
            return build()
        finally:
            self._open.discard(id(value))

    def _plain_items(self, items: Sequence[object]) -> list[Any]:
        self._spend(len(items))
        plain = []
        for index, item in enumerate(items):
            try:
                plain.append(self._plain(item))
            except _Refused as refused:
                refused.keys.append(f"[{index}]")
                raise
        return plain

    def _plain_mapping(self, items: Sequence[tuple[object, object]]) -> dict[str, Any]:
        self._spend(len(items))
        plain: dict[str, Any] = {}
        for key, item in items:
            name = self._plain_key(key)
            if name in plain:
                raise _Refused(f"has two keys that both become {shown(name)}", hint="rename one of them")
            try:
                plain[name] = self._plain(item)
            except _Refused as refused:
                refused.keys.append(f".{name}")
                raise
        return plain

    def _spend(self, item_count: int) -> None:
        # A list that holds one list many times, many levels deep, is small in memory and endless as JSON.
        self._items_left -= item_count
        if self._items_left < 0:
            raise _Refused(f"holds more than {MAX_ITEMS:,} values", hint="add large content as a file")

    def _plain_key(self, key: object) -> str:
        if isinstance(key, Enum) or _is_array(key):
            key = self._plain(key.value if isinstance(key, Enum) else key)
        if isinstance(key, str):
            return _plain_text(key)
        if key is None or isinstance(key, (bool, int, float)):
            return json.dumps(key)
        raise _Refused(f"has a key of type {type(key).__name__}, and JSON keys are text", is_type=True)

    def _plain_array(self, array: Any) -> Any:
        if not hasattr(array, "tolist"):
            return self._plain(array.numpy())
        if math.prod(array.shape) > self._listed_elements:
            return _described_array(array)
        if getattr(array.dtype, "kind", "") in {"m", "M"}:
            array = array.astype(str)
        try:
            listed = array.tolist()
        except (NotImplementedError, RuntimeError):
            # Tensors without values (torch's "meta" device) or without a dense layout.
            return _described_array(array)
        # A number too wide for Python (long double) comes back as itself.
        return self._plain(float(listed) if type(listed) is type(array) else listed)


def _plain_text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _Refused("holds half of a character pair (a lone surrogate)") from None
    return text if type(text) is str else str.__str__(text)


def _plain_integer(value: int) -> int:
    if value.bit_length() > MAX_INTEGER_BITS:
        raise _Refused(f"is a whole number of more than {MAX_INTEGER_BITS} bits", hint="store it as text")
    return int(value)


def _plain_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise _Refused("holds bytes that are not UTF-8 text", hint="add them as a file") from None


def _has_attributes_to_keep(value: object) -> bool:
    if isinstance(value, type):
        return False
    argparse = sys.modules.get("argparse")
    is_namespace = argparse is not None and isinstance(value, argparse.Namespace)
    return is_namespace or is_dataclass(value) or isinstance(value, SimpleNamespace)


def _kept_attributes(value: Any) -> list[tuple[object, object]]:
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return list(vars(value).items())


def _is_array(value: object) -> bool:
    # Asked of the type, for objects that invent attributes (a config, a mock) would say yes to anything.
    kind = type(value)
    return (
        hasattr(kind, "dtype")
        and hasattr(kind, "shape")
        and (hasattr(kind, "tolist") or hasattr(kind, "numpy"))
    )


def _described_array(array: Any) -> str:
    if type(array).__module__.partition(".")[0] == "numpy":
        return str(array)
    return f"{type(array).__name__}(shape={tuple(array.shape)}, dtype={array.dtype})"


def _plain_object(value: object) -> str:
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return _plain_text(str(value))
    if callable(value) and hasattr(value, "__qualname__") and hasattr(value, "__module__"):
        return f"{value.__module__}.{value.__qualname__}"
    kind = type(value)
    speaks_for_itself = kind.__str__ is not object.__str__ or kind.__repr__ is not object.__repr__
    if kind.__module__.partition(".")[0] in {"builtins", "localart"} or not speaks_for_itself:
        raise _Refused(f"is of type {kind.__name__}, which JSON cannot hold", is_type=True)
    return _plain_text(str(value))


# --- plain JSON to bytes and back -------------------------------------------------------------------

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: object) -> bytes:
    """Encode plain JSON in the form that is hashed and stored: sorted keys, no spaces, UTF-8.

    Equal values give equal bytes. NaN, infinities and lone surrogates raise InvalidMetadata.
    """
    try:
        return _ENCODER.encode(value).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidMetadata(f"This value cannot be written as JSON: {error}") from error


def parse_json(text: str | bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Read JSON strictly: no repeated keys, no NaN or Infinity, whole characters, bounded depth, ≤ 64 MiB.

    Raises InvalidMetadata.
    """
    if len(text) > MAX_JSON_BYTES:
        raise InvalidMetadata(f"JSON of {len(text):,} bytes is larger than {MAX_JSON_BYTES:,}")
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value = json.loads(
            decoded,
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
        )
        if "\\u" in decoded:
            _ENCODER.encode(value).encode()
    except RecursionError:
        raise InvalidMetadata(f"JSON is nested deeper than {max_depth} levels") from None
    except InvalidMetadata:
        raise
    except ValueError as error:
        raise InvalidMetadata(f"This is not JSON: {error}") from error
    if decoded.count("[") + decoded.count("{") > max_depth:
        _refuse_deep(value, max_depth)
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise InvalidMetadata(f"JSON repeats the key {shown(repeated)}")
    return found


def _refuse_constant(name: str) -> Never:
    raise InvalidMetadata(f"JSON has no {name}", hint="use null")


def _finite_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise InvalidMetadata(f"JSON number {shown(text)} is too large")
    return value


def _refuse_deep(value: object, max_depth: int) -> None:
    level = [value]
    for _ in range(max_depth):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise InvalidMetadata(f"JSON is nested deeper than {max_depth} levels")


def _children(value: object) -> list[object]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, (dict, list))]


# --- values that may be NaN or infinite -------------------------------------------------------------


def dump_values(value: object) -> bytes:
    """Encode plain JSON in which floats may be NaN or infinite, canonically.

    InvalidMetadata for more bytes than `load_values` reads.
    """
    try:
        encoded = canonical_json(value)
    except InvalidMetadata:
        encoded = canonical_json(_mark_non_finite(value))
    if len(encoded) > MAX_JSON_BYTES:
        raise InvalidMetadata(
            f"A value takes {len(encoded):,} bytes as JSON, and {MAX_JSON_BYTES:,} are allowed",
            hint="add large content to an artifact as a file",
        )
    return encoded


def load_values(text: str | bytes) -> Any:
    """Read what `dump_values` wrote, as strictly as `parse_json` but for twice its depth.

    Records wrap values that may themselves be as deep as allowed.
    """
    value = parse_json(text, max_depth=2 * MAX_DEPTH)
    marker = '"_type"' if isinstance(text, str) else b'"_type"'
    return _unmark_non_finite(value) if marker in text else value  # type: ignore[operator]


def same_value(one: object, other: object) -> bool:
    """Whether two plain values are stored as the same bytes: unlike `==`, NaN is NaN and 1 is not True."""
    return one is other or dump_values(one) == dump_values(other)


def _mark_non_finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return {"_type": "float", "value": str(value)}
    if isinstance(value, dict):
        return {key: _mark_non_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mark_non_finite(item) for item in value]
    return value


def _unmark_non_finite(value: object) -> object:
    if _is_marked(value):
        return _NON_FINITE[value["value"]]
    if isinstance(value, dict):
        return {key: _unmark_non_finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmark_non_finite(item) for item in value]
    return value


def _is_marked(value: object) -> TypeGuard[dict[str, str]]:
    return (
        isinstance(value, dict)
        and value.keys() == {"_type", "value"}
        and value["_type"] == "float"
        and isinstance(value["value"], str)
        and value["value"] in _NON_FINITE
    )
