"""Make the golden store of this localart's format, which every later localart must read.

    python tests/golden/make_store.py

Writes `format-N/` beside this file, a store in which everything happens at least once, and `format-N.json`: what its
stable views say, and the size and BLAKE3 of every file of its versions. A format that is released is never made again.
"""

import json
import os
import random
import shutil
import sqlite3
import struct
import sys
import tempfile
from pathlib import Path

from blake3 import blake3

HERE = Path(__file__).parent
VIEWS = ("versions_view", "runs_view", "lineage_view", "files", "metrics_view")
_STORE_FILES = ("LOCALART", "localart.db")


def listing(database: Path, columns: dict[str, list[str]] | None = None) -> dict[str, list[list[object]]]:
    """The rows of the views, sorted; of `columns` only, for later formats may say more."""
    connection = sqlite3.connect(database)
    try:
        found = {}
        for view in VIEWS:
            wanted = ", ".join(f'"{name}"' for name in (columns or {}).get(view, ())) or "*"
            rows = connection.execute(f"SELECT {wanted} FROM {view}").fetchall()
            found[view] = sorted((list(row) for row in rows), key=repr)
        return found
    finally:
        connection.close()


def columns_of(database: Path) -> dict[str, list[str]]:
    """The names of the views' columns."""
    connection = sqlite3.connect(database)
    try:
        return {
            view: [column[0] for column in connection.execute(f"SELECT * FROM {view} LIMIT 0").description]
            for view in VIEWS
        }
    finally:
        connection.close()


def downloaded(target: Path) -> dict[str, dict[str, list[object]]]:
    """Size and BLAKE3 of each file of every committed version of the default store, as downloaded below `target`."""
    import localart
    from localart.repository.opening import close_all, default_repository

    names = [
        f"{project}/{artifact}:{version}"
        for project, artifact, version in default_repository(create=False)
        .read()
        .execute(
            "SELECT project, artifact, version FROM versions_view WHERE state = 'COMMITTED' ORDER BY version_id"
        )
    ]
    found = {}
    for number, name in enumerate(names):
        root = Path(
            localart.Api().artifact(name).download(target / str(number), allow_missing_references=True)
        )
        files = sorted(path for path in root.rglob("*") if path.is_file())
        found[name] = {
            path.relative_to(root).as_posix(): [path.stat().st_size, blake3(path.read_bytes()).hexdigest()]
            for path in files
        }
    close_all()
    return found


# --- the store -------------------------------------------------------------------------------------------


def _text() -> bytes:
    """300 kB that compress well, but are cut into chunks."""
    return b"".join(b"line %d of the golden file\n" % number for number in range(11_000))


def _weights(step: int) -> bytes:
    """280 kB of rounded floats that move a little every step."""
    draw, moves = random.Random(1), random.Random(2)
    return struct.pack(
        "<70000f",
        *(round(draw.gauss(0, 1) * 4096) / 4096 + step * moves.choice((0, 1)) / 8192 for _ in range(70_000)),
    )


def _log(run, name, kind, files, aliases=(), **said):
    import localart

    draft = localart.Artifact(name, kind, **said)
    for path, content in files.items():
        with draft.new_file(path, "wb") as file:
            file.write(content)
    return run.log_artifact(draft, aliases=aliases)


def fill() -> None:
    """Log, use, link, move, tag, delete, fork … in the default store; the working folder is written to."""
    import localart
    from localart.operations.prune import execute_prune
    from localart.repository.opening import close_all, default_repository

    Path("kept.txt").write_text("kept with the run")
    many = {f"part-{number % 5}/{number:03}.txt": b"file %d" % number for number in range(140)}
    with localart.init(project="golden", id="prepare", config={"lr": 0.5, "deep": {"x": [1, None]}}, tags=["a"],
                       group="g", notes="says", job_type="prepare") as run:  # fmt: skip
        for step in range(20):
            run.log({"loss": 1 / (step + 1), "count": step, "word": f"w{step}", "nan": float("nan")})
        _log(run, "data", "dataset", {"large.txt": _text(), "é/small.txt": b"small"}, ["best"],
             description="what it is", metadata={"n": 1, "f": 0.1})  # fmt: skip
        _log(run, "data", "dataset", {"large.txt": _text() + b"more\n", "é/small.txt": b"small 2"})
        _log(run, "many", "dataset", many)
        _log(run, "many", "dataset", many | {"part-0/000.txt": b"changed", "new.txt": b"new"})
        reference = localart.Artifact("elsewhere", "dataset")
        reference.add_reference("https://example.com/file.bin", name="file.bin", checksum=False)
        run.log_artifact(reference)
        run.save("kept.txt")
        run.alert("careful", "it is hot", level="WARN")
    for step in range(3):
        with localart.init(project="models", id=f"train-{step}") as run:
            run.use_artifact("golden/data:best", use_as="input")
            run.log({"acc": step / 4}, step=step)
            _log(run, "model", "model", {"model.bin": _weights(step)}, [f"step-{step}"])
    with localart.init(project="golden", fork_from="prepare?_step=10", id="forked") as run:
        run.log({"loss": 0.25})
    with localart.init(project="models", id="part", group="team") as run:
        draft = localart.Artifact("shared", "dataset")
        with draft.new_file("part-0", "w") as file:
            file.write("zero")
        run.upsert_artifact(draft)
    _change(localart.Api())
    execute_prune(default_repository(), trash_seconds=0)
    close_all()


def _change(api) -> None:
    version = api.artifact("models/model:v2")
    version.description, version.metadata, version.tags = "the last", {"acc": 0.5}, ["good"]
    version.aliases = [*version.aliases, "prod"]
    version.save()
    version.link("wandb-registry-model/champions", aliases=["live"])
    collection = api.artifact_collection("dataset", "golden/many")
    collection.name, collection.tags = "moved", ["x"]
    collection.save()
    api.artifact("golden/data:v1").delete(delete_aliases=True)


def main() -> int:
    """Make the store and what is expected of it."""
    work = Path(tempfile.mkdtemp())
    os.environ.update(LOCALART_DIR=str(work / "store"), LOCALART_SILENT="1", LOCALART_CONSOLE="off",
                      LOCALART_X_SAVE_REQUIREMENTS="false")  # fmt: skip
    os.chdir(work)
    from localart.catalog.format import format_number

    target = HERE / f"format-{format_number()}"
    if target.exists() and "--again" not in sys.argv:
        sys.exit(f"{target} is there already; only a format that is not released may be made --again")
    fill()
    facts = {
        "columns": columns_of(work / "store" / "localart.db"),
        "listing": listing(work / "store" / "localart.db"),
        "files": downloaded(work / "out"),
    }
    shutil.rmtree(target, ignore_errors=True)
    (target / "packs").mkdir(parents=True)
    for path in [*(work / "store" / name for name in _STORE_FILES), *(work / "store" / "packs").iterdir()]:
        shutil.copyfile(path, target / path.relative_to(work / "store"))
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    target.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
