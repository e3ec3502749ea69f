"""The module: its names, its calls before `init`, what only a server could do, and how type checkers see it."""

import subprocess
import sys
from pathlib import Path

import pytest

import localart
from localart.errors import Error, NotLocalError, UnsupportedError

_NAMES = """
AlertLevel Api Artifact ArtifactTTL Audio AuthenticationError Classes CommError Config Error Histogram Html Image
JoinedTable Molecule NotLocalError Object3D Plotly Run Settings Table UnsupportedError UsageError Video __version__
agent alert attach box3d config controller define_metric errors finish finish_artifact init join launch link_artifact
link_model log log_artifact log_code log_model login mark_preempting pin_config_keys plot plot_table require restore
run save setup summary sweep teardown termerror termlog termwarn unwatch upsert_artifact use_artifact use_model watch
"""
NAMES = _NAMES.split()


@pytest.mark.parametrize("name", NAMES)
def test_the_module_has(name: str) -> None:
    assert hasattr(localart, name)
    assert name in dir(localart)


def test_a_name_there_is_not_is_an_attribute_error() -> None:
    assert not hasattr(localart, "initialise")


@pytest.mark.parametrize(
    "name", ["AuthenticationError", "CommError", "Error", "UnsupportedError", "UsageError"]
)
def test_errors_of_wandbs_names_are_caught_as_error(name: str) -> None:
    assert issubclass(getattr(localart.errors, name), localart.errors.Error)


BEFORE_INIT = {
    "alert": ("t", "x"), "define_metric": ("x",), "finish_artifact": ("x",), "link_artifact": ("x", "y"),
    "link_model": ("x", "y"), "log": ({},), "log_artifact": ("x",), "log_code": (), "log_model": ("x",),
    "mark_preempting": (), "pin_config_keys": (), "save": ("x",), "unwatch": (), "upsert_artifact": ("x",),
    "use_artifact": ("x",), "use_model": ("x",), "watch": (object(),),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BEFORE_INIT))
def test_before_init_a_call_says_to_call_init(name: str) -> None:
    with pytest.raises(Error, match=rf"localart\.{name} needs a run"):
        getattr(localart, name)(*BEFORE_INIT[name])


NOT_LOCAL = (
    "EvalTable", "Graph", "agent", "attach", "controller", "launch", "launch_add", "sagemaker_auth", "sweep",
    "visualize",
)  # fmt: skip


@pytest.mark.parametrize("name", NOT_LOCAL)
def test_what_only_a_server_could_do_names_the_local_way(name: str) -> None:
    with pytest.raises(NotLocalError) as caught:
        getattr(localart, name)({"method": "random"}, project="demo")

    assert caught.value.hint


def test_what_needs_no_run_does_nothing_without_one(store: Path) -> None:
    localart.finish()
    localart.join()
    localart.teardown()
    localart.setup()

    assert localart.login(key="x") is True
    assert not store.exists()


def test_teardown_finishes_every_run() -> None:
    first = localart.init(project="demo")
    second = localart.init(project="demo", reinit="create_new")

    localart.teardown()

    states = {one.id: one.state for one in localart.Api().runs("demo")}
    assert (states, localart.run) == ({first.id: "finished", second.id: "finished"}, None)


def test_features_wandb_had_to_be_asked_for_are_accepted() -> None:
    localart.require("core")
    localart.require(["service", "core"])
    with pytest.raises(UnsupportedError, match="no feature 'magic'"):
        localart.require("magic")


def test_lines_of_the_users_own_are_said_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LOCALART_SILENT")

    localart.termlog("one\ntwo")
    localart.termwarn("three", repeat=False)
    localart.termwarn("three", repeat=False)
    localart.termerror("four")

    assert capsys.readouterr().err.splitlines() == [
        "localart: one", "localart: two", "localart: warning: three", "localart: error: four",
    ]  # fmt: skip


def test_module_calls_reach_the_active_run(run: localart.Run, workdir: Path) -> None:
    (workdir / "train.py").write_text("x = 1")
    metric = localart.define_metric("loss", summary="min")
    localart.log({"loss": 2})
    localart.alert("t", "x")
    localart.mark_preempting()
    localart.pin_config_keys(["a"])
    localart.unwatch()
    code = localart.log_code()
    localart.save("train.py")
    file = localart.restore("train.py")

    assert (metric.summary, dict(localart.summary["loss"])) == (("min",), {"min": 2})
    assert code is not None
    assert file is not None
    with file:
        assert file.read() == "x = 1"


USER_SCRIPT = """
import localart
import localart as wandb


def train(rate: float) -> None:
    with wandb.init(project="demo", config={"rate": rate}, tags=["a"], settings=wandb.Settings(console="off")) as run:
        run.define_metric("val/*", summary="min", step_metric="epoch")
        for epoch in range(3):
            run.log({"epoch": epoch, "loss": 1.0 / (epoch + 1)}, commit=True)
        run.summary["best"] = 0.5
        rate = run.config["rate"] + run.config.rate
        artifact = wandb.Artifact("model", type="model", metadata={"rate": rate})
        with artifact.new_file("weights.bin", mode="wb") as file:
            file.write(b"x")
        logged = run.log_artifact(artifact, aliases=["best"])
        used = run.use_artifact("model:best")
        folder: str = used.download()
        run.alert("done", folder, level=wandb.AlertLevel.INFO, wait_duration=3)
        run.tags = (*run.tags, "b")
        steps: int = run.step
        name: str = logged.name + run.name + str(steps)
        run.log_model(folder, name=name)
    wandb.log({"x": 1})
    table = wandb.Table(columns=["a"], data=[[1]])
    wandb.log({"t": table, "h": wandb.Histogram([1, 2, 3])})
    if wandb.run is not None:
        wandb.run.finish(exit_code=0)
    try:
        wandb.Api().artifact("x:latest")
    except wandb.errors.CommError as error:
        print(error)
    localart.finish()
"""


def test_a_users_script_is_well_typed(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "script.py").write_text(USER_SCRIPT)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-incremental",
        "--follow-imports=silent",
        "script.py",
    ]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
