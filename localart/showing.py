"""How the public views of runs and collections are made. The Api's room says so; the artifact asks.

Neither imports the other: an artifact shows who made it, and the Api shows artifacts.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from localart.model import ArtifactRecord, RunRecord
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """What makes the view of a record; the first argument is the repository it is in."""

    run: Callable[[Any, RunRecord], Any]
    collection: Callable[[Any, ArtifactRecord], Any]


_registered: Views | None = None


def register_views(views: Views) -> None:
    """From now on records are shown by `views`."""
    global _registered  # noqa: PLW0603
    _registered = views


def find_views() -> Views:
    """Who was registered; the Api's room registers when it is loaded."""
    if _registered is None:
        import_module("localart.api")
    assert _registered is not None
    return _registered
