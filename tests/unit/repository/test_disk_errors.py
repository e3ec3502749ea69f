"""What the operating system refuses is said with what was done, where, and what to do next."""

import errno
import os
from pathlib import Path

import pytest

from localart.catalog import create_catalog
from localart.catalog.lock import FileLock
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


def test_a_catalog_that_cannot_be_made_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be opened at .*localart\.db"):
        create_catalog(tmp_path / "gone" / "localart.db", now="", facts={})


def test_a_lock_whose_file_cannot_be_removed_is_let_go_all_the_same(tmp_path, monkeypatch):
    def refuse(path):
        raise OSError(errno.EIO, "text")

    lock = FileLock(tmp_path / "one.lock")
    assert lock.try_acquire()
    monkeypatch.setattr(Path, "unlink", refuse)

    lock.remove()

    assert FileLock(tmp_path / "one.lock").try_acquire()
