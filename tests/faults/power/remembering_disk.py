"""A disk that remembers every write and every flush, in order: the file `disk` of a small FUSE file system.

    python remembering_disk.py IMAGE FOLDER LOG

mounts FOLDER, serves IMAGE as `FOLDER/disk` and appends one record to LOG before it answers each write and
flush. A loop device on top makes a block device of it, so that a file system and a real writer can be run on
a disk whose power can be cut afterwards, at any record (see `power_cuts`). Runs until FOLDER is unmounted.

Record: `<kind u8><offset u64><length u32><seconds f64, CLOCK_MONOTONIC>`, then the bytes of a write. The FUSE
messages are those of linux/fuse.h, protocol 7.31; what is not needed is answered with ENOSYS.
"""

import ctypes
import errno
import os
import stat
import struct
import sys
import time

WRITE, FLUSH = 1, 2
RECORD = struct.Struct("<BQId")

_IN_HEADER = struct.Struct("<IIQQIIIHH")
_OUT_HEADER = struct.Struct("<IiQ")
_ATTR = struct.Struct("<6Q10I")
_INIT_OUT = struct.Struct("<IIIIHHIIHHI7I")
_READ_WRITE_IN = struct.Struct("<QQIIQII")

_ROOT, _DISK = 1, 2
_MOST_BYTES = 1 << 20
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22
_YEAR = 365 * 86_400


class Disk:
    """Answers the kernel's requests, one at a time."""

    def __init__(self, image: int, log: int) -> None:
        self._image = image
        self._log = log
        self._answers = {
            1: self._lookup, 3: self._getattr, 4: self._getattr, 14: self._open, 15: self._read,
            16: self._write, 17: self._statfs, 18: self._nothing, 20: self._fsync, 25: self._nothing,
            26: self._init,
        }  # fmt: skip

    def serve(self, fuse: int) -> None:
        """Until the file system is unmounted."""
        while True:
            try:
                request = os.read(fuse, _MOST_BYTES + 4096)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in {errno.EINTR, errno.ENOENT}:
                    continue
                raise
            _, opcode, unique, node, *_ = _IN_HEADER.unpack_from(request)
            if opcode in {2, 36, 42}:  # forget, interrupt, batch forget: no answer is expected
                continue
            answer = self._answers.get(opcode)
            body = -errno.ENOSYS if answer is None else answer(node, request[_IN_HEADER.size :])
            failure, payload = (body, b"") if isinstance(body, int) else (0, body)
            os.write(fuse, _OUT_HEADER.pack(_OUT_HEADER.size + len(payload), failure, unique) + payload)

    def _init(self, node: int, body: bytes) -> bytes:
        flags = _BIG_WRITES | _MAX_PAGES
        return _INIT_OUT.pack(
            7, 31, 1 << 17, flags, 16, 12, _MOST_BYTES, 1, _MOST_BYTES // 4096, 0, 0, *([0] * 7)
        )

    def _attributes(self, node: int) -> bytes:
        size = os.fstat(self._image).st_size if node == _DISK else 0
        mode = stat.S_IFREG | 0o600 if node == _DISK else stat.S_IFDIR | 0o700
        return _ATTR.pack(node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _lookup(self, node: int, body: bytes) -> bytes | int:
        if body.rstrip(b"\0") != b"disk":
            return -errno.ENOENT
        return struct.pack("<4Q2I", _DISK, 0, _YEAR, _YEAR, 0, 0) + self._attributes(_DISK)

    def _getattr(self, node: int, body: bytes) -> bytes:
        return struct.pack("<QII", _YEAR, 0, 0) + self._attributes(node)

    def _open(self, node: int, body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0)

    def _read(self, node: int, body: bytes) -> bytes:
        _, offset, size, *_ = _READ_WRITE_IN.unpack_from(body)
        return os.pread(self._image, size, offset)

    def _write(self, node: int, body: bytes) -> bytes:
        _, offset, size, *_ = _READ_WRITE_IN.unpack_from(body)
        content = body[_READ_WRITE_IN.size : _READ_WRITE_IN.size + size]
        self._remember(WRITE, offset, content)
        os.pwrite(self._image, content, offset)
        return struct.pack("<II", size, 0)

    def _fsync(self, node: int, body: bytes) -> bytes:
        self._remember(FLUSH, 0, b"")
        return b""

    def _remember(self, kind: int, offset: int, content: bytes) -> None:
        os.write(self._log, RECORD.pack(kind, offset, len(content), time.monotonic()) + content)

    def _statfs(self, node: int, body: bytes) -> bytes:
        return struct.pack("<5Q10I", 0, 0, 0, 0, 0, 4096, 255, 4096, 0, *([0] * 6))

    def _nothing(self, node: int, body: bytes) -> bytes:
        return b""


def main(image_path: str, folder: str, log_path: str) -> None:
    """Mount, say so on standard output, and serve."""
    image = os.open(image_path, os.O_RDWR)
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"localart-disk", folder.encode(), b"fuse.localart-disk", 0, options) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    print("mounted", flush=True)
    Disk(image, log).serve(fuse)


if __name__ == "__main__":
    main(*sys.argv[1:])
