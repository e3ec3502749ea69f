"""Log a draft as the next version of its artifact, as the output of a run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from localart.catalog import artifacts, blobs, edges, manifests, metrics, versions
from localart.catalog.transaction import Transaction
from localart.draft import Draft, resettle
from localart.errors import BlobMissing, StoreError
from localart.manifest import manifest_digest, page_entries
from localart.manifest.record import encode_record
from localart.model import Direction, Entry, RunRecord, VersionRecord
from localart.names import check_alias, check_tag, shown
from localart.operations.resolve import live_version
from localart.repository import Repository
from localart.store.frames import FrameKind

OVERLAY_FROM_FILES = 128
OVERLAY_SHARE = 4  # an overlay may change at most a quarter of the files


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a version is called and said to be, apart from its content."""

    project: str
    name: str
    type: str
    description: str | None
    metadata: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """The version that now holds the content; `is_new` False when an earlier one already did."""

    version: VersionRecord
    is_new: bool


def log_version(repository: Repository, draft: Draft, label: Label, *, run: RunRecord) -> LogReport:
    """Commit the draft's content under `label`. When this returns, the version survives a power cut.

    Equal content in the same artifact makes no new version: the earlier one gets the aliases, and the
    metadata given now is kept on the output edge. Killed midway: the version is there whole or not at all.
    """
    for alias in label.aliases:
        check_alias(alias)
    for tag in label.tags:
        check_tag(tag)
    with draft.sealing():
        try:
            resettle(draft, repository)
            prepared = _prepare_manifest(repository, draft, label)
            with repository.write_with_content() as tx:
                report = _commit(tx, prepared, label, run)
        except BlobMissing as error:
            raise _lost_content(repository, draft) or error from error
    draft.release()
    return report


def _lost_content(repository: Repository, draft: Draft) -> BlobMissing | None:
    """Which files of the draft are not stored (any more): their write failed, or they were added before a fork."""
    with suppress(StoreError):
        repository.publish()  # what is there, but has no rows yet, is not lost
    stored = [entry for entry in draft.entries() if entry.reference is None]
    known = blobs.known_blobs(repository.read(), list({entry.digest for entry in stored}))
    lost = [entry.path for entry in stored if entry.digest not in known]
    if not lost:
        return None
    more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
    return BlobMissing(
        f"The content of {shown(lost[0])}{more} was added, but is not in the store: its write failed,"
        " or another process added it",
        hint="add it again (overwrite=True), and log once more",
    )


# --- the manifest --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A manifest on its way in: already stored, stored but hidden, or small enough for the last transaction."""

    plan: manifests.ManifestPlan
    stored: int | None = None
    hidden: int | None = None
    rows: Sequence[tuple[str, Entry | None]] = ()


def _prepare_manifest(repository: Repository, draft: Draft, label: Label) -> _Prepared:
    pages = tuple(page_entries(draft.entries()))
    plan = manifests.ManifestPlan(
        digest=manifest_digest(page.digest for page in pages),
        pages=pages,
        file_count=draft.file_count,
        size_bytes=draft.size_bytes,
        base=None,
    )
    stored = manifests.find_manifest(repository.read(), plan.digest)
    if stored is not None:
        return _Prepared(plan=plan, stored=stored)
    plan, rows = _choose_layers(repository, draft, label, plan)
    _write_record(repository, plan, rows)
    if len(rows) <= manifests.SLICE_ROWS:
        return _Prepared(plan=plan, rows=list(rows))
    return _Prepared(plan=plan, hidden=_store_slices(repository, plan, rows))


class _Rows:
    """Rows of a manifest that can be counted and streamed more than once."""

    def __init__(self, draft: Draft, changes: Sequence[tuple[str, Entry | None]] | None) -> None:
        self._draft = draft
        self._changes = changes

    def __len__(self) -> int:
        return self._draft.file_count if self._changes is None else len(self._changes)

    def __iter__(self) -> Iterator[tuple[str, Entry | None]]:
        if self._changes is not None:
            yield from self._changes
            return
        for entry in self._draft.entries():
            yield entry.path, entry


def _choose_layers(
    repository: Repository, draft: Draft, label: Label, plan: manifests.ManifestPlan
) -> tuple[manifests.ManifestPlan, _Rows]:
    """Over the artifact's latest version when few files changed, whole otherwise."""
    if draft.file_count >= OVERLAY_FROM_FILES:
        for base in _bases(repository, label):
            changes = _changes_over(repository, base, draft)
            if changes is not None:
                return (
                    manifests.ManifestPlan(
                        digest=plan.digest,
                        pages=plan.pages,
                        file_count=plan.file_count,
                        size_bytes=plan.size_bytes,
                        base=base.id,
                    ),
                    _Rows(draft, changes),
                )
    return plan, _Rows(draft, None)


def _bases(repository: Repository, label: Label) -> Iterator[manifests.ManifestRecord]:
    """The latest version's manifest; when its chain is full, the whole one at the chain's end."""
    artifact = artifacts.find_artifact(repository.read(), label.project, label.name)
    if artifact is None or artifact.latest is None:
        return
    latest = versions.find_version(repository.read(), artifact.id, artifact.latest)
    assert latest is not None
    base = manifests.get_manifest(repository.read(), latest.manifest_id)
    if len(base.layers) > manifests.MAX_LAYERS:
        base = manifests.get_manifest(repository.read(), base.layers[-1])
    yield base


def _changes_over(
    repository: Repository, base: manifests.ManifestRecord, draft: Draft
) -> list[tuple[str, Entry | None]] | None:
    """What turns `base` into the draft; None when an overlay would not pay."""
    limit = draft.file_count // OVERLAY_SHARE
    if abs(base.file_count - draft.file_count) > limit:
        return None
    changes: list[tuple[str, Entry | None]] = []
    from localart.manifest import diff_entries

    for change in diff_entries(manifests.iter_entries(repository.read(), base), draft.entries()):
        changes.append((change.path, change.after))
        if len(changes) > limit:
            return None
    return changes


def _write_record(repository: Repository, plan: manifests.ManifestPlan, rows: _Rows) -> None:
    base = manifests.get_manifest(repository.read(), plan.base).digest if plan.base is not None else None
    for payload in encode_record(plan.digest, base, rows):
        repository.append_record(FrameKind.MANIFEST, payload)


def _store_slices(
    repository: Repository, plan: manifests.ManifestPlan, rows: Iterable[tuple[str, Entry | None]]
) -> int:
    """Insert a large manifest slice by slice, so that no other writer waits long; it stays hidden."""
    repository.publish()
    with repository.catalog.write() as tx:
        hidden = manifests.begin_manifest(tx, plan)
    folders: dict[str, int] = {}
    for some in manifests.slices(rows):
        with repository.catalog.write() as tx:
            manifests.insert_rows(tx, hidden, some, folders)
    return hidden


def _finish_manifest(tx: Transaction, prepared: _Prepared) -> int:
    digest = prepared.plan.digest
    known = manifests.find_manifest(tx.connection, digest)
    if known is not None:
        return known
    if prepared.hidden is not None:
        return manifests.complete_manifest(tx, prepared.hidden, digest)
    manifest_id = manifests.begin_manifest(tx, prepared.plan)
    manifests.insert_rows(tx, manifest_id, prepared.rows, {})
    return manifests.complete_manifest(tx, manifest_id, digest)


# --- the version ---------------------------------------------------------------------------------------


def _commit(tx: Transaction, prepared: _Prepared, label: Label, run: RunRecord) -> LogReport:
    artifact_id = artifacts.ensure_artifact(tx, label.project, label.name, label.type, label.description)
    manifest_id = _finish_manifest(tx, prepared)
    known = versions.find_by_manifest(tx.connection, artifact_id, manifest_id)
    version = known or versions.insert_version(
        tx,
        artifact_id=artifact_id,
        manifest_id=manifest_id,
        description=label.description,
        metadata=label.metadata,
        history_step=metrics.last_step(tx.connection, run.key),
    )
    for alias in (*label.aliases, versions.LATEST):
        versions.set_alias(tx, version, alias)
    versions.set_tags(tx, version, {*version.tags, *label.tags})
    edges.add_edge(
        tx,
        run_key=run.key,
        version_id=version.id,
        direction=Direction.OUTPUT,
        made=known is None,
        metadata=None if known is None else label.metadata,
    )
    tx.record("version.logged", _journal_body(version, label, run, is_new=known is None))
    return LogReport(version=versions.get_version(tx.connection, version.id), is_new=known is None)


def _journal_body(version: VersionRecord, label: Label, run: RunRecord, *, is_new: bool) -> dict[str, Any]:
    return {
        "version": version.uid,
        "project": label.project,
        "artifact": label.name,
        "type": label.type,
        "number": version.number,
        "manifest": version.digest.hex(),
        "size": version.size_bytes,
        "files": version.file_count,
        "description": label.description,
        "metadata": dict(label.metadata),
        "tags": sorted({*version.tags, *label.tags}),
        "run": run.uid,
        "new": is_new,
    }


def relog_version(
    repository: Repository,
    version: VersionRecord,
    *,
    run: RunRecord,
    aliases: tuple[str, ...],
    tags: tuple[str, ...],
) -> VersionRecord:
    """Log a version that exists already: it becomes an output of `run` too and takes the aliases and tags."""
    for alias in aliases:
        check_alias(alias)
    for tag in tags:
        check_tag(tag)
    with repository.write() as tx:
        now = live_version(tx.connection, version)
        for alias in (*aliases, versions.LATEST):
            versions.set_alias(tx, now, alias)
        versions.set_tags(tx, now, {*now.tags, *tags})
        edges.add_edge(tx, run_key=run.key, version_id=now.id, direction=Direction.OUTPUT)
        tx.record("version.relogged", {"version": now.uid, "label": now.full_name, "run": run.uid})
        return versions.get_version(tx.connection, now.id)
