"""Give stored bytes back, each checked on the way out (I2)."""

import os
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from blake3 import blake3

from localart.errors import BlobDamaged
from localart.model import BasePiece, BaseSlice, BlobLayout, BlobRef, FramePlace, Piece
from localart.records import dataclass
from localart.store.buffers import Buffers
from localart.store.codecs import DELTAS, decompress
from localart.store.failures import damaged
from localart.store.forks import forget_in_children
from localart.store.frames import Bytes, FrameKind, open_pack_fd, read_frame
from localart.store.packs import pack_path
from localart.store.workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

_OPEN_PACKS = 32
_KEPT_FRAMES = 8
_KEPT_BASES = 24  # frames; a difference of depth d walks through about two in each of d layers
_AHEAD_PER_THREAD = 3  # frames
_RUNS_AHEAD = 256
_FRAMES_OF_STREAM = 24

Job = TypeVar("Job")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _OpenFrame:
    """A decoded frame whose own checksums are right; each member is still to be compared with its digest."""

    place: FramePlace
    raw: memoryview
    members: frozenset[tuple[int, BlobRef]]

    def view(self, piece: Piece) -> memoryview:
        """The bytes of a piece as the frame's member table has it; not hashed."""
        if (piece.offset, piece.blob) not in self.members:
            raise damaged(
                self.place.pack, self.place.start, "the frame holds other contents than the catalog says"
            )
        return self.raw[piece.offset : piece.offset + piece.blob.size_bytes]

    def checked(self, piece: Piece) -> memoryview:
        """The bytes of a piece that match their digest."""
        view = self.view(piece)
        if blake3(view).digest() != piece.blob.digest:
            raise damaged(
                self.place.pack, self.place.start, f"content {_short(piece.blob)} is not what it was"
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


@dataclass(frozen=True, slots=True)
class _Part:
    """The bytes from `start` to `stop` of a piece."""

    piece: Piece
    start: int
    stop: int


class BlobReader:
    """Reads blobs from the packs of one store. Safe to call from several threads, and after a fork.

    Every frame is compared with its XXH3, its members with what the catalog says, and every blob with its BLAKE3
    digest. BlobMissing: there is no such pack (any more); look the blob up again. BlobDamaged: anything else.
    """

    def __init__(self, root: Path, *, threads: int = 2) -> None:
        self._root = root
        self._workers = Workers(threads)
        self._begin()
        forget_in_children(self)

    def _begin(self) -> None:
        self._buffers = Buffers(12)
        self._lock = threading.Lock()
        self._packs: OrderedDict[str, _OpenPack] = OrderedDict()
        self._frames: OrderedDict[FramePlace, _OpenFrame] = OrderedDict()
        self._base_frames: OrderedDict[FramePlace, _OpenFrame] = OrderedDict()

    def read(self, layout: BlobLayout) -> bytes:
        """All bytes of a blob; meant for small ones. Frames just used are kept, for a neighbour may be next."""
        _check_lengths(layout)
        if len(layout.pieces) == 1:
            piece = layout.pieces[0]
            _check_single(layout.blob, piece)
            return bytes(self._kept_frame(piece.place).checked(piece))
        return b"".join(self.stream(layout))

    def stream(
        self, layout: BlobLayout, *, start: int = 0, length: int | None = None
    ) -> Iterator[memoryview]:
        """The bytes of a blob in order, or `length` of them from `start` on, in parts of up to 1 MiB.

        Of a whole blob the last part is only handed out when all of them match the blob's digest: what came
        before must not be trusted until the iterator ends without an error. Parts of a range are right at once.
        """
        _check_lengths(layout)
        size = layout.blob.size_bytes
        start = min(max(start, 0), size)
        stop = size if length is None else min(start + max(length, 0), size)
        if start == 0 and stop == size:
            return self._stream_whole(layout)
        return self._stream_range(layout, start, stop)

    def piece(self, piece: Piece) -> memoryview:
        """The bytes of one chunk or small blob. Frames just used are kept, for a neighbour may be next."""
        return self._kept_frame(piece.place).checked(piece)

    def read_many(self, layouts: Iterable[BlobLayout]) -> Iterator[tuple[BlobRef, Bytes]]:
        """Each of many small blobs with its bytes, in the order they lie in the packs; every frame is read once.

        Blobs of several chunks come last, each read whole.
        """
        pieces: list[Piece] = []
        chunked: list[BlobLayout] = []
        for layout in layouts:
            _check_lengths(layout)
            if len(layout.pieces) == 1:
                _check_single(layout.blob, layout.pieces[0])
                pieces.append(layout.pieces[0])
            else:
                chunked.append(layout)
        pieces.sort(key=lambda piece: (piece.place.pack, piece.place.start, piece.offset))
        jobs = [list(group) for _, group in groupby(pieces, key=lambda piece: piece.place)]
        for views in self._ahead(self._checked_pieces, jobs):
            yield from views
        for layout in chunked:
            yield layout.blob, self.read(layout)

    def close(self) -> None:
        """End the threads and close the packs. A later call begins anew."""
        self._workers.close()
        self._begin()

    def forget(self) -> None:
        """In a forked child: there are no threads, and a lock may have been held."""
        self._workers.forget()
        self._begin()

    # --- streams ---

    def _stream_whole(self, layout: BlobLayout) -> Iterator[memoryview]:
        hasher = blake3()
        held: memoryview | None = None
        for frame, parts in self._frames_ahead(_parts_between(layout.pieces, 0, layout.blob.size_bytes)):
            for view in frame.joined([part.piece for part in parts]):
                if held is not None:
                    yield held
                hasher.update(view)
                held = view
        if hasher.digest() != layout.blob.digest:
            raise _wrong(layout)
        if held is not None:
            yield held

    def _stream_range(self, layout: BlobLayout, start: int, stop: int) -> Iterator[memoryview]:
        for frame, parts in self._frames_ahead(_parts_between(layout.pieces, start, stop)):
            for part in parts:
                yield frame.checked(part.piece)[part.start : part.stop]

    def _frames_ahead(self, parts: Iterable[_Part]) -> Iterator[tuple[_OpenFrame, list[_Part]]]:
        """Runs of parts with the frame they lie in; a few frames are decoded ahead on the pool.

        A file of many versions jumps to and fro between the frames of each, so a frame that comes again is kept.
        """
        runs = [list(run) for _, run in groupby(parts, key=lambda part: part.piece.place)]
        if len(runs) == 1:
            yield self._frame(runs[0][0].piece.place), runs[0]
            return
        decoding = _Decoding(self._frame, self._workers, [run[0].piece.place for run in runs])
        ahead: deque[tuple[Future[_OpenFrame], list[_Part]]] = deque()
        try:
            for run in runs:
                ahead.append((decoding.begin(run[0].piece.place), run))
                while decoding.is_far_ahead or len(ahead) > _RUNS_AHEAD:
                    future, ready = ahead.popleft()
                    yield decoding.wait(future), ready
            for future, ready in ahead:
                yield decoding.wait(future), ready
        finally:
            for future, _ in ahead:
                future.cancel()

    def _ahead(self, task: Callable[[Job], Answer], jobs: Sequence[Job]) -> Iterator[Answer]:
        """The answers in order; a few jobs run ahead on the pool."""
        if len(jobs) < 2:
            yield from map(task, jobs)
            return
        running: deque[Future[Answer]] = deque()
        most = _AHEAD_PER_THREAD * self._workers.count
        try:
            for job in jobs:
                running.append(self._workers.submit(task, job))
                if len(running) >= most:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()

    # --- tasks of the pool ---

    def _checked_pieces(self, pieces: list[Piece]) -> list[tuple[BlobRef, Bytes]]:
        frame = self._frame(pieces[0].place)
        return [(piece.blob, frame.checked(piece)) for piece in pieces]

    # --- frames and packs ---

    def _kept_frame(self, place: FramePlace) -> _OpenFrame:
        with self._lock:
            frame = self._frames.pop(place, None)
        frame = frame or self._frame(place)
        with self._lock:
            self._frames[place] = frame
            if len(self._frames) > _KEPT_FRAMES:
                self._frames.popitem(last=False)
        return frame

    def _frame(self, place: FramePlace) -> _OpenFrame:
        data = self._buffers.take(place.stored_bytes)
        head = read_frame(self._pack(place.pack).fd, place, data)
        if head.kind is not FrameKind.DATA:
            raise damaged(place.pack, place.start, "the frame holds no contents")
        body = data[head.head_bytes :]
        read_bases = partial(self._bases_of, place) if head.codec in DELTAS else None
        try:
            raw = decompress(head.codec, body, head.raw_bytes, read_bases)
        except BlobDamaged as error:
            raise damaged(place.pack, place.start, error.message) from error
        return _OpenFrame(place, memoryview(raw).toreadonly(), head.places())

    def _bases_of(self, place: FramePlace, bases: tuple[BaseSlice, ...], raw_bytes: int) -> bytes:
        if bases != tuple(base.slice for base in place.bases):
            raise BlobDamaged("the catalog names other bases than the frame")
        return self.below(place.bases, raw_bytes, verify=False)

    def below(self, bases: Sequence[BasePiece], size_bytes: int, *, verify: bool = True) -> bytes:
        """The slices of `bases` where they lie in `size_bytes` bytes, zeros between them.

        Neighbouring frames have neighbouring bases, so the frames they lie in are kept for a while. Without `verify`
        the bytes are as sound as their frames' checksums, and what is made of them is to be compared with a digest.
        """
        result = bytearray(size_bytes)
        for base in bases:
            frame = self._base_frame(base.piece.place)
            whole = frame.checked(base.piece) if verify else frame.view(base.piece)
            view = whole[base.slice.start : base.slice.stop]
            if len(view) != base.slice.stop - base.slice.start:
                raise BlobDamaged("a base is shorter than the frame says")
            result[base.slice.at : base.slice.at + len(view)] = view
        return bytes(result)

    def _base_frame(self, place: FramePlace) -> _OpenFrame:
        with self._lock:
            frame = self._base_frames.get(place)
            if frame is not None:
                self._base_frames.move_to_end(place)
                return frame
        frame = self._frame(place)
        with self._lock:
            self._base_frames[place] = frame
            if len(self._base_frames) > _KEPT_BASES:
                self._base_frames.popitem(last=False)
        return frame

    def _pack(self, pack: str) -> "_OpenPack":
        with self._lock:
            found = self._packs.pop(pack, None) or _OpenPack(pack_path(self._root, pack))
            self._packs[pack] = found
            if len(self._packs) > _OPEN_PACKS:
                self._packs.popitem(last=False)
            return found


class _Decoding:
    """The frames of one stream that are being decoded, and those kept because they come again."""

    def __init__(
        self, decode: Callable[[FramePlace], _OpenFrame], workers: Workers, places: Iterable[FramePlace]
    ) -> None:
        self._decode = decode
        self._workers = workers
        self._uses_left = Counter(places)
        self._kept: OrderedDict[FramePlace, Future[_OpenFrame]] = OrderedDict()
        self._waited_for: set[Future[_OpenFrame]] = set()

    @property
    def is_far_ahead(self) -> bool:
        """Whether enough frames are under way that nobody has looked at yet."""
        return len(self._waited_for) >= _AHEAD_PER_THREAD * self._workers.count

    def begin(self, place: FramePlace) -> "Future[_OpenFrame]":
        """The frame at `place`, as soon as it is decoded. Call in the order of use."""
        future = self._kept.pop(place, None)
        if future is None:
            future = self._workers.submit(self._decode, place)
            self._waited_for.add(future)
        self._uses_left[place] -= 1
        if self._uses_left[place]:
            self._kept[place] = future
            if len(self._kept) > _FRAMES_OF_STREAM:
                self._kept.popitem(last=False)
        return future

    def wait(self, future: "Future[_OpenFrame]") -> _OpenFrame:
        """The decoded frame."""
        self._waited_for.discard(future)
        return future.result()


class _OpenPack:
    """A pack's descriptor, closed when nobody uses it any more: a reader in another thread may outlive the cache."""

    def __init__(self, path: Path) -> None:
        self.fd = -1
        self.fd = open_pack_fd(path)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


# --- what is asked for -----------------------------------------------------------------------------


def _check_lengths(layout: BlobLayout) -> None:
    total = sum(piece.blob.size_bytes for piece in layout.pieces)
    if total != layout.blob.size_bytes:
        raise BlobDamaged(
            f"The catalog names {total} of the {layout.blob.size_bytes} bytes of content {_short(layout.blob)}",
            hint="run `localart verify`, then `localart repair`",
        )


def _check_single(blob: BlobRef, piece: Piece) -> None:
    if piece.blob.digest != blob.digest:
        raise damaged(piece.place.pack, piece.place.start, f"it is not the place of content {_short(blob)}")


def _parts_between(pieces: Sequence[Piece], start: int, stop: int) -> Iterator[_Part]:
    at = 0
    for piece in pieces:
        end = at + piece.blob.size_bytes
        if at < stop and end > start:
            yield _Part(piece, max(start - at, 0), min(stop, end) - at)
        at = end


def _wrong(layout: BlobLayout) -> BlobDamaged:
    packs = sorted({piece.place.pack for piece in layout.pieces})
    where = f" in pack {packs[0]}" if len(packs) == 1 else f" in {len(packs)} packs"
    return BlobDamaged(
        f"Content {_short(layout.blob)}{where if packs else ''} is not what it was",
        hint="run `localart verify`, then `localart repair`",
    )


def _short(blob: BlobRef) -> str:
    return blob.digest.hex()[:12]
