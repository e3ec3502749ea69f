"""What an error of the operating system means for a store."""

import errno
import os

from localart.errors import BlobDamaged, StoreDamaged, StoreError, StoreFull, StoreReadOnly

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR}
_NO_WRITING = {errno.EROFS, errno.EACCES, errno.EPERM}


def store_error(error: OSError, doing: str) -> StoreError:
    """The StoreError that says for users what went wrong while `doing`; raise it from `error`."""
    if error.errno in _NO_SPACE:
        return StoreFull(
            f"No space is left for {doing}",
            hint="free some space (`localart rm --now` removes versions) and log again",
        )
    if error.errno in _NO_WRITING:
        return StoreReadOnly(
            f"The store may not be written: {doing} was refused",
            hint="check the store folder's owner and mode",
        )
    if error.errno in _NO_FOLDER:
        return StoreDamaged(
            f"A folder of the store is missing: {doing} failed",
            hint="put back the store's packs/ and tmp/ as they were, or call localart.init() again",
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return StoreError(
        f"The disk failed while {doing}: {reason}", hint="check the disk, then run `localart verify`"
    )


def damaged(pack: str, start: int, reason: str) -> BlobDamaged:
    """The error for bytes at `start` of `pack` that are not what was written."""
    return BlobDamaged(
        f"Pack {pack} is damaged at byte {start}: {reason}",
        hint="run `localart verify`, then `localart repair`",
    )
