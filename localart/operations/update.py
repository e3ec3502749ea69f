"""Change what may change about a version: description, metadata, aliases, tags, lifetime."""

from collections.abc import Mapping, Sequence
from typing import Any

from localart.catalog import links, versions
from localart.catalog.transaction import Transaction
from localart.model import LinkedVersion, VersionRecord
from localart.names import check_alias, check_tag
from localart.operations.link import relabel_link
from localart.operations.resolve import live_version
from localart.repository import Repository


def update_version(
    repository: Repository,
    version: VersionRecord,
    *,
    description: str | None,
    metadata: Mapping[str, Any],
    aliases: Sequence[str],
    tags: Sequence[str],
) -> VersionRecord:
    """Make the version's changeable facts exactly these, in one transaction; the version as it then is."""
    return update_linked(
        repository,
        LinkedVersion(version=version),
        description=description,
        metadata=metadata,
        aliases=aliases,
        tags=tags,
        ttl_seconds=version.ttl_seconds,
    ).version


def update_linked(
    repository: Repository,
    found: LinkedVersion,
    *,
    description: str | None,
    metadata: Mapping[str, Any],
    aliases: Sequence[str],
    tags: Sequence[str],
    ttl_seconds: int | None,
) -> LinkedVersion:
    """As `update_version`; of a version found through a link, the aliases are those of the portfolio.

    What was not changed from how it was found stays as others have made it meanwhile.
    """
    version, link = found.version, found.link
    wanted = [check_alias(alias) for alias in dict.fromkeys(aliases)]
    for tag in tags:
        check_tag(tag)
    with repository.write() as tx:
        now = live_version(tx.connection, version)
        _set_facts(tx, now, description, metadata)
        if link is None:
            _relabel(tx, now, known=version.aliases, wanted=wanted)
        else:
            relabel_link(tx, link, now, known=link.aliases, wanted=wanted)
        versions.set_tags(tx, now, tags)
        if ttl_seconds != version.ttl_seconds:
            versions.set_ttl(tx, now, ttl_seconds)
        return LinkedVersion(
            version=versions.get_version(tx.connection, now.id),
            link=None if link is None else links.find_link(tx.connection, link.artifact_id, link.number),
        )


def _relabel(tx: Transaction, version: VersionRecord, *, known: Sequence[str], wanted: Sequence[str]) -> None:
    for alias in sorted(set(known) - set(wanted)):
        versions.remove_alias(tx, version, alias)
    for alias in wanted:
        if alias not in known:
            versions.set_alias(tx, version, alias)


def _set_facts(
    tx: Transaction, version: VersionRecord, description: str | None, metadata: Mapping[str, Any]
) -> None:
    if description == version.description and dict(metadata) == dict(version.metadata):
        return
    versions.update_version(tx, version, description=description, metadata=metadata)
    tx.record(
        "version.updated",
        {"version": version.uid, "description": description, "metadata": dict(metadata)},
    )


def move_alias(repository: Repository, version: VersionRecord, alias: str) -> VersionRecord:
    """Point one alias to the version."""
    check_alias(alias)
    with repository.write() as tx:
        now = live_version(tx.connection, version)
        versions.set_alias(tx, now, alias)
        return versions.get_version(tx.connection, now.id)


def drop_alias(repository: Repository, version: VersionRecord, alias: str) -> bool:
    """Take one alias off the version; False when it was not there."""
    with repository.write() as tx:
        return versions.remove_alias(tx, live_version(tx.connection, version), alias)


def retag(
    repository: Repository, version: VersionRecord, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> VersionRecord:
    """Add and remove tags of the version."""
    for tag in add:
        check_tag(tag)
    with repository.write() as tx:
        now = live_version(tx.connection, version)
        versions.set_tags(tx, now, (set(now.tags) | set(add)) - set(remove))
        return versions.get_version(tx.connection, version.id)
