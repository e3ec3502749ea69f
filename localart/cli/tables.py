"""Columns that line up: as wide as they need when piped, as wide as the terminal allows when shown there."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from localart.lineage.labels import cell_width, cut, shorten
from localart.records import dataclass

SAMPLE_ROWS = 256
_GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. `shrinks`: may be cut down to `least` cells on a terminal that is too narrow."""

    title: str
    right: bool = False
    shrinks: bool = False
    least: int = 8


def table_lines(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, width: int | None
) -> Iterator[str]:
    """A heading and a line a row, of at most `width` cells; with None nothing is ever cut. Streams.

    The first rows decide how wide columns are. Later ones that are wider stick out when nothing may be cut.
    Cells are clean text. The heading comes even without rows.
    """
    stream = iter(rows)
    sample = list(islice(stream, SAMPLE_ROWS))
    titles = [column.title for column in columns]
    widths = _widths(columns, [titles, *sample])
    if width is not None:
        _shrink(columns, widths, width)
    for row in chain([titles], sample, stream):
        line = _line(columns, row, widths, may_cut=width is not None)
        yield line if width is None else cut(line, width)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(cell_width(row[number]) for row in rows) for number in range(len(columns))]


def _shrink(columns: Sequence[Column], widths: list[int], width: int) -> None:
    """Take cells from the widest column that can give any, until the line fits or nobody can."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    while excess > 0:
        givers = [
            number
            for number, column in enumerate(columns)
            if column.shrinks and widths[number] > max(column.least, len(column.title))
        ]
        if not givers:
            return
        widths[max(givers, key=lambda number: widths[number])] -= 1
        excess -= 1


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], *, may_cut: bool) -> str:
    cells = (_cell(*one, may_cut=may_cut) for one in zip(columns, row, widths, strict=True))
    return _GAP.join(cells).rstrip()


def _cell(column: Column, text: str, width: int, *, may_cut: bool) -> str:
    missing = width - cell_width(text)
    if missing < 0:
        return shorten(text, width) if may_cut else text
    return " " * missing + text if column.right else text + " " * missing
