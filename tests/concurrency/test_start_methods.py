"""Processes that were forked, spawned or made by a fork server log into the run they are handed, and read artifacts."""

import copy
import multiprocessing
import os
import pickle
import signal
import sys
from pathlib import Path

import pytest

import localart
from localart.repository.opening import close_all

METHODS = ["fork", "spawn", "forkserver"]


def made(name, content, **named):
    artifact = localart.Artifact(name, "dataset", **named)
    for path, held in content.items():
        with artifact.new_file(path, "wb") as file:
            file.write(held)
    return artifact


def in_child(method, function, *arguments):
    """What `function` returns in a process started by `method`; the store it uses is what it is handed."""
    context = multiprocessing.get_context(method)
    answers = context.SimpleQueue()
    child = context.Process(target=_answer, args=(function, arguments, answers, dict(os.environ)))
    child.start()
    answer = answers.get()
    child.join(60)
    assert child.exitcode == 0
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _answer(function, arguments, answers, environment):
    os.environ.update(environment)  # a fork server is older than this test
    try:
        answers.put(function(*arguments))
    except BaseException as error:
        answers.put(error)
    finally:
        close_all()


# --- runs ------------------------------------------------------------------------------------------------------


def log_as_guest(run):
    run.log({"loss": 0.5})
    run.log({"loss": 0.25, "guest": 1})
    run.summary["said"] = "guest"
    run.config.update({"workers": 3})
    version = run.log_artifact(made("by-guest", {"x": b"guest"})).version
    run.finish()  # not for a guest to do
    return run.id, version, run.project


@pytest.mark.parametrize("method", METHODS)
def test_a_process_logs_into_the_run_it_is_handed(method):
    """Seen to fail when a guest may end the run, and when the end forgets what it said."""
    with localart.init(project="p", config={"lr": 1}) as run:
        run.log({"before": 1})
        assert in_child(method, log_as_guest, run) == (run.id, "v0", "p")
        assert localart.Api().run(f"p/{run.id}").state == "running"
        run.log({"after": 2})

    found = localart.Api().run(f"p/{run.id}")
    rows = list(found.scan_history())
    assert found.state == "finished"
    assert dict(found.summary) == {"before": 1, "after": 2, "loss": 0.25, "guest": 1, "said": "guest"}
    assert found.config == {"lr": 1, "workers": 3}
    assert [row["loss"] for row in rows if "loss" in row] == [0.5, 0.25]
    assert [row["before"] for row in rows if "before" in row] == [1]
    assert [one.name for one in found.logged_artifacts()] == ["by-guest:v0"]


def log_and_die(run):
    run.log({"last": 1})
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("method", METHODS)
def test_what_a_guest_logged_survives_its_death(method):
    """Seen to fail when a guest keeps its points in the tail of the process that began the run."""
    with localart.init(project="p") as run:
        run.log({"own": 1})
        child = multiprocessing.get_context(method).Process(target=log_and_die, args=(run,))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        run.log({"own": 2})

    assert dict(localart.Api().run(f"p/{run.id}").summary) == {"last": 1, "own": 2}


def add_one(run, number):
    run.config.update({f"worker{number}": number})
    run.summary[f"done{number}"] = True
    run.log({f"metric{number}": number}, step=number)


@pytest.mark.parametrize("method", METHODS)
def test_what_each_of_many_guests_says_is_kept(method):
    """Seen to fail when a guest writes the config it knows over what another one added."""
    context = multiprocessing.get_context(method)
    with localart.init(project="p") as run:
        for number in range(3):
            child = context.Process(target=add_one, args=(run, number))
            child.start()
            child.join()
            assert child.exitcode == 0
        run.config.update({"own": True})

    found = localart.Api().run(f"p/{run.id}")
    assert found.config == {"worker0": 0, "worker1": 1, "worker2": 2, "own": True}
    assert dict(found.summary) == {f"done{n}": True for n in range(3)} | {f"metric{n}": n for n in range(3)}


def is_over(run):
    try:
        run.log({"late": 1})
    except localart.UsageError as error:
        return error.message
    return ""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_run_that_is_over_is_over_for_a_process_that_comes_later(method):
    with localart.init(project="p", id="over") as run:
        pass

    assert in_child(method, is_over, run) == "Run over is finished; it cannot log any more"


def test_a_copy_of_a_run_is_the_run():
    with localart.init(project="p", settings=localart.Settings(run_notes="n")) as run:
        assert copy.copy(run) is copy.deepcopy(run) is run
        assert pickle.loads(pickle.dumps(run)) is run
        assert copy.deepcopy(run.settings) == run.settings


def test_a_disabled_run_goes_along():
    run = localart.init(mode="disabled")

    pickle.loads(pickle.dumps(run)).log({"x": 1})


# --- artifacts -------------------------------------------------------------------------------------------------


def read_all(artifact, entry, api, folder):
    with artifact.open("a.txt") as file:
        content = file.read()
    return {
        "content": content,
        "entry": Path(entry.download(folder)).read_bytes(),
        "listed": sorted(one.path for one in artifact.manifest),
        "description": artifact.description,
        "name": artifact.name,
        "maker": artifact.logged_by().id,
        "found": api.artifact("p/ds:latest").digest == artifact.digest,
    }


@pytest.mark.parametrize("method", METHODS)
def test_a_version_is_read_in_another_process(method, tmp_path):
    with localart.init(project="p", id="maker") as run:
        run.log_artifact(made("ds", {"a.txt": b"a", "b/c.bin": bytes(5000)}))
    api = localart.Api()
    artifact = api.artifact("p/ds:latest")
    artifact.description = "not saved yet"

    found = in_child(method, read_all, artifact, artifact.get_entry("b/c.bin"), api, tmp_path)

    assert found == {
        "content": b"a",
        "entry": bytes(5000),
        "listed": ["a.txt", "b/c.bin"],
        "description": "not saved yet",
        "name": "ds:latest",
        "maker": "maker",
        "found": True,
    }


def test_a_draft_stays_with_who_made_it():
    with pytest.raises(TypeError, match=r"artifact ds is a draft, .*; log it first"):
        pickle.dumps(made("ds", {"a": b"a"}))


def log_of_its_own(number):
    with localart.init(project="p", id=f"own{number}") as run:
        run.log({"x": number})
        return run.log_artifact(made("shared", {"n": str(number).encode()})).version


def use(environment):
    os.environ.update(environment)


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_of_processes_logs_a_version_each(method):
    environment = dict(os.environ)
    with multiprocessing.get_context(method).Pool(3, use, (environment,)) as pool:
        versions = pool.map(log_of_its_own, range(6), chunksize=1)

    assert sorted(versions) == [f"v{number}" for number in range(6)]
    assert {run.state for run in localart.Api().runs("p")} == {"finished"}


# --- a loader's workers ------------------------------------------------------------------------------------------


class Samples:
    """A dataset that reads from a version and logs what it read, as people write them."""

    def __init__(self, artifact, run):
        self.artifact = artifact
        self.run = run

    def __len__(self):
        return 12

    def __getitem__(self, number):
        with self.artifact.open(f"samples/{number}") as file:
            value = int(file.read())
        self.run.log({f"read/{number}": value}, step=number)
        return value


@pytest.mark.xdist_group("heavy")
@pytest.mark.parametrize("method", METHODS)
def test_a_torch_loader_reads_an_artifact_in_its_workers(method):
    data = pytest.importorskip("torch.utils.data")
    with localart.init(project="p") as run:
        run.log_artifact(made("ds", {f"samples/{n}": str(n * n).encode() for n in range(12)}))
        samples = Samples(run.use_artifact("ds:latest"), run)
        loader = data.DataLoader(samples, batch_size=3, num_workers=2, multiprocessing_context=method)

        assert [batch.tolist() for batch in loader] == [[0, 1, 4], [9, 16, 25], [36, 49, 64], [81, 100, 121]]
        run.log({"loss": 1.0}, step=20)

    found = localart.Api().run(f"p/{run.id}")
    assert {name: value for name, value in found.summary.items() if name.startswith("read/")} == {
        f"read/{n}": n * n for n in range(12)
    }
    assert found.state == "finished"
    assert "torch" in sys.modules
