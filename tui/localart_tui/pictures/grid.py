"""Several pictures side by side, each with its caption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.containers import ItemGrid, VerticalScroll
from textual.message import Message

from localart_tui.pictures.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from localart.media.png import Pixels

MOST_PICTURES = 60
THUMBNAIL_COLUMNS = 24
THUMBNAIL_ROWS = 10


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture of a grid; without pixels only its caption is shown. `key` comes back when it is chosen."""

    key: str
    caption: str
    pixels: Pixels | None = None


class PictureGrid(VerticalScroll, can_focus=True):
    """Thumbnails in as many columns as fit; a click posts `Chosen`. More than sixty are counted, not drawn."""

    DEFAULT_CSS: ClassVar[str] = f"""
    PictureGrid {{ height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }}
    PictureGrid ItemGrid {{ height: auto; grid-gutter: 1 1; grid-rows: {THUMBNAIL_ROWS}; }}
    PictureGrid Picture {{ height: {THUMBNAIL_ROWS}; }}
    """

    @dataclass
    class Chosen(Message):
        """A thumbnail was clicked."""

        key: str

    def __init__(self, thumbnails: Sequence[Thumbnail] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._thumbnails = tuple(thumbnails)

    def compose(self) -> ComposeResult:
        """The grid."""
        with ItemGrid(min_column_width=THUMBNAIL_COLUMNS):
            yield from self._pictures()

    def _pictures(self) -> list[Picture]:
        shown = [_ThumbnailPicture(one) for one in self._thumbnails[:MOST_PICTURES]]
        rest = len(self._thumbnails) - len(shown)
        more = [Picture(None, f"+{rest:,} more are not drawn")] if rest > 0 else []
        return [*shown, *more]

    async def show(self, thumbnails: Sequence[Thumbnail]) -> None:
        """Show other pictures."""
        before, self._thumbnails = self._thumbnails, tuple(thumbnails)
        grid = self.query_one(ItemGrid)
        if len(before) == len(self._thumbnails) <= MOST_PICTURES:
            for picture, thumbnail in zip(grid.query(_ThumbnailPicture), self._thumbnails, strict=True):
                picture.key = thumbnail.key
                picture.show(thumbnail.pixels, thumbnail.caption)
            return
        await grid.remove_children()
        await grid.mount_all(self._pictures())

    @on(events.Click)
    def _choose(self, event: events.Click) -> None:
        if isinstance(event.widget, _ThumbnailPicture):
            self.post_message(self.Chosen(event.widget.key))


class _ThumbnailPicture(Picture):
    """A picture that knows which thumbnail it is."""

    DEFAULT_CSS: ClassVar[str] = ""

    def __init__(self, thumbnail: Thumbnail) -> None:
        super().__init__(thumbnail.pixels, thumbnail.caption)
        self.key = thumbnail.key
