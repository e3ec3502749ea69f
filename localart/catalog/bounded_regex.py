"""Regular expressions inside SQL that end in bounded time, whoever wrote them.

Python's engine backtracks, so a pattern can take for ever. Three bounds keep that from happening. What backtracks
exponentially is refused when the pattern is compiled: a repeat inside a repeat, alternatives inside a repeat that
begin alike, back-references and look-around (RE2, which W&B uses, has neither of the last two). What backtracks
polynomially sees only so much of a text that n to the power of its repeats stays some hundred million. And all
texts of one query together may take a few seconds.
"""

import re
import sqlite3
import time
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from localart.errors import InvalidRequest
from localart.names import shown

MOST_PATTERN_CHARACTERS = 1_000
MOST_SECONDS = 5.0
MANY = 8  # a repeat of at most so many is no repeat in this sense

# By the number of repeats in a pattern: how much of a text it is tried on.
_LONGEST_TEXTS = (100_000, 10_000, 1_000, 256, 128, 64, 40)

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, getattr(codes, "POSSESSIVE_REPEAT", None))
_REFUSED = (codes.GROUPREF, codes.GROUPREF_EXISTS, codes.ASSERT, codes.ASSERT_NOT)


class BoundedRegex:
    """One pattern, searched for in many texts within one budget of seconds.

    After the budget is spent nothing matches and `is_exhausted` is True.
    """

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MOST_PATTERN_CHARACTERS:
            raise InvalidRequest(
                f"A regular expression of {len(pattern):,} characters is too long",
                hint=f"{MOST_PATTERN_CHARACTERS:,} are allowed",
            )
        self.pattern = pattern
        repeats = _count_repeats(_parsed(pattern), pattern)
        if repeats >= len(_LONGEST_TEXTS):
            raise _too_slow(pattern, f"it has more than {len(_LONGEST_TEXTS) - 1} repeats")
        self._longest_text = _LONGEST_TEXTS[repeats]
        self._search = re.compile(pattern).search
        self._seconds_left = MOST_SECONDS

    @property
    def is_exhausted(self) -> bool:
        """Whether the texts took too long together."""
        return self._seconds_left <= 0

    def found_in(self, text: str | None) -> bool:
        """Whether the pattern occurs in `text`, or in as much of it as is looked at."""
        if text is None or self.is_exhausted:
            return False
        began = time.perf_counter()
        found = self._search(text[: self._longest_text]) is not None
        self._seconds_left -= time.perf_counter() - began
        return found

    def register(self, connection: sqlite3.Connection, name: str) -> None:
        """Make it the SQL function `name` of one argument."""
        connection.create_function(name, 1, self._answer)

    def _answer(self, text: Any) -> int:
        return int(self.found_in(text if isinstance(text, str) else None))

    def refuse_exhausted(self) -> None:
        """InvalidRequest when not all texts were looked at."""
        if self.is_exhausted:
            raise _too_slow(self.pattern, f"it took more than {MOST_SECONDS:g} s")


def _parsed(pattern: str) -> Any:
    try:
        return parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidRequest(
            f"{shown(pattern)} is no regular expression: {error}",
            hint="escape what is meant literally with \\",
        ) from error


def _too_slow(pattern: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"The regular expression {shown(pattern)} could take for ever: {why}",
        hint="write it without repeats inside repeats, or combine simpler ones with $and and $or",
    )


def _count_repeats(items: Any, pattern: str, *, inside: bool = False) -> int:
    """How many repeats a parsed pattern has; InvalidRequest for what could backtrack without bound."""
    count = 0
    for code, value in items:
        if code in _REFUSED:
            raise _too_slow(pattern, "it refers back or looks around")
        if code in _REPEATS:
            repeats = value[1] > MANY
            if inside and value[0] != value[1]:
                raise _too_slow(pattern, "it repeats a repeat")
            count += repeats + _count_repeats(value[2], pattern, inside=inside or repeats)
        elif code is codes.BRANCH:
            if inside and not _begin_apart(value[1]):
                raise _too_slow(pattern, "it repeats alternatives that begin alike")
            count += sum(_count_repeats(one, pattern, inside=inside) for one in value[1])
        elif code is codes.SUBPATTERN:
            count += _count_repeats(value[-1], pattern, inside=inside)
        elif code is getattr(codes, "ATOMIC_GROUP", None):
            count += _count_repeats(value, pattern, inside=inside)
    return count


def _begin_apart(alternatives: Any) -> bool:
    """Whether each alternative begins with a literal character of its own."""
    if not all(len(one) and one[0][0] is codes.LITERAL for one in alternatives):
        return False
    return len({one[0][1] for one in alternatives}) == len(alternatives)
