"""An artifact's manifest and its entries as W&B's code expects to see them."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localart.model import Entry
from localart.names import shown

if TYPE_CHECKING:
    from localart.artifact.artifact import Artifact


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArtifactEntry:
    """One file of an artifact. `digest` is hex; `ref` is the URI of a reference, else None."""

    path: str
    digest: str
    size: int
    ref: str | None
    local_path: str | None
    artifact: "Artifact"

    @property
    def name(self) -> str:
        """The path inside the artifact, as files are called there."""
        return self.path

    def download(self, root: str | os.PathLike[str] | None = None) -> str:
        """Bring this one file into the artifact's folder; its path."""
        folder = self.artifact.download_entry(self.path, root)
        return str(Path(folder) / self.path)

    def ref_target(self) -> str:
        """The URI of a reference; ValueError for a stored file."""
        if self.ref is None:
            raise ValueError(f"{shown(self.path)} is a stored file, not a reference")
        return self.ref

    def parent_artifact(self) -> "Artifact":
        """The artifact this entry belongs to."""
        return self.artifact


def entry_view(artifact: "Artifact", entry: Entry, local_path: str | None = None) -> ArtifactEntry:
    """The entry as users see it."""
    return ArtifactEntry(
        path=entry.path,
        digest=entry.digest.hex(),
        size=entry.size_bytes,
        ref=entry.reference.uri if entry.reference is not None else None,
        local_path=local_path,
        artifact=artifact,
    )


class ArtifactManifest:
    """The entries of an artifact. Iterating streams; `entries` holds them all and is made when asked for."""

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

    def to_manifest_json(self) -> dict[str, Any]:
        """The manifest as plain JSON: version, storage policy and contents by path."""
        contents = {}
        for entry in self:
            contents[entry.path] = {"digest": entry.digest, "size": entry.size}
            if entry.ref is not None:
                contents[entry.path]["ref"] = entry.ref
        return {"version": 1, "storagePolicy": "localart-blake3-v1", "contents": contents}
