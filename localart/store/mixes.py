r"""Frames in sections: some told by their difference from earlier bytes, the others as they are.

A checkpoint of an optimizer holds Adam's first moments, which 50 steps later have nothing to do with what they
were, beside its second moments, which have moved by a few per cent: in a frame of both only the second are worth
subtracting. And those have grown or shrunk by about the same factor all over a tensor, so that one amount, added to
the earlier numbers before, lets nearly all differences have one sign.

====== ===== ===========================================================================================
offset bytes body of MIXED
====== ===== ===========================================================================================
0      4     base count
4      44·n  bases, as `differences` has them
4+44n  2     section count s, at least 1
6+44n  13·s  sections, which follow each other in the raw bytes and in the body: raw size (4), stored size (4), amount
             (4) and codec (1)
…            bodies of the sections. RAW, ZSTD, PLANESs: as of frames, with amount 0. DELTAw: w sizes of 4 bytes each,
             then w zstd frames, the byte planes of the folded differences from the bases' bytes below, taken as
             numbers of w bytes to which the amount was added (modulo 2^8w)
====== ===== ===========================================================================================

Figures (ten checkpoints of a real fine-tune, 50 steps apart; bits of entropy a number, of 32): first moments 26.9 by
themselves, 27.1 subtracted; second moments 25.9 by themselves, 21.6 subtracted, 21.3 with the amount, 21.5 when the
earlier ones are multiplied by 0.999^50. Sign bits moved to the end would save 0.06 of 27, the first moments' exponents,
known those of the second, 0.3: not worth their time. Their 23 bits of mantissa are noise.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from localart.errors import BlobDamaged
from localart.records import dataclass

if TYPE_CHECKING:
    from localart.store.codecs import Bytes

MOST_SECTIONS = 1 << 12

_COUNT = struct.Struct("<H")
_SECTION = struct.Struct("<IIIB")


@dataclass(frozen=True, slots=True)
class Section:
    """So many raw bytes and how they are stored."""

    raw_bytes: int
    stored_bytes: int
    amount: int
    codec: int


def encode_sections(sections: Sequence[Section]) -> bytes:
    """The table of sections."""
    rows = [_SECTION.pack(row.raw_bytes, row.stored_bytes, row.amount, row.codec) for row in sections]
    return _COUNT.pack(len(sections)) + b"".join(rows)


def decode_sections(body: "Bytes", raw_bytes: int) -> Iterator[tuple[Section, int, "Bytes"]]:
    """Each section of a body that begins at the table, with where its raw bytes begin, and its own body.

    BlobDamaged, before the first, when they cannot be right.
    """
    if len(body) < _COUNT.size:
        raise BlobDamaged("the table of sections is cut off")
    count = _COUNT.unpack_from(body)[0]
    end = _COUNT.size + count * _SECTION.size
    if count > MOST_SECTIONS or len(body) < end:
        raise BlobDamaged("the table of sections is cut off")
    sections = [Section(*row) for row in _SECTION.iter_unpack(body[_COUNT.size : end])]
    stored_bytes = sum(section.stored_bytes for section in sections)
    if sum(section.raw_bytes for section in sections) != raw_bytes or stored_bytes != len(body) - end:
        raise BlobDamaged("the sections do not fill the frame")
    return _bodies(sections, body, end)


def _bodies(sections: Sequence[Section], body: "Bytes", end: int) -> Iterator[tuple[Section, int, "Bytes"]]:
    at = 0
    for section in sections:
        yield section, at, body[end : end + section.stored_bytes]
        at += section.raw_bytes
        end += section.stored_bytes
