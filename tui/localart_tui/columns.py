"""Which columns fit, how wide they are, and a row's fields as segments of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from localart_tui.text import cell_width, fit, pad
from localart_tui.tones import Tone
from localart_tui.ui import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell = str | Part | list[Part]
"""What stands in one field: a text, a text in a tone, or several of them side by side."""

GAP = 2
_USUAL_NAME = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. Of columns that do not fit, those of the highest `priority` number go first; 0 always stays.

    Its width is what the first rows need, within `least` and `most`; a column that can `grow` shares what is left.
    `sort` is the key it sorts by when its head is clicked.
    """

    key: str
    title: str
    least: int = 4
    most: int = 40
    priority: int = 0
    grow: int = 0
    right: bool = False
    keep_end: bool = False
    tone: Tone = Tone.TEXT
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A column that is shown, and how wide."""

    number: int
    column: Column
    width: int


def place_columns(columns: Sequence[Column], naturals: Sequence[int], width: int) -> tuple[Placed, ...]:
    """The columns that fit into `width` cells, and their widths. Those of the highest priority number go first."""
    chosen = list(range(len(columns)))
    while len(chosen) > 1 and _least(columns, naturals, chosen) > width:
        worst = max(chosen, key=lambda number: (columns[number].priority, number))
        if columns[worst].priority == 0:
            break
        chosen.remove(worst)
    widths = {number: _first_width(columns[number], naturals[number]) for number in chosen}
    spare = width - sum(widths.values()) - GAP * (len(chosen) - 1)
    _share(columns, naturals, widths, spare)
    return tuple(Placed(number, columns[number], max(widths[number], 1)) for number in chosen)


def _first_width(column: Column, natural: int) -> int:
    return column.least if column.grow else max(min(natural, column.most), column.least)


def _least(columns: Sequence[Column], naturals: Sequence[int], chosen: Sequence[int]) -> int:
    """What these columns take; names are whole up to a usual length before anything less important is there."""
    widths = [_first_width(columns[number], naturals[number]) for number in chosen]
    for at, number in enumerate(chosen):
        column = columns[number]
        if column.grow and not column.priority:
            widths[at] = max(column.least, min(naturals[number], column.most, _USUAL_NAME))
    return sum(widths) + GAP * (len(chosen) - 1)


def _share(columns: Sequence[Column], naturals: Sequence[int], widths: dict[int, int], spare: int) -> None:
    """Give what is left to the columns that can grow, up to what they need; take from the widest what is missing."""
    growing = [number for number in widths if columns[number].grow]
    for number in growing:
        needs = max(min(naturals[number], columns[number].most) - widths[number], 0)
        given = max(min(needs, spare), 0)
        widths[number] += given
        spare -= given
    if spare > 0 and growing:
        greediest = max(growing, key=lambda number: columns[number].grow)
        widths[greediest] += spare if columns[greediest].grow > 1 else 0
    while spare < 0 and (widest := max(widths, key=lambda number: widths[number])) and widths[widest] > 1:
        widths[widest] -= 1
        spare += 1


def head_width(column: Column) -> int:
    """With room for the sign of the order."""
    return cell_width(column.title) + (2 if column.sort else 0)


def natural_width(cell: Cell) -> int:
    """How many cells a field would like to have."""
    if isinstance(cell, str):
        return cell_width(cell)
    if isinstance(cell, tuple):
        return cell_width(cell[0])
    return sum(cell_width(text) for text, _ in cell)


def cell_segments(cell: Cell, placed: Placed, styles: dict[Tone, Style], under: Style) -> list[Segment]:
    """A field as segments of exactly its width and the gap after it; `under` is what lies under the row."""
    column, width = placed.column, placed.width
    if isinstance(cell, list):
        return _parts_segments(cell, width, styles, under)
    text, tone = (cell, column.tone) if isinstance(cell, str) else cell
    fitted = pad(text, width, right=column.right, keep_end=column.keep_end)
    return [Segment(fitted + " " * GAP, styles[tone] + under)]


def _parts_segments(parts: list[Part], width: int, styles: dict[Tone, Style], under: Style) -> list[Segment]:
    segments, left = [], width
    for text, tone in parts:
        fitted = fit(text, left)
        left -= cell_width(fitted)
        segments.append(Segment(fitted, styles[tone] + under))
    return [*segments, Segment(" " * (left + GAP), styles[Tone.TEXT] + under)]


def merged_segments(segments: list[Segment]) -> list[Segment]:
    """Neighbours in one style as one, and blanks with either: fewer bytes to the terminal."""
    merged: list[Segment] = []
    for segment in segments:
        last = merged[-1] if merged else None
        if not segment.text:
            continue
        if last is None or not (last.style == segment.style or _alike(last, segment)):
            merged.append(segment)
        elif last.style == segment.style or not segment.text.strip():
            merged[-1] = Segment(last.text + segment.text, last.style)
        elif not last.text.strip():
            merged[-1] = Segment(last.text + segment.text, segment.style)
        else:
            merged.append(segment)
    return merged


def _alike(one: Segment, other: Segment) -> bool:
    """Whether blanks look the same in both."""
    first, second = one.style or Style.null(), other.style or Style.null()
    return first.bgcolor == second.bgcolor and not first.underline and not first.reverse
