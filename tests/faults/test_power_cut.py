"""I3: power may fail at any moment; what was acknowledged is there, byte for byte."""

import os
import random
import shutil
import sys
from contextlib import contextmanager

import pytest
from power import rig

CUTS = int(os.environ.get("LOCALART_TEST_CUTS", "100"))
JOURNALS = ("ordered", "writeback")
SCENES = [
    pytest.param("ordered", False, id="ordered-alone"),
    pytest.param("writeback", False, id="writeback-alone"),
    pytest.param("ordered", True, id="ordered-crowd"),
    pytest.param("writeback", True, id="writeback-crowd"),
]

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(bool(rig.why_not()), reason=f"power cannot be cut: {rig.why_not()}"),
]


@pytest.mark.parametrize(("journal", "crowd"), SCENES)
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path, workdir, journal, crowd):
    recording = rig.record(
        rig.blank_disk(tmp_path), tmp_path, workdir,
        journal=journal, rounds=8 if crowd else 12, names=("ann", "bob") if crowd else ("ann",), with_reader=crowd,
    )  # fmt: skip
    chance = random.Random(f"{journal}/{crowd}")

    with _cuts(recording) as cuts:
        wanted = [chance.randint(cuts.first(), len(cuts.records)) for _ in range(_share(SCENES))]
        verdicts = _cut_each(cuts, wanted, tmp_path, workdir)

    _tell(f"ext4 data={journal}, {'2 writers and a reader' if crowd else '1 writer'}", verdicts)
    assert _broken(verdicts) == []


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_power_cut_while_a_store_is_made_leaves_none_or_a_whole_one(tmp_path, workdir, journal):
    recording = rig.record(
        rig.blank_disk(tmp_path), tmp_path, workdir, journal=journal, rounds=1, names=("ann",)
    )

    with _cuts(recording) as cuts:
        first, made = cuts.first(), _first_return(cuts)
        wanted = range(first, made + 5, max(1, (made - first) // _share(JOURNALS)))
        verdicts = _cut_each(cuts, wanted, tmp_path, workdir)

    _tell(f"ext4 data={journal}, while the store is made", verdicts)
    assert _broken(verdicts) == []


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_power_cut_while_bytes_are_freed_takes_none_that_are_needed(tmp_path, workdir, journal):
    """Fails when the packs that bytes moved to are not synced before the old ones go (see below)."""
    recording = rig.record(
        rig.blank_disk(tmp_path), tmp_path, workdir, journal=journal, rounds=8, names=("ann",)
    )

    with _cuts(recording) as cuts:
        dangerous = cuts.around("prune")
        wanted = random.Random(journal).sample(dangerous, min(len(dangerous), _share(JOURNALS)))
        verdicts = _cut_each(cuts, wanted, tmp_path, workdir)

    _tell(f"ext4 data={journal}, while a prune frees bytes", verdicts)
    assert _broken(verdicts) == []


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_power_cut_while_a_store_is_closed_or_opened_again_loses_nothing(tmp_path, workdir, journal):
    recording = rig.record(
        rig.blank_disk(tmp_path), tmp_path, workdir, journal=journal, rounds=8, names=("ann",)
    )

    with _cuts(recording) as cuts:
        dangerous = cuts.around("close")
        wanted = random.Random(journal).sample(dangerous, min(len(dangerous), _share(JOURNALS)))
        verdicts = _cut_each(cuts, wanted, tmp_path, workdir)

    _tell(f"ext4 data={journal}, between two uses of the store", verdicts)
    assert _broken(verdicts) == []


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_second_power_cut_loses_nothing_either(tmp_path, workdir, journal):
    recording = rig.record(
        rig.blank_disk(tmp_path), tmp_path, workdir, journal=journal, rounds=5, names=("ann",)
    )
    chance = random.Random(journal)
    verdicts = []

    with _cuts(recording) as cuts:
        wanted = [
            chance.randint(_first_return(cuts), len(cuts.records)) for _ in range(_share(JOURNALS) // 5)
        ]
        for number, count in enumerate(sorted(wanted)):
            again = tmp_path / str(number)
            again.mkdir()
            cuts.cut(count, again / "found", chance)
            earlier = rig.survivors(cuts, count, ended=True)
            later = rig.record(
                again / "found", again, workdir, journal=journal, rounds=2, names=(f"cat{number}",)
            )
            with _cuts(later) as more:
                recovering = range(more.first(), _first_return(more))
                anywhere = range(_first_return(more), len(more.records))
                twice = [
                    *chance.sample(recovering, min(len(recovering), 4)),
                    chance.choice(anywhere), *chance.sample(more.around("close"), 2),
                ]  # fmt: skip
                verdicts += _cut_each(more, twice, again, workdir, earlier)
            shutil.rmtree(again)

    _tell(f"ext4 data={journal}, for the second time", verdicts)
    assert _broken(verdicts) == []


@pytest.mark.parametrize("left_out", ["packs", "catalog"])
def test_a_sync_that_is_left_out_is_noticed(tmp_path, workdir, left_out):
    recording = rig.record(
        rig.blank_disk(tmp_path), tmp_path, workdir,
        journal="ordered", rounds=4, names=("ann",), leave_out=left_out,
    )  # fmt: skip

    with _cuts(recording) as cuts:
        middle = len(cuts.records) // 2
        verdicts = _cut_each(cuts, range(middle, len(cuts.records), middle // 6), tmp_path, workdir)

    assert _broken(verdicts)


@pytest.mark.parametrize(("left_out", "do"), [("one", "log"), ("prune", "prune")])
def test_one_sync_that_is_left_out_is_noticed(tmp_path, workdir, left_out, do):
    """A single log does not sync its pack, or a prune not the packs it moved bytes to; the power fails just after."""
    recording = rig.record(
        rig.blank_disk(tmp_path), tmp_path, workdir,
        journal="writeback", rounds=4, names=("ann",), leave_out=left_out,
    )  # fmt: skip

    with _cuts(recording) as cuts:
        (writer,) = recording.writers.values()
        told = max(
            at
            for at, event in enumerate(writer.events)
            if event["do"] == do and (do == "prune" or (event["artifact"], event["number"]) == ("chunked", 1))
        )
        verdicts = _cut_each(cuts, [cuts.told(told)] * 8, tmp_path, workdir)

    assert _broken(verdicts)


# --- how -----------------------------------------------------------------------------------------------------


def _share(scenes):
    return max(5, CUTS // len(scenes))


@contextmanager
def _cuts(recording):
    cuts = rig.PowerCuts(recording)
    try:
        yield cuts
    finally:
        cuts.close()


def _first_return(cuts):
    """The record after which the first call of a writer had returned."""
    return next(at for at in range(cuts.first(), len(cuts.records)) if any(cuts.done(at).values()))


def _cut_each(cuts, wanted, folder, workdir, earlier=None):
    """Cut after each of these counts of records; what was found, beginning with the earliest."""
    verdicts = []
    for number, count in enumerate(sorted(wanted)):
        image = folder / f"cut-{number}"  # a file of its own: an older one's loop device may still be there
        cuts.cut(count, image, random.Random(number))
        writers = {**rig.survivors(cuts, count), **(earlier or {})}
        verdict = rig.look(image, folder, workdir, writers, journal=cuts.recording.journal, seed=number)
        verdicts.append((count, verdict))
        image.unlink()
    return verdicts


def _broken(verdicts):
    return [f"after record {count}: {line}" for count, verdict in verdicts for line in verdict.broken]


def _tell(scene, verdicts):
    late = sum(verdict.figures.get("metrics_late", 0) for _, verdict in verdicts)
    versions = sum(verdict.figures.get("versions", 0) for _, verdict in verdicts)
    print(
        f"\npower cuts, {scene}: {len(verdicts)} cuts, {versions} acknowledged versions looked for,"
        f" {len(_broken(verdicts))} promises broken, {late} metrics of the last second gone",
        file=sys.stderr,
    )
