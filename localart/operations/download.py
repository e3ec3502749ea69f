"""Bring a version's files into a folder, touching only what is not right already."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from localart.catalog import manifests
from localart.errors import BlobMissing, NotLocalError, SourceChanged, SourceMissing
from localart.files.target import TargetFolder
from localart.model import BlobLayout, BlobRef, Digest, Entry, VersionRecord
from localart.operations.fetch_reference import CHECKSUM, Fetching, fetch_reference
from localart.operations.resolve import live_version
from localart.progress import SILENCE, Progress
from localart.records import dataclass
from localart.repository import Repository
from localart.repository.own_files import place_inside, refuse_own_place

if TYPE_CHECKING:
    from os import stat_result

_BATCH = 2_048
_SMALL_BYTES = 256 * 1024
# Our own files are remembered at once, so that the next download of a large version is a stat walk. That is
# safe when nobody can change one within the clock's grain of our stat: hence a short wait before returning.
_GRAIN_NANOSECONDS = 20_000_000
_WORTH_WAITING_BYTES = 8 << 20
_WORTH_WAITING_FILES = 1_000
_MOST_SEEN = 20_000  # stats held at a time: a million of them took 600 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadReport:
    """What a download did: files and bytes written, and files that were right already."""

    root: Path
    written_files: int
    written_bytes: int
    kept_files: int
    missing_references: tuple[str, ...] = ()


class _Tally:
    """Counts while a download runs."""

    def __init__(self) -> None:
        self.written_files = 0
        self.written_bytes = 0
        self.kept_files = 0
        self.missing: list[str] = []
        self.seen: list[tuple[stat_result, Digest]] = []


def download(
    repository: Repository,
    version: VersionRecord,
    root: Path,
    *,
    path_prefix: str = "",
    allow_missing_references: bool = False,
    fetch_references: bool = False,
    progress: Progress = SILENCE,
) -> DownloadReport:
    """Make every file of `version` whose path starts with `path_prefix` stand below `root`, byte for byte.

    A file already there is kept only when its bytes are right (or the stat cache proves them); others are
    replaced; files the version does not name are left alone. Each file is verified while it is written and
    appears whole under its name. References to files are copied; those to the network are brought only when
    `fetch_references` is set. Killed midway: each file is the old or the new one.
    """
    version = live_version(repository.read(), version)
    own = place_inside(repository, root)
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    entries: Iterable[Entry] = (
        manifests.verified_below(repository.read(), manifest, path_prefix)
        if path_prefix
        else manifests.verified_entries(repository.read(), manifest)
    )
    tally = _Tally()
    fetching = Fetching(network=fetch_references, allow_missing=allow_missing_references)
    progress.start(
        f"downloading {version.label}", total_bytes=manifest.size_bytes, total_files=manifest.file_count
    )
    try:
        with TargetFolder.open(root) as target:
            stream = iter(entries)
            while batch := list(islice(stream, _BATCH)):
                for entry in batch:
                    refuse_own_place(own, entry.path)
                _download_batch(repository, target, batch, tally, progress, fetching)
                if len(tally.seen) >= _MOST_SEEN:
                    _remember(repository, tally)
            _remember(repository, tally)
    finally:
        progress.finish()
    return DownloadReport(
        root=root,
        written_files=tally.written_files,
        written_bytes=tally.written_bytes,
        kept_files=tally.kept_files,
        missing_references=tuple(tally.missing),
    )


def _download_batch(
    repository: Repository,
    target: TargetFolder,
    batch: list[Entry],
    tally: _Tally,
    progress: Progress,
    fetching: Fetching,
) -> None:
    wanted = _not_right_yet(repository, target, batch, tally, progress)
    stored = [entry for entry in wanted if entry.reference is None]
    _write_stored(repository, target, stored, tally, progress)
    for entry in wanted:
        if entry.reference is not None:
            _bring(target, entry, tally, fetching)
            progress.advance(byte_count=entry.size_bytes, file_count=1)


def _not_right_yet(
    repository: Repository, target: TargetFolder, batch: list[Entry], tally: _Tally, progress: Progress
) -> list[Entry]:
    """The entries whose file is absent or wrong."""
    stats = [target.find(entry.path) for entry in batch]
    there = [stat for stat in stats if stat is not None]
    known = iter(repository.cache.find(there) if there else [])
    wanted: list[Entry] = []
    for entry, stat in zip(batch, stats, strict=True):
        remembered = next(known) if stat is not None else None
        content = _content_of(entry)
        if stat is None or content is None:
            wanted.append(entry)
            continue
        if remembered != content.digest:
            exact = target.find_exact(entry.path, content)
            if exact is None:
                wanted.append(entry)
                continue
            tally.seen.append((exact, content.digest))
        tally.kept_files += 1
        progress.advance(byte_count=entry.size_bytes, file_count=1)
    return wanted


def _content_of(entry: Entry) -> BlobRef | None:
    """What the entry's file must hold; None for a reference that was recorded without its checksum."""
    if entry.reference is None:
        return BlobRef(entry.digest, entry.size_bytes)
    if not entry.reference.checksum.startswith(CHECKSUM):
        return None
    return BlobRef(Digest(bytes.fromhex(entry.reference.checksum.removeprefix(CHECKSUM))), entry.size_bytes)


def _write_stored(
    repository: Repository, target: TargetFolder, entries: list[Entry], tally: _Tally, progress: Progress
) -> None:
    """Write all of `entries`. Where a prune has moved bytes meanwhile, the catalog is asked for the new place."""
    waiting: dict[Digest, list[Entry]] = {}
    for entry in entries:
        waiting.setdefault(entry.digest, []).append(entry)
    layouts: list[BlobLayout] = []
    while waiting:
        before = layouts
        layouts = repository.layouts(
            [BlobRef(digest, some[0].size_bytes) for digest, some in waiting.items()]
        )
        try:
            _write_waiting(repository, target, layouts, waiting, tally, progress)
        except BlobMissing:
            if layouts == before:
                raise


def _write_waiting(
    repository: Repository,
    target: TargetFolder,
    layouts: list[BlobLayout],
    waiting: dict[Digest, list[Entry]],
    tally: _Tally,
    progress: Progress,
) -> None:
    """Write the entries in `waiting`, which keeps those that are still to be written."""
    small = [
        layout for layout in layouts if layout.blob.size_bytes <= _SMALL_BYTES and len(layout.pieces) == 1
    ]
    for blob, content in repository.reader.read_many(small):
        whole = memoryview(content)
        for entry in waiting.pop(blob.digest):
            _write(target, entry, [whole], tally, progress)
    for layout in layouts:
        left = waiting.get(layout.blob.digest, [])
        while left:
            _write(target, left[-1], repository.reader.stream(layout), tally, progress)
            left.pop()
        waiting.pop(layout.blob.digest, None)


def _write(
    target: TargetFolder,
    entry: Entry,
    pieces: Iterable[bytes | memoryview],
    tally: _Tally,
    progress: Progress,
) -> None:
    stat = target.write(entry.path, _reported(pieces, progress), size_bytes=entry.size_bytes)
    tally.seen.append((stat, entry.digest))
    tally.written_files += 1
    tally.written_bytes += entry.size_bytes
    progress.advance(file_count=1)


def _reported(pieces: Iterable[bytes | memoryview], progress: Progress) -> Iterator[bytes | memoryview]:
    for piece in pieces:
        yield piece
        progress.advance(byte_count=len(piece))


def _remember(repository: Repository, tally: _Tally) -> None:
    """Hand what was written or found right to the stat cache, and forget it here."""
    seen, tally.seen = tally.seen, []
    worth_waiting = tally.written_bytes >= _WORTH_WAITING_BYTES or tally.written_files >= _WORTH_WAITING_FILES
    if not seen or not worth_waiting or repository.network:
        repository.cache.remember(seen)
        return
    newest = max(stat.st_ctime_ns for stat, _ in seen)
    time.sleep(max(0, min(_GRAIN_NANOSECONDS, newest + _GRAIN_NANOSECONDS - time.time_ns())) / 1e9 + 0.001)
    repository.cache.remember(seen, racy_nanoseconds=_GRAIN_NANOSECONDS)


def _bring(target: TargetFolder, entry: Entry, tally: _Tally, fetching: Fetching) -> None:
    """Write what a reference leads to; what is not to be had may be left out."""
    try:
        tally.written_bytes += fetch_reference(target, entry, fetching)
        tally.written_files += 1
    except (SourceMissing, SourceChanged, NotLocalError):
        if not fetching.allow_missing:
            raise
        tally.missing.append(entry.path)


def download_one(
    repository: Repository,
    version: VersionRecord,
    root: Path,
    path: str,
    *,
    fetch_references: bool = False,
) -> None:
    """Make the one file at `path` stand below `root`; KeyError when the version has none."""
    version = live_version(repository.read(), version)
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    entry = manifests.find_entry(repository.read(), manifest, path)
    if entry is None:
        raise KeyError(f"{version.label} has no file {path!r}")
    refuse_own_place(place_inside(repository, root), path)
    tally = _Tally()
    fetching = Fetching(network=fetch_references)
    with TargetFolder.open(root) as target:
        _download_batch(repository, target, [entry], tally, SILENCE, fetching)
    _remember(repository, tally)
