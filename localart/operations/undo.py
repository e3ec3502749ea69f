"""Take a change back: aliases, tags, descriptions, metadata, lifetimes, links, moves and deletions.

What something was before stands in the journal. An undo is a change like any other: it writes the records of what
it does, then one of kind `undo` that names what was taken back, so that it can be taken back itself. It is refused
when what it would change is not as the change left it: the newer change has to be taken back first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from localart.catalog import history
from localart.catalog.history import Change
from localart.catalog.transaction import Transaction
from localart.errors import CannotUndo
from localart.operations.undo_aliases import undo_alias, undo_link, undo_protection
from localart.operations.undo_artifacts import undo_artifact, undo_emptying
from localart.operations.undo_versions import undo_deletion, undo_restoring, undo_version
from localart.repository import Repository

_WAYS = {
    "alias.set": undo_alias,
    "alias.removed": undo_alias,
    "alias.protected": undo_protection,
    "alias.unprotected": undo_protection,
    "link.added": undo_link,
    "link.removed": undo_link,
    "version.updated": undo_version,
    "version.tagged": undo_version,
    "version.ttl": undo_version,
    "version.deleted": undo_deletion,
    "version.restored": undo_restoring,
    "artifact.moved": undo_artifact,
    "artifact.updated": undo_artifact,
    "artifact.tagged": undo_artifact,
    "artifact.ttl": undo_artifact,
    "artifact.retyped": undo_artifact,
    "artifact.deleted": undo_emptying,
}
_STAYS = {
    "artifact.created",
    "project.created",
}  # by the way; what was made for a link or a move stays, empty
_LOOKED_BACK = 10_000  # records that are searched for the last change


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """The changes of one action that would be taken back, in the order they were made."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What an undo did: its own number in the history, and a line for each thing it changed."""

    seq: int
    undone: tuple[Change, ...]
    said: tuple[str, ...]


def plan_undo(repository: Repository, seq: int | None = None) -> UndoPlan:
    """The change with this number, with all that was done in the same action when it is a deletion or an undo.

    None: the last action that a user may want to take back, which is no log, no undo, and was not undone yet.
    CannotUndo when there is none. Changes nothing.
    """
    with repository.catalog.snapshot() as connection:
        undone = undone_changes(repository)
        if seq is None:
            return UndoPlan(changes=_last_action(repository, undone))
        change = history.find_change(connection, seq)
        if change is None:
            raise CannotUndo(f"There is no change {seq}", hint="`localart history` lists them")
        if seq in undone:
            raise CannotUndo(
                f"Change {seq} was undone already, by {undone[seq]}", hint=f"localart undo {undone[seq]}"
            )
        return UndoPlan(changes=_with_its_parts(repository, change))


def execute_undo(repository: Repository, plan: UndoPlan, *, force: bool = False) -> UndoReport:
    """Take the plan's changes back, the last first, in one transaction: all of them or none.

    CannotUndo when something newer depends on one. Protected aliases move only with `force`.
    """
    with repository.write() as tx:
        tx.may_move_protected = force
        already = undone_changes(repository)
        for change in plan.changes:
            if change.seq in already:
                raise CannotUndo(f"Change {change.seq} was undone already, by {already[change.seq]}")
        first = history.newest_seq(tx.connection) + 1
        said = tuple(_take_back(tx, change, first) for change in reversed(plan.changes))
        last = history.newest_seq(tx.connection)
        tx.record(
            "undo", {"undone": [_named(change) for change in plan.changes], "first": first, "last": last}
        )
        return UndoReport(seq=last + 1, undone=plan.changes, said=said)


def undone_changes(repository: Repository) -> dict[int, int]:
    """The numbers of what was taken back and not done again, each with the undo's."""
    found: dict[int, int] = {}
    undos = [*history.iter_changes(repository.read(), kinds=("undo",))][::-1]
    redone = {undo.seq: undo.body for undo in undos}
    for undo in undos:
        for seq in undo.body["undone"]:
            found[seq] = undo.seq
            if seq in redone:
                for again in redone[seq]["undone"]:
                    found.pop(again, None)
    return found


def is_undoable(change: Change) -> bool:
    """Whether there is a way back from changes of this kind."""
    return change.kind in _WAYS or change.kind == "undo"


def _named(change: Change) -> int:
    return change.seq


# --- which ---------------------------------------------------------------------------------------------


def _last_action(repository: Repository, undone: dict[int, int]) -> tuple[Change, ...]:
    """The newest action of which every record can be taken back."""
    oldest = history.newest_seq(repository.read()) - _LOOKED_BACK
    before: int | None = None
    while True:
        change = next(history.iter_changes(repository.read(), before=before), None)
        if change is None or change.seq <= oldest:
            raise CannotUndo(
                "There is nothing to undo",
                hint="`localart history` lists changes; `localart undo NUMBER` takes one back",
            )
        action = history.action_of(repository.read(), change)
        before = action[0].seq
        parts = [one for one in action if one.kind not in _STAYS]
        if parts and all(one.kind in _WAYS and one.seq not in undone for one in parts):
            return tuple(_main_parts(parts))


def _with_its_parts(repository: Repository, change: Change) -> tuple[Change, ...]:
    if change.kind == "undo":
        effects = history.iter_changes(repository.read(), before=change.body["last"] + 1)
        found = []
        for one in effects:
            if one.seq < change.body["first"]:
                break
            found.append(one)
        return (*_main_parts(found[::-1]), change)
    if change.kind not in _WAYS:
        raise CannotUndo(
            f"Change {change.seq} ({change.kind}) is not one that can be taken back",
            hint="aliases, tags, descriptions, metadata, lifetimes, links, moves and deletions can",
        )
    return (change,)


def _main_parts(action: Sequence[Change]) -> list[Change]:
    """A deletion, or its undo, tells all by itself: the aliases and links it touched come with it."""
    main = [one for one in action if one.kind in {"version.deleted", "version.restored"}]
    others = [one for one in action if not one.kind.startswith(("alias.", "link.")) and one not in main]
    return sorted([*main, *others], key=_named) if main else list(action)


def _take_back(tx: Transaction, change: Change, first: int) -> str:
    if change.kind == "undo":
        return f"change {', '.join(map(str, change.body['undone']))} is done again"
    return _WAYS[change.kind](tx, change, first)
