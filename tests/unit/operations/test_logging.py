"""Logging: numbers, overlays, large manifests in slices, and the same content again."""

import multiprocessing
import threading

import pytest

import localart
from localart.catalog import manifests
from localart.draft import Draft
from localart.operations import keep_manifest
from localart.repository.opening import default_repository

FORK = multiprocessing.get_context("fork")


def log(files: dict[str, str], name: str = "data", **options) -> localart.Artifact:
    with localart.init(project="p", reinit="create_new") as run:
        artifact = localart.Artifact(name, "dataset", metadata=options.pop("metadata", None))
        for path, content in files.items():
            with artifact.new_file(path, "w") as file:
                file.write(content)
        return run.log_artifact(artifact, **options)


def tree(count: int, **changes: str) -> dict[str, str]:
    return {**{f"{number % 5}/{number}": f"{number}" for number in range(count)}, **changes}


def contents_of(version: localart.Artifact, tmp_path) -> dict[str, str]:
    folder = tmp_path / version.version
    version.download(folder)
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def layers_of(version: localart.Artifact) -> int:
    repository = default_repository()
    return len(manifests.get_manifest(repository.read(), version.version_record.manifest_id).layers)


def one(sql: str) -> object:
    return default_repository().read().execute(sql).fetchone()[0]


# --- the same content ------------------------------------------------------------------------------------


def test_equal_content_is_the_version_that_was_there_whatever_it_is_called_now():
    first = log({"a": "1"}, metadata={"round": 1})
    log({"a": "2"})
    again = log({"a": "1"}, metadata={"round": 2}, aliases=["back"], tags=["t"])

    assert (again.version, again.metadata, again.aliases) == ("v0", {"round": 1}, ["back", "latest"])
    assert again.digest == first.digest
    sql = "SELECT metadata FROM edges WHERE direction = 'output' AND made = 0"
    assert one(sql) == '{"round":2}'
    assert localart.Api().artifact("p/data").version == "v0"
    assert again.logged_by().id == first.logged_by().id


def test_equal_content_under_another_name_shares_its_manifest_and_has_its_own_number():
    first, other = log({"a": "1"}), log({"a": "1"}, name="other")

    assert (first.version, other.version) == ("v0", "v0")
    assert first.version_record.manifest_id == other.version_record.manifest_id
    assert one("SELECT count(*) FROM manifests") == 1


def test_content_of_a_deleted_version_makes_a_new_one():
    log({"a": "1"}).delete(delete_aliases=True)

    assert log({"a": "1"}).version == "v1"


def test_an_empty_artifact_is_a_version(tmp_path):
    version = log({})

    assert (version.version, version.size, contents_of(version, tmp_path)) == ("v0", 0, {})


# --- overlays --------------------------------------------------------------------------------------------


def test_few_changes_to_many_files_are_an_overlay_that_reads_back_whole(tmp_path):
    files = tree(200)
    first = log(files)
    changed = {**files, "1/1": "changed", "new": "n"}
    del changed["0/0"]
    second = log(changed)

    assert (layers_of(first), layers_of(second)) == (1, 2)
    sql = f"SELECT count(*) FROM entries WHERE manifest = {second.version_record.manifest_id}"
    assert one(sql) == 3
    assert contents_of(first, tmp_path) == files
    assert contents_of(second, tmp_path) == changed


def test_many_changes_or_few_files_are_stored_whole():
    log(tree(200))
    log(tree(100), name="few")

    assert layers_of(log({path: text + "!" for path, text in tree(200).items()})) == 1
    assert layers_of(log(tree(120, x="y"), name="few")) == 1
    assert layers_of(log(tree(900))) == 1


def test_a_chain_that_is_full_begins_anew_on_the_whole_manifest_below(tmp_path):
    versions, files = [], tree(160)
    for turn in range(14):
        files = {**files, f"{turn % 5}/{turn}": f"turn {turn}"}
        versions.append((log(files), dict(files)))

    assert [layers_of(version) for version, _ in versions] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5, 6]
    for version, expected in versions:
        assert contents_of(version, tmp_path) == expected


# --- in slices -------------------------------------------------------------------------------------------


@pytest.fixture
def short_slices(monkeypatch):
    monkeypatch.setattr(manifests, "SLICE_ROWS", 50)
    monkeypatch.setattr(manifests.slices, "__defaults__", (50,))


def test_a_manifest_longer_than_a_slice_reads_back_whole(short_slices, tmp_path):
    files = tree(333)

    assert contents_of(log(files), tmp_path) == files
    assert one("SELECT count(*) FROM manifests WHERE complete = 0") == 0


def test_nobody_sees_a_manifest_before_its_last_slice(short_slices, monkeypatch):
    seen, insert = [], manifests.insert_files

    def insert_and_look(*args, **named) -> None:
        insert(*args, **named)
        seen.append(localart.Api().artifact_exists("p/data"))

    monkeypatch.setattr(manifests, "insert_files", insert_and_look)
    log(tree(210))

    assert seen == [False] * 5
    assert localart.Api().artifact_exists("p/data")


def log_slices(failures) -> None:
    try:
        manifests.SLICE_ROWS = 50
        manifests.slices.__defaults__ = (50,)
        log(tree(333))
    except BaseException as error:
        failures.put(repr(error))
        raise


def test_processes_that_log_the_same_long_manifest_at_once_share_it(short_slices, tmp_path):
    failures = FORK.SimpleQueue()
    children = [FORK.Process(target=log_slices, args=(failures,)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)

    assert [child.exitcode for child in children] == [0] * 4, failures.get()
    version = localart.Api().artifact("p/data")
    assert version.version == "v0"
    assert contents_of(version, tmp_path) == tree(333)
    assert one("SELECT count(*) FROM manifests WHERE complete = 1") == 1
    assert one("SELECT count(*) FROM edges WHERE direction = 'output'") == 4


def test_a_log_that_fails_between_slices_leaves_no_version_and_can_be_repeated(short_slices, monkeypatch):
    calls, insert = [], manifests.insert_files

    def fail_at_third(*args, **named) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        insert(*args, **named)

    monkeypatch.setattr(manifests, "insert_files", fail_at_third)
    with pytest.raises(KeyboardInterrupt):
        log(tree(333))

    assert not localart.Api().artifact_exists("p/data")
    assert log(tree(333)).version == "v0"


# --- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [{"aliases": ["v3"]}, {"aliases": ["a/b"]}, {"tags": ["*"]}])
def test_a_bad_alias_or_tag_stops_the_log_before_anything_is_stored(bad):
    with pytest.raises(ValueError, match=r"Alias|Tag"):
        log({"a": "1"}, **bad)

    assert not localart.Api().artifact_exists("p/data")


def test_latest_and_the_aliases_given_move_together():
    log({"a": "1"}, aliases=["best"])
    log({"a": "2"}, aliases=["best", "second"])

    api = localart.Api()
    assert [api.artifact(f"p/data:{alias}").version for alias in ("latest", "best", "second")] == ["v1"] * 3
    assert api.artifact("p/data:v0").aliases == []


def test_a_version_logged_again_becomes_an_output_of_that_run_too():
    version = log({"a": "1"})
    log({"a": "2"})
    with localart.init(project="p", id="again") as run:
        again = run.log_artifact(localart.Api().artifact("p/data:v0"), aliases=["back"], tags=["t"])
        outputs = [one.source_name for one in run.logged_artifacts()]

    assert (again.version, again.tags) == ("v0", ["t"])
    assert outputs == ["data:v0"]
    assert localart.Api().artifact("p/data:latest").version == "v0"
    assert version.logged_by().id != "again"


def test_threads_that_log_the_same_content_make_one_version():
    barrier, made = threading.Barrier(4), []

    def log_same() -> None:
        barrier.wait(30)
        made.append(log({"a": "same"}).version)

    threads = [threading.Thread(target=log_same) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == ["v0"] * 4
    assert one("SELECT count(*) FROM versions") == 1


def test_the_digest_of_a_draft_is_the_one_its_version_gets():
    draft = Draft(default_repository)
    version = log({"b": "2", "a": "1"})
    for entry in version._stored_entries():
        draft.put(entry)

    assert draft.digest() == version.version_record.digest
    assert keep_manifest.OVERLAY_FROM_FILES == 128
