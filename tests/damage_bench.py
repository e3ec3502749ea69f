"""A store with a bit of everything in it, what it should answer, and ways to harm it."""

import contextlib
import hashlib
import io
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

import localart
from localart.catalog import (
    aliases,
    artifacts,
    browsing,
    browsing_runs,
    browsing_versions,
    conditions,
    links,
    manifests,
    metrics,
    projects,
    protection,
    registries,
    runs,
    versions,
)
from localart.catalog.types import artifact_types
from localart.lineage.query import whole_lineage
from localart.model import BlobRef
from localart.operations.delete import execute_deletion, plan_deletion
from localart.operations.link import link_version, parse_link_target
from localart.operations.move import move_artifact
from localart.operations.resolve import resolve_artifact, resolve_version
from localart.operations.update import retag
from localart.repository import Repository, default_repository, open_repository
from localart.repository.opening import close_all
from localart.store.frames import FrameKind, walk_heads

PROJECT = "p"


def noise(seed: object, size_bytes: int) -> bytes:
    """Bytes that neither compress nor repeat."""
    return random.Random(str(seed)).randbytes(size_bytes)


def tree(version: int, *, count: int = 140) -> dict[str, bytes]:
    """Small files of which few change, so that later versions are overlays, and a large one that changes a little."""
    files = {
        f"d{i % 7}/f{i:03}.txt": noise((i, version if i % 20 == 0 else 0), 700).hex().encode()
        for i in range(count)
    }
    files["large.bin"] = noise("large", 500_000) + noise(("large", version), 60_000) + noise("end", 200_000)
    return files


def weights(version: int) -> bytes:
    """Floats that move a little from version to version: told as differences."""
    import numpy as np

    values = np.random.default_rng(0).normal(size=300_000).astype("<f4")
    return (values + np.float32(1e-6 * version)).tobytes()


def make_store(folder: Path) -> Path:
    """A store in `folder` with everything in it but weights, at rest."""
    with logging_to(folder):
        fill(folder / "files", with_weights=False)
    return folder / "store"


@contextlib.contextmanager
def logging_to(folder: Path) -> Iterator[None]:
    """What is logged in the body goes into `store` below `folder`, without a word."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LOCALART_DIR", str(folder / "store"))
        patch.setenv("LOCALART_SILENT", "1")
        patch.setenv("LOCALART_CONSOLE", "off")
        patch.setenv("LOCALART_X_SAVE_REQUIREMENTS", "false")
        yield


def fill(folder: Path, *, with_weights: bool = True) -> dict[str, dict[str, bytes]]:
    """Log several versions of several artifacts, use, alias, tag, link, move and delete them; what each then holds."""
    held: dict[str, dict[str, bytes]] = {}
    with localart.init(
        project=PROJECT,
        id="prepare1",
        job_type="prepare",
        config={"a": 1, "b": [1.5, "x"]},
        tags=["nightly", "eu"],
    ) as run:
        for number in range(3):
            held[f"data:v{number}"] = log(run, "data", tree(number), folder, {"n": number})
        held["small:v0"] = log(run, "small", {"only.txt": b"only this"}, folder, {})
        for step in range(60):
            run.log({"loss": 0.5 / (step + 1), "step twice": 2 * step, "said": f"at {step}"})
        run.alert(title="slow", text="the disk is slow", level="WARN")
    with localart.init(project=PROJECT, id="train1", job_type="train", notes="the second") as run:
        run.use_artifact("data:v1")
        if with_weights:
            for number in range(3):
                held[f"model:v{number}"] = log(
                    run, "model", {"weights.bin": weights(number)}, folder, {"acc": number / 10}
                )
        log(run, "gone", {"a": b"this goes"}, folder, {})
    repository = default_repository()
    execute_deletion(repository, plan_deletion([resolve_version(repository, "gone:v0", project=PROJECT)]))
    retag(repository, resolve_version(repository, "data:v0", project=PROJECT), add=["old", "first"])
    best = resolve_version(repository, "data:v1", project=PROJECT)
    link_version(repository, best, parse_link_target("model-registry/best", project=PROJECT), ["prod"])
    move_artifact(
        repository, resolve_artifact(repository, "small", project=PROJECT), project="other", name="tiny"
    )
    held["other/tiny:v0"] = held.pop("small:v0")
    with repository.write() as tx:
        tiny = resolve_artifact(repository, "other/tiny", project=None)
        artifacts.set_artifact_tags(tx, tiny, ["kept", "small"])
        protection.protect(tx, tiny.id, "latest")
        registries.save_registry(
            tx, "models", description="all", visibility="restricted", artifact_types=["model"]
        )
    close_all()
    return held


def log(
    run: localart.Run, name: str, files: dict[str, bytes], folder: Path, metadata: dict[str, object]
) -> dict[str, bytes]:
    """One version; the files it holds."""
    place = folder / name
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    artifact = localart.Artifact(name, "dataset", metadata=metadata, description=f"about {name}")
    artifact.add_dir(place)
    run.log_artifact(artifact, aliases=[f"at-{metadata.get('n', 0)}"])
    shutil.rmtree(place)
    return files


# --- what a store answers --------------------------------------------------------------------------------


Answers = dict[str, object]


def answers(root: Path) -> Answers:
    """Everything that people read of a store: listings, facts, bytes. An error is an answer too."""
    found: Answers = {}
    try:
        repository = open_repository(root, create=False)
    except localart.errors.LocalartError as error:
        return {"": f"error {type(error).__name__}"}
    try:
        for name, ask in _LISTS.items():
            _ask(found, name, lambda ask=ask: ask(repository))
        for run_id in RUNS:
            for name, look in _OF_RUNS.items():
                _ask(found, f"{name} {run_id}", lambda look=look, run_id=run_id: look(repository, run_id))
        for name in ("p/data", "p/model", "p/gone", "other/tiny", "model-registry/best"):
            _ask(found, f"list {name}", lambda name=name: _listed(repository, name))
        for label in (
            *(f"p/{name}:v{number}" for name in ("data", "model") for number in range(3)),
            "other/tiny:v0", "p/data:latest", "p/data:at-1", "model-registry/best:prod", "p/gone:v0",
        ):  # fmt: skip
            _ask(found, label, lambda label=label: _version(repository, label))
    finally:
        with suppress(localart.errors.LocalartError):  # a damaged file may not even close well
            repository.close()
    for arguments in COMMANDS:
        _ask(found, f"localart {' '.join(arguments)}", lambda arguments=arguments: _typed(root, arguments))
    return found


RUNS = ("prepare1", "train1")
COMMANDS = (
    ("ls",), ("ls", "p/data"), ("ls", "p/data:v1"), ("show", "p/data:v1"), ("show", "p/data"), ("show", "run:prepare1"),
    ("runs",), ("lineage", "p/data:v1"), ("history",),
)  # fmt: skip
"""Not `search`: what it finds is compared, but what a damaged index of words does not lead to is not missed."""


def _typed(root: Path, arguments: tuple[str, ...]) -> str:
    """What a command prints as JSON."""
    from localart.cli.app import app

    words = [arguments[0], "--store", str(root), "--json", *arguments[1:]]
    with contextlib.redirect_stdout(io.StringIO()) as out, app.make_context("localart", words) as context:
        app.invoke(context)
    return out.getvalue().replace(str(root), "STORE")


def _lines(repository: Repository) -> object:
    """The lists of the browser."""
    connection = repository.read()
    query = conditions.ListQuery()
    return (
        browsing.project_lines(connection),
        browsing.artifact_lines(connection, None),
        browsing_versions.version_lines(connection, browsing_versions.version_ids(connection, query)),
        browsing_runs.run_lines(connection, browsing_runs.run_ids(connection, query)),
    )


def _lines_of_one(repository: Repository) -> object:
    """The lists of the browser, of one project and one artifact."""
    connection = repository.read()
    key = projects.find_project(connection, PROJECT)
    data = resolve_artifact(repository, "p/data", project=None).id
    return (
        browsing.artifact_lines(connection, key),
        browsing_versions.version_lines(
            connection, browsing_versions.version_ids(connection, conditions.ListQuery(artifact=data))
        ),
        browsing_runs.run_lines(
            connection, browsing_runs.run_ids(connection, conditions.ListQuery(project=key))
        ),
    )


def _tiny(repository: Repository) -> int:
    return resolve_artifact(repository, "other/tiny", project=None).id


_LISTS: dict[str, Callable[[Repository], object]] = {
    "artifacts": lambda repository: [_artifact(one) for one in artifacts.list_collections(repository.read())],
    "projects": lambda repository: projects.list_projects(repository.read()),
    "types": lambda repository: artifact_types(repository.read(), None),
    "registries": lambda repository: registries.list_registries(repository.read()),
    "runs": lambda repository: list(runs.iter_runs(repository.read())),
    "browser": _lines,
    "browser of one": _lines_of_one,
    "lineage": lambda repository: whole_lineage(repository, project=None),
    "links": lambda repository: links.links_to(
        repository.read(), resolve_version(repository, "p/data:v1", project=None).id
    ),
    "artifact's own": lambda repository: (
        artifacts.artifact_tags(repository.read(), _tiny(repository)),
        protection.protected_aliases(repository.read(), _tiny(repository)),
    ),
}


def _key(repository: Repository, run_id: str) -> int:
    found = runs.find_run(repository.read(), PROJECT, run_id)
    if found is None:
        raise localart.errors.RunNotFound(run_id)
    return found.key


_OF_RUNS: dict[str, Callable[[Repository, str], object]] = {
    "run": lambda repository, run_id: runs.get_run(repository.read(), _key(repository, run_id)),
    "files of": lambda repository, run_id: runs.run_files(repository.read(), _key(repository, run_id)),
    "alerts of": lambda repository, run_id: runs.run_alerts(repository.read(), _key(repository, run_id)),
    "rules of": lambda repository, run_id: runs.metric_rules(repository.read(), _key(repository, run_id)),
    "inputs of": lambda repository, run_id: versions.linked_versions(
        repository.read(), _key(repository, run_id), "input"
    ),
    "outputs of": lambda repository, run_id: versions.linked_versions(
        repository.read(), _key(repository, run_id), "output"
    ),
    "history of": lambda repository, run_id: list(
        metrics.iter_history(repository.read(), _key(repository, run_id))
    ),
    "last of": lambda repository, run_id: metrics.last_values(repository.read(), _key(repository, run_id)),
    "chart of": lambda repository, run_id: list(
        metrics.iter_samples(repository.read(), _key(repository, run_id), "loss", buckets=7)
    ),
}


def _ask(found: Answers, key: str, ask: Callable[[], object]) -> None:
    try:
        found[key] = ask()
    except localart.errors.LocalartError as error:
        found[key] = f"error {type(error).__name__}"


def _artifact(one: object) -> object:
    return (one.project, one.name, one.type, one.kind, one.version_count, one.latest)


def _listed(repository: Repository, name: str) -> object:
    artifact = resolve_artifact(repository, name, project=None)
    connection = repository.read()
    listed = [(one.number, one.digest, one.tags) for one in versions.iter_versions(connection, artifact.id)]
    return listed, aliases.list_aliases(connection, artifact.id)


def _version(repository: Repository, label: str) -> object:
    version = resolve_version(repository, label, project=None)
    manifest = manifests.get_manifest(repository.read(), version.manifest_id)
    entries = list(manifests.verified_entries(repository.read(), manifest))
    blobs = list({BlobRef(entry.digest, entry.size_bytes) for entry in entries})
    read = {
        blob.digest: hashlib.sha256(content).hexdigest()
        for blob, content in repository.reader.read_many(repository.layouts(blobs))
    }
    files = {entry.path: read[entry.digest] for entry in entries}
    return version.uid, version.number, dict(version.metadata), version.description, files


def wrong_answers(right: Answers, found: Answers) -> list[str]:
    """Where a store answers something else than it should, and no error."""
    if set(found) == {""}:
        return []
    return [
        key for key, answer in found.items() if answer != right[key] and not str(answer).startswith("error")
    ]


def errors_in(found: Answers) -> list[str]:
    """What a store refuses to answer."""
    return [key for key, answer in found.items() if str(answer).startswith("error")]


# --- harm ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Harm:
    """One change to a file's bytes."""

    name: str
    change: Callable[[bytearray, random.Random], None]


def _flip(content: bytearray, dice: random.Random) -> None:
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _zero(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(content))
    content[at : at + dice.choice([1, 16, 512, 4096])] = bytes(
        len(content[at : at + dice.choice([1, 16, 512, 4096])])
    )


def _cut(content: bytearray, dice: random.Random) -> None:
    del content[dice.randrange(len(content)) :]


def _swap(content: bytearray, dice: random.Random) -> None:
    size = dice.choice([8, 64, 512])
    a, b = dice.randrange(len(content) - size), dice.randrange(len(content) - size)
    content[a : a + size], content[b : b + size] = content[b : b + size], content[a : a + size]


def _zero_page(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(content) // PAGE_BYTES) * PAGE_BYTES
    content[at : at + PAGE_BYTES] = bytes(PAGE_BYTES)


def _swap_pages(content: bytearray, dice: random.Random) -> None:
    a, b = dice.sample(range(len(content) // PAGE_BYTES), 2)
    swap_pages(content, a + 1, b + 1)


def swap_pages(content: bytearray, first: int, second: int) -> None:
    """Let two pages of a database change places; pages are counted from 1."""
    a, b = (first - 1) * PAGE_BYTES, (second - 1) * PAGE_BYTES
    content[a : a + PAGE_BYTES], content[b : b + PAGE_BYTES] = (
        content[b : b + PAGE_BYTES],
        content[a : a + PAGE_BYTES],
    )


def page_kind(content: bytes | bytearray, page: int) -> int:
    """What SQLite takes a page for: 2 and 10 are of indexes, 5 and 13 of tables (inner ones first)."""
    return content[(page - 1) * PAGE_BYTES + (100 if page == 1 else 0)]


def leaves_of(content: bytes | bytearray, root: int) -> list[int]:
    """The pages below the root of a table or an index of at most two levels, in order; itself when it has none."""
    if page_kind(content, root) in {10, 13}:
        return [root]
    page = content[(root - 1) * PAGE_BYTES : root * PAGE_BYTES]
    cells = [
        int.from_bytes(page[at : at + 2], "big")
        for at in range(12, 12 + 2 * int.from_bytes(page[3:5], "big"), 2)
    ]
    return [int.from_bytes(page[at : at + 4], "big") for at in (*cells, 8)]


def roots(root: Path) -> dict[str, int]:
    """The first page of every table and index of a store's database."""
    connection = sqlite3.connect(f"file:{root / 'localart.db'}?mode=ro", uri=True)
    try:
        return dict(
            connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
        )
    finally:
        connection.close()


PAGE_BYTES = 4096
PAGE_HARMS = (Harm("zero-page", _zero_page), Harm("swap-pages", _swap_pages))
"""What only a file made of pages can suffer."""

HARMS = (Harm("flip", _flip), Harm("zero", _zero), Harm("cut", _cut), Harm("swap", _swap))


def harm_file(path: Path, harm: Harm, dice: random.Random) -> None:
    """Change the file's bytes, as a disk would."""
    content = bytearray(path.read_bytes())
    harm.change(content, dice)
    path.write_bytes(content)


def packs_of(root: Path) -> list[Path]:
    """The store's packs by name."""
    return sorted((root / "packs").glob("*.pack"))


def frames_of(path: Path, kind: FrameKind = FrameKind.DATA) -> list[tuple[int, int]]:
    """Where the frames of a kind begin, and the length of each."""
    return [(start, head.stored_bytes) for start, head in walk_heads(path) if head.kind is kind]


def harm_frame(path: Path, start: int, length: int) -> None:
    """Change one byte in the middle of a frame's body."""
    with path.open("r+b") as file:
        file.seek(start + length - 20)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x40]))


def change_rows(root: Path, sql: str, *values: object) -> None:
    """Change the database behind localart's back, triggers and all."""
    connection = sqlite3.connect(root / "localart.db")
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(sql, values)
    for _, text in triggers:
        connection.execute(text)
    connection.commit()
    connection.close()
