"""Compare a downloaded folder with its version, and make it exactly that."""

from pathlib import Path

from localart.catalog import manifests
from localart.files.target import TargetFolder
from localart.model import BlobRef, VersionRecord
from localart.operations.resolve import live_version
from localart.records import dataclass
from localart.repository import Repository
from localart.repository.own_files import is_own_place, place_inside, refuse_own_place


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDifference:
    """How a folder differs from a version; all empty when it is exactly that."""

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]
    unchecked_references: tuple[str, ...]


def compare_folder(repository: Repository, version: VersionRecord, root: Path) -> FolderDifference:
    """Read every file below `root` and say what is missing, changed or extra. Changes nothing."""
    version = live_version(repository.read(), version)
    own = place_inside(repository, root)
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    missing: list[str] = []
    changed: list[str] = []
    references: list[str] = []
    named: set[str] = set()
    with TargetFolder.open(root, create=False) as target:
        for entry in manifests.verified_entries(repository.read(), manifest):
            named.add(entry.path)
            if entry.reference is not None or is_own_place(own, entry.path):
                references.append(entry.path)
            elif target.find(entry.path) is None:
                missing.append(entry.path)
            elif target.find_exact(entry.path, BlobRef(entry.digest, entry.size_bytes)) is None:
                changed.append(entry.path)
        extra = [path for path in target.walk() if path not in named and not is_own_place(own, path)]
    return FolderDifference(
        missing=tuple(missing),
        changed=tuple(changed),
        extra=tuple(extra),
        unchecked_references=tuple(references),
    )


def remove_extra_files(repository: Repository, version: VersionRecord, root: Path) -> tuple[str, ...]:
    """Remove the files below `root` that the version does not name; their paths. The store itself stays."""
    version = live_version(repository.read(), version)
    own = place_inside(repository, root)
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    named = {entry.path for entry in manifests.verified_entries(repository.read(), manifest)}
    for path in named:
        refuse_own_place(own, path)
    with TargetFolder.open(root) as target:
        extra = [path for path in target.walk() if path not in named and not is_own_place(own, path)]
        for path in extra:
            target.remove(path)
    return tuple(extra)
