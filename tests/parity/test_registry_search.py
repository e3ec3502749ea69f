"""`api.registries(…).collections(…).versions(…)`: each narrows the next, as in W&B."""

import pytest

import localart


@pytest.fixture
def api() -> localart.Api:
    with localart.init(project="p") as run:
        for number in range(3):
            artifact = localart.Artifact("net", "model", metadata={"acc": number / 10, "deep": {"k": number}})
            with artifact.new_file("x") as file:
                file.write(str(number))
            logged = run.log_artifact(artifact)
            run.link_artifact(logged, "wandb-registry-model/first", aliases=["prod"] if number == 1 else [])
            logged.link("wandb-registry-other/second")
        logged.link("wandb-registry-other/third")
    return localart.Api()


def test_collections_of_all_registries_or_of_those_that_match(api: localart.Api) -> None:
    assert [one.name for one in api.registries().collections()] == ["first", "second", "third"]
    models = api.registries(filter={"name": {"$regex": "model"}})
    assert [one.name for one in models.collections()] == ["first"]
    assert [one.name for one in api.registries().collections(filter={"name": "second"})] == ["second"]
    assert [one.name for one in api.registries().collections(order="-name")] == [
        "third",
        "second",
        "first",
    ]


def test_versions_of_all_registries_narrow_with_what_came_before(api: localart.Api) -> None:
    """Fails when `versions` forgets which registries or collections were asked for."""
    models = api.registries(filter={"name": "model"})
    assert [one.qualified_name for one in models.versions(filter={"alias": "prod"})] == [
        "wandb-registry-model/first:v1"
    ]
    assert sorted(one.version for one in models.collections().versions()) == ["v0", "v1", "v2"]
    assert len(api.registries().versions()) == 7
    second = api.registries().collections(filter={"name": "second"})
    assert {one.name.partition(":")[0] for one in second.versions()} == {"second"}
    assert len(api.registry("model").collections().versions(filter={"version": "v2"})) == 1


def test_versions_may_be_found_by_their_metadata(api: localart.Api) -> None:
    found = api.registries().versions(filter={"metadata.acc": {"$gt": 0.15}, "metadata.deep.k": 2})
    assert [one.name for one in found] == ["first:v2", "second:v2", "third:v0"]
    assert list(api.registries().versions(filter={"metadata.nothing": 1})) == []


def test_what_cannot_be_asked_for_says_so(api: localart.Api) -> None:
    with pytest.raises(localart.CommError, match="nothing called 'colour'"):
        api.registries().versions(filter={"colour": "red"})
    with pytest.raises(localart.CommError, match="from the beginning"):
        api.registries().versions(start="3")


def test_collections_go_on_after_a_cursor(api: localart.Api) -> None:
    pages = api.registries().collections(per_page=1)
    assert next(pages).name == "first"
    assert [one.name for one in api.registries().collections(start=pages.cursor)] == ["second", "third"]
