"""Take in a large file through a process of its own, so that the other threads of this one are not held up.

Who logs from a thread does so beside a main thread that works on. Each time the log needs the GIL it would wait up to
5 ms for it, and the main thread once more to get it back: a gigabyte beside a pure-Python loop took 6 s instead of
1.4, and the loop lost a quarter of its steps. A process of its own shares no GIL. It is ours in nothing but that:
it opens the store as any other process, stores the file, publishes it, says its digest, and waits until this process
relies on that; it runs at a lower priority, and ends when this process does.

Nothing rests on it: whatever goes wrong there, the file is taken in here, and errors are raised from here.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from localart.model import BlobRef, Digest
from localart.progress import Silence

if TYPE_CHECKING:
    from subprocess import Popen

    from localart.repository.repository import Repository

WORTH_BYTES = 64 << 20
"""From here on the process costs less than it saves: it starts in about 0.1 s."""

_NICENESS = 10
_REPORT_BYTES = 32 << 20  # each report is one more turn with the GIL
_PATIENCE_SECONDS = 10
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from localart.repository.beside import main; main()"


def is_worth_it(size_bytes: int) -> bool:
    """Whether a file of this size had better be taken in by a process of its own, asked from the thread that logs."""
    return (
        size_bytes >= WORTH_BYTES
        and threading.current_thread() is not threading.main_thread()
        and bool(sys.executable)
        and not getattr(sys, "frozen", False)
    )


def ingest_beside(
    repository: "Repository",
    path: str,
    stat: os.stat_result,
    *,
    entry_path: str,
    before: BlobRef | None,
    on_read: Callable[[int], None],
) -> BlobRef | None:
    """The blob of the file at `path`, stored and relied on; None when another way must be taken.

    `stat` is the file's before; None also when the other process saw another one. `on_read` hears how many bytes of it
    have been read so far.
    """
    request = {
        "root": str(repository.root),
        "path": path,
        "entry_path": entry_path,
        "facts": facts_of(stat),
        "before": None if before is None else [before.digest.hex(), before.size_bytes],
    }
    repository.publish()  # what this process holds back cannot be shared with the other
    try:
        with _helper(request) as answers:
            for answer in answers:
                if "read_bytes" in answer:
                    on_read(answer["read_bytes"])
                elif "digest" in answer:
                    blob = BlobRef(Digest(bytes.fromhex(answer["digest"])), answer["size_bytes"])
                    return blob if repository.rely_on([blob.digest]) else None
    except (OSError, ValueError, KeyError):  # it could not start, or said something else
        return None
    return None


def facts_of(stat: os.stat_result) -> list[int]:
    """What a file that stood still keeps: device, inode, size and times (ns)."""
    return [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


@contextmanager
def _helper(request: dict[str, Any]) -> "Iterator[Iterator[dict[str, Any]]]":
    """Start the process and ask it; its answers as they come. It ends when the block does."""
    import subprocess

    process = subprocess.Popen(  # noqa: S603  # this Python, and what it is asked comes from here
        [sys.executable, "-c", _START, json.dumps([place for place in sys.path if isinstance(place, str)])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        yield (json.loads(line) for line in process.stdout)
    finally:
        _end(process)


def _end(process: "Popen[bytes]") -> None:
    """Its input ends: that is how it knows. It is killed when it does not."""
    import subprocess

    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- the other process -----------------------------------------------------------------------------


def main() -> None:
    """Answer one request from the standard input on the standard output; ends with it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the process that asked, which then ends this one
    with suppress(OSError):
        os.nice(_NICENESS)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    request = json.loads(requests.readline())
    asking = _Asking(requests)
    threading.Thread(target=asking.watch, daemon=True).start()
    _answer(request, answers, asking)


class _Asking:
    """The process that asked: it is there as long as the standard input is open."""

    def __init__(self, requests: IO[bytes]) -> None:
        self._requests = requests
        self._answered = threading.Event()
        self._gone = threading.Event()

    def watch(self) -> None:
        """When it goes before it was answered this process ends on the spot; what it wrote is garbage then."""
        self._requests.read()
        if not self._answered.is_set():
            os._exit(1)
        self._gone.set()

    def wait(self) -> None:
        """Return when it has used the answer, which is under way."""
        self._gone.wait()

    def note_answer(self) -> None:
        """Before the answer is given."""
        self._answered.set()


def _answer(request: dict[str, Any], answers: IO[bytes], asking: _Asking) -> None:
    from localart.files.tree import TreeFile
    from localart.repository.ingest import ingest_here
    from localart.repository.opening import open_repository

    path, before = request["path"], request["before"]
    stat = os.stat(path)  # noqa: PTH116  # of whatever was named
    if facts_of(stat) != request["facts"]:
        return
    repository = open_repository(Path(request["root"]), create=False)
    try:
        repository.lease.take()
        blob = ingest_here(
            repository,
            TreeFile(request["entry_path"], path, stat),
            progress=_Telling(answers),
            before=None if before is None else BlobRef(Digest(bytes.fromhex(before[0])), before[1]),
        )
        repository.publish()
        asking.note_answer()
        _tell(answers, digest=blob.digest.hex(), size_bytes=blob.size_bytes)
        asking.wait()
    finally:
        repository.close()


class _Telling(Silence):
    """Tells now and then how far the file has been read."""

    def __init__(self, answers: IO[bytes]) -> None:
        self._answers = answers
        self._read_bytes = self._told_bytes = 0

    def advance(self, *, byte_count: int = 0, file_count: int = 0, stored_bytes: int = 0) -> None:
        """Add what was read."""
        del file_count, stored_bytes
        self._read_bytes += byte_count
        if self._read_bytes - self._told_bytes >= _REPORT_BYTES:
            self._told_bytes = self._read_bytes
            _tell(self._answers, read_bytes=self._read_bytes)


def _tell(answers: IO[bytes], **answer: int | str) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()
