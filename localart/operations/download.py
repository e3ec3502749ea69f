"""Bring a version's files into a folder, touching only what is not right already."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from localart.catalog import manifests
from localart.errors import NotLocalError, SourceChanged, SourceMissing
from localart.files.globs import path_matcher
from localart.files.target import TargetFolder
from localart.model import BlobRef, Digest, Entry, VersionRecord
from localart.operations.fetch_reference import CHECKSUM, Fetching, fetch_reference
from localart.operations.resolve import live_version
from localart.operations.write_stored import SMALL_BYTES, SmallFiles, Written, write_large
from localart.progress import SILENCE, Progress
from localart.records import dataclass
from localart.repository import Repository
from localart.repository.own_files import place_inside, refuse_own_place

if TYPE_CHECKING:
    from os import stat_result

_BATCH = 16_384  # looking things up beside threads that write takes three times as long
# Our own files are remembered at once, so that the next download of a large version is a stat walk. That is
# safe when nobody can change one within the clock's grain of our stat: hence a short wait before returning.
_GRAIN_NANOSECONDS = 20_000_000
_WORTH_WAITING_BYTES = 8 << 20
_WORTH_WAITING_FILES = 1_000
_MOST_UNSETTLED_SECONDS = 5
_MOST_SEEN = 20_000  # stats held at a time: a million of them took 600 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadReport:
    """What a download did: files and bytes written, and files that were right already."""

    root: Path
    written_files: int
    written_bytes: int
    kept_files: int
    missing_references: tuple[str, ...] = ()


class _Download:
    """One download: what it works with, and what it counts."""

    def __init__(
        self, repository: Repository, target: TargetFolder, fetching: Fetching, progress: Progress = SILENCE
    ) -> None:
        self.repository = repository
        self.target = target
        self.fetching = fetching
        self.progress = progress
        self.written_files = 0
        self.written_bytes = 0
        self.kept_files = 0
        self.missing: list[str] = []
        self.seen: list[tuple[stat_result, Digest]] = []

    def wrote(self, written: Written) -> None:
        """Stored files stand."""
        byte_count = sum([entry.size_bytes for entry, _ in written])
        self.seen += [(stat, entry.digest) for entry, stat in written]
        self.written_files += len(written)
        self.written_bytes += byte_count

    def kept(self, entry: Entry) -> None:
        """A file was right already."""
        self.kept_files += 1
        self.progress.advance(byte_count=entry.size_bytes, file_count=1)


def download(
    repository: Repository,
    version: VersionRecord,
    root: Path,
    *,
    path_prefix: str = "",
    only: Sequence[str] = (),
    allow_missing_references: bool = False,
    fetch_references: bool = False,
    progress: Progress = SILENCE,
) -> DownloadReport:
    """Make every file of `version` whose path starts with `path_prefix` stand below `root`, byte for byte.

    With `only`, those alone that match one of these globs (see `localart.files.globs`).
    A file already there is kept only when its bytes are right (or the stat cache proves them); others are
    replaced; files the version does not name are left alone. Each file is verified while it is written and
    appears whole under its name. References to files are copied; those to the network are brought only when
    `fetch_references` is set. Killed midway: each file is the old or the new one; folders that were not there appear
    with their files, every few seconds.
    """
    version = live_version(repository.read(), version)
    own = place_inside(repository, root)
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    entries = _entries(repository, manifest, path_prefix, only)
    fetching = Fetching(network=fetch_references, allow_missing=allow_missing_references)
    progress.start(
        f"downloading {version.label}", total_bytes=manifest.size_bytes, total_files=manifest.file_count
    )
    try:
        with TargetFolder.open(root, gathers=True) as target:
            job = _Download(repository, target, fetching, progress)
            _bring_all(job, _batches(entries, own))
    finally:
        progress.finish()
    return DownloadReport(
        root=root,
        written_files=job.written_files,
        written_bytes=job.written_bytes,
        kept_files=job.kept_files,
        missing_references=tuple(job.missing),
    )


def _entries(
    repository: Repository, manifest: manifests.ManifestRecord, prefix: str, only: Sequence[str]
) -> Iterator[Entry]:
    connection = repository.read()
    entries = (
        manifests.verified_below(connection, manifest, prefix)
        if prefix
        else manifests.verified_entries(connection, manifest)
    )
    if not only:
        return entries
    is_wanted = path_matcher(only)
    return (entry for entry in entries if is_wanted(entry.path))


def _batches(entries: Iterator[Entry], own: str | None) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, _BATCH)):
        if own is not None:
            for entry in batch:
                refuse_own_place(own, entry.path)
        yield batch


def _bring_all(job: _Download, batches: Iterable[list[Entry]]) -> None:
    """The small files of one batch are written while the next is looked up."""
    under_way: deque[SmallFiles] = deque()
    try:
        for batch in batches:
            wanted = _not_right_yet(job, batch)
            stored = [entry for entry in wanted if entry.reference is None]
            small = [entry for entry in stored if entry.size_bytes <= SMALL_BYTES]
            under_way.append(SmallFiles(job.repository, job.target, small))
            for entry in stored:
                if entry.size_bytes > SMALL_BYTES:
                    _bring_large(job, entry)
                    _settle_now_and_then(job, under_way)
            for entry in wanted:
                if entry.reference is not None:
                    _bring_reference(job, entry)
            if len(under_way) > 1:
                _finish(job, under_way.popleft())
            _settle_now_and_then(job, under_way)
        while under_way:
            _finish(job, under_way.popleft())
    finally:
        for files in under_way:
            files.stop()
    _remember(job)


def _settle_now_and_then(job: _Download, under_way: deque[SmallFiles]) -> None:
    """New folders appear whole; so that a kill does not lose much work, they do every few seconds."""
    if job.target.unsettled_seconds > _MOST_UNSETTLED_SECONDS:
        while under_way:
            _finish(job, under_way.popleft())
        job.target.settle()


def _finish(job: _Download, files: SmallFiles) -> None:
    for written in files.results():
        before = job.written_bytes
        job.wrote(written)
        job.progress.advance(byte_count=job.written_bytes - before, file_count=len(written))
    if len(job.seen) >= _MOST_SEEN:
        _remember(job)


def _bring_large(job: _Download, entry: Entry) -> None:
    job.wrote([(entry, write_large(job.repository, job.target, entry, job.progress))])
    job.progress.advance(file_count=1)


def _not_right_yet(job: _Download, batch: list[Entry]) -> list[Entry]:
    """The entries whose file is absent or wrong."""
    stats = [job.target.find(entry.path) for entry in batch]
    there = [stat for stat in stats if stat is not None]
    known = iter(job.repository.cache.find(there) if there else [])
    wanted: list[Entry] = []
    for entry, stat in zip(batch, stats, strict=True):
        if stat is None:
            wanted.append(entry)
            continue
        remembered = next(known)
        content = _content_of(entry)
        if content is None:
            wanted.append(entry)
            continue
        if remembered != content.digest:
            exact = job.target.find_exact(entry.path, content)
            if exact is None:
                wanted.append(entry)
                continue
            job.seen.append((exact, content.digest))
        job.kept(entry)
    return wanted


def _content_of(entry: Entry) -> BlobRef | None:
    """What the entry's file must hold; None for a reference that was recorded without its checksum."""
    if entry.reference is None:
        return BlobRef(entry.digest, entry.size_bytes)
    if not entry.reference.checksum.startswith(CHECKSUM):
        return None
    return BlobRef(Digest(bytes.fromhex(entry.reference.checksum.removeprefix(CHECKSUM))), entry.size_bytes)


def _remember(job: _Download) -> None:
    """Hand what was written or found right to the stat cache, and forget it here."""
    seen, job.seen = job.seen, []
    worth_waiting = job.written_bytes >= _WORTH_WAITING_BYTES or job.written_files >= _WORTH_WAITING_FILES
    if not seen or not worth_waiting or job.repository.network:
        job.repository.cache.remember(seen)
        return
    newest = max(stat.st_ctime_ns for stat, _ in seen)
    time.sleep(max(0, min(_GRAIN_NANOSECONDS, newest + _GRAIN_NANOSECONDS - time.time_ns())) / 1e9 + 0.001)
    job.repository.cache.remember(seen, racy_nanoseconds=_GRAIN_NANOSECONDS)


def _bring_reference(job: _Download, entry: Entry) -> None:
    """Write what a reference leads to; what is not to be had may be left out."""
    try:
        job.written_bytes += fetch_reference(job.target, entry, job.fetching)
        job.written_files += 1
    except (SourceMissing, SourceChanged, NotLocalError):
        if not job.fetching.allow_missing:
            raise
        job.missing.append(entry.path)
    job.progress.advance(byte_count=entry.size_bytes, file_count=1)


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
    with TargetFolder.open(root) as target:
        _bring_all(_Download(repository, target, Fetching(network=fetch_references)), [[entry]])
