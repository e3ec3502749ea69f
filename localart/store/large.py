"""Take in one large file: a single read, cut into chunks, only new ones stored.

The calling thread reads and cuts; the pool hashes (a buffer at a time) and compresses and writes (a frame of a
mebibyte at a time). Hand-offs are that large on purpose: beside a busy Python
thread each can cost the 5 ms of a GIL switch. Memory: six buffers of 4 MiB, whatever the file.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from blake3 import blake3

from localart.model import BlobRef, ChunkedBlob, Digest
from localart.progress import Progress
from localart.records import dataclass
from localart.store.chunking import Chunker, holds_floats
from localart.store.framing import Placed, RecipeHabit, write_difference, write_frame
from localart.store.ground import EarlierContent
from localart.store.packs import PackAppender
from localart.store.source import ByteSource, check_ended, fill
from localart.workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

FindNew: TypeAlias = Callable[[Sequence[Digest]], set[Digest]]

_SLAB_BYTES = 4 << 20
_FRAME_BYTES = 1 << 20
_CARRY_BYTES = 512 << 10  # a frame at least this full is not kept open for the next buffer


@dataclass(slots=True)
class Slab:
    """A reusable buffer: `view` up to `filled`, new from `carried` on, the chunks in it, the tasks that read it.

    Its first byte is the file's at `offset`.
    """

    view: memoryview = field(default_factory=lambda: memoryview(b""))
    offset: int = 0
    carried: int = 0
    filled: int = 0
    ends: list[int] = field(default_factory=list)
    digests: Callable[[], list[Digest]] = list
    writes: "list[Future[Placed]]" = field(default_factory=list)

    def load(self, carry: memoryview, source: ByteSource, offset: int) -> int:
        """Fill the buffer with the last one's rest and then from `offset` on; the offset after that."""
        end = min(offset + _SLAB_BYTES - len(carry), source.size_bytes)
        self.offset = offset - len(carry)
        self.carried = len(carry)
        self.filled = len(carry) + end - offset
        if len(self.view) < self.filled:
            self.view = memoryview(bytearray(self.filled))
        self.view[: len(carry)] = carry
        fill(source, self.view[self.carried : self.filled], offset)
        return end


class SlabRing:
    """The buffers of one writer, taken in turn; one is taken again when no task reads it any more."""

    def __init__(self, count: int) -> None:
        self._slabs = [Slab() for _ in range(count)]
        self._next = 0

    def take(self) -> Slab:
        """The next buffer, once its tasks are over. Whether they went well is for others to see."""
        slab = self._slabs[self._next]
        self._next = (self._next + 1) % len(self._slabs)
        _wait(slab.writes)
        slab.writes.clear()
        return slab


@dataclass(slots=True, kw_only=True)
class LargeIngest:
    """One large file on its way into packs.

    When `run` raises, the frames written so far are garbage in the pack, and nobody is told of them.
    """

    source: ByteSource
    packs: PackAppender
    workers: Workers
    ring: SlabRing
    find_new: FindNew
    progress: Progress
    earlier: EarlierContent | None = None
    writes: "list[Future[Placed]]" = field(default_factory=list)
    new_digests: list[Digest] = field(default_factory=list)
    _whole: blake3 = field(default_factory=blake3)
    _chunks: list[BlobRef] = field(default_factory=list)
    _seen: dict[Digest, BlobRef] = field(default_factory=dict)

    def run(self) -> ChunkedBlob:
        """Read it all. `writes` are the frames under way, `new_digests` what they hold. SourceChanged."""
        try:
            return self._run()
        except BaseException:
            _wait(self.writes)
            raise

    def _run(self) -> ChunkedBlob:
        aligned = holds_floats(self.source)
        frames = _FrameBuilder(self, RecipeHabit(planes=aligned))
        slabs = self._cut(Chunker(self.source.size_bytes, aligned=aligned))
        slab = next(slabs)
        for following in slabs:
            digests = slab.digests()
            self._start_hashing(following)
            self._store(slab, digests, frames, last=False)
            slab = following
        self._store(slab, slab.digests(), frames, last=True)
        check_ended(self.source)
        digest = Digest(self._whole.digest())
        return ChunkedBlob(digest=digest, size_bytes=self.source.size_bytes, chunks=tuple(self._chunks))

    def _cut(self, chunker: Chunker) -> Iterator[Slab]:
        """The file, a buffer at a time, with the chunks that end in each; the first is being hashed already."""
        offset, size, carry = 0, self.source.size_bytes, memoryview(b"")
        while offset < size:
            self.packs.check()
            slab = self.ring.take()
            begun, offset = offset, slab.load(carry, self.source, offset)
            slab.ends = chunker.cut(slab.view[: slab.filled], final=offset == size)
            carry = slab.view[slab.ends[-1] : slab.filled]
            self.progress.advance(byte_count=offset - begun)
            if begun == 0:
                self._start_hashing(slab)
            yield slab

    def _start_hashing(self, slab: Slab) -> None:
        """On the pool, beside the next read; here when the slab is the whole file and the pool may be busy.

        One buffer at a time, for the hash of the whole file needs them in order.
        """
        if slab.filled - slab.carried == self.source.size_bytes:
            slab.digests = partial(_hash_slab, slab, self._whole)
        else:
            slab.digests = self.workers.submit(_hash_slab, slab, self._whole).result

    def _store(self, slab: Slab, digests: list[Digest], frames: "_FrameBuilder", *, last: bool) -> None:
        new = self.find_new([digest for digest in set(digests) if digest not in self._seen])
        start = 0
        for digest, end in zip(digests, slab.ends, strict=True):
            chunk = self._seen.setdefault(digest, BlobRef(digest, end - start))
            self._chunks.append(chunk)
            if digest in new:
                new.remove(digest)
                self.new_digests.append(digest)
                frames.add(chunk, slab, start)
            start = end
        frames.leave(slab, last=last)


class _FrameBuilder:
    """Gathers new chunks into frames of up to 1 MiB. Neighbours in a buffer stay where they are, uncopied."""

    def __init__(self, ingest: LargeIngest, habit: RecipeHabit) -> None:
        self._ingest = ingest
        self._habit = habit
        self._members: list[BlobRef] = []
        self._copied: list[memoryview] = []
        self._runs: list[tuple[int, int]] = []
        self._raw_bytes = 0
        self._spans: list[tuple[int, int]] = []

    def add(self, chunk: BlobRef, slab: Slab, start: int) -> None:
        """A new chunk that lies at `start` of the current buffer."""
        if self._raw_bytes + chunk.size_bytes > _FRAME_BYTES:
            self._write(slab)
        end = start + chunk.size_bytes
        if self._runs and self._runs[-1][1] == start:
            self._runs[-1] = (self._runs[-1][0], end)
        else:
            self._runs.append((start, end))
        self._note_span(slab.offset + start, slab.offset + end)
        self._members.append(chunk)
        self._raw_bytes += chunk.size_bytes

    def _note_span(self, start: int, stop: int) -> None:
        """Where in the file the frame's bytes come from."""
        if self._spans and self._spans[-1][1] == start:
            start = self._spans.pop()[0]
        self._spans.append((start, stop))

    def leave(self, slab: Slab, *, last: bool) -> None:
        """The buffer goes: write what is large enough, and keep a copy of the rest for the next frame."""
        if self._raw_bytes and (last or self._raw_bytes >= _CARRY_BYTES):
            self._write(slab)
        self._copied += [memoryview(bytes(slab.view[start:end])) for start, end in self._runs]
        self._runs = []

    def _write(self, slab: Slab) -> None:
        parts = [*self._copied, *(slab.view[start:end] for start, end in self._runs)]
        earlier = self._ingest.earlier
        ground = earlier.below(self._spans) if earlier is not None else None
        task = write_frame if ground is None else partial(write_difference, ground=ground)
        write = self._ingest.workers.submit(
            task, self._ingest.packs, parts, self._members, recipe=self._habit.recipe_for(parts)
        )
        slab.writes.append(write)
        self._ingest.writes.append(write)
        self._members, self._copied, self._runs, self._raw_bytes, self._spans = [], [], [], 0, []


def _hash_slab(slab: Slab, whole: blake3) -> list[Digest]:
    """The digests of the chunks; what is new in the buffer is added to the hash of the whole file."""
    whole.update(slab.view[slab.carried : slab.filled])
    starts = (0, *slab.ends)
    return [
        Digest(blake3(slab.view[start:end]).digest()) for start, end in zip(starts, slab.ends, strict=False)
    ]


def _wait(futures: "Iterable[Future[Placed]]") -> None:
    for future in futures:
        future.exception()
