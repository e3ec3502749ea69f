"""I3: power may fail at any moment; what was acknowledged is there, byte for byte."""

import os
import random
import sys
from contextlib import contextmanager

import pytest
from power import rig

CUTS = int(os.environ.get("LOCALART_TEST_CUTS", "100"))
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
def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path, journal, crowd):
    recording = rig.record(tmp_path, journal=journal, rounds=12 - 4 * crowd, crowd=crowd)
    chance = random.Random(f"{journal}/{crowd}")

    with _cuts(recording) as cuts:
        last = len(cuts.records)
        wanted = sorted(chance.randint(cuts.first(), last) for _ in range(max(1, CUTS // len(SCENES))))
        verdicts = [rig.look(cuts, at, tmp_path, seed=number) for number, at in enumerate(wanted)]

    _tell(f"ext4 data={journal}, {'2 writers and a reader' if crowd else '1 writer'}", verdicts)
    assert _broken(verdicts) == []


@pytest.mark.parametrize("journal", ["ordered", "writeback"])
def test_a_power_cut_while_a_store_is_made_leaves_none_or_a_whole_one(tmp_path, journal):
    recording = rig.record(tmp_path, journal=journal, rounds=1)

    with _cuts(recording) as cuts:
        first = cuts.first()
        made = next(at for at in range(first, len(cuts.records)) if cuts.done(at)["ann"])
        wanted = range(first, made + 5, max(1, (made - first) * len(SCENES) // CUTS))
        verdicts = [rig.look(cuts, at, tmp_path, seed=at) for at in wanted]

    _tell(f"ext4 data={journal}, while the store is made", verdicts)
    assert _broken(verdicts) == []


@pytest.mark.parametrize("left_out", ["packs", "catalog"])
def test_a_sync_that_is_left_out_is_noticed(tmp_path, left_out):
    recording = rig.record(tmp_path, journal="ordered", rounds=4, leave_out=left_out)

    with _cuts(recording) as cuts:
        middle = len(cuts.records) // 2
        verdicts = [
            rig.look(cuts, at, tmp_path, seed=at) for at in range(middle, len(cuts.records), middle // 6)
        ]

    assert _broken(verdicts)


@contextmanager
def _cuts(recording):
    cuts = rig.PowerCuts(recording)
    try:
        yield cuts
    finally:
        cuts.close()


def _broken(verdicts):
    return [f"after record {verdict.count}: {line}" for verdict in verdicts for line in verdict.broken]


def _tell(scene, verdicts):
    late = sum(verdict.figures.get("metrics_late", 0) for verdict in verdicts)
    versions = sum(verdict.figures.get("versions", 0) for verdict in verdicts)
    print(
        f"\npower cuts, {scene}: {len(verdicts)} cuts, {versions} acknowledged versions looked for,"
        f" {len(_broken(verdicts))} promises broken, {late} metrics of the last second gone",
        file=sys.stderr,
    )
