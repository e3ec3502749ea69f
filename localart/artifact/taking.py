"""Take entries of other artifacts into a draft: the bytes are shared, and where they came from is remembered."""

import posixpath

from localart.artifact.entries import ArtifactEntry
from localart.catalog import manifests
from localart.draft import Draft
from localart.draft.resettle import copy_content
from localart.errors import CommError, SourceMissing
from localart.model import Entry, VersionRecord
from localart.names import check_entry_path, shown
from localart.operations.resolve import live_version, resolve_uri
from localart.repository import Repository


def take_entry(draft: Draft, entry: ArtifactEntry, name: str | None) -> Entry:
    """Add the file or reference that an entry of a logged artifact stands for, under `name` or its own."""
    entry.ref_url()  # ValueError before it is logged
    artifact = entry.artifact
    return _take(draft, artifact.repository, artifact.version_record, entry.path, name)


def take_uri(draft: Draft, uri: str, name: str | None) -> Entry:
    """As `take_entry`, by the entry's `ref_url()`; SourceMissing (a ValueError) when there is no such file."""
    try:
        found, path = resolve_uri(draft.repository, uri)
    except CommError as error:
        raise SourceMissing(f"Reference {shown(uri)} points to nothing: {error.message}") from error
    return _take(draft, draft.repository, found.version, path, name)


def _take(draft: Draft, source: Repository, version: VersionRecord, path: str, name: str | None) -> Entry:
    draft.refuse_sealed()
    home = draft.repository  # its lease keeps what is shared from being pruned
    now = live_version(source.read(), version)
    record = manifests.get_manifest(source.read(), now.manifest_id)
    found = manifests.find_entry(source.read(), record, path) if path else None
    if found is None:
        raise SourceMissing(f"{version.full_name} has no file {shown(path)}", hint="check the path")
    if source is not home and found.reference is None:
        copy_content(source, home, found)
    entry_path = check_entry_path(name or posixpath.basename(path))
    taken = Entry(entry_path, found.digest, found.size_bytes, found.reference)
    return draft.put(taken, origin=version.uid)
