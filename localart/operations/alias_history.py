"""Aliases: what they pointed to, and when, in the order things were done; moving them; and protecting them."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from localart.catalog import history, links, protection, versions
from localart.catalog.transaction import Transaction
from localart.errors import ArtifactNotFound, InvalidName
from localart.model import (
    ArtifactKind,
    ArtifactRecord,
    LinkedVersion,
    LinkRecord,
    VersionRecord,
    VersionState,
)
from localart.names import check_alias, shown
from localart.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasChange:
    """One move of an alias. `version` is its full name now, None when the alias was taken off."""

    seq: int
    time: str
    alias: str
    version: str | None
    number: int | None


def iter_alias_log(
    repository: Repository, artifact: ArtifactRecord, alias: str | None = None
) -> Iterator[AliasChange]:
    """The moves of an artifact's or portfolio's aliases (or of one), the newest first, streamed."""
    connection = repository.read()
    found = history.alias_changes(connection, artifact.id, (artifact.project, artifact.name), alias=alias)
    for change in found:
        version = (
            versions.find_version_by_uid(connection, change.body["version"])
            if change.kind == "alias.set"
            else None
        )
        yield AliasChange(
            seq=change.seq,
            time=change.time,
            alias=change.body["alias"],
            version=None if version is None else version.full_name,
            number=None if version is None else version.number,
        )


def version_then(
    connection: sqlite3.Connection, artifact: ArtifactRecord, alias: str, moment: str
) -> LinkedVersion:
    """The version that `alias` pointed to at `moment`; ArtifactNotFound when there was none, or it was deleted."""
    when = utc_moment(moment)
    name = f"{artifact.project}/{artifact.name}"
    place = (artifact.project, artifact.name)
    change = history.alias_at(connection, artifact.id, place, alias, when)
    if change is None or change.kind == "alias.removed":
        is_day = "T" not in moment
        raise ArtifactNotFound(
            f"The alias {shown(alias)} of {name} pointed nowhere {'when' if is_day else 'at'} {moment}"
            f"{' began' if is_day else ''}",
            hint=(f"say a time of that day too, as in {alias}@{moment}T18:00; " if is_day else "")
            + f"`localart alias log {name}` tells where it pointed when",
        )
    version = versions.find_version_by_uid(connection, change.body["version"])
    if version is None or version.state is VersionState.DELETED:
        label = alias if version is None else version.full_name
        raise ArtifactNotFound(
            f"At {moment} the alias {shown(alias)} pointed to {label}, which was deleted",
            hint="`localart history` and `localart undo` may bring it back",
        )
    if artifact.kind is not ArtifactKind.PORTFOLIO:
        return LinkedVersion(version=version)
    return LinkedVersion(version=version, link=links.find_link_to(connection, artifact.id, version.id))


def utc_moment(text: str) -> str:
    """A date or a time as the journal writes it; without a zone it is local, a date alone its first moment."""
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidName(f"{shown(text)} is no date or time", hint="for example 2026-09-01T12:00") from error
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- changing them -------------------------------------------------------------------------------------


def relabel(
    repository: Repository, found: LinkedVersion, add: Sequence[str], remove: Sequence[str], *, force: bool
) -> LinkedVersion:
    """Add and remove aliases of the version, or of its place in a portfolio when it was found through a link.

    One transaction. AliasProtected when a protected one would move or go, unless `force`.
    """
    for alias in add:
        check_alias(alias)
    with repository.write() as tx:
        tx.may_move_protected = force
        version = versions.get_version(tx.connection, found.version.id)
        link = _link_now(tx.connection, found.link)
        if version.state is VersionState.DELETED:
            raise ArtifactNotFound(
                f"Version {version.full_name} was deleted", hint="`localart undo` may help"
            )
        for alias in remove:
            _remove(tx, version, link, alias)
        for alias in add:
            _set(tx, version, link, alias)
        return LinkedVersion(
            version=versions.get_version(tx.connection, version.id), link=_link_now(tx.connection, found.link)
        )


def _link_now(connection: sqlite3.Connection, link: LinkRecord | None) -> LinkRecord | None:
    if link is None:
        return None
    now = links.find_link(connection, link.artifact_id, link.number)
    if now is None:
        raise ArtifactNotFound(f"{link.full_name} is not linked any more", hint="link it again")
    return now


def _set(tx: Transaction, version: VersionRecord, link: LinkRecord | None, alias: str) -> None:
    if link is None:
        versions.set_alias(tx, version, alias)
    else:
        links.set_alias(tx, link, alias, version.uid)


def _remove(tx: Transaction, version: VersionRecord, link: LinkRecord | None, alias: str) -> None:
    if link is None:
        versions.remove_alias(tx, version, alias)
    else:
        links.remove_alias(tx, link, alias, version.uid)


def protected(repository: Repository, artifact: ArtifactRecord) -> list[str]:
    """The protected aliases of an artifact or a portfolio."""
    return protection.protected_aliases(repository.read(), artifact.id)


def protect_aliases(repository: Repository, artifact: ArtifactRecord, aliases: Sequence[str]) -> None:
    """From now on these aliases neither move nor go, nor are their versions deleted, unless somebody insists.

    They need not point anywhere yet. `latest` is InvalidName: each log moves it.
    """
    for alias in aliases:
        check_alias(alias)
        if alias == versions.LATEST:
            raise InvalidName(
                "The alias 'latest' cannot be protected: every log moves it", hint="use your own"
            )
    with repository.write() as tx:
        for alias in aliases:
            protection.protect(tx, artifact.id, alias)


def unprotect_aliases(repository: Repository, artifact: ArtifactRecord, aliases: Sequence[str]) -> None:
    """Let these aliases move and go again."""
    with repository.write() as tx:
        for alias in aliases:
            protection.unprotect(tx, artifact.id, alias)
