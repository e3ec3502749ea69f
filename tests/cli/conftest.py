"""Ways to call the command: inside this process for the many cases, as a process where that is the point."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_callers import environment
from click.testing import CliRunner, Result

import localart

Run = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cli() -> Run:
    """Call the command here: `cli("ls", "--json")`."""

    def call(*arguments: str, given: str | None = None, code: int | None = 0) -> Result:
        from localart.cli.app import app

        result = CliRunner().invoke(app, list(arguments), input=given)
        if code is not None:
            assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
        return result

    return call


@pytest.fixture
def facts(cli: Run) -> Callable[..., Any]:
    """What a command says with `--json`; nothing else may be on stdout, and all of it is ASCII."""

    def call(*arguments: str, code: int | None = 0) -> Any:
        result = cli(*arguments, "--json", code=code)
        assert result.stdout.isascii()
        assert result.stdout.endswith("}\n")
        return json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    return call


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands say on stderr what they have to say."""
    monkeypatch.delenv("LOCALART_SILENT")


@pytest.fixture
def process(store: Path, workdir: Path) -> Process:
    """Call the command as a process of its own."""

    def call(*arguments: str, **named: Any) -> "subprocess.CompletedProcess[str]":
        named.setdefault("env", environment(LOCALART_DIR=str(store)))
        return subprocess.run(
            [sys.executable, "-m", "localart", *arguments],
            capture_output=True, text=True, cwd=workdir, timeout=60, check=False, **named,
        )  # fmt: skip

    return call


@pytest.fixture
def terminal(store: Path, workdir: Path) -> Callable[..., tuple[int, str]]:
    """Call the command with a terminal of 80 columns; the exit code and all that the person saw."""

    def call(*arguments: str, typed: str = "", columns: int = 80, **extra: str) -> tuple[int, str]:
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = environment(LOCALART_DIR=str(store), TERM="xterm", **extra)
        env.pop("COLUMNS")
        env.pop("LOCALART_SILENT", None)
        with subprocess.Popen(
            [sys.executable, "-m", "localart", *arguments],
            stdin=follower, stdout=follower, stderr=follower, cwd=workdir, env=env,
        ) as child:  # fmt: skip
            os.close(follower)
            os.write(leader, typed.encode())
            seen = b""
            while True:
                try:
                    some = os.read(leader, 65536)
                except OSError:  # Linux's way to say that the other end is closed
                    break
                if not some:
                    break
                seen += some
            code = child.wait(timeout=30)
        os.close(leader)
        return code, seen.decode().replace("\r\n", "\n")

    return call


@pytest.fixture
def filled(isolated: None) -> None:
    """A store with a small pipeline in it: raw → train → model, with aliases, metrics and a failed run."""
    from localart.repository.opening import close_all

    fill()
    close_all()


def fill() -> None:
    with localart.init(project="digits", job_type="load", name="first-run", config={"rows": 3}) as run:
        raw = localart.Artifact("raw", type="dataset", description="all rows", metadata={"sizes": [1, 2]})
        for name in ("a.txt", "b/c.txt"):
            with raw.new_file(name, "w") as file:
                file.write(name * 10)
        run.log_artifact(raw, aliases=["best"], tags=["checked"])
    with localart.init(project="digits", job_type="train", name="second-run") as run:
        run.use_artifact("raw:latest")
        run.log({"loss": 0.5, "odd": float("nan")})
        model = localart.Artifact("model", type="model")
        with model.new_file("w.bin", "wb") as file:
            file.write(bytes(range(256)) * 400)
        run.log_artifact(model)
    with pytest.raises(ZeroDivisionError), localart.init(project="digits", name="third-run"):
        raise ZeroDivisionError("by zero")
