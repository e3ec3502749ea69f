"""`log` is fast and keeps its word: what it returned for is there after SIGKILL, a fork, a full disk."""

import os
import random
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import localart
from localart.errors import StoreError
from localart.repository.opening import default_repository

LOGGER = """
import os, sys, localart
run = localart.init(project="p", id=sys.argv[1])
step = 0
while True:
    run.log({"x": step, "y": step / 4, "text": str(step)})
    os.write(1, step.to_bytes(8, "little"))
    step += 1
"""


def start_logger(run_id: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", LOGGER, run_id], stdout=subprocess.PIPE)


def steps_of(run_id: str) -> list[int]:
    rows = list(localart.Api().run(f"p/{run_id}").scan_history())
    assert all(row["x"] == row["_step"] == 4 * row["y"] == int(row["text"]) for row in rows)
    return [row["_step"] for row in rows]


def kill_after(logger: subprocess.Popen[bytes], seconds: float) -> int:
    """Kill the logger so long after its first step; the last step it was told is kept."""
    assert logger.stdout is not None
    fd = logger.stdout.fileno()
    heard = os.read(fd, 8)
    until = time.monotonic() + seconds
    while time.monotonic() < until and select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
        heard = (heard + os.read(fd, 1 << 16))[-16:]
    logger.kill()
    logger.wait()
    while rest := os.read(fd, 1 << 16):
        heard = (heard + rest)[-16:]
    logger.stdout.close()
    whole = len(heard) // 8 * 8  # pipes keep the order, and 8 bytes are written at once
    return int(struct.unpack("<Q", heard[whole - 8 : whole])[0])


@pytest.mark.parametrize("seed", range(4))
def test_every_step_that_was_acknowledged_survives_sigkill(seed: int, store: Path) -> None:
    """Seen to fail when `Tail.append` writes several records together, later."""
    logger = start_logger(f"killed{seed}")

    last = kill_after(logger, random.Random(seed).uniform(0, 1.3))

    steps = steps_of(f"killed{seed}")
    assert steps == list(range(len(steps)))
    assert steps[-1] in {last, last + 1}  # the very last may have been written and not said
    run = localart.Api().run(f"p/killed{seed}")
    assert (run.state, run.summary["x"]) == ("crashed", steps[-1])
    assert list(store.glob("tmp/*/*.tail")) == []


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(100, 160))
def test_sigkill_at_any_moment_loses_nothing(seed: int, store: Path) -> None:
    test_every_step_that_was_acknowledged_survives_sigkill(seed, store)


def test_a_killed_run_is_resumed_after_its_last_step() -> None:
    """Seen to fail when `Tail.append` writes several records together, later."""
    last = kill_after(start_logger("again"), 0.2)

    with localart.init(project="p", id="again", resume="must") as run:
        assert run.starting_step in {last + 1, last + 2}
        assert run.summary["x"] == run.starting_step - 1


def test_recovering_twice_changes_nothing(store: Path) -> None:
    """Seen to fail when `Tail.append` writes several records together, later."""
    last = kill_after(start_logger("twice"), 0.1)
    kept = {path: path.read_bytes() for path in store.glob("tmp/*/*.tail")}
    assert kept
    first = steps_of("twice")

    for path, content in kept.items():
        path.write_bytes(content)
    localart.init(project="p", id="twice", resume="must").finish()

    assert steps_of("twice") == first
    assert first[-1] >= last


def test_what_was_logged_is_read_at_once_in_this_process() -> None:
    """Seen to fail without the recorder's place in `before_reading`."""
    with localart.init(project="p", id="own") as run:
        for step in range(5):
            run.log({"x": step})
            assert [row["x"] for row in localart.Api().run("p/own").scan_history()] == list(range(step + 1))


def test_what_was_logged_is_read_in_another_process_within_a_second() -> None:
    code = "import localart; print([row['x'] for row in localart.Api().run('p/seen').scan_history()])"
    with localart.init(project="p", id="seen") as run:
        run.log({"x": 1})
        run.log({"x": 2})
        time.sleep(1.0)
        seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert seen.stdout == "[1, 2]\n"


def test_a_forked_child_logs_into_its_parents_run() -> None:
    """Seen to fail when `Recorder.record` takes a child for the process that began the run."""
    with localart.init(project="p", id="forked") as run:
        run.log({"x": 0}, step=0)
        pid = os.fork()
        if not pid:
            run.log({"child": 1}, step=1)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        run.log({"x": 2}, step=2)

    rows = [
        {key: value for key, value in row.items() if not key.startswith("_")}
        for row in localart.Api().run("p/forked").scan_history()
    ]
    assert rows == [{"x": 0}, {"child": 1}, {"x": 2}]


@pytest.mark.timeout(60)
def test_threads_that_log_read_and_log_artifacts_at_once_lose_nothing() -> None:
    problems: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> Callable[[], None]:
        def run_it() -> None:
            try:
                work()
            except BaseException as error:
                problems.append(error)

        return run_it

    with localart.init(project="p", id="busy") as run:

        def log_numbers(name: str) -> None:
            for number in range(1500):
                run.log({name: number}, commit=False)

        def log_artifacts() -> None:
            for number in range(8):
                artifact = localart.Artifact("a", "t")
                with artifact.new_file("x") as file:
                    file.write(str(number))
                run.log_artifact(artifact)

        def read() -> None:
            for _ in range(30):
                list(localart.Api().run("p/busy").scan_history())

        works = [lambda: log_numbers("a"), lambda: log_numbers("b"), log_artifacts, read]
        threads = [threading.Thread(target=guarded(work)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert problems == []
    (row,) = localart.Api().run("p/busy").scan_history()
    assert (row["a"], row["b"]) == (1499, 1499)


@pytest.mark.timeout(60)
def test_children_forked_while_threads_log_can_log() -> None:
    """Seen to fail when `Recorder.record` takes a child for the process that began the run."""
    with localart.init(project="p", id="forks") as run:
        stop = threading.Event()

        def log_on() -> None:
            while not stop.is_set():
                run.log({"x": 1}, commit=False)

        thread = threading.Thread(target=log_on)
        thread.start()
        for number in range(15):
            pid = os.fork()
            if not pid:
                run.log({f"child{number}": number}, step=1)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        thread.join()

    rows = list(localart.Api().run("p/forks").scan_history())
    assert {f"child{number}" for number in range(15)} <= rows[-1].keys()


def test_a_run_that_ended_leaves_no_tail(store: Path) -> None:
    with localart.init(project="p") as run:
        run.log({"x": 1})

    assert list(store.glob("tmp/*")) == []


def test_a_tail_that_a_power_cut_brought_back_takes_nothing_newer_away(store: Path) -> None:
    run = localart.init(project="p", id="cut")
    run.log({"x": 1}, step=0)
    (tail,) = store.glob("tmp/*/*.tail")
    old = tail.read_bytes()
    list(localart.Api().run("p/cut").scan_history())
    run.log({"x": 2}, step=0)
    run.finish()
    tail.parent.mkdir()
    tail.write_bytes(old)

    localart.init(project="p", id="cut", resume="must").finish()

    assert [row["x"] for row in localart.Api().run("p/cut").scan_history()] == [2]


LIMITED = """
import resource, localart
run = localart.init(project="p", id="limited")
run.log({"x": 0})
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    run.log({"text": "y" * 5000})
except localart.errors.StoreFull as error:
    print(error.message, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
run.log({"x": 1})
"""


@pytest.mark.parametrize(
    "end",
    ["run.finish()", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
    ids=["ended", "killed"],
)
def test_a_step_that_does_not_fit_on_the_disk_is_refused_whole_and_the_next_one_fits(end: str) -> None:
    """Seen to fail, when it is killed, without the `ftruncate` of `Tail._take_back`: half a record hid the next one."""
    done = subprocess.run([sys.executable, "-c", LIMITED + end], capture_output=True, text=True, check=False)

    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    assert done.stdout.startswith("No space is left for logging at ")
    rows = list(localart.Api().run("p/limited").scan_history())
    assert [row.get("x") for row in rows] == [0, 1]
    assert all("text" not in row for row in rows)


CLOCK_BACK = """
import os, signal, time, localart
run = localart.init(project="p", id="back")
run.log({"x": 1, "y": 1}, step=0)
now = time.time
time.time = lambda: now() - 86_400
run.log({"x": 2}, step=0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_value_logged_last_at_a_step_wins_though_the_clock_went_back() -> None:
    """Seen to fail when a point bears whatever time it is (`Recorder._time_of`)."""
    done = subprocess.run([sys.executable, "-c", CLOCK_BACK], capture_output=True, text=True, check=False)

    assert done.returncode == -signal.SIGKILL, done.stderr
    (row,) = localart.Api().run("p/back").scan_history()
    assert (row["x"], row["y"]) == (2, 1)


HELD_UP = """
import os, resource, signal, localart
run = localart.init(project="p", id="held")
run.log({"x": 0})
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    localart.Api().run("p/held").state
except localart.errors.StoreError as error:
    print(error.message, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
run.log({"x": 1})
localart.Api().run("p/held").state
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_tail_is_left_of_what_the_catalog_could_not_take_at_first(store: Path) -> None:
    """Seen to fail when `_spent` forgets the tails of a settling that failed."""
    done = subprocess.run([sys.executable, "-c", HELD_UP], capture_output=True, text=True, check=False)

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout.startswith("The disk under the catalog failed at ")
    assert list(store.glob("tmp/*/*.tail")) == []
    assert [row["x"] for row in localart.Api().run("p/held").scan_history()] == [0, 1]


def test_a_store_that_is_gone_refuses_what_is_logged(store: Path) -> None:
    """Seen to fail when neither the recorder nor the catalog looks whether its file is still there."""
    run = localart.init(project="p")
    run.log({"x": 1})
    default_repository().close()
    store.rename(store.with_name("moved"))

    with pytest.raises(StoreError):
        run.log({"x": 2})


@pytest.mark.sweep
def test_one_process_logs_twenty_thousand_steps_a_second() -> None:
    with localart.init(project="p") as run:
        run.log({"loss": 0.0})
        began = time.perf_counter()
        for step in range(60_000):
            run.log({"loss": step / 2})
        rate = 60_000 / (time.perf_counter() - began)

    print(f"{rate:,.0f} log() calls a second")
    assert rate >= 20_000
