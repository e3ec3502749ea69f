"""Where one is, where one was, and what is remembered between two calls.

A place is restored by the id of the row under the cursor, never by the row's number: lists change.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_PLACES = 100
MOST_STATE_BYTES = 64 << 10
STATE_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a page is looked at. `cursor` is the id of a row; `sort` is a column's key, `-key` from high to low."""

    filter: str = ""
    sort: str = ""
    tab: str = ""
    cursor: str = ""
    scroll: int = 0
    columns: int = 0
    folded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A page: the name of its screen, what it is about, and how it is looked at.

    `target` is what a user would type: `project`, `project/name`, `project/name:v3`, `run:ID`; `others` are
    further ones (what is compared with it).
    """

    screen: str
    target: str = ""
    others: tuple[str, ...] = ()
    view: View = field(default_factory=View)

    def at(self, **changes: Any) -> Place:
        """The same page, looked at differently."""
        return replace(self, view=replace(self.view, **changes))

    def is_page_of(self, other: Place) -> bool:
        """Whether both are the same page, however they are looked at."""
        return (self.screen, self.target, self.others) == (other.screen, other.target, other.others)


class History:
    """The places one has been to, oldest first, and where in them one is."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._at = -1

    @property
    def here(self) -> Place | None:
        """Where one is."""
        return self._places[self._at] if self._at >= 0 else None

    @property
    def places(self) -> tuple[Place, ...]:
        """All of them, oldest first."""
        return tuple(self._places)

    def visit(self, place: Place) -> None:
        """Go to a new place; what was newer than here is forgotten. The same page again only changes its view."""
        if self.here is not None and self.here.is_page_of(place):
            self._places[self._at] = place
            return
        self._places = [*self._places[: self._at + 1], place][-MOST_PLACES:]
        self._at = len(self._places) - 1

    def remember(self, place: Place) -> None:
        """Keep how the page one is leaving was looked at."""
        if self.here is not None and self.here.is_page_of(place):
            self._places[self._at] = place

    def older(self) -> Place | None:
        """One step back in time, or None at the beginning."""
        return self._step(-1)

    def newer(self) -> Place | None:
        """One step forward again, or None at the end."""
        return self._step(1)

    def previous(self) -> Place | None:
        """The place before this one, as `cd -` goes: doing it twice comes back."""
        here = self.here
        other = self._places[self._at - 1] if self._at > 0 else None
        if here is None or other is None:
            return None
        self.visit(other)
        return other

    def _step(self, by: int) -> Place | None:
        if not 0 <= self._at + by < len(self._places):
            return None
        self._at += by
        return self.here


# --- between two calls -------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Remembered:
    """What the state file holds. `views`: by kind of list, how it was last looked at."""

    theme: str = ""
    preview: bool = True
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    recent: list[dict[str, Any]] = field(default_factory=list)


def state_path(environ: Mapping[str, str] | None = None) -> Path:
    """`$XDG_STATE_HOME/localart/tui.json`."""
    env = os.environ if environ is None else environ
    given = env.get("XDG_STATE_HOME", "")
    base = Path(given) if given.startswith("/") else Path(env.get("HOME") or "/").joinpath(".local", "state")
    return base / "localart" / "tui.json"


def read_state(path: Path) -> Remembered:
    """What was remembered; nothing when the file is missing, too large, of another format, or not what we wrote."""
    try:
        if path.stat().st_size > MOST_STATE_BYTES:
            return Remembered()
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Remembered()
    if not isinstance(document, dict) or document.get("format") != STATE_FORMAT:
        return Remembered()
    return _checked(document)


def _checked(document: dict[str, Any]) -> Remembered:
    fresh = Remembered()
    for one in fields(Remembered):
        value = document.get(one.name)
        if type(value) is type(getattr(fresh, one.name)):
            setattr(fresh, one.name, value)
    return fresh


def write_state(path: Path, state: Remembered) -> bool:
    """Keep `state`, all of it or nothing; False when it cannot be kept (a full or read-only home is no error)."""
    document = {"format": STATE_FORMAT, **asdict(state)}
    text = json.dumps(document, ensure_ascii=True)
    if len(text) > MOST_STATE_BYTES:
        text = json.dumps({**document, "recent": [], "last": {}}, ensure_ascii=True)
    if len(text) > MOST_STATE_BYTES:
        return False
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        return False
    return True


def place_document(place: Place) -> dict[str, Any]:
    """A place as JSON."""
    return {"screen": place.screen, "target": place.target, "others": list(place.others), **_view(place.view)}


def _view(view: View) -> dict[str, Any]:
    found = {one.name: getattr(view, one.name) for one in fields(View)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items() if value}


def place_from(document: object) -> Place | None:
    """The place a document describes, or None when it describes none."""
    if not isinstance(document, dict) or not isinstance(document.get("screen"), str):
        return None
    target, others = document.get("target", ""), document.get("others", [])
    if not isinstance(target, str) or not isinstance(others, list):
        return None
    return Place(
        document["screen"], target, tuple(one for one in others if isinstance(one, str)), view_from(document)
    )


def view_from(document: Mapping[str, Any]) -> View:
    """The view a document describes; what does not fit is left out."""
    fresh = View()
    found: dict[str, Any] = {}
    for one in fields(View):
        value = document.get(one.name)
        if one.name == "folded" and isinstance(value, list):
            value = tuple(name for name in value if isinstance(name, str))
        if type(value) is type(getattr(fresh, one.name)):
            found[one.name] = value
    return View(**found)


def view_document(view: View) -> dict[str, Any]:
    """A view as JSON, without what only one page has."""
    document = _view(view)
    return {key: value for key, value in document.items() if key in {"sort", "columns", "tab"}}
