"""Versions or runs side by side: what is said of them, their values, inputs and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localart.catalog import edges, manifests, runs, versions
from localart.errors import ArtifactNotFound, InvalidRequest
from localart.names import shown
from localart.operations.diff import MISSING, Change, FileComparison, ValueDifference, compare_values
from localart.operations.resolve import resolve_run, resolve_version
from localart_tui.data.metrics import MetricSource
from localart_tui.packed import FileRow, PackedRows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from localart.model import Entry, RunRecord, VersionRecord
    from localart_tui.data.store import Store

__all__ = [
    "MISSING",
    "Change",
    "Compared",
    "Side",
    "ValueDifference",
    "find_entries",
    "metric_names",
    "read_compared",
    "scan_files",
]

RUN = "run:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of what is compared. `label` is as short as tells it from the others; of a version, `run` made it."""

    address: str
    label: str
    version: VersionRecord | None
    run: RunRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """All sides, and what there is to compare of them besides files; `values` by the name of a tab."""

    sides: tuple[Side, ...]
    values: dict[str, list[ValueDifference]]

    @property
    def are_runs(self) -> bool:
        """Runs, not versions."""
        return self.sides[0].version is None

    @property
    def versions(self) -> list[VersionRecord]:
        """The versions that are compared."""
        return [side.version for side in self.sides if side.version is not None]

    @property
    def runs(self) -> list[RunRecord]:
        """The runs that are compared, or that made the versions, each once."""
        return list({side.run.key: side.run for side in self.sides if side.run is not None}.values())


def read_compared(store: Store, connection: sqlite3.Connection, targets: Sequence[str]) -> Compared:
    """What is known of two or more targets; InvalidRequest when they cannot be compared with each other."""
    are_runs = [target.startswith(RUN) for target in targets]
    if len(targets) < 2:
        raise InvalidRequest("There is only one side", hint="mark two with space, then press c")
    if len(set(are_runs)) > 1:
        raise InvalidRequest("A run cannot be compared with a version", hint="compare versions, or runs")
    return (
        _compared_runs(store, connection, targets)
        if are_runs[0]
        else _compared_versions(store, connection, targets)
    )


# --- versions ----------------------------------------------------------------------------------------


def _compared_versions(store: Store, connection: sqlite3.Connection, targets: Sequence[str]) -> Compared:
    found = [resolve_version(store.repository, target, project=None) for target in targets]
    makers = [_maker(connection, version) for version in found]
    labels = _labels(
        [f"v{one.number}" for one in found], [one.label for one in found], [one.full_name for one in found]
    )
    return Compared(
        sides=tuple(
            Side(address=version.full_name, label=label, version=version, run=run)
            for version, label, run in zip(found, labels, makers, strict=True)
        ),
        values={
            "summary": compare_values(
                [_version_facts(version, run) for version, run in zip(found, makers, strict=True)]
            ),
            "metadata": compare_values([version.metadata for version in found]),
            "inputs": compare_values([_linked(connection, run, "input") for run in makers]),
            "config": compare_values([{} if run is None else run.config for run in makers]),
        },
    )


class SizeBytes(int):
    """A number of bytes; somebody's own `size` is not one."""


def _maker(connection: sqlite3.Connection, version: VersionRecord) -> RunRecord | None:
    key = edges.producer(connection, version.id)
    return None if key is None else runs.get_run(connection, key)


def _version_facts(version: VersionRecord, run: RunRecord | None) -> dict[str, Any]:
    return {
        "artifact": f"{version.project}/{version.artifact}",
        "version": f"v{version.number}",
        "type": version.type,
        "size": SizeBytes(version.size_bytes),
        "files": version.file_count,
        "aliases": ", ".join(version.aliases),
        "tags": ", ".join(version.tags),
        "description": version.description or "",
        "created": version.created_at,
        "digest": version.digest.hex(),
        "made by": "" if run is None else f"{run.name} ({run.job_type})" if run.job_type else run.name,
    }


def _linked(connection: sqlite3.Connection, run: RunRecord | None, direction: str) -> dict[str, str]:
    """The versions a run used or made, by artifact; several of one artifact in one line."""
    found: dict[str, list[str]] = {}
    for version in [] if run is None else versions.linked_versions(connection, run.key, direction):
        found.setdefault(f"{version.project}/{version.artifact}", []).append(f"v{version.number}")
    return {name: ", ".join(numbers) for name, numbers in found.items()}


def _labels(*spellings: Sequence[str]) -> Sequence[str]:
    """The first spelling in which every side has another name."""
    return next((names for names in spellings if len(set(names)) == len(names)), spellings[-1])


# --- runs --------------------------------------------------------------------------------------------


def _compared_runs(store: Store, connection: sqlite3.Connection, targets: Sequence[str]) -> Compared:
    found = [resolve_run(store.repository, target) for target in targets]
    labels = _labels([one.name for one in found], [one.id for one in found], list(targets))
    return Compared(
        sides=tuple(
            Side(address=f"{RUN}{run.project}/{run.id}", label=label, version=None, run=run)
            for run, label in zip(found, labels, strict=True)
        ),
        values={
            "summary": compare_values([_run_facts(run) for run in found]),
            "config": compare_values([run.config for run in found]),
            "results": compare_values([run.summary for run in found]),
            "inputs": compare_values([_linked(connection, run, "input") for run in found]),
            "outputs": compare_values([_linked(connection, run, "output") for run in found]),
        },
    )


def _run_facts(run: RunRecord) -> dict[str, Any]:
    return {
        "name": run.name,
        "id": run.id,
        "project": run.project,
        "state": run.state.value,
        "job type": run.job_type or "",
        "group": run.group or "",
        "tags": ", ".join(run.tags),
        "notes": run.notes or "",
        "started": run.created_at,
        "ended": run.finished_at or "",
        "seconds": _seconds(run),
        **{
            f"{key}": value for key, value in run.facts.items() if isinstance(value, str | int | float | dict)
        },
    }


def _seconds(run: RunRecord) -> float | None:
    from datetime import datetime

    try:
        ended = datetime.fromisoformat(run.finished_at or "")
        return round((ended - datetime.fromisoformat(run.created_at)).total_seconds(), 3)
    except (ValueError, TypeError):
        return None


def metric_names(store: Store, found: Sequence[RunRecord]) -> tuple[MetricSource, tuple[str, ...]]:
    """Where a chart of these runs gets its series, and the metrics it can show."""
    source = MetricSource(store, found)
    return source, source.names()


# --- files -------------------------------------------------------------------------------------------


def scan_files(files: FileComparison, into: PackedRows) -> None:
    """Compare, and add each row; what was found so far can be looked at meanwhile."""
    for one in files:
        sizes = tuple(None if entry is None else entry.size_bytes for entry in one.entries)
        into.append(FileRow(one.path, one.change, sizes))


def find_entries(
    connection: sqlite3.Connection, found: Sequence[VersionRecord], path: str
) -> list[Entry | None]:
    """What stands at `path` in each version, checked against its digest."""
    entries = [
        manifests.find_entry(connection, manifests.get_manifest(connection, version.manifest_id), path)
        for version in found
    ]
    if not any(entries):
        raise ArtifactNotFound(f"There is no file {shown(path)} any more")
    return entries
