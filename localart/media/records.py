"""Read what describes media inside an artifact. Records may be forged: nothing in them is believed unchecked."""

import json
from collections.abc import Mapping
from typing import Any

from localart.errors import InvalidMetadata
from localart.media.base import Encoded, EntryReader
from localart.model import JsonObject
from localart.names import check_entry_path, shown

MAX_RECORD_BYTES = 1 << 30
"""A table of 200,000 rows may well take hundreds of megabytes."""

_MAX_ENDINGS = 32


def read_record(entries: EntryReader, path: str) -> JsonObject:
    """The JSON object in the file at `path`. KeyError when there is none, InvalidMetadata for anything else."""
    return parse_record(entries.read(path), path)


def parse_record(content: bytes, path: str) -> JsonObject:
    """The JSON object that `content` is; `path` is only for messages."""
    if len(content) > MAX_RECORD_BYTES:
        raise InvalidMetadata(f"{shown(path)} has {len(content):,} bytes, too many for a media record")
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidMetadata(f"{shown(path)} is not a media record: {_short(error)}") from error
    if not isinstance(record, dict):
        raise InvalidMetadata(f"{shown(path)} is not a media record: it holds no JSON object")
    return record


def _short(error: BaseException) -> str:
    return "it is nested too deep" if isinstance(error, RecursionError) else shown(str(error), 200)


def read_file_of(record: JsonObject, entries: EntryReader) -> bytes:
    """The bytes of the file that `record` names; a path that leads out of the artifact is InvalidName."""
    return read_named(entries, text_in(record, "path"))


def read_named(entries: EntryReader, path: str) -> bytes:
    """The bytes of the file at `path`, which some record names: InvalidMetadata when it is not there."""
    checked = check_entry_path(path)
    try:
        return entries.read(checked)
    except KeyError as error:
        raise InvalidMetadata(
            f"A media record names the file {shown(checked)}, which is not there"
        ) from error


def encoded_in(record: JsonObject, entries: EntryReader) -> Encoded:
    """The file that `record` names, with all endings of its name."""
    path = path_in(record)
    _, dot, endings = path.rpartition("/")[2].partition(".")
    is_usual = bool(dot) and 0 < len(endings) <= _MAX_ENDINGS
    return Encoded(data=read_named(entries, path), suffix=f".{endings}" if is_usual else ".bin")


def path_in(record: JsonObject, key: str = "path") -> str:
    """The path that `record` holds, inside the artifact for sure."""
    return check_entry_path(text_in(record, key))


def text_in(record: JsonObject, key: str) -> str:
    """The text at `key`."""
    text: str = _typed(record, key, str, "text")
    return text


def list_in(record: JsonObject, key: str) -> list[Any]:
    """The list at `key`."""
    items: list[Any] = _typed(record, key, list, "a list")
    return items


def object_in(record: JsonObject, key: str) -> JsonObject:
    """The object at `key`; an empty one when there is none."""
    return _typed(record, key, dict, "an object") if record.get(key) is not None else {}


def text_or_none(record: JsonObject, key: str) -> str | None:
    """The text at `key`, or None when there is nothing."""
    return text_in(record, key) if record.get(key) is not None else None


def as_object(value: object, where: str) -> Mapping[str, Any]:
    """`value` when it is a JSON object."""
    if not isinstance(value, dict):
        raise InvalidMetadata(f"A media record holds no object where {shown(where)} should be")
    return value


def _typed(record: JsonObject, key: str, wanted: type, name: str) -> Any:
    value = record.get(key)
    if not isinstance(value, wanted):
        raise InvalidMetadata(
            f"A media record of type {shown(str(record.get('_type')))} has no {name} at {shown(key)}"
        )
    return value
