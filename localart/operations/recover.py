"""Take in what a run left that its process could not: what it logged last, and what it printed."""

from localart.catalog import metrics, runs
from localart.catalog.history_seals import seal_history
from localart.catalog.tail import iter_tails, read_tail
from localart.disk_errors import disk_errors
from localart.model import RunRecord, RunState
from localart.repository import Repository

LOG_NAME = "output.log"


def recover_tail(repository: Repository, run: RunRecord) -> None:
    """Put what a dead process logged last into the catalog. Killed midway, it is done again. Under the run's lock."""
    paths = list(iter_tails(repository.root, run.uid))
    if not paths:
        return
    with repository.catalog.write() as tx:
        for path in paths:
            metrics.insert_points(tx, run.key, read_tail(path), again=True)
        if runs.get_run(tx.connection, run.key).state is not RunState.RUNNING:
            seal_history(tx, run.key)
    for path in paths:  # oldest first: an old one left alone would bring old values back
        with disk_errors("removing what the catalog holds by now", path):
            path.unlink(missing_ok=True)


def recover_log(repository: Repository, run: RunRecord) -> None:
    """Keep what a dead process printed as a file of its run. Under the run's lock."""
    path = repository.root / "tmp" / f"run-{run.uid}" / "files" / LOG_NAME
    if not path.is_file() or path.is_symlink():
        return
    from localart.repository.ingest import ingest_one

    repository.lease.take()
    try:
        blob = ingest_one(repository, str(path), LOG_NAME)
        with repository.write_with_content() as tx:
            runs.set_run_file(tx, run.key, LOG_NAME, blob)
            tx.record("run.files", runs.files_record(run.uid, {LOG_NAME: blob}))
    finally:
        repository.lease.drop()
