"""Put a media object into a draft, and read one back from a version."""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from localart.draft import Draft
from localart.errors import InvalidMetadata, InvalidName
from localart.media.base import EntryReader, KeptRecord, Media, Record
from localart.media.records import parse_record
from localart.model import Entry, JsonObject
from localart.names import check_entry_path, shown
from localart.repository.ingest import ingest_bytes

KINDS = {
    "image-file": "localart.media.image:Image",
    "table": "localart.media.table:Table",
    "audio-file": "localart.media.audio:Audio",
    "video-file": "localart.media.video:Video",
    "html-file": "localart.media.html:Html",
    "object3D-file": "localart.media.object3d:Object3D",
    "molecule-file": "localart.media.molecule:Molecule",
    "plotly-file": "localart.media.plotly:Plotly",
    "histogram": "localart.media.histogram:Histogram",
    "classes": "localart.media.classes:Classes",
    "joined-table": "localart.media.joined:JoinedTable",
    "partitioned-table": "localart.media.joined:PartitionedTable",
    "mask": "localart.media.masks:ImageMask",
}
"""Every kind of record an artifact may hold, and the class that reads it."""

_DIGEST_CHARS = 20


def attach(draft: Draft, media: Media, name: str, *, overwrite: bool) -> Entry:
    """Store `media` under `name.<kind>.json`; the entry of that file. An existing one stays unless `overwrite`.

    All of its files get in, or none.
    """
    if not isinstance(media, Media):
        raise TypeError(
            f"add() takes media objects such as Image, not {type(media).__name__}; use add_file for files"
        )
    path = check_entry_path(_with_kind(name, media.kind))
    known = draft.find(path)
    if known is not None and not overwrite:
        return known
    draft.refuse_sealed()
    files = _DraftFiles(draft)
    entry = files.put_record(media.to_artifact(files), path)
    draft.put_all(list(files.entries.values()), overwrite=True)
    return entry


def load(entries: EntryReader, name: str) -> Media | None:
    """The media object added as `name` (with or without `.<kind>.json`), equal to what was added; None without one.

    Raises InvalidMetadata or InvalidName (both ValueError) for a record that cannot be right: malformed, of another
    kind than its file's name says, naming files that are not there or outside of the artifact.
    """
    for path, kind in _candidates(name):
        if path in entries.loaded:
            return _loaded_before(entries, path)
        try:
            content = entries.read(path)
        except KeyError:
            continue
        entries.loaded[path] = None
        found = from_record(parse_record(content, path), entries, kind=kind)
        entries.loaded[path] = found
        return found
    return None


def _loaded_before(entries: EntryReader, path: str) -> Media:
    found = entries.loaded[path]
    if found is None:
        raise InvalidMetadata(f"{shown(path)} is a media record that names itself")
    return found


def from_record(record: JsonObject, entries: EntryReader, *, kind: str | None = None) -> Media:
    """The media object that `record` describes; `kind` is what it must be."""
    found = record.get("_type")
    if found not in KINDS or (kind is not None and found != kind):
        raise InvalidMetadata(
            f"A media record says it is {shown(str(found))}, not {shown(str(kind or 'known'))}"
        )
    return class_of(str(found)).from_artifact(record, entries)


def class_of(kind: str) -> type[Media]:
    """The class of a kind, loaded when it is first needed."""
    module, _, name = KINDS[kind].partition(":")
    found: type[Media] = getattr(import_module(module), name)
    return found


def describe(media: Media, target: object) -> Record:
    """The record of `media`; a draft artifact takes its files in, for anything else they go nowhere."""
    draft = getattr(target, "draft", None)
    if not isinstance(draft, Draft):
        return media.to_run(_NoFiles())
    files = _DraftFiles(draft)
    record = media.to_artifact(files)
    draft.put_all(list(files.entries.values()), overwrite=True)
    return record


def _with_kind(name: str, kind: str) -> str:
    ending = f".{kind}.json"
    return name if name.endswith(ending) else name + ending


def _candidates(name: str) -> Iterator[tuple[str, str]]:
    try:
        plain = check_entry_path(name)
    except InvalidName:
        return
    for kind in KINDS:
        yield _with_kind(plain, kind), kind


class _DraftFiles:
    """Stores bytes at once and gathers the entries, which get into the draft together."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.entries: dict[str, Entry] = {}

    def keep(self, folder: str, content: bytes, suffix: str) -> str:
        repository = self._draft.repository
        blob = ingest_bytes(repository, content, suffix[suffix.rindex(".") :])
        repository.publish_if_large()
        path = f"{folder}/{blob.digest.hex()[:_DIGEST_CHARS]}{suffix}"
        self.entries[path] = Entry(path, blob.digest, blob.size_bytes)
        return path

    def add(self, media: Media, folder: str) -> KeptRecord:
        path = self.keep(folder, encode_record(media.to_artifact(self)), f".{media.kind}.json")
        return KeptRecord(path=path, digest=self.entries[path].digest.hex())

    def put_record(self, record: Record, path: str) -> Entry:
        blob = ingest_bytes(self._draft.repository, encode_record(record), ".json")
        entry = Entry(path, blob.digest, blob.size_bytes)
        self.entries[path] = entry
        return entry


class _NoFiles:
    """For a description alone."""

    def keep(self, folder: str, content: bytes, suffix: str) -> str:
        del content
        return f"{folder}/not-logged-yet{suffix}"


def encode_record(record: Any) -> bytes:
    """A record as it is stored: the same content always gives the same bytes."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
