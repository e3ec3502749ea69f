"""What an error of the operating system means for a store."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localart.errors import LocalartError, StoreDamaged, StoreError, StoreFull, StoreReadOnly
from localart.names import shown

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR}
_NO_WRITING = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def disk_errors(doing: str, place: Path | None = None) -> Iterator[None]:
    """Raise what the operating system refuses inside as the StoreError it means; localart's own errors as they are."""
    try:
        yield
    except LocalartError:
        raise
    except OSError as error:
        raise store_error(error, doing, place) from error


def store_error(error: OSError, doing: str, place: Path | None = None) -> StoreError:
    """The StoreError that says for users what went wrong while `doing`, and where; raise it from `error`."""
    at = _at(error, place)
    if error.errno in _NO_SPACE:
        return StoreFull(
            f"No space is left for {doing}{at}",
            hint="free some space (`localart rm --now` removes versions) and try again",
        )
    if error.errno in _NO_WRITING:
        return StoreReadOnly(
            f"The store may not be written: {doing} was refused{at}",
            hint="check the store folder's owner and mode, and whether its disk is mounted read-only",
        )
    if error.errno in _NO_FOLDER:
        return StoreDamaged(
            f"A folder of the store is missing: {doing} failed{at}",
            hint="put back the store's packs/ and tmp/ as they were, or call localart.init() again",
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return StoreError(
        f"The disk failed while {doing}{at}: {reason}", hint="check the disk, then run `localart verify`"
    )


def _at(error: OSError, place: Path | None) -> str:
    named = error.filename if isinstance(error.filename, str | os.PathLike) else place
    return "" if named is None else f" at {shown(os.fspath(named), 300)}"
