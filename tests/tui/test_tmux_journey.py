"""The browser as people use it: `localart tui` in a real tmux, driven by its keys, read from its screen."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

pytest.importorskip("sklearn", reason="the demo reads the digits that come with scikit-learn")
if shutil.which("tmux") is None:
    pytest.skip("tmux is not installed", allow_module_level=True)

PATIENCE_SECONDS = 40
PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The store that `localart demo` makes, run twice with a change between."""
    store = tmp_path_factory.mktemp("demo") / "store"
    for more in ((), ("--change",)):
        command = [sys.executable, "-m", "localart", "demo", "--store", str(store), *more]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    return store


class Pane:
    """One shell in a tmux of its own."""

    def __init__(self, socket, columns, rows, env):
        self._tmux = ["tmux", "-L", socket, "-f", "/dev/null"]
        given = [f"{name}={value}" for name, value in env.items()]
        shell = ["env", "-u", "COLUMNS", "-u", "LINES", "PS1=ready$ ", *given, "sh", "-i"]
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), shlex.join(shell))
        self.wait_for("ready$")

    def tmux(self, *words):
        done = subprocess.run([*self._tmux, *words], capture_output=True, timeout=20, check=True)
        return done.stdout.decode("utf-8", "replace")

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def wait_for(self, *words, absent=()):
        """The screen, once all of these words are on it and none of the others."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            screen = self.screen()
            if all(word in screen for word in words) and not any(word in screen for word in absent):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"{words} and not {absent}:\n{screen}")

    def go(self, *keys, to):
        """Press and wait for what has to be there then."""
        self.press(*keys)
        return self.wait_for(*to)

    def close(self):
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, timeout=20, check=False)


@contextmanager
def pane(tmp_path, columns=120, rows=40, **env):
    environ = {
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "TERM": "screen-256color",
        **env,
    }
    opened = Pane(f"localart-{os.getpid()}-{tmp_path.name}", columns, rows, environ)
    try:
        yield opened
    finally:
        opened.close()


def browser(store, *words):
    return shlex.join([sys.executable, "-m", "localart", "tui", *words, "--store", str(store)])


# --- all of it ---------------------------------------------------------------------------------------


def test_a_walk_through_every_screen(demo, tmp_path):
    with pane(tmp_path) as tui:
        tui.type(browser(demo))
        tui.wait_for("trained-digits", "5 artifacts of 3 types", "? help")
        tui.go("h", to=["Project", "digits-demo", "1 project"])
        tui.go("Enter", to=["5 artifacts of 3 types"])
        tui.go("/", to=["enter keeps, esc drops"])
        tui.go("-l", "trained", to=["/trained", "2 of 5"])
        tui.wait_for("/trained", "trained-digits-net")
        tui.go("Enter", to=["2 of 5", "2 artifacts"])
        tui.go("Enter", to=["Version ▾", "best"])
        tui.go("Enter", to=["1 Version", "made by", "train"])
        tui.go("4", to=["Digest", "1 file"])
        tui.go("5", to=["MAP", "trained-digits-net:v1", "──▶"])
        tui.go("v", to=["LANES"])
        tui.go("v", to=["WALK"])
        tui.go("q", to=["Version ▾"])
        tui.go("q", to=["/trained"])
        tui.go("2", to=["10 runs"])
        tui.go("j", "Enter", to=["1 Overview", "train/loss", "outputs"])
        tui.go("4", to=["4 metrics", "validation/accuracy"])
        tui.go("q", to=["10 runs"])
        tui.go("Space", "c", to=["only differences", "Δ"])
        tui.go("q", to=["10 runs"])
        tui.go("S", to=["logged", "stored", "packs"])
        tui.go("q", to=["10 runs"])
        tui.go(":", to=["Where you were"])
        tui.go("-l", "digits-raw:v0", to=["digits-demo/digits-raw:v0"])
        tui.go("Enter", to=["digits-raw", "1 Version", "Handwritten digits"])
        tui.go("?", to=["type to find"])
        tui.press("Escape")
        tui.wait_for("1 Version", "Handwritten digits", absent=["type to find"])
        tui.press("Q")
        ended = tui.wait_for("ready$", absent=["1 Version"])

    assert "Traceback" not in ended


# --- what terminals do -------------------------------------------------------------------------------


def test_it_follows_the_size_of_its_window(demo, tmp_path):
    with pane(tmp_path, 120, 40) as tui:
        tui.type(browser(demo))
        wide = tui.wait_for("? help", "size of each version")
        tui.tmux("resize-window", "-x", "40", "-y", "12")
        small = tui.wait_for("trained", absent=["size of each version", "? help"])
        tui.tmux("resize-window", "-x", "120", "-y", "40")
        tui.wait_for("? help", "size of each version")
        tui.press("Q")
        tui.wait_for("ready$")

    assert max(map(len, wide.splitlines())) > 100
    assert max(map(len, small.splitlines())) <= 40
    assert len(small.rstrip("\n").splitlines()) <= 12


@pytest.mark.parametrize(
    ("env", "words"),
    [(PLAIN, ()), ({"TERM": "screen"}, ("--ascii",)), ({"NO_COLOR": "1"}, ())],
    ids=["LC_ALL=C", "TERM=screen", "NO_COLOR"],
)
def test_it_can_be_read_in_a_poor_terminal(demo, tmp_path, env, words):
    with pane(tmp_path, 80, 24, **env) as tui:
        tui.type(browser(demo, "digits-demo/trained-digits-net:v1", *words))
        first = tui.wait_for("made by", "train")
        map_of_it = tui.go("5", to=["trained-digits-net:v1", "LANES"])
        tui.press("Q")
        tui.wait_for("ready$")

    if "NO_COLOR" not in env:
        assert (first + map_of_it).isascii()
    assert "\\u" not in first + map_of_it


def test_suspending_gives_the_shell_back_and_fg_the_page(demo, tmp_path):
    with pane(tmp_path) as tui:
        tui.type(browser(demo, "digits-demo/digits-raw"))
        tui.wait_for("1 version")
        tui.press("C-z")
        tui.wait_for("ready$", absent=["1 version"])
        tui.type("echo $((6 * 7))nd")
        tui.wait_for("42nd")
        tui.type("fg")
        tui.wait_for("1 version", "? help", absent=["42nd"])
        tui.go("Enter", to=["Handwritten digits"])
        tui.press("Q")
        tui.wait_for("ready$", absent=["Handwritten"])


def test_a_killed_browser_leaves_a_sane_terminal(demo, tmp_path):
    before, after, pid = tmp_path / "before", tmp_path / "after", tmp_path / "pid"
    script = f"stty -a > {before}; echo $$ > {pid}; exec " + browser(demo)
    with pane(tmp_path) as tui:
        tui.type(f"sh -c {shlex.quote(script)}; echo ended=$?")
        tui.wait_for("? help")
        os.kill(int(pid.read_text()), 15)
        tui.wait_for("ended=143", absent=["? help"])
        tui.type(f"stty -a > {after}; echo still typing")
        tui.wait_for("still typing")
        told = tui.tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}")

    assert after.read_text() == before.read_text()
    assert told.split() == ["0", "0", "1"]


def test_the_choice_is_printed_for_the_shell(demo, tmp_path):
    with pane(tmp_path) as tui:
        tui.type(f'echo "chosen: $({browser(demo, "digits-demo", "--print")})"')
        tui.wait_for("? help")
        tui.go("/", to=["enter keeps, esc drops"])
        tui.go("-l", "raw", to=["/raw", "1 of 5"])
        tui.go("Enter", to=["1 artifact"])
        tui.press("Q")
        tui.wait_for("chosen: digits-demo/digits-raw")


# --- stores that hold nothing ------------------------------------------------------------------------


def test_a_newcomer_is_told_what_to_do_first(tmp_path):
    store = tmp_path / "new"
    subprocess.run(
        [sys.executable, "-m", "localart", "init", "--store", str(store)], check=True, capture_output=True
    )
    with pane(tmp_path) as tui:
        tui.type(browser(store))
        tui.wait_for("localart demo", "run.log_artifact")
        tui.press("q")
        tui.wait_for("ready$", absent=["localart demo"])


def test_a_store_that_is_not_there_is_said_in_a_line(tmp_path):
    with pane(tmp_path) as tui:
        tui.type(browser(tmp_path / "none") + "; echo ended=$?")
        said = tui.wait_for("ended=10", "no localart store")

    assert "Traceback" not in said
