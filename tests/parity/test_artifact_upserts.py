"""One version that several runs and processes make together: `upsert_artifact` and `finish_artifact`."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import localart
from localart.operations.prune import execute_prune


def part(path: str, text: str, **named: Any) -> localart.Artifact:
    made = localart.Artifact("shared", type="dataset", **named)
    with made.new_file(path) as file:
        file.write(text)
    return made


def texts(address: str = "demo/shared") -> dict[str, str]:
    logged = localart.Api().artifact(address)
    folder = Path(logged.download())
    return {path: (folder / path).read_text() for path in sorted(logged.manifest.entries)}


def test_nobody_sees_what_is_not_finished(run: localart.Run) -> None:
    added = run.upsert_artifact(part("a", "1"), distributed_id="job")

    assert (added.state, added.is_draft(), added.distributed_id) == ("PENDING", True, "job")
    assert not localart.Api().artifact_exists("demo/shared")
    assert run.logged_artifacts() == []


def test_finishing_makes_one_version_of_all_parts(run: localart.Run) -> None:
    run.upsert_artifact(part("a", "1", metadata={"a": 1, "n": 1}), distributed_id="job", aliases=["seen"])
    run.upsert_artifact(part("b", "2", metadata={"n": 2}), distributed_id="job")

    made = run.finish_artifact(part("c", "3", description="words"), distributed_id="job", aliases=["done"])

    assert (made.name, sorted(made.aliases)) == ("shared:v0", ["done", "latest", "seen"])
    assert (made.metadata, made.description) == ({"a": 1, "n": 2}, "words")
    assert texts() == {"a": "1", "b": "2", "c": "3"}


def test_the_later_part_has_its_way_with_a_path(run: localart.Run) -> None:
    for text in ("first", "second"):
        run.upsert_artifact(part("a", text), distributed_id="job")

    run.finish_artifact(localart.Artifact("shared", "dataset"), distributed_id="job")

    assert texts() == {"a": "second"}


def test_what_is_added_afterwards_begins_the_next_version(run: localart.Run) -> None:
    run.upsert_artifact(part("a", "1"), distributed_id="job")
    run.finish_artifact(part("b", "2"), distributed_id="job")
    run.upsert_artifact(part("c", "3"), distributed_id="job")

    made = run.finish_artifact(part("d", "4"), distributed_id="job")

    assert (made.version, texts()) == ("v1", {"c": "3", "d": "4"})


def test_parts_of_another_id_wait_for_their_own_end(run: localart.Run) -> None:
    run.upsert_artifact(part("a", "1"), distributed_id="other")

    run.finish_artifact(part("b", "2"), distributed_id="job")
    run.finish_artifact(part("c", "3"), distributed_id="other")

    assert (texts("demo/shared:v0"), texts("demo/shared:v1")) == ({"b": "2"}, {"a": "1", "c": "3"})


def test_the_group_is_the_id_and_without_either_there_is_none(run: localart.Run) -> None:
    for call in (run.upsert_artifact, run.finish_artifact):
        with pytest.raises(TypeError, match="group or distributed_id"):
            call(part("a", "1"))
    run.finish()

    with localart.init(project="demo", group="team") as grouped:
        grouped.upsert_artifact(part("a", "1"))
        grouped.finish_artifact(part("b", "2"))

    assert texts() == {"a": "1", "b": "2"}


def test_every_run_that_added_a_part_has_it_as_output() -> None:
    with localart.init(project="demo", id="one") as one:
        one.upsert_artifact(part("a", "1"), distributed_id="job")
    with localart.init(project="demo", id="two") as two:
        two.finish_artifact(part("b", "2"), distributed_id="job")

    for run in (one, two):
        logged = localart.Api().run(f"demo/{run.id}").logged_artifacts()
        assert [version.name for version in logged] == ["shared:v0"]
    assert localart.Api().artifact("demo/shared").logged_by().id == "two"


def test_a_part_is_sealed(run: localart.Run) -> None:
    added = run.upsert_artifact(part("a", "1"), distributed_id="job")

    with pytest.raises(localart.errors.ArtifactFinalizedError), added.new_file("b"):
        pass


def test_a_logged_version_takes_no_parts(run: localart.Run) -> None:
    logged = run.log_artifact(part("a", "1"))

    with pytest.raises(ValueError, match="logged already"):
        run.upsert_artifact(logged, distributed_id="job")


def test_a_part_of_another_type_is_refused(run: localart.Run) -> None:
    run.upsert_artifact(part("a", "1"), distributed_id="job")

    with pytest.raises(ValueError, match="already exists with type 'dataset'"):
        run.upsert_artifact(localart.Artifact("shared", "model"), distributed_id="job")


def test_parts_survive_a_prune(run: localart.Run) -> None:
    added = run.upsert_artifact(part("a", "1" * 100_000), distributed_id="job")

    report = execute_prune(added.draft.repository, trash_seconds=0)
    run.finish_artifact(part("b", "2"), distributed_id="job")

    assert not report.held_by_writers
    assert texts()["a"] == "1" * 100_000


WORKER = """
import localart, os, signal, sys
name = sys.argv[1]
run = localart.init(project="demo", group="team", id=name)
for number in range(3):
    made = localart.Artifact("shared", "dataset")
    with made.new_file(f"{name}/{number}") as file:
        file.write(name)
    run.upsert_artifact(made)
print("added", flush=True)
if name.startswith("dies"):
    os.kill(os.getpid(), signal.SIGKILL)
run.finish()
"""


def test_parts_of_many_processes_are_all_there_also_of_those_that_were_killed() -> None:
    names = ["a", "b", "dies1", "dies2"]
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, name], stdout=subprocess.PIPE, env=dict(os.environ))
        for name in names
    ]
    codes = {name: worker.wait(timeout=120) for name, worker in zip(names, workers, strict=True)}
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.close()

    with localart.init(project="demo", group="team") as last:
        last.finish_artifact(localart.Artifact("shared", "dataset"))

    assert codes == {"a": 0, "b": 0, "dies1": -signal.SIGKILL, "dies2": -signal.SIGKILL}
    assert texts() == {f"{name}/{number}": name for name in names for number in range(3)}
    assert len(localart.Api().runs("demo")) == 5


FINISHER = """
import localart, sys
run = localart.init(project="demo", group="team", id=sys.argv[1])
made = localart.Artifact("shared", "dataset")
with made.new_file(sys.argv[1]) as file:
    file.write("x")
print(run.finish_artifact(made).version)
"""


def test_two_that_finish_at_once_lose_nothing_and_make_no_part_twice(run: localart.Run) -> None:
    for number in range(20):
        run.upsert_artifact(part(f"part{number}", "x"), distributed_id="team")

    finishers = [
        subprocess.Popen([sys.executable, "-c", FINISHER, name], stdout=subprocess.PIPE)
        for name in ("x", "y")
    ]
    versions = sorted(finisher.communicate(timeout=120)[0].split()[-1].decode() for finisher in finishers)

    assert versions == ["v0", "v1"]
    held = [set(texts(f"demo/shared:v{number}")) for number in (0, 1)]
    assert len(held[0] & {f"part{number}" for number in range(20)}) == 20
    assert sorted(map(len, held)) == [1, 21]
