"""Link versions into portfolios: a model registry, a registry, or any other collection. Bytes are not copied."""

from collections.abc import Sequence

from localart.catalog import artifacts, links, registries, versions
from localart.catalog.transaction import Transaction
from localart.errors import ArtifactNotFound, ArtifactTypeMismatch, CommError, ContentConflict, InvalidName
from localart.model import ArtifactKind, LinkedVersion, LinkRecord, VersionRecord
from localart.names import check_alias, check_collection_name, check_project, shown
from localart.operations.resolve import live_version
from localart.records import dataclass
from localart.repository import Repository

MODEL_REGISTRY = "model-registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTarget:
    """The portfolio that a link goes to."""

    project: str
    name: str


def parse_link_target(text: str, *, project: str) -> LinkTarget:
    """Take `collection`, `project/collection` or `entity/project/collection` apart; InvalidName for others."""
    if not isinstance(text, str):
        raise TypeError(f"a link's target must be a str, not {type(text).__name__}")
    parts = text.split("/")
    if len(parts) > 3 or ":" in text:
        raise InvalidName(
            f"{shown(text)} is not the path of a collection", hint="use project/collection, and aliases=[…]"
        )
    target = check_project(parts[-2]) if len(parts) > 1 else project
    return LinkTarget(project=target, name=check_collection_name(parts[-1]))


def link_version(
    repository: Repository, version: VersionRecord, target: LinkTarget, aliases: Sequence[str] = ()
) -> LinkedVersion:
    """Give the version a place in the portfolio (made if it is new) with `latest` and these aliases.

    A version that is there already keeps its number. A portfolio takes one type. In a registry a version no
    longer expires. One transaction: killed midway, it is linked with all of its aliases or not at all.
    """
    wanted = [check_alias(alias) for alias in dict.fromkeys(aliases)]
    with repository.write() as tx:
        now = live_version(tx.connection, version)
        registries.refuse_type(tx.connection, target.project, now.type)
        link = links.insert_link(tx, _portfolio(tx, target, now.type), now.id, now.uid)
        for alias in (*wanted, versions.LATEST):
            links.set_alias(tx, link, alias, now.uid)
        if target.project == MODEL_REGISTRY or registries.is_registry(target.project):
            versions.set_ttl(tx, now, 0)
        return LinkedVersion(
            version=versions.get_version(tx.connection, now.id),
            link=links.find_link(tx.connection, link.artifact_id, link.number),
        )


def _portfolio(tx: Transaction, target: LinkTarget, kind: str) -> int:
    try:
        return artifacts.ensure_artifact(
            tx, target.project, target.name, kind, None, role=ArtifactKind.PORTFOLIO
        )
    except ContentConflict as conflict:
        raise ArtifactTypeMismatch(conflict.message, hint=conflict.hint) from conflict


def unlink(repository: Repository, link: LinkRecord) -> None:
    """Take the version out of the portfolio; the version itself stays. CommError when it is not there (any more)."""
    with repository.write() as tx:
        now = links.find_link(tx.connection, link.artifact_id, link.number)
        if now is None:
            raise ArtifactNotFound(
                f"{link.full_name} is not linked any more", hint="linked_artifacts lists the links there are"
            )
        take_out(tx, now)


def take_out(tx: Transaction, link: LinkRecord) -> None:
    """Remove one link; `latest` then names the newest one left."""
    uid = versions.get_version(tx.connection, link.version_id).uid
    links.remove_link(tx, link, uid)
    if versions.LATEST not in link.aliases:
        return
    newest = next(links.iter_links(tx.connection, link.artifact_id), None)
    if newest is not None:
        links.set_alias(
            tx, newest, versions.LATEST, versions.get_version(tx.connection, newest.version_id).uid
        )


def relabel_link(
    tx: Transaction, link: LinkRecord, version: VersionRecord, *, known: Sequence[str], wanted: Sequence[str]
) -> None:
    """Change the link's aliases from `known` to `wanted`; what others changed meanwhile stays."""
    now = links.find_link(tx.connection, link.artifact_id, link.number)
    if now is None:
        raise CommError(f"{link.full_name} is not linked any more", hint="link it again")
    for alias in sorted(set(known) - set(wanted)):
        links.remove_alias(tx, now, alias, version.uid)
    for alias in wanted:
        if alias not in known:
            links.set_alias(tx, now, alias, version.uid)
