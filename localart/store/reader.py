"""Give stored bytes back, each checked on the way out (I2)."""

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from localart.errors import BlobDamaged
from localart.model import BasePiece, BaseSlice, BlobLayout, BlobRef, FramePlace, FrameRun, Piece
from localart.records import dataclass
from localart.store.ahead import AHEAD_PER_THREAD, Decoding, Hashing, OpenFrame, short
from localart.store.buffers import Buffers
from localart.store.codecs import DELTAS, decompress
from localart.store.differences import load_arithmetic
from localart.store.failures import damaged
from localart.store.forks import forget_in_children
from localart.store.frames import Bytes, FrameKind, open_pack_fd, read_frame
from localart.store.packs import pack_path
from localart.workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

_OPEN_PACKS = 32
_KEPT_FRAMES = 8
_KEPT_BASES = 24  # frames; a difference of depth d walks through about two in each of d layers
_RUNS_AHEAD = 256
_BESIDE_BYTES = 4 << 20
_GATHERED_BYTES = 1 << 20
_SMALL_VIEW_BYTES = 256 << 10

Job = TypeVar("Job")
Run = TypeVar("Run")
Located = TypeVar("Located", Piece, FrameRun)
Answer = TypeVar("Answer")
_OFFSET = attrgetter("offset")
_KEY = itemgetter(0)

Contents: TypeAlias = list[tuple[BlobRef, Bytes]]


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
        self._frames: OrderedDict[FramePlace, OpenFrame] = OrderedDict()
        self._base_frames: OrderedDict[FramePlace, OpenFrame] = OrderedDict()

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

    def stream_runs(self, blob: BlobRef, windows: Iterable[Sequence[FrameRun]]) -> Iterator[memoryview]:
        """As `stream` of a whole blob, told by the runs that make it up; `windows` is asked as far as it is needed.

        So a file of any size takes the same memory, and looking up goes on beside reading.
        """
        packs: set[str] = set()
        return self._verified(blob, self._views(windows, packs), packs)

    def piece(self, piece: Piece) -> memoryview:
        """The bytes of one chunk or small blob. Frames just used are kept, for a neighbour may be next."""
        return self._kept_frame(piece.place).checked(piece)

    def read_many(self, layouts: Iterable[BlobLayout]) -> Iterator[tuple[BlobRef, Bytes]]:
        """Each of many small blobs with its bytes, in the order they lie in the packs; every frame is read once.

        Blobs of several chunks come last, each read whole.
        """
        single, chunked = _parted(layouts)
        for views in self._ahead(self._checked_pieces, _jobs(single)):
            yield from views
        for layout in chunked:
            yield layout.blob, self.read(layout)

    def hand_out(
        self, pieces: Iterable[Piece], task: "Callable[[Contents], Answer]"
    ) -> "list[Future[Answer]]":
        """Begin to call `task` on the pool with the checked contents of each frame that holds some of these pieces.

        The futures are in the order of the packs. Who leaves early cancels the futures that have not begun and waits
        for the others.
        """

        def run(job: list[Piece]) -> Answer:
            return task(self._checked_pieces(job))

        return [self._workers.submit(run, job) for job in _jobs(pieces)]

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
        views = (
            view
            for frame, pieces in self._frames_ahead([_by_frame(layout.pieces)])
            for view in frame.joined(pieces)
        )
        packs = {piece.place.pack for piece in layout.pieces}
        return self._verified(layout.blob, views, packs)

    def _views(self, windows: Iterable[Sequence[FrameRun]], packs: set[str]) -> Iterator[memoryview]:
        for frame, runs in self._frames_ahead(_by_frame(window) for window in windows):
            packs.add(frame.place.pack)
            for run in runs:
                yield frame.slice(run)

    def _verified(self, blob: BlobRef, views: Iterator[memoryview], packs: set[str]) -> Iterator[memoryview]:
        """`views`, the last of them only when all together have the digest of `blob`."""
        held: memoryview | None = None
        is_large = blob.size_bytes >= _BESIDE_BYTES
        with Hashing(beside=is_large) as hashing:
            for view in self._gathered(views) if is_large else views:
                hashing.add(view)
                if held is not None:
                    yield held
                held = view
            if hashing.digest() != blob.digest:
                raise _wrong(blob, packs)
        if held is not None:
            yield held

    def _gathered(self, views: Iterator[memoryview]) -> Iterator[memoryview]:
        """The same bytes, with small neighbours copied together, for whom each part costs a call or two of their own.

        A table's tenth version lies in 1,582 places of 172 frames: as many parts took 0.08 s more to hash and write.
        Copied at once, so that no frame is held for a part of it.
        """
        room, at = self._buffers.take(_GATHERED_BYTES), 0
        for view in views:
            if at and len(view) > _GATHERED_BYTES - at:
                yield room[:at].toreadonly()
                room, at = self._buffers.take(_GATHERED_BYTES), 0
            if len(view) >= _SMALL_VIEW_BYTES:
                if at:
                    yield room[:at].toreadonly()
                    room, at = self._buffers.take(_GATHERED_BYTES), 0
                yield view
                continue
            room[at : at + len(view)] = view
            at += len(view)
        if at:
            yield room[:at].toreadonly()

    def _stream_range(self, layout: BlobLayout, start: int, stop: int) -> Iterator[memoryview]:
        parts = _parts_between(layout.pieces, start, stop)
        runs = [(place, list(some)) for place, some in groupby(parts, key=lambda part: part.piece.place)]
        for frame, some in self._frames_ahead([runs]):
            for part in some:
                yield frame.checked(part.piece)[part.start : part.stop]

    def _frames_ahead(
        self, windows: Iterable[list[tuple[FramePlace, Run]]]
    ) -> Iterator[tuple[OpenFrame, Run]]:
        """Each run with the frame it lies in; a few frames are decoded ahead on the pool.

        A file of many versions jumps to and fro between the frames of each, so a frame that comes again is kept.
        """
        decoding = Decoding(self._frame, self._workers)
        ahead: deque[tuple[Future[OpenFrame], Run]] = deque()
        try:
            for window in windows:
                if len(window) == 1 and not ahead:
                    yield self._frame(window[0][0]), window[0][1]
                    continue
                decoding.expect(place for place, _ in window)
                if any(place.bases for place, _ in window):
                    load_arithmetic()
                for place, run in window:
                    ahead.append((decoding.begin(place), run))
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
        most = AHEAD_PER_THREAD * self._workers.count
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

    def _checked_pieces(self, pieces: list[Piece]) -> Contents:
        frame = self._frame(pieces[0].place)
        return [(piece.blob, frame.checked(piece)) for piece in pieces]

    # --- frames and packs ---

    def _kept_frame(self, place: FramePlace) -> OpenFrame:
        with self._lock:
            frame = self._frames.pop(place, None)
        frame = frame or self._frame(place)
        with self._lock:
            self._frames[place] = frame
            if len(self._frames) > _KEPT_FRAMES:
                self._frames.popitem(last=False)
        return frame

    def _frame(self, place: FramePlace) -> OpenFrame:
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
        return OpenFrame(place, memoryview(raw).toreadonly(), head)

    def _bases_of(self, place: FramePlace, bases: tuple[BaseSlice, ...], raw_bytes: int) -> bytearray:
        if bases != tuple(base.slice for base in place.bases):
            raise BlobDamaged("the catalog names other bases than the frame")
        return self.below(place.bases, raw_bytes, verify=False)

    def below(self, bases: Sequence[BasePiece], size_bytes: int, *, verify: bool = True) -> bytearray:
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
        return result

    def _base_frame(self, place: FramePlace) -> OpenFrame:
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
            f"The catalog names {total} of the {layout.blob.size_bytes} bytes of content {short(layout.blob)}",
            hint="run `localart verify`, then `localart repair`",
        )


def _check_single(blob: BlobRef, piece: Piece) -> None:
    if piece.blob.digest != blob.digest:
        raise damaged(piece.place.pack, piece.place.start, f"it is not the place of content {short(blob)}")


def _parts_between(pieces: Sequence[Piece], start: int, stop: int) -> Iterator[_Part]:
    at = 0
    for piece in pieces:
        end = at + piece.blob.size_bytes
        if at < stop and end > start:
            yield _Part(piece, max(start - at, 0), min(stop, end) - at)
        at = end


def _by_frame(runs: Sequence[Located]) -> list[tuple[FramePlace, list[Located]]]:
    """Neighbours that lie in the same frame, together."""
    found: list[tuple[FramePlace, list[Located]]] = []
    for run in runs:
        if found and found[-1][0] is run.place:
            found[-1][1].append(run)
        else:
            found.append((run.place, [run]))
    return found


def _parted(layouts: Iterable[BlobLayout]) -> tuple[list[Piece], list[BlobLayout]]:
    """The pieces of blobs that are one piece each, and the other blobs."""
    single: list[Piece] = []
    chunked: list[BlobLayout] = []
    for layout in layouts:
        _check_lengths(layout)
        if len(layout.pieces) == 1:
            _check_single(layout.blob, layout.pieces[0])
            single.append(layout.pieces[0])
        else:
            chunked.append(layout)
    return single, chunked


def _jobs(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """The pieces of each frame, in the order they lie in the packs."""
    found: dict[tuple[str, int], list[Piece]] = {}
    for piece in pieces:
        place = piece.place
        found.setdefault((place.pack, place.start), []).append(piece)
    for job in found.values():
        job.sort(key=_OFFSET)
    return [job for _, job in sorted(found.items(), key=_KEY)]


def _wrong(blob: BlobRef, packs: set[str]) -> BlobDamaged:
    where = f" in pack {min(packs)}" if len(packs) == 1 else f" in {len(packs)} packs"
    return BlobDamaged(
        f"Content {short(blob)}{where if packs else ''} is not what it was",
        hint="run `localart verify`, then `localart repair`",
    )
