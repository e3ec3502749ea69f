"""The lines that differ between two texts, as `diff -u` writes them, in bounded time.

`difflib` alone may take minutes over a megabyte of lines in another order. Here what both texts begin and end with
is set aside first, lines that stand once in each are matched next (they are the anchors), and `difflib` looks only at
the small gaps between them; a large gap without anchors is told as removed and added.
"""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from localart.records import dataclass

MOST_BYTES = 1 << 20
_MOST_IN_GAP = 1_200
_MOST_PAIRS = 8_000_000
"""How many pairs of lines all gaps together may compare: 1.5 s at worst."""


@dataclass(frozen=True, slots=True)
class _Match:
    """`count` lines from `before` on are those from `after` on."""

    before: int
    after: int
    count: int


def unified_diff(
    old: Sequence[str], new: Sequence[str], *, names: tuple[str, str] = ("a", "b"), context: int = 3
) -> list[str]:
    """The lines of a unified diff of two texts given as lines; none when they are the same."""
    matches = list(_matches(old, new))
    hunks = list(_hunks(matches, len(old), len(new), context))
    if not hunks:
        return []
    found = [f"--- {names[0]}", f"+++ {names[1]}"]
    for hunk in hunks:
        found += _hunk_lines(hunk, old, new)
    return found


# --- matching ----------------------------------------------------------------------------------------


def _matches(old: Sequence[str], new: Sequence[str]) -> Iterator[_Match]:
    """Runs of equal lines, in order, without overlap."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    if head:
        yield _Match(0, 0, head)
    yield from _middle(old, new, (head, len(old) - tail), (head, len(new) - tail))
    if tail:
        yield _Match(len(old) - tail, len(new) - tail, tail)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return next(
        (at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )


def _middle(
    old: Sequence[str], new: Sequence[str], left: tuple[int, int], right: tuple[int, int]
) -> Iterator[_Match]:
    at, pairs_left = (left[0], right[0]), _MOST_PAIRS
    for anchor in [*_anchors(old, new, left, right), (left[1], right[1])]:
        pairs = (anchor[0] - at[0]) * (anchor[1] - at[1])
        if 0 < pairs <= pairs_left:
            pairs_left -= pairs
            yield from _gap(old, new, (at[0], anchor[0]), (at[1], anchor[1]))
        if anchor != (left[1], right[1]):
            yield _Match(*anchor, 1)
        at = (anchor[0] + 1, anchor[1] + 1)


def _anchors(
    old: Sequence[str], new: Sequence[str], left: tuple[int, int], right: tuple[int, int]
) -> list[tuple[int, int]]:
    """Lines that stand once in each, as places that rise in both: the longest such chain."""
    if left[1] - left[0] <= _MOST_IN_GAP and right[1] - right[0] <= _MOST_IN_GAP:
        return []
    once = [
        {line for line, count in Counter(lines[first:last]).items() if count == 1}
        for lines, (first, last) in ((old, left), (new, right))
    ]
    unique = once[0] & once[1]
    places = {line: at for at, line in enumerate(new[slice(*right)], right[0]) if line in unique}
    pairs = [(at, places[line]) for at, line in enumerate(old[slice(*left)], left[0]) if line in unique]
    return _rising(pairs)


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of `pairs` whose second members rise."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(tails, place)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [place]
        ends[at : at + 1] = [number]
    chain, number = [], ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _gap(
    old: Sequence[str], new: Sequence[str], left: tuple[int, int], right: tuple[int, int]
) -> Iterator[_Match]:
    if max(left[1] - left[0], right[1] - right[0]) > _MOST_IN_GAP:
        return
    matcher = difflib.SequenceMatcher(None, old[slice(*left)], new[slice(*right)], autojunk=False)
    for block in matcher.get_matching_blocks():
        if block.size:
            yield _Match(left[0] + block.a, right[0] + block.b, block.size)


# --- hunks -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Matches and the differences between them; `old` and `new` are the lines it tells of."""

    old: tuple[int, int]
    new: tuple[int, int]
    matches: tuple[_Match, ...]


def _hunks(matches: Sequence[_Match], old_count: int, new_count: int, context: int) -> Iterator[_Hunk]:
    """Parts with differences, each with `context` equal lines around; parts that touch are one."""
    inside: list[_Match] = []
    start = (0, 0)
    differs = False
    for match in [*_joined(matches), _Match(old_count, new_count, 0)]:
        reached = _end(inside[-1]) if inside else start
        differs = differs or reached != (match.before, match.after)
        is_last = (match.before + match.count, match.after + match.count) == (old_count, new_count)
        if not differs:
            inside, start = [_last_lines(match, context)], _begin(_last_lines(match, context))
        elif match.count > 2 * context or is_last:
            closing = _Match(match.before, match.after, min(match.count, context))
            inside.append(closing)
            yield _Hunk((start[0], _end(closing)[0]), (start[1], _end(closing)[1]), tuple(inside))
            if is_last:
                return
            inside, differs = [_last_lines(match, context)], False
            start = _begin(inside[0])
        else:
            inside.append(match)


def _joined(matches: Sequence[_Match]) -> Iterator[_Match]:
    """Neighbouring matches as one."""
    last: _Match | None = None
    for match in matches:
        if last is not None and _end(last) == (match.before, match.after):
            last = _Match(last.before, last.after, last.count + match.count)
            continue
        if last is not None:
            yield last
        last = match
    if last is not None:
        yield last


def _begin(match: _Match) -> tuple[int, int]:
    return match.before, match.after


def _end(match: _Match) -> tuple[int, int]:
    return match.before + match.count, match.after + match.count


def _last_lines(match: _Match, count: int) -> _Match:
    skipped = max(match.count - count, 0)
    return _Match(match.before + skipped, match.after + skipped, match.count - skipped)


def _hunk_lines(hunk: _Hunk, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    yield f"@@ -{_range(*hunk.old)} +{_range(*hunk.new)} @@"
    left, right = hunk.old[0], hunk.new[0]
    for match in (*hunk.matches, _Match(hunk.old[1], hunk.new[1], 0)):
        yield from (f"-{line}" for line in old[left : match.before])
        yield from (f"+{line}" for line in new[right : match.after])
        yield from (f" {line}" for line in old[match.before : match.before + match.count])
        left, right = _end(match)


def _range(start: int, stop: int) -> str:
    count = stop - start
    if count == 1:
        return f"{start + 1}"
    return f"{start + 1 if count else start},{count}"
