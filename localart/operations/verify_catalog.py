"""The quick part of verify: the database against itself, and (by `verify_rows`) against what its journal tells."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from localart.catalog import counts, history_seals, seals, soundness_content, soundness_file
from localart.catalog.manifests import get_manifest
from localart.errors import StoreDamaged
from localart.model import BlobRef
from localart.names import shown
from localart.operations.verify import FROM_COPY, REBUILD, REPAIR, Code, Finding, Tally
from localart.operations.verify_rows import Story
from localart.repository import Repository
from localart.repository.lagging import ADVICE, first_unknown
from localart.store import pack_path

_LISTED = 100


def check_catalog(repository: Repository, tally: Tally, *, whole: bool) -> None:
    """Every check that needs no look into packs and manifests; `whole` adds SQLite's check of its indexes."""
    with repository.catalog.snapshot() as connection:
        story = Story(connection, tally)
        for check in (
            partial(_pages, whole=whole),
            _dangling,
            story.chain,
            story.runs,
            story.versions,
            story.aliases,
            story.edges,
            story.links,
            story.counters,
            story.rest,
            _seals,
            *((_histories,) if whole else ()),
            _manifests,
            _layers,
            _search,
            partial(_packs, repository),
            _lost,
        ):
            tally.add(check(connection))
    tally.add(_strays(repository))
    tally.add(_lagging(repository))


def _lagging(repository: Repository) -> Iterator[Finding]:
    first = first_unknown(repository.root, repository.read())
    if first is not None:
        yield Finding(
            code=Code.DATABASE,
            what=f"The database is an older copy: the packs hold changes from number {first:,} on, and it does not",
            where="localart.db",
            subject="older",
            advice=ADVICE,
        )


def _pages(connection: sqlite3.Connection, *, whole: bool) -> Iterator[Finding]:
    for text in soundness_file.page_problems(connection, whole=whole):
        yield Finding(
            code=Code.DATABASE,
            what=f"The database is damaged: {text}",
            where="localart.db",
            subject="index" if "index" in text else "pages",
            advice=REBUILD,
        )
    for name in soundness_file.schema_problems(connection, soundness_file.expected_schema()):
        yield Finding(
            code=Code.DATABASE,
            what=f"The database's {name} is not as localart makes it",
            where="localart.db",
            subject="schema",
            advice=REBUILD,
        )


def _dangling(connection: sqlite3.Connection) -> Iterator[Finding]:
    for (table, parent), count in soundness_file.dangling_rows(connection).items():
        yield Finding(
            code=Code.DATABASE,
            what=f"{count:,} rows of {table} name rows of {parent} that are not there",
            where="localart.db",
            subject=f"dangling:{table}",
            advice=REBUILD,
        )


_TOLD_ELSEWHERE = {"versions", "aliases", "metric_names"}


def _seals(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Every row's seal must fit; those of versions, aliases and metrics are told elsewhere."""
    others = (one for one in seals.iter_unsealed(connection) if one[0] not in _TOLD_ELSEWHERE)
    for table, name in islice(others, _LISTED):
        yield Finding(
            code=Code.DATABASE,
            what=f"The row of {name} is not what was written: its seal does not fit",
            where="localart.db",
            subject=f"seal:{table}",
            advice=REPAIR,
        )
    for kind in counts.wrong_counts(connection):
        yield Finding(
            code=Code.DATABASE,
            what=f"The rows of {counts.SETS[kind][0]} are not all that were written",
            where="localart.db",
            subject=f"seal:{kind}",
            advice=REPAIR,
        )


def _histories(connection: sqlite3.Connection) -> Iterator[Finding]:
    """What ended runs logged must be what was sealed then, and metrics have the names they had."""
    for key, name in history_seals.unsealed_names(connection).items():
        yield Finding(
            code=Code.HISTORY,
            what=f"The name of metric {shown(name)} is not what was written",
            where="localart.db",
            subject=f"metric:{key}",
            advice=REPAIR,
        )
    for _, uid, run_id in history_seals.unsealed_histories(connection):
        yield Finding(
            code=Code.HISTORY,
            what=f"What run:{run_id} logged is not what was written",
            where="localart.db",
            subject=f"run:{uid}",
            versions=(f"run:{run_id}",),
            advice=REPAIR,
        )


def _manifests(connection: sqlite3.Connection) -> Iterator[Finding]:
    for manifest, _ in soundness_content.manifest_ids(connection):
        try:
            get_manifest(connection, manifest)
        except StoreDamaged as error:
            yield manifest_finding(connection, manifest, error)


def manifest_finding(connection: sqlite3.Connection, manifest: int, error: StoreDamaged) -> Finding:
    """That a manifest is not what was logged."""
    return Finding(
        code=Code.MANIFEST,
        what=error.message,
        where="localart.db",
        subject=f"manifest:{manifest}",
        versions=soundness_content.versions_of_manifest(connection, manifest),
        advice=REPAIR,
    )


def _layers(connection: sqlite3.Connection) -> Iterator[Finding]:
    for manifest, said, follows in soundness_content.manifest_layers(connection):
        if said != follows:
            yield Finding(
                code=Code.LAYERS,
                what="The layers of a manifest are not those it was stored over",
                where="localart.db",
                subject=f"layers:{manifest}",
                versions=soundness_content.versions_of_manifest(connection, manifest),
                advice=REPAIR,
            )


def _search(connection: sqlite3.Connection) -> Iterator[Finding]:
    for table in soundness_file.unsearchable(connection):
        yield Finding(
            code=Code.SEARCH,
            what=f"Not all {table} can be searched for, or some that are gone still can",
            where="localart.db",
            subject=f"search:{table}",
            advice=REPAIR,
        )


def _packs(repository: Repository, connection: sqlite3.Connection) -> Iterator[Finding]:
    missing: dict[str, str] = {}
    for state in soundness_content.packs(connection):
        path = pack_path(repository.root, state.pack)
        try:
            size = path.lstat().st_size
        except OSError:
            missing[state.pack] = f"Pack {state.pack} is missing"
            continue
        if size < state.end:
            missing[state.pack] = f"Pack {state.pack} is {state.end - size:,} bytes too short"
    for pack, what in missing.items():
        yield Finding(
            code=Code.PACK,
            what=what,
            where=f"packs/{pack}.pack",
            subject=f"pack:{pack}",
            lost=_contents_beyond(repository, connection, pack),
            advice=FROM_COPY,
        )


def _contents_beyond(
    repository: Repository, connection: sqlite3.Connection, pack: str
) -> tuple[BlobRef, ...]:
    """What lies in frames that the pack's file does not hold any more."""
    try:
        size = pack_path(repository.root, pack).lstat().st_size
    except OSError:
        size = 0
    with soundness_content.contents_counted(connection):
        gone = [
            row.id
            for start, row in soundness_content.frame_rows(connection, pack).items()
            if start + row.frame.stored_bytes > size
        ]
    return tuple(blob for _, blob in soundness_content.contents_of_frames(connection, gone))


def _lost(connection: sqlite3.Connection) -> Iterator[Finding]:
    lost = soundness_content.placeless(connection)
    if lost:
        yield Finding(
            code=Code.LOST,
            what=f"{len(lost):,} contents are lost: an earlier repair found no copy of them",
            where="localart.db",
            subject="lost",
            lost=tuple(lost),
            advice=FROM_COPY,
        )


def _strays(repository: Repository) -> Iterator[Finding]:
    """Files that no row names; a writer at work has some too. Asked after the snapshot: packs only come to be known."""
    known = {f"{state.pack}.pack" for state in soundness_content.packs(repository.read())}
    yield from _folder_note(
        repository.root / "packs",
        known,
        "in packs belong to writers that are at work or died",
        "the next prune frees them",
    )
    yield from _folder_note(
        repository.root / "quarantine",
        set(),
        "lie in quarantine",
        "remove quarantine/ when all you need is there",
    )


def _folder_note(folder: Path, known: Iterable[str], what: str, advice: str) -> Iterator[Finding]:
    names = set(known)
    try:
        with os.scandir(folder) as found:
            size = sum(entry.stat().st_size for entry in found if entry.name not in names and entry.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return
    if size:
        yield Finding(code=Code.NOTE, what=f"{size:,} bytes {what}", where=f"{folder.name}/", advice=advice)
