"""The browser in real terminals: what it refuses, what it writes, how fast it answers, and what it leaves behind."""

import os
import signal
import subprocess
import sys
import time

import pytest
from big_store import Shape, make_big_store
from terminal import Terminal, browser, empty_app

import localart

PROJECT = "car-that-drives-itself"


@pytest.fixture
def small(store):
    with localart.init(project="demo", name="load-1") as run:
        artifact = localart.Artifact("data", type="dataset")
        with artifact.new_file("a.txt") as file:
            file.write("content")
        run.log_artifact(artifact)
    localart.finish()
    return store


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def localart_tui(store, *arguments, **named):
    return subprocess.run(
        browser(store, *arguments), capture_output=True, text=True, timeout=60, check=False, **named
    )


def test_without_a_terminal_it_says_so_in_one_line(small):
    done = localart_tui(small, stdin=subprocess.DEVNULL)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "localart: the browser needs a terminal; `localart ls` shows the same facts\n"


def test_what_is_not_there_is_the_librarys_own_error(small, tmp_path):
    for arguments, code, words in [
        (("demo/nothing",), 1, "nothing"),
        (("demo/data:v7",), 1, "v7"),
        (("run:none",), 1, "none"),
        (("--project", "other"), 1, "other"),
    ]:
        terminal = Terminal(browser(small, *arguments))
        said = terminal.start(quiet=0.5).written.decode()
        assert words in said
        assert "Traceback" not in said
        assert os.waitstatus_to_exitcode(terminal.close()) == code
    missing = Terminal(browser(tmp_path / "none"))
    assert b"no localart store" in missing.start(quiet=0.5).written
    assert os.waitstatus_to_exitcode(missing.close()) == 10


@pytest.mark.parametrize(
    ("env", "size", "words"),
    [
        ({"TERM": "dumb"}, (80, 24), b"cannot draw"),
        ({}, (19, 24), b"too small"),
        ({}, (80, 4), b"too small"),
    ],
    ids=["dumb", "narrow", "low"],
)
def test_a_terminal_that_cannot_do_is_refused(small, env, size, words):
    terminal = Terminal(browser(small), columns=size[0], rows=size[1], env=env)

    said = terminal.start(quiet=0.4).written

    assert words in said
    assert b"\x1b" not in said
    assert os.waitstatus_to_exitcode(terminal.close()) == 2


def test_it_opens_where_it_is_told_and_leaves_the_terminal_as_it_was(small):
    terminal = Terminal(browser(small, "demo/data:latest"))
    painted = terminal.start(quiet=0.7).written.decode("utf-8", "replace")
    assert "▸" in painted
    assert "latest" in painted

    ended = terminal.press(b"Q", quiet=0.5).written

    assert b"\x1b[?1049l" in ended, "back to the ordinary screen"
    assert b"\x1b[?25h" in ended, "with a cursor"
    assert b"Traceback" not in ended
    assert os.waitstatus_to_exitcode(terminal.close()) == 0


def test_the_name_chosen_last_is_printed(small):
    command = " ".join(f"'{word}'" for word in browser(small, "demo/data", "--print"))
    terminal = Terminal(["/bin/sh", "-c", f"chosen=$({command}); echo; echo chosen=$chosen"])
    terminal.start(quiet=0.8)

    assert b"chosen=demo/data:v0" in terminal.press(b"Q", quiet=0.7).written
    terminal.close()


@pytest.mark.parametrize(
    ("arguments", "env"),
    [(("--ascii",), {}), ((), {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})],
    ids=["asked", "no UTF-8"],
)
def test_a_plain_terminal_gets_only_ascii(small, arguments, env):
    terminal = Terminal(browser(small, "demo", *arguments), env={"PYTHONIOENCODING": "", **env})
    written = terminal.start(quiet=0.7).written + terminal.press(b"j\r", quiet=0.4).written
    written += terminal.press(b"\r", quiet=0.4).written + terminal.press(b"5", quiet=0.5).written
    terminal.press(b"Q")

    assert written.isascii()
    assert b"\\u" not in written
    assert b" > " in written
    assert b"demo" in written
    terminal.close()


def test_ending_it_gives_the_terminal_back(small):
    terminal = Terminal(browser(small, "demo"))
    terminal.start(quiet=0.5)

    os.kill(terminal.pid, signal.SIGTERM)
    ended = terminal.read_until_quiet(time.perf_counter(), quiet=0.5).written

    assert b"\x1b[?1049l" in ended
    assert b"\x1b[?25h" in ended
    assert os.waitstatus_to_exitcode(terminal.close()) == 143
    assert localart.Api().artifact("demo/data:v0").size == 7


def test_it_opens_no_socket(small):
    program = (
        "import socket, sys\n"
        "real = socket.socket\n"
        "class Refused(real):\n"
        "    def __init__(self, family=-1, *given, **named):\n"
        "        assert family == socket.AF_UNIX or named.get('fileno') is not None, 'a socket'\n"
        "        super().__init__(family, *given, **named)\n"
        "socket.socket = Refused\n"
        f"sys.argv = ['localart', 'tui', 'demo', '--store', {str(small)!r}]\n"
        "from localart.cli import main\nmain()\n"
    )
    terminal = Terminal([sys.executable, "-c", program])
    assert b"data" in terminal.start(quiet=0.7).written
    ended = terminal.press(b"Q", quiet=0.5).written
    assert b"a socket" not in ended
    assert os.waitstatus_to_exitcode(terminal.close()) == 0


# --- speed -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    return make_big_store(tmp_path_factory.mktemp("big") / "store", Shape())


def test_a_key_costs_little_whatever_the_length_of_the_list(tmp_path_factory):
    store = make_big_store(
        tmp_path_factory.mktemp("middle") / "store", Shape(versions=20_000, runs=500, files=0)
    )
    terminal = Terminal(browser(store, f"{PROJECT}/telemetry"))
    terminal.start(quiet=0.8)

    assert terminal.press(b"j").byte_count <= 1_000
    assert terminal.press(b"\x1b[6~").byte_count <= 10_000
    assert terminal.press(b"G").byte_count <= 10_000
    assert terminal.rss_bytes <= 120 << 20
    terminal.close()


def best(command, count=4):
    """The quickest of some starts: milliseconds to the last byte painted, with all rows read."""
    times = []
    for _ in range(count):
        terminal = Terminal(command, columns=100, env={"PYTHONPYCACHEPREFIX": os.environ["XDG_STATE_HOME"]})
        times.append(terminal.start(quiet=0.5).last_ms)
        terminal.close()
    return min(times)


@pytest.mark.sweep
def test_a_big_store_opens_in_about_the_time_of_an_empty_app(big):
    empty = best(empty_app())

    for target in ((), (PROJECT,), (f"{PROJECT}/telemetry",)):
        assert best(browser(big, *target)) <= 2.3 * empty, target  # 1.6 to 1.9 on an idle machine


@pytest.mark.sweep
def test_keys_are_answered_within_their_budgets(big):
    terminal = Terminal(browser(big, f"{PROJECT}/telemetry"))
    terminal.start(quiet=1)

    def median(keys, count=9):
        return sorted(terminal.press(keys).last_ms for _ in range(count))[count // 2]

    assert median(b"j") <= 15
    assert median(b"\x1b[6~") <= 50
    assert sorted(terminal.press(key).last_ms for key in (b"G", b"g") * 4)[4] <= 50
    opened = sorted(
        terminal.press(b"\r", quiet=0.4).last_ms + 0 * terminal.press(b"q").last_ms for _ in range(5)
    )
    assert opened[2] <= 150
    assert terminal.rss_bytes <= 120 << 20
    terminal.close()
