"""What a search found, as W&B's pages of results behave: iterate, count, pick."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, Self, TypeVar, overload

from localart.errors import InvalidRequest
from localart.records import dataclass

T = TypeVar("T")

MOST_PER_PAGE = 1_000
KEPT_OBJECTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages(Generic[T]):
    """Where results come from: how many there are, the keys of a slice (limit -1: the rest), objects by key."""

    count: Callable[[], int]
    keys: Callable[[int, int], Sequence[Hashable]]
    load: Callable[[Sequence[Any]], Mapping[Any, T]]


class Listing(Generic[T]):
    """Results that are looked up when they are asked for, and only those.

    Iterating takes a page at a time; `len()` is one counting query and a slice reads nothing but itself. Objects
    that were handed out lately (1,000 of them) are handed out again, so that `runs[0].tags = …; runs[0].update()`
    means one object. `next()` walks on where the last one stopped. Changes of the store meanwhile may or may not
    show.
    """

    def __init__(self, pages: Pages[T], *, per_page: int = 50) -> None:
        if isinstance(per_page, bool) or not isinstance(per_page, int) or per_page < 1:
            raise InvalidRequest("per_page must be a positive whole number", hint="leave it out")
        self._pages = pages
        self._per_page = min(per_page, MOST_PER_PAGE)
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._walk: Iterator[T] | None = None
        self._last: Hashable | None = None
        self._ended = False

    @classmethod
    def of(cls, found: Sequence[T], *, keys: Sequence[Hashable] | None = None, per_page: int = 50) -> Self:
        """Results that are at hand already; `keys` name them for `cursor`."""
        known = dict(zip(range(len(found)) if keys is None else keys, found, strict=True))
        names = list(known)
        return cls(
            Pages(
                count=lambda: len(names),
                keys=lambda offset, limit: names[offset : None if limit < 0 else offset + limit],
                load=lambda wanted: {key: known[key] for key in wanted},
            ),
            per_page=per_page,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)}>"

    # --- walking -------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[T]:
        first = self._pages.keys(0, self._per_page)
        yield from self._objects(first)
        if len(first) < self._per_page:
            self._ended = True
            return
        seen = set(first)  # what is new meanwhile may have pushed these down
        rest = iter([key for key in self._pages.keys(self._per_page, -1) if key not in seen])
        while page := list(islice(rest, self._per_page)):
            yield from self._objects(page)
        self._ended = True

    def _objects(self, keys: Sequence[Hashable]) -> Iterator[T]:
        found = self._load(keys)
        for key in keys:
            if key in found:  # else deleted meanwhile
                self._last = key
                yield found[key]

    def _load(self, keys: Sequence[Hashable]) -> dict[Hashable, T]:
        unknown = [key for key in keys if key not in self._kept]
        loaded = {
            key: one
            for at in range(0, len(unknown), MOST_PER_PAGE)
            for key, one in self._pages.load(unknown[at : at + MOST_PER_PAGE]).items()
        }
        found = {
            key: loaded[key] if key in loaded else self._kept[key]
            for key in keys
            if key in loaded or key in self._kept
        }
        self._keep(found)
        return found

    def _keep(self, found: Mapping[Hashable, T]) -> None:
        for key, one in found.items():
            self._kept[key] = one
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT_OBJECTS:
            self._kept.popitem(last=False)

    def __next__(self) -> T:
        if self._walk is None:
            self._walk = iter(self)
        return next(self._walk)

    def next(self) -> T:
        """The next result; StopIteration after the last."""
        return self.__next__()

    # --- counting and picking ------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._pages.count()

    def __bool__(self) -> bool:
        return len(self._pages.keys(0, 1)) > 0

    @property
    def length(self) -> int:
        """How many there are."""
        return len(self)

    @property
    def per_page(self) -> int:
        """How many are looked up at a time."""
        return self._per_page

    @property
    def more(self) -> bool:
        """Whether a walk has not come to the end yet."""
        return not self._ended

    @property
    def cursor(self) -> str | None:
        """The place of the result handed out last, for `start=`; None before the first."""
        return None if self._last is None else str(self._last)

    @overload
    def __getitem__(self, position: int) -> T: ...
    @overload
    def __getitem__(self, position: slice) -> list[T]: ...
    def __getitem__(self, position: int | slice) -> T | list[T]:
        if isinstance(position, slice):
            return self._slice(position)
        at = position if position >= 0 else position + len(self)
        found = list(self._objects(self._pages.keys(at, 1))) if at >= 0 else []
        if not found:
            raise IndexError(f"there is no result {position}")
        return found[0]

    def _slice(self, wanted: slice) -> list[T]:
        start, stop, step = wanted.start or 0, wanted.stop, wanted.step or 1
        if min(start, step) < 0 or (stop is not None and stop < 0):
            start, stop, step = wanted.indices(len(self))
            places = range(start, stop, step)
            if not places:
                return []
            lowest, highest = min(places[0], places[-1]), max(places[0], places[-1])
            keys = self._pages.keys(lowest, highest - lowest + 1)
            picked = [keys[place - lowest] for place in places if place - lowest < len(keys)]
        else:
            picked = list(self._pages.keys(start, -1 if stop is None else max(stop - start, 0))[::step])
        return list(self._objects(picked))
