"""The pane beside or below a list that tells more about the row under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll

from localart_tui.tones import Tone
from localart_tui.ui import Part, lines, static

if TYPE_CHECKING:
    from textual.app import ComposeResult

WIDE = 120
REST_SECONDS = 0.1


class PreviewPane(VerticalScroll, can_focus=False):
    """Lines, scrolled with the mouse."""

    DEFAULT_CSS = """
    PreviewPane {
        width: 48; height: 1fr; padding: 0 1; border-left: vkey $panel; overflow-x: hidden;
        scrollbar-size-vertical: 1; display: none;
    }
    PreviewPane.-shown { display: block; }
    """

    def compose(self) -> ComposeResult:
        """One text."""
        yield static(id="preview-text")

    def tell(self, rows: list[list[Part]]) -> None:
        """Show these lines, from the first."""
        self.query_one("#preview-text").update(lines(self.app, *rows))  # type: ignore[attr-defined]
        self.scroll_home(animate=False)

    def tell_nothing(self) -> None:
        """Show that there is nothing to tell."""
        self.tell([[(" ", Tone.FAINT)]])

    @property
    def inner_width(self) -> int:
        """How many cells a line may take."""
        return max(self.size.width - 3, 8) if self.size.width else 44
