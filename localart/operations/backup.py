"""Copy a store to another place, only what is new each time. The copy is a store that can be opened.

The order, and why the target is a whole store after a death anywhere (the old backup, or the new one):

1.  The catalog is copied as of one moment, beside the target's. Packs only grow, so all it relies on is below the
    ends it names. No prune runs meanwhile.
2.  What is new in the packs is copied, synced, and each new frame compared with its checksum. The target's catalog
    does not know of it yet.
3.  The new catalog takes the place of the old one, in one step.
4.  Packs that the new one does not name (a prune had emptied them) go.

`BACKUP` in the target says which bytes came from the source: what somebody appended to the target himself is not
among them, and is written over. When he changed the target's catalog, its journal tells: such a target is refused.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from localart.catalog.connection import Connection
from localart.catalog.copies import Kinship, all_packs, copy_catalog, kinship, open_copy, settle
from localart.catalog.lock import FileLock
from localart.catalog.transaction import last_record
from localart.disk_errors import disk_errors
from localart.errors import BlobMissing, NotAStore, StoreError, StoreFull, UsageError
from localart.files.filesystem import free_bytes, fsync_folder, fsync_with_parents, write_atomically
from localart.files.unfinished import is_unfinished
from localart.model import PackState
from localart.names import shown
from localart.operations.compare_copies import common_time
from localart.operations.copy_packs import CopiedPack, DamagedFrame, copy_pack
from localart.progress import SILENCE, Progress
from localart.repository import Repository
from localart.repository.marker import MARKER, Marker, read_marker
from localart.store.disposal import claimed_pack, pack_files, remove_pack

CATALOG = "localart.db"
NOTE = "BACKUP"
_FOLDERS = ("packs", "tmp", "locks", "quarantine")
_TRIES = 3
_LOCK_SECONDS = 60
_ROOM_BYTES = 1 << 20  # for the catalog's last pages and the note


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What a backup did. `last_change`: the number of the newest journal record in it.

    `damages`: frames that are not sound in the source either; they were copied as they are.
    """

    target: Path
    is_first: bool
    last_change: int
    pack_count: int
    copied_bytes: int
    packs_removed: int
    damages: tuple[DamagedFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class _Note:
    """What the target knows of itself: whose copy it is, and which bytes of each pack came from there."""

    store: str
    ends: Mapping[str, int] = field(default_factory=dict)


def backup(repository: Repository, target: Path, *, progress: Progress = SILENCE) -> BackupReport:
    """Make `target` (a new or empty folder, or an earlier backup of this store) a copy of the store as it is now.

    Others read and write meanwhile; prune waits. Killed or out of space midway: the target is the store it was before,
    and the next call goes on where this one stopped.
    """
    target = Path(os.path.realpath(target))
    _refuse_same_place(repository.root, target)
    with disk_errors("making the backup", target):
        note = _prepare(repository, target)
        with _quiet(repository, target):
            return _tried(repository, target, note, progress)


def _tried(repository: Repository, target: Path, note: _Note, progress: Progress) -> BackupReport:
    for _ in range(_TRIES - 1):
        with suppress(BlobMissing):  # a prune that began before us has moved what it held
            return _backup(repository, target, note, progress)
    return _backup(repository, target, note, progress)


# --- before ------------------------------------------------------------------------------------------------------


def _refuse_same_place(root: Path, target: Path) -> None:
    if target == root or root in target.parents or target in root.parents:
        raise UsageError(
            f"A backup of {shown(str(root), 300)} cannot be in {shown(str(target), 300)}",
            hint="name a folder of its own, best on another disk",
        )


def _prepare(repository: Repository, target: Path) -> _Note:
    """What is known of the target; made when it is new. Errors when it is anything but a backup of this store."""
    marker = _marker(target)
    if marker is not None and marker.store != repository.marker.store:
        raise NotAStore(
            f"{shown(str(target), 300)} is another store, not a copy of {shown(str(repository.root), 300)}",
            hint="name an empty folder",
        )
    note = _read_note(target)
    if marker is None and (note is None or note.store != repository.marker.store) and _holds_anything(target):
        raise NotAStore(
            f"{shown(str(target), 300)} is not empty and not a backup of this store",
            hint="name an empty folder",
        )
    _make(target)
    if note is None or note.store != repository.marker.store:
        note = _Note(repository.marker.store)
        _write_note(target, note)  # before anything else: a killed first backup is known again by it
    for folder in _FOLDERS:
        (target / folder).mkdir(mode=0o700, exist_ok=True)
    return note


def _make(target: Path) -> None:
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
        raise UsageError(
            f"The folder {shown(str(target), 300)} cannot be made",
            hint="name a place that folders can be made in",
        ) from error


def _marker(target: Path) -> Marker | None:
    if target.exists() and not target.is_dir():
        raise NotAStore(f"{shown(str(target), 300)} is a file", hint="name a folder")
    return read_marker(target)


def _holds_anything(target: Path) -> bool:
    return target.exists() and not all(is_unfinished(path.name) for path in target.iterdir())


def _read_note(target: Path) -> _Note | None:
    try:
        facts = json.loads((target / NOTE).read_bytes())
        return _Note(str(facts["store"]), {str(name): int(end) for name, end in facts["packs"].items()})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # nothing is known: all is compared


def _write_note(target: Path, note: _Note) -> None:
    text = json.dumps({"store": note.store, "packs": dict(note.ends)}, indent=0, sort_keys=True)
    write_atomically(target / NOTE, text.encode() + b"\n", 0o600)


@contextmanager
def _quiet(repository: Repository, target: Path) -> Iterator[None]:
    """No prune of either store, and no other backup to the target, meanwhile."""
    roots = [target] if repository.read_only else [repository.root, target]
    locks = [FileLock(root / "locks" / "prune.lock") for root in roots]
    try:
        for lock in locks:
            lock.acquire(timeout_seconds=_LOCK_SECONDS)
        yield
    finally:
        for lock in locks:
            lock.close()


# --- one attempt -------------------------------------------------------------------------------------------------


def _backup(repository: Repository, target: Path, note: _Note, progress: Progress) -> BackupReport:
    folder = target / "tmp" / f"backup-{repository.new_uid()}"
    folder.mkdir(mode=0o700)
    try:
        copy = folder / CATALOG
        copy_catalog(repository.catalog.read(), copy)
        connection = open_copy(copy)
        try:
            _refuse_foreign(repository, target, connection)
            packs, last = all_packs(connection), last_record(connection)[0]
        finally:
            connection.close()
        _refuse_full(target, packs)
        copied = _copy_packs(repository.root, target, packs, note, progress)
        is_first = _put_in_place(repository.root, target, copy)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return BackupReport(
        target=target,
        is_first=is_first,
        last_change=last,
        pack_count=len(packs),
        copied_bytes=sum(one.byte_count for one in copied),
        packs_removed=_remove_others(target, packs),
        damages=tuple(damage for one in copied for damage in one.damages),
    )


def _refuse_foreign(repository: Repository, target: Path, ours: Connection) -> None:
    """Nothing that was changed in the target alone may be lost."""
    if not (target / CATALOG).exists():
        return
    theirs = open_copy(target / CATALOG)
    try:
        found = kinship(ours, theirs)
    finally:
        theirs.close()
    if not found.is_ahead:
        raise diverged(found, repository.root, target, common_time(ours, found))


def diverged(found: Kinship, root: Path, target: Path, time: str) -> StoreError:
    """The error for two copies of a store that are not an earlier and a later state of it; `time`: when they parted."""
    here, there = shown(str(root), 300), shown(str(target), 300)
    if found.is_behind:
        return StoreError(
            f"{there} is {found.theirs - found.common} changes ahead of {here}, of which it is a copy",
            hint="copy the other way round, or name an empty folder",
        )
    since = f"change {found.common} of {time}" if found.common else "their beginning"
    return StoreError(
        f"These two stores were one until {since}: since then {found.ours - found.common} changes were"
        f" made in {here} and {found.theirs - found.common} in {there}",
        hint="name an empty folder; `localart compare` says in what they differ",
    )


def _refuse_full(target: Path, packs: Sequence[PackState]) -> None:
    there = {name: (target / "packs" / f"{name}.pack").stat().st_size for name in pack_files(target)}
    needed = sum(max(0, one.end - there.get(one.pack, 0)) for one in packs)
    free = free_bytes(target)
    if free < needed + _ROOM_BYTES:
        raise StoreFull(
            f"The backup needs {needed:,} bytes more, and {free:,} are free at {shown(str(target), 300)}",
            hint="free some space; the earlier backup is untouched",
        )


def _copy_packs(
    root: Path, target: Path, packs: Sequence[PackState], note: _Note, progress: Progress
) -> list[CopiedPack]:
    """Copy what is new; the target's note then says so."""
    progress.start(
        "copying packs",
        total_bytes=sum(max(0, one.end - note.ends.get(one.pack, 0)) for one in packs),
        total_files=0,
    )
    copied = [
        copy_pack(root, target, one.pack, known=note.ends.get(one.pack, 0), end=one.end, progress=progress)
        for one in packs
    ]
    progress.finish()
    fsync_folder(target / "packs")
    ends = {one.pack: one.end for one in packs}
    if ends != note.ends:
        _write_note(target, _Note(note.store, ends))
    return copied


def _put_in_place(root: Path, target: Path, copy: Path) -> bool:
    """Make the copied catalog the target's; whether it is its first one."""
    lock = FileLock(target / "locks" / "writer.lock")
    try:
        with lock.held(timeout_seconds=_LOCK_SECONDS):
            catalog = target / CATALOG
            is_first = not catalog.exists()
            if not is_first:
                settle(catalog)  # its WAL must never meet the new one
            copy.replace(catalog)
            fsync_with_parents(target)
    finally:
        lock.close()
    if read_marker(target) is None:
        write_atomically(target / MARKER, (root / MARKER).read_bytes(), 0o600)
    return is_first


def _remove_others(target: Path, packs: Sequence[PackState]) -> int:
    """Remove the packs that the new catalog does not name and nobody writes to."""
    named = {one.pack for one in packs}
    count = 0
    for name in pack_files(target):
        if name not in named:
            with claimed_pack(target, name) as is_mine:
                if is_mine:
                    remove_pack(target, name)
                    count += 1
    return count
