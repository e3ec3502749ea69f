"""Write stored contents below a target folder: many small files side by side, large ones as streams.

Both go on while a prune moves bytes about: what is not where the catalog said is looked for again, as long as the
catalog has a new place to look at.

Where the time goes (two cores, ext4): of 0.48 s for a file of 1 GB, 0.10 are the start of Python, 0.33 from the first
write to the last (0.22 in `write`; reading, XXH3 and BLAKE3 go on beside it), 0.02 the wait for the clock's grain. Of
20,000 small files most goes to the system, which makes them, and to threads that hand each other Python's lock at each
call: hence few calls a file (see `localart.files.fresh`), and lookups in large batches.

Why nothing is reflinked out of a pack (measured on xfs and btrfs, Linux 6.18): FICLONERANGE takes only whole blocks of
4 KiB at both ends and answers EINVAL otherwise. Frames lie in a pack wherever the one before them ended; aligning them
would not do, for a frame's place in the file is where the chunker cut, and fixed cuts would cost the deduplication.
`copy_file_range` of unaligned bytes copies them in the kernel page by page: 0.80 s for 256 MB on xfs, 2.2 s on btrfs,
where reading and writing (and so checking) them takes 0.24 s and 1.2 s. A file that is there already and right is not
written at all; a second copy of it somewhere else would have to be read to be believed, which is most of a restore.
"""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from localart.catalog import blob_runs
from localart.errors import BlobMissing
from localart.files.target import TargetFolder
from localart.model import BlobRef, Digest, Entry, Piece
from localart.progress import SILENCE, Progress
from localart.repository import Repository

if TYPE_CHECKING:
    from concurrent.futures import Future

    from localart.store.reader import Contents

SMALL_BYTES = 256 * 1024
"""Up to here a content is one piece of a frame."""

Written: TypeAlias = list[tuple[Entry, os.stat_result]]


class SmallFiles:
    """Files of up to SMALL_BYTES on their way to a folder, a frame at a time on the reader's threads.

    They are under way as soon as this is made; `results` waits for them. `stop` before the target is closed, unless
    `results` came to its end.
    """

    def __init__(self, repository: Repository, target: TargetFolder, entries: Sequence[Entry]) -> None:
        self._repository = repository
        self._target = target
        self._waiting: dict[Digest, list[Entry]] = {}
        for entry in entries:
            self._waiting.setdefault(entry.digest, []).append(entry)
        self._futures: list[Future[Written]] = []
        self._pieces: list[Piece] = []
        self._begin()

    def _begin(self) -> None:
        if not self._waiting:
            return
        self._pieces = [
            piece
            for piece in blob_runs.whole_pieces(self._repository.read(), list(self._waiting))
            if piece.blob.size_bytes == self._waiting[piece.blob.digest][0].size_bytes
        ]
        write = partial(_write_frame, self._target, dict(self._waiting))
        self._futures = self._repository.reader.hand_out(self._pieces, write)

    def results(self) -> Iterator[Written]:
        """What was written, as it is; the first error of any of them, when nothing is under way any more."""
        while self._waiting:
            try:
                for future in self._futures:
                    written = future.result()
                    for entry, _ in written:
                        self._waiting.pop(entry.digest, None)
                    yield written
                yield from self._others()
            except BlobMissing:
                self.stop()
                before = self._pieces
                self._begin()
                if self._pieces == before:
                    self.stop()
                    raise
            except BaseException:
                self.stop()
                raise

    def _others(self) -> Iterator[Written]:
        """What is in several pieces although it is small; no writer of ours makes such."""
        for digest, entries in [*self._waiting.items()]:
            yield [(entry, write_large(self._repository, self._target, entry, SILENCE)) for entry in entries]
            del self._waiting[digest]

    def stop(self) -> None:
        """Let go of what has not begun, and wait for what has."""
        for future in self._futures:
            future.cancel()
        for future in self._futures:
            if not future.cancelled():
                future.exception()


def _write_frame(target: TargetFolder, waiting: dict[Digest, list[Entry]], contents: "Contents") -> Written:
    files = [(entry, content) for blob, content in contents for entry in waiting[blob.digest]]
    stats = target.write_many([(entry.path, content) for entry, content in files])
    return [(entry, stat) for (entry, _), stat in zip(files, stats, strict=True)]


def write_large(
    repository: Repository, target: TargetFolder, entry: Entry, progress: Progress
) -> os.stat_result:
    """Make the file of `entry` stand below `target`; memory stays the same whatever its size."""
    blob = BlobRef(entry.digest, entry.size_bytes)
    before: set[str] | None = None
    while True:
        try:
            pieces = _reported(repository, blob, progress)
            return target.write(entry.path, pieces, size_bytes=entry.size_bytes)
        except BlobMissing:
            packs = blob_runs.packs_of(repository.read(), blob)
            if packs == before:
                raise
            before = packs


def _reported(repository: Repository, blob: BlobRef, progress: Progress) -> Iterator[memoryview]:
    for piece in repository.reader.stream_runs(blob, blob_runs.iter_runs(repository.read(), blob)):
        yield piece
        progress.advance(byte_count=len(piece))
