"""A run that has logged `ds:v0`, and a folder to add."""

from pathlib import Path

import pytest

import localart
from localart import Artifact


@pytest.fixture
def run():
    run = localart.init(project="p")
    artifact = Artifact("ds", "dataset")
    Path("x").write_text("x")
    artifact.add_file("x")
    run.log_artifact(artifact, aliases=["best"])
    return run


@pytest.fixture
def folder(workdir):
    (workdir / "data" / "sub").mkdir(parents=True)
    (workdir / "data" / "a.txt").write_text("a")
    (workdir / "data" / "sub" / "b.txt").write_text("b")
    return workdir / "data"
