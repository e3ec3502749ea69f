"""References: entries whose bytes stay where they are. Adding one never touches the network."""

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from localart.draft.content import path_prefix
from localart.draft.draft import Draft
from localart.errors import InvalidName, SourceMissing
from localart.files.hashing import digest_of_source
from localart.files.source import open_source
from localart.files.tree import walk_tree
from localart.files.uri import absolute_uri, is_file_uri, local_path, uri_below
from localart.manifest import reference_digest
from localart.model import Entry, Reference
from localart.names import check_entry_path, check_uri, shown
from localart.repository import Repository
from localart.repository.own_files import refuse_own, without_store

MAX_REFERENCES = 10_000_000
_WEB = ("http", "https")
_BUCKETS = ("s3", "gs")


def add_reference(
    draft: Draft, uri: str, name: str | None, *, checksum: bool = True, max_objects: int | None = None
) -> list[Entry]:
    """Record where bytes live without storing them. Never touches the network.

    A `file://` file or folder is read once for its checksum (unless `checksum` is False, when only the address
    counts); a folder gives one entry a file, at most `max_objects`. Any other scheme is recorded as it stands,
    also where it means a folder of a bucket. One that is neither of the web nor of a bucket needs a name.
    """
    check_uri(uri)
    draft.refuse_sealed()
    if is_file_uri(uri):
        limit = MAX_REFERENCES if max_objects is None else max_objects
        entries = list(
            _file_references(draft.repository, absolute_uri(uri), name, checksum=checksum, limit=limit)
        )
    else:
        entries = [_remote_reference(uri, name, checksum=checksum)]
    draft.put_all(entries)
    return entries


def _remote_reference(uri: str, name: str | None, *, checksum: bool) -> Entry:
    path = name or _name_of(uri, _taken_apart(uri), checksum=checksum)
    return Entry(check_entry_path(path), reference_digest(uri, None, ""), 0, Reference(uri))


def _taken_apart(uri: str) -> SplitResult:
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise InvalidName(f"Reference {shown(uri)} is no address: {error}", hint="check it") from error


def _name_of(uri: str, address: SplitResult, *, checksum: bool) -> str:
    """W&B's names: the last part of the path; of a bucket's object without checksum, its whole key."""
    scheme = address.scheme.lower()
    path = unquote(address.path).strip("/")
    if scheme in _BUCKETS:
        return (posixpath.basename(path) if checksum else path) or address.netloc
    if scheme in _WEB and path:
        return posixpath.basename(path)
    if scheme in _WEB:
        raise InvalidName(f"Reference {shown(uri)} names no file", hint="pass name=…")
    raise InvalidName(f"Reference {shown(uri)} has a scheme that tells no name", hint="pass name=…")


def _file_references(
    repository: Repository, uri: str, name: str | None, *, checksum: bool, limit: int
) -> Iterator[Entry]:
    local = local_path(uri)
    try:
        found = os.stat(local)  # noqa: PTH116
    except OSError as error:
        raise SourceMissing(f"Reference {shown(uri)} points to nothing", hint="check the path") from error
    if not stat.S_ISDIR(found.st_mode):
        refuse_own(repository, local)
        yield _file_reference(uri, local, name or Path(local).name, checksum=checksum)
        return
    inside = path_prefix(name)
    for count, file in enumerate(without_store(repository, walk_tree(local), local), start=1):
        if count > limit:
            raise InvalidName(f"{shown(uri)} holds more than {limit} files", hint="raise max_objects")
        path = check_entry_path(inside + file.path)
        yield _file_reference(uri_below(uri, file.path), file.absolute, path, checksum=checksum)


def _file_reference(uri: str, local: str, path: str, *, checksum: bool) -> Entry:
    entry_path = check_entry_path(path)
    with open_source(local) as source:
        size = source.size_bytes
        if not checksum:
            return Entry(entry_path, reference_digest(uri, None, ""), size, Reference(uri, size))
        digest = "blake3:" + digest_of_source(source).hex()
        source.check_unchanged()
    return Entry(entry_path, reference_digest(uri, size, digest), size, Reference(uri, size, digest))
