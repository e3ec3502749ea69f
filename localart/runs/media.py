"""How a run keeps the media it logs: bytes as files of the run, tables as artifacts of their own too."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

from localart.errors import UsageError
from localart.media.base import Media, Record
from localart.model import BlobRef, Entry, RunRecord, VersionRecord
from localart.names import MAX_NAME
from localart.reporter import Reporter
from localart.repository import Repository

if TYPE_CHECKING:
    from localart.media.table import Table
    from localart.runs.files import RunFiles

TABLE_TYPE = "run_table"
INCREMENTAL_TYPE = "wandb-run-incremental-table"
_TABULAR = {"table", "joined-table", "partitioned-table"}
_DIGEST_CHARS = 20


class RunMedia:
    """Keeps media values of one running run, under its key and step; equal bytes are stored once."""

    def __init__(self, repository: Repository, run: RunRecord, files: "RunFiles", reporter: Reporter) -> None:
        self._repository = repository
        self._run = run
        self._files = files
        self._reporter = reporter

    def keep(self, key: str, value: Any, step: int) -> Any:
        """Keep every media object in `value` (one, a MediaList, or a dict of them); the plain value to log.

        Killed midway: files that no row names yet, which are harmless.
        """
        if isinstance(value, Media):
            return self._keep_one(key, value, step)
        if isinstance(value, MediaList):
            return self._keep_list(key, value, step)
        if isinstance(value, dict):
            return {name: self.keep(f"{key}.{name}", one, step) for name, one in value.items()}
        return value

    def _keep_one(self, key: str, media: Media, step: int) -> Record:
        if media.kind in _TABULAR:
            return self._keep_tabular(key, media, step)
        (record,) = self._keep_files(key, [media], step)
        return record

    def _keep_list(self, key: str, several: Sequence[Media], step: int) -> Any:
        """One record for media of one class, where W&B has one; else a list of records."""
        first = several[0]
        if any(one.kind in _TABULAR for one in several):
            return [self._keep_one(key, one, step) for one in several]
        records = self._keep_files(key, several, step)
        is_uniform = all(type(one) is type(first) for one in several)
        whole = type(first).list_in_run(several, records) if is_uniform else None
        return records if whole is None else whole

    def _keep_files(self, key: str, several: Sequence[Media], step: int) -> list[Record]:
        self._repository.lease.take()
        try:
            files = _StepFiles(self._repository, f"{safe_key(key)}_{step}")
            records = []
            for number, one in enumerate(several):
                files.number = number
                records.append(one.to_run(files))
            if files.blobs:
                self._files.keep(files.blobs)
        finally:
            self._repository.lease.drop()
        return records

    # --- tables ----------------------------------------------------------------------------------------

    def _keep_tabular(self, key: str, media: Any, step: int) -> Record:
        if media.kind != "table":
            version, path = self._log_artifact(media, f"run-{self._run.id}-{key}", key, TABLE_TYPE)
            return {"_type": media.kind, **_places(version, path)}
        if media.log_mode == "INCREMENTAL":
            return self._keep_increment(key, media, step)
        logged = media.logging
        if logged.run == self._run.uid and not (media.log_mode == "MUTABLE" and logged.is_changed):
            self._warn_of_changes(key, media)
            return dict(logged.record)
        return self._keep_table(key, media, step)

    def _warn_of_changes(self, key: str, table: "Table") -> None:
        if table.logging.is_changed:
            self._reporter.warn(
                f"the table {key} was changed after it was logged, and is not logged again",
                hint="make it with log_mode='MUTABLE'",
            )

    def _keep_table(self, key: str, table: "Table", step: int) -> Record:
        version, path = self._log_artifact(table, f"run-{self._run.id}-{key}", key, TABLE_TYPE)
        (record,) = self._keep_files(key, [table], step)
        record |= _places(version, path)
        table.logging.remember(self._run.uid, record, len(table.data))
        return record

    def _keep_increment(self, key: str, table: "Table", step: int) -> Record:
        """Log the rows added since the last time; the artifact's next version holds all parts so far."""
        logged = table.logging
        if logged.run not in {None, self._run.uid}:
            raise UsageError("An incremental table can only be logged to one run", hint="make a new Table")
        if logged.run is not None and not logged.is_changed:
            return dict(logged.record)
        name = f"run-{self._run.id}-incr-{key}"
        before = self._latest_entries(name)
        number = 1 + max((_increment_of(entry.path) for entry in before), default=-1)
        logged.increment = number
        made = re.sub(r"\D", "", self._repository.clock())[:17]
        version, path = self._log_artifact(
            table, name, f"{number}-{made}.{safe_key(key)}", INCREMENTAL_TYPE, before=before
        )
        (record,) = self._keep_files(key, [table], step)
        parts = [entry.path for entry in before if _increment_of(entry.path) >= 0]
        record |= _places(version, path)
        record |= {
            "increment_num": number,
            "previous_increments_paths": [_uri(version, one) for one in parts],
        }
        logged.remember(self._run.uid, record, len(table.data))
        return record

    def _latest_entries(self, name: str) -> list[Entry]:
        from localart.catalog import manifests
        from localart.errors import ArtifactNotFound, ProjectNotFound
        from localart.operations.resolve import resolve_version

        try:
            latest = resolve_version(self._repository, artifact_name(name), project=self._run.project)
        except (ArtifactNotFound, ProjectNotFound):
            return []
        connection = self._repository.read()
        return list(
            manifests.verified_entries(connection, manifests.get_manifest(connection, latest.manifest_id))
        )

    def _log_artifact(
        self, media: Media, name: str, key: str, kind: str, *, before: Sequence[Entry] = ()
    ) -> tuple[VersionRecord, str]:
        from localart.draft import Draft
        from localart.media.attach import attach
        from localart.operations.log import Label, log_version

        draft = Draft(lambda: self._repository, before)
        entry = attach(draft, media, _entry_key(key), overwrite=True)
        label = Label(
            project=self._run.project, name=artifact_name(name), type=kind, description=None, metadata={}
        )
        return log_version(self._repository, draft, label, run=self._run).version, entry.path


class MediaList(list[Media]):
    """Several media objects logged under one key."""


def spread_charts(values: dict[str, Any]) -> dict[str, Any]:
    """Put the table of each chart beside it, under a key of its own (W&B's `<key>_table`)."""
    spread: dict[str, Any] = {}
    for key, value in values.items():
        spread[key] = value
        if isinstance(value, Media) and value.kind == "custom-chart":
            spread[value.set_key(key)] = value.table  # type: ignore[attr-defined]
    return spread


class _StepFiles:
    """Names files after key and step, as W&B does, and gathers them for one transaction."""

    def __init__(self, repository: Repository, stem: str) -> None:
        self._repository = repository
        self._stem = stem
        self.number = 0
        self.blobs: dict[str, BlobRef] = {}

    def keep(self, folder: str, content: bytes, suffix: str) -> str:
        from localart.repository.ingest import ingest_bytes

        blob = ingest_bytes(self._repository, content, suffix[suffix.rindex(".") :])
        self._repository.publish_if_large()
        path = f"{folder}/{self._stem}_{self.number}_{blob.digest.hex()[:_DIGEST_CHARS]}{suffix}"
        self.blobs[path] = blob
        return path


def safe_key(key: str) -> str:
    """`key` as a part of a file's name."""
    return "".join(char if (char.isascii() and char.isalnum()) or char in "-_" else "_" for char in key)[:80]


def _entry_key(key: str) -> str:
    """`key` as a path inside an artifact: what cannot be one becomes `_`."""
    parts = [part for part in key.split("/") if part not in {"", ".", ".."}]
    return "/".join(part.replace("\\", "_")[:80] for part in parts) or "table"


def artifact_name(name: str) -> str:
    """`name` as an artifact may be called; a checksum keeps apart what would become equal (W&B's rule)."""
    cleaned = re.sub(r"[^a-zA-Z0-9_\-.]+", "", name)
    if cleaned == name and len(name) <= MAX_NAME:
        return name
    checksum = urlsafe_b64encode(crc32(name.encode()).to_bytes(4, "big")).rstrip(b"=").decode()
    return f"{cleaned[: MAX_NAME - len(checksum) - 1]}-{checksum}"


def _increment_of(path: str) -> int:
    """3 for `3-20240102030405000.key.table.json`; -1 for the files of media in the rows."""
    match = re.match(r"(\d{1,9})-\d+\.", path)
    return int(match[1]) if match and path.endswith(".table.json") else -1


def _places(version: VersionRecord, path: str) -> Mapping[str, str]:
    latest = f"wandb-artifact://{version.project}/{version.artifact}:latest/{path}"
    return {"artifact_path": _uri(version, path), "_latest_artifact_path": latest}


def _uri(version: VersionRecord, path: str) -> str:
    return f"wandb-artifact://{version.project}/{version.label}/{path}"
