"""Take the user's files in: each read once, what is known is not stored again."""

import os
import time
from collections.abc import Iterable, Iterator

from localart.catalog.statcache import Remember
from localart.errors import SourceChanged
from localart.files.small import SmallFiles
from localart.files.source import StableFile, open_source
from localart.files.tree import TreeFile
from localart.model import BlobRef, Digest
from localart.progress import SILENCE, Progress
from localart.records import dataclass
from localart.repository.beside import facts_of, ingest_beside, is_worth_it
from localart.repository.earlier import FindEarlier, earlier_content, nothing_earlier
from localart.repository.own_files import refuse_own
from localart.repository.repository import Repository

SMALL_BYTES = 256 * 1024
_BATCH_FILES = 512
_BATCH_BYTES = 16 << 20


@dataclass(slots=True)
class _Waiting:
    """A file of the batch at hand, its bytes' name once that is known, and how many were reported as read."""

    file: TreeFile
    blob: BlobRef | None = None
    reported_bytes: int = 0


@dataclass(slots=True)
class _Reported:
    """A large source that reports how far it was read, once, however often it is read."""

    source: StableFile
    waiting: _Waiting
    progress: Progress

    @property
    def size_bytes(self) -> int:
        return self.source.size_bytes

    def read_at(self, buffer: memoryview, offset: int) -> int:
        count = self.source.read_at(buffer, offset)
        fresh = offset + count - self.waiting.reported_bytes
        if fresh > 0:
            self.waiting.reported_bytes += fresh
            self.progress.advance(byte_count=fresh)
        return count


def ingest_files(
    repository: Repository,
    files: Iterable[TreeFile],
    *,
    progress: Progress = SILENCE,
    find_earlier: FindEarlier = nothing_earlier,
) -> Iterator[tuple[TreeFile, BlobRef]]:
    """Store the bytes of `files`, in order, in bounded memory. A file that keeps changing is SourceChanged.

    Each comes back with the `stat` that belongs to these bytes.

    `find_earlier` names the content a large file was before: what changed in it may be stored as a difference.
    Nothing is promised until the caller commits through `Repository.write_with_content`. If the process is
    killed, what was written is garbage in a pack nobody owns any more.
    """
    with repository.cache.remembering() as remember, SmallFiles() as reader:
        for batch in _batches(files):
            yield from _ingest_batch(repository, batch, progress, find_earlier, remember, reader)
            repository.publish_if_large()


def ingest_one(
    repository: Repository, local: str, entry_path: str, *, find_earlier: FindEarlier = nothing_earlier
) -> BlobRef:
    """Store the bytes of one file of the user's; `SourceError` (a ValueError) when it is not a file."""
    refuse_own(repository, local)
    with open_source(local) as opened:
        file = TreeFile(entry_path, local, opened.stat)
    ((_, blob),) = ingest_files(repository, [file], find_earlier=find_earlier)
    return blob


def ingest_bytes(repository: Repository, content: bytes, group: str) -> BlobRef:
    """Store a small content that is in memory already."""
    with repository.writing() as writer:
        return writer.put([(content, group)])[0]


def _batches(files: Iterable[TreeFile]) -> Iterator[list[_Waiting]]:
    batch: list[_Waiting] = []
    total = 0
    for file in files:
        batch.append(_Waiting(file))
        total += min(file.stat.st_size, SMALL_BYTES)
        if len(batch) >= _BATCH_FILES or total >= _BATCH_BYTES:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def _ingest_batch(
    repository: Repository,
    batch: list[_Waiting],
    progress: Progress,
    find_earlier: FindEarlier,
    remember: Remember,
    reader: SmallFiles,
) -> Iterator[tuple[TreeFile, BlobRef]]:
    begun = time.time_ns()
    _recall(repository, batch)
    read = [waiting for waiting in batch if waiting.blob is None]
    small = [waiting for waiting in read if waiting.file.stat.st_size <= SMALL_BYTES]
    seen = _ingest_small(repository, small, reader)
    for waiting in read:
        if waiting.blob is None:
            stat, digest = _ingest_large(repository, waiting, progress, find_earlier)
            waiting.file = TreeFile(waiting.file.path, waiting.file.absolute, stat)
            seen.append((stat, digest))
    remember(seen, begun)
    for waiting in batch:
        assert waiting.blob is not None
        progress.advance(byte_count=waiting.blob.size_bytes - waiting.reported_bytes, file_count=1)
        yield waiting.file, waiting.blob


def _recall(repository: Repository, batch: list[_Waiting]) -> None:
    """Name the bytes of files that were read before and have not changed since, if they are still stored."""
    digests = repository.cache.find([waiting.file.stat for waiting in batch])
    wanted = list({digest for digest in digests if digest is not None})
    stored = repository.rely_on(wanted) if wanted else set()
    for waiting, digest in zip(batch, digests, strict=True):
        if digest in stored and digest is not None:
            waiting.blob = BlobRef(digest, waiting.file.stat.st_size)


def _ingest_small(
    repository: Repository, small: list[_Waiting], reader: SmallFiles
) -> list[tuple[os.stat_result, Digest]]:
    found = reader.read([waiting.file.absolute for waiting in small])
    groups = [group_of(waiting.file.path) for waiting in small]
    with repository.writing() as writer:
        blobs = writer.put([(content, group) for (content, _), group in zip(found, groups, strict=True)])
    for waiting, blob, (_, stat) in zip(small, blobs, found, strict=True):
        waiting.blob = blob
        waiting.file = TreeFile(waiting.file.path, waiting.file.absolute, stat)
    return [(stat, blob.digest) for blob, (_, stat) in zip(blobs, found, strict=True)]


def _ingest_large(
    repository: Repository, waiting: _Waiting, progress: Progress, find_earlier: FindEarlier
) -> tuple[os.stat_result, Digest]:
    before = find_earlier(waiting.file.path, waiting.file.stat.st_size)
    if before is not None and not repository.rely_on([before.digest]):  # pruned since it was found
        before = None
    if is_worth_it(waiting.file.stat.st_size) and not repository.network:
        stat = _ingest_elsewhere(repository, waiting, progress, before)
        if stat is not None and waiting.blob is not None:
            return stat, waiting.blob.digest
    return _read_large(repository, waiting, progress, before)


def _ingest_elsewhere(
    repository: Repository, waiting: _Waiting, progress: Progress, before: BlobRef | None
) -> os.stat_result | None:
    """Let another process store the file; its `stat` if that was done and it stood still meanwhile."""
    file = waiting.file

    def note(read_bytes: int) -> None:
        if read_bytes > waiting.reported_bytes:
            progress.advance(byte_count=read_bytes - waiting.reported_bytes)
            waiting.reported_bytes = read_bytes

    waiting.blob = ingest_beside(
        repository, file.absolute, file.stat, entry_path=file.path, before=before, on_read=note
    )
    if waiting.blob is None:
        return None
    with open_source(file.absolute) as source:
        if facts_of(source.stat) == facts_of(file.stat):
            return source.stat
    waiting.blob = None
    return None


def ingest_here(
    repository: Repository, file: TreeFile, *, progress: Progress, before: BlobRef | None
) -> BlobRef:
    """Store one large file in this process, whatever thread asks; `before` is published, or None."""
    waiting = _Waiting(file)
    _read_large(repository, waiting, progress, before)
    assert waiting.blob is not None
    return waiting.blob


def _read_large(
    repository: Repository, waiting: _Waiting, progress: Progress, before: BlobRef | None
) -> tuple[os.stat_result, Digest]:
    path = waiting.file.absolute
    for attempt in (1, 2):
        with open_source(path) as source, repository.writing() as writer:
            try:
                blob = writer.put_large(
                    _Reported(source, waiting, progress),
                    group=group_of(waiting.file.path),
                    earlier=None if before is None else earlier_content(repository, source, before),
                )
                source.check_unchanged()
            except SourceChanged:
                if attempt == 2:
                    raise
                continue
            waiting.blob = blob
            repository.cache.note_path(blob.digest, path)
            return source.stat, blob.digest
    raise AssertionError("unreachable")


def group_of(path: str) -> str:
    """What small files are grouped by: the extension, so that alike content compresses together."""
    return os.path.splitext(path)[1].lower()  # noqa: PTH122  # once a file, twenty times a pathlib suffix
