"""Digests of open files: the same as `b3sum`, whatever the size, and never of a file that moved."""

import os

import pytest
from blake3 import blake3

from localart.errors import SourceChanged, SourceError
from localart.files import hashing
from localart.files.hashing import digest_of_fd, digest_of_source
from localart.files.source import open_source


@pytest.mark.parametrize("size", [0, 1, 4096, (4 << 20) - 1, 4 << 20, (8 << 20) + 5])
def test_the_digest_is_blake3_of_all_bytes(tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)

    with open_source(tmp_path / "a") as file:
        assert digest_of_source(file) == blake3(content).digest()
        assert os.lseek(file.fd, 0, os.SEEK_CUR) == 0


def test_only_the_first_bytes_count(tmp_path):
    (tmp_path / "a").write_bytes(b"abcdef")

    with open_source(tmp_path / "a") as file:
        assert digest_of_fd(file.fd, 3) == blake3(b"abc").digest()


def test_a_known_digest(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")

    with open_source(tmp_path / "a") as file:
        digest = digest_of_source(file)

    assert digest.hex() == "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"


@pytest.mark.parametrize("content", [b"12", b"123456"])
def test_a_source_that_shrank_or_grew_has_no_digest(tmp_path, content):
    (tmp_path / "a").write_bytes(b"12345")

    with open_source(tmp_path / "a") as file:
        (tmp_path / "a").write_bytes(content)

        with pytest.raises(SourceChanged, match="a' changed while it was read"):
            digest_of_source(file)


def test_a_disk_that_fails_is_a_source_error(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    file = open_source(tmp_path / "a")
    file.close()

    with pytest.raises(SourceError, match="a' cannot be read"):
        digest_of_source(file)


def test_the_buffer_is_reused_within_a_thread():
    assert hashing._thread_buffer() is hashing._thread_buffer()
