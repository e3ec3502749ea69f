"""One shell line in a fresh process, and what it cost."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# What would change how a peer works; without its bytecode, a library starts as no user's does.
_FOREIGN = ("LOCALART_", "WANDB_", "RESTIC_", "BORG_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds from start to end, CPU seconds of all processes, and the most memory one of them held."""

    wall_seconds: float = 0
    cpu_seconds: float = 0
    peak_bytes: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.wall_seconds + other.wall_seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_bytes, other.peak_bytes),
        )


class CommandFailed(Exception):
    """A command ended with an error; the message has the end of its output."""


def clean_environment() -> dict[str, str]:
    """The environment without what would change how a peer works."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


def measure(script: str, folder: Path, variables: dict[str, str], *, touch_bytes: int = 0) -> Cost:
    """Run `script` with `sh` in `folder`. What was left to be written is written before, untimed.

    `touch_bytes` of memory are touched first: on a virtual machine, memory that the host took back costs whoever
    uses it next. The peak is never less than this process's own, for Linux counts from before the exec.
    """
    environ = clean_environment()
    environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run([sys.executable, "-c", f"bytearray(b'x') * {touch_bytes}"], check=True)
    os.sync()
    with tempfile.TemporaryFile() as output:
        begin = time.perf_counter()
        process = subprocess.Popen(
            ["sh", "-c", script], cwd=folder, env=environ | variables, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace")[-600:]
            raise CommandFailed(f"{script} ended with {process.returncode}: {said}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)
