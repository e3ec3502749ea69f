"""Two processes find the same dead run: the one that comes too late leaves whoever took it up alone."""

import os
import subprocess
import sys

import pytest

import localart
from localart.catalog import lock as lock_module
from localart.catalog.tail import iter_tails

HEIR = """
import os, sys, localart
run = localart.init(project="p", id="r", resume="must")
run.log({"x": 2})
print("logging", flush=True)
sys.stdin.readline()
run.finish()
"""


@pytest.fixture
def dead_run():
    """A run whose process was gone before it finished."""
    pid = os.fork()
    if not pid:
        localart.init(project="p", id="r").log({"x": 1})
        os._exit(0)
    os.waitpid(pid, 0)


@pytest.fixture
def heir():
    """A process that takes the run up when it is started."""
    started = []

    def start():
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen([sys.executable, "-c", HEIR], **pipes)
        started.append(process)
        assert process.stdout.readline() == "logging\n"
        return process

    yield start
    for process in started:
        process.communicate("")


def test_a_run_that_was_taken_up_meanwhile_is_not_marked_as_crashed(dead_run, heir, monkeypatch, store):
    """Seen to fail when `mark_crashed` does not ask whether the lock it got is still the one in place."""
    alive = []
    real = lock_module.fcntl.flock

    def flock(fd, how):
        if "/locks/run-" in os.readlink(f"/proc/self/fd/{fd}") and not alive:
            alive.append(heir())  # it marks the run, removes the lock that is open here, and makes its own
        real(fd, how)

    monkeypatch.setattr(lock_module.fcntl, "flock", flock)
    run = localart.Api().run("p/r")

    assert alive
    assert run.state == "running"
    assert list(iter_tails(store, run.record.uid))
    alive[0].communicate("\n")
    assert [row["x"] for row in localart.Api().run("p/r").scan_history()] == [1, 2]
    assert localart.Api().run("p/r").state == "finished"
