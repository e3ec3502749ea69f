"""Use a version as the input of a run."""

from localart.catalog import edges
from localart.model import Direction, RunRecord, VersionRecord
from localart.names import check_label
from localart.operations.resolve import live_version
from localart.repository import Repository


def use_version(
    repository: Repository, version: VersionRecord, *, run: RunRecord, used_as: str | None = None
) -> None:
    """Record that `run` consumes `version`; a second time changes nothing."""
    if used_as is not None:
        check_label(used_as, "use_as")
    with repository.write() as tx:
        version = live_version(tx.connection, version)
        is_new = edges.add_edge(
            tx, run_key=run.key, version_id=version.id, direction=Direction.INPUT, used_as=used_as
        )
        if is_new:
            tx.record(
                "version.used",
                {"version": version.uid, "label": version.full_name, "run": run.uid, "as": used_as},
            )
