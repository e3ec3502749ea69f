"""A run as `Api` shows it: facts, history, files and artifacts, and what may be corrected afterwards."""

import math
import os
import subprocess
import sys
import threading
import time
from base64 import b64encode
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

import localart
from localart.api import PublicRun
from localart.errors import CommError, NotLocalError, UnsafeTarget


def fetch(run: Any) -> PublicRun:
    return localart.Api().run(run.path)


@pytest.fixture
def ended() -> PublicRun:
    """A finished run with config, tags, metrics at steps 0 to 9 and one file."""
    with localart.init(
        project="demo", id="one", name="first", job_type="train", group="g", notes="n", tags=["t"],
        config={"lr": 0.1, "opt": {"name": "adam"}},
    ) as run:  # fmt: skip
        for step in range(10):
            run.log({"loss": 1 / (step + 1)} if step % 2 else {"loss": 1 / (step + 1), "acc": step})
        run.summary["best"] = 3
    return localart.Api().run("demo/one")


# --- facts ------------------------------------------------------------------------------------------------


def test_a_run_tells_its_facts(ended: PublicRun) -> None:
    assert (ended.id, ended.name, ended.display_name, ended.state) == ("one", "first", "first", "finished")
    assert (ended.entity, ended.project, ended.path, ended.url) == ("", "demo", ["", "demo", "one"], None)
    assert (ended.job_type, ended.group, ended.notes, ended.description, ended.tags) == (
        "train",
        "g",
        "n",
        "n",
        ["t"],
    )
    assert (ended.config, ended.rawconfig) == ({"lr": 0.1, "opt": {"name": "adam"}},) * 2
    assert (
        ended.json_config
        == '{"lr": {"value": 0.1, "desc": null}, "opt": {"value": {"name": "adam"}, "desc": null}}'
    )
    assert (ended.sweep, ended.sweep_name, ended.read_only, ended.exit_code) == (None, None, False, 0)
    assert ended.created_at <= (ended.finished_at or "") <= ended.heartbeat_at
    assert (ended.lastHistoryStep, ended.historyLineCount, ended.history_line_count) == (9, 10, 10)
    assert set(ended.historyKeys["keys"]) == {"loss", "acc"}
    assert ended.storage_id == ended.uid == ended.record.uid
    assert ended.metadata["python"] == sys.version.split()[0]
    assert repr(ended) == "<Run demo/one (finished)>"


def test_a_run_is_asked_by_camel_case_names_too(ended: PublicRun) -> None:
    assert (ended.createdAt, ended.displayName, ended.jobType) == (ended.created_at, "first", "train")
    assert (ended.summaryMetrics["best"], ended.readOnly, ended.heartbeatAt) == (3, False, ended.heartbeat_at)
    assert ended.attrs["name"] == "one"
    assert ended.snake_to_camel("job_type") == "jobType"
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = ended.nothing_like_it


def test_the_summary_is_read_as_dict_and_by_attribute(ended: PublicRun) -> None:
    assert ended.summary == ended.summary_metrics == {"loss": 0.1, "acc": 8, "best": 3}
    assert (ended.summary.get("best"), ended.summary.best, ended.summary._json_dict["acc"]) == (3, 3, 8)
    assert not hasattr(ended.summary, "none")


def test_the_summary_of_a_running_run_is_nested_as_it_will_be(run: localart.Run) -> None:
    run.log({"a": {"b": 1, "c": {"d": 2}}, "x": 3})

    assert fetch(run).summary == {"a": {"b": 1, "c": {"d": 2}}, "x": 3}
    run.finish()
    assert fetch(run).summary == {"a": {"b": 1, "c": {"d": 2}}, "x": 3}


def test_load_shows_what_happened_since(run: localart.Run) -> None:
    found = fetch(run)
    run.tags = ("late",)
    assert found.tags == []

    attrs = found.load(force=True)

    assert (found.tags, attrs["tags"]) == (["late"], ["late"])
    assert found.load_full_data()["state"] == "running"


def test_a_run_is_shown_as_html_without_what_it_could_inject() -> None:
    with localart.init(project="demo", id="x", name="<script>alert(1)</script>"):
        pass

    html = localart.Api().run("demo/x").to_html()

    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert not localart.Api().run("demo/x").display()


@pytest.mark.parametrize("path", ["one", "demo/one", "me/demo/one", "me/demo/runs/one", "/demo/one/", "demo:one",
                                  "me/demo:one"])  # fmt: skip
def test_a_run_is_found_by_every_spelling_of_its_path(ended: PublicRun, path: str) -> None:
    assert localart.Api().run(path).uid == ended.uid


@pytest.mark.parametrize("path", ["", "demo/", "demo/none", "none/one", "a/b/c/d/e", "\ud800"])
def test_a_path_to_no_run_is_a_comm_error(ended: PublicRun, path: str) -> None:
    with pytest.raises(CommError):
        localart.Api().run(path)


def test_who_ran_where_is_told_and_found_where_it_was_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALART_MACHINE_INFO", "1")
    with localart.init(project="demo", id="noted") as run:
        pass
    found = fetch(run)

    assert found.metadata["host"]
    assert found.user.username == found.username == found.metadata["user"]
    for filters in (
        {"host": found.metadata["host"]},
        {"username": found.username},
        {"python": sys.version.split()[0]},
    ):
        assert [one.id for one in localart.Api().runs("demo", filters=filters)] == ["noted"]
    assert len(localart.Api().runs("demo", filters={"host": "elsewhere"})) == 0


# --- changes ----------------------------------------------------------------------------------------------


def test_update_keeps_what_was_changed_and_only_that(ended: PublicRun) -> None:
    other = localart.Api().run("demo/one")
    ended.name, ended.notes, ended.group, ended.job_type = "renamed", None, "h", "tune"
    ended.tags.append("more")
    ended.config["lr"] = 0.2
    ended.config["opt"]["name"] = "sgd"
    ended.config["new"] = (1, 2)
    ended.summary["acc"] = 99
    ended.update()

    other.config["other"] = True  # fetched before: what the first one changed stays
    other.save()

    now = localart.Api().run("demo/one")
    assert (now.name, now.notes, now.group, now.job_type, now.tags) == (
        "renamed",
        None,
        "h",
        "tune",
        ["more", "t"],
    )
    assert now.config == {"lr": 0.2, "opt": {"name": "sgd"}, "new": [1, 2], "other": True}
    assert now.summary == {"loss": 0.1, "acc": 99, "best": 3}
    assert ended.config == {"lr": 0.2, "opt": {"name": "sgd"}, "new": [1, 2]}


def test_update_takes_keys_away_too(ended: PublicRun) -> None:
    del ended.config["opt"]
    ended.config = {"lr": ended.config["lr"]}
    del ended.summary["best"]
    ended.update()

    now = localart.Api().run("demo/one")
    assert (now.config, now.summary) == ({"lr": 0.1}, {"loss": 0.1, "acc": 8})


def test_summary_update_is_kept_at_once(ended: PublicRun) -> None:
    ended.summary.update({"acc": 1, "deep": {"er": [math.inf]}, " blank ": "x"})
    ended.summary.update({"acc": 2}, overwrite=False)

    assert localart.Api().run("demo/one").summary == {
        "loss": 0.1, "acc": 1, "best": 3, "deep": {"er": [math.inf]}, "blank": "x",
    }  # fmt: skip


def test_correcting_the_summary_of_a_running_run_leaves_its_metrics_alone(run: localart.Run) -> None:
    run.log({"loss": 3})
    found = fetch(run)
    found.summary["note"] = "seen"
    found.summary.update()
    run.log({"loss": 2})

    assert fetch(run).summary == {"loss": 2, "note": "seen"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda run: setattr(run, "name", "a\x1b[2Jb"), id="name"),
        pytest.param(lambda run: setattr(run, "notes", "\0"), id="notes"),
        pytest.param(lambda run: setattr(run, "tags", [""]), id="tags"),
    ],
)
def test_update_refuses_what_init_would_and_changes_nothing(ended: PublicRun, change: Any) -> None:
    ended.group = "other"
    change(ended)

    with pytest.raises(CommError):
        ended.update()

    assert localart.Api().run("demo/one").group == "g"


def test_changes_of_a_run_are_in_the_journal(ended: PublicRun) -> None:
    ended.tags = ["new"]
    ended.config["lr"] = 1
    ended.update()

    rows = (
        localart.Api()
        .repository.read()
        .execute("SELECT kind FROM journal ORDER BY seq DESC LIMIT 2")
        .fetchall()
    )
    assert {kind for (kind,) in rows} == {"run.updated", "run.tagged"}


def test_a_deleted_run_is_gone_and_what_it_made_stays() -> None:
    with localart.init(project="demo", id="gone") as run:
        run.log({"x": 1})
        run.log_artifact(made("kept"))

    found = localart.Api().run("demo/gone")
    found.delete()

    with pytest.raises(CommError, match="No run"):
        localart.Api().run("demo/gone")
    version = localart.Api().artifact("demo/kept:latest")
    assert (version.logged_by(), version.get_entry("a.txt").size) == (None, 4)
    for call in (found.load, found.update, found.delete):
        with pytest.raises(CommError, match="was deleted"):
            call()


def test_a_deleted_run_is_not_found_by_its_words() -> None:
    localart.init(project="demo", id="gone", notes="peculiar words").finish()
    repository = localart.Api().repository

    localart.Api().run("demo/gone").delete()

    find = "SELECT count(*) FROM runs_fts WHERE runs_fts MATCH 'peculiar'"
    assert repository.read().execute(find).fetchone() == (0,)
    with repository.write() as tx:
        tx.execute("INSERT INTO runs_fts(runs_fts) VALUES ('integrity-check')")


def test_a_run_is_deleted_with_the_versions_it_made() -> None:
    with localart.init(project="demo") as first:
        first.log_artifact(made("used"))
    with localart.init(project="demo") as run:
        run.use_artifact("used:latest")
        run.log_artifact(made("gone"), aliases=["best"])

    fetch(run).delete(delete_artifacts=True)

    assert not localart.Api().artifact_exists("demo/gone:best")
    assert not localart.Api().artifact_exists("demo/gone:v0")
    assert localart.Api().artifact("demo/used").used_by() == []


def test_a_run_is_deleted_with_several_versions_of_one_artifact() -> None:
    """Fails when `delete_run` takes versions as they were before the first went: `latest` then points to one."""
    with localart.init(project="demo") as run:
        for content in ("a", "b", "c", "a"):
            run.log_artifact(made("gone", content))

    fetch(run).delete(delete_artifacts=True)

    repository = localart.Api().repository
    assert repository.read().execute("SELECT count(*) FROM aliases").fetchone() == (0,)


def test_a_run_whose_process_lives_is_not_deleted(run: localart.Run) -> None:
    with pytest.raises(CommError, match="still running"):
        fetch(run).delete(delete_artifacts=True)

    run.log({"x": 1})


def test_waiting_ends_with_the_run(run: localart.Run) -> None:
    found = fetch(run)
    threading.Timer(0.5, run.finish).start()
    began = time.monotonic()

    found.wait_until_finished()

    assert (found.state, time.monotonic() - began > 0.3) == ("finished", True)


def test_waiting_ends_with_a_process_that_died(store: Path) -> None:
    code = "import localart, os; localart.init(project='demo', id='dead'); os._exit(9)"
    subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, "LOCALART_DIR": str(store)})
    found = localart.Api().run("demo/dead")

    found.wait_until_finished()

    assert found.state == "crashed"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda run: run.stop(), id="stop"),
        pytest.param(lambda run: run.update_state("failed"), id="update_state"),
        pytest.param(lambda run: run.download_history_exports("x"), id="download_history_exports"),
        pytest.param(lambda run: type(run).create(localart.Api(), state="pending"), id="create"),
    ],
)
def test_what_only_a_server_could_do_with_a_run_names_the_local_way(ended: PublicRun, call: Any) -> None:
    with pytest.raises(NotLocalError) as raised:
        call(ended)

    assert raised.value.hint


# --- history ----------------------------------------------------------------------------------------------


def test_scan_history_streams_every_step(ended: PublicRun) -> None:
    rows = list(ended.scan_history())

    assert [row["_step"] for row in rows] == list(range(10))
    assert (rows[2]["loss"], rows[2]["acc"]) == (1 / 3, 2)
    assert "acc" not in rows[1]
    assert all(row["_runtime"] >= 0 and row["_timestamp"] > 1e9 for row in rows)


@pytest.mark.parametrize("page_size", [1, 3, 1000])
def test_scan_history_takes_pages_of_any_size(ended: PublicRun, page_size: int) -> None:
    assert [row["_step"] for row in ended.scan_history(page_size=page_size)] == list(range(10))
    assert [row["acc"] for row in ended.beta_scan_history(["acc"], page_size)] == [0, 2, 4, 6, 8]


def test_scan_history_can_be_narrowed_to_keys_and_steps(ended: PublicRun) -> None:
    assert list(ended.scan_history(keys=["acc", "_step"], min_step=2, max_step=6)) == [
        {"acc": 2, "_step": 2}, {"acc": 4, "_step": 4},
    ]  # fmt: skip
    assert list(ended.scan_history(keys=["none"])) == []
    assert [row["_step"] for row in ended.scan_history(keys=["_step"], max_step=2)] == [0, 1]


def test_a_scan_begins_anew_with_each_loop_and_goes_on_with_next(ended: PublicRun) -> None:
    scan = ended.scan_history()

    assert (next(scan)["_step"], next(scan)["_step"]) == (0, 1)
    assert len(list(scan)) == len(list(scan)) == 10


@pytest.mark.parametrize("keys", ["loss", [1], {"loss"}])
def test_keys_that_are_no_list_of_texts_are_a_value_error(ended: PublicRun, keys: Any) -> None:
    with pytest.raises(ValueError, match="keys must be a list"):
        ended.scan_history(keys=keys)
    with pytest.raises(ValueError, match="keys must be a list"):
        ended.history(keys=keys)


def test_history_is_an_even_sample_with_both_ends(ended: PublicRun) -> None:
    assert [row["_step"] for row in ended.history(samples=4, pandas=False)] == [0, 3, 6, 9]
    assert [row["_step"] for row in ended.history(pandas=False)] == list(range(10))
    assert [row["_step"] for row in ended.history(samples=1, pandas=False)] == [0]
    with pytest.raises(CommError, match="samples"):
        ended.history(samples=0)


def test_history_of_keys_has_the_x_axis_first_and_only_whole_rows(ended: PublicRun) -> None:
    assert ended.history(keys=["acc"], samples=2, pandas=False) == [
        {"_step": 0, "acc": 0},
        {"_step": 8, "acc": 8},
    ]
    rows = ended.history(keys=["loss"], x_axis="acc", pandas=False)
    assert [list(row) for row in rows] == [["acc", "loss"]] * 5


def test_history_is_a_data_frame_where_pandas_is_and_a_list_with_a_word_where_not(
    ended: PublicRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Frames:
        class DataFrame:
            @staticmethod
            def from_records(rows: list[dict[str, Any]]) -> tuple[str, int]:
                return "frame", len(rows)

    monkeypatch.setitem(sys.modules, "pandas", Frames)
    assert ended.history() == ("frame", 10)

    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delenv("LOCALART_SILENT")
    assert len(ended.history()) == 10
    assert "pandas is not installed" in capsys.readouterr().err


def test_history_keeps_nan_and_text(run: localart.Run) -> None:
    run.log({"x": math.nan, "word": "w", "flag": True})

    (row,) = fetch(run).history(pandas=False)

    assert math.isnan(row["x"])
    assert (row["word"], row["flag"]) == ("w", True)
    assert fetch(run).history(stream="system", pandas=False) == []


def test_histories_of_many_runs_lie_one_after_another() -> None:
    for number in range(2):
        with localart.init(project="demo", id=f"r{number}") as run:
            run.log({"x": number})

    rows = localart.Api().runs("demo").histories(keys=["x"])

    assert rows == [{"_step": 0, "x": 0, "run_id": "r0"}, {"_step": 0, "x": 1, "run_id": "r1"}]
    with pytest.raises(CommError, match="format"):
        localart.Api().runs("demo").histories(format="excel")


# --- files ------------------------------------------------------------------------------------------------


@pytest.fixture
def with_files(ended: PublicRun, workdir: Path) -> PublicRun:
    """The ended run with notes.md and sub/data.json, uploaded after it ended."""
    (workdir / "sub").mkdir()
    (workdir / "notes.md").write_text("words")
    (workdir / "sub" / "data.json").write_text("{}")
    for path in ("notes.md", "sub/data.json"):
        ended.upload_file(path)
    return ended


def test_files_are_listed_by_name_or_pattern(with_files: PublicRun) -> None:
    assert [file.name for file in with_files.files()] == ["notes.md", "sub/data.json"]
    assert (len(with_files.files()), with_files.files()[1].name) == (2, "sub/data.json")
    assert [file.name for file in with_files.files(names=["notes.md", "none"])] == ["notes.md"]
    assert [file.name for file in with_files.files(pattern="%.json")] == ["sub/data.json"]
    with pytest.raises(ValueError, match="not by both"):
        with_files.files(names=["a"], pattern="b")


def test_a_file_tells_its_facts(with_files: PublicRun) -> None:
    file = with_files.file("notes.md")

    assert (file.name, file.size, file.sizeBytes, file.url, file.direct_url) == ("notes.md", 5, 5, None, None)
    assert (with_files.file("sub/data.json").mimetype, file.path_uri) == ("application/json", "")
    assert file.md5 == b64encode(md5(b"words").digest()).decode()
    assert len(file.digest) == 64
    assert file.updated_at > with_files.created_at
    assert file.read() == with_files.read_file("notes.md") == b"words"
    assert repr(file).startswith("<File notes.md (text/")
    with pytest.raises(CommError, match="has no file 'none'"):
        with_files.file("none")


def test_a_file_is_downloaded_and_opened(with_files: PublicRun, tmp_path: Path) -> None:
    file = with_files.file("sub/data.json")

    with file.download(root=str(tmp_path)) as opened:
        assert opened.read() == "{}"

    assert (tmp_path / "sub" / "data.json").read_text() == "{}"


def test_a_file_in_the_way_is_kept_unless_it_may_be_replaced(with_files: PublicRun, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("mine")
    file = with_files.file("notes.md")

    with pytest.raises(ValueError, match="is there already"):
        file.download(str(tmp_path))
    with file.download(str(tmp_path), exist_ok=True) as kept:
        assert kept.read() == "mine"
    with file.download(str(tmp_path), replace=True) as replaced:
        assert replaced.read() == "words"


def test_a_download_never_leaves_the_folder_through_a_link(with_files: PublicRun, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "sub").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(UnsafeTarget):
        with_files.file("sub/data.json").download(str(tmp_path / "to"))

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_is_uploaded_below_the_root_it_is_told(ended: PublicRun, workdir: Path) -> None:
    (workdir / "a").mkdir()
    (workdir / "a" / "b.txt").write_text("b")

    assert ended.upload_file("a/b.txt", root="a").name == "b.txt"
    assert ended.upload_file(str(workdir / "a" / "b.txt"), root="..").name == "work/a/b.txt"
    with pytest.raises(CommError, match="leaves"):
        ended.upload_file("a/b.txt", root="a/c")
    with pytest.raises(ValueError, match="not exist"):
        ended.upload_file("none.txt")


def test_a_deleted_file_is_gone_from_the_run(with_files: PublicRun) -> None:
    file = with_files.file("notes.md")

    file.delete()

    assert [one.name for one in with_files.files()] == ["sub/data.json"]
    with pytest.raises(CommError, match="has no file"):
        file.delete()


def test_console_logs_are_the_lines_that_were_kept(ended: PublicRun, workdir: Path) -> None:
    assert list(ended.console_logs()) == []
    (workdir / "output.log").write_text("one\ntwo\nthree\n")
    ended.upload_file("output.log")

    assert [(line.number, line.content) for line in ended.console_logs(last=2)] == [(1, "two"), (2, "three")]


# --- artifacts --------------------------------------------------------------------------------------------


def made(name: str, content: str = "data") -> localart.Artifact:
    artifact = localart.Artifact(name, type="dataset")
    with artifact.new_file("a.txt", "w") as file:
        file.write(content)
    return artifact


def test_an_ended_run_may_still_use_and_log_versions(ended: PublicRun) -> None:
    with localart.init(project="demo") as run:
        run.log_artifact(made("late"))
    version = localart.Api().artifact("demo/late")

    ended.use_artifact(version)
    ended.log_artifact(version, aliases=["best"], tags=["t"])

    assert (
        [one.name for one in ended.used_artifacts()]
        == [one.name for one in ended.logged_artifacts()]
        == ["late:v0"]
    )
    assert (len(ended.used_artifacts()), ended.used_artifacts()[0].name) == (1, "late:v0")
    assert {"best", "latest"} <= set(version.aliases)
    assert [one.id for one in localart.Api().artifact("demo/late:best").used_by()] == ["one"]


def test_only_logged_versions_of_the_same_project_are_accepted(ended: PublicRun) -> None:
    with localart.init(project="other") as run:
        run.log_artifact(made("far"))

    with pytest.raises(ValueError, match="not in project 'demo'"):
        ended.log_artifact(localart.Api().artifact("other/far"))
    with pytest.raises(ValueError, match="not logged yet"):
        ended.use_artifact(made("draft"))
    with pytest.raises(TypeError, match="takes an Artifact"):
        ended.use_artifact("other/far:latest")  # type: ignore[arg-type]


def test_who_made_and_used_a_version_are_public_runs(ended: PublicRun) -> None:
    with localart.init(project="demo", config={"a": 1}) as run:
        version = run.log_artifact(made("data"))
        ended.use_artifact(version)

    producer = version.logged_by()
    assert (type(producer), producer.id, producer.config) == (PublicRun, run.id, {"a": 1})
    assert [type(one) for one in version.used_by()] == [PublicRun]
