"""Processes that write to one store and read from it at once. Run as a script: `contenders.py ROLE …`.

Every content can be made again from who wrote it and the how-manieth it was, so that a reader can check every
byte of a version it has never heard of.
"""

import json
import os
import random
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import localart
from localart.operations.prune import execute_prune
from localart.repository.opening import close_all, default_repository


def content_of(writer: int, turn: int) -> dict[str, bytes]:
    """The files of one version: who wrote it, and up to 20 kB of noise."""
    dice = random.Random(writer * 1_000_003 + turn)
    noise = {f"noise/{number}.bin": dice.randbytes(dice.randrange(20_000)) for number in range(turn % 3)}
    return {"who.txt": f"{writer} {turn}".encode(), **noise}


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def check(folder: Path) -> tuple[int, int]:
    """The writer and turn whose content stands in `folder`, byte for byte."""
    found = files_below(folder)
    writer, turn = map(int, found["who.txt"].split())
    assert found == content_of(writer, turn), f"not what writer {writer} logged at turn {turn}"
    return writer, turn


def log_one(run: localart.Run, writer: int, turn: int) -> int:
    artifact = localart.Artifact("shared", "dataset", metadata={"writer": writer, "turn": turn})
    for path, content in content_of(writer, turn).items():
        with artifact.new_file(path, "wb") as file:
            file.write(content)
    logged = run.log_artifact(artifact)
    return int(logged.version[1:])


def write(writer: int, turns: int) -> None:
    """Log `turns` versions; a line for each: the number it got, and the turn."""
    with localart.init(project="race", id=f"writer{writer}") as run:
        for turn in range(turns):
            run.log({"turn": turn})
            print(json.dumps({"number": log_one(run, writer, turn), "turn": turn}), flush=True)


def _write_from_here(writer: int, turns: int) -> None:
    """As `write`, beside others in the same process; each line says who."""
    with localart.init(project="race", id=f"writer{writer}", reinit="create_new") as run:
        for turn in range(turns):
            run.log({"turn": turn})
            line = {"number": log_one(run, writer, turn), "turn": turn, "writer": writer}
            sys.stdout.write(json.dumps(line) + "\n")  # in one piece
    sys.stdout.flush()


def write_by_threads(first: int, count: int, turns: int) -> None:
    """So many threads, each a writer with a run of its own."""
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(_write_from_here, first + number, turns) for number in range(count)]:
            done.result()


def write_by_forks(first: int, count: int, turns: int) -> None:
    """A writer, and its children, forked while it has the store open and goes on writing."""
    default_repository()
    pids = []
    for number in range(1, count):
        if not (pid := os.fork()):
            try:
                _write_from_here(first + number, turns)
                close_all()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        pids.append(pid)
    _write_from_here(first, turns)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(pids)


def visit(writer: int, turns: int) -> None:
    """Like `write`, but open and close the store for each version."""
    for turn in range(turns):
        with localart.init(project="race", id=f"visit{writer}-{turn}") as run:
            print(json.dumps({"number": log_one(run, writer, turn), "turn": turn}), flush=True)
        close_all()


def read(folder: Path, stop: Path) -> None:
    """Resolve `latest`, list and download until `stop` exists; a line with what was seen at the end."""
    latest, looks, dice = -1, 0, random.Random(str(folder))
    while not stop.exists():
        api = localart.Api()
        if not api.artifact_exists("race/shared"):
            time.sleep(0.005)
            continue
        found = int(api.artifact("race/shared:latest").version[1:])
        assert found >= latest, f"latest went back from {latest} to {found}"
        latest = found
        numbers = [int(one.version[1:]) for one in api.artifacts("dataset", "race/shared")]
        assert numbers == list(range(len(numbers) - 1, -1, -1)), "the list has a gap"
        assert len(numbers) > latest
        number = dice.choice(numbers)
        check(Path(api.artifact(f"race/shared:v{number}").download(folder / str(number))))
        looks += 1
    print(json.dumps({"latest": latest, "looks": looks}), flush=True)


def prune(stop: Path) -> None:
    """Free what nobody needs, again and again, until `stop` exists; a line with how often."""
    rounds = 0
    while not stop.exists():
        if localart.Api().artifact_exists("race/shared"):
            execute_prune(default_repository(), trash_seconds=0)
            rounds += 1
        time.sleep(0.05)
    print(json.dumps({"looks": rounds}), flush=True)


def main() -> None:
    role, *arguments = sys.argv[1:]
    match role:
        case "write":
            write(int(arguments[0]), int(arguments[1]))
        case "threads":
            write_by_threads(*map(int, arguments))
        case "forks":
            write_by_forks(*map(int, arguments))
        case "visit":
            visit(int(arguments[0]), int(arguments[1]))
        case "prune":
            prune(Path(arguments[0]))
        case "read":
            read(Path(arguments[0]), Path(arguments[1]))


if __name__ == "__main__":
    main()
