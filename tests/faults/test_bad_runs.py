"""Runs, metrics and settings that cannot be right, and runs in forked processes."""

import os
from pathlib import Path

import pytest
from refusals import holding_itself, nested, refused, rows, stable_id

import localart
from localart import Artifact
from localart.errors import (
    BlobMissing,
    InvalidMetadata,
    InvalidName,
    SourceMissing,
    UsageError,
)

# --- runs ------------------------------------------------------------------------------------------

BAD_INIT = [
    ({"project": "a/b"}, UsageError, "Project name"),
    ({"project": ".."}, UsageError, "Project name"),
    ({"project": "\ud800"}, UsageError, "Project name"),
    ({"project": 5}, TypeError, "project must be a str"),
    ({"id": "a/b"}, UsageError, "Run id"),
    ({"id": " "}, UsageError, "Run id"),
    ({"id": "a "}, UsageError, "outer spaces"),
    ({"id": 5}, TypeError, "run id"),
    ({"name": "\n"}, InvalidName, "Run name"),
    ({"name": 5}, TypeError, "Run name"),
    ({"group": "\x1b[31m"}, InvalidName, "Group"),
    ({"job_type": "\u202e"}, InvalidName, "Job type"),
    ({"tags": ["\ud800"]}, InvalidName, "Tag"),
    ({"tags": [5]}, TypeError, "tag must be a str"),
    ({"tags": 5}, TypeError, "not iterable"),
    ({"config": 5}, TypeError, "config must be a dict"),
    ({"config": {1: 2}}, TypeError, "config key '1' must be a str"),
    ({"config": {"\ud800": 1}}, InvalidMetadata, "Config key"),
    ({"config": {"--": 1}}, UsageError, "has no name"),
    ({"config": holding_itself()}, InvalidMetadata, "holds itself"),
    ({"config": nested(70)}, InvalidMetadata, "deeper"),
    ({"config": "nowhere.yaml"}, SourceMissing, "does not exist"),
    ({"config": {"x": object()}}, TypeError, "config.x"),
    ({"config": {"x": "y" * (65 << 20)}}, InvalidMetadata, "bytes as JSON, and 67,108,864 are allowed"),
    ({"mode": "quantum"}, ValueError, "mode must be one of"),
    ({"mode": 5}, ValueError, "mode must be one of"),
    ({"resume": "maybe"}, ValueError, "resume must be one of"),
    ({"resume": 5}, ValueError, "resume must be one of"),
    ({"id": "nope", "resume": "must"}, UsageError, "There is no run 'nope'"),
]


@pytest.mark.parametrize(("given", "kind", "said"), BAD_INIT, ids=[stable_id(one[0]) for one in BAD_INIT])
def test_a_run_that_cannot_be_right_is_not_begun_and_ends_no_other(store, run, given, kind, said):
    named = {"project": "p"} | given

    for reinit in ("create_new", "finish_previous"):
        if "must" not in given.values() or reinit == "create_new":
            with refused(kind, store, match=said):
                localart.init(**named, reinit=reinit)
            assert localart.run is run
    assert not list((store / "tmp").iterdir())
    assert len(list((store / "locks").glob("run-*"))) == 1
    run.log({"still": 1})


@pytest.mark.parametrize("reinit", ["sometimes", 5])
def test_an_unknown_reinit_is_refused(store, run, reinit):
    with refused(ValueError, store, match="reinit must be one of"):
        localart.init(reinit=reinit)


def test_a_bad_run_id_from_the_environment_is_refused_too(store, run, monkeypatch):
    monkeypatch.setenv("WANDB_RUN_ID", "a/b")

    with refused(UsageError, store, match="Run id 'a/b'"):
        localart.init(reinit="create_new")


@pytest.mark.parametrize(
    ("name", "value"), [("name", "\ud800"), ("name", 5), ("tags", ["\n"]), ("tags", [5])]
)
def test_a_bad_change_of_a_run_changes_nothing(store, run, name, value):
    before = getattr(run, name)

    with refused((InvalidName, TypeError), store):
        setattr(run, name, value)

    assert getattr(run, name) == before
    run.tags = "one tag, lr=0.1"
    assert run.tags == ("one tag, lr=0.1",)


def test_a_finished_run_takes_nothing(store, run):
    run.finish()

    for act in (
        lambda: run.log({"a": 1}),
        lambda: run.log_artifact(Artifact("new", "dataset")),
        lambda: run.use_artifact("ds:v0"),
        lambda: run.save("x"),
        lambda: run.config.update({"a": 1}),
        lambda: run.summary.update({"a": 1}),
        lambda: setattr(run, "name", "x"),
        lambda: setattr(run, "tags", ["x"]),
    ):
        with refused(UsageError, store, match=f"Run {run.id} is finished") as caught:
            act()
        assert caught.value.hint == "start one with init()"
    run.finish()


# --- metrics, config, summary ----------------------------------------------------------------------

BAD_VALUES = [
    ({"\ud800": 1}, InvalidName, "Metric name"),
    ({"a\0": 1}, InvalidName, "Metric name"),
    ({"k" * 1025: 1}, InvalidName, "longer than 1024"),
    ({5: 1}, TypeError, "must be str, not int"),
    ({b"a": 1}, TypeError, "must be str, not bytes"),
    ({"a": {"\ud800": 1}}, InvalidName, "Metric name"),
    ({"a": {b"b": 1}}, TypeError, "has a key of type bytes"),
    ({"a": {"x" * 600: {"y" * 600: 1}}}, InvalidName, "longer"),
    ({"a": {1: 1, "1": 2}}, InvalidMetadata, "two keys that both become '1'"),
    ({"a": holding_itself()}, InvalidMetadata, "deeper than 64"),
    (nested(70), InvalidMetadata, "deeper than 64"),
    ({"a": "\ud800"}, InvalidMetadata, "'a' holds half"),
    ({"a": b"\xff"}, InvalidMetadata, "not UTF-8"),
    ({"a": 1 << 5000}, InvalidMetadata, "more than 4096 bits"),
    ({"a": object()}, TypeError, "is of type object"),
    ({"a": "y" * (65 << 20)}, InvalidMetadata, "are allowed"),
    (None, TypeError, "takes a dict"),
    ([1], TypeError, "takes a dict"),
]


@pytest.mark.parametrize(("values", "kind", "said"), BAD_VALUES, ids=range(len(BAD_VALUES)))
def test_a_bad_metric_logs_nothing_of_its_step(store, run, values, kind, said):
    run.log({"good": 1})
    if isinstance(values, dict):
        values = {"before": 1, **values, "after": 2}

    with refused(kind, store, match=said):
        run.log(values)

    assert run.step == 1
    assert dict(run.summary) == {"good": 1}
    run.log({"good": 2})
    run.finish()
    assert [row["good"] for row in localart.Api().run(f"p/{run.id}").scan_history()] == [1, 2]


@pytest.mark.parametrize("step", [1.5, 2.0, "5", b"1", float("nan"), [1], 1 << 53 | 1, 1 << 63, 1 << 80])
def test_a_step_that_is_no_whole_number_logs_nothing(store, run, step):
    run.log({"good": 1})

    with refused((TypeError, ValueError), store):
        run.log({"good": 2}, step=step)

    assert run.step == 1


def test_pictures_beside_a_bad_value_or_an_old_step_are_not_kept(store, run):
    numpy = pytest.importorskip("numpy")
    image = localart.Image(numpy.zeros((4, 4), dtype="uint8"))
    run.log({"good": 1}, step=5)

    with refused(InvalidMetadata, store):
        run.log({"picture": image, "bad": 1 << 5000})
    before = rows(store)
    run.log({"picture": image}, step=4)

    assert rows(store) == before


@pytest.mark.parametrize(
    "number", [1 << 62, 1 << 63, -(1 << 63) - 1, 10**400, 5e-324, float("inf"), float("-inf")]
)
def test_any_number_comes_back_as_it_was(run, number):
    run.log({"n": number})
    run.config["n"] = number
    run.summary["s"] = number
    run.finish()

    kept = localart.Api().run(f"p/{run.id}")

    assert [row["n"] for row in kept.scan_history()] == [number]
    assert (kept.config["n"], kept.summary["n"], kept.summary["s"]) == (number, number, number)


@pytest.mark.parametrize(
    ("value", "kind"),
    [({"\ud800": 1}, InvalidMetadata), ({"a": holding_itself()}, InvalidMetadata), ({"a": object()}, TypeError),
     ({"a": "\ud800"}, InvalidMetadata), ({5: 1}, TypeError), ({"a": "y" * (65 << 20)}, InvalidMetadata)],
)  # fmt: skip
def test_a_bad_value_changes_neither_config_nor_summary(store, run, value, kind):
    run.config["kept"] = run.summary["kept"] = 1

    with refused(kind, store):
        run.config.update(value)
    with refused(kind, store):
        run.summary.update(value)

    assert (dict(run.config), dict(run.summary)) == ({"kept": 1}, {"kept": 1})


def test_a_run_whose_values_are_too_large_together_does_not_stop_others(run):
    for key in ("a", "b"):
        run.log({key: "y" * (40 << 20)})

    with pytest.raises(InvalidMetadata, match="are allowed"):
        run.finish()
    del run.summary["b"]
    run.finish()

    assert localart.Api().run(f"p/{run.id}").state == "finished"


# --- files of a run --------------------------------------------------------------------------------


def test_a_file_that_cannot_be_kept_does_not_keep_the_run_from_ending(run, capsys, monkeypatch):
    monkeypatch.setattr(run._reporter, "_silent", False)
    folder = Path(run.dir)
    (folder / "good").write_text("good")
    (folder / "bad\nname").write_text("bad")

    run.finish()

    assert [file.name for file in localart.Api().run(f"p/{run.id}").files()] == ["good"]
    assert (folder / "bad\nname").read_text() == "bad"
    assert "was not kept: Path 'bad\\nname' holds the invisible character" in capsys.readouterr().err


def test_saving_a_path_outside_its_base_keeps_none_of_the_files(store, run, folder):
    with refused(InvalidName, store, match="leaves the artifact"):
        run.save(f"{folder.parent}/**", base_path=folder)
    with refused(ValueError, store, match="policy must be one of"):
        run.save("x", policy="never")


# --- what the environment says ---------------------------------------------------------------------


def test_a_disabled_run_takes_anything_and_keeps_nothing(home, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.setenv("LOCALART_DIR", str(home / "untouched"))

    with localart.init(project="a/b", id="\ud800") as run:
        run.log({"\ud800": object()})
        run.log_artifact("nowhere").wait()
        assert run.use_artifact("nope") is None
        run.define_metric("\ud800", summary="min")
        assert not hasattr(run, "anything")
    localart.finish()

    assert not (home / "untouched").exists()


def test_silence_is_kept_and_talk_is_escaped(capsys, monkeypatch):
    monkeypatch.setenv("LOCALART_SILENT", "")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with localart.init(project="p"):
        pass
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("WANDB_SILENT", "false")

    with localart.init(project="p", name="plain"):
        pass

    said = capsys.readouterr()
    assert said.out == ""
    assert all(line.startswith("localart: ") for line in said.err.splitlines())


def test_the_environment_names_project_run_and_labels(monkeypatch):
    for name, value in {
        "WANDB_PROJECT": "theirs", "LOCALART_NAME": "a name", "WANDB_RUN_GROUP": "g", "WANDB_JOB_TYPE": "j",
        "WANDB_TAGS": "a, lr=0.1 ,", "WANDB_NOTES": "n", "WANDB_RUN_ID": "given",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    run = localart.init()

    assert (run.project, run.name, run.group, run.job_type, run.notes, run.id) == (
        "theirs", "a name", "g", "j", "n", "given",
    )  # fmt: skip
    assert run.tags == ("a", "lr=0.1")


# --- forked processes ------------------------------------------------------------------------------


def in_child(act):
    """What `act()` returns in a forked child, or the error it raises there, as text."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            said = repr(act())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with open(read) as file:
        said = file.read()
    os.waitpid(pid, 0)
    return said


def test_a_draft_made_before_a_fork_is_refused_in_the_child_and_logged_by_the_parent(run):
    artifact = Artifact("forked", "dataset")
    Path("y").write_text("y")
    artifact.add_file("y")

    said = in_child(lambda: run.log_artifact(artifact).version)
    run.log_artifact(artifact)

    assert said.startswith("BlobMissing: The content of 'y' was added, but is not in the store")
    assert "add it again" in said
    assert Path(artifact.download(), "y").read_text() == "y"


def test_only_what_is_lost_has_to_be_added_again(run):
    """Seen to fail without `publish` in `_lost_content`: what had no rows yet was called lost too."""
    artifact = Artifact("forked", "dataset")
    Path("y").write_text("y")
    artifact.add_file("y")

    def complete():
        Path("z").write_text("z")
        artifact.add_file("z")
        with pytest.raises(BlobMissing, match="The content of 'y' was added, but is not in the store"):
            run.log_artifact(artifact)
        artifact.add_file("y", overwrite=True)
        return run.log_artifact(artifact).version

    assert in_child(complete) == "'v0'"
    root = Path(run.use_artifact("forked").download())
    assert {path.name: path.read_text() for path in root.iterdir()} == {"y": "y", "z": "z"}


def test_a_draft_can_be_completed_and_logged_in_the_child(run):
    artifact = Artifact("forked", "dataset")
    Path("y").write_text("y")
    artifact.add_file("y")

    def again():
        artifact.add_file("y", overwrite=True)
        artifact.add_file("x")
        return run.log_artifact(artifact).version

    assert in_child(again) == "'v0'"
    assert Path(run.use_artifact("forked").download(), "y").read_text() == "y"


def test_a_run_used_in_a_child_is_still_its_parents_to_end(run):
    def work():
        run.log({"child": 1}, step=10)
        used = run.use_artifact("ds:v0").download()
        with run:
            run.config["child"] = True
        run.finish()
        return os.path.exists(f"{used}/x")

    said = in_child(work)

    api = localart.Api()
    assert said == "True"
    assert api.run(f"p/{run.id}").state == "running"
    run.log({"parent": 2}, step=11)
    run.finish()
    assert api.run(f"p/{run.id}").state == "finished"
    assert [row["_step"] for row in api.run(f"p/{run.id}").scan_history()] == [10, 11]


def test_a_child_begins_runs_of_its_own(run):
    def work():
        with pytest.raises(localart.Error):
            localart.log({"a": 1})
        with localart.init(project="p", id="child") as own:
            own.log_artifact("x", name="from-child", type="dataset")
        return localart.run

    assert in_child(work) == "None"
    assert localart.Api().run("p/child").state == "finished"
    assert localart.Api().artifact("p/from-child").logged_by().id == "child"
