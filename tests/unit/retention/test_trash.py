"""Deleted versions keep their bytes until the trash is emptied."""

import pytest
from retention_bench import Bench

import localart
from localart.errors import ArtifactNotFound, CannotUndo
from localart.operations.prune import execute_prune
from localart.operations.trash import TRASH_SECONDS, list_trash
from localart.operations.undo import execute_undo, plan_undo


def pack_bytes(bench: Bench) -> int:
    return sum(path.stat().st_size for path in (bench.repository.root / "packs").iterdir())


def test_a_prune_leaves_what_is_in_the_trash_until_a_week_has_passed(bench: Bench) -> None:
    bench.log(2, size=100_000)
    bench.delete("a:v0")
    before = pack_bytes(bench)

    bench.later(seconds=TRASH_SECONDS - 1)
    assert execute_prune(bench.repository).emptied_versions == 0
    assert pack_bytes(bench) >= before
    bench.later(seconds=1)
    report = execute_prune(bench.repository)

    assert report.emptied_versions == 1
    assert before - pack_bytes(bench) > 90_000
    assert list_trash(bench.repository) == []
    bench.check()


def test_a_deleted_version_is_not_found_but_its_number_stays(bench: Bench) -> None:
    bench.log(2)
    bench.delete("a:v1")

    with pytest.raises(ArtifactNotFound, match="was deleted"):
        bench.version("a:v1")
    assert bench.aliases() == {"latest": "v0"}
    assert bench.log() == "a:v2"


def test_the_same_content_logged_again_shares_the_bytes_in_the_trash(bench: Bench) -> None:
    bench.log(size=100_000)
    bench.log()
    bench.delete("a:v0")
    before = pack_bytes(bench)
    with localart.init(project="p") as run:
        artifact = localart.Artifact("a", "model")
        with artifact.new_file("x.bin", "wb") as file:
            file.write(bench.contents["a:v0"])
        run.log_artifact(artifact)
    bench.contents["a:v2"] = bench.contents["a:v0"]

    execute_prune(bench.repository, trash_seconds=0)

    assert artifact.source_name == "a:v2"
    assert pack_bytes(bench) < before + 20_000
    bench.check()


def test_a_clock_that_went_back_empties_no_trash_by_age(bench: Bench) -> None:
    bench.log(2)
    bench.delete("a:v0")
    bench.later(days=-30)

    assert execute_prune(bench.repository).emptied_versions == 0
    assert [one.age_seconds < 0 for one in list_trash(bench.repository)] == [True]
    assert execute_prune(bench.repository, trash_seconds=0).emptied_versions == 1


def test_what_was_freed_does_not_come_back(bench: Bench) -> None:
    bench.log(2)
    bench.delete("a:v0")
    execute_prune(bench.repository, trash_seconds=0)

    with pytest.raises(CannotUndo, match="were freed"):
        execute_undo(bench.repository, plan_undo(bench.repository, _deletion(bench)))


def test_what_is_deleted_at_once_leaves_nothing_in_the_trash(bench: Bench) -> None:
    bench.log(2)
    bench.delete("a:v0", at_once=True)

    assert list_trash(bench.repository) == []
    with pytest.raises(CannotUndo, match="were freed"):
        execute_undo(bench.repository, plan_undo(bench.repository))


def test_api_puts_versions_in_the_trash(bench: Bench) -> None:
    bench.log(2)

    localart.Api().artifact("p/a:v0").delete()
    localart.Api().artifact_collection("model", "p/a").delete()

    assert {one.version.label for one in list_trash(bench.repository)} == {"a:v0", "a:v1"}
    execute_undo(bench.repository, plan_undo(bench.repository))
    assert bench.labels() == ["a:v1"]
    assert bench.aliases() == {"latest": "v1"}
    bench.check()


def _deletion(bench: Bench) -> int:
    (seq,) = (
        bench.repository.read()
        .execute("SELECT max(seq) FROM journal WHERE kind = 'version.deleted'")
        .fetchone()
    )
    return seq
