"""What a run prints, kept as its file `output.log`.

`sys.stdout` and `sys.stderr` stay the objects they are: only their `write` is led past a run's log while it runs.
So a program, a notebook or a test that swaps them goes on as before. Each text is written to the log as it comes
(2 µs), so that it survives the death of the process. Nothing that happens here ever reaches a `print`.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localart.errors import LocalartError
from localart.modes import create_file, make_folder

FILE_NAME = "output.log"
MOST_BYTES = 32 << 20
_CUT = b"\n... what was printed after this is not kept ...\n"
_REDRAWN = re.compile(rb"[^\r\n]*\r+(?=[^\r\n])")


class Console:
    """The log of one run. `start` and `stop` are for the thread that owns the run, `take` for any."""

    def __init__(self, folder: Path, *, earlier: Callable[[], bytes]) -> None:
        self._path = folder / FILE_NAME
        self._earlier = earlier
        self._fd: int | None = None
        self._size = 0

    def start(self) -> None:
        """Keep what is printed from now on."""
        _listen(self)

    def stop(self) -> None:
        """Keep no more, and leave the log as a terminal would show it: lines drawn anew only in their last form."""
        _unlisten(self)
        self.close()
        if self._size:
            self._tidy()

    def close(self) -> None:
        """Let go of the file."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def take(self, text: str | bytes) -> None:
        """Add `text` to the log, up to 32 MiB in all. Never raises: a log is no reason to end a run."""
        content = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
        if not content or self._size >= MOST_BYTES:
            return
        try:
            fd = self._open() if self._fd is None else self._fd
            if self._size + len(content) > MOST_BYTES:
                content = content[: MOST_BYTES - self._size] + _CUT
            self._size += len(content)
            os.write(fd, content)
        except (OSError, LocalartError):
            self._size = MOST_BYTES  # a full disk, or a store that is gone: the run itself says so

    def _open(self) -> int:
        """The log's file; of a resumed run, with what it held before."""
        make_folder(self._path.parent)
        earlier = self._earlier()
        self._fd = create_file(self._path, os.O_WRONLY | os.O_APPEND | os.O_TRUNC)
        if earlier:
            self._size += os.write(self._fd, earlier)
        return self._fd

    def _tidy(self) -> None:
        try:
            content = self._path.read_bytes()
            if b"\r" in content:
                self._path.write_bytes(_REDRAWN.sub(b"", content.replace(b"\r\n", b"\n")))
        except OSError:
            return  # kept as it is


# --- the streams -----------------------------------------------------------------------------------------

_listeners: list[Console] = []


def _listen(console: Console) -> None:
    _listeners.append(console)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not isinstance(getattr(stream, "write", None), _Tee):
            _lead_past(stream)


def _unlisten(console: Console) -> None:
    if console in _listeners:
        _listeners.remove(console)
    if _listeners:
        return
    for stream in (sys.stdout, sys.stderr):
        own = getattr(stream, "__dict__", {})
        if isinstance(own.get("write"), _Tee):  # somebody else's is left alone, and ours behind it is silent
            del stream.write


def _lead_past(stream: Any) -> None:
    try:
        stream.write = _Tee(stream.write)
    except (AttributeError, TypeError):
        return  # a stream of an unusual kind; what it shows is not kept


class _Tee:
    """Stands for a stream's `write`: does what it did, then lets the runs hear."""

    def __init__(self, write: Callable[[Any], Any]) -> None:
        self._write = write

    def __call__(self, text: Any) -> Any:
        written = self._write(text)
        if isinstance(text, str | bytes):
            for console in tuple(_listeners):
                console.take(text)
        return written
