"""A mutable set of entries that stays a valid manifest at every moment."""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from types import MappingProxyType

from localart.draft.held import FoundTree, HeldFiles, Tails, tree_digests
from localart.errors import ArtifactFinalizedError
from localart.manifest import Page, entry_of, join_path
from localart.model import Digest, Entry
from localart.names import shown
from localart.repository import Repository

REMEMBERED_PATHS = 10_000  # for `local_path`; a million of them would cost 150 MB
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
        self._held = HeldFiles()
        self._release: Callable[[], object] | None = None
        self._sealed = False
        self._guard = threading.RLock()
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
        self._pin(self._held.digests())

    def release(self) -> None:
        """The entries are committed (or given up): the lease is no longer needed."""
        if self._release is not None:
            self._release()

    def _pin(self, digests: Iterable[Digest]) -> None:
        if self._repository is not None:
            self._repository.lease.pin(digests)

    # --- reading -------------------------------------------------------------------------------------

    @property
    def file_count(self) -> int:
        """How many entries there are."""
        return self._held.file_count

    @property
    def size_bytes(self) -> int:
        """Their sizes in all."""
        return self._held.size_bytes

    @property
    def has_references(self) -> bool:
        """Whether some entry's bytes are not in the store."""
        return self._held.has_references

    def find(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        return self._held.find(path)

    def entries(self) -> Iterator[Entry]:
        """Every entry in manifest order."""
        return self._held.entries()

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Path and tail of every entry in manifest order."""
        return self._held.rows()

    def stored_rows(self) -> Iterator[tuple[str, str, Digest]]:
        """Folder, name and digest of every entry in manifest order; only of a draft without references."""
        assert not self.has_references
        return self._held.stored_rows()

    @property
    def found_tree(self) -> FoundTree | None:
        """The folder that it holds, alone and as it was found; None for any other draft."""
        return self._held.found_tree

    def tails_of(self, found: FoundTree) -> bytes:
        """The tails of all files of its tree, in the order of the walk."""
        return self._held.tails_of(found)

    def sources(self) -> frozenset[str]:
        """The uids of the versions that entries were taken from as they are."""
        return frozenset(self._origins.values())

    def digest(self) -> Digest:
        """The digest a version with this content has."""
        return self._held.digest()

    def pages(self) -> tuple[Page, ...]:
        """The pages of its manifest."""
        return self._held.pages()

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
            self._pin([entry.digest] if entry.reference is None else [])
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
            self._pin(entry.digest for entry in entries if entry.reference is None)
            try:
                for entry in entries:
                    before = self.find(entry.path)
                    if before is not None:
                        replaced.append((before, self.local_paths.get(entry.path)))
                    self._put(entry, overwrite=overwrite, local_path=local_paths.get(entry.path))
                    done += 1
            except BaseException:
                self._take_out([entry.path for entry in entries[:done]])
                for before, local_path in replaced:
                    self._put(before, overwrite=True, local_path=local_path)
                raise

    def put_tree(
        self,
        tree: Tails,
        *,
        overwrite: bool = False,
        manifest: Digest | None = None,
        found: FoundTree | None = None,
    ) -> None:
        """As `put_all`, of stored files that were found below one folder; `tree` is the draft's from now on.

        `manifest`: the digest this content gives by itself, where that manifest is relied on already.
        """
        with self._guard:
            self.refuse_sealed()
            if self.file_count:
                entries = [
                    entry_of(join_path(folder, name), tail, None)
                    for folder, names in tree.items()
                    for name, tail in names.items()
                ]
                self.put_all(entries, overwrite=overwrite)
                return
            if manifest is None:
                self._pin(tree_digests(tree))
            self._held.put_tree(tree, manifest=manifest, found=found)

    def note_local_paths(self, paths: Iterable[tuple[str, str]]) -> None:
        """Where the files lie that were just added; of the first few thousand it is remembered."""
        with self._guard:
            self.local_paths.update(islice(paths, REMEMBERED_PATHS))

    def _put(self, entry: Entry, *, overwrite: bool, local_path: str | None) -> None:
        self._held.put(entry, overwrite=overwrite)
        self._origins.pop(entry.path, None)
        if local_path is not None:
            self.local_paths[entry.path] = local_path
        else:
            self.local_paths.pop(entry.path, None)

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
            doomed = [path] if self.find(path) is not None else self._held.below(path)
            if not doomed:
                raise FileNotFoundError(f"No such file or folder in this artifact: {shown(path)}")
            self._take_out(doomed)

    def _take_out(self, paths: Sequence[str]) -> None:
        self._held.remove(paths)
        for path in paths:
            self.local_paths.pop(path, None)
            self._origins.pop(path, None)
