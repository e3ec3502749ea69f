"""What a process told the kernel, in order, by strace; and the same process killed at one of those calls."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent
WRITE_CLASS = (
    "openat,write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync,sync_file_range,rename,renameat,renameat2,"
    "link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,ftruncate,truncate,mkdir,mkdirat,fallocate,fchmod,"
    "chmod,flock,copy_file_range,sendfile,ioctl"
)
TELL = -1
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)")
_DESCRIPTOR = re.compile(r"\d+<([^>]*)>")
_AT = re.compile(r'(?:AT_FDCWD|\d+)<([^>]*)>, "([^"]*)"')
_QUOTED = re.compile(r'"([^"]*)"')


def why_not() -> str:
    """Why nothing can be traced here; empty when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, capture_output=True)
    return "" if tried.returncode == 0 else "strace may not trace here"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that changes something: `number` counts the calls of this name in its thread, from 1."""

    thread: str
    name: str
    number: int
    path: str
    target: str
    text: str
    failed: bool

    @property
    def writes(self) -> bool:
        """Whether it may change a file: an `openat` that only reads does not."""
        return self.name != "openat" or any(flag in self.text for flag in ("O_CREAT", "O_RDWR", "O_WRONLY"))


def read_trace(lines: Iterator[str]) -> Iterator[Call]:
    """The calls of a trace by `strace -f -y`. Calls that another thread interrupted are put together again."""
    counts: Counter[tuple[str, str]] = Counter()
    pending: dict[str, str] = {}
    for line in lines:
        if "<unfinished ...>" in line:
            thread, rest = line.split(maxsplit=1)
            pending[thread] = rest.replace("<unfinished ...>", "").rstrip()
            continue
        if "<... " in line:
            thread, rest = line.split(maxsplit=1)
            line = f"{thread} {pending.pop(thread)}{rest.split('resumed>', 1)[1]}"  # noqa: PLW2901
        found = _CALL.match(line)
        if found is None:
            continue
        thread, name, text, result = found.groups()
        counts[thread, name] += 1
        places = _places(name, text)
        yield Call(
            thread, name, counts[thread, name], places[0] if places else "", places[-1] if places else "",
            text, result.startswith("-"),
        )  # fmt: skip


def _places(name: str, text: str) -> list[str]:
    """The paths a call names. strace -y shows `5</path>` for a descriptor and `AT_FDCWD</folder>, "name"`."""
    if name.endswith(("at", "at2")):
        return [os.path.normpath(os.path.join(folder, path)) for folder, path in _AT.findall(text)]
    opened = _DESCRIPTOR.match(text)
    return [opened[1]] if opened else _QUOTED.findall(text)


def _beside(path: str | None) -> str:
    """Where the victims find what several benches use, and what this process was told."""
    return os.pathsep.join([str(HERE.parents[1]), *([path] if path else [])])


class Victims:
    """The server that forks processes to be traced or killed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._server = subprocess.Popen(
            [sys.executable, HERE / "kill_victim.py", folder / "sources"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONPATH": _beside(environment.get("PYTHONPATH"))},
            cwd=folder,
        )
        self.acks = folder / "acks"

    def close(self) -> None:
        """End the server."""
        self._server.communicate()

    def run(
        self,
        scenario: str,
        store: Path,
        *,
        steps: int = 0,
        strace: Sequence[str] = (),
        death: int = 0,
    ) -> "Ending":
        """Run a scenario, under strace when it gets options; what became of it.

        `death`: the call it dies at, counted over all threads; TELL notes them in `acks`.calls instead.
        """
        self.acks.write_text("")
        pid = int(self._ask(f"{scenario} {store} {self.acks} {steps} {death}"))
        if not strace:
            return self._let_go()
        with _attached(pid, strace):
            return self._let_go()

    def _let_go(self) -> "Ending":
        status = int(self._ask(""))
        said = self.acks.read_text().splitlines()
        return Ending(
            returned=said.count("returned"),
            raised=tuple(line.removeprefix("raised ") for line in said if line != "returned"),
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1,
        )

    def _ask(self, line: str) -> str:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()
        return self._server.stdout.readline()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a victim ended, how many of its steps had returned, and what one raised: its kind and words."""

    returned: int
    raised: tuple[str, ...]
    signal: int
    code: int


@contextmanager
def _attached(pid: int, options: Sequence[str]) -> Iterator[None]:
    tracer = subprocess.Popen(
        ["strace", "-f", *options, "-p", str(pid)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert tracer.stderr is not None
    try:
        _wait_for_attachment(tracer.stderr)
        yield
    finally:
        tracer.communicate(timeout=60)


def _wait_for_attachment(talk: IO[str]) -> None:
    for line in talk:
        if "attached" in line:
            return
    raise AssertionError("strace could not attach")
