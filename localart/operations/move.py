"""Rename an artifact, or move it to another project, with all its versions, aliases and lineage."""

from localart.catalog import artifacts
from localart.model import ArtifactRecord
from localart.names import check_artifact_name, check_project
from localart.repository import Repository


def move_artifact(
    repository: Repository, artifact: ArtifactRecord, *, project: str, name: str
) -> ArtifactRecord:
    """Give the artifact this project and name; `ContentConflict` when they are taken."""
    check_project(project)
    check_artifact_name(name)
    with repository.write() as tx:
        artifacts.move_artifact(tx, artifact, project=project, name=name)
        moved = artifacts.find_artifact(tx.connection, project, name)
    assert moved is not None
    return moved
