"""Delete versions: plan, show, execute. A deleted version keeps its number and its place in the lineage.

It leaves the portfolios it is linked in. Their aliases guard it as its own do.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from localart.catalog import artifacts, links, manifests, versions
from localart.catalog.transaction import Transaction
from localart.errors import ArtifactHasAliases
from localart.manifest import manifest_digest
from localart.model import ArtifactRecord, VersionRecord, VersionState
from localart.operations.link import take_out
from localart.operations.resolve import live_version
from localart.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionPlan:
    """What deleting would do: these versions go, these aliases leave them, these links to them are removed.

    `latest` then moves to the newest version left.
    """

    versions: tuple[VersionRecord, ...]
    aliases: tuple[str, ...]
    logical_bytes: int
    links: tuple[str, ...] = ()


def plan_deletion(doomed: Sequence[VersionRecord], repository: Repository | None = None) -> DeletionPlan:
    """Show what deleting `doomed` takes away; with `repository`, in portfolios too. Changes nothing."""
    places = [] if repository is None else [links.links_to(repository.read(), one.id) for one in doomed]
    return DeletionPlan(
        versions=tuple(doomed),
        aliases=tuple(f"{version.artifact}:{alias}" for version in doomed for alias in version.aliases),
        links=tuple(link.full_name for found in places for link in found),
        logical_bytes=sum(version.size_bytes for version in doomed),
    )


def execute_deletion(repository: Repository, plan: DeletionPlan) -> None:
    """Delete the plan's versions and aliases, all in one transaction. Their bytes are freed by prune."""
    with repository.write() as tx:
        for version in plan.versions:
            _delete(tx, live_version(tx.connection, version))


def delete_version(repository: Repository, version: VersionRecord, *, with_aliases: bool) -> VersionRecord:
    """Delete one version; refused while aliases point to it unless `with_aliases`."""
    with repository.write() as tx:
        now = live_version(tx.connection, version)
        aliases = guarding_aliases(tx.connection, now)
        if aliases and not with_aliases:
            raise ArtifactHasAliases(
                f"{now.full_name} still has aliases: {', '.join(aliases)}",
                hint="pass delete_aliases=True, or move them first",
            )
        _delete(tx, now)
        return versions.get_version(tx.connection, version.id)


def delete_collection(repository: Repository, artifact: ArtifactRecord) -> None:
    """Delete all versions of an artifact with their aliases, or take everything out of a portfolio. One transaction."""
    with repository.write() as tx:
        for link in list(links.iter_links(tx.connection, artifact.id)):
            links.remove_link(tx, link, versions.get_version(tx.connection, link.version_id).uid)
        for version in list(versions.iter_versions(tx.connection, artifact.id)):
            _delete(tx, versions.get_version(tx.connection, version.id))
        tx.record("artifact.deleted", {"project": artifact.project, "artifact": artifact.name})


def guarding_aliases(connection: sqlite3.Connection, version: VersionRecord) -> list[str]:
    """The aliases that keep a version from being deleted by mistake: its own, and those of its links."""
    found = links.links_to(connection, version.id)
    there = [f"{link.project}/{link.artifact}:{alias}" for link in found for alias in link.aliases]
    return [*version.aliases, *there]


def _delete(tx: Transaction, version: VersionRecord) -> None:
    for link in links.links_to(tx.connection, version.id):
        take_out(tx, link)
    for alias in version.aliases:
        versions.remove_alias(tx, version, alias)
    versions.update_version(
        tx,
        version,
        description=version.description,
        metadata=version.metadata,
        state=VersionState.DELETED,
        manifest_id=_empty_manifest(tx),
    )
    tx.record(
        "version.deleted",
        {"version": version.uid, "label": version.full_name, "manifest": version.digest.hex()},
    )
    if versions.LATEST in version.aliases:
        _point_latest_to_what_is_left(tx, version)


def _point_latest_to_what_is_left(tx: Transaction, deleted: VersionRecord) -> None:
    artifact = artifacts.find_artifact(tx.connection, deleted.project, deleted.artifact)
    assert artifact is not None
    newest = next(versions.iter_versions(tx.connection, artifact.id), None)
    if newest is not None:
        versions.set_alias(tx, newest, versions.LATEST)


def _empty_manifest(tx: Transaction) -> int:
    digest = manifest_digest([])
    known = manifests.find_manifest(tx.connection, digest)
    if known is not None:
        return known
    plan = manifests.ManifestPlan(digest=digest, pages=(), file_count=0, size_bytes=0, base=None)
    return manifests.complete_manifest(tx, manifests.begin_manifest(tx, plan), digest)
