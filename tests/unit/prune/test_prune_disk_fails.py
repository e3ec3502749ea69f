"""A pack that the disk does not let be opened is not taken for one that somebody writes to."""

import errno
import os

import pytest

from localart.errors import StoreError, StoreReadOnly
from localart.store import disposal

PACK = "0" * 32


@pytest.mark.parametrize(("code", "kind"), [(errno.EIO, StoreError), (errno.EROFS, StoreReadOnly)])
def test_a_pack_that_cannot_be_opened_is_an_error_and_not_busy(tmp_path, monkeypatch, code, kind):
    def refuse(path, flags):
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(disposal.os, "open", refuse)

    with pytest.raises(kind, match=PACK), disposal.claimed_pack(tmp_path, PACK):
        pass


def test_a_pack_that_is_gone_is_nobodys(tmp_path):
    with disposal.claimed_pack(tmp_path, PACK) as is_mine:
        assert not is_mine
