"""The keys of the page one is on: made from the key table, and filtered while one types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from localart_tui.glyphs import ASCII
from localart_tui.keys import Key, Scope, key_sign, keys_of
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.tones import Tone
from localart_tui.ui import content, glyphs_of, static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

_COLUMNS = (
    Column(key="keys", title="", least=10, most=30, tone=Tone.KEY),
    Column(key="says", title="", least=20, most=100, grow=2),
    Column(key="id", title="", least=8, most=20, priority=1, tone=Tone.FAINT),
)
_NARROW = 60
_NARROW_COLUMNS = (
    Column(key="keys", title="", least=4, most=10, tone=Tone.KEY),
    Column(key="says", title="", least=12, most=100, grow=2),
    Column(key="id", title="", least=8, most=20, priority=1, tone=Tone.FAINT),
)
"""Where little fits, what a key does comes before its other names."""


@dataclass(frozen=True, slots=True)
class _Head:
    scope: Scope


class HelpScreen(ModalScreen[None]):
    """A list over the page; typing filters it. `without`: ids of keys that mean nothing there."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 50%; }
    HelpScreen > Vertical { width: 90%; max-width: 96; height: 90%; background: $surface; padding: 1 2; }
    HelpScreen Input { height: 1; border: none; padding: 0; background: $panel; }
    HelpScreen #help-hint { height: 1; }
    """
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape,f1", "leave", "close"),
        Binding("down", "cursor(1)", "down"),
        Binding("up", "cursor(-1)", "up"),
        Binding("pagedown", "page(1.0)", "page down"),
        Binding("pageup", "page(-1.0)", "page up"),
        Binding("enter", "leave", "close"),
    ]

    def __init__(self, scopes: Sequence[Scope], *, without: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._scopes = tuple(dict.fromkeys(scopes))
        self._without = without

    def compose(self) -> ComposeResult:
        """A line to type in, and the keys."""
        with Vertical():
            yield Input(placeholder="type to find a key", compact=True, max_length=80)
            columns = _COLUMNS if self.app.size.width >= _NARROW else _NARROW_COLUMNS
            table = VirtualTable(columns, self._cells, id="help-list", header=False)
            table.can_focus = False
            yield table
            yield static(
                content(
                    self.app, ("Esc closes · keys are changed in ~/.config/localart/tui.toml", Tone.FAINT)
                ),
                id="help-hint",
            )

    def on_mount(self) -> None:
        """All keys."""
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Those that match."""
        event.stop()
        if event.value in {"?", "q"}:  # the keys that open and close it
            self.dismiss()
            return
        self._show(event.value)

    def _show(self, text: str) -> None:
        words = text.casefold().split()
        rows: list[_Head | Key] = []
        for scope in self._scopes:
            known = (key for key in keys_of(scope) if key.id not in self._without)
            keys = [key for key in known if all(word in self._text(key) for word in words)]
            rows += [_Head(scope), *keys] if keys else []
        source = ListSource(rows, _row_id)
        self.query_one(VirtualTable).set_rows(source)

    def _text(self, key: Key) -> str:
        return f"{key.says} {key.id} {self._signs(key)} {key.scope.value}".casefold()

    def _signs(self, key: Key) -> str:
        plain = glyphs_of(self) is ASCII
        return "  ".join(key_sign(name, ascii_only=plain) for name in key.names)

    def _cells(self, row: _Head | Key) -> Sequence[Cell]:
        if isinstance(row, _Head):
            return (row.scope.value, Tone.HEADER), "", ""
        return self._signs(row), row.says, row.id

    def action_cursor(self, by: int) -> None:
        """Up or down."""
        self.query_one(VirtualTable).action_cursor(by)

    def action_page(self, pages: float) -> None:
        """A page up or down."""
        self.query_one(VirtualTable).action_page(pages)

    def action_leave(self) -> None:
        """Close."""
        self.dismiss()


def _row_id(row: _Head | Key) -> str:
    return f"scope:{row.scope.value}" if isinstance(row, _Head) else row.id
