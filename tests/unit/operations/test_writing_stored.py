"""Stored contents below a target: exact, wherever and in whatever order their bytes lie."""

import os
import random
import tracemalloc

import pytest

import localart
from localart.catalog import blob_runs
from localart.errors import BlobDamaged, BlobMissing
from localart.files.target import TargetFolder
from localart.model import BlobRef, Entry
from localart.operations import write_stored
from localart.operations.write_stored import SmallFiles, write_large
from localart.progress import SILENCE

MIB = 1 << 20


@pytest.fixture
def repository():
    return localart.Api().repository


def log(files: dict[str, bytes]) -> list[Entry]:
    with localart.init(project="p") as run:
        artifact = localart.Artifact("data", "dataset")
        for path, content in files.items():
            with artifact.new_file(path, "wb") as file:
                file.write(content)
        logged = run.log_artifact(artifact)
    return [Entry(entry.path, bytes.fromhex(entry.digest), entry.size) for entry in logged.manifest]


def shuffled_blocks(seed: int) -> bytes:
    """Blocks that come again in another order, so that one frame serves several places of the file."""
    rng = random.Random(1)
    blocks = [rng.randbytes(300_000) for _ in range(6)]
    return b"".join(random.Random(seed).choices(blocks, k=20))


@pytest.fixture(params=[64 << 20, 100_000, 1_000_000], ids=["one window", "many", "few"])
def window(request, monkeypatch):
    monkeypatch.setattr(blob_runs, "WINDOW_BYTES", request.param)


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize("seed", range(3))
def test_a_large_file_of_repeated_blocks_is_written_exactly(repository, tmp_path, seed):
    content = shuffled_blocks(seed)
    log({"before": shuffled_blocks(seed + 10)})
    (entry,) = log({"x": content})

    with TargetFolder.open(tmp_path) as target:
        stat = write_large(repository, target, entry, SILENCE)

    assert stat == os.lstat(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == content


@pytest.mark.usefixtures("window")
def test_a_file_edited_in_its_middle_is_written_exactly(repository, tmp_path):
    """Fails when chunks of one frame that keep their distance pass for neighbours, whatever lies between them."""
    content = bytearray(random.Random(3).randbytes(900_000))
    log({"x": bytes(content)})
    content[450_000:450_004] = b"edit"
    (entry,) = log({"x": bytes(content)})

    with TargetFolder.open(tmp_path) as target:
        write_large(repository, target, entry, SILENCE)

    assert (tmp_path / "x").read_bytes() == content


@pytest.mark.usefixtures("window")
def test_runs_are_as_few_as_the_frames_allow_and_make_up_the_blob(repository):
    (entry,) = log({"x": random.Random(4).randbytes(5 * MIB)})

    windows = list(blob_runs.iter_runs(repository.read(), BlobRef(entry.digest, entry.size_bytes)))

    runs = [run for window in windows for run in window]
    assert all(windows)
    assert sum(run.stop - run.start for run in runs) == 5 * MIB
    assert len(runs) <= len(windows) * 2 + 6


def test_a_small_blob_is_one_run(repository):
    (entry,) = log({"x": b"abc"})

    ((run,),) = blob_runs.iter_runs(repository.read(), BlobRef(entry.digest, 3))

    assert run.stop - run.start == 3


def test_a_blob_the_catalog_does_not_know_is_missing(repository, tmp_path):
    log({"x": b"abc"})
    unknown = Entry("x", b"\1" * 32, 5 * MIB)

    with TargetFolder.open(tmp_path / "out") as target, pytest.raises(BlobMissing):
        write_large(repository, target, unknown, SILENCE)

    assert list((tmp_path / "out").iterdir()) == []


def test_runs_in_the_wrong_order_are_found_out_and_nothing_is_left(repository, tmp_path, monkeypatch):
    (entry,) = log({"x": random.Random(5).randbytes(9 * MIB)})
    told = blob_runs.iter_runs
    monkeypatch.setattr(
        blob_runs, "iter_runs", lambda *given: ([*reversed(window)] for window in told(*given))
    )

    with TargetFolder.open(tmp_path) as target, pytest.raises(BlobDamaged, match="is not what it was"):
        write_large(repository, target, entry, SILENCE)

    assert not (tmp_path / "x").exists()


def test_a_pack_that_stays_away_is_missing_and_one_that_comes_back_is_read(repository, tmp_path, store):
    entries = log({"large": random.Random(6).randbytes(3 * MIB), "small": b"abc"})
    (pack,) = (store / "packs").iterdir()
    away = tmp_path / "away"
    pack.rename(away)
    repository.reader.close()

    with TargetFolder.open(tmp_path / "out") as target:
        with pytest.raises(BlobMissing):
            write_large(repository, target, entries[0], SILENCE)
        with pytest.raises(BlobMissing):
            list(SmallFiles(repository, target, entries[1:]).results())
        away.rename(pack)
        write_large(repository, target, entries[0], SILENCE)

    assert (tmp_path / "out" / "large").stat().st_size == 3 * MIB


def test_what_a_prune_moved_meanwhile_is_looked_for_again(repository, tmp_path, monkeypatch):
    """Fails when a missing pack is final at once."""
    large = random.Random(7).randbytes(3 * MIB)
    entries = log({"large": large, **{f"s{number}": b"%d" % number for number in range(20)}})
    told, pieces, calls = blob_runs.iter_runs, blob_runs.whole_pieces, []

    def once(found):
        calls.append(found)
        if len(calls) == 1:
            raise BlobMissing("Pack 0 is missing")
        return found

    monkeypatch.setattr(blob_runs, "iter_runs", lambda *given: once(told(*given)))
    hand_out = repository.reader.hand_out
    gone = iter([True])

    def handed(found, task):
        def fails(contents):
            if next(gone, False):
                raise BlobMissing("Pack 0 is missing")
            return task(contents)

        return hand_out(found, fails)

    monkeypatch.setattr(repository.reader, "hand_out", handed)
    places = iter([[], None])
    monkeypatch.setattr(
        blob_runs,
        "whole_pieces",
        lambda *given: pieces(*given) if next(places, None) is None else pieces(*given)[::-1],
    )

    with TargetFolder.open(tmp_path) as target:
        write_large(repository, target, entries[0], SILENCE)
        written = [
            entry.path for some in SmallFiles(repository, target, entries[1:]).results() for entry, _ in some
        ]

    assert (tmp_path / "large").read_bytes() == large
    assert sorted(written) == sorted(entry.path for entry in entries[1:])


def test_small_files_of_several_pieces_are_written_too(repository, tmp_path):
    """No writer makes such; fails by an endless loop when only those of one piece are."""
    content = random.Random(9).randbytes(2 * MIB)
    entries = log({"x": content, "y": b"abc"})

    with TargetFolder.open(tmp_path) as target:
        written = [
            entry.path for some in SmallFiles(repository, target, entries).results() for entry, _ in some
        ]

    assert sorted(written) == ["x", "y"]
    assert (tmp_path / "x").read_bytes() == content


def test_nothing_is_written_any_more_once_small_files_are_stopped(repository, tmp_path):
    entries = log({f"d{number % 7}/f{number}.{number % 11}": os.urandom(3000) for number in range(400)})

    with TargetFolder.open(tmp_path) as target:
        files = SmallFiles(repository, target, entries)
        files.stop()
        before = sorted(tmp_path.rglob("*"))

    assert sorted(tmp_path.rglob("*")) == before
    assert not [path for path in before if path.name.startswith(".localart-")]


def test_memory_stays_the_same_however_large_the_file(repository, tmp_path, monkeypatch):
    """Fails when all places of a file are looked up at once: 100 GB would take 400 MB."""
    monkeypatch.setattr(blob_runs, "WINDOW_BYTES", MIB)
    (entry,) = log({"x": random.Random(8).randbytes(60 * MIB)})
    with TargetFolder.open(tmp_path) as target:
        write_large(repository, target, entry, SILENCE)  # buffers are there now
        held = []
        plain = write_stored.blob_runs.iter_runs

        def watched(*given):
            for window in plain(*given):
                held.append(len(window))
                yield window

        monkeypatch.setattr(write_stored.blob_runs, "iter_runs", watched)
        tracemalloc.start()
        write_large(repository, target, entry, SILENCE)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert len(held) > 40
    assert max(held) <= 4
    assert peak < 30 * MIB
