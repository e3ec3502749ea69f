"""Processes to be killed: a server that forks one child a scenario, ready to be traced.

    python kill_victim.py SOURCES

Writes what the scenarios log below SOURCES. Then reads `SCENARIO STORE ACKS STEPS TRIES` a line; forks a child,
answers with its pid, lets it begin when the next line arrives, and answers with its wait status once it is
gone. The child writes a line into ACKS as each step returns, and ends after STEPS of them (0: after all, with
the store closed). When a step raises, it writes a line that begins with `raised`, and begins the whole scenario
again, TRIES times in all. The modules are imported once, here; each child opens the store for itself.
"""

import ctypes
import importlib
import os
import pkgutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from cut_contents import METRICS_AT_RISK_SECONDS, PROJECT, tree_of, write_tree

import localart
from localart.catalog import format as catalog_format
from localart.catalog import manifests
from localart.errors import ArtifactNotFound
from localart.operations import backup as backup_module
from localart.operations import rebuild as rebuild_module
from localart.operations.prune import execute_prune
from localart.operations.retention import RetentionRules, execute_retention, plan_retention
from localart.operations.undo import execute_undo, plan_undo
from localart.repository import marker, opening, repository
from localart.repository.opening import close_all, default_repository, open_repository

_PACKAGES = [
    "operations",
    "runs",
    "draft",
    "catalog",
    "repository",
    "store",
    "session",
    "artifact",
    "api",
    "files",
]
_PR_SET_PTRACER = 0x59616D61
_COLOURS = """
CREATE TABLE colours(run INTEGER NOT NULL REFERENCES runs(id), name TEXT NOT NULL) STRICT;
ALTER TABLE runs ADD COLUMN colour TEXT;
INSERT INTO colours SELECT id, 'red' FROM runs;
UPDATE runs SET colour = 'red';
"""
_sources = Path(sys.argv[1])


def _log(artifact: str, number: int, *, run: str, aliases: tuple[str, ...] = ()) -> None:
    draft = localart.Artifact(artifact, "data", metadata={"number": number})
    if artifact == "small":
        for path, content in tree_of(artifact, "victim", number).items():
            with draft.new_file(path, "wb") as file:
                file.write(content)
    else:
        draft.add_dir(_sources / artifact / str(number))
    localart.init(project=PROJECT, id=run, resume="allow").log_artifact(draft, aliases=aliases)


def prepare() -> Iterator[None]:
    """What every scenario but the first finds: two versions of everything, and an alias to move."""
    for number in (0, 1):
        localart.init(project=PROJECT, id=f"before-{number}")
        for artifact in ("small", "many", "chunked"):
            _log(artifact, number, run=f"before-{number}", aliases=("best",) if number == 0 else ())
        localart.finish()
        close_all()
        yield


def first() -> Iterator[None]:
    """A store is made, a run begun, a version logged, the run finished, the store closed."""
    run = localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    _log("small", 0, run="victim", aliases=("best",))
    yield
    run.log({"loss": 1.5})
    run.finish()
    yield
    close_all()
    yield


def later() -> Iterator[None]:
    """Three more versions: small files, an overlay, a file in chunks."""
    localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    for artifact in ("small", "many", "chunked"):
        _log(artifact, 2, run="victim", aliases=("best",))
        yield


def sliced() -> Iterator[None]:
    """A manifest too long for one transaction, its blobs published early (both limits made small)."""
    manifests.SLICE_ROWS, manifests.slices.__defaults__ = 40, (40,)
    repository.PUBLISH_BLOBS = 20
    draft = localart.Artifact("sliced", "data")
    draft.add_dir(_sources / "sliced" / "0")
    localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    localart.log_artifact(draft)
    yield


def alias() -> Iterator[None]:
    """An alias moves, another is new."""
    version = localart.Api().artifact(f"{PROJECT}/small:v1")
    version.aliases += ["best", "fresh"]
    version.save()
    yield


def delete() -> Iterator[None]:
    """A version with its alias goes; a later one overlays its manifest."""
    with suppress(ArtifactNotFound):  # the time before it was deleted already
        localart.Api().artifact(f"{PROJECT}/many:v0").delete(delete_aliases=True)
    yield


def finish() -> Iterator[None]:
    """A run that logged numbers keeps a file and ends."""
    run = localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    for step in range(3):
        run.log({"loss": step / 2})
    run.save(_sources / "many" / "0" / "part-0" / "0000.txt", base_path=_sources)
    yield
    run.finish()
    yield


def link() -> Iterator[None]:
    """A version gets a place in a collection, with an alias there; a draft is logged and linked in one call."""
    run = localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    run.link_artifact(localart.Api().artifact(f"{PROJECT}/small:v1"), "collected", aliases=["chosen"])
    yield
    draft = localart.Artifact("fresh", "data")
    with draft.new_file("a.txt") as file:
        file.write("a" * 5000)
    logged = run.log_artifact(draft)
    yield
    run.link_artifact(logged, "collected")
    yield


def upsert() -> Iterator[None]:
    """Two parts of a version that several runs make together, and the end of it."""
    run = localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    for part in range(3):
        draft = localart.Artifact("together", "data")
        with draft.new_file(f"{part}.txt") as file:
            file.write(str(part) * 5000)
        (run.finish_artifact if part == 2 else run.upsert_artifact)(draft, distributed_id="victims")
        yield


def flush() -> Iterator[None]:
    """Numbers from the tail into the catalog, again and again, and a settled read of them."""
    run = localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    for step in range(3):
        run.log({"loss": step / 2, "note": "x" * 300}, step=step)
        default_repository().catalog.read()
    yield


def numbers() -> Iterator[None]:
    """A second after numbers were logged they survive a power cut, also while somebody keeps a snapshot open."""
    run = localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    run.log({"loss": 0.5})
    time.sleep(METRICS_AT_RISK_SECONDS)
    yield
    with open_repository(Path(os.environ["LOCALART_DIR"])).catalog.snapshot() as connection:
        connection.execute("SELECT count(*) FROM metrics").fetchone()
        run.log({"loss": 0.25})
        time.sleep(METRICS_AT_RISK_SECONDS)
        yield


def prune() -> Iterator[None]:
    """All versions but the newest ones go by rules, leave the trash, and their bytes are freed."""
    repository = open_repository(Path(os.environ["LOCALART_DIR"]))
    rules = RetentionRules(keep_last=1, keep_aliased=False)
    execute_retention(repository, plan_retention(repository, rules))
    yield
    execute_prune(repository, trash_seconds=0)
    yield


def undo() -> Iterator[None]:
    """A version with its alias goes and comes back; an alias moves and moves back."""
    with suppress(ArtifactNotFound):
        localart.Api().artifact(f"{PROJECT}/many:v0").delete(delete_aliases=True)
    yield
    repository = open_repository(Path(os.environ["LOCALART_DIR"]))
    execute_undo(repository, plan_undo(repository))
    yield
    version = localart.Api().artifact(f"{PROJECT}/small:v1")
    version.aliases += ["best"]
    version.save()
    yield
    execute_undo(repository, plan_undo(repository))
    yield


def rebuild() -> Iterator[None]:
    """The catalog is made again from the packs, and takes the place of the one there is."""
    rebuild_module.rebuild(Path(os.environ["LOCALART_DIR"]), force=True)
    yield


def backup() -> Iterator[None]:
    """The store is copied, aliases move, and what is new is copied. The target is beside the store."""
    store = Path(os.environ["LOCALART_DIR"])
    for number in (0, 1):
        source = open_repository(store)
        backup_module.backup(source, store.with_name(f"{store.name}-copy"))
        source.close()
        yield
        if number == 0:
            yield from alias()
            close_all()


def migrate() -> Iterator[None]:
    """A later localart, whose catalog has one more table and column, opens the store."""
    catalog_format._FOLDER = _sources / "migrations"
    marker.STORE_FORMAT = opening.STORE_FORMAT = 2
    open_repository(Path(os.environ["LOCALART_DIR"])).close()
    yield


SCENARIOS: dict[str, Callable[[], Iterator[None]]] = {
    one.__name__: one
    for one in (
        prepare,
        first,
        later,
        sliced,
        alias,
        delete,
        finish,
        numbers,
        rebuild,
        backup,
        migrate,
        link,
        upsert,
        flush,
        prune,
        undo,
    )
}


# --- the server --------------------------------------------------------------------------------------------


def _child(name: str, store: str, log: int, most_steps: int, tries: int, begin: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1 & 0xFFFF_FFFF_FFFF_FFFF), 0, 0, 0)
    os.environ["LOCALART_DIR"] = store
    os.read(begin, 1)
    for _ in range(tries):
        try:
            _play(name, log, most_steps)
        except Exception as error:
            kinds = ",".join(kind.__name__ for kind in type(error).__mro__)
            _say(log, f"raised {kinds} {str(error)!a}")
        else:
            os._exit(0)
    os._exit(1)


def _play(name: str, log: int, most_steps: int) -> None:
    for done, _ in enumerate(SCENARIOS[name](), start=1):
        _say(log, "returned")
        if done == most_steps:
            return
    localart.finish()  # raises what is wrong; at the end of a process it would only be said
    close_all()


def _say(log: int, line: str) -> None:
    """By a call that nothing else makes, so that no fault hits it."""
    os.writev(log, [line.encode() + b"\n"])


def _write_sources() -> None:
    for artifact in ("many", "chunked"):
        for number in range(3):
            write_tree(_sources / artifact / str(number), tree_of(artifact, "victim", number))
    write_tree(_sources / "sliced" / "0", tree_of("many", "sliced", 0))
    scripts = {**catalog_format.migrations(), "0002_colours": _COLOURS}
    (_sources / "migrations").mkdir(exist_ok=True)
    for name, script in scripts.items():
        (_sources / "migrations" / f"{name}.sql").write_text(script)


def warm_up() -> None:
    """Write what is logged, and import what a child would."""
    _write_sources()
    for package in map("localart.".__add__, _PACKAGES):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    for module in (
        "localart.api",
        "localart.artifact",
        "localart.media",
        "concurrent.futures.thread",
        "zstandard",
        "sqlite_utils",
    ):
        importlib.import_module(module)


def serve() -> None:
    """Until standard input closes."""
    warm_up()
    for line in sys.stdin:
        name, store, acks, most_steps, tries = line.split()
        begin, ready = os.pipe()
        log = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # here: never part of a trace
        child = os.fork()
        if child == 0:
            os.close(ready)
            try:
                _child(name, store, log, int(most_steps), int(tries), begin)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        print(child, flush=True)
        sys.stdin.readline()
        os.write(ready, b"\n")
        print(os.waitpid(child, 0)[1], flush=True)
        for descriptor in (begin, ready, log):
            os.close(descriptor)


if __name__ == "__main__":
    serve()
