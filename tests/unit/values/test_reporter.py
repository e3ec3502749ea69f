import io
import os
import subprocess
import sys

import pytest

from localart.reporter import Reporter


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def stream():
    return io.StringIO()


def finish(reporter, **changes):
    facts = {
        "name": "amber-meadow-7",
        "run_id": "abc12345",
        "state": "finished",
        "seconds": 3.25,
        "outputs": {},
    }
    reporter.run_finished(**(facts | changes))


def test_a_started_run_says_who_and_where_it_is(stream):
    Reporter(stream=stream).run_started(
        name="amber-meadow-7", run_id="abc12345", project="mnist", store="/data/.localart"
    )

    assert stream.getvalue() == (
        "localart: run amber-meadow-7 (abc12345) in project mnist\nlocalart: kept in /data/.localart\n"
    )


def test_a_finished_run_says_what_it_made_and_where_to_look(stream):
    finish(Reporter(stream=stream), outputs={"mnist-raw:v0": False, "convnet:v3": True})

    assert stream.getvalue() == (
        "localart: run amber-meadow-7 finished after 3.2 s, 2 outputs\n"
        "localart:   again mnist-raw:v0\n"
        "localart:   made convnet:v3\n"
        "localart: see  localart tui run:abc12345  or  localart show run:abc12345\n"
    )


def test_many_outputs_are_counted_and_not_all_listed(stream):
    finish(Reporter(stream=stream), outputs={f"a:v{number}": True for number in range(1000)})

    assert "1,000 outputs" in stream.getvalue()
    assert "and 990 more" in stream.getvalue()
    assert stream.getvalue().count("made") == 10


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-1, "0.0 s"), (59.9, "59.9 s"), (60, "1 min 00 s"), (3599.9, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_a_duration_is_easy_to_read(stream, seconds, expected):
    finish(Reporter(stream=stream), seconds=seconds)

    assert f"after {expected}" in stream.getvalue()


def test_a_strange_run_id_is_quoted_for_the_shell(stream):
    finish(Reporter(stream=stream), run_id="a b$(x)")

    assert "localart show 'run:a b$(x)'" in stream.getvalue()


def test_each_thing_is_said_once(stream):
    reporter = Reporter(stream=stream)
    for step in range(100):
        reporter.step_dropped(run_id="r", step=step, current_step=200)
        reporter.already_stored(label="mnist-raw:v0")
        reporter.warn("the disk is nearly full", hint="delete something")
        finish(reporter)

    assert len(stream.getvalue().splitlines()) == 5
    assert "warning: values for step 0 were dropped, for the run is at step 200" in stream.getvalue()
    assert "mnist-raw:v0 has this content already" in stream.getvalue()
    assert "warning: the disk is nearly full (delete something)" in stream.getvalue()


def test_silence_is_complete(stream, capfd):
    for reporter in (Reporter(silent=True, stream=stream), Reporter(silent=True)):
        reporter.run_started(name="a", run_id="b", project="c", store="d")
        reporter.warn("x")
        finish(reporter)

    assert stream.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_users_text_cannot_move_the_cursor_or_forge_a_line(stream):
    reporter = Reporter(stream=stream)
    reporter.run_started(name="a\x1b[2J\nlocalart: lie", run_id="b", project="\u202ep", store="s")
    reporter.warn("bad\r\x07")

    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 3


def test_only_a_terminal_gets_colour_and_only_if_it_wants_it(stream):
    terminal, plain = Terminal(), Terminal()
    Reporter(stream=terminal).warn("x")
    Reporter(stream=plain, no_color=True).warn("x")
    Reporter(stream=stream).warn("x")

    assert "\x1b[33mwarning:\x1b[0m x" in terminal.getvalue()
    assert plain.getvalue() == stream.getvalue() == "localart: warning: x\n"


def test_it_talks_to_the_stderr_of_the_moment(capsys):
    Reporter().warn("x")

    out, err = capsys.readouterr()
    assert out == ""
    assert err == "localart: warning: x\n"


def test_a_closed_broken_or_missing_stderr_breaks_nothing(monkeypatch):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    closed = io.StringIO()
    closed.close()

    for stream in (closed, Broken()):
        reporter = Reporter(stream=stream)
        reporter.warn("x")
        reporter.warn("y")
        finish(reporter)
    monkeypatch.setattr(sys, "stderr", None)
    Reporter().warn("x")


def test_a_reader_that_went_away_breaks_nothing():
    code = (
        "import os, sys\n"
        "from localart.reporter import Reporter\n"
        "reporter = Reporter()\n"
        "reporter.warn('x'); reporter.warn('y')\n"
        "print('the run went on', flush=True)\n"
        "os._exit(0)\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=writer, check=True)
    os.close(writer)

    assert done.stdout == b"the run went on\n"


def test_a_stderr_of_few_letters_still_gets_the_words():
    code = "from localart.reporter import Reporter; Reporter().warn('é ☃')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        check=True,
    )

    assert done.stderr == b"localart: warning: \\xe9 \\u2603\n"


def test_it_prints_nothing_on_stdout():
    call = "run_started(name='a', run_id='b', project='c', store='d')"
    code = f"from localart.reporter import Reporter; Reporter().{call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout == b""
    assert done.stderr
