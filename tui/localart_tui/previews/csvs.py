"""CSV and TSV: the first rows as a table."""

import csv
from collections.abc import Iterator
from io import StringIO

from localart_tui.previews.record import (
    MOST_COLUMNS,
    MOST_ROWS,
    Note,
    Preview,
    Section,
    Table,
    cell,
    is_number,
    numeric_columns,
)
from localart_tui.previews.source import ByteSource, NotShown
from localart_tui.previews.texts import TEXT_BYTES, decoded, looks_like_text

_DELIMITERS = ",\t;|"
_GUESSED_LINES = 20


def read_csv(source: ByteSource, path: str) -> Preview:
    """The first row as the header, unless it is all numbers."""
    head = source.read(0, TEXT_BYTES)
    if not looks_like_text(head):
        raise NotShown("it is no text, whatever its name says")
    is_cut = len(head) < source.size_bytes
    text = decoded(head, is_cut=is_cut)
    if is_cut and "\n" in text:
        text = text[: text.rindex("\n")]
    delimiter = "\t" if path.lower().endswith(".tsv") else guess_delimiter(text)
    rows, notes = _rows(text, delimiter)
    if is_cut or len(rows) > MOST_ROWS:
        notes.append(Note(f"these are the first {min(len(rows), MOST_ROWS):,} rows"))
    return Preview("TSV table" if delimiter == "\t" else "CSV table", (table_of(rows), *notes))


def guess_delimiter(text: str) -> str:
    """The delimiter that the first lines hold most evenly; a comma when none does."""
    lines = [line for line in text[: 64 << 10].split("\n", _GUESSED_LINES)[:_GUESSED_LINES] if line.strip()]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = [line.count(delimiter) for line in lines]
        if counts and min(counts) > 0:
            score = min(counts) / max(counts) + min(counts) / 1000
            best, best_score = (delimiter, score) if score > best_score else (best, best_score)
    return best


def _rows(text: str, delimiter: str) -> tuple[list[tuple[str, ...]], list[Section]]:
    rows: list[tuple[str, ...]] = []
    notes: list[Section] = []
    try:
        for row in _iter_rows(text, delimiter):
            rows.append(row)
            if len(rows) > MOST_ROWS + 1:
                break
    except csv.Error as error:
        notes.append(Note(f"row {len(rows) + 1} cannot be read: {error}"))
    return rows, notes


def _iter_rows(text: str, delimiter: str) -> Iterator[tuple[str, ...]]:
    reader = csv.reader(StringIO(text.replace("\0", "\ufffd"), newline=""), delimiter=delimiter)
    return (tuple(cell(one) for one in row[:MOST_COLUMNS]) for row in reader if row)


def table_of(rows: list[tuple[str, ...]]) -> Table:
    """Rows as a table; columns are numbered when the first row is no header."""
    if not rows:
        return Table((), ())
    has_header = not all(is_number(one) and one for one in rows[0])
    widest = max(len(row) for row in rows)
    header = rows[0] if has_header else ()
    columns = tuple(header[at] if at < len(header) else str(at + 1) for at in range(widest))
    body = tuple(rows[1 if has_header else 0 :][:MOST_ROWS])
    return Table(columns, body, numeric_columns(widest, body))
