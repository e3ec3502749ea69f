"""What frameworks call their settings, as plain JSON: nothing in them may stop a training."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from localart.errors import LocalartError
from localart.jsonable import normalise_value
from localart.names import is_storable

_DEEPEST = 16
_LONGEST_TEXT = 500


def plain_settings(settings: Mapping[Any, Any]) -> dict[str, Any]:
    """Every setting under its name; what JSON cannot hold (a module, a callback) as a short text."""
    return {_name(key): _plain(value, depth=1) for key, value in settings.items() if _name(key)}


def plain_metadata(facts: Mapping[Any, Any]) -> dict[str, Any]:
    """The same as JSON that any tool reads: NaN is None and the infinities are texts."""
    return {key: _finite(value) for key, value in plain_settings(facts).items()}


def _name(key: object) -> str:
    """A config's key: W&B's configs take the dashes of command-line options off."""
    return _text(str(key)).strip("-")


def _plain(value: object, *, depth: int) -> Any:
    try:
        return normalise_value(value)
    except (TypeError, LocalartError):
        pass  # part of it cannot be kept: the rest is
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {_text(str(key)): _plain(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes) and depth < _DEEPEST:
        return [_plain(item, depth=depth + 1) for item in value]
    return _text(repr(value))


def _text(text: str) -> str:
    cut = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    return cut if is_storable(cut) else cut.encode("utf-8", "backslashreplace").decode()


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
