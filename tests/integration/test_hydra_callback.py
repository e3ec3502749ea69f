"""A run for each job that Hydra starts."""

import sys
from pathlib import Path
from typing import Any

import pytest

import localart

hydra = pytest.importorskip("hydra")

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore:::hydra")]

CONFIG = """
rate: 0.1
layers: [1, 2]
twice: ${rate}
hydra:
  callbacks:
    localart:
      _target_: localart.integration.hydra.LocalartCallback
      project: demo
"""


def start(monkeypatch: pytest.MonkeyPatch, task: Any, *arguments: str) -> None:
    """Run `task` as Hydra's command line does."""
    folder = Path("conf")
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(CONFIG)
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    hydra.main(version_base=None, config_path=str(folder.absolute()), config_name="config")(task)()


def test_a_job_is_a_run_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    def task(config: Any) -> None:
        with localart.init(project="ignored") as run:
            assert run is localart.run
            run.log({"loss": config.rate})

    start(monkeypatch, task, "rate=0.5")

    (run,) = localart.Api().runs("demo")
    assert run.state == "finished"
    assert run.config == {"rate": 0.5, "layers": [1, 2], "twice": 0.5}
    assert run.summary["loss"] == 0.5


def test_the_jobs_of_a_sweep_share_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    start(monkeypatch, lambda config: None, "-m", "rate=1,2,3")

    runs = list(localart.Api().runs("demo"))
    assert [run.config["rate"] for run in runs] == [1, 2, 3]
    assert len({run.group for run in runs}) == 1
    assert runs[0].group


def test_a_job_that_raises_is_a_run_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def task(config: Any) -> None:
        raise ArithmeticError("the loss exploded")

    with pytest.raises((SystemExit, ArithmeticError)):
        start(monkeypatch, task)

    (run,) = localart.Api().runs("demo")
    assert run.state == "failed"
