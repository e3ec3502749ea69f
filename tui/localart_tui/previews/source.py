"""Bytes to look into: read a range at a time, never more than asked for."""

import io
from typing import Protocol


class ByteSource(Protocol):
    """The bytes of one file. A read past the end gives what there is."""

    @property
    def size_bytes(self) -> int:
        """The length of the file."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        ...


class BytesInMemory:
    """Bytes that are there already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size_bytes(self) -> int:
        """Their length."""
        return len(self._content)

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        return self._content[max(offset, 0) : max(offset, 0) + max(length, 0)]


class NotShown(ValueError):
    """Why a file, or the rest of it, is not shown: one sentence."""


class CutOff(NotShown):
    """The file ends before what it announces."""


def read_exactly(source: ByteSource, offset: int, length: int) -> bytes:
    """Exactly `length` bytes; `CutOff` when the file is shorter."""
    if offset < 0 or length < 0 or offset + length > source.size_bytes:
        raise CutOff(f"cut off: it ends at byte {source.size_bytes:,}, in the middle of its content")
    content = source.read(offset, length)
    if len(content) != length:
        raise CutOff(f"cut off: {length - len(content):,} bytes are missing")
    return content


class BoundedFile(io.RawIOBase):
    """A source as a seekable binary file that gives out at most `budget_bytes` in all, then raises `NotShown`.

    What decoders of others read through: whatever a hostile file makes them do, it costs no more than this.
    """

    def __init__(self, source: ByteSource, budget_bytes: int) -> None:
        super().__init__()
        self._source = source
        self._left = budget_bytes
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; before the beginning is an error as in a real file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size_bytes}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._at = base + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, all that are left when `size` is negative."""
        left_in_file = max(self._source.size_bytes - self._at, 0)
        wanted = left_in_file if size is None or size < 0 else min(size, left_in_file)
        if wanted > self._left:
            raise NotShown("more of the file would have to be read than a preview may")
        content = self._source.read(self._at, wanted)
        self._left -= len(content)
        self._at += len(content)
        return content

    def readall(self) -> bytes:
        """All that is left."""
        return self.read()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """The next bytes into `buffer`."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
