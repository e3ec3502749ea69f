"""One line on the terminal that says how far the work is, and is gone when it is done."""

import sys
import threading
import time

from localart.cli.console import is_terminal, put
from localart.cli.figures import count_text, seconds_text, size_text
from localart.cli.safe_text import safe_text
from localart.lineage.labels import cut
from localart.progress import SILENCE, Progress

_SECONDS_BETWEEN = 0.1
_TRUSTED_AFTER_SECONDS = 2.0  # an earlier guess of the time left would only jump about
_CLEAR_LINE = "\r\x1b[K"


def progress_line(*, silent: bool = False) -> Progress:
    """A line on stderr when a person sees it, else nothing."""
    return ProgressLine() if is_terminal(sys.stderr) and not silent else SILENCE


class ProgressLine:
    """Bytes, files and rate, redrawn at most ten times a second. Calls may come from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.start("", total_bytes=0, total_files=0)

    def start(self, task: str, *, total_bytes: int, total_files: int) -> None:
        """Begin `task`. What ends within a tenth of a second is never drawn."""
        with self._guard:
            self._task = task
            self._totals = (total_bytes, total_files)
            self._bytes = self._files = 0
            self._began = time.monotonic()
            self._drawn = self._began
            self._is_shown = False

    def advance(self, *, byte_count: int = 0, file_count: int = 0, stored_bytes: int = 0) -> None:
        """Count, and draw when it is time again."""
        del stored_bytes
        with self._guard:
            self._bytes += byte_count
            self._files += file_count
            now = time.monotonic()
            if now - self._drawn >= _SECONDS_BETWEEN:
                self._drawn = now
                self._is_shown = True
                self._draw(now - self._began)

    def finish(self) -> None:
        """Take the line away."""
        with self._guard:
            if self._is_shown:
                put(sys.stderr, _CLEAR_LINE)
                sys.stderr.flush()

    def _draw(self, seconds: float) -> None:
        import shutil

        width = shutil.get_terminal_size().columns - 1
        put(sys.stderr, _CLEAR_LINE + cut(safe_text(self.text(seconds)), width))
        sys.stderr.flush()

    def text(self, seconds: float) -> str:
        """What the line says `seconds` after the start."""
        total_bytes, total_files = self._totals
        rate = self._bytes / seconds if seconds > 0 else 0.0
        of_files = f"{self._files:,}/{count_text(total_files, 'file')}"
        parts = [
            self._task,
            of_files if total_files else count_text(self._files, "file"),
            f"{size_text(self._bytes)}{f' of {size_text(total_bytes)}' if total_bytes else ''}",
            f"{size_text(round(rate))}/s",
        ]
        if total_bytes > self._bytes and rate > 0 and seconds > _TRUSTED_AFTER_SECONDS:
            parts.append(f"{seconds_text((total_bytes - self._bytes) / rate)} left")
        return "  ".join(parts)
