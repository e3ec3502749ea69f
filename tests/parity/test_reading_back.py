"""W&B's rules for using, downloading and looking up artifacts and runs, as its users rely on them."""

from pathlib import Path
from typing import Any

import pytest

import localart
from localart.errors import CommError

FILES = {"top.txt": "top", "dir/one.txt": "1", "dir/two.txt": "22", "dir2/three.txt": "333"}


def dataset(name: str = "data", files: dict[str, str] = FILES) -> localart.Artifact:
    made = localart.Artifact(name, type="dataset")
    for path, text in files.items():
        with made.new_file(path) as file:
            file.write(text)
    return made


@pytest.fixture
def logged() -> localart.Artifact:
    """`demo/data:v0` with four files, alias `best`, logged by a finished run."""
    with localart.init(project="demo", job_type="load-data") as run:
        return run.log_artifact(dataset(), aliases=["best"])


def files_below(folder: str | Path) -> dict[str, str]:
    root = Path(folder)
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


# --- use_artifact -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["data", "data:latest", "data:best", "data:v0", "demo/data", "demo/data:v0", "anyone/demo/data:best"],
)
def test_an_artifact_is_used_by_name_alias_number_and_project(
    address: str, logged: localart.Artifact
) -> None:
    with localart.init(project="demo") as run:
        used = run.use_artifact(address)

        assert used.source_name == "data:v0"
        assert used.type == "dataset"


def test_an_artifact_of_another_project_is_used_by_its_full_name(logged: localart.Artifact) -> None:
    with localart.init(project="elsewhere") as run:
        with pytest.raises(CommError, match="No artifact 'data'"):
            run.use_artifact("data:latest")

        assert run.use_artifact("demo/data:latest").project == "demo"

    assert [one.id for one in logged.used_by()] == [run.id]


@pytest.mark.parametrize(
    "address", ["nothing:latest", "data:v7", "data:worst", "gone/data:v0", "a b:c", "data:"]
)
def test_what_is_not_there_is_a_comm_error(
    address: str, logged: localart.Artifact, run: localart.Run
) -> None:
    with pytest.raises(CommError):
        run.use_artifact(address)
    with pytest.raises(CommError):
        localart.Api().artifact(address)

    assert run.used_artifacts() == []


def test_another_type_than_asked_for_is_a_comm_and_a_value_error(
    logged: localart.Artifact, run: localart.Run
) -> None:
    with pytest.raises(CommError) as caught:
        run.use_artifact("data:latest", type="model")

    assert isinstance(caught.value, ValueError)
    assert run.use_artifact("data:latest", type="dataset").version == "v0"


def test_a_draft_that_is_used_is_logged_first(run: localart.Run) -> None:
    used = run.use_artifact(dataset("fresh"), aliases=["mine"])

    assert (used.version, sorted(used.aliases)) == ("v0", ["latest", "mine"])
    assert [one.source_name for one in run.used_artifacts()] == ["fresh:v0"]
    assert [one.source_name for one in run.logged_artifacts()] == ["fresh:v0"]


def test_using_twice_is_using_once(logged: localart.Artifact, run: localart.Run) -> None:
    run.use_artifact("data:latest")
    run.use_artifact("data:v0")
    run.use_artifact(logged)

    assert [one.source_name for one in run.used_artifacts()] == ["data:v0"]
    assert [one.id for one in logged.used_by()] == [run.id]


def test_a_run_may_use_one_version_and_log_the_next(logged: localart.Artifact, run: localart.Run) -> None:
    run.use_artifact("data:latest")
    newest = run.log_artifact(dataset(files={"top.txt": "changed"}))

    assert [one.source_name for one in run.used_artifacts()] == ["data:v0"]
    assert newest.source_name == "data:v1"
    assert run.use_artifact("data:latest").version == "v1"


def test_the_module_uses_and_logs_in_the_active_run(logged: localart.Artifact, run: localart.Run) -> None:
    assert localart.use_artifact("data:best").version == "v0"  # type: ignore[union-attr]
    assert localart.log_artifact(dataset("more")).version == "v0"

    assert [one.source_name for one in run.logged_artifacts()] == ["more:v0"]


def test_a_fetched_artifact_keeps_the_alias_it_was_asked_for_by(logged: localart.Artifact) -> None:
    fetched = localart.Api().artifact("demo/data:best")

    assert (fetched.name, fetched.source_name, fetched.version) == ("data:best", "data:v0", "v0")
    assert fetched.qualified_name == "demo/data:best"


# --- download -----------------------------------------------------------------------------------------------


def test_download_brings_every_file_into_a_folder_named_by_the_version(
    logged: localart.Artifact, workdir: Path
) -> None:
    folder = localart.Api().artifact("demo/data:latest").download()

    assert folder == str(workdir / "artifacts" / "data:v0")
    assert files_below(folder) == FILES


@pytest.mark.parametrize("variable", ["WANDB_ARTIFACT_DIR", "LOCALART_ARTIFACT_DIR"])
def test_the_environment_says_where_downloads_go(
    variable: str, logged: localart.Artifact, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "down")

    assert logged.download() == str(workdir / "down" / "data:v0")


@pytest.mark.parametrize("kind", [str, Path])
def test_download_goes_where_it_is_told(kind: Any, logged: localart.Artifact, workdir: Path) -> None:
    assert logged.download(root=kind("here")) == str(workdir / "here")
    assert files_below("here") == FILES


def test_download_mends_changed_files_keeps_right_ones_and_leaves_others(logged: localart.Artifact) -> None:
    folder = Path(logged.download())
    kept = folder / "dir" / "two.txt"
    before = kept.stat()
    (folder / "top.txt").write_text("bad")
    (folder / "dir" / "one.txt").unlink()
    (folder / "mine.txt").write_text("mine")

    logged.download()

    assert files_below(folder) == {**FILES, "mine.txt": "mine"}
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_download_is_not_fooled_by_size_and_time(logged: localart.Artifact) -> None:
    import os

    folder = Path(logged.download())
    target = folder / "top.txt"
    before = target.stat()

    target.write_text("TOP")
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    logged.download()

    assert target.read_text() == "top"


def test_a_path_prefix_is_plain_text(logged: localart.Artifact) -> None:
    assert sorted(files_below(logged.download("a", path_prefix="dir"))) == [
        "dir/one.txt", "dir/two.txt", "dir2/three.txt",
    ]  # fmt: skip
    assert sorted(files_below(logged.download("b", path_prefix="dir/"))) == ["dir/one.txt", "dir/two.txt"]


def test_a_downloaded_file_belongs_to_the_user(logged: localart.Artifact) -> None:
    target = Path(logged.download()) / "top.txt"

    target.write_text("edited by hand")

    assert files_below(logged.download("other")) == FILES


def test_a_referenced_file_is_copied_and_a_missing_one_may_be_left_out(
    workdir: Path, run: localart.Run
) -> None:
    source = workdir / "far.txt"
    source.write_text("far")
    made = localart.Artifact("pointers", type="dataset")
    made.add_reference(source.as_uri())
    run.log_artifact(made)
    assert files_below(made.download("one")) == {"far.txt": "far"}

    source.unlink()

    with pytest.raises(FileNotFoundError):
        made.download("two")
    assert files_below(made.download("three", allow_missing_references=True)) == {}


def test_a_referenced_file_that_changed_is_not_taken_for_the_old_one(
    workdir: Path, run: localart.Run
) -> None:
    source = workdir / "far.txt"
    source.write_text("far")
    made = localart.Artifact("pointers", type="dataset")
    made.add_reference(source.as_uri())
    run.log_artifact(made)
    source.write_text("FAR")

    with pytest.raises(localart.Error, match="no longer the one"):
        made.download()


# --- checkout, verify, files ----------------------------------------------------------------------------------


def test_checkout_makes_the_folder_exactly_the_version(logged: localart.Artifact, workdir: Path) -> None:
    folder = workdir / "artifacts" / "data"
    (folder / "dir").mkdir(parents=True)
    (folder / "extra.txt").write_text("x")
    (folder / "dir" / "one.txt").write_text("old")

    assert logged.checkout() == str(folder)

    assert files_below(folder) == FILES


def test_verify_accepts_only_exactly_the_version(logged: localart.Artifact) -> None:
    folder = Path(logged.download())
    logged.verify()

    (folder / "extra.txt").write_text("x")
    with pytest.raises(ValueError, match=r"extra\.txt"):
        logged.verify()
    (folder / "extra.txt").unlink()
    (folder / "top.txt").write_text("TOP")
    with pytest.raises(ValueError, match=r"top\.txt"):
        logged.verify()
    (folder / "top.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"top\.txt"):
        logged.verify()


def test_verify_checks_the_folder_it_is_given(logged: localart.Artifact, workdir: Path) -> None:
    logged.download("copy")

    logged.verify("copy")

    with pytest.raises(FileNotFoundError):
        logged.verify("nowhere")


def test_file_is_for_an_artifact_of_one_file(
    logged: localart.Artifact, run: localart.Run, workdir: Path
) -> None:
    single = run.log_artifact(dataset("single", {"deep/only.txt": "1"}))

    assert single.file() == str(workdir / "artifacts" / "single:v0" / "deep" / "only.txt")
    with pytest.raises(ValueError, match="4 files"):
        logged.file()


def test_files_can_be_listed_and_fetched_one_by_one(logged: localart.Artifact, workdir: Path) -> None:
    assert {file.name: file.size for file in logged.files()} == {
        path: len(text) for path, text in FILES.items()
    }
    (one,) = logged.files(names=["dir/two.txt"])

    with one.download("copy") as file:
        assert file.read() == "22"
    assert files_below("copy") == {"dir/two.txt": "22"}


def test_an_entry_is_found_by_its_path(logged: localart.Artifact) -> None:
    entry = logged.get_entry("dir/one.txt")

    assert Path(entry.download("copy")).read_text() == "1"
    assert (entry.size, entry.ref, entry.parent_artifact()) == (1, None, logged)
    with pytest.raises(KeyError, match="nothing"):
        logged.get_entry("nothing")


# --- where it came from and went ------------------------------------------------------------------------------


def test_a_version_knows_who_made_and_used_it(logged: localart.Artifact) -> None:
    users = []
    for job_type in ("train", "report"):
        with localart.init(project="demo", job_type=job_type) as run:
            run.use_artifact("data:latest")
            users.append(run.id)

    producer = logged.logged_by()
    assert producer is not None
    assert producer.job_type == "load-data"
    assert [one.id for one in logged.used_by()] == users


# --- Api --------------------------------------------------------------------------------------------------------


def test_api_lists_versions_newest_first_or_oldest_first(run: localart.Run) -> None:
    for text in "xyz":
        run.log_artifact(dataset("many", {"a": text}))
    api = localart.Api()

    assert [one.version for one in api.artifacts("dataset", "demo/many")] == ["v2", "v1", "v0"]
    assert [one.version for one in api.artifacts("dataset", "demo/many", order="+version_index")] == [
        "v0", "v1", "v2",
    ]  # fmt: skip
    with pytest.raises(CommError, match="type"):
        api.artifacts("model", "demo/many")


def test_api_says_whether_an_artifact_exists(logged: localart.Artifact) -> None:
    api = localart.Api()

    assert api.artifact_exists("demo/data:best")
    assert not api.artifact_exists("demo/data:worst")
    assert not api.artifact_exists("demo/data:best", type="model")


def test_api_looks_in_the_project_it_is_told(logged: localart.Artifact) -> None:
    assert localart.Api(overrides={"project": "demo"}).artifact("data:latest").version == "v0"
    with pytest.raises(CommError):
        localart.Api(overrides={"project": "other"}).artifact("data:latest")


def test_api_lists_the_runs_of_a_project_oldest_first() -> None:
    ids = []
    for number in range(3):
        with localart.init(project="demo", name=f"run {number}") as run:
            ids.append(run.id)
    localart.init(project="other").finish()
    api = localart.Api()

    assert [one.id for one in api.runs("demo")] == ids
    assert [one.id for one in api.runs("anyone/demo", order="-created_at")] == ids[::-1]
    assert len(list(api.runs())) == 4


@pytest.mark.parametrize("path", ["{id}", "demo/{id}", "anyone/demo/{id}"])
def test_api_finds_a_run_by_its_path(path: str) -> None:
    with localart.init(
        project="demo", config={"a": 1}, notes="n", tags=["t"], job_type="j", group="g"
    ) as run:
        run.log({"x": 1})
        run.summary["y"] = 2

    found = localart.Api().run(path.format(id=run.id))

    assert (found.id, found.name, found.state, found.path) == (
        run.id,
        run.name,
        "finished",
        ["", "demo", run.id],
    )
    assert (found.config, found.summary, found.notes, found.tags) == ({"a": 1}, {"x": 1, "y": 2}, "n", ["t"])
    assert (found.job_type, found.group) == ("j", "g")


def test_a_run_or_project_that_is_not_there_is_a_comm_error() -> None:
    api = localart.Api()

    with pytest.raises(CommError, match="No run"):
        api.run("demo/nothing1")
    with pytest.raises(CommError, match="No project"):
        list(api.runs("nothing"))


def test_history_can_be_scanned_by_keys_and_steps(run: localart.Run) -> None:
    for step in range(10):
        run.log({"x": step} if step % 2 else {"x": step, "y": -step})
    found = localart.Api().run(run.path)

    assert [row["y"] for row in found.scan_history(keys=["x", "y"])] == [0, -2, -4, -6, -8]
    assert [row["_step"] for row in found.scan_history(min_step=3, max_step=6)] == [3, 4, 5]
    assert len(found.history(samples=4)) == 4
    assert len(list(found.scan_history())) == 10


def test_a_run_knows_what_it_made_and_used(logged: localart.Artifact) -> None:
    with localart.init(project="demo") as run:
        run.use_artifact("data:best")
        run.log_artifact(dataset("made", {"a": "1"}))

    found = localart.Api().run(run.path)
    assert [one.qualified_name for one in found.used_artifacts()] == ["demo/data:v0"]
    assert [one.qualified_name for one in found.logged_artifacts()] == ["demo/made:v0"]


def test_a_running_run_can_be_read_as_it_goes(run: localart.Run) -> None:
    run.log({"x": 1})
    found = localart.Api().run(run.path)
    assert (found.state, found.summary) == ("running", {"x": 1})

    run.log({"x": 2})
    run.finish()
    found.load()

    assert (found.state, found.summary) == ("finished", {"x": 2})


def test_results_can_be_counted_picked_and_walked(run: localart.Run) -> None:
    for text in "xyz":
        run.log_artifact(dataset("many", {"a": text}))
    versions = localart.Api().artifacts("dataset", "demo/many")
    runs = localart.Api().runs("demo")

    assert (len(versions), len(runs), bool(versions)) == (3, 1, True)
    assert (versions[0].version, versions[-1].version) == ("v2", "v0")
    assert [one.version for one in versions[1:]] == ["v1", "v0"]
    assert (next(versions).version, next(versions).version) == ("v2", "v1")
    assert [one.version for one in versions] == ["v2", "v1", "v0"]
    assert runs[0].id == run.id
    with pytest.raises(IndexError):
        _ = versions[3]


def test_nothing_found_is_an_empty_listing(logged: localart.Artifact) -> None:
    found = localart.Api().artifacts("dataset", "demo/data", tags=["none"])

    assert (len(found), bool(found), list(found)) == (0, False, [])


def test_the_lineage_of_a_version_has_every_link_between_what_it_shows(logged: localart.Artifact) -> None:
    with localart.init(project="demo", job_type="train") as train:
        train.use_artifact("data:latest")
        train.log_artifact(dataset("model", {"w": "1"}))
    with localart.init(project="demo", job_type="report") as report:
        report.use_artifact("data:latest")
        report.use_artifact("model:latest")

    graph = localart.Api().lineage("demo/model")

    labels = {node.key: node.label.split()[0] for node in graph.nodes}
    assert (labels[graph.focus or ""], len(labels)) == ("model:v0", 5)
    assert ("data:v0", report.name) in {(labels[edge.source], labels[edge.target]) for edge in graph.edges}
    assert len(graph.edges) == 5
