"""Optuna's studies and the files of their trials."""

import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

import localart
from localart.errors import UsageError

optuna = pytest.importorskip("optuna")

from localart.integration.optuna import (  # noqa: E402
    LocalartArtifactStore,
    LocalartCallback,
    WeightsAndBiasesCallback,
)

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore:::optuna")]


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def square(trial: Any) -> float:
    return trial.suggest_float("x", -1, 1) ** 2


def make_study(**named: Any) -> Any:
    return optuna.create_study(study_name="squares", sampler=optuna.samplers.RandomSampler(seed=1), **named)


def test_trials_are_rows_of_one_run(history: Any) -> None:
    callback = WeightsAndBiasesCallback(metric_name="loss", wandb_kwargs={"project": "demo"})
    study = make_study()

    study.optimize(square, n_trials=3, callbacks=[callback])

    run = localart.run
    localart.finish()
    rows = history(run.path)
    assert [row["trial_number"] for row in rows] == [0, 1, 2]
    assert [row["loss"] for row in rows] == [trial.value for trial in study.trials]
    assert [row["x"] for row in rows] == [trial.params["x"] for trial in study.trials]
    assert localart.Api().run(run.path).config["direction"] == ["MINIMIZE"]


def test_several_objectives_have_a_name_each() -> None:
    study = make_study(directions=["minimize", "maximize"])
    callback = LocalartCallback(["loss", "accuracy"], {"project": "demo"})

    study.optimize(lambda trial: (square(trial), 0.5), n_trials=1, callbacks=[callback])

    assert localart.run.summary["accuracy"] == 0.5
    with pytest.raises(UsageError, match="2 values, and metric_name has 1 names"):
        study.optimize(lambda trial: (1.0, 2.0), n_trials=1, callbacks=[LocalartCallback(["loss"])])


def test_trials_without_a_value_are_logged_as_what_they_are(history: Any) -> None:
    def failing(trial: Any) -> float:
        if trial.number == 0:
            raise optuna.TrialPruned
        raise ArithmeticError

    make_study().optimize(
        failing,
        n_trials=2,
        catch=(ArithmeticError,),
        callbacks=[LocalartCallback(run_kwargs={"project": "p"})],
    )

    run = localart.run
    localart.finish()
    assert [row["state"] for row in history(run.path)] == ["PRUNED", "FAIL"]


def test_each_trial_may_have_a_run_of_its_own(history: Any) -> None:
    callback = WeightsAndBiasesCallback(wandb_kwargs={"project": "demo", "tags": ["night"]}, as_multirun=True)

    @callback.track_in_wandb()
    def objective(trial: Any) -> float:
        localart.log({"inside": trial.number})
        return square(trial)

    make_study().optimize(objective, n_trials=2, callbacks=[callback])

    assert localart.run is None
    runs = list(localart.Api().runs("demo"))
    assert [run.state for run in runs] == ["finished", "finished"]
    assert [run.name.split("/")[:2] for run in runs] == [["trial", "0"], ["trial", "1"]]
    assert sorted(runs[0].tags) == ["night", "squares"]
    assert [run.summary["inside"] for run in runs] == [0, 1]
    assert runs[1].config["x"] == runs[1].summary["x"]


def test_a_run_somebody_else_began_is_left_running() -> None:
    callback = LocalartCallback(run_kwargs={"project": "trials"}, as_multirun=True)
    with localart.init(project="outer") as outer:
        make_study().optimize(square, n_trials=2, callbacks=[callback])

        assert localart.run is outer
        outer.log({"still": "here"})

    assert len(list(localart.Api().runs("trials"))) == 2


def test_trials_in_several_threads_are_all_logged(history: Any) -> None:
    study = make_study()

    study.optimize(square, n_trials=12, n_jobs=4, callbacks=[LocalartCallback(run_kwargs={"project": "p"})])

    run = localart.run
    localart.finish()
    assert sorted(row["trial_number"] for row in history(run.path)) == list(range(12))


def test_files_of_trials_come_back_byte_for_byte() -> None:
    store = LocalartArtifactStore(project="demo")
    study = make_study()

    def objective(trial: Any) -> float:
        path = Path(f"model-{trial.number}.bin")
        path.write_bytes(b"weights of %d" % trial.number * 1000)
        artifact_id = optuna.artifacts.upload_artifact(
            artifact_store=store, file_path=str(path), study_or_trial=trial
        )
        trial.set_user_attr("artifact_id", artifact_id)
        return float(trial.number)

    study.optimize(objective, n_trials=3)

    for trial in study.trials:
        optuna.artifacts.download_artifact(
            artifact_store=store, file_path="back.bin", artifact_id=trial.user_attrs["artifact_id"]
        )
        assert Path("back.bin").read_bytes() == Path(f"model-{trial.number}.bin").read_bytes()
        Path("back.bin").unlink()


def write(store: LocalartArtifactStore, artifact_id: str, content: bytes) -> None:
    path = Path(f"{artifact_id}.tmp")
    path.write_bytes(content)
    with path.open("rb") as file:
        store.write(artifact_id, file)


def test_equal_files_are_removed_one_by_one() -> None:
    store = LocalartArtifactStore()
    write(store, "one", b"same")
    write(store, "two", b"same")

    store.remove("two")

    with store.open_reader("one") as file:
        assert file.read() == b"same"
    with pytest.raises(optuna.artifacts.exceptions.ArtifactNotFound, match="'two'"):
        store.open_reader("two")
    with pytest.raises(optuna.artifacts.exceptions.ArtifactNotFound):
        store.remove("two")


def test_a_store_that_was_never_written_holds_nothing() -> None:
    with pytest.raises(optuna.artifacts.exceptions.ArtifactNotFound):
        LocalartArtifactStore().open_reader("any")


def test_files_are_outputs_of_the_active_run_of_their_project() -> None:
    store = LocalartArtifactStore(project="demo")

    with localart.init(project="demo") as run:
        write(store, "mine", b"1")
    with localart.init(project="elsewhere") as other:
        write(store, "own", b"2")
    store.close()

    assert [one.source_name for one in run.logged_artifacts()] == ["optuna-artifacts:v0"]
    assert other.logged_artifacts() == []
    assert [one.job_type for one in localart.Api().runs("demo")] == [None, "optuna"]
    assert [one.state for one in localart.Api().runs("demo")] == ["finished", "finished"]


def test_threads_share_a_store_and_a_copy_reads_what_it_wrote() -> None:
    store = LocalartArtifactStore()
    names = [f"id-{index}" for index in range(8)]
    threads = [threading.Thread(target=write, args=(store, name, name.encode())) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    copy = pickle.loads(pickle.dumps(store))

    for name in names:
        with copy.open_reader(name) as file:
            assert file.read() == name.encode()
    assert len(list(localart.Api().runs("optuna"))) == 1
