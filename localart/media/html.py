"""Web pages, kept as they are. Nothing here renders them; notebooks show them in a sandbox."""

import os
from pathlib import Path
from typing import Any, Self

from localart.media.base import Encoded, EncodedMedia, EntryReader, Record
from localart.media.records import encoded_in
from localart.media.sources import MAX_MEDIA_BYTES, read_media_file, read_stream
from localart.model import JsonObject

_INJECTED = '<base target="_blank">'


class Html(EncodedMedia):
    """An HTML document: text, the path of an existing `.html` file, or an open file.

    With `inject`, links are made to open in a new tab (W&B also links a style sheet of its own from the network;
    this does not). With `data_is_not_path`, text is never taken for a path. Raises ValueError for anything else,
    and for bytes that are not UTF-8.
    """

    kind = "html-file"
    folder = "media/html"

    def __init__(
        self,
        data: Any,
        inject: bool = True,  # noqa: FBT001, FBT002 - W&B's signature
        data_is_not_path: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        if isinstance(data, Encoded):
            super().__init__(data)
            return
        content = _content(data, may_be_path=not data_is_not_path)
        if inject:
            content = _injected(content.decode()).encode()
        super().__init__(Encoded(data=content, suffix=".html"))

    @property
    def html(self) -> str:
        """The document; what is not UTF-8 is replaced."""
        return self.data.decode(errors="replace")

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the document; nothing is injected again."""
        return cls(encoded_in(record, entries))

    @classmethod
    def list_in_run(cls, media: Any, records: Any) -> Record:
        """Return W&B's record of several documents."""
        return {"_type": "html", "count": len(media), "html": list(records)}

    def _repr_html_(self) -> str:
        from localart.media.notebook import frame_html

        return frame_html(self.html)


def _content(data: Any, *, may_be_path: bool) -> bytes:
    if isinstance(data, os.PathLike):
        return read_media_file(data, "Html")
    if isinstance(data, str):
        return read_media_file(data, "Html") if may_be_path and _is_html_file(data) else _encoded(data)
    if hasattr(data, "read"):
        return read_stream(data, "Html")
    raise ValueError(
        f"Html takes text, the path of an .html file, or an open file; not {type(data).__name__}"
    )


def _is_html_file(text: str) -> bool:
    if not text.endswith(".html") or "\0" in text or "\n" in text:
        return False
    try:
        return Path(text).is_file()
    except OSError:  # a document may be longer than any path
        return False


def _encoded(text: str) -> bytes:
    if len(text) > MAX_MEDIA_BYTES:
        raise ValueError(f"Html of {len(text):,} characters is too long; add it to an artifact as a file")
    return text.encode()


def _injected(document: str) -> str:
    for tag, inside in (("<head>", _INJECTED), ("<html>", f"<head>{_INJECTED}</head>")):
        before, found, after = document.partition(tag)
        if found:
            return f"{before}{found}{inside}{after}".strip()
    return f"{_INJECTED}{document}".strip()
