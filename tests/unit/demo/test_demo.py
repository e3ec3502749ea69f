"""The demo, run for real: what it leaves in the store is what it says."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

import localart
from localart.demo.facts import DemoReport
from localart.demo.main import run_demo
from localart.errors import UsageError

STEPS = ["load-data", "preprocess-data", "initialize", "train", "report"]
ARTIFACTS = ["digits-raw", "digits-preprocess", "digits-net", "trained-digits-net", "worst-digits"]


def demo(**named: Any) -> DemoReport:
    return run_demo(echo=lambda _text: None, **named)


def versions_of(name: str) -> list[str]:
    kinds = {"digits-raw": "dataset", "digits-preprocess": "dataset", "worst-digits": "evaluation"}
    found = localart.Api().artifacts(kinds.get(name, "model"), f"digits-demo/{name}", order="+version_index")
    return [version.version for version in found]


def news(report: DemoReport) -> dict[str, bool]:
    return {version.label: version.is_new for version in report.made}


def test_five_runs_make_five_artifacts() -> None:
    report = demo()

    assert [(step.job_type, step.state) for step in report.steps] == [(step, "finished") for step in STEPS]
    assert news(report) == {f"{name}:v0": True for name in ARTIFACTS}
    runs = list(localart.Api().runs("digits-demo"))
    assert [(run.id, run.name, run.job_type) for run in runs] == [
        (step.run_id, step.run_name, step.job_type) for step in report.steps
    ]


def test_the_graph_joins_every_step_to_what_it_used_and_made() -> None:
    report = demo()

    assert {step.job_type: step.inputs for step in report.steps} == {
        "load-data": (),
        "preprocess-data": ("digits-raw:v0",),
        "initialize": (),
        "train": ("digits-preprocess:v0", "digits-net:v0"),
        "report": ("digits-preprocess:v0", "trained-digits-net:v0"),
    }
    assert (len(report.lineage.nodes), len(report.lineage.edges)) == (10, 10)


def test_it_learns_to_read_digits() -> None:
    report = demo()

    assert report.test_accuracy > 0.9
    assert report.validation_accuracy > 0.9
    train = localart.Api().run(f"digits-demo/{report.steps[3].run_id}")
    losses = [row["validation/loss"] for row in train.scan_history(keys=["validation/loss"])]
    assert len(losses) == train.config["epochs"] == 12
    assert losses[-1] < losses[0] / 2
    assert [row["_step"] for row in train.scan_history(keys=["_step", "validation/loss"])] == [
        1197 * epoch for epoch in range(1, 13)
    ]


def test_every_step_leaves_its_choices_as_metadata() -> None:
    report = demo()

    api = localart.Api(overrides={"project": "digits-demo"})
    assert api.artifact("digits-raw").metadata["sizes"] == {"training": 1197, "validation": 300, "test": 300}
    assert api.artifact("digits-preprocess").metadata == {"scale": True, "center": False, "flatten": True}
    trained = api.artifact("trained-digits-net:best").metadata
    assert trained["network"] == api.artifact("digits-net").metadata
    assert trained["validation_accuracy"] == report.validation_accuracy


def test_the_worst_digits_are_kept_with_captions_in_run_and_artifact() -> None:
    report = demo()

    run = localart.Api().run(f"digits-demo/{report.steps[4].run_id}")
    (row,) = run.scan_history(keys=["high-loss-examples"])
    logged = row["high-loss-examples"]
    assert (logged["count"], tuple(logged["captions"])) == (32, report.worst_captions)
    assert {Pillow.open(io.BytesIO(run.read_file(path))).size for path in logged["filenames"]} == {(64, 64)}

    folder = Path(localart.Api().artifact("digits-demo/worst-digits").download())
    kept = [json.loads(path.read_text()) for path in sorted(folder.glob("worst-*.image-file.json"))]
    assert tuple(picture["caption"] for picture in kept) == report.worst_captions
    assert all((folder / picture["path"]).is_file() for picture in kept)


def test_a_second_demo_makes_no_new_version_and_says_so() -> None:
    told: list[str] = []
    demo()

    again = run_demo(echo=told.append)

    assert news(again) == {f"{name}:v0": False for name in ARTIFACTS}
    assert [versions_of(name) for name in ARTIFACTS] == [["v0"]] * 5
    assert "Unchanged content, so no new version: digits-raw:v0" in told[0]
    assert "New versions" not in told[0]
    assert len(list(localart.Api().runs("digits-demo"))) == 10


def test_another_recipe_makes_the_next_version_of_what_it_changes() -> None:
    demo()

    changed = demo(change=True)

    assert news(changed) == {
        "digits-raw:v0": False,
        "digits-preprocess:v1": True,
        "digits-net:v0": False,
        "trained-digits-net:v1": True,
        "worst-digits:v1": True,
    }
    assert localart.Api().artifact("digits-demo/trained-digits-net").version == "v1"
    assert changed.test_accuracy > 0.9


def test_best_is_the_network_that_was_best_in_validation() -> None:
    accuracies = {"v0": demo().validation_accuracy, "v1": demo(change=True).validation_accuracy}

    best = localart.Api().artifact("digits-demo/trained-digits-net:best")

    assert best.metadata["validation_accuracy"] == accuracies[best.version] == max(accuracies.values())


def test_the_graph_of_a_demo_leaves_earlier_demos_out() -> None:
    demo()

    again = demo()

    runs = {node.label for node in again.lineage.nodes if node.kind == "run"}
    assert runs == {step.run_name for step in again.steps}
    assert (len(again.lineage.nodes), len(again.lineage.edges)) == (10, 10)


def test_the_document_says_what_the_catalog_says() -> None:
    told: list[str] = []

    run_demo(echo=told.append, as_json=True)

    (text,) = told
    document = json.loads(text)
    api = localart.Api()
    for step in document["steps"]:
        run = api.run(f"digits-demo/{step['run_id']}")
        assert (step["job_type"], step["run_name"], step["state"]) == (run.job_type, run.name, run.state)
        assert step["inputs"] == [version.source_name for version in run.used_artifacts()]
        assert [
            (made["label"], made["type"], made["size_bytes"], made["aliases"]) for made in step["outputs"]
        ] == [
            (version.source_name, version.type, version.size, version.aliases)
            for version in run.logged_artifacts()
        ]
    report = api.run(f"digits-demo/{document['steps'][4]['run_id']}")
    assert document["test_accuracy"] == report.summary["test/accuracy"]
    assert document["worst_captions"] == report.summary["high-loss-examples"]["captions"]
    assert document["new_versions"] == [f"{name}:v0" for name in ARTIFACTS]
    sizes = sum(api.artifact(f"digits-demo/{name}").size for name in ARTIFACTS)
    assert document["figures"]["logged_bytes"] == sizes
    assert (document["figures"]["version_count"], document["figures"]["run_count"]) == (5, 5)
    assert len(document["lineage"]["edges"]) == 10


def test_the_store_takes_less_than_what_was_logged(store: Path) -> None:
    figures = demo().figures

    on_disk = sum(path.stat().st_size for path in (store / "packs").iterdir())
    assert figures.stored_bytes <= on_disk
    assert figures.stored_bytes < figures.logged_bytes / 2


def test_the_text_draws_the_graph_and_says_what_to_type() -> None:
    told: list[str] = []

    report = run_demo(echo=told.append, width=80)

    (text,) = told
    for name in ARTIFACTS:
        assert f"▣ {name}:v0" in text
    train = report.steps[3]
    for command in (
        "localart show digits-demo/trained-digits-net:best",
        f"localart show run:{train.run_id}",
        "localart lineage digits-demo/trained-digits-net",
        "localart get digits-demo/worst-digits",
        "localart ls digits-demo",
        f"localart tui run:{train.run_id}",
        "localart demo --change",
    ):
        assert f"\n  {command} " in text
    assert max(map(len, text.splitlines())) <= 90


def test_it_says_what_it_does_while_it_works() -> None:
    said: list[str] = []

    demo(talk=said.append)

    assert [line for line in said if line.startswith("step")] == [
        f"step {number} of 5: {step}" for number, step in enumerate(STEPS, start=1)
    ]
    assert sum(line.startswith("  epoch") for line in said) == 12


@pytest.mark.parametrize("package", ["numpy", "sklearn"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(UsageError, match=rf"needs {package} \(pip install numpy scikit-learn\)"):
        demo()

    assert not store.exists()


def test_it_refuses_to_run_where_runs_are_disabled(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")

    with pytest.raises(UsageError, match="WANDB_MODE"):
        demo()

    assert not store.exists()


def test_a_step_that_fails_leaves_a_failed_run(workdir: Path) -> None:
    (workdir / "artifacts").write_text("a file where the downloads should go")

    with pytest.raises(localart.Error):
        demo()

    assert [(run.job_type, run.state) for run in localart.Api().runs("digits-demo")] == [
        ("load-data", "finished"),
        ("preprocess-data", "failed"),
    ]
    (workdir / "artifacts").unlink()
    assert news(demo())["digits-raw:v0"] is False
