"""Versions of a model told by their differences: stored small, read whole, and their bases kept as long as needed."""

import random
import struct
from pathlib import Path

import pytest

import localart
from localart.errors import StoreDamaged
from localart.repository.opening import close_all, default_repository
from localart.store import check_pack
from localart.store.ground import MAX_DEPTH

COUNT = 120_000


def weights(step):
    """480 kB of floats that move a little every step."""
    draw, moves = random.Random(1), random.Random(2)
    return struct.pack(
        f"<{COUNT}f", *(draw.gauss(0, 1) + step * 1e-5 * moves.gauss(0, 1) for _ in range(COUNT))
    )


STEPS = [weights(step) for step in range(7)]


def log(content, name="model", path="model.bin"):
    with localart.init(project="p") as run:
        artifact = localart.Artifact(name, type="model")
        with artifact.new_file(path, "wb") as file:
            file.write(content)
        return run.log_artifact(artifact)


def read(address, tmp_path):
    close_all()
    folder = localart.Api().artifact(address).download(tmp_path / address.replace("/", "-"))
    (path,) = Path(folder).iterdir()
    return path.read_bytes()


def frames():
    rows = default_repository().read().execute("SELECT depth, stored_bytes, raw_bytes FROM frames")
    return rows.fetchall()


def prune():
    from localart.operations.prune import execute_prune

    repository = default_repository()
    return execute_prune(repository, trash_seconds=0)


def test_versions_of_a_model_are_told_by_their_differences(tmp_path):
    for content in STEPS:
        log(content)

    differences = [(stored, raw) for depth, stored, raw in frames() if depth]
    assert sum(raw for _, raw in differences) > 6 * 4 * COUNT - 10
    assert all(stored < 0.62 * raw for stored, raw in differences)
    assert max(depth for depth, _, _ in frames()) <= MAX_DEPTH
    for number, content in enumerate(STEPS):
        assert read(f"p/model:v{number}", tmp_path) == content


def test_a_file_of_another_name_but_alike_is_a_base_too():
    log(STEPS[0], path="epoch=1.bin")
    log(STEPS[1], path="epoch=2.bin")

    assert any(depth for depth, _, _ in frames())


def test_other_artifacts_and_other_data_are_stored_by_themselves():
    log(STEPS[0])
    log(STEPS[1], name="other")
    log(random.Random(7).randbytes(4 * COUNT))

    assert not any(depth for depth, _, _ in frames())


def test_bases_stay_as_long_as_a_difference_needs_them(tmp_path):
    for content in STEPS[:4]:
        log(content)
    for number in (0, 1, 2):
        localart.Api().artifact(f"p/model:v{number}").delete(delete_aliases=True)

    prune()

    assert read("p/model:v3", tmp_path) == STEPS[3]


def test_bases_go_with_the_last_difference(store):
    for content in STEPS[:3]:
        log(content)
    log(b"small", name="other")
    for number in range(3):
        localart.Api().artifact(f"p/model:v{number}").delete(delete_aliases=True)

    prune()

    connection = default_repository().read()
    assert connection.execute("SELECT count(*) FROM frame_bases").fetchone() == (0,)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert sum(path.stat().st_size for path in (store / "packs").iterdir()) < 20_000


def test_a_pack_that_is_emptied_takes_its_differences_along(tmp_path):
    log(STEPS[0])
    log(random.Random(3).randbytes(2_000_000), name="ballast")
    log(STEPS[1])
    log(STEPS[2])
    localart.Api().artifact("p/ballast:v0").delete(delete_aliases=True)
    before = set(frames())

    prune()

    assert [row for row in frames() if row[0]] != []
    assert before != set(frames())
    for number in range(3):
        assert read(f"p/model:v{number}", tmp_path) == STEPS[number]


def test_a_damaged_base_is_told_and_does_not_keep_new_versions_out(store, tmp_path):
    log(STEPS[0])
    close_all()
    (pack,) = (store / "packs").iterdir()
    content = bytearray(pack.read_bytes())
    content[60_000] ^= 1
    pack.write_bytes(content)

    log(STEPS[1])

    assert read("p/model:v1", tmp_path) == STEPS[1]
    with pytest.raises(StoreDamaged):
        read("p/model:v0", tmp_path)


def test_damage_under_a_difference_is_an_error_and_never_other_bytes(store, tmp_path):
    log(STEPS[0])
    log(STEPS[1])
    close_all()
    (pack,) = (store / "packs").iterdir()
    content = bytearray(pack.read_bytes())
    content[60_000] ^= 1
    pack.write_bytes(content)

    with pytest.raises(StoreDamaged):
        read("p/model:v1", tmp_path)


def test_a_look_at_every_byte_of_a_pack_finds_nothing_wrong_with_differences(store):
    for content in STEPS[:3]:
        log(content)
    close_all()
    (pack,) = (store / "packs").iterdir()

    assert list(check_pack(pack)) == []


def keep_last(count):
    from localart.operations.retention import RetentionRules, execute_retention, plan_retention

    repository = default_repository()
    rules = RetentionRules(keep_last=count, keep_aliased=False)
    execute_retention(repository, plan_retention(repository, rules))


def test_rules_undo_and_repacking_leave_every_difference_readable(tmp_path, monkeypatch):
    """Bases of what is kept, in the trash, or held by a live draft stay; the rest goes, the deepest first.

    Broken on purpose: pieces removed by their number alone, so that a base goes before what is told from it.
    """
    from localart.operations import prune as pruning
    from localart.operations.undo import execute_undo, plan_undo

    monkeypatch.setattr(pruning, "SWEEP_ROWS", 2)
    for content in STEPS:
        log(content)
        log(random.Random(len(content)).randbytes(60_000), name="ballast")
    keep_last(2)
    pruning.execute_prune(default_repository())  # the trash keeps all of them
    execute_undo(default_repository(), plan_undo(default_repository()))
    for number, content in enumerate(STEPS):
        assert read(f"p/model:v{number}", tmp_path / "undone") == content

    draft = localart.Api().artifact("p/model:v2").new_draft()
    keep_last(1)
    found = []

    def add_again(*, has_more):
        if has_more and not found:
            found.append(draft.size)
            with draft.new_file("again.bin", "wb") as file:
                file.write(STEPS[4])

    monkeypatch.setattr(pruning, "_let_others_in", add_again)
    report = prune()

    assert report.beside_writers
    with localart.init(project="p") as run:
        run.log_artifact(draft)
    folder = Path(localart.Api().artifact("p/model:latest").download(tmp_path / "drafted"))
    assert (folder / "model.bin").read_bytes() == STEPS[2]
    assert (folder / "again.bin").read_bytes() == STEPS[4]
    assert read("p/model:v6", tmp_path) == STEPS[6]
    assert default_repository().read().execute("PRAGMA foreign_key_check").fetchall() == []
