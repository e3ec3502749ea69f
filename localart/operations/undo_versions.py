"""Take back what was done to versions: what is said of them, and their deletion."""

from collections.abc import Collection
from typing import Any

from localart.catalog import aliases, artifacts, history, trash, versions
from localart.catalog.history import Change, Moves
from localart.catalog.transaction import Transaction
from localart.errors import CannotUndo
from localart.model import ArtifactKind, ArtifactRecord, VersionRecord, VersionState
from localart.names import shown
from localart.operations.delete import delete_in
from localart.operations.undo_aliases import live, point_back, put_link_back

_NEWER = "undo the newer change first: `localart history` lists them"


def undo_version(tx: Transaction, change: Change, first: int) -> str:
    """Say of the version what was said before the change."""
    del first
    version = live(tx, change.body["version"])
    match change.kind:
        case "version.tagged":
            return _untag(tx, version, change)
        case "version.ttl":
            return _unset_ttl(tx, version, change)
        case _:
            return _unset_facts(tx, version, change)


def _untag(tx: Transaction, version: VersionRecord, change: Change) -> str:
    _refuse_changed(version, change, list(version.tags) == list(change.body["tags"]), "tags")
    before = _told_before(tx, version, change, ("version.tagged", "version.logged"))
    versions.set_tags(tx, version, before["tags"])
    return f"{version.full_name}: tags are {', '.join(before['tags']) or 'none'} again"


def _unset_ttl(tx: Transaction, version: VersionRecord, change: Change) -> str:
    seconds = change.body["ttl_seconds"]
    _refuse_changed(version, change, version.ttl_seconds == seconds, "lifetime")
    before = _told_before(tx, version, change, ("version.ttl", "version.logged"))
    versions.set_ttl(tx, version, before.get("ttl_seconds"))
    return f"{version.full_name}: the lifetime is what it was"


def _unset_facts(tx: Transaction, version: VersionRecord, change: Change) -> str:
    now = (version.description, dict(version.metadata))
    _refuse_changed(
        version, change, now == (change.body["description"], change.body["metadata"]), "description"
    )
    before = _told_before(tx, version, change, ("version.updated", "version.logged"))
    facts: dict[str, Any] = {"description": before["description"], "metadata": before["metadata"]}
    versions.update_version(tx, version, **facts)
    tx.record("version.updated", {"version": version.uid, **facts})
    return f"{version.full_name}: description and metadata are what they were"


def _refuse_changed(version: VersionRecord, change: Change, is_as_it_was_left: bool, what: str) -> None:  # noqa: FBT001
    if not is_as_it_was_left:
        raise CannotUndo(
            f"The {what} of {version.full_name} was changed again since change {change.seq}", hint=_NEWER
        )


def _told_before(
    tx: Transaction, version: VersionRecord, change: Change, kinds: Collection[str]
) -> dict[str, Any]:
    """What the last record before the change told. One of a log that made nothing new only tells of tags."""
    at = change.seq
    while (found := history.last_of_version(tx.connection, version.uid, kinds, before=at)) is not None:
        if found.kind != "version.logged" or found.body["new"] or change.kind == "version.tagged":
            return dict(found.body)
        at = found.seq
    raise CannotUndo(f"The journal does not tell what {version.full_name} was before change {change.seq}")


# --- deletions -------------------------------------------------------------------------------------


def undo_deletion(tx: Transaction, change: Change, first: int) -> str:
    """Bring the version back with its links and aliases; an alias that was given elsewhere since stays there."""
    version = versions.find_version_by_uid(tx.connection, change.body["version"])
    if version is None:
        raise CannotUndo(f"Change {change.seq} is about a version that is not in this store")
    if version.state is not VersionState.DELETED:
        raise CannotUndo(f"{version.full_name} is there: it was brought back already")
    if version.digest.hex() != change.body["manifest"] or not trash.is_whole(tx.connection, version):
        raise CannotUndo(
            f"The bytes of {version.full_name} were freed: nothing is left to bring back",
            hint="log the same files again",
        )
    owner = artifacts.get_artifact(tx.connection, version.artifact_id)
    if owner.kind is ArtifactKind.PORTFOLIO:
        raise CannotUndo(
            f"{owner.project}/{owner.name} is a portfolio by now and holds no versions of its own",
            hint="delete or rename the portfolio first",
        )
    trash.take_back(tx, version)
    back = versions.get_version(tx.connection, version.id)
    action = history.action_of(tx.connection, change)
    since = (action[0].seq, action[-1].seq, first)
    left = [_give_back(tx, owner, alias, back, since) for alias in change.body.get("aliases", ())]
    for told in change.body.get("links", ()):
        left += _put_link_back(tx, change, told, back, since)
    lost = [one for one in left if one]
    return f"{back.full_name} is back" + (f"; {', '.join(lost)}" if lost else "")


def _put_link_back(
    tx: Transaction, change: Change, told: dict[str, Any], version: VersionRecord, since: tuple[int, int, int]
) -> list[str]:
    place = Moves(tx.connection).place_now((told["project"], told["artifact"]), change.seq)
    portfolio = artifacts.find_artifact(tx.connection, *place)
    if portfolio is None:
        return [f"its link in {'/'.join(place)} is not: that is gone"]
    put_link_back(tx, portfolio, told["number"], version)
    return [_give_back(tx, portfolio, alias, version, since) for alias in told["aliases"]]


def _give_back(
    tx: Transaction, owner: ArtifactRecord, alias: str, version: VersionRecord, since: tuple[int, int, int]
) -> str:
    """Point the alias to the version again, unless somebody set it since; then say where it stays."""
    now = aliases.find_alias(tx.connection, owner.id, alias)
    if now is not None and not _was_left_there(tx, owner, alias, since):
        there = versions.get_version(tx.connection, now)
        return f"alias {shown(alias)} stays with {there.label}"
    point_back(tx, owner, alias, version.uid)
    return ""


def _was_left_there(tx: Transaction, owner: ArtifactRecord, alias: str, since: tuple[int, int, int]) -> bool:
    """Whether the deletion itself, or this undo, pointed the alias to where it is."""
    start, stop, first = since
    place = (owner.project, owner.name)
    last = next(history.alias_changes(tx.connection, owner.id, place, alias=alias), None)
    return last is not None and (start <= last.seq <= stop or last.seq >= first)


def undo_restoring(tx: Transaction, change: Change, first: int) -> str:
    """Put a version that was brought back into the trash again."""
    del first
    version = live(tx, change.body["version"])
    delete_in(tx, version)
    return f"{version.full_name} is in the trash again"
