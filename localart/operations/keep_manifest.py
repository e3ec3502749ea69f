"""Store the manifest of a draft: as an overlay on its artifact's latest version where few files changed, or whole.

Two steps, because a large manifest goes in slice by slice before the transaction that makes it visible.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from localart.catalog import artifacts, blobs, manifests, versions
from localart.catalog.transaction import Transaction
from localart.draft import Draft
from localart.errors import BlobMissing, StoreError
from localart.manifest import Page, diff_entries
from localart.manifest.digest import encode_row
from localart.manifest.record import encode_parts, encode_record
from localart.model import ArtifactKind, Digest, Entry
from localart.names import shown
from localart.records import dataclass
from localart.repository import Repository
from localart.store.frames import FrameKind

OVERLAY_FROM_FILES = 128
OVERLAY_SHARE = 4  # an overlay may change at most a quarter of the files


class UnderlayPruned(Exception):
    """What a manifest was prepared upon was pruned before it was finished: prepare it again. Never reaches users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedManifest:
    """A manifest on its way in: already stored, stored but hidden, or small enough for the last transaction.

    Of one that is stored already the plan names no pages.
    """

    plan: manifests.ManifestPlan
    base_digest: Digest | None = None
    stored: int | None = None
    hidden: int | None = None
    rows: "ManifestRows | None" = None


def prepare_manifest(repository: Repository, draft: Draft, *, project: str, name: str) -> PreparedManifest:
    """Make the manifest ready for a version of `project/name`; nobody sees it before `finish_manifest`."""
    stored = manifests.find_manifest(repository.read(), draft.digest())
    if stored is not None:
        return PreparedManifest(plan=_plan(draft, ()), stored=stored)
    plan = _plan(draft, draft.pages())
    plan, rows = _choose_layers(repository, draft, (project, name), plan)
    base = None if plan.base is None else manifests.get_manifest(repository.read(), plan.base).digest
    _write_record(repository, plan, base, rows)
    if len(rows) <= manifests.SLICE_ROWS:
        return PreparedManifest(plan=plan, base_digest=base, rows=rows)
    hidden = _store_slices(repository, plan, base, rows)
    return PreparedManifest(plan=plan, base_digest=base, hidden=hidden)


def _plan(draft: Draft, pages: tuple[Page, ...]) -> manifests.ManifestPlan:
    return manifests.ManifestPlan(
        digest=draft.digest(),
        pages=pages,
        file_count=draft.file_count,
        size_bytes=draft.size_bytes,
        base=None,
    )


class ManifestRows:
    """Rows of a manifest, that can be counted and streamed more than once: the changes, or None for all of a draft."""

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

    @property
    def are_files(self) -> bool:
        """Whether these are all of a draft of stored files alone, of which there may be a million."""
        return self._changes is None and not self._draft.has_references

    def record(self, digest: Digest, base: Digest | None) -> Iterator[bytes]:
        """What the packs keep of the manifest with this digest."""
        if self.are_files:
            return encode_parts(digest, base, map(encode_row, self._draft.rows()))
        return encode_record(digest, base, self)

    def insert(self, tx: Transaction, manifest_id: int) -> None:
        """Insert them all, of which there are not too many for one transaction."""
        if self.are_files:
            manifests.insert_files(tx, manifest_id, list(self._draft.stored_rows()), {})
        else:
            manifests.insert_rows(tx, manifest_id, list(self), {})

    def insert_slices(self, repository: Repository, manifest_id: int) -> None:
        """Insert them slice by slice, each a transaction of its own."""
        folders: dict[str, int] = {}
        if self.are_files:
            for some in manifests.slices(self._draft.stored_rows()):
                with repository.catalog.write() as tx:
                    manifests.insert_files(tx, manifest_id, some, folders)
            return
        for rows in manifests.slices(self):
            with repository.catalog.write() as tx:
                manifests.insert_rows(tx, manifest_id, rows, folders)


def _choose_layers(
    repository: Repository, draft: Draft, place: tuple[str, str], plan: manifests.ManifestPlan
) -> tuple[manifests.ManifestPlan, ManifestRows]:
    """Over the artifact's latest version when few files changed, whole otherwise."""
    if draft.file_count >= OVERLAY_FROM_FILES:
        for base in _bases(repository, *place):
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
                    ManifestRows(draft, changes),
                )
    return plan, ManifestRows(draft, None)


def _bases(repository: Repository, project: str, name: str) -> Iterator[manifests.ManifestRecord]:
    """The latest version's manifest; when its chain is full, the whole one at the chain's end."""
    artifact = artifacts.find_artifact(repository.read(), project, name)
    if artifact is None or artifact.latest is None or artifact.kind is not ArtifactKind.SEQUENCE:
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
    for change in diff_entries(manifests.iter_entries(repository.read(), base), draft.entries()):
        changes.append((change.path, change.after))
        if len(changes) > limit:
            return None
    return changes


def _write_record(
    repository: Repository, plan: manifests.ManifestPlan, base: Digest | None, rows: ManifestRows
) -> None:
    for payload in rows.record(plan.digest, base):
        repository.append_record(FrameKind.MANIFEST, payload)


def _store_slices(
    repository: Repository,
    plan: manifests.ManifestPlan,
    base: Digest | None,
    rows: ManifestRows,
) -> int:
    """Insert a large manifest slice by slice, so that no other writer waits long; it stays hidden."""
    repository.publish()
    with repository.catalog.write() as tx:
        _refuse_pruned(tx, plan, base)
        hidden = manifests.begin_manifest(tx, plan)
    rows.insert_slices(repository, hidden)
    return hidden


def finish_manifest(tx: Transaction, prepared: PreparedManifest) -> int:
    """Make it a manifest that versions can have; its row. UnderlayPruned when it must be prepared again."""
    digest = prepared.plan.digest
    known = manifests.find_manifest(tx.connection, digest)
    if known is not None:
        return known
    if prepared.stored is not None:
        raise UnderlayPruned
    if prepared.hidden is not None:
        return manifests.complete_manifest(tx, prepared.hidden, digest)
    _refuse_pruned(tx, prepared.plan, prepared.base_digest)
    manifest_id = manifests.begin_manifest(tx, prepared.plan)
    assert prepared.rows is not None
    prepared.rows.insert(tx, manifest_id)
    return manifests.complete_manifest(tx, manifest_id, digest)


def _refuse_pruned(tx: Transaction, plan: manifests.ManifestPlan, base: Digest | None) -> None:
    """UnderlayPruned unless the manifest below is still the one that was looked at, whole."""
    if base is not None and manifests.find_manifest(tx.connection, base) != plan.base:
        raise UnderlayPruned


# --- what was lost -------------------------------------------------------------------------------------


@contextmanager
def naming_lost_content(repository: Repository, draft: Draft) -> Iterator[None]:
    """In place of a bare BlobMissing, say which files of the draft have to be added again."""
    try:
        yield
    except BlobMissing as error:
        raise _lost_content(repository, draft) or error from error


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
