"""I1, I3: any call that writes may fail, once or from then on; nothing false is said, and the cause is named."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import product
from pathlib import Path

import failing_shim
import pytest

SCENARIOS = (
    "first", "later", "sliced", "alias", "delete", "finish", "link", "upsert", "flush", "prune", "undo", "rebuild",
    "backup", "migrate", "repair", "download", "edit", "amendments", "move", "unlink", "trash", "remove_run", "tell",
    "branch", "recover", "pictures", "repack",
)  # fmt: skip
ERRORS = ("ENOSPC", "EDQUOT", "EROFS", "EIO")
HOW_LONG = ("once", "for good", "for good, such calls")
SLICE = os.environ.get("LOCALART_TEST_SLICE", "1/1")
"""`3/28`: the third of 28 equal shares of all faults, for sweeps in small pieces."""

pytestmark = pytest.mark.skipif(bool(failing_shim.WHY_NOT), reason=failing_shim.WHY_NOT or "can fail")


class Server:
    """Answers what is wrong after faults; see failing_writer."""

    def __init__(self, folder: Path) -> None:
        (folder / "sources").mkdir(parents=True)
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("LOCALART_", "WANDB_"))
        }
        settings = {
            "LOCALART_SILENT": "1",
            "LOCALART_CONSOLE": "off",
            "LOCALART_X_SAVE_REQUIREMENTS": "false",
            "PYTHONHASHSEED": "0",
        }
        shim = failing_shim.environment_under(failing_shim.build_shim(folder), below=folder / "new")
        self._process = subprocess.Popen(
            [sys.executable, failing_shim.HERE / "failing_writer.py", folder / "sources"],
            env=kept | settings | {key: shim[key] for key in failing_shim.VARIABLES},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
        )  # fmt: skip

    def calls(self, scenario: str) -> list[str]:
        """The calls it makes that write: kind and place."""
        return self._ask(scenario=scenario)["calls"]

    def disturb(self, scenario: str, faults: list[tuple[int, str, str]]) -> dict:
        """What is `broken` after these faults, which calls were `hit`, and how many were `missed`."""
        return self._ask(scenario=scenario, faults=faults)

    def close(self) -> None:
        """End the server."""
        self._process.communicate()

    def _ask(self, **what: object) -> dict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def server():
    """In memory where there is such a place: what fails here does not depend on the file system."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory, prefix="localart-faults-") as folder:
        server = Server(Path(folder).resolve())
        yield server
        server.close()


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_call_that_fails_costs_nothing_that_was_acknowledged(server, scenario):
    """Seen to fail when `_migrate` rolls back what SQLite has rolled back already."""
    calls = server.calls(scenario)
    kinds = {_kind(call): number for number, call in enumerate(calls, start=1)}
    numbers = sorted(kinds.values())[len(scenario) % 3 :: max(1, len(kinds) // 5)]
    faults = [(number, ERRORS[turn % 4], HOW_LONG[turn % 3]) for turn, number in enumerate(numbers)]

    found = server.disturb(scenario, faults)

    assert len(calls) > 50
    assert found["missed"] <= 1
    assert found["broken"] == []


def test_a_sync_that_fails_is_never_passed_over(server):
    """Seen to fail when `PackAppender._sync_one` swallows its OSError."""
    calls = server.calls("later")
    syncs = [number for number, call in enumerate(calls, start=1) if re.match("f(data)?sync .*pack", call)]

    found = server.disturb("later", [(number, "EIO", "once") for number in syncs])

    assert len(syncs) > 3
    assert found["broken"] == []


def _kind(call):
    """Calls that do the same to alike files."""
    return re.sub(r"[0-9a-f]{8,}|[0-9]+", "", call)


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_call_may_fail_in_any_way(server, scenario):
    """Each call, with each error, once and from then on; then all calls that write or, in turn, all of its kind.

    The first quarter of the shares fails each call, with one error or the other, both ways.
    """
    share, shares = map(int, SLICE.split("/"))
    calls = server.calls(scenario)
    faults = [
        (number, ERRORS[(number + turn) % 4], how)
        for turn, number in product(range(4), range(1, len(calls) + 1))
        for how in ("once", HOW_LONG[1 + (number + turn) // 4 % 2])
    ]
    tried = faults[len(faults) * (share - 1) // shares : len(faults) * share // shares]

    found = server.disturb(scenario, tried)

    kinds = ", ".join(f"{kind} {count}" for kind, count in Counter(found["hit"]).most_common())
    print(
        f"\n{'/'.join(ERRORS)} once and for good, {scenario}: {len(calls)} calls, {len(tried) - found['missed']} of"
        f" {len(faults)} faults ({kinds}), {len(found['broken'])} promises broken",
        *found["broken"], sep="\n", file=sys.stderr,
    )  # fmt: skip
    assert found["missed"] <= 1 + len(tried) // 20
    assert found["broken"] == []
