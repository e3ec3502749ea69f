"""One picture as a widget."""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from localart_tui.pictures.cells import CellRun, Rgb, half_blocks, picture_size, shades
from localart_tui.pictures.protocols import (
    LARGEST_ID,
    MOST_CELLS,
    Protocol,
    kitty_colour,
    kitty_forget,
    kitty_rows,
    kitty_send,
)
from localart_tui.text import clean
from localart_tui.tones import Tone, palette
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from textual.app import App

    from localart.media.png import Pixels

_ids = count(0x10A000)  # unlike what other programs in the same terminal are likely to count from


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
        self._sent = 0

    def show(self, pixels: Pixels | None, caption: str = "") -> None:
        """Show another picture, or none."""
        self._forget()
        self._pixels, self._caption = pixels, caption
        self._strips = None
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._forget()
        self._strips = None

    def on_unmount(self) -> None:
        """Free the picture in the terminal."""
        self._forget()

    def notify_style_update(self) -> None:
        """Another theme has another ground."""
        super().notify_style_update()
        self._strips = None

    def render_line(self, y: int) -> Strip:
        """One row of cells."""
        if self._strips is None:
            self._strips = self._drawn()
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self.rich_style)

    # --- drawing -------------------------------------------------------------------------------------

    def _drawn(self) -> list[Strip]:
        width, height = self.size
        rows = max(height - bool(self._caption), 1)
        strips = self._picture_strips(width, rows) if self._pixels is not None and width else []
        if self._caption:
            strips = [*strips[:rows], self._caption_strip(width)]
        return strips

    def _caption_strip(self, width: int) -> Strip:
        style = self.rich_style + palette(self.app)[Tone.DIM]
        return Strip([Segment(clean(self._caption), style)]).adjust_cell_length(width, self.rich_style)

    def _picture_strips(self, width: int, rows: int) -> list[Strip]:
        assert self._pixels is not None
        protocol = images_of(self.app)
        if protocol is Protocol.OFF:
            return []
        if protocol is Protocol.KITTY and has_true_colour(self.app):
            return self._kitty_strips(self._pixels, width, rows)
        ground = self.background_colors[1].rgb
        drawn = (
            shades(self._pixels, width, rows, is_dark=self.app.current_theme.dark)
            if is_plain(self.app)
            else half_blocks(self._pixels, width, rows, ground=ground)
        )
        return [self._strip(runs, width) for runs in drawn]

    def _strip(self, runs: tuple[CellRun, ...], width: int) -> Strip:
        base = self.rich_style
        segments = [Segment(run.text, base + _style(run.upper, run.lower)) for run in runs]
        return Strip(segments).adjust_cell_length(width, base)

    def _kitty_strips(self, pixels: Pixels, width: int, rows: int) -> list[Strip]:
        columns, down = picture_size(
            pixels.width, pixels.height, min(width, MOST_CELLS), min(rows, MOST_CELLS)
        )
        self._sent = next(_ids) & LARGEST_ID
        write_to_terminal(self.app, kitty_send(self._sent, pixels, columns, down))
        style = self.rich_style + Style(color=Color.from_rgb(*kitty_colour(self._sent)))
        return [
            Strip([Segment(text, style)], columns).adjust_cell_length(width, self.rich_style)
            for text in kitty_rows(columns, down)
        ]

    def _forget(self) -> None:
        if self._sent:
            write_to_terminal(self.app, kitty_forget(self._sent))
            self._sent = 0


@lru_cache(maxsize=8192)
def _style(upper: Rgb | None, lower: Rgb | None) -> Style:
    return Style(
        color=None if upper is None else Color.from_rgb(*upper),
        bgcolor=None if lower is None else Color.from_rgb(*lower),
    )


def images_of(app: App[object]) -> Protocol:
    """How the app draws pictures."""
    found: Protocol = getattr(app, "images", Protocol.HALF)
    return found


def is_plain(app: App[object]) -> bool:
    """Whether colours or block characters do not show."""
    return app.no_color or glyphs_of(app).name == "ascii"


def has_true_colour(app: App[object]) -> bool:
    """Whether a foreground colour reaches the terminal as it is."""
    return not is_plain(app) and app.console.color_system == "truecolor"


def write_to_terminal(app: App[object], sequence: str) -> None:
    """Send a sequence that moves nothing and draws nothing, between two of Textual's own writes.

    Textual's driver queues whole writes for one thread, so none is torn apart. Without a terminal nothing is sent.
    """
    driver = app._driver  # noqa: SLF001 - there is no public way, and copy_to_clipboard() does the same
    if driver is not None and not driver.is_headless:
        driver.write(sequence)
        driver.flush()
