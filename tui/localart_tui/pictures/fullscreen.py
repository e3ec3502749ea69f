"""A picture alone on the terminal, in sixels, while the browser is suspended."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from localart_tui.pictures.protocols import encode_sixel
from localart_tui.pictures.scaling import fitted, resized
from localart_tui.text import clean

if TYPE_CHECKING:
    from textual.app import App

    from localart.media.png import Pixels

_CELL_PIXELS = (8, 16)  # at least: terminals have larger cells, and show the picture smaller


def show_in_sixels(app: App[object], pixels: Pixels, caption: str) -> bool:
    """Suspend the browser, paint the picture, wait for Enter. False where that is not possible."""
    from textual.app import SuspendNotSupported

    columns, rows = app.size
    width, height = fitted(
        pixels.width, pixels.height, columns * _CELL_PIXELS[0], (rows - 2) * _CELL_PIXELS[1]
    )
    page = encode_sixel(resized(pixels, width, height))
    try:
        with app.suspend():
            _paint(page, clean(caption))
    except SuspendNotSupported:
        return False
    app.refresh()
    return True


def _paint(page: str, caption: str) -> None:
    terminal = sys.__stderr__
    if terminal is None:
        return
    terminal.write(f"\x1b[2J\x1b[H{page}\r\n{caption} (Enter goes back) ")
    terminal.flush()
    os.read(0, 4096)
