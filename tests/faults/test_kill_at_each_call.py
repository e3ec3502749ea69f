"""I1, I3: a process may die at any instruction; each step is done or not begun, and synced before it is said.

After each kill the same call again makes the state that it makes without one, everything is read and compared with
its digest, verify finds the store sound, and a catalog that is rebuilt from the packs alone says the same.

Broken on purpose: `delete_run` with its versions deleted in a transaction of their own fails `remove_run`, also in the
small dose; an alias moved in a transaction after the one that logs its version fails `later`, at one of forty points
(the four of the small dose miss it). Without the sync of the file, or of the folder, in `write_atomically` the order
of syncs is wrong.
"""

from fnmatch import fnmatch

import pytest
from power import tracing
from power.kill_points import KillBench, broken_by_kills, environment_of_victims
from power.sync_order import violations

SCENARIOS = (
    "first", "later", "sliced", "alias", "delete", "finish", "flush", "link", "unlink", "upsert", "edit",
    "amendments", "move", "trash", "remove_run", "tell", "branch", "recover", "pipeline", "pictures",
)  # fmt: skip
AT_RISK = ("flush",)  # numbers of the last second

pytestmark = pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not() or "traced")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with KillBench(tmp_path_factory.mktemp("bench"), environment_of_victims()) as bench:
        yield bench


@pytest.mark.xdist_group("strace")
@pytest.mark.parametrize("scenario", [*(one for one in SCENARIOS if one not in AT_RISK), "numbers"])
def test_everything_is_synced_in_order_before_a_call_returns(bench, scenario):
    trace = bench.trace(scenario)

    broken = violations(trace.calls, store=trace.store, existing=trace.existing, acks=trace.acks)
    assert list(broken) == []
    assert sum(call.path == str(trace.acks) for call in trace.calls) == trace.steps > 0


@pytest.mark.xdist_group("strace")
@pytest.mark.parametrize(
    ("scenario", "place"),
    [
        ("first", "/packs/*.pack"), ("first", "/packs"), ("first", "/localart.db"), ("first", "/localart.db-wal"),
        ("first", ""), ("first", "/.localart-*.part"), ("later", "/packs/*.pack"), ("later", "/localart.db-wal"),
        ("alias", "/packs/*.pack"), ("alias", "/localart.db-wal"), ("delete", "/localart.db-wal"),
    ],
)  # fmt: skip
def test_one_sync_that_is_left_out_is_noticed(bench, scenario, place):
    """What the test above would say of a library that forgets a single sync; SQLite makes some that nobody needs."""
    trace = bench.trace(scenario)
    syncs = [
        at
        for at, call in enumerate(trace.calls)
        if call.name in {"fsync", "fdatasync"} and fnmatch(call.path.removeprefix(str(trace.store)), place)
    ]

    without_one = [[*trace.calls[:at], *trace.calls[at + 1 :]] for at in syncs]
    assert any(
        list(violations(calls, store=trace.store, existing=trace.existing, acks=trace.acks))
        for calls in without_one
    )


@pytest.mark.xdist_group("strace")
@pytest.mark.parametrize("scenario", ["first", "later", "edit", "remove_run", "recover"])
def test_a_kill_leaves_the_state_before_or_after_the_step(bench, scenario):
    assert broken_by_kills(bench, scenario, some=4) == []


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_kill_at_any_call_leaves_the_state_before_or_after_the_step(bench, scenario):
    assert broken_by_kills(bench, scenario) == []
