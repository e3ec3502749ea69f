r"""What is typed after `/`: words and conditions that a row must meet, all of them.

::

    mnist              somewhere in the row's texts, also with letters left out (mnst) in its name
    "two words"        with the space
    !old               not that
    re:v\d+$            a regular expression
    size>1G            files>10  number>=5  created>2026-01-31
    alias:best         the alias holds `best`; alias=best: is exactly that; also type, tag, state, run, job
    metadata.acc>0.9   a value in the metadata, by its path; m:acc>0.9 is short for it

A word with a colon or a sign that names no field is a word. What cannot be understood is said and changes nothing.
"""

from __future__ import annotations

import operator
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from localart.errors import UsageError
from localart.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_TERMS = 16
LONGEST_SUBJECT = 512
PATTERN_SECONDS = 1.0
_LONGEST_FILTER = 500

Value = str | float | int | bool | tuple[str, ...] | None


class Test(StrEnum):
    """How a field is compared."""

    WORD = "word"
    PATTERN = "re"
    HAS = ":"
    EQUAL = "="
    OTHER = "!="
    MORE = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="


Test.__test__ = False  # type: ignore[attr-defined]  # it is no test class, whatever pytest thinks of its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One condition. `number` is what `text` means as an amount (`1G`), if it means one."""

    field: str = ""
    test: Test = Test.WORD
    text: str
    number: float | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """All conditions of a typed filter; a row must meet each."""

    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)


_TOKEN = re.compile(r'(!?)("[^"]*"?|re:\S+|\S+)')
_CONDITION = re.compile(r"([A-Za-z][\w.:/-]*?)(!=|>=|<=|[:=><])(.+)", re.DOTALL)
_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([kKMGTP]?)(i?)[bB]?")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_SHORT = {"m": "metadata", "c": "config", "s": "summary"}
_OPEN_ENDED = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\d*\})")
_REPEATED_GROUP = re.compile(r"(?<!\\)\)(?:[*+]|\{)")


def parse_filter(text: str, fields: frozenset[str]) -> Filter:
    """What was typed, as conditions on these `fields` (`metadata.` stands for everything in it).

    UsageError for a broken or too costly pattern, and for too many words.
    """
    tokens = _TOKEN.findall(text[:_LONGEST_FILTER])
    if len(tokens) > MOST_TERMS:
        raise UsageError(f"A filter has at most {MOST_TERMS} words", hint="leave some out")
    return Filter(
        tuple(_term(token, fields, negated=bool(no)) for no, token in tokens if token.strip('"') != "")
    )


def _term(token: str, fields: frozenset[str], *, negated: bool) -> Term:
    if token.startswith('"'):
        return Term(text=token.strip('"'), negated=negated)
    if token.startswith("re:"):
        return Term(test=Test.PATTERN, text=_checked_pattern(token[3:]), negated=negated)
    found = _CONDITION.fullmatch(_spelled_out(token))
    if found and _is_field(found[1], fields):
        name, test, text = found.groups()
        return Term(field=name, test=Test(test), text=text, number=amount(text), negated=negated)
    return Term(text=token, negated=negated)


def _spelled_out(token: str) -> str:
    """`m:acc>1` → `metadata.acc>1`."""
    head, colon, rest = token.partition(":")
    return f"{_SHORT[head]}.{rest}" if colon and head in _SHORT else token


def _is_field(name: str, fields: frozenset[str]) -> bool:
    head, dot, key = name.partition(".")
    return (f"{head}." in fields and key != "") if dot else name in fields


def _checked_pattern(pattern: str) -> str:
    """A pattern that compiles and cannot take exponential time: Python's `re` cannot be interrupted."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"The pattern {shown(pattern)} is broken: {error}", hint="") from error
    if (
        _REPEATED_GROUP.search(pattern)
        or len(_OPEN_ENDED.findall(pattern)) > 3
        or re.search(r"\\\d", pattern)
    ):
        raise UsageError(
            f"The pattern {shown(pattern)} could take for ever", hint="use at most three of * and +, no (…)*"
        )
    return pattern


def amount(text: str) -> float | None:
    """`1.5G` → 1.5e9, `2MiB` → 2097152; None when it is no number."""
    found = _AMOUNT.fullmatch(text)
    if not found:
        return None
    number, unit, binary = found.groups()
    return float(number) * float(1024 if binary else 1000) ** _POWERS[unit]


# --- rows in memory ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a filter may look at in a row: its name, all its texts, and values by field."""

    name: str
    text: str
    values: Mapping[str, Value]


def tester(chosen: Filter) -> Callable[[Facts], bool]:
    """A function that says whether a row meets every condition.

    It raises UsageError when patterns have taken more than a second in all.
    """
    tests = [_negatable(term, _test(term)) for term in chosen.terms]
    return lambda facts: all(test(facts) for test in tests)


def _negatable(term: Term, test: Callable[[Facts], bool]) -> Callable[[Facts], bool]:
    return (lambda facts: not test(facts)) if term.negated else test


def _test(term: Term) -> Callable[[Facts], bool]:
    match term.test:
        case Test.WORD:
            word = term.text.casefold()
            return lambda facts: word in facts.text.casefold() or is_sketch(word, facts.name.casefold())
        case Test.PATTERN:
            search = Searcher(term.text)
            return lambda facts: search(facts.text)
        case _:
            return lambda facts: compare(facts.values.get(term.field), term)


class Searcher:
    """A pattern that has one second in all to be searched for."""

    def __init__(self, pattern: str) -> None:
        self._find = re.compile(pattern, re.IGNORECASE).search
        self._left = PATTERN_SECONDS

    def __call__(self, text: str) -> bool:
        """Whether the pattern is in the text's first 512 characters."""
        started = time.perf_counter()
        found = self._find(text[:LONGEST_SUBJECT]) is not None
        self._left -= time.perf_counter() - started
        if self._left < 0:
            raise UsageError("The pattern takes too long", hint="make it simpler")
        return found


def is_sketch(word: str, text: str) -> bool:
    """Whether the letters of `word` (at least three) come in `text` in this order and close to each other."""
    if len(word) < 3 or not word.isalnum():
        return False
    first = text.find(word[0])
    while first >= 0:
        at = first
        for letter in word[1:]:
            at = text.find(letter, at + 1)
            if at < 0:
                return False
        if at - first < 2 * len(word):
            return True
        first = text.find(word[0], first + 1)
    return False


_ORDER: dict[Test, Callable[[object, object], bool]] = {
    Test.EQUAL: operator.eq,
    Test.OTHER: operator.ne,
    Test.MORE: operator.gt,  # type: ignore[dict-item]
    Test.AT_LEAST: operator.ge,  # type: ignore[dict-item]
    Test.LESS: operator.lt,  # type: ignore[dict-item]
    Test.AT_MOST: operator.le,  # type: ignore[dict-item]
}


def compare(value: Value, term: Term) -> bool:
    """Whether a value meets a condition. Numbers as numbers, everything else as text without case."""
    if isinstance(value, tuple):
        return any(compare(one, term) for one in value)
    if value is None:
        return term.test is Test.OTHER
    if isinstance(value, (int, float)) and not isinstance(value, bool) and term.test is not Test.HAS:
        return term.number is not None and _ORDER[term.test](value, term.number)
    text, wanted = str(value).casefold(), term.text.casefold()
    return wanted in text if term.test is Test.HAS else _ORDER[term.test](text, wanted)
