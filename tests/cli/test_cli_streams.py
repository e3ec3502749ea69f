"""Who hears what: stdout and stderr, terminals and pipes, hostile text, closed ends, exit codes of real processes."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_callers import environment

import localart

ESCAPES = "\x1b[31m\x1b]0;owned\x07\r\x9b2J\u202egnp.exe\u2028\u200b\x7f"


@pytest.fixture
def hostile(isolated: None) -> None:
    """A store whose every free text tries to take the terminal over."""
    from localart.catalog.counts import restore_counts
    from localart.catalog.seals import seal_all
    from localart.repository.opening import close_all, open_repository

    with localart.init(
        project="p", name="n", notes=f"notes {ESCAPES}\nline 2", config={f"k{ESCAPES}": ESCAPES}
    ) as run:
        artifact = localart.Artifact(
            "a", type="dataset", description=f"words {ESCAPES}\nline 2", metadata={f"m{ESCAPES}": [ESCAPES]}
        )
        with artifact.new_file("plain.txt", "w") as file:
            file.write("x")
        run.log_artifact(artifact)
        run.log({"text": ESCAPES})
        run.summary["s"] = ESCAPES
    close_all()
    # What the library itself refuses, a store from elsewhere may still hold.
    repository = open_repository(default_place().parent, create=False)
    with repository.write() as tx:
        tx.execute("UPDATE artifacts SET type = ?", (f"type {ESCAPES}",))
        tx.execute("UPDATE runs SET name = ?, job_type = ?", (f"name {ESCAPES}", ESCAPES))
        seal_all(tx)
        restore_counts(tx)
    repository.close()


def default_place() -> Path:
    return Path(os.environ["LOCALART_DIR"]) / "localart.db"


def test_no_text_from_a_store_reaches_the_terminal_raw(hostile, cli, facts):
    run_id = facts("runs")["runs"][0]["id"]
    for arguments in (
        ["ls"], ["ls", "a"], ["ls", "a:v0"], ["show", "a"], ["run", run_id], ["runs"], ["lineage"],
        ["lineage", "--format", "dot"], ["lineage", "--format", "mermaid"], ["lineage", "--format", "map"],
        ["search", "words"], ["sql", "SELECT * FROM versions_view"], ["sql", "SELECT * FROM runs_view"],
    ):  # fmt: skip
        result = cli(*arguments)
        for text in (result.stdout, result.stderr):
            assert not any(bad in text for bad in "\x1b\x07\r\x9b\u202e\u2028\u200b\x7f"), arguments
        raw = cli(*arguments, "--json").stdout
        assert raw.isascii()
        assert "\x7f" not in raw
        assert "\x1b" not in raw


def test_what_was_escaped_is_still_told(hostile, cli, facts):
    assert facts("show", "a")["metadata"] == {f"m{ESCAPES}": [ESCAPES]}
    text = cli("show", "a").stdout
    assert "line 2" in text
    assert "\\u202e" in text


def test_hostile_words_on_the_command_line_come_back_safe(hostile, cli):
    for arguments in (["show", ESCAPES], ["ls", ESCAPES], [ESCAPES], ["runs", ESCAPES], ["mv", "a", ESCAPES]):
        result = cli(*arguments, code=None)
        assert result.exit_code in {1, 2}
        assert not any(bad in result.stderr for bad in "\x1b\x07\x9b\u202e\u2028\u200b\x7f")


def test_csv_shown_on_a_terminal_is_made_safe_too(hostile, terminal, process):
    query = "SELECT description FROM versions_view"

    _, seen = terminal("sql", query, "--csv")

    assert "\x1b]0;" not in seen
    assert "\x1b]0;" in process("sql", query, "--csv").stdout


# --- widths and colour ---------------------------------------------------------------------------------------


@pytest.fixture
def wide(isolated: None) -> None:
    from localart.repository.opening import close_all

    with localart.init(
        project="a-project-with-quite-a-long-name", name="run-" + "long-" * 20, job_type="j" * 50
    ) as run:
        for number in range(3):
            artifact = localart.Artifact("artifact-" + "x" * 80 + str(number), type="type-" + "y" * 40)
            with artifact.new_file("folder-" + "z" * 120 + "/数据集数据集.txt", "w") as file:
                file.write(str(number))
            run.log_artifact(artifact, aliases=[f"alias-{one}" for one in range(9)])
    close_all()


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize(
    "arguments",
    [
        ["ls"],
        ["runs"],
        ["lineage"],
        ["ls", "a-project-with-quite-a-long-name"],
        ["sql", "SELECT * FROM runs"],
    ],
)
def test_tables_fit_the_terminal(wide, terminal, columns, arguments):
    from localart.lineage.labels import cell_width

    code, seen = terminal(*arguments, columns=columns, NO_COLOR="1")

    assert code == 0
    assert max(map(cell_width, seen.splitlines())) <= columns
    assert "…" in seen


def test_nothing_is_cut_when_piped(wide, process):
    lines = process("ls").stdout.splitlines()

    assert any("artifact-" + "x" * 80 + "2" in line and "alias-8" in line for line in lines)


def test_colour_is_for_terminals_that_did_not_refuse_it(wide, terminal, process):
    assert "\x1b[1m" in terminal("ls")[1]
    assert "\x1b" not in terminal("ls", NO_COLOR="1")[1]
    assert "\x1b" not in process("ls").stdout
    assert "\x1b[31m" in terminal("ls", "nope")[1]
    assert "\x1b" not in terminal("ls", "nope", NO_COLOR="1")[1]


def test_a_terminal_sees_progress_that_is_gone_at_the_end(terminal, workdir):
    (workdir / "data").mkdir()
    with (workdir / "data" / "holes").open("wb") as file:
        file.truncate(400 << 20)  # long enough to be worth a line, and nothing to store

    code, seen = terminal("put", "data", "-n", "set", NO_COLOR="1")

    assert code == 0
    assert "adding files" in seen
    assert seen.rstrip().splitlines()[-1].startswith("logged as a new version")
    assert seen.count("\r\x1b[K") >= 2


def test_without_a_terminal_there_is_no_progress(process, workdir):
    (workdir / "x.txt").write_text("x")

    assert "\r" not in process("put", "x.txt").stderr


def test_an_ascii_stream_gets_ascii(filled, process, store):
    done = process("lineage", env=environment(LOCALART_DIR=str(store), PYTHONIOENCODING="ascii"))

    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "o first-run" in done.stdout


# --- ends of streams -------------------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_failure(filled, store, workdir):
    query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 200000) SELECT x FROM n"

    done = subprocess.run(
        ["bash", "-c", f'{sys.executable} -m localart sql "{query}" | head -n 2; echo ${{PIPESTATUS[0]}}'],
        capture_output=True, text=True, cwd=workdir, env=environment(LOCALART_DIR=str(store)), timeout=60, check=False,
    )  # fmt: skip

    assert done.stdout.split() == ["x", "1", "0"]
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_stdout_is_told(filled, store, workdir):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "localart", "ls"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=workdir,
            env=environment(LOCALART_DIR=str(store)), timeout=60, check=False,
        )  # fmt: skip

    assert done.returncode == 13
    assert done.stderr == (
        "localart: No space left on the disk that this writes to\n  free some and run the command again\n"
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_no_harm(filled, store, workdir, closed):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m localart ls {closed}; exec {sys.executable} -m localart ls nope {closed}"],
        capture_output=True, text=True, cwd=workdir, env=environment(LOCALART_DIR=str(store)), timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def heed_interrupts():
    """A test run started in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


INTERRUPTED_START = """
import os, signal, sys

class Interrupter:
    def find_spec(self, name, *_):
        if name == "localart.cli.exit_codes":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
from localart.cli import main
main()
"""


def test_ctrl_c_while_the_command_is_loaded_ends_it_without_a_word(workdir):
    """Seen to fail: a traceback, or `Exception ignored` and the command ran on."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_START], capture_output=True, text=True, cwd=workdir,
        env=environment(), timeout=60, check=False, preexec_fn=heed_interrupts,
    )  # fmt: skip

    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


def test_ctrl_c_ends_with_130_and_one_line(filled, store, workdir):
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    with subprocess.Popen(
        [sys.executable, "-m", "localart", "sql", endless], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=workdir, env=environment(LOCALART_DIR=str(store)), preexec_fn=heed_interrupts,
    ) as child:  # fmt: skip
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)

    assert child.returncode == 130
    assert said == "localart: interrupted\n  nothing is half done; the same command goes on, or starts anew\n"


# --- exit codes --------------------------------------------------------------------------------------------------


def test_data_goes_to_stdout_and_talk_to_stderr(process, workdir, store):
    (workdir / "x.txt").write_text("x")

    done = process(
        "put", "x.txt", "-n", "p/x", env={**environment(LOCALART_DIR=str(store)), "LOCALART_SILENT": ""}
    )

    assert done.returncode == 0
    assert done.stdout == "p/x:v0\n"
    assert "1 file" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["ls"], ["show", "x"], ["runs"], ["run", "x"], ["lineage"], ["get", "x"], ["alias", "x", "y"], ["tag", "x", "y"],
     ["mv", "x", "y"], ["search", "x"], ["sql", "SELECT 1"], ["doctor"]],
)  # fmt: skip
def test_without_a_store_commands_end_with_10_and_make_none(cli, store, arguments):
    done = cli(*arguments, code=10)

    text = done.stdout if arguments == ["doctor"] else done.stderr
    assert "There is no localart store" in text
    assert "localart init" in text
    assert not store.exists()


def test_a_process_ends_with_the_same_codes(process, store):
    assert process("ls").returncode == 10
    assert process("ls", "--frob").returncode == 2
    assert not store.exists()


def test_wrong_usage_ends_with_2(cli):
    for arguments in (
        ["ls", "--frob"],
        ["nonsense"],
        ["put"],
        ["lineage", "--format", "png"],
        ["ls", "a", "b"],
    ):
        done = cli(*arguments, code=2)
        assert done.stdout == ""
        assert done.stderr.startswith("localart: ")
        assert len(done.stderr.splitlines()) == 2


def test_a_newer_store_ends_with_12(filled, process, store):
    marker = json.loads((store / "LOCALART").read_text())
    (store / "LOCALART").write_text(json.dumps({**marker, "format": 99, "min_reader": 99}))

    done = process("ls")

    assert done.returncode == 12
    assert "upgrade localart" in done.stderr


def test_a_newer_catalog_ends_with_12(filled, process, store):
    connection = sqlite3.connect(store / "localart.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    assert process("ls").returncode == 12
    assert process("doctor").returncode == 12


def test_a_store_that_anybody_can_write_to_ends_with_14(filled, process, store):
    store.chmod(0o777)

    done = process("ls")

    assert done.returncode == 14
    assert "chmod o-w" in done.stderr


def test_a_busy_store_ends_with_11(filled, cli, monkeypatch, store):
    from localart.catalog import catalog
    from localart.catalog.lock import FileLock

    monkeypatch.setattr(catalog, "BUSY_SECONDS", 0.2)
    lock = FileLock(store / "locks" / "writer.lock")
    with lock.held(timeout_seconds=1):
        assert "locked" in cli("tag", "raw", "x", code=11).stderr
    lock.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_store_can_be_read_and_says_why_it_cannot_be_written(filled, process, store):
    for path in (store / "localart.db", *store.iterdir(), store):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert process("ls").returncode == 0
        assert process("show", "raw").returncode == 0
        assert process("doctor").returncode == 0
        done = process("tag", "raw", "x")
        assert done.returncode == 1
        assert "cannot be written" in done.stderr
    finally:
        for path in (store, *store.iterdir()):
            path.chmod(path.stat().st_mode | 0o700)


def damage_nothing(store: Path) -> None:
    pass


def truncate(store: Path) -> None:
    os.truncate(store / "localart.db", (store / "localart.db").stat().st_size // 2 // 4096 * 4096)


def empty(store: Path) -> None:
    os.truncate(store / "localart.db", 0)


def remove(store: Path) -> None:
    (store / "localart.db").unlink()


def scribble(store: Path) -> None:
    size = (store / "localart.db").stat().st_size
    with open(store / "localart.db", "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


def not_a_database(store: Path) -> None:
    (store / "localart.db").write_bytes(b"hello" * 1000)


def other_database(store: Path) -> None:
    (store / "localart.db").unlink()
    connection = sqlite3.connect(store / "localart.db")
    connection.execute("CREATE TABLE t(x)")
    connection.close()


def unmark(store: Path) -> None:
    (store / "LOCALART").unlink()


def garble_marker(store: Path) -> None:
    (store / "LOCALART").write_text("{")


def lose_a_pack(store: Path) -> None:
    next((store / "packs").iterdir()).unlink()


def shorten_a_pack(store: Path) -> None:
    pack = next((store / "packs").iterdir())
    os.truncate(pack, pack.stat().st_size - 1)


def lose_packs_folder(store: Path) -> None:
    shutil.rmtree(store / "packs")


def replace_by_file(store: Path) -> None:
    shutil.rmtree(store)
    store.write_text("x")


DAMAGES = (truncate, empty, remove, scribble, not_a_database, other_database, unmark, garble_marker, lose_a_pack,
           shorten_a_pack, lose_packs_folder, replace_by_file)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_doctor_explains_a_damaged_store_and_changes_nothing(filled, cli, store, damage):
    damage(store)
    before = {path: path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}

    done = cli("doctor", code=None)
    said = cli("doctor", "--json", code=None)

    assert done.exit_code == said.exit_code == 1
    assert "wrong  " in done.stdout
    assert done.stderr == said.stderr == ""
    document = json.loads(said.stdout)
    assert document["ok"] is False
    worst = [finding for finding in document["findings"] if finding["level"] == "wrong"]
    assert worst
    assert all(finding["what"] in done.stdout for finding in worst)
    assert {path: path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()} == before


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "arguments",
    [["ls"], ["show", "raw"], ["get", "raw"], ["lineage"], ["sql", "SELECT 1"], ["tag", "raw", "x"]],
)
def test_no_damage_makes_a_traceback(filled, cli, store, damage, arguments):
    damage(store)

    done = cli(*arguments, code=None)

    assert done.exit_code in {0, 1, 10}
    assert "Traceback" not in done.stderr
    assert "should not" not in done.stderr
    assert (done.exit_code == 0) == (done.stderr == "")


def test_doctor_of_a_sound_store_says_what_it_holds(filled, cli, facts, store):
    said = facts("doctor")
    text = cli("doctor").stdout

    assert said["ok"] is True
    assert said["store"]["path"] == str(store)
    assert said["store"]["found_by"] == "LOCALART_DIR"
    assert said["figures"]["version_count"] == 2
    assert said["figures"]["run_count"] == 3
    assert said["figures"]["logged_bytes"] == 256 * 400 + 120
    assert 0 < said["figures"]["stored_bytes"] < said["figures"]["logged_bytes"]
    assert said["catalog"]["format"] == 1
    for fact in (str(store), "LOCALART_DIR", "1 project, 3 runs, 2 artifacts, 2 versions", "102.5 kB", "all is well",
                 sqlite3.sqlite_version, "zstandard"):  # fmt: skip
        assert fact in text


def test_doctor_names_runs_whose_process_died(isolated, process, store, workdir):
    script = "import localart, os; run = localart.init(project='p', id='gone'); os.kill(os.getpid(), 9)"
    subprocess.run(
        [sys.executable, "-c", script], env=environment(LOCALART_DIR=str(store)), cwd=workdir, check=False
    )
    alive = subprocess.Popen(
        [sys.executable, "-c", "import localart; localart.init(project='p', id='here', reinit='create_new'); input()"],
        env=environment(LOCALART_DIR=str(store)), cwd=workdir, stdin=subprocess.PIPE,
    )  # fmt: skip
    try:
        wait_for_run(process, "here")
        script = "import localart, os; run = localart.init(project='p', id='late'); os.kill(os.getpid(), 9)"
        subprocess.run(
            [sys.executable, "-c", script], env=environment(LOCALART_DIR=str(store)), cwd=workdir, check=False
        )

        done = process("doctor")
    finally:
        alive.communicate(b"\n", timeout=30)

    assert done.returncode == 0, done.stdout
    assert "1 run at work now" in done.stdout
    assert "1 run ended without saying so: run:late" in done.stdout


def wait_for_run(process, run_id: str) -> None:
    for _ in range(100):
        done = process("runs", "--json")
        if done.returncode == 0 and run_id in {run["id"] for run in json.loads(done.stdout)["runs"]}:
            return
        time.sleep(0.1)
    raise AssertionError("the run never began")


def test_an_error_shows_its_traceback_only_when_asked(filled, cli):
    assert "Traceback" not in cli("show", "nope", code=1).stderr
    assert "Traceback" in cli("show", "nope", "--debug", code=1).stderr


def test_our_own_bugs_are_told_without_a_traceback(filled, cli, monkeypatch):
    from localart.operations import resolve

    def broken(*arguments, **named):
        raise RuntimeError("\x1b oops")

    monkeypatch.setattr(resolve, "resolve_version", broken)

    result = cli("show", "raw", code=1)

    assert "RuntimeError" in result.stderr
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr


# --- imports and sockets --------------------------------------------------------------------------------------------


def modules_after(*arguments: str, store: Path, workdir: Path) -> set[str]:
    script = (
        "import sys\n"
        "from localart.cli.app import app\n"
        "try: app.main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "sys.stderr.write('\\n'.join(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, cwd=workdir,
        env=environment(LOCALART_DIR=str(store), LOCALART_SILENT="1"), timeout=60, check=True,
    )  # fmt: skip
    return set(done.stderr.split("\n"))


HEAVY = {
    "sqlite_utils",
    "textual",
    "rich",
    "numpy",
    "PIL",
    "torch",
    "pyfastcdc",
    "platformdirs",
    "pandas",
    "sklearn",
}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["ls"],
        ["ls", "raw"],
        ["show", "raw"],
        ["runs"],
        ["lineage"],
        ["search", "x"],
        ["get", "raw"],
    ],
)
def test_commands_do_not_import_what_they_do_not_need(filled, store, workdir, arguments):
    assert not modules_after(*arguments, store=store, workdir=workdir) & HEAVY


def test_help_imports_no_command_and_no_store(filled, store, workdir):
    loaded = modules_after("--help", store=store, workdir=workdir)

    assert not {name for name in loaded if name.startswith("localart.cli.commands.")}
    assert not loaded & {"sqlite3", "blake3", "zstandard", "localart.repository", "localart.model"}


def test_no_command_opens_a_socket(filled, store, workdir):
    (workdir / "x.txt").write_text("x")
    script = (
        "import sys\n"
        "def refuse(event, _):\n"
        "    if event.startswith('socket.'): print('SOCKET', event, file=sys.stderr)\n"
        "sys.addaudithook(refuse)\n"
        "from localart.cli.app import app\n"
        "for line in sys.argv[1:]:\n"
        "    try: app.main(line.split())\n"
        "    except SystemExit as end: assert not end.code, (line, end.code)\n"
    )
    lines = [
        "ls", "ls raw:v0", "show raw", "runs", "lineage raw", "search train", "doctor", "put x.txt -n p/x", "get raw",
        "alias raw good", "tag raw fine", "mv raw fresh", "completion", "init", "--version",
    ]  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-c", script, *lines], capture_output=True, text=True, cwd=workdir,
        env=environment(LOCALART_DIR=str(store)), timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "SOCKET" not in done.stderr


# --- completion -----------------------------------------------------------------------------------------------------


def completed(store: Path, workdir: Path, *words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "localart"], capture_output=True, text=True, cwd=workdir, timeout=60, check=False,
        env=environment(
            LOCALART_DIR=str(store), _LOCALART_COMPLETE="fish_complete", COMP_WORDS=" ".join(["localart", *words]),
            COMP_CWORD=words[-1],
        ),
    )  # fmt: skip
    assert done.stderr == ""
    return [
        line.split("\n")[0].partition(",")[2].split("\t")[0]
        for line in done.stdout.splitlines()
        if "plain" in line
    ]


def completions(store: Path, workdir: Path, *words: str) -> set[str]:
    from click.shell_completion import ShellComplete

    from localart.cli.app import app

    complete = ShellComplete(app, {}, "localart", "_LOCALART_COMPLETE")
    return {item.value for item in complete.get_completions(list(words[:-1]), words[-1])}


def test_the_shell_completes_commands_addresses_runs_and_projects(filled, store, workdir, facts):
    run_ids = {one["id"] for one in facts("runs")["runs"]}

    assert completions(store, workdir, "li") == {"lineage", "link"}
    assert {"raw", "model", "digits/raw", "digits/model"} <= completions(store, workdir, "show", "")
    assert completions(store, workdir, "show", "ra") == {"raw"}
    assert completions(store, workdir, "show", "digits/r") == {"digits/raw"}
    assert completions(store, workdir, "show", "raw:") == {"raw:best", "raw:latest", "raw:v0"}
    assert completions(store, workdir, "show", "run:") == {f"run:{one}" for one in run_ids}
    assert completions(store, workdir, "run", "") == run_ids
    assert completions(store, workdir, "runs", "d") == {"digits"}
    assert completions(store, workdir, "ls", "d") == {"digits", "digits/model", "digits/raw"}
    assert "--json" in completions(store, workdir, "ls", "--j")


@pytest.mark.parametrize("damage", [damage_nothing, *DAMAGES])
def test_completion_never_fails(filled, store, workdir, damage):
    damage(store)

    for word in ("ra", "raw:", "run:", "/", ":", "\x1b", "", "digits/"):
        completions(store, workdir, "show", word)


def test_completion_without_a_store_offers_nothing_and_makes_none(store, workdir):
    assert completions(store, workdir, "show", "x") == set()
    assert not store.exists()


def test_the_shell_s_own_protocol_works(filled, store, workdir):
    assert "raw" in completed(store, workdir, "show", "ra")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_the_exit_code_says_how_it_went_also_when_nobody_can_be_told(filled, store, workdir):
    """Seen to be 120, Python's own, without `settle_stderr`."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "localart", "ls", "nope"], stdout=subprocess.PIPE, stderr=full, cwd=workdir,
            env=environment(LOCALART_DIR=str(store)), timeout=60, check=False,
        )  # fmt: skip

    assert done.returncode == 1
