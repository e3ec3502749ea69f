"""Second copies of contents: in other packs of the store, in another store, in folders of files.

What a source hands out has been compared with its digest; nothing it says of itself is believed.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from blake3 import blake3

from localart.catalog import mending_places
from localart.errors import BlobDamaged, SourceError, SourceMissing, StoreDamaged, StoreError
from localart.files.source import StableFile, open_source
from localart.model import BaseSlice, BlobRef, Digest
from localart.names import shown
from localart.repository import Repository
from localart.store.checking import raw_of
from localart.store.chunking import SMALL_BYTES, Chunker, holds_floats
from localart.store.codecs import DELTAS
from localart.store.frames import FrameKind, ScannedFrame, frame_at, walk_heads

_KEPT_FRAMES = 16
_DEEPEST = 16
_SLAB_BYTES = 4 << 20


@dataclass(slots=True)
class Wanted:
    """What is looked for: `pieces` lie in frames (chunks and small contents), `wholes` are made of chunks.

    A piece is taken out when it was found.
    """

    pieces: dict[Digest, BlobRef] = field(default_factory=dict)
    wholes: dict[Digest, BlobRef] = field(default_factory=dict)


class Source(Protocol):
    """A place that may hold copies."""

    def pieces(self, wanted: Wanted) -> Iterator[tuple[BlobRef, bytes]]:
        """Those of the wanted pieces that are there, each compared with its digest."""
        ...


def open_sources(repository: Repository, places: Sequence[Path]) -> list[Source]:
    """The store's own packs and quarantine first, then what the user names; SourceMissing for a place there is not."""
    own = PackSource([repository.root / "packs", repository.root / "quarantine"])
    found: list[Source] = [own]
    for place in places:
        if not place.exists():
            raise SourceMissing(
                f"There is nothing at {shown(str(place), 300)}", hint="check what follows --from"
            )
        packs = [folder for folder in (place / "packs", place / "quarantine", place) if _holds_packs(folder)]
        found.append(PackSource(packs) if packs else FileSource(repository, place))
    return found


def _holds_packs(folder: Path) -> bool:
    return folder.is_dir() and any(name.endswith(".pack") for name in os.listdir(folder))


# --- packs -------------------------------------------------------------------------------------------


class PackSource:
    """Packs of this or another store. They tell by themselves what is in them: no database is asked."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._places: dict[Digest, list[tuple[Path, int]]] | None = None
        self._decoded: OrderedDict[tuple[Path, int], tuple[ScannedFrame, bytes]] = OrderedDict()

    def pieces(self, wanted: Wanted) -> Iterator[tuple[BlobRef, bytes]]:
        """Frame by frame, so that each is decoded once."""
        places = self._index()
        for digest in sorted(wanted.pieces, key=lambda one: [str(place) for place in places.get(one, ())]):
            content = self._find(digest, 0)
            if content is not None:
                yield wanted.pieces[digest], content

    def _index(self) -> dict[Digest, list[tuple[Path, int]]]:
        if self._places is None:
            self._places = {}
            for path in (path for folder in self._folders for path in sorted(folder.glob("*.pack"))):
                with suppress(StoreError):  # a pack that cannot be read is no source
                    for start, head in walk_heads(path):
                        if head.kind is FrameKind.DATA:
                            for member in head.members:
                                self._places.setdefault(member.digest, []).append((path, start))
        return self._places

    def _find(self, digest: Digest, depth: int) -> bytes | None:
        """The bytes of one content, from whichever place has them right."""
        for path, start in self._index().get(digest, ()):
            with suppress(StoreDamaged, StoreError):
                found, raw = self._frame(path, start, depth)
                at = 0
                for member in found.frame.members:
                    content = raw[at : at + member.size_bytes]
                    if member.digest == digest and blake3(content).digest() == digest:
                        return content
                    at += member.size_bytes
        return None

    def _frame(self, path: Path, start: int, depth: int) -> tuple[ScannedFrame, bytes]:
        kept = self._decoded.get((path, start))
        if kept is None:
            found = frame_at(path, start)
            bases = self._bases(depth + 1) if found.frame.codec in DELTAS else None
            kept = self._decoded[path, start] = (found, raw_of(path.stem, found, bases))
            if len(self._decoded) > _KEPT_FRAMES:
                self._decoded.popitem(last=False)
        return kept

    def _bases(self, depth: int) -> Callable[[tuple[BaseSlice, ...], int], bytes]:
        def read(bases: tuple[BaseSlice, ...], size_bytes: int) -> bytes:
            if depth > _DEEPEST:
                raise BlobDamaged("differences are stacked too deep")
            below = bytearray(size_bytes)
            for base in bases:
                content = self._find(base.chunk, depth)
                if content is None or len(content) < base.stop:
                    raise BlobDamaged("what it is told as a difference from is not there")
                below[base.at : base.at + base.stop - base.start] = content[base.start : base.stop]
            return bytes(below)

        return read


# --- files -------------------------------------------------------------------------------------------


class FileSource:
    """A folder (or one file) of whatever name: files are known by size and BLAKE3, and by the chunks in them."""

    def __init__(self, repository: Repository, place: Path) -> None:
        self._repository = repository
        self._place = place

    def pieces(self, wanted: Wanted) -> Iterator[tuple[BlobRef, bytes]]:
        """File by file; each is read once or twice. Stops when nothing is wanted any more."""
        sizes = {blob.size_bytes for blob in (*wanted.pieces.values(), *wanted.wholes.values())}
        for path in files_below(self._place):
            if not wanted.pieces:
                return
            with suppress(SourceError, OSError):  # a file that cannot be read is no source
                yield from self._from_file(path, wanted, sizes)

    def _from_file(
        self, path: str, wanted: Wanted, sizes: Collection[int]
    ) -> Iterator[tuple[BlobRef, bytes]]:
        with open_source(path) as source:
            size = source.size_bytes
            if size <= SMALL_BYTES:
                if size in sizes:
                    content = _read(source.read_at, size, 0)
                    yield from _if_wanted(content, wanted)
                return
            whole = wanted.wholes.get(_digest_of(source.read_at, size)) if size in sizes else None
            if whole is not None:
                for start, chunk in mending_places.chunks_of(self._repository.read(), whole.digest):
                    if chunk.digest in wanted.pieces:
                        yield from _if_wanted(_read(source.read_at, chunk.size_bytes, start), wanted)
                return
            chunker = Chunker(size, aligned=holds_floats(source))
            yield from _chunks_in(source.read_at, size, chunker, wanted)


def files_below(place: Path) -> Iterable[str]:
    """Every file in a folder and its folders, or the file itself. What cannot be listed is left out."""
    if not place.is_dir():
        return [str(place)]
    return (
        os.path.join(folder, name)  # noqa: PTH118  # a million of them
        for folder, _, names in os.walk(place)
        for name in sorted(names)
    )


def digest_of_file(source: StableFile) -> Digest:
    """BLAKE3 of an open file."""
    return _digest_of(source.read_at, source.size_bytes)


ReadAt = Callable[[memoryview, int], int]


def _read(read_at: ReadAt, size_bytes: int, offset: int) -> bytes:
    content = bytearray(size_bytes)
    view = memoryview(content)
    at = 0
    while at < size_bytes and (count := read_at(view[at:], offset + at)):
        at += count
    return bytes(view[:at])


def _digest_of(read_at: ReadAt, size_bytes: int) -> Digest:
    hasher = blake3()
    for at in range(0, size_bytes, _SLAB_BYTES):
        hasher.update(_read(read_at, min(_SLAB_BYTES, size_bytes - at), at))
    return Digest(hasher.digest())


def _if_wanted(content: bytes, wanted: Wanted) -> Iterator[tuple[BlobRef, bytes]]:
    blob = wanted.pieces.get(Digest(blake3(content).digest()))
    if blob is not None:
        yield blob, content


def _chunks_in(
    read_at: ReadAt, size: int, chunker: Chunker, wanted: Wanted
) -> Iterator[tuple[BlobRef, bytes]]:
    """Another version of a lost file has most of its chunks: cut it the same way and look."""
    at, carry = 0, b""
    while at < size:
        fresh = _read(read_at, min(_SLAB_BYTES, size - at), at)
        if not fresh:
            return
        at += len(fresh)
        view = memoryview(carry + fresh)
        start = 0
        for end in chunker.cut(view, final=at >= size):
            yield from _if_wanted(bytes(view[start:end]), wanted)
            start = end
        carry = bytes(view[start:])
