"""The ways content gets into a draft. Each returns the entries it made; a failure adds nothing."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from localart.draft.draft import Draft
from localart.errors import ContentConflict, InvalidName, SourceMissing
from localart.files.hashing import digest_of_source
from localart.files.source import open_source
from localart.files.tree import TreeFile, walk_tree
from localart.manifest import reference_digest
from localart.model import BlobRef, Entry, Reference
from localart.names import check_entry_path, shown
from localart.progress import SILENCE, Progress
from localart.repository.ingest import ingest_files, ingest_one

MAX_REFERENCES = 10_000_000
_REMEMBERED_PATHS = 10_000  # for `local_path`; a million of them would cost 150 MB


def add_file(
    draft: Draft,
    source: str | os.PathLike[str],
    path: str | None,
    *,
    overwrite: bool = False,
    by_content: bool = False,
) -> Entry:
    """Store one file under `path` (its own name when None; with `by_content`, named by its digest)."""
    local = os.fspath(source)
    entry_path = check_entry_path(path if path is not None else Path(local).name)
    blob = ingest_one(draft.repository, local, entry_path)
    if by_content:
        entry_path = blob.digest.hex()[:20] + Path(entry_path).suffix
    entry = Entry(entry_path, blob.digest, blob.size_bytes)
    return draft.put(entry, overwrite=overwrite, local_path=str(Path(local).absolute()))


def add_tree(
    draft: Draft,
    root: str | os.PathLike[str],
    prefix: str | None,
    *,
    overwrite: bool = False,
    progress: Progress = SILENCE,
) -> int:
    """Store every file below `root`, under `prefix` when given; how many there were.

    Names are checked before anything is read; entries are added only when all files were read.
    """
    folder = os.fspath(root)
    if not os.path.isdir(folder):  # noqa: PTH112
        raise SourceMissing(f"Path is not a folder: {shown(folder)}", hint="add_file takes single files")
    inside = check_entry_path(prefix) + "/" if prefix and prefix.strip("./") else ""
    repository = draft.repository
    added: list[Entry] = []
    local_paths: dict[str, str] = {}
    progress.start("adding files", total_bytes=0, total_files=0)
    try:
        files = _named(_without(walk_tree(folder), folder, repository.root), inside)
        for file, blob in ingest_files(repository, files, progress=progress):
            added.append(Entry(file.path, blob.digest, blob.size_bytes))
            if len(local_paths) < _REMEMBERED_PATHS:
                local_paths[file.path] = file.absolute
    finally:
        progress.finish()
    if not overwrite:
        _refuse_conflicts(draft, added)
    for entry in added:
        draft.put(entry, overwrite=overwrite, local_path=local_paths.get(entry.path))
    return len(added)


def _without(files: Iterator[TreeFile], folder: str, store: Path) -> Iterator[TreeFile]:
    """Leave out the store itself, which lies inside the folder when somebody adds `.`."""
    if not store.is_relative_to(os.path.realpath(folder)):
        return files
    inside = os.path.join(store.relative_to(os.path.realpath(folder)), "")  # noqa: PTH118
    return (file for file in files if not file.path.startswith(inside))


def _named(files: Iterator[TreeFile], prefix: str) -> Iterator[TreeFile]:
    for file in files:
        yield TreeFile(check_entry_path(prefix + file.path), file.absolute, file.stat)


def _refuse_conflicts(draft: Draft, added: list[Entry]) -> None:
    for entry in added:
        before = draft.find(entry.path)
        if before is not None and before.digest != entry.digest:
            raise ContentConflict(
                f"Cannot add {shown(entry.path)}: the artifact already holds another content at that path",
                hint="pass merge=True to replace what changed",
            )


@contextmanager
def new_file(draft: Draft, path: str, mode: str, encoding: str | None) -> Iterator[IO[str] | IO[bytes]]:
    """A real file to write; when the body ends well, its bytes are stored under `path`.

    The file lies in the store's `tmp/` meanwhile. When the body raises, nothing is added.
    """
    entry_path = check_entry_path(path)
    if not mode or mode[0] not in "xwa" or set(mode[1:]) - set("bt+"):
        raise ValueError(f"mode must be x, w or a, with b, t or +; not {mode!r}")
    before = draft.find(entry_path)
    if "x" in mode and before is not None:
        raise ContentConflict(
            f"The artifact already holds {shown(entry_path)}", hint="use mode 'w' to replace or 'a' to append"
        )
    repository = draft.repository
    temporary = repository.root / "tmp" / f"new-{repository.new_uid()}"
    try:
        with temporary.open("xb") as fresh:
            if mode[0] == "a" and before is not None:
                repository.publish()  # what a draft holds may not have its rows yet
                for layout in repository.layouts([BlobRef(before.digest, before.size_bytes)]):
                    fresh.writelines(repository.reader.stream(layout))
        with temporary.open(mode.replace("x", "w"), encoding=None if "b" in mode else encoding) as file:
            yield file
        blob = ingest_one(repository, str(temporary), entry_path)
    finally:
        temporary.unlink(missing_ok=True)
    draft.put(Entry(entry_path, blob.digest, blob.size_bytes), overwrite="x" not in mode)


# --- references --------------------------------------------------------------------------------------


def add_reference(
    draft: Draft, uri: str, name: str | None, *, checksum: bool = True, max_objects: int | None = None
) -> list[Entry]:
    """Record where bytes live without storing them. Never touches the network.

    A `file://` file or folder is read once for its checksum (unless `checksum` is False); a folder gives one
    entry a file. Any other scheme is recorded as it stands.
    """
    parts = urlsplit(uri)
    if not parts.scheme:
        raise InvalidName(
            f"Reference {shown(uri)} has no scheme", hint="for example file:///data/x.csv or s3://bucket/key"
        )
    if parts.scheme == "file":
        entries = list(_file_references(uri, name, checksum=checksum, limit=max_objects or MAX_REFERENCES))
    else:
        entries = [_remote_reference(uri, name)]
    for entry in entries:
        draft.put(entry)
    return entries


def _remote_reference(uri: str, name: str | None) -> Entry:
    path = name or Path(unquote(urlsplit(uri).path)).name
    if not path:
        raise InvalidName(f"Reference {shown(uri)} names no file", hint="pass name=…")
    return Entry(check_entry_path(path), reference_digest(uri, None, ""), 0, Reference(uri))


def _file_references(uri: str, name: str | None, *, checksum: bool, limit: int) -> Iterator[Entry]:
    local = unquote(urlsplit(uri).path)
    try:
        is_folder = stat.S_ISDIR(os.stat(local).st_mode)  # noqa: PTH116
    except OSError as error:
        raise SourceMissing(f"Reference {shown(uri)} points to nothing", hint="check the path") from error
    if not is_folder:
        yield _file_reference(uri, local, name or Path(local).name, checksum=checksum)
        return
    inside = check_entry_path(name) + "/" if name else ""
    for count, file in enumerate(walk_tree(local), start=1):
        if count > limit:
            raise InvalidName(f"{shown(uri)} holds more than {limit} files", hint="raise max_objects")
        yield _file_reference(
            f"{uri.rstrip('/')}/{file.path}", file.absolute, inside + file.path, checksum=checksum
        )


def _file_reference(uri: str, local: str, path: str, *, checksum: bool) -> Entry:
    entry_path = check_entry_path(path)
    with open_source(local) as source:
        size = source.size_bytes
        if not checksum:
            return Entry(entry_path, reference_digest(uri, None, ""), size, Reference(uri, size))
        digest = "blake3:" + digest_of_source(source).hex()
        source.check_unchanged()
    return Entry(entry_path, reference_digest(uri, size, digest), size, Reference(uri, size, digest))
