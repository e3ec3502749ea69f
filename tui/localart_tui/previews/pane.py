"""What a file shows of itself, on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import get_current_worker

from localart_tui.keys import Scope, bindings
from localart_tui.pictures.painting import Painting
from localart_tui.previews.layout import Layout, PlacedPicture
from localart_tui.previews.record import Note, Preview
from localart_tui.tones import palette
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.binding import Binding
    from textual.timer import Timer

REST_SECONDS = 0.1
_PATIENCE_SECONDS = 0.12


class FilePreview(ScrollView, can_focus=True):
    """Shows a preview; `load` makes it in a thread, once the cursor has rested, and only the newest one counts.

    Rows scroll both ways; text is cleaned on its way here, so a hostile file shows as escapes.
    """

    DEFAULT_CSS = """
    FilePreview { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; overflow: auto auto; }
    """
    BINDINGS: ClassVar[list[Binding]] = bindings(Scope.PREVIEW)  # type: ignore[assignment]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._preview: Preview | None = None
        self._layout: Layout | None = None
        self._paintings: list[tuple[PlacedPicture, Painting]] = []
        self._resting: Timer | None = None
        self._waiting: Timer | None = None

    # --- what it shows -------------------------------------------------------------------------------

    def load(self, make: Callable[[], Preview], *, at_once: bool = False) -> None:
        """Show what `make` gives; it runs in a thread after a short rest, unless something newer is asked for."""
        self._stop_waiting()
        self.workers.cancel_group(self, "preview")
        self._waiting = self.set_timer(REST_SECONDS + _PATIENCE_SECONDS, self._say_reading)
        if at_once:
            self._begin(make)
        else:
            self._resting = self.set_timer(REST_SECONDS, lambda: self._begin(make))

    def show(self, preview: Preview | None) -> None:
        """Show this preview from its top, or nothing."""
        self._stop_waiting()
        self.workers.cancel_group(self, "preview")
        self._take(preview, self._laid_out(preview))

    @property
    def preview(self) -> Preview | None:
        """What is shown."""
        return self._preview

    def _begin(self, make: Callable[[], Preview]) -> None:
        self.run_worker(
            lambda: self._make(make), thread=True, exclusive=True, group="preview", exit_on_error=False
        )

    def _make(self, make: Callable[[], Preview]) -> None:
        worker = get_current_worker()
        preview = make()
        if worker.is_cancelled:
            return
        layout = self._laid_out(preview)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._take, preview, layout)

    def _laid_out(self, preview: Preview | None) -> Layout | None:
        if preview is None:
            return None
        return Layout(preview, max(self.size.width, 1), ascii_only=glyphs_of(self).name == "ascii")

    def _take(self, preview: Preview | None, layout: Layout | None) -> None:
        self._stop_waiting()
        self._preview, self._layout = preview, layout
        self._forget_pictures()
        self.virtual_size = Size(layout.width, layout.height) if layout else Size(0, 0)
        self.scroll_to(0, 0, animate=False)
        self.refresh()

    def _say_reading(self) -> None:
        self._waiting = None
        reading = Preview("reading…", (Note(" "),))
        self._preview, self._layout = reading, self._laid_out(reading)
        self._forget_pictures()
        self.refresh()

    def _stop_waiting(self) -> None:
        for timer in (self._resting, self._waiting):
            if timer is not None:
                timer.stop()
        self._resting = self._waiting = None

    # --- drawing -------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Lay out for the new width."""
        if self._preview is not None:
            self._layout = self._laid_out(self._preview)
            self.virtual_size = Size(self._layout.width, self._layout.height) if self._layout else Size(0, 0)
        self._forget_pictures()

    def notify_style_update(self) -> None:
        """Another theme has another ground."""
        super().notify_style_update()
        self._forget_pictures()

    def on_unmount(self) -> None:
        """Free the pictures in the terminal."""
        self._forget_pictures()

    def _forget_pictures(self) -> None:
        for _, painting in self._paintings:
            painting.forget()
        self._paintings = []

    def render_line(self, y: int) -> Strip:
        """One row of the part that is scrolled to."""
        left, top = self.scroll_offset
        width, base = self.size.width, self.rich_style
        strip = self._picture_row(top + y) or self._text_row(top + y)
        return strip.crop_extend(left, left + width, base)

    def _text_row(self, number: int) -> Strip:
        styles, base = palette(self.app), self.rich_style
        row = self._layout.row(number) if self._layout is not None else []
        return Strip([Segment(text, base + styles[tone]) for text, tone in row])

    def _picture_row(self, number: int) -> Strip | None:
        if self._layout is None:
            return None
        for placed in self._layout.pictures():
            if placed.top <= number < placed.top + placed.rows:
                strips = self._painted(placed).strips
                return strips[number - placed.top] if number - placed.top < len(strips) else None
        return None

    def _painted(self, placed: PlacedPicture) -> Painting:
        for known, painting in self._paintings:
            if known.top == placed.top:
                return painting
        painting = Painting(self, placed.picture.pixels, placed.columns, placed.rows)
        self._paintings.append((placed, painting))
        return painting

    # --- keys ----------------------------------------------------------------------------------------

    def action_line(self, by: int) -> None:
        """Scroll a line."""
        self.scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll a page, less one line."""
        self.scroll_relative(y=by * max(self.scrollable_content_region.height - 1, 1), animate=False)

    def action_aside(self, by: int) -> None:
        """Scroll to the side."""
        self.scroll_relative(x=by, animate=False)

    def action_first(self) -> None:
        """To the beginning."""
        self.scroll_to(0, 0, animate=False)

    def action_last(self) -> None:
        """To the end."""
        self.scroll_to(y=self.max_scroll_y, animate=False)
