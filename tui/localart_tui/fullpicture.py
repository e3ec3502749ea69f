"""One picture on the whole screen, as real pixels where the terminal can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen

from localart_tui.pictures.painting import images_of
from localart_tui.pictures.picture import Picture
from localart_tui.pictures.protocols import Protocol
from localart_tui.previews.pane import FilePreview
from localart_tui.previews.record import Picture as PreviewedPicture
from localart_tui.text import clean
from localart_tui.ui import notify

if TYPE_CHECKING:
    from textual.app import App, ComposeResult
    from textual.screen import Screen

    from localart.media.png import Pixels


class FullPicture(ModalScreen[None]):
    """A picture and its caption; any of the keys that go back closes it."""

    DEFAULT_CSS = """
    FullPicture { background: $background; }
    FullPicture > Picture { width: 1fr; height: 1fr; }
    """
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape,q,h,f,backspace,left,enter,space", "leave", "close"),
    ]

    def __init__(self, pixels: Pixels, caption: str) -> None:
        super().__init__()
        self._pixels = pixels
        self._caption = caption

    def compose(self) -> ComposeResult:
        """The picture."""
        yield Picture(self._pixels, f"{clean(self._caption, 400)}   q closes")

    def action_leave(self) -> None:
        """Close."""
        self.dismiss()


def show_full(app: App[Any], pixels: Pixels | str, caption: str) -> None:
    """Show a picture on the whole screen; what cannot be shown is said."""
    if isinstance(pixels, str):
        notify(app, pixels, severity="warning")
    elif images_of(app) is Protocol.OFF:
        notify(app, "pictures are off: --images half shows them")
    elif images_of(app) is Protocol.SIXEL:
        from localart_tui.pictures.fullscreen import show_in_sixels

        if not show_in_sixels(app, pixels, caption):
            app.push_screen(FullPicture(pixels, caption))
    else:
        app.push_screen(FullPicture(pixels, caption))


def show_previewed(screen: Screen[Any]) -> None:
    """Show the picture of the preview on a screen, if there is one."""
    for pane in screen.query(FilePreview):
        preview = pane.preview if pane.display else None
        for section in preview.sections if preview is not None else ():
            if isinstance(section, PreviewedPicture):
                show_full(screen.app, section.pixels, preview.kind if preview else "")
                return
    notify(screen.app, "there is no picture here")
