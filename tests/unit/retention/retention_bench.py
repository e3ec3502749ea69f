"""A store whose clock is set by hand, and a line of versions in it."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import localart
from localart.model import LinkedVersion, VersionRecord
from localart.operations.delete import execute_deletion, plan_deletion
from localart.operations.download import download
from localart.operations.resolve import resolve_artifact, resolve_linked, resolve_version
from localart.repository import Repository, default_repository

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


class Bench:
    """Everything happens in project p, at `now`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOON
        self.contents: dict[str, bytes] = {}
        repository = self.repository
        repository.clock = self.time
        repository.catalog._clock = self.time

    @property
    def repository(self) -> Repository:
        return default_repository()

    def time(self) -> str:
        return self.now.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def later(self, **step: float) -> None:
        self.now += timedelta(**step)

    def log(self, count: int = 1, name: str = "a", *, size: int = 2_000, **named: object) -> str:
        """Log versions; the label of the last."""
        label = ""
        with localart.init(project="p") as run:
            for uses in named.pop("uses", ()):
                run.use_artifact(uses)
            run.summary.update(named.pop("summary", {}))
            for _ in range(count):
                artifact = localart.Artifact(
                    name, "model", description=named.get("description"), metadata=named.get("metadata")
                )
                if "ttl" in named:
                    artifact.ttl = named["ttl"]
                content = random.Random(len(self.contents)).randbytes(size)
                with artifact.new_file("x.bin", "wb") as file:
                    file.write(content)
                run.log_artifact(artifact, aliases=named.get("aliases", []), tags=named.get("tags", []))
                label = artifact.source_name
                self.contents[label] = content
        return label

    def version(self, label: str) -> VersionRecord:
        return resolve_version(self.repository, label, project="p")

    def linked(self, label: str) -> LinkedVersion:
        return resolve_linked(self.repository, label, project="p")

    def artifact(self, name: str = "a"):
        return resolve_artifact(self.repository, name, project="p")

    def delete(self, *labels: str, **how: bool) -> None:
        execute_deletion(self.repository, plan_deletion([self.version(label) for label in labels]), **how)

    def labels(self, name: str = "a") -> list[str]:
        """What is committed, oldest first."""
        return [
            f"{name}:v{number}"
            for (number,) in self.repository.read()
            .execute(
                "SELECT v.number FROM versions v JOIN artifacts a ON a.id = v.artifact"
                " WHERE a.name = ? AND v.state = 'COMMITTED' ORDER BY 1",
                (name,),
            )
            .fetchall()
        ]

    def aliases(self, name: str = "a") -> dict[str, str]:
        """Alias → version's number."""
        rows = self.repository.read().execute(
            "SELECT al.name, 'v' || v.number FROM aliases al JOIN versions v ON v.id = al.version"
            " JOIN artifacts a ON a.id = al.artifact WHERE a.name = ?",
            (name,),
        )
        return dict(rows.fetchall())

    def check(self) -> None:
        """Every committed version is there byte for byte, and no row dangles."""
        assert self.repository.read().execute("PRAGMA foreign_key_check").fetchall() == []
        rows = self.repository.read().execute(
            "SELECT a.name || ':v' || v.number FROM versions v JOIN artifacts a ON a.id = v.artifact"
            " WHERE v.state = 'COMMITTED'"
        )
        for (label,) in rows.fetchall():
            if label in self.contents:
                target = self.folder / "check" / label
                download(self.repository, self.version(label), target)
                assert (target / "x.bin").read_bytes() == self.contents[label], label
