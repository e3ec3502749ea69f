"""A command starts as fast as what it is made of: it loads little, and looks for no garbage on the way."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from large_catalog import LONG, Shape, make_large_catalog

PARTS = "import click, sqlite3"
MAIN = "import sys; sys.argv = ['localart', *{}]\nfrom localart.cli import main\nmain()"
LATER = {
    "difflib", "localart.operations.alias_history", "localart.store.frames", "numpy", "random", "shlex",
    "shutil", "sqlite_utils", "tempfile", "textual", "zstandard", "click.shell_completion",
}  # fmt: skip
OF_ITS_OWN = {"show": {"shlex"}, "--help": {"shutil"}}  # addresses to type; click's own
COMMANDS = {"ls": ["ls"], "ls PROJECT": ["ls", "p1"], "show": ["show", LONG], "--help": ["--help"]}


def code_of(command: str) -> str:
    return MAIN.format(COMMANDS[command])


def cpu_seconds(code: str, store: Path) -> float:
    """What a fresh interpreter takes of the processor, its start and end included."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "LOCALART_DIR": str(store)},
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shape = Shape(versions=200, artifacts=5, projects=2, files=5, whole=0, blobs=1_000)
    return make_large_catalog(tmp_path_factory.mktemp("small") / "store", shape)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_only_what_it_needs(command: str, small: Path) -> None:
    """Fails when `resolve` imports `alias_history` at its top, or `console` imports shutil."""
    told = "import atexit, json, sys; atexit.register(lambda: print(json.dumps([*sys.modules]), file=sys.stderr))\n"

    done = subprocess.run(
        [sys.executable, "-c", told + code_of(command)],
        env={**os.environ, "LOCALART_DIR": str(small)},
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert loaded & LATER <= OF_ITS_OWN.get(command, set())


def test_garbage_is_looked_for_while_a_command_runs_and_only_then(small: Path) -> None:
    """Fails when `CallCommand` leaves the collector as `main` set it: a long command would never free cycles."""
    told = (
        "import gc, localart.catalog.projects as projects, sys; plain = projects.list_projects\n"
        "def told(connection): print(gc.isenabled(), file=sys.stderr); return plain(connection)\n"
        "projects.list_projects = told\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", told + code_of("ls")],
        env={**os.environ, "LOCALART_DIR": str(small)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.split() == ["True"]


@pytest.mark.sweep
@pytest.mark.timeout(600)
def test_a_command_on_a_large_store_costs_at_most_twice_its_parts(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Processor time, so that a busy machine does not count.

    Not for want of a collector: left on by `main` it costs one hundredth. What fails this is a large import on the way.
    """
    store = make_large_catalog(tmp_path_factory.mktemp("large") / "store", Shape(files=10, whole=0))
    ratios: dict[str, list[float]] = {command: [] for command in COMMANDS}

    for _ in range(15):
        parts = cpu_seconds(PARTS, store)
        for command, found in ratios.items():
            found.append(cpu_seconds(code_of(command), store) / parts)

    medians = {command: statistics.median(found) for command, found in ratios.items()}
    print("\n" + ", ".join(f"{command}: {ratio:.2f} x {PARTS}" for command, ratio in medians.items()))
    assert max(medians.values()) <= 2.0
