"""Runs as the library makes them, for tests of the browser's run pages, and ways to wait for what they do."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

import localart
from localart.repository.opening import close_all

PICTURE = [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]]


@contextmanager
def in_store(root):
    """Log into a store of one's own, for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALART_DIR", str(root))
        yield root
    localart.finish()
    close_all()


LOGGER = """
import sys, time, localart
run = localart.init(project="demo", id="live", name="live", job_type="train", config={"lr": 0.1})
print("it begins", flush=True)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "log":
        run.log({"loss": float(rest), "many": float(rest) * 2})
    elif word == "print":
        print(rest)
    elif word == "finish":
        run.finish()
        localart.finish()
    sys.stderr.write("done\\n")
    sys.stderr.flush()
"""


def make_runs(count=6):
    """`count` runs of the project `demo`: number 1 failed, every third is an evaluation, tags on some."""
    for number in range(count):
        try:
            with localart.init(
                project="demo", id=f"r{number}", name=f"run-{number}", job_type="eval" if number % 3 == 2 else "train",
                group=f"g{number // 3}", tags=["gold"] if number == 3 else [],
                config={"lr": 0.1 if number % 2 else 0.01, "model": {"depth": number}},
            ) as run:  # fmt: skip
                for step in range(20):
                    run.log(
                        {
                            "loss": 1.0 / (step + 1) + number,
                            "val/acc": step / 20 + number / 100,
                            "epoch": step,
                        }
                    )
                refuse(number)
        except ValueError:
            pass
    localart.finish()


def refuse(number):
    if number == 1:
        raise ValueError("the loss is not a number")


def make_rich_run():
    """One run with inputs, outputs, media at three steps, files, an alert and a printed line."""
    with localart.init(project="demo", name="source") as run:
        data = localart.Artifact("data", type="dataset")
        with data.new_file("a.txt") as file:
            file.write("content")
        run.log_artifact(data)
    with localart.init(
        project="demo", id="rich", name="rich", job_type="train", notes="first line\nsecond line", tags=["gold"],
        config={"lr": 0.5, "model": {"depth": 3}},
    ) as run:  # fmt: skip
        run.use_artifact("data:latest", use_as="training")
        print("this was printed")
        for step in range(3):
            pictures = [localart.Image(PICTURE, caption=f"picture {n} at {step}") for n in range(2)]
            run.log({"samples": pictures, "loss": 1.0 - step / 10, "acc": step / 10})
        run.log({"weights": localart.Histogram([1, 2, 2, 3, 3, 3])})
        run.log({"table": localart.Table(columns=["name"], data=[["a cell"]])})
        model = localart.Artifact("model", type="model")
        with model.new_file("w.bin") as file:
            file.write("weights")
        run.log_artifact(model)
        run.alert("too slow", "it takes an hour", level="WARN")
    localart.finish()


class Logger:
    """Another process that logs what it is told to."""

    def __init__(self):
        environ = {name: value for name, value in os.environ.items() if name != "LOCALART_CONSOLE"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOGGER],
            env=environ,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self.said = [self.process.stdout.readline()]

    def tell(self, command):
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        while (line := self.process.stderr.readline()) and line != "done\n":
            self.said.append(line)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=20)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


async def until(pilot, condition, seconds=8.0):
    """Wait until something is so; how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it never came to be"
        await pilot.pause(0.02)
    return time.monotonic() - began
