"""Look whether a store is what was written to it. Nothing is changed, so read-only media will do.

Three depths. *Quick* (seconds): SQLite's own check, the journal's chain, every row that people see against its seal
and against what the journal tells, counters, and whether all packs are there and long enough. *Data* reads
everything besides: every manifest page against its digest, every frame against header, XXH3 and rows, each member
and each large file against its BLAKE3, differences through what they are told from. *A subset* does that for the
n-th of t parts of packs and contents: t nights see them all.

Memory is bounded by one frame and by the number of versions, not by files or bytes.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from localart.catalog import needs
from localart.catalog.needs import Needed
from localart.errors import CatalogDamaged, InvalidSetting, LocalartError, StoreDamaged
from localart.model import BlobRef, Digest
from localart.operations.verify_progress import VerifyProgress, load_progress, progress_path
from localart.progress import SILENCE, Progress
from localart.repository import Repository, open_repository


class Code(StrEnum):
    """What a finding is about."""

    DATABASE = "database"
    JOURNAL = "journal"
    VERSION = "version"
    ALIAS = "alias"
    EDGE = "edge"
    RUN = "run"
    HISTORY = "history"
    LINK = "link"
    COUNTER = "counter"
    LAYERS = "layers"
    SEARCH = "search"
    MANIFEST = "manifest"
    PACK = "pack"
    FRAME = "frame"
    PLACE = "place"
    CONTENT = "content"
    LOST = "lost"
    RECORD = "record"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was written (or, `NOTE`, worth knowing).

    `where` is a place in the store, `subject` what repair works on (a pack, a row), `lost` the contents that cannot be
    read for it, `versions` those (and runs) whose content cannot be trusted, `advice` what to do.
    """

    code: Code
    what: str
    where: str = ""
    subject: str = ""
    versions: tuple[str, ...] = ()
    advice: str = ""
    lost: tuple[BlobRef, ...] = ()

    @property
    def is_damage(self) -> bool:
        """Whether the store is not sound for it."""
        return self.code is not Code.NOTE


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What was looked at, and what was found. `lost_files`: every file that cannot be read whole now.

    `is_complete`: everything was read, not only a part of it. `has_catalog`: the database could be opened.
    """

    findings: tuple[Finding, ...]
    lost_files: tuple[Needed, ...] = ()
    version_count: int = 0
    record_count: int = 0
    manifest_count: int = 0
    pack_count: int = 0
    frame_count: int = 0
    checked_bytes: int = 0
    is_complete: bool = True
    has_catalog: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found that is not as it was written."""
        return not any(finding.is_damage for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Subset:
    """The `number`-th of `count` parts; which contents are in it depends on their names alone."""

    number: int = 1
    count: int = 1

    def holds(self, name: bytes) -> bool:
        """Whether what is called `name` is in this part."""
        return self.count == 1 or int.from_bytes(name[:8], "big") % self.count == self.number - 1


def parse_subset(text: str) -> Subset:
    """`n/t` with 1 ≤ n ≤ t; InvalidSetting for anything else."""
    number, _, count = text.partition("/")
    digits = number.isascii() and count.isascii() and number.isdigit() and count.isdigit()
    if not digits or len(text) > 20 or not 1 <= int(number) <= int(count):
        raise InvalidSetting(f"{text!r} is no part of a store", hint="for example 2/7: the second of seven")
    return Subset(int(number), int(count))


@dataclass(slots=True)
class Tally:
    """What is known so far."""

    findings: list[Finding] = field(default_factory=list)
    version_count: int = 0
    record_count: int = 0
    manifest_count: int = 0
    pack_count: int = 0
    frame_count: int = 0
    checked_bytes: int = 0

    def add(self, found: Iterable[Finding]) -> None:
        """Keep findings; whatever stops the search for more is a finding itself."""
        try:
            self.findings.extend(found)
        except (StoreDamaged, sqlite3.Error, UnicodeDecodeError) as error:
            self.findings.append(failure(error))
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            if not self.findings:
                raise
            self.findings.append(_unreadable(error))  # damaged pages have rows with values of any type


def failure(error: Exception) -> Finding:
    """The finding for a check that could not be made to its end."""
    what = error.message if isinstance(error, LocalartError) else f"The database cannot be read: {error}"
    cause = error if isinstance(error, sqlite3.Error) else error.__cause__
    code = getattr(cause, "sqlite_errorcode", 0) or 0
    if code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return Finding(code=Code.DATABASE, what=what, where="localart.db", subject="pages", advice=REBUILD)
    return Finding(code=Code.DATABASE, what=what, where="localart.db", subject="check", advice=REPAIR)


def _unreadable(error: Exception) -> Finding:
    return Finding(
        code=Code.DATABASE,
        what=f"Not all could be looked at, for rows of the database are damaged: {error}",
        where="localart.db",
        subject="check",
        advice="run `localart repair`, then `localart verify --data` again",
    )


REPAIR = "run `localart repair`"
FROM_COPY = "run `localart repair --from PLACE` with a copy of the store or a folder that has the files"
REBUILD = "run `localart repair`; what it cannot mend, `localart rebuild` makes anew from the packs"


def verify(
    repository: Repository,
    *,
    data: bool = False,
    subset: Subset | None = None,
    resume_in: Path | None = None,
    resume: bool = False,
    progress: Progress = SILENCE,
) -> VerifyReport:
    """Compare everything in the store with what was written; `subset` implies `data`.

    With `resume_in` (a folder outside the store) what was done is noted there, and `resume=True` goes on where an
    interrupted call stopped. Writers may be at work: what they commit meanwhile is judged or not, never misjudged.
    KeyboardInterrupt passes through, after the note.
    """
    from localart.operations import verify_catalog

    tally = Tally()
    verify_catalog.check_catalog(repository, tally, whole=data)
    if data or subset is not None:
        noted = _noted(repository, subset, resume_in, resume)
        try:
            _check_data(repository, tally, subset or Subset(), noted, progress)
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            if not tally.findings:
                raise
            tally.findings.append(_unreadable(error))  # damaged pages have rows with values of any type
    lost_files = _name_the_lost(repository, tally)
    return VerifyReport(
        findings=tuple(tally.findings),
        lost_files=lost_files,
        version_count=tally.version_count,
        record_count=tally.record_count,
        manifest_count=tally.manifest_count,
        pack_count=tally.pack_count,
        frame_count=tally.frame_count,
        checked_bytes=tally.checked_bytes,
        is_complete=data and subset is None,
    )


def _noted(
    repository: Repository,
    subset: Subset | None,
    folder: Path | None,
    resume: bool,  # noqa: FBT001
) -> VerifyProgress:
    part = "" if subset is None else f"{subset.number}of{subset.count}"
    path = None if folder is None else progress_path(folder, repository.root, subset=part)
    return load_progress(path, repository.marker.store, resume=resume)


def _check_data(
    repository: Repository, tally: Tally, subset: Subset, noted: VerifyProgress, progress: Progress
) -> None:
    from localart.operations import verify_content

    tally.findings += [finding_of(facts) for facts in noted.findings]
    try:
        verify_content.check_content(repository, tally, subset, noted, progress)
    except BaseException:
        noted.note(now=True)
        raise
    noted.forget()


def verify_store(
    root: Path,
    *,
    data: bool = False,
    subset: Subset | None = None,
    resume_in: Path | None = None,
    resume: bool = False,
    progress: Progress = SILENCE,
) -> VerifyReport:
    """As `verify`, for the store at `root`, opened only for reading.

    A database that is too damaged to be opened is a finding; a store that cannot be looked at at all raises what says
    why (StoreNotFound, StoreTooNew, NotAStore, …).
    """
    try:
        repository = open_repository(root, create=False, read_only=True)
    except (CatalogDamaged, sqlite3.Error) as error:
        return _without_catalog(root, error, data=data)
    try:
        return verify(
            repository, data=data, subset=subset, resume_in=resume_in, resume=resume, progress=progress
        )
    finally:
        with suppress(LocalartError, OSError, sqlite3.Error):  # a damaged file may not even close well
            repository.close()


def _without_catalog(root: Path, error: Exception, *, data: bool) -> VerifyReport:
    """What can be said without a database."""
    from localart.operations import verify_content

    tally = Tally()
    tally.findings.append(
        replace(failure(error), advice="run `localart rebuild`, or put back a copy of localart.db")
    )
    tally.add(verify_content.check_packs_alone(root, tally, data=data))
    return VerifyReport(
        findings=tuple(tally.findings),
        pack_count=tally.pack_count,
        frame_count=tally.frame_count,
        checked_bytes=tally.checked_bytes,
        is_complete=False,
        has_catalog=False,
    )


# --- who is affected -------------------------------------------------------------------------------------


def _name_the_lost(repository: Repository, tally: Tally) -> tuple[Needed, ...]:
    """Say for each finding which versions and runs it takes content from."""
    damaged = [
        (number, blob.digest) for number, finding in enumerate(tally.findings) for blob in finding.lost
    ]
    try:
        needed = list(needs.needed_by(repository.read(), damaged))
    except (StoreDamaged, sqlite3.Error) as error:
        tally.findings.append(failure(error))
        return ()
    holders: dict[int, dict[str, None]] = {}
    for one in needed:
        holders.setdefault(one.cause, {})[one.holder] = None
    for number, names in holders.items():
        finding = tally.findings[number]
        tally.findings[number] = replace(
            finding,
            versions=tuple(dict.fromkeys((*finding.versions, *names))),
            advice=finding.advice or FROM_COPY,
        )
    return tuple(needed)


# --- findings as JSON ------------------------------------------------------------------------------------


def document_of(finding: Finding) -> dict[str, Any]:
    """The finding as JSON objects."""
    lost = [{"digest": blob.digest.hex(), "size": blob.size_bytes} for blob in finding.lost]
    return {**asdict(replace(finding, lost=())), "code": finding.code.value, "lost": lost}


def finding_of(facts: dict[str, Any]) -> Finding:
    """The inverse of `document_of`."""
    lost = tuple(BlobRef(Digest(bytes.fromhex(blob["digest"])), blob["size"]) for blob in facts["lost"])
    return Finding(
        **{**facts, "code": Code(facts["code"]), "versions": tuple(facts["versions"]), "lost": lost}
    )
