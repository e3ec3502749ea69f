"""A checkpoint is told from the one before it by that one's file, where it still stands, or else by the store."""

import os
import random
import struct

import pytest

import localart
from localart.repository.opening import default_repository


def weights(seed, *, moved=0):
    """300,000 floats, some of them moved a little as often as that."""
    draw = random.Random(seed)
    values = [draw.gauss(0, 1) for _ in range(300_000)]
    for step in range(moved):
        move = random.Random(step)
        values[100_000:] = [value + 1e-4 * move.gauss(0, 1) for value in values[100_000:]]
    return struct.pack(f"<{len(values)}f", *values)


@pytest.fixture
def below(monkeypatch):
    """How often earlier bytes came out of the store, a call each."""
    from localart.store.reader import BlobReader

    found = []
    plain = BlobReader.below

    def noted(reader, bases, size_bytes, **named):
        found.append(len(bases))
        return plain(reader, bases, size_bytes, **named)

    monkeypatch.setattr(BlobReader, "below", noted)
    return found


def log(path):
    with localart.init(project="p") as run:
        artifact = localart.Artifact("model", "model")
        artifact.add_file(str(path), "model.bin")
        run.log_artifact(artifact)


def logged(version):
    with localart.Api().artifact(f"p/model:{version}").open("model.bin") as file:
        return file.read()


def stored_bytes():
    packs = default_repository().root.glob("packs/**/*.pack")
    return sum(path.stat().st_size for path in packs)


def test_the_file_before_is_compared_where_it_stands(tmp_path, below):
    """Seen to fail when `_standing` answers None: all of it came out of the store."""
    (tmp_path / "1.bin").write_bytes(weights(1))
    (tmp_path / "2.bin").write_bytes(weights(1, moved=1))
    log(tmp_path / "1.bin")
    before = stored_bytes()

    log(tmp_path / "2.bin")

    assert below == []
    assert stored_bytes() - before < 0.75 * 800_000
    assert logged("v1") == (tmp_path / "2.bin").read_bytes()


def _gone(path):
    path.unlink()


def _shorter(path):
    os.truncate(path, 600_000)


def _another(path):
    """As long, and as old as far as anybody can tell."""
    stood = path.stat()
    path.write_bytes(random.Random(5).randbytes(stood.st_size))
    os.utime(path, ns=(stood.st_atime_ns, stood.st_mtime_ns))


def _a_folder(path):
    path.unlink()
    path.mkdir()


def _a_pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [_gone, _shorter, _another, _a_folder, _a_pipe])
def test_where_it_stands_no_more_the_store_knows_its_bytes(tmp_path, below, change):
    """Seen to fail when `StandingFile` trusts the file: with another file v1 came back wrong."""
    (tmp_path / "1.bin").write_bytes(weights(1))
    (tmp_path / "2.bin").write_bytes(weights(1, moved=1))
    log(tmp_path / "1.bin")
    before = stored_bytes()
    change(tmp_path / "1.bin")

    log(tmp_path / "2.bin")

    assert below != []
    assert stored_bytes() - before < 0.75 * 800_000
    assert logged("v1") == (tmp_path / "2.bin").read_bytes()
    assert logged("v0") == weights(1)


def test_a_file_that_is_written_over_is_told_from_what_it_was(tmp_path):
    path = tmp_path / "last.bin"
    for step in range(4):
        path.write_bytes(weights(1, moved=step))
        log(path)

    assert [logged(f"v{step}") == weights(1, moved=step) for step in range(4)] == [True] * 4


def test_what_was_the_content_two_versions_ago_is_found_again(tmp_path):
    path = tmp_path / "last.bin"
    for step in (0, 1, 0):
        path.write_bytes(weights(1, moved=step))
        log(path)

    assert [logged(f"v{step}") == weights(1, moved=step) for step in (0, 1)] == [True, True]
    assert logged("latest") == weights(1)


def test_text_is_not_compared_number_by_number(tmp_path, below):
    lines = [f"{number},{number * 7919 % 10007}\n" for number in range(60_000)]
    (tmp_path / "1.csv").write_text("".join(lines))
    (tmp_path / "2.csv").write_text("".join(["a,b\n", *lines]))
    log(tmp_path / "1.csv")
    (tmp_path / "1.csv").unlink()

    log(tmp_path / "2.csv")

    assert below == []
    assert logged("v1") == (tmp_path / "2.csv").read_bytes()
