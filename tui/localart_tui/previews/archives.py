"""ZIP archives and NumPy's archives of arrays: what they list, and of arrays the headers.

Only stored and deflated members are opened, each only up to a limit: a bomb costs what its first bytes cost.
"""

import zipfile
import zlib
from collections.abc import Iterator

from localart_tui.previews.arrays import array_sections, read_header
from localart_tui.previews.record import MOST_ROWS, Facts, Note, Preview, Section, Table, Weight, cell
from localart_tui.previews.safetensors import shape_text
from localart_tui.previews.source import BoundedFile, BytesInMemory, ByteSource, NotShown

DIRECTORY_BYTES = 2 << 20
MEMBER_BYTES = 128 << 10
MOST_OPENED = 100
_SUSPICIOUS_RATIO = 100
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def read_zip(source: ByteSource, _path: str) -> Preview:
    """The members with their sizes."""
    members = list_members(source)
    return Preview("ZIP archive", (_facts(members), *bomb_notes(members), member_table(members)))


def read_npz(source: ByteSource, _path: str) -> Preview:
    """The arrays with their types and shapes, and the first values of the first."""
    members = list_members(source)
    rows: list[tuple[str, ...]] = []
    first: list[Section] = []
    for member in members[:MOST_OPENED]:
        row, sections = _array_row(source, member)
        rows.append(row)
        first = first or sections
    table = Table(("array", "dtype", "shape", "bytes"), tuple(rows), frozenset({3}))
    notes: list[Section] = [*bomb_notes(members)]
    if len(members) > MOST_OPENED:
        notes.append(Note(f"these are the first {MOST_OPENED} of {len(members):,} arrays"))
    return Preview("NumPy archive", (_facts(members), *notes, table, *first))


def _array_row(source: ByteSource, member: zipfile.ZipInfo) -> tuple[tuple[str, ...], list[Section]]:
    name = cell(member.filename.removesuffix(".npy"))
    try:
        head = BytesInMemory(read_member(source, member, MEMBER_BYTES))
        header = read_header(head)
    except NotShown as error:
        return (name, cell(str(error)), "", f"{member.file_size:,}"), []
    row = (name, cell(header.dtype), shape_text(header.shape), f"{member.file_size:,}")
    # The head of the member is no file cut off: its values are looked at as far as they go.
    sections: list[Section] = [
        one for one in array_sections(head, header) if not isinstance(one, Note | Facts)
    ]
    return row, sections


# --- members ---------------------------------------------------------------------------------------


def list_members(source: ByteSource) -> list[zipfile.ZipInfo]:
    """The archive's directory; `NotShown` when it is broken or too long."""
    try:
        with zipfile.ZipFile(BoundedFile(source, DIRECTORY_BYTES)) as archive:
            return archive.infolist()
    except zipfile.BadZipFile:
        raise NotShown("the archive is broken or cut off") from None
    except NotShown:
        raise NotShown(f"the archive lists more than {DIRECTORY_BYTES >> 20} MiB of names") from None


def read_member(source: ByteSource, member: zipfile.ZipInfo, limit: int) -> bytes:
    """The first `limit` bytes of a member, unpacked; `NotShown` where that cannot be done safely."""
    if member.compress_type not in _READABLE or member.flag_bits & 0x1:
        raise NotShown("packed in a way that is not shown")
    budget = DIRECTORY_BYTES + limit + (64 << 10)
    try:
        with (
            zipfile.ZipFile(BoundedFile(source, budget)) as archive,
            archive.open(member) as opened,
        ):
            return opened.read(limit)
    except NotShown:
        raise
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error):
        raise NotShown("broken or cut off") from None


def member_table(members: list[zipfile.ZipInfo]) -> Table:
    """Names and sizes."""
    rows = tuple(
        (cell(one.filename), f"{one.file_size:,}", f"{one.compress_size:,}") for one in members[:MOST_ROWS]
    )
    return Table(("member", "bytes", "packed"), rows, frozenset({1, 2}))


def _facts(members: list[zipfile.ZipInfo]) -> Facts:
    total = sum(one.file_size for one in members)
    return Facts((("members", f"{len(members):,}"), ("unpacked", f"{total:,} bytes")))


def bomb_notes(members: list[zipfile.ZipInfo]) -> Iterator[Note]:
    """A warning where unpacking would give a hundred times as many bytes as are there."""
    total, packed = sum(one.file_size for one in members), sum(one.compress_size for one in members)
    if total > _SUSPICIOUS_RATIO * max(packed, 1) and total > 1 << 20:
        yield Note(f"unpacking it would give {total:,} bytes from {packed:,}", Weight.WARNING)
    if len(members) > MOST_ROWS:
        yield Note(f"these are the first {MOST_ROWS:,} members")
