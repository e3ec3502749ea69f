"""An artifact's manifest and its entries as W&B's code expects to see them."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localart.artifact.facts import DigestAlgorithm
from localart.model import Entry
from localart.names import check_entry_path, shown
from localart.operations.resolve import entry_uri
from localart.records import dataclass

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from localart.artifact.artifact import Artifact


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArtifactEntry:
    """One file of an artifact. `digest` is hex; `ref` is the URI of a reference, else None.

    `size` is None for a reference whose size is not known. `extra` and `birth_artifact_id` are W&B's, and empty.
    """

    path: str
    digest: str
    size: int | None
    ref: str | None
    local_path: str | None
    artifact: "Artifact"
    skip_cache: bool = False
    birth_artifact_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Whether path, content (or reference) and size are the same, whatever artifact they are in (W&B's rule)."""
        if not isinstance(other, ArtifactEntry):
            return NotImplemented
        return (self.path, self.digest, self.ref, self.size) == (
            other.path, other.digest, other.ref, other.size
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.path, self.digest))

    @property
    def name(self) -> str:
        """The path inside the artifact, as files are called there."""
        return self.path

    def download(
        self,
        root: str | os.PathLike[str] | None = None,
        skip_cache: bool | None = None,
        executor: "Executor | None" = None,
        *,
        fetch_references: bool | None = None,
    ) -> str:
        """Bring this one file into the artifact's folder (or `root`); its path."""
        del skip_cache, executor
        folder = self.artifact.download_entry(self.path, root, fetch_references=fetch_references)
        return str(Path(folder) / self.path)

    def ref_target(self) -> str:
        """The URI of a reference; ValueError for a stored file."""
        if self.ref is None:
            raise ValueError(f"{shown(self.path)} is a stored file, not a reference")
        return self.ref

    def ref_url(self) -> str:
        """An address that another artifact's `add_reference` takes; ValueError before this one is logged."""
        if self.artifact.is_draft():
            raise ValueError(f"{shown(self.path)} has no address before its artifact is logged")
        return entry_uri(self.artifact.version_record, self.path)

    def parent_artifact(self) -> "Artifact":
        """The artifact this entry belongs to."""
        return self.artifact

    def digest_algorithm(self) -> DigestAlgorithm:
        """What its artifact was made with."""
        return self.artifact.digest_algorithm

    def to_json(self) -> dict[str, Any]:
        """What is known of it, as a plain dict without what is not known."""
        known = {
            "path": self.path, "digest": self.digest, "ref": self.ref, "size": self.size,
            "local_path": self.local_path, "skip_cache": self.skip_cache, "extra": dict(self.extra),
        }  # fmt: skip
        return {key: value for key, value in known.items() if value is not None}


def entry_view(artifact: "Artifact", entry: Entry, local_path: str | None = None) -> ArtifactEntry:
    """The entry as users see it."""
    reference = entry.reference
    return ArtifactEntry(
        path=entry.path,
        digest=entry.digest.hex(),
        size=entry.size_bytes if reference is None else reference.size_bytes,
        ref=None if reference is None else reference.uri,
        local_path=local_path,
        artifact=artifact,
    )


class ArtifactManifest:
    """The entries of an artifact. Iterating streams; `entries` holds them all and is made when asked for."""

    version = 1

    def __init__(
        self,
        artifact: "Artifact",
        stream: Callable[[], Iterator[Entry]],
        file_count: int,
        local_paths: Mapping[str, str],
    ) -> None:
        self._artifact = artifact
        self._stream = stream
        self._file_count = file_count
        self._local_paths = local_paths

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self._artifact, "manifest")  # as the artifact: a version's may go to another process

    def __len__(self) -> int:
        return self._file_count

    def __iter__(self) -> Iterator[ArtifactEntry]:
        return (
            entry_view(self._artifact, entry, self._local_paths.get(entry.path)) for entry in self._stream()
        )

    @cached_property
    def entries(self) -> Mapping[str, ArtifactEntry]:
        """Every entry by path, in manifest order."""
        return {entry.path: entry for entry in self}

    def get_entry_by_path(self, path: str | os.PathLike[str]) -> ArtifactEntry | None:
        """The entry at `path`, or None."""
        return self.entries.get(check_entry_path(path))

    def get_entries_in_directory(self, directory: str | os.PathLike[str]) -> list[ArtifactEntry]:
        """Everything below a folder of the artifact."""
        inside = check_entry_path(directory) + "/"
        return [entry for entry in self if entry.path.startswith(inside)]

    def digest(self) -> str:
        """The artifact's digest, which is made of this manifest."""
        return self._artifact.digest

    def size(self) -> int:
        """The sum of all entries in bytes, references included."""
        return self._artifact.size

    def to_manifest_json(self) -> dict[str, Any]:
        """The manifest as plain JSON: version, storage policy and contents by path."""
        contents: dict[str, dict[str, Any]] = {}
        for entry in self:
            known = {"digest": entry.digest, "size": entry.size, "ref": entry.ref}
            contents[entry.path] = {key: value for key, value in known.items() if value is not None}
        return {
            "version": self.version,
            "storagePolicy": "localart-blake3-v1",
            "storagePolicyConfig": {},
            "contents": contents,
        }
