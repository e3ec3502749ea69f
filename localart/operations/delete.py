"""Delete versions: plan, show, execute. A deleted version keeps its number and its place in the lineage.

It leaves the portfolios it is linked in. Their aliases guard it as its own do. Its bytes stay in the trash until that
is emptied, so that `undo` can bring it back; `at_once` lets them go with it.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from localart.catalog import artifacts, links, trash, versions
from localart.catalog.transaction import Transaction
from localart.errors import ArtifactHasAliases
from localart.model import ArtifactRecord, LinkRecord, VersionRecord
from localart.operations.link import take_out
from localart.operations.resolve import live_version
from localart.records import dataclass
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


def execute_deletion(
    repository: Repository, plan: DeletionPlan, *, at_once: bool = False, force: bool = False
) -> None:
    """Delete the plan's versions and aliases, all in one transaction; AliasProtected unless `force`.

    They go to the trash. `at_once`: prune may free their bytes from now on, and nothing brings them back.
    """
    with repository.write() as tx:
        tx.may_move_protected = force
        for version in plan.versions:
            delete_in(tx, live_version(tx.connection, version), at_once=at_once)


def delete_version(repository: Repository, version: VersionRecord, *, with_aliases: bool) -> VersionRecord:
    """Put one version in the trash; refused while aliases point to it unless `with_aliases`."""
    with repository.write() as tx:
        now = live_version(tx.connection, version)
        aliases = guarding_aliases(tx.connection, now)
        if aliases and not with_aliases:
            raise ArtifactHasAliases(
                f"{now.full_name} still has aliases: {', '.join(aliases)}",
                hint="pass delete_aliases=True, or move them first",
            )
        delete_in(tx, now)
        return versions.get_version(tx.connection, version.id)


def delete_collection(repository: Repository, artifact: ArtifactRecord) -> None:
    """Delete all versions of an artifact with their aliases, or take everything out of a portfolio. One transaction."""
    with repository.write() as tx:
        for link in list(links.iter_links(tx.connection, artifact.id)):
            links.remove_link(tx, link, versions.get_version(tx.connection, link.version_id).uid)
        for version in list(versions.iter_versions(tx.connection, artifact.id)):
            delete_in(tx, versions.get_version(tx.connection, version.id))
        tx.record("artifact.deleted", {"project": artifact.project, "artifact": artifact.name})


def guarding_aliases(connection: sqlite3.Connection, version: VersionRecord) -> list[str]:
    """The aliases that keep a version from being deleted by mistake: its own, and those of its links."""
    found = links.links_to(connection, version.id)
    there = [f"{link.project}/{link.artifact}:{alias}" for link in found for alias in link.aliases]
    return [*version.aliases, *there]


def delete_in(tx: Transaction, version: VersionRecord, *, at_once: bool = False) -> None:
    """Delete a version as it is now; the record tells what `undo` needs to bring it back."""
    found = links.links_to(tx.connection, version.id)
    for link in found:
        take_out(tx, link)
    for alias in version.aliases:
        versions.remove_alias(tx, version, alias)
    (trash.let_go if at_once else trash.put_in_trash)(tx, version)
    tx.record(
        "version.deleted",
        {
            "version": version.uid, "label": version.full_name, "manifest": version.digest.hex(),
            "aliases": list(version.aliases), "links": [_journal_link(link) for link in found],
            "trash": not at_once,
        },
    )  # fmt: skip
    if versions.LATEST in version.aliases:
        _point_latest_to_what_is_left(tx, version)


def _journal_link(link: LinkRecord) -> dict[str, Any]:
    return {
        "project": link.project,
        "artifact": link.artifact,
        "number": link.number,
        "aliases": list(link.aliases),
    }


def _point_latest_to_what_is_left(tx: Transaction, deleted: VersionRecord) -> None:
    artifact = artifacts.find_artifact(tx.connection, deleted.project, deleted.artifact)
    assert artifact is not None
    newest = next(versions.iter_versions(tx.connection, artifact.id), None)
    if newest is not None:
        versions.set_alias(tx, newest, versions.LATEST)
