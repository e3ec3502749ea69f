"""A run's settings: what it was told before it started, as object and as dictionary.

Values are plain JSON once they are in. A nested dict or list that is read from a config is the config's own:
editing it in place changes what the next accepted change reports.
"""

import copy
import sys
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from dataclasses import fields, is_dataclass
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from localart.errors import ConfigError, InvalidMetadata, SourceMissing, SourceUnreadable, UsageError
from localart.jsonable import MAX_DEPTH, normalise_value, parse_json, same_value
from localart.media.base import Media
from localart.names import is_storable, shown

# W&B writes these into its own config files beside the user's keys.
_NOT_SETTINGS = {"wandb_version", "_wandb"}
ARTIFACT_SCHEME = "wandb-artifact://"
DEFAULTS_FILE = "config-defaults.yaml"


class _Readable:
    """Reading by attribute and by key. No `len()`, so a key may have any name; truth is always True (W&B)."""

    __slots__ = ("_objects", "_values")
    _values: dict[str, Any]
    _objects: dict[str, Any]
    """What users put in that is no JSON (artifacts) and get back; `_values` has the record that stands for it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", copy.deepcopy(dict(values)))
        object.__setattr__(self, "_objects", {})

    def __getitem__(self, key: str) -> Any:
        return self._objects[key] if key in self._objects else self._values[key]

    def __getattr__(self, name: str) -> Any:
        if name in {"_values", "_objects"} or name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"config has no {shown(name)}") from None

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, or `default`."""
        return self._objects[key] if key in self._objects else self._values.get(key, default)

    def keys(self) -> KeysView[str]:
        """Return the keys, in the order they were set."""
        return self._values.keys()

    def values(self) -> ValuesView[Any]:
        """Return the values, in the order their keys were set."""
        return {**self._values, **self._objects}.values()

    def items(self) -> ItemsView[str, Any]:
        """Return the (key, value) pairs, in the order the keys were set."""
        return {**self._values, **self._objects}.items()

    def as_dict(self) -> dict[str, Any]:
        """Return a plain dict that shares nothing with this config, but the artifacts in it."""
        return copy.deepcopy(self._values) | self._objects

    def stored(self) -> dict[str, Any]:
        """Return what is kept with the run: plain JSON, in which records stand for artifacts."""
        return copy.deepcopy(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, or the config a worker process receives, must not write to the run of the original.
        return (StaticConfig, (self.stored(),))


class StaticConfig(_Readable):
    """A config as it was at one moment; it cannot be changed."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"config_static is read-only, so {shown(name)} cannot be set; set it on config")

    def __setitem__(self, key: str, value: object) -> None:
        self.__setattr__(key, value)


class Config(_Readable):
    """A run's config: every accepted change is reported once, whole; a refused one changes nothing.

    `on_change` receives the new config as a plain dict (floats may be NaN or infinite) before it takes
    effect: if it raises, the config stays as it was. Giving an existing key another value is a ConfigError
    unless `allow_val_change` is given here or to `update`. `adopt(key, value)` turns what `is_adoptable` into what
    is read back and the JSON that stands for it. For one thread at a time.
    """

    __slots__ = ("_adopt", "_allow_val_change", "_on_change")
    _adopt: Callable[[str, Any], tuple[Any, Any]]
    _allow_val_change: bool
    _on_change: Callable[[dict[str, Any]], None]

    def __init__(
        self,
        values: object = None,
        *,
        on_change: Callable[[dict[str, Any]], None],
        allow_val_change: bool = False,
        adopt: Callable[[str, Any], tuple[Any, Any]] | None = None,
    ) -> None:
        super().__init__(read_config(values))
        object.__setattr__(self, "_adopt", adopt or _as_text)
        object.__setattr__(self, "_on_change", on_change)
        object.__setattr__(self, "_allow_val_change", allow_val_change)

    def __setitem__(self, key: str, value: object) -> None:
        self._change(_plain_settings({key: value}), allowed=self._allow_val_change)

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    # Positional, as in W&B.
    def update(self, d: object, allow_val_change: bool | None = None) -> None:  # noqa: FBT001
        """Set many keys at once, or none: `d` is anything `read_config` takes."""
        allowed = self._allow_val_change if allow_val_change is None else allow_val_change
        self._change(read_config(d), allowed=allowed)

    def setdefaults(self, d: object) -> None:
        """Set those keys of `d` that are not set yet."""
        self._change({key: value for key, value in read_config(d).items() if key not in self}, allowed=True)

    def arrange(self, keys: Iterable[str]) -> None:
        """Have these keys first, in this order; nothing else changes. A catalog gives them back by name."""
        first = {key: self._values[key] for key in keys if key in self._values}
        object.__setattr__(self, "_values", first | self._values)

    def frozen(self) -> StaticConfig:
        """Return this config as it is now, read-only."""
        return StaticConfig(self._values)

    def _change(self, given: dict[str, Any], *, allowed: bool) -> None:
        objects: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        for key, value in given.items():
            if is_adoptable(value):
                self._refuse_other(key, value, allowed=allowed)
                objects[key], settings[key] = self._adopt(key, value)
            else:
                settings[key] = value
        changed = {key: value for key, value in settings.items() if self._differs(key, value)}
        if not changed:
            return
        if not allowed:
            for key in changed.keys() & self._values.keys():
                raise _would_change(key, self._values[key], changed[key])
        whole = self._values | changed
        self._on_change(copy.deepcopy(whole))
        object.__setattr__(self, "_values", whole)
        kept = {key: value for key, value in self._objects.items() if key not in changed}
        object.__setattr__(self, "_objects", kept | objects)

    def _refuse_other(self, key: str, value: object, *, allowed: bool) -> None:
        """An artifact in place of something else is refused before it counts as used."""
        if not allowed and key in self and key not in self._objects:
            raise _would_change(key, self[key], value)

    def _differs(self, key: str, value: object) -> bool:
        if key not in self._values:
            return True
        kept = self._values[key]
        return not (kept == value or same_value(kept, value))


def _as_text(_key: str, value: Any) -> tuple[Any, Any]:
    return value, str(value)


# Neither has `len()`, which a Mapping promises, but every reader here goes by keys.
Mapping.register(_Readable)


def _would_change(key: str, kept: object, wanted: object) -> ConfigError:
    return ConfigError(
        f"Config {shown(key)} is {shown(repr(kept))} and would become {shown(repr(wanted))}",
        hint="pass allow_val_change=True to config.update() if you mean it",
    )


# --- where settings come from -----------------------------------------------------------------------


def read_config(source: object) -> dict[str, Any]:
    """Turn what users pass as config into plain settings.

    Accepts None, a mapping, `argparse.Namespace`, a dataclass, any object that has a `__dict__`, and the path
    of a YAML or JSON file (`key: value`, or W&B's `key: {value: …, desc: …}`). Keys lose leading and trailing
    `-`. Raises TypeError for other sources, media and what JSON cannot hold; UsageError for a bad file.
    """
    if source is None:
        return {}
    if isinstance(source, (str, PathLike)):
        return _plain_settings(_read_file(Path(fspath(source))))
    if isinstance(source, Mapping):
        return _plain_settings(source)
    if is_dataclass(source) and not isinstance(source, type):
        return _plain_settings({field.name: getattr(source, field.name) for field in fields(source)})
    if hasattr(source, "flag_values_dict"):  # absl
        return _plain_settings(source.flag_values_dict())
    if hasattr(source, "__dict__") and not isinstance(source, (type, Media)):
        return _plain_settings(vars(source))
    raise TypeError(f"config must be a dict or the path of a file, not {type(source).__name__}")


def _plain_settings(settings: Mapping[Any, object]) -> dict[str, Any]:
    plain = {}
    for key, value in settings.items():
        if not isinstance(key, str):
            raise TypeError(f"config key {shown(repr(key))} must be a str")
        name = key.strip("-")
        if not is_storable(name):
            raise InvalidMetadata(
                f"Config key {shown(name)} holds half of a character pair (a lone surrogate)",
                hint="leave it out",
            )
        if not name:
            raise UsageError(f"Config key {shown(key)} has no name", hint="for example 'batch_size'")
        if isinstance(value, Media):
            raise TypeError(f"config {shown(name)} is a {type(value).__name__}; log it with run.log instead")
        if is_adoptable(value):
            plain[name] = value
            continue
        _refuse_nested(name, value)
        plain[name] = normalise_value(value, f"config.{name}")
    return plain


def is_adoptable(value: object) -> bool:
    """Whether a config value is an artifact, or text that names one (`wandb-artifact://project/name:alias`)."""
    if isinstance(value, str):
        return value.startswith(ARTIFACT_SCHEME)
    return _is_artifact(value)


def _is_artifact(value: object) -> bool:
    known = sys.modules.get("localart.artifact.artifact")  # nobody has one before it is imported
    return known is not None and isinstance(value, known.Artifact)


def _refuse_nested(name: str, value: object) -> None:
    level = _inside(value)
    for _ in range(MAX_DEPTH):
        if any(_is_artifact(one) for one in level):
            raise InvalidMetadata(
                f"config {shown(name)} holds an Artifact inside, and artifacts can only be top-level values",
                hint="give it a key of its own",
            )
        level = [deeper for one in level for deeper in _inside(one)]


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def _read_file(path: Path) -> dict[str, object]:
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise SourceMissing(f"Config file {shown(str(path), 300)} does not exist") from error
    except OSError as error:
        raise SourceUnreadable(
            f"Config file {shown(str(path), 300)} cannot be read: {error.strerror}"
        ) from error
    loaded = _parse_json_file(path, text) if path.suffix.lower() == ".json" else _parse_yaml_file(path, text)
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise UsageError(f"Config file {shown(str(path), 300)} must hold keys and values")
    return {key: _unwrapped(value) for key, value in loaded.items() if key not in _NOT_SETTINGS}


def _unwrapped(value: object) -> object:
    is_wrapped = isinstance(value, dict) and "value" in value and value.keys() <= {"value", "desc"}
    return value["value"] if is_wrapped and isinstance(value, dict) else value


def _parse_json_file(path: Path, text: bytes) -> object:
    try:
        return parse_json(text)
    except InvalidMetadata as error:
        raise UsageError(f"Config file {shown(str(path), 300)}: {error.message}", hint=error.hint) from error


def _parse_yaml_file(path: Path, text: bytes) -> object:
    try:
        yaml = import_module("yaml")
    except ImportError as error:
        raise UsageError(
            f"Config file {shown(str(path), 300)} is YAML, and PyYAML is not installed",
            hint="pip install pyyaml, or write the file as JSON and name it .json",
        ) from error
    try:
        loaded: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(
            f"Config file {shown(str(path), 300)} is not valid YAML", hint=_where(error)
        ) from error
    return loaded


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f"see line {mark.line + 1}"
