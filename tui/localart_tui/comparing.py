"""How differences read: signs, colours, and the cells of a row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localart.cli.documents import plain
from localart_tui.data.compare import MISSING, Change, SizeBytes
from localart_tui.text import clean, size_text, time_text
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart_tui.data.compare import ValueDifference
    from localart_tui.packed import FileRow
    from localart_tui.table import Cell

TONES = {
    Change.ADDED: Tone.GOOD,
    Change.REMOVED: Tone.BAD,
    Change.MODIFIED: Tone.WARN,
    Change.SAME: Tone.DIM,
}
_LONGEST = 400
_TIMES = frozenset({"created", "started", "ended"})
_ABSENT = ("-", Tone.FAINT)


def oldest_first(targets: Sequence[str]) -> list[str]:
    """Versions of one artifact by their numbers; anything else in the order it was marked."""
    parts = [target.rpartition(":v") for target in targets]
    if len({name for name, _, _ in parts}) > 1 or not all(number.isdecimal() for _, _, number in parts):
        return list(targets)
    return sorted(targets, key=lambda target: int(target.rpartition(":v")[2]))


def sign_cell(change: Change) -> Cell:
    """`+`, `-`, `~` or `=`."""
    return (change.sign, TONES[change])


def name_cell(name: str, change: Change) -> Cell:
    """A path, in the tone of what happened to it."""
    return (name, Tone.DIM if change is Change.SAME else TONES[change] if _one_sided(change) else Tone.TEXT)


def _one_sided(change: Change) -> bool:
    return change in {Change.ADDED, Change.REMOVED}


def value_cells(row: ValueDifference) -> list[Cell]:
    """The values of all sides, and how much more the last one is."""
    cells: list[Cell] = []
    for number, value in enumerate(row.values):
        text = value_text(row.name, value)
        cells.append(_ABSENT if text is None else (text, _side_tone(row, number)))
    return [*cells, (delta_text(row), TONES[row.change])]


def _side_tone(row: ValueDifference, number: int) -> Tone:
    if row.change is not Change.MODIFIED:
        return TONES[row.change]
    return Tone.TEXT if number == 0 or row.values[number] == row.values[0] else Tone.WARN


def value_text(name: str, value: Any) -> str | None:
    """How a value reads in one line; None when there is none."""
    if value is MISSING:
        return None
    if isinstance(value, SizeBytes):
        return size_text(value)
    if name in _TIMES and isinstance(value, str):
        return time_text(value)
    return clean(full_text(value).replace("\n", " "), _LONGEST)


def full_text(value: Any) -> str:
    """The whole value, as JSON unless it is a text."""
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False, indent=None)


def delta_text(row: ValueDifference) -> str:
    """`+0.2 (+40 %)`; sizes as sizes; nothing where there is no number."""
    delta = row.delta
    if delta is None:
        return ""
    if isinstance(row.values[0], SizeBytes):
        return signed_size(int(delta))
    first = float(row.values[0])
    share = f" ({delta / abs(first):+.1%})" if first and abs(delta / first) < 100 else ""
    return f"{delta:+.6g}{share}".replace("%", " %")


def signed_size(size_bytes: int) -> str:
    """`+15.0 MB`, `-3 B`."""
    return f"{'-' if size_bytes < 0 else '+'}{size_text(abs(size_bytes))}"


def file_cells(row: FileRow) -> list[Cell]:
    """The sizes of all sides, and by how much the last one is larger."""
    tone = TONES[row.change]
    sizes: list[Cell] = [_ABSENT if size is None else (size_text(size), tone) for size in row.sizes]
    return [*sizes, (_size_delta(row), tone)]


def _size_delta(row: FileRow) -> str:
    if row.change is Change.SAME:
        return ""
    delta = (row.sizes[-1] or 0) - (row.sizes[0] or 0)
    return signed_size(delta) if delta or row.change is not Change.MODIFIED else "other bytes"
