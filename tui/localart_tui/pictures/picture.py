"""One picture as a widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from localart_tui.pictures.painting import Painting
from localart_tui.text import clean
from localart_tui.tones import Tone, palette

if TYPE_CHECKING:
    from localart.media.png import Pixels


class Picture(Widget):
    """Pixels in their proportions, in the upper left of the widget, with a caption below if there is one.

    Drawn as half blocks; in ASCII and without colour as shades; as real pixels where the app's `images` is
    `Protocol.KITTY`. Nothing is drawn when it is `Protocol.OFF`.
    """

    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"

    def __init__(
        self,
        pixels: Pixels | None = None,
        caption: str = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._pixels = pixels
        self._caption = caption
        self._strips: list[Strip] | None = None
        self._painting: Painting | None = None

    def show(self, pixels: Pixels | None, caption: str = "") -> None:
        """Show another picture, or none."""
        self._pixels, self._caption = pixels, caption
        self._forget()
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._forget()

    def on_unmount(self) -> None:
        """Free the picture in the terminal."""
        self._forget()

    def notify_style_update(self) -> None:
        """Another theme has another ground."""
        super().notify_style_update()
        self._forget()

    def _forget(self) -> None:
        if self._painting is not None:
            self._painting.forget()
        self._painting = self._strips = None

    def render_line(self, y: int) -> Strip:
        """One row of cells."""
        if self._strips is None:
            self._strips = self._drawn()
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self.rich_style)

    def _drawn(self) -> list[Strip]:
        width, height = self.size
        strips: list[Strip] = []
        if self._pixels is not None and width and height:
            self._painting = Painting(self, self._pixels, width, max(height - bool(self._caption), 1))
            strips = self._painting.strips
        if self._caption:
            style = self.rich_style + palette(self.app)[Tone.DIM]
            strips = [*strips, Strip([Segment(clean(self._caption), style)])]
        return [strip.adjust_cell_length(width, self.rich_style) for strip in strips]
