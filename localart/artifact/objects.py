"""Typed objects in an artifact: images, tables and their kin, added and read back."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from localart.catalog import manifests
from localart.errors import StoreDamaged
from localart.model import BlobRef, Entry
from localart.repository import Repository

if TYPE_CHECKING:
    from localart.media import Media


class StoredFiles:
    """The files of one stored manifest, to be read by path."""

    def __init__(self, repository: Repository, manifest_id: int) -> None:
        self._repository = repository
        self._manifest = manifests.get_manifest(repository.read(), manifest_id)

    def find(self, path: str) -> Entry | None:
        """The entry at `path`, checked against its page, or None."""
        return manifests.find_entry(self._repository.read(), self._manifest, path)

    def read(self, path: str) -> bytes:
        """The bytes stored at `path`; KeyError when there is no such file, or only a reference."""
        entry = self.find(path)
        if entry is None or entry.reference is not None:
            raise KeyError(path)
        return self._repository.read_blob(BlobRef(entry.digest, entry.size_bytes))

    def read_many(self, paths: Collection[str]) -> dict[str, bytes]:
        """The bytes at those of `paths` that are stored, read in one pass; `read` is for what is left out."""
        wanted = {
            entry.path: BlobRef(entry.digest, entry.size_bytes)
            for entry in self.entries()
            if entry.path in paths and entry.reference is None
        }
        layouts = self._repository.layouts(list(dict.fromkeys(wanted.values())))
        contents: dict[BlobRef, bytes] = {}
        with suppress(
            StoreDamaged
        ):  # a prune may move bytes meanwhile: `read` looks again, and tells real damage
            contents |= (
                (blob, bytes(content)) for blob, content in self._repository.reader.read_many(layouts)
            )
        return {path: contents[blob] for path, blob in wanted.items() if blob in contents}

    def entries(self) -> Iterator[Entry]:
        """Every entry, streamed."""
        return manifests.verified_entries(self._repository.read(), self._manifest)

    def paths(self) -> Iterator[str]:
        """Every path, streamed."""
        return (entry.path for entry in self.entries())


def load_object(files: StoredFiles, name: str) -> "Media | None":
    """The object that was added under `name`; None when there is none."""
    from localart.media.attach import load
    from localart.media.base import EntryReader

    return load(EntryReader(read=files.read, paths=files.paths, read_many=files.read_many), name)


def find_object_entry(files: StoredFiles, name: str) -> Entry | None:
    """The entry that describes the object added under `name`, or None."""
    from localart.media.attach import KINDS

    named = (files.find(f"{name}.{kind}.json") for kind in KINDS)
    return next((entry for entry in named if entry is not None), None)
