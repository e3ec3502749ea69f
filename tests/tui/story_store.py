"""A small store that tells one story and is the same every time: names, times, numbers and files are fixed."""

import json
import math
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from changed_rows import change_rows

import localart
from localart.repository import opening

STARTED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = STARTED + timedelta(hours=5)
FACTS = {"program": "train.py", "python": "3.12.1", "os": "Linux", "host": "ada"}
DOT = [
    [[230, 230, 230] if (x - 3) ** 2 + (y - 3) ** 2 < 9 else [20, 30, 60] for x in range(8)] for y in range(8)
]


class Clock:
    """Every look at it is seven seconds later."""

    def __init__(self):
        self.moment = STARTED

    def __call__(self):
        self.moment += timedelta(seconds=7)
        return self.moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@contextmanager
def _logging_into(root):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALART_DIR", str(root))
        patch.setattr(opening, "utc_now", Clock())
        yield
        localart.finish()
        opening.close_all()


def make_story(root):
    """Digits are loaded, prepared, learned three times (once in vain) and judged; its folder."""
    with _logging_into(root):
        _load()
        for number in range(2):
            _prepare(number)
        for number, rate in enumerate((0.1, 0.01, 3.0)):
            _train(number, rate)
        _judge()
        _scratch()
    _forget_the_machine(root)
    return root


def _load():
    with localart.init(project="digits", id="load0", name="load", job_type="load-data") as run:
        raw = localart.Artifact("digits-raw", type="dataset", description="Handwritten digits, as they came")
        for part in ("train", "test"):
            with raw.new_file(f"{part}/labels.csv") as file:
                file.write("name,digit\n" + "".join(f"{part}-{n},{n % 10}\n" for n in range(40)))
        with raw.new_file("README.md") as file:
            file.write("# Digits\n\nScanned in 1998. *Mind the sevens.*\n")
        run.log_artifact(raw)


def _prepare(number):
    with localart.init(
        project="digits", id=f"prep{number}", name=f"prepare-{number}", job_type="prepare"
    ) as run:
        run.use_artifact("digits-raw:latest")
        data = localart.Artifact(
            "digits-ready",
            type="dataset",
            metadata={"mean": 0.1307, "size": 28 - 4 * number, "split": {"train": 50_000, "val": 10_000}},
        )
        with data.new_file("train.csv") as file:
            file.write("".join(f"{n},{n * number}\n" for n in range(400)))
        with data.new_file("notes.txt") as file:
            file.write(f"made of digits-raw, size {28 - 4 * number}\n")
        run.log_artifact(data, aliases=["gold"] if number else [])


def _train(number, rate):
    settings = {"rate": rate, "batch": 64, "model": {"layers": [128, 64], "dropout": 0.2}}
    try:
        with localart.init(
            project="digits", id=f"train{number}", name=f"train-{number}", job_type="train", group="first",
            tags=["gold"] if number == 1 else [], notes="the slow one" if number == 1 else None, config=settings,
        ) as run:  # fmt: skip
            run.use_artifact("digits-ready:latest")
            for step in range(200):
                fall = math.exp(-step / (20 + 30 * number))
                run.log(
                    {
                        "loss": 2.3 * fall + 0.05 * math.sin(step / 3),
                        "acc": 1 - 0.9 * fall,
                        "epoch": step // 20,
                    }
                )
            _refuse(rate)
            run.log({"samples": [localart.Image(DOT, caption="a zero")]})
            model = localart.Artifact("digits-net", type="model", metadata={"rate": rate})
            with model.new_file("net.json") as file:
                file.write(json.dumps({"layers": [128, 64], "rate": rate}, indent=1))
            run.log_artifact(model, aliases=["best"] if number == 1 else [])
    except ValueError:
        pass


def _refuse(rate):
    if rate > 1:
        raise ValueError("the loss is not a number")


# The story's failed run shows where it failed: in a script of its own, wherever this checkout lies.
for _step in (_train, _refuse):
    _step.__code__ = _step.__code__.replace(co_filename="/home/ada/digits/train.py")


def _judge():
    with localart.init(project="digits", id="judge0", name="judge", job_type="judge") as run:
        run.use_artifact("digits-net:best")
        run.use_artifact("digits-ready:latest")
        run.log({"test/acc": 0.981, "test/loss": 0.0612})
        report = localart.Artifact("report", type="evaluation")
        with report.new_file("report.txt") as file:
            file.write("accuracy 98.1 %\n")
        run.log_artifact(report)


def _scratch():
    with localart.init(project="scratch", id="try0", name="try", job_type="try") as run:
        table = localart.Artifact("numbers", type="table")
        with table.new_file("numbers.csv") as file:
            file.write("a,b\n1,2\n")
        run.log_artifact(table)


def _forget_the_machine(root):
    """What was noted of this machine would differ on the next."""
    change_rows(root, "UPDATE runs SET facts = ?", json.dumps(FACTS))
