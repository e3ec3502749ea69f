"""What a draft holds, in little memory: a file of a million takes about two hundred bytes."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from localart.catalog.known_trees import TreePlace
from localart.errors import ContentConflict, InvalidName
from localart.files.unfinished import is_unfinished
from localart.manifest import (
    Page,
    entry_of,
    entry_tail,
    manifest_digest,
    page_rows,
    split_path,
    tail_digest,
    tail_size,
)
from localart.model import Digest, Entry, Reference
from localart.names import shown
from localart.records import dataclass

Tails: TypeAlias = dict[str, dict[str, bytes]]
"""Folder → name → the tail of the entry, as it stands in the manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTree:
    """The one folder that a draft holds: where it is, what `stat` said, folders and names in the order of the walk."""

    place: TreePlace
    states: bytes
    listed: tuple[tuple[str, list[str]], ...]


class HeldFiles:
    """Entries by path, of which none is a file and a folder at once. Not for several threads.

    Kept as tails, for the garbage collector never looks at bytes: a million records made it take a quarter of a
    large log.
    """

    def __init__(self) -> None:
        self._folders: Tails = {}
        self._references: dict[str, Reference] = {}
        self._known_folders = {""}
        self._pages: tuple[Page, ...] | None = None
        self._digest: Digest | None = None
        self.found_tree: FoundTree | None = None
        self.file_count = 0
        self.size_bytes = 0

    # --- reading -------------------------------------------------------------------------------------

    @property
    def has_references(self) -> bool:
        """Whether some entry's bytes are not in the store."""
        return bool(self._references)

    def find(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        folder, name = split_path(path)
        tail = self._folders.get(folder, {}).get(name)
        return None if tail is None else entry_of(path, tail, self._references.get(path))

    def entries(self) -> Iterator[Entry]:
        """Every entry in manifest order."""
        for path, tail in self.rows():
            yield entry_of(path, tail, self._references.get(path))

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Path and tail of every entry in manifest order."""
        for folder in sorted(self._folders):
            inside = f"{folder}/" if folder else ""
            names = self._folders[folder]
            for name in sorted(names):
                yield inside + name, names[name]

    def stored_rows(self) -> Iterator[tuple[str, str, Digest]]:
        """Folder, name and digest of every entry in manifest order."""
        for folder in sorted(self._folders):
            names = self._folders[folder]
            for name in sorted(names):
                yield folder, name, tail_digest(names[name])

    def digests(self) -> Iterator[Digest]:
        """Of all stored bytes, in any order."""
        return tree_digests(self._folders)

    def tails_of(self, found: FoundTree) -> bytes:
        """The tails of all files of a tree, in its order."""
        return b"".join(self._folders[folder][name] for folder, names in found.listed for name in names)

    def below(self, path: str) -> list[str]:
        """The paths of everything in the folder `path`."""
        found = [folder for folder in self._folders if folder == path or folder.startswith(path + "/")]
        return [f"{folder}/{name}" for folder in found for name in self._folders[folder]]

    def pages(self) -> tuple[Page, ...]:
        """The pages of the manifest of a version with this content."""
        if self._pages is None:
            self._pages = tuple(page_rows(self.rows()))
            self._digest = manifest_digest(page.digest for page in self._pages)
        return self._pages

    def digest(self) -> Digest:
        """The digest of that manifest."""
        if self._digest is None:
            self.pages()
        assert self._digest is not None
        return self._digest

    # --- changing ------------------------------------------------------------------------------------

    def put(self, entry: Entry, *, overwrite: bool) -> None:
        """Add `entry`; the same content again is fine, other content needs `overwrite`."""
        folder, name = split_path(entry.path)
        self._refuse_place(entry.path, folder)
        names = self._folders.get(folder, {})
        tail, before = entry_tail(entry), names.get(name)
        if before is not None:
            if tail_digest(before) != entry.digest and not overwrite:
                raise ContentConflict(
                    f"Cannot add {shown(entry.path)}: the artifact already holds another content at that path",
                    hint="pass overwrite=True (merge=True for folders), or choose another name",
                )
            self._count_out(entry.path, before)
        if not names:
            self._folders[folder] = names
            self._known_folders.update(_with_parents(folder))
        names[name] = tail
        if entry.reference is not None:
            self._references[entry.path] = entry.reference
        self.file_count += 1
        self.size_bytes += entry.size_bytes
        self._pages = self._digest = self.found_tree = None

    def put_tree(self, tree: Tails, *, manifest: Digest | None, found: FoundTree | None) -> None:
        """Hold what was found below one folder, where nothing is held yet.

        `manifest` is the digest it gives, if that is known. The tree's own dicts are taken over.
        """
        assert not self.file_count
        for folder in tree:
            refuse_unfinished(folder)
            self._known_folders.update(_with_parents(folder))
        self._folders = tree
        self.file_count = sum(map(len, tree.values()))
        self.size_bytes = sum(tail_size(tail) for names in tree.values() for tail in names.values())
        self._pages, self._digest, self.found_tree = None, manifest, found

    def remove(self, paths: Iterable[str]) -> None:
        """Take these out; one that is not there is none."""
        for path in paths:
            folder, name = split_path(path)
            tail = self._folders.get(folder, {}).pop(name, None)
            if tail is not None:
                self._count_out(path, tail)
        self._folders = {folder: names for folder, names in self._folders.items() if names}
        self._known_folders = {""}.union(*map(_with_parents, self._folders))
        self._pages = self._digest = self.found_tree = None

    def _count_out(self, path: str, tail: bytes) -> None:
        self.file_count -= 1
        self.size_bytes -= tail_size(tail)
        self._references.pop(path, None)

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
        refuse_unfinished(path)


def refuse_unfinished(path: str) -> None:
    """InvalidName for a path with a name that unfinished downloads have."""
    if ".localart-" in path and any(map(is_unfinished, path.split("/"))):
        raise InvalidName(
            f"Path {shown(path)} has a name that unfinished downloads have", hint="choose another name"
        )


def tree_digests(tree: Tails) -> Iterator[Digest]:
    """The digests of stored bytes in a tree."""
    return (tail_digest(tail) for names in tree.values() for tail in names.values() if not tail[0])


def _with_parents(folder: str) -> Iterator[str]:
    """`a/b/c` → `a/b/c`, `a/b`, `a`."""
    while folder:
        yield folder
        folder = split_path(folder)[0]
