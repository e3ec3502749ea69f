"""The store's own files are not taken in, and never written over.

Opening and closing the catalog's file would drop this process's SQLite locks (a rule of POSIX), and another
process could then write into the middle of our transaction.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from localart.errors import SourceError, UnsafeTarget
from localart.files.tree import TreeFile
from localart.names import shown
from localart.repository.repository import Repository

_DATABASES = ("localart.db", "localart.db-wal", "localart.db-shm", "localart.db-journal")


def refuse_own(repository: Repository, path: str) -> None:
    """SourceError when the file at `path` is one of the store's databases."""
    if _find(Path(path)) in _own(repository):
        raise SourceError(
            f"{shown(path, 300)} is a database of the store itself",
            hint="copy the store's folder instead, when nothing uses it",
        )


def without_store(repository: Repository, files: Iterator[TreeFile], folder: str) -> Iterator[TreeFile]:
    """Leave out the store, which lies inside the folder when somebody adds `.`; SourceError for the store itself."""
    real = os.path.realpath(folder)
    if repository.root == Path(real):
        raise SourceError(f"{shown(folder, 300)} is the store itself", hint="copy that folder instead")
    own = _own(repository)
    inside = f"{repository.root.relative_to(real)}/" if repository.root.is_relative_to(real) else "/"
    return (file for file in files if not file.path.startswith(inside) and _key(file.stat) not in own)


def _own(repository: Repository) -> set[tuple[int, int]]:
    found = (_find(repository.root / name) for name in _DATABASES)
    return {key for key in found if key is not None}


def _find(path: Path) -> tuple[int, int] | None:
    try:
        return _key(path.stat())
    except (OSError, ValueError):  # not there, or a name with NUL
        return None


def _key(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def place_inside(repository: Repository, root: Path) -> str | None:
    """The entry path that the store has in a folder to be written to; None when it lies elsewhere.

    UnsafeTarget for a folder inside the store, where only a run's own folder (below `tmp/`) may be written to.
    """
    real = Path(os.path.realpath(root))
    if not real.is_relative_to(repository.root):
        return str(repository.root.relative_to(real)) if repository.root.is_relative_to(real) else None
    if (repository.root / "tmp") in real.parents:
        return None
    raise UnsafeTarget(
        f"{shown(str(root), 300)} lies inside the store, which only localart writes to",
        hint="download to another folder",
    )


def is_own_place(own: str | None, path: str) -> bool:
    """Whether an entry at `path` would lie in the store, which has the entry path `own`."""
    return own is not None and (path == own or path.startswith(own + "/"))


def refuse_own_place(own: str | None, path: str) -> None:
    """UnsafeTarget when an entry at `path` would be written into the store: an artifact may come from anybody."""
    if is_own_place(own, path):
        raise UnsafeTarget(
            f"{shown(path)} would be written into the store", hint="download to another folder"
        )
