"""I5: four writers, two readers, and prunes by rules without a pause: nothing fails, nothing is lost.

Broken on purpose: without the pins in `sparing._NEEDED`, writers are told that content they added is gone.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import prune_beside_processes as processes
import pytest
from power.store_checks import damages

from localart.operations.download import download
from localart.operations.prune import PruneReport, execute_prune
from localart.operations.resolve import resolve_version
from localart.operations.retention import RetentionRules, execute_retention, plan_retention
from localart.repository import Repository, default_repository
from localart.store import packs

SCRIPT = Path(processes.__file__)
WRITERS = 4


def start(*arguments: object, store: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "LOCALART_DIR": str(store), "LOCALART_SILENT": "1"}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def prune_while(repository: Repository, alive: list[subprocess.Popen[str]]) -> list[PruneReport]:
    reports = []
    rules = RetentionRules(keep_last=2)
    while any(one.poll() is None for one in alive):
        execute_retention(repository, plan_retention(repository, rules), at_once=len(reports) % 2 == 0)
        reports.append(execute_prune(repository, trash_seconds=0))
        time.sleep(0.01)
    return reports


def work(store: Path, folder: Path, seconds: float) -> str:
    """What came of it, in a line; asserts that all is well."""
    repository = default_repository()
    writers = [start("write", f"w{number}", seconds, store=store) for number in range(WRITERS)]
    readers = [start("read", folder / f"r{number}", seconds, store=store) for number in range(2)]
    reports = prune_while(repository, writers + readers)
    said = {}
    for process in writers + readers:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err[-3_000:]
        said[process] = out.splitlines()

    logged = [line.split() for writer in writers for line in said[writer]]
    check(repository, logged, folder)
    freed = sum(report.freed_bytes for report in reports)
    beside = sum(report.beside_writers for report in reports)
    assert freed > 0
    assert beside > 0
    return (
        f"{WRITERS} writers, {len(readers)} readers, {seconds:.0f} s: {len(logged)} versions logged,"
        f" {sum(int(said[reader][-1]) for reader in readers)} read, {len(reports)} prunes ({beside} beside drafts)"
        f" freed {freed / 1e6:.1f} MB; 0 errors, 0 lost"
    )


def check(repository: Repository, logged: list[list[str]], folder: Path) -> None:
    assert list(damages(repository)) == []
    committed = {
        label
        for (label,) in repository.read()
        .execute("SELECT artifact || ':' || version FROM versions_view WHERE state = 'COMMITTED'")
        .fetchall()
    }
    seen = {label for label, *_ in logged}
    assert {f"kept-w{number}:v0" for number in range(WRITERS)} <= committed <= seen
    for label, *seeds in logged:
        if label in committed and seeds:
            target = folder / "check" / label
            download(repository, resolve_version(repository, label, project="p"), target)
            found = {path.name: path.read_bytes() for path in target.iterdir()}
            assert found == processes.content([int(seed) for seed in seeds]), label
    assert execute_prune(repository).beside_writers is False
    assert list(damages(repository)) == []


@pytest.fixture(autouse=True)
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "PACK_BYTES", 1 << 20)


def test_writers_and_readers_lose_nothing_to_prunes_by_rules(store: Path, tmp_path: Path) -> None:
    work(store, tmp_path, 5)


@pytest.mark.sweep
@pytest.mark.timeout(600)
def test_writers_and_readers_lose_nothing_to_a_minute_of_prunes(store: Path, tmp_path: Path) -> None:
    print("\n" + work(store, tmp_path, 60), file=sys.stderr)
