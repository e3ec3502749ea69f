"""Parquet and Arrow: schema and first rows where pyarrow is installed, else what the first and last bytes say."""

import struct
from typing import Any

from localart_tui.previews.record import (
    MOST_COLUMNS,
    MOST_ROWS,
    Facts,
    Note,
    Preview,
    Section,
    Table,
    cell,
    numeric_columns,
)
from localart_tui.previews.source import BoundedFile, ByteSource, NotShown, read_exactly

READ_BYTES = 32 << 20
FOOTER_BYTES = 8 << 20
_SHOWN_COLUMNS = 50
_NO_PYARROW = Note("install pyarrow to see its columns and rows")


def read_parquet(source: ByteSource, _path: str) -> Preview:
    """Rows, columns, and the first rows of the first row group."""
    tail = read_exactly(source, source.size_bytes - 8, 8)
    (footer_bytes,) = struct.unpack("<I", tail[:4])
    if tail[4:] != b"PAR1" or footer_bytes + 12 > source.size_bytes:
        raise NotShown("cut off: its footer is missing")
    if footer_bytes > FOOTER_BYTES:
        raise NotShown(f"its footer claims {footer_bytes:,} bytes")
    try:
        from pyarrow import parquet
    except ImportError:
        return Preview("Parquet table", (Facts((("footer", f"{footer_bytes:,} bytes"),)), _NO_PYARROW))
    opened = parquet.ParquetFile(
        BoundedFile(source, READ_BYTES), thrift_string_size_limit=1 << 20, thrift_container_size_limit=100_000
    )
    return Preview("Parquet table", tuple(_parquet_sections(opened)))


def _parquet_sections(opened: Any) -> list[Section]:
    about = opened.metadata
    facts = Facts(
        (
            ("rows", f"{about.num_rows:,}"),
            ("columns", f"{about.num_columns:,}"),
            ("row groups", f"{about.num_row_groups:,}"),
        )
    )
    sections: list[Section] = [facts, _schema(opened.schema_arrow)]
    if not about.num_row_groups:
        return sections
    group = about.row_group(0)
    columns = opened.schema_arrow.names[:_SHOWN_COLUMNS]
    if group.total_byte_size > READ_BYTES:
        return [*sections, Note("its first row group is too large to look into")]
    batches = opened.iter_batches(batch_size=MOST_ROWS, row_groups=[0], columns=columns, use_threads=False)
    batch = next(iter(batches), None)
    return sections if batch is None else [*sections, *_rows(batch, about.num_rows)]


def read_arrow(source: ByteSource, _path: str) -> Preview:
    """The schema, and the first rows of the first batch of an Arrow (Feather 2) file."""
    try:
        from pyarrow import ipc
    except ImportError:
        return Preview("Arrow table", (_NO_PYARROW,))
    opened = ipc.open_file(BoundedFile(source, READ_BYTES))
    count = opened.num_record_batches
    sections: list[Section] = [Facts((("batches", f"{count:,}"),)), _schema(opened.schema)]
    if count:
        batch = opened.get_batch(0)
        sections += _rows(batch.slice(0, MOST_ROWS), batch.num_rows)
    return Preview("Arrow table", tuple(sections))


def _schema(schema: Any) -> Table:
    rows = tuple((cell(one.name), cell(str(one.type))) for one in list(schema)[:MOST_COLUMNS])
    return Table(("column", "type"), rows)


def _rows(batch: Any, total: int) -> list[Section]:
    columns = [
        batch.column(at).slice(0, MOST_ROWS).to_pylist()
        for at in range(min(batch.num_columns, _SHOWN_COLUMNS))
    ]
    rows = tuple(tuple(cell(value) for value in row) for row in zip(*columns, strict=True))
    names = tuple(cell(name) for name in batch.schema.names[:_SHOWN_COLUMNS])
    table = Table(names, rows, numeric_columns(len(names), rows))
    return [table, *([Note(f"these are the first {len(rows):,} rows")] if total > len(rows) else [])]
