"""Traps in names, notes, metadata and paths, and the bytes that a terminal is given for them: none obeys one."""

import re
import unicodedata

import pytest
from big_store import Shape, make_big_store
from terminal import Terminal, browser

from localart.catalog import browsing as rows
from localart.catalog import browsing_runs
from localart_tui.data.store import open_store

PROJECT = "car-that-drives-itself"
CONTROL = re.compile(
    r"\x1b\[[0-9;:<=>?]*[ -/]*[@-~]"  # CSI: colours, the cursor, modes; only Textual writes them
    r"|\x1b\]22;[a-z]*\x07"  # the mouse pointer's shape
    r"|\x1b[78=>cM]"
)
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
ESC = b"\x1b"


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def evil(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evil") / "store"
    return make_big_store(folder, Shape(versions=400, artifacts=60, runs=90, files=200, hostile=True))


def trapped(store):
    """Addresses of things whose names are traps."""
    opened = open_store(store)
    try:
        db = opened.connection()
        artifact = next(line for line in rows.artifact_lines(db, 1) if "\x1b" in line.name)
        run = next(
            line for line in browsing_runs.run_lines(db, list(range(1, 60))) if line and "\x1b" in line.name
        )
    finally:
        opened.close()
    return f"{artifact.project}/{artifact.name}", f"run:{run.project}/{run.run_id}"


def walks(store):
    artifact, run = trapped(store)
    return {
        "projects": ((), [b"j", b"G", b"?", ESC, b":", b"e", ESC, b"S", b"2", b"q", b"y", ESC]),
        "artifacts": ((PROJECT,), [b"G", b"g", b"jjjj", b"y", ESC, b"e", ESC, b"/", b"x", ESC, b"2", b"G", b"x"]),
        "versions": ((artifact,), [b"\r", b"2", b"\r", ESC, b"3", b"4", b"G", b"5", b"v", b"v", b"y", ESC]),
        "run": ((run,), [b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"y", ESC, b"q", b" ", b"c", b"2", b"3"]),
        "names": ((f"{PROJECT}/telemetry",), [b" ", b"jj", b" ", b"c", b"2", b"3", b"4", b"d", ESC, b"q", b"w"]),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "artifacts",
        "run",
        *(pytest.param(name, marks=pytest.mark.sweep) for name in ("projects", "versions", "names")),
    ],
)
def test_a_terminal_is_told_nothing_by_the_store(evil, name):
    arguments, keys = walks(evil)[name]
    terminal = Terminal(browser(evil, *arguments))
    written = terminal.start(quiet=0.8).written
    for key in keys:
        written += terminal.press(key, quiet=0.25).written
    written += terminal.press(b"Q", quiet=0.4).written
    terminal.close()

    assert b"Traceback" not in written
    text = CONTROL.sub("", written.decode("utf-8"))
    left = {char for char in text if unicodedata.category(char) in FORBIDDEN} - {"\r", "\n"}
    assert not left, sorted(map(ascii, left))
    for sequence in (b"\x1b]52", b"\x1b]0;", b"\x1b]8;", b"\x1b[31mred", b"\x07owned"):
        assert sequence not in written
    assert "\\x1b" in text or "\\u202e" in text or "[/]" in text, "no trap was on the screen"
