"""Parquet and Arrow: schema and first rows where pyarrow is installed, else what the first and last bytes say.

pyarrow is native code that a spoiled file can crash (a few flipped bytes were enough), so it runs in a process of its
own, with little memory and time. That process cannot open the file: it asks for ranges over a pipe.
"""

import json
import os
import struct
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import IO, Any

from localart_tui.previews.columnar_child import MOST_ANSWER_BYTES, Request
from localart_tui.previews.record import (
    Facts,
    Note,
    Preview,
    Section,
    Table,
    numeric_columns,
)
from localart_tui.previews.source import ByteSource, NotShown, read_exactly

READ_BYTES = 32 << 20
FOOTER_BYTES = 8 << 20
MOST_SECONDS = 20.0
_NO_PYARROW = Note("install pyarrow to see its columns and rows")


def read_parquet(source: ByteSource, _path: str) -> Preview:
    """Rows, columns, and the first rows of the first row group."""
    tail = read_exactly(source, source.size_bytes - 8, 8)
    (footer_bytes,) = struct.unpack("<I", tail[:4])
    if tail[4:] != b"PAR1" or footer_bytes + 12 > source.size_bytes:
        raise NotShown("cut off: its footer is missing")
    if footer_bytes > FOOTER_BYTES:
        raise NotShown(f"its footer claims {footer_bytes:,} bytes")
    if find_spec("pyarrow") is None:
        return Preview("Parquet table", (Facts((("footer", f"{footer_bytes:,} bytes"),)), _NO_PYARROW))
    return Preview("Parquet table", _sections(_answer(source, "parquet")))


def read_arrow(source: ByteSource, _path: str) -> Preview:
    """The schema, and the first rows of the first batch of an Arrow (Feather 2) file."""
    if find_spec("pyarrow") is None:
        return Preview("Arrow table", (_NO_PYARROW,))
    return Preview("Arrow table", _sections(_answer(source, "arrow")))


def _sections(answer: Any) -> tuple[Section, ...]:
    """What the other process found: it may have been taken over by the file, so its answer is checked too."""
    facts = tuple((str(key)[:100], str(value)[:200]) for key, value in answer["facts"])
    schema = Table(("column", "type"), _cells(answer["schema"]))
    sections: list[Section] = [Facts(facts), schema]
    if answer["columns"]:
        (columns,), rows = _cells([answer["columns"]]), _cells(answer["rows"])
        sections.append(Table(columns, rows, numeric_columns(len(columns), rows)))
    return (*sections, *(Note(str(text)[:300]) for text in answer["notes"]))


def _cells(rows: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(str(one)[:200] for one in row[:200]) for row in rows[:1000])


# --- the other process -----------------------------------------------------------------------------


def _answer(source: ByteSource, kind: str) -> Any:
    try:
        return _asked(source, kind)
    except NotShown:
        raise
    except (ValueError, KeyError, TypeError, BrokenPipeError):  # it died, or said what it never should
        raise NotShown("it is broken, or takes too long to look into") from None


def _asked(source: ByteSource, kind: str) -> Any:
    with subprocess.Popen(  # noqa: S603 - our own module in our own Python, with no argument from the file
        _command(kind, source.size_bytes),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1"},
    ) as child:
        killer = threading.Timer(MOST_SECONDS, child.kill)
        killer.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            return _converse(source, child.stdin, child.stdout)
        finally:
            killer.cancel()
            child.kill()


def _command(kind: str, size_bytes: int) -> list[str]:
    # -P: a module in the working folder must not pass for pyarrow.
    return [sys.executable, "-P", "-m", "localart_tui.previews.columnar_child", kind, str(size_bytes)]


def _converse(source: ByteSource, questions: IO[bytes], replies: IO[bytes]) -> Any:
    left = READ_BYTES
    while True:
        request = Request.from_line(replies.readline(100))
        if request.offset < 0:
            break
        left -= request.length
        if left < 0 or request.length < 0:
            raise NotShown("more of the file would have to be read than a preview may")
        content = source.read(request.offset, request.length)
        questions.write(len(content).to_bytes(8, "little") + content)
        questions.flush()
    answer = json.loads(replies.read(min(request.length, MOST_ANSWER_BYTES)))
    if "failed" in answer:
        raise NotShown(f"it is broken, or not what its name says ({str(answer['failed'])[:60]})")
    return answer
