"""Log a draft as the next version of its artifact, as the output of a run."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from localart.catalog import artifacts, edges, manifests, metrics, versions
from localart.catalog.transaction import Transaction
from localart.draft import Draft, remember_tree, resettle
from localart.model import Direction, RunRecord, VersionRecord
from localart.names import check_alias, check_tag
from localart.operations.keep_manifest import (
    PreparedManifest,
    UnderlayPruned,
    finish_manifest,
    naming_lost_content,
    prepare_manifest,
)
from localart.operations.resolve import live_version
from localart.records import dataclass
from localart.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a version is called and said to be, apart from its content.

    `ttl_seconds` None takes the artifact's lifetime, 0 keeps the version for ever. `incremental` lays the draft
    over what the latest version holds.
    """

    project: str
    name: str
    type: str
    description: str | None
    metadata: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    ttl_seconds: int | None = None
    incremental: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """The version that now holds the content; `is_new` False when an earlier one already did."""

    version: VersionRecord
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Underlay:
    """What a draft is laid over: complete manifests, lowest first, and the label that comes of them."""

    manifests: tuple[int, ...]
    label: Label


def log_version(repository: Repository, draft: Draft, label: Label, *, run: RunRecord) -> LogReport:
    """Commit the draft's content under `label`. When this returns, the version survives a power cut.

    Equal content in the same artifact makes no new version: the earlier one gets the aliases, and the
    metadata given now is kept on the output edge. Versions whose entries the draft refers to become inputs of
    the run. Killed midway: the version is there whole or not at all.
    """

    def underlay(connection: sqlite3.Connection) -> Underlay:
        return Underlay(
            manifests=latest_manifest(connection, label) if label.incremental else (), label=label
        )

    return log_over(repository, draft, underlay, run=run, then=lambda _tx, _report: None)


def log_over(
    repository: Repository,
    draft: Draft,
    underlay: Callable[[sqlite3.Connection], Underlay],
    *,
    run: RunRecord,
    then: Callable[[Transaction, LogReport], None],
) -> LogReport:
    """As `log_version`, with the draft laid over `underlay` as it is at the moment of the commit.

    `underlay` is asked again inside the transaction; when another writer has changed it, all is done anew: each time
    somebody else's version was committed, so of many writers one always gets on. `then` runs in the same transaction.
    """
    with draft.sealing():
        with naming_lost_content(repository, draft):
            resettle(draft, repository)
            report = None
            while report is None:
                with suppress(UnderlayPruned):
                    report = _log_once(repository, draft, underlay, run, then)
    draft.release()
    return report


def _log_once(
    repository: Repository,
    draft: Draft,
    underlay: Callable[[sqlite3.Connection], Underlay],
    run: RunRecord,
    then: Callable[[Transaction, LogReport], None],
) -> LogReport | None:
    """None when the underlay has changed meanwhile."""
    found = underlay(repository.read())
    check_label_words(found.label)
    whole = _laid_over(repository, found.manifests, draft)
    prepared = prepare_manifest(repository, whole, project=found.label.project, name=found.label.name)
    with repository.write_with_content() as tx:
        if underlay(tx.connection) != found:
            return None
        report = _commit(tx, prepared, found.label, run)
        for uid in sorted(draft.sources()):
            _use(tx, uid, run)
        then(tx, report)
    if not found.manifests:
        remember_tree(repository, draft)
    return report


def check_label_words(label: Label) -> None:
    """InvalidName unless its aliases and tags may exist."""
    for alias in label.aliases:
        check_alias(alias)
    for tag in label.tags:
        check_tag(tag)


def latest_manifest(connection: sqlite3.Connection, label: Label) -> tuple[int, ...]:
    """What an incremental draft is laid over: the content of `latest`, if there is one."""
    artifact = artifacts.find_artifact(connection, label.project, label.name)
    latest = versions.find_aliased(connection, artifact.id, versions.LATEST) if artifact is not None else None
    return () if latest is None else (latest.manifest_id,)


def _laid_over(repository: Repository, below: tuple[int, ...], draft: Draft) -> Draft:
    """Everything in the manifests `below` and in the draft; what comes later replaces what was at its path."""
    if not below:
        return draft
    whole = Draft(lambda: repository)
    for manifest_id in below:
        record = manifests.get_manifest(repository.read(), manifest_id)
        for entry in manifests.verified_entries(repository.read(), record):
            whole.put(entry, overwrite=True)
    for entry in draft.entries():
        whole.put(entry, overwrite=True)
    return whole


def _commit(tx: Transaction, prepared: PreparedManifest, label: Label, run: RunRecord) -> LogReport:
    artifact_id = artifacts.ensure_artifact(tx, label.project, label.name, label.type, label.description)
    manifest_id = finish_manifest(tx, prepared)
    known = versions.find_by_manifest(tx.connection, artifact_id, manifest_id)
    version = known or versions.insert_version(
        tx,
        artifact_id=artifact_id,
        manifest_id=manifest_id,
        description=label.description,
        metadata=label.metadata,
        history_step=metrics.last_step(tx.connection, run.key),
        ttl_seconds=label.ttl_seconds,
    )
    edges.add_edge(
        tx,
        run_key=run.key,
        version_id=version.id,
        direction=Direction.OUTPUT,
        made=known is None,
        metadata=None if known is None else label.metadata,
    )
    # first, so that the records of what is done to the version find it there
    tx.record("version.logged", _journal_body(version, label, run, is_new=known is None))
    for alias in (*label.aliases, versions.LATEST):
        versions.set_alias(tx, version, alias)
    versions.set_tags(tx, version, {*version.tags, *label.tags})
    if label.ttl_seconds is not None:
        versions.set_ttl(tx, version, label.ttl_seconds)
    return LogReport(version=versions.get_version(tx.connection, version.id), is_new=known is None)


def _journal_body(version: VersionRecord, label: Label, run: RunRecord, *, is_new: bool) -> dict[str, Any]:
    body = {
        "version": version.uid,
        "project": label.project,
        "artifact": label.name,
        "type": label.type,
        "number": version.number,
        "manifest": version.digest.hex(),
        "size": version.size_bytes,
        "files": version.file_count,
        "description": label.description,
        "metadata": dict(label.metadata),
        "tags": sorted({*version.tags, *label.tags}),
        "run": run.uid,
        "new": is_new,
        "step": version.history_step,
    }
    return body if label.ttl_seconds is None else {**body, "ttl_seconds": label.ttl_seconds}


def _use(tx: Transaction, uid: str, run: RunRecord) -> None:
    """The run has read a version whose entries it refers to. One of another store is not known here."""
    source = versions.find_version_by_uid(tx.connection, uid)
    if source is None:
        return
    if edges.add_edge(tx, run_key=run.key, version_id=source.id, direction=Direction.INPUT):
        tx.record(
            "version.used",
            {"version": source.uid, "label": source.full_name, "run": run.uid, "as": None},
        )


def relog_version(
    repository: Repository,
    version: VersionRecord,
    *,
    run: RunRecord,
    aliases: tuple[str, ...],
    tags: tuple[str, ...],
) -> VersionRecord:
    """Log a version that exists already: it becomes an output of `run` too and takes the aliases and tags."""
    for alias in aliases:
        check_alias(alias)
    for tag in tags:
        check_tag(tag)
    with repository.write() as tx:
        now = live_version(tx.connection, version)
        for alias in (*aliases, versions.LATEST):
            versions.set_alias(tx, now, alias)
        versions.set_tags(tx, now, {*now.tags, *tags})
        edges.add_edge(tx, run_key=run.key, version_id=now.id, direction=Direction.OUTPUT)
        tx.record("version.relogged", {"version": now.uid, "label": now.full_name, "run": run.uid})
        return versions.get_version(tx.connection, now.id)
