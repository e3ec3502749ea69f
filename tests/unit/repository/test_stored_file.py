"""Stored contents as files: whatever is read of them is what was stored."""

import io
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import localart
from localart.errors import StoreDamaged
from localart.model import BlobRef
from localart.repository.opening import close_all, default_repository
from localart.repository.stored_file import open_stored

LARGE = random.Random(1).randbytes(3_000_000)
SMALL = b"a few bytes"


@pytest.fixture
def stored():
    with localart.init(project="p") as run:
        artifact = localart.Artifact("ds", type="dataset")
        for path, content in {"large": LARGE, "small": SMALL, "empty": b""}.items():
            with artifact.new_file(path, "wb") as file:
                file.write(content)
        run.log_artifact(artifact)
    entries = {entry.path: entry for entry in artifact.manifest}
    return {path: BlobRef(bytes.fromhex(entry.digest), entry.size) for path, entry in entries.items()}


@pytest.mark.parametrize(("path", "content"), [("large", LARGE), ("small", SMALL), ("empty", b"")])
def test_a_file_is_read_from_front_to_back(stored, path, content):
    with open_stored(default_repository(), stored[path]) as file:
        assert file.read() == content
        assert file.read() == b""


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, len(LARGE) + 9), st.integers(0, 400_000)), max_size=12))
def test_it_is_read_wherever_it_is_sought(stored, steps):
    oracle = io.BytesIO(LARGE)
    with open_stored(default_repository(), stored["large"]) as file:
        for offset, length in steps:
            assert file.seek(offset) == oracle.seek(offset)
            assert file.read(length) == oracle.read(length)
            assert file.tell() == oracle.tell()


def test_it_is_sought_from_its_end_and_not_before_its_start(stored):
    with open_stored(default_repository(), stored["small"]) as file:
        file.seek(-5, io.SEEK_END)
        assert file.read() == SMALL[-5:]
        with pytest.raises(ValueError, match="no byte -1"):
            file.seek(-1)
        assert not file.writable()


def test_reading_goes_on_when_a_prune_has_moved_the_bytes(stored, store):
    from localart.operations.prune import execute_prune

    with localart.init(project="p") as run:
        ballast = localart.Artifact("ballast", type="dataset")
        with ballast.new_file("b", "wb") as file:
            file.write(random.Random(2).randbytes(2_000_000))
        run.log_artifact(ballast)
    packs = set((store / "packs").iterdir())
    with open_stored(default_repository(), stored["large"]) as file:
        assert file.read(10) == LARGE[:10]
        ballast.delete(delete_aliases=True)
        execute_prune(default_repository(), trash_seconds=0)
        assert not packs & set((store / "packs").iterdir())

        file.seek(1_000_000)
        assert file.read() == LARGE[1_000_000:]


def test_a_damaged_part_is_an_error_and_the_others_can_be_read(stored, store):
    close_all()
    (pack,) = (store / "packs").iterdir()
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.write_bytes(content)

    with open_stored(default_repository(), stored["large"]) as file:
        assert file.read(1000) == LARGE[:1000]
        with pytest.raises(StoreDamaged):
            file.read()


def test_only_what_is_read_is_decoded(stored, monkeypatch):
    from localart.store import reader

    decoded = []
    plain = reader.decompress
    monkeypatch.setattr(reader, "decompress", lambda *given: decoded.append(given[2]) or plain(*given))

    with open_stored(default_repository(), stored["large"]) as file:
        began = time.perf_counter()
        file.read(1000)
        assert time.perf_counter() - began < 1

    assert sum(decoded) < len(LARGE) / 2


def test_an_open_file_has_no_handle_to_map_and_a_downloaded_one_has(stored, tmp_path):
    import mmap

    artifact = localart.Api().artifact("p/ds:latest")
    with artifact.open("large") as file, pytest.raises(io.UnsupportedOperation):
        file.fileno()

    path = artifact.get_entry("large").download(tmp_path / "out")
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[1_000_000:1_000_010] == LARGE[1_000_000:1_000_010]
