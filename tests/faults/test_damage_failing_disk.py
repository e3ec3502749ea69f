"""A disk that fails while it is read, and a repair that is killed: exact or an error, and never worse than before."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import damage_bench as bench
import pytest

HERE = Path(__file__).parent
GCC = shutil.which("gcc")
pytestmark = pytest.mark.skipif(GCC is None or sys.platform != "linux", reason="needs gcc and Linux")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a bit of everything."""
    folder = tmp_path_factory.mktemp("failing")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LOCALART_DIR", str(folder / "store"))
        patch.setenv("LOCALART_SILENT", "1")
        patch.setenv("LOCALART_CONSOLE", "off")
        patch.setenv("LOCALART_X_SAVE_REQUIREMENTS", "false")
        bench.fill(folder / "files", with_weights=False)
    return folder / "store"


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes calls fail."""
    library = tmp_path_factory.mktemp("shim") / "failing.so"
    assert GCC is not None
    subprocess.run(
        [GCC, "-shared", "-fPIC", "-O1", "-o", library, HERE / "failing_calls.c", "-ldl"], check=True
    )
    return library


def run(shim: Path, *arguments: object, below: Path) -> object:
    environment = {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "LOCALART_FAIL_BELOW": str(below),
        "PYTHONPATH": f"{HERE.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run(
        [sys.executable, HERE / "failing_reader.py", *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=2_000, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read_failing(shim: Path, store: Path, step: int, *, below: str = "") -> dict[str, int]:
    tally = run(shim, "read", store, step, below=store / below)
    assert isinstance(tally, dict)
    print(
        f"failing reads: {tally['points']} points, {tally['refused']} refused, {tally['wrong']} wrong answers"
    )
    return tally


def test_a_read_that_fails_is_an_error_or_changes_nothing(shim: Path, whole: Path) -> None:
    """Fails when `read_into` lets the system's error through."""
    anywhere = read_failing(shim, whole, 17)
    packs = read_failing(shim, whole, 1, below="packs")

    assert min(anywhere["refused"], packs["refused"]) > 5
    assert not anywhere["wrong"] + packs["wrong"]


@pytest.mark.sweep
@pytest.mark.timeout(3_000)
def test_every_read_that_fails_is_an_error_or_changes_nothing(shim: Path, whole: Path) -> None:
    """Fails when `read_into` lets the system's error through."""
    assert not read_failing(shim, whole, 1)["wrong"]


def kill_repairs(shim: Path, whole: Path, folder: Path, step: int) -> int:
    """Kill a repair at every `step`th call that changes something, and finish it with another one."""
    from localart.operations.repair import execute_repair, plan_repair
    from localart.repository import open_repository

    right = bench.answers(whole)
    number, killed = 1, 0
    while True:
        copy = folder / f"copy{number}"
        shutil.copytree(whole, copy)
        pack = bench.packs_of(copy)[0]
        for start, length in bench.frames_of(pack)[::3]:
            bench.harm_frame(pack, start, length)
        bench.change_rows(copy, "UPDATE versions SET metadata = '{}' WHERE id = 1")
        bench.change_rows(copy, "DELETE FROM journal WHERE seq = 7")
        if not run(shim, "kill", copy, number, whole, below=copy):
            return killed
        killed += 1
        assert not bench.wrong_answers(right, bench.answers(copy)), number
        repository = open_repository(copy, create=False)
        report = execute_repair(repository, plan_repair(repository), places=[whole])
        repository.close()
        assert report.is_sound, (number, [finding.what for finding in report.after.findings])
        assert bench.answers(copy) == right, number
        shutil.rmtree(copy)
        number += step


def test_a_repair_that_is_killed_is_finished_by_the_next(shim: Path, whole: Path, tmp_path: Path) -> None:
    """Fails when `mending._changeable` leaves the triggers away."""
    assert kill_repairs(shim, whole, tmp_path, 23) >= 3


@pytest.mark.sweep
@pytest.mark.timeout(3_000)
def test_a_repair_killed_at_any_call_is_finished_by_the_next(shim: Path, whole: Path, tmp_path: Path) -> None:
    """Fails when `mending._changeable` leaves the triggers away."""
    print(f"repairs killed: {kill_repairs(shim, whole, tmp_path, 1)} points, all finished by the next")
