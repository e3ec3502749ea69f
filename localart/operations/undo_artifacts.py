"""Take back what was done to whole artifacts: their place, description, type, tags, lifetime."""

from typing import Any

from localart.catalog import artifacts, history
from localart.catalog.history import Change, Moves
from localart.catalog.transaction import Transaction
from localart.errors import CannotUndo
from localart.model import ArtifactRecord

_FIELDS = {
    "artifact.updated": "description",
    "artifact.tagged": "tags",
    "artifact.ttl": "ttl_seconds",
    "artifact.retyped": "type",
}


def undo_artifact(tx: Transaction, change: Change, first: int) -> str:
    """Make the artifact what it was before the change."""
    del first
    artifact = _find(tx, change)
    name = f"{artifact.project}/{artifact.name}"
    if change.kind == "artifact.moved":
        return _move_back(tx, artifact, change)
    field = _FIELDS[change.kind]
    if _now(tx, artifact, field) != change.body[field]:
        raise CannotUndo(
            f"The {_words(field)} of {name} was changed again since change {change.seq}",
            hint="undo the newer change first: `localart history` lists them",
        )
    _put_back(tx, artifact, change.kind, _before(tx, artifact, change, field))
    return f"{name}: the {_words(field)} is what it was"


def undo_emptying(tx: Transaction, change: Change, first: int) -> str:
    """The versions and links of an artifact that was emptied come back one by one; itself it was never gone."""
    del tx, first
    return f"{change.body['project']}/{change.body['artifact']} is not empty any more"


def _words(field: str) -> str:
    return {"ttl_seconds": "lifetime"}.get(field, field)


def _find(tx: Transaction, change: Change) -> ArtifactRecord:
    place = history.place_of(change)
    assert place is not None
    now = Moves(tx.connection).place_now(place, change.seq)
    artifact = artifacts.find_artifact(tx.connection, *now)
    if artifact is None:
        raise CannotUndo(f"Change {change.seq} is about {'/'.join(now)}, which is not there any more")
    return artifact


def _move_back(tx: Transaction, artifact: ArtifactRecord, change: Change) -> str:
    if [artifact.project, artifact.name] != list(change.body["to"]):
        raise CannotUndo(
            f"{artifact.project}/{artifact.name} was moved again since change {change.seq}",
            hint="undo the newer move first: `localart history` lists them",
        )
    project, name = change.body["from"]
    artifacts.move_artifact(tx, artifact, project=project, name=name)
    return f"{artifact.project}/{artifact.name} is {project}/{name} again"


def _now(tx: Transaction, artifact: ArtifactRecord, field: str) -> object:
    if field == "tags":
        return list(artifacts.artifact_tags(tx.connection, artifact.id))
    return getattr(artifact, field)


def _before(tx: Transaction, artifact: ArtifactRecord, change: Change, field: str) -> Any:
    """What the last record before the change said; an artifact is made without tags and lifetime."""
    moves = Moves(tx.connection)
    place = (artifact.project, artifact.name)
    for found in history.iter_changes(
        tx.connection, kinds=(change.kind, "artifact.created"), before=change.seq
    ):
        there = history.place_of(found)
        if there is None or moves.place_now(there, found.seq) != place:
            continue
        if field in found.body:
            return found.body[field]
        if field in {"tags", "ttl_seconds"}:
            return [] if field == "tags" else None
        break
    raise CannotUndo(f"The journal does not tell what the {_words(field)} was before change {change.seq}")


def _put_back(tx: Transaction, artifact: ArtifactRecord, kind: str, value: Any) -> None:
    match kind:
        case "artifact.updated":
            artifacts.describe_artifact(tx, artifact, value)
        case "artifact.tagged":
            artifacts.set_artifact_tags(tx, artifact, value)
        case "artifact.ttl":
            artifacts.set_artifact_ttl(tx, artifact, value)
        case _:
            artifacts.retype_artifact(tx, artifact, value)
