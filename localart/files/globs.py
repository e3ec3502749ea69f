"""Which entry paths a pattern means.

    *.png            files of that name in any folder
    images/*.png     those in the folder images alone
    images/          everything below it, as images/**
    **/train/*.csv   `**` stands for any number of folders, also none
    /labels.csv      the one at the top

`*`, `?` and `[a-z]`, `[!a-z]` are as in a shell and never match a slash. Upper and lower case differ.
"""

import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from typing import TypeAlias

from localart.errors import InvalidName

_Part: TypeAlias = re.Pattern[str] | None
"""What one part of a path must look like; None stands for any number of parts."""


def path_matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path matches one of `patterns`. InvalidName for an empty one."""
    compiled = [_compile(pattern) for pattern in patterns]

    def matches(path: str) -> bool:
        parts = path.split("/")
        return any(_matches(pattern, parts) for pattern in compiled)

    return matches


def _compile(pattern: str) -> list[_Part]:
    inside = pattern.removeprefix("/")
    if not inside:
        raise InvalidName(f"The pattern {pattern!r} matches no path", hint="'*' matches every file")
    if inside.endswith("/"):
        inside += "**"
    parts = inside.split("/")
    if len(parts) == 1 and inside == pattern:
        parts = ["**", *parts]
    if parts[-1] == "**":
        parts.append("*")
    return [None if part == "**" else re.compile(translate(part)) for part in parts]


def _matches(pattern: list[_Part], parts: list[str]) -> bool:
    """All places in the pattern are followed at once, so that no pattern takes long."""
    places = _settled(pattern, {0})
    for part in parts:
        moved = set()
        for place in places:
            if place < len(pattern):
                wanted = pattern[place]
                if wanted is None:
                    moved.add(place)
                elif wanted.match(part):
                    moved.add(place + 1)
        places = _settled(pattern, moved)
    return len(pattern) in places


def _settled(pattern: list[_Part], places: set[int]) -> set[int]:
    """These places, and those after a `**` that may stand for nothing."""
    found = set(places)
    for place, part in enumerate(pattern):
        if part is None and place in found:
            found.add(place + 1)
    return found
