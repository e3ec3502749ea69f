"""The only ways for data to get into a widget: every text is cleaned, none is ever read as markup.

`Part` is a text and its tone. Nothing else in this package constructs a `Static`, a `Label` or a notification
from data; a test looks for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from localart_tui.glyphs import UNICODE, Glyphs
from localart_tui.text import MOST, clean
from localart_tui.tones import Tone, palette

if TYPE_CHECKING:
    from textual.app import App
    from textual.content import Content
    from textual.widget import Widget
    from textual.widgets import Static

Part = tuple[str, Tone]
"""A text and what it is."""


def glyphs_of(widget: Widget | App[Any]) -> Glyphs:
    """The signs of the app the widget is in."""
    found: Glyphs = getattr(widget.app, "glyphs", UNICODE)
    return found


def content(app: App[Any], *parts: Part | str, limit: int = MOST) -> Content:
    """One line of cleaned texts in their tones."""
    from textual.content import Content
    from textual.style import Style

    styles = palette(app)
    pieces = []
    for part in parts:
        text, tone = (part, Tone.TEXT) if isinstance(part, str) else part
        pieces.append(Content.styled(clean(text, limit), Style.from_rich_style(styles[tone])))
    return Content("").join(pieces)


def lines(app: App[Any], *rows: list[Part]) -> Content:
    """Several such lines."""
    from textual.content import Content

    return Content("\n").join([content(app, *row) for row in rows])


def static(text: Content | None = None, *, id: str | None = None, classes: str | None = None) -> Static:  # noqa: A002
    """A Static that never reads markup; data comes into it as `content(…)`."""
    from textual.widgets import Static

    return Static(text if text is not None else "", markup=False, id=id, classes=classes)


def notify(
    app: App[Any],
    text: str,
    *,
    severity: Literal["information", "warning", "error"] = "information",
    seconds: float = 4,
) -> None:
    """Show a short message in a corner."""
    app.notify(clean(text, 400), severity=severity, timeout=seconds, markup=False)
