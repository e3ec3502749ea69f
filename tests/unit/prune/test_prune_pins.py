"""What processes rely on while their drafts live stays, and nothing else does (I5)."""

import os
import subprocess
import sys
import threading

import pytest
from prune_bench import Bench, noise, write_tree

import localart
from localart.catalog import manifests, pruning
from localart.draft import content as draft_content
from localart.draft import known_tree
from localart.operations import keep_manifest, prune
from localart.operations import log as operations_log
from localart.operations.delete import execute_deletion, plan_deletion
from localart.repository.lease import PinReader


def content(number: int, files: int = 4) -> dict[str, bytes]:
    return {f"f{i}.bin": noise((number, i), 20_000) for i in range(files)}


def draft_of(bench: Bench, files: dict[str, bytes], name: str = "later") -> localart.Artifact:
    artifact = localart.Artifact(name, "dataset")
    for path, data in files.items():
        with artifact.new_file(path, "wb") as file:
            file.write(data)
    return artifact


def log(bench: Bench, draft: localart.Artifact, files: dict[str, bytes]) -> None:
    with localart.init(project="p") as run:
        run.log_artifact(draft)
    bench.logged[draft.source_name] = files


def stored_bytes(bench: Bench) -> int:
    return bench.query("SELECT coalesce(sum(size), 0) FROM blobs WHERE frame IS NOT NULL")[0][0]


def test_what_a_draft_found_stored_survives_and_what_it_did_not_touch_goes(bench: Bench) -> None:
    doomed = bench.log({**content(1), **{f"own-{path}": data for path, data in content(2).items()}})
    draft = draft_of(bench, content(1))
    bench.delete(doomed)

    report = bench.prune()

    assert report.beside_writers
    assert stored_bytes(bench) == 4 * 20_000
    log(bench, draft, content(1))
    bench.check()


def test_a_folder_that_is_known_again_as_a_whole_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when `rely_on_manifest` does not pin."""
    monkeypatch.setattr(known_tree, "RACY_NANOSECONDS", -(10**12))
    files, taken_in = content(1, files=300), draft_content._take_in
    write_tree(bench.folder / "kept", files)
    for _ in range(2):
        draft = localart.Artifact("data", "dataset")
        draft.add_dir(bench.folder / "kept")
        log(bench, draft, files)
        monkeypatch.setattr(draft_content, "_take_in", None)
    draft = localart.Artifact("later", "dataset")
    draft.add_dir(bench.folder / "kept")
    bench.delete("data:v0")
    bench.prune()

    log(bench, draft, files)

    monkeypatch.setattr(draft_content, "_take_in", taken_in)
    bench.check()


def test_a_large_file_that_a_draft_shares_chunks_with_keeps_those_chunks(bench: Bench) -> None:
    base = noise("base", 2_000_000)
    doomed = bench.log({"x.bin": base})
    changed = {"x.bin": base[:900_000] + noise("new", 50_000) + base[950_000:]}
    draft = draft_of(bench, changed)
    bench.delete(doomed)

    bench.prune()

    log(bench, draft, changed)
    bench.check()
    assert stored_bytes(bench) < 2_300_000


def test_a_draft_of_a_version_keeps_all_of_it(bench: Bench) -> None:
    doomed = bench.log(content(1, files=150))
    draft = localart.Api().artifact(f"p/{doomed}").new_draft()
    bench.delete(doomed)

    bench.prune()

    log(bench, draft, content(1, files=150))
    bench.check()


def test_content_found_in_the_midst_of_a_sweep_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "SWEEP_ROWS", 5)
    doomed = bench.log(content(1, files=30), "doomed")
    bench.delete(doomed)
    alive = draft_of(bench, {"y": b"y"}, "alive")
    found: list[localart.Artifact] = []

    def add(*, has_more: bool) -> None:
        if has_more and not found:
            found.append(draft_of(bench, content(1, files=30)))

    monkeypatch.setattr(prune, "_let_others_in", add)
    bench.prune()

    assert found
    log(bench, found[0], content(1, files=30))
    bench.check()
    assert alive.state == "PENDING"


LOG_ELSEWHERE = """
import sys
from pathlib import Path
import localart
with localart.init(project="p") as run:
    artifact = localart.Artifact("later", "dataset")
    artifact.add_dir(sys.argv[1])
    run.log_artifact(artifact)
"""


def test_a_version_logged_in_the_midst_of_a_sweep_stays_though_its_process_is_gone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pins came and went between two steps of the sweep: only its rows tell of it."""
    monkeypatch.setattr(prune, "SWEEP_ROWS", 5)
    bench.delete(bench.log({**content(1, files=30), "large.bin": noise("large", 1_000_000)}, "doomed"))
    alive = draft_of(bench, {"y": b"y"}, "alive")
    files = {**content(1, files=20), "large.bin": noise("large", 1_000_000)}
    write_tree(bench.folder / "later", files)
    done: list[int] = []

    def log_meanwhile(*, has_more: bool) -> None:
        if has_more and not done:
            done.append(stored_bytes(bench))
            command = [sys.executable, "-c", LOG_ELSEWHERE, str(bench.folder / "later")]
            subprocess.run(command, check=True)

    monkeypatch.setattr(prune, "_let_others_in", log_meanwhile)
    bench.prune()

    assert done
    assert done[0] > 500_000
    bench.logged["later:v0"] = files
    bench.check()
    assert alive.state == "PENDING"


def test_a_large_file_that_a_draft_found_stored_stays_whole(bench: Bench) -> None:
    files = {"x.bin": noise("base", 2_000_000)}
    bench.delete(bench.log(files))
    bench.log({"as-long.bin": noise("as long", 2_000_000)}, "kept")
    again = bench.log({**files, "y": b"y"}, "again")
    draft = draft_of(bench, files)
    bench.delete(again)

    bench.prune()

    log(bench, draft, files)
    bench.check()


def test_a_manifest_that_is_found_again_between_mark_and_sweep_is_marked_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.delete(bench.log(content(1), "doomed"))
    alive = draft_of(bench, {"y": b"y"}, "alive")
    marked = pruning.has_garbage
    times: list[int] = []

    def log_after_the_mark(connection: object) -> bool:
        times.append(1)
        if len(times) == 1:
            log(bench, draft_of(bench, content(1)), content(1))
        return marked(connection)

    monkeypatch.setattr(pruning, "has_garbage", log_after_the_mark)
    report = bench.prune()

    assert (len(times), report.held_by_writers) == (2, False)
    bench.check()
    assert alive.state == "PENDING"


def test_a_log_whose_manifest_was_there_and_is_pruned_before_it_ends_is_prepared_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.delete(bench.log(content(1), "doomed"))
    draft = draft_of(bench, content(1))
    prepare = operations_log.prepare_manifest
    stored: list[int | None] = []

    def prune_meanwhile(*arguments: object, **named: object) -> object:
        prepared = prepare(*arguments, **named)
        stored.append(prepared.stored)
        if len(stored) == 1:
            thread = threading.Thread(target=bench.prune)
            thread.start()
            thread.join()
        return prepared

    monkeypatch.setattr(operations_log, "prepare_manifest", prune_meanwhile)
    log(bench, draft, content(1))

    assert stored[0] is not None
    assert stored[1:] == [None]
    bench.check()


@pytest.mark.parametrize("slice_rows", [40, 10_000])
def test_a_log_whose_base_is_pruned_before_it_ends_is_prepared_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, slice_rows: int
) -> None:
    monkeypatch.setattr(manifests, "SLICE_ROWS", slice_rows)
    base = content(1, files=200)
    doomed = bench.log(base, "tree")
    changed = {**base, **{f"f{i}.bin": noise(("new", i), 500) for i in range(45)}}
    draft = draft_of(bench, changed, "tree")
    prepare = keep_manifest._write_record
    times: list[object] = []

    def prune_meanwhile(repository: object, plan: object, base: object, rows: object) -> None:
        prepare(repository, plan, base, rows)
        times.append(base)
        if len(times) == 1:
            bench.delete(doomed)
            thread = threading.Thread(target=bench.prune)
            thread.start()
            thread.join()

    monkeypatch.setattr(keep_manifest, "_write_record", prune_meanwhile)
    log(bench, draft, changed)

    assert times[0] is not None
    assert times[1:] == [None]
    bench.check()


def test_a_half_logged_tree_stays_beside_its_writer_and_goes_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "SLICE_ROWS", 40)
    tree = content(3, files=200)
    insert = manifests.insert_files
    times: list[int] = []

    def prune_meanwhile(tx: object, hidden: int, some: object, folders: dict[str, int]) -> None:
        insert(tx, hidden, some, folders)
        times.append(hidden)

    def at_slices(rows: object, size: int = 40):
        for some in original(rows, 40):
            if len(times) == 2:
                thread = threading.Thread(target=bench.prune)
                thread.start()
                thread.join()
                times.append(0)
            yield some

    original = manifests.slices
    monkeypatch.setattr(manifests, "insert_files", prune_meanwhile)
    monkeypatch.setattr(manifests, "slices", at_slices)
    bench.delete(bench.log(content(9), "doomed"))
    times.clear()
    draft = draft_of(bench, tree)
    log(bench, draft, tree)

    assert 0 in times
    bench.check()


# --- pins --------------------------------------------------------------------------------------------


def pin_files(bench: Bench) -> list[str]:
    return sorted(path.name for path in (bench.repository.root / "locks").glob("*.pins"))


def test_pins_end_with_the_last_draft(bench: Bench) -> None:
    first, second = draft_of(bench, {"x": b"x"}), draft_of(bench, {"y": b"y"})

    assert len(pin_files(bench)) == 1
    del first
    assert len(pin_files(bench)) == 1
    del second
    assert pin_files(bench) == []


def test_the_pins_of_a_process_that_died_mean_nothing(bench: Bench) -> None:
    bench.delete(bench.log(content(1)))
    bench.repository.close()
    child = os.fork()
    if child == 0:
        draft = draft_of(bench, content(1))
        os._exit(draft.size == 0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(pin_files(bench)) == 1

    report = bench.prune()

    assert not report.beside_writers
    assert pin_files(bench) == []
    assert stored_bytes(bench) == 0


def test_a_child_that_outlives_its_parent_does_not_keep_the_parents_lease(bench: Bench) -> None:
    """Broken on purpose: `forget` that leaves the inherited descriptors open."""
    bench.delete(bench.log(content(1)))
    bench.repository.close()
    asked, answer = os.pipe()
    parent = os.fork()
    if parent == 0:
        draft = draft_of(bench, content(1))
        if os.fork() == 0:
            os.close(answer)
            os.read(asked, 1)
            os._exit(draft.size == 0)
        os._exit(0)
    os.waitpid(parent, 0)
    os.close(asked)

    report = bench.prune()

    os.close(answer)
    assert not report.beside_writers
    assert stored_bytes(bench) == 0


def test_a_draft_inherited_by_a_child_is_not_counted_among_its_own(bench: Bench) -> None:
    """Broken on purpose: `weakref.finalize(draft, lease.drop)`, which counts down whatever the child has taken."""
    doomed = bench.log(content(1))
    inherited = draft_of(bench, {"x": b"x"}, "inherited")
    bench.repository.publish()
    says, answer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            own = draft_of(bench, content(1))
            del inherited
            os.write(answer, b"%d" % bench.repository.lease._holders)
            assert own.size
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert os.read(says, 9) == b"1"
    assert doomed in bench.logged


def test_pins_are_read_once_and_a_half_written_one_is_left_for_later(bench: Bench) -> None:
    locks = bench.repository.root / "locks"
    (locks / "lease-0.pins").write_bytes(b"a" * 32 + b"b" * 31)
    reader = PinReader(locks)

    assert list(reader.new_pins()) == [b"a" * 32]
    with (locks / "lease-0.pins").open("ab") as file:
        file.write(b"b")
    assert list(reader.new_pins()) == [b"b" * 32]
    assert list(reader.new_pins()) == []
    reader.remove_stale()
    assert pin_files(bench) == []


def test_a_hollow_layer_that_a_chain_names_is_never_collected(bench: Bench) -> None:
    """Deleted, in and out of the trash, with rules and without: what overlays it reads it."""
    tree = content(1, files=150)
    labels = [bench.log(tree, "tree")]
    for number in range(3):
        tree = {**tree, f"f{number}.bin": noise(("new", number), 3_000)}
        labels.append(bench.log(tree, "tree"))
    for label in labels[:-1]:
        execute_deletion(bench.repository, plan_deletion([bench.record(label)]))
        del bench.logged[label]
        bench.prune()
        bench.check()

    hollow = bench.query(
        "SELECT count(*) FROM manifests m JOIN chains c ON c.layer = m.id WHERE m.complete = 0"
    )
    assert hollow[0][0] >= 1
    assert not bench.query("SELECT 1 FROM chains WHERE layer NOT IN (SELECT id FROM manifests)")
    bench.log({**tree, "f9.bin": b"nine"}, "tree")
    bench.prune()
    bench.check()
