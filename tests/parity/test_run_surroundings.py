"""What is kept beside a run: what it printed, and what ran."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import localart


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what runs print, as users' runs do."""
    monkeypatch.setenv("LOCALART_CONSOLE", "wrap")


def log_of(run: localart.Run) -> str:
    return localart.Api().run(run.path).read_file("output.log").decode()


def file_names(path: str) -> list[str]:
    return [file.name for file in localart.Api().run(path).files()]


# --- the console ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("listening")
def test_what_a_run_prints_is_kept_and_still_shown(capsys: pytest.CaptureFixture[str]) -> None:
    print("before")
    with localart.init(project="demo") as run:
        print("to stdout", 1)
        print("to stderr", file=sys.stderr)
        sys.stdout.writelines(["a\n", "Ü\n"])
        run.write_logs("by hand\n")
    print("after")

    assert log_of(run) == "to stdout 1\nto stderr\na\nÜ\nby hand\n"
    assert capsys.readouterr().out == "before\nto stdout 1\na\nÜ\nafter\n"


@pytest.mark.usefixtures("listening")
def test_a_silent_run_has_no_log() -> None:
    with localart.init(project="demo") as run:
        run.log({"x": 1})

    assert file_names(run.path) == []


def test_the_console_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with localart.init(project="demo") as by_environment:
        print("x")
    monkeypatch.setenv("LOCALART_CONSOLE", "wrap")
    with localart.init(project="demo", settings=localart.Settings(console="off")) as by_setting:
        print("x")

    assert file_names(by_environment.path) == file_names(by_setting.path) == []


@pytest.mark.usefixtures("listening")
def test_streams_are_as_they_were_afterwards() -> None:
    before = (sys.stdout, sys.stderr, sys.stdout.write)
    with localart.init(project="demo"):
        assert (sys.stdout, sys.stderr) == before[:2]

    assert (sys.stdout, sys.stderr, sys.stdout.write) == before


@pytest.mark.usefixtures("listening")
def test_a_program_may_swap_its_streams_meanwhile() -> None:
    held = io.StringIO()
    with localart.init(project="demo") as run:
        print("one")
        with contextlib.redirect_stdout(held):
            print("not for the log")
        print("two")

    assert (log_of(run), held.getvalue()) == ("one\ntwo\n", "not for the log\n")


@pytest.mark.usefixtures("listening")
def test_runs_side_by_side_each_hear_what_is_printed() -> None:
    first = localart.init(project="demo")
    print("one")
    second = localart.init(project="demo", reinit="create_new")
    print("two")
    first.finish()
    print("three")
    second.finish()

    assert (log_of(first), log_of(second)) == ("one\ntwo\n", "two\nthree\n")


@pytest.mark.usefixtures("listening")
def test_a_line_that_was_drawn_anew_is_kept_in_its_last_form() -> None:
    with localart.init(project="demo") as run:
        for percent in range(0, 101, 20):
            sys.stdout.write(f"\r{percent} %")
        sys.stdout.write("\nwindows\r\nend\n")

    assert log_of(run) == "100 %\nwindows\nend\n"


@pytest.mark.usefixtures("listening")
def test_the_log_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localart.runs.console.MOST_BYTES", 100)
    with localart.init(project="demo") as run:
        for number in range(100):
            print(f"line {number}")

    kept = log_of(run)
    assert len(kept) < 200
    assert kept.startswith("line 0\n")
    assert kept.endswith("is not kept ...\n")


@pytest.mark.usefixtures("listening")
def test_a_resumed_run_prints_below_what_it_printed_before() -> None:
    with localart.init(project="demo", id="long"):
        print("first")
    with localart.init(project="demo", id="long", resume="must") as run:
        print("second")

    assert log_of(run) == "first\nsecond\n"


@pytest.mark.usefixtures("listening")
def test_the_error_of_a_failed_run_is_at_the_end_of_its_log() -> None:
    def failing() -> None:
        print("starting")
        _ = 1 // 0

    with pytest.raises(ZeroDivisionError), localart.init(project="demo") as run:
        failing()

    assert log_of(run).startswith("starting\nTraceback")
    assert log_of(run).rstrip().endswith("ZeroDivisionError: integer division or modulo by zero")


KILLED = """
import os, signal, localart
run = localart.init(project="demo", id="killed")
print("last words", flush=True)
if os.fork() == 0:
    print("of a child", flush=True)
    os._exit(0)
os.wait()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.usefixtures("listening")
def test_what_a_killed_run_and_its_children_printed_is_kept() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)

    assert done.stdout == "last words\nof a child\n"
    kept = localart.Api().run("demo/killed")
    assert (kept.state, kept.read_file("output.log")) == ("crashed", b"last words\nof a child\n")


@pytest.mark.usefixtures("listening")
def test_a_disk_that_is_full_stops_no_print(monkeypatch: pytest.MonkeyPatch) -> None:
    with localart.init(project="demo") as run:
        print("kept")

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("localart.runs.console.os.write", full)
            print("lost")
        print("lost too")

    assert log_of(run) == "kept\n"


# --- what ran ---------------------------------------------------------------------------------------------------


def git(*words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


@pytest.fixture
def repository(workdir: Path) -> Path:
    """A git work tree with one commit, a remote with a password in it, and a change."""
    git("init", "-q", "-b", "trunk")
    git("remote", "add", "origin", "https://me:secret@example.org/me/code.git")
    (workdir / "train.py").write_text("rate = 1\n")
    git("add", "train.py")
    git("commit", "-q", "-m", "one")
    (workdir / "train.py").write_text("rate = 2\n")
    return workdir


@pytest.mark.usefixtures("repository")
def test_commit_branch_remote_and_changes_are_kept() -> None:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout

    with localart.init(project="demo") as run:
        pass

    assert run.facts["git"] == {
        "commit": commit.strip(),
        "branch": "trunk",
        "remote": "https://example.org/me/code.git",
    }
    patch = localart.Api().run(run.path).read_file("diff.patch").decode()
    assert "-rate = 1\n+rate = 2\n" in patch


def test_packed_branches_work_trees_and_detached_heads_are_read(repository: Path, tmp_path: Path) -> None:
    from localart.runs.what_ran import find_git_root, git_facts

    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    git("pack-refs", "--all")
    assert git_facts(repository)["commit"] == commit.strip()
    git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = git_facts(tmp_path / "side")
    git("checkout", "-q", "--detach")

    assert (side["commit"], side["branch"]) == (commit.strip(), "side")
    assert side["remote"] == "https://example.org/me/code.git"
    assert git_facts(repository).keys() == {"commit", "remote"}
    assert find_git_root(repository / "deeper") == repository


@pytest.mark.parametrize(
    ("variable", "keeps_commit"),
    [("WANDB_DISABLE_GIT", False), ("WANDB_DISABLE_CODE", True), ("LOCALART_X_DISABLE_META", False)],
)
@pytest.mark.usefixtures("repository")
def test_git_and_code_can_be_left_out(
    variable: str, keeps_commit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "true")

    with localart.init(project="demo") as run:
        pass

    assert ("git" in run.facts, file_names(run.path)) == (keeps_commit, [])


def test_outside_of_git_nothing_is_said_of_it() -> None:
    with localart.init(project="demo") as run:
        pass

    assert "git" not in run.facts


def test_packages_are_kept_by_name_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import version

    monkeypatch.setenv("LOCALART_X_SAVE_REQUIREMENTS", "true")
    with localart.init(project="demo") as run:
        pass

    lines = localart.Api().run(run.path).read_file("requirements.txt").decode().splitlines()
    assert f"pytest=={version('pytest')}" in lines
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(set(names))


SCRIPT = """
import sys, localart
with localart.init(project="demo", id="scripted", save_code=True) as run:
    run.config.update({"a": 1})
"""


def test_the_script_is_kept_when_asked(workdir: Path) -> None:
    (workdir / "code").mkdir()
    (workdir / "code" / "train.py").write_text(SCRIPT)

    subprocess.run([sys.executable, "code/train.py"], check=True, cwd=workdir)

    kept = localart.Api().run("demo/scripted")
    assert kept.record.facts["program"] == "code/train.py"
    assert kept.read_file("code/code/train.py").decode() == SCRIPT


MACHINE = {"host", "user", "cwd", "executable", "argv"}


def test_people_and_machines_are_told_of_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", "--api-key", "abc", "--db=x://me:pw@host/db", "--rate=1"])
    monkeypatch.setenv("SOME_TOKEN", "sesame")
    with localart.init(project="demo") as silent:
        pass
    with localart.init(project="demo", settings={"x_disable_machine_info": False}) as by_setting:
        pass
    monkeypatch.setenv("LOCALART_MACHINE_INFO", "1")
    with localart.init(project="demo") as open_run:
        pass

    assert not MACHINE & set(silent.facts)
    assert set(open_run.facts) >= MACHINE
    assert set(by_setting.facts) >= MACHINE
    assert open_run.facts["argv"] == ["train.py", "--api-key", "***", "--db=x://host/db", "--rate=1"]
    assert "sesame" not in json.dumps(dict(open_run.facts))


SLOW = """
import os, signal, sys, time, localart
run = localart.init(project="demo", id="slow")
time.sleep(1.5)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_is_killed_later_has_its_packages_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALART_X_SAVE_REQUIREMENTS", "true")
    quick = SLOW.replace(
        "run =", "import localart.runs.surroundings as s; s._KEEP_AFTER_SECONDS = 0.1\nrun ="
    )

    subprocess.run([sys.executable, "-c", quick], check=False)

    assert file_names("demo/slow") == ["requirements.txt"]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("https://me:pw@host/x", "https://host/x"),
        ("password=hunter2 rate=3", "password=*** rate=3"),
        ("https://h/x?token=abc&y=1", "https://h/x?token=***&y=1"),
        ("ghp_" + "a" * 36, "***"),
        ("AKIA" + "B" * 16, "***"),
        ("keyboard=qwerty tokenizer.json", "keyboard=qwerty tokenizer.json"),
    ],
)
def test_secrets_are_taken_out(text: str, redacted: str) -> None:
    from localart.runs.redact import redact

    assert redact(text) == redacted


def test_tokens_are_taken_out_of_the_diff_and_code_stays(repository: Path) -> None:
    (repository / "train.py").write_text(f"token = tokenizer()\nx = 'ghp_{'a' * 36}'\n")

    with localart.init(project="demo") as run:
        pass

    patch = localart.Api().run(run.path).read_file("diff.patch").decode()
    assert "+token = tokenizer()\n" in patch
    assert "ghp_" not in patch


def test_nothing_of_the_run_is_left_in_the_stores_tmp(store: Path, listening: Any) -> None:
    with localart.init(project="demo"):
        print("x")

    assert os.listdir(store / "tmp") == []
