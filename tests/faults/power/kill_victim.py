"""Processes to be killed: a server that forks one child a scenario, ready to be traced.

    python kill_victim.py SOURCES

Writes what the scenarios log below SOURCES. Then reads `SCENARIO STORE ACKS STEPS DEATH` a line; forks a child,
answers with its pid, lets it begin when the next line arrives, and answers with its wait status once it is
gone. The child writes a line into ACKS as each step returns, and ends after STEPS of them (0: after all, with
the store closed). When a step raises, it writes a line that begins with `raised`, and ends. Under
`failing_calls.c` it dies at its DEATH-th call that writes (0: none), or, with -1, writes what it would have died
at into ACKS.calls, a line each.

The modules are imported once, here; each child opens the store for itself.
"""

import ctypes
import gc
import importlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from inspect import isgeneratorfunction
from types import FunctionType

import kill_steps
import kill_upkeep
from cut_contents import tree_of, write_tree
from kill_steps import SOURCES

import localart
from localart.catalog import format as catalog_format
from localart.repository.opening import close_all

_PACKAGES = [
    "operations",
    "runs",
    "draft",
    "catalog",
    "repository",
    "store",
    "session",
    "artifact",
    "api",
    "files",
    "lineage",
]
_PR_SET_PTRACER = 0x59616D61
_WRITES, _COUNT, _KILL = 1, 0, 4  # of failing_calls.c
_TELL = -1
SCENARIOS: dict[str, Callable[[], Iterator[None]]] = {
    name: one
    for module in (kill_steps, kill_upkeep)
    for name, one in vars(module).items()
    if isinstance(one, FunctionType) and one.__module__ == module.__name__ and isgeneratorfunction(one)
}


# --- the server --------------------------------------------------------------------------------------------


def _child(name: str, store: str, log: int, most_steps: int, begin: int, arm: Callable[[], None]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1 & 0xFFFF_FFFF_FFFF_FFFF), 0, 0, 0)
    os.environ["LOCALART_DIR"] = store
    os.read(begin, 1)
    arm()
    try:
        _play(name, log, most_steps)
    except Exception as error:
        _say(log, f"raised {type(error).__name__} {str(error)!a}")
        os._exit(1)
    os._exit(0)


def _arm(death: int, acks: str) -> None:
    """Die at that call, or tell of all of them."""
    if death == 0:
        return
    shim = ctypes.CDLL(None)
    if death == _TELL:
        shim.tell(os.open(f"{acks}.calls", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        shim.arm(_WRITES, ctypes.c_long(0), 0, _COUNT)
    else:
        shim.arm(_WRITES, ctypes.c_long(death), 0, _KILL)


def _play(name: str, log: int, most_steps: int) -> None:
    for done, _ in enumerate(SCENARIOS[name](), start=1):
        _say(log, "returned")
        if done == most_steps:
            return
    localart.finish()  # raises what is wrong; at the end of a process it would only be said
    close_all()


def _say(log: int, line: str) -> None:
    """By a call that nothing else makes, so that no fault hits it."""
    os.writev(log, [line.encode() + b"\n"])


def _writeSOURCES() -> None:
    for artifact in ("many", "chunked"):
        for number in range(3):
            write_tree(SOURCES / artifact / str(number), tree_of(artifact, "victim", number))
    write_tree(SOURCES / "sliced" / "0", tree_of("many", "sliced", 0))
    scripts = {**catalog_format.migrations(), "0002_colours": kill_upkeep.COLOURS}
    (SOURCES / "migrations").mkdir(exist_ok=True)
    for name, script in scripts.items():
        (SOURCES / "migrations" / f"{name}.sql").write_text(script)


def warm_up() -> None:
    """Write what is logged, and import what a child would."""
    _writeSOURCES()
    for package in map("localart.".__add__, _PACKAGES):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    for module in (
        "localart.api",
        "localart.artifact",
        "localart.media",
        "localart.media.image",
        "localart.media.table",
        "numpy",
        "PIL.Image",
        "concurrent.futures.thread",
        "zstandard",
        "sqlite_utils",
    ):
        importlib.import_module(module)


def serve() -> None:
    """Until standard input closes."""
    warm_up()
    gc.freeze()  # so that children share what was imported
    for line in sys.stdin:
        name, store, acks, most_steps, death = line.split()
        begin, ready = os.pipe()
        log = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # here: never part of a trace
        child = os.fork()
        if child == 0:
            os.close(ready)
            try:
                arm = partial(_arm, int(death), acks)
                _child(name, store, log, int(most_steps), begin, arm)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        print(child, flush=True)
        sys.stdin.readline()
        os.write(ready, b"\n")
        print(os.waitpid(child, 0)[1], flush=True)
        for descriptor in (begin, ready, log):
            os.close(descriptor)


if __name__ == "__main__":
    serve()
