"""How a new file lies over the version of it before."""

from collections.abc import Iterator

from localart.store.ground import Span
from localart.store.source import ByteSource
from localart.store.tensors import Extent, find_tensors


def align(new: ByteSource, earlier: ByteSource) -> list[Span]:
    """Which bytes of `new` are worth comparing with which of `earlier`, in order, without overlaps.

    The same tensor where both files name their tensors; otherwise the same offset, if the files are equally long.
    """
    tensors = find_tensors(new)
    before = find_tensors(earlier) if tensors else {}
    spans = list(_without_overlaps(sorted(_shared(tensors, before))))
    if spans:
        return [Span(*span) for span in spans]
    if new.size_bytes == earlier.size_bytes:
        return [Span(0, new.size_bytes, 0)]
    return []


def _shared(tensors: dict[str, Extent], before: dict[str, Extent]) -> Iterator[tuple[int, int, int]]:
    for name, (start, length) in tensors.items():
        if name in before and before[name][1] == length:
            yield start, start + length, before[name][0]


def _without_overlaps(spans: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """A forged header may claim the same bytes twice."""
    reached = 0
    for start, stop, earlier_start in spans:
        if start >= reached:
            yield start, stop, earlier_start
            reached = stop
