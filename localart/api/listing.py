"""What a search found, as W&B's pages of results behave: iterate, count, pick."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class Listing(Generic[T]):
    """Results that stream when iterated over, each time anew; `len()` and `[…]` read as far as they must.

    `next()` walks on where the last one stopped. Changes of the store meanwhile may or may not show.
    """

    def __init__(self, stream: Callable[[], Iterator[T]]) -> None:
        self._stream = stream
        self._walk: Iterator[T] | None = None

    def __iter__(self) -> Iterator[T]:
        return self._stream()

    def __next__(self) -> T:
        if self._walk is None:
            self._walk = self._stream()
        return next(self._walk)

    def __len__(self) -> int:
        return sum(1 for _ in self._stream())

    def __bool__(self) -> bool:
        return any(True for _ in self._stream())

    @overload
    def __getitem__(self, position: int) -> T: ...
    @overload
    def __getitem__(self, position: slice) -> list[T]: ...
    def __getitem__(self, position: int | slice) -> T | list[T]:
        if isinstance(position, slice):
            return list(self._stream())[position]
        if position < 0:
            return list(self._stream())[position]
        for found in islice(self._stream(), position, None):
            return found
        raise IndexError(f"there are fewer than {position + 1} results")
