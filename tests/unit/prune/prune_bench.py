"""Versions to prune, and eyes to look into a store with."""

import random
import shutil
from pathlib import Path

import localart
from localart.catalog import manifests, versions
from localart.model import VersionRecord
from localart.operations.delete import execute_deletion, plan_deletion
from localart.operations.download import download
from localart.operations.prune import PruneReport, execute_prune
from localart.operations.resolve import resolve_version
from localart.repository import Repository, default_repository


class Bench:
    """A store in use: logs trees, takes versions away, and compares what is left with what was logged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logged: dict[str, dict[str, bytes]] = {}

    @property
    def repository(self) -> Repository:
        return default_repository()

    def query(self, sql: str, *parameters: object) -> list[tuple]:
        return self.repository.read().execute(sql, parameters).fetchall()

    def log(self, files: dict[str, bytes], name: str = "data") -> str:
        """Log a tree; the version's label."""
        tree = self.folder / "tree"
        write_tree(tree, files)
        with localart.init(project="p") as run:
            artifact = localart.Artifact(name, "dataset")
            artifact.add_dir(tree)
            run.log_artifact(artifact)
        shutil.rmtree(tree)
        self.logged[artifact.source_name] = files
        return artifact.source_name

    def record(self, label: str) -> VersionRecord:
        return resolve_version(self.repository, f"p/{label}", project="p")

    def delete(self, *labels: str) -> None:
        execute_deletion(
            self.repository, plan_deletion([self.record(label) for label in labels]), at_once=True
        )
        for label in labels:
            del self.logged[label]

    def prune(self) -> PruneReport:
        return execute_prune(self.repository, trash_seconds=0)

    def pack_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.packs())

    def packs(self) -> set[Path]:
        return set((self.repository.root / "packs").iterdir())

    def check(self) -> None:
        """Every version that was not deleted is there, byte for byte, and no row dangles."""
        assert self.query("PRAGMA foreign_key_check") == []
        assert self.query("PRAGMA foreign_keys") == [(1,)]
        for label, files in self.logged.items():
            target = self.folder / "check"
            download(self.repository, self.record(label), target)
            assert read_tree(target) == files, label
            shutil.rmtree(target)


def write_tree(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def read_tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def noise(seed: object, size_bytes: int) -> bytes:
    """Bytes that neither compress nor repeat."""
    return random.Random(str(seed)).randbytes(size_bytes)


def live_digests(repository: Repository) -> set[bytes]:
    """The contents that committed versions and runs name, told by reading every manifest."""
    connection = repository.read()
    found = {digest for (digest,) in connection.execute(
        "SELECT b.digest FROM run_files f JOIN blobs b ON b.id = f.blob")}  # fmt: skip
    for (version,) in connection.execute("SELECT id FROM versions WHERE state = 'COMMITTED'").fetchall():
        manifest = manifests.get_manifest(connection, versions.get_version(connection, version).manifest_id)
        entries = manifests.verified_entries(connection, manifest)
        found |= {entry.digest for entry in entries if entry.reference is None}
    return found
