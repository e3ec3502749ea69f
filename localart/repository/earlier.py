"""The stored content a new file can be told apart from."""

from collections.abc import Callable
from typing import TypeAlias

from localart.errors import SourceError, StoreDamaged
from localart.files.source import StableFile, open_source
from localart.model import BlobLayout, BlobRef
from localart.records import dataclass
from localart.repository.repository import Repository
from localart.store.alignment import align
from localart.store.chunking import SMALL_BYTES, holds_text
from localart.store.ground import EarlierContent
from localart.store.reader import BlobReader
from localart.store.source import ByteSource
from localart.store.standing import StandingFile

FindEarlier: TypeAlias = Callable[[str, int], BlobRef | None]
"""The content at this path, or one like it and about as long, in the version before; None when there is none."""


def nothing_earlier(path: str, size_bytes: int) -> BlobRef | None:
    """For files nobody has seen before."""
    del path, size_bytes
    return None  # it is the answer, not the lack of one


def earlier_content(repository: Repository, source: ByteSource, before: BlobRef) -> EarlierContent | None:
    """What `source` can be compared with; None when it is not alike, or damaged: then it is stored by itself.

    Text is not compared: its bytes are no numbers, and what stays the same in it the chunks find.
    """
    if min(source.size_bytes, before.size_bytes) <= SMALL_BYTES or holds_text(source):
        return None
    standing = _standing(repository, before)
    try:
        (layout,) = repository.layouts([before])
        spans = align(source, standing or _StoredSource(repository.reader, layout))
    except (StoreDamaged, SourceError):
        return None
    if not spans:
        return None
    read = repository.reader.below
    return EarlierContent(
        layout, spans, read if standing is None else StandingFile(layout, standing, read).read
    )


def _standing(repository: Repository, before: BlobRef) -> "_StandingSource | None":
    """The file this content was last read from, if one as long is there still. Its bytes are checked when read."""
    path = repository.cache.find_path(before.digest)
    if path is None:
        return None
    try:
        standing = _StandingSource(open_source(path))
    except SourceError:
        return None
    return standing if standing.size_bytes == before.size_bytes else None


class _StandingSource:
    """A file of the user's, closed when no frame that is still to be written asks for it any more."""

    def __init__(self, file: StableFile) -> None:
        self._file = file

    @property
    def size_bytes(self) -> int:
        return self._file.size_bytes

    def read_at(self, buffer: memoryview, offset: int) -> int:
        return self._file.read_at(buffer, offset)

    def __del__(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class _StoredSource:
    """A stored content that is read here and there."""

    reader: BlobReader
    layout: BlobLayout

    @property
    def size_bytes(self) -> int:
        return self.layout.blob.size_bytes

    def read_at(self, buffer: memoryview, offset: int) -> int:
        at = 0
        for view in self.reader.stream(self.layout, start=offset, length=len(buffer)):
            buffer[at : at + len(view)] = view
            at += len(view)
        return at
