"""The progress line: what it says, how often, and that it goes."""

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from localart.cli.progress_line import ProgressLine, progress_line
from localart.lineage.labels import cell_width
from localart.progress import SILENCE, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@contextmanager
def watched() -> Iterator[Terminal]:
    """Let a person of 60 columns watch; set in the test itself, for pytest swaps stderr before it."""
    with pytest.MonkeyPatch.context() as patch:
        stream = Terminal()
        patch.setattr(sys, "stderr", stream)
        patch.setenv("COLUMNS", "60")
        yield stream


def test_only_a_person_gets_a_line(monkeypatch):
    with watched():
        assert isinstance(progress_line(), ProgressLine)
        assert progress_line(silent=True) is SILENCE
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress_line() is SILENCE


def test_it_says_bytes_files_rate_and_what_is_left():
    line = ProgressLine()
    line.start("downloading x:v0", total_bytes=10_000_000, total_files=4)
    line.advance(byte_count=2_500_000, file_count=1)

    assert line.text(5.0) == "downloading x:v0  1/4 files  2.5 MB of 10.0 MB  500.0 kB/s  15.0 s left"


def test_without_totals_it_counts():
    line = ProgressLine()
    line.start("adding", total_bytes=0, total_files=0)
    line.advance(byte_count=1000, file_count=1)

    assert line.text(0.0) == "adding  1 file  1.0 kB  0 B/s"


def test_it_is_drawn_seldom_fits_the_terminal_and_is_gone_at_the_end():
    line: Progress = ProgressLine()
    with watched() as seen:
        line.start("downloading " + "x" * 100 + "\x1b[31m\n", total_bytes=1 << 40, total_files=1000)
        began = time.monotonic()
        while time.monotonic() - began < 0.25:
            line.advance(byte_count=1, file_count=1)
        line.finish()

    drawn = seen.getvalue().split("\r\x1b[K")
    assert 3 <= len(drawn) <= 4
    assert drawn[-1] == ""
    assert all(cell_width(text) < 60 and "\x1b" not in text and "\n" not in text for text in drawn)


def test_what_ends_at_once_is_not_drawn():
    """Seen to fail: the first line said 8.6 GB/s, for nothing had come back from the disk yet."""
    line = ProgressLine()
    with watched() as seen:
        line.start("x", total_bytes=0, total_files=0)
        line.advance(byte_count=1 << 30)
        line.finish()

    assert seen.getvalue() == ""


def test_nothing_done_draws_nothing():
    line = ProgressLine()
    with watched() as seen:
        line.start("x", total_bytes=0, total_files=0)
        line.finish()

    assert seen.getvalue() == ""


def test_threads_may_advance_it_together():
    line = ProgressLine()
    line.start("x", total_bytes=0, total_files=0)

    threads = [Thread(target=lambda: [line.advance(byte_count=1) for _ in range(5_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "20.0 kB" in line.text(1.0)
