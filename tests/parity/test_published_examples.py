"""What W&B's documentation shows, page by page, in our own words: only the import line names localart.

Each test follows one page of the guides and asks in the end for what that page promises.
"""

import argparse
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart as wandb


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def texts_below(folder: str | Path) -> dict[str, str]:
    root = Path(folder)
    return {one.relative_to(root).as_posix(): one.read_text() for one in root.rglob("*") if one.is_file()}


# --- Artifacts ------------------------------------------------------------------------------------------------


def test_artifacts_quickstart_a_dataset_is_logged_and_used() -> None:
    write("dataset.h5", "numbers")

    run = wandb.init(project="artifacts-example", job_type="add-dataset")
    run.log_artifact(artifact_or_path="dataset.h5", name="my_first_artifact", type="dataset")
    run.finish()

    run = wandb.init(project="artifacts-example", job_type="train")
    artifact = run.use_artifact("my_first_artifact:latest")
    folder = artifact.download()
    run.finish()

    assert texts_below(folder) == {"dataset.h5": "numbers"}
    assert [one.name for one in artifact.used_by()] == [run.name]


def test_construct_an_artifact_files_folders_and_metadata() -> None:
    write("images/cat.png", "cat")
    write("images/deep/dog.png", "dog")
    write("model.h5", "weights")

    with wandb.init(project="artifacts-example", job_type="dataset-creation") as run:
        artifact = wandb.Artifact(
            name="animals", type="dataset", description="Pets", metadata={"count": 2, "split": "train"}
        )
        artifact.add_dir("images", name="pictures")
        artifact.add_file(local_path="model.h5", name="models/first.h5")
        with artifact.new_file("notes.txt", mode="w") as file:
            file.write("seen once")
        logged = run.log_artifact(artifact, aliases=["latest", "production"], tags=["pets"])

    assert texts_below(logged.wait().download()) == {
        "pictures/cat.png": "cat",
        "pictures/deep/dog.png": "dog",
        "models/first.h5": "weights",
        "notes.txt": "seen once",
    }
    assert sorted(logged.aliases) == ["latest", "production"]
    assert logged.tags == ["pets"]
    assert logged.metadata == {"count": 2, "split": "train"}


def test_create_a_new_version_from_an_older_one_adds_changes_and_removes() -> None:
    with wandb.init(project="artifacts-example") as run:
        artifact = wandb.Artifact("animals", type="dataset")
        for name in ("a.txt", "b.txt"):
            artifact.add_file(str(write(name, name)))
        run.log_artifact(artifact)

    with wandb.init(project="artifacts-example") as run:
        saved = run.use_artifact("animals:latest")
        draft = saved.new_draft()
        draft.add_file(str(write("c.txt", "new")))
        draft.add_file(str(write("a.txt", "changed")), overwrite=True)
        draft.remove("b.txt")
        run.log_artifact(draft)

    latest = wandb.Api().artifact("artifacts-example/animals:latest")
    assert latest.version == "v1"
    assert texts_below(latest.download()) == {"a.txt": "changed", "c.txt": "new"}


def test_distributed_jobs_make_one_version_together() -> None:
    for part in range(3):
        with wandb.init(project="artifacts-example", group="night", job_type="worker") as run:
            artifact = wandb.Artifact("parts", type="dataset")
            artifact.add_file(str(write(f"part{part}.txt", str(part))))
            run.upsert_artifact(artifact)

    with wandb.init(project="artifacts-example", group="night", job_type="last") as run:
        artifact = wandb.Artifact("parts", type="dataset")
        artifact.add_file(str(write("index.txt", "3 parts")))
        run.finish_artifact(artifact)

    found = wandb.Api().artifact("artifacts-example/parts:latest")
    assert found.version == "v0"
    assert sorted(texts_below(found.download())) == ["index.txt", "part0.txt", "part1.txt", "part2.txt"]


def test_update_an_artifact_its_description_metadata_and_aliases_stay() -> None:
    with wandb.init(project="artifacts-example") as run:
        run.log_artifact(str(write("bike.csv", "1,2")), name="bike-dataset", type="dataset")

    with wandb.init(project="artifacts-example") as run:
        artifact = run.use_artifact("bike-dataset:latest")
        artifact.description = "Bikes of the town"
        artifact.metadata["rows"] = 1
        artifact.aliases.append("reviewed")
        artifact.save()

    again = wandb.Api().artifact("artifacts-example/bike-dataset:reviewed")
    assert (again.version, again.description, again.metadata) == ("v0", "Bikes of the town", {"rows": 1})


def test_download_artifacts_whole_in_part_and_outside_of_a_run() -> None:
    with wandb.init(project="artifacts-example") as run:
        artifact = wandb.Artifact("animals", type="dataset")
        artifact.add_file(str(write("cats/tom.txt", "tom")), name="cats/tom.txt")
        artifact.add_file(str(write("dogs/rex.txt", "rex")), name="dogs/rex.txt")
        run.log_artifact(artifact)

    artifact = wandb.Api().artifact("artifacts-example/animals:v0", type="dataset")

    assert texts_below(artifact.download()) == {"cats/tom.txt": "tom", "dogs/rex.txt": "rex"}
    assert texts_below(artifact.download("some", path_prefix="cats/")) == {"cats/tom.txt": "tom"}
    assert Path(artifact.get_entry("dogs/rex.txt").download("one")).read_text() == "rex"
    write("artifacts/animals:v0/cats/tom.txt", "jerry")
    with pytest.raises(ValueError, match="not what was logged"):
        artifact.verify()


def test_track_external_files_by_reference() -> None:
    write("shared/a.txt", "a")
    write("shared/deep/b.txt", "b")

    with wandb.init(project="artifacts-example") as run:
        artifact = wandb.Artifact("mounted", type="dataset")
        artifact.add_reference(Path("shared").absolute().as_uri())
        artifact.add_reference("s3://my-bucket/datasets/mnist.csv", name="mnist.csv", checksum=False)
        run.log_artifact(artifact)

    with wandb.init(project="artifacts-example") as run:
        artifact = run.use_artifact("mounted:latest", type="dataset")
        assert artifact.get_entry("mnist.csv").ref_target() == "s3://my-bucket/datasets/mnist.csv"
        folder = artifact.download(path_prefix="deep")

    assert texts_below(folder) == {"deep/b.txt": "b"}


def test_explore_the_graph_of_runs_and_artifacts() -> None:
    with wandb.init(project="artifacts-example", job_type="load") as load:
        load.log_artifact(str(write("raw.csv", "1")), name="raw", type="dataset")
    with wandb.init(project="artifacts-example", job_type="clean") as clean:
        clean.use_artifact("raw:latest")
        clean.log_artifact(str(write("clean.csv", "2")), name="clean", type="dataset")

    api = wandb.Api()
    artifact = api.artifact("artifacts-example/clean:latest")
    maker = artifact.logged_by()
    assert maker.id == clean.id
    assert [one.name for one in api.run(f"artifacts-example/{maker.id}").used_artifacts()] == ["raw:v0"]
    assert [one.id for one in api.artifact("artifacts-example/raw:v0").used_by()] == [clean.id]


def test_time_to_live_and_deletion() -> None:
    with wandb.init(project="artifacts-example") as run:
        artifact = wandb.Artifact("scratch", type="dataset")
        artifact.add_file(str(write("a.txt", "a")))
        artifact.ttl = timedelta(days=30)
        run.log_artifact(artifact)

    api = wandb.Api()
    artifact = api.artifact("artifacts-example/scratch:latest")
    assert artifact.ttl == timedelta(days=30)
    artifact.ttl = None
    artifact.save()
    assert api.artifact("artifacts-example/scratch:latest").ttl is None
    with pytest.raises(wandb.errors.CommError):
        artifact.delete()
    artifact.delete(delete_aliases=True)
    with pytest.raises(wandb.errors.CommError):
        api.artifact("artifacts-example/scratch:v0")


# --- Models and the registry ----------------------------------------------------------------------------------


def test_log_models_and_use_them_by_name() -> None:
    weights = write("model.pt", "weights")
    with wandb.init(project="models") as run:
        run.log_model(path=str(weights), name="my-model", aliases=["production"])
        name = f"my-model:{run.logged_artifacts()[0].version}"

    with wandb.init(project="models") as run:
        path = run.use_model(name="my-model:production")
        assert Path(path).read_text() == "weights"
        assert Path(run.use_model(name)).read_text() == "weights"


def test_link_a_version_to_the_registry() -> None:
    with wandb.init(project="models") as run:
        artifact = wandb.Artifact("my-model", type="model")
        artifact.add_file(str(write("model.pt", "weights")))
        logged = run.log_artifact(artifact)
        run.link_artifact(
            artifact=logged,
            target_path="wandb-registry-model/Example Models".replace(" ", "-"),
            aliases=["staging"],
        )

    linked = wandb.Api().artifact("wandb-registry-model/Example-Models:staging")
    assert linked.is_link
    assert texts_below(linked.download()) == {"model.pt": "weights"}
    assert linked.source_name == "my-model:v0"


# --- Runs -----------------------------------------------------------------------------------------------------


def test_experiments_quickstart_logs_a_loop() -> None:
    config = {"epochs": 10, "lr": 0.01}
    with wandb.init(project="my-awesome-project", config=config) as run:
        offset = random.random() / 5
        for epoch in range(2, run.config["epochs"]):
            accuracy = 1 - 2**-epoch - offset / epoch
            run.log({"accuracy": accuracy, "loss": 2**-epoch})

    found = wandb.Api().run(f"my-awesome-project/{run.id}")
    assert found.state == "finished"
    assert found.config == config
    assert found.summary["loss"] == 2**-9
    assert len(list(found.scan_history())) == 8


def test_configure_experiments_with_argparse_and_later_values() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-b", "--batch_size", type=int, default=32)
    parser.add_argument("-lr", "--learning_rate", type=float, default=0.001)
    args = parser.parse_args(["-b", "16"])

    with wandb.init(project="config_example", config=args) as run:
        wandb.config["dropout"] = 0.2
        wandb.config.epochs = 4
        run.config.update({"learning_rate": 0.01}, allow_val_change=True)
        run.config.setdefaults({"batch_size": 1, "seed": 7})

    assert wandb.Api().run(f"config_example/{run.id}").config == {
        "batch_size": 16,
        "learning_rate": 0.01,
        "dropout": 0.2,
        "epochs": 4,
        "seed": 7,
    }


def test_resume_a_run_where_it_stopped() -> None:
    with wandb.init(project="resuming", id="night-run", resume="allow") as run:
        for step in range(3):
            run.log({"loss": 3.0 - step})

    with wandb.init(project="resuming", id="night-run", resume="must") as run:
        assert run.resumed
        assert run.starting_step == 3
        run.log({"loss": 0.0})

    rows = wandb.Api().run("resuming/night-run").scan_history(keys=["_step", "loss"])
    assert [(row["_step"], row["loss"]) for row in rows] == [(0, 3.0), (1, 2.0), (2, 1.0), (3, 0.0)]
    with pytest.raises(wandb.errors.UsageError):
        wandb.init(project="resuming", id="never-was", resume="must")


def test_customize_log_axes_and_summaries_with_define_metric() -> None:
    with wandb.init(project="axes") as run:
        run.define_metric("epoch")
        run.define_metric("validation/*", step_metric="epoch")
        run.define_metric("validation/loss", summary="min")
        run.define_metric("validation/accuracy", summary="max")
        for epoch, (loss, accuracy) in enumerate([(0.9, 0.1), (0.2, 0.8), (0.4, 0.7)]):
            run.log({"validation/loss": loss, "validation/accuracy": accuracy, "epoch": epoch})

    summary = wandb.Api().run(f"axes/{run.id}").summary
    assert summary["validation/loss"]["min"] == 0.2
    assert summary["validation/accuracy"]["max"] == 0.8
    assert summary["epoch"] == 2


def test_log_summary_metrics_that_are_not_the_last() -> None:
    with wandb.init(project="summaries") as run:
        for accuracy in (0.3, 0.9, 0.5):
            run.log({"accuracy": accuracy})
            if accuracy > run.summary.get("best_accuracy", 0):
                run.summary["best_accuracy"] = accuracy

    assert wandb.Api().run(f"summaries/{run.id}").summary["best_accuracy"] == 0.9


def test_import_and_export_data_reads_runs_back() -> None:
    for rate in (0.1, 0.2):
        with wandb.init(project="export", config={"rate": rate}, tags=["sweep"]) as run:
            for step in range(3):
                run.log({"loss": rate * step})

    runs = wandb.Api().runs("export")

    assert [(one.config["rate"], one.summary["loss"], one.state) for one in runs] == [
        (0.1, 0.2, "finished"),
        (0.2, 0.4, "finished"),
    ]
    assert [row["loss"] for row in runs[0].scan_history()] == pytest.approx([0, 0.1, 0.2])


def test_save_the_code_of_a_run() -> None:
    write("code/train.py", "print('train')")
    write("code/deep/model.py", "print('model')")
    write("code/notes.txt", "not code")

    with wandb.init(project="with-code") as run:
        run.log_code("code")

    (code,) = [one for one in wandb.Api().run(run.path).logged_artifacts() if one.type == "code"]
    assert sorted(texts_below(code.download())) == ["deep/model.py", "train.py"]


def test_send_alerts_with_a_level() -> None:
    with wandb.init(project="alerts") as run:
        run.alert(title="Low accuracy", text="Accuracy 0.1 is below 0.5", level="WARN", wait_duration=300)
        wandb.alert(title="Done", text="The run is over")


# --- Tables and media -----------------------------------------------------------------------------------------


def test_log_tables_of_predictions() -> None:
    columns = ["id", "image", "guess", "truth"]
    with wandb.init(project="tables") as run:
        table = wandb.Table(columns=columns)
        for row in range(3):
            table.add_data(row, wandb.Image(np.full((4, 4, 3), row, dtype=np.uint8)), row % 2, 1)
        run.log({"predictions": table})

    summary = wandb.Api().run(run.path).summary["predictions"]
    assert (summary["ncols"], summary["nrows"]) == (4, 3)


def test_tables_inside_artifacts_are_read_back() -> None:
    with wandb.init(project="tables") as run:
        artifact = wandb.Artifact("my-table", type="dataset")
        artifact.add(wandb.Table(columns=["a", "b"], data=[["1a", 1], ["2a", 2]]), "my_table")
        run.log_artifact(artifact)

    with wandb.init(project="tables") as run:
        table = run.use_artifact("my-table:latest").get("my_table")

    assert table.columns == ["a", "b"]
    assert [list(row) for _, row in table.iterrows()] == [["1a", 1], ["2a", 2]]


def test_log_media_of_many_kinds() -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    with wandb.init(project="media") as run:
        run.log({"examples": [wandb.Image(pixels, caption=f"random field {index}") for index in range(3)]})
        run.log({"gradients": wandb.Histogram(np.arange(100.0))})
        run.log({"page": wandb.Html("<p>hello</p>", inject=False)})
        run.log({"sound": wandb.Audio(np.zeros(800, dtype=np.float32), sample_rate=8000, caption="silence")})

    summary = wandb.Api().run(run.path).summary
    kinds: dict[str, Any] = {key: summary[key]["_type"] for key in ("gradients", "page", "sound")}
    assert kinds == {"gradients": "histogram", "page": "html-file", "sound": "audio-file"}
    assert summary["examples"]["captions"] == [f"random field {index}" for index in range(3)]
