"""The process in which pyarrow looks into a file that may crash it.

It reads `offset length` requests' answers from stdin (u64 little endian, then the bytes) and writes requests to stdout,
one a line; at last `-1 length`, and that many bytes of JSON.
"""

import json
import sys
from dataclasses import dataclass
from typing import Any

MOST_ANSWER_BYTES = 16 << 20
_MOST_ROWS = 1000
_SHOWN_COLUMNS = 50
_SCHEMA_COLUMNS = 200
_LARGEST_GROUP = 32 << 20
_MEMORY_BYTES = 3 << 30  # of addresses: pyarrow maps far more than it uses
_CPU_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Request:
    """Bytes wanted; an offset of -1 announces the answer."""

    offset: int
    length: int

    @classmethod
    def from_line(cls, line: bytes) -> "Request":
        """Read one line; ValueError when it is none."""
        offset, length = map(int, line.split())
        return cls(offset, length)

    def line(self) -> bytes:
        """As a line."""
        return b"%d %d\n" % (self.offset, self.length)


class _PipedBytes:
    """The file, as a `ByteSource` at the other end of the pipe."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes

    def read(self, offset: int, length: int) -> bytes:
        """Ask for a range."""
        sys.stdout.buffer.write(Request(offset, length).line())
        sys.stdout.buffer.flush()
        count = int.from_bytes(sys.stdin.buffer.read(8), "little")
        return sys.stdin.buffer.read(count)


def main(kind: str, size_bytes: int) -> None:
    """Look into the file and write the answer."""
    _limit()
    from localart_tui.previews.source import BoundedFile

    file = BoundedFile(_PipedBytes(size_bytes), _LARGEST_GROUP * 2)
    try:
        answer = _parquet(file) if kind == "parquet" else _arrow(file)
    except Exception as error:  # noqa: BLE001 - pyarrow raises its own over broken files, and whatever Python does
        answer = {"failed": type(error).__name__}
    content = json.dumps(answer).encode()
    sys.stdout.buffer.write(Request(-1, len(content)).line() + content)
    sys.stdout.buffer.flush()


def _limit() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    except (ValueError, OSError):  # not every system has it
        return


def _parquet(file: Any) -> dict[str, Any]:
    from pyarrow import parquet

    opened = parquet.ParquetFile(
        file, thrift_string_size_limit=1 << 20, thrift_container_size_limit=100_000, pre_buffer=False
    )
    about = opened.metadata
    answer = _answer(
        opened.schema_arrow,
        [
            ("rows", f"{about.num_rows:,}"),
            ("columns", f"{about.num_columns:,}"),
            ("row groups", f"{about.num_row_groups:,}"),
        ],
    )
    if not about.num_row_groups:
        return answer
    if about.row_group(0).total_byte_size > _LARGEST_GROUP:
        return {**answer, "notes": ["its first row group is too large to look into"]}
    names = opened.schema_arrow.names[:_SHOWN_COLUMNS]
    batches = opened.iter_batches(batch_size=_MOST_ROWS, row_groups=[0], columns=names, use_threads=False)
    batch = next(iter(batches), None)
    return answer if batch is None else {**answer, **_rows(batch, about.num_rows)}


def _arrow(file: Any) -> dict[str, Any]:
    from pyarrow import ipc

    opened = ipc.open_file(file)
    count = opened.num_record_batches
    answer = _answer(opened.schema, [("batches", f"{count:,}")])
    if not count:
        return answer
    batch = opened.get_batch(0)
    batch.validate(full=True)
    return {**answer, **_rows(batch.slice(0, _MOST_ROWS), batch.num_rows)}


def _answer(schema: Any, facts: list[tuple[str, str]]) -> dict[str, Any]:
    fields = [(_text(one.name), _text(str(one.type))) for one in list(schema)[:_SCHEMA_COLUMNS]]
    return {"facts": facts, "schema": fields, "columns": [], "rows": [], "notes": []}


def _rows(batch: Any, total: int) -> dict[str, Any]:
    width = min(batch.num_columns, _SHOWN_COLUMNS)
    columns = [batch.column(at).slice(0, _MOST_ROWS).to_pylist() for at in range(width)]
    rows = [[_text(value) for value in row] for row in zip(*columns, strict=True)]
    notes = [f"these are the first {len(rows):,} rows"] if total > len(rows) else []
    return {"columns": [_text(name) for name in batch.schema.names[:width]], "rows": rows, "notes": notes}


def _text(value: object) -> str:
    from localart_tui.previews.record import cell

    return str(value)[:200] if type(value).__module__ != "builtins" else cell(value)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
