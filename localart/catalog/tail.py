"""The tail of a running run: what it logged that the catalog does not hold yet.

A transaction of the catalog for each `log` costs 60 µs; a record appended here costs 5, and survives the death of
the process as soon as `write()` has returned, for the page cache is the kernel's. Every half second the tail's
rows go into the catalog in one transaction, and the file goes away. Whoever finds the tail of a run whose process
died puts its rows into the catalog in their order, where they are newer; doing that twice changes nothing. It is
never synced: a power cut may take what was logged in the last second, or bring back a tail that was removed.

A file is `tmp/run-<uid>/<number>.tail`, numbered from 1 in the order they were written, and belongs to one process.
All numbers are little-endian::

    offset  size  what
         0     8  magic `LATAIL01`
         8     4  seed: random, so that what a disk shows of an older file is no record of this one
        12     4  CRC-32 of the 12 bytes before
    then any number of records:
         0     4  n, the bytes of JSON
         4     4  CRC-32, begun with the seed, of all that follows
         8     8  step, signed
        16     8  time, seconds since the epoch, as a double
        24     n  JSON of {metric: value}; NaN and the infinities are `NaN`, `Infinity`, `-Infinity`

A damaged length or sum ends the file there: a record is whole or was never acknowledged.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from localart.catalog.metrics import Point
from localart.modes import create_file, make_folder

MAGIC = b"LATAIL01"
_SUFFIX = ".tail"
_START = struct.Struct("<8sII")
_SUMS = struct.Struct("<II")
_MOMENT = struct.Struct("<qd")
_FIRST_JSON = _SUMS.size + _MOMENT.size
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class Tail:
    """Appends the records of one run. For one thread at a time, and for the process that made it.

    `append` raises OSError and leaves nothing of the record behind.
    """

    def __init__(self, root: Path, uid: str) -> None:
        self._folder = _folder(root, uid)
        self._number = max((_number(path) for path in iter_tails(root, uid)), default=0)
        self._written: list[Path] = []
        self._fd: int | None = None
        self._end = 0
        self._seed = 0

    def append(self, step: int, time: float, values: Mapping[str, Any]) -> int:
        """Write one record and return its bytes; it survives the death of the process when this returns."""
        body = _MOMENT.pack(step, time) + _encode(values).encode()
        if self._fd is None:
            self._fd = self._begin()
        record = _SUMS.pack(len(body) - _MOMENT.size, zlib.crc32(body, self._seed)) + body
        try:
            _write_all(self._fd, record)
        except BaseException:
            self._take_back()
            raise
        self._end += len(record)
        return len(record)

    def cut(self) -> list[Path]:
        """End the file; the files written since the last cut, oldest first. The next record begins another."""
        self.forget()
        written, self._written = self._written, []
        return written

    def forget(self) -> None:
        """Close the file; in a forked child it is the parent's."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _begin(self) -> int:
        self._number += 1
        path = self._folder / f"{self._number}{_SUFFIX}"
        fd = _create(path)
        self._written.append(path)
        self._seed = int.from_bytes(os.urandom(4), "little")
        head = MAGIC + self._seed.to_bytes(4, "little")
        try:
            _write_all(fd, head + zlib.crc32(head).to_bytes(4, "little"))
        except BaseException:
            os.close(fd)  # a file without its whole head holds nothing
            raise
        self._end = _START.size
        return fd

    def _take_back(self) -> None:
        """Cut off what may be half a record. Where that fails too, the next one goes to a file of its own."""
        assert self._fd is not None
        try:
            os.ftruncate(self._fd, self._end)
        except OSError:
            self.forget()


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_EXCL | os.O_APPEND
    try:
        return create_file(path, flags)
    except FileNotFoundError:  # the first of this run
        make_folder(path.parent)
        return create_file(path, flags)


def _write_all(fd: int, content: bytes) -> None:
    written = os.write(fd, content)
    while written < len(content):  # the disk is full, or the record large: asking again tells which
        written += os.write(fd, content[written:])


def iter_tails(root: Path, uid: str) -> Iterator[Path]:
    """The tail files of a run, oldest first."""
    folder = _folder(root, uid)
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    found = [folder / name for name in names if name.endswith(_SUFFIX)]
    yield from sorted((path for path in found if _number(path)), key=_number)


def _folder(root: Path, uid: str) -> Path:
    return root / "tmp" / f"run-{uid}"


def _number(path: Path) -> int:
    digits = path.name.removesuffix(_SUFFIX)
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def read_tail(path: Path) -> Iterator[Point]:
    """The whole records of a tail file, in order. What is torn or damaged ends it."""
    content = path.read_bytes()
    if len(content) < _START.size or not content.startswith(MAGIC):
        return
    _, seed, checksum = _START.unpack_from(content)
    if checksum != zlib.crc32(content[: _START.size - 4]):
        return
    at = _START.size
    while at + _FIRST_JSON <= len(content):
        length, checksum = _SUMS.unpack_from(content, at)
        body = content[at + _SUMS.size : at + _FIRST_JSON + length]
        if len(body) < _MOMENT.size + length or zlib.crc32(body, seed) != checksum:
            return
        step, time = _MOMENT.unpack_from(body)
        yield Point(step, time, json.loads(body[_MOMENT.size :]))
        at += _FIRST_JSON + length
