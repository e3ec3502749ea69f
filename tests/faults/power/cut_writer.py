"""The victim: log versions, metrics, aliases and runs, delete, prune, and say so after each call that has returned.

    python cut_writer.py NAME ROUNDS {stay|reopen} {nothing|packs|catalog|one|prune}

One JSON line on standard output an event; goes on when a line arrives on standard input, so that whoever reads
knows what the disk had seen when the call returned. LOCALART_DIR names the store. The last argument says
which syncs are left out.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cut_contents import ARTIFACTS, PACK_BYTES, PROJECT, source_of, tree_of, write_tree

import localart
from localart.catalog.connection import Connection
from localart.operations.prune import execute_prune
from localart.repository.opening import close_all, default_repository
from localart.runs import Run
from localart.store import packs


class Writer:
    """One process's calls, in an order its name decides."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.random = random.Random(name)
        self.numbers = dict.fromkeys(ARTIFACTS, 0)

    def tell(self, do: str, **facts: Any) -> None:
        """The call has returned."""
        print(json.dumps({"do": do, "time": time.monotonic(), **facts}), flush=True)
        if not sys.stdin.readline():
            sys.exit("nobody listens any more")

    def round(self, number: int) -> None:
        """One run, from beginning to end."""
        run_id = f"{self.name}-{number}"
        run = localart.init(project=PROJECT, id=run_id, config={"round": number})
        assert isinstance(run, Run)
        self.tell("start", run=run_id)
        for artifact in ("small", "many", "doomed", *(["chunked"] if number % 2 == 0 else [])):
            self.log(run, artifact)
            self.metrics(run, run_id)
        if number % 2:
            self.move_alias()
        if number % 4 == 3:
            self.delete("many", number - 3)
        if number % 2:
            self.delete("doomed", number - 1)
            self.prune()
        self.metrics(run, run_id)
        run.finish()
        self.tell("finish", run=run_id)

    def log(self, run: Run, artifact: str) -> None:
        """The next version of an artifact; now and then with an alias of its own."""
        number = self.numbers[artifact]
        draft = localart.Artifact(f"{self.name}-{artifact}", "data", metadata={"number": number})
        if artifact == "many":
            draft.add_dir(source_of(self.name, number))
        else:
            for path, content in tree_of(artifact, self.name, number).items():
                with draft.new_file(path, "wb") as file:
                    file.write(content)
        aliases = ["stable"] if number % 3 == 0 and artifact != "doomed" else []
        run.log_artifact(draft, aliases=aliases)
        self.numbers[artifact] = number + 1
        self.tell("log", artifact=artifact, number=number, aliases=aliases)

    def metrics(self, run: Run, run_id: str) -> None:
        """Some steps, sometimes followed by a rest that is longer than metrics may be at risk."""
        for _ in range(self.random.randrange(1, 6)):
            step = run.step
            run.log({"loss": step / 7, "note": f"step {step}"})
            self.tell("metric", run=run_id, step=step)
        if self.random.random() < 0.15:
            time.sleep(1.2)

    def move_alias(self) -> None:
        """Point `best` to some version of `small`, by `save`."""
        number = self.numbers["small"] - 1
        version = localart.Api().artifact(f"{PROJECT}/{self.name}-small:v{number}")
        version.aliases.append("best")
        version.save()
        self.tell("alias", artifact="small", alias="best", number=number)

    def delete(self, artifact: str, number: int) -> None:
        """Delete a version, aliases and all. Later versions of `many` may overlay it."""
        found = localart.Api().artifact(f"{PROJECT}/{self.name}-{artifact}:v{number}")
        if found.aliases:
            return
        found.delete()
        self.tell("delete", artifact=artifact, number=number)

    def prune(self) -> None:
        """Free the bytes of what was deleted: packs go, others are emptied first."""
        execute_prune(default_repository(), trash_seconds=0)
        self.tell("prune")


def leave_out(what: str) -> None:
    """Break the promise on purpose."""
    execute = Connection.execute
    if what == "packs":
        os.fdatasync = lambda fd: None
    elif what == "one":
        _leave_one_out()
    elif what == "prune":
        _leave_out_of_prune()
    elif what == "catalog":
        Connection.execute = lambda self, sql, *values: execute(  # type: ignore[method-assign]
            self, sql.replace("synchronous=FULL", "synchronous=OFF"), *values
        )


def _leave_one_out() -> None:
    """Only the sync of the pack in the log of `chunked:v1`, which writes most of all later ones."""
    log = Writer.log

    def log_without_it(self: Writer, run: Run, artifact: str) -> None:
        with _no_fdatasync(when=(artifact, self.numbers[artifact]) == ("chunked", 1)):
            log(self, run, artifact)

    Writer.log = log_without_it  # type: ignore[method-assign]


def _leave_out_of_prune() -> None:
    """Only those of the packs that what is alive moves to."""
    prune = Writer.prune

    def prune_without_it(self: Writer) -> None:
        with _no_fdatasync(when=True):
            prune(self)

    Writer.prune = prune_without_it  # type: ignore[method-assign]


@contextmanager
def _no_fdatasync(*, when: bool) -> Iterator[None]:
    sync = os.fdatasync
    if when:
        os.fdatasync = lambda fd: None
    try:
        yield
    finally:
        os.fdatasync = sync


def main(name: str, rounds: str, ending: str, left_out: str) -> None:
    """All rounds; with `reopen` the store is closed and opened again between some of them."""
    leave_out(left_out)
    packs.PACK_BYTES = PACK_BYTES
    for number in range(int(rounds) + 1):
        write_tree(source_of(name, number), tree_of("many", name, number))
    time.sleep(2.1)  # files as new as this are not kept in mind
    writer = Writer(name)
    for number in range(int(rounds)):
        writer.round(number)
        if ending == "reopen" and number % 2 == 0:
            close_all()
            writer.tell("close")


if __name__ == "__main__":
    main(*sys.argv[1:])
