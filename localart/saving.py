"""Who logs a draft that is saved by itself. The session says so; the artifact asks. Neither imports the other."""

from collections.abc import Callable
from typing import Any

_saver: Callable[[Any, str | None], None] | None = None


def register_saver(save: Callable[[Any, str | None], None]) -> None:
    """From now on `save(artifact, project)` logs drafts that are saved by themselves."""
    global _saver  # noqa: PLW0603
    _saver = save


def find_saver() -> Callable[[Any, str | None], None] | None:
    """Who was registered, or None."""
    return _saver
