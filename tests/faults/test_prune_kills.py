"""I1, I3: prune by rules and undo may be killed at any call; each step is done or not begun, and synced in order.

Broken on purpose: the trash emptied in a transaction without a journal record, or `tx.record("undo", …)` in a
transaction of its own: killed between the two, the store says neither what it said before nor what it says after.
"""

import os
import sys

import pytest
from power import tracing
from power.kill_points import KillBench
from power.sync_order import violations

pytestmark = [
    pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not() or "traced"),
    pytest.mark.xdist_group("strace"),
]
_SOME = 5  # kills of a scenario in the ordinary run


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALART_", "WANDB_"))}
    folder = tmp_path_factory.mktemp("bench")
    with KillBench(folder, kept | {"LOCALART_SILENT": "1", "PYTHONHASHSEED": "0"}) as bench:
        yield bench


@pytest.mark.parametrize("scenario", ["prune", "undo"])
def test_what_was_deleted_or_brought_back_is_synced_before_the_call_returns(bench, scenario):
    trace = bench.trace(scenario)

    broken = violations(trace.calls, store=trace.store, existing=trace.existing, acks=trace.acks)
    assert list(broken) == []


@pytest.mark.parametrize("scenario", ["prune", "undo"])
def test_a_kill_leaves_rules_and_undo_done_or_not_begun(bench, scenario):
    rehearsed = bench.rehearse(scenario)
    points = rehearsed.points[2 :: max(1, len(rehearsed.points) // _SOME)]

    assert len(rehearsed.points) > 20
    assert _killed(bench, rehearsed, points) == []


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", ["prune", "undo"])
def test_a_kill_at_any_call_leaves_rules_and_undo_done_or_not_begun(bench, scenario):
    rehearsed = bench.rehearse(scenario)

    broken = _killed(bench, rehearsed, rehearsed.points)

    print(
        f"\nkill -9 at each call, {scenario}: {len(rehearsed.points)} points, {len(broken)} promises broken",
        file=sys.stderr,
    )
    assert broken == []


def _killed(bench, rehearsed, points):
    return [f"{point}: {line}" for point in points for line in bench.kill(rehearsed, point)]
