"""What differs between two or more versions, or runs: values by their paths, and files. Nothing is changed.

Sides are compared in the order given: what the first lacks was *added*, what the last lacks was *removed*, what all
have but not alike was *modified*.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from localart.catalog import manifests
from localart.catalog.manifests import ManifestRecord
from localart.jsonable import same_value
from localart.manifest import Page, sort_key
from localart.model import Entry, VersionRecord
from localart.records import dataclass

MOST_VALUES = 50_000
_SMALL_GAP_PAGES = 4


class Change(StrEnum):
    """How something differs between the sides."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    SAME = "same"

    @property
    def sign(self) -> str:
        """One character for it: `+ - ~ =`."""
        return _SIGNS[self]


_SIGNS = {Change.ADDED: "+", Change.REMOVED: "-", Change.MODIFIED: "~", Change.SAME: "="}


class Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        """`-`."""
        return "-"


MISSING: Final = Missing()
"""What a side has where it has nothing: not the same as null."""


# --- values ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDifference:
    """A value at its path, as each side has it (`MISSING` where it has none)."""

    path: tuple[str, ...]
    values: tuple[Any, ...]
    change: Change

    @property
    def name(self) -> str:
        """The path in one line: `optimizer.lr`; a key that holds a dot is quoted."""
        return path_text(self.path)

    @property
    def delta(self) -> float | None:
        """The last number less the first; None when either is no finite number, or they are the same."""
        first, last = self.values[0], self.values[-1]
        if not (_is_number(first) and _is_number(last)):
            return None
        try:
            found = float(last) - float(first)
        except OverflowError:
            return None
        return found if found == found and abs(found) != float("inf") and found != 0 else None  # noqa: PLR0124


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def path_text(path: Sequence[str]) -> str:
    """A path of keys in one line."""
    return ".".join(json.dumps(key) if "." in key or not key else key for key in path)


def compare_values(sides: Sequence[Mapping[str, Any]]) -> list[ValueDifference]:
    """Every value below the sides, same ones too: in the order of the first side, then what the next ones add.

    Objects, and lists that hold objects or lists, are taken apart; at most 50,000 values of a side.
    """
    flat = [dict(_flat(side)) for side in sides]
    paths = dict.fromkeys(path for values in flat for path in values)
    return [_difference(path, tuple(values.get(path, MISSING) for values in flat)) for path in paths]


def _difference(path: tuple[str, ...], values: tuple[Any, ...]) -> ValueDifference:
    return ValueDifference(path=path, values=values, change=_change(values, MISSING, _same_values))


def _same_values(one: object, other: object) -> bool:
    if isinstance(one, str | int | None) and type(one) is type(other):
        return one == other
    return same_value(one, other)


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    waiting: list[tuple[tuple[str, ...], Any]] = [((), values)]
    count = 0
    while waiting and count < MOST_VALUES:
        path, value = waiting.pop()
        inside = _inside(value)
        if inside:
            waiting += [((*path, str(key)), one) for key, one in reversed(inside)]
        elif path:
            count += 1
            yield path, value


def _inside(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping | list | tuple) for one in value):
        return list(enumerate(value))
    return []


def _change(values: Sequence[Any], missing: object, same: Any) -> Change:
    first, last = values[0], values[-1]
    if first is missing:
        return Change.ADDED
    if last is missing:
        return Change.REMOVED
    if all(one is not missing and same(first, one) for one in values[1:]):
        return Change.SAME
    return Change.MODIFIED


# --- files -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifference:
    """A path, and what stands there on each side (None: nothing)."""

    path: str
    entries: tuple[Entry | None, ...]
    change: Change


class FileComparison:
    """The files of some versions side by side, in manifest order; iterate it once.

    Streams: memory does not grow with the versions. Parts of the manifests whose digests are the same are not read,
    unless the same files are asked for (`with_same`); what is read is checked against its digests, and
    `CatalogDamaged` says when a row is not what was logged. `counts` and `compared` grow while it runs.
    """

    def __init__(
        self, connection: sqlite3.Connection, versions: Sequence[VersionRecord], *, with_same: bool = False
    ) -> None:
        self.counts: Counter[Change] = Counter()
        self._connection = connection
        self._with_same = with_same
        self._manifests = [manifests.get_manifest(connection, one.manifest_id) for one in versions]

    @property
    def compared(self) -> int:
        """How many paths have been compared so far."""
        return self.counts.total()

    def __iter__(self) -> Iterator[FileDifference]:
        """The differences, and with `with_same` the rest too."""
        for part in self._parts():
            if part.is_same:
                yield from self._same(part)
                continue
            streams = [self._read(number, part) for number in range(len(self._manifests))]
            for path, entries in _aligned(streams):
                change = _change(entries, None, _same_entries)
                self.counts[change] += 1
                if self._with_same or change is not Change.SAME:
                    yield FileDifference(path=path, entries=entries, change=change)

    def _same(self, part: "_Part") -> Iterator[FileDifference]:
        """A part that is the same on every side: read once, if at all."""
        if not self._with_same:
            self.counts[Change.SAME] += sum(page.count for page in self._pages(0, part))
            return
        sides = len(self._manifests)
        for entry in self._read(0, part):
            self.counts[Change.SAME] += 1
            yield FileDifference(path=entry.path, entries=(entry,) * sides, change=Change.SAME)

    def _pages(self, number: int, part: "_Part") -> Sequence[Page]:
        first, stop = part.bounds[number]
        return self._manifests[number].pages[first:stop]

    def _read(self, number: int, part: "_Part") -> Iterator[Entry]:
        return manifests.verified_pages(self._connection, self._manifests[number], *part.bounds[number])

    def _parts(self) -> list["_Part"]:
        """The manifests cut where all of them are cut, same parts and others in turns."""
        parts: list[_Part] = []
        for part in _cut(self._manifests):
            if parts and parts[-1].is_same == part.is_same:
                parts[-1] = parts[-1].joined(part)
            else:
                parts.append(part)
        return _without_small_gaps(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Pages from first to stop of each manifest; the same paths fall into the same part on every side."""

    bounds: tuple[tuple[int, int], ...]
    is_same: bool

    def joined(self, other: "_Part") -> "_Part":
        bounds = tuple((mine[0], theirs[1]) for mine, theirs in zip(self.bounds, other.bounds, strict=True))
        return _Part(bounds=bounds, is_same=self.is_same and other.is_same)


def _cut(records: Sequence[ManifestRecord]) -> Iterator[_Part]:
    places = [{page.last: at for at, page in enumerate(record.pages, 1)} for record in records]
    common = sorted(set(places[0]).intersection(*places[1:]), key=sort_key)
    ends = [tuple(place[last] for place in places) for last in common]
    ends.append(tuple(len(record.pages) for record in records))
    starts = (0,) * len(records)
    for stops in ends:
        if stops == starts:
            continue
        bounds = tuple(zip(starts, stops, strict=True))
        digests = {
            tuple(page.digest for page in record.pages[first:stop])
            for record, (first, stop) in zip(records, bounds, strict=True)
        }
        yield _Part(bounds=bounds, is_same=len(digests) == 1)
        starts = stops


def _without_small_gaps(parts: Sequence[_Part]) -> list[_Part]:
    """A few same pages between others are read along: each part costs some queries."""
    kept: list[_Part] = []
    for part in parts:
        gap = kept[-1] if len(kept) > 1 and kept[-1].is_same and not part.is_same else None
        if gap is not None and gap.bounds[0][1] - gap.bounds[0][0] <= _SMALL_GAP_PAGES:
            kept[-2:] = [kept[-2].joined(gap).joined(part)]
        elif kept and not kept[-1].is_same and not part.is_same:
            kept[-1] = kept[-1].joined(part)
        else:
            kept.append(part)
    return kept


def _same_entries(one: Entry, other: Entry) -> bool:
    return one.digest == other.digest and (one.reference is None) == (other.reference is None)


def _aligned(streams: Sequence[Iterator[Entry]]) -> Iterator[tuple[str, tuple[Entry | None, ...]]]:
    """Each path, with what stands there on every side."""
    heads = [next(stream, None) for stream in streams]
    while alive := [head.path for head in heads if head is not None]:
        path = alive[0]
        if any(other != path for other in alive):
            path = min(alive, key=sort_key)
        row = tuple([head if head is not None and head.path == path else None for head in heads])
        yield path, row
        for number, taken in enumerate(row):
            if taken is not None:
                heads[number] = next(streams[number], None)
