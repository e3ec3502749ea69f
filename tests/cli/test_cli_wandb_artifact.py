"""`localart artifact …`, `pull` and `status`: what W&B's command line does and a folder can do too."""

import os
from pathlib import Path

import pytest

import localart
from localart.repository.opening import close_all

pytestmark = pytest.mark.usefixtures("filled")


@pytest.fixture
def tree(workdir: Path) -> Path:
    (workdir / "data").mkdir()
    (workdir / "data" / "x.txt").write_text("x")
    return workdir / "data"


# --- put, get and ls ------------------------------------------------------------------------------------


def test_put_takes_w_and_b_s_whole_command_line(cli, facts, tree):
    result = cli(
        "artifact", "put", "--name", "me/digits/set", "--description", "words", "--type", "model", "--alias", "latest",
        "--alias", "v2.0", "--policy", "immutable", "--skip_cache", "./data",
    )  # fmt: skip

    assert result.stdout == "digits/set:v0\n"
    said = facts("show", "digits/set:v2.0")
    assert (said["type"], said["description"], said["aliases"]) == ("model", "words", ["latest", "v2.0"])
    assert said["made_by"]["job_type"] == "cli_put"


def test_put_is_the_same_command_under_both_names(cli, facts, tree):
    assert cli("put", "data", "-n", "set").stdout == cli("artifact", "put", "data", "-n", "set").stdout
    assert facts("artifact", "put", "data", "-n", "set")["is_new"] is False


def test_put_logs_in_the_run_it_is_told(cli, facts, tree):
    with localart.init(project="digits", id="mine", name="my run", config={"a": 1}, job_type="load") as run:
        run.log({"x": 1})
    close_all()

    cli("artifact", "put", "data", "-n", "digits/set", "--id", "mine")

    said = facts("run", "mine")
    assert [one["address"] for one in said["outputs"]] == ["digits/set:v0"]
    assert (said["name"], said["config"], said["summary"], said["state"]) == (
        "my run",
        {"a": 1},
        {"x": 1},
        "finished",
    )
    cli("put", "data", "-n", "digits/other", "--id", "fresh")
    assert facts("run", "fresh")["state"] == "finished"
    assert "Run id" in cli("put", "data", "-n", "digits/set", "--id", "a/b", code=2).stderr


def test_put_resume_begins_a_new_run_when_the_last_one_ended_well(cli, facts, tree):
    cli("artifact", "put", "data", "-n", "digits/set", "--resume")
    cli("artifact", "put", "data", "-n", "digits/set", "--resume")

    assert len(facts("runs", "digits", "--job-type", "cli_put")["runs"]) == 2


def test_put_refuses_a_policy_there_is_not(cli, tree):
    assert "policy" in cli("artifact", "put", "data", "-n", "set", "--policy", "rubber", code=2).stderr


def test_get_can_insist_on_a_type(cli, workdir, talkative):
    assert "2 files written" in cli("artifact", "get", "me/digits/raw:v0", "--type", "dataset").stderr
    assert "has type 'dataset', not 'model'" in cli("get", "digits/raw", "--type", "model", code=1).stderr
    assert cli("artifact", "get", "digits/raw", "--root", "there").stdout == f"{workdir / 'there'}\n"


def test_ls_takes_w_and_b_s_entity_and_project(cli, facts):
    said = facts("artifact", "ls", "anyone/digits")

    assert said == facts("ls", "digits")
    assert [
        one["artifact"] for one in facts("artifact", "ls", "anyone/digits", "--type", "model")["artifacts"]
    ] == ["model"]
    assert [one["version"] for one in facts("artifact", "ls", "digits/raw")["versions"]] == ["v0"]
    assert "No artifact 'none'" in cli("ls", "digits/none", code=1).stderr
    assert "No artifact 'digits' in project 'digits'" in cli("ls", "digits/digits", code=1).stderr


def test_artifact_alone_lists_its_commands(cli):
    text = cli("artifact", "--help").stdout

    for name in ("put", "get", "ls", "cache"):
        assert f"\n  {name} " in text
    assert "There is no such" not in cli("artifact", "frob", code=2).stdout


# --- cache ----------------------------------------------------------------------------------------------


def test_cache_cleanup_forgets_what_is_only_remembered(cli, facts, tree, home):
    os.utime(tree / "x.txt", (1e9, 1e9))
    cli("put", "data", "-n", "set")
    close_all()
    before = facts("artifact", "cache", "cleanup", "10GB")
    (cache,) = (home / "cache").iterdir()
    assert (before["freed_bytes"], before["before_bytes"]) == (0, cache.stat().st_size)

    said = facts("artifact", "cache", "cleanup", "0")

    assert said["before_bytes"] - said["after_bytes"] == said["freed_bytes"] >= 0
    assert facts("put", "data", "-n", "set")["is_new"] is False
    assert "freed 0 B" in cli("artifact", "cache", "cleanup", "1GiB", "--remove-temp").stdout


def test_cache_cleanup_never_touches_an_artifact(cli, facts):
    before = facts("sql", "SELECT count(*), sum(stored_bytes) FROM frames")

    cli("artifact", "cache", "cleanup", "--remove-temp", "0")

    assert facts("sql", "SELECT count(*), sum(stored_bytes) FROM frames") == before
    assert facts("get", "digits/raw")["written_files"] == 2


@pytest.mark.parametrize("size", ["", "many", "-5", "5XB", "1e9", "10 G B", "9" * 30])
def test_a_size_that_is_none_is_refused(cli, size):
    assert "is no size" in cli("artifact", "cache", "cleanup", "--", size, code=2).stderr


@pytest.mark.parametrize(
    ("size", "count"),
    [("0", 0), ("500MB", 500_000_000), ("1.5 kb", 1500), ("10GiB", 10 << 30), ("2T", 2 * 10**12), ("7", 7)],
)
def test_sizes_are_read_as_people_write_them(size, count):
    from localart.cli.commands.artifact import _bytes_of

    assert _bytes_of(size) == count


# --- pull -----------------------------------------------------------------------------------------------


@pytest.fixture
def kept(workdir: Path) -> None:
    (workdir / "sub").mkdir()
    (workdir / "sub" / "notes.md").write_text("words")
    with localart.init(project="digits", id="keeper", settings=localart.Settings(console="off")) as run:
        run.save("sub/notes.md", policy="now")
    close_all()


def test_pull_brings_the_files_of_a_run(cli, facts, kept, tmp_path, talkative):
    said = facts("pull", "digits/keeper", "--root", str(tmp_path / "to"))

    assert (said["run"], said["root"], said["kept_files"]) == ("digits/keeper", str(tmp_path / "to"), 0)
    assert said["written_files"] >= 1
    assert (tmp_path / "to" / "sub" / "notes.md").read_text() == "words"
    (tmp_path / "to" / "sub" / "notes.md").write_text("other")
    again = cli("pull", "keeper", "-p", "digits", "-e", "me", "--root", str(tmp_path / "to"))
    assert "1 file written (5 B)" in again.stderr
    assert again.stdout == f"{tmp_path / 'to'}\n"
    assert (tmp_path / "to" / "sub" / "notes.md").read_text() == "words"


def test_pull_of_a_run_that_is_not_there_fails(cli):
    assert "No run 'none'" in cli("pull", "none", code=1).stderr
    assert "No run 'keeper' in project 'other'" in cli("pull", "keeper", "-p", "other", code=1).stderr


# --- status ---------------------------------------------------------------------------------------------


def test_status_says_which_store_and_settings_apply(cli, facts, store, workdir, monkeypatch):
    monkeypatch.setenv("WANDB_PROJECT", "from-outside")
    monkeypatch.setenv("WANDB_MODE", "disabled")

    said = facts("status")

    assert (said["store"], said["exists"], said["project"], said["mode"]) == (
        str(store),
        True,
        "from-outside",
        "disabled",
    )
    assert said["artifact_folder"] == str(workdir / "artifacts")
    text = cli("status", "--settings").stdout
    assert str(store) in text
    assert "exists           yes" in text
    assert facts("status", "--store", str(workdir / "none"))["exists"] is False
