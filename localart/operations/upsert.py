"""One version that many processes make together: each adds what it has, the last one finishes it."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from localart.catalog import artifacts, edges, upserts
from localart.catalog.transaction import Transaction
from localart.draft import Draft, resettle
from localart.model import Direction, JsonObject, RunRecord
from localart.operations.keep_manifest import (
    UnderlayPruned,
    finish_manifest,
    naming_lost_content,
    prepare_manifest,
)
from localart.operations.log import Label, LogReport, Underlay, check_label_words, latest_manifest, log_over
from localart.repository import Repository


def upsert(
    repository: Repository, draft: Draft, label: Label, *, run: RunRecord, distributed_id: str
) -> None:
    """Add the draft's content to the version that `distributed_id` stands for; nobody sees it before it is finished.

    When this returns, the content survives a power cut, also when this process ends and another one finishes.
    """
    check_label_words(label)
    with draft.sealing(), naming_lost_content(repository, draft):
        resettle(draft, repository)
        is_added = False
        while not is_added:
            with suppress(UnderlayPruned):
                _upsert_once(repository, draft, label, run, distributed_id)
                is_added = True
    draft.release()


def _upsert_once(
    repository: Repository, draft: Draft, label: Label, run: RunRecord, distributed_id: str
) -> None:
    prepared = prepare_manifest(repository, draft, project=label.project, name=label.name)
    with repository.write_with_content() as tx:
        artifact_id = artifacts.ensure_artifact(tx, label.project, label.name, label.type, label.description)
        upserts.insert_upsert(
            tx,
            artifact_id=artifact_id,
            distributed_id=distributed_id,
            run_key=run.key,
            manifest_id=finish_manifest(tx, prepared),
            body=_body(label),
        )
        tx.record(
            "upsert.added",
            {
                "project": label.project, "artifact": label.name, "id": distributed_id, "run": run.uid,
                "manifest": prepared.plan.digest.hex(), "size": prepared.plan.size_bytes,
                "files": prepared.plan.file_count, **_body(label),
            },
        )  # fmt: skip


def finish_upserts(
    repository: Repository, draft: Draft, label: Label, *, run: RunRecord, distributed_id: str
) -> LogReport:
    """Make one version of all that was added under `distributed_id`, in that order, and of the draft on top.

    All runs that added something have it as their output; `run` is the one that made it. What is added later
    under the same id begins the next version. Killed midway: it is finished, or everything still waits.
    """

    def underlay(connection: sqlite3.Connection) -> Underlay:
        waiting = _waiting(connection, label, distributed_id)
        below = latest_manifest(connection, label) if label.incremental else ()
        return Underlay(
            manifests=(*below, *(one.manifest_id for one in waiting)), label=_merged(label, waiting)
        )

    def settle(tx: Transaction, report: LogReport) -> None:
        waiting = _waiting(tx.connection, label, distributed_id)
        for one in waiting:
            edges.add_edge(tx, run_key=one.run_key, version_id=report.version.id, direction=Direction.OUTPUT)
        upserts.remove_upserts(tx, waiting)
        tx.record(
            "upsert.finished",
            {"version": report.version.uid, "id": distributed_id, "parts": len(waiting), "run": run.uid},
        )

    return log_over(repository, draft, underlay, run=run, then=settle)


def _waiting(connection: sqlite3.Connection, label: Label, distributed_id: str) -> list[upserts.UpsertRecord]:
    artifact = artifacts.find_artifact(connection, label.project, label.name)
    return [] if artifact is None else upserts.list_upserts(connection, artifact.id, distributed_id)


def _body(label: Label) -> JsonObject:
    return {
        "description": label.description,
        "metadata": dict(label.metadata),
        "aliases": list(label.aliases),
        "tags": list(label.tags),
    }


def _merged(label: Label, waiting: Sequence[upserts.UpsertRecord]) -> Label:
    """What all parts say; where two differ, the later one, and the label of the finish last."""
    description: str | None = None
    metadata: dict[str, Any] = {}
    aliases: dict[str, None] = {}
    tags: dict[str, None] = {}
    for body in [*(one.body for one in waiting), _body(label)]:
        description = body["description"] or description
        metadata = {**metadata, **body["metadata"]}
        aliases |= dict.fromkeys(body["aliases"])
        tags |= dict.fromkeys(body["tags"])
    return replace(
        label, description=description, metadata=metadata, aliases=tuple(aliases), tags=tuple(tags)
    )
