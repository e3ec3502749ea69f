"""Earlier bytes read from the file they were logged from."""

import random
from itertools import pairwise

import pytest
from blake3 import blake3

from localart.errors import SourceError
from localart.model import BasePiece, BaseSlice, BlobLayout, BlobRef, Digest, FramePlace, Piece
from localart.store.source import BytesSource
from localart.store.standing import StandingFile

CONTENT = random.Random(3).randbytes(5_000)
CUTS = (0, 1_000, 2_500, 5_000)


def layout():
    pieces, place = [], FramePlace("a" * 32, 0, 100, 5_000, 0, ())
    for start, stop in pairwise(CUTS):
        blob = BlobRef(Digest(blake3(CONTENT[start:stop]).digest()), stop - start)
        pieces.append(Piece(place, start, blob))
    return BlobLayout(BlobRef(Digest(blake3(CONTENT).digest()), 5_000), tuple(pieces))


def base(at, chunk, start, stop):
    piece = layout().pieces[chunk]
    return BasePiece(BaseSlice(at, piece.blob.digest, start, stop), piece)


class Stored:
    """What the store would give: told apart by being asked."""

    def __init__(self):
        self.asked = []

    def read(self, bases, size_bytes):
        self.asked += bases
        result = bytearray(size_bytes)
        for one in bases:
            part, begin = one.slice, one.piece.offset
            result[part.at : part.at + part.stop - part.start] = CONTENT[
                begin + part.start : begin + part.stop
            ]
        return result


BASES = [base(10, 0, 5, 900), base(1_000, 2, 100, 300), base(1_300, 2, 2_000, 2_500)]


def expected():
    result = bytearray(2_000)
    result[10:905] = CONTENT[5:900]
    result[1_000:1_200] = CONTENT[2_600:2_800]
    result[1_300:1_800] = CONTENT[4_500:5_000]
    return result


def test_slices_lie_where_they_should_with_zeros_between():
    stored = Stored()

    assert StandingFile(layout(), BytesSource(CONTENT), stored.read).read(BASES, 2_000) == expected()
    assert stored.asked == []


@pytest.mark.parametrize("harm", [0, 999, 2_500, 4_999])
def test_a_chunk_that_changed_comes_from_the_store(harm):
    """Seen to fail when the digest is not compared."""
    stored, changed = Stored(), bytearray(CONTENT)
    changed[harm] ^= 1

    assert StandingFile(layout(), BytesSource(bytes(changed)), stored.read).read(BASES, 2_000) == expected()
    assert {one.piece.offset for one in stored.asked} == {0 if harm < 1_000 else 2_500}


@pytest.mark.parametrize("length", [0, 999, 2_600])
def test_a_file_that_ended_early_is_not_read_as_zeros(length):
    stored = Stored()

    assert StandingFile(layout(), BytesSource(CONTENT[:length]), stored.read).read(BASES, 2_000) == expected()


class Failing(BytesSource):
    """A disk that cannot be read any more."""

    reads = 0

    def read_at(self, buffer, offset):
        Failing.reads += 1
        raise SourceError("broken")


def test_after_some_misses_the_file_is_left_alone():
    stored = Stored()
    standing = StandingFile(layout(), Failing(CONTENT), stored.read)

    for _ in range(5):
        assert standing.read(BASES, 2_000) == expected()
    assert Failing.reads == 4


def test_what_is_not_in_the_file_at_all_comes_from_the_store():
    other = BlobRef(Digest(bytes(32)), 10)
    foreign = BasePiece(BaseSlice(0, other.digest, 0, 10), Piece(layout().pieces[0].place, 0, other))
    stored = Stored()

    assert StandingFile(layout(), BytesSource(CONTENT), stored.read).read([foreign], 10) == CONTENT[:10]
