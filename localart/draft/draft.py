"""A mutable set of entries that stays a valid manifest at every moment."""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from localart.errors import ArtifactFinalizedError, ContentConflict, InvalidName
from localart.files.unfinished import is_unfinished
from localart.manifest import manifest_digest, page_entries, split_path
from localart.model import Digest, Entry
from localart.names import shown
from localart.repository import Repository

_NOWHERE: Mapping[str, str] = MappingProxyType({})


class Draft:
    """Entries by path. Holds a lease on the store from the first entry until it is released or forgotten.

    The repository is opened when content is first added, so a draft can be made before `init()`. May be added to
    from several threads. `artifact` is the name it will be logged under, where that is known.
    """

    def __init__(
        self,
        open_repository: Callable[[], Repository],
        entries: Iterable[Entry] = (),
        *,
        artifact: str = "",
    ) -> None:
        self.artifact = artifact
        self._open_repository = open_repository
        self._repository: Repository | None = None
        self._folders: dict[str, dict[str, Entry]] = {}
        self._known_folders = {""}
        self._digest: Digest | None = None
        self._release: Callable[[], object] | None = None
        self._sealed = False
        self._guard = threading.RLock()
        self.file_count = 0
        self.size_bytes = 0
        self.local_paths: dict[str, str] = {}
        self._origins: dict[str, str] = {}
        for entry in entries:
            self.put(entry)

    @property
    def repository(self) -> Repository:
        """The store that holds this draft's bytes; leased from now on."""
        with self._guard:
            if self._repository is None:
                self.settle(self._open_repository())
            assert self._repository is not None
            return self._repository

    @property
    def home(self) -> Repository | None:
        """The store its content was added to; None when nothing was added yet."""
        return self._repository

    def settle(self, repository: Repository) -> None:
        """Make `repository` the draft's home, and hold a lease there."""
        hold = repository.lease.take()
        self.release()
        self._repository = repository
        self._release = weakref.finalize(self, hold.drop)
        self._pin(self.entries())

    def release(self) -> None:
        """The entries are committed (or given up): the lease is no longer needed."""
        if self._release is not None:
            self._release()

    def _pin(self, entries: Iterable[Entry]) -> None:
        if self._repository is not None:
            self._repository.lease.pin(entry.digest for entry in entries if entry.reference is None)

    # --- reading -------------------------------------------------------------------------------------

    def find(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        folder, name = split_path(path)
        return self._folders.get(folder, {}).get(name)

    def entries(self) -> Iterator[Entry]:
        """Every entry in manifest order."""
        for folder in sorted(self._folders):
            names = self._folders[folder]
            for name in sorted(names):
                yield names[name]

    def sources(self) -> frozenset[str]:
        """The uids of the versions that entries were taken from as they are."""
        return frozenset(self._origins.values())

    def digest(self) -> Digest:
        """The digest a version with this content has."""
        if self._digest is None:
            self._digest = manifest_digest(page.digest for page in page_entries(self.entries()))
        return self._digest

    # --- changing ------------------------------------------------------------------------------------

    def put(
        self,
        entry: Entry,
        *,
        overwrite: bool = False,
        local_path: str | None = None,
        origin: str | None = None,
    ) -> Entry:
        """Add `entry`; the same content again is fine, other content needs `overwrite`.

        `origin` is the uid of the version it was taken from.
        """
        with self._guard:
            self.refuse_sealed()
            self._pin([entry])
            self._put(entry, overwrite=overwrite, local_path=local_path)
            if origin is not None:
                self._origins[entry.path] = origin
        return entry

    def put_all(
        self, entries: Sequence[Entry], *, overwrite: bool = False, local_paths: Mapping[str, str] = _NOWHERE
    ) -> None:
        """Add all of `entries`, or none of them when one cannot be added."""
        replaced: list[tuple[Entry, str | None]] = []
        done = 0
        with self._guard:
            self.refuse_sealed()
            self._pin(entries)
            try:
                for entry in entries:
                    before = self.find(entry.path)
                    if before is not None:
                        replaced.append((before, self.local_paths.get(entry.path)))
                    self._put(entry, overwrite=overwrite, local_path=local_paths.get(entry.path))
                    done += 1
            except BaseException:
                self._take_out(entry.path for entry in entries[:done])
                for before, local_path in replaced:
                    self._put(before, overwrite=True, local_path=local_path)
                raise

    def _put(self, entry: Entry, *, overwrite: bool, local_path: str | None) -> None:
        folder, name = split_path(entry.path)
        self._refuse_place(entry.path, folder)
        names = self._folders.get(folder, {})
        before = names.get(name)
        if before is not None:
            if before.digest != entry.digest and not overwrite:
                raise ContentConflict(
                    f"Cannot add {shown(entry.path)}: the artifact already holds another content at that path",
                    hint="pass overwrite=True (merge=True for folders), or choose another name",
                )
            self.size_bytes -= before.size_bytes
            self.file_count -= 1
        if not names:
            self._folders[folder] = names
            self._known_folders.update(_with_parents(folder))
        names[name] = entry
        self.file_count += 1
        self.size_bytes += entry.size_bytes
        self._digest = None
        self._origins.pop(entry.path, None)
        if local_path is not None:
            self.local_paths[entry.path] = local_path
        else:
            self.local_paths.pop(entry.path, None)

    def _refuse_place(self, path: str, folder: str) -> None:
        """ContentConflict where a file and a folder would have one name; InvalidName for a name of localart's own."""
        if path in self._known_folders:
            raise ContentConflict(
                f"{shown(path)} is already a folder in this artifact",
                hint="choose another name, or remove it",
            )
        for above in _with_parents(folder) if folder not in self._known_folders else ():
            if above in self._known_folders:
                break
            if self.find(above) is not None:
                raise ContentConflict(
                    f"{shown(above)} is already a file in this artifact",
                    hint="choose another name, or remove it",
                )
        if ".localart-" in path and any(map(is_unfinished, path.split("/"))):
            raise InvalidName(
                f"Path {shown(path)} has a name that unfinished downloads have", hint="choose another name"
            )

    # --- sealing -------------------------------------------------------------------------------------

    def seal(self) -> None:
        """From now on nothing can be added or removed."""
        self._sealed = True

    @contextmanager
    def sealing(self) -> Iterator[None]:
        """Seal it for the body, and for good when that ends well; a draft that could not be logged stays open."""
        before, self._sealed = self._sealed, True
        try:
            yield
        except BaseException:
            self._sealed = before
            raise

    def refuse_sealed(self) -> None:
        """ArtifactFinalizedError when nothing may be added any more."""
        if self._sealed:
            raise ArtifactFinalizedError(
                "The content of this artifact is sealed", hint="make a new Artifact with the same name"
            )

    def remove(self, path: str) -> None:
        """Take a file, or everything below a folder, out again."""
        with self._guard:
            self.refuse_sealed()
            doomed = [path] if self.find(path) is not None else [one.path for one in self._below(path)]
            if not doomed:
                raise FileNotFoundError(f"No such file or folder in this artifact: {shown(path)}")
            self._take_out(doomed)

    def _take_out(self, paths: Iterable[str]) -> None:
        for path in paths:
            folder, name = split_path(path)
            entry = self._folders[folder].pop(name, None)
            if entry is None:  # named twice
                continue
            self.file_count -= 1
            self.size_bytes -= entry.size_bytes
            self.local_paths.pop(path, None)
            self._origins.pop(path, None)
        self._folders = {folder: names for folder, names in self._folders.items() if names}
        self._known_folders = {""}.union(*map(_with_parents, self._folders))
        self._digest = None

    def _below(self, path: str) -> Iterator[Entry]:
        for folder in list(self._folders):
            if folder == path or folder.startswith(path + "/"):
                yield from list(self._folders[folder].values())


def _with_parents(folder: str) -> Iterator[str]:
    """`a/b/c` → `a/b/c`, `a/b`, `a`."""
    while folder:
        yield folder
        folder = split_path(folder)[0]
