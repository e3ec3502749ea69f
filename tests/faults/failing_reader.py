"""`python failing_reader.py ROLE STORE …`, run under `failing_calls.c`: reads that fail, repairs that are killed."""

import ctypes
import errno
import json
import os
import signal
import sys
from pathlib import Path

import damage_bench as bench

from localart.errors import LocalartError, SourceError
from localart.operations.repair import execute_repair, plan_repair
from localart.repository import open_repository

shim = ctypes.CDLL(None)
READS, WRITES = range(2)
ONCE, KILL = 1, 4


def fail_each_read(store: Path, step: int) -> dict[str, int]:
    """Ask everything, with the 1st, 2nd, … read failing, until a round needs fewer reads than that."""
    right = bench.answers(store)
    tally = {"points": 0, "wrong": 0, "refused": 0}
    number = 1
    while True:
        shim.arm(READS, ctypes.c_long(number), errno.EIO, ONCE)
        found = bench.answers(store)
        shim.disarm()
        reached = shim.calls() >= number
        if not reached:
            return tally
        tally["points"] += 1
        tally["wrong"] += bool(bench.wrong_answers(right, found))
        tally["refused"] += found != right
        number += step


def repair_killed_at(store: Path, number: int, place: Path) -> bool:
    """Repair in a child that dies at its `number`th call that changes something; whether it came that far."""
    pid = os.fork()
    if pid == 0:
        shim.arm(WRITES, ctypes.c_long(number), 0, KILL)
        repository = open_repository(store, create=False)
        execute_repair(repository, plan_repair(repository), places=[place])
        repository.close()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise SystemExit("the repair failed")
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


if __name__ == "__main__":
    role, store, *others = sys.argv[1:]
    try:
        if role == "read":
            print(json.dumps(fail_each_read(Path(store), int(others[0]))))
        else:
            print(json.dumps(repair_killed_at(Path(store), int(others[0]), Path(others[1]))))
    except (LocalartError, SourceError) as error:
        raise SystemExit(str(error)) from error
