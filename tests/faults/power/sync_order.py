"""What a trace of one process says about the order of writes and syncs (I1, I3).

A file is dirty from a write to it until a sync of it, a folder from a new name in it, or one that means another file
now, until a sync of it. A file that was dirty where it did not matter is dirty still under the name it moves to.
Rules: no pack, and no folder with a new pack in it, is dirty while the catalog is written; the marker gets
its name when all else is clean; nothing the store consists of is dirty when a call is acknowledged.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from power.tracing import Call

_WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate", "fallocate", "copy_file_range"}
_SYNCS = {"fsync", "fdatasync"}
_MOVES = {"rename", "renameat", "renameat2"}
_NAMES = {"mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat", *_MOVES}
_REMOVALS = {"unlink", "unlinkat", "rmdir"}
_DISPOSABLE = re.compile(r"^/(tmp|locks|quarantine)/|^/cache\.db|-shm$")


def paths_below(folder: Path) -> set[str]:
    """Every path there is below `folder`, and the folders above it."""
    return {str(path) for path in (folder, *folder.parents, *folder.rglob("*")) if path.exists()}


class Disk:
    """Which files and folders of the store at `store`, which may not exist yet, a power cut could take back."""

    def __init__(self, store: str, existing: set[str]) -> None:
        self._store = store
        self._there = set(existing)
        self._dirty: set[str] = set()
        self._unsynced: set[str] = set()  # files of any name

    def dirty(self) -> set[str]:
        """Files and folders in doubt. While there is a WAL it counts, not the database it will be merged into."""
        database = f"{self._store}/localart.db"
        return self._dirty - {database} if f"{database}-wal" in self._there else self._dirty

    def dirty_packs(self) -> set[str]:
        """Packs, and the folder they are in, when in doubt."""
        return {path for path in self._dirty if path.startswith(f"{self._store}/packs")}

    def see(self, call: Call) -> None:
        """Take note of one call that succeeded."""
        if call.name in _SYNCS:
            self._dirty.discard(call.path)
            self._unsynced.discard(call.path)
        elif call.name in _WRITES:
            self._write(call)
        elif call.name in _NAMES or "O_CREAT" in call.text:
            self._name(call.target, is_other=call.name in _MOVES)
        if call.name in _MOVES and call.path in self._unsynced:
            self._unsynced.add(call.target)
            if self._matters(call.target):
                self._dirty.add(call.target)
        if call.name in _REMOVALS or call.name in _MOVES:
            self._there.discard(call.path)
            self._dirty.discard(call.path)
            self._unsynced.discard(call.path)

    def _write(self, call: Call) -> None:
        self._unsynced.add(call.path)
        cuts_garbage = call.name == "ftruncate" and call.path.endswith(".pack")
        if self._matters(call.path) and not cuts_garbage:
            self._dirty.add(call.path)

    def _name(self, path: str, *, is_other: bool) -> None:
        """A new name, or (`is_other`) one that may have meant another file before."""
        is_new = is_other or path not in self._there
        if self._matters(path) and is_new and not path.endswith(".part"):
            self._dirty.add(str(PurePath(path).parent))
        self._there.add(path)

    def _matters(self, path: str) -> bool:
        if path.startswith(f"{self._store}/"):
            return _DISPOSABLE.search(path.removeprefix(self._store)) is None
        return f"{self._store}/".startswith(f"{path}/")


def violations(calls: Iterable[Call], *, store: Path, existing: set[str], acks: Path) -> Iterator[str]:
    """Every rule that was broken, in words; a write to `acks` says that a call has returned."""
    disk = Disk(str(store), existing)
    catalog = {f"{store}/localart.db{suffix}" for suffix in ("", "-wal", "-journal")}
    for call in calls:
        if call.failed:
            continue
        if call.name in _WRITES and call.path in catalog and disk.dirty_packs():
            yield f"the catalog is written while {sorted(disk.dirty_packs())} may be lost"
        if call.name in _MOVES and call.target == f"{store}/LOCALART" and disk.dirty():
            yield f"the store is marked while {sorted(disk.dirty())} may be lost"
        if call.name == "writev" and call.path == str(acks) and disk.dirty():
            yield f"acknowledged while {sorted(disk.dirty())} may be lost"
        disk.see(call)
