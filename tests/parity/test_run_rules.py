"""W&B's rules for runs: init, config, log, summary and save, as its users rely on them."""

import argparse
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import ConfigError, Error, UsageError


def rows_of(run: localart.Run) -> list[dict[str, Any]]:
    """The run's history as a reader sees it, without clock times."""
    rows = localart.Api().run(run.path).scan_history()
    return [
        {key: value for key, value in row.items() if key not in {"_timestamp", "_runtime"}} for row in rows
    ]


# --- init -----------------------------------------------------------------------------------------------


def test_a_run_without_a_project_is_uncategorized() -> None:
    with localart.init() as run:
        assert run.project == "uncategorized"


@pytest.mark.parametrize("variable", ["WANDB_PROJECT", "LOCALART_PROJECT"])
def test_the_environment_names_the_default_project(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "from-outside")

    with localart.init() as run:
        assert run.project == "from-outside"


@pytest.mark.parametrize("project", ["a/b", "a\\b", "a#b", "a?b", "a%b", "a:b", "..", "p" * 129])
def test_a_project_name_that_could_be_an_address_is_refused(project: str, store: Path) -> None:
    with pytest.raises(UsageError, match="Project name"):
        localart.init(project=project)

    assert not store.exists()


@pytest.mark.parametrize("run_id", ["a:b", "a;b", "a,b", "a#b", "a?b", "a/b", "a'b"])
def test_a_run_id_with_separators_is_refused(run_id: str) -> None:
    with pytest.raises(UsageError, match="Run id"):
        localart.init(id=run_id)


def test_an_unknown_mode_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="mode must be one of"):
        localart.init(mode="sideways")


def test_a_misspelt_argument_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="projcet"):
        localart.init(projcet="demo")  # type: ignore[call-arg]


@pytest.mark.parametrize("mode", ["online", "offline", "shared", "dryrun", "run"])
def test_every_mode_that_keeps_runs_keeps_them_here(mode: str) -> None:
    with localart.init(project="demo", mode=mode) as run:
        run.log({"x": 1})

    assert localart.Api().run(run.path).summary == {"x": 1}


def test_a_run_has_an_id_of_eight_and_a_name_to_say() -> None:
    with localart.init(project="demo") as run:
        assert re.fullmatch(r"[a-z0-9]{8}", run.id)
        assert re.fullmatch(r"[a-z]+-[a-z]+-1", run.name)
        assert (run.entity, run.path, run.url) == ("", f"demo/{run.id}", None)


def test_what_init_is_told_about_the_run_is_kept() -> None:
    with localart.init(
        project="demo",
        id="my-run",
        name="first try",
        notes="a\nb",
        tags=["x", "y"],
        group="g",
        job_type="train",
    ) as run:
        seen = (run.id, run.name, run.notes, run.tags, run.group, run.job_type)

    kept = localart.Api().run("demo/my-run")
    assert seen == ("my-run", "first try", "a\nb", ("x", "y"), "g", "train")
    assert (kept.name, kept.notes, kept.tags, kept.group, kept.job_type) == (
        "first try", "a\nb", ["x", "y"], "g", "train",
    )  # fmt: skip


def test_tags_name_and_notes_may_be_set_later(run: localart.Run) -> None:
    run.tags += ("late",)
    run.name = "renamed"
    run.notes = "seen"

    kept = localart.Api().run(run.path)
    assert (run.tags, kept.tags, kept.name, kept.notes) == (("late",), ["late"], "renamed", "seen")


def test_a_second_init_returns_the_active_run_and_ignores_its_config(run: localart.Run) -> None:
    again = localart.init(project="other", config={"a": 1})

    assert again is run
    assert run.project == "demo"
    assert "a" not in run.config


def test_nested_with_blocks_of_one_run_finish_it_only_at_the_outermost_end() -> None:
    with localart.init(project="demo") as outer:
        with localart.init(project="demo") as inner:
            inner.log({"x": 1})
        outer.log({"x": 2})
        assert localart.run is outer

    assert localart.Api().run(outer.path).state == "finished"
    assert rows_of(outer) == [{"_step": 0, "x": 1}, {"_step": 1, "x": 2}]


def test_an_exception_in_an_inner_block_that_is_caught_leaves_the_run_running() -> None:
    with localart.init(project="demo") as outer:
        with pytest.raises(ZeroDivisionError), localart.init() as inner:
            inner.log({"x": 1 // 0})
        outer.log({"x": 1})

    assert localart.Api().run(outer.path).state == "finished"


def test_finish_previous_ends_the_old_run_and_moves_on(run: localart.Run) -> None:
    fresh = localart.init(project="demo", reinit="finish_previous")

    assert localart.Api().run(run.path).state == "finished"
    assert fresh.id != run.id
    assert localart.run is fresh


def test_create_new_runs_beside_the_active_one(run: localart.Run) -> None:
    beside = localart.init(project="demo", reinit="create_new")

    assert localart.run is run
    assert beside.id != run.id
    beside.finish()
    assert localart.run is run


def test_create_new_never_becomes_the_active_run() -> None:
    with localart.init(project="demo", reinit="create_new"):
        assert localart.run is None


def test_an_unknown_reinit_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="reinit must be one of"):
        localart.init(reinit="often")


# --- the end of a run -----------------------------------------------------------------------------------


def test_leaving_the_block_finishes_the_run() -> None:
    with localart.init(project="demo") as run:
        assert localart.Api().run(run.path).state == "running"

    kept = localart.Api().run(run.path)
    assert (kept.state, kept.record.exit_code, localart.run) == ("finished", 0, None)


def test_an_exception_marks_the_run_as_failed_and_goes_on() -> None:
    with pytest.raises(ZeroDivisionError), localart.init(project="demo") as run:
        _ = 1 // 0

    kept = localart.Api().run(run.path)
    assert (kept.state, kept.record.exit_code, localart.run) == ("failed", 1, None)
    assert "ZeroDivisionError" in (kept.error or "")


def test_an_exit_code_marks_the_run_as_failed() -> None:
    run = localart.init(project="demo")

    localart.finish(exit_code=3)

    kept = localart.Api().run(run.path)
    assert (kept.state, kept.record.exit_code) == ("failed", 3)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda run: run.log({"x": 1}), id="log"),
        pytest.param(lambda run: run.log_artifact(localart.Artifact("a", "t")), id="log_artifact"),
        pytest.param(lambda run: run.use_artifact("a:latest"), id="use_artifact"),
        pytest.param(lambda run: run.save("*.txt"), id="save"),
        pytest.param(lambda run: run.config.update({"new": 1}), id="config.update"),
        pytest.param(lambda run: run.summary.update({"new": 1}), id="summary.update"),
        pytest.param(lambda run: setattr(run, "notes", "late"), id="notes"),
        pytest.param(lambda run: setattr(run, "tags", ("late",)), id="tags"),
    ],
)
def test_a_finished_run_refuses_every_change(change: Any) -> None:
    run = localart.init(project="demo", config={"a": 1})
    run.finish()

    with pytest.raises(UsageError, match="finished"):
        change(run)


def test_a_finished_run_can_be_read_and_finished_again() -> None:
    run = localart.init(project="demo", config={"a": 1}, name="n")
    run.log({"x": 1})
    run.finish()

    run.finish()

    assert (run.name, len(run.id), run.config.a, run.summary["x"]) == ("n", 8, 1, 1)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: localart.log({"x": 1}), id="log"),
        pytest.param(lambda: localart.config.rate, id="config.read"),
        pytest.param(lambda: localart.config["rate"], id="config.item"),
        pytest.param(lambda: localart.config.update({"a": 1}), id="config.update"),
        pytest.param(lambda: setattr(localart.config, "a", 1), id="config.set"),
        pytest.param(lambda: localart.summary.update({"a": 1}), id="summary.update"),
        pytest.param(lambda: localart.summary["a"], id="summary.item"),
        pytest.param(lambda: localart.log_artifact("x"), id="log_artifact"),
        pytest.param(lambda: localart.use_artifact("x"), id="use_artifact"),
        pytest.param(lambda: localart.save("x"), id="save"),
    ],
)
def test_module_level_calls_before_init_say_to_call_init(call: Any) -> None:
    with pytest.raises(Error, match=r"call localart\.init\(\) first"):
        call()


def test_finish_before_init_does_nothing(store: Path) -> None:
    localart.finish()

    assert not store.exists()


# --- disabled ---------------------------------------------------------------------------------------------


def test_a_disabled_run_accepts_everything_and_keeps_nothing(store: Path, workdir: Path) -> None:
    (workdir / "model.bin").write_bytes(b"m")

    with localart.init(project="demo", mode="disabled", config={"rate": 0.1}) as run:
        run.log({"x": 1})
        run.log({"x": 2}, step=7)
        run.config.update({"rate": 0.2})
        run.summary["best"] = 3
        assert run.save("*.bin") == []
        assert run.use_artifact("a:latest") is None
        assert not run.log_artifact("model.bin").wait().anything
        assert (run.config.rate, run.summary["best"], run.step) == (0.2, 3, 7)
        run.alert("title", "text").whatever.comes()

    assert not store.exists()
    assert [path.name for path in workdir.iterdir()] == ["model.bin"]


def test_a_disabled_run_stays_after_its_block_until_the_next_init() -> None:
    with localart.init(project="demo", mode="disabled") as run:
        pass
    assert localart.run is run
    localart.log({"x": 1})

    with localart.init(project="demo") as real:
        assert localart.run is real
        assert not real.disabled


def test_a_disabled_run_hands_the_next_one_no_config() -> None:
    with localart.init(mode="disabled", config={"a": 1}):
        pass

    with localart.init(mode="disabled", config={"b": 2}) as second:
        assert second.config.as_dict() == {"b": 2}


def test_nested_disabled_blocks_share_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")

    with localart.init(config={"a": 1}) as outer, localart.init() as inner:
        assert inner is outer


def test_an_exception_leaves_a_disabled_run_as_it_is() -> None:
    with pytest.raises(KeyError, match="own"), localart.init(mode="disabled"):
        raise KeyError("own")


# --- resume -----------------------------------------------------------------------------------------------


def test_resume_must_needs_a_run_that_is_there() -> None:
    with pytest.raises(UsageError, match="no run 'gone'"):
        localart.init(project="demo", id="gone", resume="must")


def test_an_id_that_is_taken_needs_resume() -> None:
    localart.init(project="demo", id="taken").finish()

    with pytest.raises(UsageError, match="already exists"):
        localart.init(project="demo", id="taken")
    with pytest.raises(UsageError, match="already exists"):
        localart.init(project="demo", id="taken", resume="never")


@pytest.mark.parametrize("resume", ["allow", "must", "auto", True])
def test_a_resumed_run_goes_on_where_it_stopped(resume: Any) -> None:
    with localart.init(project="demo", id="long", config={"a": 1}) as first:
        first.log({"x": 1}, step=4)

    with localart.init(project="demo", id="long", config={"b": 2}, resume=resume) as second:
        assert (second.resumed, second.starting_step) == (True, 5)
        assert (second.config.as_dict(), second.summary["x"]) == ({"a": 1, "b": 2}, 1)
        second.log({"x": 2})

    assert rows_of(second) == [{"_step": 4, "x": 1}, {"_step": 5, "x": 2}]
    assert localart.Api().run("demo/long").state == "finished"


def test_allow_starts_a_run_that_is_not_there() -> None:
    with localart.init(project="demo", id="fresh", resume="allow") as run:
        assert (run.resumed, run.starting_step) == (False, 0)


def test_one_id_may_be_used_in_two_projects() -> None:
    localart.init(project="one", id="same").finish()
    localart.init(project="two", id="same").finish()

    assert localart.Api().run("two/same").project == "two"


# --- config -----------------------------------------------------------------------------------------------


def test_config_reads_as_object_and_as_dictionary() -> None:
    with localart.init(project="demo", config={"a": 1, "b": [2, 3]}) as run:
        config = run.config
        assert (config.a, config["a"], config.get("a"), config.get("z", 9)) == (1, 1, 1, 9)
        assert "a" in config
        assert "z" not in config
        assert (list(config), list(config.keys()), dict(config)) == (
            ["a", "b"],
            ["a", "b"],
            {"a": 1, "b": [2, 3]},
        )
        assert dict(config.items()) == config.as_dict() == dict(**config)


def test_a_missing_config_key_is_an_attribute_or_a_key_error(run: localart.Run) -> None:
    with pytest.raises(AttributeError):
        _ = run.config.missing
    with pytest.raises(KeyError):
        _ = run.config["missing"]
    assert not hasattr(run.config, "missing")


def test_config_has_no_length_and_loses_nothing(run: localart.Run) -> None:
    with pytest.raises(TypeError):
        len(run.config)
    with pytest.raises((TypeError, AttributeError)):
        del run.config["a"]


def test_a_config_value_changes_only_when_allowed(run: localart.Run) -> None:
    run.config.rate = 1
    run.config.rate = 1

    with pytest.raises(ConfigError, match="allow_val_change"):
        run.config.rate = 2
    with pytest.raises(Error):
        run.config.update({"rate": 2})
    assert run.config.rate == 1

    run.config.update({"rate": 2}, allow_val_change=True)
    assert localart.Api().run(run.path).config == {"rate": 2}


def test_init_may_allow_config_values_to_change() -> None:
    with localart.init(project="demo", config={"rate": 1}, allow_val_change=True) as run:
        run.config["rate"] = 2

    assert localart.Api().run(run.path).config == {"rate": 2}


def test_config_values_become_plain() -> None:
    config = {
        "--dashed-": 1, "pair": (1, 2), "count": np.int64(3), "rate": np.float32(0.5), "list": np.arange(3),
        "path": Path("a/b"),
    }  # fmt: skip

    with localart.init(project="demo", config=config) as run:
        assert run.config.as_dict() == {
            "dashed": 1, "pair": [1, 2], "count": 3, "rate": 0.5, "list": [0, 1, 2], "path": "a/b",
        }  # fmt: skip
        assert type(run.config["count"]) is int


def test_a_namespace_is_a_config() -> None:
    with localart.init(project="demo", config=argparse.Namespace(rate=0.1, epochs=2)) as run:
        assert run.config.as_dict() == {"rate": 0.1, "epochs": 2}


def test_a_yaml_file_is_a_config(workdir: Path) -> None:
    pytest.importorskip("yaml")
    (workdir / "config.yaml").write_text("rate:\n  desc: step size\n  value: 0.1\nepochs:\n  value: 2\n")

    with localart.init(project="demo", config="config.yaml") as run:
        assert run.config.as_dict() == {"rate": 0.1, "epochs": 2}


def test_media_are_no_config(run: localart.Run) -> None:
    image = localart.Image(np.zeros((2, 2)))

    with pytest.raises(TypeError, match="Image"):
        run.config.update({"picture": image})


def test_setdefaults_leaves_what_is_set(run: localart.Run) -> None:
    run.config.update({"a": 1})

    run.config.setdefaults({"a": 5, "b": 2})

    assert run.config.as_dict() == {"a": 1, "b": 2}


def test_config_keys_can_be_chosen_at_init() -> None:
    with localart.init(project="demo", config={"a": 1, "b": 2}, config_exclude_keys=["b"]) as run:
        assert run.config.as_dict() == {"a": 1}
    with localart.init(project="demo", config={"a": 1, "b": 2}, config_include_keys=["b"]) as run:
        assert run.config.as_dict() == {"b": 2}


def test_the_module_shows_the_active_runs_config_and_summary(run: localart.Run) -> None:
    localart.config.update({"a": 1})
    localart.summary["score"] = 2

    assert (run.config.a, run.summary["score"], localart.config.a) == (1, 2, 1)


# --- log --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [None, 5, "x", [("a", 1)]])
def test_log_takes_only_a_dictionary(run: localart.Run, data: Any) -> None:
    with pytest.raises(TypeError, match="dict"):
        run.log(data)


def test_log_takes_only_text_as_keys(run: localart.Run) -> None:
    with pytest.raises(TypeError, match="str"):
        run.log({1: 2})  # type: ignore[dict-item]

    assert rows_of(run) == []


def test_each_log_is_the_next_step(run: localart.Run) -> None:
    assert run.step == 0
    run.log({"x": 1})
    run.log({"x": 2})

    assert run.step == 2
    assert rows_of(run) == [{"_step": 0, "x": 1}, {"_step": 1, "x": 2}]


def test_commit_false_gathers_values_into_one_step(run: localart.Run) -> None:
    run.log({"x": 1}, commit=False)
    run.log({"y": 2}, commit=False)
    run.log({"z": 3})

    assert rows_of(run) == [{"_step": 0, "x": 1, "y": 2, "z": 3}]
    assert run.step == 1


def test_a_step_that_is_given_is_the_step(run: localart.Run) -> None:
    run.log({"x": 1}, step=10)
    assert run.step == 10
    run.log({"y": 2}, step=10)
    run.log({"x": 3}, step=25)

    assert rows_of(run) == [{"_step": 10, "x": 1, "y": 2}, {"_step": 25, "x": 3}]


def test_a_step_may_be_a_numpy_integer_but_no_float(run: localart.Run) -> None:
    run.log({"x": 1}, step=np.int64(3))

    with pytest.raises(TypeError):
        run.log({"x": 2}, step=4.5)  # type: ignore[arg-type]
    assert rows_of(run) == [{"_step": 3, "x": 1}]


def test_an_older_step_is_dropped_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LOCALART_SILENT")
    image = localart.Image(np.zeros((2, 2)))

    with localart.init(project="demo") as run:
        run.log({"x": 1}, step=5)
        run.log({"x": 2}, step=4)
        run.log({"picture": image}, step=3)

    assert rows_of(run) == [{"_step": 5, "x": 1}]
    kept = localart.Api().run(run.path)
    assert (dict(kept.summary), list(kept.files())) == ({"x": 1}, [])
    assert capsys.readouterr().err.count("were dropped") == 1


def test_rows_carry_their_step_and_time(run: localart.Run) -> None:
    run.log({"x": 1})

    (row,) = localart.Api().run(run.path).scan_history()
    assert row["_step"] == 0
    assert row["_timestamp"] > 1_600_000_000
    assert 0 <= row["_runtime"] < 60


def test_numbers_of_every_library_are_logged_as_numbers(run: localart.Run) -> None:
    run.log({"a": np.float32(0.5), "b": np.int64(2), "c": np.array(3.0), "d": True, "e": "text", "f": None})

    assert rows_of(run) == [{"_step": 0, "a": 0.5, "b": 2, "c": 3.0, "d": True, "e": "text", "f": None}]


def test_what_is_not_finite_is_logged_as_it_is(run: localart.Run) -> None:
    run.log({"nan": float("nan"), "inf": float("inf"), "low": float("-inf")})

    (row,) = rows_of(run)
    assert row["nan"] != row["nan"]
    assert (row["inf"], row["low"]) == (float("inf"), float("-inf"))


def test_logged_images_appear_in_the_summary(run: localart.Run) -> None:
    red = localart.Image(np.zeros((4, 6, 3), dtype=np.uint8), caption="none")
    blue = localart.Image(np.ones((4, 6, 3), dtype=np.uint8), caption="one")

    run.log({"single": red, "several": [red, blue], "short": [blue]})

    single, several, short = (run.summary[key] for key in ("single", "several", "short"))
    assert (single["_type"], single["width"], single["height"], single["caption"]) == (
        "image-file",
        6,
        4,
        "none",
    )
    assert (several["_type"], several["count"], several["captions"]) == (
        "images/separated",
        2,
        ["none", "one"],
    )
    assert (short["_type"], short["count"]) == ("images/separated", 1)


def test_the_bytes_of_logged_images_are_kept(run: localart.Run) -> None:
    image = localart.Image(np.arange(16, dtype=np.uint8).reshape(4, 4))

    run.log({"picture": image}, step=12)

    reader = localart.Api().run(run.path)
    (row,) = reader.scan_history()
    path = row["picture"]["path"]
    assert re.fullmatch(r"media/images/picture_12_0_[0-9a-f]{20}\.png", path)
    assert reader.read_file(path) == image.data


# --- summary ------------------------------------------------------------------------------------------------


def test_the_summary_is_the_last_value_of_each_key(run: localart.Run) -> None:
    run.log({"x": 1, "y": 1})
    run.log({"x": 2})

    assert dict(run.summary) == {"x": 2, "y": 1}


def test_nested_values_are_nested_in_the_summary(run: localart.Run) -> None:
    run.log({"b": {"c": 1}})

    assert run.summary["b"]["c"] == 1
    assert "b.c" not in run.summary


def test_a_missing_summary_key_is_no_attribute(run: localart.Run) -> None:
    assert not hasattr(run.summary, "x")
    with pytest.raises(KeyError):
        _ = run.summary["x"]


def test_what_the_user_puts_into_the_summary_outlives_the_run() -> None:
    with localart.init(project="demo") as run:
        run.log({"loss": 3.0})
        run.summary["loss"] = 1.0
        run.summary.update({"best": np.float64(2.0), "matrix": [[1, 2], [3, 4]]})

    assert localart.Api().run(run.path).summary == {"loss": 1.0, "best": 2.0, "matrix": [[1, 2], [3, 4]]}


# --- save ---------------------------------------------------------------------------------------------------


def test_save_returns_the_paths_below_the_runs_folder(run: localart.Run, workdir: Path) -> None:
    (workdir / "logs").mkdir()
    for name in ("a.txt", "b.txt", "c.bin"):
        (workdir / "logs" / name).write_text(name)

    saved = run.save("logs/*.txt")

    assert saved == [os.path.join(run.dir, "logs", "a.txt"), os.path.join(run.dir, "logs", "b.txt")]
    assert [Path(path).read_text() for path in saved] == ["a.txt", "b.txt"]
    assert localart.Api().run(run.path).read_file("logs/a.txt") == b"a.txt"


def test_save_of_nothing_saves_nothing(run: localart.Run) -> None:
    assert run.save("*.nothing") == []
    assert run.save("s3://bucket/key") == []
    assert run.save("gs://bucket/key") == []


def test_save_refuses_an_unknown_policy(run: localart.Run) -> None:
    with pytest.raises(ValueError, match="policy must be one of"):
        run.save("*", policy="sometimes")


def test_an_absolute_path_keeps_one_folder_of_its_path(run: localart.Run, workdir: Path) -> None:
    (workdir / "deep" / "er").mkdir(parents=True)
    (workdir / "deep" / "er" / "x.txt").write_text("x")

    assert run.save(workdir / "deep" / "er" / "x.txt") == [os.path.join(run.dir, "er", "x.txt")]
    assert run.save(workdir / "deep" / "er" / "x.txt", base_path=workdir) == [
        os.path.join(run.dir, "deep", "er", "x.txt")
    ]


def test_a_file_named_like_a_pattern_is_saved_when_told_it_is_none(run: localart.Run, workdir: Path) -> None:
    (workdir / "model[1].pth").write_bytes(b"m")

    assert run.save("model[1].pth") == []
    assert run.save("model[1].pth", glob=False) == [os.path.join(run.dir, "model[1].pth")]


def test_a_live_file_is_kept_as_it_is_when_the_run_ends(workdir: Path) -> None:
    (workdir / "log.txt").write_text("early")
    (workdir / "fixed.txt").write_text("early")

    with localart.init(project="demo") as run:
        run.save("log.txt")
        run.save("fixed.txt", policy="now")
        (workdir / "log.txt").write_text("late")
        (workdir / "fixed.txt").write_text("late")

    reader = localart.Api().run(run.path)
    assert (reader.read_file("log.txt"), reader.read_file("fixed.txt")) == (b"late", b"early")


def test_files_written_into_the_runs_folder_are_kept() -> None:
    with localart.init(project="demo") as run:
        (Path(run.dir) / "own.txt").write_text("mine")

    assert localart.Api().run(run.path).read_file("own.txt") == b"mine"
