"""Rows of runs, their tags and files."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from localart.catalog.counts import count_all, one_state, refuse_any_missing, refuse_missing, refuse_rows_lost
from localart.catalog.projects import find_project
from localart.catalog.seals import Sealed, damaged, onward, resealed, seal, seal_of
from localart.catalog.search import index_row, reindexed
from localart.catalog.transaction import Transaction
from localart.errors import BlobMissing
from localart.jsonable import load_values
from localart.model import BlobRef, Digest, RunRecord, RunState
from localart.names import is_storable, shown
from localart.records import dataclass

_FETCH = 500

_SEALED = Sealed(r="runs", p="projects")
_SELECT = (
    "SELECT r.id, r.uid, r.run_id, p.name, r.name, r.job_type, r.group_name, r.notes, r.state, r.config, r.summary,"
    " r.created_at, r.finished_at, r.exit_code, r.error, r.facts,"
    " (SELECT json_group_array(name) FROM (SELECT name FROM run_tags WHERE run = r.id ORDER BY name)),"
    f" {_SEALED.columns}"
    " FROM runs r LEFT JOIN projects p ON p.id = r.project"
)

UPDATABLE = (
    "name", "job_type", "group_name", "notes", "state", "config", "summary", "facts", "metric_rules", "finished_at",
    "exit_code", "error",
)  # fmt: skip


def find_run(connection: sqlite3.Connection, project: str | None, run_id: str) -> RunRecord | None:
    """The run with this short id (in `project`, or the newest anywhere), or None. One seek a project."""
    places = (
        f"{_SELECT.replace('runs r LEFT JOIN projects p', 'projects p CROSS JOIN runs r')} AND r.run_id = :id"
    )
    where = "" if project is None else " WHERE p.name = :project"
    row = connection.execute(
        f"{places}{where} ORDER BY r.id DESC LIMIT 1", {"id": run_id, "project": project}
    ).fetchone()
    record = _record(row) if row else None
    if record is not None and (record.id != run_id or project not in {None, record.project}):
        raise damaged(f"run {shown(run_id)}")
    return record


def refuse_hidden(connection: sqlite3.Connection, run_id: str) -> None:
    """CatalogDamaged when there are runs with this id that an index does not lead to any more. Scans the runs."""
    if not is_storable(run_id):
        return
    by_index, by_row = connection.execute(  # one statement: a writer may make it meanwhile
        "SELECT (SELECT count(*) FROM projects p CROSS JOIN runs r ON r.project = p.id WHERE r.run_id = :id),"
        " (SELECT count(*) FROM runs r NOT INDEXED WHERE r.run_id = :id)",
        {"id": run_id},
    ).fetchone()
    if by_index != by_row:
        raise damaged(f"the index that leads to run {shown(run_id)}")


def get_run(connection: sqlite3.Connection, key: int) -> RunRecord:
    """The run with this row id, which must exist."""
    row = connection.execute(f"{_SELECT} WHERE r.id = ?", (key,)).fetchone()
    if row is None:
        raise damaged(f"run {key}")
    return _record(row)


def get_runs(connection: sqlite3.Connection, keys: Iterable[int]) -> list[RunRecord]:
    """The runs with these row ids, in this order; those that were deleted meanwhile are left out."""
    wanted = list(keys)
    rows = connection.execute(
        f"{_SELECT} WHERE r.id IN (SELECT value FROM json_each(?))", (json.dumps(wanted),)
    ).fetchall()
    found = {row[0]: _record(row) for row in rows}
    if len(found) < len(set(wanted)):
        refuse_rows_lost(connection, "runs")
    return [found[key] for key in wanted if key in found]


def iter_runs(
    connection: sqlite3.Connection, *, project: str | None = None, newest_first: bool = False
) -> Iterator[RunRecord]:
    """Runs by age, streamed in keyset pages."""
    comparison, order, at = ("<", "DESC", 1 << 62) if newest_first else (">", "ASC", 0)
    expected, seen = refuse_missing_runs(connection, project), 0
    sql = (
        f"{_SELECT} WHERE (:project IS NULL OR p.name = :project) AND r.id {comparison} :at"
        f" ORDER BY r.id {order} LIMIT {_FETCH}"
    )
    while rows := connection.execute(sql, {"project": project, "at": at}).fetchall():
        for row in rows:
            at = onward(at, row[0], downwards=newest_first)
            yield _record(row)
        seen += len(rows)
    if seen < expected:
        refuse_rows_lost(connection, "runs")  # or were they only deleted meanwhile?


def refuse_missing_runs(connection: sqlite3.Connection, project: str | None) -> int:
    """How many runs there are (in the project); CatalogDamaged unless that is all of them. 0.2 µs a run."""
    if project is None:
        return refuse_any_missing(connection, "ran")
    project_id = find_project(connection, project)
    return 0 if project_id is None else count_runs(connection, project_id)


def last_auto_run(connection: sqlite3.Connection, project: str, place: str) -> RunRecord | None:
    """The newest run of the project that was begun with resume="auto" at `place`, or None."""
    row = connection.execute(
        f"{_SELECT} WHERE p.name = ? AND r.facts ->> '$.auto' = ? ORDER BY r.id DESC LIMIT 1",
        (project, place),
    ).fetchone()
    return _record(row) if row else None


def metric_rules(connection: sqlite3.Connection, key: int) -> dict[str, Any]:
    """What `define_metric` said about the run's metrics, by name or glob."""
    sealed = Sealed(r="runs")
    row = sealed.row(
        connection.execute(
            f"SELECT r.metric_rules, {sealed.columns} FROM runs r WHERE r.id = ?", (key,)
        ).fetchone()
    )
    if row is None:
        raise damaged(f"run {key}")
    rules: dict[str, Any] = load_values(row[0])
    return rules


def running_runs(connection: sqlite3.Connection) -> list[RunRecord]:
    """Runs that have not ended, as far as the catalog knows."""
    return [_record(row) for row in connection.execute(f"{_SELECT} WHERE r.state = 'running'").fetchall()]


def count_runs(connection: sqlite3.Connection, project_id: int) -> int:
    """How many runs the project has."""
    return count_all(connection, "ran", [project_id])[project_id]


def _record(row: tuple[Any, ...]) -> RunRecord:
    (row,) = _SEALED.rows([row])
    if row[3] is None:
        raise damaged(f"the project of run {shown(row[2])}")
    return RunRecord(
        key=row[0],
        uid=row[1],
        id=row[2],
        project=row[3],
        name=row[4],
        job_type=row[5],
        group=row[6],
        notes=row[7],
        state=RunState(row[8]),
        config=load_values(row[9]),
        summary=load_values(row[10]),
        created_at=row[11],
        finished_at=row[12],
        exit_code=row[13],
        error=row[14],
        facts=load_values(row[15]),
        tags=tuple(json.loads(row[16])),
    )


def insert_run(tx: Transaction, project_id: int, *, run_id: str, uid: str, name: str) -> int:
    """Insert a running run with nothing but its names."""
    key = tx.insert(
        "INSERT INTO runs(uid, run_id, project, name, state, created_at, updated_at, site)"
        " VALUES (?,?,?,?,'running',?,?,?)",
        (uid, run_id, project_id, name, tx.now, tx.now, tx.site),
    )
    seal(tx, "runs", key)
    index_row(tx, "runs", key)
    return key


def update_run(tx: Transaction, key: int, changes: Mapping[str, Any], *, journal: bool = True) -> None:
    """Set the given columns of a run; JSON columns take JSON text."""
    assert set(changes) <= set(UPDATABLE)
    columns = ", ".join(f"{column} = ?" for column in changes)
    with resealed(tx, "runs", key), reindexed(tx, "runs", key):
        tx.execute(
            f"UPDATE runs SET {columns}, updated_at = ? WHERE id = ?", (*changes.values(), tx.now, key)
        )
    if journal:
        uid = tx.execute("SELECT uid FROM runs WHERE id = ?", (key,)).fetchone()[0]
        tx.record("run.updated", {"run": uid, **changes})


def set_run_tags(tx: Transaction, key: int, tags: Iterable[str]) -> None:
    """Make the run's tags exactly `tags`."""
    with resealed(tx, "runs", key):
        tx.execute("DELETE FROM run_tags WHERE run = ?", (key,))
        tx.executemany("INSERT OR IGNORE INTO run_tags(run, name) VALUES (?,?)", [(key, tag) for tag in tags])


# --- files -----------------------------------------------------------------------------------------


_FILES = Sealed(f="run_files")
_ALERTS = Sealed(l="alerts")


def set_run_file(tx: Transaction, key: int, path: str, blob: BlobRef) -> None:
    """Keep `blob` as the run's file at `path`, in place of what was there."""
    row = tx.execute("SELECT id FROM blobs WHERE digest = ?", (blob.digest,)).fetchone()
    if row is None:
        raise BlobMissing(f"The content of {path} is no longer in the store", hint="save it again")
    tx.execute(
        "INSERT INTO run_files(run, path, blob, updated_at, seal) VALUES (?,?,?,?,?)"
        # not REPLACE: it would tell no trigger of the row it removes
        " ON CONFLICT(run, path) DO UPDATE SET blob = excluded.blob, updated_at = excluded.updated_at,"
        " seal = excluded.seal",
        (key, path, row[0], tx.now, seal_of(key, path, blob.digest, tx.now)),
    )


def files_record(uid: str, files: Mapping[str, BlobRef]) -> dict[str, Any]:
    """What the journal says of files that a run keeps."""
    return {
        "run": uid,
        "files": {path: blob.digest.hex() for path, blob in files.items()},
        "sizes": {path: blob.size_bytes for path, blob in files.items()},
    }


def run_files(connection: sqlite3.Connection, key: int) -> dict[str, BlobRef]:
    """The run's saved files and media by path."""
    with one_state(connection):
        rows = connection.execute(
            f"SELECT f.run, f.path, b.digest, b.size, {_FILES.columns} FROM run_files f"
            " LEFT JOIN blobs b ON b.id = f.blob WHERE f.run = ? ORDER BY f.path",
            (key,),
        ).fetchall()
        refuse_missing(connection, "file", [row[0] for row in rows], [key])
    return {path: BlobRef(Digest(digest), size) for _, path, digest, size in _FILES.rows(rows)}


# --- alerts ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """Something a run wanted people to know. `level` is INFO, WARN or ERROR."""

    time: str
    level: str
    title: str
    text: str


def insert_alert(tx: Transaction, key: int, *, level: str, title: str, text: str) -> None:
    """Keep an alert of the run."""
    tx.execute(
        "INSERT INTO alerts(run, time, level, title, text, seal) VALUES (?,?,?,?,?,?)",
        (key, tx.now, level, title, text, seal_of(key, tx.now, level, title, text)),
    )
    uid = tx.execute("SELECT uid FROM runs WHERE id = ?", (key,)).fetchone()[0]
    tx.record("run.alert", {"run": uid, "level": level, "title": title, "text": text})


def run_alerts(connection: sqlite3.Connection, key: int) -> list[AlertRecord]:
    """The run's alerts, oldest first."""
    with one_state(connection):
        rows = connection.execute(
            f"SELECT l.run, l.time, l.level, l.title, l.text, {_ALERTS.columns} FROM alerts l"
            " WHERE l.run = ? ORDER BY l.id",
            (key,),
        ).fetchall()
        refuse_missing(connection, "alert", [row[0] for row in rows], [key])
    return [
        AlertRecord(time=time, level=level, title=title, text=text)
        for _, time, level, title, text in _ALERTS.rows(rows)
    ]
