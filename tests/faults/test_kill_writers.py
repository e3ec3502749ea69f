"""Writers that are killed at random moments: what they were told is there, and the next one goes on at once."""

import json
import os
import random
import select
import signal
import time
from collections.abc import Callable

import pytest
from killed_writer import (
    CONTENTS,
    check_acknowledged,
    check_store,
    downloaded,
    log_turn,
    write_until_killed,
)

import localart
from localart.repository.opening import default_repository

LONGEST_LIFE_SECONDS = 0.6
KILLS = int(os.environ.get("LOCALART_TEST_KILLS", "1000"))


def in_child(work: Callable[[int], None]) -> tuple[int, int]:
    """Fork a child that does `work` with the writing end of a pipe; its pid and the reading end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        os.close(reading)
        work(writing)
    except BaseException as error:
        os.write(writing, json.dumps({"kind": "error", "error": repr(error)}).encode() + b"\n")
    finally:
        os._exit(0)


def heard(reading: int, *, until: float | None = None) -> bytes:
    """What comes through the pipe until the time is up, or until the other end closes."""
    parts: list[bytes] = []
    while until is None or time.monotonic() < until:
        wait = None if until is None else max(0.0, until - time.monotonic())
        if not select.select([reading], [], [], wait)[0]:
            break
        part = os.read(reading, 1 << 16)
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def kill_some(seeds: list[int], dice: random.Random) -> list[dict]:
    """Let writers live side by side for random times; what they acknowledged before they were killed."""
    born = [in_child(lambda writing, seed=seed: write_until_killed(seed, writing)) for seed in seeds]
    began, said = time.monotonic(), []
    lives = sorted((dice.uniform(0, LONGEST_LIFE_SECONDS), *child) for child in born)
    for life, pid, reading in lives:  # the pipes of the others hold what they say meanwhile
        words = heard(reading, until=began + life)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        words += heard(reading)
        os.close(reading)
        said += [json.loads(line) for line in words.splitlines(keepends=True) if line.endswith(b"\n")]
    return said


def log_after(seed: int, writing: int) -> None:
    """What the next user does: begin a run and log, at once; and see who has crashed."""
    began = time.monotonic()
    with localart.init(project="kills", id=f"next{seed}") as run:
        log_turn(run, "small", -1 - seed, 0)
        seconds = time.monotonic() - began
        states = {one.id: one.state for one in localart.Api().runs("kills")}
    os.write(writing, json.dumps({"seconds": seconds, "states": states}).encode() + b"\n")
    localart.session.finish_all()
    default_repository().close()


def go_on(seed: int) -> dict:
    pid, reading = in_child(lambda writing: log_after(seed, writing))
    said = json.loads(heard(reading))
    os.waitpid(pid, 0)
    os.close(reading)
    return said


def kill_many(count: int, tmp_path, dice: random.Random, *, writers: int = 1) -> dict[str, float]:
    import localart.api.api
    import localart.artifact
    import localart.operations.log
    import localart.session  # noqa: F401  # what a child would otherwise import after the fork

    acknowledged: list[dict] = []
    killed: set[str] = set()
    slowest = 0.0
    for seed in range(0, count, writers):
        said = kill_some(list(range(seed, seed + writers)), dice)
        assert not [what for what in said if what["kind"] == "error"], said
        acknowledged += said
        killed |= {what["run"] for what in said if what["kind"] == "run"}
        after = go_on(seed)
        slowest = max(slowest, after["seconds"])
        states = after["states"]
        assert states.pop(f"next{seed}") == "running"
        assert {states.pop(run) for run in killed} <= {"crashed"}
        assert set(states.values()) <= {"finished", "crashed"}
    repository = default_repository()
    check_acknowledged(repository, acknowledged)
    check_store(repository)
    check_downloads(acknowledged, tmp_path, dice)
    kinds = [what["kind"] for what in acknowledged]
    figures = {kind: kinds.count(kind) for kind in ("version", "metric", "alias")}
    return {**figures, "slowest": slowest}


def check_downloads(acknowledged: list[dict], tmp_path, dice: random.Random) -> None:
    made = [what for what in acknowledged if what["kind"] == "version"]
    for what in dice.sample(made, min(len(made), 20)):
        version = localart.Api().artifact(f"kills/{what['name']}:v{what['number']}")
        folder = tmp_path / what["name"] / str(what["number"])
        version.download(folder)
        assert downloaded(folder) == CONTENTS[what["name"]](what["seed"], what["turn"])


@pytest.mark.xdist_group("heavy")
def test_a_killed_writer_loses_nothing_it_was_told(tmp_path):
    figures = kill_many(14, tmp_path, random.Random(7), writers=2)

    assert figures["version"] > 0
    assert figures["alias"] > 0
    assert figures["slowest"] < 3  # a second on an idle machine


@pytest.mark.sweep
@pytest.mark.timeout(7200)
def test_a_thousand_kills_of_two_writers(tmp_path):
    figures = kill_many(KILLS, tmp_path, random.Random(int(os.environ.get("SEED", "1"))), writers=2)

    print(
        f"\n{KILLS} kill -9 of 2 writers: {figures['version']} versions, {figures['metric']} metrics and"
        f" {figures['alias']} aliases acknowledged, 0 lost, 0 wrong; the store verifies; slowest next log"
        f" {figures['slowest']:.2f} s"
    )
    assert figures["slowest"] < 1
