"""Change a run that may be long over: what is said of it, its files, or that it is there at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localart.catalog import run_files, runs, versions
from localart.catalog.run_files import RunFileRecord
from localart.catalog.transaction import Transaction
from localart.errors import BlobMissing, CommError, RunNotFound
from localart.files.target import TargetFolder
from localart.jsonable import dump_values, same_value
from localart.model import RunRecord, RunState
from localart.names import check_entry_path, shown
from localart.operations.delete import delete_in
from localart.operations.run_life import mark_crashed
from localart.repository import Repository
from localart.repository.ingest import ingest_one
from localart.repository.own_files import place_inside, refuse_own_place


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a JSON object was changed: keys with new values, and keys that went."""

    changed: Mapping[str, Any] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()

    @classmethod
    def between(cls, before: Mapping[str, Any], after: Mapping[str, Any]) -> "Difference":
        """What must be done to `before` to make it `after`."""
        changed = {
            key: value
            for key, value in after.items()
            if key not in before or not same_value(before[key], value)
        }
        return cls(changed=changed, removed=frozenset(before.keys() - after.keys()))

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)

    def applied_to(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """`values` with the keys changed and removed."""
        kept = {key: value for key, value in values.items() if key not in self.removed}
        return {**kept, **self.changed}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEdit:
    """What to change of a run: columns of text, keys of its config and summary, and (None: leave them) its tags."""

    columns: Mapping[str, str | None] = field(default_factory=dict)
    config: Difference = field(default_factory=Difference)
    summary: Difference = field(default_factory=Difference)
    tags: tuple[str, ...] | None = None


def edit_run(repository: Repository, run: RunRecord, edit: RunEdit) -> RunRecord:
    """Change what `edit` says and nothing else, all or nothing; what others changed meanwhile stays."""
    with repository.write() as tx:
        refuse_deleted(tx, run)
        now = runs.get_run(tx.connection, run.key)
        changes: dict[str, Any] = dict(edit.columns)
        for column, difference, values in (
            ("config", edit.config, now.config),
            ("summary", edit.summary, now.summary),
        ):
            if difference:
                changes[column] = dump_values(difference.applied_to(values)).decode()
        if changes:
            runs.update_run(tx, run.key, changes)
        if edit.tags is not None:
            runs.set_run_tags(tx, run.key, edit.tags)
            tx.record("run.tagged", {"run": run.uid, "tags": list(edit.tags)})
        return runs.get_run(tx.connection, run.key)


def refuse_deleted(tx: Transaction, run: RunRecord) -> None:
    """RunNotFound when the run is not there any more."""
    if not tx.execute("SELECT 1 FROM runs WHERE id = ? AND uid = ?", (run.key, run.uid)).fetchone():
        raise RunNotFound(f"Run {shown(run.id)} was deleted", hint="`localart runs` lists what is left")


def delete_run(repository: Repository, run: RunRecord, *, with_versions: bool) -> None:
    """Delete a run with its metrics, files and edges; `with_versions` also the versions it made, aliases and all.

    One transaction: killed midway, all of it is there, or nothing. Versions that stay have no producer then.
    CommError while its process lives. Bytes are freed by prune.
    """
    mark_crashed(repository)
    with repository.write() as tx:
        refuse_deleted(tx, run)
        if runs.get_run(tx.connection, run.key).state is RunState.RUNNING:
            raise CommError(f"Run {shown(run.id)} is still running", hint="end it first")
        if with_versions:
            for key in run_files.made_versions(tx.connection, run.key):
                delete_in(tx, versions.get_version(tx.connection, key))  # as the ones before left it
        run_files.delete_run(tx, run.key)
        tx.record("run.deleted", {"run": run.uid, "id": run.id, "project": run.project})


# --- files ---------------------------------------------------------------------------------------------


def keep_file(repository: Repository, run: RunRecord, local: Path, name: str) -> None:
    """Keep a local file with the run at `name`, in place of what was there; durable when this returns."""
    path = check_entry_path(name)
    repository.lease.take()
    try:
        blob = ingest_one(repository, str(local), path)
        with repository.write_with_content() as tx:
            refuse_deleted(tx, run)
            runs.set_run_file(tx, run.key, path, blob)
            tx.record("run.files", runs.files_record(run.uid, {path: blob}))
    finally:
        repository.lease.drop()


def forget_file(repository: Repository, run: RunRecord, name: str) -> None:
    """Let one of a run's files go; CommError when there is none."""
    with repository.write() as tx:
        if not run_files.delete_file(tx, run.key, name):
            raise CommError(f"Run {shown(run.id)} has no file {shown(name)}", hint="was it deleted already?")
        tx.record("run.file_removed", {"run": run.uid, "file": name})


def fetch_file(repository: Repository, file: RunFileRecord, root: Path) -> Path:
    """Make the run's file stand below `root`, verified; where it stands. Killed midway: the old file or the new."""
    refuse_own_place(place_inside(repository, root), file.path)
    with TargetFolder.open(root) as target:
        before = None
        while True:
            (layout,) = repository.layouts([file.blob])
            try:
                target.write(file.path, repository.reader.stream(layout), size_bytes=file.blob.size_bytes)
            except (
                BlobMissing
            ):  # a prune may have moved the bytes: looked for again while there is a new place
                if layout == before:
                    raise
                before = layout
            else:
                return root / file.path
