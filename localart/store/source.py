"""What a writer reads large contents from."""

from typing import Protocol

from blake3 import blake3

from localart.errors import SourceChanged
from localart.model import Digest
from localart.records import dataclass

_BUFFER_BYTES = 4 << 20


class ByteSource(Protocol):
    """Bytes of a known length that can be read at any offset, more than once."""

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        ...

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Put bytes from `offset` on into `buffer` and say how many; 0 only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class BytesSource:
    """Bytes in memory as a source."""

    content: bytes

    @property
    def size_bytes(self) -> int:
        """How many bytes there are."""
        return len(self.content)

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Copy from memory."""
        part = self.content[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        return len(part)


def fill(source: ByteSource, view: memoryview, offset: int) -> None:
    """Fill all of `view` from `offset` on; SourceChanged when the source ends before."""
    at = 0
    while at < len(view):
        count = source.read_at(view[at:], offset + at)
        if count <= 0:
            raise _changed(source, f"ended at byte {offset + at}")
        at += count


def check_ended(source: ByteSource) -> None:
    """SourceChanged when there is more than was announced."""
    if source.read_at(memoryview(bytearray(1)), source.size_bytes):
        raise _changed(source, "went on")


def _changed(source: ByteSource, what: str) -> SourceChanged:
    return SourceChanged(
        f"The file was {source.size_bytes} bytes long, but {what} while it was read",
        hint="log it again when nothing writes to it",
    )


def read_all(source: ByteSource) -> bytes:
    """All bytes of a small source."""
    content = bytearray(source.size_bytes)
    fill(source, memoryview(content), 0)
    check_ended(source)
    return bytes(content)


def digest_of(source: ByteSource) -> Digest:
    """BLAKE3 of all bytes of a source.

    On one thread: BLAKE3's own threads do not survive a fork, and a child that asks for them hangs.
    """
    view = memoryview(bytearray(min(_BUFFER_BYTES, source.size_bytes)))
    hasher = blake3()
    for offset in range(0, source.size_bytes, _BUFFER_BYTES):
        part = view[: source.size_bytes - offset]
        fill(source, part, offset)
        hasher.update(part)
    check_ended(source)
    return Digest(hasher.digest())
