"""Code in colours, through Pygments (which Textual brings along)."""

import time
from collections.abc import Sequence
from typing import Any

from localart_tui.tones import Tone

MOST_CHARACTERS = 64 << 10
LONGEST_LINE = 500
_MOST_SECONDS = 0.25

Row = list[tuple[str, Tone]]


def coloured(lines: Sequence[str], language: str) -> list[Row] | None:
    """Clean lines as rows of parts in their tones, or None when they stay as they are.

    Pygments works with regular expressions that hostile text can slow down: so long lines and much text are left
    alone, and after a quarter of a second the rest stays plain.
    """
    if sum(map(len, lines)) > MOST_CHARACTERS or any(len(line) > LONGEST_LINE for line in lines):
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    rows: list[Row] = [[]]
    until = time.monotonic() + _MOST_SECONDS
    for kind, text in lexer.get_tokens("\n".join(lines)):
        _add(rows, text, _tone(kind))
        if time.monotonic() > until:
            break
    return _with_rest(rows, lines)


def _add(rows: list[Row], text: str, tone: Tone) -> None:
    first, *others = text.split("\n")
    if first:
        rows[-1].append((first, tone))
    rows.extend([(line, tone)] if line else [] for line in others)


def _with_rest(rows: list[Row], lines: Sequence[str]) -> list[Row]:
    """As many rows as lines, each saying what its line says: where Pygments stopped, plain."""
    result = []
    for number, line in enumerate(lines):
        row = rows[number] if number < len(rows) else []
        result.append(row if "".join(text for text, _ in row) == line else [(line, Tone.TEXT)])
    return result


def _tone(kind: Any) -> Tone:
    from pygments.token import Comment, Keyword, Literal, Name

    for parent, tone in (
        (Comment, Tone.DIM),
        (Keyword, Tone.ACCENT),
        (Literal.String, Tone.GOOD),
        (Literal.Number, Tone.VERSION),
        (Name.Function, Tone.STRONG),
        (Name.Class, Tone.STRONG),
        (Name.Tag, Tone.ACCENT),
        (Name.Attribute, Tone.TYPE),
    ):
        if kind in parent:
            return tone
    return Tone.TEXT
