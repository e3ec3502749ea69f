"""I2 for the packs: every read is exact or an error, verify sees all damage, repair restores all that has a copy."""

import os
import random
import shutil
import sqlite3
import struct
from collections import Counter
from pathlib import Path

import damage_bench as bench
import pytest
import zstandard
from blake3 import blake3
from xxhash import xxh3_64_intdigest

from localart.errors import BlobDamaged, BlobMissing
from localart.model import BlobRef, Digest, FramePlace
from localart.operations.repair import RepairReport, execute_repair, plan_repair
from localart.operations.verify import Code, verify_store
from localart.repository import open_repository
from localart.store.checking import payload_of
from localart.store.codecs import decompress
from localart.store.frames import FrameKind, OnDamage, encode_frame, read_frame, scan_pack


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with everything in it, differences too; its files lie beside it."""
    folder = tmp_path_factory.mktemp("damage")
    with bench.logging_to(folder):
        held = bench.fill(folder / "files")
    for label, files in held.items():
        for path, content in files.items():
            place = folder / "source" / label.replace(":", "-") / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    return folder / "store"


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of it to be harmed."""
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy"


def repaired(root: Path, *places: Path) -> RepairReport:
    """What repair did."""
    repository = open_repository(root, create=False)
    try:
        return execute_repair(repository, plan_repair(repository), places=places)
    finally:
        repository.close()


# --- any harm ------------------------------------------------------------------------------------------


def sweep(whole: Path, copy: Path, cases: list[tuple[bench.Harm, int]]) -> Counter[str]:
    """Harm a pack in each way, look, and repair it from the whole store."""
    right = bench.answers(whole)
    tally: Counter[str] = Counter()
    for harm, seed in cases:
        shutil.rmtree(copy)
        shutil.copytree(whole, copy)
        dice = random.Random(f"{harm.name}-{seed}")
        pack = dice.choice(bench.packs_of(copy))
        before = pack.read_bytes()
        bench.harm_file(pack, harm, dice)
        is_harmed = pack.read_bytes()[: len(before)] != before
        found = bench.answers(copy)
        tally["harmed"] += is_harmed
        tally["silent"] += bool(bench.wrong_answers(right, found))
        tally["refused"] += found != right
        tally["missed"] += is_harmed and verify_store(copy, data=True).is_sound
        if is_harmed:
            report = repaired(copy, whole)
            tally["repaired"] += report.is_sound and bench.answers(copy) == right
    return tally


@pytest.mark.parametrize("harm", bench.HARMS, ids=lambda harm: harm.name)
def test_harm_to_a_pack_is_never_silent_and_is_repaired_from_a_copy(
    whole: Path, copy: Path, harm: bench.Harm
) -> None:
    """Fails when `repair_content._look` does not tell what is damaged."""
    tally = sweep(whole, copy, [(harm, seed) for seed in range(4)])

    assert not tally["silent"]
    assert not tally["missed"]
    assert tally["repaired"] == tally["harmed"]


@pytest.mark.sweep
@pytest.mark.timeout(3_000)
def test_sixteen_hundred_harms_to_packs_are_found_and_repaired(whole: Path, copy: Path) -> None:
    """Fails when `repair_content._look` does not tell what is damaged."""
    cases = [(harm, seed) for harm in bench.HARMS for seed in range(400)]

    tally = sweep(whole, copy, cases)

    print(
        f"packs: {tally['harmed']:,} harms, {tally['refused']} refused reads, {tally['missed']} missed by verify,"
        f" {tally['silent']} silent wrong answers, {tally['repaired']:,} repaired from a copy"
    )
    assert not tally["silent"]
    assert not tally["missed"]
    assert tally["repaired"] == tally["harmed"]


# --- where copies come from ------------------------------------------------------------------------------


def harm_every_frame(root: Path) -> None:
    for pack in bench.packs_of(root):
        for start, length in bench.frames_of(pack):
            bench.harm_frame(pack, start, length)


def test_a_store_without_one_sound_frame_comes_back_from_another_store(whole: Path, copy: Path) -> None:
    """Fails when `PackSource._index` passes over frames of contents."""
    harm_every_frame(copy)

    report = repaired(copy, whole)

    assert report.is_sound
    assert bench.answers(copy) == bench.answers(whole)


def test_a_store_without_one_sound_frame_comes_back_from_the_files_that_were_logged(
    whole: Path, copy: Path
) -> None:
    """Fails when large files are neither cut into chunks nor taken in whole: `_from_file` and `take_whole` do nothing.

    Each of the two alone brings them back.
    """
    harm_every_frame(copy)

    report = repaired(copy, whole.parent / "source")

    assert not bench.wrong_answers(bench.answers(whole), bench.answers(copy))
    lost = {one.holder for one in report.still_lost}
    assert {one for one in lost if not one.startswith("run:")} == {"p/gone:v0 (in the trash)"}


def test_a_pack_that_is_gone_comes_back_from_another_store(whole: Path, copy: Path) -> None:
    """Fails when a pack without a file is not let go of."""
    bench.packs_of(copy)[0].unlink()

    assert repaired(copy, whole).is_sound
    assert bench.answers(copy) == bench.answers(whole)


def test_another_version_of_a_large_file_has_most_of_its_chunks(
    whole: Path, copy: Path, tmp_path: Path
) -> None:
    """Fails when a file whose digest is not wanted is not cut into chunks."""
    (tmp_path / "other.bin").write_bytes(bench.tree(0)["large.bin"][:560_000] + b"something else")
    harm_every_frame(copy)

    report = repaired(copy, tmp_path / "other.bin")

    assert report.found_blobs > 5


def test_what_no_copy_is_found_of_is_listed_and_its_reader_told(copy: Path) -> None:
    """Fails when `forget_pack` leaves contents the place they had."""
    start, length = bench.frames_of(bench.packs_of(copy)[0])[0]
    bench.harm_frame(bench.packs_of(copy)[0], start, length)

    report = repaired(copy)

    assert not report.is_sound
    assert report.still_lost
    assert [finding.code for finding in report.after.findings if finding.is_damage] == [Code.LOST]
    repository = open_repository(copy, create=False)
    with pytest.raises(BlobMissing, match="localart repair"):
        repository.read_blob(report.still_lost[0].blob)
    repository.close()
    assert [path.name for path in (copy / "quarantine").iterdir()] == [f"{report.packs[0].pack}.pack"]


def test_logging_lost_content_again_brings_it_back(
    whole: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when content without a place counts as known (`blobs._STORED`)."""
    import localart
    from localart.repository.opening import close_all

    harm_every_frame(copy)
    assert not repaired(copy).is_sound
    monkeypatch.setenv("LOCALART_DIR", str(copy))

    with localart.init(project="again") as run:
        for place in sorted((whole.parent / "source").iterdir()):
            artifact = localart.Artifact(f"again-{place.name}", "dataset")
            artifact.add_dir(place)
            run.log_artifact(artifact)
    close_all()

    now, right = bench.answers(copy), bench.answers(whole)
    labels = [key for key in right if ":" in key]
    assert {key: now[key] for key in labels} == {key: right[key] for key in labels}


def test_a_damaged_base_takes_its_differences_along_and_gives_them_back(whole: Path, copy: Path) -> None:
    """Fails when `needed_by` looks at deleted versions instead of committed ones."""
    connection = sqlite3.connect(copy / "localart.db")
    base = connection.execute(
        "SELECT p.name, f.start, f.stored_bytes FROM frame_bases s JOIN blobs b ON b.id = s.chunk"
        " JOIN frames f ON f.id = b.frame JOIN packs p ON p.id = f.pack WHERE f.depth = 0 ORDER BY s.frame DESC"
    ).fetchone()
    connection.close()
    bench.harm_frame(copy / "packs" / f"{base[0]}.pack", *base[1:])

    touched = {name for finding in verify_store(copy, data=True).findings for name in finding.versions}

    assert {f"p/model:v{number}" for number in range(3)} <= touched
    assert repaired(copy, whole).is_sound
    assert bench.answers(copy) == bench.answers(whole)


def test_records_that_a_pack_lost_are_written_again(copy: Path) -> None:
    """Fails when `RecordsSeen.has_record` says yes to all."""
    pack = bench.packs_of(copy)[0]
    before = records_in(copy)
    for kind in (FrameKind.JOURNAL, FrameKind.MANIFEST):
        bench.harm_frame(pack, *bench.frames_of(pack, kind)[1])

    assert repaired(copy).is_sound
    assert verify_store(copy, data=True).is_sound
    assert records_in(copy) == before


def records_in(root: Path) -> set[bytes]:
    """The journal's records in the packs."""
    return {
        line
        for pack in bench.packs_of(root)
        for found in scan_pack(pack, on_damage=OnDamage.SKIP)
        if found.kind is FrameKind.JOURNAL
        for line in payload_of(pack.stem, found).splitlines()
    }


# --- forged frames -----------------------------------------------------------------------------------------


def forged(body: bytes, raw_bytes: int, codec: int) -> bytes:
    """A frame whose checksums are right and whose contents are what somebody wants them to be."""
    member = BlobRef(Digest(blake3(body).digest()), raw_bytes)
    _, parts = encode_frame(FrameKind.DATA, [body], codec=codec, raw_bytes=raw_bytes, members=[member])
    return b"".join(bytes(part) for part in parts)


BOMB = zstandard.ZstdCompressor(level=3).compress(bytes(64 << 20))


@pytest.mark.parametrize("codec", range(1, 7))
def test_a_bomb_is_refused_in_the_room_of_what_it_declares(codec: int) -> None:
    """Fails when `_unzstd` leaves out the comparison of the declared size."""
    import tracemalloc

    body = BOMB if codec == 1 else struct.pack("<I", len(BOMB)) * 4 + BOMB
    tracemalloc.start()

    with pytest.raises(BlobDamaged):
        decompress(codec, body, len(body) + 1_000, lambda bases, size: bytes(size))

    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4, 5, 6, 99])
def test_a_forged_frame_is_never_taken_for_what_the_catalog_names(copy: Path, codec: int) -> None:
    """Fails when `_PackLook._compare` does not look at the rows."""
    pack = bench.packs_of(copy)[0]
    start, length = bench.frames_of(pack)[0]
    frame = forged(b"x" * 500, 500 if codec == 0 else 600, codec)
    content = bytearray(pack.read_bytes())
    content[start : start + len(frame)] = frame
    pack.write_bytes(content)

    report = verify_store(copy, data=True)

    here = [finding.code for finding in report.findings if finding.where.endswith(f" {start:,}")]
    assert set(here) & {Code.FRAME, Code.PLACE}
    place = FramePlace(pack.stem, start, len(frame), 500, codec, xxh3_64_intdigest(b"x" * 500))
    fd = os.open(pack, os.O_RDONLY)
    head = read_frame(fd, place, memoryview(bytearray(len(frame)))) if codec == 0 else None
    os.close(fd)
    assert head is None or head.members[0].digest == blake3(b"x" * 500).digest()
    assert length > len(frame)


def test_a_frame_that_declares_more_than_a_frame_may_hold_is_no_frame(copy: Path) -> None:
    """Fails when `_sound_head` has no limit."""
    pack = bench.packs_of(copy)[0]
    with pack.open("ab") as file:
        file.write(forged(b"x" * 100, (16 << 20) + 1, 1))

    found = list(scan_pack(pack, on_damage=OnDamage.SKIP))

    assert all(one.frame.raw_bytes <= 16 << 20 for one in found if one.kind is FrameKind.DATA)
