"""What the journal tells beside versions and runs: projects, registries, facts of artifacts, alerts and files of runs.

`rest_of` reads the same from the rows, so that the two can be compared thing by thing.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localart.catalog.registries import PREFIX
from localart.catalog.soundness_journal import JournalRow

Place = tuple[str, str]
"""Project and name of an artifact."""

Alert = tuple[str, str, str, str]
"""Time, level, title, text."""

Registry = tuple[str, str | None, str]
"""Visibility, types (JSON), time of the last change."""


@dataclass(slots=True, kw_only=True)
class ToldProject:
    """A project; `registry`: what is said of it besides when it is one."""

    created_at: str
    description: str | None = None
    registry: Registry | None = None


@dataclass(slots=True, kw_only=True)
class ToldFacts:
    """What an artifact says of itself."""

    description: str | None = None
    ttl_seconds: int | None = None
    tags: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class ToldThings:
    """Alerts of a run in order, and its files: path → digest (hex) and time."""

    alerts: list[Alert] = field(default_factory=list)
    files: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Rest:
    """Everything told so far, by names and uids."""

    projects: dict[str, ToldProject] = field(default_factory=dict)
    artifacts: dict[Place, ToldFacts] = field(default_factory=dict)
    runs: dict[str, ToldThings] = field(default_factory=dict)


def take_rest(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> bool:
    """One more record; False when it is of a kind that tells nothing of these."""
    tell = _KINDS.get(record.kind)
    if tell is not None:
        tell(rest, record, body)
    return tell is not None


def differences(told: Rest, found: Rest) -> Iterator[tuple[str, str]]:
    """What is not alike: what it is of, and its name."""
    for name in sorted(told.projects.keys() | found.projects.keys()):
        if told.projects.get(name) != found.projects.get(name):
            yield "project", name
    for place in sorted(told.artifacts.keys() & found.artifacts.keys()):
        if told.artifacts[place] != found.artifacts[place]:
            yield "artifact", "/".join(place)
    for uid in sorted(told.runs.keys() & found.runs.keys()):
        if told.runs[uid] != found.runs[uid]:
            yield "run", uid


# --- from the rows -----------------------------------------------------------------------------------


def rest_of(connection: sqlite3.Connection) -> Rest:
    """What the rows say."""
    rest = Rest()
    for name, created_at, description, visibility, types, updated_at in connection.execute(
        "SELECT p.name, p.created_at, p.description, r.visibility, r.artifact_types, r.updated_at"
        " FROM projects p LEFT JOIN registries r ON r.project = p.id"
    ).fetchall():
        registry = None if visibility is None else (visibility, types, updated_at)
        rest.projects[name] = ToldProject(created_at=created_at, description=description, registry=registry)
    for project, name, description, ttl, tags, protected in connection.execute(
        "SELECT p.name, a.name, a.description, a.ttl_seconds,"
        " (SELECT json_group_array(name) FROM (SELECT name FROM artifact_tags WHERE artifact = a.id ORDER BY name)),"
        " (SELECT json_group_array(alias) FROM"
        " (SELECT alias FROM protected_aliases WHERE artifact = a.id ORDER BY alias))"
        " FROM artifacts a JOIN projects p ON p.id = a.project"
    ).fetchall():
        rest.artifacts[project, name] = ToldFacts(
            description=description,
            ttl_seconds=ttl,
            tags=tuple(json.loads(tags)),
            protected=tuple(json.loads(protected)),
        )
    for (uid,) in connection.execute("SELECT uid FROM runs").fetchall():
        rest.runs[uid] = ToldThings()
    _add_things(connection, rest)
    return rest


def _add_things(connection: sqlite3.Connection, rest: Rest) -> None:
    for uid, *alert in connection.execute(
        "SELECT r.uid, l.time, l.level, l.title, l.text FROM alerts l JOIN runs r ON r.id = l.run ORDER BY l.id"
    ).fetchall():
        rest.runs[uid].alerts.append((alert[0], alert[1], alert[2], alert[3]))
    for uid, path, digest, time in connection.execute(
        "SELECT r.uid, f.path, b.digest, f.updated_at FROM run_files f JOIN runs r ON r.id = f.run"
        " LEFT JOIN blobs b ON b.id = f.blob"
    ).fetchall():
        rest.runs[uid].files[path] = (digest.hex() if digest else "", time)


# --- from the journal --------------------------------------------------------------------------------


def _project_created(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    rest.projects[body["project"]] = ToldProject(created_at=record.time)


def _registry_saved(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    project = rest.projects.setdefault(PREFIX + body["registry"], ToldProject(created_at=record.time))
    types = body["artifact_types"]
    project.description = body["description"]
    project.registry = (body["visibility"], None if types is None else json.dumps(types), record.time)


def _registry_renamed(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    old, new = PREFIX + body["from"], PREFIX + body["to"]
    if old in rest.projects:
        rest.projects[new] = rest.projects.pop(old)
    for key in [key for key in rest.artifacts if key[0] == old]:
        rest.artifacts[new, key[1]] = rest.artifacts.pop(key)


def _registry_deleted(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    project = rest.projects.get(PREFIX + body["registry"])
    if project is not None:
        project.registry = None


def _artifact_created(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    rest.artifacts[body["project"], body["artifact"]] = ToldFacts(description=body.get("description"))


def _artifact_moved(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    facts = rest.artifacts.pop(tuple(body["from"]), None)
    if facts is not None:
        rest.artifacts[tuple(body["to"])] = facts


def _artifact_said(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    facts = rest.artifacts.get((body["project"], body["artifact"]))
    if facts is None:
        return
    match record.kind:
        case "artifact.updated":
            facts.description = body["description"]
        case "artifact.ttl":
            facts.ttl_seconds = body["ttl_seconds"]
        case "artifact.tagged":
            facts.tags = tuple(sorted(body["tags"]))
        case "alias.protected":
            facts.protected = tuple(sorted({*facts.protected, body["alias"]}))
        case _:
            facts.protected = tuple(one for one in facts.protected if one != body["alias"])


def _run_started(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    rest.runs[body["run"]] = ToldThings()


def _run_alert(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    run = rest.runs.get(body["run"])
    if run is not None:
        run.alerts.append((record.time, body["level"], body["title"], body["text"]))


def _run_files(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    run = rest.runs.get(body["run"])
    if run is not None:
        run.files |= {path: (digest, record.time) for path, digest in body["files"].items()}


def _run_file_removed(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    run = rest.runs.get(body["run"])
    if run is not None:
        run.files.pop(body["file"], None)


def _run_rewound(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    run = rest.runs.get(body["run"])
    if run is not None and "file" in body:
        run.files[body["file"]] = (body["later"], record.time)


def _run_deleted(rest: Rest, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    rest.runs.pop(body["run"], None)


_KINDS: dict[str, Callable[[Rest, JournalRow, Mapping[str, Any]], None]] = {
    "alias.protected": _artifact_said,
    "alias.unprotected": _artifact_said,
    "artifact.created": _artifact_created,
    "artifact.moved": _artifact_moved,
    "artifact.tagged": _artifact_said,
    "artifact.ttl": _artifact_said,
    "artifact.updated": _artifact_said,
    "project.created": _project_created,
    "registry.deleted": _registry_deleted,
    "registry.renamed": _registry_renamed,
    "registry.saved": _registry_saved,
    "run.alert": _run_alert,
    "run.deleted": _run_deleted,
    "run.file_removed": _run_file_removed,
    "run.files": _run_files,
    "run.rewound": _run_rewound,
    "run.started": _run_started,
}
