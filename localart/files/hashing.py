"""BLAKE3-256 of open files, the same as `b3sum`. No memory maps: a file cut short under one is a SIGBUS."""

import os
import threading
from typing import TYPE_CHECKING

from localart.errors import SourceChanged
from localart.files.source import StableFile, refuse_source
from localart.model import Digest
from localart.names import shown

if TYPE_CHECKING:
    from blake3 import blake3

_BUFFER_BYTES = 4 << 20


class _Buffers(threading.local):
    """One read buffer a thread: fresh ones would fault their pages in again for each file."""

    view: memoryview | None = None


_buffers = _Buffers()


def digest_of_fd(fd: int, size_bytes: int) -> Digest:
    """The digest of the first `size_bytes` of `fd`, whose position does not move.

    SourceChanged when the file is shorter, OSError when the disk fails. On one core: the threads of
    `blake3.AUTO` belong to the process that started them, and a forked child would wait for them for ever.
    """
    from blake3 import blake3

    hasher = blake3()
    _feed(hasher, fd, size_bytes)
    return Digest(hasher.digest())


def _feed(hasher: "blake3", fd: int, size_bytes: int) -> None:
    buffer = _thread_buffer()
    offset = 0
    while offset < size_bytes:
        count = os.preadv(fd, [buffer[: size_bytes - offset]], offset)
        if count == 0:
            raise SourceChanged(f"A file of {size_bytes} bytes ended at byte {offset} while it was read")
        hasher.update(buffer[:count])
        offset += count


def _thread_buffer() -> memoryview:
    if _buffers.view is None:
        _buffers.view = memoryview(bytearray(_BUFFER_BYTES))
    return _buffers.view


def digest_of_source(source: StableFile) -> Digest:
    """The digest of a file to be taken in; SourceChanged unless it stood still meanwhile."""
    try:
        digest = digest_of_fd(source.fd, source.size_bytes)
    except SourceChanged as error:
        raise SourceChanged(
            f"{shown(os.fspath(source.path), 300)} changed while it was read",
            hint="log it again when nothing writes to it",
        ) from error
    except OSError as error:
        refuse_source(source.path, error)
    source.check_unchanged()
    return digest
