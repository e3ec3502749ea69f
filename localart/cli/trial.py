"""Time what localart does with somebody's own files beside a plain copy of them."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One kind of work: what it was, and its seconds, once a round."""

    work: str
    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        """The least disturbed round."""
        return min(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """All kinds of work, and the bytes: as copied, and as the store keeps them.

    `start`: what each process of ours takes whatever it is given, timed on a single byte.
    """

    timings: tuple[Timing, ...]
    start: Timing
    file_count: int
    copied_bytes: int
    stored_bytes: int

    @property
    def is_mostly_start(self) -> bool:
        """Whether the data is too little for its times to say how fast it is worked on."""
        log = next(timing for timing in self.timings if timing.work == LOG)
        return self.start.best > log.best / 2


START = "start, and log one byte"
COPY, LOG, AGAIN, RESTORE, COPY_BACK = (
    "copy, synced",
    "log",
    "log again, unchanged",
    "restore, every byte verified",
    "copy back",
)


def run_trial(path: Path, *, beside: Path, rounds: int, say: Callable[[str], None]) -> Trial:
    """Log and restore `path` in a new store below `beside`, and copy it, `rounds` times in turn.

    Everything is removed afterwards, also when it is interrupted. Nothing of the user's own store is touched.
    """
    seconds: dict[str, list[float]] = {work: [] for work in (START, COPY, LOG, AGAIN, RESTORE, COPY_BACK)}
    facts = (0, 0, 0)
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        with _scratch(beside) as folder:
            facts = _round(path, folder, seconds)
    count, copied, stored = facts
    start, *timings = (Timing(work=work, seconds=tuple(taken)) for work, taken in seconds.items())
    return Trial(
        timings=tuple(timings), start=start, file_count=count, copied_bytes=copied, stored_bytes=stored
    )


def _round(path: Path, folder: Path, seconds: dict[str, list[float]]) -> tuple[int, int, int]:
    copy, store, restored = folder / "copy", folder / "store", folder / "restored"
    byte = folder / "byte"
    byte.write_bytes(b"1")
    with _timed(seconds[START]):
        _localart("put", str(byte), "-n", "bench/byte", "--store", str(folder / "empty store"))
    with _timed(seconds[COPY]):
        _copy(path, copy)
        _sync(copy)
    for work in (LOG, AGAIN):
        with _timed(seconds[work]):
            facts = _localart("put", str(path), "-n", "bench/trial", "--store", str(store))
    with _timed(seconds[RESTORE]):
        _localart("get", "bench/trial", "--root", str(restored), "--store", str(store))
    with _timed(seconds[COPY_BACK]):
        _copy(copy, folder / "copied back")
    stored = sum(file.stat().st_size for file in (store / "packs").iterdir())
    return facts["file_count"], facts["size_bytes"], stored


def _localart(*arguments: str) -> dict[str, Any]:
    """A process of its own, as a user would start one; what it answered."""
    called = subprocess.run(  # noqa: S603  # ourselves, with the path the user gave
        [sys.executable, "-m", "localart", *arguments, "--json"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(called.stdout)
    return answer


@contextmanager
def _timed(taken: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    taken.append(time.perf_counter() - began)


@contextmanager
def _scratch(beside: Path) -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="localart-bench-", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _copy(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target)
    else:
        shutil.copy2(path, target)


def _sync(path: Path) -> None:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
