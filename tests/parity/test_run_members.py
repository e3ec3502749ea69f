"""Every public member of W&B's `Run` is there, and does or says what a local run can."""

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import localart
from localart.catalog import runs as run_rows
from localart.errors import CommError, UsageError
from localart.repository.opening import default_repository

_MEMBERS = """
alert config config_static define_metric dir disabled display entity finish finish_artifact group id job_type
link_artifact link_model log log_artifact log_code log_model mark_preempting name notes offline path pin_config_keys
project project_url restore resumed save settings start_time starting_step status step summary sweep_id sweep_url
sync_dir tags to_html unwatch upsert_artifact url use_artifact use_model watch write_logs
"""
MEMBERS = _MEMBERS.split()
CHANGES: dict[str, Any] = {
    "alert": lambda run: run.alert("t", "x"),
    "define_metric": lambda run: run.define_metric("x"),
    "finish_artifact": lambda run: run.finish_artifact(localart.Artifact("a", "b"), distributed_id="d"),
    "link_artifact": lambda run: run.link_artifact(localart.Artifact("a", "b"), "c"),
    "link_model": lambda run: run.link_model("x", "y"),
    "log_code": lambda run: run.log_code(),
    "log_model": lambda run: run.log_model("x"),
    "mark_preempting": lambda run: run.mark_preempting(),
    "name": lambda run: setattr(run, "name", "x"),
    "pin_config_keys": lambda run: run.pin_config_keys(["a"]),
    "status": lambda run: run.status(),
    "upsert_artifact": lambda run: run.upsert_artifact(localart.Artifact("a", "b"), distributed_id="d"),
    "use_model": lambda run: run.use_model("x:latest"),
    "watch": lambda run: run.watch(object()),
    "write_logs": lambda run: run.write_logs("x"),
}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_run_has_every_member_of_wandbs(run: localart.Run, member: str) -> None:
    assert hasattr(run, member)


@pytest.mark.parametrize("member", MEMBERS)
def test_a_disabled_run_has_every_member_of_wandbs(member: str) -> None:
    with localart.init(mode="disabled") as run:
        assert hasattr(run, member)


def test_what_a_server_would_know_is_none(run: localart.Run) -> None:
    told = (run.url, run.project_url, run.sweep_id, run.sweep_url, run.get_url(), run.get_project_url())

    assert told == (None,) * 6
    assert (run.entity, run.offline, run.disabled, run.project_name()) == ("", True, False, "demo")


def test_a_run_knows_when_it_began_and_where_its_files_go(run: localart.Run) -> None:
    assert isinstance(run.start_time, float)
    assert run.start_time > 1_600_000_000
    assert Path(run.dir).is_dir()
    assert Path(run.dir).parent == Path(run.sync_dir)


def test_group_and_job_type_are_empty_texts_when_not_given() -> None:
    with localart.init(project="demo") as run:
        assert (run.group, run.job_type) == ("", "")


def test_config_static_is_a_picture_of_the_config(run: localart.Run) -> None:
    run.config.update({"a": 1})
    static = run.config_static
    run.config.update({"a": 2}, allow_val_change=True)

    assert static.a == 1
    with pytest.raises(AttributeError, match="read-only"):
        static.a = 3


def test_nothing_waits_to_be_sent(run: localart.Run) -> None:
    status = run.status()

    assert (status.sync_items_total, status.sync_items_pending, status.sync_time) == (0, 0, None)


@pytest.mark.parametrize("member", sorted(CHANGES))
def test_a_finished_run_refuses(member: str) -> None:
    run = localart.init(project="demo")
    run.finish()

    with pytest.raises(UsageError, match="finished"):
        CHANGES[member](run)


def test_join_is_finish() -> None:
    run = localart.init(project="demo")
    run.join()

    assert localart.Api().run(run.path).state == "finished"


def test_what_is_noted_of_a_run_is_among_its_facts(run: localart.Run) -> None:
    run.mark_preempting()
    run.pin_config_keys(["rate", "size"])

    assert run.facts["preempting"] is True
    assert run.facts["pinned_config_keys"] == ["rate", "size"]
    assert run.facts["python"]


# --- alerts -----------------------------------------------------------------------------------------------


def alerts_of(run: localart.Run) -> list[tuple[str, str, str]]:
    kept = run_rows.run_alerts(default_repository().read(), run.record.key)
    return [(alert.level, alert.title, alert.text) for alert in kept]


def test_alerts_are_kept_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LOCALART_SILENT")
    with localart.init(project="demo") as run:
        run.alert("Loss is NaN", "at step 3\n", level="ERROR")
        run.alert("low", "accuracy", level=localart.AlertLevel.WARN, wait_duration=timedelta(minutes=5))

    assert alerts_of(run) == [("ERROR", "Loss is NaN", "at step 3\n"), ("WARN", "low", "accuracy")]
    said = capsys.readouterr().err
    assert "alert ERROR: Loss is NaN: at step 3\\n" in said
    assert "alert WARN: low: accuracy" in said


def test_an_alert_of_one_title_waits_its_time(run: localart.Run) -> None:
    run.alert("same", "one")
    run.alert("same", "two")
    run.alert("other", "three", wait_duration=0.0001)
    run.alert("other", "four")

    assert [text for _, _, text in alerts_of(run)] == ["one", "three", "four"]


def test_a_bad_alert_is_refused(run: localart.Run) -> None:
    with pytest.raises(ValueError, match="level must be one of"):
        run.alert("a", "b", level="BAD")
    with pytest.raises(TypeError, match="wait_duration must be"):
        run.alert("a", "b", wait_duration="x")  # type: ignore[arg-type]

    assert alerts_of(run) == []


# --- in a notebook ------------------------------------------------------------------------------------------


def test_html_shows_config_and_summary_and_escapes_them(run: localart.Run) -> None:
    run.config.update({"<b>": "<script>alert(1)</script>"})
    run.log({"loss": 0.5})

    html = run.to_html()

    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "loss" in html
    assert "<details open>" in html
    assert "<details>" in run.to_html(hidden=True)
    assert run._repr_html_() == html
    assert run.display() is False


# --- restore ------------------------------------------------------------------------------------------------


def test_a_saved_file_is_restored_from_another_run(workdir: Path, tmp_path: Path) -> None:
    (workdir / "deep").mkdir()
    (workdir / "deep" / "notes.txt").write_text("first")
    with localart.init(project="demo", id="source") as source:
        source.save("deep/*.txt")

    with localart.init(project="demo") as run:
        file = run.restore("deep/notes.txt", run_path="demo/source", root=tmp_path)
        assert file is not None
        with file:
            assert file.read() == "first"
    assert (tmp_path / "deep" / "notes.txt").read_text() == "first"


def test_a_restored_file_is_replaced_only_when_asked(workdir: Path, tmp_path: Path) -> None:
    (workdir / "x.txt").write_text("kept")
    with localart.init(project="demo", id="source") as run:
        run.save("x.txt")
    (tmp_path / "x.txt").write_text("mine")

    def restored(*, replace: bool) -> str:
        file = localart.restore("x.txt", run_path="demo/source", root=tmp_path, replace=replace)
        assert file is not None
        with file:
            return file.read()

    assert restored(replace=False) == "mine"
    assert restored(replace=True) == "kept"


def test_restoring_what_is_not_there_is_none_or_says_why(run: localart.Run) -> None:
    assert run.restore("nothing.txt") is None
    with pytest.raises(CommError, match="no run 'demo/gone'"):
        run.restore("x", run_path="demo/gone")


def test_restore_before_init_needs_a_run_path() -> None:
    with pytest.raises(ValueError, match="run_path required"):
        localart.restore("x")


# --- code ---------------------------------------------------------------------------------------------------


def write_code(folder: Path) -> None:
    for name in ("train.py", "lib/model.py", "requirements.txt", "data.csv", ".venv/x.py", "wandb/y.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_log_code_keeps_the_source_files(run: localart.Run, workdir: Path) -> None:
    write_code(workdir)

    code = run.log_code()

    assert code is not None
    assert (code.type, sorted(code.manifest.entries)) == (
        "code",
        ["lib/model.py", "requirements.txt", "train.py"],
    )
    assert code.name.startswith("source-demo-")
    assert [one.name for one in run.logged_artifacts()] == [code.name]


def test_log_code_takes_what_its_filters_take(run: localart.Run, workdir: Path) -> None:
    write_code(workdir)

    code = run.log_code(
        workdir,
        name="mine",
        include_fn=lambda path: path.endswith((".csv", ".py")),
        exclude_fn=lambda path, root: Path(path).relative_to(root).parts[0] == "lib",
    )

    assert code is not None
    assert (code.name, sorted(code.manifest.entries)) == (
        "mine:v0",
        [".venv/x.py", "data.csv", "train.py"],
    )


def test_log_code_of_a_folder_without_code_is_none(run: localart.Run, tmp_path: Path) -> None:
    assert run.log_code(str(tmp_path)) is None
    assert run.logged_artifacts() == []


# --- settings -----------------------------------------------------------------------------------------------


def test_settings_take_wandbs_names_and_no_others() -> None:
    settings = localart.Settings(init_timeout=120, _disable_stats=True, console="off", start_method="thread")
    settings.mode = "offline"

    assert (settings.init_timeout, settings.console, settings.mode, settings.project) == (
        120, "off", "offline", None,
    )  # fmt: skip
    assert copy.copy(settings) == settings
    with pytest.raises(ValueError, match="no setting 'projcet'"):
        localart.Settings(projcet="x")
    with pytest.raises(ValueError, match="mode must be one of"):
        localart.Settings(mode="sideways")
    with pytest.raises(ValueError, match="no setting"):
        localart.init(settings={"nope": 1})
    with pytest.raises(AttributeError):
        _ = settings.nope


def test_a_run_shows_its_settings() -> None:
    with localart.init(project="demo", settings={"run_notes": "from settings"}) as run:
        assert run.settings.run_notes == "from settings"
        assert run.notes == "from settings"
