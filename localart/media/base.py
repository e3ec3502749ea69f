"""What every kind of media has in common: how it is described, kept, and read back.

A media object is described by one JSON record with a `_type` (W&B's). Its bytes lie in files of their own, named by
their content, whose paths the record tells; some kinds (histograms, class lists) need no file, and some
(annotated images, tables) need several.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Protocol, Self

from localart.model import JsonObject
from localart.names import check_prose
from localart.records import dataclass

Record = dict[str, Any]
"""Plain JSON; floats in it may be NaN or infinite."""


class MediaFiles(Protocol):
    """Where a media object's files go: into a run, or into an artifact."""

    def keep(self, folder: str, content: bytes, suffix: str) -> str:
        """Store one file below `folder` under a name made of its content; its path."""
        ...


class ArtifactFiles(MediaFiles, Protocol):
    """The files of an artifact, which may also hold other media objects with records of their own."""

    def add(self, media: "Media", folder: str) -> "KeptRecord":
        """Store `media` and its record below `folder`, under a name made of its content."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecord:
    """Where in an artifact an object's record is, and the digest of that file (hex)."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryReader:
    """A version's content: `read` returns a file's bytes (KeyError when there is none), `paths` lists all files.

    `read_many` may read many files faster than one by one; it leaves out what it does not find.
    `loaded` remembers objects that others name, by path: each is read once, and a circle is noticed. Make a new
    reader for each object to load.
    """

    read: Callable[[str], bytes]
    paths: Callable[[], Iterable[str]]
    read_many: Callable[[Collection[str]], Mapping[str, bytes]] | None = None
    loaded: "dict[str, Media | None]" = field(default_factory=dict)


class Media(ABC):
    """Something to look at. What it shows is taken when it is made, not when it is logged."""

    kind: ClassVar[str]
    """W&B's `_type` of the record inside an artifact, such as `image-file`; also the ending of the record's name."""

    @abstractmethod
    def to_run(self, files: MediaFiles) -> Record:
        """Keep the files and return the record that stands for this object in a run's history."""

    @abstractmethod
    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Keep the files and return the record that describes this object inside an artifact."""

    @classmethod
    @abstractmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Make the object that `record` describes. ValueError for a record that cannot be right."""

    @classmethod
    def list_in_run(cls, media: "Sequence[Any]", records: Sequence[Record]) -> Record | None:
        """Return W&B's one record for several objects of this class logged under one key, if it has one."""
        del media, records
        return None

    def to_json(self, run_or_artifact: object = None) -> Record:
        """Return the record as W&B's method does; files go into `run_or_artifact` when that is a draft artifact."""
        from localart.media.attach import describe

        return describe(self, run_or_artifact)


class FileMedia(Media):
    """Media kept as exactly one file. Equal when of the same class, with the same bytes and description."""

    folder: ClassVar[str]
    """Where W&B keeps such files inside a run or an artifact, such as `media/images`."""

    @property
    @abstractmethod
    def data(self) -> bytes:
        """The encoded file. Equal content gives equal bytes."""

    @property
    @abstractmethod
    def suffix(self) -> str:
        """The ending of the file's name, with its dot."""

    def describe(self) -> Record:
        """Return what the record says besides type and file, as plain JSON."""
        return {}

    def to_run(self, files: MediaFiles) -> Record:
        """Keep the file; its path, size and SHA-256 are part of the record."""
        import hashlib  # three hundredths of a run's whole start

        path = files.keep(self.folder, self.data, self.suffix)
        checksum = hashlib.sha256(self.data).hexdigest()
        size = len(self.data)
        return {"_type": self.kind, "path": path, "size": size, "sha256": checksum, **self.describe()}

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Keep the file; its path, size and SHA-256 are part of the record."""
        return self.to_run(files)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.data == other.data and self.describe() == other.describe()

    def __hash__(self) -> int:
        return hash((self.kind, self.data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A file's bytes and the ending of its name, with the dot."""

    data: bytes
    suffix: str


class EncodedMedia(FileMedia):
    """Media that need not look into their file: its bytes, and a caption."""

    def __init__(self, encoded: Encoded, caption: object = None) -> None:
        self._encoded = encoded
        self._caption = None if caption is None else check_prose(str(caption), "Caption")

    @property
    def data(self) -> bytes:
        """The file as it was given or encoded."""
        return self._encoded.data

    @property
    def suffix(self) -> str:
        """The ending of the file's name, such as `.wav`."""
        return self._encoded.suffix

    @property
    def caption(self) -> str | None:
        """The text shown with it."""
        return self._caption

    def describe(self) -> Record:
        """Return the caption, if there is one."""
        return {} if self._caption is None else {"caption": self._caption}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.suffix[1:]}, {len(self.data):,} bytes>"


def captions_of(media: Sequence[EncodedMedia]) -> Record:
    """The part of a list's record that holds captions; nothing when none has one."""
    captions = [one.caption or "" for one in media]
    return {"captions": captions} if any(one.caption is not None for one in media) else {}
