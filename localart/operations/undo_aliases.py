"""Take back what was done to aliases and links."""

from localart.catalog import aliases, artifacts, history, links, protection, trash, versions
from localart.catalog.history import Change, Moves
from localart.catalog.transaction import Transaction
from localart.errors import CannotUndo
from localart.model import ArtifactKind, ArtifactRecord, VersionRecord, VersionState
from localart.names import shown
from localart.operations.link import take_out


def undo_alias(tx: Transaction, change: Change, first: int) -> str:
    """Point the alias to what it pointed to before the change, or to nothing."""
    del first
    alias = change.body["alias"]
    artifact = alias_owner(tx, change)
    expected = change.body["version"] if change.kind == "alias.set" else None
    _refuse_moved(tx, artifact, change, expected)
    before = next(
        history.alias_changes(tx.connection, artifact.id, _place(artifact), alias=alias, before=change.seq),
        None,
    )
    if change.kind == "alias.removed":
        return point_back(tx, artifact, alias, change.body["version"])
    if before is None or before.kind == "alias.removed":
        take_off(tx, artifact, alias)
        return f"{artifact.project}/{artifact.name}: alias {shown(alias)} is gone again"
    return point_back(tx, artifact, alias, before.body["version"])


def alias_owner(tx: Transaction, change: Change) -> ArtifactRecord:
    """The artifact or portfolio whose alias a record is about, where it is now."""
    place = history.place_of(change)
    now = None if place is None else Moves(tx.connection).place_now(place, change.seq)
    found = None if now is None else artifacts.find_artifact(tx.connection, *now)
    if found is None:
        raise CannotUndo(f"Change {change.seq} is about an artifact that is not there any more")
    return found


def _place(artifact: ArtifactRecord) -> history.Place:
    return artifact.project, artifact.name


def _refuse_moved(tx: Transaction, artifact: ArtifactRecord, change: Change, expected: str | None) -> None:
    alias = change.body["alias"]
    row = aliases.find_alias(tx.connection, artifact.id, alias)
    now = None if row is None else versions.get_version(tx.connection, row).uid
    if now == expected:
        return
    later = next(history.alias_changes(tx.connection, artifact.id, _place(artifact), alias=alias), None)
    raise CannotUndo(
        f"The alias {shown(alias)} of {artifact.project}/{artifact.name} was changed again since"
        f" change {change.seq}",
        hint=f"localart undo {later.seq} first" if later is not None else "`localart history` tells",
    )


def point_back(tx: Transaction, artifact: ArtifactRecord, alias: str, uid: str) -> str:
    """Point an alias of the artifact or portfolio to the version; CannotUndo when it is not there (any more)."""
    version = live(tx, uid)
    if artifact.kind is ArtifactKind.PORTFOLIO:
        link = links.find_link_to(tx.connection, artifact.id, version.id)
        if link is None:
            raise CannotUndo(
                f"{version.full_name} is not linked in {artifact.project}/{artifact.name} any more",
                hint="link it again first",
            )
        links.set_alias(tx, link, alias, version.uid)
    else:
        versions.set_alias(tx, version, alias)
    return f"{artifact.project}/{artifact.name}: alias {shown(alias)} points to {version.label} again"


def take_off(tx: Transaction, artifact: ArtifactRecord, alias: str) -> None:
    """Remove an alias of the artifact or portfolio, wherever it points."""
    row = aliases.find_alias(tx.connection, artifact.id, alias)
    if row is None:
        return
    version = versions.get_version(tx.connection, row)
    link = links.find_link_to(tx.connection, artifact.id, row)
    if artifact.kind is ArtifactKind.PORTFOLIO and link is not None:
        links.remove_alias(tx, link, alias, version.uid)
    else:
        versions.remove_alias(tx, version, alias)


def live(tx: Transaction, uid: str) -> VersionRecord:
    """The committed version with this uid; CannotUndo when it was deleted."""
    version = versions.find_version_by_uid(tx.connection, uid)
    if version is None or version.state is VersionState.DELETED:
        name = "The version" if version is None else version.full_name
        raise CannotUndo(f"{name} was deleted since", hint="bring it back first: `localart history`")
    return version


def undo_protection(tx: Transaction, change: Change, first: int) -> str:
    """Protect the alias again, or no longer."""
    del first
    artifact, alias = alias_owner(tx, change), change.body["alias"]
    if change.kind == "alias.protected":
        protection.unprotect(tx, artifact.id, alias)
        return f"{artifact.project}/{artifact.name}: alias {shown(alias)} is not protected any more"
    protection.protect(tx, artifact.id, alias)
    return f"{artifact.project}/{artifact.name}: alias {shown(alias)} is protected again"


# --- links -----------------------------------------------------------------------------------------


def undo_link(tx: Transaction, change: Change, first: int) -> str:
    """Take the version out of the portfolio, or put it back under the number it had."""
    del first
    portfolio, number = alias_owner(tx, change), change.body["number"]
    link = links.find_link(tx.connection, portfolio.id, number)
    name = f"{portfolio.project}/{portfolio.name}:v{number}"
    if change.kind == "link.added":
        if link is None:
            raise CannotUndo(f"{name} is not linked any more")
        take_out(tx, link)
        return f"{name} is not linked any more"
    put_link_back(tx, portfolio, number, live(tx, change.body["version"]))
    return f"{name} is linked again"


def put_link_back(tx: Transaction, portfolio: ArtifactRecord, number: int, version: VersionRecord) -> None:
    """Link the version again with the number it had; CannotUndo when it has another by now."""
    name = f"{portfolio.project}/{portfolio.name}"
    if links.find_link_to(tx.connection, portfolio.id, version.id) is not None:
        raise CannotUndo(f"{version.full_name} was linked in {name} again since")
    if not trash.is_link_of(tx.connection, portfolio.id, number, version.id):
        raise CannotUndo(f"{name}:v{number} never was a link to {version.full_name}")
    trash.relink(tx, portfolio.id, number, version)
