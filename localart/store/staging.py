"""What a writer has taken in and not handed over to the catalog yet."""

from collections.abc import Iterable, Mapping

from localart.model import ChunkedBlob, Digest, Frame, PackBatch
from localart.store.framing import Placed


class Staging:
    """Digests that need not be stored again, and the frames and chunked blobs the next seal reports.

    Sealed digests are kept until their rows are committed, so that what comes in meanwhile finds them.
    """

    def __init__(self) -> None:
        self._staged: set[Digest] = set()
        self._sealed: set[Digest] = set()
        self._frames: list[Placed] = []
        self._chunked: list[ChunkedBlob] = []
        self._packs: dict[str, None] = {}
        self.stored_bytes = 0

    def __contains__(self, digest: Digest) -> bool:
        return digest in self._staged or digest in self._sealed

    @property
    def blob_count(self) -> int:
        """Contents taken in since the last seal; chunks count."""
        return len(self._staged)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to seal."""
        return not self._frames and not self._chunked

    @property
    def packs(self) -> tuple[str, ...]:
        """The packs that hold what is staged, in the order they were first written."""
        return tuple(self._packs)

    def mark(self, digests: Iterable[Digest]) -> None:
        """These are on their way to a pack."""
        self._staged.update(digests)

    def add_frame(self, placed: Placed) -> None:
        """One frame was written."""
        self._frames.append(placed)
        self._packs[placed.pack] = None
        self.stored_bytes += placed.frame.stored_bytes

    def add_record(self, pack: str) -> None:
        """A frame that gets no rows was written to this pack."""
        self._packs[pack] = None

    def add_chunked(self, blob: ChunkedBlob) -> None:
        """A large file whose chunks are staged or published."""
        self._chunked.append(blob)
        self._staged.add(blob.digest)

    def seal(self, ends: Mapping[str, int]) -> tuple[PackBatch, ...]:
        """Everything staged, by pack; `ends` names each of the packs. Large files come with the last."""
        frames: dict[str, list[Frame]] = {pack: [] for pack in ends}
        for placed in self._frames:
            frames[placed.pack].append(placed.frame)
        last = len(ends) - 1
        batches = tuple(
            PackBatch(
                pack=pack,
                end=end,
                frames=tuple(frames[pack]),
                chunked=tuple(self._chunked) if number == last else (),
            )
            for number, (pack, end) in enumerate(ends.items())
        )
        self._sealed |= self._staged
        self._start_over()
        return batches

    def published(self) -> None:
        """The rows of all that was sealed are committed: the catalog knows the digests now."""
        self._sealed = set()

    def discard(self) -> None:
        """Forget everything, sealed or not."""
        self._sealed = set()
        self._start_over()

    def _start_over(self) -> None:
        self._staged = set()
        self._frames = []
        self._chunked = []
        self._packs = {}
        self.stored_bytes = 0
