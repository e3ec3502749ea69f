"""Make the catalog again from the packs: for a store whose database is lost or damaged beyond repair.

Every committed change is a journal record, and each record is in a pack too, as are the manifests, the chunk lists of
large files and the histories of runs. They are replayed into a new database beside the old one, which takes its place
when it is whole and checked; the old one goes to `quarantine/`. Killed at any moment, the store has the old database,
the new one, or (only when the old one was lost before) none, and the same call begins anew.

What cannot be known from packs: which bytes at the end of one belong to a change that was never acknowledged (it is
restored if it is whole), and what a run logged in its last minutes if it had not ended.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from localart.catalog.connection import connect
from localart.catalog.figures import quick_check, store_figures
from localart.catalog.format import check
from localart.catalog.lock import FileLock
from localart.catalog.replay import (
    NotReplayed,
    Rebuilt,
    decode_commit,
    name_store,
    new_catalog,
    replay_commit,
)
from localart.catalog.replay_chain import ChosenChain, choose_chain
from localart.catalog.replay_content import (
    LostFile,
    forget_unneeded,
    keep_run_files,
    lost_files,
    settle_differences,
)
from localart.catalog.replay_manifests import ManifestFiller, versions_without_files
from localart.catalog.runs import running_runs
from localart.disk_errors import disk_errors
from localart.errors import NotAStore, StoreBusy, StoreDamaged, StoreNotFound, UsageError
from localart.files.filesystem import fsync_folder, sync_file
from localart.names import shown
from localart.operations.rebuild_content import (
    find_manifests,
    place_chunk_lists,
    restore_histories,
    verify_contents,
)
from localart.operations.rebuild_scan import DamagedPlace, Findings, RecordReader, pack_sizes, scan_store
from localart.progress import SILENCE, Progress
from localart.repository.identity import new_uid, utc_now
from localart.repository.marker import read_marker, write_marker

CATALOG = "localart.db"
LISTED = 1_000
"""At most so many lost files, versions and records are named in a report."""

_BUSY_SECONDS = 60
_COMPANIONS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildReport:
    """What was restored, and all that could not be. `database` is the new one, `set_aside` where the old one is.

    `gaps`: numbers of journal records that no pack holds, as (first, last). `running`: runs that had not ended;
    what they logged last may be missing. `parted`: changes in the packs that another copy of the store made, as (the
    last one both have, its last one); they are left out.
    """

    database: Path
    set_aside: Path | None
    store: str
    pack_count: int
    byte_count: int
    record_count: int
    version_count: int
    run_count: int
    gaps: tuple[tuple[int, int], ...] = ()
    not_replayed: tuple[NotReplayed, ...] = ()
    damages: tuple[DamagedPlace, ...] = ()
    lost_files: tuple[LostFile, ...] = ()
    lost_versions: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    parted: tuple[tuple[int, int], ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not (self.gaps or self.not_replayed or self.lost_files or self.lost_versions or self.parted)


def rebuild(
    root: Path, *, into: Path | None = None, force: bool = False, progress: Progress = SILENCE
) -> RebuildReport:
    """Make the database of the store at `root` again; `into` (a new file) leaves the store as it is.

    A database that is sound is only replaced with `force`. All other writers wait meanwhile. Memory: about 500 bytes
    a journal record.
    """
    root = Path(os.path.realpath(root))
    _refuse_no_store(root)
    if into is not None:
        with disk_errors("rebuilding the catalog", into):
            return _into_file(root, Path(into).absolute(), progress)
    with disk_errors("rebuilding the catalog", root):
        return _in_place(root, progress, force=force)


def _in_place(root: Path, progress: Progress, *, force: bool) -> RebuildReport:
    for name in ("tmp", "locks", "quarantine"):
        _make_folder(root / name)
    with _alone(root):
        if not force:
            _refuse_sound(root / CATALOG)
        folder = root / "tmp" / f"rebuild-{new_uid()}"
        folder.mkdir(mode=0o700)
        try:
            report = _build(root, folder / CATALOG, progress)
            return _put_in_place(root, folder / CATALOG, report)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError as error:
        raise StoreDamaged(
            f"In place of a folder of the store lies something else: {shown(str(path), 300)}",
            hint="move it away, and try again",
        ) from error


# --- before ------------------------------------------------------------------------------------------------


def _refuse_no_store(root: Path) -> None:
    if not (root / "packs").is_dir():
        raise StoreNotFound(
            f"There is no localart store at {shown(str(root), 300)}", hint="give the folder that holds packs/"
        )
    if not pack_sizes(root):
        raise NotAStore(
            f"The store at {shown(str(root), 300)} has no packs, so there is nothing to rebuild from",
            hint="put back a copy of localart.db",
        )


def _refuse_sound(catalog: Path) -> None:
    if not catalog.exists() or not _is_sound(catalog):
        return
    raise UsageError(
        "The store's database can be read, so there is nothing to rebuild",
        hint="`localart verify` looks closer; --force replaces it all the same, and keeps the old one in quarantine/",
    )


def _is_sound(catalog: Path) -> bool:
    """Whether it is a catalog that SQLite finds nothing wrong with. One of a newer localart raises StoreTooNew."""
    if not catalog.is_file() or not catalog.stat().st_size:  # SQLite would remove what lies beside it
        return False
    if any(catalog.with_name(f"{CATALOG}{end}").is_dir() for end in _COMPANIONS):
        return False
    try:
        connection = connect(catalog, read_only=False)
        try:
            check(connection, catalog)
            return not quick_check(connection, limit=1)
        finally:
            connection.close()
    except (StoreDamaged, NotAStore):
        return False


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """No commit, no prune and no other rebuild meanwhile."""
    pruning = FileLock(root / "locks" / "prune.lock")
    writing = FileLock(root / "locks" / "writer.lock")
    try:
        if not pruning.try_acquire():
            raise StoreBusy("The store is being pruned or rebuilt", hint="try again when that has finished")
        with writing.held(timeout_seconds=_BUSY_SECONDS):
            yield
    finally:
        writing.close()
        pruning.close()


# --- the new database ----------------------------------------------------------------------------------------


def _build(root: Path, path: Path, progress: Progress) -> RebuildReport:
    marker = read_marker(root)
    reader = RecordReader(root)
    try:
        with new_catalog(path, now=utc_now()) as rebuilt:
            findings = scan_store(root, rebuilt, progress)
            chain = choose_chain(findings.commits)
            store = _identity(root, None if marker is None else marker.store, findings)
            name_store(rebuilt, store=store, created_at=findings.first_time or utc_now(), now=utc_now())
            lost = _fill(root, rebuilt, findings, chain, reader, progress)
            report = _report(path, store, rebuilt, findings, chain, lost)
    finally:
        reader.close()
    with path.open("rb") as file:  # SQLite has closed it: there is no lock that this could drop
        sync_file(file.fileno())
    return report


def _identity(root: Path, store: str | None, findings: Findings) -> str:
    """Whose store it is, by its marker or else by its records."""
    if store is not None:
        return store
    if not findings.sites:
        raise NotAStore(
            f"Neither a marker nor a record says whose store {shown(str(root), 300)} is",
            hint="put back a copy of its LOCALART file",
        )
    return max(findings.sites, key=lambda site: findings.sites[site])


def _fill(
    root: Path,
    rebuilt: Rebuilt,
    findings: Findings,
    chain: ChosenChain,
    reader: RecordReader,
    progress: Progress,
) -> tuple[str, ...]:
    """Everything but the frames; the versions whose manifest was not found."""
    settle_differences(rebuilt.tx)
    place_chunk_lists(rebuilt.tx, findings, reader)
    verify_contents(root, rebuilt.tx, findings, progress)
    for commit in chain.commits:
        replay_commit(rebuilt, decode_commit(reader.read(findings.places[commit.place])))
    ManifestFiller(rebuilt.tx, find_manifests(findings, reader)).fill()
    keep_run_files(rebuilt.tx)
    restore_histories(rebuilt, findings, reader)
    forget_unneeded(rebuilt.tx)
    return tuple(versions_without_files(rebuilt.tx.connection, limit=LISTED))


def _report(
    path: Path,
    store: str,
    rebuilt: Rebuilt,
    findings: Findings,
    chain: ChosenChain,
    lost: tuple[str, ...],
) -> RebuildReport:
    connection = rebuilt.tx.connection
    figures = store_figures(connection)
    running = tuple(f"{run.project}/run:{run.id}" for run in running_runs(connection))
    return RebuildReport(
        database=path,
        set_aside=None,
        store=store,
        pack_count=findings.pack_count,
        byte_count=findings.byte_count,
        record_count=rebuilt.record_count,
        version_count=figures.version_count,
        run_count=figures.run_count,
        gaps=chain.gaps,
        not_replayed=tuple(rebuilt.not_replayed[:LISTED]),
        damages=tuple(findings.damages[:LISTED]),
        lost_files=tuple(lost_files(connection, limit=LISTED)),
        lost_versions=lost,
        running=running,
        parted=chain.parted,
    )


# --- in its place ----------------------------------------------------------------------------------------------


def _put_in_place(root: Path, built: Path, report: RebuildReport) -> RebuildReport:
    """The old database and what SQLite left beside it go aside; then the new one takes its name.

    A WAL or journal of the old one must never meet the new one: SQLite would replay it. So they leave first, and the
    name itself changes hands in one step.
    """
    catalog = root / CATALOG
    aside = _set_aside(root)
    built.chmod(stat.S_IMODE(catalog.stat().st_mode) if catalog.exists() else 0o600)
    built.replace(catalog)
    fsync_folder(root)
    if read_marker(root) is None:
        write_marker(root, report.store)
    return replace(report, database=catalog, set_aside=aside)


def _set_aside(root: Path) -> Path | None:
    """Give the old files a second name in the quarantine, then take away those the new database must not find."""
    found = [path for path in (root / f"{CATALOG}{end}" for end in ("", *_COMPANIONS)) if path.exists()]
    if not found:
        return None
    stamp = "".join(char for char in utc_now() if char.isdigit())
    aside = root / "quarantine" / f"catalog-{stamp}"
    aside.mkdir(mode=0o700)
    for path in found:
        if path.is_dir():  # it never was a database, and has no second name
            path.rename(aside / path.name)
        else:
            os.link(path, aside / path.name)
    fsync_folder(aside)
    fsync_folder(aside.parent)
    for path in found:
        if path.name != CATALOG:
            path.unlink(missing_ok=True)
    fsync_folder(root)
    return aside


def _into_file(root: Path, target: Path, progress: Progress) -> RebuildReport:
    if target.exists():
        raise UsageError(f"{shown(str(target), 300)} exists already", hint="name a file that does not")
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {shown(str(target.parent), 300)}", hint="make it first")
    unfinished = target.with_name(f".{target.name}.{new_uid()}")
    try:
        report = _build(root, unfinished, progress)
        os.link(unfinished, target)  # unlike a rename, never over a file that came meanwhile
        fsync_folder(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)
        unfinished.with_name(f"{unfinished.name}-journal").unlink(missing_ok=True)
    return replace(report, database=target)
