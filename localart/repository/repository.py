"""The open repository: reads from both rooms, and the order in which both are written."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from localart.catalog import Catalog
from localart.catalog import blobs as blob_rows
from localart.catalog import manifests as manifest_rows
from localart.catalog.connection import Connection
from localart.catalog.transaction import Transaction
from localart.errors import BlobMissing
from localart.model import BlobLayout, BlobRef, Digest, PackBatch
from localart.repository.identity import new_uid, utc_now
from localart.repository.lease import Lease
from localart.repository.marker import Marker
from localart.settings import find_cache_folder, read_settings
from localart.store.forks import forget_in_children

if TYPE_CHECKING:
    from localart.catalog.statcache import StatCache
    from localart.store.frames import FrameKind
    from localart.store.reader import BlobReader
    from localart.store.writer import BlobWriter

PUBLISH_BLOBS = 20_000
PUBLISH_BYTES = 1 << 30


class Repository:
    """One open store. Made by `open_repository`; shared by all threads of a process, reopened after a fork."""

    def __init__(
        self,
        root: Path,
        marker: Marker,
        catalog: Catalog,
        *,
        read_only: bool,
        network: bool,
        clock: Callable[[], str] = utc_now,
        make_uid: Callable[[], str] = new_uid,
    ) -> None:
        self.root = root
        self.marker = marker
        self.catalog = catalog
        self.read_only = read_only
        self.network = network
        self.clock = clock
        self.new_uid = make_uid
        self.lease = Lease(root / "locks" / "lease.lock", on_first=self._forget_given_up)
        self._begin()
        forget_in_children(self)

    def __reduce__(self) -> "tuple[Callable[[Path], Repository], tuple[Path]]":
        """In another process (one that was spawned, not forked) it is the same store, opened there."""
        from localart.repository.opening import reopen

        return reopen, (self.root,)

    def _begin(self) -> None:
        self._guard = threading.RLock()
        self._writer: BlobWriter | None = None
        self._unpublished: list[PackBatch] = []

    # --- reading -------------------------------------------------------------------------------------

    @cached_property
    def reader(self) -> "BlobReader":
        """Reads stored bytes; made when first needed."""
        from localart.store.reader import BlobReader

        return BlobReader(self.root)

    @cached_property
    def cache(self) -> "StatCache":
        """Which of this machine's files were read before; opened when files are first looked at."""
        from localart.catalog.statcache import StatCache, cache_path

        return StatCache(cache_path(find_cache_folder(read_settings()), self.marker.store))

    def read(self) -> Connection:
        """This thread's connection to the catalog."""
        return self.catalog.read()

    def layouts(self, blobs: Sequence[BlobRef]) -> list[BlobLayout]:
        """Where the bytes of `blobs` lie now."""
        return blob_rows.layouts(self.read(), blobs)

    def read_blob(self, blob: BlobRef) -> bytes:
        """All bytes of `blob`, verified."""
        content = BytesIO()
        self.write_blob(blob, content)
        return content.getvalue()

    def write_blob(self, blob: BlobRef, file: BinaryIO) -> None:
        """Make `file` hold exactly the bytes of `blob`, verified.

        A prune may move them meanwhile: then they are looked for again, as long as there is a new place to look.
        """
        before: BlobLayout | None = None
        while True:
            (layout,) = self.layouts([blob])
            file.seek(0)
            file.truncate()
            try:
                file.writelines(self.reader.stream(layout))
            except BlobMissing:
                if layout == before:
                    raise
                before = layout
            else:
                return

    # --- writing -------------------------------------------------------------------------------------

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One durable transaction; its journal records also go into the pack just before the commit."""
        # The pack writer first, the writer lock second, always: the commit record needs both.
        with self.writing(), self.catalog.write(before_commit=self._append_commit_record) as tx:
            yield tx

    @contextmanager
    def write_with_content(self) -> Iterator[Transaction]:
        """As `write`, after everything ingested so far is durable; its rows go in first."""
        with self.writing():
            self._seal()
            self._pin_unpublished()
            with self.write() as tx:
                for batch in self._unpublished:
                    blob_rows.publish(tx, batch)
                yield tx
            self._forget_published()

    @contextmanager
    def write_with_records(self, kind: "FrameKind", payloads: Iterable[bytes]) -> Iterator[Transaction]:
        """As `write`, after these records are durable in the pack: they count once the transaction has committed."""
        with self.writing() as writer:
            batches = [writer.append_record(kind, payload) for payload in payloads]
            with self.write() as tx:
                for batch in batches:
                    blob_rows.publish(tx, batch)
                yield tx

    def publish(self) -> None:
        """Give everything ingested so far its rows, as a transaction of its own."""
        with self.writing():
            self._seal()
            if self._unpublished:
                self._pin_unpublished()
                with self.catalog.write() as tx:
                    for batch in self._unpublished:
                        blob_rows.publish(tx, batch)
                self._forget_published()

    def rely_on(self, digests: Sequence[Digest]) -> set[Digest]:
        """Those of `digests` that are published; they stay so as long as a draft of this process lives."""
        with self.lease.relying() as pin:
            known = blob_rows.known_blobs(self.read(), digests)
            pin(known)
        return known

    def rely_on_manifest(self, manifest: Digest, digests: Iterable[Digest]) -> bool:
        """Whether this manifest is stored, whole; then these, which it names, stay as long as a draft lives."""
        with self.lease.relying() as pin:
            is_stored = manifest_rows.is_stored(self.read(), manifest)
            if is_stored:
                pin(digests)
        return is_stored

    def _pin_unpublished(self) -> None:
        """Before their rows are there for prune to see."""
        for batch in self._unpublished:
            self.lease.pin(member.digest for frame in batch.frames for member in frame.members)
            self.lease.pin(blob.digest for blob in batch.chunked)

    def publish_if_large(self) -> None:
        """Publish early when much is waiting, so that memory stays bounded."""
        writer = self._writer
        if writer is not None and (
            writer.staged_blobs >= PUBLISH_BLOBS or writer.staged_bytes >= PUBLISH_BYTES
        ):
            self.publish()

    def append_record(self, kind: "FrameKind", payload: bytes) -> None:
        """Write a record into the pack, durable when this returns; its end is committed with the next rows."""
        with self.writing() as writer:
            self._unpublished.append(writer.append_record(kind, payload))

    @contextmanager
    def writing(self) -> "Iterator[BlobWriter]":
        """The process's pack writer, for one thread at a time.

        When writing fails (a full disk, an interrupt), what was written and is not durable yet is lost, and drafts
        that name it are refused when they are logged; the writer itself is ready again.
        """
        with self._guard:
            try:
                yield self._open_writer()
            except BaseException:
                self._recover()
                raise

    def _recover(self) -> None:
        if self._writer is None or not self._writer.has_failed:
            return
        held = self._writer.recover()
        # All or nothing: a large file may lie in one pack and share chunks with another.
        if not all(batch.pack in held for batch in self._unpublished):
            self._unpublished = []

    def _forget_given_up(self) -> None:
        """Drop what no draft that is alive has added: its rows would name chunks that a prune may have taken."""
        with self._guard:
            writer = self._writer
            if writer is not None and (self._unpublished or writer.staged_blobs):
                writer.discard()
                self._unpublished = []

    def _open_writer(self) -> "BlobWriter":
        if self._writer is None:
            from localart.repository.lagging import refuse_lagging
            from localart.store.writer import BlobWriter

            refuse_lagging(self.root, self.read())
            self._writer = BlobWriter(
                self.root, index=_CatalogIndex(self), packs=lambda: blob_rows.pack_states(self.read())
            )
        return self._writer

    def _seal(self) -> None:
        self._unpublished += self._open_writer().seal()

    def _forget_published(self) -> None:
        self._unpublished = []
        self._open_writer().published()

    def _append_commit_record(self, tx: Transaction) -> None:
        if not tx.records:
            return
        from localart.store.frames import FrameKind

        payload = b"\n".join(record.digest.hex().encode() + b" " + record.canonical for record in tx.records)
        with self.writing() as writer:
            blob_rows.publish(tx, writer.append_record(FrameKind.JOURNAL, payload))

    # --- closing -------------------------------------------------------------------------------------

    def release_writer(self) -> None:
        """Let go of the packs this process writes to, so that they can be emptied. What was not published is garbage.

        Only while no draft is alive. The next write claims a pack anew.
        """
        with self._guard:
            if self._writer is not None:
                self._writer.close()
            self._writer, self._unpublished = None, []

    def forget(self) -> None:
        """In a forked child: what is held or half-done belongs to the parent."""
        self._begin()
        self.catalog.forget()
        self.lease.forget()
        if "cache" in self.__dict__:
            self.cache.forget()

    def close(self) -> None:
        """Let go of every file. What was not published is garbage."""
        with self._guard:
            if self._writer is not None:
                self._writer.close()
            self._writer = None
        if "reader" in self.__dict__:
            self.reader.close()
        self.lease.close()
        if "cache" in self.__dict__:
            self.cache.close()
        self.catalog.close()


class _CatalogIndex:
    """The catalog as the store sees it: what is found there is relied on."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def known_blobs(self, digests: Sequence[Digest]) -> set[Digest]:
        return self._repository.rely_on(digests)

    def knows_size(self, size_bytes: int) -> bool:
        return blob_rows.knows_size(self._repository.catalog.read(), size_bytes)
