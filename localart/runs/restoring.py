"""`restore`: a file that a run kept, put back into a folder and opened."""

import os
from pathlib import Path
from typing import TextIO

from localart.catalog import runs
from localart.errors import RunNotFound
from localart.model import BlobRef, RunRecord
from localart.names import check_entry_path, shown
from localart.repository import Repository


def restore_file(
    repository: Repository, run: RunRecord, name: str, *, root: str | os.PathLike[str], replace: bool
) -> TextIO | None:
    """Write the run's file `name` below `root`, unless it is there and not to be replaced, and open it to read.

    None when the run kept no such file. Killed midway: the old file, or the whole new one.
    """
    path = check_entry_path(name)
    target = Path(root) / path
    if target.exists() and not replace:
        return target.open()
    blob = runs.run_files(repository.read(), run.key).get(path)
    if blob is None:
        return None
    _write(repository, blob, root, path)
    return target.open()


def _write(repository: Repository, blob: BlobRef, root: str | os.PathLike[str], path: str) -> None:
    from localart.files.target import TargetFolder

    (layout,) = repository.layouts([blob])
    with TargetFolder.open(root) as folder:
        folder.write(path, repository.reader.stream(layout), size_bytes=blob.size_bytes)


def find_run(repository: Repository, path: str, *, project: str | None) -> RunRecord:
    """The run that `entity/project/id`, `project/id` or `id` names; RunNotFound."""
    parts = [part for part in path.strip("/").split("/") if part]
    if not 1 <= len(parts) <= 3:
        raise RunNotFound(f"{shown(path)} is not the path of a run", hint="use project/id")
    found = runs.find_run(repository.read(), parts[-2] if len(parts) > 1 else project, parts[-1])
    if found is None:
        raise RunNotFound(f"There is no run {shown(path)}", hint="see `localart runs`")
    return found
