"""I1, I3: any call that writes may fail, once or from then on; nothing false is said, and the cause is named."""

import os
import re
import sys
from collections import Counter

import pytest
from power import tracing
from power.kill_points import KillBench

SCENARIOS = ("first", "later", "sliced", "alias", "delete", "finish", "link", "upsert", "flush")
ERRORS = ("ENOSPC", "EDQUOT", "EROFS", "EIO")
CALLS = {
    "openat", "write", "pwrite64", "pwritev", "pwritev2", "fdatasync", "fsync", "rename", "renameat", "renameat2",
    "link", "linkat", "ftruncate", "fallocate", "mkdir", "mkdirat",
}  # fmt: skip
SHARE = int(os.environ.get("LOCALART_TEST_FAULTS", "4"))
"""Of how many faults the sweep tries one; 1 tries all."""

pytestmark = pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not() or "traced")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALART_", "WANDB_"))}
    kept |= {
        "LOCALART_CONSOLE": "off",
        "LOCALART_X_SAVE_REQUIREMENTS": "false",
    }  # files on their own, kept before
    folder = tmp_path_factory.mktemp("bench")
    with KillBench(folder, kept | {"LOCALART_SILENT": "1", "PYTHONHASHSEED": "0"}) as bench:
        yield bench


@pytest.mark.xdist_group("strace")
@pytest.mark.parametrize(
    ("scenario", "error", "for_good"),
    [("later", "ENOSPC", False), ("alias", "EIO", True), ("flush", "EROFS", False), ("link", "EDQUOT", True)],
)
def test_a_call_that_fails_costs_nothing_that_was_acknowledged(bench, scenario, error, for_good):
    """Seen to fail when `PackAppender._sync_one` swallows its OSError."""
    rehearsed = bench.rehearse(scenario)
    faults = {
        _kind(point): (point, error, for_good) for point, _, _ in _faults(rehearsed, [error], [for_good])
    }

    chosen = sorted(faults, key=lambda kind: kind[1].startswith("/localart.db"))[:5]
    assert _failed(bench, rehearsed, [faults[kind] for kind in chosen]) == []


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_call_may_fail_in_any_way(bench, scenario):
    rehearsed, bench.missed = bench.rehearse(scenario), 0
    faults = list(_faults(rehearsed, ERRORS, [False, True]))
    tried = [fault for number, fault in enumerate(faults) if (number + number // SHARE) % SHARE == 0]

    broken = _failed(bench, rehearsed, tried)

    assert bench.missed <= len(tried) // 20
    by_call = Counter(point.call for point, _, _ in tried)
    print(
        f"\n{'/'.join(ERRORS)} once and for good, {scenario}: {len(tried) - bench.missed} of {len(faults)} faults"
        f" ({', '.join(f'{call} {count}' for call, count in by_call.most_common())}), {len(broken)} promises broken",
        file=sys.stderr,
    )
    assert broken == []


def _kind(point):
    """Calls that do the same to alike files."""
    return point.call, re.sub(r"[0-9a-f]{8,}|[0-9]+", "", point.place)


def _faults(rehearsed, errors, how_long):
    """Every write-class call of the scenario, with each error. `openat` also reads: for good it would hit all of it."""
    for point in rehearsed.points:
        for error in errors if point.call in CALLS else ():
            for for_good in how_long:
                if not (for_good and point.call == "openat"):
                    yield point, error, for_good


def _failed(bench, rehearsed, faults):
    return [
        f"{point} {error} {'for good' if for_good else 'once'}: {line}"
        for point, error, for_good in faults
        for line in bench.fail(rehearsed, point, error, for_good=for_good)
    ]
