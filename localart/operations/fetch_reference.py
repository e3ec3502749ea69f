"""Bring the bytes a reference leads to: files of this machine by copying, others only when the user asks for it.

`http` and `https` are read by Python itself, every other scheme by fsspec, if that is installed: it knows s3, gs,
abfs, hdfs and more. Nothing is fetched when a reference is added, and nothing is kept in the store.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlsplit

from localart.errors import NotLocalError, SourceChanged, SourceError, SourceMissing
from localart.files.refusals import target_error
from localart.files.source import StableFile, open_source
from localart.files.uri import is_file_uri, local_path
from localart.model import Entry, Reference
from localart.names import shown
from localart.records import dataclass

if TYPE_CHECKING:
    from localart.files.target import TargetFolder

CHECKSUM = "blake3:"
_PIECE_BYTES = 1 << 20
_PATIENCE_SECONDS = 60
_LEAVE_OUT = "pass allow_missing_references=True to leave it out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What a download may do about references. `network`: bring those that lead away from this machine."""

    network: bool = False
    allow_missing: bool = False


def fetch_reference(target: "TargetFolder", entry: Entry, fetching: Fetching) -> int:
    """Make the entry's file in `target` what its reference leads to; how many bytes that was.

    Raises SourceMissing, SourceChanged when it is not what was referenced (as far as that is known), NotLocalError
    when it may not or cannot be fetched, SourceError when fetching fails.
    """
    reference = entry.reference
    assert reference is not None
    if not is_file_uri(reference.uri):
        return _fetch_remote(target, entry, reference, fetching)
    with _open_file(entry, reference) as source:
        target.write(entry.path, _checked(source, reference, entry.path), size_bytes=source.size_bytes)
        return source.size_bytes


# --- files of this machine -----------------------------------------------------------------------------


def _open_file(entry: Entry, reference: Reference) -> StableFile:
    try:
        return open_source(local_path(reference.uri))
    except SourceMissing as error:
        raise SourceMissing(
            f"The file behind {shown(entry.path)}, {shown(reference.uri, 300)}, does not exist any more",
            hint=f"put it back, or {_LEAVE_OUT}",
        ) from error


def _checked(source: StableFile, reference: Reference, path: str) -> Iterator[bytes]:
    """The file's bytes; SourceChanged before the last piece unless they are what was referenced."""
    from blake3 import blake3

    hasher = blake3()
    waiting = b""
    for offset in range(0, source.size_bytes, _PIECE_BYTES):
        if waiting:
            yield waiting
        buffer = bytearray(min(_PIECE_BYTES, source.size_bytes - offset))
        source.read_at(memoryview(buffer), offset)
        hasher.update(buffer)
        waiting = bytes(buffer)
    source.check_unchanged()
    if reference.checksum and reference.checksum != CHECKSUM + hasher.hexdigest():
        raise SourceChanged(
            f"The file behind {shown(path)}, {shown(reference.uri, 300)}, is no longer the one that was referenced",
            hint=f"put that one back, or {_LEAVE_OUT}",
        )
    if waiting:
        yield waiting


# --- anything else -------------------------------------------------------------------------------------


def _fetch_remote(target: "TargetFolder", entry: Entry, reference: Reference, fetching: Fetching) -> int:
    if not fetching.network:
        raise NotLocalError(
            f"{shown(entry.path)} is a reference to {shown(reference.uri, 300)}, which localart fetches only when"
            " you say so",
            hint=f"set LOCALART_FETCH_REFERENCES=1, pass fetch_references=True, or {_LEAVE_OUT}",
        )
    # How long it is shows only at its end, so it first goes into a file without a name beside its place.
    with _nameless(target) as content, _opened(entry, reference) as remote:
        size = 0
        while piece := _read(remote, entry, reference):
            _write(target, content, piece)
            size += len(piece)
        if reference.size_bytes not in {None, size}:
            raise SourceChanged(
                f"{shown(reference.uri, 300)} has {size:,} bytes, not {reference.size_bytes:,} as it had",
                hint=f"reference it anew, or {_LEAVE_OUT}",
            )
        content.seek(0)
        target.write(entry.path, iter(lambda: content.read(_PIECE_BYTES), b""), size_bytes=size)
    return size


@contextmanager
def _nameless(target: "TargetFolder") -> Iterator[BinaryIO]:
    from tempfile import TemporaryFile

    try:
        file = TemporaryFile(dir=target.root)  # noqa: SIM115 - closed below
    except OSError as error:
        raise target_error(target.root, "", error) from error
    with file:
        yield cast("BinaryIO", file)


def _write(target: "TargetFolder", file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece)
        file.flush()
    except OSError as error:
        raise target_error(target.root, "", error) from error


@contextmanager
def _opened(entry: Entry, reference: Reference) -> Iterator[BinaryIO]:
    scheme = urlsplit(reference.uri).scheme.lower()
    try:
        remote = _open_web(reference.uri) if scheme in {"http", "https"} else _open_elsewhere(reference.uri)
    except OSError as error:
        raise _fetch_error(entry, reference, error) from error
    with remote:
        yield remote


def _open_web(uri: str) -> BinaryIO:
    from urllib.request import urlopen

    return cast("BinaryIO", urlopen(uri, timeout=_PATIENCE_SECONDS))  # noqa: S310 - only http and https come here


def _open_elsewhere(uri: str) -> BinaryIO:
    try:
        import fsspec
    except ImportError as error:
        raise NotLocalError(
            f"{shown(uri, 300)} cannot be fetched without the package fsspec",
            hint="pip install fsspec, and what it needs for this scheme (s3fs, gcsfs, adlfs …)",
        ) from error
    try:
        return cast("BinaryIO", fsspec.open(uri, "rb").open())
    except (
        ImportError,
        ValueError,
    ) as error:  # the scheme's own package is missing, or nobody knows the scheme
        raise NotLocalError(f"{shown(uri, 300)} cannot be fetched: {error}", hint=_LEAVE_OUT) from error


def _read(remote: BinaryIO, entry: Entry, reference: Reference) -> bytes:
    try:
        return remote.read(_PIECE_BYTES)
    except OSError as error:
        raise _fetch_error(entry, reference, error) from error


def _fetch_error(entry: Entry, reference: Reference, error: OSError) -> SourceError:
    what = f"What {shown(entry.path)} refers to, {shown(reference.uri, 300)},"
    if isinstance(error, FileNotFoundError) or getattr(error, "code", None) in {404, 410}:
        return SourceMissing(f"{what} is not there", hint=f"check the address, or {_LEAVE_OUT}")
    return SourceError(f"{what} cannot be fetched: {error}", hint=f"try again, or {_LEAVE_OUT}")
