"""What a run logged to be looked at, step by step: a slider over its steps, and the pictures of one of them."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical

from localart.errors import LocalartError
from localart_tui.chrome import Bar, Chip
from localart_tui.data.run_media import MediaStep, media_steps, read_picture, read_step
from localart_tui.pictures.grid import PictureGrid, Thumbnail
from localart_tui.previews.pane import FilePreview
from localart_tui.reading import page_work
from localart_tui.text import clean
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from localart.model import RunRecord
    from localart_tui.data.store import Store

_LONGEST_SLIDER = 40


class MediaPane(Vertical):
    """One name at a time. It stays on its step while the run goes on; on the last one it follows."""

    DEFAULT_CSS = """
    MediaPane { height: 1fr; padding: 0 1; }
    MediaPane > #slider { height: 1; }
    MediaPane > PictureGrid, MediaPane > FilePreview { display: none; height: 1fr; }
    MediaPane.-single ItemGrid { height: 1fr; grid-rows: 1fr; }
    MediaPane.-single Picture { height: 1fr; }
    MediaPane.-pictures > PictureGrid, MediaPane.-others > FilePreview { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._store: Store | None = None
        self._run: RunRecord | None = None
        self._key = ""
        self._steps: list[int] = []
        self._at = 0
        self._shown: MediaStep | None = None
        self._picture = 0

    def compose(self) -> ComposeResult:
        """Slider, pictures, and what has no picture."""
        yield Bar(id="slider")
        yield PictureGrid()
        yield FilePreview()

    def show(self, store: Store, run: RunRecord, name: str) -> None:
        """Show what the run logged under a name; the last step at first."""
        if name != self._key:
            self._steps, self._shown, self._picture = [], None, 0
        self._store, self._run, self._key = store, run, name
        self._read()

    @page_work("media")
    async def _read(self, by: int = 0) -> None:
        store, run, name = self._store, self._run, self._key
        if store is None or run is None:
            return
        follows = self._at >= len(self._steps) - 1 and by == 0
        here = self._steps[self._at] if self._steps and self._shown is not None else None
        try:
            steps = await store.read(lambda _: media_steps(store, run, name))
            if not steps:
                return
            at = len(steps) - 1 if follows or here is None else max(bisect_right(steps, here) - 1, 0)
            at = max(0, min(at + by, len(steps) - 1))
            if self._shown is None or (self._shown.name, self._shown.step) != (name, steps[at]):
                self._shown = await store.read(lambda _: read_step(store, run, name, steps[at]))
                self._picture = 0
                self._steps, self._at = steps, at
                await self._paint()
        except (LocalartError, sqlite3.Error, OSError, ValueError) as error:
            words = getattr(error, "message", str(error))
            self.query_one("#slider", Bar).show([Chip(words, Tone.BAD)])
            return
        self._steps, self._at = steps, at
        self._slide()

    async def _paint(self) -> None:
        shown = self._shown
        if shown is None:
            return
        pictures = [item for item in shown.items if item.is_picture]
        self.set_class(bool(pictures), "-pictures")
        self.set_class(not pictures, "-others")
        self.set_class(len(shown.items) == 1, "-single")
        if pictures:
            await self.query_one(PictureGrid).show(self._thumbnails(shown))
        else:
            self.query_one(FilePreview).show(shown.preview)

    def _thumbnails(self, shown: MediaStep) -> list[Thumbnail]:
        glyphs = glyphs_of(self)
        found = []
        for number, item in enumerate(shown.items):
            sign = f"{glyphs.cursor} " if number == self._picture and len(shown.items) > 1 else ""
            words = (
                item.caption or item.path.rpartition("/")[2]
                if item.is_picture
                else f"{item.kind} {item.caption}"
            )
            missing = "" if item.path in shown.pixels or not item.is_picture else " (not drawn)"
            found.append(
                Thumbnail(item.path, clean(f"{sign}{words}{missing}", 200), shown.pixels.get(item.path))
            )
        return found

    def _slide(self) -> None:
        """`step 40  ──●────  3 of 12`."""
        glyphs = glyphs_of(self)
        count = len(self._steps)
        width = max(min(_LONGEST_SLIDER, self.size.width - 40, 2 * count - 1), 1)
        place = round(self._at / max(count - 1, 1) * (width - 1))
        chips = [Chip(f"step {self._steps[self._at]:,}  ", Tone.STRONG)]
        if count > 1 and width > 4:
            chips += [
                Chip(glyphs.rule * place, Tone.FAINT),
                Chip(glyphs.mark, Tone.ACCENT),
                Chip(glyphs.rule * (width - 1 - place) + "  ", Tone.FAINT),
            ]
        several = f", picture {self._picture + 1} of {self._count}" if self._count > 1 else ""
        self.query_one("#slider", Bar).show(
            [*chips, Chip(f"{self._at + 1:,} of {count:,}{several}", Tone.DIM)]
        )

    @property
    def _count(self) -> int:
        return len(self._shown.items) if self._shown is not None else 0

    def on_resize(self) -> None:
        """The slider is as long as there is room."""
        if self._steps:
            self._slide()

    # --- keys --------------------------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Another step."""
        self._read(by)

    def pick(self, by: int) -> None:
        """Another picture of the step."""
        if self._count > 1:
            self._picture = (self._picture + by) % self._count
            self._repaint()

    @page_work("media")
    async def _repaint(self) -> None:
        if self._shown is not None and self.has_class("-pictures"):
            await self.query_one(PictureGrid).show(self._thumbnails(self._shown))
            self._slide()

    @on(PictureGrid.Chosen)
    def _clicked(self, message: PictureGrid.Chosen) -> None:
        message.stop()
        if self._shown is not None:
            paths = [item.path for item in self._shown.items]
            self.pick(paths.index(message.key) - self._picture)

    def focus_inner(self) -> None:
        """Let the pictures take the keys."""
        kind = PictureGrid if self.has_class("-pictures") else FilePreview
        self.query_one(kind).focus()

    @page_work("full")
    async def full(self) -> None:
        """Show the picture on the whole screen."""
        from localart_tui.fullpicture import show_full

        store, run, shown = self._store, self._run, self._shown
        if store is None or run is None or shown is None or not shown.items:
            return
        item = shown.items[self._picture]
        if not item.is_picture:
            return
        found = await store.read(lambda _: read_picture(store, run, item.path))
        show_full(self.app, found, item.caption or item.path)
