"""I3: a rebuild or a backup may die at any instruction; the store, and an earlier backup, are whole all the same.

Broken on purpose: moving the old database away before the new one is ready (rebuild), or putting the new catalog
into the target before its packs (backup), makes these tests fail.
"""

import os
import sys

import pytest
from power import tracing
from power.kill_points import KillBench, observe
from power.store_checks import damages

from localart.repository import open_repository

_SOME = 5

pytestmark = pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not() or "traced")


class CopyingBench(KillBench):
    """Also looks at the backup beside the store."""

    def kill(self, scenario, point):
        yield from super().kill(scenario, point)
        yield from self._wrong_with_copy(scenario)

    def _once_more(self, scenario, store):
        yield from self._wrong_with_copy(scenario)
        yield from super()._once_more(scenario, store)

    def _wrong_with_copy(self, scenario):
        copy = self._folder / "new" / "home" / "store-copy"
        if not (copy / "LOCALART").exists():
            return
        if observe(copy) not in scenario.states:
            yield "the copy is neither the old nor the new store"
        repository = open_repository(copy, create=False)
        try:
            yield from (f"in the copy: {line}" for line in damages(repository))
        finally:
            repository.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALART_", "WANDB_"))}
    folder = tmp_path_factory.mktemp("bench")
    with CopyingBench(folder, kept | {"LOCALART_SILENT": "1", "PYTHONHASHSEED": "0"}) as bench:
        yield bench


@pytest.mark.xdist_group("strace")
@pytest.mark.parametrize("scenario", ["rebuild", "backup"])
def test_a_kill_leaves_a_store_and_a_backup_that_are_whole(bench, scenario):
    rehearsed = bench.rehearse(scenario)
    step = max(1, len(rehearsed.points) // _SOME)

    assert _killed(bench, rehearsed, [*rehearsed.points[3::step], rehearsed.points[-1]]) == []


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", ["rebuild", "backup"])
def test_a_kill_at_any_call_leaves_a_store_and_a_backup_that_are_whole(bench, scenario):
    rehearsed = bench.rehearse(scenario)

    broken = _killed(bench, rehearsed, rehearsed.points)

    print(
        f"\nkill -9 at each call, {scenario}: {len(rehearsed.points)} points, {len(broken)} promises broken",
        file=sys.stderr,
    )
    assert broken == []


def _killed(bench, rehearsed, points):
    return [f"{point}: {line}" for point in points for line in bench.kill(rehearsed, point)]
