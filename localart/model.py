"""The records that pass between localart's rooms. All frozen; sizes in bytes, times in ISO-8601 UTC.

Glossary
--------
blob
    Immutable bytes stored once, named by their digest.
chunk
    A slice of one large file picked by the content-defined chunker; itself a blob.
frame
    Chunks or small files compressed together; the unit of reading and checking.
pack
    One append-only file of frames.
digest
    BLAKE3-256 of raw bytes (32 bytes; the same as `b3sum`).
entry
    One row of a manifest: a path and the blob or reference it stands for.
manifest
    The sorted entries of one version; its digest is the version's digest.
reference
    An entry whose bytes live elsewhere.
artifact, version, alias
    A named line of versions (`mnist-raw`), one immutable member of it (`v0`), a movable pointer to one.
run, edge
    One execution of some code; an input or output link between a run and a version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any, NewType, Protocol

from localart.records import dataclass

Digest = NewType("Digest", bytes)
"""BLAKE3-256 of raw bytes: always 32 bytes."""

DIGEST_BYTES = 32

JsonObject = Mapping[str, Any]
"""A JSON object, already validated; treat as read-only."""


# --- bytes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlobRef:
    """The name and length of immutable bytes."""

    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BaseSlice:
    """Bytes `start` to `stop` of an earlier chunk, below the raw bytes of a frame from `at` on."""

    at: int
    chunk: Digest
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame as written to a pack; `members` lie back to back in its raw bytes, in this order.

    A frame that tells only the difference from earlier bytes has `bases`, and a `depth` one above theirs.
    """

    start: int
    stored_bytes: int
    raw_bytes: int
    codec: int
    checksum: int
    members: tuple[BlobRef, ...]
    bases: tuple[BaseSlice, ...] = ()
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkedBlob:
    """A large file as the chunks it is made of, in file order."""

    digest: Digest
    size_bytes: int
    chunks: tuple[BlobRef, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackBatch:
    """Frames that are safely on disk in one pack and wait for their rows in the catalog."""

    pack: str
    end: int
    frames: tuple[Frame, ...]
    chunked: tuple[ChunkedBlob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackState:
    """What the catalog knows of a pack: bytes past `end` are garbage of a writer that died."""

    pack: str
    end: int


@dataclass(frozen=True, slots=True)
class FramePlace:
    """Where a frame lies and what it must look like when read; of a difference, where its bases lie too."""

    pack: str
    start: int
    stored_bytes: int
    raw_bytes: int
    codec: int
    checksum: int
    depth: int = field(default=0, compare=False)
    bases: "tuple[BasePiece, ...]" = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of raw bytes inside a frame: one whole small blob or one whole chunk."""

    place: FramePlace
    offset: int
    blob: BlobRef


@dataclass(frozen=True, slots=True)
class FrameRun:
    """Raw bytes of a frame that follow each other in a blob too, from `start` to before `stop` of the frame."""

    place: FramePlace
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class BasePiece:
    """A slice of an earlier chunk, and where that chunk lies."""

    slice: BaseSlice
    piece: Piece


@dataclass(frozen=True, slots=True)
class BlobLayout:
    """A blob and the pieces that make it up, in order; a small blob is a single piece."""

    blob: BlobRef
    pieces: tuple[Piece, ...]


class BlobIndex(Protocol):
    """What a writer asks the catalog before it stores bytes again."""

    def known_blobs(self, digests: Sequence[Digest]) -> set[Digest]:
        """Those of `digests` that are already published."""
        ...

    def knows_size(self, size_bytes: int) -> bool:
        """Whether any published blob has exactly this size."""
        ...


# --- manifests -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reference:
    """Bytes that live elsewhere. `size_bytes` None: not known. `checksum` "": not checked."""

    uri: str
    size_bytes: int | None = None
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a version: posix `path`, and either stored bytes or a reference.

    `digest` names the blob's bytes; for a reference it is the digest of the reference itself.
    """

    path: str
    digest: Digest
    size_bytes: int
    reference: Reference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """One path that differs between two manifests; None on the side where it is absent."""

    path: str
    before: Entry | None
    after: Entry | None


# --- the catalog's nouns ---------------------------------------------------------------------------


class RunState(StrEnum):
    """How a run stands. `crashed`: its process ended without saying how."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CRASHED = "crashed"
    KILLED = "killed"


class VersionState(StrEnum):
    """W&B's words for the life of an artifact version. The last two are a server's: no version here is in them."""

    PENDING = "PENDING"
    COMMITTED = "COMMITTED"
    DELETED = "DELETED"
    GARBAGE_COLLECTED = "GARBAGE_COLLECTED"
    PENDING_DELETION = "PENDING_DELETION"


class ArtifactKind(StrEnum):
    """Whether a named line has versions of its own, or only links to those of others."""

    SEQUENCE = "sequence"
    PORTFOLIO = "portfolio"


class Direction(StrEnum):
    """Which way an edge points: a run's input or its output."""

    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRecord:
    """A project and what it holds."""

    name: str
    created_at: str
    artifact_count: int
    run_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRecord:
    """A named line of versions. `latest` is the newest committed number, or None.

    Of a portfolio, `version_count` and `latest` are those of its links. `ttl_seconds` None: kept for ever.
    """

    id: int
    project: str
    name: str
    type: str
    description: str | None
    created_at: str
    version_count: int
    latest: int | None
    kind: ArtifactKind = ArtifactKind.SEQUENCE
    ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One immutable version. `number` 3 is shown as v3; `digest` is its manifest's.

    `ttl_seconds` from `created_at` on it may be deleted: None takes the artifact's, 0 keeps it for ever.
    `history_step` is the last step its run had logged by then.
    """

    id: int
    uid: str
    project: str
    artifact: str
    type: str
    number: int
    manifest_id: int
    digest: Digest
    size_bytes: int
    file_count: int
    description: str | None
    metadata: JsonObject
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    state: VersionState
    created_at: str
    updated_at: str
    artifact_id: int
    ttl_seconds: int | None = None
    history_step: int | None = None

    @property
    def label(self) -> str:
        """`name:vN`."""
        return f"{self.artifact}:v{self.number}"

    @property
    def full_name(self) -> str:
        """`project/name:vN`."""
        return f"{self.project}/{self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRecord:
    """A version's place in a portfolio, which has numbers and aliases of its own."""

    artifact_id: int
    project: str
    artifact: str
    number: int
    version_id: int
    aliases: tuple[str, ...]
    created_at: str

    @property
    def label(self) -> str:
        """`name:vN`, as the portfolio counts."""
        return f"{self.artifact}:v{self.number}"

    @property
    def full_name(self) -> str:
        """`project/name:vN`, as the portfolio counts."""
        return f"{self.project}/{self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedVersion:
    """A version as it was found: in its own artifact (`link` None), or through its link in a portfolio."""

    version: VersionRecord
    link: LinkRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as the catalog knows it. `id` is the short name users type; `uid` never repeats.

    `facts` say what ran: script, Python, git, packages (see `runs/what_ran.py`).
    """

    key: int
    uid: str
    id: str
    project: str
    name: str
    job_type: str | None
    group: str | None
    notes: str | None
    tags: tuple[str, ...]
    state: RunState
    config: JsonObject
    summary: JsonObject
    created_at: str
    finished_at: str | None
    exit_code: int | None
    error: str | None
    facts: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """What one step of a run logged. `time` is seconds since the epoch."""

    step: int
    time: float
    values: JsonObject


# --- lineage ---------------------------------------------------------------------------------------


class NodeKind(StrEnum):
    """The two colours of the graph."""

    RUN = "run"
    VERSION = "version"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A run or a version. `key` is unique in its graph; `group` is the job_type or the artifact type.

    `address` is what a user types to see it: `run:ID` or `project/name:vN`; "" when it stands for several.
    """

    key: str
    kind: NodeKind
    label: str
    group: str
    project: str
    state: str
    created_at: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """An arrow: run → version it produced, or version → run that consumed it."""

    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageGraph:
    """Part of the two-coloured graph. `truncated`: a limit cut it off."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    focus: str | None = None
    truncated: bool = False
    notes: tuple[str, ...] = field(default=())
