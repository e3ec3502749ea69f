"""Bring a version's files into a folder, touching only what is not right already."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from localart.catalog import manifests
from localart.errors import BlobMissing, NotLocalError, SourceMissing, StoreDamaged
from localart.files.source import StableFile, open_source
from localart.files.target import TargetFolder
from localart.model import BlobLayout, BlobRef, Digest, Entry, VersionRecord
from localart.names import shown
from localart.progress import SILENCE, Progress
from localart.repository import Repository

if TYPE_CHECKING:
    from os import stat_result

_BATCH = 2_048
_SMALL_BYTES = 256 * 1024
# Our own files are remembered at once, so that the next download of a large version is a stat walk. That is
# safe when nobody can change one within the clock's grain of our stat: hence a short wait before returning.
_GRAIN_NANOSECONDS = 20_000_000
_WORTH_WAITING_BYTES = 8 << 20


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
    progress: Progress = SILENCE,
) -> DownloadReport:
    """Make every file of `version` whose path starts with `path_prefix` stand below `root`, byte for byte.

    A file already there is kept only when its bytes are right (or the stat cache proves them); others are
    replaced; files the version does not name are left alone. Each file is verified while it is written and
    appears whole under its name. Killed midway: each file is the old or the new one.
    """
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    entries: Iterable[Entry] = (
        manifests.verified_below(repository.read(), manifest, path_prefix)
        if path_prefix
        else manifests.verified_entries(repository.read(), manifest)
    )
    tally = _Tally()
    progress.start(
        f"downloading {version.label}", total_bytes=manifest.size_bytes, total_files=manifest.file_count
    )
    try:
        with TargetFolder.open(root) as target:
            stream = iter(entries)
            while batch := list(islice(stream, _BATCH)):
                _download_batch(
                    repository, target, batch, tally, progress, allow_missing=allow_missing_references
                )
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
    *,
    allow_missing: bool,
) -> None:
    wanted = _not_right_yet(repository, target, batch, tally, progress)
    stored = [entry for entry in wanted if entry.reference is None]
    _write_stored(repository, target, stored, tally, progress)
    for entry in wanted:
        if entry.reference is not None:
            _fetch_reference(target, entry, tally, allow_missing=allow_missing)
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
        if stat is None or entry.reference is not None:
            wanted.append(entry)
            continue
        if remembered != entry.digest:
            exact = target.find_exact(entry.path, BlobRef(entry.digest, entry.size_bytes))
            if exact is None:
                wanted.append(entry)
                continue
            tally.seen.append((exact, entry.digest))
        tally.kept_files += 1
        progress.advance(byte_count=entry.size_bytes, file_count=1)
    return wanted


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
    stat = target.write(entry.path, pieces, size_bytes=entry.size_bytes)
    tally.seen.append((stat, entry.digest))
    tally.written_files += 1
    tally.written_bytes += entry.size_bytes
    progress.advance(byte_count=entry.size_bytes, file_count=1)


def _remember(repository: Repository, tally: _Tally) -> None:
    if tally.written_bytes < _WORTH_WAITING_BYTES or repository.network:
        repository.cache.remember(tally.seen)
        return
    newest = max(stat.st_ctime_ns for stat, _ in tally.seen)
    time.sleep(max(0, min(_GRAIN_NANOSECONDS, newest + _GRAIN_NANOSECONDS - time.time_ns())) / 1e9 + 0.001)
    repository.cache.remember(tally.seen, racy_nanoseconds=_GRAIN_NANOSECONDS)


# --- references --------------------------------------------------------------------------------------


def _fetch_reference(target: TargetFolder, entry: Entry, tally: _Tally, *, allow_missing: bool) -> None:
    assert entry.reference is not None
    try:
        pieces, size = reference_pieces(entry)
        target.write(entry.path, pieces, size_bytes=size)
    except (SourceMissing, StoreDamaged):
        if not allow_missing:
            raise
        tally.missing.append(entry.path)
        return
    tally.written_files += 1
    tally.written_bytes += size


def reference_pieces(entry: Entry) -> tuple[Iterator[bytes], int]:
    """The bytes behind a `file://` reference, checked against its checksum before the last piece."""
    reference = entry.reference
    assert reference is not None
    parts = urlsplit(reference.uri)
    if parts.scheme != "file":
        raise NotLocalError(
            f"{shown(entry.path)} is a reference to {shown(reference.uri)}, which localart does not fetch",
            hint="fetch it yourself, or pass allow_missing_references=True to leave it out",
        )
    source = open_source(unquote(parts.path))
    return _checked(source, reference.checksum, entry), source.size_bytes


def _checked(source: StableFile, checksum: str, entry: Entry) -> Iterator[bytes]:
    from blake3 import blake3

    hasher = blake3()
    with source:
        waiting = b""
        for offset in range(0, source.size_bytes, 1 << 20):
            if waiting:
                yield waiting
            buffer = bytearray(min(1 << 20, source.size_bytes - offset))
            source.read_at(memoryview(buffer), offset)
            hasher.update(buffer)
            waiting = bytes(buffer)
        if checksum and checksum != "blake3:" + hasher.hexdigest():
            raise StoreDamaged(
                f"The file behind {shown(entry.path)} is no longer the one that was referenced",
                hint=f"look at {shown(entry.reference.uri) if entry.reference else ''}",
            )
        if waiting:
            yield waiting


def download_one(repository: Repository, version: VersionRecord, root: Path, path: str) -> None:
    """Make the one file at `path` stand below `root`; KeyError when the version has none."""
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    entry = manifests.find_entry(repository.read(), manifest, path)
    if entry is None:
        raise KeyError(f"{version.label} has no file {path!r}")
    tally = _Tally()
    with TargetFolder.open(root) as target:
        _download_batch(repository, target, [entry], tally, SILENCE, allow_missing=False)
    _remember(repository, tally)
