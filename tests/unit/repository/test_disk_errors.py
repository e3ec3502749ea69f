"""What the operating system refuses is said with what was done, where, and what to do next."""

import errno
import os
from pathlib import Path

import pytest

from localart.disk_errors import disk_errors, store_error
from localart.errors import BlobMissing, StoreError, StoreFull, StoreReadOnly

PLACE = Path("/store/packs/one.pack")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EROFS, StoreReadOnly),
        (errno.EIO, StoreError),
    ],
    ids=["ENOSPC", "EDQUOT", "EROFS", "EIO"],
)
def test_an_error_of_the_disk_says_what_where_and_what_to_do(code, kind):
    with pytest.raises(kind, match=r"writing new content.* at '/store/packs/one\.pack'") as caught:
        with disk_errors("writing new content", PLACE):
            raise OSError(code, os.strerror(code))

    assert caught.value.hint


def test_the_file_the_system_named_goes_first():
    error = OSError(errno.EIO, "text", "/elsewhere")

    assert " at '/elsewhere'" in store_error(error, "reading", PLACE).message


def test_an_error_that_is_localarts_own_stays_what_it_is():
    with pytest.raises(BlobMissing, match="gone"), disk_errors("reading", PLACE):
        raise BlobMissing("gone")
