"""The line in which a filter is typed; not there until `/` is pressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from localart_tui.keys import Scope, bindings
from localart_tui.text import clean
from localart_tui.tones import Tone
from localart_tui.ui import content, static

if TYPE_CHECKING:
    from textual import events
    from textual.binding import Binding
    from textual.timer import Timer

DEBOUNCE_SECONDS = 0.06
_MOST = 500
_EXAMPLES = "words, !not, field:value, size>1M, re:pattern; enter keeps, esc drops"


class FilterInput(Input):
    """One line of text; what is pasted comes in cleaned."""

    BINDINGS: ClassVar[list[Binding]] = bindings(Scope.FILTER)  # type: ignore[assignment]

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.insert_text_at_cursor(clean(event.text.split("\n")[0], _MOST))

    def action_keep(self) -> None:
        """Back to the list, filtered."""
        self.screen.query_one(FilterBar).end()

    def action_clear(self) -> None:
        """Back to the list, whole."""
        self.value = ""
        self.screen.query_one(FilterBar).end()


class FilterBar(Horizontal):
    """Says what is typed after a short rest, and when one goes back to the list.

    It takes the status row's place, so that nothing else moves or is painted again.
    """

    DEFAULT_CSS = """
    FilterBar { height: 1; display: none; }
    FilterBar.-typing { display: block; }
    FilterBar > .filter-sign { width: 3; height: 1; }
    FilterBar > FilterInput {
        height: 1; border: none; padding: 0; background: $background; width: 1fr;
    }
    FilterBar > FilterInput:focus { border: none; background-tint: transparent; }
    """

    @dataclass
    class Typed(Message):
        """The text is this now."""

        text: str

    class Left(Message):
        """One went back to the list."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: Timer | None = None
        self._told = ""

    @property
    def is_typing(self) -> bool:
        """Whether the line is open."""
        return self.has_class("-typing")

    def begin(self, text: str) -> None:
        """Open the line, with the filter as it is now."""
        self._told = text
        self.add_class("-typing")
        self.screen.add_class("-typing")
        found = self.query(FilterInput)
        if found:
            field = found.first()
            field.value = text
        else:
            field = FilterInput(
                text, placeholder=_EXAMPLES, compact=True, max_length=_MOST, select_on_focus=False
            )
            self.mount(static(content(self.app, (" / ", Tone.KEY)), classes="filter-sign"), field)
        field.focus()
        field.cursor_position = len(text)

    def end(self) -> None:
        """Close the line; what was typed is told at once."""
        if self.is_typing:
            self._tell()
            self.remove_class("-typing")
            self.screen.remove_class("-typing")
            self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell after a short rest."""
        event.stop()
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(DEBOUNCE_SECONDS, self._tell)

    def _tell(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        field = self.query(FilterInput)
        if field and field.first().value != self._told:
            self._told = field.first().value
            self.post_message(self.Typed(self._told))
