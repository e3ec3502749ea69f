"""One of many names, found by typing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from localart_tui.filtering import is_sketch
from localart_tui.source import ListSource
from localart_tui.table import Column, VirtualTable
from localart_tui.text import clean
from localart_tui.tones import Tone
from localart_tui.ui import content, static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

_COLUMN = (Column(key="name", title="", least=10, most=400, grow=2),)


class Picker(ModalScreen[str]):
    """Names over the page; typing narrows them. Its result is the one taken, or "" for none."""

    DEFAULT_CSS = """
    Picker { align: center middle; background: $background 50%; }
    Picker > Vertical { width: 80%; max-width: 64; height: 70%; background: $surface; padding: 1 2; }
    Picker Input { height: 1; border: none; padding: 0; background: $panel; }
    Picker #picker-title { height: 1; }
    """
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape", "leave", "close"),
        Binding("down", "cursor(1)", "down"),
        Binding("up", "cursor(-1)", "up"),
        Binding("pagedown", "page(1.0)", "page down"),
        Binding("pageup", "page(-1.0)", "page up"),
    ]

    def __init__(self, title: str, names: Sequence[str], chosen: str) -> None:
        super().__init__()
        self._title = title
        self._names = tuple(names)
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """A line to type in, and the names."""
        with Vertical():
            yield static(content(self.app, (self._title, Tone.HEADER)), id="picker-title")
            yield Input(placeholder="type to find one", compact=True, max_length=200)
            table = VirtualTable(_COLUMN, lambda row: (clean(str(row), 400),), header=False)
            table.can_focus = False
            yield table

    def on_mount(self) -> None:
        """All names, with the cursor on the one shown now."""
        self._show("", cursor=self._chosen)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Those that match."""
        event.stop()
        self._show(event.value)

    def _show(self, text: str, *, cursor: str = "") -> None:
        words = text.casefold().split()
        found = [name for name in self._names if all(_meets(word, name.casefold()) for word in words)]
        source = ListSource(found, str)
        self.query_one(VirtualTable).set_rows(source, cursor=cursor)

    def on_input_submitted(self) -> None:
        """Take the one under the cursor."""
        self.dismiss(self.query_one(VirtualTable).cursor_id)

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Take the one that was clicked twice."""
        event.stop()
        self.dismiss(event.row_id)

    def action_cursor(self, by: int) -> None:
        """Up or down."""
        self.query_one(VirtualTable).action_cursor(by)

    def action_page(self, pages: float) -> None:
        """A page up or down."""
        self.query_one(VirtualTable).action_page(pages)

    def action_leave(self) -> None:
        """Take none."""
        self.dismiss("")


def _meets(word: str, name: str) -> bool:
    return word in name or is_sketch(word, name)
