"""Drafts that begin with an earlier version's content, and objects in artifacts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import ArtifactFinalizedError, CommError
from localart.operations.prune import execute_prune


def with_files(files: dict[str, str], name: str = "data", **named: Any) -> localart.Artifact:
    made = localart.Artifact(name, type="dataset", **named)
    for path, text in files.items():
        with made.new_file(path, mode="w") as file:
            file.write(text)
    return made


def texts(logged: localart.Artifact) -> dict[str, str]:
    folder = Path(logged.download())
    return {path: (folder / path).read_text() for path in sorted(logged.manifest.entries)}


# --- new_draft --------------------------------------------------------------------------------------------------


def test_a_draft_of_a_version_begins_with_all_it_holds(run: localart.Run) -> None:
    logged = with_files({"a": "1", "dir/b": "2"}, description="words", metadata={"n": [1]})
    run.log_artifact(logged, aliases=["best"], tags=["seen"])

    draft = logged.new_draft()
    draft.metadata["n"].append(2)

    assert (draft.name, draft.type, draft.state, draft.description) == ("data", "dataset", "PENDING", "words")
    assert (list(draft.manifest.entries), draft.digest, draft.size) == (["a", "dir/b"], logged.digest, 2)
    assert (draft.metadata, logged.metadata) == ({"n": [1, 2]}, {"n": [1]})
    for none in ("aliases", "tags", "ttl"):
        assert not hasattr(draft, none)


def test_a_changed_draft_is_the_next_version(run: localart.Run) -> None:
    draft = run.log_artifact(with_files({"a": "1", "b": "2"})).new_draft()
    draft.remove("a")
    with draft.new_file("c") as file:
        file.write("3")

    run.log_artifact(draft)

    assert (draft.version, texts(draft)) == ("v1", {"b": "2", "c": "3"})
    assert texts(localart.Api().artifact("demo/data:v0")) == {"a": "1", "b": "2"}


def test_an_unchanged_draft_is_the_same_version(run: localart.Run) -> None:
    draft = run.log_artifact(with_files({"a": "1"})).new_draft()

    assert run.log_artifact(draft).version == "v0"


def test_a_draft_of_a_link_belongs_to_the_source(run: localart.Run) -> None:
    draft = run.log_artifact(with_files({"a": "1"})).link("wandb-registry-data/x").new_draft()
    with draft.new_file("b") as file:
        file.write("2")

    assert run.log_artifact(draft).qualified_name == "demo/data:v1"


def test_a_draft_of_a_version_stays_in_its_project() -> None:
    with localart.init(project="one") as run:
        draft = run.log_artifact(with_files({"a": "1"})).new_draft()

    with localart.init(project="two") as other, pytest.raises(ValueError, match="can't be moved"):
        other.log_artifact(draft)

    draft.save()
    assert draft.qualified_name == "one/data:v0"


def test_a_draft_keeps_content_whose_version_is_deleted_and_pruned(run: localart.Run) -> None:
    logged = run.log_artifact(with_files({"a": "1" * 1000}))
    draft = logged.new_draft()
    logged.delete(delete_aliases=True)

    assert execute_prune(logged.repository, trash_seconds=0).beside_writers
    with draft.new_file("b") as file:
        file.write("2")

    assert texts(run.log_artifact(draft))["a"] == "1" * 1000


def test_a_deleted_version_has_no_draft(run: localart.Run) -> None:
    logged = run.log_artifact(with_files({"a": "1"}))
    logged.delete(delete_aliases=True)

    with pytest.raises(CommError, match="deleted"):
        logged.new_draft()


# --- incremental ------------------------------------------------------------------------------------------------


def test_an_incremental_artifact_is_laid_over_the_latest_version(run: localart.Run) -> None:
    run.log_artifact(with_files({"a": "1", "b": "2"}))
    added = with_files({"b": "new", "c": "3"}, incremental=True)

    run.log_artifact(added)

    assert (added.incremental, added.version) == (True, "v1")
    assert texts(added) == {"a": "1", "b": "new", "c": "3"}


def test_the_first_incremental_artifact_is_an_ordinary_one(run: localart.Run) -> None:
    assert texts(run.log_artifact(with_files({"a": "1"}, incremental=True))) == {"a": "1"}


def test_an_incremental_artifact_that_adds_nothing_is_the_same_version(run: localart.Run) -> None:
    run.log_artifact(with_files({"a": "1", "b": "2"}))

    assert run.log_artifact(with_files({"b": "2"}, incremental=True)).version == "v0"


def test_incremental_artifacts_of_two_processes_lose_nothing(store: Path) -> None:
    code = (
        "import localart, sys\n"
        "run = localart.init(project='demo')\n"
        "for number in range(5):\n"
        "    made = localart.Artifact('data', 'dataset', incremental=True)\n"
        "    with made.new_file(f'{sys.argv[1]}-{number}') as file: file.write(sys.argv[1])\n"
        "    run.log_artifact(made)\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]

    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    latest = localart.Api().artifact("demo/data")
    assert sorted(latest.manifest.entries) == sorted(
        f"{name}-{number}" for name in "ab" for number in range(5)
    )
    assert latest.version == "v9"


# --- typed objects ----------------------------------------------------------------------------------------------


def test_an_object_is_read_back_under_its_name(run: localart.Run) -> None:
    picture = localart.Image(np.zeros((4, 4, 3), dtype=np.uint8), caption="black")
    draft = localart.Artifact("data", type="dataset")
    entry = draft.add(picture, "dir/picture")
    draft["other"] = picture
    logged = run.log_artifact(draft)

    found = logged.get("dir/picture")

    assert entry.path == "dir/picture.image-file.json"
    assert found == picture
    assert (logged["dir/picture"], logged["dir/picture.image-file.json"]) == (picture, picture)
    assert (logged.get("nothing"), logged["nothing"]) == (None, None)
    assert logged.get_entry("dir/picture").path == entry.path
    assert logged.get_path("dir/picture.image-file.json").path == entry.path


def test_a_table_is_read_back_with_its_rows(run: localart.Run) -> None:
    table = localart.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])
    draft = localart.Artifact("data", type="dataset")
    draft.add(table, "table")
    run.log_artifact(draft)

    found = localart.Api().artifact("demo/data").get("table")

    assert (found.columns, found.data) == (["a", "b"], [[1, "x"], [2, "y"]])


def test_the_same_object_is_added_once_and_a_name_kept_unless_overwritten() -> None:
    black, white = (localart.Image(np.full((2, 2), shade, dtype=np.uint8)) for shade in (0, 255))
    draft = localart.Artifact("data", type="dataset")

    first = draft.add(black, "x")

    assert draft.add(black, "y").path == first.path
    assert draft.add(white, "x").digest == first.digest
    assert draft.add(white, "z", overwrite=True).path == "z.image-file.json"


@pytest.mark.parametrize("thing", ["text", 5, None, np.zeros(3)], ids=["text", "number", "none", "array"])
def test_only_objects_to_look_at_are_added(thing: Any) -> None:
    with pytest.raises(TypeError):
        localart.Artifact("data", type="dataset").add(thing, "x")


def test_an_object_of_another_version_shares_its_bytes(run: localart.Run) -> None:
    draft = localart.Artifact("data", type="dataset")
    draft.add(localart.Image(np.zeros((4, 4), dtype=np.uint8)), "picture")
    first = run.log_artifact(draft)
    other = localart.Artifact("other", type="dataset")

    other.add(first.get("picture"), "again")
    second = run.log_artifact(other)

    shared = {entry.digest for entry in first.manifest} & {entry.digest for entry in second.manifest}
    assert any(entry.digest in shared for entry in second.manifest if entry.path.startswith("media/"))
    assert second.get("again") == first.get("picture")


def test_nothing_is_set_in_a_logged_artifact(run: localart.Run) -> None:
    logged = run.log_artifact(with_files({"a": "1"}))

    with pytest.raises(ArtifactFinalizedError):
        logged["picture"] = localart.Image(np.zeros((2, 2)))


# --- manifest and files -----------------------------------------------------------------------------------------


def test_the_manifest_is_told_as_json(run: localart.Run) -> None:
    made = with_files({"dir/a": "1"})
    made.add_reference("s3://bucket/key")
    logged = run.log_artifact(made)

    told = logged.manifest.to_manifest_json()

    digest = logged.get_entry("dir/a").digest
    assert told["version"] == logged.manifest.version == 1
    assert told["contents"]["dir/a"] == {"digest": digest, "size": 1}
    assert told["contents"]["key"]["ref"] == "s3://bucket/key"
    assert (logged.manifest.digest(), logged.manifest.size(), len(logged.manifest)) == (logged.digest, 1, 2)
    assert logged.manifest.get_entry_by_path("dir/a").digest == digest
    assert logged.manifest.get_entry_by_path("none") is None
    assert [one.path for one in logged.manifest.get_entries_in_directory("dir")] == ["dir/a"]


def test_an_entry_tells_what_is_known_of_it(run: localart.Run, workdir: Path) -> None:
    (workdir / "x").write_text("x")
    made = localart.Artifact("data", type="dataset")
    entry = made.add_file("x")

    assert entry.local_path == str(workdir / "x")
    assert (entry.extra, entry.birth_artifact_id, entry.skip_cache) == ({}, None, False)
    assert entry.to_json() == {
        "path": "x", "digest": entry.digest, "size": 1, "local_path": str(workdir / "x"), "skip_cache": False,
        "extra": {},
    }  # fmt: skip
    assert entry.digest_algorithm() == "MANIFEST_MD5"
    assert entry.parent_artifact() is made
    with pytest.raises(ValueError, match="not a reference"):
        entry.ref_target()
    with pytest.raises(ValueError, match="before its artifact is logged"):
        entry.ref_url()


def test_files_are_listed_as_files(run: localart.Run, workdir: Path) -> None:
    made = with_files({"dir/a.json": "hello", "b": "2"})
    made.add_reference("s3://bucket/key.csv")
    files = run.log_artifact(made).files()

    found = {file.name: file for file in files}

    assert (len(files), sorted(found)) == (3, ["b", "dir/a.json", "key.csv"])
    stored, reference = found["dir/a.json"], found["key.csv"]
    assert (stored.size, stored.mimetype, stored.md5) == (5, "application/json", "XUFAKrxLKna5cZ2REBfFkg==")
    assert (stored.url, stored.storage_path, stored.updated_at) == ("", stored.digest, made.created_at)
    assert (reference.size, reference.url, reference.md5, reference.storage_path) == (
        0, "s3://bucket/key.csv", None, "",
    )  # fmt: skip
    assert files.path == ["", "demo", "data:v0"]
    assert [files[0].name, files.next().name, next(files).name] == ["b", "b", "key.csv"]
    assert [one.name for one in made.files(names=["b"])] == ["b"]


def test_a_file_is_brought_where_it_is_wanted(run: localart.Run, workdir: Path) -> None:
    (file,) = run.log_artifact(with_files({"dir/a": "new"})).files()

    with file.download() as brought:
        assert (brought.name, brought.read()) == (os.path.join("dir", "a"), "new")
    (workdir / "dir" / "a").write_text("mine")
    with pytest.raises(ValueError, match="already"):
        file.download()
    with file.download(exist_ok=True) as left:
        assert left.read() == "mine"
    with file.download(replace=True) as replaced:
        assert replaced.read() == "new"


def test_one_entry_is_brought_alone(run: localart.Run, workdir: Path) -> None:
    logged = run.log_artifact(with_files({"dir/a": "1", "b": "2"}))

    path = logged.get_entry("dir/a").download(root="here", skip_cache=True)

    assert path == str(workdir / "here" / "dir" / "a")
    assert os.listdir("here") == ["dir"]
