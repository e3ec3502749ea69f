"""The ways content gets into a draft: a file, a folder, a file that is written. A failure adds nothing."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from localart.draft.draft import REMEMBERED_PATHS, Draft
from localart.draft.earlier import earlier_files
from localart.draft.known_tree import TreeNotes, recall_tree
from localart.errors import ContentConflict, SourceError, SourceMissing
from localart.files.tree import TreeFile, walk_listings
from localart.manifest import blob_tail, split_path
from localart.model import BlobRef, Entry
from localart.names import check_entry_path, shown
from localart.progress import SILENCE, Progress
from localart.repository.ingest import ingest_files, ingest_one
from localart.repository.own_files import without_store
from localart.repository.scratch import scratch_file

if TYPE_CHECKING:
    from localart.draft.held import Tails

_ENDING = re.compile(r"(\.[A-Za-z0-9]{1,16}){1,2}\Z")
_MODE = re.compile(r"[xwa](\+|[bt]\+?|\+[bt])?")


def add_file(
    draft: Draft,
    source: str | os.PathLike[str],
    path: str | None,
    *,
    overwrite: bool = False,
    by_content: bool = False,
) -> Entry:
    """Store one file under `path` (its own name when None; with `by_content`, named by its digest)."""
    local = _text_path(source)
    entry_path = check_entry_path(path if path is not None else Path(local).name)
    draft.refuse_sealed()
    blob = ingest_one(draft.repository, local, entry_path, find_earlier=earlier_files(draft))
    if by_content:
        entry_path = _content_name(entry_path, blob)
    entry = Entry(entry_path, blob.digest, blob.size_bytes)
    return draft.put(entry, overwrite=overwrite, local_path=str(Path(local).absolute()))


def _text_path(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"a path must be a str or a Path, not {type(text).__name__}")
    return text


def _content_name(path: str, blob: BlobRef) -> str:
    """W&B's `is_tmp`: the folder and all endings stay, the name becomes the start of the digest."""
    folder, slash, name = path.rpartition("/")
    _, dot, endings = name.partition(".")
    return f"{folder}{slash}{blob.digest.hex()[:20]}{dot}{endings}"


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
    folder = _text_path(root)
    if not os.path.isdir(folder):  # noqa: PTH112
        raise _not_a_folder(folder)
    inside = path_prefix(prefix)
    draft.refuse_sealed()
    progress.start("adding files", total_bytes=0, total_files=0)
    try:
        known = recall_tree(draft, folder, inside)
        if known is not None:
            draft.note_local_paths(known.local_paths)
            progress.advance(byte_count=known.size_bytes, file_count=known.file_count)
            return known.file_count
        return _take_in(draft, folder, inside, overwrite=overwrite, progress=progress)
    finally:
        progress.finish()


def _take_in(draft: Draft, folder: str, inside: str, *, overwrite: bool, progress: Progress) -> int:
    repository = draft.repository
    notes = TreeNotes(folder, inside)
    tree: Tails = {}
    local_paths: list[tuple[str, str]] = []
    files = _named(without_store(repository, notes.files(walk_listings(folder)), folder), inside)
    for file, blob in ingest_files(repository, files, progress=progress, find_earlier=earlier_files(draft)):
        place, name = split_path(file.path)
        tree.setdefault(place, {})[name] = blob_tail(blob)
        notes.note(file.stat)
        if len(local_paths) < REMEMBERED_PATHS:
            local_paths.append((file.path, file.absolute))
    count = sum(map(len, tree.values()))
    draft.put_tree(tree, overwrite=overwrite, found=notes.found())
    draft.note_local_paths(local_paths)
    return count


def _not_a_folder(path: str) -> SourceError:
    if os.path.lexists(path):
        return SourceError(f"Path is not a folder: {shown(path, 300)}", hint="add_file takes single files")
    return SourceMissing(f"Path is not a folder: {shown(path, 300)} does not exist", hint="check the path")


def path_prefix(prefix: str | os.PathLike[str] | None) -> str:
    """What the paths of a folder begin with: nothing, or `name/`."""
    text = "" if prefix is None else os.fspath(prefix)
    return check_entry_path(text) + "/" if text not in {"", ".", "./"} else ""


def _named(files: Iterator[TreeFile], prefix: str) -> Iterator[TreeFile]:
    for file in files:
        path = check_entry_path(prefix + file.path)
        yield file if path == file.path else TreeFile(path, file.absolute, file.stat)


@contextmanager
def new_file(draft: Draft, path: str, mode: str, encoding: str | None) -> Iterator[IO[str] | IO[bytes]]:
    """A real file to write; when the body ends well, its bytes are stored under `path`.

    The file lies in the store's `tmp/` meanwhile, under a name that ends as `path` does: Pillow and others take
    the format from there. When the body raises, nothing is added.
    """
    entry_path = check_entry_path(path)
    _check_mode(mode)
    draft.refuse_sealed()
    before = draft.find(entry_path)
    if "x" in mode and before is not None:
        raise ContentConflict(
            f"The artifact already holds {shown(entry_path)}", hint="use mode 'w' to replace or 'a' to append"
        )
    repository = draft.repository
    with scratch_file(repository, ending=_ending(entry_path)) as temporary:
        if mode[0] == "a" and before is not None:
            with temporary.open("wb") as fresh:
                repository.publish()  # what a draft holds may not have its rows yet
                repository.write_blob(BlobRef(before.digest, before.size_bytes), fresh)
        with temporary.open(mode.replace("x", "w"), encoding=None if "b" in mode else encoding) as file:
            yield file
        blob = ingest_one(repository, str(temporary), entry_path, find_earlier=earlier_files(draft))
    draft.put(Entry(entry_path, blob.digest, blob.size_bytes), overwrite="x" not in mode)


def _ending(path: str) -> str:
    """`.tar.gz` of `train/images.tar.gz`; empty when it is too odd for some file system."""
    found = _ENDING.search(path)
    return found[0] if found else ""


def _check_mode(mode: str) -> None:
    if not isinstance(mode, str) or not _MODE.fullmatch(mode):
        raise ValueError(f"mode must be x, w or a, with b, t or +; not {mode!r}")
