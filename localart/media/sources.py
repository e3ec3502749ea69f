"""Where media come from: a file's path, an open file, bytes or text."""

import os
from typing import Any

from localart.errors import NotLocalError, SourceError
from localart.files.source import open_source
from localart.names import shown

MAX_MEDIA_BYTES = 256 << 20
"""Media are held in memory; what is larger belongs into an artifact as a file."""


def read_media_file(path: str | os.PathLike[str], what: str) -> bytes:
    """All bytes of a regular file of at most 256 MiB; links are followed. `what` (`Audio`) starts the messages.

    Raises SourceMissing, SourceUnreadable, SourceError (all ValueError and OSError); NotLocalError for an address.
    """
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"{what} takes a path as str or Path, not {type(text).__name__}")
    if "://" in text:
        raise NotLocalError(f"{what} {shown(text)} is not a local file", hint="download it and give its path")
    with open_source(text) as source:
        if source.size_bytes > MAX_MEDIA_BYTES:
            raise SourceError(
                f"{what} file {shown(text)} is larger than {MAX_MEDIA_BYTES:,} bytes",
                hint="add it to an artifact with add_file",
            )
        return source.read_all()


def read_stream(stream: Any, what: str) -> bytes:
    """All bytes of an open file, from its beginning when it can seek; text becomes UTF-8."""
    if hasattr(stream, "seekable") and stream.seekable():
        stream.seek(0)
    content = stream.read(MAX_MEDIA_BYTES + 1)
    if isinstance(content, str):
        content = content.encode()
    if not isinstance(content, (bytes, bytearray)):
        raise TypeError(f"{what} was given a file whose read() returns {type(content).__name__}")
    if len(content) > MAX_MEDIA_BYTES:
        raise SourceError(
            f"{what} is larger than {MAX_MEDIA_BYTES:,} bytes", hint="add it to an artifact as a file"
        )
    return bytes(content)


def ending_of(path: str | os.PathLike[str], known: frozenset[str], what: str) -> str:
    """The longest of `known` endings (without dot) that `path` has; ValueError when it has none of them."""
    text = os.fspath(path)
    name = text.lower() if isinstance(text, str) else ""
    for ending in sorted(known, key=len, reverse=True):
        if name.endswith(f".{ending}"):
            return ending
    raise ValueError(f"{what} takes files that end in {listed(known)}; not {shown(str(text))}")


def check_ending(ending: object, known: frozenset[str], what: str) -> str:
    """`ending` when it is one of `known`; ValueError otherwise, also for None."""
    if ending is None:
        raise ValueError(f"{what} needs to be told the type of an open file: one of {listed(known)}")
    if ending not in known:
        raise ValueError(f"{what} knows the types {listed(known)}; not {shown(str(ending))}")
    return str(ending)


def listed(names: frozenset[str]) -> str:
    """`a, b or c`."""
    *most, last = sorted(names)
    return f"{', '.join(most)} or {last}"
