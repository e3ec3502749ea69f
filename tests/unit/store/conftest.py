"""A catalog in memory, as a writer and a reader see it."""

import os
import random
from pathlib import Path

import pytest

from localart.model import BlobLayout, BlobRef, ChunkedBlob, Digest, FramePlace, PackBatch, PackState, Piece
from localart.store import BlobReader, BlobWriter


class Shelf:
    """Committed rows as dictionaries."""

    def __init__(self) -> None:
        self.packs: dict[str, int] = {}
        self.pieces: dict[bytes, Piece] = {}
        self.chunked: dict[bytes, ChunkedBlob] = {}
        self.questions = 0

    def known_blobs(self, digests) -> set[Digest]:
        self.questions += 1
        return {digest for digest in digests if digest in self.pieces or digest in self.chunked}

    def knows_size(self, size_bytes: int) -> bool:
        return any(blob.size_bytes == size_bytes for blob in self.chunked.values())

    def states(self) -> list[PackState]:
        return [PackState(pack=pack, end=end) for pack, end in self.packs.items()]

    def commit(self, batches: tuple[PackBatch, ...]) -> None:
        for batch in batches:
            self.packs[batch.pack] = max(batch.end, self.packs.get(batch.pack, 0))
            for frame in batch.frames:
                self._commit_frame(batch.pack, frame)
            self.chunked.update({blob.digest: blob for blob in batch.chunked})

    def _commit_frame(self, pack, frame) -> None:
        place = FramePlace(
            pack, frame.start, frame.stored_bytes, frame.raw_bytes, frame.codec, frame.checksum
        )
        offset = 0
        for member in frame.members:
            self.pieces.setdefault(member.digest, Piece(place, offset, member))
            offset += member.size_bytes

    def layout(self, blob: BlobRef) -> BlobLayout:
        if blob.digest in self.chunked:
            chunks = self.chunked[blob.digest].chunks
            return BlobLayout(blob, tuple(self.pieces[chunk.digest] for chunk in chunks))
        return BlobLayout(blob, (self.pieces[blob.digest],))


class Store:
    """A folder with packs, its shelf, and a writer and a reader on them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "packs").mkdir(parents=True, exist_ok=True)
        self.shelf = Shelf()
        self.writer = self.new_writer()
        self.reader = BlobReader(root)

    def new_writer(self, **options) -> BlobWriter:
        return BlobWriter(self.root, index=self.shelf, packs=self.shelf.states, **options)

    def publish(self, writer: BlobWriter | None = None) -> tuple[PackBatch, ...]:
        writer = writer or self.writer
        batches = writer.seal()
        self.shelf.commit(batches)
        writer.published()
        return batches

    def keep(self, content: bytes, group: str = "bin") -> BlobRef:
        [blob] = self.writer.put([(content, group)])
        self.publish()
        return blob

    def read(self, blob: BlobRef) -> bytes:
        return self.reader.read(self.shelf.layout(blob))

    def pack_files(self) -> list[Path]:
        return sorted((self.root / "packs").iterdir())

    def close(self) -> None:
        self.writer.close()
        self.reader.close()


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def make_store(tmp_path):
    made = []

    def make(root: Path | None = None) -> Store:
        made.append(Store(root or tmp_path / f"store{len(made)}"))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def noise():
    """Incompressible bytes that are the same each time."""

    def make(size_bytes: int, seed: int = 0) -> bytes:
        return random.Random(seed).randbytes(size_bytes)

    return make


@pytest.fixture
def floats():
    """Bytes of float32 values that look like trained weights."""

    def make(count: int, seed: int = 0) -> bytes:
        import array

        rng = random.Random(seed)
        return array.array("f", (rng.gauss(0, 0.02) for _ in range(count))).tobytes()

    return make


@pytest.fixture
def open_count():
    """How many descriptors this process has open."""
    return lambda: len(os.listdir("/proc/self/fd"))
