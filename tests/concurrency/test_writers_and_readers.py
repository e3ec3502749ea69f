"""Many writers and readers at once: each number once, every byte right, no error anywhere."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from contenders import check, content_of, log_one

import localart

SCRIPT = Path(__file__).with_name("contenders.py")
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def start(store):
    """Start a contender as a process of its own; all are gone after the test."""
    started: list[subprocess.Popen[str]] = []

    def start_one(*arguments: object) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, str(SCRIPT), *map(str, arguments)],
                env={**os.environ, "LOCALART_DIR": str(store), "LOCALART_SILENT": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> list[dict]:
    said, complaint = process.communicate(timeout=600)
    assert process.returncode == 0, complaint
    assert complaint == ""
    return [json.loads(line) for line in said.splitlines()]


def compete(start, tmp_path: Path, *, writers: int, turns: int, readers: int, families: int = 0) -> float:
    """Let them loose and check everything; versions a second.

    `families`: beside the writers, a process with so many threads that write, and one with so many forks.
    """
    stop = tmp_path / "stop"
    reading = [start("read", tmp_path / f"reader{number}", stop) for number in range(readers)]
    reading.append(start("prune", stop))
    began = time.monotonic()
    writing = [start("write", writer, turns) for writer in range(writers)]
    if families:
        writing.append(start("threads", writers, families, turns))
        writing.append(start("forks", writers + families, families, turns))
    everybody = writers + 2 * families
    logged = {
        line["number"]: (line.get("writer", writer), line["turn"])
        for writer, process in enumerate(writing)
        for line in finished(process)
    }
    seconds = time.monotonic() - began
    stop.touch()
    seen = [line for process in reading for line in finished(process)]

    assert sorted(logged) == list(range(everybody * turns))
    check_every_version(logged, tmp_path / "all")
    assert all(line["looks"] > 0 for line in seen)
    assert localart.Api().artifact("race/shared:latest").version == f"v{everybody * turns - 1}"
    return everybody * turns / seconds


def check_every_version(logged: dict[int, tuple[int, int]], folder: Path) -> None:
    api = localart.Api()
    for number, (writer, turn) in logged.items():
        version = api.artifact(f"race/shared:v{number}")
        assert check(Path(version.download(folder / str(number)))) == (writer, turn)
        assert version.metadata == {"writer": writer, "turn": turn}
        assert version.logged_by().id == f"writer{writer}"


@pytest.mark.xdist_group("heavy")
def test_writers_get_each_number_once_and_readers_never_see_a_half(start, tmp_path):
    compete(start, tmp_path, writers=3, turns=10, readers=2, families=2)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_eight_writers_of_two_hundred_versions_each(start, tmp_path):
    rate = compete(start, tmp_path, writers=8, turns=200, readers=2)

    print(
        f"\n8 processes × 200 versions, 2 readers, 1 prune: {rate:.0f} versions/s, 0 errors, every byte right"
    )
    assert rate >= 50  # some 130 on two idle cores


@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_processes_threads_and_forks_write_while_others_read_and_prune(start, tmp_path):
    rate = compete(start, tmp_path, writers=8, turns=200, readers=2, families=4)

    print(
        f"\n(8 processes + 4 threads + 4 forks) × 200 versions, 2 readers, 1 prune: {rate:.0f} versions/s, 0 errors"
    )
    assert rate >= 50


@pytest.mark.xdist_group("heavy")
def test_processes_that_make_the_store_at_once_all_get_the_same_one(start, store):
    processes = [start("write", writer, 1) for writer in range(6)]

    numbers = [line["number"] for process in processes for line in finished(process)]

    assert sorted(numbers) == list(range(6))
    assert len(list(localart.Api().runs("race"))) == 6
    assert not [path for path in store.iterdir() if path.name.startswith(".")]


@pytest.mark.xdist_group("heavy")
def test_processes_that_come_and_go_leave_a_single_file_at_rest(start, store, tmp_path):
    stop = tmp_path / "stop"
    visitors = [start("visit", writer, 12) for writer in range(4)]
    reader = start("read", tmp_path / "reader", stop)
    numbers = [line["number"] for visitor in visitors for line in finished(visitor)]
    stop.touch()
    finished(reader)

    assert sorted(numbers) == list(range(48))
    assert {path.name for path in store.iterdir() if path.is_file()} == {"LOCALART", "localart.db"}
    assert {run.state for run in localart.Api().runs("race")} == {"finished"}


# --- threads -----------------------------------------------------------------------------------------------


def test_threads_log_into_one_run(tmp_path):
    logged: dict[int, tuple[int, int]] = {}
    failures: list[BaseException] = []

    with localart.init(project="race", id="writer0") as run:

        def log_many(writer: int) -> None:
            try:
                for turn in range(10):
                    run.log({f"turn{writer}": turn})
                    logged[log_one(run, writer, turn)] = (writer, turn)
                    if turn % 3 == 0:
                        run.use_artifact("shared:latest")
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=log_many, args=(writer,)) for writer in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert not failures
    assert sorted(logged) == list(range(40))
    api = localart.Api()
    for number, made_by in logged.items():
        assert check(Path(api.artifact(f"race/shared:v{number}").download(tmp_path / str(number)))) == made_by
    values = [dict(row.values) for row in history_of(api, "writer0")]
    for writer in range(4):
        assert [v[f"turn{writer}"] for v in values if f"turn{writer}" in v] == list(range(10))


def history_of(api: localart.Api, run_id: str) -> list:
    from localart.catalog import metrics

    record = api.run(f"race/{run_id}").record
    return list(metrics.iter_history(api.repository.read(), record.key))


def test_threads_with_runs_of_their_own_do_not_disturb_each_other():
    def work(number: int, failures: list[BaseException]) -> None:
        try:
            with localart.init(project="race", id=f"writer{number}", reinit="create_new") as run:
                for turn in range(5):
                    log_one(run, number, turn)
                    run.log({"turn": turn})
        except BaseException as error:
            failures.append(error)

    failures: list[BaseException] = []
    threads = [threading.Thread(target=work, args=(number, failures)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert {run.state for run in localart.Api().runs("race")} == {"finished"}
    assert localart.Api().artifact("race/shared:latest").version == "v19"


# --- forks -------------------------------------------------------------------------------------------------


def log_in_child(writer: int, turns: int, numbers) -> None:
    with localart.init(project="race", id=f"writer{writer}") as run:
        for turn in range(turns):
            run.log({"turn": turn})
            numbers.put((log_one(run, writer, turn), writer, turn))
        child_id = run.id
    assert child_id == f"writer{writer}"


def test_parent_and_forked_children_log_side_by_side(tmp_path):
    numbers = FORK.SimpleQueue()
    logged: dict[int, tuple[int, int]] = {}
    with localart.init(project="race", id="writer0") as run:
        logged[log_one(run, 0, 0)] = (0, 0)
        children = [FORK.Process(target=log_in_child, args=(writer, 4, numbers)) for writer in (1, 2, 3)]
        for child in children:
            child.start()
        for turn in range(1, 5):
            run.log({"turn": turn})
            logged[log_one(run, 0, turn)] = (0, turn)
        for _ in range(12):
            number, writer, turn = numbers.get()
            logged[number] = (writer, turn)
        for child in children:
            child.join(60)

    assert [child.exitcode for child in children] == [0, 0, 0]
    assert sorted(logged) == list(range(17))
    check_every_version(logged, tmp_path / "all")
    states = {run.id: run.state for run in localart.Api().runs("race")}
    assert states == {f"writer{number}": "finished" for number in range(4)}


def test_a_child_that_only_exits_leaves_its_parents_run_alone():
    with localart.init(project="race", id="writer0") as run:
        log_one(run, 0, 0)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        assert localart.Api().run("race/writer0").state == "running"
        run.log({"a": 1})
        assert log_one(run, 0, 1) == 1

    assert localart.Api().run("race/writer0").state == "finished"


def test_children_forked_while_threads_log_work_too():
    numbers, stop, failures = FORK.SimpleQueue(), threading.Event(), []
    with localart.init(project="race", id="writer0") as run:
        log_one(run, 0, 0)  # import what is needed now: Python itself hangs a child forked in mid-import
        run.log({"begun": True})

        def log_on(writer: int) -> None:
            turn = 0
            try:
                while not stop.is_set():
                    log_one(run, writer, turn)
                    run.log({f"turn{writer}": turn})
                    turn += 1
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=log_on, args=(writer,)) for writer in (10, 11)]
        for thread in threads:
            thread.start()
        children = [FORK.Process(target=log_in_child, args=(writer, 2, numbers)) for writer in range(1, 7)]
        for child in children:
            child.start()
            time.sleep(0.05)
        for child in children:
            child.join(60)
        stop.set()
        for thread in threads:
            thread.join()

    assert [child.exitcode for child in children] == [0] * 6
    assert not failures


def test_content_is_made_again_from_its_name():
    assert content_of(3, 4) == content_of(3, 4) != content_of(4, 3)
