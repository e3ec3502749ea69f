"""Make a big store in seconds: the same one for the same figures, filled through the catalog's own connection.

Versions, runs, edges, aliases and manifests are as the library writes them (seals, digests, page lists), so every
page of the browser can be opened. Only the bytes are missing: blobs have no frames.

    python tests/tui/big_store.py FOLDER [--versions 100000 --runs 20000 --files 1000000 --hostile]
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blake3 import blake3

from localart.catalog.connection import Connection
from localart.catalog.counts import restore_counts
from localart.catalog.seals import seal_all
from localart.manifest import encode_pages, manifest_digest, page_entries
from localart.model import Digest, Entry
from localart.repository import open_repository

EVIL = (
    "[/]",
    "[/",
    "[@click=app.quit]quit[/]",
    "[bold red]x[/bold red]",
    "\x1b]0;owned\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\x9d0;c1\x9c",
    "line\nbreak\r\tend",
    "a\x00b",
    "\u202eexe.gpj",
    "zero\u200bwidth\ufeff",
    "👩‍👩‍👧 family",
    "日本語データセット",
    "e\u0301\u0301\u0301 combining",
    "tags\U000e0041\U000e0042",
    "x" * 3_000,
    "'; DROP TABLE versions; --",
)
"""Texts that must not crash, move, recolour or write anything, wherever they stand."""

TYPES = ("dataset", "model", "eval", "code", "table", "features", "checkpoint", "report")
JOBS = ("load-data", "preprocess", "train", "evaluate", "export")
STATES = ("finished",) * 17 + ("failed", "crashed", "killed")
START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much of everything. Half of the versions belong to one artifact, `telemetry`."""

    versions: int = 100_000
    artifacts: int = 2_000
    runs: int = 20_000
    files: int = 1_000_000
    hostile: bool = False
    seed: int = 7


def make_big_store(root: Path, shape: Shape) -> Path:
    """Fill a new store at `root`; its folder."""
    repository = open_repository(root)
    try:
        with repository.catalog.write() as tx:
            _Filler(tx.connection, shape).fill()
            seal_all(tx)
            restore_counts(tx)
    finally:
        repository.close()
    return root


class _Filler:
    def __init__(self, connection: Connection, shape: Shape) -> None:
        self.db = connection
        self.shape = shape
        self.random = random.Random(shape.seed)
        self.evil = iter(())  # type: Iterator[str]
        self.manifests: list[tuple[int, bytes]] = []

    def fill(self) -> None:
        self.projects()
        self.blobs()
        self.small_manifests()
        self.runs()
        self.artifacts()
        self.versions()
        self.edges()
        if self.shape.files:
            self.many_files()
        for table in ("artifacts", "versions", "runs"):
            self.db.execute(f"INSERT INTO {table}_fts({table}_fts) VALUES ('rebuild')")

    def time_of(self, share: float) -> str:
        moment = START + timedelta(days=300 * share)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def uid(self, kind: int, number: int) -> str:
        return f"00000000-0000-7{kind:03x}-8000-{number:012x}"

    def name(self, plain: str, number: int) -> str:
        """Hostile stores put an evil text into every third name."""
        return f"{EVIL[number // 3 % len(EVIL)]}{number}" if self.shape.hostile and number % 3 == 0 else plain

    def projects(self) -> None:
        names = ["car-that-drives-itself", "scratch", self.name("zoo", 3)]
        self.db.executemany(
            "INSERT INTO projects(id, name, created_at) VALUES (?,?,?)",
            [(number, name, self.time_of(0)) for number, name in enumerate(names, 1)],
        )

    def blobs(self) -> None:
        self.sizes = [0] + [int(self.random.lognormvariate(13, 2.5)) for _ in range(2_000)]
        self.digests = [blake3(f"blob {number}".encode()).digest() for number in range(len(self.sizes))]
        self.db.executemany(
            "INSERT INTO blobs(id, digest, size) VALUES (?,?,?)",
            [(number + 1, digest, self.sizes[number]) for number, digest in enumerate(self.digests)],
        )
        self.folders: dict[str, int] = {}

    def folder(self, path: str) -> int:
        if path not in self.folders:
            self.folders[path] = len(self.folders) + 1
            self.db.execute("INSERT INTO dirs(id, path) VALUES (?,?)", (self.folders[path], path))
        return self.folders[path]

    def small_manifests(self) -> None:
        for number in range(400):
            paths = [
                "data/labels.csv",
                "data/train.npy",
                "data/val.npy",
                "model.safetensors",
                "notes/README.md",
            ]
            chosen = sorted(
                self.random.sample(paths, 1 + number % 5), key=lambda path: path.rpartition("/")[::2][0:2]
            )
            if self.shape.hostile and number % 4 == 0:
                chosen.append(f"zz/{EVIL[number // 4 % len(EVIL)].replace('/', '_')[:200]}")
            rows = [(path, self.random.randrange(1, len(self.sizes))) for path in chosen]
            rows.sort(key=lambda row: (row[0].rpartition("/")[0], row[0].rpartition("/")[2]))
            self.manifests.append(self.manifest(rows, None))

    def manifest(self, rows: list[tuple[str, int]], base: tuple[int, bytes] | None) -> tuple[int, bytes]:
        """A manifest of these paths and blobs; over a base its rows are the changes (no page list of the whole)."""
        del base
        entries = [Entry(path, Digest(self.digests[blob]), self.sizes[blob]) for path, blob in rows]
        pages = list(page_entries(entries))
        digest = manifest_digest(page.digest for page in pages)
        known = self.db.execute("SELECT id FROM manifests WHERE digest = ?", (digest,)).fetchone()
        if known:
            return known[0], digest
        size = sum(entry.size_bytes for entry in entries)
        self.db.execute(
            "INSERT INTO manifests(digest, complete, base, file_count, size, pages, created_at)"
            " VALUES (?,1,NULL,?,?,?,?)",
            (digest, len(entries), size, encode_pages(pages), self.time_of(0)),
        )
        manifest_id = self.db.execute("SELECT last_insert_rowid()").fetchone()[0]
        self.db.execute(
            "INSERT INTO chains(manifest, position, layer) VALUES (?,0,?)", (manifest_id, manifest_id)
        )
        self.db.executemany(
            "INSERT INTO entries(manifest, dir, name, blob) VALUES (?,?,?,?)",
            (
                (manifest_id, self.folder(folder), name, blob + 1)
                for (folder, _, name), blob in ((path.rpartition("/"), blob) for path, blob in rows)
            ),
        )
        return manifest_id, digest

    def runs(self) -> None:
        count = self.shape.runs
        self.db.executemany(
            "INSERT INTO runs(id, uid, run_id, project, name, job_type, group_name, notes, state, config, summary,"
            " created_at, updated_at, finished_at, exit_code, site) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (self.run_row(number, count) for number in range(1, count + 1)),
        )

    def run_row(self, number: int, count: int) -> tuple[object, ...]:
        job = JOBS[number % len(JOBS)]
        state = "running" if number > count - 3 else self.random.choice(STATES)
        started = self.time_of(number / count)
        ended = None if state == "running" else self.time_of(number / count + self.random.random() / 2_000)
        config = {"lr": self.random.choice([0.1, 0.01, 0.001]), "batch": 2 ** (number % 7), "seed": number}
        summary = {"acc": round(self.random.random(), 4), "loss": round(self.random.random() * 3, 4)}
        return (
            number,
            self.uid(1, number),
            f"r{number:07x}",
            1 if number % 50 else 2,
            self.name(f"{job}-{number}", number),
            self.name(job, number * 7),
            f"sweep-{number // 40}" if number % 3 else None,
            self.name("", number) or None,
            state,
            json.dumps(config, separators=(",", ":")),
            json.dumps(summary, separators=(",", ":")),
            started,
            ended or started,
            ended,
            None if state == "running" else int(state != "finished"),
            "big",
        )

    def artifacts(self) -> None:
        names = ["telemetry", "mnist-raw", "mnist-preprocessed", "trained-model"]
        names += [f"{TYPES[n % 8]}-{n:05}" for n in range(len(names), self.shape.artifacts)]
        self.artifact_count = len(names)
        self.per_artifact = [0] * len(names)
        for number in range(self.shape.versions):
            self.per_artifact[0 if number % 2 else self.random.randrange(len(names))] += 1
        self.db.executemany(
            "INSERT INTO artifacts(id, project, name, type, description, next_number, created_at)"
            " VALUES (?,?,?,?,?,?,?)",
            [
                (
                    number + 1,
                    1 if number % 40 or number < 4 else 2,
                    self.name(name, number + 2),
                    self.name(TYPES[number % 8], number * 5 + 1),
                    self.name("", number) or None,
                    self.per_artifact[number],
                    self.time_of(0),
                )
                for number, name in enumerate(names)
            ],
        )

    def versions(self) -> None:
        self.ids: list[int] = []
        rows, aliases = [], []
        version = 0
        for artifact, count in enumerate(self.per_artifact, 1):
            for number in range(count):
                version += 1
                share = (number + self.random.random()) / count
                rows.append(self.version_row(version, artifact, number, self.time_of(share)))
            if count:
                chosen = [
                    ("latest", version),
                    (self.name("best", artifact), version - self.random.randrange(count)),
                ]
                aliases += [(artifact, name, row, self.time_of(1)) for name, row in chosen]
        self.version_count = version
        self.db.executemany(
            "INSERT INTO versions(id, uid, artifact, number, manifest, description, metadata, created_at, updated_at,"
            " site) VALUES (?,?,?,?,?,?,?,?,?,?)",
            rows,
        )
        self.db.executemany(
            "INSERT INTO aliases(artifact, name, version, updated_at) VALUES (?,?,?,?)", aliases
        )

    def version_row(self, version: int, artifact: int, number: int, at: str) -> tuple[object, ...]:
        manifest, _ = self.manifests[self.random.randrange(len(self.manifests))]
        metadata: dict[str, object] = {
            "acc": round(self.random.random(), 4),
            "epoch": number % 90,
            "source": self.name("torchvision.datasets.MNIST", version),
            "split": {"train": 50_000, "val": 10_000},
        }
        if self.shape.hostile:
            metadata[self.name("k", version)] = [self.name("v", version + 1)]
        text = json.dumps(metadata, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        description = self.name("", version) or None
        return (version, self.uid(2, version), artifact, number, manifest, description, text, at, at, "big")

    def edges(self) -> None:
        runs = max(self.shape.runs, 1)

        def rows() -> Iterator[tuple[object, ...]]:
            if not self.shape.runs:
                return
            for version in range(1, self.version_count + 1):
                yield 1 + version * 7 % runs, version, "output", 1
                if version % 2:
                    yield 1 + (version * 7 + 5) % runs, version, "input", 0

        self.db.executemany(
            "INSERT OR IGNORE INTO edges(run, version, direction, made, created_at) VALUES (?,?,?,?,'2026-06-01')",
            rows(),
        )

    def many_files(self) -> None:
        """`many-files:v0`: half of the files in one folder, the rest in folders of a thousand."""
        flat = self.shape.files // 2
        paths = [f"images/{number:07}.jpg" for number in range(flat)]
        paths += [
            f"shards/{number // 1000:04}/{number % 1000:04}.bin" for number in range(self.shape.files - flat)
        ]
        rows = [(path, 1 + number % 2_000) for number, path in enumerate(paths)]
        manifest, _ = self.manifest(rows, None)
        artifact = self.artifact_count + 1
        self.db.execute(
            "INSERT INTO artifacts(id, project, name, type, next_number, created_at)"
            " VALUES (?,1,'many-files','dataset',1,?)",
            (artifact, self.time_of(0)),
        )
        version, at = self.version_count + 1, self.time_of(0.99)
        self.db.execute(
            "INSERT INTO versions(id, uid, artifact, number, manifest, metadata, created_at, updated_at, site)"
            " VALUES (?,?,?,0,?,'{}',?,?,'big')",
            (version, self.uid(2, version), artifact, manifest, at, at),
        )
        self.db.execute(
            "INSERT INTO aliases(artifact, name, version, updated_at) VALUES (?,'latest',?,?)",
            (artifact, version, at),
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name in ("versions", "artifacts", "runs", "files"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Shape(), name))
    parser.add_argument("--hostile", action="store_true")
    given = vars(parser.parse_args())
    started = time.perf_counter()
    make_big_store(given.pop("folder"), Shape(**given))
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
