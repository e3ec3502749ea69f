"""Copy what is new in a pack to another store, and look at it there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localart.disk_errors import store_error
from localart.errors import StoreDamaged
from localart.files.filesystem import sync_file, write_all
from localart.progress import Progress
from localart.store.frames import PACK_HEADER_BYTES, ScannedFrame, open_pack, walk_pack
from localart.store.packs import pack_path

_PART_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedFrame:
    """A place in a pack where no sound frame stands."""

    pack: str
    start: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedPack:
    """How much was written of a pack, and what of it is not sound."""

    byte_count: int
    damages: tuple[DamagedFrame, ...] = ()


def copy_pack(root: Path, target: Path, pack: str, *, known: int, end: int, progress: Progress) -> CopiedPack:
    """Make the target's pack the first `end` bytes of ours; durable when this returns, but for its name.

    Its first `known` bytes came from here before and are left alone, if they are there; what lies after them is
    compared, and written where it differs, so that an interrupted copy goes on. BlobMissing: our pack is gone.
    """
    with open_pack(pack_path(root, pack)) as source, _opened(pack_path(target, pack)) as copy:
        size = os.fstat(copy).st_size
        start = known if known <= min(size, end) else 0
        if start == size == end:
            return CopiedPack(byte_count=0)
        if os.fstat(source).st_size < end:
            raise StoreDamaged(f"Pack {pack} is shorter than it should be", hint="run `localart verify`")
        try:
            written = _copy(source, copy, start, end, size, progress)
        except OSError as error:
            raise store_error(error, f"copying pack {pack}", pack_path(target, pack)) from error
    damages = (
        DamagedFrame(pack=pack, start=found[0], reason=found[1].message)
        for found in walk_pack(pack_path(target, pack), start=max(start, PACK_HEADER_BYTES), end=end)
        if not isinstance(found, ScannedFrame)
    )
    return CopiedPack(byte_count=written, damages=tuple(damages))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise store_error(error, f"making the copy of pack {path.stem}", path) from error
    try:
        yield fd
    finally:
        os.close(fd)


def _copy(source: int, copy: int, start: int, end: int, size: int, progress: Progress) -> int:
    """Write what differs from `start` to `end`, and cut off what comes after; how many bytes were written."""
    written = 0
    for at in range(start, end, _PART_BYTES):
        part = os.pread(source, min(_PART_BYTES, end - at), at)
        if at >= size or os.pread(copy, len(part), at) != part:
            os.lseek(copy, at, os.SEEK_SET)
            written += write_all(copy, part)
        progress.advance(byte_count=len(part))
    os.ftruncate(copy, end)
    sync_file(copy)
    return written
