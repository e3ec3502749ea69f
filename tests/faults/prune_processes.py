"""What the processes around a prune do: `python prune_processes.py ROLE ARGUMENTS…`, in the store LOCALART_DIR."""

import random
import shutil
import sys
import time
from pathlib import Path

import localart
from localart.catalog import versions
from localart.operations.delete import execute_deletion, plan_deletion
from localart.operations.download import download
from localart.operations.prune import execute_prune
from localart.operations.resolve import resolve_artifact, resolve_version
from localart.repository import Repository, default_repository
from localart.store import packs

PROJECT = "p"
PACK_BYTES = 3 << 20
"""Packs are small in these processes, so that there are several of them."""


def noise(seed: object, size_bytes: int) -> bytes:
    """Bytes that neither compress nor repeat."""
    return random.Random(str(seed)).randbytes(size_bytes)


def small(version: int) -> dict[str, bytes]:
    """Files of which every third is the version's own: half-dead frames and overlays, once it is deleted."""
    return {
        f"f{i:03}.txt": noise((i, version if i % 3 == 0 else 0), 1_500).hex().encode() for i in range(150)
    }


def large(version: int) -> dict[str, bytes]:
    """One file in chunks, a third of them the version's own."""
    return {"large.bin": noise("large", 600_000) + noise(("large", version), 300_000)}


def log(name: str, files: dict[str, bytes], folder: Path) -> str:
    """Log a tree; the version's label."""
    tree = folder / f"tree-{name}"
    for path, content in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    run = localart.init(project=PROJECT)
    artifact = localart.Artifact(name, "dataset")
    artifact.add_dir(tree)
    run.log_artifact(artifact)
    run.finish()
    shutil.rmtree(tree)
    return artifact.source_name


def fetch(repository: Repository, label: str, target: Path) -> dict[str, bytes]:
    """The files of a version, by way of a download."""
    download(repository, resolve_version(repository, label, project=PROJECT), target)
    files = {
        path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()
    }
    shutil.rmtree(target)
    return files


def delete(repository: Repository, *labels: str) -> None:
    """Mark versions as deleted."""
    doomed = [resolve_version(repository, label, project=PROJECT) for label in labels]
    execute_deletion(repository, plan_deletion(doomed), at_once=True)


# --- roles -------------------------------------------------------------------------------------------


def prune_once() -> None:
    """Prune as it would be done by a command."""
    execute_prune(default_repository())


def log_the_same(folder: str, count: str) -> None:
    """Log the same content, look at it, delete it; again and again."""
    repository = default_repository()
    for _ in range(int(count)):
        label = log("same", small(7), Path(folder))
        assert fetch(repository, label, Path(folder) / "same") == small(7), label
        delete(repository, label)


def log_many(folder: str, count: str) -> None:
    """Log one version after the other, which share most of their content."""
    for number in range(int(count)):
        log("busy", {**small(number), **large(number)}, Path(folder))


def fetch_again(folder: str, stop: str) -> None:
    """Download one version until there is a file `stop`; at least once."""
    repository = default_repository()
    expected = {**small(100), **large(100)}
    while True:
        assert fetch(repository, "fixed:v0", Path(folder) / "fetched") == expected
        if Path(stop).exists():
            break


def rely_on_stored(folder: str) -> None:
    """Add content that is stored already, say so, and log it when asked to."""
    tree = Path(folder) / "relied"
    tree.mkdir()
    for path, content in small(1).items():
        (tree / path).write_bytes(content)
    run = localart.init(project=PROJECT)
    artifact = localart.Artifact("relied", "dataset")
    artifact.add_dir(tree)
    (Path(folder) / "added").touch()
    while not (Path(folder) / "go").exists():
        time.sleep(0.01)
    run.log_artifact(artifact)


def busy_versions(repository: Repository) -> list[str]:
    """The labels of the versions of `busy`, oldest first."""
    try:
        artifact = resolve_artifact(repository, "busy", project=PROJECT)
    except localart.errors.ArtifactNotFound:
        return []
    return [
        version.label
        for version in versions.iter_versions(repository.read(), artifact.id, newest_first=False)
    ]


if __name__ == "__main__":
    packs.PACK_BYTES = PACK_BYTES
    {role.__name__: role for role in (prune_once, log_the_same, log_many, fetch_again, rely_on_stored)}[
        sys.argv[1]
    ](*sys.argv[2:])
