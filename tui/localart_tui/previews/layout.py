"""A preview as rows of clean text in their tones. Pure, and lazy: a row is made when it is looked at.

Rows may be longer than the screen is wide; whoever shows them scrolls. Pictures take rows of their own and are drawn by
whoever shows them.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from localart_tui.charts.braille import Raster
from localart_tui.pictures.cells import picture_size
from localart_tui.previews.colours import coloured
from localart_tui.previews.record import (
    Facts,
    HexDump,
    Note,
    Picture,
    Preview,
    Section,
    Table,
    TextLines,
    Tree,
    TreeLine,
    Waveform,
    Weight,
)
from localart_tui.text import cell_width, clean, pad
from localart_tui.tones import Tone

Part = tuple[str, Tone]
Row = list[Part]

_KEY_CELLS = 20
_CELL_CELLS = 40
_MEASURED_ROWS = 100
_HEX_BYTES = 16
_WAVE_ROWS = 8
_WAVE_COLUMNS = 100
_PICTURE_ROWS = 40
_WIDEST = 12_000
_TAB = 4
_ASCII_SIGNS = str.maketrans({"…": "~", "×": "x", "─": "-", "–": "-"})
_SIGNS = {
    Weight.HINT: ("", Tone.DIM),
    Weight.WARNING: ("! ", Tone.WARN),
    Weight.DANGER: ("DANGER ", Tone.BAD),
}


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows that belong together."""

    height: int
    width: int
    row: Callable[[int], Row]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class PlacedPicture:
    """Where a picture is to be drawn: from row `top` on, `columns` × `rows` cells."""

    top: int
    columns: int
    rows: int
    picture: Picture


class Layout:
    """The rows of one preview for one width of screen."""

    def __init__(self, preview: Preview, columns: int, *, ascii_only: bool = False) -> None:
        self._ascii = ascii_only
        blocks = [_heading(preview.kind)]
        for section in preview.sections:
            blocks += [_GAP, _block(section, columns, ascii_only=ascii_only)]
        self._blocks = blocks
        self._ends = list(accumulate(block.height for block in blocks))
        self.height = self._ends[-1]
        self.width = min(max(block.width for block in blocks), _WIDEST)

    def row(self, number: int) -> Row:
        """One row, clean; empty beyond the last."""
        if not 0 <= number < self.height:
            return []
        at = bisect_right(self._ends, number)
        row = self._blocks[at].row(number - (self._ends[at] - self._blocks[at].height))
        return [(text.translate(_ASCII_SIGNS), tone) for text, tone in row] if self._ascii else row

    def pictures(self) -> list[PlacedPicture]:
        """The pictures, top down."""
        return [
            PlacedPicture(end - block.height, block.width, block.height, block.picture)
            for block, end in zip(self._blocks, self._ends, strict=True)
            if block.picture is not None
        ]


def _heading(kind: str) -> _Block:
    text = clean(kind)
    return _Block(1, cell_width(text), lambda _: [(text, Tone.STRONG)])


_GAP = _Block(1, 0, lambda _: [])


def _block(section: Section, columns: int, *, ascii_only: bool) -> _Block:
    match section:
        case Note():
            return _note(section)
        case Facts():
            return _of_rows([_fact(key, value, _key_cells(section)) for key, value in section.rows])
        case TextLines():
            return _text(section)
        case Table():
            return _table(section, ascii_only=ascii_only)
        case Tree():
            return _lazy([*section.lines], _tree_row, (_tree_width(line) for line in section.lines))
        case Picture():
            return _picture(section, columns)
        case Waveform():
            return _waveform(section, columns, ascii_only=ascii_only)
        case HexDump():
            return _hex(section)


def _of_rows(rows: list[Row]) -> _Block:
    return _Block(len(rows), max((_row_width(row) for row in rows), default=0), lambda number: rows[number])


def _row_width(row: Row) -> int:
    return sum(cell_width(text) for text, _ in row)


def _lazy(items: Sequence[TreeLine], row: Callable[[TreeLine], Row], widths: Iterable[int]) -> _Block:
    return _Block(len(items), max(widths, default=0), lambda number: row(items[number]))


# --- sections --------------------------------------------------------------------------------------


def _note(note: Note) -> _Block:
    sign, tone = _SIGNS[note.weight]
    return _of_rows([[(sign + clean(note.text), tone)]])


def _key_cells(facts: Facts) -> int:
    return min(max((cell_width(clean(key)) for key, _ in facts.rows), default=0), _KEY_CELLS)


def _fact(key: str, value: str, width: int) -> Row:
    return [(pad(key, width) + "  ", Tone.DIM), (clean(value), Tone.TEXT)]


def _text(section: TextLines) -> _Block:
    lines = [clean(line.expandtabs(_TAB)) for line in section.lines]
    rows = coloured(lines, section.language) if section.language else None
    width = max(map(cell_width, lines), default=0)
    if rows is not None:
        return _Block(len(rows), width, lambda number: rows[number])
    return _Block(len(lines), width, lambda number: [(lines[number], Tone.TEXT)])


def _table(table: Table, *, ascii_only: bool) -> _Block:
    widths = [_column_width(table, at) for at in range(len(table.columns))]
    rule = "-" if ascii_only else "─"

    def row(number: int) -> Row:
        if number == 0:
            return [(_joined(table.columns, widths, table.numeric), Tone.HEADER)]
        if number == 1:
            return [("  ".join(rule * width for width in widths), Tone.FAINT)]
        return [(_joined(table.rows[number - 2], widths, table.numeric), Tone.TEXT)]

    return _Block(2 + len(table.rows), sum(widths) + 2 * max(len(widths) - 1, 0), row)


def _column_width(table: Table, at: int) -> int:
    cells = [row[at] for row in table.rows[:_MEASURED_ROWS] if at < len(row)]
    longest = max((cell_width(clean(cell)) for cell in (table.columns[at], *cells)), default=1)
    return min(max(longest, 1), _CELL_CELLS)


def _joined(cells: Sequence[str], widths: Sequence[int], numeric: frozenset[int]) -> str:
    texts = [*cells, *[""] * (len(widths) - len(cells))][: len(widths)]
    return "  ".join(
        pad(cell, width, right=at in numeric)
        for at, (cell, width) in enumerate(zip(texts, widths, strict=True))
    )


def _tree_row(line: TreeLine) -> Row:
    indent = "  " * max(line.depth - 1, 0) if line.key else "  " * line.depth
    if not line.key:
        return [(indent + clean(line.value), Tone.TEXT)]
    return [(f"{indent}{clean(line.key)}  ", Tone.DIM), (clean(line.value), Tone.TEXT)]


def _tree_width(line: TreeLine) -> int:
    return _row_width(_tree_row(line))


def _picture(picture: Picture, columns: int) -> _Block:
    pixels = picture.pixels
    across, down = picture_size(pixels.width, pixels.height, max(columns, 1), _PICTURE_ROWS)
    return _Block(down, across, lambda _: [], picture)


def _waveform(wave: Waveform, columns: int, *, ascii_only: bool) -> _Block:
    raster = Raster(min(max(columns, 1), _WAVE_COLUMNS), _WAVE_ROWS, ascii_only=ascii_only)
    middle = (raster.height - 1) / 2
    for x in range(raster.width):
        at = x * len(wave.lows) // raster.width
        raster.column(x, round(middle - wave.highs[at] * middle), round(middle - wave.lows[at] * middle), 1)
    rows: list[Row] = [
        [("".join(char for char, _ in raster.row(number)), Tone.ACCENT)] for number in range(raster.rows)
    ]
    return _of_rows(rows)


def _hex(dump: HexDump) -> _Block:
    content = dump.content
    count = -(-len(content) // _HEX_BYTES)

    def row(number: int) -> Row:
        some = content[number * _HEX_BYTES : (number + 1) * _HEX_BYTES]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in some)
        first, second = some[:8].hex(" "), some[8:].hex(" ")
        return [
            (f"{number * _HEX_BYTES:08x}  ", Tone.FAINT),
            (f"{first:<23}  {second:<23}  ", Tone.TEXT),
            (shown, Tone.DIM),
        ]

    return _Block(count, 60 + _HEX_BYTES, row)
