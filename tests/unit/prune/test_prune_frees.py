"""What deleting and pruning frees, and that everything else stays as it was."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prune_bench import Bench, live_digests, noise

import localart
from localart.catalog import manifests
from localart.manifest import manifest_digest
from localart.model import DIGEST_BYTES, Digest
from localart.operations import prune, repack
from localart.operations.prune import plan_prune
from localart.operations.repack import DEAD_SHARE
from localart.store import FrameKind, scan_pack
from localart.store.checking import payload_of


def tree(version: int, *, files: int = 40, share: int = 3) -> dict[str, bytes]:
    """Small files of which every `share`-th is the version's own, and a large one that changes a little."""
    large = bytearray(noise("large", 1_200_000))
    large[:300_000] = noise(("large", version), 300_000)
    own = {
        f"d{i % 5}/f{i}.bin": noise((i, version if i % share == 0 else "all"), 9_000) for i in range(files)
    }
    return {**own, "large.bin": bytes(large)}


def test_the_pack_folder_shrinks_by_what_only_the_deleted_versions_held(bench: Bench) -> None:
    labels = [bench.log(tree(number)) for number in range(4)]
    before = bench.pack_bytes()
    exclusive = 300_000 + 14 * 9_000

    bench.delete(labels[0], labels[2])
    report = bench.prune()

    shrunk = before - bench.pack_bytes()
    assert shrunk == pytest.approx(2 * exclusive, rel=0.1)
    assert (report.packs_rewritten, report.packs_removed, report.waiting_bytes) == (1, 0, 0)
    assert report.freed_bytes >= shrunk
    bench.check()


def test_a_store_whose_versions_are_all_deleted_keeps_only_records(bench: Bench) -> None:
    label = bench.log(tree(0))
    large = bench.pack_bytes()

    bench.delete(label)
    report = bench.prune()

    assert bench.pack_bytes() < 10_000 < large
    assert report.packs_removed == 1
    assert bench.query("SELECT count(*) FROM blobs") == [(0,)]
    assert bench.query("SELECT count(*) FROM entries") == [(0,)]


def test_a_second_prune_finds_nothing_to_do(bench: Bench) -> None:
    bench.delete(bench.log(tree(0)))
    bench.log(tree(1))
    bench.prune()
    packs = bench.packs()

    report = bench.prune()

    assert report == prune.PruneReport()
    assert bench.packs() == packs


def test_the_plan_says_what_will_be_freed_and_changes_nothing(bench: Bench) -> None:
    doomed, kept = bench.log(tree(0)), bench.log(tree(1))
    before = "\n".join(bench.repository.read().iterdump()), bench.packs(), bench.pack_bytes()

    plan = plan_prune(bench.repository, [bench.record(doomed)])

    assert ("\n".join(bench.repository.read().iterdump()), bench.packs(), bench.pack_bytes()) == before
    assert plan.packs_to_rewrite == 1
    bench.delete(doomed)
    bench.prune()
    assert before[2] - bench.pack_bytes() == pytest.approx(plan.stored_bytes, rel=0.05)
    assert plan.blob_bytes == pytest.approx(300_000 + 14 * 9_000, rel=0.1)
    assert kept in bench.logged


def test_the_plan_for_nothing_doomed_in_a_tidy_store_is_empty(bench: Bench) -> None:
    bench.log(tree(0))

    plan = plan_prune(bench.repository)

    assert (plan.blob_count, plan.blob_bytes, plan.stored_bytes) == (0, 0, 0)


def test_content_that_was_added_but_never_logged_goes(bench: Bench) -> None:
    bench.log(tree(0))
    before = bench.pack_bytes()
    draft = localart.Artifact("unlogged", "dataset")
    with draft.new_file("x.bin", "wb") as file:
        file.write(noise("x", 2_000_000))
    bench.repository.publish()
    assert bench.pack_bytes() > before + 2_000_000
    del draft

    bench.prune()

    assert bench.pack_bytes() <= before + 10_000
    bench.check()


def test_content_taken_in_and_then_given_up_without_rows_goes_too(bench: Bench) -> None:
    draft = localart.Artifact("unlogged", "dataset")
    with draft.new_file("x.bin", "wb") as file:
        file.write(noise("x", 2_000_000))
    bench.repository.publish_if_large()
    with localart.init(project="p"):
        pass  # the end of the run writes a record behind the staged frames
    del draft
    kept = bench.log({"a.bin": noise("a", 1000)}, "other")

    bench.prune()

    assert bench.pack_bytes() < 20_000
    assert kept in bench.logged
    bench.check()


def test_beside_a_draft_what_it_does_not_need_is_freed_and_what_it_added_stays(bench: Bench) -> None:
    bench.delete(bench.log(tree(0)))
    draft = localart.Artifact("other", "dataset")
    with draft.new_file("x.bin", "wb") as file:
        file.write(noise("x", 300_000))
    bench.repository.publish()

    report = bench.prune()

    assert (report.beside_writers, report.held_by_writers) == (True, False)
    stored = bench.query("SELECT count(*), sum(size) FROM blobs WHERE frame IS NOT NULL")[0]
    assert stored[1] == 300_000
    del draft
    assert not bench.prune().beside_writers
    assert bench.query("SELECT count(*) FROM blobs") == [(0,)]


def test_the_files_of_runs_stay(bench: Bench) -> None:
    bench.delete(bench.log({"same.bin": noise("same", 5_000)}))
    source = bench.folder / "same.bin"
    source.write_bytes(noise("same", 5_000))
    with localart.init(project="p", id="keeper") as run:
        run.save(str(source), base_path=bench.folder)

    assert not bench.prune().held_by_writers

    kept = localart.Api().run("p/keeper")
    assert kept.read_file("same.bin") == noise("same", 5_000)


def test_references_go_with_the_last_entry_that_names_them(bench: Bench) -> None:
    for name, uris in (("one", ["s3://b/shared", "s3://b/own"]), ("two", ["s3://b/shared"])):
        with localart.init(project="p") as run:
            artifact = localart.Artifact(name, "dataset")
            for uri in uris:
                artifact.add_reference(uri)
            run.log_artifact(artifact)
    del artifact
    bench.logged["one:v0"] = {}

    bench.delete("one:v0")
    bench.prune()

    assert bench.query("SELECT uri FROM refs") == [("s3://b/shared",)]


def test_a_manifest_whose_log_was_killed_goes(bench: Bench) -> None:
    bench.log(tree(0))
    count = bench.query("SELECT count(*) FROM entries")
    blob = bench.query("SELECT digest FROM blobs LIMIT 1")[0][0]
    plan = manifests.ManifestPlan(
        digest=manifest_digest([Digest(bytes(32))]), pages=(), file_count=1, size_bytes=1, base=None
    )
    with bench.repository.catalog.write() as tx:
        hidden = manifests.begin_manifest(tx, plan)
        manifests.insert_rows(tx, hidden, [("x", localart.model.Entry("x", blob, 1))], {})

    bench.prune()

    assert bench.query("SELECT count(*) FROM entries") == count
    assert bench.query("SELECT count(*) FROM manifests WHERE complete = 0") == [(0,)]
    bench.check()


def test_deleted_versions_still_have_their_place_in_the_history(bench: Bench) -> None:
    label = bench.log(tree(0))
    bench.log(tree(1))

    bench.delete(label)
    bench.prune()

    assert bench.query("SELECT number, state FROM versions ORDER BY number") == [
        (0, "DELETED"),
        (1, "COMMITTED"),
    ]
    assert bench.log(tree(2)) == "data:v2"
    bench.check()


def test_deleted_content_can_be_logged_again(bench: Bench) -> None:
    bench.delete(bench.log(tree(0)))
    bench.prune()

    label = bench.log(tree(0))

    assert label == "data:v1"
    bench.check()


# --- overlays --------------------------------------------------------------------------------------


def many(version: int) -> dict[str, bytes]:
    """200 files of which one in ten is the version's own: an overlay on the version before."""
    return {f"f{i:03}.bin": noise((i, version if i % 10 == 0 else "all"), 3_000) for i in range(200)}


def test_deleting_the_version_that_others_lie_over_frees_what_they_cover(bench: Bench) -> None:
    labels = [bench.log(many(number)) for number in range(4)]
    assert bench.query("SELECT count(*) FROM chains WHERE position > 0") == [(6,)]
    blobs = bench.query("SELECT count(*) FROM blobs")[0][0]

    bench.delete(labels[0], labels[1])
    bench.prune()

    assert bench.query("SELECT count(*) FROM blobs") == [(blobs - 40,)]
    bench.check()


def test_a_layer_that_lost_entries_is_never_taken_for_a_manifest_again(bench: Bench) -> None:
    base, over = bench.log(many(0)), bench.log(many(1))
    bench.delete(base)
    bench.prune()

    again = bench.log(many(0))
    later = [bench.log(many(number)) for number in range(2, 12)]

    assert (again, later[-1]) == ("data:v2", "data:v12")
    assert over in bench.logged
    bench.check()


def test_a_removed_path_stays_removed_when_the_layer_below_loses_it(bench: Bench) -> None:
    base = bench.log(many(0))
    smaller = {path: content for path, content in many(0).items() if path != "f007.bin"}
    bench.log(smaller)
    bench.log({**smaller, "new.bin": b"new"})

    bench.delete(base)
    bench.prune()

    assert bench.query("SELECT count(*) FROM blobs WHERE digest = ?", blake(many(0)["f007.bin"])) == [(0,)]
    bench.check()


def test_what_one_of_two_branches_still_sees_stays(bench: Bench) -> None:
    base = bench.log(many(0))
    for number in range(1, 11):  # the chain is full after eight: a second one begins over the base
        bench.log({**many(0), f"f{number:03}.bin": b"changed"})
    assert bench.query("SELECT count(*) FROM chains WHERE position = 1 AND layer = 1") == [(2,)]
    bench.delete(base)

    bench.prune()

    bench.check()


def blake(content: bytes) -> bytes:
    from blake3 import blake3

    return blake3(content).digest()


# --- whatever is done ------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_after_any_history_exactly_the_live_content_is_left(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("history")
    monkeypatch.setenv("LOCALART_DIR", str(folder / "store"))
    monkeypatch.setattr(prune, "SWEEP_ROWS", data.draw(st.sampled_from([1, 7, 20_000])))
    bench = Bench(folder)
    files = data.draw(st.sampled_from([30, 140]))
    for _ in range(data.draw(st.integers(2, 6))):
        kept = sorted(bench.logged)
        match data.draw(st.sampled_from(["log", "log", "delete", "prune"])):
            case "delete" if kept:
                bench.delete(*data.draw(st.sets(st.sampled_from(kept), min_size=1)))
            case "prune":
                bench.prune()
            case _:
                base = bench.logged[data.draw(st.sampled_from(kept))] if kept else {}
                changed = data.draw(st.sets(st.integers(0, files - 1), max_size=20))
                seed = data.draw(st.integers(0, 3))
                full = base or {f"f{i}": noise((i, 0), 500) for i in range(files)}
                bench.log({**full, **{f"f{i}": noise((i, seed), 500) for i in changed}})

    bench.prune()

    assert {digest for (digest,) in bench.query("SELECT digest FROM blobs")} == live_digests(bench.repository)
    bench.check()


def test_every_transaction_of_a_long_sweep_leaves_a_whole_store(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = [bench.log({**many(number), **tree(number)}) for number in range(3)]
    bench.delete(labels[0], labels[2])
    seen = []

    def look(seconds: float) -> None:
        assert bench.query("PRAGMA foreign_key_check") == []
        assert bench.query(HALF_A_BLOB) == []
        seen.append(bench.query("SELECT count(*) FROM entries")[0][0])

    monkeypatch.setattr(prune, "SWEEP_ROWS", 25)
    monkeypatch.setattr(prune.time, "sleep", look)
    bench.prune()

    assert len(set(seen)) > 2
    assert len(seen) > 5
    bench.check()


HALF_A_BLOB = """
SELECT id FROM blobs b WHERE frame IS NULL AND size <>
  (SELECT coalesce(sum(p.size), 0) FROM chunks c JOIN blobs p ON p.id = c.chunk WHERE c.blob = b.id)
"""


# --- records ---------------------------------------------------------------------------------------


def test_every_journal_record_and_every_live_manifest_is_still_in_the_packs(bench: Bench) -> None:
    labels = [bench.log(many(number)) for number in range(3)] + [bench.log(tree(7), "other")]
    bench.delete(labels[0], labels[3])

    report = bench.prune()

    assert report.packs_rewritten == 1
    journal, recorded = set(), set()
    for path in bench.packs():
        for found in scan_pack(path):
            if found.kind is FrameKind.JOURNAL:
                lines = payload_of(path.stem, found).splitlines()
                journal |= {bytes.fromhex(line.split(b" ")[0].decode()) for line in lines}
                assert all(json.loads(line.partition(b" ")[2])["seq"] for line in lines)
            elif found.kind is FrameKind.MANIFEST:
                recorded.add(payload_of(path.stem, found)[:DIGEST_BYTES])
    assert journal == {digest for (digest,) in bench.query("SELECT digest FROM journal")}
    layers = bench.query(
        "SELECT DISTINCT m.digest FROM chains c JOIN manifests m ON m.id = c.layer WHERE m.file_count > 0"
    )
    assert recorded == {digest for (digest,) in layers}


def test_a_large_pack_that_is_mostly_alive_waits_until_enough_of_it_is_dead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repack, "CHEAP_PACK_BYTES", 0)
    labels = [bench.log({"own.bin": noise(number, 30_000)}, f"line{number}") for number in range(10)]
    before = bench.pack_bytes()

    bench.delete(labels[0])
    report = bench.prune()

    assert report.waiting_bytes == pytest.approx(30_000, rel=0.01)
    assert report.waiting_bytes < DEAD_SHARE * before
    assert bench.pack_bytes() >= before
    bench.delete(*labels[1:3])
    report = bench.prune()
    assert report.waiting_bytes == 0
    assert before - bench.pack_bytes() == pytest.approx(90_000, rel=0.1)
    bench.check()


def test_a_small_pack_is_emptied_for_anything(bench: Bench) -> None:
    labels = [bench.log({"own.bin": noise(number, 30_000)}, f"line{number}") for number in range(10)]
    before = bench.pack_bytes()

    bench.delete(labels[0])
    report = bench.prune()

    assert report.waiting_bytes == 0
    assert before - bench.pack_bytes() == pytest.approx(30_000, rel=0.1)
    bench.check()
