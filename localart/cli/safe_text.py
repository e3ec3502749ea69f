"""The one way for text to become fit for a terminal."""

from collections.abc import Iterator

from localart.lineage.labels import clean

LONGEST_LINE = 100_000


def safe_text(text: str) -> str:
    r"""`text` as one printable line: what is invisible or moves the cursor is spelled out, as in `\x1b`."""
    return clean(text, LONGEST_LINE)


def safe_lines(text: str) -> Iterator[str]:
    """The lines of `text`, each made safe; tabs become spaces."""
    for line in text.split("\n"):
        yield safe_text(line.removesuffix("\r").expandtabs(4))
