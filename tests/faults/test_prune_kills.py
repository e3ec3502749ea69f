"""I1, I3: prune, repacking and undo may be killed at any call; each step is done or not begun, and synced in order.

Broken on purpose: the trash emptied in a transaction without a journal record, or `tx.record("undo", …)` in a
transaction of its own: killed between the two, the store says neither what it said before nor what it says after.
"""

import pytest
from power import tracing
from power.kill_points import KillBench, broken_by_kills, environment_of_victims
from power.sync_order import violations

SCENARIOS = ("prune", "repack", "undo")

pytestmark = [
    pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not() or "traced"),
    pytest.mark.xdist_group("strace"),
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with KillBench(tmp_path_factory.mktemp("bench"), environment_of_victims()) as bench:
        yield bench


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_was_deleted_or_brought_back_is_synced_before_the_call_returns(bench, scenario):
    trace = bench.trace(scenario)

    broken = violations(trace.calls, store=trace.store, existing=trace.existing, acks=trace.acks)
    assert list(broken) == []


def test_repacking_makes_packs_and_removes_some(bench):
    calls = bench.trace("repack").calls

    assert any(call.name == "openat" and "O_CREAT" in call.text and ".pack" in call.path for call in calls)
    assert sum(call.name.startswith("unlink") and ".pack" in call.path for call in calls) > 2


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_kill_leaves_rules_and_undo_done_or_not_begun(bench, scenario):
    assert broken_by_kills(bench, scenario, some=5) == []


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_kill_at_any_call_leaves_rules_and_undo_done_or_not_begun(bench, scenario):
    assert broken_by_kills(bench, scenario) == []
