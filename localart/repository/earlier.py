"""The stored content a new file can be told apart from."""

from collections.abc import Callable
from typing import TypeAlias

from localart.errors import StoreDamaged
from localart.model import BlobLayout, BlobRef
from localart.records import dataclass
from localart.repository.repository import Repository
from localart.store.alignment import align
from localart.store.chunking import SMALL_BYTES
from localart.store.ground import EarlierContent
from localart.store.reader import BlobReader
from localart.store.source import ByteSource

FindEarlier: TypeAlias = Callable[[str, int], BlobRef | None]
"""The content at this path, or one like it and about as long, in the version before; None when there is none."""


def nothing_earlier(path: str, size_bytes: int) -> BlobRef | None:
    """For files nobody has seen before."""
    del path, size_bytes
    return None  # it is the answer, not the lack of one


def earlier_content(repository: Repository, source: ByteSource, before: BlobRef) -> EarlierContent | None:
    """What `source` can be compared with; None when it is not alike, or damaged: then it is stored by itself."""
    if min(source.size_bytes, before.size_bytes) <= SMALL_BYTES:
        return None
    try:
        (layout,) = repository.layouts([before])
        spans = align(source, _StoredSource(repository.reader, layout))
    except StoreDamaged:
        return None
    return EarlierContent(layout, spans, repository.reader.below) if spans else None


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
