"""Free the bytes that nothing refers to any more: plan, show, execute.

The order, and why a death anywhere leaves the old store or the new one, whole:

0.  Deleted versions whose time in the trash is over let their content go.
1.  What is garbage is marked without a lock on the catalog, and its rows go in short transactions. When no draft is
    alive (`Lease.exclusive`), nobody relies on content that no row protects, and none begins to meanwhile. Beside
    drafts, what they have pinned stays, and what was committed meanwhile (I5): each step looks, holding the gate.
2.  Moving bytes changes no content, so others add and log meanwhile. A pack with much
    dead in it is emptied by `Repacker`: bytes, then rows, then the old file (I1).
3.  Pack files no row names are leftovers of a killed writer or prune, and go.
4.  Free pages of the database are given back.

A pack that another process writes to is left alone; so is one that holds anything damaged, for `repair`.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from localart.catalog import pruning, retention, sparing
from localart.catalog.lock import FileLock
from localart.catalog.pruning import PackUse
from localart.catalog.sparing import Watch
from localart.disk_errors import disk_errors
from localart.model import VersionRecord
from localart.operations.repack import Repacker, RepackTally, pays, remove_orphans
from localart.operations.tidy import remove_leftovers
from localart.operations.trash import TRASH_SECONDS, due, empty_trash, is_clock_behind, list_trash
from localart.progress import SILENCE, Progress
from localart.repository import Repository
from localart.repository.lease import PinReader, gate_path

SWEEP_ROWS = 20_000  # a transaction: about 0.1 s with the writer lock
SHRINK_PAGES = 2_000
_PATIENCE_SECONDS = 600
_MOST_SWEEPS = 5
_PAUSE_SECONDS = 0.01  # a waiting writer looks every 5 ms whether the lock is free


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """What a prune would free: contents and chunks, uncompressed and as stored (an estimate).

    `waiting_bytes` of `stored_bytes` would stay for now, for their pack is mostly alive. What writers hold at
    that moment stays too, and is not known yet.
    """

    blob_count: int
    blob_bytes: int
    stored_bytes: int
    waiting_bytes: int
    packs_to_remove: int
    packs_to_rewrite: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """What a prune did. `freed_bytes`: how much the pack files and the database have shrunk.

    `held_by_writers`: another prune was running, and nothing was done. `beside_writers`: drafts were alive, and what
    they may need stays. `waiting_bytes` are dead but stay: their pack is mostly alive, held by a writer, or damaged.
    `emptied_versions` left the trash for good. `packs_set_aside` hold records from a time the catalog does not know;
    they lie in `quarantine/`.
    """

    freed_bytes: int = 0
    packs_removed: int = 0
    packs_rewritten: int = 0
    waiting_bytes: int = 0
    held_by_writers: bool = False
    beside_writers: bool = False
    emptied_versions: int = 0
    packs_set_aside: int = 0
    damaged_packs: tuple[str, ...] = ()


def plan_prune(repository: Repository, doomed: Sequence[VersionRecord] = ()) -> PrunePlan:
    """Say what would be freed if the versions in `doomed` were deleted now. Changes nothing.

    What drafts alive now have added, and not logged yet, counts as garbage too, although it stays.
    """
    connection = repository.read()
    with pruning.marked(connection, [version.id for version in doomed]):
        garbage = pruning.garbage(connection)
        uses = [use for use in pruning.pack_uses(connection) if use.dead_bytes]
    emptied = [use for use in uses if pays(use, use.dead_bytes)]
    removed = [use for use in emptied if not use.live_blobs]
    dead_bytes = sum(use.dead_bytes for use in uses)
    return PrunePlan(
        blob_count=garbage.blob_count,
        blob_bytes=garbage.blob_bytes,
        stored_bytes=dead_bytes,
        waiting_bytes=dead_bytes - sum(use.dead_bytes for use in emptied),
        packs_to_remove=len(removed),
        packs_to_rewrite=len(emptied) - len(removed),
    )


def execute_prune(
    repository: Repository, *, trash_seconds: float = TRASH_SECONDS, progress: Progress = SILENCE
) -> PruneReport:
    """Free what no committed version, no run and no draft needs; see the module for the order of things.

    Deleted versions count as needed until they have been in the trash for `trash_seconds`; 0 empties it.

    Others read, log and download meanwhile. Killed or out of space midway: what was freed is freed, all else is
    as before, and the next prune goes on.
    """
    repository.catalog.refuse_read_only()
    lock = FileLock(repository.root / "locks" / "prune.lock")
    try:
        if not lock.try_acquire():
            return PruneReport(held_by_writers=True)
        emptied = empty_trash(repository, due_trash(repository, trash_seconds))
        return replace(_prune(repository, progress), emptied_versions=emptied)
    finally:
        lock.close()


def due_trash(repository: Repository, trash_seconds: float) -> list[VersionRecord]:
    """The deleted versions that have been in the trash for that long; none by a clock that is behind, but all for 0."""
    if trash_seconds > 0 and is_clock_behind(repository):
        return []
    return due(list_trash(repository), trash_seconds)


def _prune(repository: Repository, progress: Progress) -> PruneReport:
    connection = repository.read()
    before = pruning.catalog_bytes(connection)
    with repository.catalog.snapshot():
        # what a damaged row does not name any more would be taken for garbage
        retention.refuse_damage(connection)
    with ExitStack() as marks:
        with repository.lease.exclusive() as is_alone:
            _release_own_packs(repository, is_alone=is_alone)
            if not _sweep(repository, marks, is_alone=is_alone):
                return PruneReport(held_by_writers=True, beside_writers=True)
            uses = pruning.pack_uses(connection)
            if is_alone:
                with disk_errors("tidying up", repository.root):
                    remove_leftovers(repository)
        tally = _repack(repository, uses, progress, is_alone=is_alone)
    remove_orphans(repository, tally)
    _shrink(repository)
    return PruneReport(
        freed_bytes=tally.freed_bytes + before - pruning.catalog_bytes(connection),
        beside_writers=not is_alone,
        packs_removed=tally.packs_removed,
        packs_rewritten=tally.packs_rewritten,
        waiting_bytes=tally.waiting_bytes,
        packs_set_aside=tally.packs_set_aside,
        damaged_packs=tuple(tally.damaged_packs),
    )


def _release_own_packs(repository: Repository, *, is_alone: bool) -> None:
    if is_alone:
        repository.release_writer()
        return
    with repository.lease.unheld() as is_free:
        if is_free:
            repository.release_writer()


def _sweep(repository: Repository, marks: ExitStack, *, is_alone: bool) -> bool:
    """Mark, and remove the rows of what is marked; False when others changed too much meanwhile, too often.

    The marks stay for as long as `marks` does.
    """
    gate = FileLock(gate_path(repository.root / "locks"))
    try:
        with gate.held(timeout_seconds=_PATIENCE_SECONDS):
            PinReader(repository.root / "locks").remove_stale()
        for _ in range(_MOST_SWEEPS):
            watch = marks.enter_context(pruning.marked(repository.read(), is_alone=is_alone))
            if _sweep_marked(repository, gate, watch):
                return True
            marks.close()
        return False
    finally:
        gate.close()


def _sweep_marked(repository: Repository, gate: FileLock, watch: Watch) -> bool:
    """False when a manifest that is marked was taken up again: then the rest stays, and must be marked anew."""
    connection = repository.read()
    has_more = pruning.has_garbage(connection)
    pins = PinReader(repository.root / "locks")
    if has_more:
        sparing.note_pins(connection, pins.new_pins())  # most of them, while nobody waits
    while has_more:
        # The gate first: nobody who holds the writer lock asks for it.
        with (
            gate.held(timeout_seconds=_PATIENCE_SECONDS),
            pruning.foreign_keys_off(connection),
            repository.catalog.write() as tx,
        ):
            if not sparing.is_current(tx, watch):
                return False
            sparing.spare(tx, watch, pins.new_pins())
            has_more = pruning.sweep(tx, SWEEP_ROWS)
            watch = sparing.watched(tx.connection)
        _let_others_in(has_more=has_more)
    return True


def _repack(
    repository: Repository, uses: Sequence[PackUse], progress: Progress, *, is_alone: bool
) -> RepackTally:
    """Empty the packs where it pays, those first that cost least: they may free the room the others need."""
    repacker = Repacker(repository, progress, keeps_all_records=not is_alone)
    progress.start("freeing space", total_bytes=sum(use.live_bytes for use in uses), total_files=0)
    try:
        for use in uses:
            repacker.empty(use)
    finally:
        repacker.close()
        progress.finish()
    return repacker.tally


def _shrink(repository: Repository) -> None:
    left = pruning.free_pages(repository.read())
    while left:
        with repository.catalog.write() as tx:
            pruning.shrink(tx, SHRINK_PAGES)
        now = pruning.free_pages(repository.read())
        if now >= left:  # a database that was made without auto_vacuum keeps its pages for itself
            break
        left = now
        _let_others_in(has_more=left > 0)
    repository.catalog.flush()


def _let_others_in(*, has_more: bool) -> None:
    if has_more:
        time.sleep(_PAUSE_SECONDS)
