"""Where a large file is cut, so that the next version of it is cut alike.

FastCDC (package `pyfastcdc`, 4 GB/s), normalised chunking level 1, sizes a quarter to four times the average.
Average 16 KiB up to 256 MiB of file, 64 KiB above: 16 KiB halves what an edited table stores, and costs a third more
time on a 1 GB file. 64 KiB for floats of any size: finer cuts find nothing more in them, and the tables of chunks
made up 2 % of a difference. Reading a blob never needs the chunker.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from localart.store.codecs import SAMPLE_BYTES, Codec, choose_codec, is_text
from localart.store.source import ByteSource, fill

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

SMALL_BYTES = 256 << 10
"""Contents up to this are one blob each and never cut."""

ALIGN_BYTES = 8

_FINE_UP_TO = 256 << 20
_FINE_BYTES = 16 << 10
_COARSE_BYTES = 64 << 10
_SAMPLES = 8


class Chunker:
    """Cuts one file, given as consecutive views; the cuts equal those of one pass over the whole file.

    With `aligned`, each cut is rounded down to 8 bytes of file offset, so that the byte planes of floats stay
    in phase. Only for files of floats: on text it undoes the deduplication.
    """

    def __init__(self, size_bytes: int, *, aligned: bool) -> None:
        is_fine = size_bytes <= _FINE_UP_TO and not aligned
        self._chunker = _fastcdc(_FINE_BYTES if is_fine else _COARSE_BYTES)
        self._align = ALIGN_BYTES if aligned else 1
        self._skew = 0  # how far the last cut was rounded down

    def cut(self, view: memoryview, *, final: bool) -> list[int]:
        """The ends of the chunks in `view`, which begins where the last chunk ended.

        Bytes after the last end belong to the next view, whose first bytes they must be. The `final` view ends
        the file, and its last chunk. A view that is not final must be longer than the longest chunk, 256 KiB.
        """
        at = self._skew
        needed = 1 if final else self._chunker.max_size
        ends = []
        for chunk in self._chunker.cut_buf(view[at:]):
            if len(view) - at < needed:
                break
            at += chunk.length
            ends.append(at - at % self._align)  # a view begins at a cut, so it is aligned itself
        if final:
            ends[-1] = at
        self._skew = at - ends[-1]
        return ends


def _fastcdc(average: int) -> "FastCDC":
    from pyfastcdc import FastCDC

    return FastCDC(average, min_size=average // 4, max_size=average * 4, normalized_chunking=1)


def holds_floats(source: ByteSource) -> bool:
    """Whether most of a file looks like floats, judged by samples all over it.

    Several samples, because two versions of a file must decide alike or nothing of the first is found in the
    second.
    """
    votes = [choose_codec(sample).codec in {Codec.PLANES2, Codec.PLANES4} for sample in _samples(source)]
    return 2 * sum(votes) >= len(votes)


def holds_text(source: ByteSource) -> bool:
    """Whether a file is text wherever one looks."""
    return all(is_text(bytes(sample)) for sample in _samples(source))


def _samples(source: ByteSource) -> Iterator[memoryview]:
    """Some of a file's bytes from all over it, at multiples of 8; each is overwritten by the next."""
    count = max(2, min(_SAMPLES, source.size_bytes // (2 * SAMPLE_BYTES)))
    room = max(0, source.size_bytes - SAMPLE_BYTES)
    buffer = memoryview(bytearray(min(SAMPLE_BYTES, source.size_bytes)))
    for number in range(count):
        offset = room * (2 * number + 1) // (2 * count) // ALIGN_BYTES * ALIGN_BYTES
        fill(source, buffer, offset)
        yield buffer
