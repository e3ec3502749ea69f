"""I1, I5: whatever dies or runs beside a prune, no byte that anything needs is lost."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import prune_processes as processes
import pytest

import localart
from localart.operations import prune
from localart.operations.prune import execute_prune
from localart.repository import default_repository, open_repository
from localart.repository.opening import close_all
from localart.store import packs

SCRIPT = Path(processes.__file__)
WRITES = ("pwrite64", "pwritev", "write", "fsync", "fdatasync", "ftruncate", "unlink", "rename")
KEPT = {
    "small:v1": processes.small(1),
    "small:v2": processes.small(2),
    "large:v1": processes.large(1),
    "fixed:v0": {**processes.small(100), **processes.large(100)},
}


@pytest.fixture(autouse=True)
def small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "PACK_BYTES", processes.PACK_BYTES)


def start(*arguments: object, store: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "LOCALART_DIR": str(store)}
    return subprocess.Popen([sys.executable, str(SCRIPT), *map(str, arguments)], env=environment)


def ended_well(process: subprocess.Popen[bytes]) -> bool:
    return process.wait(timeout=120) == 0


# --- beside a prune ------------------------------------------------------------------------------------


def test_content_that_a_draft_found_stored_survives_a_prune_in_between(store: Path, tmp_path: Path) -> None:
    """Seen to fail without the pins in `sparing._NEEDED`."""
    processes.log("small", processes.small(1), tmp_path)
    draft = start("rely_on_stored", tmp_path, store=store)
    wait_for(tmp_path / "added")
    processes.delete(default_repository(), "small:v0")

    report = execute_prune(default_repository())

    assert report.beside_writers
    (tmp_path / "go").touch()
    assert ended_well(draft)
    assert not execute_prune(default_repository()).held_by_writers
    assert processes.fetch(default_repository(), "relied:v0", tmp_path / "out") == processes.small(1)


def test_a_manifest_that_is_logged_again_between_its_mark_and_the_sweep_stays(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without `is_current`: the version was there, and its files were not."""
    processes.log("small", processes.small(1), tmp_path)
    processes.delete(default_repository(), "small:v0")
    alive = localart.Artifact("alive", "dataset")
    with alive.new_file("x") as file:
        file.write("x")
    sweep = prune._sweep_marked
    calls = []

    def late(*arguments: Any) -> bool:
        if not calls:
            thread = threading.Thread(target=processes.log, args=("small", processes.small(1), tmp_path))
            thread.start()
            thread.join()
        calls.append(sweep(*arguments))
        return calls[-1]

    monkeypatch.setattr(prune, "_sweep_marked", late)
    report = execute_prune(default_repository(), trash_seconds=0)
    assert alive.manifest.entries

    assert processes.fetch(default_repository(), "small:v1", tmp_path / "out") == processes.small(1)
    assert report.beside_writers
    assert calls == [False, True]


def test_the_same_content_is_logged_and_deleted_while_prunes_run(store: Path, tmp_path: Path) -> None:
    processes.log("other", processes.large(1), tmp_path)
    done = tmp_path / "done"

    writer = start("log_the_same", tmp_path, 12, store=store)
    reports = []
    while writer.poll() is None:
        reports.append(execute_prune(default_repository()))
        time.sleep(0.005)
    done.touch()

    assert writer.returncode == 0
    assert any(report.freed_bytes for report in reports)
    assert processes.fetch(default_repository(), "other:v0", tmp_path / "out") == processes.large(1)


def test_writers_and_readers_lose_nothing_to_prunes(store: Path, tmp_path: Path) -> None:
    processes.log("fixed", KEPT["fixed:v0"], tmp_path)
    done = tmp_path / "done"
    close_all()

    reader = start("fetch_again", tmp_path, done, store=store)
    writer = start("log_many", tmp_path, 8, store=store)
    repository = default_repository()
    reports = []
    while writer.poll() is None:
        processes.delete(repository, *processes.busy_versions(repository)[:-2])
        reports.append(execute_prune(repository))
        time.sleep(0.02)
    done.touch()

    assert writer.returncode == 0
    assert ended_well(reader)
    reports.append(execute_prune(repository))
    assert sum(report.packs_removed + report.packs_rewritten for report in reports) > 0
    check({"busy:v7": {**processes.small(7), **processes.large(7)}, "fixed:v0": KEPT["fixed:v0"]}, tmp_path)


def test_a_download_goes_on_when_a_prune_moves_what_it_reads(store: Path, tmp_path: Path) -> None:
    keep = {f"f{i:04}-keep": processes.noise(("keep", i), 2_000) for i in range(2_100)}
    dead = {f"f{i:04}-dead": processes.noise(("dead", i), 2_000) for i in range(2_100)}
    processes.log("both", {**keep, **dead}, tmp_path)
    processes.log("keep", keep, tmp_path)
    processes.delete(default_repository(), "both:v0")
    default_repository().release_writer()
    before = set((store / "packs").iterdir())
    moved = []

    class PruneInTheMidst:
        files = 0

        def start(self, task: str, *, total_bytes: int, total_files: int) -> None: ...

        def finish(self) -> None: ...

        def advance(self, *, byte_count: int = 0, file_count: int = 0, stored_bytes: int = 0) -> None:
            self.files += file_count
            if self.files >= 50 and not moved:
                moved.append(start("prune_once", store=store).wait())

    version = processes.resolve_version(default_repository(), "keep:v0", project="p")
    report = processes.download(default_repository(), version, tmp_path / "out", progress=PruneInTheMidst())

    assert moved == [0]
    assert not before & set((store / "packs").iterdir())
    assert report.written_files == len(keep)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == keep


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- killed in the midst of it -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dirty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something of every kind to prune: rows, half-dead frames, layers, dead packs, an orphan."""
    folder = tmp_path_factory.mktemp("dirty")
    store = folder / "store"
    environment = {**os.environ, "LOCALART_DIR": str(store), "LOCALART_SILENT": "1"}
    subprocess.run(
        [sys.executable, "-c", MAKE_DIRTY, str(SCRIPT.parent), str(folder)], env=environment, check=True
    )
    orphan = store / "packs" / f"{'0a' * 16}.pack"
    orphan.write_bytes(processes.noise("orphan", 5_000))
    return store


MAKE_DIRTY = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from prune_processes import *
packs.PACK_BYTES = PACK_BYTES
folder = Path(sys.argv[2])
for number in range(3):
    log("small", small(number), folder)
    log("large", large(number), folder)
log("fixed", {**small(100), **large(100)}, folder)
log("doomed", {"doomed.bin": noise("doomed", 2_500_000)}, folder)
delete(default_repository(), "small:v0", "large:v0", "large:v2", "doomed:v0")
"""


@pytest.fixture
def killable(dirty_store: Path, tmp_path: Path) -> "Killable":
    """The dirty store, copied for each death."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    return Killable(dirty_store, tmp_path)


class Killable:
    def __init__(self, dirty_store: Path, folder: Path) -> None:
        self.dirty_store = dirty_store
        self.folder = folder

    def points(self) -> list[tuple[str, int]]:
        """Each system call of a prune that writes, with its number among its like in the thread."""
        log = self.folder / "calls"
        self.run("-o", str(log), "-e", f"trace={','.join(WRITES)}")
        calls = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.MULTILINE))
        most = {name: max(n for (_, call), n in calls.items() if call == name) for _, name in calls}
        return [(name, number) for name in WRITES for number in range(1, most.get(name, 0) + 1)]

    def run(self, *options: str) -> None:
        store = self.folder / "store"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.dirty_store, store)
        command = ["strace", "-f", "-qq", *options, sys.executable, str(SCRIPT), "prune_once"]
        environment = {**os.environ, "LOCALART_DIR": str(store)}
        subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False)

    def kill(self, call: str, number: int) -> None:
        """Die before that call, and look at what is left."""
        self.run("-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}")
        store = self.folder / "store"
        repository = open_repository(store)
        try:
            check(KEPT, self.folder, repository)
            execute_prune(repository)
            check(KEPT, self.folder, repository)
            assert execute_prune(repository).freed_bytes == 0
            known = {
                f"{name}.pack" for (name,) in repository.read().execute("SELECT name FROM packs").fetchall()
            }
            assert known == {path.name for path in (store / "packs").iterdir()}
            assert sum(path.stat().st_size for path in (store / "packs").iterdir()) < 4_000_000
        finally:
            repository.close()


def check(kept: dict[str, dict[str, bytes]], folder: Path, repository: object = None) -> None:
    repository = repository or default_repository()
    read = repository.read()
    assert read.execute("PRAGMA foreign_key_check").fetchall() == []
    assert read.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for label, files in kept.items():
        assert processes.fetch(repository, label, folder / "out") == files, label


@pytest.mark.xdist_group("strace")
def test_a_prune_killed_somewhere_leaves_a_whole_store(killable: Killable) -> None:
    points = killable.points()
    assert len(points) > 20

    for call, number in points[3 :: max(1, len(points) // 6)]:
        killable.kill(call, number)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_a_prune_killed_at_any_write_leaves_a_whole_store(killable: Killable) -> None:
    points = killable.points()

    for call, number in points:
        killable.kill(call, number)

    print(f"\nkill -9 at each write of a prune: {len(points)} points, all whole", file=sys.stderr)
