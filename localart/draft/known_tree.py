"""Know a folder again that was logged before and has not changed since: see `catalog/known_trees.py`."""

import os
import struct
from collections.abc import Iterable, Iterator

from blake3 import blake3

from localart.catalog.known_trees import TreePlace, TreeRecord
from localart.catalog.statcache import RACY_NANOSECONDS
from localart.draft.draft import Draft
from localart.draft.held import FoundTree, Tails, tree_digests
from localart.files.source import refuse_source
from localart.files.tree import Listing, TreeFile, walk_listings
from localart.manifest.digest import TAIL_BYTES
from localart.records import dataclass
from localart.repository import Repository

_FEW_FILES = 256  # what is less is quickly looked up file by file
_STATE_BYTES = 32
_facts = struct.Struct("<2Q3q").pack


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTree:
    """What was known again: entry path and place of each file come one by one."""

    file_count: int
    size_bytes: int
    local_paths: Iterator[tuple[str, str]]


def recall_tree(draft: Draft, folder: str, prefix: str) -> KnownTree | None:
    """Put the files of `folder` into the draft if they are those of a version, all unchanged; None when they are not.

    Nothing is read of them but their `stat`. None also when the draft holds something, or when the content is not all
    in the store any more.
    """
    record = None if draft.file_count else draft.repository.cache.find_tree(_place(folder, prefix))
    if record is None:
        return None
    listings = _unchanged(folder, record)
    if listings is None:
        return None
    tree = _tree(listings, prefix, record.tails)
    if not draft.repository.rely_on_manifest(record.manifest, tree_digests(tree)):
        return None
    draft.put_tree(tree, manifest=record.manifest)
    return KnownTree(
        file_count=len(record.tails) // TAIL_BYTES,
        size_bytes=draft.size_bytes,
        local_paths=_local_paths(listings, prefix),
    )


def _place(folder: str, prefix: str) -> TreePlace:
    try:
        found = os.stat(folder)  # noqa: PTH116  # of whatever was named
    except OSError as error:
        refuse_source(folder, error)
    return found.st_dev, found.st_ino, prefix


def _unchanged(folder: str, record: TreeRecord) -> list[tuple[str, str, list[str]]] | None:
    """Path below the folder, real path and names of every listing; None from the first one on that has changed."""
    listings: list[tuple[str, str, list[str]]] = []
    at = count = 0
    for listing in walk_listings(folder):
        if _state(listing.prefix, listing.names, listing.stats) != record.states[at : at + _STATE_BYTES]:
            return None
        listings.append((listing.prefix, listing.absolute, listing.names))
        at += _STATE_BYTES
        count += len(listing.names)
    return listings if at == len(record.states) and count * TAIL_BYTES == len(record.tails) else None


def _state(prefix: str, names: list[str], stats: list[os.stat_result]) -> bytes:
    """32 bytes that are the same as long as these files are: by name, device, inode, size, content and inode time.

    b"" where a number does not fit.
    """
    try:
        facts = b"".join(
            [_facts(one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for one in stats]
        )
    except struct.error:
        return b""
    text = "\0".join([prefix, *names]).encode("utf-8", "surrogateescape")
    return blake3(len(text).to_bytes(8, "little") + text + facts).digest()


def _tree(listings: Iterable[tuple[str, str, list[str]]], prefix: str, tails: bytes) -> Tails:
    tree: Tails = {}
    at = 0
    for below, _, names in listings:
        stop = at + len(names) * TAIL_BYTES
        cut = [tails[start : start + TAIL_BYTES] for start in range(at, stop, TAIL_BYTES)]
        tree.setdefault((prefix + below).removesuffix("/"), {}).update(zip(names, cut, strict=True))
        at = stop
    return tree


def _local_paths(listings: Iterable[tuple[str, str, list[str]]], prefix: str) -> Iterator[tuple[str, str]]:
    for below, absolute, names in listings:
        for name in names:
            yield prefix + below + name, absolute + name


class TreeNotes:
    """Takes down what a later log needs to know a folder again, while its files are taken in one by one.

    Of each file the `stat` counts that belongs to the bytes that were read. Nothing comes of it when something was
    left out, or when a file had changed within the clock's grain of being looked at.
    """

    def __init__(self, folder: str, prefix: str) -> None:
        self._place = _place(folder, prefix)
        self._waiting: list[Listing] = []
        self._stats: list[os.stat_result] = []
        self._states: list[bytes] = []
        self._listed: list[tuple[str, list[str]]] = []
        self._listed_count = self._noted_count = 0
        self._is_settled = True

    def files(self, listings: Iterable[Listing]) -> Iterator[TreeFile]:
        """Every file of the listings."""
        for listing in listings:
            self._listed_count += len(listing.names)
            if self._is_settled:
                self._waiting.append(listing)
            yield from listing.files()

    def note(self, stat: os.stat_result) -> None:
        """The next of these files was taken in as it stood then."""
        self._noted_count += 1
        if not self._is_settled:
            return
        self._stats.append(stat)
        listing = self._waiting[0]
        if len(self._stats) == len(listing.names):
            self._finish_listing(self._waiting.pop(0))

    def _finish_listing(self, listing: Listing) -> None:
        stats, self._stats = self._stats, []
        newest = max(max(one.st_mtime_ns, one.st_ctime_ns) for one in stats)
        state = _state(listing.prefix, listing.names, stats)
        self._is_settled = bool(state) and newest < listing.listed_ns - RACY_NANOSECONDS
        self._states.append(state)
        folder = (self._place[2] + listing.prefix).removesuffix("/")
        self._listed.append((folder, listing.names))

    def found(self) -> FoundTree | None:
        """What is to be kept when the draft is logged; None when it may not be."""
        is_whole = self._noted_count == self._listed_count and not self._waiting
        if not (is_whole and self._is_settled) or self._noted_count < _FEW_FILES:
            return None
        return FoundTree(place=self._place, states=b"".join(self._states), listed=tuple(self._listed))


def remember_tree(repository: Repository, draft: Draft) -> None:
    """After a draft was logged: when it is one folder and nothing else, know that folder again."""
    found = draft.found_tree
    if found is not None:
        repository.cache.keep_tree(
            found.place,
            TreeRecord(states=found.states, tails=draft.tails_of(found), manifest=draft.digest()),
        )
