"""Which types of artifacts and which job types of runs to look at: a list to tick off, over the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen

from localart.lineage.filters import Kept, groups_in
from localart.model import NodeKind
from localart_tui.text import clean, pad
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of, lines, static

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from localart.model import LineageGraph

_LABEL_CELLS = 40


@dataclass(frozen=True, slots=True)
class _Line:
    """A type or a job type, and how many nodes have it."""

    kind: NodeKind
    name: str
    count: int


class TypesMenu(ModalScreen[Kept | None]):
    """Its result is what to keep, or None to change nothing."""

    DEFAULT_CSS = """
    TypesMenu { align: left bottom; background: $background 30%; }
    TypesMenu > #types { height: auto; max-height: 80%; width: 100%; background: $panel; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[Binding]] = [  # type: ignore[assignment]
        Binding("escape,q,backspace,left,h", "leave", "change nothing"),
        Binding("up,k", "move(-1)", "up"),
        Binding("down,j", "move(1)", "down"),
        Binding("space", "tick", "keep or leave out"),
        Binding("a", "all", "all or none"),
        Binding("i", "only", "only this"),
        Binding("enter,t", "take", "done"),
    ]

    def __init__(self, whole: LineageGraph, kept: Kept) -> None:
        super().__init__()
        self._lines = [
            _Line(kind, name, count)
            for kind in (NodeKind.VERSION, NodeKind.RUN)
            for name, count in groups_in(whole, kind).items()
        ]
        self._ticked = {line for line in self._lines if _keeps(kept, line)}
        self._at = 0

    def compose(self) -> ComposeResult:
        """The lines."""
        yield static(id="types")

    def on_mount(self) -> None:
        """Show them."""
        self._paint()

    def _paint(self) -> None:
        glyphs = glyphs_of(self)
        room = max(self.app.size.height * 4 // 5 - 3, 3)
        first = max(0, min(self._at - room // 2, len(self._lines) - room))
        rows: list[list[Part]] = [[("Show these types, and lead past the others", Tone.HEADER)]]
        for at, line in enumerate(self._lines[first : first + room], first):
            ticked, here = line in self._ticked, at == self._at
            sign = glyphs.run if line.kind is NodeKind.RUN else glyphs.version
            rows.append(
                [
                    (f"{glyphs.cursor if here else ' '} ", Tone.ACCENT),
                    (f"[{'x' if ticked else ' '}] ", Tone.STRONG if ticked else Tone.DIM),
                    (f"{sign} ", Tone.RUN if line.kind is NodeKind.RUN else Tone.VERSION),
                    (pad(clean(line.name), _LABEL_CELLS), Tone.STRONG if here else Tone.TEXT),
                    (f" {line.count:,}", Tone.DIM),
                ]
            )
        rows.append(
            [("space ticks, i only this, a all or none, Enter done, Esc changes nothing", Tone.FAINT)]
        )
        self.query_one("#types").update(lines(self.app, *rows))  # type: ignore[attr-defined]

    def action_move(self, by: int) -> None:
        """Up or down."""
        if self._lines:
            self._at = (self._at + by) % len(self._lines)
            self._paint()

    def action_tick(self) -> None:
        """Keep this type, or leave it out."""
        if self._lines:
            self._ticked ^= {self._lines[self._at]}
            self._paint()

    def action_only(self) -> None:
        """Keep only this one of its kind."""
        if self._lines:
            here = self._lines[self._at]
            self._ticked = {line for line in self._ticked if line.kind is not here.kind} | {here}
            self._paint()

    def action_all(self) -> None:
        """Keep all, or none when all are kept."""
        self._ticked = set() if len(self._ticked) == len(self._lines) else set(self._lines)
        self._paint()

    def action_take(self) -> None:
        """Done."""
        self.dismiss(Kept(types=self._chosen(NodeKind.VERSION), job_types=self._chosen(NodeKind.RUN)))

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _chosen(self, kind: NodeKind) -> frozenset[str] | None:
        """The ticked names of one kind; None when all are."""
        names = {line.name for line in self._lines if line.kind is kind}
        ticked = frozenset(line.name for line in self._ticked if line.kind is kind)
        return None if ticked == names else ticked


def _keeps(kept: Kept, line: _Line) -> bool:
    chosen = kept.job_types if line.kind is NodeKind.RUN else kept.types
    return chosen is None or line.name in chosen
