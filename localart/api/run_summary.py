"""A finished or running run's summary, to read and to correct."""

from collections.abc import Callable, Mapping
from typing import Any

from localart.jsonable import normalise_value


class RunSummary(dict[str, Any]):
    """A plain dict whose `update()` keeps the changes; nested dicts may be edited in place before it.

    Keys are stripped of blanks, values become plain JSON. Keys can be read as attributes too.
    """

    def __init__(self, values: Mapping[str, Any], keep: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__(values)
        self._keep_changes = keep

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self:
            raise AttributeError(f"summary has no {name!r}")
        return self[name]

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key.strip(), normalise_value(value, key))

    def update(self, key_vals: Mapping[str, Any] | None = None, overwrite: bool = True) -> None:  # type: ignore[override]
        """Set the keys (only new ones without `overwrite`), then keep all changes made so far."""
        for key, value in (key_vals or {}).items():
            if overwrite or key.strip() not in self:
                self[key] = value
        self._keep_changes(self)

    @property
    def _json_dict(self) -> dict[str, Any]:
        """The same as a plain dict, under the name that W&B's own examples use."""
        return dict(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, or what a worker process receives, must not write to the run of the original.
        return (dict, (dict(self),))


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """`{"b.c": 1}` → `{"b": {"c": 1}}`, as the summary of an ended run is; a key in the way keeps the flat name."""
    values: dict[str, Any] = {}
    for name, value in flat.items():
        *folders, last = name.split(".")
        place = _inside(values, folders)
        if place is None or isinstance(place.get(last), dict):
            values[name] = value
        else:
            place[last] = value
    return values


def _inside(values: dict[str, Any], folders: list[str]) -> dict[str, Any] | None:
    place = values
    for folder in folders:
        inner = place.setdefault(folder, {})
        if not isinstance(inner, dict) or "_type" in inner:
            return None
        place = inner
    return place
