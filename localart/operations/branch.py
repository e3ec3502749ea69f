"""Begin a run from a moment of an earlier one: a fork is a new run, a rewind takes the same one back."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from localart.catalog import metrics, runs
from localart.catalog.history_seals import seal_history
from localart.catalog.transaction import Transaction
from localart.disk_errors import disk_errors
from localart.errors import InvalidMetadata, InvalidSetting, UsageError
from localart.jsonable import dump_values
from localart.model import RunRecord
from localart.modes import make_folder
from localart.names import shown
from localart.records import dataclass
from localart.repository import Repository

_MOMENT = re.compile(r"([^?]+)\?_step=(\d{1,16}(?:\.0+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A step of a run: the last one that is kept."""

    run_id: str
    step: int


def parse_moment(text: str) -> Moment:
    """Take `run-id?_step=123` apart; InvalidSetting (a ValueError) for other texts."""
    match = _MOMENT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidSetting(
            f"{shown(str(text))} is not a moment of a run",
            hint="write 'run-id?_step=123', for example 'ans3bsax?_step=5'",
        )
    return Moment(run_id=match[1], step=int(float(match[2])))


def find_origin(repository: Repository, project: str, moment: Moment) -> RunRecord:
    """The run that the moment is of, in the same project; UsageError when there is none."""
    found = runs.find_run(repository.read(), project, moment.run_id)
    if found is None:
        raise UsageError(
            f"There is no run {shown(moment.run_id)} in project {shown(project)} to begin from",
            hint="see `localart runs`",
        )
    return found


def copy_history(tx: Transaction, origin: RunRecord, key: int, moment: Moment) -> None:
    """Give the new run with row `key` the origin's history up to the moment, its metric rules and their summary."""
    metrics.copy_until(tx, origin.key, key, moment.step)
    rules = dump_values(runs.metric_rules(tx.connection, origin.key)).decode()
    runs.update_run(tx, key, {"metric_rules": rules}, journal=False)
    summary = _text_of(metrics.last_values(tx.connection, key))
    runs.update_run(tx, key, {"summary": summary}, journal=False)
    tx.record(
        "run.forked",
        {
            "run": runs.get_run(tx.connection, key).uid, "origin": origin.uid, "step": moment.step,
            "metric_rules": rules, "summary": summary,
        },
    )  # fmt: skip


def rewind(repository: Repository, run: RunRecord, moment: Moment) -> None:
    """Take the run back to the moment, under its lock. What it logged later becomes its file `history-after-N.jsonl`.

    Killed midway: the whole history is there still, or the file and the rest of the history.
    """
    connection = repository.read()
    if (metrics.last_step(connection, run.key) or 0) <= moment.step:
        return
    path = repository.root / "tmp" / f"run-{run.uid}" / "rewound.jsonl"
    try:
        with disk_errors("keeping what a run logged later", path):
            make_folder(path.parent)
            with path.open("w", encoding="utf-8") as file:
                file.writelines(_lines_after(repository, run, moment.step))
        _cut(repository, run, moment, path)
    finally:
        with suppress(OSError):  # it is swept one day
            path.unlink()


def _cut(repository: Repository, run: RunRecord, moment: Moment, later: Path) -> None:
    from localart.repository.ingest import ingest_one

    repository.lease.take()
    try:
        blob = ingest_one(repository, str(later), later.name)
        with repository.write_with_content() as tx:
            name = _free_name(tx, run, moment)
            runs.set_run_file(tx, run.key, name, blob)
            metrics.delete_after(tx, run.key, moment.step)
            seal_history(tx, run.key)  # it has ended, and may never go on
            kept = {key: value for key, value in run.summary.items() if not metrics.is_metric(tx, key)}
            summary = _text_of({**kept, **metrics.last_values(tx.connection, run.key)})
            runs.update_run(tx, run.key, {"summary": summary}, journal=False)
            tx.record(
                "run.rewound",
                {
                    "run": run.uid, "step": moment.step, "later": blob.digest.hex(), "file": name,
                    "size": blob.size_bytes,
                    "summary": summary,
                },
            )  # fmt: skip
    finally:
        repository.lease.drop()


def _lines_after(repository: Repository, run: RunRecord, step: int) -> Iterator[str]:
    for row in metrics.iter_history(repository.read(), run.key):
        if row.step > step:
            body = dump_values({**row.values, "_step": row.step, "_timestamp": row.time})
            yield body.decode() + "\n"


def _free_name(tx: Transaction, run: RunRecord, moment: Moment) -> str:
    known = runs.run_files(tx.connection, run.key)
    name = f"history-after-{moment.step}.jsonl"
    number = 1
    while name in known:
        number += 1
        name = f"history-after-{moment.step}.{number}.jsonl"
    return name


def _text_of(values: dict[str, Any]) -> str:
    """Without values that are too large together: the history has them all the same."""
    try:
        return dump_values(values).decode()
    except InvalidMetadata:
        return json.dumps({})
