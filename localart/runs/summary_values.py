"""What a run comes down to: one last value for each key, nested where the user nests."""

import copy
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, cast

from localart.errors import InvalidMetadata
from localart.jsonable import normalise_value, same_value
from localart.names import is_storable, shown

Values = dict[str, Any]


class _Branch(MutableMapping[str, Any]):
    """One level of a summary, found again by its path each time: it never shows values that were replaced."""

    __slots__ = ("_path", "_tree")
    _tree: "_Tree"
    _path: tuple[str, ...]

    def __init__(self, tree: "_Tree", path: tuple[str, ...]) -> None:
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "_path", path)

    def __getitem__(self, key: str) -> Any:
        value = self._tree.level(self._path)[key]
        if isinstance(value, dict):
            return _Branch(self._tree, (*self._path, key))
        return copy.deepcopy(value) if isinstance(value, list) else value

    def __setitem__(self, key: str, value: object) -> None:
        self._tree.put(self._path, {key: value})

    def __delitem__(self, key: str) -> None:
        self._tree.remove(self._path, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree.level(self._path))

    def __len__(self) -> int:
        return len(self._tree.level(self._path))

    def __getattr__(self, name: str) -> Any:
        if name in {"_tree", "_path"} or name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"summary has no {shown(name)}") from None

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"summary has no {shown(name)}") from None

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Set many keys at once, or none; a nested dict replaces what the key held."""
        self._tree.put(self._path, dict(other, **more))

    def as_dict(self) -> Values:
        """Return plain dicts and lists that share nothing with the summary."""
        return copy.deepcopy(self._tree.level(self._path))

    _as_dict = as_dict  # what W&B's is called

    def __repr__(self) -> str:
        return repr(self._tree.level(self._path))

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, or what a worker process receives, must not write to the run of the original.
        return (dict, (self.as_dict(),))


class Summary(_Branch):
    """A run's summary: reads and writes like a dict and by attribute, at any depth.

    `on_change` receives the whole new summary (only to read; floats may be NaN or infinite) for each change
    by the user, before it takes effect: if it raises, nothing changed. What `log` brings goes through
    `merge_logged`, which only marks the summary as unsaved. `convert(value, where)` makes a value plain JSON.
    For one thread at a time.
    """

    __slots__ = ()

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        on_change: Callable[[Values], None],
        convert: Callable[[object, str], Any] = normalise_value,
    ) -> None:
        super().__init__(_Tree(on_change=on_change, convert=convert), ())
        self._tree.fill(values or {})

    @property
    def has_unsaved(self) -> bool:
        """Whether `merge_logged` brought values since the last `mark_saved` or `on_change`."""
        return self._tree.has_unsaved

    def mark_saved(self) -> None:
        """Take note that the caller has stored what is here."""
        self._tree.has_unsaved = False

    def merge_logged(self, values: Mapping[str, Any]) -> None:
        """Take the last values of one logged step, quietly; nested dicts merge key by key.

        `values` must be plain JSON already and belongs to the summary from now on.
        """
        self._tree.merge(values)


class _Tree:
    """The values behind a summary and all its branches.

    Nested dicts are never edited in place but copied along the path, so a refused change leaves no trace.
    """

    def __init__(self, *, on_change: Callable[[Values], None], convert: Callable[[object, str], Any]) -> None:
        self.has_unsaved = False
        self._values: Values = {}
        self._on_change = on_change
        self._convert = convert

    def fill(self, values: Mapping[str, Any]) -> None:
        self._values = self._converted((), values)

    def level(self, path: tuple[str, ...]) -> Values:
        """Return the dict at `path`; KeyError when it is gone."""
        level = self._values
        for key in path:
            inner = level[key]
            if not isinstance(inner, dict):
                raise KeyError(key)
            level = inner
        return level

    def put(self, path: tuple[str, ...], values: Mapping[str, object]) -> None:
        before = self.level(path)
        changed = {
            key: value
            for key, value in self._converted(path, values).items()
            if key not in before or not same_value(before[key], value)
        }
        if changed:
            self._replace(path, before | changed)

    def remove(self, path: tuple[str, ...], key: str) -> None:
        level = dict(self.level(path))
        del level[key]
        self._replace(path, level)

    def merge(self, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            self._values[key] = _merged(self._values.get(key), value)
        self.has_unsaved = True

    def _converted(self, path: tuple[str, ...], values: Mapping[str, object]) -> Values:
        where = ".".join(("summary", *path))
        for key in values:
            if not isinstance(key, str):
                raise TypeError(f"{where} key {shown(repr(key))} must be a str")
            if not is_storable(key):
                raise InvalidMetadata(
                    f"{where} key {shown(key)} holds half of a character pair (a lone surrogate)",
                    hint="leave it out",
                )
        return {key: self._convert(value, f"{where}.{key}") for key, value in values.items()}

    def _replace(self, path: tuple[str, ...], level: Values) -> None:
        whole = _with_level(self._values, path, level)
        # A copy of the top: that dict alone is edited in place, by `merge`.
        self._on_change(dict(whole))
        self._values = whole
        self.has_unsaved = False


def _with_level(values: Values, path: tuple[str, ...], level: Values) -> Values:
    if not path:
        return level
    return values | {path[0]: _with_level(values[path[0]], path[1:], level)}


def _merged(kept: object, logged: object) -> object:
    """Merge plain dicts; a typed record (`_type`: an image, say) is one value."""
    if not (isinstance(kept, dict) and isinstance(logged, dict)) or "_type" in kept or "_type" in logged:
        return logged
    return cast(Values, kept) | {key: _merged(kept.get(key), value) for key, value in logged.items()}
