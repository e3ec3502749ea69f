"""`Artifact`: a draft that takes content, then one version of a named line. It only delegates."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from localart import draft as drafting
from localart.artifact.entries import ArtifactEntry, ArtifactManifest, entry_view
from localart.catalog import edges, manifests, runs
from localart.draft import Draft
from localart.errors import (
    ArtifactFinalizedError,
    ArtifactNotFound,
    ArtifactNotLoggedError,
    FolderDiffers,
    InvalidName,
    NotInitialized,
    SourceMissing,
)
from localart.jsonable import normalise_metadata
from localart.model import Entry, RunRecord, VersionRecord, VersionState
from localart.names import check_artifact_name, check_artifact_type, check_entry_path, check_prose, shown
from localart.operations.check_download import compare_folder, remove_extra_files
from localart.operations.delete import delete_version
from localart.operations.download import download
from localart.operations.update import update_version
from localart.repository import Repository, default_repository
from localart.saving import find_saver
from localart.settings import read_settings

if TYPE_CHECKING:
    from localart.media import Media

_POLICIES = ("mutable", "immutable")


class Artifact:
    """A dataset, a model, any files with a name, a type, a description and metadata.

    Made by the user it is a draft (`state` PENDING) that takes content; `Run.log_artifact` makes it one
    version (COMMITTED) whose content is sealed. Bytes are stored when they are added. What only a version
    has raises `ArtifactNotLoggedError` (an AttributeError) on a draft.
    """

    def __init__(
        self,
        name: str,
        type: str,  # noqa: A002
        description: str | None = None,
        metadata: Mapping[str, Any] | str | None = None,
        incremental: bool = False,
        use_as: str | None = None,
        storage_region: str | None = None,
        digest_algorithm: str = "MD5",
    ) -> None:
        del storage_region, digest_algorithm
        self._base_name = check_artifact_name(name)
        self._type = check_artifact_type(type, name)
        self._description = None if description is None else check_prose(description, "Description")
        self._metadata = normalise_metadata(metadata)
        self._incremental = incremental
        self.use_as = use_as
        self._final = False
        self._draft = Draft(default_repository)
        self._repository: Repository | None = None
        self._version: VersionRecord | None = None
        self._manifest: ArtifactManifest | None = None
        self._selector = ""
        self._aliases: list[str] = []
        self._tags: list[str] = []
        self._added_objects: dict[int, tuple[Media, ArtifactEntry]] = {}

    @classmethod
    def from_version(cls, repository: Repository, version: VersionRecord, *, selector: str = "") -> Self:
        """The logged artifact that `version` is; `selector` is the alias or number it was asked for by."""
        artifact = cls.__new__(cls)
        artifact._load(repository, version, selector)  # noqa: SLF001 - its own class
        return artifact

    def _load(self, repository: Repository, version: VersionRecord, selector: str) -> None:
        self._base_name = version.artifact
        self._type = version.type
        self._incremental = False
        self.use_as = None
        self._draft = Draft(lambda: repository)
        self._added_objects = {}
        self.become(repository, version, selector=selector)

    def become(self, repository: Repository, version: VersionRecord, *, selector: str = "") -> None:
        """Turn into the logged artifact `version` (what logging a draft does to it)."""
        self._final = True
        self._added_objects.clear()
        self._repository = repository
        self._version = version
        self._manifest = None
        self._selector = selector or f"v{version.number}"
        self._description = version.description
        self._metadata = dict(version.metadata)
        self._aliases = list(version.aliases)
        self._tags = list(version.tags)

    def __repr__(self) -> str:
        return f"<Artifact {self.name} ({self.type}, {self.state})>"

    # --- what every artifact has ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        """A draft's name; of a version, `name:` and the alias or number it was asked for by."""
        return self._base_name if self._version is None else f"{self._base_name}:{self._selector}"

    @property
    def source_name(self) -> str:
        """A draft's name; of a version, `name:vN`."""
        return self._base_name if self._version is None else self._version.label

    @property
    def type(self) -> str:
        """The type given when it was made."""
        return self._type

    @property
    def state(self) -> str:
        """PENDING, COMMITTED or DELETED."""
        return (VersionState.PENDING if self._version is None else self._version.state).value

    def is_draft(self) -> bool:
        """Whether it is not logged yet."""
        return self._version is None

    @property
    def description(self) -> str | None:
        """Free text, Markdown if you like; setting it on a version takes `save()`."""
        return self._description

    @description.setter
    def description(self, description: str | None) -> None:
        self._description = None if description is None else check_prose(description, "Description")

    @property
    def metadata(self) -> dict[str, Any]:
        """A plain dict; changing it on a version takes `save()`."""
        return self._metadata

    @metadata.setter
    def metadata(self, metadata: Mapping[str, Any] | str | None) -> None:
        self._metadata = normalise_metadata(metadata)

    @property
    def incremental(self) -> bool:
        """Whether it was made to extend the latest version."""
        return self._incremental

    @property
    def size(self) -> int:
        """The sum of all entries in bytes, references included."""
        return self._draft.size_bytes if self._version is None else self._version.size_bytes

    @property
    def digest(self) -> str:
        """The content's name, 64 hex digits: equal content, equal digest."""
        return (self._draft.digest() if self._version is None else self._version.digest).hex()

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

    @property
    def id(self) -> str | None:
        """The version's uid; None for a draft."""
        return None if self._version is None else self._version.uid

    # --- what only a version has -----------------------------------------------------------------------

    def _logged(self, what: str) -> VersionRecord:
        if self._version is None:
            raise ArtifactNotLoggedError(
                f"Artifact {self._base_name} has no {what} before it is logged",
                hint="call run.log_artifact(artifact)",
            )
        return self._version

    def _store(self, what: str) -> Repository:
        self._logged(what)
        assert self._repository is not None
        return self._repository

    def _content_store(self, what: str) -> Repository:
        """The store that holds this version's content; a deleted one has none any more."""
        if self._logged(what).state is VersionState.DELETED:
            raise ArtifactNotFound(
                f"Version {self._logged(what).full_name} was deleted, so it has no {what}",
                hint=f"`localart ls {self.project}/{self._base_name}` lists what is left",
            )
        return self._store(what)

    @property
    def version(self) -> str:
        """`v3`."""
        return f"v{self._logged('version').number}"

    @property
    def version_record(self) -> VersionRecord:
        """What the catalog knows of this version."""
        return self._logged("version")

    @property
    def project(self) -> str:
        """The project it lives in."""
        return self._logged("project").project

    @property
    def entity(self) -> str:
        """Always empty: there is no server that has users."""
        self._logged("entity")
        return ""

    @property
    def qualified_name(self) -> str:
        """`project/name:alias`."""
        return f"{self._logged('qualified_name').project}/{self.name}"

    @property
    def aliases(self) -> list[str]:
        """Its aliases without vN; edit the list, then `save()`."""
        self._logged("aliases")
        return self._aliases

    @aliases.setter
    def aliases(self, aliases: str | Sequence[str]) -> None:
        self._logged("aliases")
        self._aliases = [aliases] if isinstance(aliases, str) else list(aliases)

    @property
    def tags(self) -> list[str]:
        """Its tags; edit the list, then `save()`."""
        self._logged("tags")
        return self._tags

    @tags.setter
    def tags(self, tags: str | Sequence[str]) -> None:
        self._logged("tags")
        self._tags = [tags] if isinstance(tags, str) else list(tags)

    @property
    def file_count(self) -> int:
        """How many entries it has."""
        return self._logged("file_count").file_count

    @property
    def created_at(self) -> str:
        """When it was logged, ISO-8601 UTC."""
        return self._logged("created_at").created_at

    @property
    def updated_at(self) -> str:
        """When its facts last changed, ISO-8601 UTC."""
        return self._logged("updated_at").updated_at

    @property
    def commit_hash(self) -> str:
        """The digest, under the name W&B gives it."""
        return self._logged("commit_hash").digest.hex()

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
