"""I3: a repair may die at any instruction: each fact is as it was found or as it was written, and the next one ends it.

Broken on purpose: a damaged pack that goes to quarantine before what is sound in it was copied fails this, and so do
triggers that `mending` takes away and does not put back. A pack that is let go of before it was copied does not: its
bytes are found again, for a repair looks into packs/ and quarantine/ first.
"""

import pytest
from power import tracing
from power.kill_points import KillBench, broken_by_kills, environment_of_victims
from power.observing import observe, wrong_with

from localart.operations.rebuild import rebuild

pytestmark = pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not() or "traced")


class RepairBench(KillBench):
    """What was killed is damaged still; once it has been repaired again, nothing is."""

    def _wrong_after_kill(self, store):
        return ()

    def _rebuilt(self, scenario, store):
        """A damaged pack that was let go of, and not put aside any more, is found again in a store without rows."""
        (store / "localart.db").unlink()
        rebuild(store)
        ending = self._victims.run("repair", store)
        if ending.code or observe(store) != scenario.states[-1]:
            yield f"rebuilt from its packs, and repaired: {ending}"
        yield from wrong_with(store)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with RepairBench(tmp_path_factory.mktemp("bench"), environment_of_victims()) as bench:
        yield bench


@pytest.mark.xdist_group("strace")
def test_a_killed_repair_is_ended_by_the_next_one(bench):
    assert broken_by_kills(bench, "repair", some=6) == []


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_a_repair_killed_at_any_call_is_ended_by_the_next_one(bench):
    assert broken_by_kills(bench, "repair") == []
