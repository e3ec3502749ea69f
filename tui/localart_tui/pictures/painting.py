"""A picture as strips of a widget, in whichever way the app draws pictures."""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

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
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from textual.app import App
    from textual.widget import Widget

    from localart.media.png import Pixels

_ids = count(0x10A000)  # unlike what other programs in the same terminal are likely to count from


class Painting:
    """Pixels drawn for a widget within `columns` × `rows` cells; `strips` are as wide as the picture.

    Whoever made it calls `forget` when the strips are not needed any more: the terminal may hold the picture.
    """

    def __init__(self, widget: Widget, pixels: Pixels, columns: int, rows: int) -> None:
        self._app = widget.app
        self._sent = 0
        self.strips = self._painted(widget, pixels, columns, rows)

    def _painted(self, widget: Widget, pixels: Pixels, columns: int, rows: int) -> list[Strip]:
        protocol = images_of(self._app)
        if protocol is Protocol.OFF:
            return []
        base = widget.rich_style
        if protocol is Protocol.KITTY and has_true_colour(self._app):
            return self._in_kitty(base, pixels, columns, rows)
        drawn = (
            shades(pixels, columns, rows, is_dark=self._app.current_theme.dark)
            if is_plain(self._app)
            else half_blocks(pixels, columns, rows, ground=widget.background_colors[1].rgb)
        )
        return [_strip(runs, base) for runs in drawn]

    def _in_kitty(self, base: Style, pixels: Pixels, columns: int, rows: int) -> list[Strip]:
        across, down = picture_size(
            pixels.width, pixels.height, min(columns, MOST_CELLS), min(rows, MOST_CELLS)
        )
        self._sent = next(_ids) & LARGEST_ID
        write_to_terminal(self._app, kitty_send(self._sent, pixels, across, down))
        style = base + Style(color=Color.from_rgb(*kitty_colour(self._sent)))
        return [Strip([Segment(text, style)], across) for text in kitty_rows(across, down)]

    def forget(self) -> None:
        """Free the picture in the terminal."""
        if self._sent:
            write_to_terminal(self._app, kitty_forget(self._sent))
            self._sent = 0


def _strip(runs: tuple[CellRun, ...], base: Style) -> Strip:
    return Strip([Segment(run.text, base + _style(run.upper, run.lower)) for run in runs])


@lru_cache(maxsize=8192)
def _style(upper: Rgb | None, lower: Rgb | None) -> Style:
    return Style(
        color=None if upper is None else Color.from_rgb(*upper),
        bgcolor=None if lower is None else Color.from_rgb(*lower),
    )


def images_of(app: App[object]) -> Protocol:
    """How the app draws pictures: its attribute `images`."""
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
