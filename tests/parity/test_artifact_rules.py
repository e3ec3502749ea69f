"""W&B's rules for making and logging artifacts, as its users rely on them."""

import datetime as dt
import os
import stat
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import localart
from localart.errors import ArtifactFinalizedError, ArtifactNotLoggedError, CommError


def artifact(name: str = "data", **named: Any) -> localart.Artifact:
    return localart.Artifact(name, type="dataset", **named)


def with_text(text: str, name: str = "data", path: str = "a.txt", **named: Any) -> localart.Artifact:
    """A draft of one small file."""
    made = artifact(name, **named)
    with made.new_file(path) as file:
        file.write(text)
    return made


def paths(made: localart.Artifact) -> list[str]:
    return list(made.manifest.entries)


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


# --- name, type, description ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "mnist-raw", "A_b.c-1", "n" * 128, "...", "v1"])
def test_letters_digits_dashes_dots_and_underscores_make_a_name(name: str) -> None:
    assert artifact(name).name == name


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a:b", "é", "a\n", ".", "..", "n" * 129])
def test_a_name_that_could_be_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Artifact name"):
        artifact(name)


def test_an_artifact_needs_a_type() -> None:
    with pytest.raises(TypeError):
        localart.Artifact("data")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a", "job"), ("a", "wandb-history"), ("run-1-table", "run_table"), ("source-x", "code")],
)
def test_types_that_the_tracker_logs_by_itself_are_reserved(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        localart.Artifact(name, type=kind)


@pytest.mark.parametrize("kind", ["dataset", "two words", "a/b", "", "run_table", "code"])
def test_any_other_type_is_fine(kind: str) -> None:
    assert localart.Artifact("data", type=kind).type == kind


def test_arguments_of_wandb_are_accepted_and_others_refused() -> None:
    localart.Artifact(
        "a", "dataset", None, None, False, use_as=None, storage_region=None, digest_algorithm="XXH128"
    )

    with pytest.raises(TypeError, match="metdata"):
        localart.Artifact("a", "dataset", metdata={})  # type: ignore[call-arg]


def test_a_draft_says_what_it_is() -> None:
    draft = artifact(description="words")

    assert (draft.id, draft.name, draft.source_name, draft.type) == (None, "data", "data", "dataset")
    assert (draft.description, draft.metadata, draft.state, draft.is_draft()) == (
        "words",
        {},
        "PENDING",
        True,
    )
    assert (draft.size, len(draft.manifest)) == (0, 0)


@pytest.mark.parametrize("what", ["name", "type"])
def test_name_and_type_cannot_be_set(what: str) -> None:
    with pytest.raises(AttributeError):
        setattr(artifact(), what, "other")


# --- metadata ---------------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({3}, [3], id="set"),
        pytest.param(np.float64(0.5), 0.5, id="numpy scalar"),
        pytest.param(np.arange(3), [0, 1, 2], id="small array"),
        pytest.param(float("nan"), None, id="nan"),
        pytest.param(dt.date(2026, 1, 2), "2026-01-02", id="date"),
        pytest.param(
            dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-02T03:04:05+00:00", id="datetime"
        ),
        pytest.param(Path("a/b"), "a/b", id="path"),
        pytest.param(b"abc", "abc", id="bytes"),
        pytest.param({1: "x"}, {"1": "x"}, id="int key"),
        pytest.param([{"deep": (1,)}], [{"deep": [1]}], id="nested"),
    ],
)
def test_metadata_values_become_plain_json(given: Any, kept: Any) -> None:
    assert artifact(metadata={"value": given}).metadata == {"value": kept}


def test_a_large_array_in_metadata_becomes_text() -> None:
    array = np.arange(100)

    assert artifact(metadata={"value": array}).metadata == {"value": str(array)}


def test_a_function_in_metadata_becomes_its_name() -> None:
    assert "with_text" in artifact(metadata={"value": with_text}).metadata["value"]


@pytest.mark.parametrize(("given", "error"), [(float("inf"), ValueError), (object(), TypeError)])
def test_metadata_that_json_cannot_hold_is_refused(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        artifact(metadata={"value": given})


@pytest.mark.parametrize("given", [[1], 5, object()])
def test_metadata_is_a_dictionary(given: Any) -> None:
    with pytest.raises(TypeError):
        artifact(metadata=given)


def test_metadata_may_be_json_text() -> None:
    assert artifact(metadata='{"a": [1]}').metadata == {"a": [1]}


def test_metadata_is_a_copy_that_the_caller_cannot_reach() -> None:
    mine = {"list": [1]}
    draft = artifact(metadata=mine)

    mine["list"].append(2)

    assert draft.metadata == {"list": [1]}


def test_metadata_has_at_most_a_hundred_keys_at_the_top() -> None:
    artifact(metadata={str(number): 0 for number in range(100)})
    artifact(metadata={"below": {str(number): 0 for number in range(200)}})

    with pytest.raises(ValueError, match="100"):
        artifact(metadata={str(number): 0 for number in range(101)})


def test_metadata_edited_in_place_is_checked_when_it_is_logged(run: localart.Run) -> None:
    draft = artifact(metadata={"sizes": [1]})
    draft.metadata["sizes"].append(2)
    run.log_artifact(draft)
    assert localart.Api().artifact("demo/data").metadata == {"sizes": [1, 2]}

    broken = artifact("broken")
    broken.metadata["value"] = float("inf")
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        run.log_artifact(broken)
    assert not localart.Api().artifact_exists("demo/broken")


# --- a draft and what it lacks ----------------------------------------------------------------------------

ONLY_LOGGED = [
    "version", "aliases", "tags", "entity", "project", "qualified_name", "file_count", "created_at",
    "updated_at", "commit_hash",
]  # fmt: skip


@pytest.mark.parametrize("what", ONLY_LOGGED)
def test_a_draft_has_no(what: str) -> None:
    draft = artifact()

    assert not hasattr(draft, what)
    with pytest.raises(ArtifactNotLoggedError, match="before it is logged"):
        getattr(draft, what)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda draft: draft.download(), id="download"),
        pytest.param(lambda draft: draft.checkout(), id="checkout"),
        pytest.param(lambda draft: draft.verify(), id="verify"),
        pytest.param(lambda draft: draft.file(), id="file"),
        pytest.param(lambda draft: draft.files(), id="files"),
        pytest.param(lambda draft: draft.get_entry("a.txt"), id="get_entry"),
        pytest.param(lambda draft: draft.used_by(), id="used_by"),
        pytest.param(lambda draft: draft.logged_by(), id="logged_by"),
        pytest.param(lambda draft: draft.delete(), id="delete"),
        pytest.param(lambda draft: draft.wait(), id="wait"),
    ],
)
def test_a_draft_cannot(call: Any) -> None:
    with pytest.raises(ArtifactNotLoggedError):
        call(with_text("x"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda made: made.add_file(__file__), id="add_file"),
        pytest.param(lambda made: made.add_dir("."), id="add_dir"),
        pytest.param(lambda made: made.add_reference("s3://bucket/key"), id="add_reference"),
        pytest.param(lambda made: made.new_file("b.txt").__enter__(), id="new_file"),
        pytest.param(lambda made: made.add(localart.Image(np.zeros((2, 2))), "image"), id="add"),
        pytest.param(lambda made: made.__setitem__("image", localart.Image(np.zeros((2, 2)))), id="set item"),
        pytest.param(lambda made: made.remove("a.txt"), id="remove"),
    ],
)
@pytest.mark.parametrize("how", ["finalized", "logged"])
def test_sealed_content_cannot_be_changed(change: Any, how: str, run: localart.Run) -> None:
    made = with_text("x")
    made.finalize() if how == "finalized" else run.log_artifact(made)

    with pytest.raises(ArtifactFinalizedError):
        change(made)
    assert paths(made) == ["a.txt"]


def test_metadata_and_description_of_a_logged_version_may_still_change(run: localart.Run) -> None:
    logged = run.log_artifact(with_text("x"))

    logged.metadata["score"] = 1
    logged.description = "better words"
    logged.save()

    kept = localart.Api().artifact("demo/data:v0")
    assert (kept.metadata, kept.description, kept.version) == ({"score": 1}, "better words", "v0")


# --- paths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [("./x", "x"), ("a//b", "a/b"), ("x/", "x"), ("a/./b", "a/b"), ("é ü", "é ü"), ("a:b#c%d", "a:b#c%d")],
)
def test_paths_are_stored_in_one_form(given: str, stored: str, workdir: Path) -> None:
    made = artifact()

    made.add_file(write(workdir / "source", "x"), name=given)

    assert paths(made) == [stored]


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a/..", "/x", "C:\\x", "..\\x", "."])
def test_a_path_that_leaves_the_artifact_is_refused(path: str, workdir: Path) -> None:
    made = artifact()
    source = write(workdir / "source", "x")

    with pytest.raises(ValueError, match="Path"):
        made.add_file(source, name=path)
    with pytest.raises(ValueError, match="Path"), made.new_file(path):
        pass
    assert paths(made) == []


# --- add_file ---------------------------------------------------------------------------------------------


def test_add_file_takes_the_files_own_name_unless_told_another(workdir: Path) -> None:
    made = artifact()
    source = write(workdir / "deep" / "x.txt", "x")

    entry = made.add_file(source)
    made.add_file(source, name="")
    made.add_file(source, name="other/y.txt")

    assert (entry.path, entry.size, entry.ref) == ("x.txt", 1, None)
    assert paths(made) == ["x.txt", "other/y.txt"]


@pytest.mark.parametrize("source", ["missing.txt", "."])
def test_add_file_takes_only_a_file(source: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - W&B's type; the messages differ
        artifact().add_file(source)


def test_one_path_holds_one_content_unless_overwritten(workdir: Path) -> None:
    made = artifact()
    first, second = write(workdir / "one", "1"), write(workdir / "two", "22")
    made.add_file(first, name="x")
    made.add_file(first, name="x")

    with pytest.raises(ValueError, match="another content"):
        made.add_file(second, name="x")
    assert made.size == 1

    made.add_file(second, name="x", overwrite=True)
    assert (made.size, paths(made)) == (2, ["x"])


def test_what_was_added_stays_as_it_was(run: localart.Run, workdir: Path) -> None:
    source = Path(write(workdir / "x.txt", "early"))
    made = artifact()
    made.add_file(source)

    source.write_text("late")
    run.log_artifact(made)

    assert Path(made.file()).read_text() == "early"


def test_add_file_leaves_the_users_file_alone(workdir: Path) -> None:
    source = Path(write(workdir / "x.txt", "x"))
    mode = stat.S_IMODE(source.stat().st_mode)

    artifact().add_file(source, policy="immutable")

    assert (source.read_text(), stat.S_IMODE(source.stat().st_mode)) == ("x", mode)


def test_a_temporary_file_is_named_by_its_content(workdir: Path) -> None:
    entry = artifact().add_file(write(workdir / "x.png", "x"), is_tmp=True)

    assert entry.path == entry.digest[:20] + ".png"


@pytest.mark.parametrize("method", ["add_file", "add_dir"])
def test_an_unknown_policy_is_a_value_error(method: str) -> None:
    with pytest.raises(ValueError, match="policy must be one of"):
        getattr(artifact(), method)(".", policy="sometimes")


def test_the_path_of_an_added_local_file_can_be_asked_for(workdir: Path) -> None:
    made = artifact()
    made.add_file(write(workdir / "x.txt", "x"), name="inside.txt")

    assert made.get_added_local_path_name(str(workdir / "x.txt")) == "inside.txt"
    assert made.get_added_local_path_name("y.txt") is None


# --- add_dir ----------------------------------------------------------------------------------------------


@pytest.fixture
def tree(workdir: Path) -> Path:
    """A folder with a hidden file, a sub-folder, a link to a folder, and an empty folder."""
    root = workdir / "tree"
    write(root / "a.txt", "a")
    write(root / ".hidden", "h")
    write(root / "sub" / "b.txt", "b")
    write(workdir / "elsewhere" / "c.txt", "c")
    (root / "linked").symlink_to(workdir / "elsewhere")
    (root / "empty").mkdir()
    return root


def test_add_dir_takes_every_file_and_follows_links(tree: Path) -> None:
    made = artifact()

    assert made.add_dir(tree) is None  # type: ignore[func-returns-value]

    assert sorted(paths(made)) == [".hidden", "a.txt", "linked/c.txt", "sub/b.txt"]


def test_add_dir_puts_everything_below_a_name(tree: Path) -> None:
    made = artifact()

    made.add_dir(tree, name="deep/inside")

    assert "deep/inside/sub/b.txt" in paths(made)
    assert len(made.manifest) == 4


def test_add_dir_takes_only_a_folder(workdir: Path) -> None:
    with pytest.raises(ValueError, match="not a folder"):
        artifact().add_dir(write(workdir / "x", "x"))


def test_a_changed_file_needs_merge_to_be_added_again(tree: Path) -> None:
    made = artifact()
    made.add_dir(tree)
    made.add_dir(tree)
    write(tree / "a.txt", "changed")
    (tree / "sub" / "b.txt").unlink()

    with pytest.raises(ValueError, match="another content"):
        made.add_dir(tree)

    made.add_dir(tree, merge=True)
    assert made.manifest.entries["a.txt"].size == len("changed")
    assert "sub/b.txt" in paths(made)


# --- new_file ---------------------------------------------------------------------------------------------


def test_new_file_gives_a_real_file() -> None:
    made = artifact()

    with made.new_file("x.bin", mode="wb") as file:
        file.write(b"0123456789")
        file.seek(2)
        file.write(b"AB")
        assert file.tell() == 4
        file.flush()
        assert os.fstat(file.fileno()).st_size == 10

    assert made.manifest.entries["x.bin"].size == 10


def test_new_file_does_not_replace_unless_told_to(run: localart.Run) -> None:
    made = with_text("one", path="x.txt")

    with pytest.raises(ValueError, match="already holds"), made.new_file("x.txt"):
        pass
    with made.new_file("x.txt", mode="a") as file:
        file.write(" more")
    run.log_artifact(made)
    assert Path(made.file()).read_text() == "one more"

    again = with_text("one", path="x.txt")
    with again.new_file("x.txt", mode="w") as file:
        file.write("two")
    run.log_artifact(again)
    assert Path(again.file()).read_text() == "two"


def test_an_error_in_the_body_adds_nothing(store: Path) -> None:
    made = artifact()

    with pytest.raises(ZeroDivisionError), made.new_file("x.txt") as file:
        file.write(f"half {1 // 0}")

    assert paths(made) == []
    assert list((store / "tmp").iterdir()) == []


def test_text_that_the_encoding_cannot_hold_is_an_error() -> None:
    made = artifact()

    with pytest.raises(UnicodeEncodeError), made.new_file("x.txt", encoding="ascii") as file:
        file.write("é")
    assert paths(made) == []


# --- references -------------------------------------------------------------------------------------------


def test_a_reference_needs_a_scheme(workdir: Path) -> None:
    with pytest.raises(ValueError, match="scheme"):
        artifact().add_reference(write(workdir / "x", "x"))


def test_a_file_reference_keeps_where_the_file_is(workdir: Path) -> None:
    made = artifact()
    uri = Path(write(workdir / "x.txt", "words")).as_uri()

    (entry,) = made.add_reference(uri)

    assert (entry.path, entry.ref, entry.size, entry.ref_target()) == ("x.txt", uri, 5, uri)
    assert made.size == 5


def test_a_folder_reference_is_one_entry_for_each_file(tree: Path) -> None:
    made = artifact()

    entries = made.add_reference(tree.as_uri(), name="data")

    assert sorted(entry.path for entry in entries) == [
        "data/.hidden", "data/a.txt", "data/linked/c.txt", "data/sub/b.txt",
    ]  # fmt: skip
    assert made.manifest.entries["data/a.txt"].ref == (tree / "a.txt").as_uri()


def test_a_reference_to_nothing_is_a_value_error(workdir: Path) -> None:
    with pytest.raises(ValueError, match="points to nothing"):
        artifact().add_reference((workdir / "missing").as_uri())


def test_too_many_referenced_files_are_a_value_error(tree: Path) -> None:
    made = artifact()

    with pytest.raises(ValueError, match="more than 2"):
        made.add_reference(tree.as_uri(), max_objects=2)
    assert paths(made) == []


def test_a_checksum_makes_a_changed_file_another_content(workdir: Path) -> None:
    source = Path(write(workdir / "x.txt", "one"))
    digests: dict[bool, list[str]] = {True: [], False: []}

    for text in ("one", "two"):
        source.write_text(text)
        for checksum, found in digests.items():
            (entry,) = artifact().add_reference(source.as_uri(), checksum=checksum)
            found.append(entry.digest)

    assert digests[True][0] != digests[True][1]
    assert digests[False][0] == digests[False][1]


def test_a_reference_to_the_network_is_recorded_and_not_followed(run: localart.Run) -> None:
    made = artifact()

    (entry,) = made.add_reference("s3://bucket/folder/key.bin", name="key.bin")
    run.log_artifact(made)

    assert entry.ref == "s3://bucket/folder/key.bin"
    assert (
        localart.Api().artifact("demo/data").get_entry("key.bin").ref_target() == "s3://bucket/folder/key.bin"
    )


def test_a_stored_file_has_no_reference_target() -> None:
    with pytest.raises(ValueError, match="not a reference"):
        with_text("x").manifest.entries["a.txt"].ref_target()


# --- add --------------------------------------------------------------------------------------------------


def picture(value: int) -> localart.Image:
    return localart.Image(np.full((3, 3), value, dtype=np.uint8), caption=f"all {value}")


def test_add_takes_only_media() -> None:
    with pytest.raises(TypeError, match="media"):
        artifact().add("text", "name")  # type: ignore[arg-type]


def test_an_image_is_its_bytes_and_a_description() -> None:
    made = artifact()

    entry = made.add(picture(1), "one")
    made["folder/two"] = picture(2)

    assert entry.path == "one.image-file.json"
    assert [path for path in paths(made) if not path.startswith("media/images/")] == [
        "one.image-file.json", "folder/two.image-file.json",
    ]  # fmt: skip
    assert len(made.manifest) == 4


def test_images_that_live_only_for_a_moment_are_all_added() -> None:
    made = artifact()

    for number in range(50):
        made.add(picture(number), f"number-{number}")

    assert len(made.manifest) == 100


def test_the_same_object_is_added_once() -> None:
    made = artifact()
    image = picture(1)

    assert made.add(image, "one") is made.add(image, "two")
    assert "two.image-file.json" not in paths(made)


def test_an_object_that_was_removed_can_be_added_again() -> None:
    made = artifact()
    image = picture(1)
    made.remove(made.add(image, "one"))

    made.add(image, "one")

    assert "one.image-file.json" in paths(made)


def test_an_object_keeps_its_name_unless_overwritten() -> None:
    made = artifact()
    first = made.add(picture(1), "name")

    assert made.add(picture(2), "name").digest == first.digest
    assert made.add(picture(3), "name", overwrite=True).digest != first.digest


# --- remove -----------------------------------------------------------------------------------------------


def test_remove_takes_files_folders_and_entries_out(tree: Path) -> None:
    made = artifact()
    made.add_dir(tree)

    made.remove("sub/")
    made.remove("linked")
    made.remove(made.manifest.entries[".hidden"])

    assert (paths(made), made.size) == (["a.txt"], 1)


def test_removing_what_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        with_text("x").remove("other.txt")


# --- manifest, digest, size ---------------------------------------------------------------------------------


def test_the_manifest_lists_every_entry(tree: Path) -> None:
    made = artifact()
    made.add_dir(tree)

    plain = made.manifest.to_manifest_json()

    assert set(made.manifest.entries) == set(plain["contents"])
    assert len(made.manifest) == 4
    entry = made.manifest.entries["sub/b.txt"]
    assert plain["contents"]["sub/b.txt"] == {"digest": entry.digest, "size": 1}
    assert entry.local_path == str(tree / "sub" / "b.txt")


def test_the_digest_depends_on_content_alone(workdir: Path) -> None:
    one, two = write(workdir / "1", "1"), write(workdir / "2", "2")
    first = artifact("first", metadata={"a": 1}, description="x")
    second = localart.Artifact("second", type="model")
    for made, order in ((first, (one, two)), (second, (two, one))):
        for path in order:
            made.add_file(path)

    assert first.digest == second.digest
    assert len(first.digest) == 64
    second.remove("1")
    assert first.digest != second.digest
    second.add_file(two, name="1")
    assert first.digest != second.digest


def test_the_size_is_the_sum_of_all_entries(workdir: Path) -> None:
    made = with_text("12345")
    made.add_reference(Path(write(workdir / "far.txt", "123")).as_uri())

    assert made.size == 8


# --- logging ------------------------------------------------------------------------------------------------


def test_log_artifact_returns_the_committed_version(run: localart.Run) -> None:
    draft = with_text("x")

    logged = run.log_artifact(draft)

    assert logged is draft
    assert (logged.name, logged.version, logged.aliases, logged.state) == (
        "data:v0",
        "v0",
        ["latest"],
        "COMMITTED",
    )
    assert (logged.project, logged.entity, logged.qualified_name) == ("demo", "", "demo/data:v0")
    assert (logged.file_count, logged.size, logged.commit_hash) == (1, 1, logged.digest)
    assert logged.wait() is logged
    assert not logged.is_draft()


def test_a_path_is_logged_under_a_name_made_from_it(run: localart.Run, tree: Path) -> None:
    file = run.log_artifact(str(tree / "a.txt"))
    folder = run.log_artifact(tree)
    reference = run.log_artifact((tree / "sub" / "b.txt").as_uri())
    named = run.log_artifact(tree / "a.txt", name="named", type="table")

    assert [one.source_name for one in (file, folder, reference, named)] == [
        f"run-{run.id}-a.txt:v0", f"run-{run.id}-tree:v0", f"run-{run.id}-b.txt:v0", "named:v0",
    ]  # fmt: skip
    assert [one.type for one in (file, named)] == ["unspecified", "table"]
    assert (len(folder.manifest), reference.get_entry("b.txt").ref is not None) == (4, True)


def test_a_path_to_nothing_is_a_value_error_and_other_objects_a_type_error(run: localart.Run) -> None:
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        run.log_artifact("missing.txt")
    with pytest.raises(TypeError, match="Artifact or a path"):
        run.log_artifact(5)  # type: ignore[arg-type]


def test_versions_are_numbered_from_zero_in_each_artifact(run: localart.Run) -> None:
    labels = [run.log_artifact(with_text(text, name)).source_name for name in "ab" for text in "xyz"]

    assert labels == ["a:v0", "a:v1", "a:v2", "b:v0", "b:v1", "b:v2"]


def test_a_number_is_never_used_again(run: localart.Run) -> None:
    for text in "xyz":
        newest = run.log_artifact(with_text(text))
    newest.delete(delete_aliases=True)
    localart.Api().artifact("demo/data:v1").delete(delete_aliases=True)

    assert run.log_artifact(with_text("z")).version == "v3"
    assert [one.version for one in localart.Api().artifacts("dataset", "demo/data")] == ["v3", "v0"]


def test_known_content_makes_no_new_version(run: localart.Run) -> None:
    run.log_artifact(with_text("one"), aliases=["first"])
    run.log_artifact(with_text("two"))

    again = run.log_artifact(with_text("one", metadata={"other": 1}), aliases=["again"], tags=["seen"])

    assert (again.version, again.metadata, again.tags) == ("v0", {}, ["seen"])
    assert sorted(again.aliases) == ["again", "first", "latest"]
    assert len(list(localart.Api().artifacts("dataset", "demo/data"))) == 2


def test_latest_names_what_was_logged_last_also_when_it_was_known(run: localart.Run) -> None:
    for text in ("one", "two", "one"):
        run.log_artifact(with_text(text))

    assert localart.Api().artifact("demo/data").version == "v0"
    assert localart.Api().artifact("demo/data:v1").aliases == []


def test_a_second_run_that_logs_known_content_made_it_too() -> None:
    with localart.init(project="demo") as first:
        first.log_artifact(with_text("x"))
    with localart.init(project="demo") as second:
        second.log_artifact(with_text("x"))

    assert [one.source_name for one in localart.Api().run(second.path).logged_artifacts()] == ["data:v0"]
    producer = localart.Api().artifact("demo/data").logged_by()
    assert producer is not None
    assert producer.id == first.id


def test_one_name_has_one_type(run: localart.Run) -> None:
    run.log_artifact(with_text("x"))
    other = localart.Artifact("data", type="model")

    with pytest.raises(ValueError, match="dataset"):
        run.log_artifact(other)


def test_the_same_name_lives_in_every_project_by_itself() -> None:
    for project in ("one", "two"):
        with localart.init(project=project) as run:
            assert run.log_artifact(with_text(project)).qualified_name == f"{project}/data:v0"


# --- aliases and tags ---------------------------------------------------------------------------------------


def test_an_alias_is_at_one_version_and_moves(run: localart.Run) -> None:
    run.log_artifact(with_text("one"), aliases="best")
    run.log_artifact(with_text("two"), aliases=["best", "jit-script"])

    api = localart.Api()
    assert api.artifact("demo/data:v0").aliases == []
    assert sorted(api.artifact("demo/data:v1").aliases) == ["best", "jit-script", "latest"]


@pytest.mark.parametrize("alias", ["a/b", "a:b", "", "v3", "V3", "v007", "a\nb"])
def test_an_alias_that_could_be_an_address_is_refused(alias: str, run: localart.Run) -> None:
    with pytest.raises(ValueError, match="Alias"):
        run.log_artifact(with_text("x"), aliases=[alias])

    assert not localart.Api().artifact_exists("demo/data")


def test_aliases_edited_on_a_version_are_kept_by_save(run: localart.Run) -> None:
    logged = run.log_artifact(with_text("x"), aliases=["old"])

    logged.aliases.append("new")
    logged.aliases.remove("old")
    logged.save()

    assert sorted(localart.Api().artifact("demo/data:new").aliases) == ["latest", "new"]
    assert not localart.Api().artifact_exists("demo/data:old")


def test_every_version_is_found_by_its_number(run: localart.Run) -> None:
    for text in "xyz":
        run.log_artifact(with_text(text))

    assert [localart.Api().artifact(f"demo/data:v{number}").version for number in range(3)] == [
        "v0",
        "v1",
        "v2",
    ]


@pytest.mark.parametrize("tag", ["", "a/b", "a:b", " a", "a!", "a\n"])
def test_a_tag_is_words(tag: str, run: localart.Run) -> None:
    with pytest.raises(ValueError, match="Tag"):
        run.log_artifact(with_text("x"), tags=[tag])


def test_tags_are_kept_once_and_found(run: localart.Run) -> None:
    run.log_artifact(with_text("one"), tags=["clean data", "clean data", "small"])
    other = run.log_artifact(with_text("two"))
    other.tags = ["small"]
    other.save()

    def found(*tags: str) -> list[str]:
        return [one.version for one in localart.Api().artifacts("dataset", "demo/data", tags=list(tags))]

    assert sorted(localart.Api().artifact("demo/data:v0").tags) == ["clean data", "small"]
    assert (found("small"), found("small", "clean data"), found("none")) == (["v1", "v0"], ["v0"], [])


# --- save and delete ----------------------------------------------------------------------------------------


def test_saving_a_draft_logs_it_in_the_active_run(run: localart.Run) -> None:
    draft = with_text("x")

    draft.save()

    assert [one.source_name for one in run.logged_artifacts()] == ["data:v0"]


def test_saving_a_draft_without_a_run_makes_one_for_it() -> None:
    draft = with_text("x")

    draft.save(project="demo")

    producer = draft.logged_by()
    assert producer is not None
    assert (producer.job_type, producer.state, producer.project) == ("auto", "finished", "demo")
    assert localart.run is None


def test_a_version_with_aliases_is_deleted_only_with_them(run: localart.Run) -> None:
    run.log_artifact(with_text("one"))
    newest = run.log_artifact(with_text("two"), aliases=["best"])

    with pytest.raises(CommError, match="best"):
        newest.delete()
    newest.delete(delete_aliases=True)

    assert newest.state == "DELETED"
    for address in ("demo/data:v1", "demo/data:best"):
        with pytest.raises(CommError):
            localart.Api().artifact(address)
    assert localart.Api().artifact("demo/data:v0").state == "COMMITTED"


def test_files_shared_with_a_deleted_version_survive(run: localart.Run) -> None:
    first = with_text("shared")
    run.log_artifact(first)
    second = with_text("shared", name="other")
    run.log_artifact(second)

    first.delete(delete_aliases=True)

    assert Path(second.file()).read_text() == "shared"


def test_a_forgotten_type_is_named_as_users_know_it():
    with pytest.raises(TypeError, match=r"^Artifact\.__init__\(\) missing .* 'type'"):
        localart.Artifact("x")
