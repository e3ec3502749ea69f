"""Runs begin, end, are resumed, and are known to have crashed when their process is gone."""

import multiprocessing
import os
import threading
import time

import pytest

import localart
from localart.catalog import metrics
from localart.catalog.lock import FileLock
from localart.operations.run_life import RunRequest, begin_run, mark_crashed, run_lock_path
from localart.repository.opening import default_repository

FORK = multiprocessing.get_context("fork")


def request(run_id: str, **changes) -> RunRequest:
    facts = {
        "name": "a name", "job_type": None, "group": None, "notes": None, "tags": (), "config": {}, "facts": {},
        "resume": None, **changes,
    }  # fmt: skip
    return RunRequest(project="p", id=run_id, **facts)


def log_and_die(run_id: str) -> None:
    run = localart.init(project="p", id=run_id, config={"rate": 0.1})
    run.log({"loss": 1.5, "step": 0})
    run.log({"loss": 0.5})
    run.summary["best"] = 0.4
    os.kill(os.getpid(), 9)


def killed(run_id: str) -> None:
    child = FORK.Process(target=log_and_die, args=(run_id,))
    child.start()
    child.join(60)
    assert child.exitcode == -9


def state_of(run_id: str) -> str:
    return localart.Api().run(f"p/{run_id}").state


def test_a_run_whose_process_was_killed_is_crashed_for_the_next_one(store):
    killed("dead")

    with localart.init(project="p", id="next"):
        run = localart.Api().run("p/dead")
        assert (run.state, state_of("next")) == ("crashed", "running")

    assert run.record.summary == {"loss": 0.5, "step": 0, "best": 0.4}
    assert run.record.config == {"rate": 0.1}
    assert "without finishing" in run.record.error
    assert not list((store / "locks").glob("run-*"))


def test_many_processes_that_look_at_once_mark_a_dead_run_once(store):
    killed("dead")
    repository = default_repository()
    [(key,)] = repository.read().execute("SELECT id FROM runs").fetchall()
    barrier, marked = threading.Barrier(4), []

    def look() -> None:
        barrier.wait(30)
        marked.extend(mark_crashed(repository))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [run.key for run in marked] == [key]
    sql = "SELECT count(*) FROM journal WHERE kind = 'run.updated' AND body LIKE '%crashed%'"
    assert repository.read().execute(sql).fetchone() == (1,)


def test_a_crashed_run_is_resumed_with_what_it_had():
    killed("dead")

    with localart.init(project="p", id="dead", resume="must", config={"more": 1}) as run:
        assert (run.resumed, run.step) == (True, 2)
        assert dict(run.config) == {"rate": 0.1, "more": 1}
        run.log({"loss": 0.1})

    assert state_of("dead") == "finished"
    repository = localart.Api().repository
    rows = metrics.iter_history(repository.read(), run.record.key)
    assert [row.values["loss"] for row in rows] == [1.5, 0.5, 0.1]


def test_a_run_that_is_alive_elsewhere_is_not_resumed():
    with localart.init(project="p", id="alive"):
        with pytest.raises(localart.UsageError, match="running in another process"):
            begin_run(default_repository(), request("alive", resume="allow"), None)

        assert state_of("alive") == "running"


def test_a_run_resumed_while_another_process_clears_its_lock_away_is_not_taken_for_dead():
    killed("dead")
    repository = default_repository()
    assert mark_crashed(repository)
    uid = localart.Api().run("p/dead").record.uid
    clearing = FileLock(run_lock_path(repository, uid))
    assert clearing.try_acquire()
    started = []

    def resume() -> None:
        started.append(begin_run(repository, request("dead", resume="must"), None))

    thread = threading.Thread(target=resume)
    thread.start()
    time.sleep(0.1)
    clearing.remove()
    thread.join()

    assert started[0].resumed
    assert mark_crashed(repository) == ()
    assert state_of("dead") == "running"
    started[0].lock.remove()


def begin_same(outcomes) -> None:
    try:
        run = localart.init(project="p", id="same")
        outcomes.put("began")
        run.finish()
    except localart.UsageError as error:
        outcomes.put(str(error))


def test_of_processes_that_begin_the_same_run_at_once_one_begins_it(store):
    default_repository().close()
    outcomes = FORK.SimpleQueue()
    children = [FORK.Process(target=begin_same, args=(outcomes,)) for _ in range(5)]
    for child in children:
        child.start()
    said = [outcomes.get() for _ in children]
    for child in children:
        child.join(60)

    assert said.count("began") == 1
    assert all("already exists" in one for one in said if one != "began")
    assert not list((store / "locks").glob("run-*"))


def test_a_run_that_must_exist_and_does_not_is_refused():
    with pytest.raises(localart.UsageError, match="to resume"):
        localart.init(project="p", id="nobody", resume="must")


def test_a_finished_run_leaves_no_lock_behind(store):
    for number in range(3):
        with localart.init(project="p", id=f"r{number}") as run:
            run.log({"a": 1})

    assert not list((store / "locks").glob("run-*"))
