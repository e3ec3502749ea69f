"""What is made ready beside the one who reads: decoded frames, and the digest of what was handed out."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self

from blake3 import blake3

from localart.model import BlobRef, Digest, FramePlace, FrameRun, Piece
from localart.records import dataclass
from localart.store.failures import damaged
from localart.store.frames import FrameHead
from localart.workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

AHEAD_PER_THREAD = 3
"""Frames that are decoded before they are asked for."""

_FRAMES_OF_STREAM = 24
_HASHED_BEHIND = 4  # parts


@dataclass(frozen=True)
class OpenFrame:
    """A decoded frame whose own checksums are right; each member is still to be compared with its digest."""

    place: FramePlace
    raw: memoryview
    head: FrameHead

    @cached_property
    def members(self) -> frozenset[tuple[int, Digest, int]]:
        """Offset, digest and size of each member. Who compares a whole blob with its digest needs none."""
        return self.head.places()

    def slice(self, run: FrameRun) -> memoryview:
        """The bytes of a run; not hashed."""
        if not 0 <= run.start <= run.stop <= len(self.raw):
            raise damaged(self.place.pack, self.place.start, "the frame is shorter than the catalog says")
        return self.raw[run.start : run.stop]

    def view(self, piece: Piece) -> memoryview:
        """The bytes of a piece as the frame's member table has it; not hashed."""
        start, blob = piece.offset, piece.blob
        if (start, blob.digest, blob.size_bytes) not in self.members:
            raise damaged(
                self.place.pack, self.place.start, "the frame holds other contents than the catalog says"
            )
        return self.raw[start : start + blob.size_bytes]

    def checked(self, piece: Piece) -> memoryview:
        """The bytes of a piece that match their digest."""
        view = self.view(piece)
        if blake3(view).digest() != piece.blob.digest:
            raise damaged(
                self.place.pack, self.place.start, f"content {short(piece.blob)} is not what it was"
            )
        return view

    def joined(self, pieces: Sequence[Piece]) -> Iterator[memoryview]:
        """The bytes of pieces, neighbours together; not hashed."""
        start = stop = 0
        for piece in pieces:
            self.view(piece)
            if piece.offset != stop:
                if start < stop:
                    yield self.raw[start:stop]
                start = piece.offset
            stop = piece.offset + piece.blob.size_bytes
        if start < stop:
            yield self.raw[start:stop]


class Decoding:
    """The frames of one stream that are being decoded, and those kept because they come again."""

    def __init__(self, decode: Callable[[FramePlace], OpenFrame], workers: Workers) -> None:
        self._decode = decode
        self._workers = workers
        self._uses_left: Counter[FramePlace] = Counter()
        self._kept: OrderedDict[FramePlace, Future[OpenFrame]] = OrderedDict()
        self._waited_for: set[Future[OpenFrame]] = set()

    @property
    def is_far_ahead(self) -> bool:
        """Whether enough frames are under way that nobody has looked at yet."""
        return len(self._waited_for) >= AHEAD_PER_THREAD * self._workers.count

    def expect(self, places: Iterable[FramePlace]) -> None:
        """These will be asked for, each as often as it is named."""
        self._uses_left.update(places)

    def begin(self, place: FramePlace) -> "Future[OpenFrame]":
        """The frame at `place`, as soon as it is decoded. Call in the order of use."""
        future = self._kept.pop(place, None)
        if future is None:
            future = self._workers.submit(self._decode, place)
            self._waited_for.add(future)
        self._uses_left[place] -= 1
        if not self._uses_left[place]:
            del self._uses_left[place]
        else:
            self._kept[place] = future
            if len(self._kept) > _FRAMES_OF_STREAM:
                self._kept.popitem(last=False)
        return future

    def wait(self, future: "Future[OpenFrame]") -> OpenFrame:
        """The decoded frame."""
        self._waited_for.discard(future)
        return future.result()


class Hashing:
    """The BLAKE3 digest of a blob's parts. With `beside`, a thread of its own makes it while the parts are used."""

    def __init__(self, *, beside: bool) -> None:
        self._hasher = blake3()
        self._thread = Workers(1) if beside else None  # one, for the order of the parts
        self._under_way: deque[Future[object]] = deque()

    def add(self, part: memoryview) -> None:
        """The next part, which must not change any more."""
        if self._thread is None:
            self._hasher.update(part)
            return
        self._under_way.append(self._thread.submit(self._hasher.update, part))
        if len(self._under_way) > _HASHED_BEHIND:
            self._under_way.popleft().result()

    def digest(self) -> bytes:
        """Of all parts, once they are through."""
        while self._under_way:
            self._under_way.popleft().result()
        return self._hasher.digest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._thread is not None:
            self._thread.close()


def short(blob: BlobRef) -> str:
    """A blob as messages name it."""
    return blob.digest.hex()[:12]
