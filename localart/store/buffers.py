"""Read buffers that are used again and again, and never while somebody can still see their bytes."""

import threading

_BUFFER_BYTES = 1088 << 10  # a frame of 1 MiB with its member table
_FROM_BYTES = 256 << 10  # below this, a fresh buffer costs nothing


class Buffers:
    """Up to `most` buffers of a mebibyte. Fresh memory of that size costs page faults, half the time of a read.

    A view is its own lease: a buffer is given out again when no view of it, or slice of one, is left.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._buffers: list[bytearray] = []

    def take(self, size_bytes: int) -> memoryview:
        """A writable view of `size_bytes` whose content is anything."""
        if not _FROM_BYTES <= size_bytes <= _BUFFER_BYTES:
            return memoryview(bytearray(size_bytes))
        with self._lock:
            return memoryview(self._unused())[:size_bytes]

    def _unused(self) -> bytearray:
        for buffer in self._buffers:
            if _is_unused(buffer):
                return buffer
        buffer = bytearray(_BUFFER_BYTES)
        if len(self._buffers) < self._most:
            self._buffers.append(buffer)
        return buffer


def _is_unused(buffer: bytearray) -> bool:
    """Python refuses to resize a bytearray that has views; growing by a byte and back asks it for free."""
    try:
        buffer.append(0)
    except BufferError:
        return False
    buffer.pop()
    return True
