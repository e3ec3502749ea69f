"""Change what is said of a collection as a whole: name, type, description, tags, lifetime."""

from localart.catalog import artifacts
from localart.catalog.transaction import Transaction
from localart.errors import ContentConflict
from localart.model import ArtifactKind, ArtifactRecord
from localart.names import (
    check_artifact_name,
    check_artifact_type,
    check_collection_name,
    check_prose,
    check_tag,
    shown,
)
from localart.records import dataclass
from localart.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionFacts:
    """What can be said of a collection. `ttl_seconds` None: what says nothing itself is kept for ever."""

    name: str
    type: str
    description: str | None
    tags: tuple[str, ...]
    ttl_seconds: int | None


def update_collection(
    repository: Repository, artifact: ArtifactRecord, wanted: CollectionFacts
) -> ArtifactRecord:
    """Make these its facts, in one transaction; what is as it was found stays as others have made it meanwhile."""
    _check(artifact, wanted)
    with repository.write() as tx:
        if wanted.name != artifact.name:
            artifacts.move_artifact(tx, artifact, project=artifact.project, name=wanted.name)
        now = artifacts.get_artifact(tx.connection, artifact.id)
        _change(tx, artifact, now, wanted)
        return artifacts.get_artifact(tx.connection, artifact.id)


def _change(tx: Transaction, found: ArtifactRecord, now: ArtifactRecord, wanted: CollectionFacts) -> None:
    if wanted.type != found.type:
        artifacts.retype_artifact(tx, now, wanted.type)
    if wanted.description != found.description:
        artifacts.describe_artifact(tx, now, wanted.description)
    if wanted.ttl_seconds != found.ttl_seconds:
        artifacts.set_artifact_ttl(tx, now, wanted.ttl_seconds)
    artifacts.set_artifact_tags(tx, now, wanted.tags)


def _check(artifact: ArtifactRecord, wanted: CollectionFacts) -> None:
    is_portfolio = artifact.kind is ArtifactKind.PORTFOLIO
    if wanted.name != artifact.name:
        (check_collection_name if is_portfolio else check_artifact_name)(wanted.name)
    if wanted.description is not None:
        check_prose(wanted.description, "Description")
    for tag in wanted.tags:
        check_tag(tag)
    if wanted.type == artifact.type:
        return
    if is_portfolio:
        raise ContentConflict(f"The type of {shown(artifact.name)} is fixed: it is a portfolio")
    check_artifact_type(wanted.type, artifact.name)
