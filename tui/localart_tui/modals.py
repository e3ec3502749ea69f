"""What lies over a page for a moment: a menu of keys, and a text to read and copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from localart_tui.clipboard import copy
from localart_tui.text import clean, pad
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of, lines, static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult
    from textual.content import Content

_LABEL_CELLS = 26


@dataclass(frozen=True, slots=True)
class Choice:
    """A line of a menu: the key that takes it, what it is, and a word more."""

    key: str
    label: str
    detail: str = ""
    is_chosen: bool = False


class Menu(ModalScreen[str]):
    """Choices at the bottom of the screen; one key takes one. Its result is that key, or "" for none."""

    DEFAULT_CSS = """
    Menu { align: left bottom; background: $background 30%; }
    Menu > #menu { height: auto; max-height: 80%; width: 100%; background: $panel; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape,q,backspace,left", "leave", "close"),
        Binding("up", "move(-1)", "up"),
        Binding("down", "move(1)", "down"),
        Binding("enter", "take", "take"),
    ]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = title
        self._choices = tuple(choices)
        chosen = (at for at, choice in enumerate(choices) if choice.is_chosen)
        self._at = next(chosen, 0)

    def compose(self) -> ComposeResult:
        """The lines."""
        yield static(id="menu")

    def on_mount(self) -> None:
        """Show them."""
        self._paint()

    def _paint(self) -> None:
        self.query_one("#menu").update(self._lines())  # type: ignore[attr-defined]

    def _lines(self) -> Content:
        glyphs = glyphs_of(self)
        rows: list[list[Part]] = [[(self._title, Tone.HEADER)]]
        for at, choice in enumerate(self._choices):
            here = at == self._at
            rows.append(
                [
                    (glyphs.cursor if here else " ", Tone.ACCENT),
                    (f" {choice.key}  ", Tone.KEY),
                    (pad(choice.label, _LABEL_CELLS), Tone.STRONG if here or choice.is_chosen else Tone.TEXT),
                    (clean(choice.detail, max(self.size.width - _LABEL_CELLS - 10, 8)), Tone.DIM),
                ]
            )
        return lines(self.app, *rows)

    def on_key(self, event: events.Key) -> None:
        """Take a choice by its key."""
        if any(choice.key == event.character for choice in self._choices):
            event.stop()
            event.prevent_default()
            self.dismiss(event.character or "")

    def action_move(self, by: int) -> None:
        """Up or down."""
        self._at = (self._at + by) % len(self._choices)
        self._paint()

    def action_take(self) -> None:
        """Take the line under the cursor."""
        self.dismiss(self._choices[self._at].key)

    def action_leave(self) -> None:
        """Take none."""
        self.dismiss("")

    def on_click(self, event: events.Click) -> None:
        """A click on a line takes it, elsewhere closes."""
        box = self.query_one("#menu").region
        row = event.screen_y - box.y - 1
        self.dismiss(
            self._choices[row].key if 0 <= row < len(self._choices) and event.screen_y > box.y else ""
        )


@dataclass(frozen=True, slots=True)
class Section:
    """A headed text of some lines. `y` copies the first one whole; numbers copy the others."""

    title: str
    text: str


class Reading(ModalScreen[None]):
    """Texts to read and to copy: an error, the command that gives the same."""

    DEFAULT_CSS = """
    Reading { align: center middle; background: $background 50%; }
    Reading > VerticalScroll {
        width: 90%; max-width: 100; height: auto; max-height: 90%; background: $surface; padding: 1 2;
        scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape,q,h,backspace,left,enter", "leave", "close"),
        Binding("up,k", "scroll(-1)", "up"),
        Binding("down,j", "scroll(1)", "down"),
        Binding("pageup", "scroll(-10)", "page up"),
        Binding("pagedown,space", "scroll(10)", "page down"),
        Binding("y", "copy(1)", "copy"),
        *(Binding(str(number), f"copy({number})", "copy") for number in range(1, 10)),
    ]

    def __init__(self, sections: Sequence[Section], *, tone: Tone = Tone.STRONG) -> None:
        super().__init__()
        self._sections = tuple(sections)
        self._tone = tone

    def compose(self) -> ComposeResult:
        """The sections, one below the other."""
        with VerticalScroll():
            yield static(self._content())

    def _content(self) -> Content:
        rows: list[list[Part]] = []
        for number, section in enumerate(self._sections, 1):
            rows.append([(section.title, self._tone), (f"   {number} copies it", Tone.FAINT)])
            rows += [[(f"  {line}" if line else " ", Tone.TEXT)] for line in section.text.split("\n")]
            rows.append([(" ", Tone.TEXT)])
        rows.append([("y copies the first, q closes", Tone.FAINT)])
        return lines(self.app, *rows)

    def action_scroll(self, by: int) -> None:
        """Some lines up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_copy(self, number: int) -> None:
        """Copy a section."""
        if number <= len(self._sections):
            copy(self.app, self._sections[number - 1].text, several_lines=True)

    def action_leave(self) -> None:
        """Close."""
        self.dismiss()
