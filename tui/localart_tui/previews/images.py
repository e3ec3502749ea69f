"""Pictures: format and size from the first bytes; pixels through Pillow, or for plain PNGs by ourselves."""

from localart.media.headers import ImageHeader, find_header
from localart_tui.pictures.decoding import MOST_PIXELS, decode
from localart_tui.previews.record import Facts, Note, Picture, Preview, Section
from localart_tui.previews.source import ByteSource, NotShown

HEADER_BYTES = 256 << 10
FILE_BYTES = 32 << 20
LONGEST_SIDE = 640


def read_image(source: ByteSource, _path: str) -> Preview:
    """The picture, no larger than 640 pixels either way."""
    header = find_header(source.read(0, HEADER_BYTES))
    if header is None:
        raise NotShown("its first bytes are no picture's that is known here")
    facts = Facts((("format", header.format), ("size", f"{header.width:,} × {header.height:,} pixels")))
    return Preview(f"{header.format} picture", (facts, _drawn(source, header)))


def _drawn(source: ByteSource, header: ImageHeader) -> Section:
    if source.size_bytes > FILE_BYTES:
        return Note(f"not drawn: the file is larger than {FILE_BYTES >> 20} MiB")
    if header.width * header.height > MOST_PIXELS:
        return Note(f"not drawn: it has more than {MOST_PIXELS // 1_000_000} million pixels")
    found = decode(source.read(0, FILE_BYTES), header, longest_side=LONGEST_SIDE)
    return Note(found) if isinstance(found, str) else Picture(found, header.width, header.height)
