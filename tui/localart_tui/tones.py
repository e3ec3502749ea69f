"""Colours by meaning: widgets say what a text is, the theme says how that looks.

Colour never carries meaning alone: beside it there is always a sign or a word.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.style import Style
    from textual.app import App
    from textual.color import Color
    from textual.theme import Theme


class Tone(StrEnum):
    """What a text is."""

    TEXT = "text"
    STRONG = "strong"
    DIM = "dim"
    FAINT = "faint"
    ACCENT = "accent"
    RUN = "run"
    VERSION = "version"
    ALIAS = "alias"
    TYPE = "type"
    KEY = "key"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    BAR = "bar"
    HEADER = "header"
    CURSOR = "cursor"
    MARKED = "marked"
    MATCH = "match"


DARK_THEME = "localart-dark"
LIGHT_THEME = "localart-light"

_ANSI: dict[Tone, dict[str, object]] = {
    Tone.TEXT: {},
    Tone.STRONG: {"bold": True},
    Tone.DIM: {"dim": True},
    Tone.FAINT: {"dim": True},
    Tone.ACCENT: {"color": "blue"},
    Tone.RUN: {"color": "yellow"},
    Tone.VERSION: {"color": "cyan"},
    Tone.ALIAS: {"color": "magenta"},
    Tone.TYPE: {"color": "blue"},
    Tone.KEY: {"bold": True},
    Tone.GOOD: {"color": "green"},
    Tone.WARN: {"color": "yellow"},
    Tone.BAD: {"color": "red", "bold": True},
    Tone.BAR: {"color": "blue"},
    Tone.HEADER: {"bold": True},
    Tone.CURSOR: {"reverse": True},
    Tone.MARKED: {"color": "magenta", "bold": True},
    Tone.MATCH: {"underline": True},
}

_PROSE, _WORDS, _ASIDES, _ON_CURSOR = 4.6, 4.0, 3.2, 3.1
"""Least contrasts, WCAG 2's ratio: with the ground, and with the cursor's."""

_palettes: dict[str, dict[Tone, Style]] = {}


def themes() -> list[Theme]:
    """The own dark and light theme."""
    from textual.theme import Theme

    dark = Theme(
        name=DARK_THEME,
        primary="#7aa2d8",
        secondary="#5f87b0",
        accent="#c9a0dc",
        warning="#d9b26f",
        error="#e07a7a",
        success="#8fbf8f",
        foreground="#d4d7dd",
        background="#14171c",
        surface="#181c22",
        panel="#20252d",
        dark=True,
        variables={"version": "#74c0b8", "cursor": "#2b3a52"},
    )
    light = Theme(
        name=LIGHT_THEME,
        primary="#24599c",
        secondary="#3d6d9e",
        accent="#7b3f98",
        warning="#8a5a00",
        error="#b02a37",
        success="#22713a",
        foreground="#23272e",
        background="#fbfbf9",
        surface="#f4f4f0",
        panel="#e8e8e2",
        dark=False,
        variables={"version": "#0f6f69", "cursor": "#cfe0f5"},
    )
    return [dark, light]


def palette(app: App[Any]) -> dict[Tone, Style]:
    """The styles of the app's theme; always the same mapping for the same theme."""
    theme = app.current_theme
    found = _palettes.get(theme.name)
    if found is None:
        found = _palettes[theme.name] = _ansi_palette() if theme.ansi else _colour_palette(app)
    return found


def _ansi_palette() -> dict[Tone, Style]:
    from rich.style import Style

    return {tone: Style(**facts) for tone, facts in _ANSI.items()}  # type: ignore[arg-type]


def _colour_palette(app: App[Any]) -> dict[Tone, Style]:
    from rich.style import Style
    from textual.color import Color

    named = app.theme_variables

    def colour(name: str, instead: str = "") -> Color:
        return Color.parse(named.get(name) or named[instead or "foreground"])

    ground, text = colour("background"), colour("foreground")

    def style(of: Color, *, bold: bool = False) -> Style:
        return Style(color=legible(of, _WORDS).rich_color, bold=bold or None)

    def legible(of: Color, least: float) -> Color:
        """Nearer to the text's colour as far as it needs to differ from the ground, and from the cursor's."""
        steps = (of.blend(text, step / 10) for step in range(11))
        fit = (one for one in steps if contrast(one, ground) >= least and contrast(one, cursor) >= _ON_CURSOR)
        return next(fit, text)

    cursor = colour("cursor") if "cursor" in named else ground.blend(colour("primary"), 0.35)
    dim, faint = legible(ground.blend(text, 0.62), _PROSE), legible(ground.blend(text, 0.38), _ASIDES)
    return {
        Tone.TEXT: style(text),
        Tone.STRONG: style(text, bold=True),
        Tone.DIM: style(dim),
        Tone.FAINT: Style(color=faint.rich_color),
        Tone.ACCENT: style(colour("primary")),
        Tone.RUN: style(colour("warning")),
        Tone.VERSION: style(colour("version", "success")),
        Tone.ALIAS: style(colour("accent")),
        Tone.TYPE: style(colour("secondary")),
        Tone.KEY: style(colour("primary"), bold=True),
        Tone.GOOD: style(colour("success")),
        Tone.WARN: style(colour("warning")),
        Tone.BAD: style(colour("error"), bold=True),
        Tone.BAR: style(ground.blend(colour("primary"), 0.7)),
        Tone.HEADER: style(dim, bold=True),
        Tone.CURSOR: Style(bgcolor=cursor.rich_color),
        Tone.MARKED: style(colour("accent"), bold=True),
        Tone.MATCH: Style(underline=True),
    }


def contrast(one: Color, other: Color) -> float:
    """How much two colours differ, from 1 to 21 (WCAG 2)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Color) -> float:
    parts = (value / 255 for value in colour.rgb)
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
