"""Earlier content a new file's bytes may be compared with: the version of it before this one."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from localart.model import BasePiece, BaseSlice, BlobLayout, Piece
from localart.records import dataclass

MAX_DEPTH = 4
"""How many differences may be stacked: reading one reads all below it."""

_MOST_MISSES = 8

ReadBelow: TypeAlias = Callable[[Sequence[BasePiece], int], bytes]


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `stop` of a new file, and where in the earlier one their counterpart begins."""

    start: int
    stop: int
    earlier_start: int


class EarlierContent:
    """One stored content, how a new file's bytes lie over it, and whether that has paid so far.

    `spans` are in order and do not overlap. Made for one file; its frames may be written by several threads.
    """

    def __init__(self, layout: BlobLayout, spans: Sequence[Span], read: ReadBelow) -> None:
        self._pieces = layout.pieces
        self._starts = _starts(layout)
        self._spans = spans
        self._span_starts = [span.start for span in spans]
        self._read = read
        self._misses = 0

    def below(self, ranges: Sequence[tuple[int, int]]) -> "Ground | None":
        """What lies below the bytes of a frame, which come from these ranges of the file; None: nothing useful."""
        if self._misses >= _MOST_MISSES:
            return None
        bases = tuple(_merged(self._covering(ranges)))
        covered = sum(base.slice.stop - base.slice.start for base in bases)
        wanted = sum(stop - start for start, stop in ranges)
        return Ground(self, bases) if 2 * covered > wanted else None

    def _covering(self, ranges: Sequence[tuple[int, int]]) -> Iterator[BasePiece]:
        at = 0
        for start, stop in ranges:
            for number in range(max(0, bisect_right(self._span_starts, start) - 1), len(self._spans)):
                span = self._spans[number]
                if span.start >= stop:
                    break
                first, last = max(start, span.start), min(stop, span.stop)
                if first < last:
                    yield from self._slices(
                        at + first - start, span.earlier_start + first - span.start, last - first
                    )
            at += stop - start

    def _slices(self, at: int, start: int, length: int) -> Iterator[BasePiece]:
        """The slices of stored chunks that hold `length` bytes of the earlier content from `start` on."""
        number = max(0, bisect_right(self._starts, start) - 1)
        stop = start + length
        while number < len(self._pieces) and self._starts[number] < stop:
            piece, begin = self._pieces[number], self._starts[number]
            first, last = max(start, begin), min(stop, begin + piece.blob.size_bytes)
            if first < last:
                yield from _shallow(piece, at + first - start, first - begin, last - begin)
            number += 1

    def read(self, bases: Sequence[BasePiece], size_bytes: int) -> bytes:
        """The bytes of `bases` in place."""
        return self._read(bases, size_bytes)

    def note(self, *, paid: bool) -> None:
        """A frame was written: after a row of misses the rest of the file is not tried."""
        self._misses = 0 if paid else self._misses + 1


@dataclass(frozen=True, slots=True)
class Ground:
    """The earlier bytes below one frame."""

    earlier: EarlierContent
    bases: tuple[BasePiece, ...]

    @property
    def depth(self) -> int:
        """How many differences are stacked below."""
        return max(base.piece.place.depth for base in self.bases)

    def read(self, size_bytes: int) -> bytes:
        """The bytes, zeros where there are none."""
        return self.earlier.read(self.bases, size_bytes)

    def note(self, *, paid: bool) -> None:
        """Whether telling the difference was worth it."""
        self.earlier.note(paid=paid)


def _shallow(piece: Piece, at: int, start: int, stop: int) -> Iterator[BasePiece]:
    """Bytes `start` to `stop` of a piece; where the stack is full, what lies below them instead."""
    if piece.place.depth < MAX_DEPTH:
        yield BasePiece(BaseSlice(at, piece.blob.digest, start, stop), piece)
        return
    in_frame = piece.offset + start
    for base in piece.place.bases:
        first = max(in_frame, base.slice.at)
        last = min(piece.offset + stop, base.slice.at + base.slice.stop - base.slice.start)
        if first < last:
            shift = base.slice.start - base.slice.at
            yield from _shallow(base.piece, at + first - in_frame, first + shift, last + shift)


def _merged(bases: Iterator[BasePiece]) -> Iterator[BasePiece]:
    """Neighbouring slices of one chunk as one: the cuts of versions in between are no matter."""
    before: BasePiece | None = None
    for base in bases:
        if before is not None and _follows(before.slice, base.slice):
            joined = BaseSlice(before.slice.at, base.slice.chunk, before.slice.start, base.slice.stop)
            before = BasePiece(joined, base.piece)
            continue
        if before is not None:
            yield before
        before = base
    if before is not None:
        yield before


def _follows(before: BaseSlice, base: BaseSlice) -> bool:
    return (
        base.chunk == before.chunk
        and base.start == before.stop
        and base.at == before.at + before.stop - before.start
    )


def _starts(layout: BlobLayout) -> list[int]:
    starts, at = [], 0
    for piece in layout.pieces:
        starts.append(at)
        at += piece.blob.size_bytes
    return starts
