"""What is done when the process is at its end counts as well: in `atexit`, and in threads that outlive the main one."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

import localart

LARGE = random.Random(5).randbytes(700_000)

WITHOUT_FINISH = """
import os, sys, localart
run = localart.init(project="p")
open(os.path.join(run.dir, "notes.txt"), "w").write("kept")
os.link("large", os.path.join(run.dir, "large.bin"))
"""

WORK = """
import atexit, os, sys, threading, localart
run = localart.init(project="p")
def work():
    artifact = localart.Artifact("late", "dataset")
    artifact.add_file("large")
    for number in range(40):
        with artifact.new_file(str(number)) as file:
            file.write(str(number) * 9_000)
    run.log_artifact(artifact)
    again = localart.Api().artifact("p/late:v0").download("out")
    assert open("out/large", "rb").read() == open("large", "rb").read()
    run.finish()
"""
ENDS = {
    "atexit": "atexit.register(work)",
    "thread": "threading.Thread(target=lambda: (threading.main_thread().join(), work())).start()",
    "warm-thread": "work_before = localart.Artifact('early', 'dataset'); work_before.add_file('large');"
    "run.log_artifact(work_before); threading.Thread(target=lambda: (threading.main_thread().join(), work())).start()",
}


@pytest.fixture(autouse=True)
def large(workdir: Path) -> None:
    (workdir / "large").write_bytes(LARGE)


def run_to_its_end(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_large_files_of_a_run_that_nobody_finished_are_kept() -> None:
    """Seen to fail when `Workers.submit` needs a pool: the run was taken for crashed, and its files were not kept."""
    run_to_its_end(WITHOUT_FINISH)

    (run,) = localart.Api().runs("p")
    assert run.state == "finished"
    assert {"notes.txt", "large.bin"} <= {file.name for file in run.files()}


@pytest.mark.parametrize("end", ENDS)
def test_a_version_can_be_logged_and_read_at_the_end_of_the_process(end: str) -> None:
    """Seen to fail when `Workers.submit` needs a pool: Python refused with an error of its own."""
    run_to_its_end(WORK + ENDS[end])

    (run,) = localart.Api().runs("p")
    assert run.state == "finished"
    root = Path(localart.Api().artifact("p/late:v0").download("again"))
    assert (root / "large").read_bytes() == LARGE
    assert (root / "7").read_text() == "7" * 9_000
