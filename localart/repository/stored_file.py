"""A stored content as a file that is read here and there."""

import io
from typing import TYPE_CHECKING

from localart.catalog import blobs as blob_rows
from localart.errors import BlobMissing
from localart.model import BlobRef, Piece
from localart.repository.repository import Repository

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_WINDOW_BYTES = 4 << 20
"""How far ahead of a read places are looked up: a query a window, whatever the file's size."""

BUFFER_BYTES = 128 << 10


def open_stored(repository: Repository, blob: BlobRef) -> io.BufferedReader:
    """A seekable binary file with the bytes of `blob`. Only what is read is decoded, and every byte is verified.

    Reading goes on while a prune moves bytes about; BlobMissing when they are gone, BlobDamaged when they are not
    what they were. One thread at a time.
    """
    return io.BufferedReader(_StoredFile(repository, blob), BUFFER_BYTES)


class _StoredFile(io.RawIOBase):
    """Reads through the catalog a window at a time."""

    def __init__(self, repository: Repository, blob: BlobRef) -> None:
        super().__init__()
        self._repository = repository
        self._blob = blob
        self._at = 0
        self._pieces: list[tuple[int, Piece]] = []

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._blob.size_bytes}[whence]
        if origin + offset < 0:
            raise ValueError(f"a file has no byte {origin + offset}")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._checkClosed()
        view = memoryview(buffer).cast("B")
        stop = min(self._at + len(view), self._blob.size_bytes)
        if self._at >= stop:
            return 0
        start, content = self._content_at(self._at)
        part = content[self._at - start : stop - start]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _content_at(self, at: int) -> tuple[int, memoryview]:
        """The piece that holds byte `at`: where it begins, and its bytes."""
        found = self._find(at) or self._look_up(at)
        try:
            return found[0], self._repository.reader.piece(found[1])
        except BlobMissing:
            moved = self._look_up(at)
            if moved == found:
                raise
            return moved[0], self._repository.reader.piece(moved[1])

    def _find(self, at: int) -> tuple[int, Piece] | None:
        return next(
            (one for one in self._pieces if one[0] <= at < one[0] + one[1].blob.size_bytes),
            None,
        )

    def _look_up(self, at: int) -> tuple[int, Piece]:
        stop = min(at + _WINDOW_BYTES, self._blob.size_bytes)
        self._pieces = blob_rows.pieces_between(self._repository.read(), self._blob, at, stop)
        found = self._find(at)
        if found is None:
            raise BlobMissing(
                f"The catalog does not know all of the content {self._blob.digest.hex()[:12]}",
                hint="run `localart verify`, then `localart repair`",
            )
        return found
