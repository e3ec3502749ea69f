"""Change one fact that people say of a version, an artifact or a run, if it still is what they saw.

What was seen is compared inside the transaction that changes it: nobody's change is overwritten unread. The journal
tells what was done, so that it can be taken back; for runs, whose changes the journal's undo leaves alone, what was
before is put back the same way.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

from localart.catalog import artifacts, history, runs, versions
from localart.catalog.transaction import Transaction
from localart.errors import ContentConflict, UsageError
from localart.model import ArtifactRecord, RunRecord, VersionRecord
from localart.names import check_alias, check_label, check_prose, check_run_tag, check_tag
from localart.operations.edit_run import refuse_deleted
from localart.operations.resolve import live_version
from localart.operations.undo import UndoPlan, execute_undo
from localart.records import dataclass
from localart.repository import Repository

Target = VersionRecord | ArtifactRecord | RunRecord
Texts = tuple[str, ...]
"""The names of a fact that has several, sorted; of one that is a text, that text alone (none: it is not said)."""


class Fact(StrEnum):
    """What can be said."""

    ALIASES = "aliases"
    TAGS = "tags"
    DESCRIPTION = "description"
    NAME = "name"
    NOTES = "notes"

    @property
    def is_list(self) -> bool:
        """Whether it is several names, not one text."""
        return self in {Fact.ALIASES, Fact.TAGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What was done: how to take it back is in the journal (`seqs`), or is to put `before` back."""

    target: Target
    fact: Fact
    before: Texts
    after: Texts
    seqs: tuple[int, ...]


def facts_of(target: Target) -> tuple[Fact, ...]:
    """What can be said of it."""
    match target:
        case VersionRecord():
            return (Fact.ALIASES, Fact.TAGS, Fact.DESCRIPTION)
        case ArtifactRecord():
            return (Fact.DESCRIPTION, Fact.TAGS)
        case RunRecord():
            return (Fact.NOTES, Fact.TAGS, Fact.NAME)


def read_fact(repository: Repository, target: Target, fact: Fact) -> Texts:
    """What is said now. RunNotFound or ArtifactNotFound when the target is gone."""
    with repository.catalog.snapshot() as connection:
        return _now(Transaction(connection, site="", now="", new_uid=str), target, fact)


def amend(
    repository: Repository, target: Target, fact: Fact, *, seen: Texts, wanted: Sequence[str]
) -> Amendment:
    """Say `wanted` instead of `seen`, all or nothing.

    ContentConflict when it is not as it was seen any more, InvalidName for what cannot be said, AliasProtected for an
    alias that may not move.
    """
    checked = check_fact(target, fact, wanted)
    with repository.write() as tx:
        now = _now(tx, target, fact)
        if now != seen:
            raise ContentConflict(
                f"Somebody changed the {fact.value} meanwhile",
                hint="look at what is there now, then save again",
            )
        if checked != now:
            _SETTERS[type(target), fact](tx, target, now, checked)
        seqs = tuple(record.seq for record in tx.records)
    return Amendment(target=target, fact=fact, before=now, after=checked, seqs=seqs)


def take_back(repository: Repository, done: Amendment) -> None:
    """Make it as it was before; ContentConflict or CannotUndo when it was changed since."""
    if isinstance(done.target, RunRecord):
        amend(repository, done.target, done.fact, seen=done.after, wanted=done.before)
        return
    found = [history.find_change(repository.read(), seq) for seq in done.seqs]
    changes = tuple(change for change in found if change is not None)
    if changes:
        execute_undo(repository, UndoPlan(changes=changes))


def check_fact(target: Target, fact: Fact, wanted: Sequence[str]) -> Texts:
    """`wanted` as it would be kept; InvalidName for what cannot be said."""
    if fact not in facts_of(target):
        raise UsageError(f"There are no {fact.value} to change here")
    if not fact.is_list:
        text = "\n".join(wanted)
        return (_CHECKS_OF_TEXT[fact](text),) if text else ()
    check = (
        check_alias if fact is Fact.ALIASES else check_run_tag if isinstance(target, RunRecord) else check_tag
    )
    return tuple(sorted({check(name.strip()) for name in wanted if name.strip()}))


_CHECKS_OF_TEXT: dict[Fact, Callable[[str], str]] = {
    Fact.DESCRIPTION: lambda text: check_prose(text, "Description"),
    Fact.NOTES: lambda text: check_prose(text, "Notes"),
    Fact.NAME: lambda text: check_label(text, "Run name"),
}


# --- reading -----------------------------------------------------------------------------------------


def _now(tx: Transaction, target: Target, fact: Fact) -> Texts:
    match target:
        case VersionRecord():
            version = live_version(tx.connection, target)
            return _said(version.description) if fact is Fact.DESCRIPTION else _listed(version, fact)
        case ArtifactRecord():
            if fact is Fact.TAGS:
                return tuple(sorted(artifacts.artifact_tags(tx.connection, target.id)))
            return _said(artifacts.get_artifact(tx.connection, target.id).description)
        case RunRecord():
            refuse_deleted(tx, target)
            run = runs.get_run(tx.connection, target.key)
            return (
                tuple(sorted(run.tags))
                if fact is Fact.TAGS
                else _said(run.notes if fact is Fact.NOTES else run.name)
            )


def _listed(version: VersionRecord, fact: Fact) -> Texts:
    return tuple(sorted(version.aliases if fact is Fact.ALIASES else version.tags))


def _said(text: str | None) -> Texts:
    return (text,) if text else ()


# --- changing ----------------------------------------------------------------------------------------

_Setter = Callable[[Transaction, Target, Texts, Texts], None]


def _set_aliases(tx: Transaction, target: Target, now: Texts, wanted: Texts) -> None:
    assert isinstance(target, VersionRecord)
    for alias in now:
        if alias not in wanted:
            versions.remove_alias(tx, target, alias)
    for alias in wanted:
        if alias not in now:
            versions.set_alias(tx, target, alias)


def _set_version_tags(tx: Transaction, target: Target, now: Texts, wanted: Texts) -> None:
    del now
    assert isinstance(target, VersionRecord)
    versions.set_tags(tx, live_version(tx.connection, target), wanted)


def _describe_version(tx: Transaction, target: Target, now: Texts, wanted: Texts) -> None:
    del now
    assert isinstance(target, VersionRecord)
    version, text = live_version(tx.connection, target), _one(wanted)
    versions.update_version(tx, version, description=text, metadata=version.metadata)
    body = {"version": version.uid, "description": text, "metadata": dict(version.metadata)}
    tx.record("version.updated", body)


def _describe_artifact(tx: Transaction, target: Target, now: Texts, wanted: Texts) -> None:
    del now
    assert isinstance(target, ArtifactRecord)
    artifacts.describe_artifact(tx, artifacts.get_artifact(tx.connection, target.id), _one(wanted))


def _set_artifact_tags(tx: Transaction, target: Target, now: Texts, wanted: Texts) -> None:
    del now
    assert isinstance(target, ArtifactRecord)
    artifacts.set_artifact_tags(tx, artifacts.get_artifact(tx.connection, target.id), wanted)


def _set_run_text(column: str) -> _Setter:
    def change(tx: Transaction, target: Target, now: Texts, wanted: Texts) -> None:
        del now
        assert isinstance(target, RunRecord)
        runs.update_run(tx, target.key, {column: _one(wanted) or ("" if column == "name" else None)})

    return change


def _set_run_tags(tx: Transaction, target: Target, now: Texts, wanted: Texts) -> None:
    del now
    assert isinstance(target, RunRecord)
    runs.set_run_tags(tx, target.key, wanted)
    tx.record("run.tagged", {"run": target.uid, "tags": list(wanted)})


def _one(texts: Texts) -> str | None:
    return texts[0] if texts else None


_SETTERS: dict[tuple[type, Fact], _Setter] = {
    (VersionRecord, Fact.ALIASES): _set_aliases,
    (VersionRecord, Fact.TAGS): _set_version_tags,
    (VersionRecord, Fact.DESCRIPTION): _describe_version,
    (ArtifactRecord, Fact.DESCRIPTION): _describe_artifact,
    (ArtifactRecord, Fact.TAGS): _set_artifact_tags,
    (RunRecord, Fact.NOTES): _set_run_text("notes"),
    (RunRecord, Fact.NAME): _set_run_text("name"),
    (RunRecord, Fact.TAGS): _set_run_tags,
}
