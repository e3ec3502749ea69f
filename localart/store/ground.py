"""Earlier content a new file's bytes may be compared with: the version of it before this one."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import TypeAlias

from blake3 import blake3

from localart.model import BasePiece, BaseSlice, BlobLayout, BlobRef, Piece
from localart.records import dataclass
from localart.store.source import ByteSource, fill

MAX_DEPTH = 4
"""How many differences may be stacked: reading one reads all below it."""

_BOTTOM_DEPTH = 1
_MOST_MISSES = 8
_TRIED_THEN = 32
_LEAST_COVERED = 4  # one byte in so many
_LEAST_PART_BYTES = 32 << 10
_MOST_PART_BYTES = 256 << 10
_PADDING_BYTES = 4 << 10
_COMPARED_CHUNKS = 64

ReadBelow: TypeAlias = Callable[[Sequence[BasePiece], int], bytearray]


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
        self._size_bytes = layout.blob.size_bytes
        self._pieces = layout.pieces
        self._starts = starts_of(layout)
        self._spans = spans
        self._span_starts = [span.start for span in spans]
        self._read = read
        self._misses = 0

    def differs_from(self, source: ByteSource) -> bool:
        """Whether `source` is another content for certain: one of a few chunks all over it is not the same."""
        if source.size_bytes != self._size_bytes:
            return True
        every = max(1, len(self._pieces) // _COMPARED_CHUNKS)
        compared = zip(self._starts[::every], self._pieces[::every], strict=True)
        return any(_is_other(source, start, piece.blob) for start, piece in compared)

    def below(self, ranges: Sequence[tuple[int, int]]) -> "Ground | None":
        """What lies below the bytes of a frame, which come from these ranges of the file; None: nothing useful."""
        if self._is_hopeless():
            return None
        parts = tuple(_parted(self._covering(ranges)))
        covered = sum(_length(base) for part in parts for base in part.bases)
        wanted = sum(stop - start for start, stop in ranges)
        return Ground(self, parts) if _LEAST_COVERED * covered > wanted else None

    def _is_hopeless(self) -> bool:
        """After a row of misses only a frame now and then is tried: the file's second half may be another thing."""
        if self._misses < _MOST_MISSES:
            return False
        self._misses += 1
        return self._misses % _TRIED_THEN != 0

    def _covering(self, ranges: Sequence[tuple[int, int]]) -> Iterator[list[BasePiece]]:
        """The bases of each span that has bytes in the ranges."""
        at = 0
        for start, stop in ranges:
            for number in range(max(0, bisect_right(self._span_starts, start) - 1), len(self._spans)):
                span = self._spans[number]
                if span.start >= stop:
                    break
                first, last = max(start, span.start), min(stop, span.stop)
                if first < last:
                    earlier_start = span.earlier_start + first - span.start
                    yield list(self._slices(at + first - start, earlier_start, last - first))
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

    def read(self, bases: Sequence[BasePiece], size_bytes: int) -> bytearray:
        """The bytes of `bases` in place."""
        return self._read(bases, size_bytes)

    def note(self, *, paid: bool) -> None:
        """A frame was written, and the difference was worth telling or not."""
        self._misses = 0 if paid else self._misses + 1


@dataclass(frozen=True, slots=True)
class Part:
    """The earlier bytes below bytes of one kind in a frame: a tensor, a window of one, or some small ones.

    `goes_on`: it is the next window of what the part before it ends with.
    """

    bases: tuple[BasePiece, ...]
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Ground:
    """The earlier bytes below one frame, `parts` in order."""

    earlier: EarlierContent
    parts: tuple[Part, ...]

    @property
    def bases(self) -> tuple[BasePiece, ...]:
        """All of them."""
        return tuple(base for part in self.parts for base in part.bases)

    @property
    def extents(self) -> list[tuple[int, int]]:
        """Where in the frame each part begins and ends; the padding behind a tensor is part of it."""
        starts = [part.bases[0].slice.at for part in self.parts]
        stops = [part.bases[-1].slice.at + _length(part.bases[-1]) for part in self.parts]
        nexts = [*starts[1:], stops[-1]]
        return [
            (start, following if following - stop < _PADDING_BYTES else stop)
            for start, stop, following in zip(starts, stops, nexts, strict=True)
        ]

    @property
    def depth(self) -> int:
        """How many differences are stacked below."""
        return max(base.piece.place.depth for base in self.bases)

    def only(self, wanted: Sequence[bool]) -> "Ground":
        """The parts that are wanted."""
        return Ground(self.earlier, tuple(compress(self.parts, wanted)))

    def read(self, size_bytes: int) -> bytearray:
        """The bytes, zeros where there are none."""
        return self.earlier.read(self.bases, size_bytes)

    def note(self, *, paid: bool) -> None:
        """Whether telling the difference was worth it."""
        self.earlier.note(paid=paid)


def _parted(covering: Iterator[list[BasePiece]]) -> Iterator[Part]:
    """The bases of a frame in parts: small tensors together, large ones in windows."""
    part: list[BasePiece] = []
    size = 0
    goes_on = False
    for bases in covering:
        begins_anew = max(size, sum(map(_length, bases))) >= _LEAST_PART_BYTES
        for number, base in enumerate(bases):
            if part and (begins_anew or size >= _MOST_PART_BYTES):
                yield Part(tuple(_merged(part)), goes_on)
                part, size, goes_on = [], 0, number > 0
            begins_anew = False
            part.append(base)
            size += _length(base)
    if part:
        yield Part(tuple(_merged(part)), goes_on)


def _length(base: BasePiece) -> int:
    return base.slice.stop - base.slice.start


def _shallow(piece: Piece, at: int, start: int, stop: int) -> Iterator[BasePiece]:
    """Bytes `start` to `stop` of a piece; where the stack is full, what lies far below them instead."""
    if piece.place.depth < MAX_DEPTH:
        yield BasePiece(BaseSlice(at, piece.blob.digest, start, stop), piece)
        return
    yield from _bottom(piece, at, start, stop)


def _bottom(piece: Piece, at: int, start: int, stop: int) -> Iterator[BasePiece]:
    """The bytes as a version `_BOTTOM_DEPTH` differences deep or less has them.

    So that the next ones have room to stand on the one just before them: were each full stack left at the top, all
    later versions would be compared with the same old one.
    """
    if piece.place.depth <= _BOTTOM_DEPTH:
        yield BasePiece(BaseSlice(at, piece.blob.digest, start, stop), piece)
        return
    in_frame = piece.offset + start
    for base in piece.place.bases:
        first = max(in_frame, base.slice.at)
        last = min(piece.offset + stop, base.slice.at + base.slice.stop - base.slice.start)
        if first < last:
            shift = base.slice.start - base.slice.at
            yield from _bottom(base.piece, at + first - in_frame, first + shift, last + shift)


def _merged(bases: Iterable[BasePiece]) -> Iterator[BasePiece]:
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


def _is_other(source: ByteSource, start: int, chunk: BlobRef) -> bool:
    view = memoryview(bytearray(chunk.size_bytes))
    fill(source, view, start)
    return blake3(view).digest() != chunk.digest


def starts_of(layout: BlobLayout) -> list[int]:
    """Where in the content each of its pieces begins."""
    starts, at = [], 0
    for piece in layout.pieces:
        starts.append(at)
        at += piece.blob.size_bytes
    return starts
