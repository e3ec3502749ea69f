"""A mutable set of entries that stays a valid manifest at every moment."""

import weakref
from collections.abc import Callable, Iterable, Iterator

from localart.errors import ContentConflict
from localart.manifest import manifest_digest, page_entries, split_path
from localart.model import Digest, Entry
from localart.names import shown
from localart.repository import Repository


class Draft:
    """Entries by path. Holds a lease on the store from the first entry until it is released or forgotten.

    The repository is opened when content is first added, so a draft can be made before `init()`.
    """

    def __init__(self, open_repository: Callable[[], Repository], entries: Iterable[Entry] = ()) -> None:
        self._open_repository = open_repository
        self._repository: Repository | None = None
        self._folders: dict[str, dict[str, Entry]] = {}
        self._known_folders = {""}
        self._digest: Digest | None = None
        self._release: Callable[[], object] | None = None
        self.file_count = 0
        self.size_bytes = 0
        self.local_paths: dict[str, str] = {}
        for entry in entries:
            self.put(entry)

    @property
    def repository(self) -> Repository:
        """The store that holds this draft's bytes; leased from now on."""
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
        self.release()
        self._repository = repository
        repository.lease.take()
        self._release = weakref.finalize(self, repository.lease.drop)

    def release(self) -> None:
        """The entries are committed (or given up): the lease is no longer needed."""
        if self._release is not None:
            self._release()

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

    def digest(self) -> Digest:
        """The digest a version with this content has."""
        if self._digest is None:
            self._digest = manifest_digest(page.digest for page in page_entries(self.entries()))
        return self._digest

    # --- changing ------------------------------------------------------------------------------------

    def put(self, entry: Entry, *, overwrite: bool = False, local_path: str | None = None) -> Entry:
        """Add `entry`; the same content again is fine, other content needs `overwrite`."""
        folder, name = split_path(entry.path)
        names = self._enter(folder)
        if entry.path in self._known_folders:
            raise ContentConflict(f"{shown(entry.path)} is already a folder in this artifact")
        before = names.get(name)
        if before is not None:
            if before.digest != entry.digest and not overwrite:
                raise ContentConflict(
                    f"Cannot add {shown(entry.path)}: the artifact already holds another content at that path",
                    hint="pass overwrite=True, or choose another name",
                )
            self.size_bytes -= before.size_bytes
            self.file_count -= 1
        names[name] = entry
        self.file_count += 1
        self.size_bytes += entry.size_bytes
        self._digest = None
        if local_path is not None:
            self.local_paths[entry.path] = local_path
        return entry

    def _enter(self, folder: str) -> dict[str, Entry]:
        names = self._folders.get(folder)
        if names is None:
            for above in _with_parents(folder):
                if above in self._known_folders:
                    break
                if self.find(above) is not None:
                    raise ContentConflict(f"{shown(above)} is already a file in this artifact")
            self._known_folders.update(_with_parents(folder))
            names = self._folders[folder] = {}
        return names

    def remove(self, path: str) -> None:
        """Take a file, or everything below a folder, out again."""
        doomed = [path] if self.find(path) is not None else [one.path for one in self._below(path)]
        if not doomed:
            raise FileNotFoundError(f"No such file or folder in this artifact: {shown(path)}")
        for one in doomed:
            folder, name = split_path(one)
            entry = self._folders[folder].pop(name)
            self.file_count -= 1
            self.size_bytes -= entry.size_bytes
            self.local_paths.pop(one, None)
            if not self._folders[folder]:
                del self._folders[folder]
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
