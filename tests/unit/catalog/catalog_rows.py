"""Rows for tests of the catalog: contents that no pack holds, manifests, versions, runs."""

import sqlite3

from blake3 import blake3

from localart.catalog import Catalog, artifacts, blobs, manifests, projects, runs, versions
from localart.manifest import manifest_digest, page_entries, sort_key
from localart.model import BlobRef, Digest, Entry, Frame, PackBatch

PACK = "0" * 31 + "1"


def digest_of(text: str) -> Digest:
    return Digest(blake3(text.encode()).digest())


def blob_of(text: str) -> BlobRef:
    return BlobRef(digest_of(text), len(text.encode()))


def entry_of(path: str, text: str) -> Entry:
    return Entry(path, digest_of(text), len(text.encode()))


def batch_of(texts, *, pack: str = PACK, start: int = 32, chunked=()) -> PackBatch:
    """A batch that claims one frame with these contents; nothing is written to any pack."""
    members = tuple(blob_of(text) for text in texts)
    size = sum(member.size_bytes for member in members)
    frame = Frame(
        start=start, stored_bytes=size + 1, raw_bytes=size, codec=0, checksum=1 << 63, members=members
    )
    return PackBatch(pack=pack, end=start + size + 1, frames=(frame,), chunked=tuple(chunked))


def publish(catalog: Catalog, *texts: str) -> None:
    with catalog.write() as tx:
        blobs.publish(tx, batch_of(texts))


def plan_of(entries: list[Entry], base: int | None = None) -> manifests.ManifestPlan:
    pages = tuple(page_entries(entries))
    return manifests.ManifestPlan(
        digest=manifest_digest(page.digest for page in pages),
        pages=pages,
        file_count=len(entries),
        size_bytes=sum(entry.size_bytes for entry in entries),
        base=base,
    )


def store_manifest(catalog: Catalog, entries: list[Entry], *, base: int | None = None, changes=None) -> int:
    """Store a manifest whole, or as `changes` over `base`; its row id."""
    rows = [(entry.path, entry) for entry in entries] if changes is None else changes
    plan = plan_of(entries, base)
    with catalog.write() as tx:
        manifest_id = manifests.begin_manifest(tx, plan)
        manifests.insert_rows(tx, manifest_id, rows, {})
        return manifests.complete_manifest(tx, manifest_id, plan.digest)


def log_texts(catalog: Catalog, texts: dict[str, str], *, name: str = "data", project: str = "p", **facts):
    """A version of artifact `name` that holds `texts` by path."""
    entries = sorted((entry_of(path, text) for path, text in texts.items()), key=lambda e: sort_key(e.path))
    publish(catalog, *set(texts.values()))
    manifest_id = store_manifest(catalog, entries)
    with catalog.write() as tx:
        artifact_id = artifacts.ensure_artifact(tx, project, name, "dataset", None)
        return versions.insert_version(
            tx,
            artifact_id=artifact_id,
            manifest_id=manifest_id,
            description=facts.get("description"),
            metadata=facts.get("metadata", {}),
            history_step=None,
        )


def start_run(catalog: Catalog, run_id: str = "r1", project: str = "p", name: str = "a run") -> int:
    with catalog.write() as tx:
        return runs.insert_run(
            tx, projects.ensure_project(tx, project), run_id=run_id, uid=tx.new_uid(), name=name
        )


def scribble(catalog: Catalog, *statements: str) -> None:
    """Change rows behind the catalog's back, as failing memory or a foreign program would."""
    connection = sqlite3.connect(catalog.path, timeout=10)
    for trigger in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger[0]}")
    for statement in statements:
        assert connection.execute(statement).rowcount, f"changed nothing: {statement}"
    connection.commit()
    connection.close()
