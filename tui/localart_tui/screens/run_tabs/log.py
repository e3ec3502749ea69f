"""What a run printed: the end of it, which one stays at while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart.errors import LocalartError
from localart.model import BlobRef
from localart_tui.data.contents import StoredBytes
from localart_tui.data.live import WorkingBytes, working_file
from localart_tui.data.run_page import LOG
from localart_tui.previews.pane import FilePreview
from localart_tui.previews.record import LONGEST_LINE, MOST_LINES, Note, Preview, Section, TextLines, Weight
from localart_tui.text import size_text

if TYPE_CHECKING:
    from localart.catalog.run_browsing import RunFileLine
    from localart_tui.data.store import Store
    from localart_tui.previews.layout import Layout
    from localart_tui.previews.source import ByteSource

MOST_BYTES = 128 << 10


class LogPreview(FilePreview):
    """A log from its end. Shown anew, it stays where one reads; at the end it follows."""

    def _take(self, preview: Preview | None, layout: Layout | None) -> None:
        before, top = self.preview, self.scroll_offset.y
        at_end = before is None or top >= self.max_scroll_y
        super()._take(preview, layout)
        if at_end:
            self.call_after_refresh(self.scroll_end, animate=False, immediate=True)
        else:
            self.scroll_to(y=top, animate=False, immediate=True)

    def _say_reading(self) -> None:
        """The log that is shown stays until the longer one is there."""
        if self.preview is None:
            super()._say_reading()


def preview_log(store: Store, uid: str, line: RunFileLine | None) -> Preview:
    """The end of a run's log: as it is kept, or, of a run that goes on, as it is printed. Never raises."""
    try:
        path = working_file(store, uid, LOG)
        if path is not None:
            return _end(WorkingBytes(path))
        return (
            _end(StoredBytes(store, BlobRef(line.blob.digest, line.blob.size_bytes))) if line else _nothing()
        )
    except (LocalartError, OSError) as error:
        return Preview("log", (Note(f"the log cannot be read: {str(error)[:400]}", Weight.WARNING),))


def _nothing() -> Preview:
    return Preview("log", (Note("nothing was printed"),))


def _end(source: ByteSource) -> Preview:
    first = max(source.size_bytes - MOST_BYTES, 0)
    text = source.read(first, MOST_BYTES).decode("utf-8", "replace")
    lines = [_redrawn(one) for one in text.removesuffix("\n").split("\n")]
    lines = lines[1:] if first and len(lines) > 1 else lines
    sections: list[Section] = []
    if first:
        sections.append(Note(f"the {size_text(first)} before this are not shown; o shows all of it"))
    return Preview("log", (*sections, TextLines(tuple(lines[-MOST_LINES:]))))


def _redrawn(line: str) -> str:
    """A line as a terminal would leave it: what follows the last return (a progress bar's newest state)."""
    shown = line.rstrip("\r").rpartition("\r")[2]
    return shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]}…"
