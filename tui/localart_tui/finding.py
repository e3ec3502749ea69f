"""The rows of the finder: sections of hits, places one was at, and commands from the key table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localart_tui.data.find import FIRST_HITS, MOST_LISTED, Answer, Section
from localart_tui.keys import Scope, key_sign, keys_of
from localart_tui.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PAGES = {
    "home": "projects",
    "artifacts": "artifacts",
    "versions": "versions",
    "artifact": "version",
    "runs": "runs",
    "run": "run",
    "graph": "lineage",
    "compare": "comparison",
    "store": "the store",
}
_NOT_HERE = frozenset({"app.find", "app.back"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the finder. `kind`: head, hit, more or note; `section` is the key of its section."""

    id: str
    kind: str
    section: str
    title: str
    detail: str = ""
    place: Place | None = None
    query: str = ""
    action: str = ""


def section_rows(section: Section, most: int) -> Iterator[Row]:
    """A heading, at most `most` hits, and a line for those that are not listed; Enter on it lists them, if it can."""
    if not section.answers:
        return
    yield Row(
        id=f"{section.key}:", kind="head", section=section.key, title=section.title, detail=section.count_text
    )
    listed, whole = section.answers[:most], most >= MOST_LISTED
    for number, answer in enumerate(listed):
        yield _row(section.key, number, answer)
    more = section.count - len(listed)
    if more > 0:
        sign = "+" if section.count_text.endswith("+") else ""
        yield Row(
            id=f"{section.key}:more",
            kind="note" if whole else "more",
            section=section.key,
            title=f"… {more:,}{sign} more",
            detail="say more to find them" if whole else "Enter lists them",
        )


def _row(section: str, number: int, answer: Answer) -> Row:
    return Row(
        id=f"{section}:{number}",
        kind="hit",
        section=section,
        title=answer.title,
        detail=answer.detail,
        place=answer.place,
        query=answer.query,
    )


def recent_rows(places: Sequence[Place]) -> list[Row]:
    """Where one was, newest first."""
    seen: dict[tuple[str, str, tuple[str, ...]], Place] = {}
    for place in reversed(places):
        if place.screen in _PAGES and place.screen not in {"home", "store"}:
            seen.setdefault((place.screen, place.target, place.others), place)
    if not seen:
        return []
    rows = [Row(id="recent:", kind="head", section="recent", title="Where you were")]
    for number, place in enumerate(list(seen.values())[:FIRST_HITS]):
        title = " and ".join([place.target or "everything", *place.others])
        rows.append(
            Row(
                id=f"recent:{number}", kind="hit", section="recent", title=title,
                detail=_PAGES[place.screen], place=place,
            )
        )  # fmt: skip
    return rows


def command_rows(words: Sequence[str], project: str, *, plain: bool) -> list[Row]:
    """Pages and keys that work everywhere, which hold all the words."""
    every = [*_page_commands(project), *_key_commands(plain=plain)]
    wanted = [word.casefold() for word in words]
    found = [row for row in every if all(word in f"{row.title} {row.detail}".casefold() for word in wanted)]
    if not found:
        return []
    head = Row(id="commands:", kind="head", section="commands", title="Commands", detail=f"{len(found):,}")
    return [head, *found]


def _page_commands(project: str) -> Iterator[Row]:
    places = [("go to all projects", Place("home")), ("go to the store: size, health", Place("store"))]
    if project:
        places += [
            (f"go to the artifacts of {project}", Place("artifacts", project)),
            (f"go to the runs of {project}", Place("runs", project)),
            (f"go to the lineage of {project}", Place("graph", project)),
        ]
    for title, place in places:
        yield Row(id=f"commands:{place.screen}", kind="hit", section="commands", title=title, place=place)


def _key_commands(*, plain: bool) -> Iterator[Row]:
    for key in keys_of(Scope.EVERYWHERE, Scope.EDIT):
        if key.id not in _NOT_HERE and key.action.startswith("app."):
            signs = " ".join(key_sign(name, ascii_only=plain) for name in key.names)
            yield Row(
                id=f"commands:{key.id}", kind="hit", section="commands", title=key.says, detail=signs,
                action=key.action,
            )  # fmt: skip


def project_of(place: Place) -> str:
    """The project a place is about, or ""."""
    if place.screen in {"artifacts", "runs"}:
        return place.target
    if place.screen in {"versions", "artifact", "run", "compare"}:
        return place.target.removeprefix("run:").rpartition("/")[0].rpartition("/")[2]
    return ""
