"""What an artifact holds: how a draft takes content, and the list of it."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

from localart import draft as drafting
from localart.artifact.entries import ArtifactEntry, ArtifactManifest, entry_view
from localart.artifact.objects import StoredFiles
from localart.artifact.places import ArtifactPlaces
from localart.artifact.taking import take_entry, take_uri
from localart.draft import Draft
from localart.errors import ArtifactFinalizedError
from localart.model import Entry
from localart.names import check_entry_path
from localart.operations.resolve import is_artifact_uri

if TYPE_CHECKING:
    from localart.artifact.artifact import Artifact
    from localart.media import Media

_POLICIES = ("mutable", "immutable")


class ArtifactContent(ArtifactPlaces):
    """The part of `Artifact` that takes content, as long as it is a draft, and lists it."""

    @property
    def manifest(self) -> ArtifactManifest:
        """Every entry."""
        if self._version is None:
            return ArtifactManifest(
                self._whole, self._draft.entries, self._draft.file_count, self._draft.local_paths
            )
        if self._manifest is None:
            self._manifest = ArtifactManifest(self._whole, self._stored_entries, self._version.file_count, {})
        return self._manifest

    @property
    def _whole(self) -> "Artifact":
        """Itself, as its entries know it: nobody makes this part alone."""
        return cast("Artifact", self)

    def _open_draft(self) -> Draft:
        if self._final:
            raise ArtifactFinalizedError(
                f"The content of {self.name} is sealed", hint="make a new Artifact with the same name"
            )
        return self._draft

    def finalize(self) -> None:
        """Seal the content; logging does it too."""
        self._final = True
        self._draft.seal()

    @property
    def draft(self) -> Draft:
        """The content of a draft, for those who log it."""
        return self._draft

    @property
    def home_project(self) -> str | None:
        """The only project a draft may be logged to (that of the version it was made from); None: any."""
        return self._home_project

    def new_draft(self) -> Self:
        """A draft with this version's content, description and metadata, to be changed and logged as the next one.

        It belongs to the collection the version was logged to. Logged unchanged, it is the same version again.
        """
        repository = self._content_store("new_draft")
        version = self._logged("new_draft")
        made = type(self)(version.artifact, version.type, self._description, self._metadata)
        made._home_project = version.project  # noqa: SLF001 - its own class
        draft = Draft(lambda: repository, artifact=version.artifact)
        draft.settle(repository)  # the lease first: what is taken over cannot be pruned from then on
        draft.put_all(list(self._stored("new_draft").entries()))
        made._draft = draft  # noqa: SLF001 - its own class
        return made

    def new_file(
        self, name: str, mode: str = "x", encoding: str | None = None, policy: str = "mutable"
    ) -> AbstractContextManager[IO[Any]]:
        """A real file to write; stored under `name` when the `with` body ends well."""
        _check_policy(policy)
        return drafting.new_file(self._open_draft(), name, mode, encoding)

    def add_file(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        is_tmp: bool | None = False,
        skip_cache: bool | None = False,
        policy: str | None = "mutable",
        overwrite: bool = False,
    ) -> ArtifactEntry:
        """Store one file, under `name` or its own name."""
        del skip_cache
        _check_policy(policy)
        entry = drafting.add_file(
            self._open_draft(), local_path, name or None, overwrite=overwrite, by_content=bool(is_tmp)
        )
        return self._view(entry)

    def add_dir(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        skip_cache: bool | None = False,
        policy: str | None = "mutable",
        merge: bool = False,
    ) -> None:
        """Store every file below a folder, under `name/` when given. Links are followed, hidden files kept."""
        del skip_cache
        _check_policy(policy)
        drafting.add_tree(self._open_draft(), local_path, name, overwrite=merge)

    def add_reference(
        self,
        uri: ArtifactEntry | str,
        name: str | os.PathLike[str] | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
    ) -> list[ArtifactEntry]:
        """Record where bytes live without storing them; never touches the network.

        An entry of another artifact (or its `ref_url()`) shares the bytes stored there, and logging makes that
        version an input of the run.
        """
        draft = self._open_draft()
        wanted = None if name is None else os.fspath(name)
        if isinstance(uri, ArtifactEntry):
            return [self._view(take_entry(draft, uri, wanted))]
        if isinstance(uri, str) and is_artifact_uri(uri):
            return [self._view(take_uri(draft, uri, wanted))]
        entries = drafting.add_reference(draft, uri, wanted, checksum=checksum, max_objects=max_objects)
        return [self._view(entry) for entry in entries]

    def add(self, obj: "Media", name: str | os.PathLike[str], overwrite: bool = False) -> ArtifactEntry:
        """Store a media object: its bytes below `media/`, and `name.<kind>.json` that describes it."""
        from localart.media.attach import attach

        draft = self._open_draft()
        _, known = self._added_objects.get(id(obj), (obj, None))
        if known is not None and draft.find(known.path) is not None:
            return known
        count = draft.file_count
        entry = self._view(attach(draft, obj, os.fspath(name), overwrite=overwrite))
        if overwrite or draft.file_count > count:  # else another object has the name
            # The object is kept alive: a later one could get its id.
            self._added_objects[id(obj)] = (obj, entry)
        return entry

    def __setitem__(self, name: str, item: "Media") -> None:
        self.add(item, name)

    def remove(self, item: "str | os.PathLike[str] | ArtifactEntry") -> None:
        """Take a file or everything below a folder out again; FileNotFoundError when there is none."""
        path = item.path if isinstance(item, ArtifactEntry) else os.fspath(item)
        self._open_draft().remove(check_entry_path(path))

    def get_added_local_path_name(self, local_path: str) -> str | None:
        """The path inside the artifact of a local file that was added (the last, if it was added twice), or None."""
        wanted = str(Path(local_path).absolute())
        return next(
            (path for path, local in reversed(self._draft.local_paths.items()) if local == wanted), None
        )

    def _view(self, entry: Entry) -> ArtifactEntry:
        return entry_view(self._whole, entry, self._draft.local_paths.get(entry.path))

    def _stored(self, what: str) -> StoredFiles:
        return StoredFiles(self._content_store(what), self._logged(what).manifest_id)

    def _stored_entries(self) -> Iterator[Entry]:
        return self._stored("manifest").entries()


def _check_policy(policy: str | None) -> None:
    if policy is not None and policy not in _POLICIES:
        raise ValueError(f"policy must be one of {', '.join(_POLICIES)}; not {policy!r}")
