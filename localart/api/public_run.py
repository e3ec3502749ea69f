"""A run as `Api` shows it: to read, in any state."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from localart.artifact import Artifact
from localart.catalog import metrics, versions
from localart.catalog import runs as run_rows
from localart.model import RunRecord
from localart.repository import Repository


class PublicRun:
    """One run to read. Values are as of when it was fetched; `load()` fetches again."""

    def __init__(self, repository: Repository, record: RunRecord) -> None:
        self._repository = repository
        self._record = record

    def __repr__(self) -> str:
        return f"<Run {self._record.project}/{self._record.id} ({self._record.state})>"

    def load(self) -> None:
        """Fetch again."""
        self._record = run_rows.get_run(self._repository.read(), self._record.key)

    @property
    def record(self) -> RunRecord:
        """What the catalog knows of it."""
        return self._record

    @property
    def id(self) -> str:
        """The short id."""
        return self._record.id

    @property
    def name(self) -> str:
        """The display name."""
        return self._record.name

    @property
    def project(self) -> str:
        """Its project."""
        return self._record.project

    @property
    def entity(self) -> str:
        """Always empty."""
        return ""

    @property
    def path(self) -> list[str]:
        """Entity (empty), project, id."""
        return ["", self._record.project, self._record.id]

    @property
    def state(self) -> str:
        """running, finished, failed, crashed or killed."""
        return self._record.state.value

    @property
    def config(self) -> dict[str, Any]:
        """Its config."""
        return dict(self._record.config)

    @property
    def summary(self) -> dict[str, Any]:
        """Its summary; of a running run, what its metrics say so far."""
        if self._record.finished_at is None:
            return {**metrics.last_values(self._repository.read(), self._record.key), **self._record.summary}
        return dict(self._record.summary)

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return list(self._record.tags)

    @property
    def notes(self) -> str | None:
        """Its notes."""
        return self._record.notes

    @property
    def job_type(self) -> str | None:
        """The step of the pipeline it is."""
        return self._record.job_type

    @property
    def group(self) -> str | None:
        """Its group."""
        return self._record.group

    @property
    def created_at(self) -> str:
        """When it began, ISO-8601 UTC."""
        return self._record.created_at

    @property
    def error(self) -> str | None:
        """Why it failed or crashed: the traceback, or what is known."""
        return self._record.error

    def scan_history(
        self, keys: Sequence[str] | None = None, min_step: int | None = None, max_step: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every step as a dict, streamed; with `keys`, only rows that have them all.

        Beside what was logged: `_step`, `_timestamp` (seconds since the epoch), `_runtime` (since the run began).
        """
        began = datetime.fromisoformat(self._record.created_at).timestamp()
        for row in metrics.iter_history(self._repository.read(), self._record.key):
            if (min_step is not None and row.step < min_step) or (
                max_step is not None and row.step >= max_step
            ):
                continue
            runtime = max(row.time - began, 0.0)
            values = {"_step": row.step, "_timestamp": row.time, "_runtime": runtime, **row.values}
            if keys is None:
                yield values
            elif all(key in values for key in keys):
                yield {key: values[key] for key in keys}

    def history(
        self, samples: int = 500, keys: Sequence[str] | None = None, pandas: bool = False
    ) -> list[dict[str, Any]]:
        """At most `samples` rows, evenly picked."""
        del pandas
        rows = list(self.scan_history(keys))
        if len(rows) <= samples:
            return rows
        return [rows[int(number * len(rows) / samples)] for number in range(samples)]

    def logged_artifacts(self) -> list[Artifact]:
        """The versions it made or logged again."""
        return self._linked("output")

    def used_artifacts(self) -> list[Artifact]:
        """The versions it used."""
        return self._linked("input")

    def _linked(self, direction: str) -> list[Artifact]:
        found = versions.linked_versions(self._repository.read(), self._record.key, direction)
        return [Artifact.from_version(self._repository, version) for version in found]

    def files(self) -> list[str]:
        """The paths of the files it kept."""
        return list(run_rows.run_files(self._repository.read(), self._record.key))

    def read_file(self, path: str) -> bytes:
        """The bytes of one kept file; KeyError when there is none."""
        kept = run_rows.run_files(self._repository.read(), self._record.key)
        return self._repository.read_blob(kept[path])
