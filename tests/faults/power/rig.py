"""Run real writers on a disk that remembers, then cut its power at any record.

The disk may lose any part of what it was not yet told to flush, sector by sector: that is all a real one
promises. ext4 runs above it with delayed everything (`commit=300,noauto_da_alloc`), so that nothing is durable
by luck. Needs root, /dev/fuse, loop devices and mkfs.ext4; unmounts what it mounted whatever happens.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from power.remembering_disk import FLUSH, RECORD

HERE = Path(__file__).parent
DISK_BYTES = 128 << 20
_SECTOR = 512
_SUPERBLOCK = 4096  # ext4 does not survive half of it
_PATIENCE_SECONDS = 120


def why_not() -> str:
    """Why power cannot be cut here; empty when it can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    missing = [path for path in ("/dev/fuse", "/dev/loop-control") if not Path(path).exists()]
    missing += [tool for tool in ("mkfs.ext4", "mount", "umount") if shutil.which(tool) is None]
    return f"not here: {', '.join(missing)}" if missing else ""


# --- the disk and its file system ------------------------------------------------------------------------


@contextmanager
def mounted(image: Path, folder: Path, *, journal: str) -> Iterator[Path]:
    """The ext4 of `image` at `folder`, with everything delayed that can be; unmounted afterwards."""
    folder.mkdir(exist_ok=True)
    options = f"loop,data={journal},noauto_da_alloc,commit=300"
    subprocess.run(["mount", "-t", "ext4", "-o", options, image, folder], check=True, capture_output=True)
    try:
        yield folder
    finally:
        unmount(folder)


def unmount(folder: Path) -> None:
    """Unmount, now or, if something still uses it, as soon as nothing does."""
    for _ in range(50):
        if subprocess.run(["umount", folder], check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


@contextmanager
def remembering_disk(image: Path, folder: Path, log: Path) -> Iterator[Path]:
    """The file to mount as a disk; every write and flush to it goes into `log`."""
    folder.mkdir()
    serving = subprocess.Popen(
        [sys.executable, HERE / "remembering_disk.py", image, folder, log], stdout=subprocess.PIPE
    )
    try:
        assert serving.stdout is not None
        if serving.stdout.readline() != b"mounted\n":
            raise OSError("the disk cannot be mounted")
        yield folder / "disk"
    finally:
        unmount(folder)
        serving.stdout.close()
        try:
            serving.wait(timeout=10)
        except subprocess.TimeoutExpired:
            serving.kill()
            serving.wait()


# --- writers -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Listener:
    """One writer process and what it said; `marks` are the lengths of the log when it said so."""

    process: subprocess.Popen[bytes]
    events: list[dict[str, Any]]
    marks: list[int]

    def listen(self, log: Path) -> None:
        """Until the writer ends."""
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        for line in self.process.stdout:
            self.marks.append(log.stat().st_size)
            self.events.append(json.loads(line))
            with suppress(BrokenPipeError):
                self.process.stdin.write(b"\n")
                self.process.stdin.flush()


def _environment(store: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALART_", "WANDB_"))}
    return kept | {"LOCALART_DIR": str(store), "LOCALART_SILENT": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _start(store: Path, workdir: Path, script: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, HERE / script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(store),
        cwd=workdir,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with suppress(BrokenPipeError):
            pipe.close()


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything a disk was told while writers worked on it, and when each of their calls returned."""

    blank: Path
    log: Path
    journal: str
    writers: Mapping[str, Listener]
    mounted_mark: int


def blank_disk(folder: Path) -> Path:
    """The image of an empty ext4."""
    image = folder / "blank"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", image], check=True)
    return image


def record(
    start: Path,
    folder: Path,
    workdir: Path,
    *,
    journal: str,
    rounds: int,
    names: Sequence[str],
    with_reader: bool = False,
    leave_out: str = "nothing",
) -> Recording:
    """Let writers work on a disk that remembers and begins as a copy of `start`; their sources are in `workdir`.

    `leave_out`: which syncs the writers skip, to see that it is noticed (see `cut_writer`).
    """
    image, log = folder / "image", folder / "log"
    _copy(start, image)
    with ExitStack() as stack:
        disk = stack.enter_context(remembering_disk(image, folder / "disk", log))
        root = stack.enter_context(mounted(disk, folder / "mounted", journal=journal))
        store = root / "home" / "store"
        mark = log.stat().st_size
        how = (str(rounds), "reopen" if len(names) == 1 else "stay", leave_out)
        writers = {
            name: Listener(_start(store, workdir, "cut_writer.py", name, *how), [], []) for name in names
        }
        for writer in writers.values():
            stack.callback(_end, writer.process)
        reader = _start(store, workdir, "cut_reader.py") if with_reader else None
        if reader is not None:
            stack.callback(_end, reader)
        _run_to_the_end(writers, reader, log)
    return Recording(start, log, journal, writers, mark)


def _run_to_the_end(
    writers: Mapping[str, Listener], reader: subprocess.Popen[bytes] | None, log: Path
) -> None:
    threads = [threading.Thread(target=writer.listen, args=(log,)) for writer in writers.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=_PATIENCE_SECONDS)
    for name, writer in writers.items():
        if writer.process.wait(timeout=_PATIENCE_SECONDS) != 0:
            raise AssertionError(f"writer {name} failed")
    if reader is not None:
        reader.communicate(timeout=_PATIENCE_SECONDS)
        if reader.returncode != 0:
            raise AssertionError("the reader failed")


# --- cutting -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One write or flush: where its bytes lie in the log, where they went on the disk, and when."""

    kind: int
    offset: int
    length: int
    seconds: float
    body: int

    @property
    def stop(self) -> int:
        """Where the record ends in the log."""
        return self.body + self.length


def read_log(log: Path) -> list[LogRecord]:
    """All records, in order."""
    records = []
    at, size = 0, log.stat().st_size
    with log.open("rb") as file:
        while at < size:
            file.seek(at)
            kind, offset, length, seconds = RECORD.unpack(file.read(RECORD.size))
            records.append(LogRecord(kind, offset, length, seconds, at + RECORD.size))
            at += RECORD.size + length
    return records


class PowerCuts:
    """Disks as they are found after power cuts, at later and later records of one recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.records = read_log(recording.log)
        self._log = recording.log.open("rb")
        self._durable = recording.blank
        self._at = 0

    def close(self) -> None:
        """Let go of the log."""
        self._log.close()

    def first(self) -> int:
        """The first record after mounting."""
        return sum(record.stop <= self.recording.mounted_mark for record in self.records)

    def done(self, count: int) -> dict[str, int]:
        """How many calls of each writer had returned after `count` records."""
        seen = self.records[count - 1].stop if count else 0
        return {
            name: sum(mark <= seen for mark in writer.marks)
            for name, writer in self.recording.writers.items()
        }

    def around(self, call: str) -> list[int]:
        """Every count of records at which a writer was in this call, or in the next one."""
        found = []
        for writer in self.recording.writers.values():
            ends = [*writer.marks, self.records[-1].stop]
            for at, event in enumerate(writer.events):
                if event["do"] == call:
                    begin, end = ends[max(0, at - 1)], ends[at + 1]
                    found += [
                        n for n, record in enumerate(self.records, start=1) if begin <= record.stop <= end
                    ]
        return sorted(set(found))

    def told(self, event: int) -> int:
        """How many records there were when the only writer told of its call with this number."""
        (writer,) = self.recording.writers.values()
        return sum(record.stop <= writer.marks[event] for record in self.records)

    def moment(self, count: int) -> float:
        """The last moment at which the power can have been cut, `count` records having reached the disk."""
        if count < len(self.records):
            return self.records[count].seconds
        return self.records[-1].seconds

    def cut(self, count: int, image: Path, chance: random.Random) -> None:
        """Write to `image` what the disk holds after `count` records and a power cut; `count` may only grow."""
        flushes = (at + 1 for at in range(self._at, count) if self.records[at].kind == FLUSH)
        flushed = max(flushes, default=self._at)
        if self._at == 0:
            self._durable = self.recording.log.with_name("durable")
            _copy(self.recording.blank, self._durable)
        self._replay(self._durable, self.records[self._at : flushed], lambda: True)
        self._at = flushed
        _copy(self._durable, image)
        share = chance.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        self._replay(image, self.records[flushed:count], lambda: chance.random() < share)

    def _replay(self, image: Path, records: Sequence[LogRecord], survives: Callable[[], bool]) -> None:
        """Write those sectors of the records that survive."""
        with image.open("r+b") as file:
            for record in records:
                self._log.seek(record.body)
                content = self._log.read(record.length)
                step = _SUPERBLOCK if record.offset < _SUPERBLOCK else _SECTOR
                for start in range(0, record.length, step):
                    if survives():
                        os.pwrite(file.fileno(), content[start : start + step], record.offset + start)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one look at a store after a cut found."""

    broken: Sequence[str]
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Survivor:
    """What is promised to one writer: the first `done` of its calls had returned at a cut not later than `moment`.

    `ended`: others have used the store since, and may have marked its runs as crashed.
    """

    events: Sequence[Mapping[str, Any]]
    done: int
    moment: float
    ended: bool = False


def survivors(cuts: PowerCuts, count: int, *, ended: bool = False) -> dict[str, Survivor]:
    """What a cut after `count` records may not take from the writers."""
    done = cuts.done(count)
    return {
        name: Survivor(writer.events, done[name], cuts.moment(count), ended)
        for name, writer in cuts.recording.writers.items()
    }


def look(
    image: Path, folder: Path, workdir: Path, writers: Mapping[str, Survivor], *, journal: str, seed: int
) -> Verdict:
    """Mount what a power cut left, and check every promise; `image` is used up."""
    with mounted(image, folder / "after", journal=journal) as root:
        store = root / "home" / "store"
        expected = {
            "root": str(store),
            "folder": str(folder / "downloads"),
            "seed": seed,
            "writers": {name: asdict(writer) for name, writer in writers.items()},
        }
        (folder / "expected.json").write_text(json.dumps(expected))
        ended = subprocess.run(
            [sys.executable, HERE / "check_after_cut.py", folder / "expected.json"],
            capture_output=True,
            text=True,
            env=_environment(store),
            cwd=workdir,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    lines = ended.stdout.splitlines()
    if ended.returncode not in {0, 1} or not lines or not lines[-1].startswith("{"):
        return Verdict((f"the check ended with {ended.returncode}: {ended.stderr[-2000:]}",), {})
    return Verdict(tuple(lines[:-1]), json.loads(lines[-1]))
