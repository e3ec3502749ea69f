"""Collections and registries: what Api lists, and what saving and deleting them does."""

import datetime as dt

import pytest

import localart
from localart.errors import CommError, NotLocalError

REGISTRY = "wandb-registry-model"


def log(run: localart.Run, text: str, name: str = "data", kind: str = "dataset") -> localart.Artifact:
    made = localart.Artifact(name, type=kind)
    with made.new_file("a.txt") as file:
        file.write(text)
    return run.log_artifact(made)


@pytest.fixture
def collection(run: localart.Run) -> object:
    """The collection `demo/data` of two versions."""
    log(run, "one")
    return log(run, "two").collection


def test_a_collection_tells_what_it_holds(collection: localart.api.ArtifactCollection) -> None:
    assert (collection.name, collection.type, collection.project, collection.entity) == (
        "data", "dataset", "demo", "",
    )  # fmt: skip
    assert collection.is_sequence()
    assert collection.aliases == ["latest"]
    assert [one.name for one in collection.artifacts()] == ["data:v1", "data:v0"]
    assert (collection.description, collection.tags) == (None, [])
    assert collection.created_at < collection.updated_at
    assert collection.project_id == collection.project_internal_id
    assert collection.id.isdigit()


def test_what_is_set_is_kept_by_save_alone(collection: localart.api.ArtifactCollection) -> None:
    collection.name, collection.description, collection.tags = "renamed", "words", ["checked"]
    collection.ttl = dt.timedelta(days=1)
    assert localart.Api().artifact_exists("demo/data")

    collection.save()

    found = localart.Api().artifact_collection("dataset", "demo/renamed")
    assert (found.description, found.tags, found.ttl) == ("words", ["checked"], dt.timedelta(days=1))
    assert localart.Api().artifact("demo/renamed:v1").name == "renamed:v1"
    assert not localart.Api().artifact_exists("demo/data")


def test_loading_forgets_what_was_not_saved(collection: localart.api.ArtifactCollection) -> None:
    collection.description = "words"

    collection.load()

    assert collection.description is None


@pytest.mark.parametrize("how", ["type", "change_type"])
def test_a_sequence_changes_its_type(how: str, collection: localart.api.ArtifactCollection) -> None:
    if how == "type":
        collection.type = "table"
        collection.save()
    else:
        collection.change_type("table")

    assert [one.type for one in localart.Api().artifacts("table", "demo/data")] == ["table", "table"]


def test_a_reserved_type_is_refused(collection: localart.api.ArtifactCollection) -> None:
    collection.type = "wandb-history"

    with pytest.raises(ValueError, match="reserved"):
        collection.save()


def test_a_portfolio_keeps_its_type(run: localart.Run) -> None:
    portfolio = log(run, "x").link("demo/shelf").collection

    assert not portfolio.is_sequence()
    with pytest.raises(ValueError, match="fixed"):
        portfolio.type = "model"
    with pytest.raises(ValueError, match="fixed"):
        portfolio.change_type("model")


def test_a_portfolio_lists_linked_artifacts(run: localart.Run) -> None:
    log(run, "one").link("demo/shelf", ["first"])
    portfolio = log(run, "two", name="other").link("demo/shelf").collection

    assert [(one.name, one.source_name, one.is_link) for one in portfolio.artifacts()] == [
        ("shelf:v1", "other:v0", True),
        ("shelf:v0", "data:v0", True),
    ]
    assert portfolio.aliases == ["first", "latest"]
    oldest_first = localart.Api().artifacts("dataset", "demo/shelf", order="+version_index")
    assert [one.version for one in oldest_first] == ["v0", "v1"]


def test_deleting_a_sequence_deletes_its_versions_and_frees_the_name(
    run: localart.Run, collection: localart.api.ArtifactCollection
) -> None:
    collection.delete()

    assert not localart.Api().artifact_collection_exists("demo/data", "dataset")
    assert not localart.Api().artifact_exists("demo/data:v0")
    assert log(run, "three", kind="model").version == "v2"


def test_deleting_a_portfolio_only_unlinks(run: localart.Run) -> None:
    linked = log(run, "x").link("demo/shelf")

    linked.collection.delete()

    assert not localart.Api().artifact_exists("demo/shelf")
    assert localart.Api().artifact("demo/data:v0").linked_artifacts == []


def test_collections_are_listed_filtered_and_ordered(run: localart.Run) -> None:
    for name in ("b", "a", "other"):
        log(run, name, name=name)
    log(run, "x", name="net", kind="model").link("demo/shelf")
    api = localart.Api()

    def names(**named: object) -> list[str]:
        return [one.name for one in api.artifact_collections("demo", "dataset", **named)]

    assert names() == ["a", "b", "other"]
    assert names(order="-name") == ["other", "b", "a"]
    assert [one.name for one in api.artifact_collections("demo", "model")] == ["net", "shelf"]
    with pytest.raises(CommError):
        names(order="sideways")


def test_a_collection_that_is_not_there_is_a_comm_error(collection: object) -> None:
    for kind, name in (("dataset", "demo/nothing"), ("model", "demo/data")):
        with pytest.raises(CommError):
            localart.Api().artifact_collection(kind, name)


# --- registries -------------------------------------------------------------------------------------------------


def test_a_registry_is_made_by_linking_into_it(run: localart.Run) -> None:
    log(run, "x", kind="model").link(f"{REGISTRY}/churn")

    registry = localart.Api().registry("model")

    assert (registry.name, registry.full_name, registry.path) == ("model", REGISTRY, ["", REGISTRY])
    assert (registry.visibility, registry.allow_all_artifact_types, registry.artifact_types) == (
        "organization", True, ["model"],
    )  # fmt: skip
    assert [one.name for one in registry.collections()] == ["churn"]
    assert [one.source_name for one in registry.versions()] == ["data:v0"]


def test_a_registry_takes_only_the_types_it_was_made_for(run: localart.Run) -> None:
    registry = localart.Api().create_registry(
        "model", "restricted", description="words", artifact_types=["model"]
    )
    dataset = log(run, "x")

    with pytest.raises(CommError, match="takes 'model'"):
        dataset.link(f"{REGISTRY}/churn")
    registry.artifact_types.append("dataset")
    registry.save()

    assert dataset.link(f"{REGISTRY}/churn").version == "v0"
    again = localart.Api().registry("model")
    assert (again.description, again.visibility, again.artifact_types) == (
        "words", "restricted", ["dataset", "model"],
    )  # fmt: skip


def test_a_saved_type_stays_unless_all_are_allowed() -> None:
    registry = localart.Api().create_registry("model", "organization", artifact_types=["model"])

    registry.artifact_types.remove("model")
    with pytest.raises(ValueError, match="cannot be removed"):
        registry.save()
    registry.load()
    registry.allow_all_artifact_types = True
    registry.save()
    assert localart.Api().registry("model").allow_all_artifact_types


def test_a_registry_is_renamed_with_all_it_holds(run: localart.Run) -> None:
    log(run, "x").link(f"{REGISTRY}/churn", ["best"])
    registry = localart.Api().registry("model")

    registry.name = "nets"
    registry.save()

    assert localart.Api().artifact("wandb-registry-nets/churn:best").source_name == "data:v0"
    with pytest.raises(CommError):
        localart.Api().registry("model")


def test_a_registry_is_deleted_with_its_links_alone(run: localart.Run) -> None:
    log(run, "x").link(f"{REGISTRY}/churn")

    localart.Api().registry("model").delete()

    assert list(localart.Api().registries()) == []
    assert localart.Api().artifact("demo/data:v0").linked_artifacts == []


def test_registries_are_listed_and_filtered(run: localart.Run) -> None:
    for name in ("nets", "data", "old-nets"):
        localart.Api().create_registry(name, "organization")

    assert [one.name for one in localart.Api().registries()] == ["data", "nets", "old-nets"]
    found = localart.Api().registries(filter={"name": {"$regex": "nets$"}}, order="-name")
    assert [one.name for one in found] == ["old-nets", "nets"]
    with pytest.raises(CommError):
        list(localart.Api().registries(filter={"colour": "red"}))


@pytest.mark.parametrize("name", ["", "a/b", "a:b"])
def test_a_registry_needs_a_name_a_project_could_have(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        localart.Api().create_registry(name, "organization")


def test_there_is_one_registry_of_a_name_and_two_visibilities() -> None:
    localart.Api().create_registry("model", "organization")

    with pytest.raises(ValueError, match="already"):
        localart.Api().create_registry("model", "organization")
    with pytest.raises(ValueError, match="visibility"):
        localart.Api().create_registry("other", "public")


def test_a_registry_has_no_members() -> None:
    registry = localart.Api().create_registry("model", "organization")

    assert (registry.members(), registry.user_members(), registry.team_members()) == ([], [], [])
    for call in (registry.add_members, registry.remove_members):
        with pytest.raises(NotLocalError):
            call("someone")
    with pytest.raises(NotLocalError):
        registry.update_member("someone", "admin")
