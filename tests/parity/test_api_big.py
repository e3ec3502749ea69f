"""How long `Api` takes on a large store: 100,000 versions of one artifact and 20,000 runs.

Limits are some ten times what was measured on two cores, so that only a change of kind breaks them.
"""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

import localart
from localart.catalog import artifacts, projects, runs, versions
from localart.jsonable import dump_values

pytestmark = pytest.mark.sweep

VERSIONS, RUNS, STEPS = 100_000, 20_000, 200_000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a store that a generator of the same seed fills each time alike."""
    root = str(tmp_path_factory.mktemp("big") / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALART_DIR", root)
        fill()
    return root


def fill() -> None:
    with localart.init(project="big", id="first") as run:
        artifact = localart.Artifact("many", type="dataset")
        with artifact.new_file("a.txt", "w") as file:
            file.write("a")
        logged = run.log_artifact(artifact)
    chance = random.Random(7)
    with localart.Api().repository.write() as tx:
        record = artifacts.find_artifact(tx.connection, "big", "many")
        project = projects.find_project(tx.connection, "big")
        assert record is not None
        assert project is not None
        for number in range(1, VERSIONS):
            versions.insert_version(
                tx, artifact_id=record.id, manifest_id=logged.version_record.manifest_id, description=None,
                metadata={"number": number}, history_step=None,
            )  # fmt: skip
        for number in range(RUNS):
            config = {
                "lr": chance.random(),
                "opt": {"name": chance.choice(["adam", "sgd"])},
                "layers": number % 7,
            }
            key = runs.insert_run(tx, project, run_id=f"r{number}", uid=tx.new_uid(), name=f"run {number}")
            columns = {
                "state": "finished", "finished_at": tx.now, "config": dump_values(config).decode(),
                "summary": dump_values({"loss": chance.random()}).decode(),
            }  # fmt: skip
            runs.update_run(tx, key, columns, journal=False)
        (metric,) = tx.execute("INSERT INTO metric_names(name) VALUES ('loss') RETURNING id").fetchone()
        rows = ((1, metric, step, 1 / (step + 1), float(step)) for step in range(STEPS))
        tx.executemany("INSERT INTO metrics(run, metric, step, value, time) VALUES (?,?,?,?,?)", rows)


def test_a_large_store_answers_at_once(
    filled: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCALART_DIR", filled)
    api = localart.Api()
    many = api.artifacts("dataset", "big/many")
    everything = api.runs("big")
    filters = {"config.opt.name": "adam", "summary_metrics.loss": {"$lt": 0.1}}
    best = api.runs("big", filters=filters, order="-summary_metrics.loss")
    first = api.run("big/first")
    report: list[str] = []

    def check(what: str, limit_seconds: float, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        answer = call()
        took = time.perf_counter() - began
        report.append(f"{what:32} {took * 1000:8.1f} ms")
        assert took < limit_seconds, what
        return answer

    assert check("versions: len", 0.5, lambda: len(many)) == VERSIONS
    assert check("versions: next(iter)", 0.1, lambda: next(iter(many))).version == f"v{VERSIONS - 1}"
    assert len(check("versions: [:5]", 0.1, lambda: many[:5])) == 5
    assert check("versions: [50000]", 0.5, lambda: many[50_000]).version == "v49999"
    assert check("versions: [-1]", 1, lambda: many[-1]).version == "v0"
    assert check("artifact(name)", 0.5, lambda: api.artifact("big/many")).version == "v0"
    assert check("runs: len", 0.1, lambda: len(everything)) == RUNS + 1
    assert check("runs: next(iter)", 0.1, lambda: next(iter(everything))).id == "first"
    assert len(check("runs: [10000:10005]", 0.3, lambda: everything[10_000:10_005])) == 5
    assert 800 < check("filtered runs: len", 1, lambda: len(best)) < 1200
    assert len(check("filtered, ordered runs: [:5]", 1, lambda: best[:5])) == 5
    assert (
        check("runs: regex", 1, lambda: len(api.runs("big", {"displayName": {"$regex": "^run 1.*9$"}})))
        == 1111
    )
    assert len(check("history: 500 of 200,000", 3, lambda: first.history(pandas=False))) == 500
    assert check("scan_history: next", 0.3, lambda: next(first.scan_history()))["_step"] == 0
    assert check("all runs", 6, lambda: sum(1 for _ in everything)) == RUNS + 1
    with capsys.disabled():
        print("\n" + "\n".join(report))
