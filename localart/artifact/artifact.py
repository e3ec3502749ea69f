"""`Artifact`: a draft that takes content, then one version of a named line. It only delegates."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from localart import draft as drafting
from localart.artifact.entries import ArtifactEntry, ArtifactManifest, entry_view
from localart.artifact.facts import ArtifactFacts
from localart.catalog import edges, manifests, runs
from localart.draft import Draft
from localart.errors import (
    ArtifactFinalizedError,
    FolderDiffers,
    InvalidName,
    NotInitialized,
    SourceMissing,
)
from localart.jsonable import normalise_metadata
from localart.model import Entry, RunRecord
from localart.names import check_entry_path, shown
from localart.operations.check_download import compare_folder, remove_extra_files
from localart.operations.delete import delete_version
from localart.operations.download import download
from localart.operations.update import update_version
from localart.saving import find_saver
from localart.settings import read_settings

if TYPE_CHECKING:
    from localart.media import Media

_POLICIES = ("mutable", "immutable")


class Artifact(ArtifactFacts):
    """A dataset, a model, any files with a name, a type, a description and metadata.

    Made by the user it is a draft (`state` PENDING) that takes content; `Run.log_artifact` makes it one
    version (COMMITTED) whose content is sealed. Bytes are stored when they are added. What only a version
    has raises `ArtifactNotLoggedError` (an AttributeError) on a draft.
    """

    @property
    def manifest(self) -> ArtifactManifest:
        """Every entry."""
        if self._version is None:
            return ArtifactManifest(
                self, self._draft.entries, self._draft.file_count, self._draft.local_paths
            )
        if self._manifest is None:
            self._manifest = ArtifactManifest(self, self._stored_entries, self._version.file_count, {})
        return self._manifest

    # --- content ---------------------------------------------------------------------------------------

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
        is_tmp: bool = False,
        skip_cache: bool = False,
        policy: str = "mutable",
        overwrite: bool = False,
    ) -> ArtifactEntry:
        """Store one file, under `name` or its own name."""
        del skip_cache
        _check_policy(policy)
        draft = self._open_draft()
        entry = drafting.add_file(draft, local_path, name or None, overwrite=overwrite, by_content=is_tmp)
        return self._view(entry)

    def add_dir(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        skip_cache: bool = False,
        policy: str = "mutable",
        merge: bool = False,
    ) -> None:
        """Store every file below a folder, under `name/` when given. Links are followed, hidden files kept."""
        del skip_cache
        _check_policy(policy)
        drafting.add_tree(self._open_draft(), local_path, name, overwrite=merge)

    def add_reference(
        self,
        uri: "str | ArtifactEntry",
        name: str | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
    ) -> list[ArtifactEntry]:
        """Record where bytes live without storing them; never touches the network."""
        draft = self._open_draft()
        if isinstance(uri, ArtifactEntry):
            uri = uri.ref_target()
        entries = drafting.add_reference(draft, uri, name, checksum=checksum, max_objects=max_objects)
        return [self._view(entry) for entry in entries]

    def add(self, obj: "Media", name: str, overwrite: bool = False) -> ArtifactEntry:
        """Store a media object: its bytes below `media/`, and `name.<kind>.json` that describes it."""
        from localart.media.attach import attach

        draft = self._open_draft()
        _, known = self._added_objects.get(id(obj), (obj, None))
        if known is not None and draft.find(known.path) is not None:
            return known
        entry = self._view(attach(draft, obj, name, overwrite=overwrite))
        # The object is kept alive: a later one could get its id.
        self._added_objects[id(obj)] = (obj, entry)
        return entry

    def __setitem__(self, name: str, obj: "Media") -> None:
        self.add(obj, name)

    def remove(self, item: "str | os.PathLike[str] | ArtifactEntry") -> None:
        """Take a file or everything below a folder out again; FileNotFoundError when there is none."""
        path = item.path if isinstance(item, ArtifactEntry) else os.fspath(item)
        self._open_draft().remove(check_entry_path(path))

    def get_added_local_path_name(self, local_path: str) -> str | None:
        """The path inside the artifact of a local file that was added, or None."""
        wanted = str(Path(local_path).absolute())
        return next((path for path, local in self._draft.local_paths.items() if local == wanted), None)

    def _view(self, entry: Entry) -> ArtifactEntry:
        return entry_view(self, entry, self._draft.local_paths.get(entry.path))

    # --- reading back ----------------------------------------------------------------------------------

    def _stored_entries(self) -> Iterator[Entry]:
        repository = self._content_store("manifest")
        record = manifests.get_manifest(repository.read(), self._logged("manifest").manifest_id)
        return manifests.verified_entries(repository.read(), record)

    def download(
        self,
        root: str | os.PathLike[str] | None = None,
        allow_missing_references: bool = False,
        skip_cache: bool | None = None,
        path_prefix: str | os.PathLike[str] | None = None,
        multipart: bool | None = None,
    ) -> str:
        """Bring the files to `root` (`./artifacts/name:vN`); the absolute path of that folder.

        Only what is not right already is written; every byte is verified; other files are left alone.
        """
        del skip_cache, multipart
        repository = self._content_store("download")
        folder = self._folder(root)
        download(
            repository,
            self._logged("download"),
            folder,
            path_prefix=os.fspath(path_prefix) if path_prefix else "",
            allow_missing_references=allow_missing_references,
        )
        return str(folder)

    def download_entry(self, path: str, root: str | os.PathLike[str] | None = None) -> str:
        """Bring one file; the folder it is in."""
        folder = self._folder(root)
        from localart.operations.download import download_one

        download_one(self._content_store("download"), self._logged("download"), folder, path)
        return str(folder)

    def _folder(self, root: str | os.PathLike[str] | None) -> Path:
        return _named_folder(root) or read_settings().artifact_folder.absolute() / self.source_name

    def checkout(self, root: str | os.PathLike[str] | None = None) -> str:
        """Make `root` (`./artifacts/name`) exactly this version: other files in it are removed."""
        repository = self._content_store("checkout")
        version = self._logged("checkout")
        folder = _named_folder(root) or read_settings().artifact_folder.absolute() / version.artifact
        if folder.is_dir():
            remove_extra_files(repository, version, folder)
        download(repository, version, folder)
        return str(folder)

    def verify(self, root: str | os.PathLike[str] | None = None) -> None:
        """ValueError unless `root` holds exactly this version; every byte is read."""
        folder = self._folder(root)
        found = compare_folder(self._content_store("verify"), self._logged("verify"), folder)
        if found.missing:
            raise SourceMissing(
                f"{shown(found.missing[0])} is missing below {folder}", hint="download it again"
            )
        if found.changed:
            raise FolderDiffers(
                f"{shown(found.changed[0])} below {folder} is not what was logged", hint="download it again"
            )
        if found.extra:
            raise FolderDiffers(
                f"{shown(found.extra[0])} below {folder} is not part of {self.name}",
                hint="checkout removes extra files",
            )

    def file(self, root: str | os.PathLike[str] | None = None) -> str:
        """Download an artifact of a single file; the file's path."""
        paths = [entry.path for entry in self.manifest]
        if len(paths) != 1:
            raise ValueError(f"{self.name} has {len(paths)} files; file() is for exactly one. Use download()")
        return str(Path(self.download(root)) / paths[0])

    def files(self, names: Sequence[str] | None = None, per_page: int = 50) -> Iterator[ArtifactEntry]:
        """The files, streamed: all, or those in `names`."""
        del per_page
        self._logged("files")
        wanted = None if names is None else set(names)
        return (entry for entry in self.manifest if wanted is None or entry.path in wanted)

    def get_entry(self, name: str | os.PathLike[str]) -> ArtifactEntry:
        """The entry at a path; KeyError when there is none."""
        path = check_entry_path(name)
        repository = self._content_store("get_entry")
        record = manifests.get_manifest(repository.read(), self._logged("get_entry").manifest_id)
        entry = manifests.find_entry(repository.read(), record, path)
        if entry is None:
            raise KeyError(f"{self.name} has no file {path!r}")
        return entry_view(self, entry)

    def wait(self, timeout: int | None = None) -> Self:
        """Logging is finished when it returns, so there is nothing to wait for."""
        del timeout
        self._logged("wait")
        return self

    # --- afterwards ------------------------------------------------------------------------------------

    def save(self, project: str | None = None, settings: object = None) -> None:
        """A draft is logged (by the active run, or one of its own); a version's changed facts are kept."""
        del settings
        if self._version is None:
            save = find_saver()
            if save is None:
                raise NotInitialized(
                    "No run is active to log this artifact", hint="call localart.init() first"
                )
            save(self, project)
            return
        repository = self._store("save")
        version = update_version(
            repository,
            self._version,
            description=self._description,
            metadata=normalise_metadata(self._metadata),
            aliases=self._aliases,
            tags=self._tags,
        )
        self.become(repository, version, selector=self._selector)

    def delete(self, delete_aliases: bool = False) -> None:
        """Delete this version; its number is never used again. Refused while aliases point to it."""
        repository = self._store("delete")
        self._version = delete_version(repository, self._logged("delete"), with_aliases=delete_aliases)
        self._aliases = []

    def logged_by(self) -> RunRecord | None:
        """The run that made this version."""
        repository = self._store("logged_by")
        key = edges.producer(repository.read(), self._logged("logged_by").id)
        return None if key is None else runs.get_run(repository.read(), key)

    def used_by(self) -> list[RunRecord]:
        """The runs that used this version."""
        repository = self._store("used_by")
        keys = edges.consumers(repository.read(), self._logged("used_by").id)
        return [runs.get_run(repository.read(), key) for key in keys]


def _named_folder(root: str | os.PathLike[str] | None) -> Path | None:
    """The folder to write to; None, as for an empty text (W&B), when none was named."""
    if root is None or root == "":
        return None
    if "\0" in str(root):
        raise InvalidName(f"Folder {shown(str(root))} cannot exist", hint="leave out the NUL")
    return Path(root).absolute()


def _check_policy(policy: str) -> None:
    if policy not in _POLICIES:
        raise ValueError(f"policy must be one of {', '.join(_POLICIES)}; not {policy!r}")
