"""A disk that fails while it is read, and a repair that is killed: exact or an error, and never worse than before."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import damage_bench as bench
import failing_shim
import pytest

HERE = Path(__file__).parent
ONCE, FOR_GOOD = "1", "2"
pytestmark = pytest.mark.skipif(bool(failing_shim.WHY_NOT), reason=failing_shim.WHY_NOT or "can fail")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a bit of everything."""
    return bench.make_store(tmp_path_factory.mktemp("failing"))


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes calls fail."""
    return failing_shim.build_shim(tmp_path_factory.mktemp("shim"))


def run(shim: Path, *arguments: object, below: Path) -> object:
    done = subprocess.run(
        [sys.executable, HERE / "failing_reader.py", *map(str, arguments)],
        env=failing_shim.environment_under(shim, below=below), capture_output=True, text=True, timeout=2_000,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read_failing(
    shim: Path, store: Path, step: int, *, below: Path, role: str = "read", how: str = ONCE
) -> dict[str, int]:
    tally = run(shim, role, store, step, how, below=below)
    assert isinstance(tally, dict)
    print(
        f"failing reads, {role}, {'once' if how == ONCE else 'from then on'}: {tally['points']} points,"
        f" {tally['refused']} refused, {tally['wrong']} wrong",
        file=sys.stderr,
    )
    return tally


def test_a_read_that_fails_is_an_error_or_changes_nothing(shim: Path, whole: Path) -> None:
    """Fails when `read_into` lets the system's error through."""
    anywhere = read_failing(shim, whole, 17, below=whole)
    packs = read_failing(shim, whole, 1, below=whole / "packs")

    assert min(anywhere["refused"], packs["refused"]) > 5
    assert not anywhere["wrong"] + packs["wrong"]


@pytest.mark.parametrize(("role", "step", "how"), [("download", 37, ONCE), ("download", 61, FOR_GOOD),
                                                   ("verify", 29, ONCE), ("verify", 41, FOR_GOOD)])  # fmt: skip
def test_a_download_or_a_look_at_a_failing_disk_is_exact_or_an_error(
    shim: Path, whole: Path, role: str, step: int, how: str
) -> None:
    """Seen to fail when `read_into` lets the system's error through."""
    anywhere = read_failing(shim, whole, step, below=whole.parent, role=role, how=how)
    packs = read_failing(
        shim, whole, step // 8 if role == "verify" else 1, below=whole / "packs", role=role, how=how
    )

    assert min(anywhere["refused"], packs["refused"]) > 2
    assert not anywhere["wrong"] + packs["wrong"]


@pytest.mark.sweep
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("how", [ONCE, FOR_GOOD], ids=["once", "for-good"])
@pytest.mark.parametrize("role", ["read", "download", "verify"])
def test_every_read_that_fails_is_an_error_or_changes_nothing(
    shim: Path, whole: Path, role: str, how: str
) -> None:
    """Fails when `read_into` lets the system's error through."""
    assert not read_failing(shim, whole, 1, below=whole.parent, role=role, how=how)["wrong"]


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
    """Fails when `mending_derived.changeable` leaves the triggers away."""
    assert kill_repairs(shim, whole, tmp_path, 61) >= 3


@pytest.mark.sweep
@pytest.mark.timeout(3_000)
def test_a_repair_killed_at_any_call_is_finished_by_the_next(shim: Path, whole: Path, tmp_path: Path) -> None:
    """Fails when `mending_derived.changeable` leaves the triggers away."""
    print(f"repairs killed: {kill_repairs(shim, whole, tmp_path, 1)} points, all finished by the next")
