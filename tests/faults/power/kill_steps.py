"""What users do with a store, step by step: each scenario yields when a step has returned.

A scenario is run again after it was killed, from its beginning, and must then end as if nothing had happened.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from cut_contents import METRICS_AT_RISK_SECONDS, PROJECT, tree_of

import localart
from localart.catalog import manifests, versions
from localart.catalog.artifacts import find_artifact
from localart.catalog.runs import find_run
from localart.errors import ArtifactNotFound, CommError
from localart.model import ArtifactRecord, VersionRecord, VersionState
from localart.operations.alias_history import protect_aliases
from localart.operations.amend import Fact, amend, read_fact, take_back
from localart.operations.delete import execute_deletion, plan_deletion
from localart.operations.move import move_artifact
from localart.operations.prune import execute_prune
from localart.operations.resolve import resolve_artifact, resolve_version
from localart.operations.undo import execute_undo, plan_undo
from localart.operations.update import retag
from localart.repository import Repository, repository
from localart.repository.opening import close_all, default_repository, open_repository
from localart.runs import Run

SOURCES = Path(sys.argv[1])
"""Where the files lie that scenarios log."""


def _log(artifact: str, number: int, *, run: str, aliases: tuple[str, ...] = ()) -> None:
    draft = localart.Artifact(artifact, "data", metadata={"number": number})
    if artifact == "small":
        for path, content in tree_of(artifact, "victim", number).items():
            with draft.new_file(path, "wb") as file:
                file.write(content)
    else:
        draft.add_dir(SOURCES / artifact / str(number))
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
    draft.add_dir(SOURCES / "sliced" / "0")
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
        run.log({"loss": step / 2}, step=step)
    run.save(SOURCES / "many" / "0" / "part-0" / "0000.txt", base_path=SOURCES)
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
    with open_store().catalog.snapshot() as connection:
        connection.execute("SELECT count(*) FROM metrics").fetchone()
        run.log({"loss": 0.25})
        time.sleep(METRICS_AT_RISK_SECONDS)
        yield


# --- what is said of things afterwards -----------------------------------------------------------------------


def edit() -> Iterator[None]:
    """What is said of a version, of its artifact and of a run changes; an alias is protected."""
    version = localart.Api().artifact(f"{PROJECT}/small:v1")
    version.description, version.tags, version.ttl = "checked by hand", ["gold", "kept"], timedelta(days=30)
    version.metadata["checked"] = True
    version.aliases += ["gold"]
    version.save()
    yield
    collection = localart.Api().artifact_collection("data", f"{PROJECT}/small")
    collection.description, collection.tags, collection.ttl = "rows and weights", ["base"], timedelta(days=90)
    collection.save()
    yield
    run = localart.Api().run(f"{PROJECT}/before-0")
    run.notes, run.tags, run.name = "the first one", ["first"], "one"
    run.config["rate"], run.summary["best"] = 0.5, 3
    run.update()
    yield
    protect_aliases(open_store(), collection.record, ["best"])
    yield


def amendments() -> Iterator[None]:
    """A fact is changed as a screen changes it, and taken back; tags are added and removed by a command."""
    store = open_store()
    version = resolve_version(store, "small:v1", project=PROJECT)
    if left := read_fact(store, version, Fact.DESCRIPTION):  # by the time before
        amend(store, version, Fact.DESCRIPTION, seen=left, wanted=[])
    done = amend(store, version, Fact.DESCRIPTION, seen=(), wanted=["by mistake"])
    yield
    take_back(store, done)
    yield
    retag(store, version, add=["silver"], remove=[])
    yield


def move() -> Iterator[None]:
    """An artifact gets another name, then moves to another project; a registry is made."""
    with suppress(CommError):  # it has moved already
        collection = localart.Api().artifact_collection("data", f"{PROJECT}/small")
        collection.name = "moved"
        collection.save()
    yield
    store = open_store()
    if (found := find_artifact(store.read(), PROJECT, "moved")) is not None:
        move_artifact(store, found, project="elsewhere", name="moved")
    yield
    if not localart.Api().registries(filter={"name": "models"}):
        localart.Api().create_registry("models", visibility="restricted", artifact_types=["data"])
    yield


def unlink() -> Iterator[None]:
    """A version leaves a collection, then everything else does. Begins after `link`."""
    with suppress(ArtifactNotFound):
        localart.Api().artifact(f"{PROJECT}/collected:chosen").unlink()
    yield
    with suppress(ArtifactNotFound):
        localart.Api().artifact_collection("data", f"{PROJECT}/collected").delete()
    yield


def trash() -> Iterator[None]:
    """Every version of an artifact goes to the trash at once, and comes back; one goes for good; bytes are freed."""
    store = open_store()
    artifact = resolve_artifact(store, "many", project=PROJECT)
    execute_deletion(store, plan_deletion(_alive(store, artifact), store))
    yield
    execute_undo(store, plan_undo(store))
    yield
    doomed = [version for version in _alive(store, artifact) if version.number == 0]
    execute_deletion(store, plan_deletion(doomed, store), at_once=True)
    yield
    execute_prune(store)
    yield


def _alive(store: Repository, artifact: ArtifactRecord) -> list[VersionRecord]:
    found = versions.iter_versions(store.read(), artifact.id)
    return [version for version in found if version.state is VersionState.COMMITTED]


def remove_run() -> Iterator[None]:
    """A run goes with the versions it made."""
    with suppress(CommError):  # it went the time before
        localart.Api().run(f"{PROJECT}/before-1").delete(delete_artifacts=True)
    yield


# --- what runs say -------------------------------------------------------------------------------------------


def tell() -> Iterator[None]:
    """A run's config, name, notes, tags, summary and rules change while it runs, one after the other."""
    run = localart.init(project=PROJECT, id="victim", resume="allow")
    yield
    run.config.update({"rate": 0.1, "layers": [1, 2]})
    yield
    run.name = "a better name"
    yield
    run.notes = "notes"
    yield
    run.tags = ("one", "two")
    yield
    run.define_metric("loss", summary="min")
    yield
    run.alert("Attention", "it learns")
    yield
    run.log({"loss": 2.5})
    run.finish()
    yield


def branch() -> Iterator[None]:
    """A run is forked from a step of another, which is then taken back to it. Begins after `finish`."""
    if find_run(open_store().read(), PROJECT, "forked") is None:
        localart.init(project=PROJECT, id="forked", fork_from="victim?_step=1")
    yield
    run = localart.init(project=PROJECT, id="forked", resume="allow")
    run.finish()
    yield
    run = localart.init(project=PROJECT, id="victim", resume_from="victim?_step=0")
    yield
    run.finish()
    yield


def dying() -> Iterator[None]:
    """What `recover` finds: a run that has logged and printed, and whose process is gone."""
    run = localart.init(project=PROJECT, id="dead")
    for step in range(3):
        run.log({"loss": step / 4})
    printed = open_store().root / "tmp" / f"run-{run._record.uid}" / "files" / "output.log"
    printed.parent.mkdir(parents=True, exist_ok=True)
    printed.write_text("one line\n")
    os._exit(0)
    yield


def recover() -> Iterator[None]:
    """Somebody looks at the runs, and takes the dead one up again."""
    assert localart.Api().run(f"{PROJECT}/dead").state != "running"
    yield
    run = localart.init(project=PROJECT, id="dead", resume="must")
    yield
    run.finish()
    yield


def pipeline() -> Iterator[None]:
    """Data are made, prepared and trained on, each by a run that uses what the one before has logged."""
    run = _begin("load", config={"seed": 1})
    yield
    _log("small", 5, run="load")
    yield
    run.finish()
    yield
    run = _begin("prepare")
    yield
    folder = Path(run.use_artifact("small:latest").download(SOURCES / "downloaded"))
    yield
    ready = localart.Artifact("ready", "data", metadata={"scaled": True})
    with ready.new_file("rows.csv", "wb") as file:
        file.write((folder / "rows.csv").read_bytes() * 3)
    run.log_artifact(ready)
    yield
    run.finish()
    yield
    run = _begin("train")
    yield
    folder = Path(run.use_artifact("ready:latest").download(SOURCES / "ready"))
    yield
    for step in range(4):
        run.log({"loss": 1 / (step + 1), "epoch": step}, step=step)
    model = localart.Artifact("net", "model", metadata={"accuracy": 0.9})
    with model.new_file("weights.bin", "wb") as file:
        file.write(tree_of("chunked", "net", 0)["model.bin"])
    run.log_artifact(model, aliases=["best"])
    yield
    run.finish()
    yield
    run = _begin("report")
    yield
    run.use_artifact("net:best")
    yield
    run.summary.update({"accuracy": 0.9})
    yield
    run.finish()
    yield


def pictures() -> Iterator[None]:
    """A picture and a table are logged with numbers, then a picture in an artifact."""
    run = _begin("victim")
    yield
    run.log({"picture": _picture()}, step=0)
    yield
    run.log({"rows": localart.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])}, step=1)
    yield
    worst = localart.Artifact("worst", "evaluation")
    worst.add(_picture(), "first")
    run.log_artifact(worst)
    yield
    run.finish()
    yield


def _picture() -> localart.Image:
    import numpy as np

    return localart.Image(np.arange(192, dtype=np.uint8).reshape(8, 8, 3), caption="colours")


def _begin(run_id: str, **facts: Any) -> Run:
    run = localart.init(project=PROJECT, id=run_id, resume="allow", **facts)
    assert isinstance(run, Run)
    return run


def open_store() -> Repository:
    """The store, for this process."""
    return open_repository(Path(os.environ["LOCALART_DIR"]))
