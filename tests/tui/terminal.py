"""A real terminal for a program under test: a pty that is read until it falls quiet, with times and bytes."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

QUIET_SECONDS = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the program wrote after a key: milliseconds to its first and last byte, and how many there were."""

    first_ms: float
    last_ms: float
    written: bytes

    @property
    def byte_count(self) -> int:
        return len(self.written)


class Terminal:
    """One program in a pty of its own."""

    def __init__(
        self, command: list[str], *, columns: int = 120, rows: int = 40, env: dict[str, str] | None = None
    ):
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
            environ.pop("PYTHONDONTWRITEBYTECODE", None)  # users have their bytecode kept
            os.execvpe(command[0], command, environ)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until_quiet(
        self, since: float, *, quiet: float = QUIET_SECONDS, at_most: float = 20.0
    ) -> Answer:
        written, first, last = bytearray(), 0.0, 0.0
        deadline = time.perf_counter() + at_most
        while time.perf_counter() < deadline:
            wait = quiet if written else min(2.0, at_most)
            if not select.select([self.fd], [], [], wait)[0]:
                break
            try:
                some = os.read(self.fd, 1 << 16)
            except OSError:
                break
            if not some:
                break
            last = time.perf_counter()
            first = first or last
            written += some
        return Answer(
            first_ms=1000 * max(first - since, 0), last_ms=1000 * max(last - since, 0), written=bytes(written)
        )

    def start(self, *, quiet: float = 1.0) -> Answer:
        """What is painted first, from the start of the process."""
        return self.read_until_quiet(self.started, quiet=quiet)

    def press(self, keys: bytes, *, quiet: float = QUIET_SECONDS) -> Answer:
        """What is painted for some keys."""
        since = time.perf_counter()
        os.write(self.fd, keys)
        return self.read_until_quiet(since, quiet=quiet)

    @property
    def rss_bytes(self) -> int:
        fields = Path(f"/proc/{self.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> int:
        """End it; its exit status."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        os.close(self.fd)
        return os.waitpid(self.pid, 0)[1]


EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    ENABLE_COMMAND_PALETTE = False
    def compose(self):
        yield Static('x', markup=False)
Empty().run()
"""


def empty_app() -> list[str]:
    """An empty Textual app: what anything else is measured against."""
    return [sys.executable, "-c", EMPTY_APP]


def browser(store: Path, *arguments: str) -> list[str]:
    """`localart tui` on a store."""
    return [sys.executable, "-m", "localart", "tui", *arguments, "--store", str(store)]
