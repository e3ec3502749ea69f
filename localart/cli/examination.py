"""What a store and a machine can do, and what is wrong with them. Reads, never changes, never raises, no network.

A store too damaged to open is described as far as the file system tells.
"""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from localart import __version__
from localart.catalog.figures import (
    CatalogSettings,
    StoreFigures,
    catalog_settings,
    iter_pack_ends,
    quick_check,
    store_figures,
)
from localart.catalog.lock import is_held
from localart.catalog.runs import running_runs
from localart.cli.exit_codes import ExitCode, exit_code_of
from localart.cli.figures import count_text, size_text
from localart.errors import LocalartError
from localart.files.filesystem import free_bytes, is_network, reflink
from localart.operations.run_life import run_lock_path
from localart.operations.verify_mark import VerifyMark, last_marks
from localart.records import dataclass
from localart.repository import Repository, open_repository
from localart.repository.marker import CATALOG
from localart.settings import STORE_FOLDER, Environment, notes_folder
from localart.store import pack_path

NEEDED = ("blake3", "click", "platformdirs", "pyfastcdc", "sqlite-utils", "textual", "xxhash", "zstandard")
USEFUL = ("numpy", "scikit-learn", "pillow", "torch")
_LITTLE_SPACE_BYTES = 1 << 30
_LISTED = 10

T = TypeVar("T")


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """The software localart runs on; a package that is not installed has version ""."""

    localart: str
    python: str
    sqlite: str
    system: str
    packages: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFacts:
    """The store's folder as the file system tells. None: not known, for there is nothing there."""

    path: Path
    found_by: str
    exists: bool
    writable: bool
    network: bool
    database_bytes: int | None
    pack_count: int
    pack_bytes: int
    free_bytes: int | None
    reflink: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything found. `code` is how the command should end."""

    machine: MachineFacts
    place: PlaceFacts
    catalog: CatalogSettings | None
    figures: StoreFigures | None
    findings: tuple[Finding, ...]
    code: ExitCode
    verified: tuple[VerifyMark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _StoreReport:
    """What an open store says."""

    catalog: CatalogSettings | None = None
    figures: StoreFigures | None = None
    findings: tuple[Finding, ...] = ()
    code: ExitCode = ExitCode.OK


def examine(path: Path, *, found_by: str) -> Examination:
    """Look at the machine, at the folder of the store, and into the store."""
    machine = machine_facts()
    place = place_facts(path, found_by)
    report = _examine_store(path)
    findings = (*_machine_findings(machine), *_place_findings(place), *report.findings)
    code = report.code
    if code is ExitCode.OK and any(finding.level is Level.WRONG for finding in findings):
        code = ExitCode.FAILED
    return Examination(
        machine=machine,
        place=place,
        catalog=report.catalog,
        figures=report.figures,
        findings=findings,
        code=code,
        verified=tuple(last_marks(path, notes_folder())),
    )


def how_found(settings: Environment, path: Path, *, is_given: bool) -> str:
    """Which of the places that are searched for a store gave this one."""
    if is_given:
        return "--store"
    if settings.store is not None:
        return "LOCALART_DIR"
    if path.name == STORE_FOLDER and path.is_dir():
        return f"the nearest {STORE_FOLDER}/ upward from here"
    return "the user's data folder"


# --- the machine ---------------------------------------------------------------------------------------


def machine_facts() -> MachineFacts:
    """Versions of everything that matters."""
    system = os.uname()
    return MachineFacts(
        localart=__version__,
        python=sys.version.split()[0],
        sqlite=sqlite3.sqlite_version,
        system=f"{system.sysname} {system.release} {system.machine}",
        packages={name: _package_version(name) for name in (*NEEDED, *USEFUL)},
    )


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _machine_findings(machine: MachineFacts) -> Iterator[Finding]:
    for name in NEEDED:
        if not machine.packages[name]:
            yield Finding(Level.WRONG, f"the package {name} is not installed", f"pip install {name}")


# --- the folder ----------------------------------------------------------------------------------------


def place_facts(path: Path, found_by: str) -> PlaceFacts:
    """What the file system tells of the folder; works whatever is, or is not, there."""
    pack_sizes = list(_pack_sizes(path))
    exists = os.path.lexists(path)
    return PlaceFacts(
        path=path,
        found_by=found_by,
        exists=exists,
        writable=os.access(path, os.W_OK),
        network=is_network(path),
        database_bytes=_size(path / CATALOG),
        pack_count=len(pack_sizes),
        pack_bytes=sum(pack_sizes),
        free_bytes=_free_bytes(path) if exists else None,
        reflink=_can_reflink(path / "tmp"),
    )


def _pack_sizes(path: Path) -> Iterator[int]:
    with suppress(OSError), os.scandir(path / "packs") as found:
        for entry in found:
            if entry.name.endswith(".pack"):
                yield entry.stat(follow_symlinks=False).st_size


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _free_bytes(path: Path) -> int | None:
    try:
        return free_bytes(path)
    except OSError:
        return None


def _can_reflink(folder: Path) -> bool | None:
    """Whether files there can share blocks, tried on two files without a name; None when that cannot be tried."""
    flags = getattr(os, "O_TMPFILE", None)
    if flags is None:
        return None
    opened: list[int] = []
    try:
        opened += [os.open(folder, flags | os.O_RDWR | os.O_CLOEXEC, 0o600) for _ in range(2)]
        os.write(opened[0], bytes(4096))
        return reflink(opened[0], opened[1])
    except OSError:
        return None
    finally:
        for fd in opened:
            os.close(fd)


def _place_findings(place: PlaceFacts) -> Iterator[Finding]:
    if place.network:
        yield Finding(
            Level.NOTE,
            "the store is on a network file system: slower, and its locks are only as good as the server's",
            "keep it on a local disk where you can",
        )
    if place.exists and not place.writable:
        yield Finding(Level.NOTE, "the store can be read but not written", "check its permissions")
    if place.free_bytes is not None and place.free_bytes < _LITTLE_SPACE_BYTES:
        yield Finding(
            Level.NOTE,
            f"only {size_text(place.free_bytes)} are free where the store lies",
            "free some space, or delete versions with `localart rm --now`",
        )


# --- the store -----------------------------------------------------------------------------------------


def _examine_store(path: Path) -> _StoreReport:
    try:
        repository = open_repository(path, create=False)
    except (LocalartError, OSError, sqlite3.Error) as error:
        return _StoreReport(findings=(_failure(error), *_remains(path)), code=exit_code_of(error))
    try:
        return _examine_open(repository)
    finally:
        with suppress(LocalartError, OSError, sqlite3.Error):  # a damaged file may not even close well
            repository.close()


def _failure(error: Exception) -> Finding:
    if isinstance(error, LocalartError):
        return Finding(Level.WRONG, error.message, error.hint)
    return Finding(Level.WRONG, str(error) or type(error).__name__)


def _remains(path: Path) -> Iterator[Finding]:
    """What is still there of a store that cannot be opened."""
    sizes = list(_pack_sizes(path))
    if sizes:
        yield Finding(
            Level.NOTE,
            f"{count_text(len(sizes), 'pack')} with {size_text(sum(sizes))} of content lie in {path / 'packs'}",
            "copy the whole folder somewhere safe before you try anything",
        )


def _examine_open(repository: Repository) -> _StoreReport:
    connection = repository.read()
    findings: list[Finding] = []
    settings = _tried(findings, lambda: catalog_settings(connection))
    figures = _tried(findings, lambda: store_figures(connection))
    for check in (_database, _packs, _stale_runs):
        findings += _tried(findings, partial(_listed, check, repository)) or ()
    return _StoreReport(catalog=settings, figures=figures, findings=tuple(findings))


def _listed(check: Callable[[Repository], Iterable[Finding]], repository: Repository) -> list[Finding]:
    return list(check(repository))


def _tried(findings: list[Finding], look: Callable[[], T]) -> T | None:
    """What `look` returns; when it fails, that is a finding."""
    try:
        return look()
    except (LocalartError, OSError, sqlite3.Error) as error:
        findings.append(_failure(error))
        return None


def _database(repository: Repository) -> Iterator[Finding]:
    found = quick_check(repository.read())
    if not found:
        yield Finding(Level.OK, "the database is sound (SQLite's quick check)")
    for text in found[:_LISTED]:
        yield Finding(
            Level.WRONG, f"the database is damaged: {text}", "put back a copy of localart.db from a backup"
        )


def _packs(repository: Repository) -> Iterator[Finding]:
    """Every committed byte must lie in a pack that is there and long enough."""
    count = wrong = unneeded = 0
    known = set()
    for name, end in iter_pack_ends(repository.read()):
        count += 1
        known.add(f"{name}.pack")
        size = _size(pack_path(repository.root, name))
        if size is None or size < end:
            wrong += 1
            if wrong <= _LISTED:
                yield _bad_pack(name, size, end)
        else:
            unneeded += size - end
    with os.scandir(repository.root / "packs") as found:
        unneeded += sum(entry.stat().st_size for entry in found if entry.name not in known)
    if wrong > _LISTED:
        yield Finding(Level.WRONG, f"and {wrong - _LISTED:,} more packs like these")
    if not wrong:
        yield Finding(Level.OK, f"{count_text(count, 'pack')}: all there, none too short")
    if unneeded:
        yield Finding(
            Level.NOTE, f"{size_text(unneeded)} in packs belong to writers that are at work or died"
        )


def _bad_pack(name: str, size: int | None, end: int) -> Finding:
    state = "is missing" if size is None else f"is {end - size:,} bytes too short"
    return Finding(
        Level.WRONG,
        f"pack {name} {state}: versions with content in it cannot be read whole",
        "put back a copy of it from a backup",
    )


def _stale_runs(repository: Repository) -> Iterator[Finding]:
    running = running_runs(repository.read())
    stale = [run for run in running if not is_held(run_lock_path(repository, run.uid))]
    if len(running) > len(stale):
        yield Finding(Level.OK, f"{count_text(len(running) - len(stale), 'run')} at work now")
    if stale:
        names = ", ".join(f"run:{run.id}" for run in stale[:_LISTED])
        more = f" and {len(stale) - _LISTED:,} more" if len(stale) > _LISTED else ""
        yield Finding(
            Level.NOTE,
            f"{count_text(len(stale), 'run')} ended without saying so: {names}{more}",
            "the next run that starts marks them as crashed",
        )
