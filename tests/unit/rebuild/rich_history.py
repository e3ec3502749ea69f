"""A store in which everything happened at least once, and all that can be seen of a store."""

import random
import sqlite3
import struct
from pathlib import Path

import localart
from localart.operations.prune import execute_prune
from localart.repository.opening import close_all, default_repository

VIEWS = ("versions_view", "runs_view", "lineage_view", "files", "metrics_view")
TABLES = (
    "projects", "registries", "runs", "artifacts", "artifact_tags", "versions", "links", "aliases", "protected_aliases",
    "version_tags", "run_tags", "edges", "alerts", "journal",
)  # fmt: skip
_OWN = {  # what names rows of tables whose numbers mean nothing
    "versions": "uid, artifact, number, description, metadata, state, ttl_seconds, history_step, created_at,"
    " updated_at, site, origin, seal, (SELECT digest FROM manifests WHERE id = manifest)",
}


def tree(root: Path, count: int, *, seed: int, changed: int = 0) -> Path:
    """A folder of `count` small files, of which `changed` differ from those of another seed's."""
    for number in range(count):
        path = root / f"part-{number % 7}" / f"{number:04}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number} {seed if number < changed else 0}\n" * 20)
    return root


def weights(step: int) -> bytes:
    """240 kB of floats that move a little every step, above the size of what is one blob."""
    draw, moves = random.Random(1), random.Random(2)
    return struct.pack(
        "<90000f", *(draw.gauss(0, 1) + step * 1e-5 * moves.gauss(0, 1) for _ in range(90_000))
    )


def log(run, name, kind="dataset", files=None, folder=None, aliases=(), **said):
    draft = localart.Artifact(name, kind, **said)
    for path, content in (files or {}).items():
        with draft.new_file(path, "wb") as file:
            file.write(content)
    if folder is not None:
        draft.add_dir(folder)
    return run.log_artifact(draft, aliases=aliases)


def make_history(workdir: Path) -> None:
    """Log, use, link, move, delete, prune, fork … in two projects; at the end the store is closed."""
    api = localart.Api()
    large = random.Random(3).randbytes(900_000)
    with localart.init(project="one", id="a", config={"lr": 0.5, "deep": {"x": [1, None]}}, tags=["t1"],
                       group="g", notes="says", job_type="prep") as run:  # fmt: skip
        run.define_metric("loss", summary="min")
        for step in range(50):
            run.log({"loss": 1 / (step + 1), "count": step, "word": f"w{step}", "bad": float("nan")})
        log(run, "ds", files={"a.bin": large, "b.txt": b"b"}, description="what it is",
            metadata={"n": 1, "f": 0.1}, aliases=["best"])  # fmt: skip
        log(run, "ds", files={"a.bin": large + b"more", "b.txt": b"b2"}, metadata={"n": 2})
        log(run, "ds", files={"a.bin": large, "b.txt": b"b"}, metadata={"again": True})
        log(run, "many", folder=tree(workdir / "tree", 200, seed=1))
        log(run, "many", folder=tree(workdir / "tree", 200, seed=2, changed=4))
        log(run, "many", folder=tree(workdir / "tree", 200, seed=3, changed=9))
        (workdir / "notes.txt").write_text("notes")
        run.save("notes.txt")
        run.alert("careful", "it is hot", level="WARN")
    for step in range(3):
        with localart.init(project="two", id=f"train-{step}", resume="allow") as run:
            run.use_artifact("one/ds:best", use_as="input")
            log(run, "model", "model", files={"model.bin": weights(step)}, aliases=[f"s{step}"])
            run.log({"acc": step / 3}, step=step)
            if step == 1:
                reference = localart.Artifact("elsewhere", "dataset")
                reference.add_reference((workdir / "notes.txt").as_uri(), name="notes")
                run.log_artifact(reference)
    _change_facts(api)
    _branch(workdir)
    _delete(api)
    close_all()


def _change_facts(api) -> None:
    version = api.artifact("two/model:v2")
    version.description, version.metadata = "the last", {"acc": 0.9}
    version.tags = ["good", "new"]
    version.aliases = [*version.aliases, "prod"]
    version.save()
    version.link("wandb-registry-model/champions", aliases=["live"])
    api.artifact("two/model:v0").link("model-registry/first")
    kept = api.artifact("one/ds:v1")
    kept.ttl = None
    kept.save()
    collection = api.artifact_collection("dataset", "one/many")
    collection.name, collection.description, collection.tags = "moved", "a tree", ["x"]
    collection.save()
    run = api.run("one/a")
    run.tags, run.config["later"] = ["t1", "t2"], True
    run.update()


def _branch(workdir: Path) -> None:
    with localart.init(project="one", fork_from="a?_step=20", id="forked") as run:
        run.log({"loss": 0.25})
    with localart.init(project="one", resume_from="a?_step=30") as run:
        run.log({"loss": 0.125})
    with localart.init(project="one", id="gone") as run:
        log(run, "short", files={"f": b"short"})
        run.log({"x": 1})
    with localart.init(project="two", id="part", group="team") as run:
        draft = localart.Artifact("shared", "dataset", metadata={"rank": 0})
        with draft.new_file("part-0", "w") as file:
            file.write("zero")
        run.upsert_artifact(draft)


def _delete(api) -> None:
    api.artifact("one/moved:v0").delete(delete_aliases=True)
    api.artifact("one/short:v0").delete(delete_aliases=True)
    api.run("one/gone").delete()
    repository = default_repository()
    execute_prune(repository, trash_seconds=0)


def everything(store: Path) -> dict[str, list[str]]:
    """Every row of the stable views and of what users see, as text."""
    connection = sqlite3.connect(store / "localart.db")
    try:
        found = {}
        for name in (*VIEWS, *TABLES):
            rows = connection.execute(f"SELECT {_OWN.get(name, '*')} FROM {name}").fetchall()
            found[name] = sorted(map(repr, rows))
        found["run_files"] = sorted(
            map(repr, connection.execute(
                "SELECT run, path, digest, size, updated_at FROM run_files f JOIN blobs b ON b.id = f.blob"
            ))
        )  # fmt: skip
        found["upserts"] = sorted(
            map(repr, connection.execute(
                "SELECT artifact, distributed_id, run, digest, body, u.created_at FROM upserts u"
                " JOIN manifests m ON m.id = u.manifest"
            ))
        )  # fmt: skip
        return found
    finally:
        connection.close()


def contents(target: Path) -> dict[str, dict[str, bytes]]:
    """Every stored file of every version, downloaded, as bytes."""
    api = localart.Api()
    found: dict[str, dict[str, bytes]] = {}
    repository = default_repository(create=False)
    for project, artifact, version in (
        repository.read()
        .execute("SELECT project, artifact, version FROM versions_view WHERE state = 'COMMITTED'")
        .fetchall()
    ):
        name = f"{project}/{artifact}:{version}"
        folder = Path(api.artifact(name).download(target / name.replace("/", "-").replace(":", "-")))
        found[name] = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    close_all()
    return found
