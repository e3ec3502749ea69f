"""Files on their way into the store: they lie in its `tmp/`, so they need no room elsewhere."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from localart.disk_errors import store_error
from localart.errors import StoreFull, StoreNotFound
from localart.files.filesystem import free_bytes
from localart.modes import create_file, make_folder
from localart.names import shown
from localart.repository.repository import Repository

_ALL_BUT_NONE_BYTES = 1 << 20
_DISK_FAILED = {errno.EIO, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


@contextmanager
def scratch_file(repository: Repository, *, ending: str = "") -> Iterator[Path]:
    """The path of a new, empty file, removed when the body ends; left to be swept if the process is killed.

    Its name ends in `ending` (`.png`): many a library takes a file's format from there.
    """
    repository.catalog.refuse_read_only()
    path = repository.root / "tmp" / f"new-{repository.new_uid()}{ending}"
    try:
        if not repository.root.is_dir():
            raise StoreNotFound(
                f"The store at {shown(str(repository.root), 300)} is gone", hint="call localart.init() again"
            )
        make_folder(path.parent)
        os.close(create_file(path, os.O_WRONLY | os.O_EXCL))
    except OSError as error:
        if isinstance(error, StoreNotFound):
            raise
        raise store_error(error, "writing new content", path) from error
    try:
        yield path
    except OSError as error:
        if error.errno in _DISK_FAILED and error.filename == str(path):
            raise store_error(error, "writing new content") from error
        if _is_full(error, path):
            raise StoreFull(
                f"No space is left for a file of {shown(str(path.parent), 300)}",
                hint="free some space and write it again",
            ) from error
        raise
    finally:
        with suppress(OSError):  # it is swept one day
            path.unlink()


def _is_full(error: OSError, path: Path) -> bool:
    """Whether `error` came from writing to the file at `path`, and not to another disk or by another call."""
    if error.filename is not None:
        return False
    return error.errno == errno.EDQUOT or (
        error.errno == errno.ENOSPC and free_bytes(path.parent) < _ALL_BUT_NONE_BYTES
    )
