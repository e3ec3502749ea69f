"""Models, links and versions that several runs make together."""

from pathlib import Path
from typing import Any

import pytest

import localart
from localart.errors import CommError


@pytest.fixture
def weights(workdir: Path) -> Path:
    path = workdir / "weights.bin"
    path.write_bytes(b"w" * 100)
    return path


def draft(name: str, **files: str) -> localart.Artifact:
    artifact = localart.Artifact(name, type="dataset")
    for path, content in files.items():
        with artifact.new_file(path) as file:
            file.write(content)
    return artifact


def test_a_model_is_logged_used_and_found_as_its_only_file(run: localart.Run, weights: Path) -> None:
    assert run.log_model(weights, name="net", aliases=["best"]) is None  # type: ignore[func-returns-value]

    path = run.use_model("net:best")

    assert Path(path).read_bytes() == weights.read_bytes()
    assert [(one.name, one.type) for one in run.logged_artifacts()] == [("net:v0", "model")]
    assert [one.name for one in run.used_artifacts()] == ["net:v0"]


def test_a_model_of_several_files_is_its_folder(run: localart.Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    run.log_model(tmp_path, name="net")

    assert sorted(path.name for path in Path(run.use_model("net:latest")).iterdir()) == ["a", "b"]


def test_a_model_without_a_name_is_called_after_the_run(run: localart.Run, weights: Path) -> None:
    run.log_model(str(weights))

    assert [one.name for one in run.logged_artifacts()] == [f"run-{run.id}-weights.bin:v0"]


def test_what_is_no_model_is_refused_as_one(run: localart.Run) -> None:
    run.log_artifact(draft("data", x="x"))

    with pytest.raises(AssertionError, match="'model'"):
        run.use_model("data:latest")
    with pytest.raises(CommError):
        run.use_model("gone:latest")
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        run.log_model("gone")


def test_a_model_is_linked_to_the_registry(run: localart.Run, weights: Path) -> None:
    linked = run.link_model(weights, "churn", name="net", aliases=["production"])

    assert linked is not None
    assert (linked.is_link, linked.source_name, linked.project) == (True, "net:v0", "model-registry")
    found = localart.Api().artifact("model-registry/churn:production")
    assert (found.version, found.source_name) == ("v0", "net:v0")


def test_a_registered_model_is_a_name_and_no_path(run: localart.Run, weights: Path) -> None:
    with pytest.raises(AssertionError, match="is a path"):
        run.link_model(weights, "a/b")
    run.log_artifact(draft("data", x="x"))
    with pytest.raises(AssertionError, match="'model'"):
        run.link_model(weights, "churn", name="data")

    assert [one.name for one in run.logged_artifacts()] == ["data:v0"]


def test_a_draft_is_logged_and_linked(run: localart.Run) -> None:
    linked = run.link_artifact(draft("data", x="x"), "shelf/best-data", aliases=["gold"])

    assert (linked.is_link, linked.name, linked.source_name) == (True, "best-data:v0", "data:v0")
    assert "gold" in linked.aliases
    assert localart.Api().artifact("shelf/best-data:gold").source_name == "data:v0"
    assert [one.name for one in run.logged_artifacts()] == ["data:v0"]


def test_linking_takes_an_artifact(run: localart.Run) -> None:
    with pytest.raises(TypeError, match="takes an Artifact"):
        run.link_artifact("data:latest", "shelf")  # type: ignore[arg-type]


def test_runs_of_a_group_make_one_version_together() -> None:
    with localart.init(project="demo", group="g") as first:
        first.upsert_artifact(draft("shared", a="1"))
    with localart.init(project="demo", group="g") as second:
        second.upsert_artifact(draft("shared", b="2"))
        with pytest.raises(CommError):
            second.use_artifact("shared:latest")
    with localart.init(project="demo", group="g") as last:
        made = last.finish_artifact(draft("shared", c="3"), aliases=["whole"])

    assert (made.version, sorted(made.manifest.entries)) == ("v0", ["a", "b", "c"])
    assert localart.Api().artifact("demo/shared:whole").version == "v0"


@pytest.mark.parametrize("verb", ["upsert", "finish"])
def test_a_shared_version_needs_something_shared(run: localart.Run, verb: str) -> None:
    call: Any = getattr(run, f"{verb}_artifact")

    with pytest.raises(TypeError, match=f"Cannot {verb} artifact unless run is in a group"):
        call(draft("shared", a="1"))


def test_module_level_calls_go_to_the_active_run(run: localart.Run, weights: Path) -> None:
    localart.log_model(weights, name="net")
    assert Path(localart.use_model("net:latest")).name == "weights.bin"
    linked = localart.link_model(weights, "churn", name="net")
    assert linked is not None
    localart.upsert_artifact(draft("shared", a="1"), distributed_id="d")
    made = localart.finish_artifact(draft("shared", b="2"), distributed_id="d")
    again = localart.link_artifact(made, "shelf")

    assert (again.source_name, len(made.manifest.entries)) == ("shared:v0", 2)
