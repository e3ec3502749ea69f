"""What the journal tells of versions, aliases, edges, links and counters: what their rows must say.

Records are taken in one by one, in order. What a record of a kind not known here may have changed is not judged.
Memory: about 1 KB a version and 300 bytes an edge; metadata is kept as a digest and the number of its record.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from blake3 import blake3

from localart.catalog.registries import PREFIX
from localart.catalog.soundness_journal import JournalRow
from localart.catalog.told_rest import Rest, take_rest
from localart.jsonable import canonical_json


@dataclass(slots=True, kw_only=True)
class ToldArtifact:
    """An artifact or portfolio. `links`: number → uid of the version, None once removed.

    `alias_times`: since when each alias points where it does; `link_times`: when a link was made, and removed.
    """

    project: str
    name: str
    type: str
    kind: str
    created_at: str
    next_number: int = 0
    aliases: dict[str, str] = field(default_factory=dict)
    links: dict[int, str | None] = field(default_factory=dict)
    alias_times: dict[str, str] = field(default_factory=dict)
    link_times: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    is_sure: bool = True


@dataclass(slots=True, kw_only=True)
class ToldVersion:
    """A version. `metadata` is the digest of its canonical JSON; record `told_at` has it and the description."""

    artifact: ToldArtifact
    number: int
    manifest: str
    description: str | None
    metadata: bytes
    told_at: int
    created_at: str
    updated_at: str
    history_step: int | None = None
    size_bytes: int | None = None
    file_count: int | None = None
    state: str = "COMMITTED"
    tags: tuple[str, ...] = ()
    ttl_seconds: int | None = None
    is_sure: bool = True

    @property
    def name(self) -> str:
        """What users call it."""
        return f"{self.artifact.project}/{self.artifact.name}:v{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEdge:
    """An edge. `told_at` is the record that has its metadata, 0 when it has none."""

    made: bool
    used_as: str | None
    created_at: str
    told_at: int = 0
    metadata: bytes | None = None


@dataclass(slots=True, kw_only=True)
class ToldRun:
    """A run. `columns`: column → number of the record that last said it, and the digest of what it said."""

    project: str
    id: str
    created_at: str
    columns: dict[str, tuple[int, bytes]]
    tags: tuple[str, ...]
    updated_at: str


EdgeKey = tuple[str, str, str]
"""Run uid, version uid, direction."""


@dataclass(slots=True)
class Told:
    """Everything told so far."""

    artifacts: dict[tuple[str, str], ToldArtifact] = field(default_factory=dict)
    versions: dict[str, ToldVersion] = field(default_factory=dict)
    edges: dict[EdgeKey, ToldEdge] = field(default_factory=dict)
    runs: dict[str, ToldRun] = field(default_factory=dict)
    rest: Rest = field(default_factory=Rest)
    waiting: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    unknown_kinds: set[str] = field(default_factory=set)


def retell(records: Iterable[JournalRow]) -> Told:
    """What the records tell, all in all."""
    told = Told()
    for record in records:
        take_in(told, record)
    return told


def take_in(told: Told, record: JournalRow) -> None:
    """One more record."""
    body = json.loads(record.body)
    is_rest = take_rest(told.rest, record, body)
    tell = _KINDS.get(record.kind)
    if tell is not None:
        tell(told, record, body)
    elif not is_rest and record.kind not in _NOTHING_HERE:
        _unknown(told, record.kind, body)


def metadata_digest(text: str) -> bytes:
    """What `ToldVersion.metadata` is for a row with this JSON."""
    return blake3(text.encode("utf-8", "surrogatepass")).digest()


def _digest_of(value: Mapping[str, Any]) -> bytes:
    return blake3(canonical_json(value)).digest()


def column_digest(value: object) -> bytes:
    """What `ToldRun.columns` has for a column with this value."""
    return blake3(repr(value).encode("utf-8", "surrogatepass")).digest(8)


def _unknown(told: Told, kind: str, body: Mapping[str, Any]) -> None:
    told.unknown_kinds.add(kind)
    named = [body.get("version"), *_listed(body.get("versions"))]
    for version in (told.versions.get(uid) for uid in named if isinstance(uid, str)):
        if version is not None:
            version.is_sure = version.artifact.is_sure = False
    artifact = told.artifacts.get((str(body.get("project")), str(body.get("artifact"))))
    if artifact is not None:
        artifact.is_sure = False
    told.runs.pop(str(body.get("run")), None)
    told.rest.runs.pop(str(body.get("run")), None)
    told.rest.artifacts.pop((str(body.get("project")), str(body.get("artifact"))), None)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


# --- artifacts ---------------------------------------------------------------------------------------


def _artifact_created(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    told.artifacts[body["project"], body["artifact"]] = ToldArtifact(
        project=body["project"],
        name=body["artifact"],
        type=body["type"],
        kind=body.get("kind", "sequence"),
        created_at=record.time,
    )


def _artifact_moved(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    artifact = told.artifacts.pop(tuple(body["from"]), None)
    if artifact is not None:
        artifact.project, artifact.name = body["to"]
        told.artifacts[artifact.project, artifact.name] = artifact


def _artifact_retyped(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    artifact = told.artifacts.get((body["project"], body["artifact"]))
    if artifact is not None:
        artifact.type, artifact.kind = body["type"], body["kind"]


def _registry_renamed(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    for key in [key for key in told.artifacts if key[0] == PREFIX + body["from"]]:
        artifact = told.artifacts.pop(key)
        artifact.project = PREFIX + body["to"]
        told.artifacts[artifact.project, artifact.name] = artifact
    for run in told.runs.values():
        if run.project == PREFIX + body["from"]:
            run.project = PREFIX + body["to"]


# --- versions ----------------------------------------------------------------------------------------


def _version_logged(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    artifact = told.artifacts.get((body["project"], body["artifact"]))
    if artifact is None:
        return
    if body["new"]:
        told.versions[body["version"]] = ToldVersion(
            artifact=artifact,
            number=body["number"],
            manifest=body["manifest"],
            description=body["description"],
            metadata=_digest_of(body["metadata"]),
            told_at=record.seq,
            created_at=record.time,
            updated_at=record.time,
            history_step=body.get("step"),
            size_bytes=body.get("size"),
            file_count=body.get("files"),
            tags=tuple(body["tags"]),
            ttl_seconds=body.get("ttl_seconds"),
        )
        artifact.next_number = max(artifact.next_number, body["number"] + 1)
    _output(told, record, body)


def _output(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    key = (body["run"], body["version"], "output")
    known = told.edges.get(key)
    is_new = body.get("new", False)
    has_metadata = "new" in body and not is_new
    metadata = _digest_of(body["metadata"]) if has_metadata else None
    if known is None or has_metadata:
        told.edges[key] = ToldEdge(
            made=is_new if known is None else known.made,
            used_as=None,
            created_at=record.time if known is None else known.created_at,
            told_at=record.seq if has_metadata else 0,
            metadata=metadata,
        )


def _version_used(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    key = (body["run"], body["version"], "input")
    if key not in told.edges:
        told.edges[key] = ToldEdge(made=False, used_as=body["as"], created_at=record.time)


def _version_updated(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    version = told.versions.get(body["version"])
    if version is not None:
        version.description = body["description"]
        version.metadata, version.told_at = _digest_of(body["metadata"]), record.seq
        version.updated_at = record.time


def _version_tagged(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    version = told.versions.get(body["version"])
    if version is not None:
        version.tags = tuple(body["tags"])


def _version_ttl(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    version = told.versions.get(body["version"])
    if version is not None:
        version.updated_at = record.time
        version.ttl_seconds = body["ttl_seconds"]


def _version_deleted(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    """Also one that was in the trash and is freed."""
    version = told.versions.get(body["version"])
    if version is not None:
        version.updated_at = record.time
        version.state = "DELETED"


def _version_restored(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    version = told.versions.get(body["version"])
    if version is not None:
        version.updated_at = record.time
        version.state = "COMMITTED"


# --- aliases and links ---------------------------------------------------------------------------------


def _named(told: Told, label: str) -> ToldArtifact | None:
    project, _, name = label.rpartition(":")[0].partition("/")
    return told.artifacts.get((project, name))


def _alias_set(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    artifact = _named(told, body["label"])
    if artifact is not None:
        artifact.alias_times[body["alias"]] = record.time
        artifact.aliases[body["alias"]] = body["version"]


def _alias_removed(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    artifact = _named(told, body["label"])
    if artifact is not None:
        artifact.aliases.pop(body["alias"], None)


def _link_added(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    artifact = told.artifacts.get((body["project"], body["artifact"]))
    if artifact is not None:
        made_at, _ = artifact.link_times.get(body["number"], (record.time, None))
        artifact.link_times[body["number"]] = (made_at, None)
        artifact.links[body["number"]] = body["version"]
        artifact.next_number = max(artifact.next_number, body["number"] + 1)


def _link_removed(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    artifact = told.artifacts.get((body["project"], body["artifact"]))
    if artifact is not None:
        artifact.links[body["number"]] = None
        made_at, _ = artifact.link_times.get(body["number"], (record.time, None))
        artifact.link_times[body["number"]] = (made_at, record.time)


# --- runs --------------------------------------------------------------------------------------------

RUN_COLUMNS = frozenset(
    {
        "name", "job_type", "group_name", "notes", "state", "config", "summary", "facts", "metric_rules",
        "finished_at", "exit_code", "error",
    }
)  # fmt: skip


def _run_started(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    told.runs[body["run"]] = ToldRun(
        project=body["project"],
        id=body["id"],
        created_at=record.time,
        columns=_columns(record.seq, body),
        tags=tuple(sorted(body["tags"])),
        updated_at=record.time,
    )


def _run_updated(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    run = told.runs.get(body["run"])
    if run is not None:
        run.columns |= _columns(record.seq, body)
        run.updated_at = record.time


def _columns(seq: int, body: Mapping[str, Any]) -> dict[str, tuple[int, bytes]]:
    return {name: (seq, column_digest(value)) for name, value in body.items() if name in RUN_COLUMNS}


def _run_tagged(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    run = told.runs.get(body["run"])
    if run is not None:
        run.tags = tuple(sorted(body["tags"]))


def _run_branched(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    """Its summary and metric rules come from another moment, which no record holds."""
    del record
    run = told.runs.get(body["run"])
    if run is not None:
        run.columns.pop("summary", None)
        run.columns.pop("metric_rules", None)


def _run_deleted(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    told.runs.pop(body["run"], None)
    for key in [key for key in told.edges if key[0] == body["run"]]:
        del told.edges[key]
    for parts in told.waiting.values():
        parts[:] = [run for run in parts if run != body["run"]]


def _upsert_added(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    del record
    artifact = told.artifacts.get((body["project"], body["artifact"]))
    told.waiting.setdefault((id(artifact), body["id"]), []).append(body["run"])


def _upsert_finished(told: Told, record: JournalRow, body: Mapping[str, Any]) -> None:
    version = told.versions.get(body["version"])
    if version is None:
        return
    for run in told.waiting.pop((id(version.artifact), body["id"]), []):
        told.edges.setdefault(
            (run, body["version"], "output"), ToldEdge(made=False, used_as=None, created_at=record.time)
        )


_KINDS: dict[str, Callable[[Told, JournalRow, Mapping[str, Any]], None]] = {
    "artifact.created": _artifact_created,
    "artifact.moved": _artifact_moved,
    "artifact.retyped": _artifact_retyped,
    "registry.renamed": _registry_renamed,
    "version.logged": _version_logged,
    "version.relogged": _output,
    "version.used": _version_used,
    "version.updated": _version_updated,
    "version.tagged": _version_tagged,
    "version.ttl": _version_ttl,
    "version.deleted": _version_deleted,
    "version.freed": _version_deleted,
    "version.restored": _version_restored,
    "alias.set": _alias_set,
    "alias.removed": _alias_removed,
    "link.added": _link_added,
    "link.removed": _link_removed,
    "run.deleted": _run_deleted,
    "run.forked": _run_branched,
    "run.rewound": _run_branched,
    "run.started": _run_started,
    "run.tagged": _run_tagged,
    "run.updated": _run_updated,
    "upsert.added": _upsert_added,
    "upsert.finished": _upsert_finished,
}

_NOTHING_HERE = {"artifact.deleted", "undo"}
