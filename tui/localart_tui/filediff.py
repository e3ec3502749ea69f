"""What differs in one file, over the page: lines that went and came, or facts of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.screen import ModalScreen

from localart_tui.chrome import Bar, Chip
from localart_tui.clipboard import copy
from localart_tui.comparing import TONES, value_text
from localart_tui.keys import Scope, bindings, footer
from localart_tui.lines import Line, LineTable
from localart_tui.text import clean, fit, pad
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of, notify

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import Binding

    from localart_tui.data.compare import ValueDifference
    from localart_tui.data.filediff import FileDifferences
    from localart_tui.ui import Part

_LONGEST_LINE = 2_000
_TAB = "    "
_TONES = {"+": Tone.GOOD, "-": Tone.BAD, "@": Tone.ACCENT, "\\": Tone.FAINT}


class FileDiffScreen(ModalScreen[None]):
    """The lines of a unified diff; `n` and `N` go from one changed place to the next."""

    DEFAULT_CSS = """
    FileDiffScreen { background: $background; }
    FileDiffScreen Bar { background: $panel; }
    """
    BINDINGS: ClassVar[list[Binding]] = bindings(Scope.DIFF)  # type: ignore[assignment]

    def __init__(self, found: FileDifferences) -> None:
        super().__init__()
        self._found = found
        self._hunks: list[int] = []

    def compose(self) -> ComposeResult:
        """A head, the lines, and what the keys do."""
        yield Bar(id="diff-head", keep_end=True)
        yield LineTable(id="diff-lines")
        yield Bar(id="diff-footer")

    def on_mount(self) -> None:
        """Show the lines."""
        found = self._found
        rows = _lines(found.lines) if found.lines else self._fact_lines()
        if found.note and found.lines:
            rows.append(Line([(found.note, Tone.WARN)]))
        self._hunks = [at for at, line in enumerate(found.lines) if line.startswith("@@")]
        self.query_one(LineTable).set_lines(rows)
        self.query_one(LineTable).focus()
        self.query_one("#diff-head", Bar).show(
            [Chip(found.path, Tone.STRONG)], [Chip(self._tally(), Tone.DIM)]
        )
        plain = glyphs_of(self).name == "ascii"
        chips = []
        for hint in footer((Scope.DIFF,), ascii_only=plain):
            chips += [Chip(f"{hint.sign} ", Tone.KEY), Chip(f"{hint.word}  ", Tone.DIM)]
        self.query_one("#diff-footer", Bar).show(chips)

    def _tally(self) -> str:
        lines = self._found.lines[2:]
        added = sum(line.startswith("+") for line in lines)
        removed = sum(line.startswith("-") for line in lines)
        return f"+{added:,} -{removed:,} " if lines else "facts "

    def _fact_lines(self) -> list[Line]:
        found = self._found
        head: list[Part] = [
            (f"Its lines are not shown: {found.note}." if found.facts else found.note, Tone.WARN)
        ]
        rows = [Line(head), Line([(" ", Tone.TEXT)])]
        if not found.facts:
            return rows
        width = max((self.size.width - 30) // 2, 8)
        sides = [pad(clean(name), width, keep_end=True) for name in found.names]
        rows.append(Line([(f"  {'':16}  {sides[0]}  {sides[1]}", Tone.HEADER)]))
        return [*rows, *(_fact_line(fact, width) for fact in found.facts)]

    # --- keys --------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Back to the page."""
        self.dismiss()

    def action_hunk(self, by: int) -> None:
        """To the next place that differs, or the one before."""
        table = self.query_one(LineTable)
        ahead = [at for at in self._hunks if (at - table.cursor) * by > 0]
        if not ahead:
            notify(self.app, "there is no further difference", seconds=2)
            return
        target = min(ahead) if by > 0 else max(ahead)
        table.scroll_to(y=target, animate=False, immediate=True)
        table.move_to(target)

    def action_copy(self) -> None:
        """Copy the diff."""
        if self._found.lines:
            copy(self.app, "\n".join(self._found.lines) + "\n", several_lines=True)
        else:
            notify(self.app, "there are no lines to copy")


def _lines(texts: tuple[str, ...]) -> list[Line]:
    head = [Line([(clean(text), Tone.STRONG)]) for text in texts[:2]]
    return [*head, *(Line([(_shown(text), _TONES.get(text[:1], Tone.DIM))]) for text in texts[2:])]


def _shown(text: str) -> str:
    return clean(text[:_LONGEST_LINE].removesuffix("\r").replace("\t", _TAB), _LONGEST_LINE) or " "


def _fact_line(fact: ValueDifference, width: int) -> Line:
    tone = TONES[fact.change]
    parts: list[Part] = [(f"{fact.change.sign} ", tone), (f"{fit(fact.name, 16):16}  ", Tone.KEY)]
    sides: list[Part] = [(f"{pad(value_text('', value) or '-', width)}  ", tone) for value in fact.values]
    return Line([*parts, *sides])
