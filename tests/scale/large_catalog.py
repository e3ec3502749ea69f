"""A catalog of any size in seconds: rows as the library writes them, made by bulk SQL. The bytes are missing.

    python tests/scale/large_catalog.py FOLDER [--versions 100000 --files 100 --whole 1000000]

Versions, seals, page lists, digests, edges, aliases and search are what the library would have written, so that
everything but the content of files can be read. Not there: journal records and packs, which reading does not ask.
"""

import argparse
import sqlite3
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from localart.catalog.counts import restore_counts
from localart.catalog.seals import seal_all
from localart.manifest import Page, encode_pages, manifest_digest
from localart.manifest.digest import page_digest
from localart.manifest.pages import ends_page
from localart.model import Digest
from localart.repository import open_repository

_TAIL = struct.Struct("<B32sQ")
_SIZE = 4_000
_FOLDERS = 4
_FOLDERS_OF_WHOLE = 1_000

WHOLE = "whole"
LONG = "p0/line-000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much of everything. A tenth of the versions are of one artifact, `LONG`; the others share alike.

    Each version but one holds `files` files; `whole:v0` holds `whole` in a thousand folders. Each run makes
    `per_run` versions and uses as many made by earlier runs, so that all hangs together.
    """

    versions: int = 100_000
    artifacts: int = 101
    projects: int = 5
    files: int = 90
    whole: int = 1_000_000
    blobs: int = 200_003
    per_run: int = 5


def make_large_catalog(root: Path, shape: Shape) -> Path:
    """Fill a new store at `root`; its folder."""
    repository = open_repository(root)
    try:
        repository.read().execute("PRAGMA foreign_keys=OFF")  # every row is made from the same formulas
        with repository.catalog.write() as tx:
            _Filler(tx.connection, shape).fill()
            seal_all(tx)
            restore_counts(tx)
        repository.read().execute("PRAGMA foreign_keys=ON")
    finally:
        repository.close()
    return root


def uid_of(kind: int, number: int) -> str:
    return f"00000000-0000-7{kind:03x}-8000-{number:012x}"


def at(number: int) -> str:
    days, seconds = divmod(number, 86_400)
    return f"2026-01-{1 + days:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000000Z"


class _Filler:
    def __init__(self, connection: sqlite3.Connection, shape: Shape) -> None:
        self.db = connection
        self.shape = shape

    def fill(self) -> None:
        self.names()
        self.blobs()
        self.small_manifests()
        self.versions()
        self.runs()
        if self.shape.whole:
            self.whole()
        for table in ("artifacts", "versions", "runs"):
            self.db.execute(f"INSERT INTO {table}_fts({table}_fts) VALUES ('rebuild')")

    def names(self) -> None:
        shape = self.shape
        self.counts = self._counts()
        self.db.executemany(
            "INSERT INTO projects(id, name, created_at) VALUES (?,?,?)",
            [(number + 1, f"p{number}", at(0)) for number in range(shape.projects)],
        )
        self.db.executemany(
            "INSERT INTO artifacts(id, project, name, type, next_number, created_at) VALUES (?,?,?,?,?,?)",
            [
                (
                    number + 1,
                    number % shape.projects + 1,
                    f"line-{number:03}",
                    ("dataset", "model")[number % 2],
                    count,
                    at(0),
                )
                for number, count in enumerate(self.counts)
            ],
        )

    def _counts(self) -> list[int]:
        """How many versions each artifact has."""
        shape = self.shape
        long = shape.versions // 10
        rest, more = divmod(shape.versions - long, shape.artifacts - 1)
        return [long] + [rest + (number < more) for number in range(shape.artifacts - 1)]

    # --- what versions hold ----------------------------------------------------------------------------

    def blobs(self) -> None:
        count = self.shape.blobs
        self.digests = [blake3(b"blob %d" % number).digest() for number in range(count)]
        self.db.executemany(
            "INSERT INTO blobs(id, digest, size) VALUES (?,?,?)",
            ((number + 1, digest, _SIZE) for number, digest in enumerate(self.digests)),
        )
        tails = [_TAIL.pack(0, digest, _SIZE) for digest in self.digests]
        self.tails = tails + tails[: max(self.shape.files, 1)]

    def small_manifests(self) -> None:
        """Manifest `v` holds at place `k` the blob `(v * 37) % blobs + k`, wrapped."""
        shape = self.shape
        paths = [f"data/part-{k * _FOLDERS // shape.files}/file-{k:04}.bin" for k in range(shape.files)]
        self.db.executemany(
            "INSERT INTO dirs(id, path) VALUES (?,?)",
            [(number + 1, f"data/part-{number}") for number in range(_FOLDERS)],
        )
        self.db.executemany(
            "INSERT INTO manifests(id, digest, complete, file_count, size, pages, created_at) VALUES (?,?,1,?,?,?,?)",
            self._heads(paths),
        )
        self.db.execute(
            "INSERT INTO chains(manifest, position, layer) SELECT id, 0, id FROM manifests ORDER BY id"
        )
        self.db.execute("CREATE TEMP TABLE place(k INTEGER PRIMARY KEY, dir INTEGER, name TEXT)")
        self.db.executemany(
            "INSERT INTO place VALUES (?,?,?)",
            [(k, k * _FOLDERS // shape.files + 1, path.rpartition("/")[2]) for k, path in enumerate(paths)],
        )
        self.db.execute(
            "INSERT INTO entries(manifest, dir, name, blob)"
            " SELECT m.id, p.dir, p.name, (m.id * 37 % :blobs + p.k) % :blobs + 1"
            " FROM manifests m CROSS JOIN place p",
            {"blobs": shape.blobs},
        )
        self.db.execute("DROP TABLE place")

    def _heads(self, paths: list[str]) -> Iterator[tuple[object, ...]]:
        shape = self.shape
        prefixes = [len(path).to_bytes(2, "little") + path.encode() for path in paths]
        cuts = [k for k, path in enumerate(paths) if ends_page(path)]
        ends = sorted({*cuts, len(paths) - 1}) if paths else []
        self.manifest_digests = [b""]
        for number in range(1, shape.versions + 1):
            first = number * 37 % shape.blobs
            parts = [b""] * (2 * len(paths))
            parts[0::2] = prefixes
            parts[1::2] = self.tails[first : first + len(paths)]
            pages, begin = [], 0
            for end in ends:
                digest = page_digest(parts[2 * begin : 2 * end + 2])
                pages.append(Page(paths[end], end + 1 - begin, digest))
                begin = end + 1
            digest = manifest_digest(page.digest for page in pages)
            self.manifest_digests.append(digest)
            yield number, digest, shape.files, shape.files * _SIZE, encode_pages(pages), at(number)

    # --- versions and runs -----------------------------------------------------------------------------

    def versions(self) -> None:
        self.db.executemany(
            "INSERT INTO versions(id, uid, artifact, number, manifest, metadata, created_at, updated_at, site)"
            " VALUES (?,?,?,?,?,?,?,?,'large')",
            self._version_rows(),
        )
        self.db.execute(
            "CREATE TEMP TABLE newest AS SELECT artifact, max(id) AS id FROM versions GROUP BY artifact"
        )
        pairs = self.db.execute("SELECT artifact, id FROM newest").fetchall()
        self.db.execute("DROP TABLE newest")
        self.db.executemany(
            "INSERT INTO aliases(artifact, name, version, updated_at) VALUES (?,?,?,?)",
            [(artifact, name, row, at(row)) for artifact, row in pairs for name in ("best", "latest")],
        )

    def _version_rows(self) -> Iterator[tuple[object, ...]]:
        row = 0
        for artifact, count in enumerate(self.counts, 1):
            for number in range(count):
                row += 1
                metadata = (
                    f'{{"accuracy":0.{row % 9973},"epoch":{number},"source":"torchvision.datasets.MNIST"}}'
                )
                yield row, uid_of(2, row), artifact, number, row, metadata, at(row), at(row)

    def runs(self) -> None:
        """Run r made versions `per_run * r - (0..)`, and used as many others; a fifth of them one of the first ten."""
        per = self.shape.per_run
        count = self.shape.versions // per
        self.db.executemany(
            "INSERT INTO runs(id, uid, run_id, project, name, job_type, state, config, created_at, updated_at,"
            " finished_at, exit_code, site) VALUES (?,?,?,?,?,?,'finished',?,?,?,?,0,'large')",
            (
                (
                    r, uid_of(1, r), f"r{r:07x}", r % self.shape.projects + 1, f"run-{r}", ("train", "load")[r % 2],
                    f'{{"lr":0.{r % 97},"seed":{r}}}', at(r), at(r), at(r + 1),
                )
                for r in range(1, count + 1)
            ),
        )  # fmt: skip
        self.db.executemany(
            "INSERT OR IGNORE INTO edges(run, version, direction, made, created_at) VALUES (?,?,?,?,?)",
            self._edges(count, per),
        )

    def _edges(self, count: int, per: int) -> Iterator[tuple[object, ...]]:
        for r in range(1, count + 1):
            for k in range(per):
                yield r, (r - 1) * per + k + 1, "output", 1, at(r)
                if r > 1:
                    yield r, (r * 7919 + k * 104_729) % ((r - 1) * per) + 1, "input", 0, at(r)

    # --- one of a million files ------------------------------------------------------------------------

    def whole(self) -> None:
        shape = self.shape
        folders = min(_FOLDERS_OF_WHOLE, shape.whole)
        per = -(-shape.whole // folders)
        manifest, artifact, version = shape.versions + 1, shape.artifacts + 1, shape.versions + 1
        self.db.executemany(
            "INSERT INTO dirs(id, path) VALUES (?,?)",
            [(1_000 + number, f"images/{number:04}") for number in range(folders)],
        )
        pages = list(self._whole_pages(per))
        digest = manifest_digest(page.digest for page in pages)
        self.db.execute(
            "INSERT INTO manifests(id, digest, complete, file_count, size, pages, created_at) VALUES (?,?,1,?,?,?,?)",
            (manifest, digest, shape.whole, shape.whole * _SIZE, encode_pages(pages), at(0)),
        )
        self.db.execute("INSERT INTO chains(manifest, position, layer) VALUES (?,0,?)", (manifest, manifest))
        self.db.execute(
            "WITH RECURSIVE n(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM n WHERE k < :last)"
            " INSERT INTO entries(manifest, dir, name, blob)"
            " SELECT :manifest, 1000 + k / :per, printf('%07d.jpg', k), k % :blobs + 1 FROM n",
            {"last": shape.whole - 1, "manifest": manifest, "per": per, "blobs": shape.blobs},
        )
        self.db.execute(
            "INSERT INTO artifacts(id, project, name, type, next_number, created_at) VALUES (?,1,?,'dataset',1,?)",
            (artifact, WHOLE, at(0)),
        )
        self.db.execute(
            "INSERT INTO versions(id, uid, artifact, number, manifest, created_at, updated_at, site)"
            " VALUES (?,?,?,0,?,?,?,'large')",
            (version, uid_of(2, version), artifact, manifest, at(0), at(0)),
        )
        self.db.execute(
            "INSERT INTO aliases(artifact, name, version, updated_at) VALUES (?,'latest',?,?)",
            (artifact, version, at(0)),
        )

    def _whole_pages(self, per: int) -> Iterator[Page]:
        parts: list[bytes] = []
        for k in range(self.shape.whole):
            path = f"images/{k // per:04}/{k:07}.jpg"
            encoded = path.encode()
            parts.append(len(encoded).to_bytes(2, "little") + encoded + self.tails[k % self.shape.blobs])
            if ends_page(path) or k == self.shape.whole - 1:
                yield Page(path, len(parts), Digest(page_digest(parts)))
                parts = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    plain = Shape()
    for name in Shape.__slots__:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(plain, name))
    given = vars(parser.parse_args())
    began = time.perf_counter()
    folder = make_large_catalog(given.pop("folder"), Shape(**given))
    size = (folder / "localart.db").stat().st_size
    print(f"{time.perf_counter() - began:.1f} s, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
