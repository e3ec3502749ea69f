"""What is left after a version is deleted."""

import pytest

import localart


def log(content: str) -> "localart.Artifact":
    with localart.init(project="p") as run:
        artifact = localart.Artifact("data", "dataset")
        with artifact.new_file("a.txt", "w") as file:
            file.write(content)
        return run.log_artifact(artifact)


def test_latest_moves_to_the_newest_version_left() -> None:
    for content in "abc":
        log(content)

    localart.Api().artifact("p/data:latest").delete(delete_aliases=True)

    assert localart.Api().artifact("p/data").version == "v1"
    assert log("d").version == "v3"


def test_an_artifact_without_versions_has_no_latest() -> None:
    log("a").delete(delete_aliases=True)

    with pytest.raises(localart.CommError, match="latest"):
        localart.Api().artifact("p/data")


def test_deleting_an_older_version_leaves_latest_alone() -> None:
    first = log("a")
    log("b")

    first.delete()

    assert localart.Api().artifact("p/data").version == "v1"
    assert first.state == "DELETED"
