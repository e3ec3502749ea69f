"""Which pack files prune touches, which it leaves alone, and what else it tidies."""

import os
import time
from pathlib import Path

import pytest
from prune_bench import Bench, noise

import localart
from localart.catalog.lock import FileLock
from localart.errors import BlobDamaged, StoreFull
from localart.operations import repack
from localart.operations.prune import PruneReport, execute_prune, plan_prune
from localart.operations.run_life import run_lock_path
from localart.operations.tidy import LEFTOVER_SECONDS
from localart.repository import open_repository
from localart.store.writer import BlobWriter


def small(version: int, count: int = 60) -> dict[str, bytes]:
    return {f"f{i:03}.txt": noise((i, version), 2_000).hex().encode() for i in range(count)}


def half_dead(bench: Bench) -> str:
    """One solid frame of which every second member is dead; the version that needs the others."""
    everything = small(0)
    first = bench.log(everything)
    kept = bench.log({path: content for path, content in everything.items() if int(path[1:4]) % 2}, "half")
    bench.delete(first)
    return kept


# --- what is moved -----------------------------------------------------------------------------------


def test_the_living_members_of_a_half_dead_frame_are_stored_anew(bench: Bench) -> None:
    half_dead(bench)
    before = bench.pack_bytes()

    report = bench.prune()

    assert report.packs_rewritten == 1
    assert before - bench.pack_bytes() == pytest.approx(before / 2, rel=0.1)
    bench.check()


def test_a_frame_without_dead_members_is_copied_as_it_is(bench: Bench) -> None:
    kept = bench.log(small(1))
    doomed = bench.log({"big.bin": noise("big", 900_000)}, "doomed")
    frames = bench.query("SELECT f.checksum FROM frames f JOIN blobs b ON b.frame = f.id WHERE b.size = 4000")
    bench.delete(doomed)

    bench.prune()

    assert set(bench.query("SELECT checksum FROM frames")) == set(frames)
    assert kept in bench.logged
    bench.check()


def test_a_chunk_too_long_to_be_stored_anew_moves_with_its_frame(bench: Bench) -> None:
    zeros = bytes(3_000_000)  # cut at the longest chunks there are
    first = bench.log({"zeros.bin": zeros + noise("end", 200_000), "dead.bin": noise("dead", 900_000)})
    bench.log({"zeros.bin": zeros}, "kept")
    bench.delete(first)

    bench.prune()

    bench.check()


def test_many_blobs_move_in_several_transactions(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repack, "_MOVED_BLOBS", 3)
    doomed = bench.log({"big.bin": noise("big", 900_000)}, "doomed")
    for number in range(5):
        bench.log(small(number, 10), f"line{number}")
    bench.delete(doomed)

    report = bench.prune()

    assert report.packs_rewritten == 1
    bench.check()


def test_empty_files_survive(bench: Bench) -> None:
    first = bench.log({"empty": b"", "full": noise(1, 50_000)})
    bench.log({"also empty": b""}, "other")
    bench.delete(first)

    bench.prune()

    bench.check()


def test_writing_goes_on_in_the_same_process_after_a_prune(bench: Bench) -> None:
    bench.delete(bench.log(small(0)))
    with localart.init(project="p", id="running") as run:
        run.log({"x": 1})
        bench.prune()
        run.log({"x": 2})

    bench.log(small(1))

    assert bench.query("SELECT state FROM runs WHERE run_id = 'running'") == [("finished",)]
    bench.check()


# --- what is left alone ------------------------------------------------------------------------------


def test_a_pack_that_a_live_writer_holds_waits(bench: Bench) -> None:
    bench.delete(bench.log(small(0)))
    bench.repository.release_writer()
    other = open_repository(bench.repository.root)
    with other.writing() as writer:
        writer.put([(b"claims the pack", "")])
    other.publish()
    held = bench.packs()

    report = bench.prune()

    assert report.waiting_bytes > 100_000
    assert held <= bench.packs()
    other.close()
    assert bench.prune().waiting_bytes == 0
    assert not held & bench.packs()
    bench.check()


def test_a_second_prune_at_the_same_time_does_nothing(bench: Bench) -> None:
    bench.delete(bench.log(small(0)))
    lock = FileLock(bench.repository.root / "locks" / "prune.lock")
    before = bench.pack_bytes()

    with lock.held(timeout_seconds=1):
        report = bench.prune()

    assert report == PruneReport(held_by_writers=True)
    assert bench.pack_bytes() == before
    lock.close()


def test_a_pack_with_damaged_live_bytes_stays_as_it_is_and_is_named(bench: Bench) -> None:
    kept = half_dead(bench)
    (pack,) = bench.packs()
    place = bench.query("SELECT f.start + f.stored_bytes - 5 FROM frames f JOIN blobs b ON b.frame = f.id")[
        0
    ][0]
    content = bytearray(pack.read_bytes())
    content[place] ^= 1
    pack.write_bytes(content)

    report = bench.prune()

    assert report.damaged_packs == (pack.stem,)
    assert report.waiting_bytes > 0
    assert bench.packs() == {pack}
    assert pack.read_bytes() == content
    with pytest.raises(BlobDamaged):
        bench.check()
    assert bench.query("PRAGMA foreign_keys") == [(1,)]
    assert kept in bench.logged


def test_a_full_disk_midway_leaves_everything_readable(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    half_dead(bench)
    packs = bench.packs()

    def full(*_: object) -> None:
        raise StoreFull("No space is left")

    with monkeypatch.context() as patch:
        patch.setattr(BlobWriter, "seal", full)
        with pytest.raises(StoreFull):
            bench.prune()

    assert bench.packs() == packs
    bench.check()
    bench.prune()
    assert not packs & bench.packs()
    bench.check()


def test_on_a_network_a_pack_must_lie_still_for_a_day(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.delete(bench.log(small(0)))
    monkeypatch.setattr(bench.repository, "network", True)
    (pack,) = bench.packs()

    assert bench.prune().waiting_bytes > 100_000
    assert pack.exists()

    age(pack, repack.GRACE_SECONDS + 60)
    assert bench.prune().packs_removed == 1
    assert not pack.exists()


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2, follow_symlinks=False)


# --- packs nobody knows --------------------------------------------------------------------------------


def leave_orphan(bench: Bench, *, with_record: bool = False) -> Path:
    """What a writer leaves that is killed before its first commit: bytes, maybe a record, and no row."""
    before = bench.packs()
    writer = BlobWriter(bench.repository.root, index=repack._NothingStored(), packs=tuple)
    writer.put([(noise("orphan", 100_000), "")])
    writer.seal()
    if with_record:
        payload = bytes(32).hex().encode() + b' {"seq":999}'
        writer.append_record(repack.FrameKind.JOURNAL, payload)
    os.close(writer._packs._held[0].fd)
    writer._packs._held.clear()
    (orphan,) = bench.packs() - before
    return orphan


def test_the_pack_of_a_killed_writer_goes(bench: Bench) -> None:
    bench.log(small(0))
    orphan = leave_orphan(bench)
    size = orphan.stat().st_size

    report = bench.prune()

    assert not orphan.exists()
    assert (report.packs_removed, report.freed_bytes) == (1, size)
    bench.check()


def test_an_unknown_pack_with_records_of_an_unknown_time_is_set_aside(bench: Bench) -> None:
    bench.log(small(0))
    orphan = leave_orphan(bench, with_record=True)
    content = orphan.read_bytes()

    report = bench.prune()

    assert report.packs_set_aside == 1
    assert (bench.repository.root / "quarantine" / orphan.name).read_bytes() == content
    assert not orphan.exists()


def test_the_packs_of_versions_that_an_older_catalog_does_not_know_are_never_lost(bench: Bench) -> None:
    root = bench.repository.root
    bench.log(small(0))
    localart.repository.opening.close_all()
    old = (root / "localart.db").read_bytes()
    held = [FileLock(path) for path in bench_packs(root)]
    for lock in held:
        lock.try_acquire()  # so that the next version lies in a pack of its own
    bench.log(small(1), "later")
    later = set(bench_packs(root))
    localart.repository.opening.close_all()
    for lock in held:
        lock.close()
    (root / "localart.db").write_bytes(old)
    del bench.logged["later:v0"]

    report = bench.prune()

    assert report.packs_set_aside == 1
    assert {path.name for path in (root / "quarantine").iterdir()} < {path.name for path in later}
    bench.check()


def bench_packs(root: Path) -> list[Path]:
    return list((root / "packs").iterdir())


def test_the_pack_a_writer_is_just_making_is_not_touched(bench: Bench) -> None:
    bench.log(small(0))
    newborn = bench.repository.root / "packs" / f"{'ab' * 16}.pack"
    newborn.touch()

    bench.prune()

    assert newborn.exists()


def test_an_unknown_pack_that_is_locked_is_not_touched(bench: Bench) -> None:
    bench.log(small(0))
    orphan = leave_orphan(bench)
    lock = FileLock(orphan)

    with lock.held(timeout_seconds=1):
        bench.prune()

    assert orphan.exists()
    lock.close()


# --- other leftovers -----------------------------------------------------------------------------------


def test_old_temporary_files_go_and_young_ones_stay(bench: Bench, tmp_path: Path) -> None:
    folder = bench.repository.root / "tmp"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    for name in ("new-old", "new-young"):
        (folder / name).write_text("x")
    (folder / "run-gone" / "files").mkdir(parents=True)
    (folder / "run-gone" / "files" / "link").symlink_to(outside)
    (folder / "link").symlink_to(outside)
    for name in ("new-old", "run-gone", "link"):
        age(folder / name, LEFTOVER_SECONDS + 60)

    bench.prune()

    assert sorted(os.listdir(folder)) == ["new-young"]
    assert (outside / "precious").exists()


def test_what_a_live_run_holds_stays_however_old_it_is(bench: Bench) -> None:
    source = bench.folder / "kept.txt"
    source.write_text("x")
    with localart.init(project="p") as run:
        run.save(str(source), base_path=bench.folder)
        (record,) = localart.catalog.runs.running_runs(bench.repository.read())
        folder = bench.repository.root / "tmp" / f"run-{record.uid}"
        lock = run_lock_path(bench.repository, record.uid)
        age(folder, LEFTOVER_SECONDS + 60)
        age(lock, LEFTOVER_SECONDS + 60)

        bench.prune()

        assert folder.exists()
        assert lock.exists()


def test_the_lock_of_a_run_that_ended_goes(bench: Bench) -> None:
    lock = bench.repository.root / "locks" / "run-gone.lock"
    lock.touch()
    age(lock, LEFTOVER_SECONDS + 60)

    bench.prune()

    assert not lock.exists()


def test_a_store_that_may_only_be_read_can_be_planned_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = bench.log(small(0))
    root = bench.repository.root
    localart.repository.opening.close_all()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with_reading = open_repository(root)
    assert with_reading.read_only

    plan = plan_prune(with_reading, [])

    assert plan.blob_count == 0
    with pytest.raises(localart.errors.StoreReadOnly):
        execute_prune(with_reading)
    with_reading.close()
    assert label in bench.logged
