"""`localart://` for fsspec: pandas, polars, pyarrow and whoever else speaks fsspec read straight from the store.

    pandas.read_csv("localart://mnist/labels:latest/train.csv")
    fsspec.filesystem("localart").glob("mnist/labels:v3/**/*.csv")

    store = fsspec.filesystem("localart")                         # for those who open no addresses themselves
    polars.scan_parquet(store.open("mnist/labels:v3/t.parquet"))  # polars' own readers know their own clouds only
    pyarrow.dataset.dataset("mnist/labels:v3/parts", filesystem=store, format="parquet")
    torch.load(store.open("mnist/cnn:best/model.pt"))

Addresses are `[project/]name[:alias|vN]/path/of/file`; without a project the artifact must be the only one of its
name, without a selector it is `latest`. Folders are, from the top: projects, artifacts (`project/name`), files. Only
what is read is decoded, and every byte is verified. Nothing can be written: versions are logged, never edited.

Found by fsspec through the entry point `fsspec.specs`; fsspec itself is not needed by the rest of localart.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from fsspec.spec import AbstractFileSystem

from localart.catalog import artifacts, manifests, projects
from localart.errors import CommError, InvalidName, StoreReadOnly
from localart.model import BlobRef, Digest, Entry, VersionRecord
from localart.names import parse_address, shown
from localart.operations.resolve import resolve_version
from localart.records import dataclass
from localart.repository import Repository
from localart.repository.opening import shared_repository
from localart.repository.stored_file import open_stored
from localart.settings import find_store, read_settings

_Info = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """An address taken apart: the artifact as it was written, and the path inside it."""

    artifact: str
    path: str


class LocalartFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A store to read through fsspec. `store` is its folder; by default the one `localart` itself would open.

    One thread at a time for a file; several files may be read at once. FileNotFoundError for what is not there,
    OSError for any attempt to write.
    """

    protocol: ClassVar[str] = "localart"
    root_marker = ""
    cachable = False  # a new store may be opened at the same place

    def __init__(self, store: str | None = None, project: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._store = store
        self._project = project

    @property
    def _repository(self) -> Repository:
        root = find_store(read_settings()) if self._store is None else Path(self._store)
        return shared_repository(root, create=False)

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return str(path).removeprefix("localart://").strip("/")

    # --- what is there ---

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT001, FBT002
        """What lies directly in a folder: names, or facts with `detail` (name, size in bytes, type)."""
        found = list(self._list(self._strip_protocol(path)))
        return found if detail else [one["name"] for one in found]

    def info(self, path: str, **_: Any) -> _Info:
        """The facts of one file or folder."""
        path = self._strip_protocol(path)
        place = self._place(path)
        if place is None:
            next(iter(self._list(path)), None)  # FileNotFoundError when there is no such project
            return _folder(path)
        version = self._version(place.artifact)
        entry = self._entry(version, place.path)
        if entry is not None:
            return _file(path, entry)
        if place.path:
            next(self._below(version, place))
        return {**_folder(path), "created": version.created_at}

    def ukey(self, path: str) -> str:
        """What changes when the file does: its digest."""
        return str(self.info(path).get("digest", path))

    def _list(self, path: str) -> Iterator[_Info]:
        place = self._place(path)
        connection = self._repository.read()
        if place is not None:
            yield from self._list_version(path, place)
        elif not path:
            yield from (_folder(project.name) for project in projects.list_projects(connection))
        elif projects.find_project(connection, path) is None:
            raise FileNotFoundError(f"No project {shown(path)} in the store")
        else:
            found = artifacts.list_artifacts(connection, project=path)
            yield from (_folder(f"{path}/{artifact.name}") for artifact in found)

    def _list_version(self, path: str, place: _Place) -> Iterator[_Info]:
        version = self._version(place.artifact)
        entry = self._entry(version, place.path)
        if entry is not None:
            yield _file(path, entry)
            return
        folders: set[str] = set()
        skip = len(place.path) + 1 if place.path else 0
        for below in self._below(version, place):
            name, slash, _ = below.path[skip:].partition("/")
            if not slash:
                yield _file(f"{path}/{name}", below)
            elif name not in folders:
                folders.add(name)
                yield _folder(f"{path}/{name}")

    def _below(self, version: VersionRecord, place: _Place) -> Iterator[Entry]:
        """Every file below a folder, which is not empty: folders are made of files."""
        connection = self._repository.read()
        record = manifests.get_manifest(connection, version.manifest_id)
        prefix = f"{place.path}/" if place.path else ""
        found = False
        for entry in manifests.iter_entries(connection, record, prefix=prefix):
            found = True
            yield entry
        if not found and place.path:
            raise FileNotFoundError(f"{version.full_name} has no file {shown(place.path)}")

    # --- reading ---

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        if mode != "rb":
            raise StoreReadOnly(
                f"{shown(path)} cannot be opened with mode {mode!r}: versions never change",
                hint="log a new version with Run.log_artifact",
            )
        place = self._place(path)
        version = None if place is None else self._version(place.artifact)
        entry = None if version is None or place is None else self._entry(version, place.path)
        if entry is None:
            raise FileNotFoundError(f"No file {shown(path)} in the store")
        if entry.reference is not None:
            raise OSError(
                f"The bytes of {shown(path)} are elsewhere: {shown(entry.reference.uri)}. Open that instead"
            )
        return open_stored(self._repository, BlobRef(entry.digest, entry.size_bytes))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """The bytes from `start` to `end` (both as in a slice)."""
        del options
        with self._open(self._strip_protocol(path)) as file:
            size = file.seek(0, 2)
            first, last, _ = slice(start, end).indices(size)
            file.seek(first)
            content: bytes = file.read(max(0, last - first))
            return content

    def created(self, path: str) -> Any:
        """When the version was logged, as a `datetime`."""
        from datetime import datetime

        place = self._place(self._strip_protocol(path))
        if place is None:
            raise FileNotFoundError(f"{shown(path)} is no version")
        return datetime.fromisoformat(self._version(place.artifact).created_at)

    modified = created

    # --- addresses ---

    def _place(self, path: str) -> _Place | None:
        """The version an address is in; None for the top and for a project."""
        parts = path.split("/") if path else []
        if parts and ":" in parts[0]:
            return _Place(parts[0], "/".join(parts[1:]))
        if len(parts) < 2:
            return None
        return _Place("/".join(parts[:2]), "/".join(parts[2:]))

    def _version(self, address: str) -> VersionRecord:
        try:
            parse_address(address)
            return resolve_version(self._repository, address, project=self._project)
        except (CommError, InvalidName) as error:
            raise FileNotFoundError(str(error)) from error

    def _entry(self, version: VersionRecord, path: str) -> Entry | None:
        connection = self._repository.read()
        record = manifests.get_manifest(connection, version.manifest_id)
        return manifests.find_entry(connection, record, path) if path else None


def _folder(name: str) -> _Info:
    return {"name": name, "size": 0, "type": "directory"}


def _file(name: str, entry: Entry) -> _Info:
    digest: Digest = entry.digest
    uri = {} if entry.reference is None else {"reference": entry.reference.uri}
    return {"name": name, "size": entry.size_bytes, "type": "file", "digest": digest.hex(), **uri}
