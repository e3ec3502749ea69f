"""The tutorial's pipeline, run with PyTorch and no other change than its import line, in both its variants."""

import importlib
import io
import json
import os
import re
from pathlib import Path
from types import ModuleType

import pytest

import localart
from localart.api import PublicRun

if os.environ.get("CI") == "true":
    import torch
else:
    torch = pytest.importorskip("torch")

PROJECT = "artifacts-example"
SPLIT_FILES = ["test.pt", "training.pt", "validation.pt"]


@pytest.fixture(params=["tutorial_notebook", "tutorial_page"])
def tutorial(request: pytest.FixtureRequest) -> ModuleType:
    """One variant of the tutorial after its pipeline has run in the working folder."""
    module = importlib.import_module(request.param)
    module.main()
    return module


def run_of(job_type: str) -> PublicRun:
    """The only run of this step."""
    (found,) = [run for run in localart.Api().runs(PROJECT) if run.job_type == job_type]
    return found


def names(artifacts: list[localart.Artifact]) -> list[str]:
    return [artifact.source_name for artifact in artifacts]


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["tutorial_notebook", "tutorial_page"])
def test_only_the_import_line_names_localart(name: str) -> None:
    text = (Path(__file__).parent / f"{name}.py").read_text()

    code = text.split('"""', 2)[2]

    assert re.findall(r".*localart.*", code) == ["import localart as wandb"]


def test_every_step_is_one_finished_run(tutorial: ModuleType) -> None:
    runs = list(localart.Api().runs(PROJECT))

    assert [run.job_type for run in runs] == ["load-data", "preprocess-data", "initialize", "train", "report"]
    assert {run.state for run in runs} == {"finished"}
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-[1-5]", run.name) for run in runs)
    assert localart.run is None


def test_the_artifacts_folder_fills_with_a_folder_for_each_version(
    tutorial: ModuleType, workdir: Path
) -> None:
    expected = {
        "mnist-preprocess:v0": SPLIT_FILES,
        "convnet:v0": ["initialized_model.pth"],
        "trained-model:v0": ["trained_model.pth"],
    }
    if tutorial.__name__ == "tutorial_notebook":
        expected["mnist-raw:v0"] = SPLIT_FILES
    else:
        assert files_below(workdir / "data" / "artifacts") == SPLIT_FILES

    found = {folder.name: files_below(folder) for folder in (workdir / "artifacts").iterdir()}

    assert found == expected


def test_the_graph_says_what_each_run_used_and_made(tutorial: ModuleType) -> None:
    links = {
        run.job_type: (names(run.used_artifacts()), names(run.logged_artifacts()))
        for run in localart.Api().runs(PROJECT)
    }

    assert links == {
        "load-data": ([], ["mnist-raw:v0"]),
        "preprocess-data": (["mnist-raw:v0"], ["mnist-preprocess:v0"]),
        "initialize": ([], ["convnet:v0"]),
        "train": (["mnist-preprocess:v0", "convnet:v0"], ["trained-model:v0"]),
        "report": (["mnist-preprocess:v0", "trained-model:v0"], []),
    }
    dataset = localart.Api().artifact("mnist-preprocess:latest")
    assert dataset.logged_by().job_type == "preprocess-data"
    assert sorted(run.job_type for run in dataset.used_by()) == ["report", "train"]
    graph = localart.Api().lineage(f"run:{run_of('report').id}")
    assert (len(graph.nodes), len(graph.edges)) == (9, 9)


def test_metadata_comes_back_as_it_was_given(tutorial: ModuleType) -> None:
    api = localart.Api()

    assert api.artifact("mnist-raw").metadata == {"source": "torch.randint", "sizes": [64, 24, 40]}
    assert api.artifact("mnist-preprocess").metadata == {"normalize": True, "expand_dims": True}
    assert api.artifact("convnet").metadata == tutorial.MODEL_CONFIG
    assert type(api.artifact("convnet").metadata) is dict
    assert api.artifact("trained-model:latest").metadata == tutorial.MODEL_CONFIG
    assert (api.artifact("convnet").type, api.artifact("mnist-raw").type) == ("model", "dataset")


def test_config_keeps_what_init_and_update_gave_it(tutorial: ModuleType) -> None:
    added = {"trained_examples": 128} if tutorial.__name__ == "tutorial_page" else {}

    assert run_of("initialize").config == tutorial.MODEL_CONFIG
    assert run_of("train").config == {**tutorial.TRAIN_CONFIG, **tutorial.MODEL_CONFIG, **added}
    assert run_of("report").config == {}


def test_the_downloaded_tensors_are_the_logged_ones(tutorial: ModuleType, workdir: Path) -> None:
    raw = localart.Api().artifact("mnist-raw:v0")

    pixels, labels = torch.load(raw.get_entry("training.pt").download())
    ready, same_labels = torch.load(workdir / "artifacts" / "mnist-preprocess:v0" / "training.pt")

    assert (pixels.dtype, tuple(pixels.shape)) == (torch.uint8, (64, 28, 28))
    assert torch.equal(ready, (pixels.float() / 255).unsqueeze(1))
    assert torch.equal(labels, same_labels)


def test_history_is_sparse_at_the_example_count_and_merges_rows(tutorial: ModuleType) -> None:
    rows = [
        {key: value for key, value in row.items() if not key.startswith("_")} | {"step": row["_step"]}
        for row in run_of("train").scan_history()
    ]

    # 64 examples in batches of 16, every second batch logged, the epoch's validation 16 after the last one.
    assert [(row["step"], row["epoch"]) for row in rows] == [
        (16, 0), (48, 0), (64, 0), (80, 1), (112, 1), (128, 1),
    ]  # fmt: skip
    assert [sorted(row) for row in rows[:2]] == [["epoch", "step", "train/loss"]] * 2
    assert sorted(rows[2]) == ["epoch", "step", "validation/accuracy", "validation/loss"]
    assert all(isinstance(row.get("train/loss", 0.0), float) for row in rows)


def test_values_logged_at_the_same_step_become_one_row(
    tutorial: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_batch = {**tutorial.TRAIN_CONFIG, "batch_log_interval": 1, "epochs": 1}

    tutorial.train_and_log(every_batch)
    *_, newest = [run for run in localart.Api().runs(PROJECT) if run.job_type == "train"]
    *_, last = newest.scan_history()

    assert last["_step"] == 64
    assert {"epoch", "train/loss", "validation/loss", "validation/accuracy"} <= set(last)


def test_torch_scalars_in_the_summary_become_numbers(tutorial: ModuleType) -> None:
    summary = run_of("report").summary

    assert {type(summary["loss"]), type(summary["accuracy"])} == {float}
    assert summary["loss"] > 0
    assert 0 <= summary["accuracy"] <= 100


def test_the_hardest_images_come_back_with_their_captions(tutorial: ModuleType) -> None:
    run = run_of("report")
    (row,) = run.scan_history(keys=["high-loss-examples"])
    record = row["high-loss-examples"]

    kept = [run.read_file(path) for path in record["filenames"]]

    assert (record["_type"], record["count"], len(kept)) == ("images/separated", 32, 32)
    assert all(re.fullmatch(r"\d,\d", caption) for caption in record["captions"])
    pillow = pytest.importorskip("PIL.Image")
    assert {pillow.open(io.BytesIO(image)).size for image in kept} == {(28, 28)}
    assert run.summary["high-loss-examples"]["count"] == 32
    json.dumps(row)


def test_the_saved_model_is_kept_with_its_run(tutorial: ModuleType, workdir: Path) -> None:
    run = run_of("train")

    assert [file.name for file in run.files()] == ["trained_model.pth"]
    assert run.read_file("trained_model.pth") == (workdir / "trained_model.pth").read_bytes()
    assert [file.name for file in run_of("initialize").files()] == ["initialized_model.pth"]


def test_running_it_again_makes_no_new_dataset_version(tutorial: ModuleType) -> None:
    tutorial.main()

    api = localart.Api()
    for name in ("mnist-raw", "mnist-preprocess"):
        assert [artifact.version for artifact in api.artifacts("dataset", f"{PROJECT}/{name}")] == ["v0"]
    assert [artifact.version for artifact in api.artifacts("model", "convnet")] == ["v0"]
    assert len(list(api.runs(PROJECT))) == 10
    second = [run for run in api.runs(PROJECT) if run.job_type == "load-data"][1]
    assert names(second.logged_artifacts()) == ["mnist-raw:v0"]


def test_changed_preprocessing_makes_the_next_version_and_moves_latest(
    tutorial: ModuleType, workdir: Path
) -> None:
    tutorial.preprocess_and_log({"normalize": False, "expand_dims": True})

    newest = localart.Api().artifact("mnist-preprocess:latest")
    assert (newest.version, newest.metadata["normalize"]) == ("v1", False)
    assert newest.download() == str(workdir / "artifacts" / "mnist-preprocess:v1")
    assert localart.Api().artifact("mnist-preprocess:v0").aliases == []
