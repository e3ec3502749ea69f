"""How a run begins: config from everywhere, settings and the environment, resuming, forking, rewinding."""

import json
import os
import signal
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import localart
from localart.errors import ConfigError, NotLocalError, UsageError


def steps_of(run_id: str) -> list[tuple[int, Any]]:
    return [(row["_step"], row["x"]) for row in localart.Api().run(f"demo/{run_id}").scan_history()]


def begin(run_id: str, steps: int = 5, **named: Any) -> localart.Run:
    """A finished run of `steps` steps, x = 10 × step."""
    with localart.init(project="demo", id=run_id, config={"rate": 1}, **named) as run:
        for step in range(steps):
            run.log({"x": 10 * step})
        run.summary["note"] = "by hand"
    return run


# --- forks --------------------------------------------------------------------------------------------------


def test_a_fork_begins_with_the_history_up_to_its_step() -> None:
    begin("origin")

    with localart.init(project="demo", id="fork", fork_from="origin?_step=2", config={"size": 3}) as run:
        assert (run.starting_step, run.resumed) == (3, False)
        assert run.summary["x"] == 20
        run.log({"x": 999})

    assert steps_of("fork") == [(0, 0), (1, 10), (2, 20), (3, 999)]
    assert steps_of("origin") == [(step, 10 * step) for step in range(5)]
    assert run.config.as_dict() == {"rate": 1, "size": 3}
    assert run.facts["forked_from"] == {"run": "origin", "step": 2}


def test_a_fork_has_its_origins_metric_rules() -> None:
    with localart.init(project="demo", id="origin") as origin:
        origin.define_metric("x", summary="max")
        for x in (5, 9, 1):
            origin.log({"x": x})

    with localart.init(project="demo", fork_from="origin?_step=1") as run:
        run.log({"x": 7})
        assert dict(run.summary["x"]) == {"max": 9}


def test_a_fork_of_a_running_run_has_what_it_logged() -> None:
    origin = localart.init(project="demo", id="origin")
    origin.log({"x": 1})

    fork = localart.init(project="demo", id="fork", fork_from="origin?_step=0", reinit="create_new")

    assert steps_of("fork") == [(0, 1)]
    fork.finish()
    origin.finish()


# --- rewinds ------------------------------------------------------------------------------------------------


def test_a_rewound_run_goes_on_from_its_step_and_keeps_what_came_later() -> None:
    begin("long")

    with localart.init(project="demo", resume_from="long?_step=1") as run:
        assert (run.id, run.resumed, run.starting_step) == ("long", True, 2)
        assert run.summary.as_dict() == {"x": 10, "note": "by hand"}
        run.log({"x": 7})

    assert steps_of("long") == [(0, 0), (1, 10), (2, 7)]
    later = localart.Api().run("demo/long").read_file("history-after-1.jsonl")
    assert [json.loads(line)["x"] for line in later.splitlines()] == [20, 30, 40]


def test_rewinding_to_the_end_only_resumes() -> None:
    begin("long")

    localart.init(project="demo", resume_from="long?_step=4").finish()

    assert len(steps_of("long")) == 5
    assert list(localart.Api().run("demo/long").files()) == []


@pytest.mark.parametrize(
    "moment", ["origin", "origin?step=3", "origin?_step=x", "?_step=3", "origin?_step=-1"]
)
@pytest.mark.parametrize("argument", ["fork_from", "resume_from"])
def test_a_moment_that_is_none_is_a_value_error(argument: str, moment: str) -> None:
    with pytest.raises(ValueError, match="is not a moment of a run"):
        localart.init(project="demo", **{argument: moment})


@pytest.mark.parametrize("argument", ["fork_from", "resume_from"])
def test_a_moment_of_no_run_is_refused(argument: str) -> None:
    with pytest.raises(UsageError, match="no run 'gone'"):
        localart.init(project="demo", **{argument: "gone?_step=1"})


def test_resume_fork_and_rewind_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        localart.init(resume="allow", fork_from="a?_step=1")
    with pytest.raises(ValueError, match="exclude each other"):
        localart.init(resume_from="a?_step=1", fork_from="a?_step=1")


def test_a_run_is_no_fork_of_itself() -> None:
    begin("origin")

    with pytest.raises(UsageError, match="already exists"):
        localart.init(project="demo", id="origin", fork_from="origin?_step=1")


# --- resume="auto" --------------------------------------------------------------------------------------------


def killed_auto_run() -> None:
    pid = os.fork()
    if not pid:
        run = localart.init(project="demo", resume="auto", name="auto")
        run.log({"x": 1})
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


def test_auto_takes_up_a_run_that_was_killed_here() -> None:
    killed_auto_run()

    with localart.init(project="demo", resume="auto") as run:
        assert (run.name, run.resumed, run.starting_step) == ("auto", True, 1)


def test_auto_takes_up_a_run_that_failed_here() -> None:
    with pytest.raises(ZeroDivisionError), localart.init(project="demo", resume="auto", id=None) as first:
        _ = 1 // 0

    with localart.init(project="demo", resume=True) as second:
        assert (second.id, second.resumed) == (first.id, True)


def test_auto_begins_anew_after_a_run_that_ended_well() -> None:
    with localart.init(project="demo", resume="auto") as first:
        pass

    with localart.init(project="demo", resume="auto") as second:
        assert (second.id == first.id, second.resumed) == (False, False)


def test_auto_takes_up_nothing_of_another_folder_or_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_auto_run()

    with localart.init(project="other", resume="auto") as run:
        assert not run.resumed
    monkeypatch.chdir(tmp_path)
    with localart.init(project="demo", resume="auto") as run:
        assert not run.resumed


# --- config ---------------------------------------------------------------------------------------------------


def test_config_defaults_are_loaded_and_the_argument_goes_before_them(workdir: Path) -> None:
    pytest.importorskip("yaml")
    (workdir / "config-defaults.yaml").write_text(
        "wandb_version: 1\nrate:\n  value: 0.1\n  desc: x\nsize:\n  value: 8\n"
    )

    with localart.init(project="demo", config={"size": 16}) as run:
        assert run.config.as_dict() == {"rate": 0.1, "size": 16}


def test_config_paths_of_the_environment_are_loaded(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workdir / "a.json").write_text('{"rate": {"value": 0.1}, "size": 1}')
    (workdir / "b.json").write_text('{"size": 2}')
    monkeypatch.setenv("WANDB_CONFIG_PATHS", "a.json,b.json")

    with localart.init(project="demo") as run:
        assert run.config.as_dict() == {"rate": 0.1, "size": 2}


def test_absl_flags_are_config(run: localart.Run) -> None:
    flags = types.SimpleNamespace(flag_values_dict=lambda: {"model": "cnn", "help": None})

    run.config.update(flags)

    assert run.config.as_dict() == {"model": "cnn", "help": None}


def test_an_artifact_in_the_config_counts_as_used() -> None:
    with localart.init(project="demo") as maker:
        data = localart.Artifact("data", "dataset")
        with data.new_file("x") as file:
            file.write("x")
        maker.log_artifact(data)

    artifact = localart.Api().artifact("demo/data:latest")
    with localart.init(project="demo", config={"input": artifact, "rate": 1}) as run:
        assert run.config.input is artifact
        assert run.config["input"].name == "data:latest"
        run.config.update({"again": "wandb-artifact://demo/data:v0"})
        assert run.config.again.name == "data:v0"

    assert [one.name for one in localart.Api().run(run.path).used_artifacts()] == ["data:v0"]
    kept = run.record.config
    assert (kept["rate"], kept["input"]["_type"], kept["input"]["sequenceName"], kept["input"]["usedAs"]) == (
        1, "artifactVersion", "data", "input",
    )  # fmt: skip


def test_a_draft_in_the_config_is_logged_first(run: localart.Run) -> None:
    run.config["model"] = localart.Artifact("model", "model")

    assert run.config.model.version == "v0"
    assert [one.name for one in run.used_artifacts()] == ["model:v0"]


def test_an_artifact_inside_a_config_value_is_refused(run: localart.Run) -> None:
    with pytest.raises(ValueError, match="top-level"):
        run.config.update({"inputs": {"deep": [localart.Artifact("a", "b")]}})
    run.config.update({"a": 1})
    with pytest.raises(ConfigError):
        run.config.update({"a": localart.Artifact("a", "b")})

    assert (run.config.as_dict(), run.used_artifacts()) == ({"a": 1}, [])


# --- settings and the environment ---------------------------------------------------------------------------------


PLACES = [
    ("project", "project", "PROJECT", "project"),
    ("name", "run_name", "NAME", "name"),
    ("notes", "run_notes", "NOTES", "notes"),
    ("group", "run_group", "RUN_GROUP", "group"),
    ("job_type", "run_job_type", "JOB_TYPE", "job_type"),
    ("id", "run_id", "RUN_ID", "id"),
]


@pytest.mark.parametrize(
    ("argument", "setting", "variable", "member"), PLACES, ids=[place[0] for place in PLACES]
)
def test_arguments_go_before_settings_and_settings_before_the_environment(
    argument: str, setting: str, variable: str, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begun(**named: Any) -> str:
        with localart.init(**named) as run:
            value: str = getattr(run, member)
        return value

    monkeypatch.setenv(f"WANDB_{variable}", "by-wandb")
    assert begun() == "by-wandb"
    monkeypatch.setenv(f"LOCALART_{variable}", "by-localart")
    assert begun() == "by-localart"
    assert begun(settings=localart.Settings(**{setting: "by-setting"})) == "by-setting"
    assert begun(settings={setting: "by-setting2"}, **{argument: "by-argument"}) == "by-argument"


@pytest.mark.parametrize("variable", ["WANDB_MODE", "LOCALART_MODE"])
def test_the_environment_disables_runs(variable: str, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setenv(variable, "disabled")

    with localart.init(project="demo") as run:
        assert run.disabled
    assert not store.exists()


def test_wandb_disabled_disables(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setenv("WANDB_DISABLED", "true")

    localart.init(project="demo").finish()

    assert not store.exists()


def test_the_environments_resume_is_no_conflict_with_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    begin("origin")
    monkeypatch.setenv("WANDB_RESUME", "allow")

    with localart.init(project="demo", fork_from="origin?_step=0") as run:
        assert run.starting_step == 1


def test_dir_is_where_the_search_for_a_store_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALART_DIR")
    (tmp_path / ".localart").mkdir()
    (tmp_path / "deep").mkdir()

    with localart.init(project="demo", dir=tmp_path / "deep") as run:
        assert Path(run.dir).is_relative_to(tmp_path / ".localart")


def test_what_means_nothing_here_is_accepted() -> None:
    with localart.init(entity="team", force=True, anonymous="allow", project="demo", save_code=False) as run:
        assert run.entity == ""


@pytest.mark.parametrize("argument", ["sync_tensorboard", "tensorboard", "monitor_gym"])
def test_what_cannot_be_followed_says_the_local_way(argument: str) -> None:
    with pytest.raises(NotLocalError, match="log"):
        localart.init(**{argument: True})


def test_quiet_says_nothing_but_warnings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LOCALART_SILENT")
    monkeypatch.setenv("WANDB_QUIET", "true")

    with localart.init(project="demo") as run:
        run.log({"x": 1}, step=3)
        run.log({"x": 1}, step=1)

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "were dropped" in said[0]


def test_the_script_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/elsewhere/secret-person/train.py", "--token", "x"])

    with localart.init(project="demo") as run:
        assert run.facts["program"] == "train.py"
        assert "argv" not in run.facts
