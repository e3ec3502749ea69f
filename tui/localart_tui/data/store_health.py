"""How the store is: bytes, packs, disk, who is at work. Looks, changes nothing, and takes no lock."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from localart.catalog import figures, history, usage
from localart.catalog.runs import running_runs
from localart.catalog.usage import CodecUsage, Usage
from localart.cli.examination import PlaceFacts, place_facts
from localart.operations.run_life import run_lock_path
from localart.operations.trash import list_trash
from localart.operations.verify_mark import VerifyMark, last_marks
from localart.repository.marker import CATALOG
from localart.settings import notes_folder

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from localart.catalog.figures import CatalogSettings, StoreFigures
    from localart_tui.data.store import Store

__all__ = [
    "CodecUsage",
    "Command",
    "Health",
    "Holder",
    "Pack",
    "Usage",
    "VerifyMark",
    "check_database",
    "codec_name",
    "commands",
    "read_health",
    "read_usage",
]

_MOST_FILES = 20_000
_PROC_LOCKS = Path("/proc/locks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack file: what the catalog relies on, and how long it is (None: it is missing)."""

    name: str
    end: int | None
    size_bytes: int | None

    @property
    def unneeded_bytes(self) -> int:
        """What lies behind the last committed byte, or in a file that no row names."""
        return 0 if self.size_bytes is None else max(self.size_bytes - (self.end or 0), 0)

    @property
    def is_broken(self) -> bool:
        """Missing, or shorter than what was committed."""
        return self.end is not None and (self.size_bytes is None or self.size_bytes < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that holds one of the store's locks."""

    pid: int
    program: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is known without measuring who holds what. `alive` and `stale`: runs that say they run."""

    place: PlaceFacts
    settings: CatalogSettings
    figures: StoreFigures
    wal_bytes: int
    packs: tuple[Pack, ...]
    codecs: tuple[CodecUsage, ...]
    holders: tuple[Holder, ...] | None
    alive: tuple[str, ...]
    stale: tuple[str, ...]
    trash_count: int
    trash_bytes: int
    verified: tuple[VerifyMark, ...]
    last_change: int


def read_health(store: Store, connection: sqlite3.Connection) -> Health:
    """Everything but the biggest artifacts. Scans blobs and frames: 0.1 s a million."""
    inodes = _lock_files(store.root)
    holders = _holders(inodes)
    held = {one.what for one in holders or ()}
    running = running_runs(connection)
    alive = [run for run in running if run_lock_path(store.repository, run.uid).name in held]
    trash = list_trash(store.repository)
    return Health(
        trash_count=len(trash),
        trash_bytes=sum(one.version.size_bytes for one in trash),
        verified=tuple(last_marks(store.root, notes_folder())),
        last_change=history.newest_seq(connection),
        place=place_facts(store.root, ""),
        settings=figures.catalog_settings(connection),
        figures=figures.store_figures(connection),
        wal_bytes=_size(store.root / f"{CATALOG}-wal") or 0,
        packs=tuple(_packs(store.root, connection)),
        codecs=tuple(usage.codec_usage(connection)),
        holders=holders,
        alive=tuple(f"run:{run.project}/{run.id}" for run in alive),
        stale=tuple(f"run:{run.project}/{run.id}" for run in running if run not in alive)
        if holders is not None
        else (),
    )


def _packs(root: Path, connection: sqlite3.Connection) -> Iterator[Pack]:
    there = {path.stem: _size(path) for path in _files(root / "packs") if path.suffix == ".pack"}
    for name, end in figures.iter_pack_ends(connection):
        yield Pack(name=name, end=end, size_bytes=there.pop(name, None))
    for name, size in sorted(there.items()):
        yield Pack(name=name, end=None, size_bytes=size)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _files(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            for number, entry in enumerate(found):
                if number >= _MOST_FILES:
                    return
                yield Path(entry.path)
    except OSError:
        return


# --- who is at work ------------------------------------------------------------------------------------


def _lock_files(root: Path) -> dict[tuple[int, int], str]:
    """The files of the store that writers lock, by device and inode."""
    found = {}
    for path in (*_files(root / "locks"), *_files(root / "locks" / "runs"), *_files(root / "packs")):
        try:
            facts = path.stat()
        except OSError:
            continue
        found[facts.st_dev, facts.st_ino] = path.name
    return found


def _holders(files: dict[tuple[int, int], str]) -> tuple[Holder, ...] | None:
    """Who holds them, as the kernel lists it; asking for a lock could make a writer wait. None: it does not say."""
    try:
        lines = _PROC_LOCKS.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = []
    for line in lines:
        fields = line.split()
        if len(fields) < 6 or "->" in fields:
            continue
        major, minor, inode = fields[5].split(":")
        what = files.get((os.makedev(int(major, 16), int(minor, 16)), int(inode)))
        if what is not None and int(fields[4]) != os.getpid():
            found.append(Holder(pid=int(fields[4]), program=_program(int(fields[4])), what=what))
    return tuple(found)


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""


# --- what takes long -----------------------------------------------------------------------------------

_measured: WeakKeyDictionary[Store, tuple[tuple[int, ...], list[Usage]]] = WeakKeyDictionary()


def read_usage(store: Store, connection: sqlite3.Connection) -> list[Usage]:
    """Every artifact and what it holds, the most stored bytes first; as measured before if nothing changed since."""
    state = _state(store.root)
    known = _measured.get(store)
    if known is None or known[0] != state:
        known = _measured[store] = (state, usage.artifact_usage(connection))
    return known[1]


def _state(root: Path) -> tuple[int, ...]:
    """What changes with every commit: size and time of the database and its WAL."""
    state: list[int] = []
    for name in (CATALOG, f"{CATALOG}-wal"):
        try:
            facts = (root / name).stat()
        except OSError:
            continue
        state += [facts.st_size, facts.st_mtime_ns]
    return tuple(state)


def check_database(connection: sqlite3.Connection) -> tuple[str, ...]:
    """What SQLite finds wrong; empty when all is well. Reads the whole database."""
    return figures.quick_check(connection)


def codec_name(codec: CodecUsage) -> str:
    """How it is stored, in words."""
    from localart.cli.commands.du import codec_name as named

    return named(codec)


# --- what to do ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command to type elsewhere, and what it does."""

    text: str
    says: str


_COMMANDS = (
    ("doctor", "", "look whether the store and this machine are well; seconds"),
    ("verify", "", "look whether every row is what the journal says; changes nothing"),
    ("verify", " --data", "the same, and read every stored byte"),
    ("repair", "", "set right what verify found"),
    ("du", "", "what each artifact takes, and what deleting it would free"),
    ("prune", " --dry-run", "what could be freed; nothing is"),
    ("rm", " NAME:v3 --dry-run", "what deleting a version would free; nothing is deleted"),
    ("backup", " FOLDER", "copy the store to another disk, only what is new"),
    ("history", "", "what was changed, and when"),
    ("undo", "", "take the last change back"),
)


def commands(root: Path) -> list[Command]:
    """The commands that this version has, for this store. The browser runs none of them."""
    import shlex

    from localart.cli.app import COMMANDS

    there = f" --store {shlex.quote(str(root))}"
    return [
        Command(text=f"localart {name}{rest}{there}", says=says)
        for name, rest, says in _COMMANDS
        if name in COMMANDS
    ]
