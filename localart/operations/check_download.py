"""Compare a downloaded folder with its version, and make it exactly that."""

from dataclasses import dataclass
from pathlib import Path

from localart.catalog import manifests
from localart.files.target import TargetFolder
from localart.model import BlobRef, VersionRecord
from localart.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDifference:
    """How a folder differs from a version; all empty when it is exactly that."""

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]
    unchecked_references: tuple[str, ...]


def compare_folder(repository: Repository, version: VersionRecord, root: Path) -> FolderDifference:
    """Read every file below `root` and say what is missing, changed or extra. Changes nothing."""
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    missing: list[str] = []
    changed: list[str] = []
    references: list[str] = []
    named: set[str] = set()
    with TargetFolder.open(root, create=False) as target:
        for entry in manifests.verified_entries(repository.read(), manifest):
            named.add(entry.path)
            if entry.reference is not None:
                references.append(entry.path)
            elif target.find(entry.path) is None:
                missing.append(entry.path)
            elif target.find_exact(entry.path, BlobRef(entry.digest, entry.size_bytes)) is None:
                changed.append(entry.path)
        extra = [path for path in target.walk() if path not in named]
    return FolderDifference(
        missing=tuple(missing),
        changed=tuple(changed),
        extra=tuple(extra),
        unchecked_references=tuple(references),
    )


def remove_extra_files(repository: Repository, version: VersionRecord, root: Path) -> tuple[str, ...]:
    """Remove the files below `root` that the version does not name; their paths."""
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    named = {entry.path for entry in manifests.verified_entries(repository.read(), manifest)}
    with TargetFolder.open(root) as target:
        extra = [path for path in target.walk() if path not in named]
        for path in extra:
            target.remove(path)
    return tuple(extra)
