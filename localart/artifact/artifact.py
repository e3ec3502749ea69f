"""`Artifact`: a draft that takes content, then one version of a named line. It only delegates."""

import os
from collections.abc import Iterable, Sequence
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from localart.artifact.content import ArtifactContent
from localart.artifact.entries import ArtifactEntry, entry_view
from localart.artifact.files import ArtifactFiles
from localart.artifact.objects import find_object_entry, load_object
from localart.artifact.portrait import artifact_html
from localart.catalog import edges, runs
from localart.errors import (
    FolderDiffers,
    InvalidName,
    NotInitialized,
    SourceMissing,
)
from localart.jsonable import normalise_metadata
from localart.model import BlobRef
from localart.names import check_entry_path, shown
from localart.repository import Repository
from localart.repository.stored_file import open_stored
from localart.saving import find_saver
from localart.settings import read_settings
from localart.showing import find_views

if TYPE_CHECKING:
    from localart.media import Media

_DEFAULT_PROJECT = "uncategorized"


class Artifact(ArtifactContent):
    """A dataset, a model, any files with a name, a type, a description and metadata.

    Made by the user it is a draft (`state` PENDING) that takes content; `Run.log_artifact` makes it one
    version (COMMITTED) whose content is sealed. Bytes are stored when they are added. What only a version
    has raises `ArtifactNotLoggedError` (an AttributeError) on a draft.
    """

    # --- reading back ----------------------------------------------------------------------------------

    @property
    def repository(self) -> Repository:
        """The store this version is in."""
        return self._store("store")

    def open(self, path: str) -> BufferedReader:
        """A stored file to read here and there, without a download; KeyError when there is none at `path`.

        Only what is read is decoded, every byte is verified. Binary; `io.TextIOWrapper` makes text of it.
        There is no file behind it that could be mapped into memory (`fileno()` raises): map a downloaded one,
        `mmap.mmap(open(artifact.get_entry(path).download()).fileno(), 0, access=mmap.ACCESS_READ)`, or hand its
        path to `numpy.load(mmap_mode="r")`, `safetensors.safe_open` or `torch.load(mmap=True)`.
        """
        entry = self._stored("content").find(path)
        if entry is None or entry.reference is not None:
            raise KeyError(f"{self.name} has no stored file {path!r}")
        return open_stored(self.repository, BlobRef(entry.digest, entry.size_bytes))

    def _repr_html_(self) -> str:
        if self._version is None:
            facts = {"type": self.type, "state": self.state, "size": f"{self.size:,} bytes"}
        else:
            facts = {
                "type": self.type,
                "aliases": ", ".join(self.aliases),
                "size": f"{self.size:,} bytes in {self.file_count:,} files",
                "digest": self.digest,
                "logged": self.created_at,
                "state": self.state,
            }
        files = () if self.state == "DELETED" else ((entry.path, entry.size) for entry in self.manifest)
        title = self.name if self._version is None else self.qualified_name
        return artifact_html(title, facts=facts, metadata=self.metadata, files=files)

    def write_entry(self, path: str, file: BinaryIO) -> None:
        """Make `file` hold exactly the bytes stored at `path`; KeyError when there are none."""
        entry = self._stored("content").find(path)
        if entry is None or entry.reference is not None:
            raise KeyError(f"{self.name} has no stored file {path!r}")
        self.repository.write_blob(BlobRef(entry.digest, entry.size_bytes), file)

    def download(
        self,
        root: str | os.PathLike[str] | None = None,
        allow_missing_references: bool = False,
        skip_cache: bool | None = None,
        path_prefix: str | os.PathLike[str] | None = None,
        multipart: bool | None = None,
        *,
        only: str | Sequence[str] = (),
        fetch_references: bool | None = None,
    ) -> str:
        """Bring the files to `root` (`./artifacts/name:vN`); the absolute path of that folder.

        Only what is not right already is written; every byte is verified; other files are left alone. With
        `path_prefix`, files whose path starts so; with `only`, those that match one of its patterns: `*.png` in any
        folder, `images/*.png`, `images/` for all below it, `**/train/*.csv`. What references lead to over a network
        is brought when `fetch_references` (LOCALART_FETCH_REFERENCES) says so.
        """
        from localart.operations.download import download

        del skip_cache, multipart
        repository = self._content_store("download")
        folder = self._folder(root)
        download(
            repository,
            self._logged("download"),
            folder,
            path_prefix=os.fspath(path_prefix) if path_prefix else "",
            only=[only] if isinstance(only, str) else only,
            allow_missing_references=allow_missing_references,
            fetch_references=_may_fetch(fetch_references),
        )
        return str(folder)

    def download_entry(
        self,
        path: str,
        root: str | os.PathLike[str] | None = None,
        *,
        fetch_references: bool | None = None,
    ) -> str:
        """Bring one file; the folder it is in."""
        from localart.operations.download import download_one

        repository = self._content_store("download")
        folder = self._folder(root)
        download_one(
            repository,
            self._logged("download"),
            folder,
            path,
            fetch_references=_may_fetch(fetch_references),
        )
        return str(folder)

    def _folder(self, root: str | os.PathLike[str] | None) -> Path:
        return _named_folder(root) or read_settings().artifact_folder.absolute() / self.source_name

    def checkout(self, root: str | os.PathLike[str] | None = None) -> str:
        """Make `root` (`./artifacts/name`) exactly this version: other files in it are removed."""
        from localart.operations.check_download import remove_extra_files
        from localart.operations.download import download

        repository = self._content_store("checkout")
        version = self._logged("checkout")
        folder = _named_folder(root) or read_settings().artifact_folder.absolute() / version.artifact
        if folder.is_dir():
            remove_extra_files(repository, version, folder)
        download(repository, version, folder, fetch_references=_may_fetch(None))
        return str(folder)

    def verify(self, root: str | os.PathLike[str] | None = None) -> None:
        """ValueError unless `root` holds exactly this version; every byte is read, references are passed over."""
        from localart.operations.check_download import compare_folder

        repository = self._content_store("verify")
        folder = self._folder(root)
        found = compare_folder(repository, self._logged("verify"), folder)
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
        self._content_store("file")
        paths = [entry.path for entry in self.manifest]
        if len(paths) != 1:
            raise ValueError(f"{self.name} has {len(paths)} files; file() is for exactly one. Use download()")
        return str(Path(self.download(root)) / paths[0])

    def files(
        self, names: Sequence[str] | None = None, per_page: int = 50, start: str | None = None
    ) -> ArtifactFiles:
        """The files, streamed: all, or those in `names`."""
        del per_page, start
        self._content_store("files")
        return ArtifactFiles(self, [names] if isinstance(names, str) else names)

    def get_entry(self, name: str | os.PathLike[str]) -> ArtifactEntry:
        """The entry at a path, or the one that describes the object of that name; KeyError without either."""
        files = self._stored("get_entry")
        path = check_entry_path(name)
        entry = files.find(path) or find_object_entry(files, path)
        if entry is None:
            raise KeyError(f"{self.name} has no file {path!r}")
        return entry_view(self, entry)

    get_path = get_entry  # W&B's older name

    def get(self, name: str) -> "Media | None":
        """The media object that was added under `name`; None when there is none."""
        return load_object(self._stored("get"), name)

    def __getitem__(self, name: str) -> "Media | None":
        return self.get(name)

    def wait(self, timeout: float | None = None) -> Self:
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
            save(self, project or self._home_project)
            return
        from localart.operations.update import update_linked

        repository = self._store("save")
        now = update_linked(
            repository,
            self.found,
            description=self._description,
            metadata=normalise_metadata(self._metadata),
            aliases=self._aliases,
            tags=self._tags,
            ttl_seconds=self._ttl_seconds,
        )
        self.become(repository, now.version, selector=self._selector, link=now.link)

    def delete(self, delete_aliases: bool = False) -> None:
        """Delete this version; its number is never used again. Refused while aliases point to it.

        It leaves the portfolios it is linked in. Of a link, only the link is deleted.
        """
        from localart.operations.delete import delete_version
        from localart.operations.link import unlink

        repository = self._store("delete")
        if self._link is not None:
            unlink(repository, self._link)
            return
        self._version = delete_version(repository, self._logged("delete"), with_aliases=delete_aliases)
        self._aliases = []

    def link(self, target_path: str, aliases: Iterable[str] | str | None = None) -> Self:
        """Link this version (a draft is logged first) to `[project/]collection`; the linked artifact."""
        from localart.operations.link import link_version, parse_link_target

        target = parse_link_target(target_path, project=read_settings().project or _DEFAULT_PROJECT)
        wanted = [aliases] if isinstance(aliases, str) else list(aliases or ())
        if self._version is None:
            self.save()
        repository = self._store("link")
        made = link_version(repository, self._logged("link"), target, wanted)
        return type(self).from_version(repository, made.version, link=made.link)

    def unlink(self) -> None:
        """Take a link out of its portfolio; ValueError for what is no link."""
        from localart.operations.link import unlink

        repository = self._store("unlink")
        if self._link is None:
            raise ValueError(f"{self.qualified_name} is not a link. To delete the version, call delete()")
        unlink(repository, self._link)

    def logged_by(self) -> Any:
        """The run that made this version, as `Api().run(…)` shows it; None when that is not known."""
        repository = self._store("logged_by")
        key = edges.producer(repository.read(), self._logged("logged_by").id)
        return None if key is None else _show_run(repository, key)

    def used_by(self) -> list[Any]:
        """The runs that used this version, as `Api().run(…)` shows them."""
        repository = self._store("used_by")
        keys = edges.consumers(repository.read(), self._logged("used_by").id)
        return [find_views().run(repository, run) for run in runs.get_runs(repository.read(), keys)]

    def json_encode(self) -> dict[str, Any]:
        """What stands for it in a run's config: W&B's `artifactVersion` record."""
        version = self._logged("json_encode")
        return {
            "_type": "artifactVersion",
            "_version": "v0",
            "id": version.uid,
            "version": self.source_version,
            "sequenceName": version.artifact,
            "usedAs": self.use_as,
        }


def _show_run(repository: Repository, key: int) -> Any:
    return find_views().run(repository, runs.get_run(repository.read(), key))


def _may_fetch(wanted: bool | None) -> bool:
    return read_settings().fetch_references if wanted is None else wanted


def _named_folder(root: str | os.PathLike[str] | None) -> Path | None:
    """The folder to write to; None, as for an empty text (W&B), when none was named."""
    if root is None or root == "":
        return None
    if "\0" in str(root):
        raise InvalidName(f"Folder {shown(str(root))} cannot exist", hint="leave out the NUL")
    return Path(root).absolute()


Artifact.__init__.__qualname__ = "Artifact.__init__"  # what a TypeError names, not where it is written
