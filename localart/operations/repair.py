"""Set right what verify finds: plan, show, execute. Nothing is deleted; damaged packs go to `quarantine/`.

Steps in this order, each idempotent, so that a repair that was killed is simply run again:

1.  indexes; the journal, from its records in the packs;
2.  rows of runs, artifacts, versions, aliases, edges and links, from the journal;
3.  layers and manifests, from their records in the packs; what is searched;
4.  contents: rows that point elsewhere, then lost bytes from any copy, then damaged packs (see `repair_content`);
5.  records that the packs lack, so that the catalog could be rebuilt from them.

What no copy was found of keeps its row without a place: reading it is a BlobMissing that names `localart repair`, and
logging the same content again stores it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from localart.catalog import mending_derived, mending_places, mending_rows
from localart.catalog.lock import FileLock
from localart.catalog.needs import Needed
from localart.disk_errors import disk_errors
from localart.errors import StoreBusy
from localart.model import BlobRef
from localart.operations import repair_catalog, repair_content, repair_history
from localart.operations.repair_content import PackRepair
from localart.operations.repair_sources import open_sources
from localart.operations.verify import Code, Finding, VerifyReport, verify
from localart.progress import SILENCE, Progress
from localart.repository import Repository

_MOST_ROUNDS = 4


class StepKind(StrEnum):
    """What a step sets right."""

    INDEXES = "indexes"
    JOURNAL = "journal"
    ROWS = "rows"
    HISTORY = "history"
    LAYERS = "layers"
    MANIFESTS = "manifests"
    SEARCH = "search"
    CONTENT = "content"
    RECORDS = "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do, what it says to people, and the findings' subjects it is about."""

    kind: StepKind
    says: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """What would be done about `report`. `beyond`: what no step can set right."""

    report: VerifyReport
    steps: tuple[Step, ...]
    beyond: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What was done. `after` is what verify says now; `still_lost` are the files no copy was found of."""

    steps: tuple[Step, ...]
    found_blobs: int
    packs: tuple[PackRepair, ...]
    after: VerifyReport
    still_lost: tuple[Needed, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the store is what was written to it again."""
        return self.after.is_sound


_SAYS = {
    StepKind.INDEXES: "make the database's indexes anew from its rows",
    StepKind.JOURNAL: "restore the journal from its records in the packs",
    StepKind.ROWS: "restore rows of runs, artifacts, versions, aliases and edges from the journal",
    StepKind.HISTORY: "restore what runs logged from its records in the packs",
    StepKind.LAYERS: "work out anew which manifests lie over which",
    StepKind.MANIFESTS: "restore manifests from their records in the packs",
    StepKind.SEARCH: "make the search index anew",
    StepKind.CONTENT: "look for copies of what is damaged, and put damaged packs into quarantine/",
    StepKind.RECORDS: "write into the packs what they lack of journal and manifests",
}

_STEP_OF = {
    Code.JOURNAL: StepKind.JOURNAL,
    Code.VERSION: StepKind.ROWS,
    Code.ALIAS: StepKind.ROWS,
    Code.EDGE: StepKind.ROWS,
    Code.RUN: StepKind.ROWS,
    Code.HISTORY: StepKind.HISTORY,
    Code.LINK: StepKind.ROWS,
    Code.COUNTER: StepKind.ROWS,
    Code.LAYERS: StepKind.LAYERS,
    Code.MANIFEST: StepKind.MANIFESTS,
    Code.SEARCH: StepKind.SEARCH,
    Code.PACK: StepKind.CONTENT,
    Code.FRAME: StepKind.CONTENT,
    Code.PLACE: StepKind.CONTENT,
    Code.CONTENT: StepKind.CONTENT,
    Code.LOST: StepKind.CONTENT,
    Code.RECORD: StepKind.RECORDS,
}


def plan_repair(repository: Repository, *, progress: Progress = SILENCE) -> RepairPlan:
    """Look at everything and say what would be done. Changes nothing."""
    return plan_for(verify(repository, data=True, progress=progress))


def plan_for(report: VerifyReport) -> RepairPlan:
    """What to do about these findings, in the order it has to be done.

    Nothing where SQLite finds pages damaged: to write into such a file is to damage more of it.
    """
    broken = tuple(one for one in report.findings if one.code is Code.DATABASE and one.subject == "pages")
    if broken:
        return RepairPlan(report=report, steps=(), beyond=broken)
    subjects: dict[StepKind, list[str]] = {}
    beyond: list[Finding] = []
    for finding in report.findings:
        kind = _kind_of(finding)
        if kind is not None:
            subjects.setdefault(kind, []).append(finding.subject)
        elif finding.is_damage:
            beyond.append(finding)
    if StepKind.ROWS in subjects:
        subjects.setdefault(StepKind.SEARCH, [])
    steps = [
        Step(kind=kind, says=_SAYS[kind], subjects=tuple(dict.fromkeys(subjects[kind])))
        for kind in StepKind
        if kind in subjects
    ]
    return RepairPlan(report=report, steps=tuple(steps), beyond=tuple(beyond))


def _kind_of(finding: Finding) -> StepKind | None:
    """None: nothing to do, or nothing that can be done here."""
    if finding.code is Code.DATABASE:
        if finding.subject == "index":
            return StepKind.INDEXES
        return StepKind.ROWS if finding.subject.startswith(("dangling:", "seal:")) else None
    return _STEP_OF.get(finding.code)


def execute_repair(
    repository: Repository,
    plan: RepairPlan,
    *,
    places: Sequence[Path] = (),
    progress: Progress = SILENCE,
) -> RepairReport:
    """Do what `plan` says, look again, and go on while that finds more that can be done.

    `places` are stores, folders or files that may have copies. Nobody else may write meanwhile (StoreBusy). Killed
    midway: what was done is done; run it again.
    """
    repository.catalog.refuse_read_only()
    lock = FileLock(repository.root / "locks" / "prune.lock")
    try:
        with repository.lease.exclusive() as is_alone:
            if not is_alone or not lock.try_acquire():
                raise StoreBusy(
                    "Other programs use the store now", hint="end them, then run `localart repair` again"
                )
            repository.release_writer()
            with disk_errors("repairing the store", repository.root):
                return _rounds(_Doing(repository, places, progress), plan)
    finally:
        lock.close()


def _rounds(doing: "_Doing", plan: RepairPlan) -> RepairReport:
    """A row that is right again may show what was hidden behind it: look and mend until nothing changes."""
    done: list[Step] = []
    before: set[tuple[str, ...]] = set()
    for _ in range(_MOST_ROUNDS):
        state = tuple(sorted(f"{one.code} {one.what}" for one in plan.report.findings if one.is_damage))
        if not plan.steps or state in before:
            break
        before.add(state)
        for step in plan.steps:
            doing.do(step, plan.report)
        done += plan.steps
        doing.repository.release_writer()
        plan = plan_for(verify(doing.repository, data=True, progress=doing.progress))
    if done:
        remove_caches(doing.repository)
    return RepairReport(
        steps=tuple({step.kind: step for step in done}.values()),
        found_blobs=doing.found_blobs,
        packs=tuple(doing.packs),
        after=plan.report,
        still_lost=plan.report.lost_files,
    )


class _Doing:
    """The steps, and what came of them."""

    def __init__(self, repository: Repository, places: Sequence[Path], progress: Progress) -> None:
        self.repository = repository
        self.progress = progress
        self.found_blobs = 0
        self.packs: list[PackRepair] = []
        self._sources = open_sources(repository, places)
        self._places = places

    def do(self, step: Step, report: VerifyReport) -> None:
        """One step."""
        match step.kind:
            case StepKind.INDEXES:
                repair_catalog.mend(self.repository, mending_derived.rebuild_indexes)
            case StepKind.JOURNAL:
                repair_catalog.restore_journal(self.repository)
            case StepKind.ROWS:
                self._restore_rows()
            case StepKind.HISTORY:
                repair_history.restore_histories(self.repository, step.subjects)
            case StepKind.LAYERS:
                repair_catalog.mend(self.repository, mending_derived.restore_layers)
            case StepKind.MANIFESTS:
                damaged = [int(subject.partition(":")[2]) for subject in step.subjects]
                repair_catalog.restore_manifests(self.repository, damaged)
                self._restore_rows()
            case StepKind.SEARCH:
                repair_catalog.mend(self.repository, mending_derived.rebuild_search)
            case StepKind.CONTENT:
                self._mend_content(report)
            case StepKind.RECORDS:
                repair_catalog.write_missing_records(self.repository)

    def _restore_rows(self) -> None:
        story = repair_catalog.story_of(self.repository)
        if story is None:  # a broken chain is believed by nobody
            return
        repair_catalog.restore_manifests(self.repository, [])
        repair_catalog.mend(self.repository, lambda tx: mending_rows.restore_rows(tx, story))

    def _mend_content(self, report: VerifyReport) -> None:
        packs = _packs_of(report.findings)
        for pack in packs:
            repair_content.name_by_place(self.repository, pack)
        lost = [blob for finding in report.findings for blob in finding.lost]
        broken_wholes = [
            blob for finding in report.findings if finding.code is Code.CONTENT for blob in finding.lost
        ]
        wanted = repair_content.pieces_wanted(self.repository, lost)
        self.progress.start(
            "looking for copies",
            total_bytes=sum(blob.size_bytes for blob in wanted.pieces.values()),
            total_files=0,
        )
        try:
            count = -1
            while wanted.pieces and count:
                sources = open_sources(self.repository, self._places) if count > 0 else self._sources
                count = repair_content.bring_back(self.repository, wanted, sources, self.progress)
                self.found_blobs += count
        finally:
            self.progress.finish()
        self._lose(broken_wholes)
        for pack in packs:
            done = repair_content.empty_damaged(self.repository, pack)
            if done is not None:
                self.packs.append(done)

    def _lose(self, wholes: Sequence[BlobRef]) -> None:
        """Large contents whose chunks are all right and still make something else: their list of chunks is wrong."""
        still = [blob for blob in wholes if not repair_content.is_whole(self.repository, blob)]
        found = repair_content.take_whole(self.repository, still, self._places)
        self.found_blobs += len(found)
        gone = [blob.digest for blob in still if blob.digest not in found]
        if gone:
            repair_catalog.mend(self.repository, lambda tx: mending_places.lose(tx, gone))


def _packs_of(findings: Sequence[Finding]) -> list[str]:
    subjects = [finding.subject for finding in findings if finding.subject.startswith("pack:")]
    return [subject.partition(":")[2] for subject in dict.fromkeys(subjects)]


def remove_caches(repository: Repository) -> None:
    """Take away what is only remembered to be faster; it is made anew."""
    repository.cache.close()
    for name in ("cache.db", "cache.db-wal", "cache.db-shm"):
        with disk_errors("removing what is only remembered", repository.root / name):
            (repository.root / name).unlink(missing_ok=True)
