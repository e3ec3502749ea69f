"""Take contents into the store: each stored once, compressed, and durable before anyone hears of it."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from localart.errors import StoreError
from localart.model import BlobIndex, BlobRef, ChunkedBlob, Digest, Frame, FramePlace, PackBatch, PackState
from localart.progress import SILENCE, Progress
from localart.store.chunk_lists import encode_chunk_list
from localart.store.chunking import SMALL_BYTES
from localart.store.codecs import DELTAS, RAW, SAMPLE_BYTES, choose_codec
from localart.store.differences import decode_bases
from localart.store.failures import damaged
from localart.store.forks import forget_in_children
from localart.store.frames import MAX_RECORD_BYTES, FrameHead, FrameKind, open_pack, read_frame
from localart.store.framing import Placed, write_frame
from localart.store.ground import EarlierContent
from localart.store.large import LargeIngest, SlabRing
from localart.store.packs import PackAppender, pack_path
from localart.store.solid import SolidFrame, SolidGroups
from localart.store.source import ByteSource, BytesSource, digest_of, read_all
from localart.store.staging import Staging
from localart.workers import Workers

if TYPE_CHECKING:
    from concurrent.futures import Future

_WAITING_PER_THREAD = 8  # frames under way before a call waits for the oldest


class BlobWriter:
    """The one writer of a process to one store. Calls are taken one at a time, whatever thread they come from.

    Contents are taken in with `put` and `put_large`, made durable with `seal`, and forgotten with `published`
    once their rows are committed. `index` and `packs` are only called from the thread that calls the writer;
    both must answer for what is committed now.

    When writing fails (disk full, an error of the disk, an interrupt) every call raises until `discard` or `recover`:
    what was written is lost as a whole, never in part. Killed at any moment, it leaves garbage that the next writer
    cuts off. In a forked child it is empty and claims a pack of its own.
    """

    def __init__(
        self,
        root: Path,
        *,
        index: BlobIndex,
        packs: Callable[[], Sequence[PackState]],
        progress: Progress = SILENCE,
        threads: int = 2,
    ) -> None:
        self._root = root
        self._index = index
        self._progress = progress
        self._packs = PackAppender(root, packs)
        self._workers = Workers(threads)
        self._begin()
        forget_in_children(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._ring = SlabRing(2 * self._workers.count + 2)
        self._groups = SolidGroups()
        self._flushing: list[SolidFrame] = []  # what a seal is writing, until it is durable
        self._staging = Staging()
        self._pending: deque[Future[Placed]] = deque()
        self._failure: BaseException | None = None

    @property
    def staged_bytes(self) -> int:
        """Bytes taken in since the last seal: as stored, or raw where they wait to be compressed."""
        return self._staging.stored_bytes + self._groups.waiting_bytes

    @property
    def staged_blobs(self) -> int:
        """Contents and chunks taken in since the last seal."""
        return self._staging.blob_count

    # --- taking in ---

    def put(self, items: Sequence[tuple[bytes, str]]) -> list[BlobRef]:
        """Take in contents, each with the group (file extension) of what it resembles; their names, in order.

        Meant for contents up to 256 KiB, many in a call: one question to the index each call.
        """
        with self._turn():
            return self._put(items)

    def put_large(self, source: ByteSource, *, group: str, earlier: EarlierContent | None = None) -> BlobRef:
        """Take in a file of any size in one read, or two where a blob of exactly its size is published.

        What is new in it may be stored as the difference from `earlier` content, which must be published.
        SourceChanged when it does not have the announced length; what was read of it is garbage then.
        """
        with self._turn():
            if source.size_bytes <= SMALL_BYTES:
                return self._put([(read_all(source), group)])[0]
            return self._find_large(source, earlier) or self._ingest(source, earlier)

    def put_piece(self, content: bytes, group: str) -> BlobRef:
        """Take in one chunk or small content as it is, whatever its size and also when the index knows it."""
        blob = BlobRef(Digest(blake3(content).digest()), len(content))
        with self._turn(), self._all_or_failed():
            if blob.digest not in self._staging:
                for frame in self._groups.add(blob, content, group):
                    self._submit(frame)
                self._staging.mark([blob.digest])
        return blob

    def _put(self, items: Sequence[tuple[bytes, str]]) -> list[BlobRef]:
        blobs = [BlobRef(Digest(blake3(content).digest()), len(content)) for content, _ in items]
        new = self._find_new([*{blob.digest for blob in blobs}])
        with self._all_or_failed():
            for blob, (content, group) in zip(blobs, items, strict=True):
                if blob.digest in new:
                    new.remove(blob.digest)
                    self._put_new(blob, content, group)
        self._progress.advance(
            byte_count=sum(blob.size_bytes for blob in blobs if blob.size_bytes <= SMALL_BYTES),
            file_count=len(blobs),
        )
        return blobs

    def _put_new(self, blob: BlobRef, content: bytes, group: str) -> None:
        if blob.size_bytes > SMALL_BYTES:
            self._ingest(BytesSource(content))
            return
        for frame in self._groups.add(blob, content, group):
            self._submit(frame)
        self._staging.mark([blob.digest])

    def _submit(self, frame: SolidFrame) -> None:
        self._packs.claim()
        self._pending.append(
            self._workers.submit(
                write_frame, self._packs, [frame.content], frame.members, recipe=frame.recipe
            )
        )
        self._collect(_WAITING_PER_THREAD * self._workers.count)

    def _find_large(self, source: ByteSource, earlier: EarlierContent | None) -> BlobRef | None:
        """The blob of a large source whose bytes are stored already; hashing is much cheaper than chunking.

        Where it is not even what it was before, it is hardly something still older.
        """
        if not self._index.knows_size(source.size_bytes):
            return None
        if earlier is not None and earlier.differs_from(source):
            return None
        digest = digest_of(source)
        if self._find_new([digest]):
            return None
        self._progress.advance(byte_count=source.size_bytes, file_count=1)
        return BlobRef(digest, source.size_bytes)

    def _ingest(self, source: ByteSource, earlier: EarlierContent | None = None) -> BlobRef:
        self._packs.claim()
        ingest = LargeIngest(
            source=source,
            packs=self._packs,
            workers=self._workers,
            ring=self._ring,
            find_new=self._find_new,
            progress=self._progress,
            earlier=earlier,
        )
        blob = ingest.run()
        is_new = bool(self._find_new([blob.digest]))
        with self._all_or_failed():
            self._pending.extend(ingest.writes)
            self._staging.mark(ingest.new_digests)
            if is_new:
                self._staging.add_chunked(blob)
                self._append_chunk_list(blob)
            self._collect(len(self._pending))
        self._progress.advance(file_count=1)
        return BlobRef(blob.digest, blob.size_bytes)

    def _append_chunk_list(self, blob: ChunkedBlob) -> None:
        """Durable with the next seal, as the chunks are."""
        for payload in encode_chunk_list(blob):
            member = BlobRef(Digest(blake3(payload).digest()), len(payload))
            placed = write_frame(self._packs, [payload], [member], recipe=RAW, kind=FrameKind.CHUNKS)
            self._staging.add_record(placed.pack)

    def _find_new(self, digests: Sequence[Digest]) -> set[Digest]:
        """Those of `digests` that are neither staged nor published."""
        unknown = [digest for digest in digests if digest not in self._staging]
        return set(unknown) - self._index.known_blobs(unknown) if unknown else set()

    # --- handing over ---

    def seal(self) -> tuple[PackBatch, ...]:
        """Make everything taken in since the last seal durable, and say where it lies; () when there is nothing.

        The caller commits the rows of all batches, in this order, then calls `published`, before it seals again.
        """
        with self._turn(), self._all_or_failed():
            self._flush_groups()
            self._collect(0)
            if self._staging.is_empty:
                return ()
            current = self._packs.claim()
            self._packs.sync()
            self._flushing = []
            packs = self._staging.packs or (current,)
            return self._staging.seal({pack: self._packs.end_of(pack) for pack in packs})

    def published(self) -> None:
        """The rows of all that was sealed are committed: their digests are the index's business now."""
        with self._lock:
            self._staging.published()
            self._packs.release()

    @property
    def has_failed(self) -> bool:
        """Whether every call raises until `discard`."""
        return self._failure is not None or self._packs.failure is not None

    def discard(self) -> frozenset[str]:
        """Forget all that was taken in and not sealed, and any failure; the bytes become garbage.

        The packs that are still held: rows of what was sealed into them may yet be committed. Into any other
        pack the next writer may write over it.
        """
        with self._lock:
            self._drop_pending()
            return self._packs.discard()

    def recover(self) -> frozenset[str]:
        """As `discard`, but small contents that are still in memory stay taken in, so that a later seal stores them.

        Not after an interrupt, which may have come while they were being noted.
        """
        with self._lock:
            failure = self._failure or self._packs.failure
            waiting = [*self._flushing, *self._groups.take_all()] if isinstance(failure, StoreError) else []
            self._drop_pending()
            for frame in waiting:
                self._groups.give_back(frame)
                self._staging.mark(member.digest for member in frame.members)
            return self._packs.discard()

    def append_record(self, kind: FrameKind, payload: bytes) -> PackBatch:
        """Append a frame of any kind but DATA and make it durable: one write, one sync. The batch has no frames.

        Safe inside the catalog's transaction. What is staged stays staged.
        """
        if len(payload) > MAX_RECORD_BYTES:
            raise StoreError(f"A record of {len(payload)} bytes is too long to be stored")
        with self._turn(), self._all_or_failed():
            self._collect(0)  # no holes below the end that the record makes durable
            self._packs.claim()
            blob = BlobRef(Digest(blake3(payload).digest()), len(payload))
            recipe = choose_codec(payload[:SAMPLE_BYTES], planes=False)
            pack = write_frame(self._packs, [payload], [blob], recipe=recipe, kind=kind).pack
            self._packs.sync(only=pack)
            return PackBatch(pack=pack, end=self._packs.end_of(pack), frames=(), chunked=())

    def copy_frame(self, place: FramePlace, members: Sequence[BlobRef]) -> Frame:
        """Copy a whole frame from another pack, verbatim; the next seal reports it and its new pack.

        BlobDamaged unless it is sound and holds all of `members`.
        """
        with self._turn():
            with open_pack(pack_path(self._root, place.pack)) as fd:
                data = memoryview(bytearray(place.stored_bytes))
                head = read_frame(fd, place, data)
            if not set(members) <= set(head.members):
                raise damaged(place.pack, place.start, "the frame holds other contents than the catalog says")
            frame = replace(_with_bases(head, data), depth=place.depth)
            with self._all_or_failed():
                self._packs.claim()
                pack, start = self._packs.append([data], len(data))
                frame = replace(frame, start=start)
                self._staging.add_frame(Placed(pack, frame))
            return frame

    def close(self) -> None:
        """Forget what is staged, end the threads, let go of the pack. A later call begins anew."""
        with self._lock:
            self._workers.close()
            self._drop_pending()
            self._packs.close()

    def forget(self) -> None:
        """In a forked child: all that was staged belongs to the parent."""
        self._workers.forget()
        self._begin()

    # --- inside ---

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock:
            failure = self._failure or self._packs.failure
            if isinstance(failure, StoreError):
                raise failure
            if failure is not None:
                raise StoreError(
                    "An earlier write was interrupted, and what was staged with it is lost",
                    hint="add the files again",
                ) from failure
            yield

    @contextmanager
    def _all_or_failed(self) -> Iterator[None]:
        """Whatever stops the work inside leaves the staged contents incomplete: nothing may be sealed any more."""
        try:
            yield
        except BaseException as error:
            self._failure = error
            raise

    def _flush_groups(self) -> None:
        frames = self._flushing = list(self._groups.take_all())
        if self._workers.is_started or len(frames) > self._workers.count:
            for frame in frames:
                self._submit(frame)
            return
        for frame in frames:  # too little to start threads for
            self._packs.claim()
            placed = write_frame(self._packs, [frame.content], frame.members, recipe=frame.recipe)
            self._note(placed)

    def _collect(self, most_waiting: int) -> None:
        """Take over the frames that are written; wait while more than `most_waiting` are under way."""
        while self._pending and (len(self._pending) > most_waiting or self._pending[0].done()):
            self._note(self._pending[0].result())
            self._pending.popleft()

    def _note(self, placed: Placed) -> None:
        self._staging.add_frame(placed)
        self._progress.advance(stored_bytes=placed.frame.stored_bytes)

    def _drop_pending(self) -> None:
        for future in self._pending:
            if not future.cancelled():
                future.exception()
        self._pending.clear()
        self._groups.clear()
        self._flushing = []
        self._staging.discard()
        self._failure = None


def _with_bases(head: FrameHead, data: memoryview) -> Frame:
    """The record of a frame at 0, with the bases its body names."""
    frame = head.at(0)
    if head.codec not in DELTAS:
        return frame
    bases, _ = decode_bases(data[head.head_bytes :], head.raw_bytes)
    return replace(frame, bases=bases)
