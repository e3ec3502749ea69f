"""Append to packs that this process alone holds, and make what was appended durable.

A pack belongs to whoever holds its `flock`. Nobody else writes it, so reserving a range is a matter of one
process. A pack is held until the rows of its frames are committed (`release`): another writer that took it
earlier would cut those frames off as garbage.

Killed midway: bytes past the last committed `end` are cut off by the next writer that takes the pack.
"""

import fcntl
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from localart.disk_errors import store_error
from localart.errors import StoreDamaged, StoreError
from localart.model import PackState
from localart.modes import create_file
from localart.records import dataclass
from localart.store.forks import forget_in_children
from localart.store.frames import PACK_HEADER_BYTES, Bytes, check_pack_header, encode_pack_header

PACK_BYTES = 256 << 20
"""A pack is left for a new one before it grows past this."""

_ROOM_BYTES = 2 << 20  # a pack with less room than this is as good as full
_HELD_FOR_DOUBLING = 32  # so that a file of terabytes does not run out of descriptors
_WRITEBACK_BYTES = 32 << 20
_MOST_PARTS = 1024  # buffers one pwritev takes
_PACK_NAME = re.compile(r"[0-9a-f]{32}", re.ASCII)


def pack_path(root: Path, pack: str) -> Path:
    """Where a pack lies in the store at `root`; StoreDamaged for a name no pack can have."""
    if not isinstance(pack, str) or not _PACK_NAME.fullmatch(pack):  # a damaged row holds anything
        raise StoreDamaged(
            "The catalog names a pack that cannot exist", hint="run `localart verify`, then `localart repair`"
        )
    return root / "packs" / f"{pack}.pack"


@dataclass(slots=True, kw_only=True)
class _Held:
    """A pack this process has locked.

    `end`: reserved; `durable`: on disk for sure; `sealed`: handed over to the catalog, or to be; `known`: somebody
    outside knows that it exists.
    """

    name: str
    fd: int
    end: int
    durable: int
    sealed: int
    known: bool
    begun: int = 0


class PackAppender:
    """The packs one writer appends to. `append` may be called from several threads, all else from one at a time.

    `packs` says what the catalog has committed, as of now: a stale answer would cut off committed frames.
    """

    def __init__(self, root: Path, packs: Callable[[], Sequence[PackState]]) -> None:
        self._root = root
        self._packs = packs
        self._lock = threading.Lock()
        self._held: list[_Held] = []
        self._given_up: set[str] = set()
        self._folder_is_durable = True
        self.failure: StoreError | None = None
        forget_in_children(self)

    def claim(self) -> str:
        """Hold a pack to append to, an old one where possible; its name."""
        if not self._held:
            adopted = self._adopt()
            self._held.append(adopted or self._create())
        return self._held[-1].name

    def append(self, parts: Sequence[Bytes], size_bytes: int) -> tuple[str, int]:
        """Write `parts`, `size_bytes` in all, one after the other; the pack and the offset. Not durable yet.

        Once one append failed all do, until `discard`: there is a hole in the pack.
        """
        self.check()
        try:
            return self._append(parts, size_bytes)
        except StoreError as error:
            self.failure = error
            raise

    def check(self) -> None:
        """Raise what made an append fail, if one did."""
        if self.failure is not None:
            raise self.failure

    def _append(self, parts: Sequence[Bytes], size_bytes: int) -> tuple[str, int]:
        with (
            self._lock
        ):  # also while writing: the kernel lets one thread write a file, and makes the other spin
            held = self._with_room(size_bytes)
            start = held.end
            held.end += size_bytes
            try:
                _write_fully(held.fd, parts, start)
            except OSError as error:
                raise store_error(error, "writing new content", pack_path(self._root, held.name)) from error
            _start_writeback(held)
        return held.name, start

    def sync(self, only: str | None = None) -> None:
        """Make everything appended durable, to be handed over; or just what is in one pack.

        No append may run meanwhile. A pack that fails to sync is given up: the kernel may have dropped its
        pages, and a second sync would lie.
        """
        wanted = [held for held in self._held if only in {None, held.name}]
        for held in wanted:
            if held.durable < held.end:
                self._sync_one(held)
        self._sync_folder()
        for held in wanted:
            held.known = True
            held.sealed = held.sealed if only else held.end

    def end_of(self, pack: str) -> int:
        """Where the durable bytes of a held pack end."""
        return next(held.durable for held in self._held if held.name == pack)

    def release(self) -> None:
        """The rows of all that was handed over are committed: let go of packs that are full and done with."""
        with self._lock:
            for held in self._held[:-1]:
                if held.sealed == held.end:
                    self._drop(held)

    def discard(self) -> frozenset[str]:
        """Cut off what was appended since the last sync, and remove packs nobody knows of; those still held."""
        for held in list(self._held):
            if held is self._held[-1] or held.known:
                self._cut_back(held)
            else:
                self._remove(held)
        self.failure = None
        return frozenset(held.name for held in self._held)

    def close(self) -> None:
        """Like `discard`, and let go of all packs."""
        self.discard()
        for held in list(self._held):
            if held.known:
                self._drop(held)
            else:
                self._remove(held)

    def forget(self) -> None:
        """In a forked child: close the inherited descriptors. The parent's locks stay, for it has them open too."""
        self._lock = threading.Lock()
        for held in self._held:
            os.close(held.fd)
        self._held = []
        self._folder_is_durable = True
        self.failure = None

    # --- taking packs ---

    def _adopt(self) -> _Held | None:
        for state in self._packs():
            if state.end > PACK_BYTES - _ROOM_BYTES or state.pack in self._given_up:
                continue
            fd = _lock(pack_path(self._root, state.pack))
            if fd is not None:
                held = self._trim(state.pack, fd)
                if held is not None:
                    return held
                os.close(fd)
        return None

    def _trim(self, pack: str, fd: int) -> _Held | None:
        """Cut off the tail of a dead writer; None when the pack is damaged, too short, or no longer known.

        The catalog is asked again: until the lock was ours, another writer may have committed more.
        """
        end = next((state.end for state in self._packs() if state.pack == pack), None)
        size = os.fstat(fd).st_size
        if end is None or not PACK_HEADER_BYTES <= end <= min(size, PACK_BYTES - _ROOM_BYTES):
            return None
        try:
            check_pack_header(fd, pack)
            if end < size:
                os.ftruncate(fd, end)
        except (OSError, StoreError):  # left for verify to report; a new pack will do
            return None
        return _Held(name=pack, fd=fd, end=end, durable=end, sealed=end, known=True)

    def _with_room(self, size_bytes: int) -> _Held:
        """The pack to append to; lock held. A pack of its own for whatever does not fit an empty one."""
        limit = PACK_BYTES << (len(self._held) // _HELD_FOR_DOUBLING)
        if not self._held or (
            self._held[-1].end + size_bytes > limit and self._held[-1].end > PACK_HEADER_BYTES
        ):
            self._held.append(self._create())
        return self._held[-1]

    def _create(self) -> _Held:
        while True:
            name = os.urandom(16).hex()
            path = pack_path(self._root, name)
            try:
                fd = create_file(path, os.O_RDWR | os.O_EXCL | os.O_NOFOLLOW)
            except OSError as error:
                raise store_error(error, "making a new pack", path) from error
            if self._begin(path, fd):
                self._folder_is_durable = False
                return _Held(name=name, fd=fd, end=PACK_HEADER_BYTES, durable=0, sealed=0, known=False)
            os.close(fd)  # a prune took the orphan before it was locked

    def _begin(self, path: Path, fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write_fully(fd, [encode_pack_header(path.stem)], 0)
            return _is_at(path, fd)
        except OSError as error:
            with suppress(OSError):
                path.unlink()
            os.close(fd)
            raise store_error(error, "making a new pack", path) from error

    # --- giving packs back ---

    def _sync_one(self, held: _Held) -> None:
        try:
            _flush(held.fd)
        except OSError as error:
            self._given_up.add(held.name)
            self._drop(held)
            raise store_error(
                error, "making new content durable", pack_path(self._root, held.name)
            ) from error
        held.durable = held.end

    def _sync_folder(self) -> None:
        if self._folder_is_durable:
            return
        try:
            _flush_folder(self._root / "packs")
        except OSError as error:
            raise store_error(error, "making a new pack durable", self._root / "packs") from error
        self._folder_is_durable = True

    def _cut_back(self, held: _Held) -> None:
        end = max(held.durable, PACK_HEADER_BYTES)
        try:
            os.ftruncate(held.fd, end)
        except OSError:  # the next writer that takes the pack cuts it
            self._drop(held)
        held.end = end

    def _remove(self, held: _Held) -> None:
        with suppress(OSError):  # an orphan then, which a prune removes
            pack_path(self._root, held.name).unlink()
        self._drop(held)

    def _drop(self, held: _Held) -> None:
        self._held.remove(held)
        os.close(held.fd)


def _lock(path: Path) -> int | None:
    """An open descriptor that holds the pack's lock; None when another process has it or the pack is gone."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    if _is_at(path, fd):
        return fd
    os.close(fd)
    return None


def _is_at(path: Path, fd: int) -> bool:
    """Whether `path` still is the file behind `fd`; a prune may have unlinked it before it was locked."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _start_writeback(held: _Held) -> None:
    """Let the disk begin with what lies far enough back, so that less is left for the sync to wait for."""
    begun, held.begun = held.begun, max(held.begun, held.end - held.end % _WRITEBACK_BYTES)
    if held.begun > begun and hasattr(os, "posix_fadvise"):
        os.posix_fadvise(held.fd, begun, held.begun - begun, os.POSIX_FADV_DONTNEED)


def _write_fully(fd: int, parts: Sequence[Bytes], start: int) -> None:
    pending = [memoryview(part) for part in parts]
    while pending:
        written = os.pwritev(fd, pending[:_MOST_PARTS], start)
        start += written
        while pending and written >= len(pending[0]):
            written -= len(pending.pop(0))
        if written:
            pending[0] = pending[0][written:]


def _flush(fd: int) -> None:
    """Down to the disk itself; macOS needs its own call for that."""
    if hasattr(fcntl, "F_FULLFSYNC"):
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    elif hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def _flush_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
