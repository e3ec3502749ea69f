"""Records as JSON documents. The keys are stable: programs rely on them."""

import math
from collections.abc import Mapping
from typing import Any

from localart.model import ArtifactRecord, Entry, ProjectRecord, RunRecord, VersionRecord

_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


def plain(value: object) -> Any:
    """`value` as strict JSON can hold it: NaN and the infinities become their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NOT_FINITE.get(value, "NaN")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def project_document(project: ProjectRecord) -> dict[str, Any]:
    """A project and how much it holds."""
    return {
        "project": project.name,
        "artifacts": project.artifact_count,
        "runs": project.run_count,
        "created_at": project.created_at,
    }


def artifact_document(artifact: ArtifactRecord, latest: VersionRecord | None) -> dict[str, Any]:
    """A named line of versions, with the size and aliases of its newest one."""
    return {
        "project": artifact.project,
        "artifact": artifact.name,
        "type": artifact.type,
        "description": artifact.description,
        "versions": artifact.version_count,
        "latest": None if artifact.latest is None else f"v{artifact.latest}",
        "size_bytes": None if latest is None else latest.size_bytes,
        "aliases": [] if latest is None else list(latest.aliases),
        "created_at": artifact.created_at,
        "updated_at": artifact.created_at if latest is None else latest.created_at,
    }


def version_document(version: VersionRecord) -> dict[str, Any]:
    """One version with all its facts."""
    return {
        "kind": "version",
        "address": version.full_name,
        "project": version.project,
        "artifact": version.artifact,
        "version": f"v{version.number}",
        "type": version.type,
        "aliases": list(version.aliases),
        "tags": list(version.tags),
        "state": version.state.value,
        "size_bytes": version.size_bytes,
        "file_count": version.file_count,
        "digest": version.digest.hex(),
        "description": version.description,
        "metadata": version.metadata,
        "created_at": version.created_at,
        "updated_at": version.updated_at,
        "uid": version.uid,
    }


def entry_document(entry: Entry) -> dict[str, Any]:
    """One file of a version."""
    return {
        "path": entry.path,
        "size_bytes": entry.size_bytes,
        "digest": entry.digest.hex(),
        "reference": None if entry.reference is None else entry.reference.uri,
    }


def run_document(run: RunRecord) -> dict[str, Any]:
    """One run with all its facts."""
    return {
        "kind": "run",
        "address": f"run:{run.id}",
        "id": run.id,
        "uid": run.uid,
        "project": run.project,
        "name": run.name,
        "job_type": run.job_type,
        "group": run.group,
        "state": run.state.value,
        "tags": list(run.tags),
        "notes": run.notes,
        "config": run.config,
        "summary": run.summary,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "exit_code": run.exit_code,
        "error": run.error,
    }
