"""`python failing_reader.py ROLE STORE …`, run under `failing_calls.c`: reads that fail, repairs that are killed."""

import ctypes
import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import damage_bench as bench
from power.store_checks import folder_content

from localart.errors import LocalartError, SourceError
from localart.operations.download import download
from localart.operations.repair import execute_repair, plan_repair
from localart.operations.resolve import resolve_version
from localart.operations.verify import VerifyReport, verify_store
from localart.repository import open_repository

shim = ctypes.CDLL(None)
READS, WRITES = range(2)
ONCE, FOR_GOOD, KILL = 1, 2, 4
OLD, NEW = "p/data:v0", "p/data:v2"
Tally = dict[str, int]


def fail_each_read(store: Path, step: int, how: int) -> Tally:
    """Ask everything, with the 1st, 2nd, … read failing, until a round needs fewer reads than that."""
    right = bench.answers(store)

    def judge(found: bench.Answers) -> tuple[bool, bool]:
        return bool(bench.wrong_answers(right, found)), found != right

    return _each(step, how, lambda: None, lambda: bench.answers(store), judge)


def fail_each_read_of_download(store: Path, step: int, how: int) -> Tally:
    """Bring a version over an older one; wrong is a file that is neither, and one that is not new without an error."""
    target, kept = store.with_name("target"), store.with_name("old")
    old, new = _downloaded(store, OLD, kept), _downloaded(store, NEW, store.with_name("new"))

    def prepare() -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(kept, target)

    def bring() -> str:
        try:
            _download(store, NEW, target)
        except LocalartError as error:
            return str(error)
        return ""

    def judge(refusal: str) -> tuple[bool, bool]:
        there = folder_content(target)
        is_whole = all(content in {old.get(path), new.get(path)} for path, content in there.items())
        is_there = bool(refusal) or new.items() <= there.items()
        return not (is_whole and is_there), bool(refusal)

    return _each(step, how, prepare, bring, judge)


def fail_each_read_of_verify(store: Path, step: int, how: int) -> Tally:
    """Look at every byte; wrong is a report that says all is sound and is not the one of a disk that reads."""
    right = verify_store(store, data=True)
    assert right.is_sound

    def look() -> VerifyReport | None:
        try:
            return verify_store(store, data=True)
        except LocalartError:
            return None

    def judge(found: VerifyReport | None) -> tuple[bool, bool]:
        is_refused = found is None or not found.is_sound
        return not (is_refused or found == right), is_refused

    return _each(step, how, lambda: None, look, judge)


def _each(
    step: int,
    how: int,
    prepare: Callable[[], None],
    act: Callable[[], Any],
    judge: Callable[[Any], tuple[bool, bool]],
) -> Tally:
    """`judge` says of what `act` found whether it is wrong and whether it was refused."""
    tally = {"points": 0, "wrong": 0, "refused": 0}
    for number in count(1, step):
        prepare()
        shim.arm(READS, ctypes.c_long(number), errno.EIO, how)
        try:
            found = act()
        finally:
            shim.disarm()
        if shim.calls() < number:
            return tally
        wrong, refused = judge(found)
        tally["points"] += 1
        tally["wrong"] += wrong
        tally["refused"] += refused
    raise AssertionError("unreachable")


def _downloaded(store: Path, label: str, folder: Path) -> dict[str, bytes]:
    _download(store, label, folder)
    return folder_content(folder)


def _download(store: Path, label: str, folder: Path) -> None:
    repository = open_repository(store, create=False)
    try:
        download(repository, resolve_version(repository, label, project=None), folder)
    finally:
        with suppress(LocalartError):
            repository.close()


ROLES = {"read": fail_each_read, "download": fail_each_read_of_download, "verify": fail_each_read_of_verify}


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
        if role in ROLES:
            step, how = map(int, others)
            print(json.dumps(ROLES[role](Path(store), step, how)))
        else:
            print(json.dumps(repair_killed_at(Path(store), int(others[0]), Path(others[1]))))
    except (LocalartError, SourceError) as error:
        raise SystemExit(str(error)) from error
