"""Changes that `--write` allows, one at a time, each on a repository that is opened for it alone."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localart.operations.amend import Amendment, Fact, Target, Texts, amend, facts_of, read_fact, take_back
from localart.operations.resolve import resolve_artifact, resolve_run, resolve_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from localart.repository import Repository
    from localart_tui.data.store import Store

__all__ = ["Amendment", "Choice", "Fact", "Texts", "choices_for", "name_of", "read_now", "save", "undo"]

LONGEST_TEXT = 64 << 10
MOST_LINES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something that can be changed, and what it says now."""

    target: Target
    fact: Fact
    now: Texts

    @property
    def label(self) -> str:
        """`tags of v3`, `tags of the artifact`: what a menu says."""
        name = name_of(self.target)
        return f"{self.fact.value} of {name.rpartition(':')[2] if ':' in name else 'the artifact'}"

    @property
    def title(self) -> str:
        """`tags of mnist-raw:v3`."""
        return f"{self.fact.value} of {name_of(self.target)}"


def name_of(target: Target) -> str:
    """What users call it."""
    from localart.model import RunRecord, VersionRecord

    match target:
        case VersionRecord():
            return target.full_name
        case RunRecord():
            return f"run:{target.id}"
        case _:
            return f"{target.project}/{target.name}"


def choices_for(store: Store, address: str) -> list[Choice]:
    """What can be changed at an address: of a version, its own facts and its artifact's; of a run, its own."""
    repository = store.repository
    targets: list[Target]
    if address.startswith("run:"):
        targets = [resolve_run(repository, address)]
    elif ":" in address:
        version = resolve_version(repository, address, project=None)
        targets = [
            version,
            resolve_artifact(repository, f"{version.project}/{version.artifact}", project=None),
        ]
    else:
        targets = [resolve_artifact(repository, address, project=None)]
    return [
        Choice(target=target, fact=fact, now=read_fact(repository, target, fact))
        for target in targets
        for fact in facts_of(target)
    ]


def read_now(store: Store, choice: Choice) -> Choice:
    """The same, as it is now."""
    now = read_fact(store.repository, choice.target, choice.fact)
    return Choice(target=choice.target, fact=choice.fact, now=now)


def save(root: Path, choice: Choice, wanted: list[str]) -> Amendment:
    """Say `wanted` instead; ContentConflict when it is not as `choice` saw it any more. Durable when this returns."""
    with _writable(root) as repository:
        return amend(repository, choice.target, choice.fact, seen=choice.now, wanted=wanted)


def undo(root: Path, done: Amendment) -> None:
    """Take a change back; an error when it was changed again since."""
    with _writable(root) as repository:
        take_back(repository, done)


@contextmanager
def _writable(root: Path) -> Iterator[Repository]:
    from localart.repository import open_repository

    repository = open_repository(root, create=False)
    try:
        yield repository
    finally:
        repository.close()
