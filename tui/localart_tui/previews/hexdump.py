"""Files that are only named and shown as bytes."""

from localart_tui.previews.record import Facts, HexDump, Note, Preview
from localart_tui.previews.source import ByteSource

HEX_BYTES = 4096

_GUESSES: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstandard data"),
    (b"\x7fELF", "ELF program"),
    (b"%PDF", "PDF document"),
    (b"OggS", "Ogg sound"),
    (b"fLaC", "FLAC sound"),
    (b"ID3", "MP3 sound"),
    (b"SQLite format 3\x00", "SQLite database"),
    (b"TFL3", "TensorFlow Lite model"),
    (b"\x80\x02", "pickle"),
    (b"\x80\x03", "pickle"),
    (b"\x80\x04", "pickle"),
    (b"\x80\x05", "pickle"),
)


def read_hex(source: ByteSource, _path: str) -> Preview:
    """The first bytes."""
    head = source.read(0, HEX_BYTES)
    return Preview(_guess(head), (HexDump(head),))


def _guess(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "MP4 video"
    return next((words for magic, words in _GUESSES if head.startswith(magic)), "binary file")


def read_hdf5(source: ByteSource, _path: str) -> Preview:
    """The version of the format; what lies inside is not read."""
    head = source.read(0, HEX_BYTES)
    version = f"superblock version {head[8]}" if len(head) > 8 else "cut off"
    return Preview(
        "HDF5 file", (Facts((("format", version),)), Note("its contents are not shown"), HexDump(head[:256]))
    )
