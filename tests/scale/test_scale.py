"""A million files, files of gigabytes: time and memory stay bounded. Long; `SCALE_FILES` sets the number."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

STEPS = Path(__file__).with_name("steps.py")
FILES = int(os.environ.get("SCALE_FILES", "1000000"))
FOLDERS = 1_000
MB = 1 << 20

pytestmark = [pytest.mark.sweep, pytest.mark.timeout(3600)]


@pytest.fixture
def step(store, workdir):
    """Run one step in a process of its own; what it says of itself."""

    def run(*arguments: object) -> dict:
        done = subprocess.run(
            [sys.executable, str(STEPS), *map(str, arguments)],
            env={**os.environ, "LOCALART_DIR": str(store), "LOCALART_SILENT": "1"},
            cwd=workdir,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        print("\n", *arguments, said)
        return said

    return run


@pytest.fixture
def fast_folder(tmp_path) -> Iterator[Path]:
    """Memory, where there is enough of it: making a million files on disk takes longer than all the rest."""
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > 12_000 * FILES:
        with tempfile.TemporaryDirectory(dir=memory) as name:
            yield Path(name)
    else:
        yield tmp_path


def path_of(number: int) -> str:
    return f"{number % FOLDERS:04d}/{number:07d}.txt"


def make_files(root: Path) -> None:
    for folder in range(FOLDERS):
        (root / f"{folder:04d}").mkdir(parents=True)
    for number in range(FILES):
        write_one(root, number, b"%d" % number)


def write_one(root: Path, number: int, content: bytes) -> None:
    fd = os.open(root / path_of(number), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(fd, content)
    os.close(fd)


def test_a_million_files_are_logged_listed_compared_and_found(step, store, fast_folder, tmp_path):
    source = fast_folder / "source"
    make_files(source)

    first = step("log", "tree", source)
    size = (store / "localart.db").stat().st_size
    changed = random.Random(1).sample(range(FILES), FILES // 100)
    for number in changed:
        write_one(source, number, b"changed %d" % number)
    second = step("log", "tree", source)
    grown = (store / "localart.db").stat().st_size - size
    found = step("read", "tree", path_of(changed[0]), tmp_path / "out")

    assert (first["version"], second["version"]) == ("v0", "v1")
    assert (found["files"], found["changes"]) == (FILES, FILES // 100)
    assert (tmp_path / "out" / path_of(changed[0])).read_bytes() == b"changed %d" % changed[0]
    assert max(said["peak_mb"] for said in (first, second, found)) <= 600
    print(f"localart.db: {size / MB:.1f} MB, {grown / MB:.2f} MB more for 1 % changed")
    assert grown <= 5 * MB
    whole = step("download", "tree", fast_folder / "whole")
    assert whole["peak_mb"] <= 600
    assert sum(1 for _ in (fast_folder / "whole").rglob("*.txt")) == FILES


def make_large(path: Path, size: int) -> None:
    """Half noise, half text, so that every codec has its part."""
    dice = random.Random(size)
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(dice.randbytes(MB))
            file.write(b"%d,a line of text,0.5\n" % file.tell() * 40_000)
        file.truncate(size)


def same(one: Path, other: Path) -> bool:
    return subprocess.run(["cmp", "-s", one, other], check=False).returncode == 0


def test_a_file_of_two_gigabytes_goes_in_and_out_in_little_memory(step, tmp_path):
    source = tmp_path / "large.bin"
    make_large(source, 2 << 30)

    into = step("log", "large", source)
    out = step("download", "large", tmp_path / "out")

    assert max(into["peak_mb"], out["peak_mb"]) <= 200
    assert same(source, tmp_path / "out" / "large.bin")


def test_a_gigabyte_that_is_there_already_is_looked_at_only(step, tmp_path):
    source, target = tmp_path / "large.bin", tmp_path / "out" / "large.bin"
    make_large(source, 1 << 30)
    step("log", "large", source)

    out = step("download", "large", target.parent)
    stat = target.stat()
    with target.open("r+b") as file:
        file.seek(500_000_000)
        byte = file.read(1)
        file.seek(500_000_000)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(target, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not same(source, target)
    mended = step("download", "large", target.parent)

    assert same(source, target)
    assert mended["first"] > out["second"]
    assert out["second"] <= 0.1
    assert step("download", "large", target.parent)["first"] <= 0.1
