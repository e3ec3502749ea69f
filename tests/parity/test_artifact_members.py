"""Every public member of W&B's Artifact, ArtifactCollection and Registry is there, and answers in the right state."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

import localart
from localart.api.collection import ArtifactCollection
from localart.api.registry import Registry
from localart.artifact import ArtifactTTL
from localart.errors import ArtifactNotLoggedError

_OF_ARTIFACT = """
    add add_dir add_file add_reference aliases checkout collection commit_hash created_at delete description digest
    digest_algorithm distributed_id download entity file file_count files finalize get get_added_local_path_name
    get_entry get_path history_step id incremental is_draft is_link json_encode link linked_artifacts linked_at
    logged_by manifest metadata name new_draft new_file project qualified_name remove save size source_artifact
    source_collection source_entity source_name source_project source_qualified_name source_version state tags ttl
    type unlink updated_at url use_as used_by verify version wait
"""
_OF_COLLECTION = """
    aliases artifacts change_type created_at delete description entity id is_sequence load name project project_id
    project_internal_id save tags type updated_at
"""
_OF_REGISTRY = """
    add_members allow_all_artifact_types artifact_types collections create created_at delete description entity
    full_name id internal_id load members name organization path remove_members save team_members update_member
    updated_at user_members versions visibility
"""
ARTIFACT, COLLECTION, REGISTRY = (names.split() for names in (_OF_ARTIFACT, _OF_COLLECTION, _OF_REGISTRY))


def with_text(text: str = "x", name: str = "data", path: str = "a.txt", **named: Any) -> localart.Artifact:
    made = localart.Artifact(name, type="dataset", **named)
    with made.new_file(path) as file:
        file.write(text)
    return made


@pytest.mark.parametrize(
    ("cls", "names", "count"),
    [(localart.Artifact, ARTIFACT, 63), (ArtifactCollection, COLLECTION, 18), (Registry, REGISTRY, 25)],
    ids=["artifact", "collection", "registry"],
)
def test_no_member_is_missing(cls: type, names: list[str], count: int) -> None:
    assert len(names) == count
    assert [name for name in names if not hasattr(cls, name)] == []


VALID_ON_A_DRAFT = {
    "description", "digest", "digest_algorithm", "distributed_id", "id", "incremental", "is_link", "manifest",
    "metadata", "name", "size", "source_name", "state", "type", "use_as",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [one for one in ARTIFACT if isinstance(getattr(localart.Artifact, one), property)]
)
def test_a_draft_has_only_what_needs_no_version(name: str) -> None:
    assert hasattr(with_text(), name) == (name in VALID_ON_A_DRAFT)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda draft: draft.get("x"), id="get"),
        pytest.param(lambda draft: draft["x"], id="get item"),
        pytest.param(lambda draft: draft.get_path("a.txt"), id="get_path"),
        pytest.param(lambda draft: draft.new_draft(), id="new_draft"),
        pytest.param(lambda draft: draft.unlink(), id="unlink"),
        pytest.param(lambda draft: draft.json_encode(), id="json_encode"),
    ],
)
def test_a_draft_cannot_do_what_needs_a_version(call: Any) -> None:
    with pytest.raises(ArtifactNotLoggedError):
        call(with_text())


def test_a_version_answers_everything(run: localart.Run) -> None:
    run.log({"loss": 1.0}, step=4)
    logged = run.log_artifact(with_text(), aliases=["best"])

    assert {name: getattr(logged, name) for name in ("version", "source_version", "project", "source_project")} == {
        "version": "v0", "source_version": "v0", "project": "demo", "source_project": "demo",
    }  # fmt: skip
    assert (logged.name, logged.source_name, logged.qualified_name, logged.source_qualified_name) == (
        "data:v0", "data:v0", "demo/data:v0", "demo/data:v0",
    )  # fmt: skip
    assert (logged.entity, logged.source_entity, logged.url) == ("", "", "")
    assert (logged.is_link, logged.linked_at, logged.linked_artifacts) == (False, None, [])
    assert logged.source_artifact is logged
    assert (logged.state, logged.is_draft(), logged.file_count, logged.size) == ("COMMITTED", False, 1, 1)
    assert logged.commit_hash == logged.digest
    assert logged.wait(timeout=0) is logged


def test_the_history_step_is_the_last_one_logged_before_it(run: localart.Run) -> None:
    first = run.log_artifact(with_text("one"))
    run.log({"loss": 1.0}, step=4)
    run.log({"loss": 2.0}, step=7)
    second = run.log_artifact(with_text("two"))

    assert (first.history_step, second.history_step) == (None, 7)
    assert localart.Api().artifact("demo/data:v1").history_step == 7


def test_an_artifact_is_encoded_as_in_a_config(run: localart.Run) -> None:
    logged = run.log_artifact(with_text())

    assert logged.json_encode() == {
        "_type": "artifactVersion", "_version": "v0", "id": logged.id, "version": "v0", "sequenceName": "data",
        "usedAs": None,
    }  # fmt: skip


def test_who_made_and_used_it_are_runs_as_the_api_shows_them(run: localart.Run) -> None:
    logged = run.log_artifact(with_text())
    run.use_artifact(logged)

    producer = logged.logged_by()

    assert type(producer) is type(localart.Api().run(f"demo/{run.id}"))
    assert (producer.id, producer.state, [one.id for one in logged.used_by()]) == (
        run.id,
        "running",
        [run.id],
    )


# --- arguments that change nothing ------------------------------------------------------------------------


def test_what_only_a_server_needs_is_accepted(run: localart.Run, workdir: Path) -> None:
    (workdir / "x").write_text("x")
    made = localart.Artifact(
        "data", "dataset", use_as="x", storage_region="eu", digest_algorithm="XXH128", incremental=False
    )
    made.add_file("x", skip_cache=True, policy="immutable", is_tmp=None)
    made.add_dir(".", name="all", skip_cache=None, policy=None)
    made.distributed_id = "job"
    logged = run.log_artifact(made)
    logged.download(skip_cache=True, multipart=True)
    logged.get_entry("x").download(skip_cache=True)

    assert (made.use_as, made.distributed_id, made.digest_algorithm) == ("x", "job", "MANIFEST_XXH128")
    assert localart.Artifact("data", "dataset").digest_algorithm == "MANIFEST_MD5"
    assert (
        localart.Artifact("data", "dataset", digest_algorithm="else").digest_algorithm == "MANIFEST_MD5"
    )  # as W&B


# --- ttl ----------------------------------------------------------------------------------------------------


def test_a_draft_knows_only_a_ttl_of_its_own() -> None:
    draft = with_text()

    assert not hasattr(draft, "ttl")
    draft.ttl = dt.timedelta(days=2, milliseconds=5)
    assert draft.ttl == dt.timedelta(days=2)
    draft.ttl = None
    assert draft.ttl is None
    draft.ttl = ArtifactTTL.INHERIT
    with pytest.raises(ArtifactNotLoggedError):
        draft.ttl  # noqa: B018


@pytest.mark.parametrize("ttl", [dt.timedelta(0), dt.timedelta(days=-1)], ids=["none", "negative"])
def test_a_ttl_is_positive(ttl: dt.timedelta) -> None:
    with pytest.raises(ValueError, match="positive"):
        with_text().ttl = ttl


@pytest.mark.parametrize("ttl", [30, "1d", True], ids=str)
def test_a_ttl_is_a_duration(ttl: Any) -> None:
    with pytest.raises(TypeError, match="timedelta"):
        with_text().ttl = ttl


def test_a_ttl_is_logged_saved_and_inherited(run: localart.Run) -> None:
    draft = with_text()
    draft.ttl = dt.timedelta(hours=1)
    logged = run.log_artifact(draft)
    collection = logged.collection
    collection.ttl = dt.timedelta(days=9)
    collection.save()

    def kept() -> dt.timedelta | None:
        return localart.Api().artifact("demo/data:v0").ttl

    assert kept() == dt.timedelta(hours=1)
    logged.ttl = None
    logged.save()
    assert kept() is None
    logged.ttl = ArtifactTTL.INHERIT
    assert not hasattr(logged, "ttl")  # not before it is saved
    logged.save()
    assert (kept(), logged.ttl) == (dt.timedelta(days=9), dt.timedelta(days=9))


# --- aliases and tags that are set ----------------------------------------------------------------------------


def test_aliases_and_tags_are_checked_when_they_are_set(run: localart.Run) -> None:
    logged = run.log_artifact(with_text())

    with pytest.raises(ValueError, match="Alias"):
        logged.aliases = ["a/b"]
    with pytest.raises(ValueError, match="Tag"):
        logged.tags = ["a!"]
    logged.tags = ["b", "a", "b"]
    assert (logged.aliases, logged.tags) == (["latest"], ["b", "a"])
