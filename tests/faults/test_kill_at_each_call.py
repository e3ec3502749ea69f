"""I1, I3: a process may die at any instruction; each step is done or not begun, and synced before it is said."""

import os
import sys

import pytest
from power import tracing
from power.kill_points import KillBench
from power.sync_order import violations

SCENARIOS = ("first", "later", "sliced", "alias", "delete", "finish", "link", "upsert")
_SOME = 4  # kills of a scenario in the ordinary run

pytestmark = pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not() or "traced")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALART_", "WANDB_"))}
    # files on their own, kept before
    kept |= {"LOCALART_CONSOLE": "off", "LOCALART_X_SAVE_REQUIREMENTS": "false"}
    folder = tmp_path_factory.mktemp("bench")
    with KillBench(folder, kept | {"LOCALART_SILENT": "1", "PYTHONHASHSEED": "0"}) as bench:
        yield bench


@pytest.mark.xdist_group("strace")
@pytest.mark.parametrize("scenario", [*SCENARIOS, "numbers"])
def test_everything_is_synced_in_order_before_a_call_returns(bench, scenario):
    trace = bench.trace(scenario)

    broken = violations(trace.calls, store=trace.store, existing=trace.existing, acks=trace.acks)
    assert list(broken) == []
    assert sum(call.path == str(trace.acks) for call in trace.calls) == trace.steps > 0


@pytest.mark.xdist_group("strace")
@pytest.mark.parametrize("scenario", ["first", "later"])
def test_a_kill_leaves_the_state_before_or_after_the_step(bench, scenario):
    rehearsed = bench.rehearse(scenario)
    points = rehearsed.points[3 :: max(1, len(rehearsed.points) // _SOME)]

    assert _killed(bench, rehearsed, points) == []


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_kill_at_any_call_leaves_the_state_before_or_after_the_step(bench, scenario):
    rehearsed = bench.rehearse(scenario)

    broken = _killed(bench, rehearsed, rehearsed.points)

    print(
        f"\nkill -9 at each call, {scenario}: {len(rehearsed.points)} points, {len(broken)} promises broken",
        file=sys.stderr,
    )
    assert broken == []


def _killed(bench, rehearsed, points):
    return [f"{point}: {line}" for point in points for line in bench.kill(rehearsed, point)]
